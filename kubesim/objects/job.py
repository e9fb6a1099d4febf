"""Typed view of a Job; ``job_view`` makes it from the raw object, ``job_status_raw`` writes a status back.

As with Pods the raw dict stays the truth. Scalars that the API server defaults (J-1) carry that default here too, so
that a Job can be looked at before it was stored. Source: ``api/batch/v1`` types of 1.36.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from kubesim.objects.pod import ObjectMeta, PodSpec, Wire
from kubesim.objects.status import Condition, condition_raw, instant_of, render_time
from kubesim.units import Instant

TRACKING_FINALIZER: Final = "batch.kubernetes.io/job-tracking"
"""Holds a pod until the Job controller has counted it (J-4)."""
COMPLETION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
"""Annotation, and since 1.28 label, of pods of an Indexed Job (J-5)."""
INDEX_FAILURE_COUNT: Final = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED_FAILURE_COUNT: Final = "batch.kubernetes.io/job-index-ignored-failure-count"
"""Annotations that carry the failures of an index from pod to pod (J-35)."""
CONTROLLER_UID_LABEL: Final = "batch.kubernetes.io/controller-uid"
JOB_NAME_LABEL: Final = "batch.kubernetes.io/job-name"
LEGACY_CONTROLLER_UID_LABEL: Final = "controller-uid"
LEGACY_JOB_NAME_LABEL: Final = "job-name"

INDEXED: Final = "Indexed"
NON_INDEXED: Final = "NonIndexed"

COMPLETE: Final = "Complete"
FAILED: Final = "Failed"
SUSPENDED: Final = "Suspended"
FAILURE_TARGET: Final = "FailureTarget"
SUCCESS_CRITERIA_MET: Final = "SuccessCriteriaMet"
"""Types of Job conditions (J §10)."""


class ExitCodeRequirement(Wire, frozen=True):
    """``onExitCodes`` of a podFailurePolicy rule (J-39)."""

    operator: str = ""
    values: tuple[int, ...] = ()
    container_name: str | None = None


class PodConditionPattern(Wire, frozen=True):
    type: str = ""
    status: str = "True"


class PodFailureRule(Wire, frozen=True):
    action: str = ""
    on_exit_codes: ExitCodeRequirement | None = None
    on_pod_conditions: tuple[PodConditionPattern, ...] = ()


class PodFailurePolicy(Wire, frozen=True):
    rules: tuple[PodFailureRule, ...] = ()


class SuccessRule(Wire, frozen=True):
    succeeded_indexes: str | None = None
    succeeded_count: int | None = None


class SuccessPolicy(Wire, frozen=True):
    rules: tuple[SuccessRule, ...] = ()


class SelectorRequirement(Wire, frozen=True):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(Wire, frozen=True):
    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[SelectorRequirement, ...] = ()


class TemplateMeta(Wire, frozen=True):
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


class PodTemplate(Wire, frozen=True):
    metadata: TemplateMeta = TemplateMeta()
    spec: PodSpec = PodSpec()


class JobSpec(Wire, frozen=True):
    """A Job's spec. ``completions`` None: a work queue, done when one pod has succeeded and none is active (J-20)."""

    parallelism: int = 1
    completions: int | None = None
    active_deadline_seconds: int | None = None
    backoff_limit: int = 6
    backoff_limit_per_index: int | None = None
    max_failed_indexes: int | None = None
    completion_mode: str = NON_INDEXED
    suspend: bool = False
    pod_failure_policy: PodFailurePolicy | None = None
    success_policy: SuccessPolicy | None = None
    pod_replacement_policy: str | None = None
    ttl_seconds_after_finished: int | None = None
    managed_by: str | None = None
    manual_selector: bool = False
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()


class Uncounted(msgspec.Struct, frozen=True):
    """UIDs of pods that ended but whose finalizer is not yet known to be gone, in the order they were found (J-15)."""

    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.succeeded) + len(self.failed)


class JobStatus(msgspec.Struct, frozen=True):
    conditions: tuple[Condition, ...] = ()
    start_time: Instant | None = None
    completion_time: Instant | None = None
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    terminating: int | None = None
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted: Uncounted | None = None
    ready: int | None = None

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type, or None."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    def is_true(self, type_: str) -> bool:
        """Whether there is a condition of that type and it is True."""
        found = self.condition(type_)
        return found is not None and found.status == "True"


class JobView(msgspec.Struct, frozen=True):
    """A Job as the controller sees it at one moment, beside the raw object."""

    metadata: ObjectMeta
    spec: JobSpec
    status: JobStatus
    raw: dict[str, Any] = {}


def is_indexed(job: JobView) -> bool:
    """Whether the Job's pods have completion indexes."""
    return job.spec.completion_mode == INDEXED


def finished_condition(job: JobView) -> Condition | None:
    """The first of Complete and Failed that is True; None while the Job is not finished."""
    return next(
        (entry for entry in job.status.conditions if entry.type in (COMPLETE, FAILED) and entry.status == "True"), None
    )


def job_labels(name: str, uid: str) -> dict[str, str]:
    """The labels that the API server puts on a Job's template, and that its pods carry, old names and new (J-3)."""
    return {
        CONTROLLER_UID_LABEL: uid,
        LEGACY_CONTROLLER_UID_LABEL: uid,
        JOB_NAME_LABEL: name,
        LEGACY_JOB_NAME_LABEL: name,
    }


def job_view(raw: dict[str, Any]) -> JobView:
    """The typed view of a raw Job object.

    Raises :class:`msgspec.ValidationError` when a field has the wrong type; the store refuses such objects earlier.
    """
    metadata = dict(raw.get("metadata") or {})
    for key in ("creationTimestamp", "deletionTimestamp"):
        if key in metadata:
            metadata[key] = instant_of(metadata[key])
    spec = {key: value for key, value in (raw.get("spec") or {}).items() if value is not None}
    return JobView(
        metadata=msgspec.convert(metadata, ObjectMeta),
        spec=msgspec.convert(_without_nulls(spec), JobSpec),
        status=job_status_view(raw.get("status") or {}),
        raw=raw,
    )


def _without_nulls(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec whose template has no null metadata, such as the creationTimestamp that Go clients write."""
    template = dict(spec.get("template") or {})
    template["metadata"] = {key: value for key, value in (template.get("metadata") or {}).items() if value is not None}
    return {**spec, "template": template}


def job_status_view(raw: dict[str, Any]) -> JobStatus:
    """The typed status of a raw Job status."""
    uncounted = raw.get("uncountedTerminatedPods")
    return JobStatus(
        conditions=tuple(
            Condition(
                type=entry.get("type", ""),
                status=entry.get("status", ""),
                reason=entry.get("reason", ""),
                message=entry.get("message", ""),
                last_transition_time=instant_of(entry.get("lastTransitionTime")),
                last_probe_time=instant_of(entry.get("lastProbeTime")),
            )
            for entry in raw.get("conditions") or ()
        ),
        start_time=instant_of(raw.get("startTime")),
        completion_time=instant_of(raw.get("completionTime")),
        active=raw.get("active") or 0,
        succeeded=raw.get("succeeded") or 0,
        failed=raw.get("failed") or 0,
        terminating=raw.get("terminating"),
        completed_indexes=raw.get("completedIndexes") or "",
        failed_indexes=raw.get("failedIndexes"),
        uncounted=None
        if uncounted is None
        else Uncounted(tuple(uncounted.get("succeeded") or ()), tuple(uncounted.get("failed") or ())),
        ready=raw.get("ready"),
    )


def job_status_raw(status: JobStatus) -> dict[str, Any]:
    """The wire form of a Job status: times in whole seconds; 0 is left out, except of ready and terminating."""
    raw: dict[str, Any] = {}
    if status.conditions:
        raw["conditions"] = [condition_raw(condition) for condition in status.conditions]
    for key, instant in (("startTime", status.start_time), ("completionTime", status.completion_time)):
        if instant is not None:
            raw[key] = render_time(instant)
    for key, count in (("active", status.active), ("succeeded", status.succeeded), ("failed", status.failed)):
        if count:
            raw[key] = count
    if status.terminating is not None:
        raw["terminating"] = status.terminating
    if status.completed_indexes:
        raw["completedIndexes"] = status.completed_indexes
    if status.failed_indexes is not None:
        raw["failedIndexes"] = status.failed_indexes
    if status.uncounted is not None:
        lists = {"succeeded": status.uncounted.succeeded, "failed": status.uncounted.failed}
        raw["uncountedTerminatedPods"] = {key: list(uids) for key, uids in lists.items() if uids}
    if status.ready is not None:
        raw["ready"] = status.ready
    return raw
