"""How many Pods a ReplicaSet creates, which it deletes, and what its status says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from kubesim.replica_controllers.replica_sets import (
    Tally,
    missing,
    pod_of,
    pods_to_delete,
    status_after,
    tally,
)
from kubesim.replica_controllers.views import pod_facts, scaled_value
from kubesim.units import SECOND
from tests.unit.replica_controllers.made_replicas import NOW, TEMPLATE, all_well, owned, pod


@pytest.mark.parametrize(
    ("desired", "active", "expected"), [(3, 0, 3), (3, 3, 0), (3, 5, -2), (2000, 0, 500), (0, 2000, -500)]
)
def test_one_sync_closes_the_gap_by_500_at_most(desired: int, active: int, expected: int) -> None:
    assert missing(owned("a", desired), active) == expected


def test_pods_are_counted_by_what_they_are() -> None:
    owner = owned("web", 4, min_ready=30)
    pods = [
        pod("long ready"),
        pod("just ready", ready_since=NOW - 10 * SECOND),
        pod("not ready", ready_since=None, labels={}),
        pod("gone", is_active=False),
    ]
    assert tally(pods, owner, NOW) == Tally(active=3, labelled=2, ready=2, available=1)
    assert tally(pods, owner, NOW + 20 * SECOND).available == 2


ORDER: list[tuple[str, dict[str, Any]]] = [
    ("not assigned", {"node": "", "phase": "Pending", "ready_since": None}),
    ("pending", {"phase": "Pending", "ready_since": None}),
    ("not ready", {"ready_since": None}),
    ("cheap", {"deletion_cost": -5}),
    ("crowded node", {"node": "n2"}),
    ("ready for a second", {"ready_since": NOW - SECOND}),
    ("restarted", {"restarts": 3}),
    ("young", {"created": NOW - 2 * SECOND}),
    ("old and quiet", {}),
]


@pytest.mark.parametrize("first", range(len(ORDER) - 1))
def test_who_goes_first(first: int) -> None:
    """controller_utils.go: ActivePodsWithRanks, each rule against all that come after it."""
    pods = [pod(f"{number}", **facts) for number, (_, facts) in reversed(list(enumerate(ORDER)))]
    counted = Counter({"n1": 1, "n2": 5})
    chosen = pods_to_delete([one for one in pods if int(one.uid) >= first], 1, counted, NOW)
    assert chosen[0].uid == str(first), ORDER[first][0]


def test_ages_alike_are_told_apart_by_uid() -> None:
    """LogarithmicScaleDown: 60 s and 65 s are of one power of two."""
    pods = [pod("b", ready_since=NOW - 60 * SECOND), pod("a", ready_since=NOW - 65 * SECOND)]
    assert pods_to_delete(pods, 1, Counter(), NOW)[0].uid == "a"
    assert pods_to_delete(pods, 2, Counter(), NOW) == tuple(pods)


def test_the_status_is_written_only_when_it_changes() -> None:
    owner = owned("web", 2, status={})
    status = status_after(owner, all_well(2), "", NOW)
    assert status == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "observedGeneration": 1,
    }
    again = replace(owner, raw={**owner.raw, "status": status})
    assert status_after(again, all_well(2), "", NOW) is None
    assert status_after(again, all_well(1), "", NOW) is not None


def test_a_failure_is_a_condition_until_the_next_success() -> None:
    owner = owned("web", 2, status={})
    failed = status_after(owner, Tally(), "quota is used up", NOW)
    assert failed is not None
    (condition,) = failed["conditions"]
    assert (condition["type"], condition["reason"], condition["message"]) == (
        "ReplicaFailure",
        "FailedCreate",
        "quota is used up",
    )
    later = replace(owner, raw={**owner.raw, "status": failed})
    assert "conditions" not in (status_after(later, all_well(2), "", NOW) or {})


def test_the_pod_is_the_template_with_an_owner() -> None:
    made = pod_of(owned("web-1", 1, template=TEMPLATE))
    assert made["metadata"]["generateName"] == "web-1-"
    assert made["metadata"]["labels"] == {"app": "web"}
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ReplicaSet", "web-1", True)


def test_facts_of_a_raw_pod() -> None:
    raw = {
        "metadata": {
            "uid": "u",
            "name": "p",
            "creationTimestamp": "2024-01-01T00:00:10Z",
            "annotations": {"controller.kubernetes.io/pod-deletion-cost": "-3"},
        },
        "spec": {"nodeName": "n1"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2024-01-01T00:00:20Z"}],
            "containerStatuses": [{"restartCount": 1}, {"restartCount": 4}],
        },
    }
    facts = pod_facts(raw)
    assert (facts.ready_since, facts.restarts, facts.deletion_cost) == (20 * SECOND, 4, -3)
    assert facts.is_active
    assert not pod_facts({**raw, "metadata": {**raw["metadata"], "deletionTimestamp": "x"}}).is_active
    assert not pod_facts({**raw, "status": {"phase": "Failed"}}).is_active


@pytest.mark.parametrize(
    ("value", "total", "up", "expected"),
    [(3, 10, True, 3), ("25%", 10, True, 3), ("25%", 10, False, 2), ("0%", 10, True, 0), ("100%", 7, False, 7)],
)
def test_percentages_round_up_for_surge_and_down_for_unavailable(
    value: int | str, total: int, up: bool, expected: int
) -> None:
    assert scaled_value(value, total, round_up=up) == expected
