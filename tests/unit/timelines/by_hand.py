"""A small history written by hand: one of everything that the text timeline can tell."""

from __future__ import annotations

from typing import Any

from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    Assumed,
    ComponentHeader,
    Decided,
    DecidedAction,
    Ended,
    EventEmitted,
    Header,
    NotModelled,
    ObjectChanged,
    OutputWritten,
    ProbeChanged,
    RuntimeChanged,
)
from kubesim.objects.status import render_time
from kubesim.units import MILLISECOND

WEB: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "creationTimestamp": render_time(0)},
    "spec": {"containers": [{"name": "app"}], "restartPolicy": "Always", "terminationGracePeriodSeconds": 2},
    "status": {"phase": "Pending"},
}


def header(**values: Any) -> Header:
    known: dict[str, Any] = {
        "kubesim": "0.1.0",
        "scenario": "by-hand",
        "title": "One of everything",
        "digest": "d",
        "control_plane": ComponentHeader(name="control-plane", release="1.29"),
        "nodes": (ComponentHeader(name="node1", release="1.29"),),
        "timing": {"name": "typical"},
    }
    return Header(**{**known, **values})


def write(ms: int, actor: str, patch: dict[str, Any] | None, change: str = "MODIFIED") -> ObjectChanged:
    return ObjectChanged(
        at=ms * MILLISECOND,
        change=change,
        kind="Pod",
        namespace="default",
        name="web",
        uid="u",
        resource_version=ms,
        actor=actor,
        verb="update",
        object=WEB if change == "ADDED" else None,
        patch=patch,
    )


def app_is(state: dict[str, Any], ready: bool, restarts: int = 0) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    entry = {"name": "app", "state": state, "ready": ready, "started": ready, "restartCount": restarts}
    return {"conditions": [condition], "containerStatuses": [entry]}


def runtime(ms: int, container: str, event: str, **values: Any) -> RuntimeChanged:
    known: dict[str, Any] = {"node": "node1", "namespace": "default", "pod": "web", "run": 0}
    return RuntimeChanged(at=ms * MILLISECOND, container=container, event=event, **{**known, **values})


def decided(ms: int, pass_: str, why: str, rules: tuple[str, ...], *actions: DecidedAction) -> Decided:
    return Decided(
        at=ms * MILLISECOND,
        actor="kubelet/node1",
        namespace="default",
        name="web",
        pass_=pass_,
        why=why,
        rules=rules,
        actions=actions,
    )


def output(ms: int, line: str) -> OutputWritten:
    return OutputWritten(at=ms * MILLISECOND, namespace="default", pod="web", container="app", run=0, line=line)


def records() -> list[AnyRecord]:
    running = {"running": {"startedAt": render_time(0)}}
    return [
        write(0, "user", None, "ADDED"),
        ActionDone(at=0, do="create Pod", code=201),
        write(10, "scheduler", {"spec": {"nodeName": "node1"}}),
        decided(
            20,
            "SyncPod",
            "the pod has no sandbox",
            ("K-35",),
            DecidedAction(do="create-sandbox", why="the pod has no sandbox", rules=("K-35",)),
            DecidedAction(do="start", container="app", why="never ran", rules=("K-50",)),
        ),
        write(30, "kubelet/node1", {"status": app_is({"waiting": {"reason": "ContainerCreating"}}, False)}),
        runtime(200, "(sandbox)", "start"),
        runtime(300, "app", "start"),
        *(output(400, f"line {number}") for number in range(9)),
        write(500, "kubelet/node1", {"status": {"phase": "Running", **app_is(running, True)}}),
        ProbeChanged(
            at=900 * MILLISECOND,
            namespace="default",
            pod="web",
            container="app",
            probe="readiness",
            result="Failure",
            output="exit code 1",
            rules=("K-100",),
        ),
        EventEmitted(
            at=910 * MILLISECOND,
            kind="Pod",
            namespace="default",
            name="web",
            uid="u",
            type="Warning",
            reason="Unhealthy",
            message="Readiness probe failed: ",
            component="kubelet",
            field_path="spec.containers{app}",
        ),
        ActionDone(at=1000 * MILLISECOND, do="delete", arguments={"kind": "Pod", "name": "web", "grace": 2}, code=200),
        write(
            1000,
            "user",
            {"metadata": {"deletionTimestamp": render_time(3_000_000_000), "deletionGracePeriodSeconds": 2}},
        ),
        decided(
            1010,
            "SyncTerminatingPod",
            "the pod terminates; its containers get the pod's own grace",
            ("K-6", "K-12"),
            DecidedAction(do="stop", container="app", why="at once", rules=("K-73",)),
        ),
        runtime(1020, "app", "exec-start", exec=1, command="sleep 5", purpose="preStop"),
        runtime(1030, "app", "exec-start", exec=2, command="test -f /ready", purpose="readiness"),
        runtime(1100, "app", "exec-exit", exec=1, code=1, purpose="preStop"),
        runtime(1200, "app", "stop", grace=2),
        runtime(1201, "app", "signal", signal="TERM"),
        runtime(3200, "app", "signal", signal="KILL"),
        runtime(3210, "app", "exit", code=137, reason="Error"),
        runtime(3220, "app", "stop", grace=2),
        runtime(3300, "(sandbox)", "exit", code=137),
        write(3400, "kubelet/node1", {}, "DELETED"),
        Assumed(at=3400 * MILLISECOND, subject="web/app", text="`nginx` runs until SIGTERM, then exits with 0"),
        NotModelled(at=3400 * MILLISECOND, subject="Pod web", field="spec.tolerations", text="taints are not modelled"),
        Ended(at=3400 * MILLISECOND, why="settled"),
    ]


def history(**values: Any) -> History:
    return History(header(**values), records())
