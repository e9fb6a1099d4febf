"""Validation of lifecycle hooks and probes (C-22b, C-24 to C-26, C-29b).

Source: ``pkg/apis/core/validation/validation.go``: validateLifecycle, validateHandler, validateProbe,
validateSleepAction, validateStopSignal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import FieldError, each, forbidden, invalid, not_supported, required

Json: TypeAlias = dict[str, Any]

_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_COUNTS: Final = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_WINDOWS_SIGNALS: Final = ("SIGKILL", "SIGTERM")


def lifecycle_errors(lifecycle: Json, spec: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a container's hooks and stop signal; ``spec`` is the Pod's."""
    errors = []
    for hook in ("postStart", "preStop"):
        if (handler := lifecycle.get(hook)) is not None:
            errors += _handler_errors(handler, spec, f"{path}.{hook}", release)
    if (signal := lifecycle.get("stopSignal")) is not None:
        errors += _stop_signal_errors(signal, spec, f"{path}.stopSignal", release)
    return errors


def probe_errors(container: Json, spec: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a container's liveness, readiness and startup probe, in this order."""
    errors = []
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(kind)
        if probe is None:
            continue
        here = f"{path}.{kind}"
        errors += _handler_errors(probe, spec, here, release)
        for name in _COUNTS:
            if probe.get(name, 0) < 0:
                errors.append(invalid(f"{here}.{name}", probe[name], "must be greater than or equal to 0"))
        grace = probe.get("terminationGracePeriodSeconds")
        if grace is not None and grace <= 0:
            detail = release.text("probe_grace_positive")
            errors.append(invalid(f"{here}.terminationGracePeriodSeconds", grace, detail))
        if kind == "readinessProbe":
            if grace is not None:
                detail = release.text("readiness_grace")
                errors.append(invalid(f"{here}.terminationGracePeriodSeconds", grace, detail))
        elif probe.get("successThreshold") != 1:
            detail = release.text("success_threshold")
            errors.append(invalid(f"{here}.successThreshold", probe.get("successThreshold", 0), detail))
    return errors


def _handler_errors(handler: Json, spec: Json, path: str, release: Release) -> list[FieldError]:
    """Exactly one kind of handler; only the first found is looked into."""
    errors: list[FieldError] = []
    found = [kind for kind in _HANDLERS if handler.get(kind) is not None]
    if not found:
        return [required(path, "must specify a handler type")]
    for kind in found[1:]:
        errors.append(forbidden(f"{path}.{kind}", "may not specify more than 1 handler type"))
    first, here = handler[found[0]], f"{path}.{found[0]}"
    if found[0] == "sleep":
        return _sleep_errors(first, spec, here, release) + errors
    return _CHECKS[found[0]](first, here) + errors


def _exec_errors(action: Json, path: str) -> list[FieldError]:
    return [] if action.get("command") else [required(f"{path}.command")]


def _http_errors(action: Json, path: str) -> list[FieldError]:
    errors = [] if action.get("path") else [required(f"{path}.path")]
    errors += port_errors(action.get("port", 0), f"{path}.port")
    if action.get("scheme") not in ("HTTP", "HTTPS"):
        errors.append(not_supported(f"{path}.scheme", action.get("scheme", ""), ("HTTP", "HTTPS")))
    for header in action.get("httpHeaders") or ():
        name = header.get("name", "")
        errors += each(f"{path}.httpHeaders", name, formats.header_name(name))
    return errors


def _port_action_errors(action: Json, path: str) -> list[FieldError]:
    return port_errors(action.get("port", 0), f"{path}.port")


def port_errors(port: int | str, path: str) -> list[FieldError]:
    """The errors of a port given by number or name."""
    return each(path, port, formats.port_number(port) if isinstance(port, int) else formats.port_name(port))


_CHECKS: Final[dict[str, Callable[[Json, str], list[FieldError]]]] = {
    "exec": _exec_errors,
    "httpGet": _http_errors,
    "tcpSocket": _port_action_errors,
    "grpc": _port_action_errors,
}


def _sleep_errors(action: Json, spec: Json, path: str, release: Release) -> list[FieldError]:
    """A sleep must fit into the Pod's grace period, which is itself allowed (C-24)."""
    seconds, grace = action.get("seconds", 0), spec.get("terminationGracePeriodSeconds") or 0
    least = 0 if release.enabled("PodLifecycleSleepActionAllowZero") else 1
    if least <= seconds <= grace:
        return []
    return [invalid(path, seconds, release.text("sleep_out_of_range").format(grace=grace))]


def _stop_signal_errors(signal: str, spec: Json, path: str, release: Release) -> list[FieldError]:
    name = (spec.get("os") or {}).get("name", "")
    if not name:
        return [forbidden(path, release.text("stop_signal_os").partition(": ")[2])]
    if name == "windows" and signal not in _WINDOWS_SIGNALS:
        return [not_supported(path, signal, _WINDOWS_SIGNALS)]
    return []
