"""What the API server warns about a Pod it accepts.

Source: ``pkg/api/pod/warnings.go``, ``pkg/api/node/util.go``, ``pkg/registry/core/pod/strategy.go`` (WarningsOnCreate).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import shown
from kubesim.store.quantities import quantity

Json: TypeAlias = dict[str, Any]

_NO_SELECTOR: Final = "labelSelector: a null labelSelector results in matching no pod"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"

_OLD_NODE_LABELS: Final = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}


def hostname_warnings(name: str) -> list[str]:
    """The warning about a Pod's name that is no DNS label."""
    complaints = formats.dns_label(name)
    if not complaints:
        return []
    return [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; "
        f"a DNS label is recommended: [{' '.join(complaints)}]"
    ]


def spec_warnings(spec: Json, path: str, release: Release) -> list[str]:
    """The warnings about a Pod's or a template's spec."""
    warnings = _node_label_warnings(spec, path, release)
    warnings += _repeated_entry_warnings(spec, path)
    for container, here in _containers(spec, path):
        warnings += _byte_warnings(container.get("resources") or {}, f"{here}.resources")
        warnings += _env_warnings(container, here, release)
    if release.policy("clashing_ports_warn"):
        warnings += _port_warnings(spec, path)
    if release.policy("repeated_port_names_warn"):
        warnings += _port_name_warnings(spec, path)
    if release.policy("missing_selector_warns"):
        warnings += _affinity_warnings(spec.get("affinity") or {}, f"{path}.affinity")
    return warnings


def _containers(spec: Json, path: str) -> Iterator[tuple[Json, str]]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for i, container in enumerate(spec.get(key) or ()):
            yield container, f"{path}.{key}[{i}]"


def _node_label_warnings(spec: Json, path: str, release: Release) -> list[str]:
    selector = spec.get("nodeSelector") or {}
    warnings = [
        f"{path}.nodeSelector[{key}]: {_OLD_NODE_LABELS[key]}" for key in sorted(selector) if key in _OLD_NODE_LABELS
    ]
    for i, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        if said := _OLD_NODE_LABELS.get(constraint.get("topologyKey", "")):
            warnings.append(f"{path}.topologySpreadConstraints[{i}].topologyKey: {constraint['topologyKey']} is {said}")
        if "labelSelector" not in constraint and release.policy("missing_selector_warns"):
            warnings.append(f"{path}.topologySpreadConstraints[{i}].{_NO_SELECTOR}")
    return warnings


def _affinity_warnings(affinity: Json, path: str) -> list[str]:
    """Terms of pod affinity that select nothing for want of a selector."""
    warnings = []
    for key in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(key) or {}
        for name, place in ((_REQUIRED, ""), (_PREFERRED, "podAffinityTerm.")):
            for i, term in enumerate(rules.get(name) or ()):
                inner = (term.get("podAffinityTerm") or {}) if place else term
                if "labelSelector" not in inner:
                    warnings.append(f"{path}.{key}.{name}[{i}].{place}{_NO_SELECTOR}")
    return warnings


def _repeated_entry_warnings(spec: Json, path: str) -> list[str]:
    """Entries that a merge by key would lose: host aliases by address, pull secrets by name."""
    warnings = []
    for key, name in (("hostAliases", "ip"), ("imagePullSecrets", "name")):
        seen: set[str] = set()
        for i, entry in enumerate(spec.get(key) or ()):
            value = entry.get(name, "")
            if key == "imagePullSecrets" and not value:
                warnings.append(f"{path}.{key}[{i}].name: invalid empty name {shown(value)}")
            elif value in seen:
                warnings.append(
                    f"{path}.{key}[{i}].{name}: duplicate {'ip' if name == 'ip' else 'name'} {shown(value)}"
                )
            seen.add(value)
    return warnings


def _byte_warnings(resources: Json, path: str) -> list[str]:
    warnings = []
    for part in ("limits", "requests"):
        for name in ("memory", "ephemeral-storage"):
            value = (resources.get(part) or {}).get(name)
            if value is not None and quantity(value) != quantity(value).to_integral_value():
                warnings.append(
                    f"{path}.{part}[{name}]: fractional byte value {shown(value)} is invalid, must be an integer"
                )
    return warnings


def _env_warnings(container: Json, path: str, release: Release) -> list[str]:
    warnings = []
    seen: set[str] = set()
    text = release.text("hidden_env_warning")
    always = release.policy("repeated_env_warns") == "always"
    for i, entry in enumerate(container.get("env") or ()):
        name, value = entry.get("name", ""), entry.get("value", "")
        builds_on_it = f"$({name})" in value and f"$({name})" != value
        if name in seen and (always or not builds_on_it):
            warnings.append(text.format(path=f"{path}.env[{i}]", name=shown(name)))
        seen.add(name)
    return warnings


def _port_warnings(spec: Json, path: str) -> list[str]:
    warnings = []
    taken: dict[tuple[int, str], list[tuple[str, Json]]] = {}
    for container, here in _containers(spec, path):
        for i, port in enumerate(container.get("ports") or ()):
            place = f"{here}.ports[{i}]"
            others = taken.setdefault((port.get("containerPort", 0), port.get("protocol", "")), [])
            for other, before in others:
                if said := _port_clash(port, before):
                    warnings.append(f"{place}: {said} port definition with {other}")
            others.append((place, port))
    return warnings


def _port_name_warnings(spec: Json, path: str) -> list[str]:
    warnings = []
    named: dict[str, str] = {}
    for container, here in _containers(spec, path):
        for i, port in enumerate(container.get("ports") or ()):
            name, place = port.get("name"), f"{here}.ports[{i}]"
            if name and named.setdefault(name, place) != place:
                warnings.append(
                    f"{place}: duplicate port name {shown(name)} with {named[name]}, "
                    f"services and probes that select ports by name will use {named[name]}"
                )
    return warnings


def _port_clash(port: Json, other: Json) -> str:
    """How two definitions of one container port and protocol clash; empty when they do not."""
    mine, theirs = port.get("hostPort", 0), other.get("hostPort", 0)
    my_ip, their_ip = port.get("hostIP", ""), other.get("hostIP", "")
    if (mine, my_ip) == (theirs, their_ip):
        return "duplicate"
    if not mine or not theirs:
        return "overlapping"
    if mine == theirs and bool(my_ip) != bool(their_ip):
        return "dangerously ambiguous"
    return ""
