"""Back-off of one container over several runs: looks every 0.25 s until the restart is allowed."""

from __future__ import annotations

from typing import Any

from kubesim.kubelet.backoff import (
    BackoffLimits,
    BackoffRecord,
    crash_backoff_limits,
    crash_backoff_message,
    crash_reset_window,
    is_garbage,
    start_permitted,
)
from kubesim.objects.pod import pod_view
from kubesim.units import SECOND, Duration, seconds, to_seconds
from vector_adapters.runtime_view import release_of

_LOOK_AGAIN = SECOND // 4
_POD = pod_view({"metadata": {"name": "p", "namespace": "ns", "uid": "uid"}})


def run(vector: dict[str, Any], version: str) -> Any:
    """The limits of a node, or the waits between the runs of one container."""
    given, release = vector["input"], release_of(vector, version)
    if vector.get("fn") == "crashloop_config":
        node_maximum = given.get("nodeMaxContainerRestartPeriod")
        limits = crash_backoff_limits(release, None if node_maximum is None else seconds(node_maximum))
        return {"base": _number(limits.initial), "max": _number(limits.longest)}
    longest = seconds(given["max"])
    limits = BackoffLimits(seconds(given["base"]), longest, crash_reset_window(longest, release))
    record: BackoffRecord | None = None
    started, output = 0, []
    for entry in given["runs"]:
        finished = started + seconds(entry["run"])
        now, message = finished + seconds(entry["delay"]), ""
        while True:
            if entry.get("gc") and record is not None and is_garbage(record, now, limits):
                record = None
            decision = start_permitted(record, finished, now, limits)
            if decision.permitted:
                break
            message = message or crash_backoff_message(decision.delay, "c", _POD, release)
            now += _LOOK_AGAIN
        record = decision.record
        assert record is not None
        output.append(
            {
                "finishedAt": _number(finished),
                "restartedAt": _number(now),
                "wait": _number(now - finished),
                "message": message,
                "storedBackoff": _number(record.delay),
            }
        )
        started = now
    return output


def normalise(output: Any) -> Any:
    """Nothing is left open in this family."""
    return output


def _number(value: Duration) -> float:
    found = to_seconds(value)
    return int(found) if found.is_integer() else found
