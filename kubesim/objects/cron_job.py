"""Typed view of a CronJob, with the defaults of the API server, and the wire form of its status.

Source: ``api/batch/v1`` types of 1.36, ``pkg/apis/batch/v1/defaults.go`` SetDefaults_CronJob.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kubesim.objects.pod import ObjectMeta, Wire
from kubesim.objects.status import instant_of, render_time
from kubesim.units import Instant


class CronJobSpec(Wire, frozen=True):
    schedule: str = ""
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str = "Allow"
    suspend: bool = False
    job_template: dict[str, Any] = msgspec.field(default_factory=dict)
    successful_jobs_history_limit: int = 3
    failed_jobs_history_limit: int = 1


class JobReference(Wire, frozen=True):
    """One of the running Jobs that a CronJob's status lists."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class CronJobStatus(msgspec.Struct, frozen=True):
    active: tuple[JobReference, ...] = ()
    last_schedule_time: Instant | None = None
    last_successful_time: Instant | None = None


class CronJobView(msgspec.Struct, frozen=True):
    """A CronJob as its controller sees it at one moment, beside the raw object."""

    metadata: ObjectMeta
    spec: CronJobSpec
    status: CronJobStatus
    raw: dict[str, Any] = {}


def cron_job_view(raw: dict[str, Any]) -> CronJobView:
    """The typed view of a raw CronJob."""
    metadata = dict(raw.get("metadata") or {})
    for key in ("creationTimestamp", "deletionTimestamp"):
        if key in metadata:
            metadata[key] = instant_of(metadata[key])
    spec = {key: value for key, value in (raw.get("spec") or {}).items() if value is not None}
    status = raw.get("status") or {}
    return CronJobView(
        metadata=msgspec.convert(metadata, ObjectMeta),
        spec=msgspec.convert(spec, CronJobSpec),
        status=CronJobStatus(
            active=tuple(msgspec.convert(entry, JobReference) for entry in status.get("active") or ()),
            last_schedule_time=instant_of(status.get("lastScheduleTime")),
            last_successful_time=instant_of(status.get("lastSuccessfulTime")),
        ),
        raw=raw,
    )


def cron_job_status_raw(status: CronJobStatus) -> dict[str, Any]:
    """The wire form of a CronJob's status."""
    raw: dict[str, Any] = {}
    if status.active:
        raw["active"] = [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": job.name,
                "namespace": job.namespace,
                "resourceVersion": job.resource_version,
                "uid": job.uid,
            }
            for job in status.active
        ]
    for key, instant in (
        ("lastScheduleTime", status.last_schedule_time),
        ("lastSuccessfulTime", status.last_successful_time),
    ):
        if instant is not None:
            raw[key] = render_time(instant)
    return raw
