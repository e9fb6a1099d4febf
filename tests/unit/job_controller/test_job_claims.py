"""Which Pods a Job takes and lets go (J-4)."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.job_controller.claims import Claims, adoption, claims, is_selected, release_of
from kubesim.objects.job import JobView, job_view

SELECTOR = {"matchLabels": {"app": "work"}}


def job(**meta: Any) -> JobView:
    metadata = {"name": "work", "namespace": "ns", "uid": "j-1", **meta}
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main"}]}}
    spec = {"selector": SELECTOR, "template": template}
    return job_view({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})


def pod(name: str, label: str | None = "work", namespace: str = "ns", **meta: Any) -> dict[str, Any]:
    labels = {} if label is None else {"labels": {"app": label}}
    return {"metadata": {"name": name, "namespace": namespace, **labels, **meta}}


@pytest.mark.parametrize(
    ("one", "selected"),
    [(pod("a"), True), (pod("a", "other"), False), (pod("a", None), False), (pod("a", namespace="elsewhere"), False)],
)
def test_the_selector_decides_within_the_namespace(one: dict[str, Any], selected: bool) -> None:
    assert is_selected(job(), one) is selected


def test_free_pods_are_adopted_and_own_ones_that_no_longer_fit_let_go() -> None:
    fits, other, going = pod("a"), pod("b", "other"), pod("c", deletionTimestamp="2026-01-01T00:00:00Z")
    assert claims(job(), own=(), free=(fits, other, going)) == Claims(adopted=(fits,))
    assert claims(job(), own=(fits, other, going), free=()) == Claims(released=(other,))


def test_a_job_that_is_being_deleted_claims_nothing() -> None:
    going = job(deletionTimestamp="2026-01-01T00:00:00Z")
    assert claims(going, own=(pod("b", "other"),), free=(pod("a"),)) == Claims()


def test_what_is_written_into_the_pods() -> None:
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": "work",
        "uid": "j-1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    finalizer = "batch.kubernetes.io/job-tracking"
    assert adoption(job()) == {"metadata": {"ownerReferences": [owner], "finalizers": [finalizer]}}
    assert release_of(job()) == {
        "metadata": {
            "ownerReferences": [{"$patch": "delete", "uid": "j-1"}],
            "$deleteFromPrimitiveList/finalizers": [finalizer],
        }
    }
