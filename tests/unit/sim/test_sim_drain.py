"""Cordon, taint and drain: who is kept away, who is evicted, and what a PodDisruptionBudget holds back."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import FOREVER, container, exec_probe, pod, ran, slow_to_stop, told

from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.units import to_seconds

Object = dict[str, Any]
TWO_NODES: Object = {"nodes": [{"name": "a"}, {"name": "b"}]}
ON_A: Object = {"nodeSelector": {"kubernetes.io/hostname": "a"}}
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def web(name: str, script: str = FOREVER, **spec: Any) -> Object:
    return pod(container("app", script), name=name, metadata={"labels": {"app": "web"}}, **spec)


def budget(name: str = "web", **spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


def drain(at: float, node: str = "a", **more: Any) -> Object:
    return {"at": f"{at}s", "drain": {"node": node, "force": True, **more}}


def asked(history: History, *words: str) -> list[tuple[float, str, str, int]]:
    """When what was asked of which object, and the code of the answer."""
    return [
        (
            round(to_seconds(one.at - history.started)),
            one.do,
            one.arguments.get("name", one.arguments.get("node", "")),
            one.code,
        )
        for one in history.of(ActionDone)
        if one.do in words
    ]


def test_a_cordoned_node_gets_no_pods_and_keeps_those_it_has() -> None:
    late = {"object": pod(container("app"), name="late")}
    history = ran(
        pod(container("app"), **ON_A),
        cluster=TWO_NODES,
        actions=[
            {"at": "10s", "cordon": {"node": "a"}},
            {"at": "12s", "create": late},
            {"at": "20s", "uncordon": {"node": "a"}},
        ],
        until=30,
    )
    assert history.pod("late").node == "b"
    assert history.pod("p").gone is None
    specs = [version.object["spec"] for version in history.versions("Node", "", "a")]
    assert [spec.get("unschedulable") for spec in specs] == [None, True, True, None, None]
    assert specs[2]["taints"][0]["key"] == "node.kubernetes.io/unschedulable"
    assert not specs[-1].get("taints")


def test_a_taint_keeps_away_and_one_that_executes_evicts() -> None:
    tolerant = pod(container("app"), name="tolerant", tolerations=[{"operator": "Exists"}])
    history = ran(
        pod(container("app")),
        tolerant,
        actions=[{"at": "10s", "taint": {"key": "gpu", "value": "broken", "effect": "NoExecute"}}],
        until=30,
    )
    assert history.pod("p").gone is not None
    assert told(history, "TaintManagerEviction") == ["Marking for deletion Pod default/p"]
    assert history.pod("tolerant").gone is None


def test_a_taint_that_is_not_there_cannot_be_removed() -> None:
    history = ran(
        pod(container("app")),
        actions=[
            {"at": "5s", "taint": {"key": "k", "effect": "NoSchedule"}},
            {"at": "6s", "taint": {"key": "k", "effect": "NoSchedule", "remove": True}},
            {"at": "7s", "taint": {"key": "k", "effect": "NoSchedule", "remove": True}},
        ],
        until=10,
    )
    assert [code for *_, code in asked(history, "taint")] == [200, 200, 404]


def test_a_drain_evicts_all_at_once_and_is_over_when_they_are_gone() -> None:
    history = ran(
        web("one", slow_to_stop(3), **ON_A), web("two", **ON_A), cluster=TWO_NODES, actions=[drain(10)], until=60
    )
    assert asked(history, "evict") == [(10, "evict", "one", 201), (10, "evict", "two", 201)]
    ((over, *_),) = asked(history, "drained")
    gone = history.pod("one").gone
    assert gone is not None
    assert 0 <= over - to_seconds(gone - history.started) < 1.5
    assert history.versions("Node", "", "a")[-1].object["spec"]["unschedulable"] is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"force": False}, "cannot delete Pods that declare no controller (use --force to override): default/one"),
        ({}, "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/one"),
        (
            {"force": False, "deleteEmptyDirData": True},
            "cannot delete Pods that declare no controller (use --force to override): default/one",
        ),
    ],
)
def test_a_drain_goes_nowhere_while_some_pod_must_not_go(options: Object, words: str) -> None:
    volume = {} if "deleteEmptyDirData" not in options and options else {"volumes": [{"name": "v", "emptyDir": {}}]}
    history = ran(web("one", **ON_A, **volume), cluster=TWO_NODES, actions=[drain(10, **options)], until=60)
    (*_, failed) = [one for one in history.of(ActionDone) if one.do == "drain"]
    assert failed.kubectl == f'error: unable to drain node "a" due to error: {words}'
    assert asked(history, "evict") == []


def test_a_budget_holds_back_and_is_asked_again_every_five_seconds() -> None:
    """Two of three must be ready: the second goes when the third is back elsewhere."""
    slow = exec_probe("sleep 0; test -f /ready", periodSeconds=1)
    late = pod(
        container("app", f"sleep 20; touch /ready; {FOREVER}", readinessProbe=slow),
        name="three",
        metadata={"labels": {"app": "web"}},
        nodeSelector={"kubernetes.io/hostname": "b"},
    )
    history = ran(
        budget(minAvailable=1),
        web("one", **ON_A),
        web("two", **ON_A),
        late,
        cluster=TWO_NODES,
        actions=[drain(10)],
        until=60,
    )
    tries = asked(history, "evict")
    assert tries[0] == (10, "evict", "one", 201)
    refused = [one for one in tries if one[3] == 429]
    assert [at for at, *_ in refused] == [10, 15, 20]
    assert {name for _, _, name, _ in refused} == {"two"}
    assert tries[-1] == (25, "evict", "two", 201)
    lines = [one.kubectl for one in history.of(ActionDone) if one.code == 429]
    assert lines[0] == f'error when evicting pods/"two" -n "default" (will retry after 5s): {REFUSED}'
    assert asked(history, "drained")


def test_a_budget_that_can_never_be_met_ends_the_run_when_nothing_can_change_any_more() -> None:
    forever = {"containers": [{"match": {"pod": "one"}, "script": {"lasts": "forever"}}]}
    history = ran(budget(minAvailable=1), web("one", **ON_A), cluster=TWO_NODES, actions=[drain(10)], **forever)
    assert [code for *_, code in asked(history, "evict")] == [429]
    assert history.pod("one").gone is None
    assert to_seconds(history.ended - history.started) < 60


def test_a_drain_may_give_up_or_pass_the_budget() -> None:
    waits = ran(
        budget(minAvailable=1), web("one", **ON_A), cluster=TWO_NODES, actions=[drain(10, timeout="12s")], until=40
    )
    assert [one.message for one in waits.of(ActionDone) if one.do == "drain"][-1] == "global timeout reached: 12s"
    assert [at for at, *_ in asked(waits, "evict")] == [10, 15, 20]
    passes = ran(
        budget(minAvailable=1),
        web("one", **ON_A),
        cluster=TWO_NODES,
        actions=[drain(10, disableEviction=True)],
        until=40,
    )
    assert passes.pod("one").gone is not None


def test_a_pod_that_is_not_ready_costs_a_budget_nothing_that_is_met_or_says_so() -> None:
    never = {"readinessProbe": exec_probe("false")}
    ill = pod(container("app", **never), name="ill", metadata={"labels": {"app": "web"}}, **ON_A)
    evict = {"at": "20s", "evict": {"name": "ill"}}
    met = ran(budget(minAvailable=1), web("well"), ill, cluster=TWO_NODES, actions=[evict], until=30)
    assert [code for *_, code in asked(met, "evict")] == [201]
    unmet = ran(budget(minAvailable=2), web("well"), ill, cluster=TWO_NODES, actions=[evict], until=30)
    assert [code for *_, code in asked(unmet, "evict")] == [429]
    told_to = ran(
        budget(minAvailable=2, unhealthyPodEvictionPolicy="AlwaysAllow"),
        web("well"),
        ill,
        cluster=TWO_NODES,
        actions=[evict],
        until=30,
    )
    assert [code for *_, code in asked(told_to, "evict")] == [201]


def test_two_budgets_for_one_pod_are_refused() -> None:
    history = ran(
        budget("x", minAvailable=0),
        budget("y", minAvailable=0),
        web("one"),
        actions=[{"at": "9s", "evict": {"name": "one"}}],
        until=20,
    )
    (answer,) = [one for one in history.of(ActionDone) if one.do == "evict"]
    assert (answer.code, answer.message) == (
        500,
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    )


def test_an_operator_who_names_a_node_that_is_gone_is_told() -> None:
    history = ran(
        web("one"),
        cluster=TWO_NODES,
        actions=[{"at": "5s", "delete": {"kind": "Node", "name": "b"}}, {"at": "9s", "cordon": {"node": "b"}}],
        until=20,
    )
    assert asked(history, "cordon") == [(9, "cordon", "b", 404)]
