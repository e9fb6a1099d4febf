"""Validation of a Pod's spec and of a Pod on create, in the order of the API server's complaints (C-22).

Source: ``pkg/apis/core/validation/validation.go``: ValidatePodCreate, ValidatePodSpec, ValidatePodTemplateSpec.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import (
    INVALID,
    FieldError,
    duplicate,
    each,
    forbidden,
    invalid,
    not_supported,
    required,
    shown,
)
from kubesim.store.go_values import as_json, go_list, speaks_json
from kubesim.store.validation_containers import (
    Around,
    ephemeral_errors,
    image_space_errors,
    init_errors,
    main_errors,
)
from kubesim.store.validation_meta import annotation_errors, label_errors
from kubesim.store.validation_resources import resource_errors
from kubesim.store.validation_security import pod_security_errors
from kubesim.store.validation_volumes import volume_errors

Json: TypeAlias = dict[str, Any]

_RESTART_POLICIES: Final = ("Always", "OnFailure", "Never")
_DNS_POLICIES: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_SYSTEMS: Final = ("linux", "windows")
_PREEMPTIONS: Final = ("PreemptLowerPriority", "Never")
_MAX_INT32: Final = 2**31 - 1


def pod_spec_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a defaulted spec, of a Pod or of a template."""
    errors, volumes = volume_errors(spec.get("volumes") or [], f"{path}.volumes", release)
    around = Around(spec, volumes, release)
    errors += main_errors(around, f"{path}.containers")
    errors += init_errors(around, f"{path}.initContainers")
    errors += ephemeral_errors(around, f"{path}.ephemeralContainers")
    errors += _choice_errors(spec.get("restartPolicy", ""), _RESTART_POLICIES, f"{path}.restartPolicy")
    errors += _choice_errors(spec.get("dnsPolicy", ""), _DNS_POLICIES, f"{path}.dnsPolicy")
    errors += label_errors(spec.get("nodeSelector") or {}, f"{path}.nodeSelector", _unit(release))
    errors += pod_security_errors(spec, path)
    for i, reference in enumerate(spec.get("imagePullSecrets") or ()):
        errors += [] if reference.get("name") else [required(f"{path}.imagePullSecrets[{i}].name")]
    errors += _dns_errors(spec, f"{path}.dnsConfig", release)
    errors += _gate_errors(spec, path, release)
    errors += _spread_errors(spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints")
    errors += _scalar_errors(spec, path)
    errors += toleration_errors(spec.get("tolerations") or [], f"{path}.tolerations", release)
    errors += _late_errors(spec, path, release)
    return errors


def pod_only_errors(spec: Json, path: str) -> list[FieldError]:
    """What is checked for Pods and not for templates, after the spec."""
    errors: list[FieldError] = []
    for key in ("containers", "initContainers"):
        for i, container in enumerate(spec.get(key) or ()):
            errors += image_space_errors(container, f"{path}.{key}[{i}]")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        detail = "cannot be set until all schedulingGates have been cleared"
        errors.append(forbidden(f"{path}.nodeName", detail))
    return errors


def creation_errors(spec: Json, path: str) -> list[FieldError]:
    """What a new Pod may not have yet."""
    if spec.get("ephemeralContainers"):
        return [forbidden(f"{path}.ephemeralContainers", "cannot be set on create")]
    return []


def template_errors(template: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of a Pod template: labels, annotations, spec."""
    metadata = template.get("metadata") or {}
    errors = label_errors(metadata.get("labels") or {}, f"{path}.labels", _unit(release))
    errors += annotation_errors(metadata.get("annotations") or {}, f"{path}.annotations", release)
    errors += pod_spec_errors(template.get("spec") or {}, f"{path}.spec", release)
    if (template.get("spec") or {}).get("ephemeralContainers"):
        detail = "ephemeral containers not allowed in pod template"
        errors.append(forbidden(f"{path}.spec.ephemeralContainers", detail))
    return errors


def toleration_errors(tolerations: list[Json], path: str, release: Release) -> list[FieldError]:
    """The errors of ``tolerations``."""
    errors: list[FieldError] = []
    for i, toleration in enumerate(tolerations):
        here, key = f"{path}[{i}]", toleration.get("key", "")
        operator, effect = toleration.get("operator", ""), toleration.get("effect", "")
        if key:
            errors += each(f"{here}.key", key, formats.qualified_name(key, _unit(release)))
        elif operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errors.append(invalid(f"{here}.operator", operator, detail))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(invalid(f"{here}.effect", effect, detail))
        errors += _operator_errors(toleration, f"{here}.operator", release)
        if effect:
            errors += _choice_errors(effect, _EFFECTS, f"{here}.effect")
    return errors


def _operator_errors(toleration: Json, path: str, release: Release) -> list[FieldError]:
    operator, value = toleration.get("operator", ""), toleration.get("value", "")
    compares = release.enabled("TaintTolerationComparisonOperators")
    if operator in ("", "Equal"):
        complaints = formats.label_value(value, _unit(release))
        return [invalid(path, value, ";".join(complaints))] if complaints else []
    if operator == "Exists":
        if not value:
            return []
        whole = release.policy("toleration_error_shows") == "toleration"
        said = _go_toleration(toleration) if whole else shown(value)
        return [FieldError(INVALID, path, "value must be empty when `operator` is 'Exists'", said)]
    if compares and operator in ("Lt", "Gt"):
        return []
    return [not_supported(path, operator, ("Equal", "Exists", "Lt", "Gt") if compares else ("Equal", "Exists"))]


def _go_toleration(toleration: Json) -> str:
    parts = [f"{name}:{shown(toleration.get(name.lower(), ''))}" for name in ("Key", "Operator", "Value", "Effect")]
    seconds = toleration.get("tolerationSeconds")
    pointer = "(*int64)(nil)" if seconds is None else "(*int64)(0xc000000000)"
    return f"core.Toleration{{{', '.join(parts)}, TolerationSeconds:{pointer}}}"


def _choice_errors(value: str, choices: tuple[str, ...], path: str) -> list[FieldError]:
    if value in choices:
        return []
    return [not_supported(path, value, choices) if value else required(path)]


def _dns_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    config = spec.get("dnsConfig")
    no_policy = spec.get("dnsPolicy") == "None"
    if config is None:
        return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")] if no_policy else []
    servers = config.get("nameservers") or []
    errors = []
    if no_policy and not servers:
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        errors.append(required(f"{path}.nameservers", detail))
    if len(servers) > 3:
        errors.append(_too_many_texts(f"{path}.nameservers", servers, "more than 3 nameservers", release))
    for i, server in enumerate(servers):
        if not _is_address(server):
            detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            errors.append(invalid(f"{path}.nameservers[{i}]", server, detail))
    searches = config.get("searches") or []
    if len(searches) > 32:
        errors.append(_too_many_texts(f"{path}.searches", searches, "more than 32 search paths", release))
    for i, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            errors.append(required(f"{path}.options[{i}]", "must not be empty"))
    return errors


def _gate_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        field = f"{path}.readinessGates[{i}].conditionType"
        errors += each(field, kind, formats.qualified_name(kind, _unit(release)))
    seen: set[str] = set()
    for i, gate in enumerate(spec.get("schedulingGates") or ()):
        name, here = gate.get("name", ""), f"{path}.schedulingGates[{i}]"
        errors += each(here, name, formats.qualified_name(name, _unit(release)))
        if name in seen:
            errors.append(duplicate(here, name))
        seen.add(name)
    return errors


def _spread_errors(constraints: list[Json], path: str) -> list[FieldError]:
    errors = []
    for i, constraint in enumerate(constraints):
        here, skew = f"{path}[{i}]", constraint.get("maxSkew", 0)
        if skew <= 0:
            errors.append(invalid(f"{here}.maxSkew", skew, "must be greater than zero"))
        if not constraint.get("topologyKey"):
            errors.append(required(f"{here}.topologyKey", "can not be empty"))
        action = constraint.get("whenUnsatisfiable", "")
        if action not in ("DoNotSchedule", "ScheduleAnyway"):
            errors.append(not_supported(f"{here}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway")))
    return errors


def _scalar_errors(spec: Json, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in ("serviceAccountName", "nodeName"):
        if name := spec.get(key):
            errors += each(f"{path}.{key}", name, formats.dns_subdomain(name))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        detail = f"must be between 1 and {_MAX_INT32}, inclusive"
        errors.append(invalid(f"{path}.activeDeadlineSeconds", deadline, detail))
    for key in ("hostname", "subdomain"):
        if name := spec.get(key):
            errors += each(f"{path}.{key}", name, formats.dns_label(name))
    return errors


def _late_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        address = alias.get("ip", "")
        if not _is_address(address):
            detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            errors.append(invalid(f"{path}.hostAliases[{i}].ip", address, detail))
        for name in alias.get("hostnames") or ():
            errors += each(f"{path}.hostAliases[{i}].hostnames", name, formats.dns_subdomain(name))
    for key in ("priorityClassName", "runtimeClassName"):
        if (name := spec.get(key)) or (key in spec and spec[key] is not None):
            errors += each(f"{path}.{key}", name, formats.dns_subdomain(name or ""))
    if "preemptionPolicy" in spec:
        errors += _choice_errors(spec["preemptionPolicy"], _PREEMPTIONS, f"{path}.preemptionPolicy")
    if spec.get("overhead"):
        errors += [
            _moved(error, f"{path}.overhead") for error in resource_errors({"limits": spec["overhead"]}, "", release)
        ]
    system = spec.get("os")
    if system is not None and system.get("name") not in _SYSTEMS:
        name = system.get("name", "")
        errors.append(
            not_supported(f"{path}.os", name, _SYSTEMS) if name else required(f"{path}.os.name", "cannot be empty")
        )
    return errors


def _moved(error: FieldError, path: str) -> FieldError:
    """An error of the overhead: upstream checks it as limits and keeps that part of the path."""
    return FieldError(error.type, path + error.field, error.detail, error.shown)


def _too_many_texts(path: str, values: list[str], what: str, release: Release) -> FieldError:
    said = as_json(values) if speaks_json(release) else go_list("string", values)
    return FieldError(INVALID, path, f"must not have {what}", said)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _unit(release: Release) -> str:
    return release.text("label_too_long_unit")
