"""The container blocks of ``kubectl describe pod`` (C-91, C-92)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import formatdate
from typing import Any, Final, TypeAlias

from kubesim.objects.status import instant_of
from kubesim.units import EPOCH_UNIX_SECONDS, SECOND

Raw: TypeAlias = Mapping[str, Any]

_LISTS: Final = (
    ("Init Containers", "initContainers", "initContainerStatuses"),
    ("Containers", "containers", "containerStatuses"),
    ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
)
_PROBES: Final = (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe"))
_RESOLVED: Final = ("metadata.name", "metadata.namespace", "metadata.uid")
"""Fields whose value kubectl knows when it describes an environment variable."""


def containers(pod: Raw, *, in_template: bool = False) -> Iterator[str]:
    """The blocks of all containers, tabs between cells; in a template headings stand further to the right."""
    status = pod.get("status") or {}
    heading, name = ("  ", "   ") if in_template else ("", "  ")
    for label, field, statuses in _LISTS:
        known = {entry["name"]: entry for entry in status.get(statuses) or ()}
        entries = pod["spec"].get(field) or ()
        if entries:
            yield f"{heading}{label}:"
        for container in entries:
            yield f"{name}{container['name']}:"
            yield from (f"    {line}" for line in _container(container, known.get(container["name"]), pod))


def rfc1123(timestamp: str | None) -> str:
    """``Sun, 22 Nov 2026 09:03:28 +0000``; a missing time is that of a zero ``time.Time``."""
    at = instant_of(timestamp)
    if at is None:
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    return formatdate(at // SECOND + EPOCH_UNIX_SECONDS)[:-5] + "+0000"


def _container(container: Raw, status: Raw | None, pod: Raw) -> Iterator[str]:
    yield from _identity(container, status)
    for label, field in (("Command", "command"), ("Args", "args")):
        if container.get(field):
            yield f"{label}:"
            yield from (f"  {line}" for word in container[field] for line in word.split("\n"))
    if status is not None:
        yield from _state("State", status.get("state") or {})
        if "terminated" in (status.get("lastState") or {}):
            yield from _state("Last State", status["lastState"])
        yield f"Ready:\t{status.get('ready', False)}"
        yield f"Restart Count:\t{status.get('restartCount', 0)}"
    for label, field in (("Limits", "limits"), ("Requests", "requests")):
        if amounts := (container.get("resources") or {}).get(field):
            yield f"{label}:"
            yield from (f"  {name}:\t{amounts[name]}" for name in sorted(amounts))
    for label, field in _PROBES:
        if container.get(field):
            yield f"{label}:\t{_probe(container[field])}"
    yield from _environment(container, pod)
    yield from _mounts(container)


def _identity(container: Raw, status: Raw | None) -> Iterator[str]:
    ports = container.get("ports") or ()
    shown = ", ".join(f"{port['containerPort']}/{port.get('protocol', 'TCP')}" for port in ports)
    on_host = ", ".join(f"{port.get('hostPort', 0)}/{port.get('protocol', 'TCP')}" for port in ports)
    plural = "s" if len(ports) > 1 else ""
    if status is not None:
        yield f"Container ID:\t{status.get('containerID') or ''}"
    yield f"Image:\t{container.get('image', '')}"
    if status is not None:
        yield f"Image ID:\t{status.get('imageID') or ''}"
    yield f"Port{plural}:\t{shown or '<none>'}"
    yield f"Host Port{plural}:\t{on_host or '<none>'}"


def _state(label: str, state: Raw) -> Iterator[str]:
    match state:
        case {"running": running}:
            yield f"{label}:\tRunning"
            yield f"  Started:\t{rfc1123(running.get('startedAt'))}"
        case {"terminated": ended}:
            yield f"{label}:\tTerminated"
            for name, field in (("Reason", "reason"), ("Message", "message")):
                if ended.get(field):
                    yield f"  {name}:\t{ended[field]}"
            yield f"  Exit Code:\t{ended.get('exitCode', 0)}"
            if ended.get("signal"):
                yield f"  Signal:\t{ended['signal']}"
            yield f"  Started:\t{rfc1123(ended.get('startedAt'))}"
            yield f"  Finished:\t{rfc1123(ended.get('finishedAt'))}"
        case _:
            yield f"{label}:\tWaiting"
            if reason := (state.get("waiting") or {}).get("reason"):
                yield f"  Reason:\t{reason}"


def _probe(probe: Raw) -> str:
    """A probe in a line: what is asked, then its times and thresholds (C-92)."""
    attributes = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 1)}s "
        f"period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)} "
        f"#failure={probe.get('failureThreshold', 3)}"
    )
    match probe:
        case {"exec": action}:
            return f"exec [{' '.join(action.get('command') or ())}] {attributes}"
        case {"httpGet": action}:
            scheme, path = str(action.get("scheme", "HTTP")).lower(), str(action.get("path", ""))
            slash = "" if path.startswith("/") else "/"
            return f"http-get {scheme}://{action.get('host', '')}:{action['port']}{slash}{path} {attributes}"
        case {"tcpSocket": action}:
            return f"tcp-socket {action.get('host', '')}:{action['port']} {attributes}"
        case {"grpc": action}:
            return f"grpc <pod>:{action['port']} {action.get('service') or ''} {attributes}"
        case _:
            return f"unknown {attributes}"


def _environment(container: Raw, pod: Raw) -> Iterator[str]:
    sources = container.get("envFrom") or ()
    if sources:
        yield "Environment Variables from:"
    for source in sources:
        kind, reference = (
            ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else ("Secret", source["secretRef"])
        )
        prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
        yield f"  {reference['name']}\t{kind}{prefix}\t{_optional(reference)}"
    variables = container.get("env") or ()
    yield "Environment:" if variables else "Environment:\t<none>"
    for variable in variables:
        yield from _variable(variable, container, pod)


def _variable(variable: Raw, container: Raw, pod: Raw) -> Iterator[str]:
    name = f"  {variable['name']}:"
    match variable.get("valueFrom"):
        case {"fieldRef": reference}:
            path = reference["fieldPath"]
            value = str(pod["metadata"].get(path.partition(".")[2], "")) if path in _RESOLVED else ""
            yield f"{name}\t{value} ({reference.get('apiVersion', 'v1')}:{path})"
        case {"resourceFieldRef": reference}:
            room, _, resource = reference["resource"].partition(".")
            amount = ((container.get("resources") or {}).get(room) or {}).get(resource, "0")
            yield f"{name}\t{amount} ({reference['resource']})"
        case {"secretKeyRef": reference}:
            source = f"in secret '{reference['name']}'"
            yield f"{name}\t<set to the key '{reference['key']}' {source}>\t{_optional(reference)}"
        case {"configMapKeyRef": reference}:
            source = f"of config map '{reference['name']}'"
            yield f"{name}\t<set to the key '{reference['key']}' {source}>\t{_optional(reference)}"
        case _:
            first, *rest = str(variable.get("value", "")).split("\n")
            yield f"{name}\t{first}"
            yield from (f"  \t{line}" for line in rest)


def _optional(reference: Raw) -> str:
    return f"Optional: {go_bool(reference.get('optional'))}"


def _mounts(container: Raw) -> Iterator[str]:
    mounts = sorted(container.get("volumeMounts") or (), key=lambda mount: str(mount["mountPath"]))
    yield "Mounts:" if mounts else "Mounts:\t<none>"
    for mount in mounts:
        flags = "ro" if mount.get("readOnly") else "rw"
        flags += f',path="{mount["subPath"]}"' if mount.get("subPath") else ""
        yield f"  {mount['mountPath']} from {mount['name']} ({flags})"


def go_bool(value: bool | None) -> str:
    """A boolean as Go prints it; null is false."""
    return "true" if value else "false"
