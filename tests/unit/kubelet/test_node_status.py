"""What a kubelet posts about its node."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.kubelet.node_status import NodeHealth, memory_event, node_conditions, ready_event
from kubesim.units import SECOND

WELL, LOW, GOING = NodeHealth(), NodeHealth(memory_low=True), NodeHealth(shutting_down=True)
BEGIN, LATER = "2024-01-01T00:00:10Z", "2024-01-01T00:00:20Z"


def posted(status: str, reason: str, message: str, *, since: str = BEGIN, at: str = BEGIN) -> dict[str, Any]:
    times = {"lastHeartbeatTime": at, "lastTransitionTime": since}
    return {"status": status, "reason": reason, "message": message, **times}


def by_type(conditions: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The conditions by type, in their order."""
    return {one["type"]: {key: value for key, value in one.items() if key != "type"} for one in conditions}


WELL_POSTED = {
    "MemoryPressure": posted("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": posted("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": posted("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": posted("True", "KubeletReady", "kubelet is posting ready status"),
}


def test_a_node_that_is_well() -> None:
    found = by_type(node_conditions((), WELL, 10 * SECOND))
    assert found == WELL_POSTED
    assert list(found) == list(WELL_POSTED)


def test_only_what_changes_gets_a_new_transition_time() -> None:
    low = by_type(node_conditions(node_conditions((), WELL, 10 * SECOND), LOW, 20 * SECOND))
    expected = {type_: {**one, "lastHeartbeatTime": LATER} for type_, one in WELL_POSTED.items()}
    words = "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"
    assert low == {**expected, "MemoryPressure": posted("True", *words, since=LATER, at=LATER)}
    going = by_type(node_conditions(node_conditions((), WELL, 10 * SECOND), GOING, 20 * SECOND))
    words = "KubeletNotReady", "node is shutting down"
    assert going == {**expected, "Ready": posted("False", *words, since=LATER, at=LATER)}


def test_conditions_of_others_stay_in_front() -> None:
    other = {"type": "NetworkUnavailable", "status": "False", "lastTransitionTime": BEGIN}
    found = node_conditions([*node_conditions((), WELL, 10 * SECOND), other], WELL, 20 * SECOND)
    assert found[0] == other
    assert [one["type"] for one in found[1:]] == list(WELL_POSTED)


@pytest.mark.parametrize(
    ("before", "health", "event"),
    [
        (None, WELL, "NodeReady"),
        (None, GOING, "NodeNotReady"),
        (WELL, WELL, None),
        (WELL, GOING, "NodeNotReady"),
        (GOING, GOING, None),
        (GOING, WELL, "NodeReady"),
        (WELL, LOW, None),
    ],
)
def test_the_event_about_readiness(before: NodeHealth | None, health: NodeHealth, event: str | None) -> None:
    conditions = [] if before is None else node_conditions((), before, 0)
    assert ready_event(conditions, health) == event


@pytest.mark.parametrize(
    ("before", "health", "event"),
    [
        (None, LOW, None),
        (WELL, WELL, None),
        (WELL, LOW, "NodeHasInsufficientMemory"),
        (LOW, LOW, None),
        (LOW, WELL, "NodeHasSufficientMemory"),
        (WELL, GOING, None),
    ],
)
def test_the_event_about_memory(before: NodeHealth | None, health: NodeHealth, event: str | None) -> None:
    conditions = [] if before is None else node_conditions((), before, 0)
    assert memory_event(conditions, health) == event
