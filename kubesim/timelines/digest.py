"""The part of a Pod or Job that the recordings keep, under their keys and in their order.

A digest is a flat dict; what a watch event ``set`` is the difference of two. Source: the trace format of the
recordings (docs/history.md, "Traces").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from kubesim.objects.status import instant_of
from kubesim.timelines.names import completion_index
from kubesim.units import SECOND, Instant

Digest: TypeAlias = dict[str, Any]
Plain: TypeAlias = Callable[[str], str]


def relative(at: Instant, started: Instant) -> float:
    """Seconds since t=0, rounded to 1 ms."""
    return round((at - started) / SECOND, 3)


def accepted(pod: dict[str, Any]) -> Digest:
    """What the API server stored of a new Pod; shows the fields it dropped."""
    spec = pod["spec"]
    found: Digest = {
        "restartPolicy": spec.get("restartPolicy"),
        "terminationGracePeriodSeconds": spec.get("terminationGracePeriodSeconds"),
    }
    if spec.get("initContainers"):
        found["init"] = [_with_policy(container) for container in spec["initContainers"]]
    found["containers"] = [_with_policy(container) for container in spec["containers"]]
    if (index := completion_index(pod)) is not None:
        found["index"] = index
    return found


def pod_digest(pod: dict[str, Any], started: Instant, plain: Plain) -> Digest:
    """The keys of ``pods`` in a trace."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    found = _present(
        phase=status.get("phase"),
        reason=status.get("reason"),
        message=plain(status["message"]) if status.get("message") else None,
        qosClass=status.get("qosClass"),
        startTime=_seconds(status.get("startTime"), started),
        hasIP=True if status.get("podIP") else None,
    )
    found["node"] = bool(spec.get("nodeName"))
    found |= _present(
        schedulingGates=[gate["name"] for gate in spec.get("schedulingGates") or ()],
        deletion=_pod_deletion(metadata, started),
        finalizers=list(metadata.get("finalizers") or ()),
        activeDeadlineSeconds=spec.get("activeDeadlineSeconds"),
        generation=_above_one(metadata.get("generation")),
        observedGeneration=_above_one(status.get("observedGeneration")),
    )
    found |= _conditions(status, started, plain)
    for room, key in (("init", "initContainerStatuses"), ("main", "containerStatuses")):
        for entry in status.get(key) or ():
            found[f"{room}/{entry['name']}"] = _container(entry, started, plain)
    return found


def job_digest(job: dict[str, Any], started: Instant, plain: Plain) -> Digest:
    """The keys of ``jobs`` in a trace."""
    metadata, spec, status = job["metadata"], job["spec"], job.get("status") or {}
    waiting = status.get("uncountedTerminatedPods") or {}
    found = _present(
        active=status.get("active") or None,
        ready=status.get("ready"),
        succeeded=status.get("succeeded") or None,
        failed=status.get("failed") or None,
        terminating=status.get("terminating"),
        completedIndexes=status.get("completedIndexes") or None,
    )
    if status.get("failedIndexes") is not None:
        found["failedIndexes"] = status["failedIndexes"]
    found |= _present(
        startTime=_seconds(status.get("startTime"), started),
        completionTime=_seconds(status.get("completionTime"), started),
        suspend=spec.get("suspend") or None,
        uncounted={key: len(waiting[key]) for key in ("succeeded", "failed") if waiting.get(key)},
    )
    if deleted := metadata.get("deletionTimestamp"):
        found["deletion"] = {"at": _seconds(deleted, started)}
    return found | _conditions(status, started, plain)


def difference(before: Digest, after: Digest) -> Digest:
    """What a watch event set: changed keys in their order, then the removed ones as null."""
    changed = {key: value for key, value in after.items() if key not in before or before[key] != value}
    return changed | {key: None for key in before if key not in after}


def _present(**values: Any) -> Digest:
    """The values that say something: not null, not empty."""
    return {key: value for key, value in values.items() if value is not None and value not in ("", [], {})}


def _seconds(value: str | None, started: Instant) -> float | None:
    at = instant_of(value)
    return None if at is None else relative(at, started)


def _above_one(number: int | None) -> int | None:
    return number if number is not None and number > 1 else None


def _with_policy(container: dict[str, Any]) -> str:
    policy = container.get("restartPolicy")
    return f"{container['name']} restartPolicy={policy}" if policy else str(container["name"])


def _pod_deletion(metadata: dict[str, Any], started: Instant) -> Digest | None:
    if not metadata.get("deletionTimestamp"):
        return None
    return {
        "at": _seconds(metadata["deletionTimestamp"], started),
        "grace": metadata.get("deletionGracePeriodSeconds"),
    }


def _conditions(status: dict[str, Any], started: Instant, plain: Plain) -> Digest:
    found: Digest = {}
    for condition in status.get("conditions") or ():
        found[f"cond/{condition['type']}"] = {"status": condition["status"]} | _present(
            reason=condition.get("reason"),
            message=plain(condition["message"]) if condition.get("message") else None,
            since=_seconds(condition.get("lastTransitionTime"), started),
            observedGeneration=condition.get("observedGeneration") or None,
        )
    return found


def _container(entry: dict[str, Any], started: Instant, plain: Plain) -> Digest:
    found: Digest = {"ready": entry.get("ready", False)}
    if entry.get("started") is not None:
        found["started"] = entry["started"]
    found["restarts"] = entry.get("restartCount", 0)
    return found | _present(
        state=_state(entry.get("state"), started, plain),
        last=_state(entry.get("lastState"), started, plain),
        id=_short_id(entry.get("containerID")),
        stopSignal=entry.get("stopSignal"),
    )


def _state(raw: dict[str, Any] | None, started: Instant, plain: Plain) -> Digest | None:
    for kind in ("waiting", "running", "terminated"):
        if raw and (state := raw.get(kind)) is not None:
            break
    else:
        return None
    found: Digest = {"s": kind} | _present(
        reason=state.get("reason"), message=plain(state["message"]) if state.get("message") else None
    )
    if kind == "terminated":
        found["exitCode"] = state.get("exitCode", 0)
    return found | _present(
        signal=state.get("signal") or None,
        started=_seconds(state.get("startedAt"), started),
        finished=_seconds(state.get("finishedAt"), started),
        id=_short_id(state.get("containerID")),
    )


def _short_id(container_id: str | None) -> str | None:
    """The first six hex digits of ``containerd://...``: enough to tell one run from the next."""
    return container_id.rpartition("://")[2][:6] if container_id else None
