"""Validation of security contexts, as far as values of single fields go.

Source: ``pkg/apis/core/validation/validation.go``: ValidateSecurityContext, validatePodSpecSecurityContext.
Departure: seccomp, AppArmor and Windows options are taken as they are.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from kubesim.store.field_errors import FieldError, invalid, not_supported

Json: TypeAlias = dict[str, Any]

_LARGEST_ID: Final = 2**31 - 1
_ID_RULE: Final = f"must be between 0 and {_LARGEST_ID}, inclusive"
_FS_GROUP_POLICIES: Final = ("Always", "OnRootMismatch")


def container_security_errors(context: Json, path: str) -> list[FieldError]:
    """The errors of a container's security context."""
    errors = _id_errors(context, ("runAsUser", "runAsGroup"), path)
    if context.get("allowPrivilegeEscalation") is not False:
        return errors
    if context.get("privileged"):
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        errors.append(_whole(path, detail))
    if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
        detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        errors.append(_whole(path, detail))
    return errors


def pod_security_errors(spec: Json, path: str) -> list[FieldError]:
    """The errors of host networking and of the Pod's security context; ``path`` is the spec's."""
    context = spec.get("securityContext") or {}
    here = f"{path}.securityContext"
    errors = _host_network_errors(spec, path)
    errors += _id_errors(context, ("fsGroup", "runAsUser", "runAsGroup"), here)
    for i, group in enumerate(context.get("supplementalGroups") or ()):
        errors += [] if 0 <= group <= _LARGEST_ID else [invalid(f"{here}.supplementalGroups[{i}]", group, _ID_RULE)]
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(invalid(f"{here}.shareProcessNamespace", True, detail))
    policy = context.get("fsGroupChangePolicy")
    if policy is not None and policy not in _FS_GROUP_POLICIES:
        errors.append(not_supported(f"{here}.fsGroupChangePolicy", policy, _FS_GROUP_POLICIES))
    return errors


def _id_errors(context: Json, names: tuple[str, ...], path: str) -> list[FieldError]:
    return [
        invalid(f"{path}.{name}", context[name], _ID_RULE)
        for name in names
        if context.get(name) is not None and not 0 <= context[name] <= _LARGEST_ID
    ]


def _host_network_errors(spec: Json, path: str) -> list[FieldError]:
    if not spec.get("hostNetwork"):
        return []
    return [
        invalid(
            f"{path}.containers[{i}].ports[{place}].hostPort",
            port["hostPort"],
            "must match `containerPort` when `hostNetwork` is true",
        )
        for i, container in enumerate(spec.get("containers") or ())
        for place, port in enumerate(container.get("ports") or ())
        if port.get("hostPort") and port["hostPort"] != port.get("containerPort", 0)
    ]


def _whole(field: str, detail: str) -> FieldError:
    return FieldError("FieldValueInvalid", field, detail)
