"""A run in the Chrome trace event format (JSON), which Perfetto and ``chrome://tracing`` open.

A process is a Pod (or a Job), a thread one of its containers; phase and conditions are threads above them, numbers of
a Job are counters. Times are microseconds since t=0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from kubesim.history.history import History
from kubesim.timelines.lanes import picture
from kubesim.timelines.lanes_jobs import COUNTERS
from kubesim.timelines.lanes_model import Band, Lane, Look, Picture, Reason
from kubesim.units import MICROSECOND, Duration

Event = dict[str, Any]
_COLOURS: Final = {
    Look.WAITING: "grey",
    Look.PULLING: "thread_state_iowait",
    Look.BACK_OFF: "bad",
    Look.RUNNING: "thread_state_runnable",
    Look.STARTED: "thread_state_running",
    Look.READY: "good",
    Look.TERMINATING: "yellow",
    Look.COMPLETED: "black",
    Look.FAILED: "terrible",
    Look.KILLED: "terrible",
}


def perfetto(history: History) -> str:
    """The whole run as JSON text."""
    shown = picture(history)
    trace = {
        "displayTimeUnit": "ms",
        "otherData": {"scenario": shown.title, "release": shown.label, "kubesim": history.header.kubesim},
        "traceEvents": list(_events(shown)),
    }
    return msgspec.json.encode(trace).decode() + "\n"


def _events(shown: Picture) -> Iterator[Event]:
    process = 0
    for job in shown.jobs:
        process += 1
        yield from _named(process, f"Job {job.name}", process)
        yield from _bands(process, job.conditions)
        for number, lane in enumerate(job.lanes):
            yield from _lane(process, 100 + number, lane)
        for band in job.counters:
            if band.name in COUNTERS:
                yield from _counter(process, band)
    for pod in shown.pods:
        process += 1
        yield from _named(process, f"Pod {pod.name}", process)
        yield from _bands(process, (pod.phase, *pod.conditions))
        for number, lane in enumerate(pod.lanes):
            yield from _lane(process, 100 + number, lane)
        for window in pod.windows:
            arguments: Event = {"seconds": window.seconds}
            yield _complete(process, 99, f"grace {window.seconds} s", window.start, window.end, arguments)
        if pod.windows:
            yield _thread(process, 99, "grace period")
    for moment in shown.moments:
        arguments = {"detail": moment.detail} if moment.detail else {}
        yield {
            "ph": "i",
            "s": "g",
            "pid": 0,
            "tid": 0,
            "name": moment.full_label,
            "ts": _us(moment.at),
            "args": arguments,
        }
    yield from _named(0, "from outside", 0)


def _named(process: int, name: str, order: int) -> Iterator[Event]:
    yield {"ph": "M", "pid": process, "name": "process_name", "args": {"name": name}}
    yield {"ph": "M", "pid": process, "name": "process_sort_index", "args": {"sort_index": order}}


def _thread(process: int, thread: int, name: str) -> Event:
    return {"ph": "M", "pid": process, "tid": thread, "name": "thread_name", "args": {"name": name}}


def _bands(process: int, bands: tuple[Band, ...]) -> Iterator[Event]:
    for number, band in enumerate(bands):
        yield _thread(process, 1 + number, band.name)
        for segment in band.segments:
            arguments = {"detail": segment.detail} if segment.detail else {}
            yield _complete(process, 1 + number, segment.value, segment.start, segment.end, arguments)


def _lane(process: int, thread: int, lane: Lane) -> Iterator[Event]:
    yield _thread(process, thread, f"{lane.name} ({lane.role.value})")
    for span in lane.spans:
        event = _complete(process, thread, span.label or span.look.value, span.start, span.end, _why(span.reason))
        yield event | {"cname": _COLOURS[span.look], "cat": span.look.name.lower()}
    for hook in lane.hooks:
        arguments: Event = {"command": hook.command} | ({} if hook.code is None else {"code": str(hook.code)})
        for phase, at in (("b", hook.start), ("e", hook.end)):
            yield {
                "ph": phase, "cat": "hook", "id": f"{process}.{thread}.{hook.start}", "pid": process, "tid": thread,
                "name": f"{lane.name} {hook.name}", "ts": _us(at), "args": arguments if phase == "b" else {},
            }  # fmt: skip
    for mark in lane.marks:
        yield {
            "ph": "i", "s": "t", "pid": process, "tid": thread, "name": mark.label, "ts": _us(mark.at),
            "args": _why(mark.reason),
        }  # fmt: skip


def _counter(process: int, band: Band) -> Iterator[Event]:
    for segment in band.segments:
        arguments = {band.name: int(segment.value)}
        yield {"ph": "C", "pid": process, "name": band.name, "ts": _us(segment.start), "args": arguments}


def _complete(process: int, thread: int, name: str, start: Duration, end: Duration, arguments: dict[str, Any]) -> Event:
    return {
        "ph": "X", "pid": process, "tid": thread, "name": name, "ts": _us(start), "dur": _us(end) - _us(start),
        "args": arguments,
    }  # fmt: skip


def _why(reason: Reason) -> dict[str, Any]:
    found: dict[str, Any] = {"why": reason.why} if reason.why else {}
    return found | ({"rules": " ".join(reason.rules)} if reason.rules else {})


def _us(at: Duration) -> int:
    return at // MICROSECOND
