"""Nodes that are lost: their conditions, their taints, and when too much is lost to taint anything."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.controllers.node_health import (
    Zone,
    execute_taints,
    ready_status,
    schedule_taints,
    unknown_conditions,
    zone_state,
)
from kubesim.units import SECOND

NOW = 100 * SECOND
UNREACHABLE, NOT_READY = "node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"


def node(ready: str = "True", *, taints: tuple[tuple[str, str], ...] = (), **more: Any) -> dict[str, Any]:
    """A Node with that readiness, these taints (key and effect), other conditions by type, and spec fields."""
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": "then"}]
    conditions += [{"type": type_, "status": status} for type_, status in more.pop("conditions", {}).items()]
    spec = {"taints": [{"key": key, "effect": effect} for key, effect in taints], **more}
    return {"metadata": {"name": "n"}, "spec": spec, "status": {"conditions": conditions}}


def test_a_silent_nodes_conditions_become_unknown_all_but_those_of_others() -> None:
    conditions = node(conditions={"MemoryPressure": "False", "NetworkUnavailable": "False"})["status"]["conditions"]
    found = {entry["type"]: entry for entry in unknown_conditions(conditions, NOW)}
    assert [found[type_]["status"] for type_ in ("Ready", "MemoryPressure", "NetworkUnavailable")] == [
        "Unknown",
        "Unknown",
        "False",
    ]
    assert (found["Ready"]["reason"], found["Ready"]["message"]) == (
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
    )
    assert found["Ready"]["lastTransitionTime"] != "then"
    again = unknown_conditions(unknown_conditions(conditions, NOW), NOW + SECOND)
    assert again == unknown_conditions(conditions, NOW)


def test_a_node_that_posted_nothing_is_not_known_to_be_ready() -> None:
    assert ready_status({"metadata": {"name": "n"}}) == "Unknown"


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["True"], Zone.NORMAL),
        (["Unknown"], Zone.FULL),
        (["Unknown", "False"], Zone.FULL),
        (["True", "Unknown"], Zone.NORMAL),
        (["True", "True", "Unknown", "Unknown", "Unknown"], Zone.PARTIAL),
        (["True", "True", "True", "Unknown", "Unknown", "Unknown"], Zone.NORMAL),
        ([], Zone.NORMAL),
    ],
)
def test_the_state_of_a_zone(statuses: list[str], state: Zone) -> None:
    """More than two lost and at least 55 % is a partial disruption, all lost a full one."""
    assert zone_state(statuses) is state


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (node(), None),
        (node("False"), [NOT_READY]),
        (node("Unknown"), [UNREACHABLE]),
        (node("Unknown", taints=((UNREACHABLE, "NoSchedule"),)), None),
        (node("Unknown", taints=((NOT_READY, "NoSchedule"),)), [UNREACHABLE]),
        (node(taints=((UNREACHABLE, "NoSchedule"), ("mine", "NoSchedule"))), ["mine"]),
        (node(taints=((UNREACHABLE, "NoExecute"),)), None),
        (node(unschedulable=True), ["node.kubernetes.io/unschedulable"]),
        (node(conditions={"MemoryPressure": "True"}), ["node.kubernetes.io/memory-pressure"]),
    ],
)
def test_taints_that_keep_new_pods_away_follow_the_conditions(given: dict[str, Any], keys: list[str] | None) -> None:
    found = schedule_taints(given, NOW)
    assert (None if found is None else [taint["key"] for taint in found]) == keys


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (node(), None),
        (node("Unknown"), [UNREACHABLE]),
        (node("Unknown", taints=(("mine", "NoExecute"),)), [UNREACHABLE, "mine"]),
        (node("False", taints=((UNREACHABLE, "NoExecute"),)), [NOT_READY]),
        (node("Unknown", taints=((UNREACHABLE, "NoExecute"),)), None),
        (node(taints=((UNREACHABLE, "NoExecute"), ("mine", "NoExecute"))), ["mine"]),
        (node(taints=((UNREACHABLE, "NoSchedule"),)), None),
    ],
)
def test_the_taint_that_evicts_follows_readiness(given: dict[str, Any], keys: list[str] | None) -> None:
    found = execute_taints(given, NOW)
    assert (None if found is None else [taint["key"] for taint in found]) == keys
