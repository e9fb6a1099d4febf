"""What a sync of the Job controller decides, as data: pods to create and delete, status writes, finalizers, Events.

Only data; ``sync.py`` decides. The order in which the shell acts is that of J-21: Events of the decision itself, pods,
first status write, finalizers, last status write, Events of the end.
"""

from __future__ import annotations

import msgspec

from kubesim.job_controller.backoff import BackoffRecord
from kubesim.job_controller.events import JobEvent
from kubesim.job_controller.expectations import NOTHING_EXPECTED, Expectations
from kubesim.objects.job import JobStatus
from kubesim.objects.status import Condition
from kubesim.units import Duration


class Why(msgspec.Struct, frozen=True):
    """A reason in words, and the rules of ``job.md`` it follows."""

    text: str
    rules: tuple[str, ...]


class PodToCreate(msgspec.Struct, frozen=True):
    """One pod to make from the template; the store completes its name. The counts are those of J-35."""

    index: int | None
    """Completion index, None for a Job without indexes."""
    failure_count: int | None
    """Value of the index-failure-count annotation; None without backoffLimitPerIndex."""
    ignored_failure_count: int
    """Value of the index-ignored-failure-count annotation, which is left out at 0."""
    why: Why


class PodToDelete(msgspec.Struct, frozen=True):
    """One pod to delete with the grace period of its spec."""

    name: str
    uid: str
    release_first: bool
    """Whether its finalizer is removed before, so that it does not count as a failure (J-22, J-24)."""
    ready: bool
    why: Why


class FinalizerRemoval(msgspec.Struct, frozen=True):
    """One patch that takes the tracking finalizer off a pod that is accounted for (J-21)."""

    name: str
    uid: str


class StatusWrite(msgspec.Struct, frozen=True):
    """One update of the status subresource."""

    status: JobStatus
    why: Why


class Requeue(msgspec.Struct, frozen=True):
    """A sync to come, ``after`` counted from now; it does not postpone an earlier one (J-12)."""

    after: Duration
    why: Why


class PodChanges(msgspec.Struct, frozen=True):
    """What a sync does to pods. A sync either creates or deletes, never both (J-24)."""

    creations: tuple[PodToCreate, ...] = ()
    deletions: tuple[PodToDelete, ...] = ()
    backing_off: bool = False
    """A back-off keeps pods from being created; active is reported as 0 (J-26)."""
    requeues: tuple[Requeue, ...] = ()


class PodOutcome(msgspec.Struct, frozen=True):
    """How the pod changes went: what the shell reports before the status is decided."""

    created: int
    deleted: frozenset[str]
    """UIDs of the pods that were deleted, or turned out to be gone already."""


class Memory(msgspec.Struct, frozen=True):
    """What the controller remembers of one Job between syncs; lost when it restarts (J-32)."""

    record: BackoffRecord | None = None
    expectations: Expectations = NOTHING_EXPECTED
    terminal_written: bool = False
    """Whether a terminal condition was written; from 1.34 on nothing more is done before it is seen (J-13)."""
    unseen_writes: bool = False
    """Whether own writes have not come back through the informers; 1.36 waits for them (J-13)."""


class JobDecision(msgspec.Struct, frozen=True):
    """One whole sync, as it goes when every request succeeds."""

    why: Why
    memory: Memory
    """What to remember. The shell lowers the expectations as it sees the changes."""
    creations: tuple[PodToCreate, ...] = ()
    batches: tuple[int, ...] = ()
    """How many of the creations are sent together, one batch after the other (J-27)."""
    deletions: tuple[PodToDelete, ...] = ()
    status_writes: tuple[StatusWrite, ...] = ()
    finalizers: tuple[FinalizerRemoval, ...] = ()
    """Removed after the first status write and before the last; those of ``deletions`` are not among them."""
    events: tuple[JobEvent, ...] = ()
    requeues: tuple[Requeue, ...] = ()
    verdict: Condition | None = None
    """How the Job ends, as far as this sync knows."""
    finished: bool = False
    """Whether the terminal condition is written."""
    retry_with_backoff: bool = False
    """Whether the sync ends in an error, which requeues the Job with the queue's own back-off (J-11)."""
