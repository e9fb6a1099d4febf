"""The pod made for a place of a Job, and the typed view of a Job."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from made_jobs import controller

from kubesim.job_controller.decision import PodToCreate, Why
from kubesim.job_controller.template import generate_name, pod_for
from kubesim.objects.job import COMPLETION_INDEX, JobView, job_labels, job_status_raw, job_view

LABELS = job_labels("work", "job-uid")
WHY = Why("a test", ())


def made_job() -> JobView:
    return job_view(
        {
            "metadata": {"name": "work", "namespace": "ns", "uid": "job-uid"},
            "spec": {
                "completionMode": "Indexed",
                "completions": 9,
                "template": {
                    "metadata": {
                        "labels": {**LABELS, "app": "x"},
                        "annotations": {"note": "n"},
                        "finalizers": ["mine"],
                        "creationTimestamp": None,
                    },
                    "spec": {
                        "restartPolicy": "Never",
                        "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
                        "containers": [
                            {"name": "main", "env": [{"name": "A", "value": "1"}]},
                            {"name": "own", "env": [{"name": "JOB_COMPLETION_INDEX", "value": "mine"}]},
                        ],
                    },
                },
            },
        }
    )


def test_a_pod_without_index() -> None:
    """J-3, J-4."""
    given = made_job()
    before = copy.deepcopy(given.raw)
    made = pod_for(given, PodToCreate(None, None, 0, WHY), controller())
    assert (made["apiVersion"], made["kind"]) == ("v1", "Pod")
    assert made["metadata"] == {
        "generateName": "work-",
        "namespace": "ns",
        "labels": {
            "batch.kubernetes.io/controller-uid": "job-uid",
            "controller-uid": "job-uid",
            "batch.kubernetes.io/job-name": "work",
            "job-name": "work",
            "app": "x",
        },
        "annotations": {"note": "n"},
        "finalizers": ["mine", "batch.kubernetes.io/job-tracking"],
        "ownerReferences": [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": "work",
                "uid": "job-uid",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    assert made["spec"] == before["spec"]["template"]["spec"]
    assert given.raw == before


@pytest.mark.parametrize(
    ("name", "gates", "where"),
    [
        ("1.27", {}, "annotations"),
        ("1.28", {}, "labels"),
        ("1.28", {"PodIndexLabel": False}, "annotations"),
        ("1.36", {}, "labels"),
    ],
)
def test_a_pod_with_an_index(name: str, gates: dict[str, bool], where: str) -> None:
    """J-5: name, annotation, label since 1.28, host name, and the variable in all containers but those that set it."""
    given = made_job()
    before = copy.deepcopy(given.raw)
    made = pod_for(given, PodToCreate(3, None, 0, WHY), controller(name, **gates))
    assert made["metadata"]["generateName"] == "work-3-"
    assert made["metadata"]["annotations"] == {"note": "n", COMPLETION_INDEX: "3"}
    assert (made["metadata"]["labels"].get(COMPLETION_INDEX) == "3") is (where == "labels")
    assert made["spec"]["hostname"] == "work-3"
    variable = {
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"fieldPath": f"metadata.{where}['{COMPLETION_INDEX}']"}},
    }
    (proxy,), (main, own) = made["spec"]["initContainers"], made["spec"]["containers"]
    assert proxy["env"] == [variable]
    assert main["env"] == [{"name": "A", "value": "1"}, variable]
    assert own["env"] == [{"name": "JOB_COMPLETION_INDEX", "value": "mine"}]
    assert given.raw == before


@pytest.mark.parametrize(("failures", "ignored", "extra"), [(None, 0, []), (0, 0, ["0"]), (2, 1, ["2", "1"])])
def test_counts_go_into_annotations(failures: int | None, ignored: int, extra: list[str]) -> None:
    """J-35: no ignored failures are not mentioned."""
    made = pod_for(made_job(), PodToCreate(3, failures, ignored, WHY), controller())
    assert list(made["metadata"]["annotations"].values()) == ["n", "3", *extra]


def test_a_bare_template() -> None:
    """J-4: nothing empty is sent."""
    given = job_view({"metadata": {"name": "w", "uid": "u"}, "spec": {"template": {"spec": {"containers": []}}}})
    made = pod_for(given, PodToCreate(0, None, 0, WHY), controller("1.27"))
    assert sorted(made["metadata"]) == ["annotations", "finalizers", "generateName", "namespace", "ownerReferences"]
    assert "initContainers" not in made["spec"]
    assert "labels" not in pod_for(given, PodToCreate(None, None, 0, WHY), controller())["metadata"]


@pytest.mark.parametrize(
    ("job_name", "index", "expected"),
    [
        ("j", None, "j-"),
        ("j", 12, "j-12-"),
        ("n" * 60, 12, "n" * 54 + "-12-"),
        ("n" * 252, None, "n" * 252 + "-"),
        ("n" * 253, None, "n" * 253),
    ],
)
def test_names(job_name: str, index: int | None, expected: str) -> None:
    """J-4: the index is never cut off."""
    assert generate_name(job_name, index) == expected


STATUS: dict[str, Any] = {
    "conditions": [
        {
            "type": "Complete",
            "status": "True",
            "lastProbeTime": "2024-01-01T00:00:09Z",
            "lastTransitionTime": "2024-01-01T00:00:09Z",
            "reason": "r",
            "message": "m",
        }
    ],
    "startTime": "2024-01-01T00:00:01Z",
    "completionTime": "2024-01-01T00:00:09Z",
    "active": 1,
    "succeeded": 2,
    "failed": 3,
    "terminating": 0,
    "completedIndexes": "0,1",
    "failedIndexes": "",
    "uncountedTerminatedPods": {"succeeded": ["a"]},
    "ready": 0,
}


@pytest.mark.parametrize("status", [STATUS, {}, {"uncountedTerminatedPods": {}}, {"terminating": 1, "ready": 1}])
def test_a_status_is_written_as_it_was_read(status: dict[str, Any]) -> None:
    """0 is written for ready and terminating only; an empty text only for failedIndexes."""
    assert job_status_raw(job_view({"status": status}).status) == status
