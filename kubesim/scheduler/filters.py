"""Which nodes can take a pod: the filters of the scheduler, in its order; the first "no" counts (C-62).

Source: ``framework/plugins/{nodeunschedulable,tainttoleration,nodeaffinity,nodeports,noderesources,
nodedeclaredfeatures}``, order: ``apis/config/v1/default_plugins.go``.
"""

from __future__ import annotations

from typing import Final

from kubesim.releases import Release
from kubesim.scheduler.node_state import NodeState, Snapshot
from kubesim.scheduler.pods import PodInfo
from kubesim.scheduler.rejections import Filter, Plugin, Rejection
from kubesim.scheduler.resources import missing_resources
from kubesim.scheduler.selectors import affinity_matches, is_cordoned_for, untolerated_taint
from kubesim.scheduler.topology import pod_affinity_filter, spread_filter

HARD_EFFECTS: Final = ("NoSchedule", "NoExecute")


def filters_for(pod: PodInfo, snapshot: Snapshot, release: Release) -> tuple[Filter, ...]:
    """The filters that could have something against a pod, in order; the others are left out."""

    def own(state: NodeState) -> Rejection | None:
        return state.verdict(pod.facts, lambda: node_rejection(pod, state, release))

    between = (spread_filter(pod, snapshot, release), pod_affinity_filter(pod, snapshot, release))
    found: list[Filter] = [own, *(entry for entry in between if entry is not None)]
    if pod.facts.needed_features:
        found.append(lambda state: _features(pod, state, release))
    return tuple(found)


def rejection(filters: tuple[Filter, ...], state: NodeState) -> Rejection | None:
    """The first filter's objection to a node, or None."""
    for look in filters:
        if found := look(state):
            return found
    return None


def node_rejection(pod: PodInfo, state: NodeState, release: Release) -> Rejection | None:
    """What speaks against a node that lies in the node and the pods on it alone."""
    spec, node = pod.spec, state.node
    if node.unschedulable and is_cordoned_for(spec, node, release):
        return Rejection(Plugin.NODE_UNSCHEDULABLE, (release.text("node_unschedulable"),), final=True)
    if node.taints and (taint := untolerated_taint(spec, node, HARD_EFFECTS, release)):
        text = release.text("untolerated_taint").format(key=taint.key, value=taint.value)
        return Rejection(Plugin.TAINT_TOLERATION, (text,), final=True)
    if pod.facts.is_picky and not affinity_matches(spec, node):
        return Rejection(Plugin.NODE_AFFINITY, (release.text("node_affinity"),), final=True)
    if pod.facts.host_ports and state.has_port_conflict(pod):
        return Rejection(Plugin.NODE_PORTS, (release.text("host_ports"),), final=False)
    return _fit(pod, state, release)


def _fit(pod: PodInfo, state: NodeState, release: Release) -> Rejection | None:
    """Whether the node has room, of everything asked for at once (C-66, C-67)."""
    if pod.facts.has_sidecar and release.policy("sidecar_pods_unschedulable"):
        return Rejection(Plugin.NODE_RESOURCES_FIT, (release.text("sidecar_feature_disabled"),), True, ("C-66",))
    allocatable = state.node.allocatable
    has_place = len(state.pods) < allocatable.get("pods", 0)
    requests = pod.facts.requests
    missing = missing_resources(requests, allocatable, state.requested) if requests else ()
    if has_place and not missing:
        return None
    reasons = [] if has_place else [release.text("too_many_pods")]
    reasons += [release.text("insufficient").format(resource=resource) for resource, _ in missing]
    final = release.policy("scheduler_lack_is_final") and any(is_final for _, is_final in missing)
    return Rejection(Plugin.NODE_RESOURCES_FIT, tuple(reasons), final, ("C-62", "C-67"))


def _features(pod: PodInfo, state: NodeState, release: Release) -> Rejection | None:
    if pod.facts.needed_features <= state.node.declared_features:
        return None
    return Rejection(Plugin.NODE_DECLARED_FEATURES, (release.text("node_features"),), True, ("C-70",))
