"""The Events of the Job controller, all about the Job and from ``job-controller`` (J §11)."""

from __future__ import annotations

import msgspec

from kubesim.objects.job import COMPLETE, JobView
from kubesim.objects.status import Condition
from kubesim.releases import Release


class JobEvent(msgspec.Struct, frozen=True):
    """An Event about the Job."""

    type: str
    reason: str
    message: str


def normal(reason: str, release: Release, **places: str) -> JobEvent:
    """A Normal Event with the text that its reason has, such as SuccessfulCreate with ``pod`` (J-48, J-49, J-53)."""
    return JobEvent("Normal", reason, release.text(reason).format(**places))


def warning(reason: str, release: Release, **places: str) -> JobEvent:
    """A Warning with the text that its reason has, such as FailedCreate with ``error`` (J-50, J-54, J-55)."""
    return JobEvent("Warning", reason, release.text(reason).format(**places))


def finished_events(job: JobView, condition: Condition, succeeded: int, release: Release) -> tuple[JobEvent, ...]:
    """The Events after the terminal condition was written (J-51, J-52, J-54)."""
    if condition.type != COMPLETE:
        return (JobEvent("Warning", condition.reason, condition.message),)
    completed = normal("Completed", release)
    if job.spec.completions is not None and succeeded > job.spec.completions:
        return warning("TooManySucceededPods", release), completed
    return (completed,)
