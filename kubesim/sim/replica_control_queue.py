"""A controller's queue with the default back-off for syncs that failed, and writes that a newer version refuses.

Source: ``client-go/util/workqueue`` (DefaultTypedControllerRateLimiter), ``apiserver`` optimistic concurrency.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubesim.releases import Release
from kubesim.sim.clock import Clock
from kubesim.sim.job_control_cache import Key
from kubesim.sim.job_control_queue import JobQueue
from kubesim.sim.timing import Timing
from kubesim.units import MILLISECOND, Duration

_FIRST_RETRY: Final = 5 * MILLISECOND
_MOST_DOUBLINGS: Final = 17
"""5 ms doubled up to some 1000 s."""


class RetryingQueue:
    """Keys of objects to sync; one that failed comes again after a delay that doubles."""

    def __init__(self, clock: Clock, timing: Timing, release: Release, sync: Callable[[Key], None]) -> None:
        self._queue = JobQueue(clock, timing, release, sync)
        self._failures: dict[Key, int] = {}

    def add(self, key: Key, delay: Duration = 0) -> None:
        """Sync the object when the delay is over, or earlier if that was asked for already."""
        self._queue.add(key, delay)

    def done(self, key: Key, *, failed: bool) -> None:
        """A sync is over."""
        self._queue.done(key, failed=False)
        if not failed:
            self._failures.pop(key, None)
            return
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add(key, _FIRST_RETRY << min(failures, _MOST_DOUBLINGS))
