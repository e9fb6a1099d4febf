"""Validation of mains, init containers and ephemeral containers (C-22, C-23, C-27 to C-29c).

Source: ``pkg/apis/core/validation/validation.go``: validateContainers, validateInitContainers,
validateEphemeralContainers, validateContainerCommon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import (
    FieldError,
    duplicate,
    each,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
    too_many,
)
from kubesim.store.go_values import as_json, go_list, speaks_json
from kubesim.store.validation_env import env_errors, env_from_errors
from kubesim.store.validation_handlers import lifecycle_errors, probe_errors
from kubesim.store.validation_resources import resize_policy_errors, resource_errors
from kubesim.store.validation_security import container_security_errors
from kubesim.store.validation_volumes import device_errors, mount_errors

Json: TypeAlias = dict[str, Any]

_MESSAGE_POLICIES: Final = ("File", "FallbackToLogsOnError")
_PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")
_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_OWN_POLICIES: Final = ("Always", "Never", "OnFailure")
_FORBIDDEN_IN_PLAIN_INIT: Final = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_FORBIDDEN_IN_EPHEMERAL: Final = (
    *("ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy"),
    *("restartPolicy", "restartPolicyRules"),
)
_RULES_LIMIT: Final = 20
_VALUES_LIMIT: Final = 255


@dataclass(frozen=True, slots=True)
class Around:
    """What a container's validation must know besides the container."""

    spec: Json
    volumes: dict[str, Json]
    release: Release


def main_errors(around: Around, path: str) -> list[FieldError]:
    """The errors of ``containers``."""
    containers = around.spec.get("containers") or []
    if not containers:
        return [required(path)]
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, container in enumerate(containers):
        here, name = f"{path}[{i}]", container.get("name", "")
        errors += _common_errors(container, around, here)
        if name in names:
            errors.append(duplicate(f"{here}.name", name))
        names.add(name)
        errors += _started_errors(container, around, here)
        errors += _main_policy_errors(container, here, around.release)
    return errors + _host_port_errors(containers, path)


def init_errors(around: Around, path: str) -> list[FieldError]:
    """The errors of ``initContainers``: sidecars may have hooks and probes, plain inits may not (C-22b)."""
    errors: list[FieldError] = []
    release = around.release
    names = {container.get("name", "") for container in around.spec.get("containers") or ()}
    for i, container in enumerate(around.spec.get("initContainers") or ()):
        here, name = f"{path}[{i}]", container.get("name", "")
        errors += _common_errors(container, around, here)
        errors += _init_policy_errors(container, here, release)
        sidecar = container.get("restartPolicy") == "Always"
        if name in names:
            errors.append(duplicate(f"{here}.name", name))
        elif name:
            names.add(name)
        errors += _host_port_errors([container], path)
        if sidecar:
            errors += _started_errors(container, around, here)
        else:
            detail = release.text("init_without_restart_policy").partition(": ")[2]
            errors += [
                forbidden(f"{here}.{key}", detail) for key in _FORBIDDEN_IN_PLAIN_INIT if container.get(key) is not None
            ]
        if container.get("resizePolicy") and not (sidecar and release.policy("sidecars_may_resize")):
            errors.append(_init_resize_error(container["resizePolicy"], f"{here}.resizePolicy", release))
    return errors


def ephemeral_errors(around: Around, path: str) -> list[FieldError]:
    """The errors of ``ephemeralContainers``."""
    errors: list[FieldError] = []
    others = {entry.get("name", "") for key in ("containers", "initContainers") for entry in around.spec.get(key) or ()}
    names = set(others)
    for i, container in enumerate(around.spec.get("ephemeralContainers") or ()):
        here, name = f"{path}[{i}]", container.get("name", "")
        errors += _common_errors(container, around, here)
        errors += image_space_errors(container, here)
        if name in names:
            errors.append(duplicate(f"{here}.name", name))
        names.add(name)
        for key in _FORBIDDEN_IN_EPHEMERAL:
            if container.get(key):
                errors.append(forbidden(f"{here}.{key}", "cannot be set for an Ephemeral Container"))
        target = container.get("targetContainerName")
        if target and target not in others:
            errors.append(not_found(f"{here}.targetContainerName", target))
        for place, mount in enumerate(container.get("volumeMounts") or ()):
            for key in ("subPath", "subPathExpr"):
                if mount.get(key):
                    field = f"{here}.volumeMounts[{place}].{key}"
                    errors.append(forbidden(field, "cannot be set for an Ephemeral Container"))
    return errors


def image_space_errors(container: Json, path: str) -> list[FieldError]:
    """What is checked in Pods only, not in templates: no space around the image."""
    image = container.get("image", "")
    if image == image.strip():
        return []
    return [invalid(f"{path}.image", image, "must not have leading or trailing whitespace")]


def _common_errors(container: Json, around: Around, path: str) -> list[FieldError]:
    release = around.release
    name, policy = container.get("name", ""), container.get("terminationMessagePolicy", "")
    errors = each(f"{path}.name", name, formats.dns_label(name)) if name else [required(f"{path}.name")]
    errors += [] if container.get("image") else [required(f"{path}.image")]
    if not policy:
        errors.append(required(f"{path}.terminationMessagePolicy"))
    elif policy not in _MESSAGE_POLICIES:
        errors.append(not_supported(f"{path}.terminationMessagePolicy", policy, _MESSAGE_POLICIES))
    errors += _port_errors(container.get("ports") or [], f"{path}.ports")
    errors += env_errors(container.get("env") or [], f"{path}.env", release)
    errors += env_from_errors(container.get("envFrom") or [], f"{path}.envFrom", release)
    errors += mount_errors(container, f"{path}.volumeMounts", around.volumes)
    errors += device_errors(container, f"{path}.volumeDevices", around.volumes)
    pull = container.get("imagePullPolicy", "")
    if pull not in _PULL_POLICIES:
        field = f"{path}.imagePullPolicy"
        errors.append(not_supported(field, pull, _PULL_POLICIES) if pull else required(field))
    errors += resource_errors(container.get("resources") or {}, f"{path}.resources", release)
    resize = container.get("resizePolicy") or []
    errors += resize_policy_errors(resize, f"{path}.resizePolicy", around.spec.get("restartPolicy", ""))
    return errors + container_security_errors(container.get("securityContext") or {}, f"{path}.securityContext")


def _started_errors(container: Json, around: Around, path: str) -> list[FieldError]:
    """The hooks and probes of a main or a sidecar."""
    lifecycle = container.get("lifecycle")
    errors = []
    if lifecycle is not None:
        errors = lifecycle_errors(lifecycle, around.spec, f"{path}.lifecycle", around.release)
    return errors + probe_errors(container, around.spec, path, around.release)


def _port_errors(ports: list[Json], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, port in enumerate(ports):
        here = f"{path}[{i}]"
        if name := port.get("name"):
            malformed = each(f"{here}.name", name, formats.port_name(name))
            if not malformed and name in names:
                malformed = [duplicate(f"{here}.name", name)]
            names.add(name)
            errors += malformed
        if number := port.get("containerPort", 0):
            errors += each(f"{here}.containerPort", number, formats.port_number(number))
        else:
            errors.append(required(f"{here}.containerPort"))
        if host := port.get("hostPort", 0):
            errors += each(f"{here}.hostPort", host, formats.port_number(host))
        protocol = port.get("protocol", "")
        if protocol not in _PROTOCOLS:
            field = f"{here}.protocol"
            errors.append(not_supported(field, protocol, _PROTOCOLS) if protocol else required(field))
    return errors


def _host_port_errors(containers: list[Json], path: str) -> list[FieldError]:
    """The same host port twice; a single init container counts as the list's first (as upstream does)."""
    errors: list[FieldError] = []
    taken: set[str] = set()
    for i, container in enumerate(containers):
        for place, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            claim = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if claim in taken:
                errors.append(duplicate(f"{path}[{i}].ports[{place}].hostPort", claim))
            taken.add(claim)
    return errors


def _main_policy_errors(container: Json, path: str, release: Release) -> list[FieldError]:
    if release.policy("main_restart_policy_at_apiserver") == "any_policy":
        return _own_policy_errors(container, path, release)
    if container.get("restartPolicy") is None:
        return []
    return [forbidden(f"{path}.restartPolicy", release.text("main_restart_policy").partition(": ")[2])]


def _init_policy_errors(container: Json, path: str, release: Release) -> list[FieldError]:
    policy = container.get("restartPolicy")
    if release.policy("init_restart_policy_at_apiserver") == "any_policy":
        errors = _own_policy_errors(container, path, release)
        rules = container.get("restartPolicyRules")
        if policy == "Always" and rules and not release.enabled("RestartAllContainersOnContainerExits"):
            detail = release.text("sidecar_restart_rules").partition(": ")[2]
            errors.append(forbidden(f"{path}.restartPolicyRules", detail))
        return errors
    if policy is None or policy == "Always":
        return []
    return [not_supported(f"{path}.restartPolicy", policy, ("Always",))]


def _own_policy_errors(container: Json, path: str, release: Release) -> list[FieldError]:
    """A container's own restart policy and rules (C-29)."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or []
    errors: list[FieldError] = []
    if policy is None:
        if rules:
            detail = release.text("restart_rules_need_policy").partition(": ")[2]
            errors.append(required(f"{path}.restartPolicy", detail))
    elif policy not in _OWN_POLICIES:
        errors.append(not_supported(f"{path}.restartPolicy", policy, _OWN_POLICIES))
    if len(rules) > _RULES_LIMIT:
        errors.append(too_many(f"{path}.restartPolicyRules", len(rules), _RULES_LIMIT))
    for i, rule in enumerate(rules):
        errors += _rule_errors(rule, f"{path}.restartPolicyRules[{i}]", release)
    return errors


def _rule_errors(rule: Json, path: str, release: Release) -> list[FieldError]:
    whole_pod = release.enabled("RestartAllContainersOnContainerExits")
    actions = ("Restart", "RestartAllContainers") if whole_pod else ("Restart",)
    errors = []
    if rule.get("action") not in actions:
        errors.append(not_supported(f"{path}.action", rule.get("action", ""), actions))
    codes = rule.get("exitCodes")
    if codes is None:
        return [*errors, required(f"{path}.exitCodes", "must be specified")]
    if codes.get("operator") not in ("In", "NotIn"):
        errors.append(not_supported(f"{path}.exitCodes.operator", codes.get("operator", ""), ("In", "NotIn")))
    if len(codes.get("values") or ()) > _VALUES_LIMIT:
        errors.append(too_many(f"{path}.exitCodes.values", len(codes["values"]), _VALUES_LIMIT))
    return errors


def _init_resize_error(policies: list[Json], path: str, release: Release) -> FieldError:
    if speaks_json(release):
        internal = [
            {"ResourceName": entry.get("resourceName", ""), "RestartPolicy": entry.get("restartPolicy", "")}
            for entry in policies
        ]
        value = as_json(internal)
    else:
        value = go_list("core.ContainerResizePolicy", policies, _go_resize)
    return FieldError("FieldValueInvalid", path, release.text("init_resize_policy"), value)


def _go_resize(entry: Json) -> str:
    name, policy = entry.get("resourceName", ""), entry.get("restartPolicy", "")
    return f'core.ContainerResizePolicy{{ResourceName:"{name}", RestartPolicy:"{policy}"}}'
