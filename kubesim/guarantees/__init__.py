"""The documented guarantees as code: a History in, verdicts out."""
