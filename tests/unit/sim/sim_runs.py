"""Small scenarios for the tests of the shell: pods from few words, runs of them, and what happened as short lines.

``ran(pod(…), release="1.29", …)`` runs a scenario; ``story(history)`` says what was true in the runtime, one line for
each moment: ``app start``, ``app stop 30``, ``app TERM``, ``app exit 0``, ``app preStop``, ``app preStop done 0``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from kubesim.api import load, run
from kubesim.history.history import History
from kubesim.history.records import Decided, RuntimeChanged
from kubesim.history.series import event_series
from kubesim.scenario.load import Scenario
from kubesim.timelines.rows import pod_rows
from kubesim.units import SECOND, seconds, to_seconds

GATE: Final = {"SidecarContainers": True}
FOREVER: Final = "trap 'exit 0' TERM; sleep 1000000 & wait"
"""Runs until SIGTERM, then ends at once with 0."""
DEAF: Final = "trap '' TERM; sleep 1000000 & wait"
"""Ignores SIGTERM."""

Object = dict[str, Any]


def slow_to_stop(span: int, code: int = 0) -> str:
    """A script that takes so many seconds to end after SIGTERM."""
    return f"trap 'sleep {span}; exit {code}' TERM; sleep 1000000 & wait"


def container(name: str, script: str | None = FOREVER, **more: Any) -> Object:
    """A container that runs a shell script; ``script=None``: as the other fields say."""
    command = {} if script is None else {"command": ["sh", "-c", script]}
    return {"name": name, "image": "busybox:1.36", **command, **more}


def sidecar(name: str, script: str | None = FOREVER, **more: Any) -> Object:
    """An init container with restartPolicy Always."""
    return container(name, script, restartPolicy="Always", **more)


def pod(*mains: Object, inits: list[Object] | None = None, name: str = "p", **spec: Any) -> Object:
    """A Pod; ``metadata`` may be given, and everything else goes into its spec."""
    metadata = {"name": name, **spec.pop("metadata", {})}
    init = {"initContainers": inits} if inits else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, **init, "containers": [*mains]}}


def config_map(name: str, **data: str) -> Object:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def exec_probe(command: str, **more: Any) -> Object:
    """A probe that runs a shell command, once a second."""
    return {"exec": {"command": ["sh", "-c", command]}, "periodSeconds": 1, **more}


def scenario(*objects: Object, **spec: Any) -> Scenario:
    """The scenario of these objects; the rest is the Scenario document's spec."""
    document = {"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": spec}
    return load([io.StringIO(json.dumps(each)) for each in (document, *objects)])


def ran(
    *objects: Object,
    release: str = "1.36",
    gates: Mapping[str, bool] | None = None,
    draw: int = 0,
    **spec: Any,
) -> History:
    """The history of a run; on 1.28 with the SidecarContainers gate unless gates are given.

    ``until`` in seconds; ``timing`` may be given as in a Scenario.
    """
    if "until" in spec:
        spec["until"] = f"{spec['until']}s"
    cluster = {**spec.pop("cluster", {})}
    if "timing" in spec:
        cluster["timing"] = spec.pop("timing")
    if gates is None and release.startswith("1.28"):
        gates = GATE
    return run(scenario(*objects, cluster=cluster, **spec), release=release, gates=gates, draw=draw)


def delete(at: float, grace: int | None = None, name: str = "p") -> Object:
    """The action that deletes a pod."""
    given = {} if grace is None else {"gracePeriodSeconds": grace}
    return {"at": f"{at}s", "delete": {"kind": "Pod", "name": name, **given}}


# -- what happened ----------------------------------------------------------------------------------------------------


def story(history: History, *names: str, probes: bool = False) -> list[str]:
    """What was true in the runtime, in order, of these containers (default: all but the sandbox)."""
    return [line for _, line in _moments(history, names, probes)]


def when(history: History, line: str) -> float:
    """The instant, in seconds since t=0, of the first moment of that line."""
    found = [at for at, text in _moments(history, (), True) if text == line]
    assert found, f"no {line!r} in {story(history)}"
    return to_seconds(found[0] - history.started)


def gap(history: History, first: str, second: str) -> float:
    """Seconds from the first moment of one line to that of another."""
    return round(when(history, second) - when(history, first), 3)


def _moments(history: History, names: tuple[str, ...], probes: bool) -> list[tuple[int, str]]:
    found = []
    for record in history.runtime:
        is_probe = bool(record.purpose) and record.purpose not in ("postStart", "preStop")
        wanted = record.container in names or (not names and (record.container != "(sandbox)" or probes))
        if wanted and (probes or not is_probe):
            found.append((record.at, _line(record)))
    return found


def _line(record: RuntimeChanged) -> str:
    name = record.container
    match record.event:
        case "stop":
            return f"{name} stop {record.grace}"
        case "signal":
            return f"{name} {record.signal}"
        case "exit":
            return f"{name} exit {record.code}"
        case "exec-start":
            return f"{name} {record.purpose}"
        case "exec-exit":
            return f"{name} {record.purpose} done {record.code}"
        case event:
            return f"{name} {event}"


def starts(history: History, name: str, of: str = "p") -> list[float]:
    """When each run of a container started, in seconds since t=0."""
    return [to_seconds(one.start - history.started) for one in history.pod(of).container(name).runs]


def waits(history: History, name: str, of: str = "p") -> list[float]:
    """For each restart of a container, the seconds from the exit before to the start."""
    runs = history.pod(of).container(name).runs
    return [to_seconds(after.start - before.exit) for before, after in pairwise(runs) if before.exit]


def output(history: History, name: str, of: str = "p") -> list[str]:
    """The lines a container wrote, all runs together."""
    return [line.line for one in history.pod(of).container(name).runs for line in one.output]


def statuses(history: History, of: str = "p") -> list[str]:
    """READY and STATUS of each row of ``kubectl get pod -w``, without repetitions: ``1/2 Running``."""
    rows = [f"{row.cells['Ready']} {row.cells['Status']}" for row in pod_rows(history) if row.key.name == of]
    return [row for place, row in enumerate(rows) if row not in rows[place - 1 : place]]


def phases(history: History, of: str = "p") -> list[str]:
    """The phases of a pod, in order."""
    return [change.phase for change in history.pod(of).phases]


def final(history: History, name: str, of: str = "p") -> Object:
    """A container's status in the end, or when its pod was last seen."""
    status = history.pod(of).versions[-1].object["status"]
    entries = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    found: Object = next(entry for entry in entries if entry["name"] == name)
    return found


def seen(history: History, name: str, of: str = "p") -> list[str]:
    """The states a container's status went through: ``waiting PodInitializing``, ``terminated Error 1``."""
    lines: list[str] = []
    for version in history.pod(of).versions:
        status = version.object.get("status") or {}
        for entry in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
            if entry["name"] == name and (line := _state(entry["state"])) not in lines[-1:]:
                lines.append(line)
    return lines


def messages(history: History, name: str, reason: str, of: str = "p") -> set[str]:
    """The messages with which a container waited for that reason."""
    found = set()
    for version in history.pod(of).versions:
        status = version.object.get("status") or {}
        for entry in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
            waiting = entry["state"].get("waiting", {})
            if entry["name"] == name and waiting.get("reason") == reason:
                found.add(waiting.get("message", ""))
    return found


def _state(state: Object) -> str:
    (kind, details), *_ = state.items()
    parts = (kind, details.get("reason", ""), str(details.get("exitCode", "")))
    return " ".join(part for part in parts if part)


def conditions(history: History, type_: str, of: str = "p") -> list[str]:
    """The statuses of a condition, in order."""
    found: list[str] = []
    for change in history.pod(of).conditions.get(type_, ()):
        if change.status not in found[-1:]:
            found.append(change.status)
    return found


def told(history: History, reason: str, of: str = "p") -> list[str]:
    """The messages of a pod's Events with that reason, in order, each once."""
    return [
        series.first.message
        for series in event_series(history)
        if series.first.reason == reason and series.first.name == of
    ]


def told_count(history: History, reason: str, of: str = "p") -> int:
    """How often an Event with that reason was emitted."""
    return sum(
        series.last.count
        for series in event_series(history)
        if series.first.reason == reason and series.first.name == of
    )


def decided(history: History, pass_: str | None = None) -> list[str]:
    """What the kubelets decided: ``start app``, ``kill-pod``."""
    found = [one for one in history.of(Decided) if one.actor.startswith("kubelet/") and pass_ in (None, one.pass_)]
    return [" ".join((action.do, action.container)).strip() for one in found for action in one.actions]


def second(value: float) -> int:
    """Nanoseconds."""
    return seconds(value) if isinstance(value, float) else value * SECOND
