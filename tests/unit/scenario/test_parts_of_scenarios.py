"""Which scenarios fall into parts, into which, and why others do not."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from kubesim.api import load
from kubesim.scenario.load import Scenario
from kubesim.scenario.parts import Part, Split, Whole, split

Object = dict[str, Any]


def pod(name: str, node: str | None = None, **metadata: Any) -> Object:
    where = {} if node is None else {"nodeName": node}
    spec = {**where, "containers": [{"name": "app", "image": "app:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


def config(name: str = "settings", **metadata: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def scenario(*objects: Object, actions: tuple[Object, ...] = (), **cluster: Any) -> Scenario:
    cluster.setdefault("nodes", [{"name": name} for name in "abc"])
    document = {"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": {"cluster": cluster, "actions": [*actions]}}
    return load([io.StringIO(json.dumps(each)) for each in (document, *objects)])


TWO = (pod("one", "a"), pod("two", "b"))
OWNER = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "settings", "uid": "1"}]


def test_nodes_go_to_the_part_with_the_fewest_pods_and_objects_with_their_nodes() -> None:
    pods = (pod("p0", "b"), pod("p1", "a"), pod("p2", "b"), pod("p3", "c"))
    late = {"at": "2s", "create": {"object": pod("late", "a")}}
    delete = {"at": "1s", "delete": {"kind": "Pod", "name": "p0"}}
    found = split(scenario(config(), *pods, actions=(late, delete, {"at": "1s", "snapshot": {}})), 2)
    assert isinstance(found, Split)
    assert found.shared == {0}
    assert [type(action).__name__ for action in found.actions] == ["Delete", "Snapshot", "Create"]
    assert found.parts == (
        Part(nodes=(0, 2), objects=(0, 2, 4), actions=(1, 2), numbers=(1, 3, 4, 6, 8, 9)),
        Part(nodes=(1,), objects=(0, 1, 3), actions=(0,), numbers=(2, 4, 5, 7)),
    )


def test_every_pod_and_action_is_in_one_part_and_every_number_too() -> None:
    pods = tuple(pod(f"p{number}", "abc"[number % 3]) for number in range(11))
    actions = tuple({"at": "1s", "delete": {"kind": "Pod", "name": f"p{number}"}} for number in range(11))
    for count in (2, 3, 8):
        found = split(scenario(*pods, actions=actions), count)
        assert isinstance(found, Split)
        assert len(found.parts) == min(count, 3)
        for field, size in (("nodes", 3), ("objects", 11), ("actions", 11)):
            assert sorted(one for part in found.parts for one in getattr(part, field)) == list(range(size))
        assert sorted(one for part in found.parts for one in part.numbers) == list(range(1, 15))


def test_a_creation_of_several_objects_is_one_of_each() -> None:
    several = {"apiVersion": "v1", "kind": "List", "items": [pod("three", "a"), pod("four", "b"), pod("five", "a")]}
    found = split(scenario(*TWO, actions=({"at": "1s", "create": {"object": several}},)), 2)
    assert isinstance(found, Split)
    assert [part.actions for part in found.parts] == [(0, 2), (1,)]
    assert [part.numbers for part in found.parts] == [(1, 4, 6, 8), (2, 3, 5, 7)]


JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "work"},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "app:1"}]}}},
}
ALL_ON_ONE = (pod("one", "a"), pod("two", "a"))
UNNAMED = {**pod("", "a"), "metadata": {"generateName": "web-"}}
WEBHOOK = {"name": "labels.example.com", "mergePatch": {"metadata": {"labels": {"seen": "yes"}}}}


@pytest.mark.parametrize(
    ("objects", "given", "why"),
    [
        ((pod("one", "a"), pod("two")), {}, "Pod two names no node: the scheduler places it by what is on all of them"),
        ((*TWO, JOB), {}, "Job work: only Pods, and what they read, can be simulated apart"),
        (ALL_ON_ONE, {}, "all Pods are on one node"),
        ((config(),), {}, "all Pods are on no node"),
        ((*TWO, pod("far", "z")), {}, "Pod far is on z, which is no node of the cluster"),
        ((*TWO, UNNAMED), {}, "a Pod has a name that the API server makes up"),
        ((*TWO, pod("owned", "a", ownerReferences=OWNER)), {}, "Pod owned has an owner, which the garbage collector"),
        ((*TWO, config(ownerReferences=OWNER)), {}, "ConfigMap settings has an owner, which the garbage collector"),
        (TWO, {"timing": {"draw": 2}}, "latencies are drawn from streams that all nodes share"),
        (TWO, {"timing": {"ties": 1}}, "the order at one instant is drawn from one stream"),
        (TWO, {"webhooks": [WEBHOOK]}, "webhooks are called for one request after another"),
    ],
)
def test_what_does_not_fall_into_parts(objects: tuple[Object, ...], given: dict[str, Any], why: str) -> None:
    found = split(scenario(*objects, **given), 2)
    assert isinstance(found, Whole)
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ({"nodeDown": {"node": "a"}}, "the action nodeDown concerns more than one node"),
        ({"cordon": {"node": "a"}}, "the action cordon concerns more than one node"),
        ({"delete": {"kind": "ConfigMap", "name": "settings"}}, "the action delete concerns more than one node"),
        ({"create": {"object": config("more")}}, "ConfigMap more: only Pods, and what they read"),
        ({"apply": {"object": pod("one", "a")}}, "Pod one is applied again"),
        ({"create": {"object": pod("one", "b")}}, "Pod one is created on two nodes"),
        (
            {"patch": {"kind": "Pod", "name": "one", "patch": {"metadata": {"ownerReferences": OWNER}}}},
            "the patch of Pod one ties it to other objects",
        ),
    ],
)
def test_what_is_done_to_more_than_one_node(action: Object, why: str) -> None:
    found = split(scenario(config(), *TWO, actions=({"at": "1s", **action},)), 2)
    assert isinstance(found, Whole)
    assert found.why.startswith(why)


def test_a_drawn_run_does_not_fall_into_parts() -> None:
    assert isinstance(split(scenario(*TWO), 2), Split)
    assert isinstance(split(scenario(*TWO), 2, draw=1), Whole)
