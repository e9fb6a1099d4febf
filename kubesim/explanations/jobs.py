"""Why a Job is not complete, how many attempts it has left, and when the next one comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubesim.explanations.explanation import State
from kubesim.history.history import History
from kubesim.history.lives import PodLife
from kubesim.history.records import Decided
from kubesim.history.replay import Key
from kubesim.timelines.lanes_containers import container_roles
from kubesim.timelines.lanes_jobs import owning_job
from kubesim.timelines.lanes_model import Role
from kubesim.timelines.text import relative_time
from kubesim.units import SECOND, Instant, format_duration

_NO_LIMIT: Final = 2**31 - 1
_OVER: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class JobAt:
    """One Job at an instant, with the Pods that it had made by then, each with its object of that instant."""

    history: History
    key: Key
    at: Instant
    raw: Mapping[str, Any]
    created: Instant
    gone: Instant | None
    pods: tuple[tuple[PodLife, Mapping[str, Any]], ...]

    @property
    def spec(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.raw["spec"]
        return spec

    @property
    def status(self) -> Mapping[str, Any]:
        return self.raw.get("status") or {}

    @property
    def policy(self) -> str:
        """The restart policy of its Pods."""
        return str(self.spec["template"]["spec"].get("restartPolicy") or "")

    def condition(self, type_: str) -> Mapping[str, Any] | None:
        """A condition that is True; None if it is not."""
        conditions = self.status.get("conditions") or ()
        return next((one for one in conditions if one["type"] == type_ and one["status"] == "True"), None)

    def unfinished(self) -> list[PodLife]:
        """Its Pods that have not ended."""
        return [life for life, raw in self.pods if (raw.get("status") or {}).get("phase") not in _OVER]


def job_at(history: History, key: Key, at: Instant) -> JobAt:
    """The Job at an instant, which must not lie before its creation."""
    versions = history.all_versions[key]
    raw = next(one.object for one in reversed(versions) if one.at <= at)
    pods = []
    for life in history.pods:
        first = life.versions[0]
        if life.namespace == key.namespace and life.created <= at and owning_job(first.object) == key.name:
            known = next(one for one in reversed(life.versions) if one.at <= at)
            if known.change != "DELETED":
                pods.append((life, known.object))
    gone = versions[-1].at if versions[-1].change == "DELETED" and versions[-1].at <= at else None
    return JobAt(history, key, at, raw, versions[0].at, gone, tuple(pods))


def job_state(job: JobAt) -> State:
    """The state of a Job."""
    if job.gone is not None:
        return State("gone", job.gone, *_deleted(job))
    for type_, word in (("Complete", "complete"), ("Failed", "failed")):
        if (condition := job.condition(type_)) is not None:
            return _over(job, type_, word, condition)
    if job.spec.get("managedBy", "kubernetes.io/job-controller") != "kubernetes.io/job-controller":
        return State("left alone", job.created, f"spec.managedBy is {job.spec['managedBy']}", ("J-13",))
    if job.spec.get("suspend"):
        changes = ("spec.suspend is set to false",)
        return State("suspended", _since(job, "Suspended"), "spec.suspend is true", ("J-22", "J-37"), (), changes)
    for type_ in ("FailureTarget", "SuccessCriteriaMet"):
        if (condition := job.condition(type_)) is not None:
            return _ending(job, type_, condition)
    return _under_way(job)


def _deleted(job: JobAt) -> tuple[str, tuple[str, ...]]:
    asked = next(
        (one for one in job.history.all_versions[job.key] if one.object["metadata"].get("deletionTimestamp")),
        job.history.all_versions[job.key][-1],
    )
    if asked.actor.startswith("ttl"):
        return "its ttlSecondsAfterFinished were over", ("J-38",)
    return f"{asked.actor} deleted it", ("J-63",)


def _over(job: JobAt, type_: str, word: str, condition: Mapping[str, Any]) -> State:
    told = ": ".join(str(part) for part in (condition.get("reason"), condition.get("message")) if part)
    why = "; ".join(part for part in (told, _counted(job), _per_limit(job) if type_ == "Failed" else "") if part)
    changes: tuple[str, ...] = ()
    if (ttl := job.spec.get("ttlSecondsAfterFinished")) is not None:
        changes = (f"it is deleted {ttl} s after its end (ttlSecondsAfterFinished)",)
    rules = ("J-20",) if type_ == "Complete" else _failure_rules(str(condition.get("reason") or ""))
    return State(word, _since(job, type_), why, rules, (), changes)


def _failure_rules(reason: str) -> tuple[str, ...]:
    known = {
        "BackoffLimitExceeded": ("J-29", "J-30"),
        "DeadlineExceeded": ("J-36",),
        "PodFailurePolicy": ("J-40", "J-41"),
        "FailedIndexes": ("J-35",),
        "MaxFailedIndexesExceeded": ("J-35",),
    }
    return known.get(reason, ("J-18",))


def _per_limit(job: JobAt) -> str:
    """Which Pods' containers failed, for a Job that gave up."""
    codes: dict[str, int] = {}
    for _, raw in job.pods:
        for name, code in _failures(raw):
            codes[f"{name} with {code}"] = codes.get(f"{name} with {code}", 0) + 1
    return "ended: " + ", ".join(f"{text} ({count}×)" for text, count in codes.items()) if codes else ""


def _failures(pod: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The containers that count, with their exit codes above 0."""
    roles, found = container_roles(pod), []
    for field in ("initContainerStatuses", "containerStatuses"):
        for entry in (pod.get("status") or {}).get(field) or ():
            code = ((entry.get("state") or {}).get("terminated") or {}).get("exitCode")
            if code and roles.get(entry["name"]) is not Role.SIDECAR:
                found.append((str(entry["name"]), int(code)))
    return found


def _counted(job: JobAt) -> str:
    """The counters in words."""
    status, completions = job.status, job.spec.get("completions")
    succeeded, failed = status.get("succeeded", 0), status.get("failed", 0)
    of = f" of {completions}" if completions is not None else ""
    words = f"{succeeded}{of} succeeded, {failed} failed"
    if status.get("failedIndexes"):
        words += f" (indexes {status['failedIndexes']})"
    return words


def _ending(job: JobAt, type_: str, condition: Mapping[str, Any]) -> State:
    word = "failing" if type_ == "FailureTarget" else "completing"
    told = ": ".join(str(part) for part in (condition.get("reason"), condition.get("message")) if part)
    waits = tuple(f"Pod {life.name} to end" for life in job.unfinished())
    waits = waits or ("its last Pods to be counted (syncs are up to 1 s apart)",)
    return State(f"{word}: its verdict is known", _since(job, type_), told, ("J-31", "J-46"), waits)


def _since(job: JobAt, type_: str) -> Instant | None:
    for version in job.history.all_versions[job.key]:
        conditions = (version.object.get("status") or {}).get("conditions") or ()
        if any(one["type"] == type_ and one["status"] == "True" for one in conditions):
            return version.at
    return job.created


# -- under way --------------------------------------------------------------------------------------------------------


def _under_way(job: JobAt) -> State:
    active, why, waits = job.unfinished(), [_counted(job)], []
    rules = ["J-20"]
    changes = [_attempts(job)]
    for life in active[:5]:
        waits.append(f"Pod {life.name} to end{_hanging(job, life)}")
    if len(active) > 5:
        waits.append(f"{len(active) - 5} more Pods to end")
    if not active:
        held = _held_back(job)
        if held is not None:
            why.append(held.actions[0].why)
            rules += held.actions[0].rules
            waits.append(f"its back-off to pass, before the next Pod is made{_due(job)}")
        else:
            waits.append("the Job controller to make its Pods (syncs are up to 1 s apart)")
    if (deadline := job.spec.get("activeDeadlineSeconds")) is not None:
        changes.append(f"activeDeadlineSeconds: it fails {deadline} s after its start")
        rules.append("J-36")
    rules.append("J-30" if job.policy == "OnFailure" else "J-29")
    return State("not complete", job.created, "; ".join(why), tuple(rules), tuple(waits), tuple(changes))


def _hanging(job: JobAt, life: PodLife) -> str:
    """What keeps a Pod, where some main containers are done and others are not."""
    raw = next(raw for known, raw in job.pods if known is life)
    ended: list[str] = []
    up: list[str] = []
    for entry in (raw.get("status") or {}).get("containerStatuses") or ():
        state = entry.get("state") or {}
        (ended if "terminated" in state else up).append(str(entry["name"]))
    if ended and up:
        return f": {', '.join(ended)} is done, but {', '.join(up)}, an ordinary container, still runs (J-56)"
    return ""


def _held_back(job: JobAt) -> Decided | None:
    """The controller's decision to wait before the next Pod, if it was its last one."""
    for record in reversed(job.history.records):
        if (
            isinstance(record, Decided)
            and record.at <= job.at
            and record.actor == "job-controller"
            and (record.namespace, record.name) == (job.key.namespace, job.key.name)
        ):
            waits = any(action.do.startswith("wait") for action in record.actions)
            return record if waits else None
    return None


def _due(job: JobAt) -> str:
    """When the next Pod comes, where the history goes on so far."""
    for life in job.history.pods:
        if life.created > job.at and owning_job(life.versions[0].object) == job.key.name:
            left = (life.created - job.at + SECOND // 20) // (SECOND // 10) * (SECOND // 10)
            return f" at {relative_time(life.created - job.history.started)}, in {format_duration(left)}"
    return ""


def _attempts(job: JobAt) -> str:
    """How many failures, or restarts, the Job can still take."""
    limit, failed = int(job.spec.get("backoffLimit", 6)), int(job.status.get("failed", 0))
    if (per_index := job.spec.get("backoffLimitPerIndex")) is not None:
        return f"each index has {per_index + 1} attempts (backoffLimitPerIndex {per_index}), then it fails alone"
    if limit >= _NO_LIMIT:
        return "no number of failures ends it"
    if job.policy == "OnFailure":
        restarts, left = _restarts(job), max(1, limit)
        return (
            f"restarts count, those of init containers and sidecars, too: {restarts} so far; the Job fails at {left} "
            f"(backoffLimit {limit})"
        )
    left = limit + 1 - failed
    attempts = f"{left} more failed Pod{'s' if left != 1 else ''}"
    return f"after {attempts} it fails (backoffLimit {limit}, {failed} failed so far)"


def _restarts(job: JobAt) -> int:
    """The restarts of all containers of the Pods that have not ended (J-30)."""
    count = 0
    for _, raw in job.pods:
        status = raw.get("status") or {}
        if status.get("phase") in ("Running", "Pending"):
            entries = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
            count += sum(int(entry.get("restartCount", 0)) for entry in entries)
    return count
