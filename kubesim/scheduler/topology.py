"""Where a pod may go because of other pods: required (anti-)affinity between pods, and topology spread (C-62).

Both compare *domains*: the values that nodes have for a topology key. Source:
``framework/plugins/interpodaffinity/filtering.go``, ``framework/plugins/podtopologyspread/{common,filtering}.go``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from kubesim.releases import Release
from kubesim.scheduler.node_state import NodeState, Snapshot
from kubesim.scheduler.pods import PodInfo, PodTerm, Requirement, SpreadConstraint
from kubesim.scheduler.rejections import Filter, Plugin, Rejection
from kubesim.scheduler.selectors import affinity_matches, requirement_matches, selector_matches, untolerated_taint

_Domain: TypeAlias = tuple[str, str]
"""A topology key and one value of it."""

_EXISTING_REPEL: Final = "node(s) didn't satisfy existing pods anti-affinity rules"
_MISSING_LABEL: Final = " (missing required label)"


# -- affinity between pods ------------------------------------------------------------------------------------------


def term_selects(term: PodTerm, owner: PodInfo, other: PodInfo, snapshot: Snapshot) -> bool:
    """Whether a term of ``owner`` selects another pod: its namespace first, then its labels."""
    if not _in_namespaces(term, owner, other.namespace, snapshot):
        return False
    if not selector_matches(term.label_selector, other.labels):
        return False
    return all(requirement_matches(entry, other.labels) for entry in _label_keys(term, owner))


def _in_namespaces(term: PodTerm, owner: PodInfo, namespace: str, snapshot: Snapshot) -> bool:
    """Absent selector and list: the owner's namespace; else those listed and those selected."""
    if not term.namespaces and term.namespace_selector is None:
        return namespace == owner.namespace
    if namespace in term.namespaces:
        return True
    return selector_matches(term.namespace_selector, snapshot.namespace_labels(namespace))


def _label_keys(term: PodTerm, owner: PodInfo) -> tuple[Requirement, ...]:
    """``matchLabelKeys`` and ``mismatchLabelKeys``: the owner's own values, where it has the key (KEP-3633)."""
    same = (Requirement(key, "In", (owner.labels[key],)) for key in term.match_label_keys if key in owner.labels)
    other = (Requirement(key, "NotIn", (owner.labels[key],)) for key in term.mismatch_label_keys if key in owner.labels)
    return (*same, *other)


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """The domains that matter to one pod."""

    repelled: frozenset[_Domain]
    """Where a pod is whose anti-affinity selects this one."""
    wanted: Counter[_Domain]
    """Where pods are that match all of its affinity terms."""
    unwanted: frozenset[_Domain]
    """Where a pod is that one of its anti-affinity terms selects."""


def pod_affinity_filter(pod: PodInfo, snapshot: Snapshot, release: Release) -> Filter | None:
    """The filter InterPodAffinity for a pod; None if neither it nor any pod there has a say."""
    affinity = pod.spec.affinity
    wanted, unwanted = affinity.pod_affinity.required, affinity.pod_anti_affinity.required
    if not wanted and not unwanted and not snapshot.has_repelling:
        return None
    seen = _neighbours(pod, snapshot)
    if not wanted and not unwanted and not seen.repelled:
        return None
    attracts_itself = all(term_selects(term, pod, pod, snapshot) for term in wanted)

    def look(state: NodeState) -> Rejection | None:
        labels = state.node.labels
        if wanted and not _has_company(wanted, seen.wanted, labels, attracts_itself):
            return Rejection(Plugin.INTER_POD_AFFINITY, (release.text("pod_affinity"),), final=True)
        if any((term.topology_key, labels.get(term.topology_key, "")) in seen.unwanted for term in unwanted):
            return Rejection(Plugin.INTER_POD_AFFINITY, (release.text("pod_anti_affinity"),), final=False)
        if any(labels.get(key) == value for key, value in seen.repelled):
            return Rejection(Plugin.INTER_POD_AFFINITY, (_EXISTING_REPEL,), final=False)
        return None

    return look


def _has_company(
    wanted: tuple[PodTerm, ...], company: Counter[_Domain], labels: Mapping[str, str], attracts_itself: bool
) -> bool:
    """Whether a node's domains hold the pods wanted; the first of a group that wants itself may go anywhere."""
    if any(term.topology_key not in labels for term in wanted):
        return False
    if all(company[term.topology_key, labels[term.topology_key]] > 0 for term in wanted):
        return True
    return not company and attracts_itself


def _neighbours(pod: PodInfo, snapshot: Snapshot) -> _Neighbours:
    affinity = pod.spec.affinity
    wanted, unwanted = affinity.pod_affinity.required, affinity.pod_anti_affinity.required
    repelled: set[_Domain] = set()
    company: Counter[_Domain] = Counter()
    avoided: set[_Domain] = set()
    for state in snapshot.nodes.values():
        labels = state.node.labels
        for other in state.repelling_pods:
            for term in other.spec.affinity.pod_anti_affinity.required:
                if term.topology_key in labels and term_selects(term, other, pod, snapshot):
                    repelled.add((term.topology_key, labels[term.topology_key]))
        if not wanted and not unwanted:
            continue
        for other in state.pods.values():
            if wanted and all(term_selects(term, pod, other, snapshot) for term in wanted):
                company.update(
                    (term.topology_key, labels[term.topology_key]) for term in wanted if term.topology_key in labels
                )
            for term in unwanted:
                if term.topology_key in labels and term_selects(term, pod, other, snapshot):
                    avoided.add((term.topology_key, labels[term.topology_key]))
    return _Neighbours(frozenset(repelled), company, frozenset(avoided))


# -- topology spread ------------------------------------------------------------------------------------------------


def spread_filter(pod: PodInfo, snapshot: Snapshot, release: Release) -> Filter | None:
    """The filter PodTopologySpread for a pod's DoNotSchedule constraints; None if it has none."""
    constraints = tuple(
        entry for entry in pod.spec.topology_spread_constraints if entry.when_unsatisfiable == "DoNotSchedule"
    )
    if not constraints:
        return None
    counts = tuple(_domain_counts(entry, constraints, pod, snapshot, release) for entry in constraints)
    text = release.text("topology_spread")

    def look(state: NodeState) -> Rejection | None:
        for constraint, found in zip(constraints, counts, strict=True):
            domain = state.node.labels.get(constraint.topology_key)
            if domain is None:
                return Rejection(Plugin.POD_TOPOLOGY_SPREAD, (text + _MISSING_LABEL,), final=True)
            least = min(found.values(), default=0)
            if constraint.min_domains is not None and len(found) < constraint.min_domains:
                least = 0
            own = 1 if _is_spread_with(constraint, pod, pod) else 0
            if found.get(domain, 0) + own - least > constraint.max_skew:
                return Rejection(Plugin.POD_TOPOLOGY_SPREAD, (text,), final=False)
        return None

    return look


def _domain_counts(
    constraint: SpreadConstraint,
    constraints: tuple[SpreadConstraint, ...],
    pod: PodInfo,
    snapshot: Snapshot,
    release: Release,
) -> dict[str, int]:
    """How many of the pods a constraint counts are in each domain, over the nodes it counts."""
    counts: dict[str, int] = {}
    for state in snapshot.nodes.values():
        labels = state.node.labels
        if any(entry.topology_key not in labels for entry in constraints):
            continue
        if not _is_counted_node(constraint, pod, state, release):
            continue
        domain = labels[constraint.topology_key]
        matching = sum(not other.deleting and _is_spread_with(constraint, pod, other) for other in state.pods.values())
        counts[domain] = counts.get(domain, 0) + matching
    return counts


def _is_counted_node(constraint: SpreadConstraint, pod: PodInfo, state: NodeState, release: Release) -> bool:
    """Whether the constraint looks at a node the pod could not go to anyway (``nodeAffinityPolicy`` and its sister)."""
    if constraint.node_affinity_policy == "Honor" and not affinity_matches(pod.spec, state.node):
        return False
    hard = ("NoSchedule", "NoExecute")
    return constraint.node_taints_policy != "Honor" or untolerated_taint(pod.spec, state.node, hard, release) is None


def _is_spread_with(constraint: SpreadConstraint, pod: PodInfo, other: PodInfo) -> bool:
    """Whether a pod is one of those to be spread: of the same namespace, selected, with the same ``matchLabelKeys``."""
    if other.namespace != pod.namespace or not selector_matches(constraint.label_selector, other.labels):
        return False
    keys = (key for key in constraint.match_label_keys if key in pod.labels)
    return all(other.labels.get(key) == pod.labels[key] for key in keys)
