"""What the ReplicaSet and the Deployment controller decide. Pure functions on what their watches have shown.

Source: ``pkg/controller/replicaset``, ``pkg/controller/deployment``, ``pkg/controller/controller_utils.go``.
"""
