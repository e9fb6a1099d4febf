"""What a PodDisruptionBudget allows."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.controllers.budgets import NoExpectedCount, budget_status, failed_status
from kubesim.objects.status import render_time
from kubesim.units import MINUTE, SECOND

NOW = 1000 * SECOND
OWNER = {"spec": {"replicas": 4}}


def budget(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b", "generation": 3}, "spec": spec, "status": status or {}}


def pods(*names: str, owner: str = "rs", ready: str = "True", kind: str = "ReplicaSet") -> list[dict[str, Any]]:
    reference = {"kind": kind, "apiVersion": "apps/v1", "uid": owner, "controller": True}
    references = [reference] if owner else []
    return [
        {
            "metadata": {"name": name, "ownerReferences": references},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }
        for name in names
    ]


def counts(given: dict[str, Any], found: list[dict[str, Any]]) -> tuple[int, int, int, int]:
    status = budget_status(given, found, {"rs": OWNER}, NOW)
    assert status["observedGeneration"] == 3
    return status["expectedPods"], status["currentHealthy"], status["desiredHealthy"], status["disruptionsAllowed"]


@pytest.mark.parametrize(
    ("spec", "found", "expected"),
    [
        ({"minAvailable": 2}, pods("a", "b", "c", owner=""), (3, 3, 2, 1)),
        ({"minAvailable": 2}, pods("a", "b", owner=""), (2, 2, 2, 0)),
        ({"minAvailable": 2}, pods("a", owner=""), (1, 1, 2, 0)),
        ({"minAvailable": 0}, [], (0, 0, 0, 0)),
        ({"minAvailable": "50%"}, pods("a", "b", "c"), (4, 3, 2, 1)),
        ({"minAvailable": "51%"}, pods("a", "b", "c"), (4, 3, 3, 0)),
        ({"maxUnavailable": 1}, pods("a", "b", "c", "d"), (4, 4, 3, 1)),
        ({"maxUnavailable": "25%"}, pods("a", "b", "c"), (4, 3, 3, 0)),
        ({"maxUnavailable": 9}, pods("a"), (4, 1, 0, 1)),
        ({"maxUnavailable": 1}, pods("a", owner=""), (0, 1, 0, 0)),
        ({"minAvailable": 1}, [*pods("a"), *pods("b", ready="False")], (2, 1, 1, 0)),
    ],
)
def test_how_many_may_go(
    spec: dict[str, Any], found: list[dict[str, Any]], expected: tuple[int, int, int, int]
) -> None:
    """Percentages are rounded up, and are of the replicas that the controllers want."""
    assert counts(budget(**spec), found) == expected


def test_a_pod_that_is_on_its_way_out_is_not_healthy() -> None:
    leaving = pods("a")
    leaving[0]["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z"
    assert counts(budget(minAvailable=1), [*leaving, *pods("b")]) == (2, 1, 1, 0)


def test_an_eviction_counts_until_it_shows_or_two_minutes_have_passed() -> None:
    given = budget({"disruptedPods": {"a": render_time(NOW - SECOND), "c": render_time(NOW)}}, minAvailable=1)
    status = budget_status(given, pods("a", "b"), {"rs": OWNER}, NOW)
    assert (status["currentHealthy"], list(status["disruptedPods"])) == (1, ["a"])
    later = budget_status(given, pods("a", "b"), {"rs": OWNER}, NOW + 3 * MINUTE)
    assert (later["currentHealthy"], "disruptedPods" in later) == (2, False)


def test_pods_of_a_job_have_no_replicas_to_count() -> None:
    found = pods("a", kind="Job", owner="job")
    found[0]["metadata"]["ownerReferences"][0]["apiVersion"] = "batch/v1"
    with pytest.raises(NoExpectedCount, match=r"jobs\.batch does not implement the scale subresource"):
        budget_status(budget(maxUnavailable=1), found, {}, NOW)
    assert counts(budget(minAvailable=1), found) == (1, 1, 1, 0)


def test_a_budget_that_cannot_be_worked_out_allows_nothing() -> None:
    status = failed_status(budget({"disruptionsAllowed": 4, "currentHealthy": 5}), "because", NOW)
    assert (status["disruptionsAllowed"], status["currentHealthy"]) == (0, 5)
    assert (status["conditions"][0]["reason"], status["conditions"][0]["message"]) == ("SyncFailed", "because")


def test_the_condition_says_whether_any_may_go() -> None:
    enough = budget_status(budget(minAvailable=1), pods("a", "b"), {}, NOW)
    assert [(c["status"], c["reason"]) for c in enough["conditions"]] == [("True", "SufficientPods")]
    lacking = budget_status(budget(enough, minAvailable=2), pods("a", "b"), {}, NOW + SECOND)
    assert [(c["status"], c["reason"]) for c in lacking["conditions"]] == [("False", "InsufficientPods")]
    assert lacking["conditions"][0]["lastTransitionTime"] == render_time(NOW + SECOND)
