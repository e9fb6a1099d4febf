"""A history in the very format of the recordings of real clusters, so that both are files of one kind.

The format is described in docs/history.md ("Traces"): the same keys in the same order, times in seconds since t=0
rounded to 1 ms, the layout of the file to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import structs

from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    EventEmitted,
    ObjectChanged,
    OutputWritten,
    RuntimeChanged,
)
from kubesim.history.replay import Key, Version
from kubesim.timelines import digest
from kubesim.timelines.digest import Digest, Plain, relative
from kubesim.timelines.names import plain_text, stable_names
from kubesim.timelines.rows import job_rows, pod_rows
from kubesim.units import MILLISECOND, SECOND, Instant

SETTLED_AFTER: Final = 3 * SECOND + 100 * MILLISECOND
"""A recording goes on for some 3 s after everything is finished (median of the recordings: 3.1 s)."""

_INITIAL: Final = "create "
"""How ``do`` begins for the objects with which a scenario begins: ``create Pod``."""
_ACTION_KEYS: Final = ("kind", "name", "subresource", "type", "patch", "object", "grace", "propagation", "k")
_TABLE_KEYS: Final = ("kubectl_get", "kubectl_get_job", "pods", "jobs", "events", "runtime", "logs")
_ALWAYS: Final = ("accepted", "kubectl_get", "pods", "events", "runtime", "logs")


def trace(
    history: History,
    *,
    config: str | None = None,
    name: str | None = None,
    title: str | None = None,
    repetition: int | None = None,
) -> dict[str, Any]:
    """The trace of a run. ``config`` names the configuration (default: the control plane's release)."""
    header = history.header
    errors = [_error(action) for action in _refused(history)]
    actions = [action for action in history.of(ActionDone) if not action.do.startswith(_INITIAL)]
    last = recorded_until(history)
    found: dict[str, Any] = {
        "id": header.scenario if name is None else name,
        "title": header.title if title is None else title,
        "config": header.control_plane.release if config is None else config,
        "duration": relative(last, header.started),
    }
    if repetition is not None:
        found["repetition"] = repetition
    warnings = [warning for action in history.of(ActionDone) for warning in action.warnings]
    found |= {
        "errors": errors,
        "warnings": warnings,
        "actions": [_action(action, header.started) for action in actions if action.at <= last],
    }
    found |= _tables(history, last)
    return {key: value for key, value in found.items() if value or key in _ALWAYS or not isinstance(value, list)}


def render(recorded: dict[str, Any]) -> str:
    """A trace as the text of a file: one entry per line, laid out as the recordings are."""
    parts = []
    for key, value in recorded.items():
        if isinstance(value, list):
            lines = ",\n ".join(json.dumps(entry, separators=(",", ":")) for entry in value)
            text = f"[\n {lines}\n]" if value else "[]"
        else:
            text = json.dumps(value)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def recorded_until(history: History) -> Instant:
    """When a recorder would have stopped: 3.1 s after everything is finished, at the latest when the run was to end.

    Finished: every Pod gone or Succeeded or Failed, every Job gone or Complete or Failed, nothing about to go (being
    deleted, or a Job with a time to live), no container running, no action left. Nothing was accepted: at t=0.
    """
    header = history.header
    horizon = header.started + header.until if header.until else None
    actions_left = sum(isinstance(record, ActionDone) for record in history)
    unfinished: set[Key] = set()
    running: set[tuple[str, ...]] = set()
    versions = {key: iter(found) for key, found in history.all_versions.items()}
    finished_since: Instant | None = header.started if _all_refused(history) else None
    for record in history:
        if finished_since is not None and record.at > finished_since + SETTLED_AFTER:
            break
        match record:
            case ObjectChanged(kind="Pod" | "Job"):
                key = Key(record.kind, record.namespace, record.name)
                _mark(unfinished, key, not _is_finished(key.kind, next(versions[key])))
            case RuntimeChanged(event="start" | "exit"):
                strand = (record.namespace, record.pod, record.container, str(record.run))
                _mark(running, strand, record.event == "start")
            case ActionDone():
                actions_left -= 1
            case _:
                continue
        if unfinished or running or actions_left:
            finished_since = None
        elif finished_since is None:
            finished_since = record.at
    if _all_refused(history):
        return header.started
    if finished_since is None:
        return history.ended if horizon is None else horizon
    over = finished_since + SETTLED_AFTER
    return over if horizon is None else min(over, horizon)


def _mark(group: set[Any], member: Any, is_in: bool) -> None:
    (group.add if is_in else group.discard)(member)


def _is_finished(kind: str, version: Version) -> bool:
    if version.change == "DELETED":
        return True
    raw, status = version.object, version.object.get("status") or {}
    if raw["metadata"].get("deletionTimestamp") or raw["spec"].get("ttlSecondsAfterFinished") is not None:
        return False
    if kind == "Pod":
        return status.get("phase") in ("Succeeded", "Failed")
    return any(
        condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
        for condition in status.get("conditions") or ()
    )


def _refused(history: History) -> list[ActionDone]:
    return [action for action in history.of(ActionDone) if action.do.startswith(_INITIAL) and action.code >= 400]


def _all_refused(history: History) -> bool:
    return bool(_refused(history)) and not any(key.kind in ("Pod", "Job") for key in history.all_versions)


def _error(action: ActionDone) -> Digest:
    return {
        "do": action.do,
        "code": action.code,
        "reason": action.reason,
        "message": action.message,
        "kubectl": action.kubectl,
    }


def _action(action: ActionDone, started: Instant) -> Digest:
    known = [key for key in _ACTION_KEYS if key in action.arguments]
    keys = known + [key for key in action.arguments if key not in known]
    found: Digest = {"t": relative(action.at if action.asked is None else action.asked, started), "do": action.do}
    found |= {key: action.arguments[key] for key in keys}
    if action.code:
        found["code"] = action.code
    if action.message:
        found["message"] = action.message
    return found


def _tables(history: History, last: Instant) -> dict[str, Any]:
    """Everything with a ``t`` up to the recording's end, and what the API server stored of each Pod."""
    names, started = stable_names(history), history.started
    runtime = (entry for entry in _with_starts(history.runtime) if entry.event in _TAILS)
    plain = plain_text(names)
    pods = {key: versions for key, versions in history.all_versions.items() if key.kind == "Pod"}
    jobs = {key: versions for key, versions in history.all_versions.items() if key.kind == "Job"}
    tables: dict[str, list[Digest]] = {
        "kubectl_get": _pod_rows(history, names),
        "kubectl_get_job": _job_rows(history),
        "pods": _watched(pods, "pod", digest.pod_digest, started, plain, names),
        "jobs": _watched(jobs, "job", digest.job_digest, started, plain, {}),
        "events": [_event(event, started, plain, names) for event in history.events],
        "runtime": [_runtime(entry, started, names) for entry in runtime],
        "logs": [_log(entry, started, names) for entry in history.of(OutputWritten)],
    }
    end = relative(last, started)
    stored = {
        names[key]: digest.accepted(versions[0].object) for key, versions in pods.items() if versions[0].at <= last
    }
    return {"accepted": stored} | {key: _until(tables[key], end) for key in _TABLE_KEYS}


def _until(entries: list[Digest], end: float) -> list[Digest]:
    """The entries up to the end, in order of time; what a record says of a moment before its own comes there."""
    return sorted((entry for entry in entries if entry["t"] <= end), key=lambda entry: entry["t"])


def _pod_rows(history: History, names: dict[Key, str]) -> list[Digest]:
    found = []
    for row in pod_rows(history):
        entry: Digest = {"t": relative(row.at, history.started), "pod": names[row.key]}
        entry |= {"ready": row.cells["Ready"], "status": row.cells["Status"], "restarts": row.cells["Restarts"]}
        found.append(entry | ({"deleted": True} if row.deleted else {}))
    return found


def _job_rows(history: History) -> list[Digest]:
    found = []
    for row in job_rows(history):
        entry: Digest = {"t": relative(row.at, history.started), "job": row.key.name}
        entry |= {name.lower(): row.cells[name] for name in ("Completions", "Status") if name in row.cells}
        found.append(entry | ({"deleted": True} if row.deleted else {}))
    return found


def _watched(
    objects: dict[Key, tuple[Version, ...]],
    label: str,
    digest_of: Callable[[dict[str, Any], Instant, Plain], Digest],
    started: Instant,
    plain: Plain,
    names: dict[Key, str],
) -> list[Digest]:
    """The watch events that changed something the recordings keep, in the order in which they were committed."""
    found: list[tuple[int, Digest]] = []
    for key, versions in objects.items():
        before: Digest = {}
        for version in versions:
            entry = {"t": relative(version.at, started), label: names.get(key, key.name), "type": version.change}
            if version.change == "DELETED":
                changed: Digest = {}
            else:
                after = digest_of(version.object, started, plain)
                changed = digest.difference({} if version.change == "ADDED" else before, after)
                before = after
            if changed or version.change != "MODIFIED":
                found.append((version.order, entry | ({"set": changed} if changed else {})))
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]


def _event(event: EventEmitted, started: Instant, plain: Plain, names: dict[Key, str]) -> Digest:
    about = names.get(Key(event.kind, event.namespace, event.name), event.name)
    found: Digest = {
        "t": relative(event.at, started),
        "obj": f"{event.kind}/{about}",
        "type": event.type,
        "reason": event.reason,
        "message": plain(event.message),
    }
    if event.field_path:
        found["field"] = event.field_path
    found |= {"count": event.count, "from": event.component}
    if event.update:
        found["update"] = True
    found["first"] = relative(event.first, started)
    if event.update and event.last != event.first:
        found["last"] = relative(event.last, started)
    return found


def _with_starts(entries: Iterable[RuntimeChanged]) -> Iterator[RuntimeChanged]:
    """The runtime's records, with the start of an exec that was only told when it ended (a slow probe)."""
    for entry in entries:
        if entry.event == "exec-exit" and entry.began is not None:
            yield structs.replace(entry, at=entry.began, event="exec-start", code=None)
        yield entry


def _tail_of_exec(entry: RuntimeChanged) -> Digest:
    code = {} if entry.event == "exec-start" else {"code": entry.code}
    command = {"cmd": entry.command} if entry.event == "exec-start" else {}
    return code | {"x": f"{(entry.exec or 0) & 0xFFFFFF:06x}"} | command


_TAILS: Final[dict[str, Callable[[RuntimeChanged], Digest]]] = {
    "start": lambda entry: {},
    "exit": lambda entry: {"code": entry.code},
    "stop": lambda entry: {"grace": entry.grace},
    "signal": lambda entry: {"sig": entry.signal.removeprefix("SIG")},
    "oom": lambda entry: {},
    "exec-start": _tail_of_exec,
    "exec-exit": _tail_of_exec,
}
"""What each runtime event adds; ``create`` and ``remove`` are not in the recordings."""


def _runtime(entry: RuntimeChanged, started: Instant, names: dict[Key, str]) -> Digest:
    return {
        "t": relative(entry.at, started),
        "c": entry.container,
        "pod": names.get(Key("Pod", entry.namespace, entry.pod), entry.pod),
        "n": entry.run,
        "ev": entry.event,
    } | _TAILS[entry.event](entry)


def _log(entry: OutputWritten, started: Instant, names: dict[Key, str]) -> Digest:
    pod = names.get(Key("Pod", entry.namespace, entry.pod), entry.pod)
    found: Digest = {"t": relative(entry.at, started), "pod": pod, "c": entry.container, "n": entry.run}
    if entry.stream != "stdout":
        found["stream"] = entry.stream
    return found | {"line": entry.line}
