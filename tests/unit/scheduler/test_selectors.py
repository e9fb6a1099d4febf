"""Selectors, tolerations and host ports, operator by operator."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from scheduler_pieces import holding, node, pod, scheduler

from kubesim.objects.node import Taint
from kubesim.scheduler.pods import LabelSelector, NodeTerm, Requirement, Toleration
from kubesim.scheduler.selectors import affinity_matches, requirement_matches, selector_matches, term_matches, tolerates

LABELS = {"zone": "a", "size": "3", "word": "big"}


@pytest.mark.parametrize(
    ("key", "operator", "values", "expected"),
    [
        ("zone", "In", ("a", "b"), True),
        ("zone", "In", ("b",), False),
        ("none", "In", ("a",), False),
        ("zone", "NotIn", ("b",), True),
        ("zone", "NotIn", ("a",), False),
        ("none", "NotIn", ("a",), True),
        ("zone", "Exists", (), True),
        ("none", "Exists", (), False),
        ("zone", "DoesNotExist", (), False),
        ("none", "DoesNotExist", (), True),
        ("size", "Gt", ("2",), True),
        ("size", "Gt", ("3",), False),
        ("size", "Lt", ("10",), True),
        ("size", "Lt", ("3",), False),
        ("word", "Gt", ("2",), False),
        ("none", "Lt", ("2",), False),
    ],
)
def test_operators(key: str, operator: str, values: tuple[str, ...], expected: bool) -> None:
    assert requirement_matches(Requirement(key, operator, values), LABELS) is expected


def test_empty_and_absent_selectors() -> None:
    assert selector_matches(LabelSelector(), {})
    assert not selector_matches(None, {})
    assert not term_matches(NodeTerm(), node().node)


@pytest.mark.parametrize(
    ("tweak", "expected"),
    [
        ({}, True),
        ({"nodeSelector": {"zone": "a"}}, True),
        ({"nodeSelector": {"zone": "a", "size": "4"}}, False),
        (
            {
                "terms": [
                    {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]},
                    {"matchExpressions": [{"key": "size", "operator": "Exists"}]},
                ]
            },
            True,
        ),
        (
            {
                "terms": [
                    {"matchExpressions": [{"key": "zone", "operator": "Exists"}, {"key": "none", "operator": "Exists"}]}
                ]
            },
            False,
        ),
        ({"terms": []}, False),
        ({"terms": [{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]}]}, False),
        (
            {"nodeSelector": {"zone": "b"}, "terms": [{"matchExpressions": [{"key": "size", "operator": "Exists"}]}]},
            False,
        ),
    ],
)
def test_required_affinity(tweak: dict[str, Any], expected: bool) -> None:
    """Terms are alternatives, what is in one holds together; the nodeSelector holds besides."""
    spec = {key: value for key, value in tweak.items() if key != "terms"}
    if "terms" in tweak:
        required = {"nodeSelectorTerms": tweak["terms"]}
        spec["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    assert affinity_matches(pod(**spec).spec, node(labels=LABELS).node) is expected


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"key": "k", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "operator": "Equal", "value": "w"}, False),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k", "operator": "Gt", "value": "1"}, False),
    ],
)
def test_tolerations(toleration: dict[str, str], expected: bool) -> None:
    taint = Taint("k", "v", "NoSchedule")
    assert tolerates(msgspec.convert(toleration, Toleration), taint, scheduler()) is expected


def test_comparing_tolerations_need_their_gate() -> None:
    taint, toleration = Taint("k", "5", "NoSchedule"), Toleration("k", "Gt", "4")
    assert not tolerates(toleration, taint, scheduler("1.35"))
    assert tolerates(toleration, taint, scheduler("1.35", TaintTolerationComparisonOperators=True))


def port(number: int, protocol: str = "TCP", address: str = "") -> list[dict[str, Any]]:
    return [{"name": "app", "ports": [{"hostPort": number, "protocol": protocol, "hostIP": address}]}]


@pytest.mark.parametrize(
    ("wanted", "conflict"),
    [
        (port(80), True),
        (port(81), False),
        (port(80, "UDP"), False),
        (port(80, address="10.0.0.1"), True),
        (port(80, address="10.0.0.2"), False),
        (port(0), False),
    ],
)
def test_host_ports(wanted: list[dict[str, Any]], conflict: bool) -> None:
    taken = pod("old", on="n1", containers=port(80, address="10.0.0.1"))
    assert holding(node(), taken).has_port_conflict(pod(containers=wanted)) is conflict


@pytest.mark.parametrize(("label", "conflict"), [("1.32", False), ("1.33.5", False), ("1.33", True), ("1.36", True)])
def test_host_ports_of_sidecars(label: str, conflict: bool) -> None:
    """Pull request 132040 and its way back to 1.33."""
    at = scheduler(label)
    sidecar = [{**port(80)[0], "restartPolicy": "Always"}]
    taken = pod("old", on="n1", at=at, initContainers=sidecar)
    assert holding(node(), taken).has_port_conflict(pod(containers=port(80), at=at)) is conflict
