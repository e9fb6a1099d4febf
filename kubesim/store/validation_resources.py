"""Validation of requests, limits and resize policies.

Source: ``pkg/apis/core/validation/validation.go``: ValidateContainerResourceRequirements, validateResizePolicy.
Map entries are looked at in the order of their names; upstream's order is random.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import (
    INVALID,
    FieldError,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
    shown,
)
from kubesim.store.go_values import go_quantity
from kubesim.store.quantities import is_hugepages, quantity

Json: TypeAlias = dict[str, Any]

_CONTAINER: Final = ("cpu", "memory", "ephemeral-storage")
_STANDARD: Final = frozenset(
    (
        *("cpu", "memory", "ephemeral-storage", "storage", "requests.cpu", "requests.memory", "requests.storage"),
        *("requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods"),
        *("resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims"),
        *("services.nodeports", "services.loadbalancers"),
    )
)
_COMPUTE: Final = ("cpu", "memory")
_RESIZE: Final = ("NotRequired", "RestartContainer")


def resource_errors(resources: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a container's requests and limits, or of a Pod's overhead given as limits."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    errors = []
    for name in sorted(limits):
        errors += _entry_errors(name, limits[name], f"{path}.limits[{name}]", release)
    for name in sorted(requests):
        errors += _entry_errors(name, requests[name], f"{path}.requests[{name}]", release)
        errors += _request_errors(name, requests[name], limits.get(name), path)
    named = {*limits, *requests}
    if any(is_hugepages(name) for name in named) and not named.intersection(_COMPUTE):
        errors.append(forbidden(path, "HugePages require cpu or memory"))
    return errors


def resize_policy_errors(entries: list[Json], path: str, restart_policy: str) -> list[FieldError]:
    """The errors of ``resizePolicy``; ``restart_policy`` is the Pod's."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        name, policy = entry.get("resourceName", ""), entry.get("restartPolicy", "")
        if name in seen:
            errors.append(duplicate(f"{path}[{i}]", name))
        seen.add(name)
        for value, allowed in ((name, _COMPUTE), (policy, _RESIZE)):
            if not value:
                errors.append(required(path))
            elif value not in allowed:
                errors.append(not_supported(path, value, allowed))
        if restart_policy == "Never" and policy != "NotRequired":
            detail = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            errors.append(invalid(path, policy, detail))
    return errors


def _entry_errors(name: str, value: str, path: str, release: Release) -> list[FieldError]:
    errors = _name_errors(name, path, release)
    amount = quantity(value)
    if amount < 0:
        errors.append(invalid(path, value, "must be greater than or equal to 0"))
    if _is_whole(name) and amount != amount.to_integral_value():
        errors.append(FieldError(INVALID, path, "must be an integer", go_quantity(value, release)))
    return errors


def _name_errors(name: str, path: str, release: Release) -> list[FieldError]:
    said = name if release.policy("resource_names_in_errors") == "bare" else shown(name)

    def wrong(detail: str) -> FieldError:
        return FieldError(INVALID, path, detail, said)

    malformed = formats.qualified_name(name, release.text("label_too_long_unit"))
    if malformed:
        return [wrong(text) for text in malformed]
    errors = []
    if "/" not in name:
        if name not in _STANDARD and not is_hugepages(name):
            errors.append(wrong("must be a standard resource type or fully qualified"))
        if name not in _CONTAINER and not is_hugepages(name):
            errors.append(wrong("must be a standard resource for containers"))
    elif not _is_native(name) and not _is_extended(name, release):
        errors.append(wrong("doesn't follow extended resource name standard"))
    return errors


def _request_errors(name: str, request: str, limit: str | None, path: str) -> list[FieldError]:
    overcommit = _is_native(name) and not is_hugepages(name)
    if limit is None:
        if overcommit:
            return []
        return [required(f"{path}.limits", "Limit must be set for non overcommitable resources")]
    asked, allowed = quantity(request), quantity(limit)
    if asked != allowed and not overcommit:
        return [invalid(f"{path}.requests", request, f"must be equal to {name} limit of {limit}")]
    if asked > allowed:
        return [invalid(f"{path}.requests", request, f"must be less than or equal to {name} limit of {limit}")]
    return []


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_extended(name: str, release: Release) -> bool:
    unit = release.text("label_too_long_unit")
    return not name.startswith("requests.") and not formats.qualified_name(f"requests.{name}", unit)


def _is_whole(name: str) -> bool:
    """Whether only whole numbers of the resource can be had: extended resources."""
    return not _is_native(name)
