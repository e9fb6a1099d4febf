"""Faults put into recorded traces: what a comparison must catch, and at which level (the teeth of the comparison)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Trace = dict[str, Any]
Corruption = Callable[[Trace], bool]
"""Spoils a trace in place; False if it has nothing to spoil in this way."""

ERRATIC = {"BackOff", "Unhealthy", "FailedScheduling", "Failed", "ErrImageNeverPull"}


def corrupted(trace: Trace, corruption: Corruption) -> Trace | None:
    """A spoilt copy, or None where the trace does not allow it."""
    spoilt = copy.deepcopy(trace)
    return spoilt if corruption(spoilt) else None


def _runtime(trace: Trace, event: str) -> list[Trace]:
    return [each for each in trace["runtime"] if each["ev"] == event and each["c"] != "(sandbox)"]


def exit_code_of_the_last_run(trace: Trace) -> bool:
    exits = [each for each in _runtime(trace, "exit") if each["t"] < trace["duration"] - 10]
    if not exits:
        return False
    exits[-1]["code"] = 3 if exits[-1]["code"] != 3 else 4
    return True


def reason_of_a_main_containers_final_state(trace: Trace) -> bool:
    for change in reversed(trace["pods"]):
        for key, value in change.get("set", {}).items():
            if key.startswith("main/") and value and value["state"]["s"] == "terminated":
                value["state"]["reason"] = "Spoilt"
                return True
    return False


def a_restart_left_out(trace: Trace) -> bool:
    for start in _runtime(trace, "start"):
        if start["n"] == 1:
            run = (start["pod"], start["c"], 1)
            trace["runtime"] = [e for e in trace["runtime"] if (e["pod"], e["c"], e["n"]) != run]
            return True
    return False


def a_job_counter_one_too_high(trace: Trace) -> bool:
    for change in reversed(trace.get("jobs", [])):
        for counter in ("succeeded", "failed"):
            if counter in change.get("set", {}):
                change["set"][counter] += 1
                return True
    return False


def the_second_half_left_out(trace: Trace) -> bool:
    if trace["duration"] < 20 or not trace["runtime"]:
        return False
    trace["duration"] /= 2
    for key in ("pods", "jobs", "events", "runtime", "kubectl_get", "kubectl_get_job", "actions"):
        if key in trace:
            trace[key] = [each for each in trace[key] if each["t"] < trace["duration"]]
    return True


def two_stops_swapped(trace: Trace) -> bool:
    stops = _runtime(trace, "stop")
    for one in stops:
        for other in stops:
            if other["pod"] == one["pod"] and other["c"] != one["c"] and other["t"] > one["t"] + 0.5:
                one["t"], other["t"] = other["t"], one["t"]
                return True
    return False


def first_stops_grace(change: int) -> Corruption:
    def spoil(trace: Trace) -> bool:
        stops = _runtime(trace, "stop")
        if stops:
            stops[0]["grace"] += change
        return bool(stops)

    return spoil


def _kill(trace: Trace) -> Trace | None:
    kills = [each for each in _runtime(trace, "signal") if each["sig"] == "KILL"]
    return kills[0] if kills and kills[0]["t"] < trace["duration"] - 3 else None


def sigkill_left_out(trace: Trace) -> bool:
    if (kill := _kill(trace)) is None:
        return False
    trace["runtime"].remove(kill)
    return True


def sigkill_early(trace: Trace) -> bool:
    if (kill := _kill(trace)) is None:
        return False
    kill["t"] -= 0.9
    return True


def phase_running_left_out(trace: Trace) -> bool:
    last: dict[str, tuple[float, Trace]] = {}
    for change in trace["pods"]:
        phase = change.get("set", {}).get("phase")
        before = last.get(change["pod"])
        if before is not None and (phase or change["type"] == "DELETED"):
            if change["t"] - before[0] > 2:
                del before[1]["phase"]
                return True
            del last[change["pod"]]
        if phase == "Running":
            last[change["pod"]] = (change["t"], change["set"])
    for at, fields in last.values():
        if at < trace["duration"] - 10:
            del fields["phase"]
            return True
    return False


def _last_event(trace: Trace) -> Trace | None:
    events = [e for e in trace["events"] if e["reason"] not in ERRATIC and e["t"] < trace["duration"] - 10]
    return events[-1] if events else None


def _same(one: Trace, other: Trace) -> bool:
    fields = ("obj", "reason", "message", "field")
    return all(one.get(name) == other.get(name) for name in fields)


def an_event_dropped(trace: Trace) -> bool:
    if (event := _last_event(trace)) is None:
        return False
    trace["events"] = [each for each in trace["events"] if not _same(each, event)]
    return True


def an_events_reason_changed(trace: Trace) -> bool:
    if (event := _last_event(trace)) is None:
        return False
    event["reason"] = "Spoilt"
    return True


def a_back_off_count(trace: Trace) -> bool:
    for event in reversed(trace["events"]):
        if event["reason"] == "BackOff":
            event["count"] += 3
            return True
    return False


def message_of_a_passing_condition(trace: Trace) -> bool:
    since: dict[tuple[str, str], tuple[float, Trace]] = {}
    for change in trace["pods"]:
        for key, value in change.get("set", {}).items():
            if not key.startswith("cond/"):
                continue
            before = since.get((change["pod"], key))
            if before is not None and change["t"] - before[0] > 1.5 and before[1].get("message"):
                before[1]["message"] += " (spoilt)"
                return True
            if value is not None:
                since[change["pod"], key] = (change["t"], value)
    return False


def a_row_dropped(trace: Trace) -> bool:
    rows: dict[str, list[Trace]] = {}
    for row in trace["kubectl_get"]:
        rows.setdefault(row["pod"], []).append(row)
    for of_pod in rows.values():
        for place in range(1, len(of_pod) - 1):
            before, row, after = of_pod[place - 1 : place + 2]
            fields = ("ready", "status")
            if after["t"] - row["t"] > 2.5 and any(before[f] != row[f] for f in fields):
                trace["kubectl_get"].remove(row)
                return True
    return False


def _later(trace: Trace, start: float, by: float) -> None:
    """Everything after an instant comes later, whole-second times and the end included; actions do not."""
    for key in ("pods", "jobs", "events", "runtime", "kubectl_get", "kubectl_get_job"):
        for each in trace.get(key, []):
            if each["t"] >= start:
                each["t"] += by
    trace["duration"] += by


def all_after_the_first_start_later(trace: Trace) -> bool:
    starts = _runtime(trace, "start")
    if not starts or trace.get("actions"):
        return False
    _later(trace, starts[0]["t"], 5)
    return True


def the_last_first_start_later(trace: Trace) -> bool:
    starts = [each for each in _runtime(trace, "start") if each["n"] == 0]
    if len(starts) < 2 or trace.get("actions"):
        return False
    _later(trace, starts[-1]["t"], 2.5)
    return True


CORRUPTIONS: dict[str, tuple[Corruption, str]] = {
    "exit code of the last run": (exit_code_of_the_last_run, "L1"),
    "reason of a main container's final state": (reason_of_a_main_containers_final_state, "L1"),
    "a restart left out": (a_restart_left_out, "L1"),
    "a Job counter one too high": (a_job_counter_one_too_high, "L1"),
    "the second half left out": (the_second_half_left_out, "L1"),
    "two stops swapped": (two_stops_swapped, "L2"),
    "first stop's grace + 2": (first_stops_grace(2), "L2"),
    "first stop's grace - 1": (first_stops_grace(-1), "L2"),
    "SIGKILL left out": (sigkill_left_out, "L2"),
    "phase Running left out": (phase_running_left_out, "L2"),
    "an Event dropped": (an_event_dropped, "L3"),
    "an Event's reason changed": (an_events_reason_changed, "L3"),
    "a BackOff count + 3": (a_back_off_count, "L3"),
    "message of a passing condition": (message_of_a_passing_condition, "L3"),
    "a kubectl row of over 2.5 s dropped": (a_row_dropped, "L3"),
    "all after the first start 5 s later": (all_after_the_first_start_later, "L4"),
    "the last first start, and all after it, 2.5 s later": (the_last_first_start_later, "L4"),
    "SIGKILL 0.9 s early": (sigkill_early, "L4"),
}
"""What is spoilt, and the level that must notice first."""
