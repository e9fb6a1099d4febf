"""How finished pods get into the status: uncounted UIDs, finalizers, counters, conditions, in two writes (J-21).

``account`` decides the first write and the finalizers to remove, ``conclude`` the last write once those are gone.
Source: ``job_controller.go`` trackJobStatusAndRemoveFinalizers, flushUncountedAndRemoveFinalizers, enactJobFinished.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from kubesim.job_controller.census import Census
from kubesim.job_controller.decision import FinalizerRemoval, StatusWrite, Why
from kubesim.job_controller.events import JobEvent, finished_events
from kubesim.job_controller.indexes import has_limit_per_index, in_index_order
from kubesim.job_controller.intervals import contains, format_indexes, total
from kubesim.job_controller.pod_failure_policy import failure_policy, match_failure
from kubesim.job_controller.pods import completion_index, is_failed, valid_index
from kubesim.job_controller.verdict import condition_now, delays_terminal_condition, heeds_success_criteria
from kubesim.objects.job import (
    COMPLETE,
    FAILED,
    FAILURE_TARGET,
    SUCCESS_CRITERIA_MET,
    JobStatus,
    JobView,
    Uncounted,
    is_indexed,
)
from kubesim.objects.pod import Pod
from kubesim.objects.status import Condition
from kubesim.releases import Release
from kubesim.units import Instant


class Accounting(msgspec.Struct, frozen=True):
    """The first status write, and what is needed to decide the last."""

    job: JobView
    status: JobStatus
    write: StatusWrite | None
    removals: tuple[FinalizerRemoval, ...]
    final: Condition | None
    """The terminal condition that the verdict leads to."""
    tracked: frozenset[str]
    """UIDs of the pods that still have the finalizer before the removals."""
    terminating: int
    complete: bool
    """Whether all pods were looked at: a sync stops at a number of UIDs (J-21)."""


class Conclusion(msgspec.Struct, frozen=True):
    """The last status write and the Events after it."""

    write: StatusWrite | None
    events: tuple[JobEvent, ...]
    finished: bool


class _Count(msgspec.Struct, frozen=True):
    """The pods that one sync accounts for."""

    pods: tuple[Pod, ...]
    uncounted: Uncounted
    complete: bool


def account(
    census: Census, status: JobStatus, verdict: Condition | None, terminating: int, release: Release, now: Instant
) -> Accounting:
    """The first status write, if anything that matters changed, and the finalizers to remove after it.

    ``status``: with the conditions, active, ready and terminating of this sync. ``verdict``: how the Job ends, None if
    it does not or may not yet.
    """
    tracked = frozenset(pod.metadata.uid for pod in census.tracked)
    status = settle_uncounted(status, tracked)
    count = _count_pods(census, status.uncounted or Uncounted(), verdict, release)
    status = replace(status, uncounted=count.uncounted)
    if is_indexed(census.job):
        status = _with_indexes(status, census)
    status, final = _with_interim_condition(status, verdict, release, now)
    why = Why("counters, uncounted pods or conditions changed", ("J-21",))
    return Accounting(
        job=census.job,
        status=status,
        write=StatusWrite(status, why) if _is_worth_writing(census.job.status, status, release) else None,
        removals=tuple(FinalizerRemoval(pod.metadata.name, pod.metadata.uid) for pod in count.pods),
        final=final,
        tracked=tracked,
        terminating=terminating,
        complete=count.complete,
    )


def conclude(accounting: Accounting, removed: frozenset[str], release: Release, now: Instant) -> Conclusion:
    """The last status write, once the finalizers are gone from the pods with these UIDs.

    If some removals failed, only the progress made is written and the Job does not finish in this sync.
    """
    status = settle_uncounted(accounting.status, accounting.tracked - removed)
    failed = not removed.issuperset(removal.uid for removal in accounting.removals)
    final = None if failed else accounting.final
    if final is None or not _may_finish(accounting, status, release):
        why = Why("pods without finalizer are counted", ("J-21",))
        write = StatusWrite(status, why) if status != accounting.status else None
        return Conclusion(write, (), finished=False)
    status = with_condition(status, final)
    if final.type == COMPLETE:
        status = replace(status, completion_time=final.last_transition_time)
    events = finished_events(accounting.job, final, status.succeeded, release)
    return Conclusion(StatusWrite(status, Why(f"the Job is {final.type}", ("J-21", "J-31"))), events, finished=True)


def _may_finish(accounting: Accounting, status: JobStatus, release: Release) -> bool:
    """Whether the terminal condition may be written: all counted, and where it is delayed no pod terminating (J-31)."""
    if not accounting.complete or status.uncounted:
        return False
    return accounting.terminating == 0 or not delays_terminal_condition(release)


def _is_worth_writing(old: JobStatus, new: JobStatus, release: Release) -> bool:
    """Whether a status differs in more than counters that follow from others and the start time."""
    if not release.policy("job_terminating_alone_is_written"):
        new = replace(new, terminating=old.terminating)
    return _decisive(old) != _decisive(new)


def _decisive(status: JobStatus) -> JobStatus:
    return replace(status, start_time=None, succeeded=0, failed=0, uncounted=status.uncounted or Uncounted())


def settle_uncounted(status: JobStatus, with_finalizer: frozenset[str]) -> JobStatus:
    """Move uncounted pods whose finalizer is gone into the counters (J-21)."""
    uncounted = status.uncounted or Uncounted()
    succeeded = tuple(uid for uid in uncounted.succeeded if uid in with_finalizer)
    failed = tuple(uid for uid in uncounted.failed if uid in with_finalizer)
    return replace(
        status,
        succeeded=status.succeeded + len(uncounted.succeeded) - len(succeeded),
        failed=status.failed + len(uncounted.failed) - len(failed),
        uncounted=Uncounted(succeeded, failed),
    )


def _count_pods(census: Census, uncounted: Uncounted, verdict: Condition | None, release: Release) -> _Count:
    """Go through the pods with finalizer and list the ended ones, up to the most UIDs that one sync may list (J-21).

    Succeeded pods of an Indexed Job need no UID: their index says that they are counted.
    """
    job, limit = census.job, release.constant("job_max_pods_per_sync")
    indexed = is_indexed(job)
    known = job.status.uncounted or Uncounted()
    known_succeeded, known_failed = frozenset(known.succeeded), frozenset(known.failed)
    succeeded, failed, new_indexes = list(uncounted.succeeded), list(uncounted.failed), 0
    done: list[Pod] = []
    ends_all = verdict is not None and verdict.type != SUCCESS_CRITERIA_MET
    for pod in in_index_order(census.tracked) if indexed else census.tracked:
        is_failure = is_failed(pod, job, release)
        if not _may_release(pod, census, verdict, release, is_failure=is_failure):
            continue
        done.append(pod)
        uid, index = pod.metadata.uid, valid_index(pod, job) if indexed else None
        if pod.status.phase == "Succeeded" and uid not in known_failed:
            if indexed:
                new_indexes += index is not None and not contains(census.previously_succeeded, index)
            elif uid not in known_succeeded:
                succeeded.append(uid)
        elif (
            (is_failure or ends_all)
            and uid not in known_failed
            and (index is not None or not indexed)
            and match_failure(failure_policy(job, release), pod, release).counted
        ):
            failed.append(uid)
        if new_indexes + len(succeeded) + len(failed) >= limit:
            return _Count(tuple(done), Uncounted(tuple(succeeded), tuple(failed)), complete=False)
    return _Count(tuple(done), Uncounted(tuple(succeeded), tuple(failed)), complete=True)


def _may_release(pod: Pod, census: Census, verdict: Condition | None, release: Release, *, is_failure: bool) -> bool:
    """Whether the pod may lose its finalizer: it succeeded, failed, or the Job ends or is deleted.

    A failed pod whose replacement has to inherit its counts keeps it (J-35).
    """
    if census.job.metadata.deletion_timestamp is not None or verdict is not None or pod.status.phase == "Succeeded":
        return True
    if not is_failure:
        return False
    index = completion_index(pod)
    if index is None or not has_limit_per_index(census.job, release):
        return True
    waiting = census.last_failed.get(index)
    return waiting is None or waiting.metadata.uid != pod.metadata.uid


def _with_indexes(status: JobStatus, census: Census) -> JobStatus:
    failed = census.failed_indexes
    return replace(
        status,
        succeeded=total(census.succeeded_indexes),
        completed_indexes=format_indexes(census.succeeded_indexes),
        failed_indexes=None if failed is None else format_indexes(failed),
    )


def _with_interim_condition(
    status: JobStatus, verdict: Condition | None, release: Release, now: Instant
) -> tuple[JobStatus, Condition | None]:
    """The status with an interim condition, written before finalizers go, and the terminal one to follow (J §10)."""
    if verdict is None:
        return status, None
    if verdict.type == FAILURE_TARGET:
        status = replace(status, conditions=(*status.conditions, verdict))
        return status, condition_now(FAILED, verdict.reason, verdict.message, now)
    if verdict.type == SUCCESS_CRITERIA_MET and heeds_success_criteria(release):
        if not status.is_true(SUCCESS_CRITERIA_MET):
            status = replace(status, conditions=(*status.conditions, verdict))
        return status, condition_now(COMPLETE, verdict.reason, verdict.message, now)
    return status, verdict


def with_condition(status: JobStatus, condition: Condition) -> JobStatus:
    """The status with a condition in its place, or at the end; unchanged if it says the same already.

    A condition that was never there is not added as False.
    """
    old = status.condition(condition.type)
    if old is None:
        if condition.status == "False":
            return status
        return replace(status, conditions=(*status.conditions, condition))
    if (old.status, old.reason, old.message) == (condition.status, condition.reason, condition.message):
        return status
    return replace(status, conditions=tuple(condition if entry is old else entry for entry in status.conditions))
