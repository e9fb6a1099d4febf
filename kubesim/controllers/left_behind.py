"""Which pods the pod garbage collector removes, and why (C-47 to C-50).

Source: ``pkg/controller/podgc/gc_controller.go``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"
_TERMINAL: Final = ("Succeeded", "Failed")

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Collect:
    """One pod to remove: it is set Failed first if it has not ended. ``disruption``: what its condition says."""

    pod: Raw
    why: str
    rule: str
    disruption: str = ""


def pods_to_collect(
    pods: Iterable[Raw], nodes: Mapping[str, Raw], gone_for_good: Collection[str], threshold: int
) -> list[Collect]:
    """The pods to remove in one pass. ``gone_for_good``: nodes that have been missing for the whole quarantine.

    Terminal pods beyond ``threshold`` go, those evicted first, then the oldest; then pods of lost nodes and of nodes
    out of service, and pods that were deleted before they had a node.
    """
    every = list(pods)
    found = [Collect(pod, "more terminal pods than are kept", "C-47") for pod in _beyond(every, threshold)]
    for pod in every:
        node, metadata = _node_of(pod), pod["metadata"]
        deleting = "deletionTimestamp" in metadata
        if deleting and node in nodes and is_out_of_service(nodes[node]):
            found.append(Collect(pod, "its node is out of service", "C-50", ""))
        elif node and node not in nodes and node in gone_for_good:
            found.append(Collect(pod, "its node no longer exists", "C-48", "PodGC: node no longer exists"))
        elif deleting and not node:
            found.append(Collect(pod, "it was deleted before it had a node", "C-49"))
    return found


def _beyond(pods: list[Raw], threshold: int) -> list[Raw]:
    terminal = [pod for pod in pods if (pod.get("status") or {}).get("phase") in _TERMINAL]
    if threshold <= 0 or len(terminal) <= threshold:
        return []
    order = sorted(terminal, key=lambda pod: (not _is_evicted(pod), pod["metadata"]["creationTimestamp"]))
    return order[: len(terminal) - threshold]


def _is_evicted(pod: Raw) -> bool:
    status = pod.get("status") or {}
    return bool(status.get("phase") == "Failed" and status.get("reason") == "Evicted")


def _node_of(pod: Raw) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def is_out_of_service(node: Raw) -> bool:
    """Whether the node is not ready and somebody has said that it will not come back."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = next((entry["status"] for entry in conditions if entry["type"] == "Ready"), "Unknown")
    taints = (node.get("spec") or {}).get("taints") or ()
    return ready != "True" and any(taint["key"] == OUT_OF_SERVICE for taint in taints)
