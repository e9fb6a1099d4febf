"""The kubelet's eviction manager on the clock: it measures on its own grids, and kills what went over its limits.

What a pod has written is measured about once a minute and judged every 10 s, so an excess is noticed after up to 70 s
(FINDINGS 15). Here a pod is measured at the first instant of its grid at which it may be over a limit. Who is evicted
and why is decided in ``kubelet/eviction.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubesim.history.records import DecidedAction
from kubesim.kubelet.actions import Why
from kubesim.kubelet.eviction import EVICTED, StorageUsage, eviction_wait, has_storage_limits, storage_excess
from kubesim.kubelet.pod_status import Verdict
from kubesim.objects.pod import Pod
from kubesim.sim.pod_worker import PodWorker, Update, Work
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


class Evictions:
    """Looks after the limits of one kubelet's pods."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self._next_measure: dict[str, Instant] = {}
        """Of pods with limits: the next instant of their grid, drawn as far as it was needed."""
        self._armed: set[str] = set()

    def appeared(self, pod: Pod) -> None:
        """The kubelet has a new pod; one with limits is measured from the next round on."""
        if has_storage_limits(pod):
            period = self.kubelet.release.duration("volume_stats_period")
            self._next_measure[pod.metadata.uid] = self.kubelet.timing.round_at(
                "volume-stats", period, self.kubelet.clock.now
            )
            self.files_changed(pod.metadata.uid)

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._next_measure.pop(uid, None)
        self._armed.discard(uid)

    def files_changed(self, uid: str) -> None:
        """Something wrote to the pod's volumes or to one of its containers: it may be over a limit now."""
        if uid not in self._next_measure or uid in self._armed or self._excess(uid) is None:
            return
        self._armed.add(uid)
        self.kubelet.clock.at(self._measure_at(uid), self._measure, uid)

    # -- storage ------------------------------------------------------------------------------------------------------

    def _measure_at(self, uid: str) -> Instant:
        """The next instant at which the pod is measured: a minute after the one before, and up to a minute more."""
        period = self.kubelet.release.duration("volume_stats_period")
        while self._next_measure[uid] < self.kubelet.clock.now:
            self._next_measure[uid] += self.kubelet.timing.jittered("volume-stats", period, 1.0)
        return self._next_measure[uid]

    def _measure(self, uid: str) -> None:
        """What is measured now stands until the next time, so the eviction manager's next pass sees it."""
        self._armed.discard(uid)
        message = self._excess(uid)
        worker = self.kubelet.workers.get(uid)
        if message is None or worker is None or worker.termination_requested:
            return
        period = self.kubelet.release.duration("eviction_monitoring_period")
        judged = self.kubelet.timing.round_at("eviction", period, self.kubelet.clock.now)
        self.kubelet.clock.at(judged, self._over_limit, uid, message)

    def _over_limit(self, uid: str, message: str) -> None:
        worker = self.kubelet.workers.get(uid)
        if worker is None or worker.termination_requested:
            return
        override: int = self.kubelet.release.policy("hard_eviction_override_seconds")
        self.evict(worker, Verdict(EVICTED, message), override)

    def _excess(self, uid: str) -> str | None:
        pod = self.kubelet.pods.get(uid)
        return None if pod is None else storage_excess(pod, self._usage(pod), self.kubelet.release)

    def _usage(self, pod: Pod) -> StorageUsage:
        runtime_pod = self.kubelet.runtime.pods.get(pod.metadata.uid)
        if runtime_pod is None:
            return StorageUsage({}, {})
        return StorageUsage(
            volumes={name: volume.size() for name, volume in runtime_pod.volumes.items()},
            containers={entry.name: entry.machine.kernel.files.layer.size() for entry in runtime_pod.running()},
        )

    # -- eviction -----------------------------------------------------------------------------------------------------

    def evict(self, worker: PodWorker, verdict: Verdict, override_seconds: int) -> None:
        """Tell of it and kill the pod; complain if that takes too long (K-84, K-89)."""
        kubelet, pod = self.kubelet, worker.pod
        kubelet.pod_event(pod, "Warning", verdict.reason, verdict.message)
        why = Why(verdict.message.strip(), ("K-84",))
        kubelet.record_decision(pod, "eviction", (DecidedAction(do="evict", why=why.text, rules=why.rules),), why)
        worker.update(Update(pod, kill=True, override_seconds=override_seconds, verdict=verdict, evict=True))
        wait = eviction_wait(override_seconds, kubelet.release)
        kubelet.clock.after(wait, self._still_there, worker, background=True)

    def _still_there(self, worker: PodWorker) -> None:
        if worker.work in (Work.SYNC, Work.TERMINATING):
            text = self.kubelet.release.text("ExceededGracePeriod")
            self.kubelet.pod_event(worker.pod, "Warning", "ExceededGracePeriod", text)
