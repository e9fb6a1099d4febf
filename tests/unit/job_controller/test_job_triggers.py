"""When a Job is synced again, when it expires, and what a deletion of it does to its pods."""

from __future__ import annotations

from typing import Any

import pytest
from made_jobs import NOW, at, controller, job, pod

from kubesim.job_controller.collection import (
    DeleteObject,
    DropFinalizer,
    DropReferences,
    collect_dependent,
    collect_owner,
    should_free,
)
from kubesim.job_controller.expectations import (
    Expectations,
    creation_observed,
    deletion_observed,
    expecting,
    finalizer_removal_observed,
    finalizers_expected,
)
from kubesim.job_controller.triggers import (
    QueueEntry,
    Trigger,
    added,
    came_due,
    deadline_change,
    delay_of,
    done,
    job_trigger,
    pod_trigger,
    queue_backoff,
    taken,
)
from kubesim.job_controller.ttl import ttl_decision
from kubesim.units import SECOND

COMPLETE = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": at(-10)}]}


@pytest.mark.parametrize(
    ("trigger", "failures", "old", "new"),
    [
        (Trigger.JOB_ADDED, 0, 0, 0),
        (Trigger.SPEC_CHANGED, 3, 0, 0),
        (Trigger.JOB_DELETED, 0, 0, 0),
        (Trigger.STATUS_CHANGED, 0, 0, 1),
        (Trigger.POD_CHANGED, 3, 1, 1),
        (Trigger.POD_FAILED, 0, 1, 1),
        (Trigger.POD_FAILED, 1, 10, 1),
        (Trigger.POD_FAILED, 3, 40, 1),
    ],
)
def test_delays_of_triggers(trigger: Trigger, failures: int, old: int, new: int) -> None:
    """J-7, J-8, J-11: in 1.27 and after."""
    assert delay_of(trigger, failures, controller("1.27")) == old * SECOND
    assert delay_of(trigger, failures, controller("1.28")) == new * SECOND


def test_without_ready_pods_nothing_is_batched() -> None:
    """J-8: in 1.27 the batching of pod changes came with JobReadyPods."""
    assert delay_of(Trigger.POD_CHANGED, 0, controller("1.27", JobReadyPods=False)) == 0


def test_what_changes_trigger() -> None:
    """J-7, J-8: the generation tells spec changes; a finished Job is left alone; only a new phase Failed is one."""
    assert job_trigger(job(), job({"active": 5})) is Trigger.STATUS_CHANGED
    assert job_trigger(job(), job(meta={"generation": 2})) is Trigger.SPEC_CHANGED
    assert job_trigger(job(), job(COMPLETE)) is None
    assert pod_trigger(pod("a"), pod("a", "Failed", ended=-1)) is Trigger.POD_FAILED
    assert pod_trigger(pod("a"), pod("a", "Failed", ended=-1, deleted=9)) is Trigger.POD_CHANGED
    assert pod_trigger(pod("a", "Failed"), pod("a", "Failed")) is Trigger.POD_CHANGED
    assert pod_trigger(None, pod("a", "Failed")) is Trigger.POD_CHANGED
    assert pod_trigger(pod("a"), None) is Trigger.POD_CHANGED


@pytest.mark.parametrize(
    ("old", "new", "after"),
    [
        (job(), job(activeDeadlineSeconds=130), 30),
        (job(activeDeadlineSeconds=130), job(activeDeadlineSeconds=90), -10),
        (job(activeDeadlineSeconds=130), job(activeDeadlineSeconds=130), None),
        (job(activeDeadlineSeconds=130), job(), None),
        (job(), job({"startTime": None}, activeDeadlineSeconds=130), None),
        (job(), job(COMPLETE, activeDeadlineSeconds=130), None),
    ],
)
def test_a_changed_deadline(old: Any, new: Any, after: int | None) -> None:
    """J-9."""
    requeue = deadline_change(old, new, NOW)
    assert (None if requeue is None else requeue.after) == (None if after is None else after * SECOND)


@pytest.mark.parametrize(
    ("name", "failures", "seconds"),
    [("1.28", 0, 1), ("1.28", 3, 8), ("1.28", 6, 60), ("1.28", 999, 60), ("1.27", 0, 10), ("1.27", 9, 360)],
)
def test_back_off_of_the_queue(name: str, failures: int, seconds: int) -> None:
    """J-11."""
    assert queue_backoff(failures, controller(name)) == seconds * SECOND


def test_the_queue_puts_requests_together() -> None:
    """J-12: one entry; the earliest delayed request counts, an immediate one does not take a delayed one away."""
    entry = added(QueueEntry(), 5, NOW)
    entry = added(entry, 9, NOW)
    entry = added(entry, 3, NOW)
    assert entry == QueueEntry(due=NOW + 3)
    assert came_due(entry, NOW + 2) is entry
    entry = added(entry, 0, NOW)
    assert entry == QueueEntry(due=NOW + 3, ready=True)
    assert came_due(entry, NOW + 3) == QueueEntry(ready=True)
    assert came_due(QueueEntry(), NOW) == QueueEntry()


def test_a_request_during_a_sync_comes_after_it() -> None:
    """J-12: nobody syncs a Job twice at a time."""
    entry = taken(QueueEntry(ready=True))
    assert entry == QueueEntry(syncing=True)
    again = added(entry, 0, NOW)
    assert not again.ready
    assert done(again, NOW, controller(), failed=False) == QueueEntry(ready=True)
    assert done(entry, NOW, controller(), failed=False) == QueueEntry()


def test_errors_bring_a_job_back_later_and_later() -> None:
    """J-11: until a sync goes well."""
    entry = done(taken(QueueEntry()), NOW, controller(), failed=True)
    assert entry == QueueEntry(due=NOW + 1 * SECOND, failures=1)
    entry = done(taken(came_due(entry, NOW + SECOND)), NOW + SECOND, controller(), failed=True)
    assert entry == QueueEntry(due=NOW + 3 * SECOND, failures=2)
    assert done(taken(entry), NOW, controller(), failed=False).failures == 0


def test_expectations_are_replaced_and_lowered() -> None:
    """J §3: new ones take the place of old ones; finalizers are kept apart."""
    set_ = expecting(finalizers_expected(Expectations(deletions=4, since=1), ["a", "b"]), NOW, creations=2)
    assert set_ == Expectations(creations=2, since=NOW, finalizers=frozenset({"a", "b"}))
    assert creation_observed(set_).creations == 1
    assert creation_observed(set_, 2).creations == 0
    assert deletion_observed(set_).deletions == -1
    assert finalizer_removal_observed(set_, "a").finalizers == {"b"}
    assert finalizer_removal_observed(set_, "c").finalizers == {"a", "b"}


@pytest.mark.parametrize(
    ("situation", "given", "delete", "after"),
    [
        ("over", job(COMPLETE, ttlSecondsAfterFinished=10), True, None),
        ("at once", job(COMPLETE, ttlSecondsAfterFinished=0), True, None),
        ("not over", job(COMPLETE, ttlSecondsAfterFinished=11), False, 1),
        ("not finished", job(ttlSecondsAfterFinished=0), False, None),
        ("no TTL", job(COMPLETE), False, None),
        ("deleted already", job(COMPLETE, {"deletionTimestamp": at(-1)}, ttlSecondsAfterFinished=0), False, None),
    ],
)
def test_ttl(situation: str, given: Any, delete: bool, after: int | None) -> None:
    """J-38: counted from the transition of the terminal condition."""
    decision = ttl_decision(given, NOW)
    assert (decision.delete, decision.after) == (delete, None if after is None else after * SECOND)


def owner(*finalizers: str, deleted: bool = True, uid: str = "j-uid") -> dict[str, Any]:
    metadata: dict[str, Any] = {"uid": uid, "finalizers": list(finalizers)}
    return {"metadata": metadata | ({"deletionTimestamp": at(-1)} if deleted else {})}


def dependent(uid: str, *owners: str, blocks: bool = True, **more: Any) -> dict[str, Any]:
    references = [{"uid": each, "blockOwnerDeletion": blocks} for each in owners]
    return {"metadata": {"uid": uid, "ownerReferences": references, **more}}


@pytest.mark.parametrize(
    ("situation", "given", "dependents", "expected"),
    [
        ("not deleted", owner("foregroundDeletion", deleted=False), [dependent("p", "j-uid")], []),
        ("background: held by another finalizer", owner("mine"), [dependent("p", "j-uid")], []),
        (
            "orphan",
            owner("orphan"),
            [dependent("p", "j-uid")],
            [(DropReferences, "p"), (DropFinalizer, "j-uid")],
        ),
        (
            "foreground",
            owner("foregroundDeletion"),
            [dependent("p", "j-uid"), dependent("q", "j-uid", deletionTimestamp=at(9))],
            [(DeleteObject, "p")],
        ),
        (
            "foreground: all going",
            owner("foregroundDeletion"),
            [dependent("q", "j-uid", deletionTimestamp=at(9))],
            [],
        ),
        (
            "foreground: none blocks",
            owner("foregroundDeletion"),
            [dependent("p", "j-uid", blocks=False)],
            [(DropFinalizer, "j-uid")],
        ),
    ],
)
def test_what_the_collector_does_about_an_owner(situation: str, given: Any, dependents: Any, expected: Any) -> None:
    """J-63: each propagation policy."""
    actions = collect_owner(given, dependents)
    assert [(type(action), action.uid) for action in actions] == expected
    dropped = {action.finalizer for action in actions if isinstance(action, DropFinalizer)}
    assert dropped <= set(given["metadata"].get("finalizers") or ())


def test_what_the_collector_does_about_a_dependent() -> None:
    """J-63: an owner that stays keeps it; without one it is deleted as its own finalizers ask."""
    known = {"stays": owner(deleted=False), "waits": owner("foregroundDeletion"), "going": owner("mine")}

    def action(*owners: str, **more: Any) -> Any:
        return collect_dependent(dependent("p", *owners, **more), known.get)

    assert action() is None
    assert action("gone", deletionTimestamp=at(9)) is None
    assert action("stays") is None
    assert action("going") is None
    assert action("gone", "stays", "waits").owners == {"gone", "waits"}
    assert action("gone").propagation == "Background"
    assert action("gone", "waits", finalizers=["foregroundDeletion"]).propagation == "Foreground"
    assert action("waits", finalizers=["orphan"]).propagation == "Orphan"


@pytest.mark.parametrize(
    ("situation", "given", "owned_by", "freed"),
    [
        ("no finalizer", pod("a", finalizers=[]), None, False),
        ("no Job any more", pod("a"), None, True),
        ("Job finished", pod("a"), job(COMPLETE), True),
        ("Job not finished", pod("a"), job(), False),
        ("Job of another controller", pod("a"), job(COMPLETE, managedBy="x/y"), False),
    ],
)
def test_who_frees_a_pod(situation: str, given: Any, owned_by: Any, freed: bool) -> None:
    """J-63."""
    assert should_free(given, owned_by, controller("1.33")) is freed
