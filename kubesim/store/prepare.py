"""From a decoded body to what is stored: defaults, admission, fields reset and dropped, checks (C-1).

Source: apiserver ``registry/rest/create.go`` (BeforeCreate), ``pkg/registry/core/pod/strategy.go`` and
``pkg/registry/batch/job/strategy.go`` (PrepareForCreate, Validate).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import msgspec

from kubesim.objects.status import render_time
from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.admission import Admission
from kubesim.store.defaulting import default_cron_job, default_job, default_pod_spec, default_template_spec
from kubesim.store.disabled_fields import Dropped, drop_from_job_spec, drop_from_pod_spec, dropped_fields
from kubesim.store.field_errors import FieldError
from kubesim.store.kinds import Kind
from kubesim.store.pod_warnings import hostname_warnings, spec_warnings
from kubesim.store.qos import qos_class
from kubesim.store.replicated import default_replicated, replicated_errors, without_disabled
from kubesim.store.validation_cron_job import cron_job_errors, cron_job_warnings
from kubesim.store.validation_job import job_errors, job_warnings
from kubesim.store.validation_meta import metadata_errors
from kubesim.store.validation_pod import creation_errors, pod_only_errors, pod_spec_errors
from kubesim.units import Instant

_NAMES: Final = {"Namespace": formats.dns_label, "Service": formats.dns_1035_label}
"""The form of a kind's names, where it is not a DNS subdomain."""

_GATED: Final = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
    "lastProbeTime": None,
}


@dataclass(frozen=True, slots=True)
class Ready:
    """An object as it would be stored, and what the checks say of it."""

    object: dict[str, Any]
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    """What was sent and is not stored, of which the API server says nothing."""


@dataclass(frozen=True, slots=True)
class CookedSpec:
    """A Pod's spec as it would be stored; made and checked once for all Pods with the same one."""

    spec: dict[str, Any]
    qos: str
    errors: tuple[FieldError, ...]
    warnings: tuple[str, ...]
    dropped: tuple[Dropped, ...]


def prepare(kind: Kind, obj: dict[str, Any], release: Release, now: Instant, admission: Admission) -> Ready:
    """A new object, ready to be stored, or its errors. Kinds nobody here understands are taken as they are."""
    match kind.name:
        case "Pod":
            return prepare_pod(obj, release, now, admission)
        case "Job":
            return _as_read(prepare_job(obj, release))
        case "CronJob":
            return prepare_cron_job(obj, release)
        case "Deployment" | "ReplicaSet":
            filled = default_replicated(kind.name, obj)
            kept = without_disabled(filled, release)
            dropped = () if kept == filled else dropped_fields(filled["spec"], kept["spec"], release)
            made = {**kept, "metadata": {**kept["metadata"], "generation": 1}, "status": {}}
            return Ready(made, tuple(replicated_errors(kind.name, made, release)), (), dropped)
        case "Secret":
            obj = _secret(obj)
    metadata = dict(obj["metadata"])
    if kind.has_generation:
        metadata["generation"] = 1
        obj = {key: value for key, value in obj.items() if key != "status"}
    check = _NAMES.get(kind.name, formats.any_path_segment if kind.group.startswith("rbac") else formats.dns_subdomain)
    errors = metadata_errors(metadata, release, namespaced=kind.namespaced, check=check)
    return Ready({**obj, "metadata": metadata}, tuple(errors))


def _secret(obj: dict[str, Any]) -> dict[str, Any]:
    """A Secret with ``stringData`` merged into ``data``, and its type. Source: ``pkg/apis/core/v1/conversion.go``."""
    written = {key: value for key, value in obj.items() if key != "stringData"}
    texts = obj.get("stringData") or {}
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        written["data"] = {**(obj.get("data") or {}), **encoded}
    written["type"] = obj.get("type") or "Opaque"
    return written


def prepare_pod(obj: dict[str, Any], release: Release, now: Instant, admission: Admission) -> Ready:
    """A new Pod: status Pending with its qosClass, generation 1 where the release counts it (C-1, C-63)."""
    metadata = dict(obj["metadata"])
    if release.policy("generation_set_on_pods"):
        metadata["generation"] = 1
    annotations = msgspec.json.encode(metadata.get("annotations") or {})
    cooked = _cooked(msgspec.json.encode(obj.get("spec") or {}), annotations, release, admission)
    status: dict[str, Any] = {"phase": "Pending", "qosClass": cooked.qos}
    if cooked.spec.get("schedulingGates"):
        since = render_time(now) if release.policy("gated_condition_has_time") else None
        status["conditions"] = [{**_GATED, "lastTransitionTime": since}]
    errors = (*metadata_errors(metadata, release), *cooked.errors, *creation_errors(cooked.spec, "spec"))
    warnings = (*hostname_warnings(metadata.get("name", "")), *cooked.warnings)
    return Ready({**obj, "metadata": metadata, "spec": cooked.spec, "status": status}, errors, warnings, cooked.dropped)


@lru_cache(maxsize=1024)
def _cooked(spec: bytes, annotations: bytes, release: Release, admission: Admission) -> CookedSpec:
    filled = default_pod_spec(msgspec.json.decode(spec), release)
    admitted = admission(filled, msgspec.json.decode(annotations))
    kept = drop_from_pod_spec(admitted, release)
    return CookedSpec(
        spec=kept,
        qos=qos_class(kept, release),
        errors=(*pod_spec_errors(kept, "spec", release), *pod_only_errors(kept, "spec")),
        warnings=tuple(spec_warnings(kept, "spec", release)),
        dropped=() if kept == admitted else dropped_fields(admitted, kept, release),
    )


def prepare_job(obj: dict[str, Any], release: Release) -> Ready:
    """A new Job: generated selector and labels, disabled fields dropped, no status yet.

    A Job without labels shares those of its template, and so gets the generated ones too if there were any.
    """
    filled = default_job(obj, release)
    spec = drop_from_job_spec(filled["spec"], release)
    dropped = () if spec == filled["spec"] else dropped_fields(filled["spec"], spec, release)
    metadata = {**filled["metadata"], "generation": 1}
    shares_labels = not metadata.get("labels") and bool(_template_labels(spec))
    if not spec.get("manualSelector"):
        spec = with_generated_selector(metadata, spec)
    if shares_labels:
        metadata["labels"] = _template_labels(spec)
    job = {**filled, "metadata": metadata, "spec": spec, "status": {}}
    return Ready(job, tuple(job_errors(job, release)), tuple(job_warnings(job, release)), dropped)


def _as_read(ready: Ready) -> Ready:
    """A Job as everybody sees it from then on: with labels, if only those that its pods carry.

    The server fills in defaults again whenever it reads a stored object, and by then the template has labels.
    """
    metadata = ready.object["metadata"]
    if metadata.get("labels"):
        return ready
    labelled = {**metadata, "labels": _template_labels(ready.object["spec"])}
    return replace(ready, object={**ready.object, "metadata": labelled})


def prepare_cron_job(obj: dict[str, Any], release: Release) -> Ready:
    """A new CronJob: defaults, disabled fields of its pods dropped, no status yet."""
    filled = default_cron_job(obj)
    kept = _without_disabled(filled, release)
    dropped = () if kept == filled else dropped_fields(filled["spec"], kept["spec"], release)
    cron = {**kept, "metadata": {**kept["metadata"], "generation": 1}, "status": {}}
    return Ready(cron, tuple(cron_job_errors(cron, release)), tuple(cron_job_warnings(cron, release)), dropped)


def _without_disabled(cron: dict[str, Any], release: Release, old: dict[str, Any] | None = None) -> dict[str, Any]:
    """A CronJob without the fields of its pods whose gate is off; those of its Jobs are dropped when they are made."""
    spec = cron["spec"]
    template = spec["jobTemplate"]
    pod = template["spec"]["template"]
    old_job = ((old or {}).get("jobTemplate") or {}).get("spec") or {}
    old_pod = (old_job.get("template") or {}).get("spec")
    pod = {**pod, "spec": drop_from_pod_spec(pod["spec"], release, old_pod)}
    job = {**template["spec"], "template": pod}
    return {**cron, "spec": {**spec, "jobTemplate": {**template, "spec": job}}}


def with_generated_selector(metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The Job's spec with its own uid as selector, and the labels its Pods carry (J-1).

    Labels of these names that the user has set stay, and fail the check.
    """
    uid, name = metadata.get("uid", ""), metadata.get("name", "")
    template = dict(spec.get("template") or {})
    labels = {
        "controller-uid": uid,
        "job-name": name,
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        **((template.get("metadata") or {}).get("labels") or {}),
    }
    template["metadata"] = {**(template.get("metadata") or {}), "labels": labels}
    selector = dict(spec.get("selector") or {})
    selector["matchLabels"] = {"batch.kubernetes.io/controller-uid": uid, **(selector.get("matchLabels") or {})}
    return {**spec, "template": template, "selector": selector}


def _template_labels(spec: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    return labels


def checked_update(obj: dict[str, Any], release: Release) -> list[FieldError]:
    """The errors of a Pod that was changed, as far as they would be errors on create too."""
    annotations = obj["metadata"].get("annotations") or {}
    return metadata_errors(obj["metadata"], release) + list(
        _cooked(msgspec.json.encode(obj["spec"]), msgspec.json.encode(annotations), release, as_it_is).errors
    )


def as_it_is(spec: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
    """The admission of a spec whose mutating phase is over."""
    return spec


def default_update(kind: Kind, obj: dict[str, Any], old: dict[str, Any], release: Release) -> dict[str, Any]:
    """An updated object with its defaults, without fields whose gate is off and that were not in use."""
    match kind.name:
        case "Pod":
            spec = default_pod_spec(obj.get("spec") or {}, release)
            return {**obj, "spec": drop_from_pod_spec(spec, release, old["spec"])}
        case "Job":
            filled = default_job(obj, release)
            return {**filled, "spec": drop_from_job_spec(filled["spec"], release, old["spec"])}
        case "CronJob":
            return _without_disabled(default_cron_job(obj), release, old["spec"])
        case "Deployment" | "ReplicaSet":
            return without_disabled(default_replicated(kind.name, obj), release, old["spec"])
        case "PodTemplate":
            template = obj.get("template") or {}
            return {**obj, "template": {**template, "spec": default_template_spec(template.get("spec") or {})}}
    return obj
