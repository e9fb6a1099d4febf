"""When a node's Pods were left alone, by what was done to the node."""

from __future__ import annotations

from typing import Any

import pytest
from build import header

from kubesim.guarantees.absences import absences
from kubesim.history.history import History
from kubesim.history.records import ActionDone, Ended
from kubesim.units import SECOND

END = 100


def done(at: int, do: str, node: str = "node1", **arguments: Any) -> ActionDone:
    return ActionDone(at=at * SECOND, do=do, arguments={"node": node, **arguments}, code=200)


def absent(*actions: ActionDone) -> list[tuple[int, int, bool]]:
    """Start and end in seconds, and whether another process comes back."""
    history = History(header("1.33"), (*actions, Ended(at=END * SECOND, why="until")))
    return [(one.start // SECOND, one.end // SECOND, one.is_new) for one in absences(history, "node1")]


@pytest.mark.parametrize("fault", ["kubelet-stop", "kubelet-restart", "node-down", "node-reboot", "node-shutdown"])
def test_a_fault_lasts_to_the_end_and_a_new_kubelet_comes_after_it(fault: str) -> None:
    assert absent(done(10, fault)) == [(10, END, True)]


def test_the_network_comes_back_to_the_same_kubelet() -> None:
    assert absent(done(10, "network-down")) == [(10, END, False)]


@pytest.mark.parametrize("length", ["takes", "for"])
def test_a_fault_may_say_how_long_it_lasts(length: str) -> None:
    assert absent(done(10, "node-reboot", **{length: "30s"})) == [(10, 40, True)]


@pytest.mark.parametrize("back", ["kubelet-start", "node-up", "network-up"])
def test_what_is_back_ends_what_lasts_still_and_nothing_that_is_over(back: str) -> None:
    over, lasting = done(10, "kubelet-restart", takes="5s"), done(20, "network-down")
    assert absent(over, lasting, done(30, back)) == [(10, 15, True), (20, 30, False)]


def test_other_actions_and_other_nodes_do_not_count() -> None:
    assert absent(done(10, "delete"), done(20, "node-down", node="node2")) == []
    assert absent(done(10, "node-down"), done(20, "node-up", node="node2")) == [(10, END, True)]
    assert absent(done(10, "node-down", node="node2"), done(20, "node-down")) == [(20, END, True)]
    assert absent() == []
