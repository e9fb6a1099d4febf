"""What a write to the API server changed, in the words of a person: phases, container states, deletion, binding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from kubesim.history.history import History
from kubesim.history.replay import Key, Version

_SILENT_KINDS: Final = ("Event", "Lease", "Namespace", "Node", "ServiceAccount")
_SILENT_CONDITIONS: Final = ("ContainersReady", "PodReadyToStartContainers")
_SILENT_METADATA: Final = (
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
)
_GOOD: Final = ("Succeeded", "Running", "Complete")
_BAD: Final = ("Failed", "FailureTarget")

Probed: TypeAlias = dict[str, tuple[str, ...]]
"""The probes that each container must pass to be ready, by its name."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that changed. ``names_object``: the text already says which object it is about.

    ``is_binding``: it is the binding to a node, which a scheduler that gives its reasons has told already.
    """

    what: str
    why: str = ""
    tone: str = ""
    names_object: bool = False
    is_binding: bool = False


def told_changes(history: History) -> Iterator[tuple[Key, Version, list[Told]]]:
    """For each write what it changed; writes that changed nothing a person would mention are left out."""
    for key, versions in history.all_versions.items():
        if key.kind in _SILENT_KINDS:
            continue
        before: dict[str, Any] = {}
        for version in versions:
            told = _told(key, before, version)
            if told:
                yield key, version, told
            before = {} if version.change == "DELETED" else version.object


def _told(key: Key, before: dict[str, Any], version: Version) -> list[Told]:
    label = f"{key.kind} {key.name}"
    if version.change == "DELETED":
        return [Told(f"{label} is gone", tone="who", names_object=True)]
    after = version.object
    if version.change == "ADDED":
        return [Told(f"{label} created", tone="who", names_object=True)]
    told = [*_metadata(key, before, after), *_spec(key, before, after)]
    status = [*_status(before.get("status") or {}, after.get("status") or {}, _probed(after.get("spec") or {}))]
    if status:
        tone = next((one.tone for one in status if one.tone), "")
        why = "; ".join(one.why for one in status if one.why)
        told.append(Told("status: " + "; ".join(one.what for one in status), why, tone))
    return told


def _metadata(key: Key, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Told]:
    old, new = before["metadata"], after["metadata"]
    grace = new.get("deletionGracePeriodSeconds")
    if new.get("deletionTimestamp") and not old.get("deletionTimestamp"):
        text = "" if grace is None else f", grace {grace} s"
        yield Told(f"{key.kind} {key.name} is being deleted{text}", tone="who", names_object=True)
    elif grace is not None and grace != old.get("deletionGracePeriodSeconds"):
        yield Told(f"deletion with grace {grace} s now")
    removed = [name for name in old.get("finalizers") or () if name not in (new.get("finalizers") or ())]
    for field in sorted(new.keys() | old.keys()):
        if field == "finalizers" and removed:
            yield Told(f"finalizer {', '.join(removed)} removed", tone="dim")
        elif field not in _SILENT_METADATA and new.get(field) != old.get(field):
            yield Told(f"metadata.{field} changed" if new.get(field) else f"metadata.{field} removed", tone="dim")


def _spec(key: Key, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Told]:
    old, new = before.get("spec") or {}, after.get("spec") or {}
    for field in sorted(new.keys() | old.keys()):
        if new.get(field) == old.get(field):
            continue
        if field == "nodeName":
            yield Told(f"bind {key.name} to {new[field]}", names_object=True, is_binding=True)
        else:
            yield Told(f"spec.{field} changed" if new.get(field) else f"spec.{field} removed")


def _probed(spec: dict[str, Any]) -> Probed:
    """Which probes each container must pass to be ready: the startup probe, the readiness probe, both."""
    entries = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return {
        entry["name"]: tuple(kind for kind in ("startup", "readiness") if entry.get(f"{kind}Probe"))
        for entry in entries
        if isinstance(entry, dict)
    }


def _status(old: dict[str, Any], new: dict[str, Any], probed: Probed) -> Iterator[Told]:
    if new.get("phase") != old.get("phase"):
        reason = f" ({new['reason']})" if new.get("reason") else ""
        yield Told(f"phase {new.get('phase')}{reason}", new.get("message") or "", _tone(str(new.get("phase"))))
    yield from _containers(old, new, probed)
    yield from _conditions(old, new)
    for counter in ("active", "succeeded", "failed"):
        if new.get(counter, 0) != old.get(counter, 0):
            yield Told(f"{counter} {_count(new.get(counter, 0))}")


def _count(value: int | list[dict[str, Any]]) -> str:
    """A counter of a Job, or the running Jobs of a CronJob by name."""
    return ", ".join(job["name"] for job in value) if isinstance(value, list) else str(value)


def _containers(old: dict[str, Any], new: dict[str, Any], probed: Probed) -> Iterator[Told]:
    """The containers that changed, those of which the same is said together."""
    said: dict[tuple[str, str], list[str]] = {}
    for field in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        before = {entry["name"]: entry for entry in old.get(field) or ()}
        for entry in new.get(field) or ():
            for one in _container(before.get(entry["name"], {}), entry, probed.get(entry["name"], ())):
                said.setdefault(one, []).append(entry["name"])
    for (what, tone), names in said.items():
        yield Told(f"{', '.join(names)} {what}", tone=tone)


def _container(old: dict[str, Any], new: dict[str, Any], probes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What is new about one container, and how it is meant; of one that begins to run, which probes it must pass."""
    runs, was_ready, ready = "running" in (new.get("state") or {}), old.get("ready", False), new.get("ready", False)
    state, before = _state(new), _state(old)
    if state and state != before:
        yield state[0] + (_readiness(ready, new.get("started"), probes) if runs else ""), state[1]
    elif runs and ready != was_ready:
        yield ("ready", "good") if ready else ("not ready", "warn")


def _readiness(ready: bool, started: bool | None, probes: tuple[str, ...]) -> str:
    if ready:
        return " and ready"
    waits = [kind for kind in probes if kind == "readiness" or not started]
    if not waits:
        return ""
    return f", not ready until its {' and '.join(waits)} probe{' passes' if len(waits) == 1 else 's pass'}"


def _state(entry: dict[str, Any]) -> tuple[str, str] | None:
    """A container's state in words, and how it is meant."""
    state = entry.get("state") or {}
    if "running" in state:
        count = entry.get("restartCount", 0)
        return f"running{f' (restart {count})' if count else ''}", "good"
    if (waiting := state.get("waiting")) is not None:
        reason = waiting.get("reason") or ""
        usual = reason in ("", "PodInitializing", "ContainerCreating")
        return f"waiting{f' ({reason})' if reason else ''}", "" if usual else "warn"
    if (ended := state.get("terminated")) is not None:
        code, reason = ended.get("exitCode", 0), ended.get("reason") or "no reason"
        return f"terminated ({reason}, exit code {code})", "bad" if code else ""
    return None


def _conditions(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Told]:
    before = {entry["type"]: entry for entry in old.get("conditions") or ()}
    for entry in new.get("conditions") or ():
        type_, status = entry["type"], entry["status"]
        known = before.get(type_, {})
        if type_ in _SILENT_CONDITIONS or known.get("status", _USUAL.get(type_)) == status:
            continue
        reason = f" ({entry['reason']})" if entry.get("reason") else ""
        match type_, status:
            case "Ready", _:
                is_ready = status == "True"
                yield Told("Pod Ready" if is_ready else "Pod not Ready", tone="good" if is_ready else "warn")
            case "Initialized", _:
                if known:
                    yield Told("initialized" if status == "True" else "not initialized")
            case _:
                yield Told(f"{type_} is {status}{reason}", entry.get("message") or "", _tone(type_) or "warn")


_USUAL: Final = {"Initialized": "False", "PodScheduled": "True", "Ready": "False"}
"""What a condition that was not there counts as: the first write of a status says nothing new by it."""


def _tone(word: str) -> str:
    return "good" if word in _GOOD else "bad" if word in _BAD else ""
