"""A run shared by several worlds or processes has the history of one, byte for byte."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kubesim import api
from kubesim.errors import OneProcess, ScenarioError
from kubesim.exploration import parts
from kubesim.exploration.parts import run_in_parts, together
from kubesim.history.history import History
from kubesim.history.records import Assumed, NotModelled, ObjectChanged
from kubesim.scenario.load import Scenario
from kubesim.scenario.parts import Split, split
from kubesim.sim.part_world import Bounds, PartRun, Renumbered, run_part
from kubesim.sim.world import World
from tests.unit.exploration.parts_pieces import in_parts, one_after_the_other, twinned
from tests.unit.sim.sim_runs import config_map, container, pod, scenario

ROOT = Path(__file__).parents[3]
NODES = {"nodes": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}


def on(node: str, name: str, script: str = "sleep 2", **more: Any) -> dict[str, Any]:
    """A Pod of one container on a node."""
    more.setdefault("restartPolicy", "Never")
    return pod(container("app", script), name=name, nodeName=node, **more)


def assert_same(one: History, other: History) -> None:
    for line, expected in zip(one.lines(), other.lines(), strict=True):
        assert line == expected


def splittable() -> list[Path]:
    """The scenarios of the repository of which a twin falls into two parts."""
    found = []
    for path in sorted((ROOT / "scenarios").rglob("*.yaml")):
        try:
            fits = isinstance(split(twinned(path), 2), Split)
        except ScenarioError:  # an action whose node or Job has no twin
            fits = False
        if fits:
            found.append(path)
    return found


def test_the_scenarios_of_the_repository_give_the_same_history_in_parts() -> None:
    paths = splittable()
    assert len(paths) > 30
    for path in paths:
        both = twinned(path)
        assert_same(in_parts(both), World(both).run())


@pytest.mark.parametrize("level", ["full", "summary", "none"])
@pytest.mark.parametrize("count", [2, 3])
def test_every_level_of_history_is_the_same_in_parts(level: str, count: int) -> None:
    pods = [on("abc"[number % 3], f"p{number}", f"sleep {number}; exit {number % 2}") for number in range(7)]
    lasting = on("b", "lasting", "trap 'exit 0' TERM; sleep 1000000 & wait")
    actions = [{"at": "4s", "delete": {"kind": "Pod", "name": "p5"}}, {"at": "2s", "snapshot": {}}]
    actions.append({"at": "3s", "create": {"object": on("c", "late")}})
    actions.append({"at": "3s", "create": {"object": on("a", "p0")}})
    whole = scenario(config_map("settings"), *pods, lasting, cluster=NODES, actions=actions)
    history = World(whole, level=level).run()
    assert len(history) > (20 if level == "full" else 1)
    assert_same(in_parts(whole, count, level), history)


def test_what_is_said_once_is_said_once() -> None:
    pods = [on(node, f"in-{node}", metadata={"namespace": "shop"}) for node in "abc"]
    quota = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {}}
    history = in_parts(scenario(quota, *pods, cluster=NODES), 3)
    subjects = [one.subject for one in history.of(Assumed)]
    assert subjects.count("Namespace/shop") == 1
    assert [one.subject for one in history.of(NotModelled)] == []


def test_the_writes_are_numbered_through() -> None:
    history = in_parts(scenario(on("a", "one"), on("b", "two"), cluster=NODES))
    numbers = [change.resource_version for change in history.of(ObjectChanged)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [int(version.object["metadata"]["resourceVersion"]) for version in history.versions("Pod", "default", "one")]


def evicted_and_longer() -> Scenario:
    """A Pod that is evicted, of which a background timer is left, beside one that runs longer."""
    fills = "dd if=/dev/zero of=/scratch/f bs=1M count=5; trap 'exit 0' TERM; sleep 1000000 & wait"
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    scratch = [{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}]
    greedy = pod(container("app", fills, volumeMounts=mounts), nodeName="a", volumes=scratch, restartPolicy="Never")
    return scenario(greedy, on("b", "long", "sleep 300"), cluster=NODES)


def test_a_part_that_is_settled_goes_on_in_the_background_while_another_is_not() -> None:
    asked: list[int] = []

    def run_all(calls: Sequence[Callable[[], PartRun]]) -> list[PartRun]:
        asked.append(len(calls))
        return one_after_the_other(calls)

    for whole, expected in ((evicted_and_longer(), [2, 1]), (scenario(on("a", "p"), on("b", "q"), cluster=NODES), [2])):
        asked.clear()
        found = split(whole, 2)
        assert isinstance(found, Split)
        assert_same(together(whole, found, run_all), World(whole).run())
        assert asked == expected


def test_a_part_runs_exactly_as_many_steps_as_it_is_asked_for() -> None:
    whole = evicted_and_longer()
    found = split(whole, 2)
    assert isinstance(found, Split)
    run = partial(run_part, whole, found, 0, whole.digest(), None, "full")
    far, near = run(Bounds()), run(Bounds(steps=40))
    assert len(far.journal) > len(near.journal) == 40
    assert near.journal.instants == far.journal.instants[:40]
    assert near.journal.records == far.journal.records[:40]
    assert near.next_due == far.journal.instants[40]


def test_processes_give_the_same_history() -> None:
    whole = scenario(*(on("abc"[number % 3], f"p{number}") for number in range(6)), cluster=NODES)
    assert_same(api.run(whole, jobs=2), api.run(whole))


def test_a_run_in_one_process_says_why() -> None:
    whole = scenario(on("a", "one"), pod(container("app", "sleep 1"), name="two"), cluster=NODES)
    with pytest.warns(OneProcess, match="Pod two names no node"):
        history = api.run(whole, jobs=2)
    assert_same(history, api.run(whole))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        api.run(whole, jobs=1)


@pytest.fixture
def without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_processes", lambda count: nullcontext(one_after_the_other))


@pytest.mark.usefixtures("without_processes")
def test_a_refused_manifest_moves_the_uids_behind_it_so_that_the_run_is_one() -> None:
    refused = on("a", "refused", spelt="wrong")
    whole = scenario(refused, on("a", "one"), on("b", "two"), cluster=NODES)
    with pytest.raises(Renumbered):
        in_parts(whole)
    outcome = run_in_parts(whole, 2)
    assert (outcome.parts, outcome.why) == (1, "a manifest is refused before it gets a uid")
    assert_same(outcome.history, World(whole).run())


def test_a_late_object_that_is_refused_makes_the_run_one() -> None:
    late = {"at": "2s", "create": {"object": on("b", "late", spelt="wrong")}}
    whole = scenario(on("a", "one"), on("b", "two"), cluster=NODES, actions=[late])
    with pytest.raises(Renumbered):
        in_parts(whole)


@pytest.mark.usefixtures("without_processes")
def test_what_a_run_cannot_do_it_cannot_do_in_parts() -> None:
    late = {"at": "9s", "delete": {"kind": "Pod", "name": "one"}}
    whole = scenario(on("a", "one"), on("b", "two"), cluster=NODES, actions=[late], until="5s")
    with pytest.raises(ScenarioError) as alone:
        World(whole).run()
    with pytest.raises(ScenarioError) as shared:
        run_in_parts(whole, 2)
    assert str(shared.value) == str(alone.value)
