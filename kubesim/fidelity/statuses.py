"""What container statuses tell of the runtime: starts and exits, to the second, and no more.

A recording made through the API alone cannot see signals, grace periods, hooks, probes or the sandbox. Its ``runtime``
is made from its ``pods`` by the function here, it says so in ``runtimeFrom``, and what is simulated is reduced in the
same way before the two are compared: nobody is held to what nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

STATUSES: Final = "statuses"
"""The value of ``runtimeFrom`` in a recording whose runtime was read off container statuses."""

_WITHIN_SECOND: Final = 0.5
"""Statuses hold whole seconds; the true instant lies in the second that follows."""


def runtime_of_statuses(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ``runtime`` entries that the ``pods`` entries of a trace tell of, in order of time."""
    found: dict[tuple[str, str, int, str], dict[str, Any]] = {}
    for entry in pods:
        for key, status in (entry.get("set") or {}).items():
            kind, _, container = key.partition("/")
            if kind not in ("init", "main") or status is None:
                continue
            for number, state in _runs(status):
                for event in _events(state):
                    about = (entry["pod"], container, number, event["ev"])
                    seen = {"t": round(min(event["t"], entry["t"]), 3), "c": container, "pod": entry["pod"]}
                    found.setdefault(about, seen | {"n": number} | {k: v for k, v in event.items() if k != "t"})
    return sorted(found.values(), key=lambda each: each["t"])


def reduced_to_statuses(trace: dict[str, Any]) -> dict[str, Any]:
    """A trace as a recording through the API would have it."""
    return {**trace, "runtime": runtime_of_statuses(trace["pods"]), "runtimeFrom": STATUSES}


def _runs(status: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The run before, and the present one, with their numbers; while a container waits there is no present one."""
    restarts, state, last = status.get("restarts", 0), status.get("state") or {}, status.get("last") or {}
    waits = state.get("s") == "waiting"
    if last.get("s") == "terminated":
        yield (restarts if waits else restarts - 1), last
    if state and not waits:
        yield restarts, state


def _events(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if state.get("started") is not None:
        yield {"t": state["started"] + _WITHIN_SECOND, "ev": "start"}
    if state.get("s") == "terminated" and state.get("finished") is not None:
        yield {"t": state["finished"] + _WITHIN_SECOND, "ev": "exit", "code": state.get("exitCode", 0)}
