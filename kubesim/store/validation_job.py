"""Validation of a Job on create, and what the API server warns about (J-2).

Source: ``pkg/apis/batch/validation/validation.go``: ValidateJob, ValidateJobSpec, validateGeneratedSelector;
``pkg/api/job/warnings.go``.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from kubesim.objects.labels import selects
from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import INVALID, TOO_LONG, FieldError, each, invalid, not_supported, required
from kubesim.store.go_values import as_json, go_list, go_texts, speaks_json
from kubesim.store.pod_warnings import spec_warnings
from kubesim.store.validation_job_policies import failure_policy_errors, success_policy_errors
from kubesim.store.validation_meta import metadata_errors
from kubesim.store.validation_pod import template_errors

Json: TypeAlias = dict[str, Any]

_NEVER_NEGATIVE: Final = (
    *("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"),
    *("backoffLimitPerIndex", "maxFailedIndexes"),
)
_MODES: Final = ("NonIndexed", "Indexed")
_REPLACEMENTS: Final = ("Failed", "TerminatingOrFailed")
_MANY_COMPLETIONS: Final = 100_000
_MOST_PARALLEL: Final = 100_000
_MOST_FAILED: Final = 100_000
_LIMIT_WITH_MANY: Final = 10_000
_MANAGED_BY_BYTES: Final = 63
_PATH: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_WITH_MANY: Final = (
    f"must be less than or equal to {_LIMIT_WITH_MANY} when completions are above {_MANY_COMPLETIONS} and used with "
    "backoff limit per index"
)


def job_errors(job: Json, release: Release) -> list[FieldError]:
    """The errors of a defaulted Job with its generated selector, in the API server's order."""
    metadata, spec = job["metadata"], job["spec"]
    errors = metadata_errors(metadata, release)
    errors += _generated_selector_errors(metadata, spec, release)
    errors += job_spec_errors(spec, "spec", release)
    errors += selector_errors(spec, "spec", release)
    completions = spec.get("completions")
    if spec.get("completionMode") == "Indexed" and completions is not None and completions > 0:
        hostname = f"{metadata.get('name', '')}-{completions - 1}"
        if formats.dns_label(hostname):
            detail = f"will not able to create pod with invalid DNS label: {hostname}"
            errors.append(invalid("metadata.name", metadata.get("name", ""), detail))
    return errors


def job_warnings(job: Json, release: Release) -> list[str]:
    """The warnings about a new Job."""
    return name_warnings(job["metadata"]) + template_warnings(job["spec"], "spec", release)


def name_warnings(metadata: Json) -> list[str]:
    """The warning about a name that pods cannot have as their hostname."""
    complaints = formats.dns_label(metadata.get("name", ""))
    if not complaints:
        return []
    words = "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior"
    return [f"{words}; a DNS label is recommended: [{' '.join(complaints)}]"]


def template_warnings(spec: Json, path: str, release: Release) -> list[str]:
    """The warnings about the spec of a Job, or of the Jobs of a CronJob."""
    warnings = []
    many = spec.get("completions", 0) > _MANY_COMPLETIONS and spec.get("parallelism", 0) > _LIMIT_WITH_MANY
    if spec.get("completionMode") == "Indexed" and many:
        warnings.append(
            f"{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than "
            "10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        )
    template = spec.get("template") or {}
    return warnings + spec_warnings(template.get("spec") or {}, f"{path}.template.spec", release)


def job_spec_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a Job's spec, wherever it stands: in a Job, or in the template of a CronJob."""
    errors = [
        invalid(f"{path}.{name}", spec[name], "must be greater than or equal to 0")
        for name in _NEVER_NEGATIVE
        if spec.get(name) is not None and spec[name] < 0
    ]
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errors.append(required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if spec.get("managedBy") is not None:
        errors += _managed_by_errors(spec["managedBy"], f"{path}.managedBy", release)
    errors += _mode_errors(spec, path)
    if spec.get("podFailurePolicy") is not None:
        errors += failure_policy_errors(spec, f"{path}.podFailurePolicy", release)
    if spec.get("successPolicy") is not None:
        errors += success_policy_errors(spec, f"{path}.successPolicy", release)
    errors += _replacement_errors(spec, f"{path}.podReplacementPolicy")
    errors += template_errors(spec.get("template") or {}, f"{path}.template", release)
    return errors + _restart_policy_errors(spec, f"{path}.template.spec.restartPolicy", release)


def _mode_errors(spec: Json, path: str) -> list[FieldError]:
    mode = spec.get("completionMode")
    errors = []
    if mode is not None and mode not in _MODES:
        errors.append(not_supported(f"{path}.completionMode", mode, _MODES))
    if mode == "Indexed":
        return errors + _indexed_errors(spec, path)
    if mode in (None, "NonIndexed"):
        errors += [
            invalid(f"{path}.{name}", spec[name], "requires indexed completion mode")
            for name in ("backoffLimitPerIndex", "maxFailedIndexes")
            if spec.get(name) is not None
        ]
    return errors


def _indexed_errors(spec: Json, path: str) -> list[FieldError]:
    completions, parallelism = spec.get("completions"), spec.get("parallelism")
    failed = spec.get("maxFailedIndexes")
    errors = []
    if completions is None:
        errors.append(required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism is not None and parallelism > _MOST_PARALLEL:
        detail = f"must be less than or equal to {_MOST_PARALLEL} when completion mode is Indexed"
        errors.append(invalid(f"{path}.parallelism", parallelism, detail))
    if completions is not None and failed is not None and failed > completions:
        errors.append(invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions"))
    if failed is not None and failed > _MOST_FAILED:
        errors.append(invalid(f"{path}.maxFailedIndexes", failed, f"must be less than or equal to {_MOST_FAILED}"))
    if completions is not None and completions > _MANY_COMPLETIONS and spec.get("backoffLimitPerIndex") is not None:
        if failed is None:
            detail = f"must be specified when completions is above {_MANY_COMPLETIONS}"
            errors.append(required(f"{path}.maxFailedIndexes", detail))
        if parallelism is not None and parallelism > _LIMIT_WITH_MANY:
            errors.append(invalid(f"{path}.parallelism", parallelism, _WITH_MANY))
        if failed is not None and failed > _LIMIT_WITH_MANY:
            errors.append(invalid(f"{path}.maxFailedIndexes", failed, _WITH_MANY))
    return errors


def _managed_by_errors(name: str, path: str, release: Release) -> list[FieldError]:
    host, _, target = name.partition("/")
    if not name:
        errors = [required(path)]
    elif not host or not target:
        errors = [invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    else:
        errors = each(path, host, formats.dns_subdomain(host))
        if not re.fullmatch(_PATH, target):
            errors.append(invalid(path, target, f"Invalid path (regex used for validation is '{_PATH}')"))
    if len(name.encode()) > _MANAGED_BY_BYTES:
        errors.append(FieldError(TOO_LONG, path, release.text("too_long").format(limit=_MANAGED_BY_BYTES)))
    return errors


def _replacement_errors(spec: Json, path: str) -> list[FieldError]:
    policy = spec.get("podReplacementPolicy")
    allowed = _REPLACEMENTS[:1] if spec.get("podFailurePolicy") is not None else _REPLACEMENTS
    return [] if policy is None or policy in allowed else [not_supported(path, policy, allowed)]


def _restart_policy_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy", "")
    if policy == "Always":
        return [required(path, release.text("job_restart_policy").partition(": ")[2])]
    if policy not in ("OnFailure", "Never"):
        return [not_supported(path, policy, ("OnFailure", "Never"))]
    if spec.get("podFailurePolicy") is not None and policy != "Never":
        return [invalid(path, policy, release.text("job_failure_policy_never"))]
    return []


def _generated_selector_errors(metadata: Json, spec: Json, release: Release) -> list[FieldError]:
    """A Job that has its selector made must carry exactly what the server made."""
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return []
    uid, name = metadata.get("uid", ""), metadata.get("name", "")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    wanted = {
        "controller-uid": uid,
        "job-name": name,
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
    }
    errors = []
    for key, value in wanted.items():
        path, detail = f"spec.template.metadata.labels[{key}]", f"must be '{value}'"
        if key not in labels:
            errors.append(required(path, detail))
        elif labels[key] != value:
            errors.append(FieldError(INVALID, path, detail, _labels_shown(labels, release)))
    if not selects(selector, wanted):
        shown = selector_shown(selector, release)
        errors.append(FieldError(INVALID, "spec.selector", "`selector` not auto-generated", shown))
    return errors


def selector_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a selector that is missing, or does not select the template's pods."""
    selector = spec.get("selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    errors = [required(f"{path}.selector")] if selector is None else []
    if selector is None or not selects(selector, labels or {}):
        detail = "`selector` does not match template `labels`"
        shown = _labels_shown(labels, release)
        errors.append(FieldError(INVALID, f"{path}.template.metadata.labels", detail, shown))
    return errors


def _labels_shown(labels: dict[str, str] | None, release: Release) -> str:
    if speaks_json(release):
        return as_json(None if labels is None else dict(sorted(labels.items())))
    return go_texts("map[string]string", labels)


def selector_shown(selector: Json, release: Release) -> str:
    """A label selector as an error prints it."""
    if speaks_json(release):
        written = {key: selector[key] for key in ("matchLabels", "matchExpressions") if selector.get(key)}
        if "matchLabels" in written:
            written["matchLabels"] = dict(sorted(written["matchLabels"].items()))
        return as_json(written)
    labels = go_texts("map[string]string", selector.get("matchLabels"))
    expressions = go_list("v1.LabelSelectorRequirement", selector.get("matchExpressions"), _expression_shown)
    return f"v1.LabelSelector{{MatchLabels:{labels}, MatchExpressions:{expressions}}}"


def _expression_shown(entry: Json) -> str:
    values = go_list("string", entry.get("values"))
    key, operator = entry.get("key", ""), entry.get("operator", "")
    return f'v1.LabelSelectorRequirement{{Key:"{key}", Operator:"{operator}", Values:{values}}}'
