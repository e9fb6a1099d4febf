"""Small Jobs for the tests of the shell, and what became of them as short lines."""

from __future__ import annotations

from typing import Any

from sim_runs import Object

from kubesim.history.history import History
from kubesim.history.replay import Version
from kubesim.history.series import event_series
from kubesim.units import to_seconds


def job(
    *mains: Object, inits: list[Object] | None = None, name: str = "j", restart: str = "Never", **spec: Any
) -> Object:
    """A Job of one pod; everything else goes into its spec, ``pod`` into the pod's."""
    pod = {"restartPolicy": restart, "containers": [*mains], **spec.pop("pod", {})}
    if inits:
        pod["initContainers"] = inits
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {**spec, "template": {"spec": pod}},
    }


def cron_job(*mains: Object, name: str = "c", schedule: str = "* * * * *", job: Any = None, **spec: Any) -> Object:
    """A CronJob of Jobs of one pod; ``job`` goes into the Jobs' spec, everything else into its own."""
    template = {"spec": {"restartPolicy": "Never", "containers": [*mains]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": {**(job or {}), "template": template}}, **spec},
    }


def change(at: float, kind: str = "Job", name: str = "j", **spec: Any) -> Object:
    """The action that patches a spec."""
    return {"at": f"{at}s", "patch": {"kind": kind, "name": name, "patch": {"spec": spec}}}


def since(history: History, at: int) -> float:
    """Seconds since t=0."""
    return round(to_seconds(at - history.started), 3)


def births(history: History, of: str = "j") -> list[float]:
    """When each pod of a Job was created, in seconds since t=0."""
    return [
        since(history, life.versions[0].at)
        for life in history.pods
        if any(owner["name"] == of for owner in life.versions[0].object["metadata"].get("ownerReferences") or ())
    ]


def pods(history: History) -> list[str]:
    """The names of all pods, in order of creation."""
    return [life.name for life in history.pods]


def versions(history: History, name: str = "j", kind: str = "Job") -> tuple[Version, ...]:
    return history.versions(kind, "default", name)


def status(history: History, name: str = "j", kind: str = "Job") -> Object:
    """The last status of a Job."""
    found: Object = versions(history, name, kind)[-1].object.get("status") or {}
    return found


def counters(history: History, *names: str, of: str = "j") -> list[tuple[int, ...]]:
    """The values that some counters of a Job took together, without repetitions; a counter left out is 0."""
    found: list[tuple[int, ...]] = []
    for version in versions(history, of):
        raw = version.object.get("status") or {}
        values = tuple(_count(raw, name) for name in names)
        if values not in found[-1:]:
            found.append(values)
    return found


def _count(status: Object, name: str) -> int:
    if name == "uncounted":
        listed = status.get("uncountedTerminatedPods") or {}
        return sum(len(listed.get(key) or ()) for key in ("succeeded", "failed"))
    return int(status.get(name) or 0)


def conditions(history: History, of: str = "j") -> list[tuple[str, str, float]]:
    """Each condition that became True: its type, its reason and when, in seconds since t=0."""
    found: dict[str, tuple[str, str, float]] = {}
    for version in versions(history, of):
        for condition in (version.object.get("status") or {}).get("conditions") or ():
            if condition["status"] == "True" and condition["type"] not in found:
                moment = since(history, version.at)
                found[condition["type"]] = (condition["type"], condition.get("reason", ""), moment)
    return list(found.values())


def outcome(history: History, of: str = "j") -> list[str]:
    """The conditions that became True, in order: ``FailureTarget BackoffLimitExceeded``."""
    return [f"{type_} {reason}".strip() for type_, reason, _ in conditions(history, of)]


def events(history: History, name: str = "j") -> list[str]:
    """The Events about an object, in order, generated names and repetitions left out: ``SuccessfulCreate``."""
    return [series.last.reason for series in event_series(history) if series.last.name == name]


def texts(history: History, reason: str) -> list[str]:
    """The messages of all Events of a reason."""
    return [series.last.message for series in event_series(history) if series.last.reason == reason]
