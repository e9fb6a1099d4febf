"""Deployments and ReplicaSets in the API server: defaults and checks.

Source: ``pkg/apis/apps/v1/defaults.go``, ``pkg/apis/apps/validation/validation.go``.
"""

from __future__ import annotations

import re
from typing import Any, Final

from kubesim.releases import Release
from kubesim.store.defaulting import default_template_spec
from kubesim.store.disabled_fields import drop_from_pod_spec
from kubesim.store.field_errors import INVALID, FieldError, invalid, not_supported, required
from kubesim.store.go_values import as_json
from kubesim.store.validation_meta import metadata_errors
from kubesim.store.validation_pod import template_errors

_PERCENT: Final = re.compile(r"[0-9]+%")
_NO_PERCENT: Final = (
    "a valid percent string must be a numeric followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)
KINDS_WITH_REPLICAS: Final = ("Deployment", "ReplicaSet")
_NOT_NEGATIVE: Final = "must be greater than or equal to 0"
_IMMUTABLE: Final = "field is immutable"


def default_replicated(kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    """The object with its defaults."""
    spec = dict(obj.get("spec") or {})
    spec.setdefault("replicas", 1)
    template = {"metadata": {}, **(spec.get("template") or {})}
    template["spec"] = default_template_spec(template.get("spec") or {})
    spec["template"] = template
    if kind == "Deployment":
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)
        strategy = dict(spec.get("strategy") or {})
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            strategy["rollingUpdate"] = {
                "maxSurge": "25%",
                "maxUnavailable": "25%",
                **(strategy.get("rollingUpdate") or {}),
            }
        spec["strategy"] = strategy
    return {**obj, "spec": spec}


def without_disabled(obj: dict[str, Any], release: Release, old: dict[str, Any] | None = None) -> dict[str, Any]:
    """The object without fields of its template whose gate is off, unless the stored ``old`` spec has them (C-3)."""
    template = obj["spec"]["template"]
    old_pod = ((old or {}).get("template") or {}).get("spec")
    kept = drop_from_pod_spec(template["spec"], release, old_pod)
    return {**obj, "spec": {**obj["spec"], "template": {**template, "spec": kept}}}


def replicated_errors(kind: str, obj: dict[str, Any], release: Release) -> list[FieldError]:
    """The errors of a defaulted object."""
    spec = obj["spec"]
    errors = metadata_errors(obj["metadata"], release)
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        if (spec.get(key) or 0) < 0:
            errors.append(invalid(f"spec.{key}", spec[key], _NOT_NEGATIVE))
    selector = spec.get("selector") or {}
    labels = ((spec["template"].get("metadata") or {}).get("labels")) or {}
    if not selector:
        errors.append(required("spec.selector"))
    elif not (selector.get("matchLabels") or selector.get("matchExpressions")):
        detail = f"empty selector is invalid for {kind.lower()}"
        errors.append(FieldError(INVALID, "spec.selector", detail, as_json(selector)))
    elif not (selector.get("matchLabels") or {}).items() <= labels.items():
        detail = "`selector` does not match template `labels`"
        errors.append(FieldError(INVALID, "spec.template.metadata.labels", detail, as_json(labels)))
    errors += template_errors(spec["template"], "spec.template", release)
    policy = spec["template"]["spec"].get("restartPolicy")
    if policy != "Always":
        errors.append(not_supported("spec.template.spec.restartPolicy", policy, ("Always",)))
    errors += _strategy_errors(spec) if kind == "Deployment" else []
    return errors


def _strategy_errors(spec: dict[str, Any]) -> list[FieldError]:
    strategy = spec["strategy"]
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        return [not_supported("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))]
    rolling = strategy.get("rollingUpdate") or {}
    for key in ("maxUnavailable", "maxSurge"):
        if isinstance(rolling.get(key), str) and not _PERCENT.fullmatch(rolling[key]):
            return [invalid(f"spec.strategy.rollingUpdate.{key}", rolling[key], _NO_PERCENT)]
    stands_still = all(rolling.get(key) in (0, "0%") for key in ("maxUnavailable", "maxSurge"))
    if strategy["type"] == "RollingUpdate" and stands_still:
        detail = "may not be 0 when `maxSurge` is 0"
        return [invalid("spec.strategy.rollingUpdate.maxUnavailable", rolling["maxUnavailable"], detail)]
    return []


def replicated_update_errors(old: dict[str, Any], new: dict[str, Any]) -> list[FieldError]:
    """The selector of an object stays what it is."""
    if old.get("selector") != new.get("selector"):
        return [FieldError(INVALID, "spec.selector", _IMMUTABLE, as_json(new.get("selector")))]
    return []
