"""The view of a Job: its Pods as lanes, its counters and conditions as bands, its back-off as gaps between Pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.lives import PodLife
from kubesim.history.replay import Key, Version
from kubesim.timelines.lanes_model import Band, JobPicture, Lane, Look, Reason, Role, Segment, Span
from kubesim.units import SECOND, Duration, Instant

COUNTERS: Final = ("active", "ready", "terminating", "succeeded", "failed")
_INDEX: Final = "batch.kubernetes.io/job-completion-index"
_SHORTEST_WAIT: Final = SECOND
"""A Job that starts its next Pod sooner than this did not back off."""


def owning_job(pod: Mapping[str, Any]) -> str | None:
    """The name of the Job that controls a Pod."""
    for owner in pod["metadata"].get("ownerReferences") or ():
        if owner.get("kind") == "Job" and owner.get("controller"):
            return str(owner["name"])
    return None


def job_pictures(history: History, names: Mapping[Key, str], until: Instant) -> tuple[JobPicture, ...]:
    """The picture of every Job up to an instant, in the order of their creation."""
    return tuple(
        _job(history, key, versions, names, until)
        for key, versions in history.all_versions.items()
        if key.kind == "Job"
    )


def _job(
    history: History, key: Key, versions: tuple[Version, ...], names: Mapping[Key, str], until: Instant
) -> JobPicture:
    t0 = history.started
    gone = versions[-1].at if versions[-1].change == "DELETED" else None
    end = until if gone is None else gone
    pods = [
        life
        for life in history.pods
        if life.namespace == key.namespace and owning_job(life.versions[0].object) == key.name
    ]
    return JobPicture(
        name=key.name,
        namespace=key.namespace,
        created=versions[0].at - t0,
        gone=None if gone is None else gone - t0,
        conditions=_conditions(versions, end, t0),
        counters=_counters(versions, end, t0),
        waits=_waits(pods, versions, end, t0),
        lanes=tuple(_pod_lane(life, names, t0, until, _attempt(life, number)) for number, life in enumerate(pods, 1)),
    )


def _conditions(versions: tuple[Version, ...], end: Instant, t0: Instant) -> tuple[Band, ...]:
    changes: dict[str, list[tuple[Instant, str, str]]] = {}
    for version in versions:
        for entry in (version.object.get("status") or {}).get("conditions") or ():
            detail = ": ".join(part for part in (entry.get("reason"), entry.get("message")) if part)
            known = changes.setdefault(entry["type"], [])
            if not known or known[-1][1:] != (entry["status"], detail):
                known.append((version.at, entry["status"], detail))
    return tuple(Band(type_, _segments(known, end, t0)) for type_, known in changes.items())


def _counters(versions: tuple[Version, ...], end: Instant, t0: Instant) -> tuple[Band, ...]:
    """The counters that were ever above zero."""
    bands = []
    for counter in COUNTERS:
        changes: list[tuple[Instant, str, str]] = []
        for version in versions:
            value = str((version.object.get("status") or {}).get(counter) or 0)
            if not changes or changes[-1][1] != value:
                changes.append((version.at, value, ""))
        if any(value != "0" for _, value, _ in changes):
            bands.append(Band(counter, _segments(changes, end, t0)))
    return tuple(bands)


def _segments(changes: list[tuple[Instant, str, str]], end: Instant, t0: Instant) -> tuple[Segment, ...]:
    ends = [at for at, _, _ in changes[1:]] + [max(end, changes[-1][0])]
    return tuple(
        Segment(at - t0, until - t0, value, detail)
        for (at, value, detail), until in zip(changes, ends, strict=True)
        if until > at or until == ends[-1]
    )


def _attempt(life: PodLife, number: int) -> str:
    """Which attempt a Pod is, or of an Indexed Job for which index."""
    annotations = life.versions[0].object["metadata"].get("annotations") or {}
    index = annotations.get(_INDEX)
    return f"attempt {number}" if index is None else f"index {index}"


def _pod_lane(life: PodLife, names: Mapping[Key, str], t0: Instant, until: Instant, note: str) -> Lane:
    end = until if life.gone is None else life.gone
    changes: list[tuple[Instant, Look, str, str]] = []
    for version in life.versions:
        look, label, why = _pod_look(version.object)
        if not changes or changes[-1][1:3] != (look, label):
            changes.append((version.at, look, label, why))
    spans = []
    for index, (at, look, label, why) in enumerate(changes):
        until = changes[index + 1][0] if index + 1 < len(changes) else max(end, at)
        if until > at:
            is_open = life.gone is None and until >= end
            spans.append(Span(at - t0, until - t0, look, 0, label, Reason(why), is_open))
    return Lane(names.get(Key("Pod", life.namespace, life.name), life.name), Role.POD, tuple(spans), note=note)


def _pod_look(pod: Mapping[str, Any]) -> tuple[Look, str, str]:
    """How a Pod as a whole looks, a label, and why."""
    status = pod.get("status") or {}
    why = ": ".join(part for part in (status.get("reason"), status.get("message")) if part)
    match status.get("phase"):
        case "Succeeded":
            return Look.COMPLETED, "Succeeded", why
        case "Failed":
            codes = _exit_codes(status)
            label = f"Failed {', '.join(map(str, codes))}" if codes else "Failed"
            return Look.FAILED, label, why or _told_codes(codes)
    if pod["metadata"].get("deletionTimestamp"):
        return Look.TERMINATING, "", why
    if status.get("phase") != "Running":
        return Look.WAITING, "", why
    ready = any(entry["type"] == "Ready" and entry["status"] == "True" for entry in status.get("conditions") or ())
    return (Look.READY if ready else Look.STARTED), "", why


def _exit_codes(status: Mapping[str, Any]) -> list[int]:
    """The exit codes above 0 of a Pod's containers, in spec order."""
    codes = []
    for field in ("initContainerStatuses", "containerStatuses"):
        for entry in status.get(field) or ():
            ended = (entry.get("state") or {}).get("terminated")
            if ended and ended.get("exitCode"):
                codes.append(int(ended["exitCode"]))
    return codes


def _told_codes(codes: list[int]) -> str:
    return f"exit code {', '.join(map(str, codes))}" if codes else ""


def _waits(pods: list[PodLife], versions: tuple[Version, ...], end: Instant, t0: Instant) -> tuple[Span, ...]:
    """From the failure of each Pod to the creation of the next, where that took its time: the Job backed off.

    A failure after which no Pod was made is followed by no back-off but by the end of the Job.
    """
    spans: list[Span] = []
    for index, life in enumerate(pods):
        failed = next((change.at for change in life.phases if change.phase == "Failed"), None)
        following = next(
            (other.created for other in pods[index + 1 :] if failed is None or other.created > failed), None
        )
        if failed is None or following is None or following - failed < _SHORTEST_WAIT:
            continue
        failures = sum(1 for other in pods[: index + 1] if any(one.phase == "Failed" for one in other.phases))
        held_back = "suspended" if _is_suspended(versions, failed, following) else "back-off"
        why = "" if held_back == "suspended" else f" after {failures} failure{'s' if failures > 1 else ''}"
        reason = Reason(held_back + why)
        label = f"{held_back} {_rounded(following - failed)}"
        if not spans or failed - t0 >= spans[-1].end:
            spans.append(Span(failed - t0, following - t0, Look.BACK_OFF, index, label, reason))
    return tuple(span for span in spans if span.end <= end - t0)


def _is_suspended(versions: tuple[Version, ...], start: Instant, end: Instant) -> bool:
    """Whether a Job was suspended at some time between two instants: then it is that for which it waited."""
    return any(
        version.object["spec"].get("suspend") and version.at < end and (following is None or following.at > start)
        for version, following in zip(versions, [*versions[1:], None], strict=True)
    )


def _rounded(length: Duration) -> str:
    return f"{(length + SECOND // 2) // SECOND} s"
