"""The kubelet's periodic loops as the kubelet has them: each really runs at every instant of its grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kubesim.kubelet.backoff import garbage_at
from kubesim.kubelet.eviction import has_storage_limits
from kubesim.kubelet.probe_schedule import next_tick, period
from kubesim.kubelet.status_manager import needs_write
from kubesim.objects.pod import Pod
from kubesim.sim.clock import Clock
from kubesim.sim.evictions import Evictions
from kubesim.sim.kubelet import Kubelet
from kubesim.sim.memory_pressure import MemoryPressure
from kubesim.sim.pod_volumes import PodVolumes, Then, _Setup
from kubesim.sim.pod_worker import PodWorker
from kubesim.sim.probe_run import Answer
from kubesim.sim.probing import Prober
from kubesim.sim.status_manager import StatusManager
from kubesim.sim.status_reports import StatusReports
from kubesim.sim.work_queue import WorkQueue
from kubesim.store import Reply
from kubesim.units import SECOND, Duration, Instant
from tests.ticking.grid import Loop, apart, at_or_after


class TickingKubelet(Kubelet):
    """Syncs every pod again after 60 to 90 s (K-19b), and keeps house every 2 s (K-19g)."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        rest = self.release.duration("housekeeping_period")
        Loop(self.clock, self.next_housekeeping(self.clock.now), rest, self._keep_house)

    def requeue_for_resync(self, uid: str) -> bool:
        self.queue.forget(uid)
        worker = self.workers.get(uid)
        if worker is not None and not worker.termination_requested:
            self.queue.enqueue(uid, self.timing.jittered("resync", self.release.duration("sync_frequency"), 0.5))
        return True

    def housekept_since(self, instant: Instant) -> bool:
        """Whatever is too old is not there any more."""
        return False

    def _keep_house(self) -> None:
        old = [key for key, record in self.backoffs.items() if self.clock.now >= garbage_at(record, self.crash_limits)]
        for key in old:
            del self.backoffs[key]


class TickingWorkQueue(WorkQueue):
    """Asks every second which pods are due (K-19, K-19a)."""

    def __init__(self, clock: Clock, tick: Duration, phase: Duration, sync: Callable[[str], None]) -> None:
        super().__init__(clock, tick, phase, sync)
        self.due: dict[str, Instant] = {}
        Loop(clock, self.next_tick(clock.now), tick, self._drain)

    def enqueue(self, uid: str, delay: Duration) -> None:
        self.forget(uid)
        self.due[uid] = self.clock.now + delay

    def forget(self, uid: str) -> None:
        self.due.pop(uid, None)

    def _drain(self) -> None:
        for uid in [uid for uid, instant in self.due.items() if instant <= self.clock.now]:
            self.due.pop(uid, None)
            self.sync(uid)


class TickingReports(StatusReports):
    """Asks every second which pods are past their active deadline (K-19a, K-88)."""

    def __init__(self, kubelet: Kubelet) -> None:
        super().__init__(kubelet)
        tick = kubelet.release.duration("sync_tick")
        first = at_or_after(kubelet.clock.now, kubelet.timing.phase("tick", tick), tick)
        Loop(kubelet.clock, first, tick, self._check_deadlines)

    def _watch_deadline(self, worker: PodWorker) -> None:
        """It is looked at anyway."""

    def _check_deadlines(self) -> None:
        for uid, worker in tuple(self.kubelet.workers.items()):
            limit, status = worker.pod.spec.active_deadline_seconds, self.kubelet.statuses.get(uid)
            if limit is None or status is None or status.start_time is None:
                continue
            if self.kubelet.clock.now >= status.start_time + limit * SECOND:
                self.kubelet.sync_soon(uid)


class ProberApart(Prober):
    """A worker whose grid lies some nanoseconds off, so that no two tick at one instant, where chance decides."""

    @property
    def origin(self) -> Instant:
        return self._origin

    @origin.setter
    def origin(self, instant: Instant) -> None:
        if instant != getattr(self, "_origin", None):
            self._origin = instant + apart(f"{self.worker.container.name}/{self.worker.type.value}")


class TickingProber(ProberApart):
    """Probes in every period, whether or not the answer can differ (K-95)."""

    def look_again(self) -> None:
        """It looks in every period anyway."""

    def _plan_next(self) -> None:
        self._arm(next_tick(self.origin, period(self.worker), self.kubelet.clock.now))

    def _answered(self, answer: Answer) -> None:
        super()._answered(replace(answer, stays_until=self.kubelet.clock.now))


class TickingStatusManager(StatusManager):
    """Compares every status with the API server's every 10 s (K-19h); a tick while it writes is kept, one at most.

    The kubelet compares with what its watch has told it; here it is what the API server has, so that a watch that is
    behind by milliseconds makes no write that changes nothing.
    """

    def __init__(self, kubelet: Kubelet) -> None:
        super().__init__(kubelet)
        self._kept = False
        interval = 10 * SECOND
        Loop(kubelet.clock, at_or_after(kubelet.clock.now, self._phase, interval), interval, self._reconcile)

    def _sync_all_later(self) -> None:
        """It is looked at anyway."""

    def _reconcile(self) -> None:
        self._kept = self._busy
        if self._busy or not self.kubelet.api.is_up:
            return
        for uid, entry in sorted(self._cached.items()):
            stored = self.kubelet.api.store.find("Pod", entry.pod.metadata.namespace, entry.pod.metadata.name)
            if stored is None or stored["metadata"]["uid"] != uid:
                continue
            if needs_write(self.typed(uid, stored["status"]), entry.status, self.kubelet.release, forced=False):
                self._enqueue(uid)

    def _written(self, reply: Reply) -> None:
        super()._written(reply)
        if self._kept and not self._busy:
            self._reconcile()


class TickingMemoryPressure(MemoryPressure):
    """Looks at the node's memory every 10 s (K-89)."""

    def __init__(self, kubelet: Kubelet) -> None:
        super().__init__(kubelet)
        interval = kubelet.release.duration("eviction_monitoring_period")
        Loop(kubelet.clock, self._next_pass(), interval, self._monitor)
        self._waits = False

    def _look_at(self, instant: Instant) -> None:
        """It is looked at anyway, except that a pod which was evicted is waited for."""

    def _monitor(self) -> None:
        if not self._waits:
            self._look()

    def _evicted(self, _uid: str) -> None:
        self.kubelet.clock.after(SECOND, self._look)


class TickingEvictions(Evictions):
    """Measures every pod with limits in each round, and judges what was measured last every 10 s (FINDINGS 15)."""

    def __init__(self, kubelet: Kubelet) -> None:
        super().__init__(kubelet)
        self._measured: dict[str, str | None] = {}
        interval = kubelet.release.duration("eviction_monitoring_period")
        first = kubelet.timing.round_at("eviction", interval, kubelet.clock.now)
        Loop(kubelet.clock, first, interval, self._judge)

    def appeared(self, pod: Pod) -> None:
        if has_storage_limits(pod):
            interval = self.kubelet.release.duration("volume_stats_period")
            first = self.kubelet.timing.round_at("volume-stats", interval, self.kubelet.clock.now)
            self._measured[pod.metadata.uid] = None
            self.kubelet.clock.at(first, self._measure, pod.metadata.uid, background=True)

    def files_changed(self, uid: str) -> None:
        """Nobody tells a kubelet of a change: it finds it when it measures."""

    def forget(self, uid: str) -> None:
        self._measured.pop(uid, None)

    def _measure(self, uid: str) -> None:
        if uid in self._measured:
            self._measured[uid] = self._excess(uid)
            interval = self.kubelet.release.duration("volume_stats_period")
            wait = self.kubelet.timing.jittered("volume-stats", interval, 1.0)
            self.kubelet.clock.after(wait, self._measure, uid, background=True)

    def _judge(self) -> None:
        for uid, message in tuple(self._measured.items()):
            if message is not None:
                self._over_limit(uid, message)


class TickingVolumes(PodVolumes):
    """A pass that waits for volumes asks every 300 ms whether they are there (K-19k)."""

    def _wait(self, setup: _Setup, worker: PodWorker, then: Then) -> None:
        super()._wait(setup, worker, then)
        self.kubelet.clock.at(self.kubelet.clock.now, self._poll, setup, then, background=True)

    def _poll(self, setup: _Setup, then: Then) -> None:
        if setup.then is not then:
            return
        if setup.worker.uid in self._ready:
            self._done(setup, None)
            return
        interval = self.kubelet.release.duration("volume_poll_period")
        self.kubelet.clock.after(interval, self._poll, setup, then, background=True)

    def _try_again(self, setup: _Setup) -> None:
        setup.retry = None
        if not setup.worker.termination_requested and self._set_up(setup):
            del self._setups[setup.worker.uid]
