"""Which fields the API server drops in silence because their gate is off (C-20, C-2; section 6 of the versions rules).

Source: ``pkg/api/pod/util.go`` (dropDisabledFields), ``pkg/registry/batch/job/strategy.go`` (PrepareForCreate).
Every function returns a new piece and changes nothing in place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store.webhooks_diff import field_path, json_diff

Json: TypeAlias = dict[str, Any]

_LISTS: Final = ("initContainers", "containers", "ephemeralContainers")
_JOB_GATES: Final = (
    ("JobPodFailurePolicy", ("podFailurePolicy",)),
    ("JobBackoffLimitPerIndex", ("backoffLimitPerIndex", "maxFailedIndexes")),
    ("JobPodReplacementPolicy", ("podReplacementPolicy",)),
    ("JobSuccessPolicy", ("successPolicy",)),
    ("JobManagedBy", ("managedBy",)),
)


def drop_from_pod_spec(spec: Json, release: Release, old: Json | None = None) -> Json:
    """The spec without the fields whose gate is off, unless the stored ``old`` spec uses them already (C-3)."""
    kept = dict(spec)
    if not release.enabled("PodLevelResources") and not (old or {}).get("resources"):
        kept.pop("resources", None)
    if not release.enabled("DynamicResourceAllocation") and not (old or {}).get("resourceClaims"):
        kept.pop("resourceClaims", None)
    for key in _LISTS:
        if kept.get(key):
            drops = [drop for drop, uses in _drops(key, release) if not (old and _is_used(old, uses))]
            kept[key] = [_without(entry, drops) for entry in kept[key]] if drops else kept[key]
    return kept


def drop_from_job_spec(spec: Json, release: Release, old: Json | None = None) -> Json:
    """The Job's spec without the fields whose gate is off, the template's included; FailIndex rules go too."""
    kept = dict(spec)
    for gate, names in _JOB_GATES:
        if not release.enabled(gate):
            for name in names:
                if name not in (old or {}):
                    kept.pop(name, None)
    if not release.enabled("JobBackoffLimitPerIndex") and (policy := kept.get("podFailurePolicy")):
        rules = [rule for rule in policy.get("rules") or () if rule.get("action") != "FailIndex"]
        kept["podFailurePolicy"] = {**policy, "rules": rules}
    template = kept.get("template") or {}
    old_spec = ((old or {}).get("template") or {}).get("spec")
    kept["template"] = {**template, "spec": drop_from_pod_spec(template.get("spec") or {}, release, old_spec)}
    return kept


def _drops(key: str, release: Release) -> list[tuple[Callable[[Json], Json], Callable[[Json], bool]]]:
    """What to take out of the containers of one list: (drop, whether a container uses it)."""
    drops: list[tuple[Callable[[Json], Json], Callable[[Json], bool]]] = []
    if key != "ephemeralContainers":
        whose = "init" if key == "initContainers" else "main"
        match release.policy(f"{whose}_restart_policy_at_apiserver"):
            case "drop":
                drops.append((lambda entry: _less(entry, "restartPolicy"), lambda entry: "restartPolicy" in entry))
            case "drop_other_than_always":
                drops.append((_without_own_policy, lambda entry: entry.get("restartPolicy") in ("Never", "OnFailure")))
    if not release.enabled("ContainerRestartRules"):
        drops.append((lambda entry: _less(entry, "restartPolicyRules"), lambda entry: "restartPolicyRules" in entry))
    if not release.enabled("InPlacePodVerticalScaling"):
        drops.append((lambda entry: _less(entry, "resizePolicy"), lambda entry: "resizePolicy" in entry))
    if not release.enabled("PodLifecycleSleepAction"):
        drops.append((_without_sleep, _uses_sleep))
    if not release.enabled("ContainerStopSignals"):
        drops.append((_without_stop_signal, lambda entry: "stopSignal" in (entry.get("lifecycle") or {})))
    return drops


def _without(entry: Json, drops: list[Callable[[Json], Json]]) -> Json:
    for drop in drops:
        entry = drop(entry)
    return entry


def _is_used(spec: Json, uses: Callable[[Json], bool]) -> bool:
    return any(uses(entry) for key in _LISTS for entry in spec.get(key) or ())


def _less(entry: Json, name: str) -> Json:
    return {key: value for key, value in entry.items() if key != name} if name in entry else entry


def _without_own_policy(entry: Json) -> Json:
    return entry if entry.get("restartPolicy") == "Always" else _less(entry, "restartPolicy")


def _uses_sleep(entry: Json) -> bool:
    return any("sleep" in (handler or {}) for handler in _handlers(entry).values())


def _without_sleep(entry: Json) -> Json:
    if not _uses_sleep(entry):
        return entry
    bare = {name: _less(handler, "sleep") for name, handler in _handlers(entry).items()}
    return {**entry, "lifecycle": {**entry["lifecycle"], **bare}}


def _without_stop_signal(entry: Json) -> Json:
    lifecycle = entry.get("lifecycle")
    return {**entry, "lifecycle": _less(lifecycle, "stopSignal")} if lifecycle else entry


def _handlers(entry: Json) -> Json:
    lifecycle = entry.get("lifecycle") or {}
    return {name: lifecycle[name] for name in ("postStart", "preStop") if name in lifecycle}


@dataclass(frozen=True, slots=True)
class Dropped:
    """A field that was sent and is not stored."""

    path: str
    """As messages of the API write it: ``spec.initContainers[0].restartPolicy``."""
    gate: str


def dropped_fields(sent: Json, kept: Json, release: Release) -> tuple[Dropped, ...]:
    """The fields of a Pod's or Job's spec that went between ``sent`` and ``kept``, each with the gate that is off."""
    gone = [one["path"] for one in json_diff(sent, kept, "/spec") if one["op"] == "remove"]
    return tuple(Dropped(field_path(path), _gate_of(path, release)) for path in gone)


_GATES: Final = {
    "resources": "PodLevelResources",
    "resourceClaims": "DynamicResourceAllocation",
    "restartPolicyRules": "ContainerRestartRules",
    "resizePolicy": "InPlacePodVerticalScaling",
    "sleep": "PodLifecycleSleepAction",
    "stopSignal": "ContainerStopSignals",
    **{field: gate for gate, fields in _JOB_GATES for field in fields},
}


def _gate_of(path: str, release: Release) -> str:
    """The gate whose being off takes a field; the restartPolicy of an init container has two."""
    steps = path.split("/")
    if steps[-1] != "restartPolicy":
        return _GATES.get(steps[-1], "JobBackoffLimitPerIndex")
    own = release.policy("init_restart_policy_at_apiserver") == "drop" and "initContainers" in steps
    return "SidecarContainers" if own else "ContainerRestartRules"
