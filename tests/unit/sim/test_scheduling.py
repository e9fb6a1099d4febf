"""The scheduler on the clock: what is written when, who is tried again, and what does not keep a run alive."""

from __future__ import annotations

import io
from typing import Any

import pytest

from kubesim.history.history import History
from kubesim.history.records import Ended, EventEmitted, NotModelled, ObjectChanged
from kubesim.scenario.load import Scenario, load_scenario
from kubesim.sim.world import World
from kubesim.store import Reply
from kubesim.units import SECOND, Instant

ONE_CPU = "{name: n1, allocatable: {cpu: '1'}}"


def pod(name: str, spec: str = "", cpu: str = "0", metadata: str = "") -> str:
    return f"""
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}{metadata}}}
spec:
  terminationGracePeriodSeconds: 1
  {spec or "restartPolicy: Always"}
  containers:
  - {{name: app, image: "busybox:1.36", command: [sleep, "3600"], resources: {{requests: {{cpu: {cpu}}}}}}}
"""


def scenario(
    *pods: str,
    release: str = "1.29",
    nodes: str = "{name: n1}",
    actions: str = "",
    until: str = "",
) -> Scenario:
    text = f"""
apiVersion: kubesim/v1
kind: Scenario
metadata: {{name: test}}
spec:
  cluster: {{release: "{release}", nodes: [{nodes}]}}
  actions: [{actions}]
"""
    if until:
        text += f"  until: {until}\n"
    return load_scenario(io.StringIO(text + "".join(pods)))


def run(
    *pods: str, draw: int = 0, node_patch: dict[str, Any] | None = None, at: float = 0, **more: Any
) -> tuple[World, History]:
    """Run; ``node_patch`` is merged into node n1 (into its status, if it is about that) after ``at`` seconds."""
    world = World(scenario(*pods, **more), draw=draw)
    if node_patch is not None:
        subresource = "status" if "status" in node_patch else None

        def call(now: Instant) -> Reply:
            return world.api.store.patch("Node", "", "n1", "merge", node_patch, now, subresource=subresource)

        world.clock.at(world.started + int(at * SECOND), world.api.now, "user", call)
    return world, world.run()


def tenths(world: World, at: Instant) -> float:
    """Seconds from the start, cut to tenths: latencies are shorter."""
    return (at - world.started) // (SECOND // 10) / 10


def events(world: World, history: History, *reasons: str) -> list[tuple[float, str, str, int]]:
    """(seconds, object, reason and message, count) of the scheduler's Events."""
    return [
        (tenths(world, record.at), record.name, record.message, record.count)
        for record in history
        if isinstance(record, EventEmitted) and record.component == "default-scheduler"
        if not reasons or record.reason in reasons
    ]


def conditions(world: World, history: History, name: str) -> list[tuple[float, str, str]]:
    """(seconds, status, reason) of each write of PodScheduled."""
    found: list[tuple[float, str, str]] = []
    for record in history:
        if not isinstance(record, ObjectChanged) or record.kind != "Pod" or record.name != name:
            continue
        status = ((record.object or record.patch or {}).get("status")) or {}
        for condition in status.get("conditions") or ():
            entry = (condition["status"], condition.get("reason", ""))
            if condition["type"] == "PodScheduled" and (not found or found[-1][1:] != entry):
                found.append((tenths(world, record.at), *entry))
    return found


NO_SSD = "nodeSelector: {disktype: ssd}"
SKIPPED = "skip schedule deleting pod: default/web"


@pytest.mark.parametrize(
    ("release", "skipped"), [("1.28", True), ("1.29", True), ("1.31", True), ("1.32", False), ("1.36", False)]
)
def test_a_pod_no_node_can_take(release: str, skipped: bool) -> None:
    """Recordings err-unschedulable: Event and condition at once; a delete makes old schedulers look again (C-64)."""
    world, history = run(pod("web", NO_SSD), release=release, actions="{at: 10s, delete: {kind: Pod, name: web}}")
    assert conditions(world, history, "web") == [(0, "False", "Unschedulable")]
    (first, *rest) = events(world, history)
    assert first[0] == 0
    assert first[2].startswith("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")
    assert rest == ([(10, "web", SKIPPED, 1)] if skipped else [])


@pytest.mark.parametrize(("release", "observed"), [("1.33", None), ("1.34", 1), ("1.36", 1)])
def test_the_condition_says_what_generation_it_is_about(release: str, observed: int | None) -> None:
    world, _ = run(pod("web", NO_SSD), release=release)
    stored = world.api.store.find("Pod", "default", "web")
    assert stored is not None
    assert stored["status"]["conditions"][0].get("observedGeneration") == observed


def test_a_pod_that_waits_does_not_keep_the_run_alive() -> None:
    _, history = run(pod("web", NO_SSD))
    ended = history[-1]
    assert isinstance(ended, Ended)
    assert ended.why == "settled"


def test_after_five_minutes_it_is_tried_again_and_the_events_grow_into_a_series() -> None:
    """The first failure is about the pod as created, the later ones about the pod with its condition."""
    keep_going = "{at: 40m, delete: {kind: Pod, name: web}}"
    world, history = run(pod("web", NO_SSD), actions=keep_going, until="41m")
    found = [(at, count) for at, _, message, count in events(world, history) if message != SKIPPED]
    assert found[:3] == [(0, 1), (315, 1), (645, 2)]
    assert found[3] == (1800, 5)  # the refresh; tries 3 to 5 of the series were not written by themselves
    assert len(conditions(world, history, "web")) == 1


@pytest.mark.parametrize(
    ("release", "at"),
    [("1.29", 1.5), ("1.33", 0.5)],
)
def test_room_that_comes_free_is_taken_when_the_backoff_is_over(release: str, at: float) -> None:
    """C-64: 1 s after the first try, at the next look; since 1.33 an idle queue waits not."""
    free = {"status": {"allocatable": {"cpu": "2", "pods": "9"}}}
    world, history = run(
        pod("a", cpu="1"), pod("b", cpu="1"), nodes=ONE_CPU, release=release, node_patch=free, at=0.5, until="1m"
    )
    assert conditions(world, history, "b") == [(0, "False", "Unschedulable"), (at, "True", "")]


def test_a_pod_that_ends_gives_its_room_back() -> None:
    gone = "{at: 20s, delete: {kind: Pod, name: a}}"
    world, history = run(pod("a", cpu="1"), pod("b", cpu="1"), nodes=ONE_CPU, actions=gone)
    bound = conditions(world, history, "b")[1][0]
    assert 20 < bound < 24
    assert [entry[1] for entry in events(world, history, "Scheduled")] == ["a", "b"]


def test_a_deletion_alone_frees_nothing_for_another_selector() -> None:
    gone = "{at: 20s, delete: {kind: Pod, name: a}}"
    world, history = run(pod("a"), pod("web", NO_SSD), actions=gone)
    assert [at for at, name, *_ in events(world, history) if name == "web"] == [0]


@pytest.mark.parametrize(
    ("patch", "helps"),
    [
        ({"metadata": {"labels": {"disktype": "ssd"}}}, True),
        ({"metadata": {"labels": {"disktype": "hdd"}}}, False),
        ({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}}, False),
    ],
)
def test_changes_of_a_node(patch: dict[str, Any], helps: bool) -> None:
    """The label it lacks helps at once; anything else about the node does not wake the pod."""
    world, history = run(pod("web", NO_SSD), node_patch=patch, at=30, until="1m")
    assert conditions(world, history, "web")[1:] == ([(30.0, "True", "")] if helps else [])
    assert [at for at, *_ in events(world, history, "FailedScheduling")] == [0]


def test_a_new_node_is_where_the_pod_goes() -> None:
    new = (
        "{at: 30s, create: {object: {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {disktype: ssd}}, "
        "status: {allocatable: {pods: '5'}}}}}"
    )
    world, history = run(pod("web", NO_SSD), actions=new)
    assert conditions(world, history, "web")[1:] == [(30.0, "True", "")]
    stored = world.api.store.find("Pod", "default", "web")
    assert stored is not None
    assert stored["spec"]["nodeName"] == "n2"


@pytest.mark.parametrize("release", ["1.27", "1.29", "1.30", "1.36"])
def test_gates_hold_a_pod_back_until_they_are_gone(release: str) -> None:
    """C-63, recordings err-scheduling-gate: no Event, no try, and then no back-off."""
    lift = "{at: 6s, patch: {kind: Pod, name: web, type: merge, patch: {spec: {schedulingGates: []}}}}"
    world, history = run(pod("web", "schedulingGates: [{name: example.com/quota}]"), release=release, actions=lift)
    assert conditions(world, history, "web") == [(0, "False", "SchedulingGated"), (6, "True", "")]
    assert [entry[:2] for entry in events(world, history)] == [(6, "web")]


def test_pods_of_other_schedulers_and_pods_with_a_node_are_left_alone() -> None:
    world, history = run(pod("other", "schedulerName: mine"), pod("placed", "nodeName: n1"))
    assert events(world, history) == []
    assert world.scheduler.nodes["n1"].pods.keys() == {
        pod["metadata"]["uid"] for pod in world.pods_in_order_of_creation("default") if pod["spec"].get("nodeName")
    }


def test_room_is_taken_from_the_decision_on() -> None:
    """Ten pods at one instant and room for three: each decision knows of those before it."""
    world, history = run(*(pod(f"p{number}", cpu="300m") for number in range(10)), nodes=ONE_CPU, until="1m")
    assert len(events(world, history, "Scheduled")) == 3
    assert len(events(world, history, "FailedScheduling")) == 7


def test_pods_are_spread_over_nodes() -> None:
    world, _ = run(*(pod(f"p{number}") for number in range(6)), nodes="{name: a}, {name: b}, {name: c}")
    assert sorted(len(state.pods) for state in world.scheduler.nodes.values()) == [2, 2, 2]


@pytest.mark.parametrize(("release", "by"), [("1.28", "a pod"), ("1.29", "pod {uid}")])
def test_preemption(release: str, by: str) -> None:
    """S-13, S-87: the victim gets its condition, its grace and an Event; the room is kept for the preemptor."""
    vip = (
        "{at: 10s, create: {object: {apiVersion: v1, kind: Pod, metadata: {name: vip}, spec: {priorityClassName: "
        "system-node-critical, containers: [{name: app, image: 'busybox:1.36', command: [sleep, '3600'], "
        "resources: {requests: {cpu: '1'}}}]}}}}"
    )
    world, history = run(pod("low", cpu="1"), nodes=ONE_CPU, actions=vip, release=release, until="1m")
    stored = world.api.store.find("Pod", "default", "vip")
    assert stored is not None
    uid = stored["metadata"]["uid"]
    assert events(world, history, "Preempted")[0][:3] == (10, "low", f"Preempted by {by.format(uid=uid)} on node n1")
    assert stored["spec"]["nodeName"] == "n1"
    assert world.api.store.find("Pod", "default", "low") is None
    writes = [record.patch or {} for record in history if isinstance(record, ObjectChanged) and record.name == "vip"]
    assert any(write.get("status", {}).get("nominatedNodeName") == "n1" for write in writes)
    targets = [record.patch or {} for record in history if isinstance(record, ObjectChanged) and record.name == "low"]
    assert any("PreemptionByScheduler" in str(write) for write in targets)
    assert [status for _, status, _ in conditions(world, history, "vip")] == ["False", "True"]


def test_what_has_no_effect_is_said_once() -> None:
    wish = "topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: ScheduleAnyway}]"
    _, history = run(pod("web", wish))
    notes = [record.field for record in history if isinstance(record, NotModelled)]
    assert notes.count("spec.topologySpreadConstraints[].whenUnsatisfiable") == 1


def test_draws_let_the_delete_overtake_the_second_look() -> None:
    """Of three recordings on 1.28 and 1.29 two have the Event of the skipped pod: both orders must come up."""
    seen = set()
    for draw in range(1, 33):
        world, history = run(pod("web", NO_SSD), draw=draw, actions="{at: 10s, delete: {kind: Pod, name: web}}")
        seen.add(any(message == SKIPPED for _, _, message, _ in events(world, history)))
    assert seen == {True, False}
