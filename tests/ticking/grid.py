"""A loop that really runs: its call comes at every instant of its grid, for as long as its process lives."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from kubesim.sim.clock import Clock
from kubesim.units import Duration, Instant


class Loop:
    """Calls back every ``period`` nanoseconds from ``first`` on, after what else is due at that instant."""

    def __init__(self, clock: Clock, first: Instant, period: Duration, call: Callable[[], None]) -> None:
        self.clock = clock
        self.period = period
        self.call = call
        clock.at(first, self._tick, background=True)

    def _tick(self) -> None:
        self.clock.after(self.period, self._tick, background=True)
        self.clock.at(self.clock.now, self.call, background=True)


def apart(name: str) -> Duration:
    """Some nanoseconds, other ones for each name: what would fall on one instant, where chance decides, does not."""
    return zlib.crc32(name.encode()) % 10_000 + 1


def at_or_after(instant: Instant, phase: Instant, period: Duration) -> Instant:
    """The first instant of a grid that is not before ``instant``."""
    return phase + -(-(instant - phase) // period) * period
