"""The Job controller's queue on the clock: which Job is synced when, at most five at a time (J §2).

``triggers.py`` decides; here each Job has one timer, at the instant its earliest delayed request comes in.
Source: ``cmd/kube-controller-manager``: ``--concurrent-job-syncs``; ``client-go/util/workqueue``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubesim.job_controller.triggers import QueueEntry, Trigger, added, came_due, delay_of, done, taken
from kubesim.releases import Release
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.job_control_cache import Key
from kubesim.sim.timing import Timing
from kubesim.units import Duration

WORKERS: Final = 5
"""How many Jobs are synced at the same time."""


class JobQueue:
    """The entries of all Jobs; ``sync`` is called with a Job when a worker has taken it."""

    def __init__(self, clock: Clock, timing: Timing, release: Release, sync: Callable[[Key], None]) -> None:
        self.clock = clock
        self.timing = timing
        self.release = release
        self.sync = sync
        self._entries: dict[Key, QueueEntry] = {}
        self._timers: dict[Key, Timer] = {}
        self._ready: dict[Key, None] = {}
        self._busy = 0

    def failures(self, key: Key) -> int:
        """How many syncs of the Job in a row ended in an error."""
        return self._entries.get(key, _NEW).failures

    def triggered(self, key: Key, trigger: Trigger) -> None:
        """Something was seen of the Job or its pods."""
        self.add(key, delay_of(trigger, self.failures(key), self.release))

    def add(self, key: Key, delay: Duration) -> None:
        """Sync the Job when the delay is over, or earlier if that was asked for already."""
        entry = self._entries.get(key, _NEW)
        if delay > 0 and entry.due is not None and entry.due <= self.clock.now + delay:
            return  # most requests: one of many pods changed, and a sync is due anyway
        self._store(key, added(entry, delay, self.clock.now))

    def done(self, key: Key, *, failed: bool) -> None:
        """The sync of the Job is over; its worker takes the next."""
        self._busy -= 1
        self._store(key, done(self._entries[key], self.clock.now, self.release, failed=failed))
        self._hand_out()

    def _store(self, key: Key, entry: QueueEntry) -> None:
        if entry == _NEW:
            self._entries.pop(key, None)
        else:
            self._entries[key] = entry
        self._arm(key, entry)
        if entry.ready:
            self._ready.setdefault(key)
            self._hand_out()

    def _arm(self, key: Key, entry: QueueEntry) -> None:
        timer = self._timers.get(key)
        if timer is not None and timer.instant == entry.due:
            return
        if timer is not None:
            timer.cancel()
            del self._timers[key]
        if entry.due is not None:
            self._timers[key] = self.clock.at(entry.due, self._came_due, key)

    def _came_due(self, key: Key) -> None:
        del self._timers[key]
        self._store(key, came_due(self._entries[key], self.clock.now))

    def _hand_out(self) -> None:
        while self._ready and self._busy < WORKERS:
            key = next(iter(self._ready))
            del self._ready[key]
            self._busy += 1
            self._entries[key] = taken(self._entries[key])
            self.clock.after(self.timing.latency("job-sync"), self.sync, key)


_NEW: Final = QueueEntry()
