"""Laws that every run obeys, whatever the cluster, the Pod and what is done to it."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from plans import Plan, seconds_after_start
from strategies import plans

from kubesim.history.history import History
from kubesim.history.records import Decided, Ended, ObjectChanged, RuntimeChanged
from kubesim.kubelet.observed import RuntimeState
from kubesim.sim.instances import INSTANCE_MOVES
from kubesim.sim.pod_worker import WORK_MOVES, Work
from kubesim.units import MILLISECOND, Instant

LONGEST_UNNOTICED = 250 * MILLISECOND
"""From a process' exit until the runtime reports it, at the most: ``exit-seen`` of ``sim/timings.yaml``."""

WORK_OF_PASS = {
    "SyncPod": Work.SYNC,
    "SyncTerminatingPod": Work.TERMINATING,
    "SyncTerminatedPod": Work.TERMINATED,
}


@given(plans())
def test_the_same_header_gives_the_same_bytes(plan: Plan) -> None:
    assert plan.run().to_jsonl() == plan.run().to_jsonl(), plan.replays()


@given(plans())
def test_a_history_is_well_formed(plan: Plan) -> None:
    history = plan.run()
    assert isinstance(history[-1], Ended), plan.replays()
    assert sum(isinstance(record, Ended) for record in history) == 1, plan.replays()
    assert History.of_lines(history.lines()) == history, plan.replays()
    _clock_is_monotone(plan, history)
    _resource_versions_rise(plan, history)
    _runs_are_whole(plan, history)


def _clock_is_monotone(plan: Plan, history: History) -> None:
    for before, after in pairwise(history):
        assert before.at <= after.at, (
            f"at {seconds_after_start(history, after.at)} s: {after}\nafter {before}\n{plan.replays()}"
        )


def _resource_versions_rise(plan: Plan, history: History) -> None:
    latest = 0
    for change in history.of(ObjectChanged):
        assert change.resource_version > latest, f"{change}\n{plan.replays()}"
        latest = change.resource_version


def _runs_are_whole(plan: Plan, history: History) -> None:
    """Each instance moves as the table says: it starts once, ends once, and gets nothing before or after.

    Only a signal may find that its process has just ended, as long as the runtime has not noticed.
    """
    states: dict[tuple[str, str, int], RuntimeState] = defaultdict(lambda: RuntimeState.CREATED)
    noticed: dict[tuple[str, str, int], Instant] = {}
    for record in history.of(RuntimeChanged):
        key = record.pod, record.container, record.run
        to = {"start": RuntimeState.RUNNING, "exit": RuntimeState.EXITED}.get(record.event)
        if to is not None:
            assert to in INSTANCE_MOVES[states[key]], f"{record}\n{plan.replays()}"
            states[key] = to
            noticed[key] = record.at + LONGEST_UNNOTICED
        elif record.event == "signal" and states[key] is RuntimeState.EXITED:
            assert record.at <= noticed[key], f"{record}\n{plan.replays()}"
        elif record.event in ("signal", "oom", "exec-start"):
            assert states[key] is RuntimeState.RUNNING, f"{record}\n{plan.replays()}"


@given(plans())
def test_the_pod_worker_goes_one_way(plan: Plan) -> None:
    works: dict[str, Work] = {}
    for record in plan.run().of(Decided):
        to = WORK_OF_PASS.get(record.pass_)
        if to is None or not record.actor.startswith("kubelet"):
            continue
        before = works.get(record.name)
        assert before in (None, to) or _reaches(before, to), f"{record}\n{plan.replays()}"
        works[record.name] = to


def _reaches(before: Work | None, to: Work) -> bool:
    return before is not None and any(step is to or _reaches(step, to) for step in WORK_MOVES[before])


@given(plans())
def test_no_container_runs_in_a_terminal_phase(plan: Plan) -> None:
    history = plan.run()
    for life in history.pods:
        over = next((one.at for one in life.phases if one.phase in ("Succeeded", "Failed")), None)
        for container in life.containers.values() if over is not None else ():
            for run in container.runs:
                assert run.exit is not None, f"{container.name}\n{plan.replays()}"
                assert run.exit <= over, f"{container.name}\n{plan.replays()}"
