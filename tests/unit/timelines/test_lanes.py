"""What a picture shows, row by row: each row is a short life written by hand, and how its lane must look."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    ComponentHeader,
    Decided,
    DecidedAction,
    Ended,
    EventEmitted,
    ProbeChanged,
)
from kubesim.timelines.lanes import instants, picture, pictures, where_it_ran
from kubesim.timelines.lanes_differences import differences
from kubesim.timelines.lanes_model import Lane, Look, MarkKind, MomentKind, Role, Window, own_windows
from kubesim.units import SECOND, seconds
from tests.unit.timelines.lanes_by_hand import changed, crowd, header, job, pod_object, runtime

HISTORIES: Final = Path(__file__).parent / "histories"
START: Final = runtime(1, "web", "app", "start")


def status(at: float, **entry: Any) -> AnyRecord:
    """The kubelet wrote the status of ``app``."""
    field = entry.pop("field", "containerStatuses")
    return changed(at, "Pod", "web", "MODIFIED", patch={"status": {field: [{"name": "app", **entry}]}})


def running(at: float, *, started: bool = True, ready: bool = True) -> AnyRecord:
    return status(at, state={"running": {}}, started=started, ready=ready)


def event(at: float, reason: str) -> EventEmitted:
    return EventEmitted(
        at=seconds(at), kind="Pod", namespace="default", name="web", uid="uid-web", type="Normal", reason=reason,
        message=f"{reason} …", component="kubelet", field_path="spec.containers{app}",
    )  # fmt: skip


def run_of(*records: AnyRecord, end: float = 20, inits: list[dict[str, Any]] | None = None) -> History:
    known = [changed(0, "Pod", "web", "ADDED", object=pod_object("web", ["app"], inits)), *records]
    known.sort(key=lambda record: record.at)
    return History(header(), [*known, Ended(at=seconds(end), why="until")])


def lane_of(history: History, name: str = "app") -> Lane:
    return next(lane for lane in picture(history).pods[0].lanes if lane.name == name)


def looks(lane: Lane) -> list[tuple[float, float, Look]]:
    return [(span.start / SECOND, span.end / SECOND, span.look) for span in lane.spans]


def held_back(at: float, why: str) -> AnyRecord:
    return Decided(
        at=seconds(at), actor="kubelet/node1", namespace="default", name="web", pass_="SyncPod",
        actions=(DecidedAction(do="hold back", container="app", why=why, rules=("K-61",)),),
    )  # fmt: skip


LIVES: Final[list[tuple[str, list[AnyRecord], list[tuple[float, float, Look]]]]] = [
    ("never started", [], [(0, 20, Look.WAITING)]),
    ("nobody has seen it run", [START], [(0, 1, Look.WAITING), (1, 20, Look.RUNNING)]),
    (
        "started, then ready, then not ready",
        [START, running(2, ready=False), running(4), running(9, ready=False)],
        [
            (0, 1, Look.WAITING),
            (1, 2, Look.RUNNING),
            (2, 4, Look.STARTED),
            (4, 9, Look.READY),
            (9, 20, Look.STARTED),
        ],
    ),
    (
        "a startup probe holds it back",
        [START, running(2, started=False, ready=False), running(6)],
        [(0, 1, Look.WAITING), (1, 6, Look.RUNNING), (6, 20, Look.READY)],
    ),
    (
        "ends with 0",
        [START, runtime(5, "web", "app", "exit", code=0)],
        [(0, 1, Look.WAITING), (1, 5, Look.RUNNING), (5, 20, Look.COMPLETED)],
    ),
    (
        "ends with 3",
        [START, runtime(5, "web", "app", "exit", code=3)],
        [(0, 1, Look.WAITING), (1, 5, Look.RUNNING), (5, 20, Look.FAILED)],
    ),
    (
        "ends by itself with 137",
        [START, runtime(5, "web", "app", "exit", code=137)],
        [(0, 1, Look.WAITING), (1, 5, Look.RUNNING), (5, 20, Look.FAILED)],
    ),
    (
        "runs out of memory",
        [START, runtime(5, "web", "app", "oom"), runtime(5, "web", "app", "exit", code=137)],
        [(0, 1, Look.WAITING), (1, 5, Look.RUNNING), (5, 20, Look.KILLED)],
    ),
    (
        "stopped and obeys",
        [
            START,
            runtime(5, "web", "app", "stop", grace=9),
            runtime(5, "web", "app", "signal", signal="SIGTERM"),
            runtime(8, "web", "app", "exit", code=143),
        ],
        [(0, 1, Look.WAITING), (1, 5, Look.RUNNING), (5, 8, Look.TERMINATING), (8, 20, Look.FAILED)],
    ),
    (
        "stopping begins with the preStop hook",
        [
            START,
            runtime(5, "web", "app", "exec-start", purpose="preStop", exec=1, command="sleep 2"),
            runtime(7, "web", "app", "exec-exit", purpose="preStop", exec=1, code=0),
            runtime(7, "web", "app", "stop", grace=2),
            runtime(9, "web", "app", "signal", signal="SIGKILL"),
            runtime(9, "web", "app", "exit", code=137),
        ],
        [(0, 1, Look.WAITING), (1, 5, Look.RUNNING), (5, 9, Look.TERMINATING), (9, 20, Look.KILLED)],
    ),
    (
        "the image is pulled",
        [event(1, "Pulling"), event(7, "Pulled"), runtime(8, "web", "app", "start")],
        [(0, 1, Look.WAITING), (1, 7, Look.PULLING), (7, 8, Look.WAITING), (8, 20, Look.RUNNING)],
    ),
    (
        "the image cannot be pulled, is tried again, comes",
        [event(1, "Pulling"), event(2, "Failed"), event(12, "Pulling"), event(13, "Pulled"),
         runtime(14, "web", "app", "start")],
        [(0, 1, Look.WAITING), (1, 2, Look.PULLING), (2, 12, Look.BACK_OFF), (12, 13, Look.PULLING),
         (13, 14, Look.WAITING), (14, 20, Look.RUNNING)],
    ),
    (
        "a configuration error counts as held back",
        [status(2, state={"waiting": {"reason": "CreateContainerConfigError"}})],
        [(0, 2, Look.WAITING), (2, 20, Look.BACK_OFF)],
    ),
    (
        "a crash loop; the length of the back-off is written only with the next attempt",
        [
            START,
            runtime(2, "web", "app", "exit", code=1),
            event(3, "BackOff"),
            event(13, "Pulled"),
            status(13.1, state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}}),
            runtime(14, "web", "app", "start", run=1),
        ],
        [(0, 1, Look.WAITING), (1, 2, Look.RUNNING), (2, 3, Look.FAILED), (3, 13, Look.BACK_OFF),
         (13, 14, Look.WAITING), (14, 20, Look.RUNNING)],
    ),
    (
        "a crash loop of which the Event is left out, and in which the image is pulled again",
        [
            START,
            runtime(2, "web", "app", "exit", code=1),
            held_back(3, "in back-off of 10s since it ended, 9s left"),
            event(12, "Pulling"),
            status(12.1, state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}}),
            event(13, "Pulled"),
            runtime(14, "web", "app", "start", run=1),
        ],
        [(0, 1, Look.WAITING), (1, 2, Look.RUNNING), (2, 3, Look.FAILED), (3, 12, Look.BACK_OFF),
         (12, 13, Look.PULLING), (13, 14, Look.WAITING), (14, 20, Look.RUNNING)],
    ),
    (
        "a pull that fails again has no back-off before it to speak of",
        [event(1, "Pulling"), event(2, "Failed"), event(12, "Pulling"),
         status(13, state={"waiting": {"reason": "ErrImagePull"}})],
        [(0, 1, Look.WAITING), (1, 2, Look.PULLING), (2, 12, Look.BACK_OFF), (12, 13, Look.PULLING),
         (13, 20, Look.BACK_OFF)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("records", "expected"), [row[1:] for row in LIVES], ids=[row[0] for row in LIVES])
def test_how_a_life_looks(records: list[AnyRecord], expected: list[tuple[float, float, Look]]) -> None:
    assert looks(lane_of(run_of(*records))) == expected


@pytest.mark.parametrize("records", [row[1] for row in LIVES], ids=[row[0] for row in LIVES])
def test_a_lane_has_no_gaps_and_no_overlaps(records: list[AnyRecord]) -> None:
    spans = lane_of(run_of(*records)).spans
    assert [span.start for span in spans[1:]] == [span.end for span in spans[:-1]]
    assert spans[-1].is_open
    assert not any(span.is_open for span in spans[:-1])


def test_a_status_about_an_earlier_run_says_nothing_of_this_one() -> None:
    old, new = {"container_id": "old"}, {"container_id": "new", "run": 1}
    history = run_of(
        runtime(1, "web", "app", "start", **old),
        runtime(3, "web", "app", "exit", code=1),
        runtime(4, "web", "app", "start", **new),
        status(5, state={"running": {}}, started=True, ready=True, containerID="containerd://old"),
        status(7, state={"running": {}}, started=True, ready=True, containerID="containerd://new"),
    )
    assert looks(lane_of(history))[-2:] == [(4, 7, Look.RUNNING), (7, 20, Look.READY)]
    assert lane_of(history).restarts == ((4 * SECOND, 1),)


def test_the_crash_loop_has_the_words_of_the_status() -> None:
    records = next(row[1] for row in LIVES if row[0].startswith("a crash loop"))
    held = next(span for span in lane_of(run_of(*records)).spans if span.look is Look.BACK_OFF)
    assert held.label == "back-off 10s"
    assert held.reason.why == "CrashLoopBackOff: back-off 10s restarting"


def test_roles_and_order_are_those_of_the_spec() -> None:
    history = run_of(inits=[{"name": "first"}, {"name": "side", "restartPolicy": "Always"}])
    lanes = picture(history).pods[0].lanes
    assert [(lane.name, lane.role) for lane in lanes] == [
        ("first", Role.INIT),
        ("side", Role.SIDECAR),
        ("app", Role.MAIN),
    ]


KILL: Final = [
    START,
    Decided(
        at=5 * SECOND, actor="kubelet/node1", namespace="default", name="web", pass_="SyncTerminatingPod",
        why="the pod terminates", rules=("K-6",),
        actions=(DecidedAction(do="stop", container="app", why="at once", rules=("K-73",)),),
    ),
    runtime(5, "web", "app", "exec-start", purpose="preStop", exec=1, command="sleep 60"),
    runtime(9, "web", "app", "stop", grace=2),
    runtime(9, "web", "app", "signal", signal="SIGTERM"),
    runtime(11, "web", "app", "signal", signal="SIGKILL"),
    runtime(11, "web", "app", "exit", code=137, reason="Error"),
]  # fmt: skip


def test_who_was_killed_is_told_why_and_by_which_rules() -> None:
    lane = lane_of(run_of(*KILL))
    killed = lane.spans[-1]
    assert killed.label == "killed 137"
    assert killed.reason.why == "still running when its grace of 2 s was over; the pod terminates; at once"
    assert killed.reason.rules == ("K-6", "K-73")
    assert [(mark.at // SECOND, mark.kind) for mark in lane.marks] == [(9, MarkKind.TERM), (11, MarkKind.KILL)]
    assert lane.windows == (Window(5 * SECOND, 11 * SECOND, 6),)
    assert [(hook.name, hook.start // SECOND, hook.end // SECOND) for hook in lane.hooks] == [("preStop", 5, 11)]


def test_a_stop_of_the_dead_opens_no_window() -> None:
    history = run_of(START, runtime(5, "web", "app", "exit", code=0), runtime(6, "web", "app", "stop", grace=30))
    assert lane_of(history).windows == ()


def test_probes_are_marks() -> None:
    def probe(at: int, result: str, origin: str = "answer") -> ProbeChanged:
        return ProbeChanged(
            at=at * SECOND, namespace="default", pod="web", container="app", probe="liveness", result=result,
            origin=origin,
        )  # fmt: skip

    given = [probe(1, "success", "initial"), probe(4, "failure"), probe(6, "success"), probe(8, "unknown")]
    marks = lane_of(run_of(START, *given, probe(9, "failure", "not running"))).marks
    assert [mark.kind for mark in marks] == [MarkKind.PROBE_FAILED, MarkKind.PROBE_PASSED]  # unknown changed nothing


def test_the_grace_period_is_that_of_the_api_and_may_shrink() -> None:
    def deleted(at: float, until: str, grace: int) -> AnyRecord:
        metadata = {"deletionTimestamp": until, "deletionGracePeriodSeconds": grace}
        return changed(at, "Pod", "web", "MODIFIED", patch={"metadata": metadata})

    history = run_of(deleted(2, "a", 30), deleted(3, "a", 30), deleted(4, "b", 5), deleted(6, "c", 0))
    windows = picture(history).pods[0].windows
    assert windows == (Window(2 * SECOND, 32 * SECOND, 30), Window(4 * SECOND, 9 * SECOND, 5))


def test_a_window_that_is_the_pods_is_not_shown_twice() -> None:
    of_pod = (Window(0, 20 * SECOND, 20),)
    same, other = Window(0, 20 * SECOND + 5, 20), Window(5 * SECOND, 12 * SECOND, 7)
    assert own_windows(Lane("app", Role.MAIN, (), windows=(same, other)), of_pod) == (other,)


def test_what_was_done_from_outside_is_a_line() -> None:
    def done(at: float, do: str, code: int = 200, **arguments: Any) -> ActionDone:
        return ActionDone(at=seconds(at), do=do, arguments={"name": "web", "kind": "Pod", **arguments}, code=code)

    history = run_of(
        ActionDone(at=0, do="create Pod", code=201),
        done(2, "patch"),
        done(3, "snapshot"),
        done(4, "delete", code=409),
        done(5, "delete", grace=3),
        changed(9, "Pod", "web", "DELETED"),
    )
    moments = picture(history).moments
    assert [(one.at // SECOND, one.kind, one.full_label) for one in moments] == [
        (2, MomentKind.ACTION, "patch web"),
        (4, MomentKind.REFUSED, "delete: refused web"),
        (5, MomentKind.DELETE, "delete web, grace 3 s"),
        (9, MomentKind.GONE, "gone web"),
    ]
    assert picture(history).pods[0].gone == 9 * SECOND
    assert not lane_of(history).spans[-1].is_open


def test_bands_follow_the_api() -> None:
    def wrote(at: float, phase: str, ready: str) -> AnyRecord:
        conditions = [{"type": "Ready", "status": ready}, {"type": "Odd", "status": "True"}]
        return changed(at, "Pod", "web", "MODIFIED", patch={"status": {"phase": phase, "conditions": conditions}})

    pod = picture(run_of(wrote(3, "Running", "False"), wrote(5, "Running", "True"))).pods[0]
    assert [(one.start // SECOND, one.end // SECOND, one.value) for one in pod.phase.segments] == [
        (0, 3, "Pending"),
        (3, 20, "Running"),
    ]
    assert [band.name for band in pod.conditions] == ["Ready", "Odd"]
    assert [one.value for one in pod.conditions[0].segments] == ["False", "True"]


def test_a_job_has_its_pods_as_lanes_and_its_back_off_between() -> None:
    shown = picture(job())
    found = shown.jobs[0]
    assert [lane.name for lane in found.lanes] == ["import-~1", "import-~2", "import-~3"]
    assert [span.label for span in found.waits] == ["back-off 10 s", "back-off 20 s"]
    assert [lane.spans[-1].look for lane in found.lanes] == [Look.FAILED, Look.FAILED, Look.COMPLETED]
    assert found.lanes[0].spans[-1].label == "Failed 3"
    assert [lane.note for lane in found.lanes] == ["attempt 1", "attempt 2", "attempt 3"]
    assert [band.name for band in found.counters] == ["active", "ready", "succeeded", "failed"]
    assert [one.value for one in found.counters[3].segments] == ["0", "1", "2"]
    assert [band.name for band in found.conditions] == ["Complete"]


def test_differences_are_where_lanes_look_otherwise() -> None:
    base = picture(run_of(START, runtime(5, "web", "app", "exit", code=0)))
    later = picture(run_of(START, runtime(9, "web", "app", "exit", code=0)))
    nearly = picture(run_of(START, runtime(5.5, "web", "app", "exit", code=0)))
    lane = ("default", "web", "app")
    assert differences([base, later]) == [{lane: ((5 * SECOND, 9 * SECOND),)}] * 2
    assert differences([base, nearly]) == [{}, {}]
    assert differences([base, later, nearly])[0] == {lane: ((5 * SECOND, 9 * SECOND),)}
    assert differences([base]) == [{}]


def ended_run(end: float, why: str) -> History:
    records: list[AnyRecord] = [changed(0, "Pod", "web", "ADDED", object=pod_object("web", ["app"])), START, running(2)]
    return History(header(), [*records, Ended(at=seconds(end), why=why)])


@pytest.mark.parametrize(("why", "end"), [("settled", 32), ("until", 4), ("horizon", 4)])
def test_a_run_that_settled_goes_on_as_long_as_the_others(why: str, end: float) -> None:
    shown = pictures([ended_run(4, why), ended_run(32 * 16 / 17, "settled")])[0]
    lane = shown.pods[0].lanes[0]
    assert (lane.spans[-1].look, lane.spans[-1].is_open) == (Look.READY, True)
    goes_on = why == "settled"
    assert (shown.end > 30 * SECOND) is (lane.spans[-1].end > 30 * SECOND) is goes_on
    assert (shown.pods[0].phase.segments[-1].end == shown.end) is True
    assert goes_on or shown.end == end * SECOND


def test_restarts_are_counted_although_the_kubelet_begins_at_0_again() -> None:
    again = [runtime(at, "web", "app", event, run=0, code=0) for at, event in ((3, "exit"), (5, "start"), (7, "exit"))]
    third = runtime(9, "web", "app", "start", run=1)
    assert lane_of(run_of(START, *again, third)).restarts == ((5 * SECOND, 1), (9 * SECOND, 2))


def test_of_a_run_whose_pods_are_gone_nothing_goes_on() -> None:
    gone = changed(3, "Pod", "web", "DELETED")
    history = History(header(), [*run_of(START), gone, Ended(at=4 * SECOND, why="settled")])
    assert pictures([history])[0].end == 4 * SECOND


def test_what_the_api_server_refused_is_told() -> None:
    refused = ActionDone(at=SECOND, do="create Pod", code=422, message="no")
    known = picture(run_of(refused, ActionDone(at=SECOND, do="delete", code=404))).refusals
    assert [(one.at, one.what, one.message) for one in known] == [(SECOND, "Pod", "no")]


def test_of_what_follows_the_end_of_a_run_that_was_cut_off_nobody_knows() -> None:
    cut, settled = ended_run(4, "until"), ended_run(32, "settled")
    assert differences(pictures([cut, settled])) == [{}, {}]
    assert differences(pictures([settled, cut])) == [{}, {}]


def test_a_job_that_was_suspended_did_not_back_off() -> None:
    history = job()
    suspended = changed(4.5, "Job", "import", "MODIFIED", patch={"spec": {"suspend": True}})
    resumed = changed(9, "Job", "import", "MODIFIED", patch={"spec": {"suspend": False}})
    records = sorted([*history, suspended, resumed], key=lambda record: record.at)
    waits = [span.label for span in picture(History(history.header, records)).jobs[0].waits]
    assert waits == ["suspended 10 s", "back-off 20 s"]


def test_only_what_is_shown_takes_room_on_the_axis() -> None:
    shown = picture(run_of(START, runtime(7, "web", "app", "exit", code=0)))
    assert 7 * SECOND in instants(shown)
    assert instants(shown, []) == [0, 20 * SECOND]


def test_where_it_ran_tells_runs_apart() -> None:
    gates = {"SidecarContainers": True}
    plane = ComponentHeader(name="control-plane", release="1.28", feature_gates=gates)
    node = ComponentHeader(name="node1", release="1.28", feature_gates=gates)
    old = ComponentHeader(name="node1", release="1.28")
    assert where_it_ran(header("1.28", control_plane=plane, nodes=(node,))) == "1.28 (SidecarContainers=true)"
    assert where_it_ran(header(nodes=(old,))) == "1.29, nodes 1.28"
    assert where_it_ran(header(nodes=(old, node.__class__(name="new", release="1.29")))) == "1.29, node1 1.28"
    assert where_it_ran(header(seed=3, draw=2)) == "1.29, seed 3, draw 2"


def test_recorded_runs_differ_in_the_order_of_stopping() -> None:
    old, new = (picture(History.read(HISTORIES / f"demo-delete-{release}.jsonl")) for release in ("1.28", "1.29"))

    def stopped(name: str, shown: Any) -> int:
        lane = next(lane for lane in shown.pods[0].lanes if lane.name == name)
        return next(span.start for span in lane.spans if span.look is Look.TERMINATING) // SECOND

    assert (stopped("app", old), stopped("proxy", old)) == (12, 12)
    assert (stopped("app", new), stopped("proxy", new)) == (12, 15)
    assert list(differences([old, new])[1]) == [("default", "demo", "proxy")]


@pytest.mark.parametrize("history", [crowd(), job(), run_of(*KILL)], ids=["crowd", "job", "kill"])
def test_everything_lies_between_the_instants(history: History) -> None:
    shown = picture(history)
    known = instants(shown)
    assert known == sorted(set(known))
    inside = {span.start for pod in shown.pods for lane in pod.lanes for span in lane.spans}
    assert inside <= set(known)
