"""Who makes room for a pod of higher priority, and what is said when nobody can."""

from __future__ import annotations

from typing import Any

import pytest
from scheduler_pieces import cluster, holding, node, pod, scheduler

from kubesim.scheduler import Bind, NodeState, PodInfo, Preemption, Unschedulable, schedule


def low(name: str, cpu: str = "2", priority: int = 0, **more: Any) -> PodInfo:
    return pod(name, requests={"cpu": cpu}, priority=priority, **more)


def high(cpu: str = "2", **more: Any) -> PodInfo:
    return pod("vip", requests={"cpu": cpu}, **{"priority": 100, **more})


def failed(incoming: PodInfo, *states: NodeState, label: str = "1.29") -> Unschedulable:
    found = schedule(incoming, cluster(*states), scheduler(label))
    assert isinstance(found, Unschedulable)
    return found


def chosen(incoming: PodInfo, *states: NodeState) -> tuple[str, list[str]]:
    found = failed(incoming, *states).preemption
    assert isinstance(found, Preemption)
    return found.node, [victim.name for victim in found.victims]


def test_as_few_as_possible_and_the_least_important() -> None:
    state = holding(node(), low("old", priority=5), low("new", priority=1))
    assert chosen(high(), state) == ("n1", ["new"])
    assert chosen(high("4"), state) == ("n1", ["old", "new"])


def test_among_equals_the_one_that_started_last_goes() -> None:
    old = low("old", status={"startTime": "2024-01-01T00:00:00Z"})
    new = low("new", status={"startTime": "2024-01-01T01:00:00Z"})
    assert chosen(high(), holding(node(), new, old)) == ("n1", ["new"])


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ([low("b", "4", 9)], [low("a", "4", 1)]),  # the lower highest priority
        ([low("b"), low("c")], [low("a", "4")]),  # fewer, at the same priority
    ],
)
def test_the_cheapest_node(there: list[PodInfo], here: list[PodInfo]) -> None:
    states = holding(node("there"), *there), holding(node("here"), *here)
    assert chosen(high("4"), *states)[0] == "here"


def test_success_leaves_no_part_about_preemption() -> None:
    """The post-filter that succeeds has nothing to say; later ones were not asked."""
    found = failed(high(), holding(node(), low("a"), low("b")), label="1.36")
    assert found.message == "0/1 nodes are available: 1 Insufficient cpu."


@pytest.mark.parametrize(
    ("incoming", "states", "part"),
    [
        (
            high("2", priority=0),
            [holding(node(), low("a"), low("b"))],
            "1 No preemption victims found for incoming pod.",
        ),
        (high("5"), [holding(node(), low("a"))], "1 Insufficient cpu."),
        (high(), [holding(node(), low("a"), low("b")), node("t", unschedulable=True)], ""),
        (high(nodeSelector={"a": "b"}), [holding(node(), low("a"))], "1 Preemption is not helpful for scheduling."),
    ],
)
def test_what_is_said(incoming: PodInfo, states: list[NodeState], part: str) -> None:
    text = failed(incoming, *states).message
    assert text.endswith(
        f"preemption: 0/{len(states)} nodes are available: {part}"
        if part
        else "Insufficient cpu, 1 node(s) were unschedulable."
    )


def test_not_even_an_empty_node_is_tried_since_1_34() -> None:
    found = failed(high("5"), holding(node(), low("a")), label="1.34")
    assert found.message.endswith("1 Preemption is not helpful for scheduling.")


def test_pods_that_must_not_preempt() -> None:
    text = failed(high(preemptionPolicy="Never"), holding(node(), low("a"), low("b"))).message
    assert (
        text == "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."
    )


def test_pods_that_wait_for_their_victims_preempt_nobody_else() -> None:
    waiting = high(status={"nominatedNodeName": "n1"})
    state = holding(node(), low("a", deleting=True), low("b"))
    found = failed(waiting, state)
    assert found.message.endswith("preemption: not eligible due to a terminating pod on the nominated node.")
    assert found.keeps_nomination


def test_nominated_pods_hold_their_room_against_the_less_important() -> None:
    nominated = {"n1": (high("4", status={"nominatedNodeName": "n1"}),)}
    snapshot = cluster(node(), nominated=nominated)
    assert isinstance(schedule(low("a"), snapshot, scheduler()), Unschedulable)
    assert isinstance(schedule(low("boss", priority=101), snapshot, scheduler()), Bind)
    assert isinstance(schedule(nominated["n1"][0], snapshot, scheduler()), Bind)


def test_anti_affinity_can_be_solved_by_preemption() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    state = holding(node(), low("db", labels={"app": "db"}), low("x", "1"))
    assert chosen(high("1", affinity=apart), state) == ("n1", ["db"])
