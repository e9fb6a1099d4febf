"""The text of a run: golden texts, and the rules of its layout."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from by_hand import app_is, decided, header, history, output, records, runtime, write
from retold import Teller

from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    ComponentHeader,
    DecidedAction,
    ObjectChanged,
    ProbeChanged,
)
from kubesim.timelines.story import Line, story
from kubesim.timelines.style import PLAIN_WIDTH, Style, style_for
from kubesim.timelines.tables import align, events_table, jobs_table, pods_table, pods_watch
from kubesim.timelines.text import relative_time, text, timeline
from kubesim.units import HOUR, MILLISECOND, MINUTE, SECOND

HERE = Path(__file__).parent
ESCAPE = re.compile(r"\x1b\[[\d;]*m")


def told(*more: AnyRecord) -> list[Line]:
    """The story of a Pod that was created, and of what the test adds."""
    return story(History(header(), [*records()[:1], *more]))[1:]


def test_one_of_everything_reads_as_agreed() -> None:
    assert text(history()) == (HERE / "golden" / "by_hand.txt").read_text()


def probe(ms: int, result: str, origin: str) -> ProbeChanged:
    return ProbeChanged(
        at=ms * MILLISECOND, namespace="default", pod="web", container="app", probe="liveness", result=result,
        origin=origin,
    )  # fmt: skip


def test_only_what_a_probe_answered_is_told() -> None:
    """K-95, K-96: not what its worker begins with, nor what it stores for a container that has ended."""
    lines = told(probe(10, "success", "initial"), probe(20, "failure", "answer"), probe(30, "failure", "not running"))
    assert [(line.at, line.what) for line in lines] == [(20 * MILLISECOND, "liveness probe of app: failure")]


@pytest.mark.parametrize(
    ("probes", "started", "ready", "what"),
    [
        ((), True, True, "running and ready"),
        ((), False, False, "running"),
        (("readiness",), True, True, "running and ready"),
        (("readiness",), True, False, "running, not ready until its readiness probe passes"),
        (("startup", "liveness"), False, False, "running, not ready until its startup probe passes"),
        (("startup", "readiness"), False, False, "running, not ready until its startup and readiness probes pass"),
        (("startup", "readiness"), True, False, "running, not ready until its readiness probe passes"),
    ],
)
def test_what_runs_and_is_not_ready_is_said_to_wait_for_its_probes(
    probes: tuple[str, ...], started: bool, ready: bool, what: str
) -> None:
    created = records()[0]
    assert isinstance(created, ObjectChanged)
    spec = {"containers": [{"name": "app", **{f"{kind}Probe": {"exec": {}} for kind in probes}}]}
    created = msgspec.structs.replace(created, object={**created.object, "spec": spec})
    status = {"name": "app", "ready": ready, "started": started, "state": {"running": {}}}
    lines = story(History(header(), [created, write(10, "kubelet/node1", {"status": {"containerStatuses": [status]}})]))
    assert lines[1].what == f"status: app {what}"


def hold_back(ms: int, why: str) -> list[AnyRecord]:
    """A sync that would start the container, which is in back-off."""
    return [
        decided(ms, "SyncPod", "", (), DecidedAction(do="start", container="app", why="exited with code 1")),
        decided(ms, "SyncPod", why, (), DecidedAction(do="hold back", container="app", why=why)),
    ]


def test_what_is_held_back_is_not_told_to_start() -> None:
    lines = told(*hold_back(10, "in back-off of 10s since it ended, 9s left"))
    assert [(line.what, line.why) for line in lines] == [
        ("hold back app", "in back-off of 10s since it ended, 9s left")
    ]


def crash_loop(times: int) -> History:
    """A container that ends again and again, with its output, and back-offs that differ in what is left."""
    found: list[AnyRecord] = []
    for run in range(times):
        begin = run * 1000
        found += [
            runtime(begin + 100, "app", "start", run=run),
            msgspec.structs.replace(output(begin + 200, "no database"), run=run),
            runtime(begin + 300, "app", "exit", run=run, code=1),
            *hold_back(begin + 400, f"in back-off of {10 if run < 3 else 20}s since it ended, {run + 1}.5s left"),
        ]
    return History(header(), [*records()[:1], *found])


def test_what_only_repeats_is_counted() -> None:
    """The first two and the last are told; another back-off is another line, what is left of it is not."""
    lines = [" ".join(line.split()) for line in timeline(crash_loop(12), Style())]
    assert (
        "\n".join(lines[2:-1])
        == """\
+0.100s runtime app started
+0.200s app │ no database
+0.300s runtime app exited with 1
+0.400s kubelet hold back app in back-off of 10s since it ended, 1.5s left
+1.100s runtime app started (run 2) … 10 more times until +11.100s
+1.200s app │ no database … 10 more times until +11.200s
+1.300s runtime app exited with 1 … 10 more times until +11.300s
+1.400s kubelet hold back app in back-off of 10s since it ended, 2.5s left
+2.400s kubelet hold back app in back-off of 10s since it ended, 3.5s left
+3.400s kubelet hold back app in back-off of 20s since it ended, 4.5s left
+4.400s kubelet hold back app in back-off of 20s since it ended, 5.5s left
… 7 more times until +11.400s
+11.100s runtime app started (run 12)
+11.200s app │ no database
+11.300s runtime app exited with 1
+11.400s kubelet hold back app in back-off of 20s since it ended, 12.5s left"""
    )
    assert lines[-1] == "(what only repeats is counted; --all tells each)"


def test_a_few_repetitions_are_told() -> None:
    few = timeline(crash_loop(6), Style())
    assert few == timeline(crash_loop(6), Style(), every=True)
    assert sum("exited with 1" in line for line in few) == 6


def test_all_may_be_told() -> None:
    every = timeline(crash_loop(12), Style(), every=True)
    assert sum("exited with 1" in line for line in every) == 12
    assert not any("more times" in line or "--all" in line for line in every)


def test_all_of_the_output_may_be_told() -> None:
    assert sum("│" in line for line in timeline(history(), Style())) == 7
    assert sum("│" in line for line in timeline(history(), Style(), every=True)) == 9


def test_rows_that_only_repeat_are_counted() -> None:
    def row(ms: int, ready: bool, restarts: int) -> AnyRecord:
        entry = {"name": "app", "ready": ready, "restartCount": restarts, "state": {"running": {}}}
        return write(ms, "kubelet/node1", {"status": {"phase": "Running", "containerStatuses": [entry]}})

    flapping = [row(100 * number, number % 2 == 0, 0) for number in range(1, 21)]
    run = History(header(), [*records()[:1], *flapping])
    rows = pods_watch(run, every=False)
    assert [line.split()[1:3] for line in rows[2:]] == [["0/1", "Running"], ["1/1", "Running"]] * 3
    assert ["more" in line for line in rows[2:]] == [False, False, True, True, False, False]
    assert rows[4].endswith("   … 8 more times until 1s")
    assert len(pods_watch(run)) == 2 + 20


def test_no_line_is_longer_than_the_width_nor_ends_in_blanks() -> None:
    for width in (72, 90, PLAIN_WIDTH):
        lines = text(history(), Style(width=width)).splitlines()
        assert max(map(len, lines)) <= width
        assert [line for line in lines if line != line.rstrip()] == []


def test_colours_change_nothing_but_colours() -> None:
    coloured = text(history(), Style(colour=True))
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in ESCAPE.sub("", coloured).splitlines()] == text(history()).splitlines()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "colour"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_needs_a_terminal_and_nobody_against_it(
    stream: io.StringIO, environment: dict[str, str], colour: bool
) -> None:
    assert style_for(stream, environment).colour is colour


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        (0, "+0.000s"),
        (12_345 * MILLISECOND, "+12.345s"),
        (-20 * MILLISECOND, "-0.020s"),
        (599 * SECOND, "+599.000s"),
        (10 * MINUTE, "+10m00.000s"),
        (HOUR + 2 * MINUTE + 3 * SECOND + 450 * MILLISECOND, "+1h02m03.450s"),
        (30 * 24 * HOUR, "+720h00m00.000s"),
    ],
)
def test_times_count_from_the_acceptance(after: int, shown: str) -> None:
    assert relative_time(after) == shown


def test_the_heading_names_each_component_where_they_differ() -> None:
    nodes = (
        ComponentHeader(name="old", release="1.28", feature_gates={"SidecarContainers": True}),
        ComponentHeader(name="new", release="1.29.0", bugs={"late-kill": False}),
    )
    first = text(History(header(nodes=nodes, seed=7, draw=3), [])).splitlines()[0]
    assert first == (
        "by-hand  control plane 1.29, old 1.28 (SidecarContainers=true), new 1.29.0 (bug late-kill off), "
        "timing typical, seed 7, draw 3"
    )


KILL_POD = DecidedAction(do="kill-pod")
RUNNING = {"running": {}}
ENDED = {"terminated": {"exitCode": 0, "reason": "Completed"}}


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ({"phase": "Failed", "reason": "Evicted", "message": "disk"}, "status: phase Failed (Evicted)"),
        (app_is({"waiting": {"reason": "CrashLoopBackOff"}}, False), "status: app waiting (CrashLoopBackOff)"),
        (app_is({"waiting": {}}, False), "status: app waiting"),
        (app_is(RUNNING, False, 2), "status: app running (restart 2)"),
        (app_is(RUNNING, True), "status: app running and ready; Pod Ready"),
        (app_is(ENDED, False), "status: app terminated (Completed, exit code 0)"),
        ({"conditions": [{"type": "Initialized", "status": "True"}]}, None),
        ({"conditions": [{"type": "ContainersReady", "status": "True"}]}, None),
        (
            {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]},
            "status: DisruptionTarget is True (EvictionByEvictionAPI)",
        ),
        ({"podIP": "10.0.0.1"}, None),
    ],
)
def test_status_writes_become_what_changed(status: dict[str, Any], what: str | None) -> None:
    assert [line.what for line in told(write(1, "kubelet/node1", {"status": status}))] == ([what] if what else [])


def test_a_container_that_only_became_ready_is_said_so() -> None:
    lines = told(
        write(1, "kubelet/node1", {"status": app_is(RUNNING, False)}),
        write(2, "kubelet/node1", {"status": app_is(RUNNING, True)}),
        write(3, "kubelet/node1", {"status": app_is(RUNNING, False)}),
    )
    assert [line.what for line in lines[1:]] == ["status: app ready; Pod Ready", "status: app not ready; Pod not Ready"]


@pytest.mark.parametrize(
    ("patch", "what"),
    [
        ({"spec": {"nodeName": "node1"}}, "bind web to node1"),
        ({"spec": {"activeDeadlineSeconds": 5}}, "spec.activeDeadlineSeconds changed"),
        ({"metadata": {"finalizers": ["a/b"]}}, "metadata.finalizers changed"),
        ({"metadata": {"resourceVersion": "7"}}, None),
        (
            {"metadata": {"deletionTimestamp": "2024-01-01T00:00:00Z", "deletionGracePeriodSeconds": 5}},
            "Pod web is being deleted, grace 5 s",
        ),
    ],
)
def test_other_writes_say_which_field_changed(patch: dict[str, Any], what: str | None) -> None:
    assert [line.what for line in told(write(1, "user", patch))] == ([what] if what else [])


def test_a_refused_create_is_told_with_the_reason() -> None:
    refused = ActionDone(at=0, do="create Pod", code=422, reason="Invalid", message="no containers")
    assert [(line.what, line.why) for line in told(refused)] == [("create Pod: refused (422 Invalid)", "no containers")]


@pytest.mark.parametrize(
    ("done", "what"),
    [
        (ActionDone(at=1, do="snapshot"), None),
        (ActionDone(at=1, do="create", arguments={"object": {}}, code=201), None),
        (ActionDone(at=1, do="kill", arguments={"pod": "web", "container": "app"}), "kill web/app"),
        (ActionDone(at=1, do="evict", arguments={"kind": "Pod", "name": "web"}, code=201), "evict Pod web"),
    ],
)
def test_actions_are_told_unless_their_effect_says_it_all(done: ActionDone, what: str | None) -> None:
    assert [line.what for line in told(done)] == ([what] if what else [])


def test_what_was_asked_stands_before_what_it_did() -> None:
    deleting = write(5, "user", {"metadata": {"deletionTimestamp": "2024-01-01T00:00:00Z"}})
    delete = ActionDone(at=5 * MILLISECOND, asked=3 * MILLISECOND, do="delete", arguments={"name": "web"}, code=200)
    assert [line.what for line in told(deleting, delete)] == ["delete web", "Pod web is being deleted"]


def test_steps_of_one_reason_are_one_line() -> None:
    steps = [DecidedAction(do="start", container=name, why="never ran", rules=("K-50",)) for name in ("a", "b")]
    (line,) = told(decided(1, "SyncPod", "initialized", ("K-41",), *steps))
    assert (line.who, line.what, line.why, line.rules) == ("kubelet", "start a, b", "never ran", ("K-50",))


def test_steps_without_a_reason_take_that_of_the_pass() -> None:
    (_, line) = told(runtime(1, "app", "start"), decided(2, "SyncPod", "all ended", ("K-66",), KILL_POD))
    assert (line.what, line.why, line.rules) == ("stop the pod", "all ended", ("K-66",))


def test_stopping_a_pod_in_which_nothing_runs_is_not_told() -> None:
    ended = [runtime(1, "app", "start"), runtime(2, "app", "exit", code=0)]
    lines = told(*ended, decided(3, "SyncPod", "no sandbox", ("K-35",), KILL_POD, DecidedAction(do="create-sandbox")))
    assert [line.what for line in lines[2:]] == ["create the sandbox"]


def test_different_steps_of_one_reason_are_one_line() -> None:
    steps = [DecidedAction(do=do, container=name) for do, name in (("create-sandbox", ""), ("start", "app"))]
    assert [line.what for line in told(decided(1, "SyncPod", "new", ("K-35",), *steps))] == [
        "create the sandbox, start app"
    ]


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ([DecidedAction(do="bind")], "bind web to node1"),
        ([DecidedAction(do="preempt", why="default/a on node1")], "preempt default/a on node1 for web"),
        ([DecidedAction(do="reject", why="node1: full")], "cannot place web"),
        ([], "cannot place web"),
    ],
)
def test_the_scheduler_says_what_it_does_with_the_pod(steps: list[DecidedAction], what: str) -> None:
    decision = msgspec.structs.replace(decided(1, "Schedule", "because", ("C-60",), *steps), actor="default-scheduler")
    bound = write(2, "default-scheduler", {"spec": {"nodeName": "node1"}})
    assert [(line.who, line.what, line.why) for line in told(decision, bound)] == [("scheduler", what, "because")]


def test_a_stop_of_the_dead_is_not_told() -> None:
    assert told(runtime(1, "app", "stop", grace=30)) == []


def test_a_signal_long_after_its_stop_is_told_by_itself() -> None:
    lines = told(runtime(1, "app", "stop", grace=30), runtime(500, "app", "signal", signal="SIGTERM"))
    assert [line.what for line in lines] == ["SIGTERM to app"]


@pytest.mark.parametrize(
    ("code", "reason", "what", "why"),
    [
        (0, "Completed", "app exited with 0", ""),
        (3, "Error", "app exited with 3", ""),
        (143, "Error", "app exited with 143", "128 + 15, as by SIGTERM"),
        (137, "OOMKilled", "app exited with 137 (OOMKilled)", "128 + 9, as by SIGKILL"),
        (255, "", "app exited with 255", ""),
    ],
)
def test_exit_codes_say_what_they_stand_for(code: int, reason: str, what: str, why: str) -> None:
    (line,) = told(runtime(1, "app", "exit", code=code, reason=reason))
    assert (line.what, line.why) == (what, why)


def recording(name: str) -> History:
    recorded = json.loads((HERE / "recordings" / f"{name}.json").read_text())
    return Teller(recorded, recorded["config"]).history()


def test_several_pods_are_told_by_name() -> None:
    whats = [line.what for line in story(recording("1.29_job-indexed-retry"))]
    assert "indexed-retry-1-x0002/work exited with 1" in whats
    assert "indexed-retry-0-x0001: status: phase Succeeded" in whats


def test_tables_are_those_of_kubectl() -> None:
    history = recording("1.29_sc-basic")
    assert pods_watch(history)[:3] == [
        "NAME       READY   STATUS            RESTARTS   AGE",
        "sc-basic   0/2     Pending           0          0s",
        "sc-basic   0/2     Init:0/1          0          1s",
    ]
    assert pods_table(history, wide=True) == [
        "NAME       READY   STATUS      RESTARTS   AGE   IP       NODE    NOMINATED NODE   READINESS GATES",
        "sc-basic   0/2     Completed   0          16s   <none>   node1   <none>           <none>",
    ]
    assert events_table(history)[1:3] == [
        "15s         Normal   Scheduled   pod/sc-basic   Successfully assigned s-sc-basic/sc-basic to node1",
        '15s         Normal   Pulled      pod/sc-basic   Container image "busybox:1.36" already present on machine',
    ]


def test_jobs_have_a_table_of_their_own() -> None:
    assert jobs_table(recording("1.29_job-indexed-retry")) == [
        "NAME            COMPLETIONS   DURATION   AGE",
        "indexed-retry   2/2           11s        14s",
    ]


def test_where_nothing_is_there_is_no_table() -> None:
    empty = recording("1.28_rej-init-probe")
    assert (pods_table(empty), pods_watch(empty), events_table(empty), jobs_table(empty)) == ([], [], [], [])


def test_columns_are_three_blanks_apart() -> None:
    assert align(["A", "BB"], [["long", ""], ["x", "y"]]) == ["A      BB", "long", "x      y"]
