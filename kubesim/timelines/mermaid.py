"""Mermaid diagrams of a run: a gantt chart of its containers, the states one container went through, or any table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

from kubesim.errors import KubesimError
from kubesim.history.history import History
from kubesim.timelines.lanes import picture
from kubesim.timelines.lanes_model import ENDED, NO_REASON, Lane, Look, Picture, Span
from kubesim.timelines.text import relative_time
from kubesim.units import MILLISECOND, Duration

_TAGS: Final = {
    Look.READY: "active, ",
    Look.STARTED: "active, ",
    Look.TERMINATING: "crit, active, ",
    Look.BACK_OFF: "crit, ",
    Look.FAILED: "crit, done, ",
    Look.KILLED: "crit, done, ",
    Look.COMPLETED: "done, ",
}


def gantt(history: History) -> str:
    """A gantt chart: one section for each container, one bar for each stretch of its life; times in seconds."""
    shown = picture(history)
    lines = [
        "gantt",
        f"    title {_plain(f'{shown.title} on {shown.label}')}",
        "    dateFormat x",
        "    axisFormat %M:%S",
    ]
    several = len(shown.pods) > 1
    for pod in shown.pods:
        for lane in pod.lanes:
            lines.append(f"    section {_plain(f'{pod.name}/{lane.name}' if several else lane.name)}")
            lines += [_bar(span) for span in lane.spans]
    deletions = [moment for moment in shown.moments if moment.label != "gone"]
    if deletions:
        lines.append("    section from outside")
        lines += [f"    {_plain(one.full_label)} :milestone, {_milliseconds(one.at)}, 0ms" for one in deletions]
    return "\n".join(lines) + "\n"


def _bar(span: Span) -> str:
    words = span.label or span.look.value
    start, end = _milliseconds(span.start), max(_milliseconds(span.end), _milliseconds(span.start) + 1)
    return f"    {_plain(words)} :{_TAGS.get(span.look, '')}{start}, {end}"


def life_diagram(history: History, container: str, pod: str | None = None) -> str:
    """The states that one container went through as a state diagram; each arrow has the time and the reason.

    Raises KubesimError for a container that is not there.
    """
    lane = _lane(picture(history), container, pod)
    names: dict[str, str] = {}
    lines = ["stateDiagram-v2"]
    arrows = []
    before, told = "[*]", NO_REASON
    for span in lane.spans:
        words = f"{span.look.value} ({span.label})" if span.label and span.look in ENDED else span.look.value
        name = names.setdefault(words, f"s{len(names)}")
        reason = "" if span.reason == told else _plain(span.reason.why)
        told = span.reason
        label = relative_time(span.start) + (f" {reason}" if reason else "")
        arrows.append(f"    {before} --> {name}: {label}")
        before = name
    lines += [f'    state "{_plain(words)}" as {name}' for words, name in names.items()]
    return "\n".join([*lines, *arrows]) + "\n"


def state_diagram(moves: Mapping[Enum, Iterable[Enum]]) -> str:
    """A table of moves as a state diagram; states that nothing leaves end in the final state."""
    names = {state: f"s{number}" for number, state in enumerate(moves)}
    lines = ["stateDiagram-v2", *(f'    state "{_plain(str(state.value))}" as {name}' for state, name in names.items())]
    reached = {to for targets in moves.values() for to in targets}
    lines += [f"    [*] --> {name}" for state, name in names.items() if state not in reached]
    for state, targets in moves.items():
        order = sorted(targets, key=lambda to: [*type(to).__members__].index(to.name))
        lines += [f"    {names[state]} --> {names[to]}" for to in order] or [f"    {names[state]} --> [*]"]
    return "\n".join(lines) + "\n"


def _lane(shown: Picture, container: str, pod: str | None) -> Lane:
    lanes = [
        (one.name, lane)
        for one in shown.pods
        for lane in one.lanes
        if lane.name == container and pod in (None, one.name)
    ]
    if not lanes:
        known = ", ".join(dict.fromkeys(lane.name for one in shown.pods for lane in one.lanes)) or "none"
        raise KubesimError(f'no container "{container}" in this history; there is {known}')
    if len(lanes) > 1:
        raise KubesimError(f'several Pods have a container "{container}": {", ".join(name for name, _ in lanes)}')
    return lanes[0][1]


def _milliseconds(at: Duration) -> int:
    return (at + MILLISECOND // 2) // MILLISECOND


def _plain(words: str) -> str:
    """Words without the characters that mean something to Mermaid."""
    return re.sub(r"\s+", " ", re.sub(r'[:;#,"{}<>]', " ", words)).strip()
