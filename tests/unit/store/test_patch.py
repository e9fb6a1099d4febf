"""Patches: JSON, JSON merge, strategic merge; merge keys come from the field tables."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store.patch import NotApplicable, PatchType, merge, patched

SERVER = release("1.29", component="apiserver")
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "finalizers": ["a/b"], "labels": {"x": "1"}},
    "spec": {
        "containers": [
            {"name": "app", "image": "i:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "log", "image": "j:1"},
        ],
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


def strategic(patch: dict[str, Any]) -> dict[str, Any]:
    return patched(POD, PatchType.STRATEGIC, patch, "Pod", SERVER)


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ],
)
def test_merge_as_in_rfc_7386(target: Any, patch: Any, expected: Any) -> None:
    assert merge(target, patch) == expected


def test_a_json_patch() -> None:
    steps = [
        {"op": "test", "path": "/metadata/labels/x", "value": "1"},
        {"op": "remove", "path": "/metadata/finalizers"},
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "new"}},
    ]
    result = patched(POD, PatchType.JSON, steps, "Pod", SERVER)
    assert "finalizers" not in result["metadata"]
    assert [entry["name"] for entry in result["spec"]["containers"]] == ["app", "log", "new"]
    assert "finalizers" in POD["metadata"], "the old object stays as it was"


def test_a_json_patch_that_does_not_fit() -> None:
    with pytest.raises(NotApplicable, match="the server rejected our request due to an error in our request"):
        patched(POD, PatchType.JSON, [{"op": "remove", "path": "/spec/nothing"}], "Pod", SERVER)


def test_containers_merge_by_name_and_their_env_too() -> None:
    patch = {
        "spec": {"containers": [{"name": "app", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]}]}
    }
    app, log = strategic(patch)["spec"]["containers"]
    assert app["image"] == "i:1"
    assert [(entry["name"], entry["value"]) for entry in app["env"]] == [("A", "1"), ("B", "3"), ("C", "4")]
    assert log == {"name": "log", "image": "j:1"}


def test_conditions_merge_by_type() -> None:
    """Recorded: err-readiness-gate patches the status so."""
    patch = {"status": {"conditions": [{"type": "example.com/lb", "status": "True"}]}}
    assert [entry["type"] for entry in strategic(patch)["status"]["conditions"]] == ["Ready", "example.com/lb"]


def test_tolerations_have_no_merge_key_and_are_replaced() -> None:
    patch = {"spec": {"tolerations": [{"key": "new", "operator": "Exists"}]}}
    assert strategic(patch)["spec"]["tolerations"] == [{"key": "new", "operator": "Exists"}]


def test_finalizers_are_a_set() -> None:
    assert strategic({"metadata": {"finalizers": ["c/d", "a/b"]}})["metadata"]["finalizers"] == ["a/b", "c/d"]
    emptied = strategic({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/b"]}})
    assert emptied["metadata"]["finalizers"] == []


def test_directives() -> None:
    gone = strategic({"spec": {"containers": [{"name": "log", "$patch": "delete"}]}})
    assert [entry["name"] for entry in gone["spec"]["containers"]] == ["app"]
    replaced = strategic({"spec": {"containers": [{"$patch": "replace"}, {"name": "only", "image": "k"}]}})
    assert replaced["spec"]["containers"] == [{"name": "only", "image": "k"}]
    labels = strategic({"metadata": {"labels": {"$patch": "replace", "y": "2"}}})
    assert labels["metadata"]["labels"] == {"y": "2"}


def test_the_order_a_patch_asks_for() -> None:
    patch = {
        "spec": {"$setElementOrder/containers": [{"name": "log"}, {"name": "app"}], "containers": [{"name": "log"}]}
    }
    assert [entry["name"] for entry in strategic(patch)["spec"]["containers"]] == ["log", "app"]
    assert "$setElementOrder/containers" not in strategic(patch)["spec"]


def test_null_removes() -> None:
    assert "labels" not in strategic({"metadata": {"labels": None}})["metadata"]
    assert strategic({"metadata": {"labels": {"x": None}}})["metadata"]["labels"] == {}
