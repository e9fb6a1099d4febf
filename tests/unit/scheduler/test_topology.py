"""Affinity between pods and topology spread: what pods say about the company they keep."""

from __future__ import annotations

from typing import Any

import pytest
from scheduler_pieces import cluster, holding, node, pod, scheduler

from kubesim.scheduler import Bind, NodeState, Snapshot, schedule

AFFINITY = "node(s) didn't match pod affinity rules"
ANTI = "node(s) didn't match pod anti-affinity rules"
REPELLED = "node(s) didn't satisfy existing pods anti-affinity rules"
SPREAD = "node(s) didn't match pod topology spread constraints"


def near(app: str, key: str = "zone", **more: Any) -> dict[str, Any]:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **more}


def affinity(*terms: dict[str, Any], anti: bool = False) -> dict[str, Any]:
    kind = "podAntiAffinity" if anti else "podAffinity"
    return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}}


def zones(*pods_in_a: Any, in_b: tuple[Any, ...] = ()) -> tuple[NodeState, NodeState]:
    return holding(node("a", {"zone": "a"}), *pods_in_a), holding(node("b", {"zone": "b"}), *in_b)


def result(snapshot: Snapshot, **tweak: Any) -> str:
    """The node, or the reasons without their counts and the part about preemption."""
    found = schedule(pod(**tweak), snapshot, scheduler())
    if isinstance(found, Bind):
        return found.node
    reasons = sorted({reason for entry in found.rejections.values() for reason in entry.reasons})
    return ", ".join(reasons)


DB = pod("db", on="a", labels={"app": "db"})
DB_ELSEWHERE = pod("db", on="a", labels={"app": "db"}, namespace="other")
LONER = pod("loner", on="a", labels={"app": "x"}, **affinity(near("web"), anti=True))


@pytest.mark.parametrize(
    ("states", "tweak", "expected"),
    [
        (zones(DB), affinity(near("db")), "a"),
        (zones(), affinity(near("db")), AFFINITY),
        (zones(DB_ELSEWHERE), affinity(near("db")), AFFINITY),
        (zones(DB_ELSEWHERE), affinity(near("db", namespaces=["other"])), "a"),
        (zones(DB_ELSEWHERE), affinity(near("db", namespaceSelector={})), "a"),
        (zones(DB), affinity(near("db", key="rack")), AFFINITY),
        (zones(DB), affinity(near("db"), anti=True), "b"),
        (zones(LONER), {"labels": {"app": "web"}}, "b"),
        (zones(LONER), {"labels": {"app": "other"}}, "b"),  # not repelled, but a has a pod already
    ],
)
def test_affinity(states: tuple[NodeState, NodeState], tweak: dict[str, Any], expected: str) -> None:
    assert result(cluster(*states), **tweak) == expected


def test_reasons_of_anti_affinity() -> None:
    alone = holding(node("a", {"zone": "a"}), DB)
    assert result(cluster(alone), **affinity(near("db"), anti=True)) == ANTI
    assert result(cluster(holding(node("a", {"zone": "a"}), LONER)), labels={"app": "web"}) == REPELLED


def test_the_first_of_a_group_may_go_anywhere() -> None:
    """A pod that wants the company of its own kind would otherwise never start."""
    assert result(cluster(*zones()), labels={"app": "web"}, **affinity(near("web"))) == "a"
    mate = pod("mate", on="b", labels={"app": "web"})
    assert result(cluster(*zones(in_b=(mate,))), labels={"app": "web"}, **affinity(near("web"))) == "b"


def test_nobody_is_looked_at_when_nobody_repels() -> None:
    snapshot = Snapshot({"a": holding(node("a", {"zone": "a"}), LONER)}, has_repelling=False)
    assert result(snapshot, labels={"app": "web"}) == "a"


def spread(**more: Any) -> dict[str, Any]:
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    return {"labels": {"app": "web"}, "topologySpreadConstraints": [{**constraint, **more}]}


def webs(count: int, **more: Any) -> tuple[Any, ...]:
    return tuple(pod(f"w{number}", on="a", labels={"app": "web"}, **more) for number in range(count))


@pytest.mark.parametrize(
    ("states", "tweak", "expected"),
    [
        (zones(*webs(1)), spread(), "b"),
        (zones(*webs(2)), spread(maxSkew=3), "b"),  # both may; b is emptier
        (zones(*webs(1), in_b=webs(1)), spread(), "a"),
        (zones(*webs(1), in_b=webs(1, deleting=True)), spread(), "b"),  # one that leaves is not counted
        ((node("a"),), spread(), SPREAD + " (missing required label)"),
        ((node("a", {"zone": "a"}),), spread(minDomains=2), "a"),
        ((holding(node("a", {"zone": "a"}), *webs(1)),), spread(minDomains=2), SPREAD),
        ((holding(node("a", {"zone": "a"}), *webs(1)),), spread(), "a"),  # the only domain is the least filled
        (zones(*webs(5, namespace="other")), spread(), "b"),
        (zones(*webs(1)), spread(whenUnsatisfiable="ScheduleAnyway"), "b"),
    ],
)
def test_spread(states: tuple[NodeState, ...], tweak: dict[str, Any], expected: str) -> None:
    assert result(cluster(*states), **tweak) == expected


def test_nodes_the_pod_cannot_use_count_only_if_asked_to() -> None:
    """``nodeAffinityPolicy`` and ``nodeTaintsPolicy``: Honor leaves such nodes out of the comparison."""
    full = holding(node("a", {"zone": "a", "pool": "x"}), *webs(1))
    empty = node("b", {"zone": "b"})
    picky = {**spread(), "nodeSelector": {"pool": "x"}}
    assert result(cluster(full, empty), **picky) == "a"
    blind = {**spread(nodeAffinityPolicy="Ignore"), "nodeSelector": {"pool": "x"}}
    assert SPREAD in result(cluster(full, empty), **blind)
    tainted = node("b", {"zone": "b"}, taints=[{"key": "k", "effect": "NoSchedule"}])
    assert SPREAD in result(cluster(full, tainted), **spread())
    assert result(cluster(full, tainted), **spread(nodeTaintsPolicy="Honor")) == "a"


def test_label_keys_narrow_to_the_same_revision() -> None:
    old = pod("w", on="a", labels={"app": "web", "rev": "1"})
    states = holding(node("a", {"zone": "a"}), old), node("b", {"zone": "b"}, unschedulable=True)
    tweak = spread(matchLabelKeys=["rev"])
    assert SPREAD in result(cluster(*states), **{**tweak, "labels": {"app": "web", "rev": "1"}})
    assert result(cluster(*states), **{**tweak, "labels": {"app": "web", "rev": "2"}}) == "a"
