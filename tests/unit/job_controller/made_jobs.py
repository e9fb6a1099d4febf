"""Jobs and pods for the tables: one base Job, one base pod, and what a row changes about them."""

from __future__ import annotations

from typing import Any

from kubesim.job_controller.decision import JobDecision, Memory
from kubesim.job_controller.sync import sync_job
from kubesim.objects.job import COMPLETION_INDEX, TRACKING_FINALIZER, JobView, job_view
from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import render_time
from kubesim.releases import Component, Release, release
from kubesim.units import SECOND

NOW = 1000 * SECOND


def at(seconds: int) -> str:
    """A timestamp so many seconds before (negative) or after NOW."""
    return str(render_time(NOW + seconds * SECOND))


def controller(name: str = "1.29", **gates: bool) -> Release:
    """The release of a controller manager."""
    return release(name, gates, component=Component.CONTROLLER_MANAGER)


def job(status: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **spec: Any) -> JobView:
    """A Job of one pod under Never, that was started 100 s ago and whose pod is reported active, not ready."""
    template = {"spec": {"restartPolicy": spec.pop("restart", "Never"), "containers": [{"name": "main"}]}}
    given = {"active": 1, "ready": 0, "terminating": 0, "startTime": at(-100), "uncountedTerminatedPods": {}}
    return job_view(
        {
            "metadata": {"name": "j", "namespace": "ns", "uid": "j-uid", "generation": 1, **(meta or {})},
            "spec": {"completions": 1, "parallelism": 1, "backoffLimit": 6, "template": template, **spec},
            "status": given if status is None else {**given, **status},
        }
    )


def pod(name: str, phase: str = "Running", **more: Any) -> Pod:
    """A pod of the Job, with its finalizer. ``index``, ``ready``, ``deleted`` (seconds), ``ended`` (seconds), ``code``.

    Anything else goes into the metadata.
    """
    index, ready, deleted = more.pop("index", None), more.pop("ready", None), more.pop("deleted", None)
    ended, code, restarts = more.pop("ended", None), more.pop("code", 1), more.pop("restarts", 0)
    node, created, annotations = more.pop("node", "n1"), more.pop("created", -50), more.pop("annotations", {})
    state = {"running": {}} if ended is None else {"terminated": {"exitCode": code, "finishedAt": at(ended)}}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "ns",
        "uid": f"{name}-uid",
        "creationTimestamp": None if created is None else at(created),
        "finalizers": [TRACKING_FINALIZER],
        "annotations": annotations if index is None else {**annotations, COMPLETION_INDEX: str(index)},
        **more,
    }
    if deleted is not None:
        metadata |= {"deletionTimestamp": at(deleted), "deletionGracePeriodSeconds": 30}
    conditions = [] if ready is None else [{"type": "Ready", "status": "True", "lastTransitionTime": at(ready)}]
    statuses = [{"name": "main", "state": state, "restartCount": restarts}]
    return pod_view(
        {
            "metadata": metadata,
            "spec": {"nodeName": node, "containers": [{"name": "main"}]},
            "status": {"phase": phase, "conditions": conditions, "containerStatuses": statuses},
        }
    )


def synced(given: JobView, *pods: Pod, known: Release, memory: Memory | None = None) -> JobDecision:
    """One sync at NOW."""
    return sync_job(given, pods, memory or Memory(), known, NOW)


def conditions(decision: JobDecision) -> list[list[str]]:
    """The condition types that are True, write by write."""
    return [
        [condition.type for condition in write.status.conditions if condition.status == "True"]
        for write in decision.status_writes
    ]
