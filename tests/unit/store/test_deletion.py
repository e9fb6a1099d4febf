"""Deletion by grace, finalizers and release (C-40 to C-45); times as recorded on real clusters."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store import Propagation, Store
from kubesim.units import SECOND

HELD = ["example.com/hold"]


def a_running_pod(name: str = "1.29", *, grace: int = 30, finalizers: list[str] | None = None) -> Store:
    store = Store(release(name, component="apiserver"))
    metadata: dict[str, Any] = {"name": "web"}
    if finalizers:
        metadata["finalizers"] = finalizers
    spec = {"containers": [{"name": "app", "image": "i:1"}], "terminationGracePeriodSeconds": grace}
    store.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, 0)
    store.bind("default", "web", "node1", 0)
    store.update_status("Pod", "default", "web", {"phase": "Running"}, 0)
    store.take_changes()
    return store


def deletions(store: Store) -> list[tuple[str, str | None, int | None]]:
    """(event type, deletionTimestamp as seconds of the minute, grace) of the changes since the last look."""
    found = []
    for change in store.take_changes():
        metadata = change.object["metadata"]
        stamp = metadata.get("deletionTimestamp")
        found.append((change.type, stamp and stamp[14:19], metadata.get("deletionGracePeriodSeconds")))
    return found


def delete(store: Store, at: int, grace: int | None = None) -> None:
    assert store.delete("Pod", "default", "web", at * SECOND, grace=grace).code == 200


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        pytest.param(None, ("MODIFIED", "00:40", 30), id="the pod's own grace"),
        pytest.param(10, ("MODIFIED", "00:20", 10), id="the request's grace"),
        pytest.param(60, ("MODIFIED", "01:10", 60), id="a longer one too"),
        pytest.param(-5, ("MODIFIED", "00:11", 1), id="a negative one is 1"),
    ],
)
def test_the_timestamp_lies_a_grace_ahead(asked: int | None, written: tuple[str, str, int]) -> None:
    store = a_running_pod()
    delete(store, 10, asked)
    assert deletions(store) == [written]
    assert store.find("Pod", "default", "web") is not None


def test_grace_zero_is_two_events() -> None:
    """Recorded: del-grace-0."""
    store = a_running_pod()
    delete(store, 6, 0)
    assert deletions(store) == [("MODIFIED", "00:06", 0), ("DELETED", "00:06", 0)]
    assert store.find("Pod", "default", "web") is None


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_goes_at_once(phase: str) -> None:
    """Recorded: del-completed-pod."""
    store = a_running_pod()
    store.update_status("Pod", "default", "web", {"phase": phase}, 0)
    store.take_changes()
    delete(store, 9)
    assert deletions(store) == [("MODIFIED", "00:09", 0), ("DELETED", "00:09", 0)]


def test_an_unscheduled_pod_goes_at_once() -> None:
    """Recorded: err-unschedulable."""
    store = Store(release("1.29", component="apiserver"))
    spec = {"containers": [{"name": "app", "image": "i"}]}
    store.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}, 0)
    store.take_changes()
    delete(store, 10, 30)
    assert deletions(store) == [("MODIFIED", "00:10", 0), ("DELETED", "00:10", 0)]


@pytest.mark.parametrize("asked", [None, 40, 50])
def test_a_second_delete_cannot_prolong(asked: int | None) -> None:
    store = a_running_pod(grace=40)
    delete(store, 5)
    store.take_changes()
    delete(store, 10, asked)
    assert deletions(store) == []


@pytest.mark.parametrize(
    ("name", "asked", "written"),
    [
        pytest.param("1.29", 20, ("MODIFIED", "00:25", 20), id="counted from the first delete"),
        pytest.param("1.29", 2, ("MODIFIED", "00:07", 2), id="into the past before 1.33"),
        pytest.param("1.33", 20, ("MODIFIED", "00:25", 20), id="1.33 counts the same way"),
        pytest.param("1.33", 2, ("MODIFIED", "00:10", 1), id="not into the past since 1.33"),
        pytest.param("1.36", 2, ("MODIFIED", "00:10", 1), id="recorded: del-shorter-grace-during-prestop"),
    ],
)
def test_a_second_delete_may_shorten(name: str, asked: int, written: tuple[str, str, int]) -> None:
    store = a_running_pod(name, grace=40)
    delete(store, 5)
    store.take_changes()
    delete(store, 10, asked)
    assert deletions(store) == [written]


@pytest.mark.parametrize(("name", "stamp"), [("1.29", "00:05"), ("1.36", "00:08")])
def test_the_kubelet_ends_the_deletion(name: str, stamp: str) -> None:
    """Recorded: del-finalizer and others; before 1.33 the timestamp returns to the first request's instant."""
    store = a_running_pod(name)
    delete(store, 5)
    store.take_changes()
    delete(store, 8, 0)
    assert deletions(store) == [("MODIFIED", stamp, 0), ("DELETED", stamp, 0)]


def test_a_finalizer_keeps_the_object() -> None:
    """Recorded: del-finalizer; the patch that takes the last finalizer away shows DELETED only."""
    store = a_running_pod(finalizers=HELD)
    delete(store, 5)
    delete(store, 8, 0)
    assert [event for event, _, _ in deletions(store)] == ["MODIFIED", "MODIFIED"]
    delete(store, 9, 0)
    assert deletions(store) == []
    reply = store.patch("Pod", "default", "web", "merge", {"metadata": {"finalizers": None}}, 14 * SECOND)
    assert reply.code == 200
    assert [event for event, _, _ in deletions(store)] == ["DELETED"]


def test_taking_a_finalizer_away_early_does_not_end_the_grace() -> None:
    store = a_running_pod(finalizers=HELD)
    delete(store, 5)
    store.patch("Pod", "default", "web", "merge", {"metadata": {"finalizers": None}}, 6 * SECOND)
    assert [event for event, _, _ in deletions(store)] == ["MODIFIED", "MODIFIED"]


def test_generation_counts_the_first_delete_only() -> None:
    store = a_running_pod("1.36")
    delete(store, 5)
    delete(store, 8, 5)
    assert [change.object["metadata"]["generation"] for change in store.take_changes()] == [2, 2]


def test_a_pod_of_1_29_has_no_generation() -> None:
    store = a_running_pod("1.29")
    delete(store, 5)
    assert ["generation" in change.object["metadata"] for change in store.take_changes()] == [False]


def a_job() -> Store:
    store = Store(release("1.36", component="apiserver"))
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "w", "image": "i"}]}}}
    assert store.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": spec}, 0).ok
    store.take_changes()
    return store


@pytest.mark.parametrize(
    ("propagation", "finalizers"),
    [(None, None), ("Background", None), ("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])],
)
def test_propagation_decides_the_collectors_finalizer(propagation: str | None, finalizers: list[str] | None) -> None:
    store = a_job()
    store.delete("Job", "default", "j", SECOND, propagation=propagation and Propagation(propagation))
    [change] = store.take_changes()
    if finalizers is None:
        assert change.type == "DELETED"
    else:
        metadata = change.object["metadata"]
        assert (change.type, metadata["finalizers"]) == ("MODIFIED", finalizers)
        assert (metadata["deletionGracePeriodSeconds"], metadata["generation"]) == (0, 2)


def test_a_delete_meant_for_another_object_is_refused() -> None:
    store = a_running_pod()
    reply = store.delete("Pod", "default", "web", 0, uid_precondition="other")
    assert (reply.code, reply.reason) == (409, "Conflict")
    assert "the UID in the precondition (other) does not match the UID in record" in reply.message
