"""SyncTerminatingPod and SyncTerminatedPod: stop everything, then report, clean up and let go (K-12 to K-17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubesim.kubelet.observed import Observed, RuntimeState
from kubesim.sim.stopping import PodKill

if TYPE_CHECKING:
    from kubesim.sim.pod_worker import PodWorker


class TerminatingPass:
    """One try to stop all containers and the sandbox of a pod."""

    def __init__(self, worker: PodWorker, seen: Observed) -> None:
        self.worker = worker
        self.kubelet = worker.kubelet
        self.pod = worker.pod
        self.seen = seen

    def begin(self) -> None:
        """Write the status with the verdict, stop the mains' liveness and startup probes, kill (K-12.1 to K-12.3)."""
        worker = self.worker
        self.kubelet.reports.write(worker, self.seen, verdict=worker.verdict)
        self.kubelet.probing.stop_liveness_and_startup(self.pod, worker.uid)
        running = []
        for container in self.seen.containers:
            instance = self.kubelet.runtime.instance(worker.uid, container.id)
            if container.state is RuntimeState.RUNNING and instance is not None:
                running.append(instance)
        override = worker.grace or None
        self.kubelet.record_termination(self.pod, [instance.name for instance in running], override)
        PodKill(self.kubelet, self.pod, running, self._killed, override=override).begin()

    def _killed(self) -> None:
        """Read the runtime anew; something that still runs means another try (K-12.4 to K-12.7)."""
        worker = self.worker
        self.kubelet.probing.remove(worker.uid)
        seen = self.kubelet.with_definitions(self.pod, self.kubelet.runtime.observe(worker.uid))
        if any(container.state is RuntimeState.RUNNING for container in seen.containers):
            worker.terminating_done(failed=True)
            return
        self.kubelet.reports.write(worker, seen, terminal=True)
        worker.terminating_done(failed=False)


class TerminatedPass:
    """The last pass: final status, volumes and cgroups gone, status marked finished (K-14)."""

    def __init__(self, worker: PodWorker, seen: Observed) -> None:
        self.worker = worker
        self.kubelet = worker.kubelet
        self.pod = worker.pod
        self.seen = seen

    def begin(self) -> None:
        """Write the status once more, then clean up."""
        self.kubelet.reports.write(self.worker, self.seen, terminal=True)
        self.kubelet.clock.after(self.kubelet.timing.latency("cleanup"), self._cleaned)

    def _cleaned(self) -> None:
        self.kubelet.statuses.terminate(self.pod)
        self.worker.terminated_done()
        self.kubelet.worker_finished(self.worker.uid)
