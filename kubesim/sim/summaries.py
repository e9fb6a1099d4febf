"""Lines about Pods, for histories that keep no more: folded from the writes as they happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubesim.history.records import PodSummary
from kubesim.store import DELETED, Change
from kubesim.units import Instant

_OVER = ("Succeeded", "Failed")


@dataclass(slots=True)
class _Line:
    """What is known of one Pod so far."""

    namespace: str
    name: str
    created: Instant
    owner: str
    node: str = ""
    phase: str = ""
    restarts: int = 0
    scheduled: Instant | None = None
    ready: Instant | None = None
    ended: Instant | None = None

    def note(self, change: Change) -> None:
        """Take one write into account."""
        status = change.object.get("status") or {}
        self.phase = status.get("phase") or self.phase
        if not self.node:
            self.node = (change.object.get("spec") or {}).get("nodeName") or ""
            self.scheduled = change.at if self.node else None
        if self.ready is None and any(
            one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ()
        ):
            self.ready = change.at
        if self.ended is None and self.phase in _OVER:
            self.ended = change.at
        for key in ("containerStatuses", "initContainerStatuses"):
            counts = [one.get("restartCount") or 0 for one in status.get(key) or ()]
            self.restarts = max(self.restarts, sum(counts))

    def record(self, at: Instant, gone: Instant | None) -> PodSummary:
        """The line as a record."""
        return PodSummary(
            at=at,
            namespace=self.namespace,
            name=self.name,
            created=self.created,
            owner=self.owner,
            node=self.node,
            phase=self.phase,
            restarts=self.restarts,
            scheduled=self.scheduled,
            ready=self.ready,
            ended=self.ended,
            gone=gone,
        )


class PodSummaries:
    """The Pods there are, a line each; in a sum over init containers or mains, the larger counts as restarts."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def changed(self, change: Change) -> PodSummary | None:
        """A Pod was written; its line, when it is gone."""
        line = self._lines.get(change.uid)
        if line is None:
            references = change.object["metadata"].get("ownerReferences") or ()
            owner = next((f"{one['kind']}/{one['name']}" for one in references if one.get("controller")), "")
            line = self._lines[change.uid] = _Line(change.namespace, change.name, change.at, owner)
        line.note(change)
        if change.type != DELETED:
            return None
        del self._lines[change.uid]
        return line.record(change.at, change.at)

    def rest(self, at: Instant) -> Iterator[PodSummary]:
        """The lines of the Pods that still exist."""
        for _, line in self.left(at):
            yield line

    def left(self, at: Instant) -> Iterator[tuple[str, PodSummary]]:
        """The uids and lines of the Pods that still exist, oldest first."""
        for uid, line in self._lines.items():
            yield uid, line.record(at, None)
