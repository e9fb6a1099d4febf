"""What a sync finds: the Job's pods sorted and counted, before anything is decided (J-14, J-15).

Source: ``job_controller.go`` syncJob, getNewFinishedPods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kubesim.job_controller.backoff import BackoffRecord, next_record
from kubesim.job_controller.indexes import (
    failed_indexes,
    last_failed_pods,
    succeeded_indexes,
    written_succeeded_indexes,
)
from kubesim.job_controller.intervals import Intervals, total
from kubesim.job_controller.pod_failure_policy import failure_policy, match_failure
from kubesim.job_controller.pods import (
    has_tracking_finalizer,
    is_active,
    is_failed,
    is_ready,
    is_terminating,
    valid_index,
)
from kubesim.objects.job import JobView, Uncounted, is_indexed
from kubesim.objects.pod import Pod
from kubesim.releases import Release


class Census(msgspec.Struct, frozen=True):
    """A Job and its pods at the moment of a sync."""

    job: JobView
    pods: tuple[Pod, ...]
    active: tuple[Pod, ...]
    terminating: tuple[Pod, ...]
    tracked: tuple[Pod, ...]
    """Pods with the finalizer, without those from which an earlier sync removed it."""
    ready: int
    succeeded: int
    """Written, uncounted and new; for an Indexed Job the number of succeeded indexes."""
    failed: int
    """Written, uncounted and new, without those that the podFailurePolicy ignores."""
    previously_succeeded: Intervals
    succeeded_indexes: Intervals
    failed_indexes: Intervals | None
    """None unless failures are counted by index."""
    last_failed: Mapping[int, Pod]
    """By index, the failed pod that waits for its replacement (J-35)."""
    record: BackoffRecord
    """The back-off record that the new pods lead to."""


def census(
    job: JobView, pods: Sequence[Pod], record: BackoffRecord | None, unobserved: frozenset[str], release: Release
) -> Census:
    """Sort and count the pods of a Job. ``unobserved``: UIDs whose finalizer was removed but is still seen."""
    active = tuple(pod for pod in pods if is_active(pod))
    tracked = tuple(pod for pod in pods if has_tracking_finalizer(pod) and pod.metadata.uid not in unobserved)
    new_succeeded, new_failed = _newly_finished(job, tracked, release)
    uncounted = job.status.uncounted or Uncounted()
    policy = failure_policy(job, release)
    counted = sum(match_failure(policy, pod, release).counted for pod in new_failed)
    succeeded = job.status.succeeded + len(uncounted.succeeded) + len(new_succeeded)
    indexes: Intervals = ()
    failed: Intervals | None = None
    if is_indexed(job):
        indexes = succeeded_indexes(job, pods)
        succeeded = total(indexes)
        failed = failed_indexes(job, pods, release)
    return Census(
        job=job,
        pods=tuple(pods),
        active=active,
        terminating=tuple(pod for pod in pods if is_terminating(pod)),
        tracked=tracked,
        ready=sum(is_ready(pod) for pod in active),
        succeeded=succeeded,
        failed=job.status.failed + len(uncounted.failed) + counted,
        previously_succeeded=written_succeeded_indexes(job),
        succeeded_indexes=indexes,
        failed_indexes=failed,
        last_failed={} if failed is None else last_failed_pods(job, tracked, active, indexes, failed, release),
        record=next_record(record, new_succeeded, new_failed, release),
    )


def _newly_finished(job: JobView, tracked: Sequence[Pod], release: Release) -> tuple[list[Pod], list[Pod]]:
    """Succeeded and failed pods that the status does not list as uncounted, for an Indexed Job with a valid index."""
    uncounted = job.status.uncounted or Uncounted()
    known_succeeded, known_failed = frozenset(uncounted.succeeded), frozenset(uncounted.failed)
    candidates = [pod for pod in tracked if not is_indexed(job) or valid_index(pod, job) is not None]
    succeeded = [
        pod for pod in candidates if pod.status.phase == "Succeeded" and pod.metadata.uid not in known_succeeded
    ]
    failed = [pod for pod in candidates if pod.metadata.uid not in known_failed and is_failed(pod, job, release)]
    return succeeded, failed
