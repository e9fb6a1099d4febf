"""Webhooks in a run: records, the virtual time they take, updates, Jobs, Python callables, and whom to blame."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sim_runs import FOREVER, Object, container, delete, pod, ran, scenario, sidecar

from kubesim.api import load, run
from kubesim.errors import ScenarioError
from kubesim.history.history import History
from kubesim.history.records import ActionDone, Admitted, Decided
from kubesim.sim.world import World
from kubesim.timelines.lost_sidecars import LostSidecar, lost_sidecars
from kubesim.timelines.style import Style
from kubesim.timelines.text import text
from kubesim.units import MILLISECOND, SECOND

INJECT: Object = {
    "name": "inject.example.com",
    "when": {"lacks": ["/spec/initContainers"]},
    "jsonPatch": [
        {
            "op": "add",
            "path": "/spec/initContainers",
            "value": [{**sidecar("proxy", FOREVER), "resources": {"requests": {"cpu": "100m"}}}],
        }
    ],
}
STRIP: Object = {
    "name": "label.example.com",
    "wholeObject": "1.27",
    "mergePatch": {"metadata": {"labels": {"team": "a"}}},
}
JOB: Object = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "work"},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container("app", "sleep 2")]}}},
}


def with_webhooks(
    *webhooks: Object, objects: list[Object] | None = None, release: str = "1.29", **more: Any
) -> History:
    chosen = objects or [pod(container("app", "sleep 3"), restartPolicy="Never")]
    cluster = {"webhooks": [*webhooks], **more.pop("cluster", {})}
    return ran(*chosen, release=release, cluster=cluster, **{"until": 30, "gates": {}, **more})


def calls(history: History) -> list[tuple[str, str]]:
    return [(record.webhook, record.result) for record in history.of(Admitted)]


def blamed(history: History) -> list[str]:
    return [f"{one.key.name}/{one.container}: {one.culprit}" for one in lost_sidecars(history)]


def status(history: History, name: str = "p") -> Object:
    found: Object = history.pod(name).versions[-1].object["status"]
    return found


def test_an_injected_sidecar_runs_and_its_cost_is_told() -> None:
    history = with_webhooks(INJECT)
    (record,) = history.of(Admitted)
    assert (record.result, record.requests, record.rules) == ("patched", {"cpu": (0, 100)}, ("C-31",))
    assert status(history)["phase"] == "Succeeded"
    assert lost_sidecars(history) == ()
    assert "inject.example.com adds sidecar proxy" in text(history)


def test_calls_take_virtual_time_one_after_the_other() -> None:
    slow = {**INJECT, "takes": "2s"}
    history = with_webhooks(slow, {**STRIP, "takes": "500ms"})
    first, second = history.of(Admitted)
    assert first.at - history.started == 2 * SECOND
    assert second.at - first.at == 500 * MILLISECOND
    assert history.pod("p").created == second.at


def test_a_call_longer_than_its_timeout_fails_then() -> None:
    history = with_webhooks({**INJECT, "takes": "30s", "timeoutSeconds": 5})
    (record,) = history.of(Admitted)
    assert (record.result, record.at - history.started) == ("failed", 5 * SECOND)
    assert "context deadline exceeded" in record.message
    (action,) = history.of(ActionDone)
    assert action.code == 500
    assert action.kubectl.startswith('Error from server (InternalError): error when creating "STDIN": Internal error')
    assert not history.pods


def test_with_ignore_the_pod_goes_on_without() -> None:
    history = with_webhooks({**INJECT, "takes": "30s", "timeoutSeconds": 5, "failurePolicy": "Ignore"})
    assert calls(history) == [("inject.example.com", "ignored")]
    assert "initContainers" not in history.pod("p").versions[-1].object["spec"]
    assert "fails; Pod p passes" in " ".join(text(history, Style(width=200)).split())


def test_manifests_are_created_one_after_the_other_each_when_it_has_its_answer() -> None:
    objects = [pod(container("app", "sleep 3"), name=name) for name in ("one", "two")]
    history = with_webhooks({**INJECT, "takes": "1s"}, objects=objects)
    created = [history.pod(name).created - history.started for name in ("one", "two")]
    assert created == [SECOND, 2 * SECOND]


def test_pods_of_a_job_go_through_webhooks_too() -> None:
    history = with_webhooks(INJECT, objects=[JOB])
    (record,) = history.of(Admitted)
    assert (record.kind, record.name) == ("Pod", "work-")
    assert record.requests == {"cpu": (0, 100)}
    assert "proxy" in history.pods[0].containers


def test_an_update_goes_through_webhooks_that_ask_for_updates() -> None:
    rules = [{"operations": ["UPDATE"], "resources": ["pods"]}]
    patch = {"at": "5s", "patch": {"kind": "Pod", "name": "p", "patch": {"metadata": {"labels": {"x": "1"}}}}}
    marker = {"name": "mark.example.com", "rules": rules, "mergePatch": {"metadata": {"annotations": {"seen": "yes"}}}}
    history = with_webhooks(marker, objects=[pod(container("app", "sleep 60"))], actions=[patch])
    assert [record.operation for record in history.of(Admitted)] == ["UPDATE"]
    metadata = history.pod("p").versions[-1].object["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"x": "1"}, {"seen": "yes"})


def test_a_denial_is_what_kubectl_prints() -> None:
    history = with_webhooks({"name": "no.example.com", "denies": {"message": "no Pods today", "code": 403}})
    (action,) = history.of(ActionDone)
    assert action.code == 403
    assert action.kubectl.endswith('admission webhook "no.example.com" denied the request: no Pods today')
    assert "no.example.com denies Pod p" in text(history)


# -- who took the sidecar ---------------------------------------------------------------------------------------------


def test_the_webhook_that_sends_back_less_is_named_and_the_pod_hangs() -> None:
    """sidecar-webhook-strip-full-update: what an older client library does not know is gone."""
    history = with_webhooks(INJECT, STRIP)
    (lost,) = lost_sidecars(history)
    assert (lost.culprit, lost.container) == ("webhook label.example.com", "proxy")
    assert lost.why == "its client library, 1.27, does not know the field"
    assert lost.consequence == "p waits for proxy to end before it starts anything else; STATUS Init:0/1"
    assert status(history)["phase"] == "Pending"
    told = text(history, Style(width=200))
    assert "p/proxy: webhook label.example.com sends the Pod back without restartPolicy of proxy" in told
    assert "or let it answer with a patch of what it means to change, not with the whole object" in told


def test_a_later_webhook_that_gives_it_back_clears_the_first() -> None:
    back = {
        "name": "restore.example.com",
        "jsonPatch": [{"op": "add", "path": "/spec/initContainers/0/restartPolicy", "value": "Always"}],
    }
    history = with_webhooks(INJECT, STRIP, back)
    assert lost_sidecars(history) == ()
    assert status(history)["phase"] == "Succeeded"


def test_only_the_pods_it_acts_on_lose_their_sidecar() -> None:
    """sidecar-webhook-conditional: sidecars work for some Pods and fail for others."""
    objects = [
        pod(container("app", "sleep 3"), inits=[sidecar("proxy")], name=name, metadata={"labels": {"team": name}})
        for name in ("a", "b")
    ]
    history = with_webhooks({**STRIP, "when": {"labels": {"team": "b"}}}, objects=objects)
    assert blamed(history) == ["b/proxy: webhook label.example.com"]
    assert (status(history, "a")["phase"], status(history, "b")["phase"]) == ("Running", "Pending")


def test_the_gate_of_the_api_server_is_named() -> None:
    """C-20: silently, in Pods and in templates."""
    objects = [pod(container("app", "sleep 3"), inits=[sidecar("proxy")])]
    history = with_webhooks(objects=objects, release="1.28")
    (lost,) = lost_sidecars(history)
    assert (lost.culprit, lost.key.kind, lost.rules) == ("API server 1.28", "Pod", ("C-20",))
    assert lost.why == "gate SidecarContainers is off; nobody is told"
    (told,) = [one for one in history.of(Decided) if one.actor == "apiserver"]
    assert told.actions[0].do == "drop spec.initContainers[0].restartPolicy"


def test_the_template_of_a_job_loses_it_too() -> None:
    template = pod(container("app", "sleep 2"), inits=[sidecar("proxy")], restartPolicy="Never")["spec"]
    job = {**JOB, "spec": {"template": {"spec": template}}}
    (lost,) = lost_sidecars(with_webhooks(objects=[job], release="1.28"))
    assert (lost.key.kind, lost.key.name, lost.culprit) == ("Job", "work", "API server 1.28")
    assert "waits for proxy to end" in lost.consequence


@pytest.mark.parametrize(
    ("validate", "rule", "why"),
    [
        ("warn", "C-11", "this release does not know it"),
        ("ignore", "C-12", "this release does not know it; nobody is told"),
    ],
)
def test_a_field_sent_without_strict_validation_is_left_out_and_told(validate: str, rule: str, why: str) -> None:
    objects = [pod(container("app", "sleep 3"), inits=[sidecar("proxy")])]
    history = with_webhooks(objects=objects, release="1.27", validate=validate)
    (lost,) = lost_sidecars(history)
    assert (lost.culprit, lost.rules, lost.why) == ("API server 1.27", (rule,), why)
    (action,) = history.of(ActionDone)
    told = ('unknown field "spec.initContainers[0].restartPolicy"',)
    assert action.warnings == (told if validate == "warn" else ())
    later = {"at": "2s", "create": {"object": objects[0]}}
    history = with_webhooks(objects=[JOB], release="1.27", validate=validate, actions=[later])
    assert blamed(history) == ["p/proxy: API server 1.27"]


def test_strict_validation_is_what_kubectl_asks_for() -> None:
    objects = [pod(container("app", "sleep 3"), inits=[sidecar("proxy")])]
    (action,) = with_webhooks(objects=objects, release="1.27").of(ActionDone)
    assert action.code == 400


def test_an_api_server_that_does_not_know_the_field_is_named_with_the_webhook_that_sent_it() -> None:
    """C-34."""
    (lost,) = lost_sidecars(with_webhooks(INJECT, release="1.27"))
    assert lost.culprit == "API server 1.27"
    assert "which webhook inject.example.com sent" in lost.what


def test_an_old_node_is_named() -> None:
    """K-54: stored as a sidecar, run as an init container."""
    objects = [pod(container("app", "sleep 3"), inits=[sidecar("proxy")])]
    history = with_webhooks(objects=objects, cluster={"nodes": [{"name": "old", "release": "1.27"}]})
    assert blamed(history) == ["p/proxy: node old"]


def test_one_that_ended_is_told_as_such() -> None:
    objects = [pod(container("app", "sleep 3"), inits=[sidecar("proxy", "exit 0")], restartPolicy="Never")]
    (lost,) = lost_sidecars(with_webhooks(objects=objects, release="1.28"))
    assert lost.consequence == "proxy runs to its end in p, as init containers do, and does not come back"


def test_one_that_was_deleted_while_it_waited_is_told_as_such() -> None:
    objects = [pod(container("app", "sleep 3"), inits=[sidecar("proxy")])]
    (lost,) = lost_sidecars(with_webhooks(objects=objects, release="1.28", actions=[delete(10)]))
    assert lost.consequence == "p waited for proxy to end before anything else, and never got further"


def test_requests_of_several_pods_at_once_are_told_apart() -> None:
    """Two Pods of one Job have the same generateName, and their calls interleave."""
    job = {**JOB, "spec": {**JOB["spec"], "parallelism": 2, "completions": 2}}
    history = with_webhooks({**INJECT, "takes": "20ms"}, {**STRIP, "takes": "30ms"}, objects=[job])
    found: list[LostSidecar] = list(lost_sidecars(history))
    assert sorted(one.key.name for one in found) == sorted(life.name for life in history.pods)
    assert len({record.request for record in history.of(Admitted)}) == len(history.pods) == 2


# -- Python callables -------------------------------------------------------------------------------------------------

MODULE = """
import json

def release_of_nodes(review, cluster, *, key):
    nodes = json.loads(cluster.get_raw("/api/v1/nodes"))["items"]
    found = ",".join(node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes)
    review["request"]["object"]["metadata"]["name"] = "changed in place"
    return [{"op": "add", "path": "/metadata/annotations", "value": {key: found}}]

def silent(review, cluster):
    return None

def lost(review, cluster):
    return cluster.get_raw("/api/v1/nodes/nowhere")

def broken(review, cluster):
    return {}["nothing"]

def number(review, cluster):
    return 7

def whole(review, cluster):
    uid = review["request"]["uid"]
    status = {"message": cluster.get_raw("/version")}
    response = {"uid": uid, "allowed": False, "status": status}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
"""


def called_in_python(tmp_path: Path, name: str, **options: str) -> History:
    (tmp_path / "hooks.py").write_text(MODULE)
    lines = [
        "apiVersion: kubesim/v1",
        "kind: Scenario",
        "spec:",
        "  cluster:",
        '    release: "1.29"',
        "    webhooks:",
        f"      - {{name: py.example.com, python: {{name: hooks.{name}, options: {options}}}}}",
        "  until: 10s",
        "---",
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: app, image: busybox}]}}",
    ]
    path = tmp_path / "scenario.yaml"
    path.write_text("\n".join(lines))
    return run(load(path))


def test_a_callable_beside_the_scenario_asks_the_cluster(tmp_path: Path) -> None:
    history = called_in_python(tmp_path, "release_of_nodes", key="nodes")
    metadata = history.pod("p").versions[-1].object["metadata"]
    assert metadata["annotations"] == {"nodes": "v1.29.0"}


def test_a_callable_may_answer_nothing_or_a_whole_review(tmp_path: Path) -> None:
    assert calls(called_in_python(tmp_path, "silent")) == [("py.example.com", "unchanged")]
    (record,) = called_in_python(tmp_path, "whole").of(Admitted)
    assert record.result == "denied"
    assert '"gitVersion": "v1.29.0"' in record.message


@pytest.mark.parametrize(
    ("name", "said"),
    [("lost", 'Error from server (NotFound): nodes \\"nowhere\\" not found'), ("broken", "KeyError: 'nothing'")],
)
def test_what_a_callable_raises_is_a_failed_call(tmp_path: Path, name: str, said: str) -> None:
    history = called_in_python(tmp_path, name)
    (record,) = history.of(Admitted)
    assert record.result == "failed"
    assert f'an error on the server ("{said}") has prevented the request from succeeding' in record.message
    assert not history.pods


@pytest.mark.parametrize(("name", "said"), [("number", "returned int"), ("missing", "has no function missing")])
def test_a_callable_that_is_wrong_is_a_mistake_in_the_scenario(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        called_in_python(tmp_path, name)


# -- checkpoints ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [copy.deepcopy, lambda world: pickle.loads(pickle.dumps(world))])
@pytest.mark.parametrize("at", [1 * SECOND, 2500 * MILLISECOND, 4 * SECOND])
def test_a_world_is_copied_in_the_middle_of_a_call_and_goes_on_alike(again: Callable[[World], World], at: int) -> None:
    chosen = scenario(JOB, cluster={"release": "1.29", "webhooks": [{**INJECT, "takes": "2s"}, STRIP]})
    one = World(chosen)
    one.stimuli.submit(chosen.objects)
    one.clock.run(one.started + at)
    other = again(one)
    for world in (one, other):
        world.clock.run(world.started + 20 * SECOND)
    assert other.recorder.records == one.recorder.records
    calls_made = [record.webhook for record in one.recorder.records if isinstance(record, Admitted)]
    assert calls_made == ["inject.example.com", "label.example.com"]
