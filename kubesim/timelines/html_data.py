"""What the interactive page knows of each run, as JSON: the drawing model, the story, and every version of each object.

Times are milliseconds since t=0 (with the microseconds behind the point). Keys are short, for there are many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.records import EventEmitted
from kubesim.history.replay import Key, Version
from kubesim.objects.status import instant_of
from kubesim.releases import Release
from kubesim.store.tables import job_columns, pod_columns, pod_summary
from kubesim.timelines.compare import what_differs
from kubesim.timelines.html_rules import rule_pages
from kubesim.timelines.lanes import instants, pictures
from kubesim.timelines.lanes_containers import container_roles
from kubesim.timelines.lanes_differences import differences
from kubesim.timelines.lanes_model import Band, JobPicture, Lane, Picture, PodPicture, Reason, Role, Window, own_windows
from kubesim.timelines.names import plain_text, stable_names
from kubesim.timelines.plot_scale import time_scale
from kubesim.timelines.plot_style import THEMES, Fill, Theme
from kubesim.timelines.rows import api_server
from kubesim.timelines.story import Line, story
from kubesim.units import MILLISECOND, Duration, Instant

Json = dict[str, Any]
Plain = Callable[[str], str]
_STATUSES: Final = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def page_data(histories: Sequence[History], labels: Sequence[str] = (), said: Sequence[str] | None = None) -> Json:
    """Everything the page shows."""
    shown = pictures(histories, labels)
    scale = time_scale(sorted({at for one in shown for at in instants(one)}))
    different = differences(shown)
    runs = [_run(history, one) for history, one in zip(histories, shown, strict=True)]
    for run, found in zip(runs, different, strict=True):
        run["differences"] = [
            [*name, [[_ms(part.start), _ms(part.end)] for part in parts]] for name, parts in found.items()
        ]
    return {
        "title": shown[0].title if shown else "",
        "about": next((one.about for one in shown if one.about), ""),
        "said": list(what_differs(histories) if said is None else said),
        "runs": runs,
        "scale": [
            [_ms(piece.start), _ms(piece.end), piece.left, piece.width, piece.is_break] for piece in scale.pieces
        ],
        "instants": sorted({_ms(at) for one in shown for at in instants(one)}),
        "rules": {rule: [page.title, page.page] for rule, page in rule_pages(_rules_in(runs)).items()},
        "themes": {name: _theme(theme) for name, theme in THEMES.items()},
    }


def _ms(at: Duration) -> float | int:
    whole, rest = divmod(at, MILLISECOND)
    return whole if not rest else round(at / MILLISECOND, 3)


def _run(history: History, shown: Picture) -> Json:
    names = stable_names(history)
    return {
        "label": shown.label,
        "end": _ms(shown.end),
        "ending": shown.ending,
        "refusals": [[_ms(one.at), one.what, one.message] for one in shown.refusals],
        "moments": [[_ms(one.at), one.kind.name, one.label, one.subject, one.detail] for one in shown.moments],
        "pods": [_pod(pod) for pod in shown.pods],
        "jobs": [_job(job) for job in shown.jobs],
        "story": [_line(line, history.started, plain_text(names)) for line in story(history)],
        "objects": list(_objects(history, names)),
        "events": [_event(event, history.started, names) for event in history.events],
        "assumed": [[note.subject, note.text] for note in history.assumptions],
        "notModelled": [[f"{note.subject} {note.field}".strip(), note.text] for note in history.not_modelled],
    }


# -- the drawing model -------------------------------------------------------------------------------------------


def _pod(pod: PodPicture) -> Json:
    return {
        "kind": "Pod",
        "name": pod.name,
        "namespace": pod.namespace,
        "node": pod.node,
        "job": pod.job,
        "bands": [_band(pod.phase), *(_band(one) for one in pod.conditions)],
        "lanes": [_lane(replace(lane, windows=own_windows(lane, pod.windows))) for lane in pod.lanes],
        "windows": [_window(one) for one in pod.windows],
    }


def _job(job: JobPicture) -> Json:
    lanes = [_lane(lane) for lane in job.lanes]
    if job.waits:
        spans = [
            [_ms(one.start), _ms(one.end), one.look.name, one.run, one.label, *_why(one.reason), 0] for one in job.waits
        ]
        lanes.insert(
            0,
            {
                "name": "between attempts",
                "role": "",
                "spans": spans,
                "marks": [],
                "hooks": [],
                "windows": [],
                "restarts": [],
            },
        )
    return {
        "kind": "Job",
        "name": job.name,
        "namespace": job.namespace,
        "node": "",
        "job": "",
        "bands": [_band(one) for one in (*job.conditions, *job.counters)],
        "lanes": lanes,
        "windows": [],
    }


def _band(band: Band) -> Json:
    return {
        "name": band.name,
        "segments": [[_ms(one.start), _ms(one.end), one.value, one.detail] for one in band.segments],
    }


def _lane(lane: Lane) -> Json:
    return {
        "name": lane.name,
        "role": lane.note if lane.role is Role.POD else lane.role.value,
        "spans": [
            [_ms(one.start), _ms(one.end), one.look.name, one.run, one.label, *_why(one.reason), int(one.is_open)]
            for one in lane.spans
        ],
        "marks": [[_ms(one.at), one.kind.name, one.label, *_why(one.reason)] for one in lane.marks],
        "hooks": [[_ms(one.start), _ms(one.end), one.name, one.command, one.code] for one in lane.hooks],
        "windows": [_window(one) for one in lane.windows],
        "restarts": [[_ms(at), number] for at, number in lane.restarts],
    }


def _window(window: Window) -> list[Any]:
    return [_ms(window.start), _ms(window.end), window.seconds]


def _why(reason: Reason) -> tuple[str, list[str]]:
    return reason.why, list(reason.rules)


def _line(line: Line, started: Instant, plain: Plain) -> list[Any]:
    return [_ms(line.at - started), line.who, plain(line.what), plain(line.why), list(line.rules), line.tone]


def _rules_in(runs: Sequence[Json]) -> Iterator[str]:
    for run in runs:
        for line in run["story"]:
            yield from line[4]
        for owner in (*run["pods"], *run["jobs"]):
            for lane in owner["lanes"]:
                for span in lane["spans"]:
                    yield from span[6]
                for mark in lane["marks"]:
                    yield from mark[4]


# -- what kubectl would show -------------------------------------------------------------------------------------


def _objects(history: History, names: dict[Key, str]) -> Iterator[Json]:
    printer, plain = api_server(history.header.control_plane), plain_text(names)
    for key, versions in history.all_versions.items():
        if key.kind not in ("Pod", "Job"):
            continue
        yield {
            "kind": key.kind,
            "namespace": key.namespace,
            "name": names.get(key, key.name),
            "created": _ms(versions[0].at - history.started),
            "versions": [_version(version, key.kind, printer, history.started, plain) for version in versions],
        }


def _version(version: Version, kind: str, printer: Release, started: Instant, plain: Plain) -> Json:
    raw = version.object
    if version.change == "DELETED":
        return {"at": _ms(version.at - started), "gone": 1}
    status = raw.get("status") or {}
    columns = pod_columns if kind == "Pod" else job_columns
    cells = columns(raw, printer, version.at)
    shown = {
        name: cells[name].partition(" (")[0] for name in ("Ready", "Status", "Restarts", "Completions") if name in cells
    }
    found: Json = {"at": _ms(version.at - started), "cells": shown, "phase": status.get("phase", "")}
    if kind == "Pod":
        last = pod_summary(raw, printer).last_restart
        found["lastRestart"] = None if last is None else _ms(last - started)
        found["node"] = (raw.get("spec") or {}).get("nodeName") or ""
        found["containers"] = list(_containers(raw, started, plain))
    found["reason"] = " ".join(part for part in (status.get("reason"), status.get("message")) if part)
    if raw["metadata"].get("deletionTimestamp"):
        found["deletion"] = raw["metadata"].get("deletionGracePeriodSeconds")
    found["conditions"] = [
        [entry["type"], entry["status"], entry.get("reason") or "", plain(entry.get("message") or "")]
        for entry in status.get("conditions") or ()
    ]
    return found


def _containers(raw: Mapping[str, Any], started: Instant, plain: Plain) -> Iterator[Json]:
    """The containers as ``kubectl describe`` has them; one without a status yet only by name."""
    status = raw.get("status") or {}
    entries: dict[str, Any] = {}
    for field in _STATUSES:
        entries |= {entry["name"]: entry for entry in status.get(field) or ()}
    for name, role in container_roles(raw).items():
        entry = entries.get(name, {})
        yield {
            "name": name,
            "role": role.value,
            "state": _state(entry.get("state"), started, plain),
            "last": _state(entry.get("lastState"), started, plain),
            "ready": bool(entry.get("ready")),
            "restarts": entry.get("restartCount", 0),
        }


def _state(raw: Mapping[str, Any] | None, started: Instant, plain: Plain) -> list[Any] | None:
    """Kind, reason, message, exit code, since when, until when."""
    for kind in ("waiting", "running", "terminated"):
        if raw and (state := raw.get(kind)) is not None:
            times = [instant_of(state.get(field)) for field in ("startedAt", "finishedAt")]
            message = plain(state.get("message") or "")
            shown = [None if at is None else _ms(at - started) for at in times]
            return [kind.capitalize(), state.get("reason") or "", message, state.get("exitCode"), *shown]
    return None


def _event(event: EventEmitted, started: Instant, names: dict[Key, str]) -> list[Any]:
    about = names.get(Key(event.kind, event.namespace, event.name), event.name)
    message = plain_text(names)(event.message)
    first, last = _ms(event.first - started), _ms((event.last or event.first) - started)
    head = [_ms(event.at - started), event.kind, event.namespace, about]
    return [*head, event.type, event.reason, message, event.component, event.count, first, last, event.field_path]


# -- colours -----------------------------------------------------------------------------------------------------


def _theme(theme: Theme) -> Json:
    return {
        "paper": theme.paper,
        "ink": theme.ink,
        "faint": theme.faint_ink,
        "rule": theme.rule,
        "stripe": theme.stripe,
        "hook": theme.hook,
        "hookInk": theme.hook_ink,
        "grace": theme.grace,
        "graceLine": theme.grace_line,
        "difference": theme.difference,
        "differenceWash": theme.difference_wash,
        "conditionTrue": theme.condition_true,
        "conditionFalse": theme.condition_false,
        "looks": {look.name: _fill(fill) | {"words": look.value} for look, fill in theme.fills.items()},
        "marks": {kind.name: colour for kind, colour in theme.marks.items()},
        "moments": {kind.name: colour for kind, colour in theme.moments.items()},
        "phases": {name: _fill(fill) for name, fill in theme.phases.items()},
    }


def _fill(fill: Fill) -> Json:
    pattern = fill.pattern[:1]
    return {
        "face": fill.face,
        "ink": fill.ink,
        "height": fill.height,
        "pattern": pattern,
        "patternColour": fill.pattern_colour,
    }
