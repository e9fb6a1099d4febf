"""Which indexes of an Indexed Job succeeded, failed or may be created; what a replacement inherits (J-28, J-35).

Source: ``indexed_job_utils.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from kubesim.job_controller.intervals import Intervals, contains, first_missing, merged, parse_indexes, with_indexes
from kubesim.job_controller.pod_failure_policy import failure_policy, match_failure
from kubesim.job_controller.pods import (
    all_failure_count,
    completion_index,
    failure_count,
    finish_time,
    has_tracking_finalizer,
    ignored_failure_count,
    is_failed,
    only_failed_replaced,
    removal_order,
    valid_index,
)
from kubesim.objects.job import JobView, is_indexed
from kubesim.objects.pod import Pod
from kubesim.releases import Release


def has_limit_per_index(job: JobView, release: Release) -> bool:
    """Whether failures are counted by index."""
    return release.enabled("JobBackoffLimitPerIndex") and job.spec.backoff_limit_per_index is not None


def written_succeeded_indexes(job: JobView) -> Intervals:
    """The succeeded indexes that the status already holds."""
    return parse_indexes(job.status.completed_indexes, job.spec.completions or 0)


def succeeded_indexes(job: JobView, pods: Iterable[Pod]) -> Intervals:
    """The succeeded indexes: those of the status and those of succeeded pods not yet counted (J-15)."""
    new = {
        index
        for pod in pods
        if pod.status.phase == "Succeeded"
        and has_tracking_finalizer(pod)
        and (index := valid_index(pod, job)) is not None
    }
    return with_indexes(written_succeeded_indexes(job), new)


def failed_indexes(job: JobView, pods: Iterable[Pod], release: Release) -> Intervals | None:
    """The failed indexes: those of the status and new ones; None unless failures are counted by index (J-35)."""
    if not (is_indexed(job) and has_limit_per_index(job, release)):
        return None
    new = {
        index
        for pod in pods
        if has_tracking_finalizer(pod)
        and (index := valid_index(pod, job)) is not None
        and fails_index(pod, job, release)
    }
    return with_indexes(parse_indexes(job.status.failed_indexes or "", job.spec.completions or 0), new)


def fails_index(pod: Pod, job: JobView, release: Release) -> bool:
    """Whether a pod's failure is the last its index may have: limit reached or FailIndex matched (J-35, J-40)."""
    if not is_failed(pod, job, release):
        return False
    match = match_failure(failure_policy(job, release), pod, release)
    if match.action == "FailIndex":
        return True
    return match.counted and failure_count(pod) >= (job.spec.backoff_limit_per_index or 0)


def indexes_of(pods: Iterable[Pod]) -> set[int]:
    """The completion indexes of pods, beyond the Job's completions too."""
    return {index for pod in pods if (index := completion_index(pod)) is not None}


def first_pending_indexes(
    job: JobView,
    active: Iterable[Pod],
    terminating: Iterable[Pod],
    succeeded: Intervals,
    failed: Intervals | None,
    count: int,
    release: Release,
) -> tuple[int, ...]:
    """The lowest indexes that need a pod, at most ``count`` (J-28).

    A terminating pod keeps its index where only failed pods are replaced (1.28+).
    """
    taken = with_indexes(succeeded, indexes_of(active))
    if release.policy("job_create_counts_terminating") and only_failed_replaced(job, release):
        taken = with_indexes(taken, indexes_of(terminating))
    return first_missing(merged(taken, failed or ()), count, job.spec.completions or 0)


def last_failed_pods(
    job: JobView,
    tracked: Iterable[Pod],
    active: Sequence[Pod],
    succeeded: Intervals,
    failed: Intervals,
    release: Release,
) -> dict[int, Pod]:
    """By index, the failed pod that waits for its replacement to inherit its counts; it keeps its finalizer (J-35).

    An index that has succeeded, failed or runs again needs none.
    """
    running = indexes_of(active)
    found: dict[int, Pod] = {}
    for pod in tracked:
        index = valid_index(pod, job)
        if index is None or index in running or not is_failed(pod, job, release):
            continue
        if contains(succeeded, index) or contains(failed, index):
            continue
        if index not in found or _is_later(pod, found[index], release):
            found[index] = pod
    return found


def _is_later(pod: Pod, other: Pod, release: Release) -> bool:
    return all_failure_count(other) <= all_failure_count(pod) and finish_time(pod, release) >= finish_time(
        other, release
    )


def inherited_counts(job: JobView, replaced: Pod | None, release: Release) -> tuple[int, int]:
    """The failure count and ignored failure count that the next pod of an index carries (J-35)."""
    if replaced is None:
        return 0, 0
    counted = match_failure(failure_policy(job, release), replaced, release).counted
    return failure_count(replaced) + counted, ignored_failure_count(replaced) + (not counted)


def surplus_of_indexes(active: Sequence[Pod], completions: int) -> tuple[list[Pod], list[Pod]]:
    """Active pods of an Indexed Job that must go whatever the parallelism, and the others (J-24).

    Pods without an index and beyond the last one go, and of several pods with one index all but the furthest.
    """
    surplus: list[Pod] = []
    kept: list[Pod] = []
    for index, group in groupby(sorted(active, key=_index_rank), key=_index_rank):
        pods = list(group)
        if index < 0 or index >= completions:
            surplus += pods
            continue
        *others, furthest = removal_order(pods)
        surplus += others
        kept.append(furthest)
    return surplus, kept


def _index_rank(pod: Pod) -> int:
    index = completion_index(pod)
    return -1 if index is None else index


def in_index_order(pods: Iterable[Pod]) -> list[Pod]:
    """Pods by completion index, those without first, so that indexes are counted in order (J-21)."""
    return sorted(pods, key=_index_rank)
