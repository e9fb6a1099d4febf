"""When a schedule comes next, and which of its times have passed without a Job.

The cron library is asked for one instant after another; its expression has a field for seconds, without which it would
skip or repeat hours when clocks change as Debian's cron does. Kubernetes goes by what the clock shows: an hour that is
left out has no times, an hour that comes twice has them twice. Source: ``pkg/controller/cronjob/utils.go``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from kubesim.objects.cron_job import CronJobView
from kubesim.objects.cron_schedule import Every, Schedule, Times
from kubesim.units import EPOCH_UNIX_SECONDS, SECOND, Duration, Instant

LATE: Final = SECOND // 10
"""The controller looks this much after each time, so that a clock that is a little off has passed it."""
_MANY: Final = 100
_LONGEST_SEARCH: Final = 5 * 366 * 24 * 3600 * SECOND


class NeverFits(Exception):
    """The schedule has no times, such as a 31st of February."""


class Missed(Enum):
    """How many times have passed."""

    NONE = 0
    FEW = 1
    MANY = 2


class Unmet(msgspec.Struct, frozen=True):
    """The last time that has passed without a Job; ``since``: from when on times were looked for."""

    since: Instant
    time: Instant | None
    missed: Missed


def next_time(schedule: Schedule, after: Instant) -> Instant:
    """The first time of the schedule after an instant. Raises :class:`NeverFits` if none comes within five years."""
    match schedule:
        case Every(delay):
            return after + delay - after % SECOND
        case Times():
            return _next_fitting(schedule, after)


@lru_cache(maxsize=4096)
def _next_fitting(times: Times, after: Instant) -> Instant:
    zone = UTC if times.zone in ("", "UTC") else ZoneInfo(times.zone)
    start = datetime.fromtimestamp(after // SECOND + EPOCH_UNIX_SECONDS, zone)
    try:
        found = next(CronSim(" ".join(("0", *times.fields)), start))
    except (CronSimError, StopIteration) as problem:
        raise NeverFits from problem
    instant = (int(found.timestamp()) - EPOCH_UNIX_SECONDS) * SECOND
    if instant - after > _LONGEST_SEARCH:
        raise NeverFits
    return instant


def unmet_time(cron: CronJobView, schedule: Schedule, now: Instant, *, within_deadline: bool = True) -> Unmet:
    """The last time up to now since the last Job, or since the deadline for starting.

    How many have passed is estimated from the distance of the first two. Raises :class:`NeverFits` if none can come.
    """
    since = cron.metadata.creation_timestamp or 0
    if cron.status.last_schedule_time is not None:
        since = cron.status.last_schedule_time
    deadline = cron.spec.starting_deadline_seconds
    if within_deadline and deadline is not None:
        since = max(since, now - deadline * SECOND)
    first = next_time(schedule, since)
    second = next_time(schedule, first)
    if now < first:
        return Unmet(since, None, Missed.NONE)
    if now < second:
        return Unmet(since, first, Missed.NONE)
    between = (second - first) // SECOND * SECOND
    count = (now - first) // between + 1
    found: Instant | None = None
    time = next_time(schedule, first + (count - 2) * between)
    while time <= now:
        found, time = time, next_time(schedule, time)
    return Unmet(since, found, Missed.MANY if count > _MANY else Missed.FEW)


def wait_for_next(cron: CronJobView, schedule: Schedule, now: Instant) -> Duration:
    """How long until the controller has to look at the CronJob again."""
    unmet = unmet_time(cron, schedule, now, within_deadline=False)
    nothing_since = unmet.since if unmet.missed is Missed.NONE else now
    return next_time(schedule, nothing_since if unmet.time is None else unmet.time) + LATE - now
