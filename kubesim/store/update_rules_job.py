"""What an update of a Job or a CronJob may change (J-6).

Source: ``pkg/apis/batch/validation/validation.go`` (ValidateJobUpdate, ValidateJobSpecUpdate, validateCompletions,
validatePodTemplateUpdate, ValidateCronJobUpdate), ``pkg/registry/batch/job/strategy.go`` (validationOptionsForJob).
Departure: an immutable template or podFailurePolicy is printed as the JSON of the API in every release, where the real
server prints its own inner form with addresses of memory.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store.field_errors import INVALID, FieldError, invalid
from kubesim.store.go_values import as_json, shown_value
from kubesim.store.validation_cron_job import cron_job_spec_errors
from kubesim.store.validation_job import job_spec_errors, selector_errors, selector_shown
from kubesim.store.validation_job_policies import success_policy_shown
from kubesim.store.validation_meta import metadata_errors

Json: TypeAlias = dict[str, Any]

_IMMUTABLE: Final = "field is immutable"
_AFTER_TEMPLATE: Final = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
_SCHEDULING: Final = ("nodeSelector", "tolerations", "schedulingGates")
_LABELLED: Final = ("labels", "annotations")


def job_update_errors(old: Json, new: Json, release: Release) -> list[FieldError]:
    """The errors of a changed Job: those it would have as a new one, then those of what may not change."""
    before, after = old["spec"], new["spec"]
    errors = metadata_errors(new["metadata"], release)
    errors += job_spec_errors(after, "spec", release)
    errors += selector_errors(after, "spec", release)
    errors += _completions_errors(before, after, release)
    if before.get("selector") != after.get("selector"):
        errors.append(_immutable("selector", selector_shown(after.get("selector") or {}, release)))
    if _comparable_template(old, after, release) != after.get("template"):
        errors.append(_immutable("template", as_json(after.get("template"))))
    for name in _AFTER_TEMPLATE:
        if before.get(name) != after.get(name):
            errors.append(_immutable(name, _shown(name, after.get(name), release)))
    return errors


def cron_job_update_errors(old: Json, new: Json, release: Release) -> list[FieldError]:
    """The errors of a changed CronJob: everything may change, to anything that a new one may have."""
    return metadata_errors(new["metadata"], release) + cron_job_spec_errors(new["spec"], "spec", release, old["spec"])


def _immutable(name: str, shown: str) -> FieldError:
    return FieldError(INVALID, f"spec.{name}", _IMMUTABLE, shown)


def _shown(name: str, value: Any, release: Release) -> str:
    if name == "successPolicy" and value is not None:
        return success_policy_shown(value.get("rules") or [], release)
    return shown_value(value, release)


def _completions_errors(old: Json, new: Json, release: Release) -> list[FieldError]:
    """Completions stay, but for an elastic Indexed Job, where they change together with parallelism."""
    before, after = old.get("completions"), new.get("completions")
    if before == after:
        return []
    if new.get("completionMode") != "Indexed" or not release.enabled("ElasticIndexedJob"):
        return [_immutable("completions", shown_value(after, release))]
    if after is None or after == new.get("parallelism"):
        return []
    return [invalid("spec.completions", after, "can only be modified in tandem with spec.parallelism")]


def _comparable_template(old: Json, new: Json, release: Release) -> Json:
    """The stored template as the new one has to equal it: with the new one's fields where those may change."""
    template: Json = old["spec"].get("template") or {}
    after: Json = new.get("template") or {}
    if _may_change_scheduling(old, release):
        template = _with_scheduling_of(template, after)
    if release.enabled("MutablePodResourcesForSuspendedJobs") and _is_at_rest(old):
        template = _with_resources_of(template, after)
    return template


def _may_change_scheduling(old: Json, release: Release) -> bool:
    """A suspended Job that never started may be sent elsewhere; with a gate of 1.35, one at rest after a suspension."""
    if release.enabled("MutableSchedulingDirectivesForSuspendedJobs"):
        return _is_at_rest(old)
    return bool(old["spec"].get("suspend")) and not (old.get("status") or {}).get("startTime")


def _is_at_rest(old: Json) -> bool:
    """Whether a Job is suspended, has no active pod, and either never started or says that it is suspended."""
    status = old.get("status") or {}
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or ()}
    says_so = conditions.get("Suspended") == "True"
    return bool(old["spec"].get("suspend")) and not status.get("active") and (says_so or not status.get("startTime"))


def _with_scheduling_of(template: Json, other: Json) -> Json:
    """A template with another's labels, annotations, node selector, tolerations, gates and node affinity."""
    metadata = _taking(template.get("metadata") or {}, other.get("metadata") or {}, _LABELLED)
    spec = _taking(template.get("spec") or {}, other.get("spec") or {}, _SCHEDULING)
    theirs = (other.get("spec") or {}).get("affinity")
    affinity = _taking(spec.get("affinity") or {}, theirs or {}, ("nodeAffinity",))
    if affinity or theirs is not None:
        spec["affinity"] = affinity
    else:
        spec.pop("affinity", None)
    return {**template, "metadata": metadata, "spec": spec}


def _with_resources_of(template: Json, other: Json) -> Json:
    """A template with the resources of another's containers, name by name."""
    spec, theirs = dict(template.get("spec") or {}), other.get("spec") or {}
    for key in ("initContainers", "containers"):
        wanted = {entry.get("name"): entry for entry in theirs.get(key) or ()}
        if spec.get(key):
            spec[key] = [_taking(entry, wanted.get(entry.get("name"), entry), ("resources",)) for entry in spec[key]]
    return {**template, "spec": spec}


def _taking(piece: Json, other: Json, names: tuple[str, ...]) -> Json:
    """A piece with some fields as another has them, or has them not."""
    kept = {key: value for key, value in piece.items() if key not in names}
    return {**kept, **{name: other[name] for name in names if name in other}}
