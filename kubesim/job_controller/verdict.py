"""Whether and how a Job ends in this sync, apart from having reached its completions (J-18).

Source: ``job_controller.go`` syncJob, pastBackoffLimitOnFailure, pastActiveDeadline, newFailureCondition.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kubesim.job_controller.census import Census
from kubesim.job_controller.decision import Requeue, Why
from kubesim.job_controller.intervals import total
from kubesim.job_controller.pod_failure_policy import failure_policy, match_failure
from kubesim.job_controller.pods import is_failed
from kubesim.job_controller.success_policy import match_success
from kubesim.objects.job import (
    COMPLETE,
    FAILED,
    FAILURE_TARGET,
    SUCCESS_CRITERIA_MET,
    JobView,
    is_indexed,
)
from kubesim.objects.pod import Pod
from kubesim.objects.status import Condition
from kubesim.releases import Release
from kubesim.units import SECOND, Instant


class Verdict(msgspec.Struct, frozen=True):
    """How the Job ends. The type of the condition says whether it is interim or terminal."""

    condition: Condition
    why: Why
    stands: bool = False
    """Whether an earlier sync decided and wrote it."""


def condition_now(type_: str, reason: str, message: str, now: Instant, status: str = "True") -> Condition:
    """A condition that changes now."""
    return Condition(type_, status, reason, message, last_transition_time=now, last_probe_time=now)


def delays_terminal_condition(release: Release) -> bool:
    """Whether an interim condition comes first and the terminal one waits for terminating pods (J-31, J-46, J-47)."""
    return bool(release.policy("job_terminal_condition") == "after_pods_terminated")


def heeds_success_criteria(release: Release) -> bool:
    """Whether SuccessCriteriaMet means something to the controller (J §10)."""
    return release.enabled("JobSuccessPolicy") or delays_terminal_condition(release)


def verdict(
    census: Census, started: Instant | None, release: Release, now: Instant
) -> tuple[Verdict | None, tuple[Requeue, ...]]:
    """The first verdict that holds, in the order of J-18, and the sync at the deadline; without one pods are managed.

    ``started``: the status' startTime, now if the Job starts in this sync.
    """
    early = (
        _verdict_before(census.job, release, now)
        or _failure_policy_verdict(census, release, now)
        or _limit_verdict(census, started, release, now)
    )
    if early is not None:
        return early, ()
    return _index_verdict(census, release, now), _deadline_requeue(census.job, started, now)


def _verdict_before(job: JobView, release: Release, now: Instant) -> Verdict | None:
    """What an earlier sync decided, which stands: SuccessCriteriaMet, then FailureTarget."""
    met = job.status.condition(SUCCESS_CRITERIA_MET)
    if met is not None and met.status == "True" and heeds_success_criteria(release):
        return Verdict(met, Why("SuccessCriteriaMet was written before", ("J-18",)), stands=True)
    target = job.status.condition(FAILURE_TARGET)
    if target is not None and target.status == "True" and release.enabled("JobPodFailurePolicy"):
        return Verdict(
            condition_now(FAILED, target.reason, target.message, now),
            Why("FailureTarget was written before", ("J-18",)),
            stands=True,
        )
    return None


def _failure_policy_verdict(census: Census, release: Release, now: Instant) -> Verdict | None:
    """FailJob of a podFailurePolicy: the first failed pod with such a match, counted ones too (J-40, J-41)."""
    policy = failure_policy(census.job, release)
    if policy is None:
        return None
    for pod in census.pods:
        if not is_failed(pod, census.job, release):
            continue
        message = match_failure(policy, pod, release).message
        if message is not None:
            return Verdict(
                condition_now(FAILURE_TARGET, "PodFailurePolicy", message, now),
                Why(f"pod {pod.metadata.name} matches a FailJob rule", ("J-18", "J-40")),
            )
    return None


def _limit_verdict(census: Census, started: Instant | None, release: Release, now: Instant) -> Verdict | None:
    """The back-off limit, then the deadline (J-29, J-30, J-36)."""
    job = census.job
    if census.failed > job.spec.backoff_limit:
        why = Why(f"{census.failed} failures exceed backoffLimit {job.spec.backoff_limit}", ("J-18", "J-29"))
        return _failure("BackoffLimitExceeded", release.text("BackoffLimitExceeded"), why, release, now)
    if past_backoff_on_failure(job, (*census.active, *census.terminating)):
        why = Why(f"containers restarted up to backoffLimit {job.spec.backoff_limit}", ("J-18", "J-30"))
        return _failure("BackoffLimitExceeded", release.text("BackoffLimitExceeded"), why, release, now)
    deadline = deadline_of(job, started)
    if deadline is not None and now >= deadline:
        why = Why(f"active for {job.spec.active_deadline_seconds} s", ("J-18", "J-36"))
        return _failure("DeadlineExceeded", release.text("job_DeadlineExceeded"), why, release, now)
    return None


def _index_verdict(census: Census, release: Release, now: Instant) -> Verdict | None:
    """Failed indexes, then the successPolicy; only for an Indexed Job (J-35, J-43)."""
    job, failed = census.job, census.failed_indexes
    if not is_indexed(job):
        return None
    completions = job.spec.completions or 0
    if failed is not None:
        count, limit = total(failed), job.spec.max_failed_indexes
        if limit is not None and count > limit:
            why = Why(f"{count} failed indexes exceed maxFailedIndexes {limit}", ("J-18", "J-35"))
            reason = "MaxFailedIndexesExceeded"
            return _failure(reason, release.text(reason), why, release, now)
        if count > 0 and count + census.succeeded >= completions:
            why = Why(f"all indexes are done and {count} failed", ("J-18", "J-35"))
            return _failure("FailedIndexes", release.text("FailedIndexes"), why, release, now)
    message = match_success(job.spec.success_policy, completions, census.succeeded_indexes, release)
    if message is None:
        return None
    return Verdict(
        condition_now(SUCCESS_CRITERIA_MET, "SuccessPolicy", message, now),
        Why("the successPolicy is met", ("J-18", "J-43")),
    )


def _failure(reason: str, message: str, why: Why, release: Release, now: Instant) -> Verdict:
    type_ = FAILURE_TARGET if delays_terminal_condition(release) else FAILED
    return Verdict(condition_now(type_, reason, message, now), why)


def success(release: Release, now: Instant) -> Verdict:
    """The verdict on a Job whose completions are reached (J-20, J §10)."""
    explains = release.policy("job_complete_reason")
    return Verdict(
        condition_now(
            SUCCESS_CRITERIA_MET if delays_terminal_condition(release) else COMPLETE,
            "CompletionsReached" if explains else "",
            release.text("CompletionsReached") if explains else "",
            now,
        ),
        Why("enough pods succeeded and none is active", ("J-20",)),
    )


def past_backoff_on_failure(job: JobView, pods: Iterable[Pod]) -> bool:
    """Whether containers of running and pending pods restarted too often under OnFailure, sidecars' restarts included.

    The limit is reached, not exceeded: only backoffLimit 0 means the same as 1 (J-30).
    """
    if job.spec.template.spec.restart_policy != "OnFailure":
        return False
    restarts = sum(
        status.restart_count
        for pod in pods
        if pod.status.phase in ("Running", "Pending")
        for status in (*pod.status.init_container_statuses, *pod.status.container_statuses)
    )
    return restarts >= max(job.spec.backoff_limit, 1)


def deadline_of(job: JobView, started: Instant | None) -> Instant | None:
    """When the Job has been active for too long; None if it has no deadline or is suspended (J-36)."""
    if job.spec.active_deadline_seconds is None or job.spec.suspend or started is None:
        return None
    return started + job.spec.active_deadline_seconds * SECOND


def _deadline_requeue(job: JobView, started: Instant | None, now: Instant) -> tuple[Requeue, ...]:
    """The sync at the deadline, asked for by every sync that finds no earlier reason to end the Job (J-9)."""
    deadline = deadline_of(job, started)
    return () if deadline is None else (Requeue(deadline - now, Why("activeDeadlineSeconds ends then", ("J-9",))),)
