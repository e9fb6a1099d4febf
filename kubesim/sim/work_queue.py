"""The kubelet's work queue: a pod is synced again at the first tick of the sync loop after it is due (K-19)."""

from __future__ import annotations

from collections.abc import Callable

from kubesim.sim.clock import Clock, Timer
from kubesim.units import Duration, Instant


class WorkQueue:
    """One due instant per pod; a later request replaces it, as the real queue does.

    ``idle`` requests come back only to find nothing to do: they do not keep a run alive, and are not carried out.
    """

    def __init__(self, clock: Clock, tick: Duration, phase: Duration, sync: Callable[[str], None]) -> None:
        self.clock = clock
        self.tick = tick
        self.phase = phase
        self.sync = sync
        self._timers: dict[str, Timer] = {}

    def next_tick(self, instant: Instant) -> Instant:
        """The first tick at or after the instant."""
        return self.phase + -(-(instant - self.phase) // self.tick) * self.tick

    def enqueue(self, uid: str, delay: Duration) -> None:
        """Sync the pod at the first tick when the delay is over."""
        self.forget(uid)
        self._timers[uid] = self.clock.at(self.next_tick(self.clock.now + delay), self._due, uid)

    def forget(self, uid: str) -> None:
        """Nothing is due for the pod any more."""
        timer = self._timers.pop(uid, None)
        if timer is not None:
            timer.cancel()

    def _due(self, uid: str) -> None:
        self._timers.pop(uid, None)
        self.sync(uid)
