"""Nodes and pods for tests of the scheduler: a base and what differs from it."""

from __future__ import annotations

from typing import Any

from kubesim.objects.node import node_view
from kubesim.releases import Release, release
from kubesim.scheduler import NodeState, PodInfo, Snapshot, pod_info

ROOM = {"cpu": "4", "memory": "8Gi", "pods": "10"}


def scheduler(label: str = "1.29", **gates: bool) -> Release:
    """A scheduler of that release."""
    return release(label, gates, component="scheduler")


def node(name: str = "n1", labels: dict[str, str] | None = None, **fields: Any) -> NodeState:
    """A node with room for ten pods; ``allocatable`` and ``features`` go to its status, the rest to its spec."""
    room = {**ROOM, **fields.pop("allocatable", {})}
    status = {"allocatable": room, "declaredFeatures": fields.pop("features", [])}
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    return NodeState(node_view({"metadata": metadata, "spec": fields, "status": status}))


def pod(
    name: str = "web",
    *,
    on: str = "",
    labels: dict[str, str] | None = None,
    requests: dict[str, str] | None = None,
    at: Release | None = None,
    namespace: str = "shop",
    status: dict[str, Any] | None = None,
    deleting: bool = False,
    **spec: Any,
) -> PodInfo:
    """A pod of one container; ``requests`` are that container's, the rest goes to its spec."""
    container = {"name": "app", "resources": {"requests": requests or {}}}
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "uid": name, "labels": labels or {}}
    if deleting:
        metadata["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    placed = {"nodeName": on} if on else {}
    raw = {"metadata": metadata, "spec": {"containers": [container], **placed, **spec}, "status": status or {}}
    return pod_info(raw, at or scheduler())


def cluster(*states: NodeState, **more: Any) -> Snapshot:
    """The nodes as the scheduler sees them."""
    return Snapshot({state.node.name: state for state in states}, **more)


def holding(state: NodeState, *pods: PodInfo) -> NodeState:
    """The node with these pods on it."""
    for entry in pods:
        state.add(entry)
    return state
