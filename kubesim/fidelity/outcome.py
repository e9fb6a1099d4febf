"""L1: what came of it, whatever the order: errors, replies, pods, runs, exit codes, and every status in the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from kubesim.fidelity.recording import Difference, Pair, both, seconds_of, shown
from kubesim.fidelity.trace import COUNTERS, Life, Moment, Trace
from kubesim.units import MILLISECOND

CUT_SHORT = 500 * MILLISECOND
"""How much earlier than the recording's a horizon may be."""


def outcome_differences(pair: Pair) -> Iterator[Difference]:
    """Everything at L1 in which the simulated trace is not the recorded one."""
    yield from _replies(pair)
    yield from _accepted(pair)
    for name, recorded, simulated in both(pair, "Pod"):
        if recorded is not None and simulated is not None:
            yield from _runs(pair, name, recorded, simulated)
            yield from _pod_end(pair, recorded, simulated)
    for name, recorded, simulated in both(pair, "Job"):
        if recorded is None or simulated is None:
            yield _difference(None, f"Job {name}", _there(recorded), _there(simulated))
        else:
            yield from _job_end(pair, recorded, simulated)
    yield from _cut_short(pair)


def _difference(at: int | None, what: str, recorded: Any, simulated: Any) -> Difference:
    return Difference("L1", None if at is None else seconds_of(at), what, shown(recorded), shown(simulated))


def _there(life: Life | None) -> str | None:
    return None if life is None else "there"


def _replies(pair: Pair) -> Iterator[Difference]:
    for what, recorded, simulated in (
        ("error", pair.recorded.errors, pair.simulated.errors),
        ("warning", pair.recorded.warnings, pair.simulated.warnings),
    ):
        for one, other in zip_longest(recorded, simulated):
            if one != other:
                yield _difference(0, what, one, other)
    for action, taken in zip_longest(pair.recorded.actions, pair.simulated.actions):
        if action is None or taken is None:
            there = action or taken
            assert there is not None
            yield _difference(there.at, f"action {there.do} {there.name}", action and "done", taken and "done")
        elif action.do != taken.do:
            yield _difference(action.at, "action", action.do, taken.do)
        elif action.reply != taken.reply:
            yield _difference(action.at, f"reply to {action.do} {action.name}", action.reply, taken.reply)


def _accepted(pair: Pair) -> Iterator[Difference]:
    """Each pod as the API server stored it; a pod made close to the end of one trace may be missing in the other."""
    names = [*pair.recorded.accepted, *(name for name in pair.simulated.accepted if name not in pair.recorded.accepted)]
    names += [name for name in (*pair.recorded.pods, *pair.simulated.pods) if name not in names]
    for name in dict.fromkeys(names):
        there, simulated_there = pair.recorded.pods.get(name), pair.simulated.pods.get(name)
        stored = pair.recorded.accepted.get(name)
        simulated = pair.simulated.accepted.get(name)
        if there is not None and simulated_there is None:
            if not _created_at_the_end(pair, there, simulated=False):
                yield _difference(_created(there), f"pod {name}", stored or "there", None)
        elif there is None and simulated_there is not None:
            if not _created_at_the_end(pair, simulated_there, simulated=True):
                yield _difference(_created(simulated_there), f"pod {name}", None, simulated or "there")
        elif stored != simulated:
            one, other = _unequal_fields(stored, simulated)
            yield _difference(_created(there), f"{name} as stored", one, other)


def _unequal_fields(stored: str | None, simulated: str | None) -> tuple[str | None, str | None]:
    if stored is None or simulated is None:
        return stored, simulated
    one, other = json.loads(stored), json.loads(simulated)
    fields = [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]
    return _only(one, fields), _only(other, fields)


def _only(stored: dict[str, Any], fields: list[str]) -> str:
    return json.dumps({name: stored.get(name) for name in fields})


def _created(life: Life | None) -> int | None:
    values = life.strands.get("phase") if life is not None else None
    return values[0].at if values else None


def _created_at_the_end(pair: Pair, life: Life, simulated: bool) -> bool:
    values = life.strands.get("phase")
    return bool(values and pair.may_be_missing(values[0].key, values[0].at, simulated))


def _runs(pair: Pair, name: str, recorded: Life, simulated: Life) -> Iterator[Difference]:
    """Which containers and sandboxes ran, how often, with which exit codes."""
    theirs, ours = _of_runs(recorded), _of_runs(simulated)
    for key in dict.fromkeys((*theirs, *ours)):
        one, other = theirs.get(key), ours.get(key)
        _, container, run, what = key
        label = f"{name}/{container} run {run}" + (", exit code" if what == "exit" else "")
        if one is not None and other is not None:
            if one.value != other.value:
                yield _difference(one.at, label, one.value, other.value)
            continue
        there = one or other
        assert there is not None
        if not pair.may_be_missing(there.key, there.at, simulated=one is None):
            value = there.value if what == "exit" else "ran"
            yield _difference(there.at, label, value if one else None, value if other else None)


def _of_runs(life: Life) -> dict[tuple[str, str, int, str], Moment]:
    return {
        (moment.pod, moment.container, moment.run, moment.what): moment
        for moment in life.moments
        if moment.what in ("start", "exit")
    }


def _pod_end(pair: Pair, recorded: Life, simulated: Life) -> Iterator[Difference]:
    for strand in dict.fromkeys((*recorded.strands, *simulated.strands)):
        if strand in ("phase", "reason", "message", "qosClass") or strand.startswith("cond/"):
            yield from _in_the_end(pair, recorded, simulated, strand, slice(None))
        elif strand.startswith(("init/", "main/")) and not strand.endswith(" last"):
            yield from _in_the_end(pair, recorded, simulated, strand, slice(0, 8))
    yield from _in_the_end(pair, recorded, simulated, "gone", slice(None))


def _job_end(pair: Pair, recorded: Life, simulated: Life) -> Iterator[Difference]:
    for strand in dict.fromkeys((*recorded.strands, *simulated.strands)):
        if strand in COUNTERS or strand.startswith("cond/"):
            yield from _in_the_end(pair, recorded, simulated, strand, slice(None))
    yield from _in_the_end(pair, recorded, simulated, "gone", slice(None))


def _in_the_end(pair: Pair, recorded: Life, simulated: Life, strand: str, part: slice) -> Iterator[Difference]:
    """The last values are equal, or one trace's last changes lie within their tolerance of the other's horizon."""
    one = _last_values(pair, recorded, strand, part, simulated=False)
    other = _last_values(pair, simulated, strand, part, simulated=True)
    if one[0] in other or other[0] in one:
        return
    values = recorded.strands.get(strand) or simulated.strands.get(strand) or []
    label = f"{recorded.name} {strand} in the end"
    yield _difference(values[-1].at if values else None, label, one[0], other[0])


def _last_values(pair: Pair, life: Life, strand: str, part: slice, simulated: bool) -> list[Any]:
    """The last value of a strand, then those that it may still have had where the other trace stopped."""
    values = life.strands.get(strand, [])
    found = [_part(values[-1].value, part)] if values else [None]
    for place in range(len(values) - 1, -1, -1):
        if not pair.may_be_missing(values[place].key, values[place].at, simulated):
            break
        found.append(_part(values[place - 1].value, part) if place else None)
    return found


def _part(value: Any, part: slice) -> Any:
    return value[part] if isinstance(value, tuple) else value


def _cut_short(pair: Pair) -> Iterator[Difference]:
    """A trace that stopped before all was over must have gone on to the recording's end."""
    one, other = pair.recorded, pair.simulated
    if other.over and one.over:
        return
    if _stopped(other) + CUT_SHORT < _stopped(one) and not other.over:
        yield _difference(other.duration, "end of the trace", seconds_of(one.duration), seconds_of(other.duration))


def _stopped(trace: Trace) -> int:
    return trace.duration
