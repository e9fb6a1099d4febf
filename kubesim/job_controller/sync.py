"""One sync of a Job, whole or in the steps in which it meets the API server (J §3).

``sync_job`` is the sync that goes well. Where requests can fail, the shell takes it in three steps: ``begin`` decides
the pods, ``account_for`` the first status write and the finalizers once it is known what became of the pods, and
``conclude`` (``accounting.py``) the last write once it is known which finalizers are gone.
Source: ``job_controller.go`` syncJob.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from kubesim.job_controller.accounting import Accounting, account, conclude, with_condition
from kubesim.job_controller.census import Census, census
from kubesim.job_controller.decision import (
    JobDecision,
    Memory,
    PodChanges,
    PodOutcome,
    Requeue,
    Why,
)
from kubesim.job_controller.events import JobEvent, normal, warning
from kubesim.job_controller.expectations import are_satisfied, expecting, finalizers_expected
from kubesim.job_controller.manage import creation_batches, end_pods, manage_pods
from kubesim.job_controller.verdict import Verdict, condition_now, success, verdict
from kubesim.objects.job import (
    INDEXED,
    NON_INDEXED,
    SUSPENDED,
    JobStatus,
    JobView,
    finished_condition,
)
from kubesim.objects.pod import Pod
from kubesim.objects.status import Condition
from kubesim.releases import Release
from kubesim.units import Instant

OWN_NAME: Final = "kubernetes.io/job-controller"
"""Value of managedBy that means the built-in controller."""


class Begun(msgspec.Struct, frozen=True):
    """A sync that has decided on the pods."""

    census: Census
    memory: Memory
    """With the expectations that the pod changes create; to be stored before they are carried out."""
    started: Instant | None
    verdict: Verdict | None
    satisfied: bool
    """Whether no change of an earlier sync is still to be observed."""
    changes: PodChanges
    managed: bool
    """Whether pods were managed: no verdict, no pending expectations, no deletion of the Job (J-20)."""
    requeues: tuple[Requeue, ...]


class Accounted(msgspec.Struct, frozen=True):
    """A sync that has decided on the first status write."""

    accounting: Accounting
    memory: Memory
    """With the back-off record, and the finalizers that are expected to go; to be stored before they are removed."""
    events: tuple[JobEvent, ...]
    verdict: Condition | None
    why: Why


def sync_job(job: JobView, pods: tuple[Pod, ...], memory: Memory, release: Release, now: Instant) -> JobDecision:
    """Everything one sync does to a Job with these pods, if every request succeeds."""
    begun = begin(job, pods, memory, release, now)
    if isinstance(begun, JobDecision):
        return begun
    changes = begun.changes
    outcome = PodOutcome(len(changes.creations), frozenset(deletion.uid for deletion in changes.deletions))
    accounted = account_for(begun, outcome, release, now)
    accounting = accounted.accounting
    conclusion = conclude(accounting, frozenset(removal.uid for removal in accounting.removals), release, now)
    return JobDecision(
        why=accounted.why,
        memory=replace(accounted.memory, terminal_written=conclusion.finished),
        creations=changes.creations,
        batches=creation_batches(len(changes.creations)),
        deletions=changes.deletions,
        status_writes=tuple(write for write in (accounting.write, conclusion.write) if write is not None),
        finalizers=accounting.removals,
        events=(*accounted.events, *conclusion.events),
        requeues=begun.requeues,
        verdict=accounted.verdict,
        finished=conclusion.finished,
        retry_with_backoff=ends_in_error(begun, release),
    )


def begin(job: JobView, pods: tuple[Pod, ...], memory: Memory, release: Release, now: Instant) -> Begun | JobDecision:
    """Decide the pods to create and delete; a whole decision if there is nothing to sync (J-13, J-55)."""
    decision = skipped(job, memory, release)
    if decision is not None:
        return decision
    counted = census(job, pods, memory.record, memory.expectations.finalizers, release)
    started = job.status.start_time
    if started is None and not job.spec.suspend:
        started = now
    found, requeues = verdict(counted, started, release, now)
    satisfied = are_satisfied(memory.expectations, now, release)
    managed = found is None and satisfied and job.metadata.deletion_timestamp is None
    changes = PodChanges()
    if found is not None:
        changes = end_pods(counted)
    elif managed:
        changes = manage_pods(counted, release, now)
        memory = _expecting_changes(memory, changes, now)
    return Begun(
        census=counted,
        memory=memory,
        started=started,
        verdict=found,
        satisfied=satisfied,
        changes=changes,
        managed=managed,
        requeues=(*requeues, *changes.requeues),
    )


def _expecting_changes(memory: Memory, changes: PodChanges, now: Instant) -> Memory:
    creations, deletions = len(changes.creations), len(changes.deletions)
    if not creations and not deletions:
        return memory
    return replace(memory, expectations=expecting(memory.expectations, now, creations=creations, deletions=deletions))


def account_for(begun: Begun, outcome: PodOutcome, release: Release, now: Instant) -> Accounted:
    """Decide the first status write, now that it is known what became of the pods (J-19, J-20, J-26)."""
    counted, changes, job = begun.census, begun.changes, begun.census.job
    gone = [deletion for deletion in changes.deletions if deletion.uid in outcome.deleted]
    active = 0 if changes.backing_off else len(counted.active) - len(gone) + outcome.created
    terminating, ready = len(counted.terminating), counted.ready
    if release.policy("job_deleted_pods_count_as_terminating"):
        terminating += len(gone)
        ready -= sum(deletion.ready for deletion in gone)
    found, why = _settled_verdict(begun, outcome, active, release, now)
    status = msgspec.structs.replace(
        job.status,
        start_time=begun.started,
        active=active,
        ready=ready if release.enabled("JobReadyPods") else None,
        terminating=terminating if release.enabled("JobPodReplacementPolicy") else None,
    )
    events: tuple[JobEvent, ...] = ()
    if begun.managed and found is None:
        status, events = _with_suspension(status, job, release, now)
    accounting = account(counted, status, found, terminating, release, now)
    expected = finalizers_expected(begun.memory.expectations, (removal.uid for removal in accounting.removals))
    memory = replace(
        begun.memory,
        expectations=expected,
        record=begun.memory.record if accounting.write is None else counted.record,
    )
    return Accounted(accounting, memory, events, found, why)


def _settled_verdict(
    begun: Begun, outcome: PodOutcome, active: int, release: Release, now: Instant
) -> tuple[Condition | None, Why]:
    """The condition the Job ends with; an earlier verdict is dropped for this sync unless all its pods went (J-19)."""
    if begun.verdict is not None:
        if begun.satisfied and len(outcome.deleted) == len(begun.changes.deletions):
            return begun.verdict.condition, begun.verdict.why
        return None, Why("pods are left or not yet seen, so the Job cannot end in this sync", ("J-19",))
    if _is_complete(begun.census, active):
        found = success(release, now)
        return found.condition, found.why
    if begun.managed:
        return None, Why("pods are managed", ("J-20",))
    return None, Why("pods are only counted: changes are still to be seen, or the Job is being deleted", ("J-20",))


def _is_complete(counted: Census, active: int) -> bool:
    """Whether enough pods have succeeded and none is active (J-20)."""
    completions = counted.job.spec.completions
    return active == 0 and (counted.succeeded > 0 if completions is None else counted.succeeded >= completions)


def _with_suspension(
    status: JobStatus, job: JobView, release: Release, now: Instant
) -> tuple[JobStatus, tuple[JobEvent, ...]]:
    """The condition Suspended as the spec asks, its Event, and what becomes of the start time (J-37)."""
    suspend = job.spec.suspend
    reason = "Suspended" if suspend else "Resumed"
    wanted = condition_now(SUSPENDED, f"Job{reason}", release.text(reason), now, "True" if suspend else "False")
    changed = with_condition(status, wanted)
    if changed is status:
        return status, ()
    start_time = status.start_time if suspend else now
    if suspend and release.policy("job_suspend_clears_start_time"):
        start_time = None
    return msgspec.structs.replace(changed, start_time=start_time), (normal(reason, release),)


def ends_in_error(begun: Begun, release: Release, *, requests_failed: bool = False) -> bool:
    """Whether the sync ends in an error: a request failed, or in 1.27 a pod newly failed (J-11)."""
    if requests_failed:
        return True
    new_failure = begun.census.failed > begun.census.job.status.failed
    return new_failure and bool(release.policy("job_failure_requeues_by_error"))


def skipped(job: JobView, memory: Memory, release: Release) -> JobDecision | None:
    """The decision where nothing is synced, None where a sync goes on (J-13)."""
    waits_for = release.policy("job_sync_waits_for_own_writes")
    if memory.unseen_writes and waits_for == "all_writes":
        return JobDecision(Why("own writes are not yet seen", ("J-13",)), memory, retry_with_backoff=True)
    if is_managed_elsewhere(job, release):
        return JobDecision(Why(f"the Job is managed by {job.spec.managed_by}", ("J-13",)), memory)
    if finished_condition(job) is not None:
        return JobDecision(Why("the Job is finished", ("J-13",)), Memory(expectations=memory.expectations))
    if memory.terminal_written and waits_for != "nothing":
        return JobDecision(Why("the terminal condition is written but not yet seen", ("J-13",)), memory)
    if job.spec.completion_mode not in (INDEXED, NON_INDEXED):
        why = Why(f"completion mode {job.spec.completion_mode} is unknown", ("J-55",))
        return JobDecision(why, memory, events=(warning("UnknownCompletionMode", release),))
    return None


def is_managed_elsewhere(job: JobView, release: Release) -> bool:
    """Whether the Job is left to another controller (J-13)."""
    return release.enabled("JobManagedBy") and job.spec.managed_by not in (None, OWN_NAME)
