"""The scheduler's queue on the clock: pods that wait for their turn, back off, or wait for something to change (C-64).

The real queue looks every second whose back-off is over and every 30 s who has waited for 5 minutes; here each pod has
one timer at the look that will find it. The second kind is background: trying again changes nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from kubesim.releases import Release
from kubesim.scheduler import NodeState, Plugin, PodInfo
from kubesim.scheduler.requeue import ClusterEvent, backoff, may_help, own_change_may_help
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.timing import Timing
from kubesim.units import SECOND, Duration, Instant

_BACKOFF_LOOK: Final[Duration] = SECOND
_LEFTOVER_LOOK: Final[Duration] = 30 * SECOND


class Place(Enum):
    """Where a pod is that has no node yet."""

    GATED = "gated"
    BACKOFF = "backing off"
    UNSCHEDULABLE = "waiting for a change"
    TAKEN = "being scheduled"


@dataclass(slots=True)
class Queued:
    """A pod in the queue. ``since``: when it last came back from a try; ``plugins``: what said no then."""

    info: PodInfo
    raw: dict[str, Any]
    place: Place = Place.TAKEN
    attempts: int = 0
    since: Instant = 0
    plugins: frozenset[Plugin] = frozenset()
    timer: Timer | None = None


class SchedulingQueue:
    """Pods without a node; ``take`` is called with each whose turn it is, the most important first."""

    def __init__(self, clock: Clock, timing: Timing, release: Release, take: Callable[[Queued], None]) -> None:
        self.clock = clock
        self.timing = timing
        self.release = release
        self.take = take
        self._started = clock.now
        self._phase = timing.stream("scheduling-looks").random() if timing.draw else 0.5
        self._pods: dict[str, Queued] = {}
        self._unschedulable: dict[str, Queued] = {}

    def get(self, uid: str) -> Queued | None:
        """The pod, if it is in the queue or being scheduled."""
        return self._pods.get(uid)

    def seen(self, info: PodInfo, raw: dict[str, Any]) -> None:
        """A pod without a node was created or changed."""
        queued = self._pods.get(info.uid)
        if queued is None:
            queued = self._pods[info.uid] = Queued(info, raw)
            self._enter(queued)
            return
        before, queued.info, queued.raw = queued.raw, info, raw
        match queued.place:
            case Place.GATED:
                self._enter(queued)
            case Place.UNSCHEDULABLE if own_change_may_help(before, raw, queued.plugins, self.release):
                self._move((queued,))
            case _:
                pass

    def _enter(self, queued: Queued) -> None:
        """Into the active queue, unless gates hold it back (C-63)."""
        if queued.info.is_gated and self.release.enabled("PodSchedulingReadiness"):
            queued.place = Place.GATED
        else:
            self._activate(queued)

    def forget(self, uid: str) -> None:
        """The pod has a node, or is gone, or is skipped."""
        queued = self._pods.pop(uid, None)
        if queued is not None:
            self._leave(queued)

    def failed(self, queued: Queued, plugins: frozenset[Plugin]) -> None:
        """A try found no node: wait for a change that concerns these filters, 5 minutes at most."""
        queued.since = self.clock.now
        queued.plugins = plugins
        queued.place = Place.UNSCHEDULABLE
        self._unschedulable[queued.info.uid] = queued
        longest = self.release.duration("unschedulable_pool_max")
        look = self._look_after(queued.since + longest + 1, _LEFTOVER_LOOK)
        queued.timer = self.clock.at(look, self._activate, queued, background=True)

    def errored(self, queued: Queued) -> None:
        """A try went wrong: again after the back-off; without queueing hints, at the next change of anything."""
        self.failed(queued, frozenset())
        if self.release.enabled("SchedulerQueueingHints"):
            self._move((queued,))

    def cluster_changed(self, events: frozenset[ClusterEvent], state: NodeState | None = None) -> None:
        """Something changed: try those again whom it may help. ``state``: the node, if it is a node that changed."""
        if events and self._unschedulable:
            waiting = self._unschedulable.values()
            self._move([entry for entry in waiting if may_help(entry.info, entry.plugins, events, state, self.release)])

    def _move(self, pods: Iterable[Queued]) -> None:
        """Out of the unschedulable pool: at once if the back-off is over, else when it is."""
        for queued in sorted(pods, key=_turn):
            over = queued.since + backoff(queued.attempts, self.release)
            if over <= self.clock.now:
                self._activate(queued)
                continue
            self._leave(queued)
            queued.place = Place.BACKOFF
            if not self.release.enabled("SchedulerPopFromBackoffQ") or not queued.plugins:
                queued.timer = self.clock.at(self._look_after(over, _BACKOFF_LOOK), self._activate, queued)
            else:
                self._activate(queued)

    def _activate(self, queued: Queued) -> None:
        """Into the active queue, whose reader is idle nearly always: it is this pod's turn."""
        self._leave(queued)
        queued.place = Place.TAKEN
        lag = self._lag()
        if lag:
            queued.timer = self.clock.after(lag, self._turn_of, queued)
        else:
            self._turn_of(queued)

    def _turn_of(self, queued: Queued) -> None:
        queued.timer = None
        queued.attempts += 1
        self.take(queued)

    def _lag(self) -> Duration:
        """How far the reader is behind: not at all in the nominal run, less than one watch latency in the others."""
        if not self.timing.draw:
            return 0
        return int(self.timing.latency("watch") * self.timing.stream("scheduling-queue").random())

    def _look_after(self, instant: Instant, period: Duration) -> Instant:
        """The first of the looks that happen once a period at or after the instant; the queue started at any time."""
        first = self._started + int(period * self._phase)
        return first + -(-(instant - first) // period) * period

    def _leave(self, queued: Queued) -> None:
        """The pod leaves its place: its timer is void."""
        self._unschedulable.pop(queued.info.uid, None)
        if queued.timer is not None:
            queued.timer.cancel()
            queued.timer = None


def _turn(queued: Queued) -> tuple[int, Instant]:
    return -queued.info.spec.priority, queued.since
