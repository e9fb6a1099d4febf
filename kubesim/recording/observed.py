"""Watch events of a real cluster as the records of a history: a recording is written as a simulated run is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kubesim.history.deltas import make_patch
from kubesim.history.records import AnyRecord, EventEmitted, ObjectChanged, OutputWritten
from kubesim.units import EPOCH_UNIX_SECONDS, SECOND, Instant

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


def instant_of_unix(nanoseconds: int) -> Instant:
    """A wall-clock time, in nanoseconds since 1970, on the clock of histories."""
    return nanoseconds - EPOCH_UNIX_SECONDS * SECOND


@dataclass(slots=True)
class Watched:
    """The objects as last seen, and the records of how they came to be so."""

    records: list[AnyRecord] = field(default_factory=list)
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def see(self, at: Instant, change: str, obj: dict[str, Any]) -> None:
        """Take in one watch event of a Pod, a Job or an Event; others (bookmarks) say nothing."""
        if change not in ("ADDED", "MODIFIED", "DELETED"):
            return
        if obj.get("kind") == "Event":
            self._event(at, change, obj)
        else:
            self._object(at, change, obj)

    def _object(self, at: Instant, change: str, obj: dict[str, Any]) -> None:
        key = (obj["kind"], obj["metadata"]["name"])
        before = self.objects.pop(key, None)
        if change != "DELETED":
            self.objects[key] = obj
        metadata = obj["metadata"]
        self.records.append(
            ObjectChanged(
                at=at,
                change=change if before is not None or change == "DELETED" else "ADDED",
                kind=obj["kind"],
                namespace=metadata["namespace"],
                name=metadata["name"],
                uid=metadata["uid"],
                resource_version=int(metadata["resourceVersion"]),
                actor="",
                verb="watch",
                object=obj if before is None else None,
                patch=None if before is None else make_patch(before, obj),
            )
        )

    def _event(self, at: Instant, change: str, obj: dict[str, Any]) -> None:
        """An Event, or the update of its count; the scheduler's hold their times elsewhere."""
        about, series = obj.get("involvedObject") or {}, obj.get("series") or {}
        if change == "DELETED" or about.get("kind") not in ("Pod", "Job"):
            return
        uid, source = obj["metadata"]["uid"], obj.get("source") or {}
        count = obj.get("count") or series.get("count") or 1
        first = time_of(obj.get("firstTimestamp") or obj.get("eventTime"))
        last = time_of(obj.get("lastTimestamp") or series.get("lastObservedTime"))
        known = self.counts.get(uid)
        if known == count:
            return
        self.counts[uid] = count
        self.records.append(
            EventEmitted(
                at=at,
                kind=about["kind"],
                namespace=about.get("namespace", ""),
                name=about.get("name", ""),
                uid=about.get("uid", ""),
                type=obj.get("type", "Normal"),
                reason=obj.get("reason", ""),
                message=obj.get("message", ""),
                component=source.get("component") or obj.get("reportingComponent") or "",
                host=source.get("host", ""),
                field_path=about.get("fieldPath", ""),
                count=count,
                first=at if first is None else first,
                last=(at if first is None else first) if last is None else last,
                update=known is not None,
            )
        )

    def finished(self) -> bool:
        """Whether nothing will happen any more: Pods in a terminal phase or gone, Jobs at their end, nothing going."""
        return all(_is_finished(obj) for obj in self.objects.values())


def time_of(text: str | None) -> Instant | None:
    """A time of the API: whole seconds, or with a fraction where it has one (``eventTime``, log lines)."""
    match = _TIME.fullmatch(text or "")
    if match is None:
        return None
    whole, fraction, zone = match.groups()
    second = int(datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).timestamp())
    return instant_of_unix(second * SECOND + int((fraction or "").ljust(9, "0")[:9]))


def _is_finished(obj: dict[str, Any]) -> bool:
    status = obj.get("status") or {}
    if obj["metadata"].get("deletionTimestamp") or obj["spec"].get("ttlSecondsAfterFinished") is not None:
        return False
    if obj["kind"] == "Pod":
        return status.get("phase") in ("Succeeded", "Failed")
    conditions = status.get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def log_records(text: str, pod: dict[str, Any], container: str, run: int) -> Iterable[OutputWritten]:
    """The lines of ``kubectl logs --timestamps``; a line without a time is what the server says of itself."""
    for line in text.splitlines():
        stamp, _, said = line.partition(" ")
        at = time_of(stamp)
        if at is not None:
            metadata = pod["metadata"]
            yield OutputWritten(
                at=at,
                namespace=metadata["namespace"],
                pod=metadata["name"],
                container=container,
                run=run,
                line=said,
            )
