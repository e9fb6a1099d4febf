"""A component's event recorder on the clock: counts and merges by ``kubelet/events.py``, then writes a moment later."""

from __future__ import annotations

from typing import Any

from kubesim.history.records import EventEmitted
from kubesim.kubelet.events import Emitted, EventMemory, EventWrite, emit
from kubesim.objects.status import whole_second
from kubesim.releases import Release
from kubesim.sim.clock import Clock
from kubesim.sim.connection import Connection
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.units import Instant


class EventRecorder:
    """Emits Kubernetes Events of one component; they reach the API server in the order they were emitted."""

    def __init__(
        self,
        component: str,
        host: str,
        release: Release,
        clock: Clock,
        timing: Timing,
        recorder: Recorder,
        connection: Connection | None = None,
    ) -> None:
        """``connection``: the component's way to the API server, where that can be cut."""
        self.component = component
        self.host = host
        self.release = release
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.connection = connection
        self._memories: dict[str, EventMemory] = {}
        self._written_until: Instant = 0

    def emit(self, raw: dict[str, Any], type_: str, reason: str, message: str, field_path: str = "") -> None:
        """Emit an Event about a raw object (S-60 to S-93)."""
        metadata = raw["metadata"]
        uid = metadata["uid"]
        memory = self._memories.get(uid, EventMemory())
        emitted = Emitted(type_, reason, message, field_path)
        self._memories[uid], write = emit(memory, emitted, self.release, self.clock.now)
        if not isinstance(write, EventWrite):
            return
        at = max(self.clock.now + self.timing.latency("event-write"), self._written_until)
        self._written_until = at
        self.clock.at(at, self._written, raw.get("kind", "Pod"), metadata, write)

    def forget(self, uid: str) -> None:
        """The object is gone: its Events are not counted on."""
        self._memories.pop(uid, None)

    def _written(self, kind: str, metadata: dict[str, Any], write: EventWrite) -> None:
        if self.connection is not None and not self.connection.is_up:
            self.connection.later(self._written, kind, metadata, write)
            return
        self.recorder.record(
            EventEmitted(
                at=self.clock.now,
                kind=kind,
                namespace=metadata.get("namespace", ""),
                name=metadata["name"],
                uid=metadata["uid"],
                type=write.type,
                reason=write.reason,
                message=write.message,
                component=self.component,
                host=self.host,
                field_path=write.field_path,
                count=write.count,
                first=whole_second(write.first) or 0,
                last=whole_second(write.last) or 0,
                update=write.update,
            )
        )
