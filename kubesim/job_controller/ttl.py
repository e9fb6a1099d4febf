"""When a finished Job is deleted because of ttlSecondsAfterFinished (J-38).

Source: ``pkg/controller/ttlafterfinished/ttlafterfinished_controller.go``. The controller reads the Job anew before it
deletes, with foreground propagation; so the shell asks twice, and deletes if both answers say so.
"""

from __future__ import annotations

import msgspec

from kubesim.job_controller.decision import Why
from kubesim.objects.job import JobView, finished_condition
from kubesim.units import SECOND, Duration, Instant


class TtlDecision(msgspec.Struct, frozen=True):
    """Whether to delete now. ``after``: how long until it is worth asking again, None if only a change can matter."""

    delete: bool
    after: Duration | None
    why: Why


def ttl_decision(job: JobView, now: Instant) -> TtlDecision:
    """Whether a Job's time after its end is over."""
    expiry = expires_at(job)
    if expiry is None:
        return TtlDecision(False, None, Why("the Job has no TTL, is not finished or is being deleted", ("J-38",)))
    if now < expiry:
        return TtlDecision(False, expiry - now, Why("the TTL is not over", ("J-38",)))
    why = Why(f"finished for {job.spec.ttl_seconds_after_finished} s", ("J-38",))
    return TtlDecision(True, None, why)


def expires_at(job: JobView) -> Instant | None:
    """When a Job's TTL is over, counted from the transition of Complete or Failed; None if it never is."""
    ended, ttl = finished_condition(job), job.spec.ttl_seconds_after_finished
    if ended is None or ended.last_transition_time is None or ttl is None:
        return None
    if job.metadata.deletion_timestamp is not None:
        return None
    return ended.last_transition_time + ttl * SECOND
