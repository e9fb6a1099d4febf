"""A scenario: manifests, the cluster they meet, how containers behave, what happens when, and what is expected."""
