"""The Job controller: one sync, and the small decisions it is made of."""

from __future__ import annotations

from typing import Any

from kubesim.job_controller.backoff import (
    BackoffRecord,
    next_record,
    remaining_delay,
    remaining_delay_of_index,
)
from kubesim.job_controller.census import census
from kubesim.job_controller.decision import JobDecision, Memory
from kubesim.job_controller.indexes import fails_index, first_pending_indexes, inherited_counts
from kubesim.job_controller.intervals import contains, format_indexes, merged, parse_indexes, total, with_indexes
from kubesim.job_controller.pod_failure_policy import match_failure
from kubesim.job_controller.pods import finish_time, is_failed, only_failed_replaced
from kubesim.job_controller.success_policy import match_success
from kubesim.job_controller.sync import sync_job
from kubesim.job_controller.template import pod_for
from kubesim.job_controller.verdict import past_backoff_on_failure
from kubesim.objects.job import (
    COMPLETION_INDEX,
    INDEX_FAILURE_COUNT,
    INDEX_IGNORED_FAILURE_COUNT,
    JobView,
    job_status_raw,
    job_view,
)
from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import instant_of, render_time
from kubesim.releases import Component, Release, release
from kubesim.units import Instant, to_seconds


def run(vector: dict[str, Any], version: str) -> dict[str, Any]:
    """The answer to one vector of any function of the family."""
    given = vector["input"]
    known = release(version, given.get("gates") or {}, component=Component.CONTROLLER_MANAGER)
    answers = {
        "backoff_per_index": _backoff_per_index,
        "backoff_record": _backoff_record,
        "indexes": _indexes,
        "job_indexes": _job_indexes,
        "past_backoff_onfailure": _past_backoff,
        "pod_failure_policy": _pod_failure_policy,
        "success_policy": _success_policy,
        "sync_job": _sync_job,
    }
    return answers[vector["fn"]](given, known)


def normalise(output: dict[str, Any]) -> dict[str, Any]:
    """Lists that the recording sorts are sorted on both sides; nothing else is left open."""
    ordered = {key: sorted(output[key]) for key in ("deleted", "finalizerRemoved", "events") if key in output}
    return {**output, **ordered}


def _pod_failure_policy(given: dict[str, Any], known: Release) -> dict[str, Any]:
    job = job_view({"spec": {"podFailurePolicy": given["podFailurePolicy"]}})
    match = match_failure(job.spec.pod_failure_policy, _pod(given["pod"]), known)
    return {"message": match.message, "counted": match.counted, "action": match.action}


def _backoff_record(given: dict[str, Any], known: Release) -> dict[str, Any]:
    old = _record(given) if given["hasPrevious"] else None
    succeeded = [_pod(raw) for raw in given["newSucceededPods"]]
    failed = [_pod(raw) for raw in given["newFailedPods"]]
    record = next_record(old, succeeded, failed, known)
    return {
        "failuresAfterLastSuccess": record.failures,
        "lastFailureTime": render_time(record.last_failure),
        "remaining": to_seconds(remaining_delay(record, _now(given), known)),
        "finishedTimes": {pod.metadata.name: render_time(finish_time(pod, known)) for pod in (*succeeded, *failed)},
    }


def _backoff_per_index(given: dict[str, Any], known: Release) -> dict[str, Any]:
    job, pod = job_view(given["job"]), _pod(given["lastFailedPod"])
    counted, ignored = inherited_counts(job, pod, known)
    return {
        "remaining": to_seconds(remaining_delay_of_index(pod, _now(given), known)),
        "newFailureCount": counted,
        "newIgnoredFailureCount": ignored,
        "indexFailed": fails_index(pod, job, known),
    }


def _indexes(given: dict[str, Any], known: Release) -> dict[str, Any]:
    intervals = parse_indexes(given["indexes"], given["completions"])
    output: dict[str, Any] = {
        "intervals": [list(interval) for interval in intervals],
        "total": total(intervals),
        "string": format_indexes(intervals),
    }
    if "add" in given:
        union = with_indexes(intervals, given["add"])
        output["merged"] = format_indexes(union)
        output["mergedTotal"] = total(union)
        output["mergedHas"] = [contains(union, index) for index in given["has"]]
    return output


def _success_policy(given: dict[str, Any], known: Release) -> dict[str, Any]:
    job = job_view({"spec": {"successPolicy": given["successPolicy"]}})
    succeeded = parse_indexes(given["succeededIndexes"], given["completions"])
    message = match_success(job.spec.success_policy, given["completions"], succeeded, known)
    return {"met": message is not None, "message": message or ""}


def _past_backoff(given: dict[str, Any], known: Release) -> dict[str, Any]:
    return {"past": past_backoff_on_failure(job_view(given["job"]), [_pod(raw) for raw in given["pods"]])}


def _job_indexes(given: dict[str, Any], known: Release) -> dict[str, Any]:
    job = job_view(given["job"])
    found = census(job, tuple(_pod(raw) for raw in given["pods"]), None, frozenset(), known)
    output = {
        "previousSucceeded": format_indexes(found.previously_succeeded),
        "succeeded": format_indexes(found.succeeded_indexes),
        "active": len(found.active),
        "terminating": len(found.terminating),
        "onlyReplaceFailedPods": only_failed_replaced(job, known),
        "firstPending": list(
            first_pending_indexes(
                job,
                found.active,
                found.terminating,
                found.succeeded_indexes,
                found.failed_indexes,
                given["count"],
                known,
            )
        ),
        "podCountsAsFailed": {pod.metadata.name: is_failed(pod, job, known) for pod in found.pods},
    }
    if found.failed_indexes is not None:
        output["failed"] = format_indexes(merged(found.failed_indexes, ()))
    return output


def _sync_job(given: dict[str, Any], known: Release) -> dict[str, Any]:
    job = job_view(given["job"])
    memory = Memory(record=_record(given) if "previousFailures" in given else None)
    pods = tuple(_pod(raw, job.metadata.namespace) for raw in given["pods"])
    decision = sync_job(job, pods, memory, known, _now(given))
    output = {
        "statusUpdates": [_status(job_status_raw(write.status)) for write in decision.status_writes],
        "created": _created(job, decision, known),
        "deleted": [deletion.name for deletion in decision.deletions],
        "finalizerRemoved": [
            *(deletion.name for deletion in decision.deletions if deletion.release_first),
            *(removal.name for removal in decision.finalizers),
        ],
        "events": [f"{event.type} {event.reason} {event.message}" for event in decision.events],
        "requeueAfter": [to_seconds(requeue.after) for requeue in decision.requeues],
    }
    if decision.memory.record is not None:
        output["storedFailures"] = decision.memory.record.failures
    return output


def _created(job: JobView, decision: JobDecision, known: Release) -> list[dict[str, str]]:
    """What the annotations of the created pods say about their index."""
    keys = {
        COMPLETION_INDEX: "index",
        INDEX_FAILURE_COUNT: "indexFailureCount",
        INDEX_IGNORED_FAILURE_COUNT: "indexIgnoredFailureCount",
    }
    created = []
    for place in decision.creations:
        annotations = pod_for(job, place, known)["metadata"].get("annotations", {})
        created.append({key: annotations[name] for name, key in keys.items() if name in annotations})
    return created


def _status(raw: dict[str, Any]) -> dict[str, Any]:
    if "conditions" in raw:
        conditions = raw["conditions"]
        raw["conditions"] = [{key: entry[key] for key in entry if key != "lastProbeTime"} for entry in conditions]
    for uids in raw.get("uncountedTerminatedPods", {}).values():
        uids.sort()
    return raw


def _pod(raw: dict[str, Any], namespace: str = "") -> Pod:
    """A pod of a vector; those of a sync live in the namespace of their Job, the others in none."""
    return pod_view({**raw, "metadata": {"namespace": namespace, **raw["metadata"]}})


def _record(given: dict[str, Any]) -> BackoffRecord:
    return BackoffRecord(given["previousFailures"], instant_of(given.get("previousLastFailureTime")))


def _now(given: dict[str, Any]) -> Instant:
    return instant_of(given["now"]) or 0
