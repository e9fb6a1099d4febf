"""How long the controller waits before it replaces failed pods, for the whole Job and by index (J-32 to J-35).

Source: ``backoff_utils.go``. The record lives in the controller's memory: a restart forgets it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kubesim.job_controller.pods import all_failure_count, finish_time
from kubesim.objects.pod import Pod
from kubesim.releases import Release
from kubesim.units import Duration, Instant


class BackoffRecord(msgspec.Struct, frozen=True):
    """What is remembered of a Job's failures. ``last_failure`` is None while there is none since the last success."""

    failures: int = 0
    last_failure: Instant | None = None


def next_record(
    record: BackoffRecord | None, succeeded: Sequence[Pod], failed: Sequence[Pod], release: Release
) -> BackoffRecord:
    """The record after pods newly succeeded and failed: a success leaves only the failures that ended later (J-32)."""
    old = record or BackoffRecord()
    if not succeeded and not failed:
        return old
    ends = sorted(finish_time(pod, release) for pod in failed)
    if not succeeded:
        return BackoffRecord(old.failures + len(ends), ends[-1])
    last_success = max(finish_time(pod, release) for pod in succeeded)
    later = [end for end in ends if end > last_success]
    return BackoffRecord(len(later), later[-1] if later else None)


def remaining_delay(record: BackoffRecord, now: Instant, release: Release) -> Duration:
    """How long no pod may be created yet, 0 if none has to be waited for (J-32)."""
    return _remaining(record.failures, record.last_failure, now, release)


def remaining_delay_of_index(last_failed: Pod | None, now: Instant, release: Release) -> Duration:
    """How long an index has to wait for its next pod, counted from its last failed one (J-35)."""
    if last_failed is None:
        return 0
    return _remaining(all_failure_count(last_failed) + 1, finish_time(last_failed, release), now, release)


def _remaining(failures: int, last_failure: Instant | None, now: Instant, release: Release) -> Duration:
    if failures == 0 or last_failure is None:
        return 0
    return max(0, delay_after(failures, release) - (now - last_failure))


def delay_after(failures: int, release: Release) -> Duration:
    """The delay after that many failures in a row: doubled by each up to the longest (J-32, J-34)."""
    initial, longest = release.duration("job_pod_backoff_initial"), release.duration("job_pod_backoff_max")
    # Beyond 62 doublings Go's integers would overflow; the longest delay is reached long before.
    return min(initial << min(failures - 1, 62), longest) if failures > 1 else initial
