"""When a node counts as lost, what is written of it then, and which taints its conditions give it.

Source: ``pkg/controller/nodelifecycle/node_lifecycle_controller.go`` (tryUpdateNodeHealth, processTaintBaseEviction,
handleDisruption, doNoScheduleTaintingPass), ``cmd/kube-controller-manager``: its flags' defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from kubesim.objects.status import render_time
from kubesim.units import Instant

NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
_UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
_POSTED: Final = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that only a kubelet can know."""

_TAINT_OF: Final[Mapping[tuple[str, str], str]] = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
}
_MANAGED: Final = frozenset({*_TAINT_OF.values(), _UNSCHEDULABLE})
_LOST_SHARE: Final = 0.55
_FEW_LOST: Final = 2
LARGE_CLUSTER: Final = 50
"""Up to so many nodes a zone in partial disruption gets no taints at all."""


class Zone(Enum):
    """How much of a zone is lost: it decides how fast its nodes are tainted."""

    NORMAL = "normal"
    PARTIAL = "partial disruption"
    FULL = "full disruption"


def ready_status(node: Mapping[str, Any]) -> str:
    """The status of a raw Node's condition Ready; "Unknown" without one."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return next((str(entry["status"]) for entry in conditions if entry["type"] == "Ready"), "Unknown")


def unknown_conditions(conditions: Iterable[Mapping[str, Any]], now: Instant) -> list[dict[str, Any]]:
    """The conditions of a node whose kubelet has not been heard of for too long."""
    return [_unknown(condition, now) if condition["type"] in _POSTED else dict(condition) for condition in conditions]


def _unknown(condition: Mapping[str, Any], now: Instant) -> dict[str, Any]:
    if condition["status"] == "Unknown":
        return dict(condition)
    return {
        **condition,
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastTransitionTime": render_time(now),
    }


def zone_name(node: Mapping[str, Any]) -> tuple[str, str]:
    """Region and zone of a raw Node, from its labels."""
    labels = node["metadata"].get("labels") or {}
    return labels.get("topology.kubernetes.io/region", ""), labels.get("topology.kubernetes.io/zone", "")


def zone_state(statuses: Sequence[str]) -> Zone:
    """The state of a zone by the Ready statuses of its nodes (computeZoneState)."""
    lost = sum(status != "True" for status in statuses)
    if lost and lost == len(statuses):
        return Zone.FULL
    if lost > _FEW_LOST and lost / len(statuses) >= _LOST_SHARE:
        return Zone.PARTIAL
    return Zone.NORMAL


def schedule_taints(node: Mapping[str, Any], now: Instant) -> list[dict[str, Any]] | None:
    """The node's taints with those of effect NoSchedule that its conditions call for; None: they are so already."""
    spec = node.get("spec") or {}
    conditions = (node.get("status") or {}).get("conditions") or ()
    wanted = {_TAINT_OF.get((entry["type"], entry["status"])) for entry in conditions}
    if spec.get("unschedulable"):
        wanted.add(_UNSCHEDULABLE)
    taints = list(spec.get("taints") or ())
    kept = [taint for taint in taints if not _is_managed(taint) or taint["key"] in wanted]
    present = {taint["key"] for taint in kept if _is_managed(taint)}
    added = [_taint(key, "NoSchedule", now) for key in sorted(key for key in wanted if key) if key not in present]
    return None if not added and len(kept) == len(taints) else [*added, *kept]


def _is_managed(taint: Mapping[str, Any]) -> bool:
    return taint["effect"] == "NoSchedule" and taint["key"] in _MANAGED


def execute_taints(node: Mapping[str, Any], now: Instant) -> list[dict[str, Any]] | None:
    """The node's taints with the one of effect NoExecute that its readiness calls for; None: they are so already."""
    taints = list((node.get("spec") or {}).get("taints") or ())
    wanted = {"False": NOT_READY, "Unknown": UNREACHABLE}.get(ready_status(node))
    kept = [taint for taint in taints if not is_health_taint(taint) or taint["key"] == wanted]
    if wanted is not None and not any(is_health_taint(taint) for taint in kept):
        return [_taint(wanted, "NoExecute", now), *kept]
    return None if len(kept) == len(taints) else kept


def is_health_taint(taint: Mapping[str, Any]) -> bool:
    """Whether a taint of effect NoExecute is one the node lifecycle controller sets and takes away."""
    return taint["effect"] == "NoExecute" and taint["key"] in (NOT_READY, UNREACHABLE)


def _taint(key: str, effect: str, now: Instant) -> dict[str, Any]:
    return {"key": key, "effect": effect, "timeAdded": render_time(now)}
