"""The store's verbs: what each request stores, answers and shows to a watch (C-1, C-40 to C-46)."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store import Change, Reply, Store
from kubesim.units import SECOND


def a_store(name: str = "1.29", **options: Any) -> Store:
    return Store(release(name, component="apiserver"), **options)


def a_pod(name: str = "web", /, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "busybox:1.36"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": containers, **spec},
    }


def seen(store: Store) -> list[tuple[str, str]]:
    return [(change.type, change.verb) for change in store.take_changes()]


def test_a_created_pod_is_stored_numbered_and_shown() -> None:
    store = a_store("1.33")
    given = a_pod()
    reply = store.create(given, 5 * SECOND)
    assert (reply.code, reply.kubectl, reply.warnings) == (201, "pod/web created", ())
    stored = store.find("Pod", "default", "web")
    assert stored is reply.object
    assert stored is not None
    assert stored["metadata"]["creationTimestamp"] == "2024-01-01T00:00:05Z"
    assert stored["metadata"]["resourceVersion"] == "1"
    assert stored["metadata"]["generation"] == 1
    assert stored["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert stored["spec"]["tolerations"][0]["tolerationSeconds"] == 300
    assert stored["spec"]["priority"] == 0
    assert stored["spec"]["serviceAccountName"] == "default"
    assert given == a_pod(), "the caller's object stays as it was"
    [change] = store.take_changes()
    assert change == Change(
        at=5 * SECOND,
        type="ADDED",
        kind="Pod",
        namespace="default",
        name="web",
        uid=stored["metadata"]["uid"],
        resource_version=1,
        object=stored,
        verb="create",
        actor="user",
    )
    assert store.take_changes() == ()


def test_a_write_changes_no_object_handed_out_before() -> None:
    store = a_store()
    before = store.create(a_pod(), 0).object
    kept = copy.deepcopy(before)
    store.bind("default", "web", "node1", 0)
    store.patch("Pod", "default", "web", "merge", {"metadata": {"labels": {"a": "b"}}}, 0)
    store.delete("Pod", "default", "web", 0)
    assert before == kept


def test_binding_sets_the_node_and_the_condition_without_a_new_generation() -> None:
    store = a_store("1.36")
    store.create(a_pod(), 0)
    reply = store.bind("default", "web", "node1", 3 * SECOND)
    assert reply.code == 201
    assert reply.object is not None
    assert reply.object["spec"]["nodeName"] == "node1"
    assert reply.object["metadata"]["generation"] == 1
    assert reply.object["status"]["conditions"] == [
        {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": "2024-01-01T00:00:03Z"}
    ]


@pytest.mark.parametrize(
    ("prepare", "because"),
    [
        pytest.param(
            lambda store: store.bind("default", "web", "node1", 0),
            'pod web is already assigned to node "node1"',
            id="already bound",
        ),
        pytest.param(
            lambda store: (store.bind("default", "web", "n", 0), store.delete("Pod", "default", "web", 0)),
            "pod web is being deleted, cannot be assigned to a host",
            id="being deleted",
        ),
    ],
)
def test_a_pod_that_cannot_be_bound_is_refused(prepare: Any, because: str) -> None:
    store = a_store()
    store.create(a_pod(), 0)
    prepare(store)
    reply = store.bind("default", "web", "node2", 0)
    assert (reply.code, reply.reason) == (409, "Conflict")
    assert reply.message == f'Operation cannot be fulfilled on pods/binding "web": {because}'


def test_a_gated_pod_waits_for_its_gates() -> None:
    store = a_store("1.36")
    reply = store.create(a_pod(schedulingGates=[{"name": "example.com/quota"}]), 0)
    assert reply.object is not None
    assert reply.object["status"]["conditions"][0]["reason"] == "SchedulingGated"
    assert store.bind("default", "web", "node1", 0).code == 409
    opened = store.patch("Pod", "default", "web", "merge", {"spec": {"schedulingGates": []}}, 0)
    assert opened.object is not None
    assert "schedulingGates" not in opened.object["spec"]
    assert opened.object["metadata"]["generation"] == 2
    assert store.bind("default", "web", "node1", 0).code == 201


@pytest.mark.parametrize(("name", "since"), [("1.29", None), ("1.30", "2024-01-01T00:00:02Z")])
def test_since_when_a_pod_is_gated(name: str, since: str | None) -> None:
    reply = a_store(name).create(a_pod(schedulingGates=[{"name": "a"}]), 2 * SECOND)
    assert reply.object is not None
    assert reply.object["status"]["conditions"][0]["lastTransitionTime"] == since


def test_an_equal_status_is_no_write() -> None:
    store = a_store()
    store.create(a_pod(), 0)
    store.take_changes()
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    assert store.update_status("Pod", "default", "web", status, SECOND).code == 200
    assert store.update_status("Pod", "default", "web", dict(status), 2 * SECOND).code == 200
    assert seen(store) == [("MODIFIED", "update/status")]


def test_a_status_meant_for_an_earlier_pod_is_refused() -> None:
    store = a_store()
    store.create(a_pod(), 0)
    reply = store.update_status("Pod", "default", "web", {}, 0, uid="old")
    assert reply.code == 409
    assert reply.message.startswith(
        'Operation cannot be fulfilled on pods "web": Precondition failed: UID in precondition: old, UID in object'
    )


@pytest.mark.parametrize(
    ("policy", "exit_code", "accepted"),
    [("Never", 0, False), ("Never", 1, False), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Always", 0, True)],
)
def test_a_container_that_ended_for_good_stays_ended(policy: str, exit_code: int, accepted: bool) -> None:
    store = a_store()
    store.create(a_pod(restartPolicy=policy), 0)
    ended = {"name": "app", "state": {"terminated": {"exitCode": exit_code}}}
    store.update_status("Pod", "default", "web", {"containerStatuses": [ended]}, 0)
    again = {"name": "app", "state": {"running": {}}}
    reply = store.update_status("Pod", "default", "web", {"containerStatuses": [again]}, 0)
    assert reply.ok is accepted
    if not accepted:
        assert reply.message == (
            'Pod "web" is invalid: status.containerStatuses[0].state: Forbidden: '
            "may not be transitioned to non-terminated state"
        )


def test_a_sidecar_may_run_again_under_never() -> None:
    store = a_store()
    sidecar = {"name": "proxy", "image": "i", "restartPolicy": "Always"}
    store.create(a_pod(restartPolicy="Never", initContainers=[sidecar]), 0)
    for state in ({"terminated": {"exitCode": 1}}, {"running": {}}):
        status = {"initContainerStatuses": [{"name": "proxy", "state": state}]}
        assert store.update_status("Pod", "default", "web", status, 0).ok


def test_an_eviction_writes_the_condition_and_then_deletes() -> None:
    """Recorded: evict-api shows the condition first, then the deletion, in two events."""
    store = a_store()
    store.create(a_pod(), 0)
    store.bind("default", "web", "node1", 0)
    store.take_changes()
    assert store.evict("default", "web", 6 * SECOND).code == 201
    first, second = store.take_changes()
    assert [first.type, second.type] == ["MODIFIED", "MODIFIED"]
    assert first.object["status"]["conditions"][-1] == {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastProbeTime": None,
        "lastTransitionTime": "2024-01-01T00:00:06Z",
    }
    assert "deletionTimestamp" not in first.object["metadata"]
    assert second.object["metadata"]["deletionGracePeriodSeconds"] == 30


def test_evicting_again_changes_nothing() -> None:
    store = a_store()
    store.create(a_pod(), 0)
    store.bind("default", "web", "node1", 0)
    store.evict("default", "web", 0)
    store.take_changes()
    assert store.evict("default", "web", SECOND).code == 201
    assert store.take_changes() == ()


@pytest.mark.parametrize(
    ("request_", "code", "kubectl"),
    [
        pytest.param(
            lambda store: store.create(a_pod(), 0),
            409,
            'Error from server (AlreadyExists): error when creating "STDIN": pods "web" already exists',
            id="created twice",
        ),
        pytest.param(
            lambda store: store.delete("Pod", "default", "gone", 0),
            404,
            'Error from server (NotFound): pods "gone" not found',
            id="deleted twice",
        ),
        pytest.param(
            lambda store: store.delete("Job", "default", "gone", 0),
            404,
            'Error from server (NotFound): jobs.batch "gone" not found',
            id="a Job that is not there",
        ),
        pytest.param(
            lambda store: store.create({"apiVersion": "v1", "kind": "Pud", "metadata": {"name": "x"}}, 0),
            404,
            'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Pud" in '
            'version "v1"\nensure CRDs are installed first',
            id="a kind nobody serves",
        ),
    ],
)
def test_what_kubectl_prints_of_a_refusal(request_: Any, code: int, kubectl: str) -> None:
    store = a_store()
    store.create(a_pod(), 0)
    reply: Reply = request_(store)
    assert (reply.code, reply.kubectl) == (code, kubectl)


def test_an_unknown_namespace_is_refused_when_none_are_provisioned() -> None:
    store = a_store(provision_namespaces=False)
    pod = a_pod()
    pod["metadata"]["namespace"] = "shop"
    assert store.create(pod, 0).message == 'namespaces "shop" not found'
    store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, 0)
    assert store.create(pod, 0).code == 201


def test_a_generated_name_is_the_same_in_every_run() -> None:
    def names(seed: str) -> list[str]:
        store = a_store(seed=seed)
        pod = a_pod()
        pod["metadata"] = {"generateName": "web-"}
        objects = [store.create(pod, 0).object for _ in range(3)]
        return [obj["metadata"]["name"] for obj in objects if obj is not None]

    assert names("7") == names("7")
    assert names("7") != names("8")
    assert len(set(names("7"))) == 3
    assert all(len(name) == len("web-") + 5 for name in names("7"))


def test_a_stale_update_is_refused() -> None:
    store = a_store()
    first = store.create(a_pod(), 0).object
    assert first is not None
    store.patch("Pod", "default", "web", "merge", {"metadata": {"labels": {"a": "b"}}}, 0)
    reply = store.update(first, 0)
    assert reply.code == 409
    assert reply.message.endswith("please apply your changes to the latest version and try again")


def test_a_pod_takes_its_priority_from_its_class() -> None:
    store = a_store()
    assert store.create(a_pod(priorityClassName="high"), 0).message == (
        'pods "web" is forbidden: no PriorityClass with name high was found'
    )
    store.create(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "high"},
            "value": 1000,
            "preemptionPolicy": "Never",
        },
        0,
    )
    reply = store.create(a_pod(priorityClassName="high"), 0)
    assert reply.object is not None
    assert (reply.object["spec"]["priority"], reply.object["spec"]["preemptionPolicy"]) == (1000, "Never")
    assert store.create(a_pod("two", priorityClassName="high", priority=5), 0).code == 403
    assert store.create(a_pod("three", priorityClassName="system-node-critical"), 0).ok


def test_the_text_of_a_secret_is_merged_into_its_data() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "eA=="},
        "stringData": {"b": "y"},
    }
    reply = a_store().create(secret, 0)
    assert reply.object is not None
    assert reply.object["data"] == {"a": "eA==", "b": "eQ=="}
    assert reply.object["type"] == "Opaque"
    assert "stringData" not in reply.object


def test_a_copied_store_goes_its_own_way() -> None:
    store = a_store()
    store.create(a_pod(), 0)
    twin = copy.deepcopy(store)
    twin.create(a_pod("other"), 0)
    twin.delete("Pod", "default", "web", 0)
    assert store.find("Pod", "default", "web") is not None
    assert store.find("Pod", "default", "other") is None
    thawed = pickle.loads(pickle.dumps(store))
    assert thawed.find("Pod", "default", "web") == store.find("Pod", "default", "web")


def test_lists_are_sorted_and_cut_to_a_namespace() -> None:
    store = a_store()
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y")):
        pod = a_pod(name)
        pod["metadata"]["namespace"] = namespace
        store.create(pod, 0)
    assert [obj["metadata"]["name"] for obj in store.list("Pod")] == ["y", "z", "x"]
    assert [obj["metadata"]["name"] for obj in store.list("Pod", "a")] == ["y", "z"]


@pytest.mark.parametrize(
    ("kind", "api", "name", "expected"),
    [
        ("ConfigMap", "v1", "", "metadata.name: Required value: name or generateName is required"),
        ("ConfigMap", "v1", "a.b", None),
        ("Namespace", "v1", "a.b", 'metadata.name: Invalid value: "a.b": must not contain dots'),
        ("Role", "rbac.authorization.k8s.io/v1", "a:b", None),
        ("Role", "rbac.authorization.k8s.io/v1", "a/b", "metadata.name: Invalid value: \"a/b\": may not contain '/'"),
        (
            "Service",
            "v1",
            "1a",
            'metadata.name: Invalid value: "1a": a DNS-1035 label must consist of lower case alphanumeric characters '
            "or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
            "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ),
    ],
)
def test_every_kind_needs_a_good_name(kind: str, api: str, name: str, expected: str | None) -> None:
    reply = a_store().create({"apiVersion": api, "kind": kind, "metadata": {"name": name}}, 0)
    assert [error.text for error in reply.errors] == ([] if expected is None else [expected])


def test_a_cluster_wide_object_loses_its_namespace() -> None:
    store = a_store()
    store.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "namespace": "x"}}, 0)
    node = store.find("Node", "", "n")
    assert node is not None
    assert "namespace" not in node["metadata"]


def test_a_namespace_can_be_deleted() -> None:
    store = a_store(provision_namespaces=False)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    assert store.create(namespace, 0).ok
    assert store.delete("Namespace", "", "shop", 0).ok
    pod = a_pod()
    pod["metadata"]["namespace"] = "shop"
    assert store.create(pod, 0).code == 404


def test_a_refused_pod_is_not_warned_about() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 80}]
    store = a_store()
    assert store.create(a_pod(containers=[{"name": "a", "image": "i", "ports": ports}]), 0).warnings
    assert store.create(a_pod("two", containers=[{"name": "A", "image": "i", "ports": ports}]), 0).warnings == ()


def test_apply_creates_changes_and_leaves_alone() -> None:
    store = a_store()
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}
    assert store.apply(config, 0).kubectl == "configmap/c created"
    assert store.apply(config, 0).kubectl == "configmap/c unchanged"
    store.patch("ConfigMap", "default", "c", "merge", {"data": {"other": "3"}}, 0)
    reply = store.apply({**config, "data": {"a": "9"}}, 0)
    assert reply.kubectl == "configmap/c configured"
    assert reply.object is not None
    assert reply.object["data"] == {"a": "9", "other": "3"}, "b was applied before and is gone; other was not"


def test_apply_is_held_to_the_rules_of_updates() -> None:
    store = a_store()
    pod = a_pod()
    assert store.apply(pod, 0).ok
    newer = a_pod(containers=[{"name": "app", "image": "busybox:1.37"}])
    reply = store.apply(newer, 0)
    assert reply.kubectl == "pod/web configured"
    assert reply.object is not None
    assert reply.object["spec"]["containers"][0]["image"] == "busybox:1.37"
    refused = store.apply(a_pod(restartPolicy="Never"), 0)
    assert refused.code == 422
    assert store.apply({**pod, "spec": {**pod["spec"], "zone": "a"}}, 0).code == 400


def test_apply_removes_list_entries_by_their_key() -> None:
    def deployment(*names: str) -> dict[str, Any]:
        containers = [{"name": name, "image": "i", "env": [{"name": "A", "value": name}]} for name in names]
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
        }

    store = a_store()
    store.apply(deployment("one", "two"), 0)
    reply = store.apply(deployment("two", "three"), 0)
    assert reply.object is not None
    left = [entry["name"] for entry in reply.object["spec"]["template"]["spec"]["containers"]]
    assert left == ["two", "three"]
    assert reply.object["metadata"]["generation"] == 2
