"""The raw pod that the controller sends for one place of a Job (J-3 to J-5, J-35).

Labels with the Job's name and uid come with the template, into which the API server wrote them; names are completed
by the API server too. Source: ``controller_utils.go`` GetPodFromTemplate, ``indexed_job_utils.go``.
"""

from __future__ import annotations

from typing import Any, Final

from kubesim.job_controller.decision import PodToCreate
from kubesim.objects.job import (
    COMPLETION_INDEX,
    INDEX_FAILURE_COUNT,
    INDEX_IGNORED_FAILURE_COUNT,
    TRACKING_FINALIZER,
    JobView,
)
from kubesim.releases import Release

COMPLETION_INDEX_ENV: Final = "JOB_COMPLETION_INDEX"
_LONGEST_GENERATE_NAME: Final = 58
"""Longest prefix the API server completes: five random characters follow, and names end at 63."""
_LONGEST_NAME: Final = 253


def pod_for(job: JobView, place: PodToCreate, release: Release) -> dict[str, Any]:
    """The pod to create for one place; nothing in it is shared with the Job but what neither changes."""
    template = job.raw["spec"]["template"]
    given = template.get("metadata") or {}
    metadata: dict[str, Any] = {
        "generateName": generate_name(job.metadata.name, place.index),
        "namespace": job.metadata.namespace,
        "labels": dict(given.get("labels") or {}),
        "annotations": dict(given.get("annotations") or {}),
        "finalizers": list(dict.fromkeys((*(given.get("finalizers") or ()), TRACKING_FINALIZER))),
        "ownerReferences": [controller_reference(job)],
    }
    spec = dict(template.get("spec") or {})
    if place.index is not None:
        metadata["annotations"] |= _index_annotations(place)
        if release.policy("job_index_label"):
            metadata["labels"][COMPLETION_INDEX] = str(place.index)
        spec["hostname"] = f"{job.metadata.name}-{place.index}"
        for key in ("initContainers", "containers"):
            if key in spec:
                spec[key] = [_with_index_variable(container, release) for container in spec[key] or ()]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {k: v for k, v in metadata.items() if v}, "spec": spec}


def generate_name(job_name: str, index: int | None) -> str:
    """The prefix of a pod's name: ``<job>-``, or ``<job>-<index>-`` whose index is never cut off (J-4)."""
    if index is None:
        return f"{job_name}-" if len(job_name) < _LONGEST_NAME else job_name
    suffix = f"-{index}-"
    return job_name[: _LONGEST_GENERATE_NAME - len(suffix)] + suffix


def controller_reference(job: JobView) -> dict[str, Any]:
    """The owner reference that makes a pod the Job's (J-4)."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job.metadata.name,
        "uid": job.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _index_annotations(place: PodToCreate) -> dict[str, str]:
    annotations = {COMPLETION_INDEX: str(place.index)}
    if place.failure_count is not None:
        annotations[INDEX_FAILURE_COUNT] = str(place.failure_count)
    if place.ignored_failure_count:
        annotations[INDEX_IGNORED_FAILURE_COUNT] = str(place.ignored_failure_count)
    return annotations


def _with_index_variable(container: dict[str, Any], release: Release) -> dict[str, Any]:
    """The container with the variable that holds its index, unless it sets one of that name itself (J-5)."""
    env = container.get("env") or []
    if any(entry.get("name") == COMPLETION_INDEX_ENV for entry in env):
        return container
    where = "labels" if release.policy("job_index_label") else "annotations"
    field = {"fieldRef": {"fieldPath": f"metadata.{where}['{COMPLETION_INDEX}']"}}
    return {**container, "env": [*env, {"name": COMPLETION_INDEX_ENV, "valueFrom": field}]}
