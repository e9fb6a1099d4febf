"""What the CronJob controller decides in one sync: which Jobs go, which one starts, and when to look again.

Source: ``pkg/controller/cronjob/cronjob_controllerv2.go`` syncCronJob, cleanupFinishedJobs; ``utils.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from kubesim.job_controller.cron_times import Missed, NeverFits, unmet_time, wait_for_next
from kubesim.job_controller.decision import Why
from kubesim.job_controller.events import JobEvent
from kubesim.objects.cron_job import CronJobStatus, CronJobView, JobReference
from kubesim.objects.cron_schedule import BadSchedule, Schedule, is_zone, parse_schedule
from kubesim.objects.job import COMPLETE, JobView, finished_condition
from kubesim.releases import Release
from kubesim.units import EPOCH_UNIX_SECONDS, MINUTE, SECOND, Duration, Instant

SCHEDULED_AT: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""Annotation of a Job: the time of the schedule that it was made for."""


class CronDecision(msgspec.Struct, frozen=True):
    """One sync. The Job is created after the replaced ones are deleted; see :func:`with_started`."""

    status: CronJobStatus
    """What is known of the Jobs there are; written if it differs, or if a Job is created or deleted."""
    why: Why
    events: tuple[JobEvent, ...] = ()
    replaced: tuple[JobReference, ...] = ()
    """Running Jobs that give way to the next one."""
    start: Instant | None = None
    """The time of the schedule for which a Job is created."""
    requeue: Duration | None = None
    """When to look again; None: only a change can matter."""


def is_behind(cron: CronJobView, jobs: Iterable[JobView]) -> bool:
    """Whether a running Job is not in the status, so that the CronJob has to be read anew."""
    listed = {reference.uid for reference in cron.status.active}
    return any(job.metadata.uid not in listed and finished_condition(job) is None for job in jobs)


def sync_cron_job(
    cron: CronJobView, jobs: Sequence[JobView], stored: frozenset[str], release: Release, now: Instant
) -> CronDecision:
    """What becomes of a CronJob with these Jobs now.

    ``cron``: read anew if :func:`is_behind`. ``stored``: UIDs of active Jobs that are there, seen by the watch or not.
    """
    status, events = _with_jobs(cron.status, jobs, stored, release)
    cron = msgspec.structs.replace(cron, status=status)
    if cron.metadata.deletion_timestamp is not None:
        return CronDecision(status, Why("the CronJob is being deleted", ()), events)
    schedule = _schedule(cron)
    if isinstance(schedule, JobEvent):
        return CronDecision(status, Why(schedule.message, ()), (*events, schedule))
    if cron.spec.suspend:
        return CronDecision(status, Why("the CronJob is suspended", ()), events)
    warnings = _unsupported(cron)
    if isinstance(schedule, BadSchedule):
        text = f'unparseable schedule: "{cron.spec.schedule}" : {schedule}'
        event = JobEvent("Warning", "UnparseableSchedule", text)
        return CronDecision(status, Why(text, ()), (*events, *warnings, event))
    return _start(cron, schedule, (*events, *warnings), now)


def _start(cron: CronJobView, schedule: Schedule, events: tuple[JobEvent, ...], now: Instant) -> CronDecision:
    """Whether a Job is started: the last time has none, and no other Job is in the way.

    Too late it never is: no time before the deadline for starting is found (:func:`unmet_time`).
    """
    status, spec = cron.status, cron.spec
    try:
        unmet = unmet_time(cron, schedule, now)
        wait = wait_for_next(cron, schedule, now)
    except NeverFits:
        text = f"invalid schedule: {spec.schedule} : time difference between two schedules is less than 1 second"
        return CronDecision(status, Why(text, ()), (*events, JobEvent("Warning", "InvalidSchedule", text)))
    time = unmet.time
    if time is None:
        return CronDecision(status, Why("no time has passed", ()), events, requeue=wait)
    if unmet.missed is Missed.MANY:
        text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        events = (*events, JobEvent("Warning", "TooManyMissedTimes", text))
    if status.last_schedule_time == time or any(job.name == job_name(cron, time) for job in status.active):
        return CronDecision(status, Why("the last time has its Job", ()), events, requeue=wait)
    if spec.concurrency_policy == "Forbid" and status.active:
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        events = (*events, JobEvent("Normal", "JobAlreadyActive", text))
        return CronDecision(status, Why("a Job still runs and the policy is Forbid", ()), events, requeue=wait)
    replaced = status.active if spec.concurrency_policy == "Replace" else ()
    started = msgspec.structs.replace(cron, status=msgspec.structs.replace(status, active=(), last_schedule_time=time))
    requeue = wait_for_next(started, schedule, now)
    why = Why(f"the schedule asks for a Job at {rfc1123(time)}", ())
    return CronDecision(status, why, events, replaced, time, requeue)


def _with_jobs(
    status: CronJobStatus, jobs: Iterable[JobView], stored: frozenset[str], release: Release
) -> tuple[CronJobStatus, tuple[JobEvent, ...]]:
    """The status after a look at the Jobs: finished ones and those that went missing are no longer active."""
    events: list[JobEvent] = []
    active = {reference.uid: reference for reference in status.active}
    successful, known = status.last_successful_time, set()
    for job in jobs:
        uid, ended = job.metadata.uid, finished_condition(job)
        known.add(uid)
        was_active = uid in active
        if ended is None:
            if not was_active:
                text = f"Saw a job that the controller did not create or forgot: {job.metadata.name}"
                events.append(JobEvent("Warning", "UnexpectedJob", text))
            continue
        if was_active:
            del active[uid]
            word = release.policy("cronjob_completed_word")
            text = f"Saw completed job: {job.metadata.name}, {word}: {ended.type}"
            events.append(JobEvent("Normal", "SawCompletedJob", text))
        if ended.type == COMPLETE and (not was_active or release.policy("cronjob_success_noted_at_once")):
            successful = max(filter(None, (successful, job.status.completion_time)), default=None)
    for reference in status.active:
        if reference.uid in active and reference.uid not in known | stored:
            del active[reference.uid]
            events.append(JobEvent("Normal", "MissingJob", f"Active job went missing: {reference.name}"))
    return CronJobStatus(tuple(active.values()), status.last_schedule_time, successful), tuple(events)


def with_started(status: CronJobStatus, job: dict[str, Any], time: Instant) -> CronJobStatus:
    """The status after the Job for a time was created, and the replaced ones deleted."""
    metadata = job["metadata"]
    reference = JobReference(metadata["name"], metadata["namespace"], metadata["uid"], metadata["resourceVersion"])
    return msgspec.structs.replace(status, active=(*status.active, reference), last_schedule_time=time)


def without_jobs(status: CronJobStatus, uids: Iterable[str]) -> CronJobStatus:
    """The status after these Jobs were deleted."""
    gone = frozenset(uids)
    return msgspec.structs.replace(status, active=tuple(job for job in status.active if job.uid not in gone))


def finished_beyond_limits(cron: CronJobView, jobs: Iterable[JobView]) -> tuple[JobView, ...]:
    """The finished Jobs that the history limits have no place for, oldest first."""
    groups: dict[bool, list[JobView]] = {True: [], False: []}
    for job in jobs:
        ended = finished_condition(job)
        if ended is not None:
            groups[ended.type == COMPLETE].append(job)
    limits = {True: cron.spec.successful_jobs_history_limit, False: cron.spec.failed_jobs_history_limit}
    found: list[JobView] = []
    for succeeded, group in groups.items():
        surplus = len(group) - limits[succeeded]
        if surplus > 0:
            found += sorted(group, key=_by_start)[:surplus]
    return tuple(found)


def _by_start(job: JobView) -> tuple[bool, Instant, str]:
    started = job.status.start_time
    return started is None, started or 0, job.metadata.name


def job_name(cron: CronJobView, time: Instant) -> str:
    """The name of the Job for a time: the CronJob's, and the time in minutes since 1970."""
    return f"{cron.metadata.name}-{(time // SECOND + EPOCH_UNIX_SECONDS) // (MINUTE // SECOND)}"


def job_for(cron: CronJobView, time: Instant, release: Release) -> dict[str, Any]:
    """The Job to create for a time of the schedule."""
    template = cron.spec.job_template
    given = template.get("metadata") or {}
    annotations = dict(given.get("annotations") or {})
    if release.policy("cronjob_scheduled_annotation"):
        annotations[SCHEDULED_AT] = _rfc3339(time, cron.spec.time_zone)
    metadata: dict[str, Any] = {
        "name": job_name(cron, time),
        "namespace": cron.metadata.namespace,
        "labels": dict(given.get("labels") or {}),
        "annotations": annotations,
        "ownerReferences": [
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": cron.metadata.name,
                "uid": cron.metadata.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {key: value for key, value in metadata.items() if value},
        "spec": template.get("spec") or {},
    }


def schedule_of(cron: CronJobView) -> Schedule:
    """The CronJob's schedule in its zone. Raises :class:`BadSchedule`."""
    text, zone = cron.spec.schedule, cron.spec.time_zone
    return parse_schedule(text if "TZ" in text or not zone else f"TZ={zone} {text}")


def _schedule(cron: CronJobView) -> Schedule | BadSchedule | JobEvent:
    """The schedule, what is wrong with it, or the warning about a zone that there is not."""
    zone = cron.spec.time_zone
    if zone is not None and not is_zone(zone):
        text = f'invalid timeZone: "{zone}": unknown time zone {zone}'
        return JobEvent("Warning", "UnknownTimeZone", text)
    try:
        return schedule_of(cron)
    except BadSchedule as problem:
        return problem


def _unsupported(cron: CronJobView) -> tuple[JobEvent, ...]:
    if "TZ" not in cron.spec.schedule:
        return ()
    text = (
        f'CRON_TZ or TZ used in schedule "{cron.spec.schedule}" is not officially supported, see '
        "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
    )
    return (JobEvent("Warning", "UnsupportedSchedule", text),)


def _moment(time: Instant, zone: str | None = None) -> datetime:
    return datetime.fromtimestamp(time // SECOND + EPOCH_UNIX_SECONDS, ZoneInfo(zone) if zone else UTC)


def rfc1123(time: Instant) -> str:
    """An instant in the words of Go: ``Mon, 01 Jan 2024 03:00:00 +0000``."""
    return _moment(time).strftime("%a, %d %b %Y %H:%M:%S +0000")


def _rfc3339(time: Instant, zone: str | None) -> str:
    text = _moment(time, zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
