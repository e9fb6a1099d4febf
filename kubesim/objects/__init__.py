"""Kubernetes objects: the raw dict the API server keeps, beside typed views of what the engine reads."""
