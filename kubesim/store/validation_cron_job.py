"""Validation of a CronJob, and what the API server warns about.

Source: ``pkg/apis/batch/validation/validation.go``: ValidateCronJobCreate, validateCronJobSpec, validateScheduleFormat,
validateTimeZone, ValidateJobTemplateSpec; ``pkg/registry/batch/cronjob/strategy.go``: WarningsOnCreate,
WarningsOnUpdate.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from kubesim.objects.cron_schedule import BadSchedule, is_zone, parse_schedule
from kubesim.releases import Release
from kubesim.store.field_errors import INVALID, FieldError, invalid, not_supported, required
from kubesim.store.validation_job import job_spec_errors, name_warnings, selector_shown, template_warnings
from kubesim.store.validation_meta import metadata_errors

Json: TypeAlias = dict[str, Any]

_POLICIES: Final = ("Allow", "Forbid", "Replace")
_LONGEST_NAME: Final = 52
"""11 characters less than a Job's: the controller appends a minus and the time in minutes."""
_ZONE_PART: Final = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")
_NOT_NEGATIVE: Final = "must be greater than or equal to 0"
_MORE: Final = "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"


def cron_job_errors(cron: Json, release: Release) -> list[FieldError]:
    """The errors of a new CronJob with its defaults, in the API server's order."""
    metadata = cron["metadata"]
    errors = metadata_errors(metadata, release) + cron_job_spec_errors(cron["spec"], "spec", release, None)
    name = metadata.get("name", "")
    if len(name) > _LONGEST_NAME:
        errors.append(invalid("metadata.name", name, f"must be no more than {_LONGEST_NAME} characters"))
    return errors


def cron_job_spec_errors(spec: Json, path: str, release: Release, old: Json | None) -> list[FieldError]:
    """The errors of a CronJob's spec. ``old``: as it was before an update; a zone in its schedule may stay there."""
    errors = _schedule_errors(spec, f"{path}.schedule", release, old)
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None and deadline < 0:
        errors.append(invalid(f"{path}.startingDeadlineSeconds", deadline, _NOT_NEGATIVE))
    zone = spec.get("timeZone")
    if zone is not None and (old is None or old.get("timeZone") != zone):
        errors += _zone_errors(zone, f"{path}.timeZone")
    policy = spec.get("concurrencyPolicy", "")
    if not policy:
        errors.append(required(f"{path}.concurrencyPolicy"))
    elif policy not in _POLICIES:
        errors.append(not_supported(f"{path}.concurrencyPolicy", policy, _POLICIES))
    errors += _template_errors(spec.get("jobTemplate") or {}, f"{path}.jobTemplate", release)
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        if spec.get(name) is not None and spec[name] < 0:
            errors.append(invalid(f"{path}.{name}", spec[name], _NOT_NEGATIVE))
    return errors


def cron_job_warnings(cron: Json, release: Release) -> list[str]:
    """The warnings about a new CronJob."""
    spec = (cron["spec"].get("jobTemplate") or {}).get("spec") or {}
    warnings = name_warnings(cron["metadata"]) + template_warnings(spec, "spec.jobTemplate.spec", release)
    if "TZ" in cron["spec"].get("schedule", "") and not release.policy("cronjob_zone_in_schedule_refused"):
        warnings.append(f"CRON_TZ or TZ used in spec.spec.schedule is not officially supported, {_MORE}")
    return warnings


def _schedule_errors(spec: Json, path: str, release: Release, old: Json | None) -> list[FieldError]:
    schedule = spec.get("schedule", "")
    if not schedule:
        return [required(path)]
    errors = []
    try:
        parse_schedule(schedule)
    except BadSchedule as problem:
        errors.append(invalid(path, schedule, str(problem)))
    if "TZ" not in schedule or not release.policy("cronjob_zone_in_schedule_refused"):
        return errors
    if old is not None and "TZ" in old.get("schedule", ""):
        if spec.get("timeZone") is not None:
            detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
            errors.append(invalid(path, schedule, detail))
    else:
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.append(invalid(path, schedule, detail))
    return errors


def _zone_errors(zone: str, path: str) -> list[FieldError]:
    if not zone:
        return [invalid(path, zone, "timeZone must be nil or non-empty string")]
    unknown = invalid(path, zone, f"unknown time zone {zone}")
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part):
            return [unknown]
    errors = []
    if zone.lower() == "local":
        detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        errors.append(invalid(path, zone, detail))
    return errors if zone == "Local" or is_zone(zone) else [*errors, unknown]


def _template_errors(template: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a Job to come: those of its spec, and of a selector, which only the server may make."""
    spec = template.get("spec") or {}
    errors = job_spec_errors(spec, f"{path}.spec", release)
    if spec.get("selector") is not None:
        shown = selector_shown(spec["selector"], release)
        errors.append(FieldError(INVALID, f"{path}.spec.selector", "`selector` will be auto-generated", shown))
    if spec.get("manualSelector"):
        errors.append(not_supported(f"{path}.spec.manualSelector", True, ("nil", "false")))
    return errors
