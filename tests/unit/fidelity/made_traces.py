"""Small made-up traces in the recorded format, to put one thing beside another."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Trace = dict[str, Any]


def trace(**parts: Any) -> Trace:
    """A trace of nothing, until parts say otherwise."""
    empty: Trace = {"id": "made", "config": "1.29", "duration": 60.0, "accepted": {}}
    empty |= {key: [] for key in ("kubectl_get", "pods", "events", "runtime", "logs")}
    return empty | parts


def change(at: float, pod: str = "web", kind: str = "MODIFIED", **fields: Any) -> Trace:
    """A watch event; ``main_app`` stands for ``main/app``."""
    fields = {name.replace("__", "/", 1): value for name, value in fields.items()}
    return {"t": at, "pod": pod, "type": kind, "set": fields}


def moment(at: float, container: str, event: str, run: int = 0, pod: str = "web", **more: Any) -> Trace:
    """A runtime event."""
    return {"t": at, "pod": pod, "c": container, "n": run, "ev": event, **more}


def row(at: float, status: str, restarts: str = "0", ready: str = "1/1") -> Trace:
    """A row of kubectl get."""
    return {"t": at, "pod": "web", "ready": ready, "status": status, "restarts": restarts}


def event(at: float, reason: str, count: int = 1, **more: Any) -> Trace:
    """An Event about the pod's container app."""
    return {
        "t": at,
        "obj": "Pod/web",
        "type": "Normal",
        "reason": reason,
        "message": more.pop("message", f"{reason} app"),
        "field": "spec.containers{app}",
        "count": count,
        "from": "kubelet",
        "first": at,
        **({"update": True} if count > 1 else {}),
        **more,
    }


def running(**state: Any) -> Trace:
    """The status of a container that runs."""
    return {"ready": True, "started": True, "restarts": 0, "state": {"s": "running", **state}}


def long_lived_pod(duration: float = 60.0) -> Trace:
    """A pod that still runs where recording stops, at its horizon."""
    return trace(
        duration=duration,
        accepted={"web": {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "containers": ["app"]}},
        pods=[
            change(0.0, kind="ADDED", phase="Pending", node=False),
            change(0.1, node=True),
            change(1.2, phase="Running", main__app=running(started=0.2)),
        ],
        kubectl_get=[row(0.0, "Pending", ready="0/1"), row(1.2, "Running")],
        runtime=[moment(0.2, "(sandbox)", "start"), moment(0.4, "app", "start")],
        events=[event(0.3, "Created"), event(0.4, "Started")],
    )


def deleted_pod(stop_after: float = 5.02, grace: int = 25, *, hook: bool = True) -> Trace:
    """A pod deleted at 10; the sidecar is stopped later, with what is left of 30 s.

    Its preStop hook takes the time, or else the app does.
    """
    stop = 10.01 + stop_after
    time_taken = [
        moment(10.03, "side", "exec-start", x="hook", cmd="sleep 5"),
        moment(stop - 0.01, "side", "exec-exit", x="hook", code=0),
    ]
    return trace(
        duration=stop + 4,
        accepted={"web": {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "containers": ["app"]}},
        actions=[{"t": 10.0, "do": "delete", "kind": "Pod", "name": "web", "code": 200}],
        pods=[
            change(0.0, kind="ADDED", phase="Pending", node=False),
            change(0.1, node=True),
            change(2.5, phase="Running", main__app=running(), init__side=running()),
            change(10.01, deletion={"at": 39.5, "grace": 30}),
            change(stop + 0.9, deletion={"at": stop, "grace": 0}),
            {"t": stop + 0.9, "pod": "web", "type": "DELETED"},
        ],
        kubectl_get=[row(0.0, "Pending", ready="0/2"), row(2.5, "Running", ready="2/2"), row(10.01, "Terminating")],
        runtime=[
            moment(0.2, "(sandbox)", "start"),
            moment(0.4, "side", "start"),
            moment(1.4, "app", "start"),
            moment(10.02, "app", "stop", grace=30),
            moment(10.02, "app", "signal", sig="TERM"),
            moment(10.04 if hook else stop - 0.05, "app", "exit", code=0),
            moment(stop, "side", "stop", grace=grace),
            moment(stop, "side", "signal", sig="TERM"),
            moment(stop + 0.02, "side", "exit", code=0),
            moment(stop + 0.1, "(sandbox)", "exit", code=137),
            *(time_taken if hook else []),
        ],
    )


def with_(base: Trace, tweak: Callable[[Trace], object]) -> Trace:
    """A copy with one thing changed."""
    other = copy.deepcopy(base)
    tweak(other)
    return other
