"""The scheduler's event recorder on the clock: Events and their series, by ``scheduler/event_series.py``.

The looks every 6 and 30 minutes are background: they write counts that are known already.
"""

from __future__ import annotations

from typing import Any, Final

from kubesim.history.records import EventEmitted
from kubesim.scheduler.event_series import (
    FINISH_AFTER,
    REFRESH_EVERY,
    Key,
    SeriesEvent,
    SeriesMemory,
    finished,
    observe,
    refreshed,
)
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.units import Instant

_MICROSECOND: Final = 1_000


class SeriesRecorder:
    """Emits Events of one component through the events.k8s.io API; they reach it in the order they were emitted."""

    def __init__(self, component: str, clock: Clock, timing: Timing, recorder: Recorder) -> None:
        self.component = component
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self._started = clock.now
        self._memories: dict[str, SeriesMemory] = {}
        self._objects: dict[str, dict[str, Any]] = {}
        self._look: Timer | None = None
        self._written_until: Instant = 0

    def emit(self, raw: dict[str, Any], type_: str, reason: str, message: str) -> None:
        """Emit an Event about a raw object, as it was last seen."""
        metadata = raw["metadata"]
        uid = metadata["uid"]
        now = self.clock.now // _MICROSECOND * _MICROSECOND
        key = (type_, reason, uid, metadata.get("resourceVersion", ""))
        event = SeriesEvent(type_, reason, message, now, now)
        self._memories[uid], written = observe(self._memories.get(uid, SeriesMemory()), key, event)
        self._objects[uid] = raw
        if written is not None:
            at = max(self.clock.now + self.timing.latency("event-write"), self._written_until)
            self._written_until = at
            self.clock.at(at, self._write, raw, written)
        if self._look is None:
            self._arm()

    def _arm(self) -> None:
        past = (self.clock.now - self._started) // FINISH_AFTER
        self._look = self.clock.at(self._started + (past + 1) * FINISH_AFTER, self._look_back, background=True)

    def _look_back(self) -> None:
        """Forget what is over, write the last of each series; at every fifth look write the others anew, too."""
        self._look = None
        is_refresh = (self.clock.now - self._started) % REFRESH_EVERY == 0
        for uid, memory in list(self._memories.items()):
            left, over = finished(memory, self.clock.now)
            self._write_all(uid, over)
            if is_refresh:
                self._write_all(uid, refreshed(left))
            if left.events:
                self._memories[uid] = left
            else:
                del self._memories[uid], self._objects[uid]
        if self._memories:
            self._arm()

    def _write_all(self, uid: str, series: tuple[tuple[Key, SeriesEvent], ...]) -> None:
        for _, event in series:
            self._write(self._objects[uid], event)

    def _write(self, raw: dict[str, Any], event: SeriesEvent) -> None:
        metadata = raw["metadata"]
        self.recorder.record(
            EventEmitted(
                at=self.clock.now,
                kind=raw.get("kind", "Pod"),
                namespace=metadata.get("namespace", ""),
                name=metadata["name"],
                uid=metadata["uid"],
                type=event.type,
                reason=event.reason,
                message=event.message,
                component=self.component,
                count=event.count,
                first=event.first,
                last=event.last,
                update=event.count > 1,
            )
        )
