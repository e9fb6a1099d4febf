"""Expectations about Jobs: their counters and indexes, how many pods they made, whether they are gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from kubesim.scenario.expect_words import Seen, all_of, at, listed, when
from kubesim.scenario.facts import Facts, JobFacts
from kubesim.units import Duration, format_duration

COUNTERS: Final = ("active", "ready", "succeeded", "failed", "terminating")
INDEXES: Final = ("completedIndexes", "failedIndexes")

Bounds: TypeAlias = tuple[int, int | None]
"""Least and most of a count; None: any more will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobIs:
    """What the status of a Job says, at the end or at an instant; a field that it lacks counts as 0, or as empty."""

    job: str
    status: Mapping[str, Bounds | str]
    at: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPods:
    """How many pods a Job has made, up to the end or to an instant."""

    job: str
    least: int
    most: int | None
    at: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGone:
    """The Job is gone at the end, perhaps before or after an instant, or is still there."""

    job: str
    gone: bool
    before: Duration | None = None
    after: Duration | None = None


JobRelation: TypeAlias = JobIs | JobPods | JobGone


def check_job(relation: JobRelation, facts: Facts) -> Seen:
    """Whether a relation holds for every Job it is about; there must be one."""
    match relation:
        case JobIs():
            return each_job(facts, relation.job, lambda job: _status_is(relation, job), relation.at)
        case JobPods():
            return each_job(facts, relation.job, lambda job: _pods(relation, job), relation.at)
        case JobGone():
            return each_job(facts, relation.job, lambda job: _gone(relation, job, facts))


def each_job(facts: Facts, pattern: str, one_job: Callable[[JobFacts], Seen], instant: Duration | None = None) -> Seen:
    """What holds of each Job of that name that there was at the instant; without one, of each there ever was."""
    jobs = [job for job in facts.jobs if fnmatchcase(job.name, pattern)]
    if not jobs:
        known = listed(job.name for job in facts.jobs) or "none"
        return False, f"there was no Job {pattern}; there was {known}"
    there = [job for job in jobs if instant is None or _exists(job, instant)]
    return all_of([one_job(job) for job in there]) if there else (False, f"there was no Job {pattern} {when(instant)}")


def _exists(job: JobFacts, instant: Duration) -> bool:
    created = job.statuses[0][0].at if job.statuses else 0
    return created <= instant and (job.gone is None or job.gone.at > instant)


def _status_is(relation: JobIs, job: JobFacts) -> Seen:
    reached = [status for moment, status in job.statuses if relation.at is None or moment.at <= relation.at]
    status = reached[-1] if reached else {}
    held = all(_fits(status.get(name), wanted) for name, wanted in relation.status.items())
    said = listed(f"{name} {_shown(status.get(name), wanted)}" for name, wanted in relation.status.items())
    return held, f"{job.name} had {said} {when(relation.at)}"


def _fits(found: object, wanted: Bounds | str) -> bool:
    if isinstance(wanted, str):
        return (found or "") == wanted
    least, most = wanted
    count = found if isinstance(found, int) else 0
    return least <= count and (most is None or count <= most)


def _shown(found: object, wanted: Bounds | str) -> str:
    return f'"{found or ""}"' if isinstance(wanted, str) else str(found or 0)


def _pods(relation: JobPods, job: JobFacts) -> Seen:
    count = sum(relation.at is None or moment.at <= relation.at for moment in job.pods)
    held = relation.least <= count and (relation.most is None or count <= relation.most)
    return held, f"{job.name} had made {count} pod{'' if count == 1 else 's'} {when(relation.at)}"


def _gone(relation: JobGone, job: JobFacts, facts: Facts) -> Seen:
    if job.gone is None:
        return not relation.gone, f"{job.name} was still there at {format_duration(facts.end)}"
    text = f"{job.name} was gone at {at(job.gone)}"
    early = relation.before is not None and job.gone.at > relation.before
    late = relation.after is not None and job.gone.at < relation.after
    return relation.gone and not early and not late, text
