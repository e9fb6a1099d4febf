"""Steps of a rollout. Figures of the tables are those of the documentation page on Deployments and of
``pkg/controller/deployment/rolling_test.go``, put in our own words."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from kubesim.replica_controllers.rollout import (
    Sets,
    is_scaling_event,
    max_surge,
    max_unavailable,
    new_revision,
    replica_set_for,
    scale,
    scale_down_old,
    scale_up_new,
    sets_of,
    size_annotations,
    template_hash,
    to_clean_up,
    with_size,
)
from kubesim.replica_controllers.rollout_status import announced, is_complete, status_after
from kubesim.replica_controllers.views import REVISION, Deployment
from kubesim.units import SECOND
from tests.unit.replica_controllers.made_replicas import NOW, TEMPLATE, owned, web


@pytest.mark.parametrize(
    ("desired", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (4, "25%", "25%", (1, 1)),
        (1, "25%", "25%", (1, 0)),
        (3, 0, "10%", (0, 1)),
        (2, 0, 5, (0, 2)),
        (0, "25%", "25%", (0, 0)),
    ],
)
def test_surge_is_rounded_up_and_unavailable_down(
    desired: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    owner = web(desired, surge, unavailable)
    assert (max_surge(owner), max_unavailable(owner)) == expected


@pytest.mark.parametrize(
    ("desired", "surge", "old", "new", "expected"),
    [
        (10, 0, 10, 0, None),
        (10, 2, 10, 0, 2),
        (10, 2, 5, 0, 7),
        (10, 2, 10, 2, None),
        (10, 0, 0, 13, 10),
        (10, 5, 0, 8, 10),
    ],
)
def test_the_new_one_grows_as_far_as_surge_allows(
    desired: int, surge: int, old: int, new: int, expected: int | None
) -> None:
    step = scale_up_new(web(desired, surge, 1), Sets(owned("new", new), (owned("old", old),)))
    assert (step.desired if step else None) == expected


@pytest.mark.parametrize(
    ("desired", "unavailable", "old", "old_up", "new", "new_up", "expected"),
    [
        (10, 0, 10, 10, 0, 0, None),
        (10, 2, 10, 10, 0, 0, 8),
        (10, 2, 10, 8, 0, 0, 8),
        (10, 2, 10, 4, 0, 0, 8),
        (10, 2, 10, 6, 2, 2, 6),
        (10, 2, 10, 10, 3, 0, 8),
        (3, 0, 3, 3, 1, 1, 2),
        (3, 0, 3, 3, 1, 0, None),
    ],
)
def test_old_ones_shrink_as_far_as_enough_stay_available(
    desired: int, unavailable: int, old: int, old_up: int, new: int, new_up: int, expected: int | None
) -> None:
    """Old Pods that are not available go first, and new ones that are not available yet count against it."""
    steps = scale_down_old(web(desired, 1, unavailable), Sets(owned("new", new, new_up), (owned("old", old, old_up),)))
    assert ([step.desired for step in steps] or [None]) == [expected]


def rolled_out(owner: Deployment, sets: Sets, chance: random.Random) -> list[tuple[int, int]]:
    """All steps of a rollout in which new Pods become available in any order: total and available after each."""
    seen = []
    for _ in range(200):
        up = scale_up_new(owner, sets)
        steps = [up] if up is not None else list(scale_down_old(owner, sets))
        if not steps and sets.new is not None and sets.new.available == sets.new.desired:
            break
        for step in steps:
            changed = with_size(step.target, step.desired, {})
            ready = min(step.target.available, step.desired)
            sets = sets.having(_with_available(changed, ready))
        if not steps and sets.new is not None:
            ready = sets.new.available + chance.randint(1, sets.new.desired - sets.new.available)
            sets = sets.having(_with_available(sets.new, ready))
        seen.append((sum(one.desired for one in sets.every), sum(one.available for one in sets.every)))
    assert sets.new is not None
    assert (sets.new.desired, [one.desired for one in sets.old]) == (owner.desired, [0] * len(sets.old))
    return seen


def _with_available(one: Any, available: int) -> Any:
    return replace(one, raw={**one.raw, "status": {**one.raw["status"], "availableReplicas": available}})


@pytest.mark.parametrize("seed", range(30))
def test_a_rollout_keeps_its_bounds_and_comes_to_its_end(seed: int) -> None:
    chance = random.Random(seed)
    desired = chance.randint(1, 12)
    owner = web(desired, chance.choice([0, 1, 3, "25%", "50%"]), chance.choice([0, 1, 2, "25%", "50%"]))
    for total, available in rolled_out(owner, Sets(owned("new", 0), (owned("old", desired),)), chance):
        assert total <= desired + max_surge(owner)
        assert available >= desired - max_unavailable(owner)


def test_a_deployment_scaled_in_the_middle_of_a_rollout_shares_proportionally() -> None:
    """The page on Deployments: 10 wanted, surge 3, unavailable 2; 8 old and 5 new; scaled to 15: old get 3, new 2."""
    told = {"deployment.kubernetes.io/desired-replicas": "10", "deployment.kubernetes.io/max-replicas": "13"}
    old, new = owned("old", 8, 8, annotations=told), owned("new", 5, 0, annotations=told, age=SECOND)
    owner = web(15, 3, 2)
    sets = Sets(new, (old,))
    assert is_scaling_event(owner, sets)
    assert {step.target.name: step.desired for step in scale(owner, sets)} == {"old": 11, "new": 7}


def test_outside_of_a_rollout_the_only_one_gets_all() -> None:
    sets = Sets(owned("new", 3, annotations=size_annotations(web(3))), (owned("old", 0),))
    assert not is_scaling_event(web(3), sets)
    assert is_scaling_event(web(5), sets)
    assert [step.desired for step in scale(web(5), sets)] == [5]
    assert scale(web(3), sets) == ()


def test_the_oldest_with_the_template_is_the_new_one() -> None:
    with_hash = {**TEMPLATE, "metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}}
    sets = sets_of(
        web(1), [owned("b", 1, template=with_hash, age=SECOND), owned("a", 1, template=with_hash), owned("c", 1)]
    )
    assert sets.new is not None
    assert (sets.new.name, [one.name for one in sets.old]) == ("a", ["c", "b"])


def test_the_replica_set_made_for_a_template() -> None:
    owner = web(4, min_ready=0, selector={"matchLabels": {"app": "web"}}, minReadySeconds=7)
    old = owned("old", 4, annotations={REVISION: "6"})
    made = replica_set_for(owner, Sets(None, (old,)), 1)
    value = template_hash(owner)
    assert made["metadata"]["name"] == f"web-{value}"
    assert made["metadata"]["annotations"][REVISION] == "7" == str(new_revision(Sets(None, (old,))))
    assert made["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"] == "5"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": value}
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "web", "pod-template-hash": value}
    assert (made["spec"]["replicas"], made["spec"]["minReadySeconds"]) == (1, 7)
    assert template_hash(web(9)) == template_hash(web(4)), "the size is no part of the template"


def test_old_ones_beyond_the_history_limit_go_when_they_are_empty() -> None:
    olds = [owned(f"r{number}", int(number == 1), annotations={REVISION: str(number)}) for number in range(5)]
    owner = web(1, revisionHistoryLimit=2)
    assert [one.name for one in to_clean_up(owner, Sets(owned("new", 1), tuple(olds)))] == ["r0", "r2"]


# -- status -----------------------------------------------------------------------------------------------------------


def reasons(status: dict[str, Any] | None) -> dict[str, tuple[str, str]]:
    assert status is not None
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


def test_the_status_of_a_rollout_from_creation_to_completion() -> None:
    owner, new = web(2), owned("new", 2, 0, status={})
    told = announced(owner, "new", is_new=True, now=NOW)
    assert told is not None
    first = status_after(told, Sets(new, ()), NOW).status
    assert reasons(first) == {
        "Available": ("False", "MinimumReplicasUnavailable"),
        "Progressing": ("True", "NewReplicaSetCreated"),
    }
    under_way = replace(told, raw={**told.raw, "status": first})
    half = status_after(under_way, Sets(owned("new", 2, 1), ()), NOW + SECOND).status
    assert reasons(half)["Progressing"] == ("True", "ReplicaSetUpdated")
    assert half is not None
    assert (half["availableReplicas"], half["unavailableReplicas"], half["updatedReplicas"]) == (1, 1, 2)
    nearly = replace(told, raw={**told.raw, "status": half})
    done = status_after(nearly, Sets(owned("new", 2), ()), NOW + 2 * SECOND).status
    assert reasons(done) == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }
    complete = replace(told, raw={**told.raw, "status": done})
    assert is_complete(complete, done or {})
    assert status_after(complete, Sets(owned("new", 2), ()), NOW + 9 * SECOND).status is None


def test_a_rollout_that_stands_still_times_out() -> None:
    told = announced(web(2, progressDeadlineSeconds=30), "new", is_new=True, now=NOW)
    assert told is not None
    sets = Sets(owned("new", 2, 0), ())
    first = status_after(told, sets, NOW).status
    waiting = replace(told, raw={**told.raw, "status": first})
    calm = status_after(waiting, sets, NOW + 10 * SECOND)
    assert (calm.status, calm.check_after) == (None, 21 * SECOND)
    late = status_after(waiting, sets, NOW + 31 * SECOND).status
    assert reasons(late)["Progressing"] == ("False", "ProgressDeadlineExceeded")
    assert announced(waiting, "new", is_new=False, now=NOW) is None, "its progress is known already"


def test_a_failure_of_the_replica_set_shows_on_the_deployment() -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "no",
        "lastTransitionTime": "t",
    }
    sets = Sets(owned("new", 2, 0, status={"conditions": [failure]}), ())
    assert reasons(status_after(web(2), sets, NOW).status)["ReplicaFailure"] == ("True", "FailedCreate")
