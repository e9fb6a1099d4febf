"""The conditions a kubelet posts about its node.

Source: ``pkg/kubelet/nodestatus/setters.go`` (ReadyCondition, MemoryPressureCondition, …).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kubesim.objects.status import render_time
from kubesim.units import Instant

READY: Final = "Ready"
MEMORY_PRESSURE: Final = "MemoryPressure"
NODE_SHUTTING_DOWN: Final = "node is shutting down"


class NodeHealth(msgspec.Struct, frozen=True):
    """What a kubelet knows of its node. ``memory_low``: a memory threshold is met, or was not long ago."""

    memory_low: bool = False
    shutting_down: bool = False


def node_conditions(before: Sequence[dict[str, Any]], health: NodeHealth, now: Instant) -> list[dict[str, Any]]:
    """The node's conditions in the kubelet's order; a transition time is kept where the status is as before."""
    earlier = {condition["type"]: condition for condition in before}
    kept = [condition for condition in before if condition["type"] not in {type_ for type_, *_ in _conditions(health)}]
    return kept + [_condition(earlier.get(type_), type_, *rest, now=now) for type_, *rest in _conditions(health)]


def ready_event(before: Sequence[dict[str, Any]], health: NodeHealth) -> str | None:
    """The reason of the Event a kubelet emits when it changes what is said of its node's readiness, or None."""
    ready = next((condition["status"] for condition in before if condition["type"] == READY), None)
    now = "False" if health.shutting_down else "True"
    return None if ready == now else "NodeReady" if now == "True" else "NodeNotReady"


def memory_event(before: Sequence[dict[str, Any]], health: NodeHealth) -> str | None:
    """Likewise for the pressure on memory."""
    low = next((condition["status"] for condition in before if condition["type"] == MEMORY_PRESSURE), None)
    now = "True" if health.memory_low else "False"
    if low in (None, now):
        return None
    return "NodeHasInsufficientMemory" if health.memory_low else "NodeHasSufficientMemory"


def _conditions(health: NodeHealth) -> tuple[tuple[str, str, str, str], ...]:
    if health.memory_low:
        memory = ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
    else:
        memory = ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available")
    ready = ("True", "KubeletReady", "kubelet is posting ready status")
    if health.shutting_down:
        ready = ("False", "KubeletNotReady", NODE_SHUTTING_DOWN)
    return (
        (MEMORY_PRESSURE, *memory),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        (READY, *ready),
    )


def _condition(
    earlier: dict[str, Any] | None, type_: str, status: str, reason: str, message: str, *, now: Instant
) -> dict[str, Any]:
    since = render_time(now)
    if earlier is not None and earlier["status"] == status:
        since = earlier["lastTransitionTime"]
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": render_time(now),
        "lastTransitionTime": since,
    }
