"""Lives: runs with signals and ends, phases, conditions."""

from __future__ import annotations

import pytest

from kubesim.errors import KubesimError
from kubesim.history.history import History
from kubesim.history.lives import SANDBOX
from kubesim.history.records import (
    AnyRecord,
    ComponentHeader,
    EventEmitted,
    Header,
    ObjectChanged,
    OutputWritten,
    RuntimeChanged,
)

HEADER = Header(
    kubesim="0",
    scenario="s",
    digest="",
    control_plane=ComponentHeader(name="control-plane", release="1.29"),
    nodes=(),
    timing={},
)


def added(name: str, namespace: str = "default") -> ObjectChanged:
    spec = {"initContainers": [{"name": "proxy"}], "containers": [{"name": "app"}]}
    raw = {"metadata": {"name": name}, "spec": spec, "status": {"phase": "Pending"}}
    return ObjectChanged(
        at=0,
        change="ADDED",
        kind="Pod",
        namespace=namespace,
        name=name,
        uid="u",
        resource_version=1,
        actor="user",
        verb="create",
        object=raw,
    )


def status(at: int, **values: object) -> ObjectChanged:
    return ObjectChanged(
        at=at,
        change="MODIFIED",
        kind="Pod",
        namespace="default",
        name="web",
        uid="u",
        resource_version=at,
        actor="kubelet/node1",
        verb="update",
        patch={"status": values},
    )


def runtime(at: int, event: str, container: str = "app", run: int = 0, **values: object) -> RuntimeChanged:
    return RuntimeChanged(
        at=at,
        node="node1",
        namespace="default",
        pod="web",
        container=container,
        run=run,
        event=event,
        **values,  # type: ignore[arg-type]  # what the event needs
    )


RECORDS: list[AnyRecord] = [
    added("web"),
    runtime(1, "start", SANDBOX),
    runtime(2, "start", container_id="containerd://aa"),
    OutputWritten(at=3, namespace="default", pod="web", container="app", run=0, line="hello"),
    runtime(4, "exec-start", exec=7, command="sleep 5", purpose="preStop"),
    runtime(5, "stop", grace=30),
    runtime(6, "signal", signal="SIGTERM"),
    runtime(7, "exec-exit", exec=7, code=137),
    runtime(8, "signal", signal="KILL"),
    runtime(8, "exit", code=137),
    runtime(9, "start", run=1),
    runtime(10, "oom", run=1),
    runtime(10, "exit", run=1, code=137),
    runtime(11, "exit", "unknown", code=0),
    EventEmitted(
        at=12,
        kind="Pod",
        namespace="default",
        name="web",
        uid="u",
        type="Normal",
        reason="Killing",
        message="m",
        component="kubelet",
    ),
]


def test_runs_carry_their_signals_stops_execs_and_output() -> None:
    first, second = History(HEADER, RECORDS).pod("web").container("app").runs
    assert (first.number, first.start, first.exit, first.code, first.reason) == (0, 2, 8, 137, "Error")
    assert [(signal.at, signal.signal) for signal in first.signals] == [(6, "TERM"), (8, "KILL")]
    assert [(stop.at, stop.grace) for stop in first.stops] == [(5, 30)]
    assert [(run.start, run.exit, run.command, run.code) for run in first.execs] == [(4, 7, "sleep 5", 137)]
    assert [written.line for written in first.output] == ["hello"]
    assert (first.order, first.exit_order, first.container_id) == (2, 9, "containerd://aa")
    assert (second.reason, second.oom_killed) == ("OOMKilled", True)


def test_a_container_of_the_spec_that_never_ran_has_no_runs() -> None:
    web = History(HEADER, RECORDS).pod("web")
    assert web.container("proxy").runs == []
    assert list(web.containers)[:2] == ["proxy", "app"]
    assert (web.container("app").restarts, web.container("proxy").restarts) == (1, 0)


def test_phases_and_conditions_change_only_when_they_do() -> None:
    ready = {"type": "Ready", "status": "True"}
    unready = {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "app"}
    changes = [
        status(1, conditions=[unready]),
        status(2, phase="Running", conditions=[unready]),
        status(3, conditions=[ready]),
    ]
    web = History(HEADER, [added("web"), *changes]).pod("web")
    assert web.phases == ((0, "Pending"), (2, "Running"))
    assert web.phase == "Running"
    assert web.conditions == {"Ready": ((1, "False", "ContainersNotReady", "app"), (3, "True", "", ""))}
    assert (web.created, web.gone) == (0, None)


def test_events_are_those_about_the_pod() -> None:
    assert [event.reason for event in History(HEADER, RECORDS).pod("web").events] == ["Killing"]


@pytest.mark.parametrize(
    ("name", "namespace", "complaint"),
    [
        ("wb", None, 'no Pod "wb" in this history; there is db, db, web'),
        ("db", None, 'Pod "db" exists in several namespaces: default, other; say which one'),
        ("web", "other", 'no Pod "web" in this history; there is db, db, web'),
    ],
)
def test_a_pod_that_is_not_there_is_named(name: str, namespace: str | None, complaint: str) -> None:
    history = History(HEADER, [*RECORDS, added("db"), added("db", "other")])
    with pytest.raises(KubesimError) as raised:
        history.pod(name, namespace)
    assert str(raised.value) == complaint
    assert history.pod("db", "other").namespace == "other"


def test_a_container_that_is_not_there_is_named() -> None:
    with pytest.raises(KubesimError, match='Pod "web" has no container "ap"; it has proxy, app, unknown'):
        History(HEADER, RECORDS).pod("web").container("ap")
