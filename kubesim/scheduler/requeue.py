"""When a pod that fits nowhere is tried again: what may help it, how long it backs off (C-64).

With the gate SchedulerQueueingHints each filter is asked whether a change helps; without, every registered kind of
change counts, but a node must pass a first check. Both ask here whether the node could take the pod at all.
Source: ``backend/queue/{scheduling_queue,backoff_queue}.go``, the plugins' EventsToRegister, ``eventhandlers.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from kubesim.objects.node import Node
from kubesim.releases import Release
from kubesim.scheduler.filters import node_rejection
from kubesim.scheduler.node_state import NodeState
from kubesim.scheduler.pods import PodInfo
from kubesim.scheduler.rejections import Plugin
from kubesim.units import Duration


class ClusterEvent(Enum):
    """A kind of change that may make a pod schedulable."""

    NODE_ADDED = "node added"
    NODE_GONE = "node gone"
    NODE_ALLOCATABLE = "node has other resources"
    NODE_LABELS = "node has other labels"
    NODE_TAINTS = "node has other taints"
    NODE_FEATURES = "node declares other features"
    POD_ASSIGNED = "pod bound"
    POD_LABELS = "bound pod has other labels"
    POD_GONE = "bound pod gone or finished"


_NODE: Final = frozenset(
    (
        *(ClusterEvent.NODE_ADDED, ClusterEvent.NODE_ALLOCATABLE, ClusterEvent.NODE_LABELS),
        *(ClusterEvent.NODE_TAINTS, ClusterEvent.NODE_FEATURES),
    )
)
_PODS: Final = frozenset((ClusterEvent.POD_ASSIGNED, ClusterEvent.POD_LABELS, ClusterEvent.POD_GONE))

AWAITED: Final[Mapping[Plugin, frozenset[ClusterEvent]]] = {
    Plugin.NODE_UNSCHEDULABLE: frozenset((ClusterEvent.NODE_ADDED, ClusterEvent.NODE_TAINTS)),
    Plugin.TAINT_TOLERATION: frozenset((ClusterEvent.NODE_ADDED, ClusterEvent.NODE_TAINTS)),
    Plugin.NODE_AFFINITY: frozenset((ClusterEvent.NODE_ADDED, ClusterEvent.NODE_LABELS)),
    Plugin.NODE_PORTS: frozenset((ClusterEvent.NODE_ADDED, ClusterEvent.POD_GONE)),
    Plugin.NODE_RESOURCES_FIT: frozenset(
        (ClusterEvent.NODE_ADDED, ClusterEvent.NODE_ALLOCATABLE, ClusterEvent.POD_GONE)
    ),
    Plugin.POD_TOPOLOGY_SPREAD: _PODS | {ClusterEvent.NODE_ADDED, ClusterEvent.NODE_GONE, ClusterEvent.NODE_LABELS},
    Plugin.INTER_POD_AFFINITY: _PODS | {ClusterEvent.NODE_ADDED, ClusterEvent.NODE_LABELS},
    Plugin.NODE_DECLARED_FEATURES: frozenset((ClusterEvent.NODE_ADDED, ClusterEvent.NODE_FEATURES)),
}
"""Which changes may undo a filter's "no"."""

_TOLERATIONS: Final = frozenset((Plugin.TAINT_TOLERATION, Plugin.NODE_UNSCHEDULABLE))
_LABELS: Final = frozenset((Plugin.INTER_POD_AFFINITY, Plugin.POD_TOPOLOGY_SPREAD))
_OWN_METADATA: Final = ("resourceVersion", "generation", "managedFields", "finalizers")


def node_events(before: Node | None, after: Node | None) -> frozenset[ClusterEvent]:
    """What a change of a node is to waiting pods; None: the node was not there before, or is gone."""
    if before is None:
        return frozenset((ClusterEvent.NODE_ADDED,))
    if after is None:
        return frozenset((ClusterEvent.NODE_GONE,))
    found = {
        ClusterEvent.NODE_ALLOCATABLE: before.allocatable != after.allocatable,
        ClusterEvent.NODE_LABELS: before.labels != after.labels,
        ClusterEvent.NODE_TAINTS: (before.taints, before.unschedulable) != (after.taints, after.unschedulable),
        ClusterEvent.NODE_FEATURES: before.declared_features != after.declared_features,
    }
    return frozenset(event for event, happened in found.items() if happened)


def pod_events(before: PodInfo | None, after: PodInfo | None) -> frozenset[ClusterEvent]:
    """What a change of a pod on a node is to waiting pods; a finished pod is as good as gone."""
    was_there = before is not None and not before.finished
    is_there = after is not None and not after.finished
    if was_there and not is_there:
        return frozenset((ClusterEvent.POD_GONE,))
    if is_there and not was_there:
        return frozenset((ClusterEvent.POD_ASSIGNED,))
    if before is not None and after is not None and is_there and before.labels != after.labels:
        return frozenset((ClusterEvent.POD_LABELS,))
    return frozenset()


def may_help(
    pod: PodInfo,
    plugins: frozenset[Plugin],
    events: frozenset[ClusterEvent],
    state: NodeState | None,
    release: Release,
) -> bool:
    """Whether a change is worth another try of a waiting pod. ``state``: the node, where it is a node that changed."""
    if plugins and not any(events & AWAITED[plugin] for plugin in plugins):
        return False
    if state is not None and events & _NODE:
        return node_rejection(pod, state, release) is None
    return bool(events)


def own_change_may_help(
    before: Mapping[str, Any], after: Mapping[str, Any], plugins: frozenset[Plugin], release: Release
) -> bool:
    """Whether a change of the waiting pod itself (raw objects) is worth another try.

    Without SchedulerQueueingHints any change but of status and bookkeeping is, a deletion included; with it, only
    what the filters that said no are about.
    """
    if not release.enabled("SchedulerQueueingHints"):
        return _essence(before) != _essence(after)
    old, new = before["spec"], after["spec"]
    if old.get("tolerations") != new.get("tolerations") and plugins & _TOLERATIONS:
        return True
    if before["metadata"].get("labels") != after["metadata"].get("labels") and plugins & _LABELS:
        return True
    return Plugin.NODE_RESOURCES_FIT in plugins and _asked(old) != _asked(new)


def _essence(raw: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    metadata = {key: value for key, value in raw["metadata"].items() if key not in _OWN_METADATA}
    return metadata, raw["spec"]


def _asked(spec: Mapping[str, Any]) -> list[Any]:
    return [entry.get("resources") for entry in (*spec["containers"], *(spec.get("initContainers") or ()))]


def backoff(attempts: int, release: Release) -> Duration:
    """How long a pod waits after its n-th failed try before it may be tried again (C-64): doubling up to a limit."""
    if attempts <= 0:
        return 0
    longest = release.duration("scheduler_backoff_max")
    return min(release.duration("scheduler_backoff_initial") << min(attempts - 1, 32), longest)
