"""The PLEG as the kubelet has it: it lists every pod at each instant of its grid, for ever (K-18)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubesim.kubelet.observed import Observed, RuntimeState
from kubesim.sim.clock import Clock
from kubesim.sim.pleg import DIED, REMOVED, STARTED, Pleg, PlegListener
from kubesim.sim.runtime import Runtime
from kubesim.sim.timing import Timing
from kubesim.units import Duration, Instant
from tests.ticking.grid import Loop, apart, at_or_after

States = dict[str, RuntimeState]
Events = tuple[tuple[str, str], ...]


class PlegApart(Pleg):
    """The product's, whose grid lies some nanoseconds off that of other nodes."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if named.get("began") is None:
            self.phase += apart(self.runtime.node)
            self._looked_at += apart(self.runtime.node)


class TickingPleg:
    """Stands in for :class:`kubesim.sim.pleg.Pleg`; shares no code with it."""

    def __init__(
        self,
        clock: Clock,
        timing: Timing,
        runtime: Runtime,
        listener: PlegListener,
        *,
        interval: Duration,
        began: Instant | None = None,
    ) -> None:
        self.clock, self.timing, self.runtime, self.listener = clock, timing, runtime, listener
        self.duration = timing.latency("relist")
        period = interval + self.duration
        phase = timing.phase("pleg", period) + apart(runtime.node)
        first = at_or_after(clock.now, phase, period) if began is None else began
        self.newest = first - period
        """When the newest look that is over began: before the story, one that found nothing."""
        self.looking = self.newest + self.duration > clock.now
        if self.looking:
            self.newest -= period
            clock.at(first - period + self.duration, self._looked, first - period, {}, background=True)
        self.known: dict[str, States] = {}
        self.cache: dict[str, tuple[Instant, Observed]] = {}
        self.waiting: list[tuple[str, Instant, Callable[..., None], tuple[Any, ...]]] = []
        self.postponed: list[tuple[str, Instant]] = []
        Loop(clock, first, period, self._look)

    def noticed(self, uid: str) -> None:
        """Nobody tells a kubelet of a change: it finds it at the next look."""

    def cached(self, uid: str) -> Observed:
        return self.cache[uid][1] if uid in self.cache else Observed()

    def forget(self, uid: str) -> None:
        self.cache.pop(uid, None)
        self.known.pop(uid, None)

    def when_newer(self, uid: str, newer_than: Instant, then: Callable[..., None], *arguments: Any) -> None:
        self.waiting.append((uid, newer_than, then, arguments))
        self._serve()

    def look_at(self, uid: str) -> None:
        self.clock.after(self.timing.latency("pod-relist"), self._look_now, uid, self.clock.now)

    def _look(self) -> None:
        self.looking = True
        listed = {uid: self.runtime.states(uid) for uid in sorted({*self.runtime.pods, *self.known})}
        self.clock.after(self.duration, self._looked, self.clock.now, listed, background=True)

    def _looked(self, began: Instant, listed: dict[str, States]) -> None:
        self.looking, self.newest = False, began
        found = [(uid, self._compare(uid, states, began)) for uid, states in listed.items()]
        self._serve()
        for uid, events in found:
            if events:
                self.listener.runtime_changed(uid, events)
        postponed, self.postponed = self.postponed, []
        for uid, asked in postponed:
            self._look_now(uid, asked)

    def _compare(self, uid: str, states: States, began: Instant) -> Events:
        before = self.known.get(uid, {})
        if before != states:
            self.known[uid] = states
            self.cache[uid] = (began, self.runtime.observe(uid))
        events: list[tuple[str, str]] = []
        for name in (*before, *(name for name in states if name not in before)):
            old, new = before.get(name), states.get(name)
            if old is new:
                continue
            if new is RuntimeState.RUNNING:
                events.append((STARTED, name))
            elif new is RuntimeState.EXITED:
                events.append((DIED, name))
            elif new is None:
                events += [(REMOVED, name)] if old is RuntimeState.EXITED else [(DIED, name), (REMOVED, name)]
        return tuple(events)

    def _serve(self, only: str = "") -> None:
        """Answer those whose data is new enough; ``only``: the pod that was looked at just now, known or not."""
        ready = []
        for entry in list(self.waiting):
            uid, instant, *_ = entry
            modified = self.cache[uid][0] if uid in self.cache else self.newest
            if self.newest > instant or modified > instant or (uid == only and self.clock.now > instant):
                self.waiting.remove(entry)
                ready.append(entry)
        for uid, _, then, arguments in ready:
            then(self.cached(uid), *arguments)

    def _look_now(self, uid: str, asked: Instant) -> None:
        """On demand (1.36): in turn with the looks at all."""
        if self.looking:
            self.postponed.append((uid, asked))
            return
        if self.newest > asked:
            return
        events = self._compare(uid, self.runtime.states(uid), self.clock.now)
        if uid in self.cache:
            self.cache[uid] = (self.clock.now, self.cache[uid][1])
        self._serve(only=uid)
        if events:
            self.listener.runtime_changed(uid, events)
