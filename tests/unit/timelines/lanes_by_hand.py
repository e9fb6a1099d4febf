"""Histories written by hand for the pictures: a crowd of containers with long names, and a Job with its attempts."""

from __future__ import annotations

from typing import Any

from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    ComponentHeader,
    Ended,
    Header,
    ObjectChanged,
    ProbeChanged,
    RuntimeChanged,
)
from kubesim.units import SECOND, seconds

LONG: Any = "container-with-an-extremely-long-name-number-{:02}-of-thirty"


def header(release: str = "1.29", **values: Any) -> Header:
    known: dict[str, Any] = {
        "kubesim": "0.1.0",
        "scenario": "by-hand",
        "digest": "d",
        "control_plane": ComponentHeader(name="control-plane", release=release),
        "nodes": (ComponentHeader(name="node1", release=release),),
        "timing": {"name": "typical"},
    }
    return Header(**{**known, **values})


def changed(at: float, kind: str, name: str, change: str, **values: Any) -> ObjectChanged:
    known: dict[str, Any] = {"namespace": "default", "uid": f"uid-{name}", "resource_version": 1}
    return ObjectChanged(
        at=seconds(at), kind=kind, name=name, change=change, actor="x", verb="update", **{**known, **values}
    )


def pod_object(name: str, containers: list[str], inits: list[dict[str, Any]] | None = None, **values: Any) -> Any:
    metadata = {"name": name, "namespace": "default", **values.pop("metadata", {})}
    spec = {
        "nodeName": "node1",
        "initContainers": inits or [],
        "containers": [{"name": container} for container in containers],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def runtime(at: float, pod: str, container: str, event: str, **values: Any) -> RuntimeChanged:
    known: dict[str, Any] = {"node": "node1", "namespace": "default", "run": 0}
    return RuntimeChanged(at=seconds(at), pod=pod, container=container, event=event, **{**known, **values})


def crowd(*, restarts_every: float = 8.0, release: str = "1.29") -> History:
    """Thirty containers with the longest names, each killed four times; hooks, probes, actions close together."""
    pod = "a-pod-whose-name-is-as-long-as-names-in-practice-get-" + "x" * 40
    names = [LONG.format(number) for number in range(30)]
    inits = [
        {"name": name, "restartPolicy": "Always"} if number % 2 else {"name": name}
        for number, name in enumerate(names[:12])
    ]
    records: list[AnyRecord] = [changed(0, "Pod", pod, "ADDED", object=pod_object(pod, names[12:], inits))]
    for number, name in enumerate(names):
        for run in range(4):
            at = number / 5 + run * restarts_every
            records += _one_run(at, pod, name, run, number * 10 + run)
    for number in range(12):
        arguments = {"kind": "Pod", "name": pod}
        records.append(ActionDone(at=seconds(10 + number * 1.1), do="patch", arguments=arguments, code=200))
    grace: dict[str, Any] = {"kind": "Pod", "name": pod, "grace": 20}
    records.append(ActionDone(at=15 * SECOND, do="delete", arguments=grace, code=409, message="no"))
    deletion = {"deletionTimestamp": "2024-01-01T00:01:00Z", "deletionGracePeriodSeconds": 20}
    records.append(ActionDone(at=40 * SECOND, do="delete", arguments=grace, code=200))
    records.append(changed(40, "Pod", pod, "MODIFIED", patch={"metadata": deletion}))
    records.sort(key=lambda record: record.at)
    title = "A description that goes on and on, "
    shown = header(release, scenario="thirty containers and a name " + "that is long " * 12, title=title * 12)
    return History(shown, [*records, Ended(at=900 * SECOND, why="until")])


def _one_run(at: float, pod: str, name: str, run: int, exec_: int) -> list[AnyRecord]:
    probe = ProbeChanged(
        at=seconds(at + 2), namespace="default", pod=pod, container=name, probe="liveness", result="failure"
    )
    return [
        runtime(at, pod, name, "start", run=run),
        runtime(at + 1, pod, name, "exec-start", run=run, purpose="postStart", command="warm up", exec=exec_),
        runtime(at + 2, pod, name, "exec-exit", run=run, exec=exec_, code=1),
        probe,
        runtime(at + 3, pod, name, "stop", run=run, grace=4),
        runtime(at + 3, pod, name, "signal", run=run, signal="SIGTERM"),
        runtime(at + 5, pod, name, "signal", run=run, signal="SIGKILL"),
        runtime(at + 5, pod, name, "exit", run=run, code=137, reason="Error"),
    ]


JOB: Any = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "import", "namespace": "default"},
    "spec": {"backoffLimit": 3},
    "status": {},
}


def job(release: str = "1.29", *, back_off: float = 10.0) -> History:
    """A Job whose first two Pods fail, the second after a back-off of 10 s, the third after 20 s; that one succeeds."""
    starts = [0.1, 4.0 + back_off, 8.0 + 3 * back_off]
    records: list[AnyRecord] = [changed(0, "Job", "import", "ADDED", object=JOB)]
    records.append(ActionDone(at=0, do="create Job", code=201))
    failed = 0
    for number, at in enumerate(starts):
        name = f"import-{'abc'[number]}xyz1"
        ok = number == 2
        owner = {"kind": "Job", "name": "import", "controller": True}
        pod = pod_object(name, ["main"], metadata={"ownerReferences": [owner]})
        running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        ended = {"terminated": {"exitCode": 0 if ok else 3}}
        over = {"phase": "Succeeded" if ok else "Failed", "containerStatuses": [{"name": "main", "state": ended}]}
        failed += not ok
        counters = {"active": None, "ready": None, "failed": failed, "succeeded": 1 if ok else None}
        records += [
            changed(at, "Pod", name, "ADDED", object=pod),
            changed(at + 0.02, "Job", "import", "MODIFIED", patch={"status": {"active": 1}}),
            runtime(at + 0.4, name, "main", "start"),
            changed(at + 0.9, "Pod", name, "MODIFIED", patch={"status": running}),
            changed(at + 0.95, "Job", "import", "MODIFIED", patch={"status": {"ready": 1}}),
            runtime(at + 3.4, name, "main", "exit", code=0 if ok else 3),
            changed(at + 3.9, "Pod", name, "MODIFIED", patch={"status": over}),
            changed(at + 3.95, "Job", "import", "MODIFIED", patch={"status": counters}),
        ]
    done = {"conditions": [{"type": "Complete", "status": "True", "reason": "CompletionsReached"}]}
    end = starts[-1] + 4.5
    records.append(changed(end, "Job", "import", "MODIFIED", patch={"status": done}))
    title = "Two attempts fail, the third succeeds"
    return History(header(release, scenario="job", title=title), [*records, Ended(at=seconds(end + 1), why="settled")])
