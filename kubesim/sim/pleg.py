"""The kubelet's view of the runtime: a look once a second (PLEG), the cache it fills, and who waits for newer data.

The generic PLEG lists every pod, compares with its last look and reads the status of those that changed (K-18). It runs
for ever; here a look is only carried out when something changed since the last one or somebody waits, at the instant on
its grid at which it would have happened. Source: ``pkg/kubelet/pleg/generic.go``, ``container/cache.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kubesim.kubelet.observed import Observed, RuntimeState
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.runtime import Runtime
from kubesim.sim.timing import Timing
from kubesim.units import Instant

STARTED, DIED, REMOVED = "ContainerStarted", "ContainerDied", "ContainerRemoved"


class PlegListener(Protocol):
    """Who hears what a look found: ``events`` are ``(type, id)`` of containers and sandboxes."""

    def runtime_changed(self, uid: str, events: tuple[tuple[str, str], ...]) -> None: ...


@dataclass(slots=True)
class _Cached:
    observed: Observed
    modified: Instant


@dataclass(slots=True)
class _Waiting:
    uid: str
    newer_than: Instant
    then: Callable[..., None]
    arguments: tuple[Any, ...]
    number: int


class Pleg:
    """Looks at the runtime on a grid of ``period`` and tells the kubelet; keeps the pod cache."""

    def __init__(
        self,
        clock: Clock,
        timing: Timing,
        runtime: Runtime,
        listener: PlegListener,
        *,
        interval: int,
        began: Instant | None = None,
    ) -> None:
        """``began``: when the first look is, of a kubelet that was started anew; None: it has looked for long."""
        self.clock = clock
        self.timing = timing
        self.runtime = runtime
        self.listener = listener
        self.duration = timing.latency("relist")
        self.period = interval + self.duration
        self.phase = timing.phase("pleg", self.period) if began is None else began
        self._cache: dict[str, _Cached] = {}
        self._states: dict[str, dict[str, RuntimeState]] = {}
        self._dirty: set[str] = set()
        self._waiting: dict[str, list[_Waiting]] = {}
        """Who waits for newer data, by pod."""
        self._waits = 0
        self._timer: Timer | None = None
        self._looked_at: Instant = self.phase - self.period
        self._under_way: Instant | None = None
        """When the look began that is not over yet; one that finds nothing is only there if somebody waits for it."""

    def noticed(self, uid: str) -> None:
        """The runtime changed something of this pod: the next look will find it."""
        self._dirty.add(uid)
        self._arm(self.clock.now)

    def cached(self, uid: str) -> Observed:
        """What the last look found; empty if it found nothing."""
        entry = self._cache.get(uid)
        return entry.observed if entry else Observed()

    def when_newer(self, uid: str, newer_than: Instant, then: Callable[..., None], *arguments: Any) -> None:
        """Call back with the observed state as soon as the cache is newer than the instant (K-2)."""
        entry = self._cache.get(uid)
        if self._last_look() > newer_than or (entry is not None and entry.modified > newer_than):
            then(self.cached(uid), *arguments)
            return
        self._waits += 1
        self._waiting.setdefault(uid, []).append(_Waiting(uid, newer_than, then, arguments, self._waits))
        began = self._grid(newer_than + 1)
        if began >= self.clock.now and self._under_way != began:
            self._arm(began)
        elif self._under_way != began:
            self._under_way = began
            self.clock.at(began + self.duration, self._looked, began, {})

    def look_at(self, uid: str) -> None:
        """Look at one pod on demand, out of the grid (1.36, K-2)."""
        self.clock.after(self.timing.latency("pod-relist"), self._look_at_now, uid, self.clock.now)

    def forget(self, uid: str) -> None:
        """The pod is gone from the runtime and from the configuration."""
        self._cache.pop(uid, None)
        self._states.pop(uid, None)
        self._dirty.discard(uid)

    def _grid(self, instant: Instant) -> Instant:
        """The first look at or after the instant."""
        steps = -(-(instant - self.phase) // self.period)
        return self.phase + steps * self.period

    def _last_grid(self, instant: Instant) -> Instant:
        """The last look that began at or before the instant."""
        return self.phase + (instant - self.phase) // self.period * self.period

    def _last_look(self) -> Instant:
        """When the newest finished look began, whether or not it had to be carried out."""
        return self._last_grid(self.clock.now - self.duration)

    def _arm(self, instant: Instant) -> None:
        due = self._grid(max(instant, self.clock.now, self._looked_at + 1))
        if self._timer is not None and self._timer.live:
            if self._timer.instant <= due:
                return
            self._timer.cancel()
        self._timer = self.clock.at(due, self._look)

    def _look(self) -> None:
        found = {uid: self.runtime.states(uid) for uid in sorted(self._dirty)}
        self._dirty.clear()
        self._under_way = self._looked_at = self.clock.now
        self.clock.after(self.duration, self._looked, self.clock.now, found)

    def _looked(self, began: Instant, found: dict[str, dict[str, RuntimeState]]) -> None:
        self._under_way = None
        changed = [(uid, self._compare(uid, states, began)) for uid, states in found.items()]
        self._tell(began)
        for uid, events in changed:
            if events:
                self.listener.runtime_changed(uid, events)
        if self._dirty or self._waiting:
            self._arm(self.clock.now)

    def _look_at_now(self, uid: str, asked: Instant) -> None:
        over = self._last_grid(self.clock.now) + self.duration
        if over > self.clock.now:
            self.clock.at(over, self._look_at_now, uid, asked)
            return
        if self._last_look() > asked:
            return
        began = self.clock.now
        events = self._compare(uid, self.runtime.states(uid), began)
        self._dirty.discard(uid)
        if uid in self._cache:
            self._cache[uid].modified = began
        self._tell(began, only=uid)
        if events:
            self.listener.runtime_changed(uid, events)

    def _compare(self, uid: str, states: dict[str, RuntimeState], began: Instant) -> tuple[tuple[str, str], ...]:
        before = self._states.get(uid, {})
        events: list[tuple[str, str]] = []
        for container_id in dict.fromkeys((*before, *states)):
            old, new = before.get(container_id), states.get(container_id)
            if old is not new:
                events.extend(_lifecycle_events(container_id, old, new))
        if not events and before.keys() == states.keys() and before == states:
            return ()
        self._states[uid] = states
        self._cache[uid] = _Cached(self.runtime.observe(uid), began)
        return tuple(events)

    def _tell(self, newest: Instant, only: str | None = None) -> None:
        ready: list[_Waiting] = []
        for uid in list(self._waiting) if only is None else [only]:
            entries = self._waiting.get(uid, [])
            ready += [entry for entry in entries if entry.newer_than < newest]
            if later := [entry for entry in entries if entry.newer_than >= newest]:
                self._waiting[uid] = later
            else:
                self._waiting.pop(uid, None)
        for entry in sorted(ready, key=_number):
            entry.then(self.cached(entry.uid), *entry.arguments)


def _number(entry: _Waiting) -> int:
    """Those who began to wait first are told first."""
    return entry.number


def _lifecycle_events(
    container_id: str, old: RuntimeState | None, new: RuntimeState | None
) -> tuple[tuple[str, str], ...]:
    """What a look reports of one container or sandbox; that one was created wakes nobody."""
    match new:
        case RuntimeState.RUNNING:
            return ((STARTED, container_id),)
        case RuntimeState.EXITED:
            return ((DIED, container_id),)
        case None if old is RuntimeState.EXITED:
            return ((REMOVED, container_id),)
        case None:
            return ((DIED, container_id), (REMOVED, container_id))
        case _:
            return ()
