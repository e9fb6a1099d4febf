"""The periodic loops of the control plane, and of programs, as they have them: each really runs every time."""

from __future__ import annotations

from typing import Any

from kubesim.scheduler import Plugin
from kubesim.scheduler.event_series import FINISH_AFTER
from kubesim.scheduler.requeue import backoff
from kubesim.scripts.idle import Watch
from kubesim.scripts.kernel import Kernel
from kubesim.sim.drain import NodeDrain
from kubesim.sim.node_control import NodeController
from kubesim.sim.pod_collection import PodCollector
from kubesim.sim.scheduling_events import SeriesRecorder
from kubesim.sim.scheduling_queue import Place, Queued, SchedulingQueue
from kubesim.store import Change
from kubesim.units import SECOND, Instant
from tests.ticking.grid import Loop


class TickingSchedulingQueue(SchedulingQueue):
    """Looks every second whose back-off is over, and every 30 s who has waited for 5 minutes (C-64)."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        for interval, look in ((SECOND, self._flush_backoffs), (30 * SECOND, self._flush_leftovers)):
            Loop(self.clock, self._look_after(self.clock.now, interval), interval, look)

    def failed(self, queued: Queued, plugins: frozenset[Plugin]) -> None:
        super().failed(queued, plugins)
        _disarm(queued)

    def _move(self, pods: Any) -> None:
        moved = list(pods)
        super()._move(moved)
        for queued in moved:
            if queued.place is Place.BACKOFF:
                _disarm(queued)

    def _flush_backoffs(self) -> None:
        over = {uid: one.since + backoff(one.attempts, self.release) for uid, one in self._pods.items()}
        due = [uid for uid, one in self._pods.items() if one.place is Place.BACKOFF and over[uid] <= self.clock.now]
        for uid in sorted(due, key=lambda uid: over[uid]):
            self._activate(self._pods[uid])

    def _flush_leftovers(self) -> None:
        longest = self.release.duration("unschedulable_pool_max")
        for queued in tuple(self._unschedulable.values()):
            if self.clock.now - queued.since > longest:
                self._activate(queued)


def _disarm(queued: Queued) -> None:
    if queued.timer is not None:
        queued.timer.cancel()
        queued.timer = None


class TickingSeries(SeriesRecorder):
    """Looks every 6 minutes which series are over, whether or not there is any."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        Loop(self.clock, self._started + FINISH_AFTER, FINISH_AFTER, self._look_back)

    def _arm(self) -> None:
        """It looks anyway."""


class TickingNodeController(NodeController):
    """Nodes renew their leases every 10 s, and the controller looks at them every 5 s."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.mute: set[str] = set()
        self.renewed: dict[str, Instant] = {}
        self.observed: dict[str, tuple[Instant, Instant]] = {}
        """Of each node the renewal that was seen last, and when it was seen."""
        lease = self.release.duration("node_lease_renew_period")
        first = self.timing.round_at("lease", lease, self.clock.now)
        self.before = first - lease
        """The last renewal before the story."""
        Loop(self.clock, first, lease, self._renew)
        monitor = self.release.duration("node_monitor_period")
        Loop(self.clock, self._next_round(self.clock.now), monitor, self._monitor)

    def heartbeat(self, node: str, *, heard: bool) -> None:
        if heard:
            self.mute.discard(node)
            self._silent.pop(node, None)
            self.renewed[node] = self.clock.now
        else:
            self.mute.add(node)

    def _look_at(self, instant: Instant) -> None:
        """It looks anyway."""

    def _renew(self) -> None:
        for node in self.api.store.list("Node"):
            name = node["metadata"]["name"]
            if name not in self.mute:
                self.renewed[name] = self.clock.now

    def _monitor(self) -> None:
        grace = self.release.duration("node_monitor_grace_period")
        for node in self.api.store.list("Node"):
            name = node["metadata"]["name"]
            renewed = self.renewed.get(name, self.before)
            if self.observed.get(name, (None, 0))[0] != renewed:
                self.observed[name] = (renewed, self.clock.now)
            if self.clock.now > self.observed[name][1] + grace:
                self._silent.setdefault(name, self.clock.now)
        self._look()


class TickingPodCollector(PodCollector):
    """Looks every 20 s for pods that nobody cares for (C-47)."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        interval = self.release.duration("pod_gc_period")
        Loop(self.clock, self.timing.round_at("pod-gc", interval, self.clock.now), interval, self._look)

    def changed(self, change: Change) -> None:
        super().changed(change)

    def _look_at(self, instant: Instant) -> None:
        """It looks anyway."""


class TickingDrain(NodeDrain):
    """Looks every second whether the pods that were evicted are gone."""

    def _wait(self, pod: dict[str, Any]) -> None:
        self._poll(pod)

    def changed(self, change: Change) -> None:
        """kubectl watches nothing: it asks."""

    def _poll(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        if self._over:
            return
        found = self.world.api.store.find("Pod", metadata["namespace"], metadata["name"])
        if found is None or found["metadata"]["uid"] != metadata["uid"]:
            self._done_with(metadata["uid"])
        else:
            self.world.clock.after(SECOND, self._poll, pod, background=True)


class TickingPrograms(Watch):
    """A program that waits in a loop really goes round."""

    def observe(self, kernel: Kernel) -> None:
        """Nothing is remembered, so that nothing is found to come back."""
