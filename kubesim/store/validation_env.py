"""Validation of a container's environment.

Source: ``pkg/apis/core/validation/validation.go``: ValidateEnv, ValidateEnvFrom, validateObjectFieldSelector.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.releases.field_tables import field_table
from kubesim.store import formats
from kubesim.store.field_errors import FieldError, each, invalid, not_supported, required

Json: TypeAlias = dict[str, Any]

_LABELS: Final = frozenset(
    f"{owner}.{name}"
    for owner, names in (
        ("metadata", ("annotations", "labels", "name", "namespace", "uid")),
        ("spec", ("nodeName", "restartPolicy", "serviceAccountName", "schedulerName", "host")),
        ("status", ("phase", "hostIP", "hostIPs", "podIP", "podIPs")),
    )
    for name in names
)
ENV_FIELDS: Final = (
    *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
)
VOLUME_FIELDS: Final = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_RESOURCES: Final = (
    *("limits.cpu", "limits.ephemeral-storage", "limits.memory"),
    *("requests.cpu", "requests.ephemeral-storage", "requests.memory"),
)
_SUBSCRIPT: Final = re.compile(r"(.*)\['(.*)'\]")
_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")


def env_errors(entries: list[Json], path: str, release: Release) -> list[FieldError]:
    """The errors of ``env``."""
    check = _name_check(release)
    errors = []
    for i, entry in enumerate(entries):
        here, name = f"{path}[{i}]", entry.get("name", "")
        errors += each(f"{here}.name", name, check(name)) if name else [required(f"{here}.name")]
        if entry.get("valueFrom") is not None:
            errors += _source_errors(entry, f"{here}.valueFrom", release)
    return errors


def env_from_errors(entries: list[Json], path: str, release: Release) -> list[FieldError]:
    """The errors of ``envFrom``; upstream reports a missing source at the list, not at its entry."""
    check = _name_check(release)
    errors = []
    for i, entry in enumerate(entries):
        here = f"{path}[{i}]"
        if prefix := entry.get("prefix"):
            errors += each(f"{here}.prefix", prefix, check(prefix))
        sources = [key for key in ("configMapRef", "secretRef") if entry.get(key) is not None]
        for key in sources:
            name = entry[key].get("name", "")
            named = f"{here}.{key}.name"
            errors += each(named, name, formats.dns_subdomain(name)) if name else [required(named)]
        if not sources:
            errors.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(sources) > 1:
            errors.append(invalid(path, "", "may not have more than one field specified at a time"))
    return errors


def field_ref_errors(reference: Json, path: str, allowed: tuple[str, ...], release: Release) -> list[FieldError]:
    """The errors of a reference to a field of the Pod; ``allowed`` are the paths this place may name."""
    for key in ("apiVersion", "fieldPath"):
        if not reference.get(key):
            return [required(f"{path}.{key}")]
    target: str = reference["fieldPath"]
    if problem := _conversion_problem(reference["apiVersion"], target):
        return [invalid(f"{path}.fieldPath", target, f"error converting fieldPath: {problem}")]
    if match := _SUBSCRIPT.fullmatch(target):
        key = match[2].lower() if match[1] == "metadata.annotations" else match[2]
        return each(path, match[2], formats.qualified_name(key, release.text("label_too_long_unit")))
    target = "spec.nodeName" if target == "spec.host" else target
    return [] if target in allowed else [not_supported(f"{path}.fieldPath", target, sorted(allowed))]


def resource_ref_errors(reference: Json, path: str, *, needs_container: bool) -> list[FieldError]:
    """The errors of a reference to a container's resources."""
    if needs_container and not reference.get("containerName"):
        return [required(f"{path}.containerName")]
    resource = reference.get("resource", "")
    if not resource:
        return [required(f"{path}.resource")]
    if resource in _RESOURCES or resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        return []
    return [not_supported(f"{path}.resource", resource, sorted(_RESOURCES))]


def _name_check(release: Release) -> Callable[[str], formats.Complaints]:
    relaxed = release.enabled("RelaxedEnvironmentVariableValidation")
    return formats.relaxed_env_name if relaxed else formats.env_name


def _source_errors(entry: Json, path: str, release: Release) -> list[FieldError]:
    source = entry["valueFrom"]
    known = (*_SOURCES, "fileKeyRef") if "fileKeyRef" in field_table(release)["core.v1.EnvVarSource"] else _SOURCES
    present = [key for key in known if source.get(key) is not None]
    errors = []
    for key in present:
        here = f"{path}.{key}"
        match key:
            case "fieldRef":
                errors += field_ref_errors(source[key], here, ENV_FIELDS, release)
            case "resourceFieldRef":
                errors += resource_ref_errors(source[key], here, needs_container=False)
            case "configMapKeyRef" | "secretKeyRef":
                errors += _key_errors(source[key], here)
    if not present:
        names = ", ".join(f"`{key}`" for key in known[:-1])
        errors.append(invalid(path, "", f"must specify one of: {names} or `{known[-1]}`"))
    elif entry.get("value"):
        errors.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(present) > 1:
        errors.append(invalid(path, "", "may not have more than one field specified at a time"))
    return errors


def _key_errors(reference: Json, path: str) -> list[FieldError]:
    name, key = reference.get("name", ""), reference.get("key", "")
    errors = each(f"{path}.name", name, formats.dns_subdomain(name))
    return errors + (each(f"{path}.key", key, formats.config_key(key)) if key else [required(f"{path}.key")])


def _conversion_problem(version: str, label: str) -> str:
    if version != "v1":
        return f"unsupported pod version: {version}"
    if match := _SUBSCRIPT.fullmatch(label):
        known = match[1] in ("metadata.annotations", "metadata.labels")
        return "" if known else f"field label does not support subscript: {label}"
    return "" if label in _LABELS else f"field label not supported: {label}"
