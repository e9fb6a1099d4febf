"""Whether a selector selects: labels, node selector terms, taints and tolerations.

Source: ``component-helpers/scheduling/corev1`` (nodeaffinity, helpers), ``apimachinery/pkg/labels/selector.go``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kubesim.objects.node import Node, Taint
from kubesim.releases import Release
from kubesim.scheduler.pods import LabelSelector, NodeTerm, Requirement, SchedulingSpec, Toleration

_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_UNSCHEDULABLE_TAINT: Final = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")


def requirement_matches(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    """Whether labels meet one expression; NotIn is met where the key is absent, Gt and Lt compare whole numbers."""
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compares(requirement.operator, value, requirement.values)
    return False


def _compares(operator: str, value: str | None, bounds: tuple[str, ...]) -> bool:
    if value is None or len(bounds) != 1 or not (_INTEGER.fullmatch(value) and _INTEGER.fullmatch(bounds[0])):
        return False
    return int(value) > int(bounds[0]) if operator == "Gt" else int(value) < int(bounds[0])


def selector_matches(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether labels are selected: all by an empty selector, none by an absent one."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(requirement_matches(entry, labels) for entry in selector.match_expressions)


def term_matches(term: NodeTerm, node: Node) -> bool:
    """Whether a node meets all of a term; a term that says nothing matches no node."""
    if not term.match_expressions and not term.match_fields:
        return False
    if not all(requirement_matches(entry, node.labels) for entry in term.match_expressions):
        return False
    return all(requirement_matches(entry, {"metadata.name": node.name}) for entry in term.match_fields)


def affinity_matches(spec: SchedulingSpec, node: Node) -> bool:
    """Whether a node is one of those the pod's nodeSelector and required node affinity allow."""
    if any(node.labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    required = spec.affinity.node_affinity.required
    return required is None or any(term_matches(term, node) for term in required.node_selector_terms)


def named_nodes(spec: SchedulingSpec) -> frozenset[str] | None:
    """The node names that every required term fixes with ``matchFields``, or None if some term leaves it open.

    With these the scheduler looks at no other node (``nodeaffinity``: PreFilter).
    """
    required = spec.affinity.node_affinity.required
    if required is None or not required.node_selector_terms:
        return None
    names: set[str] = set()
    for term in required.node_selector_terms:
        fixed = [set(entry.values) for entry in term.match_fields if _fixes_name(entry)]
        if not fixed:
            return None
        names |= set.intersection(*fixed)
    return frozenset(names)


def _fixes_name(requirement: Requirement) -> bool:
    return requirement.key == "metadata.name" and requirement.operator == "In"


def tolerates(toleration: Toleration, taint: Taint, release: Release) -> bool:
    """Whether a toleration tolerates a taint; empty effect: every effect, empty key with Exists: every key."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    match toleration.operator:
        case "" | "Equal":
            return toleration.value == taint.value
        case "Exists":
            return True
        case "Gt" | "Lt" if release.enabled("TaintTolerationComparisonOperators"):
            return _compares(toleration.operator, taint.value, (toleration.value,))
    return False


def is_tolerated(tolerations: tuple[Toleration, ...], taint: Taint, release: Release) -> bool:
    """Whether one of the tolerations tolerates the taint."""
    return any(tolerates(toleration, taint, release) for toleration in tolerations)


def untolerated_taint(spec: SchedulingSpec, node: Node, effects: tuple[str, ...], release: Release) -> Taint | None:
    """The node's first taint of these effects that the pod does not tolerate."""
    for taint in node.taints:
        if taint.effect in effects and not is_tolerated(spec.tolerations, taint, release):
            return taint
    return None


def is_cordoned_for(spec: SchedulingSpec, node: Node, release: Release) -> bool:
    """Whether the node is unschedulable and the pod does not tolerate that."""
    return node.unschedulable and not is_tolerated(spec.tolerations, _UNSCHEDULABLE_TAINT, release)
