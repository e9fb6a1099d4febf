"""What an update of a stored Pod may change (C-3)."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store import Reply, Store

OTHER_FIELDS = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
)
SIDECAR = {"name": "proxy", "image": "i:1", "restartPolicy": "Always"}


def a_store(**spec: Any) -> Store:
    store = Store(release("1.36", component="apiserver"))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "app", "image": "i:1"}], "initContainers": [SIDECAR], **spec},
    }
    assert store.create(pod, 0).ok
    return store


def change(store: Store, spec: dict[str, Any], how: str = "strategic") -> Reply:
    return store.patch("Pod", "default", "web", how, {"spec": spec}, 0)


def texts(reply: Reply) -> list[str]:
    return [error.text for error in reply.errors]


def test_an_image_may_change_and_counts_as_a_generation() -> None:
    reply = change(a_store(), {"containers": [{"name": "app", "image": "i:2"}]})
    assert (reply.code, reply.kubectl) == (200, "pod/web patched")
    assert reply.object is not None
    assert reply.object["spec"]["containers"][0]["image"] == "i:2"
    assert reply.object["metadata"]["generation"] == 2


def test_an_empty_patch_writes_nothing() -> None:
    store = a_store()
    store.take_changes()
    reply = change(store, {"containers": [{"name": "app", "image": "i:1"}]})
    assert (reply.code, reply.kubectl) == (200, "pod/web patched (no change)")
    assert store.take_changes() == ()


@pytest.mark.parametrize(
    "spec",
    [
        {"initContainers": [{"name": "proxy", "restartPolicy": None}]},
        {"containers": [{"name": "app", "command": ["true"]}]},
        {"restartPolicy": "Never"},
        {"terminationGracePeriodSeconds": 5},
        {"nodeSelector": {"a": "b"}},
    ],
)
def test_other_fields_may_not(spec: dict[str, Any]) -> None:
    reply = change(a_store(), spec)
    assert (reply.code, texts(reply)) == (422, [OTHER_FIELDS])


def test_containers_come_and_go_with_the_pod() -> None:
    reply = change(a_store(), {"containers": [{"name": "app", "image": "i:1"}, {"name": "b", "image": "i"}]}, "merge")
    assert texts(reply) == ["spec.containers: Forbidden: pod updates may not add or remove containers"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, 60, []),
        (60, 30, []),
        (30, 60, ["spec.activeDeadlineSeconds: Invalid value: 60: must be less than or equal to previous value"]),
        (
            30,
            None,
            ["spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"],
        ),
    ],
)
def test_a_deadline_only_comes_nearer(before: int | None, after: int | None, expected: list[str]) -> None:
    store = a_store(**({} if before is None else {"activeDeadlineSeconds": before}))
    assert texts(change(store, {"activeDeadlineSeconds": after})) == expected


def test_tolerations_are_only_added() -> None:
    store = a_store()
    pod = store.find("Pod", "default", "web")
    assert pod is not None
    old = pod["spec"]["tolerations"]
    new = {"key": "k", "operator": "Exists", "effect": "NoSchedule"}
    assert change(store, {"tolerations": [*old, new]}).ok
    shorter = [{**entry, "tolerationSeconds": 5} if "tolerationSeconds" in entry else entry for entry in [*old, new]]
    assert change(store, {"tolerations": shorter}).ok
    assert texts(change(store, {"tolerations": [new]})) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
    ]


def test_gates_are_only_removed() -> None:
    store = a_store(schedulingGates=[{"name": "a"}, {"name": "b"}])
    assert change(store, {"schedulingGates": [{"name": "a"}]}, "merge").ok
    assert texts(change(store, {"schedulingGates": [{"name": "c"}]}, "merge")) == [
        "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'c'"
    ]


def test_a_gated_pods_node_selector_may_grow() -> None:
    store = a_store(schedulingGates=[{"name": "a"}], nodeSelector={"x": "1"})
    assert change(store, {"nodeSelector": {"y": "2"}}).ok
    assert [error.field for error in change(store, {"nodeSelector": {"x": "9"}}).errors] == ["spec.nodeSelector"]


def test_no_finalizer_joins_a_deletion() -> None:
    store = a_store()
    store.bind("default", "web", "n", 0)
    store.delete("Pod", "default", "web", 0)
    reply = store.patch("Pod", "default", "web", "merge", {"metadata": {"finalizers": ["a/b"]}}, 0)
    assert texts(reply) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new "
        'finalizers []string{"a/b"}'
    ]


def test_an_update_leaves_status_and_server_fields_alone() -> None:
    store = a_store()
    before = store.find("Pod", "default", "web")
    patch = {"metadata": {"uid": "other", "labels": {"a": "b"}}, "status": {"phase": "Failed"}}
    after = store.patch("Pod", "default", "web", "merge", patch, 0).object
    assert before is not None
    assert after is not None
    assert after["status"] == before["status"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["labels"] == {"a": "b"}
