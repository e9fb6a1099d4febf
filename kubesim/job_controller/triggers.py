"""When a sync of a Job comes: what triggers it, how long it waits, and how the queue puts requests together (J §2).

The shell keeps one :class:`QueueEntry` per Job and stores what these functions return. Source: ``job_controller.go``
addJob, updateJob, addPod, updatePod, deletePod, enqueueSyncJob…, ``client-go/util/workqueue``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from kubesim.job_controller.decision import Requeue, Why
from kubesim.objects.job import JobView, finished_condition
from kubesim.objects.pod import Pod
from kubesim.releases import Release
from kubesim.units import SECOND, Duration, Instant


class Trigger(StrEnum):
    """What the controller saw of a Job or of one of its pods."""

    JOB_ADDED = "job added"
    SPEC_CHANGED = "job spec changed"
    STATUS_CHANGED = "job status changed"
    JOB_DELETED = "job deleted"
    POD_CHANGED = "pod changed"
    POD_FAILED = "pod failed"


class QueueEntry(msgspec.Struct, frozen=True):
    """The place of one Job in the controller's queue."""

    due: Instant | None = None
    """When a delayed request is to come in; the earliest one counts (J-12)."""
    ready: bool = False
    """Whether a worker may take it."""
    syncing: bool = False
    again: bool = False
    """Whether it was asked for while it was syncing, so that it is ready again at once afterwards."""
    failures: int = 0
    """Syncs in a row that ended in an error."""


def job_trigger(old: JobView, new: JobView) -> Trigger | None:
    """What a change of a Job triggers: nothing once it is finished, for then a sync does nothing (J-7, J-8, J-13)."""
    if finished_condition(new) is not None:
        return None
    same = old.metadata.generation == new.metadata.generation
    return Trigger.STATUS_CHANGED if same else Trigger.SPEC_CHANGED


def pod_trigger(old: Pod | None, new: Pod | None) -> Trigger:
    """What a change of an owned pod triggers; ``old`` None: it was added, ``new`` None: it is gone (J-8)."""
    if old is None or new is None or new.metadata.deletion_timestamp is not None:
        return Trigger.POD_CHANGED
    failed = new.status.phase == "Failed" and old.status.phase != "Failed"
    return Trigger.POD_FAILED if failed else Trigger.POD_CHANGED


def delay_of(trigger: Trigger, failures: int, release: Release) -> Duration:
    """How long a sync waits after a trigger (J-7, J-8).

    1.27 batches pod changes only; there a failed pod waits for the queue's back-off if syncs failed before (J-11).
    """
    batch = release.duration("job_batch_period")
    match trigger:
        case Trigger.JOB_ADDED | Trigger.SPEC_CHANGED | Trigger.JOB_DELETED:
            return 0
        case Trigger.STATUS_CHANGED:
            return batch if release.policy("job_update_batching") == "all_but_spec" else 0
        case Trigger.POD_FAILED if failures > 0 and release.policy("job_update_batching") == "pod_events":
            return queue_backoff(failures - 1, release)
        case _:
            return batch if release.enabled("JobReadyPods") else 0


def deadline_change(old: JobView, new: JobView, now: Instant) -> Requeue | None:
    """The sync at a deadline that was set or changed while the Job runs; the delay may be negative (J-9)."""
    seconds, started = new.spec.active_deadline_seconds, new.status.start_time
    if seconds is None or started is None or seconds == old.spec.active_deadline_seconds:
        return None
    if finished_condition(new) is not None:
        return None
    return Requeue(started + seconds * SECOND - now, Why("activeDeadlineSeconds was changed", ("J-9",)))


def queue_backoff(failures: int, release: Release) -> Duration:
    """How long a Job waits after a sync that ended in an error, after that many before it (J-11)."""
    longest = release.duration("job_queue_backoff_max")
    return min(release.duration("job_queue_backoff_initial") << min(failures, 62), longest)


def added(entry: QueueEntry, delay: Duration, now: Instant) -> QueueEntry:
    """The entry after a request: at once without a delay, else when it is over, unless one comes earlier (J-12)."""
    if delay > 0:
        due = now + delay
        return replace(entry, due=due if entry.due is None else min(entry.due, due))
    return replace(entry, again=True) if entry.syncing else replace(entry, ready=True)


def came_due(entry: QueueEntry, now: Instant) -> QueueEntry:
    """The entry when the clock says ``now``: a delayed request that is over comes in."""
    if entry.due is None or now < entry.due:
        return entry
    return added(replace(entry, due=None), 0, now)


def taken(entry: QueueEntry) -> QueueEntry:
    """The entry when a worker begins to sync the Job; nobody else takes it meanwhile."""
    return replace(entry, ready=False, syncing=True)


def done(entry: QueueEntry, now: Instant, release: Release, *, failed: bool) -> QueueEntry:
    """The entry after a sync: an error brings it back after the queue's back-off, success forgets that (J-11)."""
    if failed:
        entry = added(entry, queue_backoff(entry.failures, release), now)
    return replace(entry, ready=entry.again, again=False, syncing=False, failures=entry.failures + 1 if failed else 0)
