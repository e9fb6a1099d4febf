"""One sync of a Job: verdicts in their order, conditions by release, counting, suspension, and what is not synced."""

from __future__ import annotations

from typing import Any

import pytest
from made_jobs import NOW, at, conditions, controller, job, pod, synced

from kubesim.job_controller.accounting import account, conclude
from kubesim.job_controller.backoff import BackoffRecord
from kubesim.job_controller.decision import JobDecision, Memory, PodOutcome
from kubesim.job_controller.expectations import Expectations
from kubesim.job_controller.sync import Begun, account_for, begin, ends_in_error
from kubesim.objects.job import TRACKING_FINALIZER
from kubesim.units import MINUTE, SECOND

FAIL_JOB = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]}
IGNORE = {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [42]}}]}
COUNT = {"rules": [{"action": "Count", "onExitCodes": {"operator": "NotIn", "values": [0]}}]}


def true(type_: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"type": type_, "status": "True", "reason": reason, "message": message, "lastTransitionTime": at(-10)}


@pytest.mark.parametrize(
    ("name", "gates", "expected"),
    [
        ("1.27", {}, [[], ["Complete"]]),
        ("1.28", {}, [[], ["Complete"]]),
        ("1.30", {}, [[], ["Complete"]]),
        ("1.31", {}, [["SuccessCriteriaMet"], ["SuccessCriteriaMet", "Complete"]]),
        ("1.31", {"JobPodReplacementPolicy": False}, [[], ["Complete"]]),
        ("1.32", {"JobPodReplacementPolicy": False}, [["SuccessCriteriaMet"], ["SuccessCriteriaMet", "Complete"]]),
        ("1.36", {}, [["SuccessCriteriaMet"], ["SuccessCriteriaMet", "Complete"]]),
    ],
)
def test_completion_by_release(name: str, gates: dict[str, bool], expected: list[list[str]]) -> None:
    """J §10: from 1.31 on the interim condition comes first, unless both gates are off (J-47)."""
    decision = synced(job(), pod("a", "Succeeded", ended=-2, code=0), known=controller(name, **gates))
    assert conditions(decision) == expected
    first, last = decision.status_writes
    assert (first.status.succeeded, last.status.succeeded) == (0, 1)
    assert first.status.uncounted is not None
    assert first.status.uncounted.succeeded == ("a-uid",)
    assert last.status.uncounted is not None
    assert len(last.status.uncounted) == 0
    assert last.status.completion_time == NOW
    assert [removal.name for removal in decision.finalizers] == ["a"]
    assert [event.reason for event in decision.events] == ["Completed"]
    assert decision.finished
    assert decision.memory.terminal_written


@pytest.mark.parametrize(
    ("name", "gates", "reason"),
    [("1.30", {}, ""), ("1.31", {}, "CompletionsReached"), ("1.31", {"JobSuccessPolicy": False}, "")],
)
def test_reason_of_complete(name: str, gates: dict[str, bool], reason: str) -> None:
    """J §10: the reason came with JobSuccessPolicy in 1.31."""
    decision = synced(job(), pod("a", "Succeeded", ended=-2), known=controller(name, **gates))
    found = decision.status_writes[-1].status.condition("Complete")
    assert found is not None
    assert (found.reason, bool(found.message)) == (reason, bool(reason))


@pytest.mark.parametrize(
    ("name", "deleting", "expected", "counts"),
    [
        ("1.29", False, [["Failed"]], (0, 0, 1)),
        ("1.30", True, [["Failed"]], (0, 1, 1)),
        ("1.33", False, [["FailureTarget"]], (0, 1, 0)),
        ("1.33", True, [["FailureTarget"]], (0, 2, 0)),
    ],
)
def test_deadline_by_release(name: str, deleting: bool, expected: list[list[str]], counts: tuple[int, ...]) -> None:
    """J-36, J-46: up to 1.30 Failed at once; later it waits for terminating pods, deleted ones counted as such."""
    pods = [pod("a", ready=-5), *([pod("b", deleted=20)] if deleting else [])]
    decision = synced(job(activeDeadlineSeconds=100), *pods, known=controller(name))
    assert conditions(decision)[-1:] == expected
    status = decision.status_writes[-1].status
    assert (status.active, status.terminating, status.ready) == counts
    assert status.failed == len(pods)  # J-19b: a pod that merely runs counts as failed too
    assert [(deletion.name, deletion.release_first) for deletion in decision.deletions] == [("a", False)]
    assert sorted(removal.name for removal in decision.finalizers) == [each.metadata.name for each in pods]
    assert [event.reason for event in decision.events] == ([] if name == "1.33" else ["DeadlineExceeded"])


@pytest.mark.parametrize(
    ("situation", "spec", "status", "pods", "reason"),
    [
        ("back-off limit", {"backoffLimit": 0}, {}, [pod("a", "Failed", ended=-1)], "BackoffLimitExceeded"),
        (
            "back-off limit before the deadline",
            {"backoffLimit": 0, "activeDeadlineSeconds": 1},
            {},
            [pod("a", "Failed", ended=-1)],
            "BackoffLimitExceeded",
        ),
        (
            "FailJob before the back-off limit",
            {"backoffLimit": 0, "podFailurePolicy": FAIL_JOB},
            {},
            [pod("a", "Failed", ended=-1, code=42)],
            "PodFailurePolicy",
        ),
        (
            "FailureTarget of before stays",
            {"backoffLimit": 0},
            {"conditions": [true("FailureTarget", "DeadlineExceeded", "old")]},
            [pod("a", "Failed", ended=-1)],
            "DeadlineExceeded",
        ),
        (
            "SuccessCriteriaMet of before beats FailureTarget",
            {"backoffLimit": 0},
            {"conditions": [true("FailureTarget", "x"), true("SuccessCriteriaMet", "SuccessPolicy")]},
            [pod("a", "Failed", ended=-1)],
            "SuccessPolicy",
        ),
        (
            "deadline before failed indexes and completion",
            {"activeDeadlineSeconds": 100},
            {},
            [pod("a", "Succeeded", ended=-1)],
            "DeadlineExceeded",
        ),
        (
            "maxFailedIndexes before all indexes are done",
            {"completionMode": "Indexed", "backoffLimitPerIndex": 0, "maxFailedIndexes": 0},
            {},
            [pod("a", "Failed", ended=-1, index=0)],
            "MaxFailedIndexesExceeded",
        ),
        (
            "all indexes are done",
            {"completionMode": "Indexed", "backoffLimitPerIndex": 0, "maxFailedIndexes": 1, "completions": 2},
            {"completedIndexes": "1"},
            [pod("a", "Failed", ended=-1, index=0)],
            "FailedIndexes",
        ),
        (
            "all indexes are done, and none has failed",
            {"completionMode": "Indexed", "backoffLimitPerIndex": 0, "completions": 2},
            {"completedIndexes": "1"},
            [pod("a", "Succeeded", ended=-1, index=0)],
            "CompletionsReached",
        ),
    ],
)
def test_verdicts(situation: str, spec: Any, status: Any, pods: Any, reason: str) -> None:
    """J-18: which of several reasons ends the Job."""
    decision = synced(job(status, **spec), *pods, known=controller("1.33"))
    assert decision.verdict is not None
    assert decision.verdict.reason == reason
    assert decision.finished


def test_every_release_removes_what_is_left_when_success_criteria_are_met() -> None:
    """J-43, J-19b: with a successPolicy the remaining pods are deleted and not counted as failed."""
    policy = {"rules": [{"succeededIndexes": "0"}]}
    given = job(completions=2, parallelism=2, completionMode="Indexed", successPolicy=policy)
    pods = pod("a", "Succeeded", ended=-1, index=0), pod("b", index=1)
    decision = synced(given, *pods, known=controller("1.33"))
    assert conditions(decision) == [["SuccessCriteriaMet"]]
    assert [deletion.name for deletion in decision.deletions] == ["b"]
    assert decision.status_writes[-1].status.failed == 0
    assert [removal.name for removal in decision.finalizers] == ["a", "b"]
    assert synced(given, *pods, known=controller("1.29")).verdict is None


def test_ignored_failures_do_not_count() -> None:
    """J-40: an Ignore rule lets the limit be; the pod loses its finalizer without being counted."""
    failed = pod("a", "Failed", ended=-60, code=42)
    decision = synced(job({"active": 0}, backoffLimit=0, podFailurePolicy=IGNORE), failed, known=controller())
    assert decision.verdict is None
    assert [removal.name for removal in decision.finalizers] == ["a"]
    assert decision.status_writes[-1].status.failed == 0
    counted = synced(job(backoffLimit=0, podFailurePolicy=COUNT), failed, known=controller())
    assert counted.status_writes[-1].status.failed == 1


def test_failure_policy_needs_its_gate() -> None:
    """J-39: with the gate off the rules say nothing."""
    failed = pod("a", "Failed", ended=-60, code=42)
    known = controller("1.30", JobPodFailurePolicy=False)
    decision = synced(job(podFailurePolicy=FAIL_JOB), failed, known=known)
    assert decision.verdict is None
    target = {"conditions": [true("FailureTarget", "PodFailurePolicy")]}
    assert synced(job(target), pod("a"), known=known).verdict is None


@pytest.mark.parametrize(
    ("completions", "pods", "ends"),
    [
        (None, [pod("a", "Succeeded", ended=-1), pod("b")], False),
        (None, [pod("a", "Succeeded", ended=-1)], True),
        (2, [pod("a", "Succeeded", ended=-1)], False),
    ],
)
def test_when_a_job_is_complete(completions: int | None, pods: Any, ends: bool) -> None:
    """J-20: a work queue ends with its last pod once one has succeeded, and gets no new ones."""
    decision = synced(job(completions=completions, parallelism=2), *pods, known=controller())
    assert decision.finished is ends
    assert bool(decision.creations) is (completions == 2)


def test_too_many_succeeded_pods() -> None:
    """J-54."""
    pods = [pod(name, "Succeeded", ended=-1) for name in "ab"]
    decision = synced(job(), *pods, known=controller())
    assert [event.reason for event in decision.events] == ["TooManySucceededPods", "Completed"]
    assert decision.events[0].message == "Too many succeeded pods running after completion count reached"


@pytest.mark.parametrize(
    ("name", "suspend", "condition", "start", "event"),
    [
        ("1.33", True, None, -100, "Suspended"),
        ("1.35", True, None, -100, "Suspended"),
        ("1.36", True, None, None, "Suspended"),
        ("1.36", False, "True", 0, "Resumed"),
        ("1.29", False, "True", 0, "Resumed"),
        ("1.29", False, "False", None, None),
        ("1.29", False, None, None, None),
    ],
)
def test_suspension(name: str, suspend: bool, condition: str | None, start: int | None, event: str | None) -> None:
    """J-37: the condition, its Event and the start time, which 1.36 clears and every release resets on resume."""
    reason = "JobSuspended" if condition == "True" else "JobResumed"
    message = "Job suspended" if condition == "True" else "Job resumed"
    before = [{"type": "Suspended", "status": condition, "reason": reason, "message": message}] if condition else []
    decision = synced(job({"conditions": before}, suspend=suspend), pod("a"), known=controller(name))
    assert [each.reason for each in decision.events] == ([event] if event else [])
    if event is None:
        assert decision.status_writes == ()
        return
    status = decision.status_writes[-1].status
    assert status.start_time == (None if start is None else NOW + start * SECOND)
    assert status.is_true("Suspended") is suspend
    assert [(each.name, each.release_first) for each in decision.deletions] == ([("a", True)] if suspend else [])
    assert status.failed == 0  # J-22: pods of a suspended Job are no failures


def test_a_suspended_job_does_not_start() -> None:
    """J-17, J-36: no start time, no deadline while suspended."""
    decision = synced(job({"startTime": None}, suspend=True, activeDeadlineSeconds=5), known=controller())
    assert decision.requeues == ()
    assert decision.status_writes[-1].status.start_time is None


def test_the_first_sync_starts_the_job_and_its_deadline() -> None:
    """J-9, J-17."""
    decision = synced(job({"startTime": None, "active": 0}, activeDeadlineSeconds=5), known=controller())
    assert [requeue.after for requeue in decision.requeues] == [5 * SECOND]
    assert decision.status_writes[0].status.start_time == NOW
    assert decision.status_writes[0].status.active == 1
    assert len(decision.creations) == 1
    assert decision.memory.expectations == Expectations(creations=1, since=NOW)


@pytest.mark.parametrize(
    ("expectations", "satisfied"),
    [
        (Expectations(creations=1, since=NOW), False),
        (Expectations(deletions=1, since=NOW - 5 * MINUTE), False),
        (Expectations(deletions=1, since=NOW - 5 * MINUTE - 1), True),
        (Expectations(creations=-1, since=NOW), True),
        (Expectations(since=NOW), True),
    ],
)
def test_expectations_hold_pods_back(expectations: Expectations, satisfied: bool) -> None:
    """J §3, J-19: nothing is created before earlier changes were seen, and a verdict does not stand."""
    memory = Memory(expectations=expectations)
    assert bool(synced(job({"active": 0}), known=controller(), memory=memory).creations) is satisfied
    failed = synced(job(backoffLimit=0), pod("a", "Failed", ended=-1), pod("b"), known=controller(), memory=memory)
    assert failed.finished is satisfied
    assert [deletion.name for deletion in failed.deletions] == ["b"]


def test_a_job_being_deleted_is_only_counted() -> None:
    """J-20, J-21: no new pods; every pod loses its finalizer, and a running one is not counted as failed."""
    given = job(meta={"deletionTimestamp": at(-1), "finalizers": ["foregroundDeletion"]})
    decision = synced(given, pod("a"), known=controller())
    assert decision.creations == ()
    assert [removal.name for removal in decision.finalizers] == ["a"]
    assert decision.status_writes == ()
    assert synced(given, pod("a", "Succeeded", ended=-1), known=controller()).finished


def test_pods_without_the_finalizer_are_counted_already() -> None:
    """J-15, J-21: uncounted pods move into the counters once their finalizer is gone or known to be gone."""
    status = {"uncountedTerminatedPods": {"failed": ["a-uid", "b-uid"], "succeeded": ["c-uid"]}, "active": 0}
    pods = (
        pod("a", "Failed", ended=-1, finalizers=[]),
        pod("b", "Failed", ended=-1),
        pod("c", "Succeeded", ended=-1),
    )
    memory = Memory(expectations=Expectations(finalizers=frozenset({"b-uid"})))
    decision = synced(job(status, completions=3), *pods, known=controller(), memory=memory)
    first = decision.status_writes[0].status
    assert (first.succeeded, first.failed) == (0, 2)
    assert decision.status_writes[-1].status.succeeded == 1
    assert [removal.name for removal in decision.finalizers] == ["c"]
    assert decision.memory.expectations.finalizers == {"b-uid", "c-uid"}


def test_uncounted_pods_stay_so_until_their_finalizer_is_gone() -> None:
    """J-21: the first write leaves them, the last counts them."""
    status = {"uncountedTerminatedPods": {"failed": ["a-uid"]}, "failed": 3, "active": 2}
    decision = synced(job(status), pod("a", "Failed", ended=-1), pod("b"), known=controller())
    first, last = (write.status for write in decision.status_writes)
    assert (first.failed, last.failed) == (3, 4)
    assert first.uncounted is not None
    assert first.uncounted.failed == ("a-uid",)


def test_failures_that_are_still_uncounted_use_up_the_back_off_limit() -> None:
    """J-18, J-21: what is written, what is uncounted and what is new are added up."""
    status = {"uncountedTerminatedPods": {"failed": ["a-uid"]}, "failed": 1, "active": 0}
    for limit, fails in ((1, True), (2, False)):
        found = synced(job(status, backoffLimit=limit), pod("a", "Failed", ended=-1), known=controller()).verdict
        assert (found is not None and found.reason == "BackoffLimitExceeded") is fails, limit


def test_indexes_counted_before_leave_room_for_others() -> None:
    """J-21: the limit is about what this sync adds."""
    pods = [pod(f"p{number:03}", "Succeeded", ended=-1, index=number) for number in range(501)]
    spec = {"completions": 600, "completionMode": "Indexed", "parallelism": 0}
    decision = synced(job({"completedIndexes": "0-499"}, **spec), *pods, known=controller())
    assert len(decision.finalizers) == 501


def test_suspension_is_written_only_when_pods_are_managed() -> None:
    """J-37: not while changes are still to be seen, nor for a Job that is complete."""
    waiting = Memory(expectations=Expectations(creations=1, since=NOW))
    assert synced(job(suspend=True), pod("a"), known=controller(), memory=waiting).events == ()
    complete = synced(job(suspend=True), pod("a", "Succeeded", ended=-1), known=controller())
    assert [event.reason for event in complete.events] == ["Completed"]


def test_one_sync_lists_at_most_500_pods() -> None:
    """J-21: the Job does not finish in a sync that stopped in between."""
    pods = [pod(f"p{number:03}", "Succeeded", ended=-1) for number in range(501)]
    decision = synced(job({"active": 0}, completions=501), *pods, known=controller())
    assert len(decision.finalizers) == 500
    assert not decision.finished
    assert decision.status_writes[-1].status.succeeded == 500
    indexed = [
        pod(f"p{number:03}", "Succeeded", ended=-1, index=number, finalizers=[TRACKING_FINALIZER])
        for number in range(501)
    ]
    decision = synced(job({"active": 0}, completions=501, completionMode="Indexed"), *indexed, known=controller())
    assert len(decision.finalizers) == 500
    assert decision.status_writes[-1].status.completed_indexes == "0-500"
    assert not decision.finished


@pytest.mark.parametrize(
    ("name", "phase", "deleted", "replaced", "failed"),
    [
        ("1.29", "Running", 20, None, 1),
        ("1.29", "Running", 20, "Failed", 0),
        ("1.29", "Failed", 20, "Failed", 1),
        ("1.28", "Running", 20, "Failed", 1),
        ("1.29", "Succeeded", 20, None, 0),
    ],
)
def test_terminating_pods(name: str, phase: str, deleted: int, replaced: str | None, failed: int) -> None:
    """J-16, J-44: a deleted pod is a failure at once unless only failed pods are replaced; a success stays one."""
    given = job({"active": 0}, completions=3, podReplacementPolicy=replaced)
    decision = synced(given, pod("a", phase, deleted=deleted), known=controller(name))
    assert [write.status.failed for write in decision.status_writes][-1] == failed


@pytest.mark.parametrize(
    ("name", "gates", "failed", "created"),
    [
        ("1.27", {}, False, 1),
        ("1.27", {"PodDisruptionConditions": False}, True, 1),
        ("1.28", {}, False, 0),
        ("1.28", {"PodDisruptionConditions": False}, False, 0),
    ],
)
def test_a_failure_policy_waits_for_the_phase(name: str, gates: dict[str, bool], failed: bool, created: int) -> None:
    """J-16, J-25: with a podFailurePolicy; 1.27 replaces at once all the same, and counts only with its gate off."""
    given = job({"active": 0, "terminating": None}, podFailurePolicy=COUNT)
    decision = synced(given, pod("a", deleted=20), known=controller(name, **gates))
    assert bool(decision.finalizers) is failed
    assert len(decision.creations) == created


@pytest.mark.parametrize(
    ("name", "gates", "terminating", "ready"),
    [
        ("1.27", {}, None, 0),
        ("1.27", {"JobReadyPods": False}, None, None),
        ("1.28", {}, None, 0),
        ("1.29", {}, 0, 0),
        ("1.29", {"JobPodReplacementPolicy": False}, None, 0),
        ("1.36", {}, 0, 0),
    ],
)
def test_counters_by_release(name: str, gates: dict[str, bool], terminating: int | None, ready: int | None) -> None:
    """J-44: terminating is reported with its gate; ready with JobReadyPods."""
    decision = synced(job({"active": 0, "ready": None}), known=controller(name, **gates))
    status = decision.status_writes[-1].status
    assert (status.terminating, status.ready) == (terminating, ready)


def test_1_27_ends_in_an_error_after_a_failure() -> None:
    """J-11: so that the queue's back-off brings the Job back."""
    failed = pod("a", "Failed", ended=-1)
    assert synced(job(), failed, known=controller("1.27")).retry_with_backoff
    assert not synced(job(), failed, known=controller("1.28")).retry_with_backoff
    assert not synced(job(), pod("a"), known=controller("1.27")).retry_with_backoff
    begun = begin(job(), (pod("a"),), Memory(), controller(), NOW)
    assert isinstance(begun, Begun)
    assert ends_in_error(begun, controller(), requests_failed=True)


@pytest.mark.parametrize(
    ("situation", "given", "memory", "name", "skipped", "retried"),
    [
        ("finished", job({"conditions": [true("Failed")]}), Memory(), "1.27", True, False),
        ("managed elsewhere", job(managedBy="x/y"), Memory(), "1.32", True, False),
        ("managedBy unknown or off", job(managedBy="x/y"), Memory(), "1.31", False, False),
        ("managed by itself", job(managedBy="kubernetes.io/job-controller"), Memory(), "1.32", False, False),
        ("terminal condition unseen", job(), Memory(terminal_written=True), "1.34", True, False),
        ("terminal condition unseen", job(), Memory(terminal_written=True), "1.33", False, False),
        ("own writes unseen", job(), Memory(unseen_writes=True), "1.36", True, True),
        ("own writes unseen", job(), Memory(unseen_writes=True), "1.35", False, False),
    ],
)
def test_what_is_not_synced(
    situation: str, given: Any, memory: Memory, name: str, skipped: bool, retried: bool
) -> None:
    """J-13."""
    decision = synced(given, known=controller(name), memory=memory)
    assert (not decision.creations) is skipped
    assert decision.retry_with_backoff is retried


def test_a_finished_job_is_forgotten_by_the_back_off() -> None:
    """J-13, J-32: the record goes, expectations stay."""
    memory = Memory(BackoffRecord(3, NOW), Expectations(creations=1, since=NOW), terminal_written=True)
    decision = synced(job({"conditions": [true("Complete")]}), known=controller("1.36"), memory=memory)
    assert decision.memory == Memory(expectations=memory.expectations)


def test_an_unknown_completion_mode_is_announced() -> None:
    """J-55."""
    decision = synced(job(completionMode="Sorted"), known=controller())
    assert [(event.type, event.reason) for event in decision.events] == [("Warning", "UnknownCompletionMode")]


def test_the_record_is_kept_with_the_status() -> None:
    """J-32: a sync that writes nothing leaves the record as it was."""
    old = BackoffRecord(2, NOW - 60 * SECOND)
    ignored = pod("b", "Failed", ended=-1, code=42, finalizers=[TRACKING_FINALIZER])
    given = job({"active": 1}, podFailurePolicy=IGNORE)
    unwritten = synced(given, pod("a"), ignored, known=controller(), memory=Memory(old))
    assert unwritten.status_writes == ()
    assert unwritten.memory.record == old
    written = synced(job({"active": 2}, podFailurePolicy=IGNORE), pod("a"), ignored, known=controller())
    assert written.memory.record == BackoffRecord(1, NOW - SECOND)


# Requests that fail --------------------------------------------------------------------------------------------------


def started(given: Any, *pods: Any, name: str = "1.29") -> Begun:
    begun = begin(given, pods, Memory(), controller(name), NOW)
    assert not isinstance(begun, JobDecision)
    return begun


def test_failed_creations_are_not_active() -> None:
    """J-27: what was not created does not count."""
    begun = started(job({"active": 0}, completions=4, parallelism=4))
    accounted = account_for(begun, PodOutcome(created=1, deleted=frozenset()), controller(), NOW)
    assert accounted.accounting.status.active == 1


def test_a_verdict_waits_for_all_deletions() -> None:
    """J-19: with a pod left the Job does not end in this sync."""
    begun = started(job(activeDeadlineSeconds=1), pod("a"), pod("b"))
    accounted = account_for(begun, PodOutcome(0, frozenset({"a-uid"})), controller(), NOW)
    assert accounted.verdict is None
    assert accounted.accounting.status.active == 1
    assert accounted.accounting.removals == ()


def test_a_finalizer_that_stays_delays_the_end() -> None:
    """J-21, J-31: progress is written, the end comes with a later sync."""
    begun = started(job(completions=2), pod("a", "Succeeded", ended=-1), pod("b", "Succeeded", ended=-1))
    accounting = account_for(begun, PodOutcome(0, frozenset()), controller(), NOW).accounting
    assert len(accounting.removals) == 2
    conclusion = conclude(accounting, frozenset({"a-uid"}), controller(), NOW)
    assert not conclusion.finished
    assert conclusion.write is not None
    assert conclusion.write.status.succeeded == 1
    assert conclude(accounting, frozenset(), controller(), NOW).write is None


def test_nothing_is_written_when_nothing_changed() -> None:
    """J-21."""
    begun = started(job(), pod("a"))
    accounting = account(begun.census, begun.census.job.status, None, 0, controller(), NOW)
    assert accounting.write is None
    assert conclude(accounting, frozenset(), controller(), NOW).write is None


def test_a_missing_list_of_uncounted_pods_is_no_reason_to_write() -> None:
    for uncounted in ({}, None):
        assert synced(job({"uncountedTerminatedPods": uncounted}), pod("a"), known=controller()).status_writes == ()
