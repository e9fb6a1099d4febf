"""Skipping done wrong, once in each place: what the law must not let pass."""

from __future__ import annotations

from typing import Any

from kubesim.kubelet.probe_schedule import period
from kubesim.scripts.idle import Watch, shift
from kubesim.scripts.kernel import Kernel
from kubesim.sim.drain import NodeDrain
from kubesim.sim.evictions import Evictions
from kubesim.sim.kubelet import Kubelet
from kubesim.sim.memory_pressure import MemoryPressure
from kubesim.sim.node_control import NodeController
from kubesim.sim.pod_collection import PodCollector
from kubesim.sim.pod_volumes import PodVolumes, _Setup
from kubesim.sim.pod_worker import PodWorker
from kubesim.sim.scheduling_events import SeriesRecorder
from kubesim.sim.scheduling_queue import SchedulingQueue
from kubesim.sim.status_manager import StatusManager
from kubesim.sim.status_reports import StatusReports
from kubesim.sim.work_queue import WorkQueue
from kubesim.store import DELETED, Change
from kubesim.units import SECOND, Duration, Instant
from tests.ticking.kubelet import ProberApart
from tests.ticking.pleg import PlegApart


class LatePleg(PlegApart):
    """Finds a change at the look after the one that would find it."""

    def _arm(self, instant: Instant) -> None:
        super()._arm(instant + self.period)


class NeverResynced(Kubelet):
    """Never comes back to a pod that is well."""

    def requeue_for_resync(self, uid: str) -> bool:
        self.queue.forget(uid)
        return False


class ForgetsBackoffs(Kubelet):
    """Forgets a back-off between two rounds of housekeeping."""

    def housekept_since(self, instant: Instant) -> bool:
        return instant <= self.clock.now


class PromptQueue(WorkQueue):
    """Syncs a pod when it is due, and not at the next tick."""

    def next_tick(self, instant: Instant) -> Instant:
        return instant


class OnceDeadline(StatusReports):
    """Does not look at a deadline again that has passed."""

    def _watch_deadline(self, worker: PodWorker) -> None:
        limit, status = worker.pod.spec.active_deadline_seconds, self.kubelet.statuses.get(worker.uid)
        if limit is None or status is None or status.start_time is None:
            return
        if self.kubelet.clock.now < status.start_time + limit * SECOND:
            super()._watch_deadline(worker)


class NeverReconciled(StatusManager):
    """Leaves a phase that was held back where it is."""

    def _sync_all_later(self) -> None:
        """Nothing is planned."""


class PromptVolumes(PodVolumes):
    """Tells a pass of its volumes at once, and not at its next poll."""

    def _try_again(self, setup: _Setup) -> None:
        setup.polls_from = self.kubelet.clock.now
        super()._try_again(setup)


class PromptEvictions(Evictions):
    """Judges what was measured at once, and not at the next pass."""

    def _measure(self, uid: str) -> None:
        self._armed.discard(uid)
        message = self._excess(uid)
        if message is not None:
            self._over_limit(uid, message)


class PromptMemory(MemoryPressure):
    """Looks at memory when it gets low, and not at the next pass."""

    def _next_pass(self, instant: Instant | None = None) -> Instant:
        return self.kubelet.clock.now if instant is None else instant


class DeafProber(ProberApart):
    """Rests without being told that something changed."""

    def look_again(self) -> None:
        """It hears nothing."""


class LateProber(ProberApart):
    """Comes a period late to an answer that changes by itself."""

    def _tick_that_may_differ(self, instant: Instant) -> Instant:
        return super()._tick_that_may_differ(instant) + period(self.worker)


class LateExecProber(ProberApart):
    """Takes a process that was asked for before a change, and starts after it, for one that sees nothing of it."""

    def _exec_under_way(self) -> Instant | None:
        return None


class PromptScheduling(SchedulingQueue):
    """Tries a pod when its back-off is over, and not at the next look."""

    def _look_after(self, instant: Instant, period: Duration) -> Instant:
        return instant


class EndlessSeries(SeriesRecorder):
    """Never looks back at its series."""

    def _arm(self) -> None:
        """Nothing is planned."""


class HastyNodes(NodeController):
    """Counts the grace period from the last heartbeat, and not from the round that saw it."""

    def _lost_at(self) -> Instant:
        lease = self.release.duration("node_lease_renew_period")
        renewed = self.timing.round_at("lease", lease, self.clock.now + 1) - lease
        return renewed + self.release.duration("node_monitor_grace_period")


class PromptCollector(PodCollector):
    """Collects at once, and not in the next round."""

    def _look_at(self, instant: Instant) -> None:
        if self._round is None or not self._round.live:
            self._round = self.clock.at(instant, self._look)


class PromptDrain(NodeDrain):
    """Hears at once that a pod is gone, and not when it asks again."""

    def changed(self, change: Change) -> None:
        if change.type == DELETED and change.uid in self._waits_since and not self._over:
            self._done_with(change.uid)


class SlippingPrograms(Watch):
    """Moves a program that goes round in a loop to where the clock is, and not by whole rounds."""

    def forward(self, kernel: Kernel, now: Instant, **asked: Any) -> None:
        if self.period is not None and now > self.base:
            shift(kernel, (now - self.base) % self.period)
            self.base = kernel.now
        super().forward(kernel, now, **asked)


PLEG = "kubesim.sim.kubelet.Pleg"
KUBELET = "kubesim.sim.world.Kubelet"
QUEUE = "kubesim.sim.kubelet.WorkQueue"
REPORTS = "kubesim.sim.kubelet.StatusReports"
STATUSES = "kubesim.sim.kubelet.StatusManager"
VOLUMES = "kubesim.sim.kubelet.PodVolumes"
EVICTIONS = "kubesim.sim.kubelet.Evictions"
MEMORY = "kubesim.sim.kubelet.MemoryPressure"
PROBER = "kubesim.sim.probing.Prober"
SCHEDULING = "kubesim.sim.scheduling.SchedulingQueue"
SERIES = "kubesim.sim.scheduling.SeriesRecorder"
NODES = "kubesim.sim.controller_manager.NodeController"
COLLECTOR = "kubesim.sim.controller_manager.PodCollector"
DRAIN = "kubesim.sim.node_requests.NodeDrain"
PROGRAMS = "kubesim.scripts.idle.Watch"

CASES, SCENARIOS = "tests/ticking/cases", "scenarios"
BROKEN: tuple[tuple[str, type, str, int], ...] = (
    (PLEG, LatePleg, f"{SCENARIOS}/demo-delete.yaml", 60),
    (KUBELET, NeverResynced, f"{CASES}/resync-asks-for-readiness.yaml", 200),
    (KUBELET, ForgetsBackoffs, f"{CASES}/crash-after-ten-minutes.yaml", 780),
    (QUEUE, PromptQueue, f"{SCENARIOS}/bugs/ordering-waits-for-absent-sidecar.yaml", 120),
    (REPORTS, OnceDeadline, f"{CASES}/deadline-passes-while-it-stops.yaml", 60),
    (STATUSES, NeverReconciled, f"{CASES}/status-patched-by-somebody.yaml", 60),
    (VOLUMES, PromptVolumes, f"{CASES}/volume-comes-late.yaml", 60),
    (EVICTIONS, PromptEvictions, f"{SCENARIOS}/faults/emptydir-over-its-limit.yaml", 300),
    (MEMORY, PromptMemory, f"{SCENARIOS}/faults/memory-runs-out.yaml", 300),
    (PROBER, DeafProber, f"{SCENARIOS}/bugs/mains-forgotten-after-kubelet-restart.yaml", 120),
    (PROBER, LateProber, f"{CASES}/readiness-wakes-and-fails.yaml", 60),
    (PROBER, LateExecProber, f"{CASES}/file-between-tick-and-probe.yaml", 60),
    (SCHEDULING, PromptScheduling, f"{CASES}/nobody-has-room.yaml", 400),
    (SERIES, EndlessSeries, f"{CASES}/nobody-has-room.yaml", 3000),
    (NODES, HastyNodes, f"{SCENARIOS}/faults/node-cut-off-for-a-while.yaml", 300),
    (COLLECTOR, PromptCollector, f"{SCENARIOS}/faults/node-lost.yaml", 900),
    (DRAIN, PromptDrain, f"{SCENARIOS}/faults/drain-with-budget.yaml", 300),
    (PROGRAMS, SlippingPrograms, f"{SCENARIOS}/demo-delete.yaml", 60),
)
"""What stands in the place of a part, and where the difference shows within so many seconds."""
