"""What the kubelet decides. Pure functions over frozen data; the shell in ``sim`` acts on what they return."""
