"""The pod statuses a kubelet reports: generated at each pass, with the deadline's verdict, kept, sent (K-9, K-88)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kubesim.kubelet.conditions import ALL_CONTAINERS_RESTARTING
from kubesim.kubelet.container_statuses import readiness_triggers
from kubesim.kubelet.observed import Observed
from kubesim.kubelet.pod_status import Verdict, generate_status, replaced_condition, with_verdict
from kubesim.objects.pod import Pod
from kubesim.objects.status import Condition, PodStatus
from kubesim.sim.clock import Timer
from kubesim.sim.instances import Sandbox
from kubesim.units import SECOND

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet
    from kubesim.sim.pod_worker import PodWorker


class StatusReports:
    """Makes the status of a pod at the moments the kubelet does, and watches its active deadline."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self._deadlines: dict[str, Timer] = {}

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        timer = self._deadlines.pop(uid, None)
        if timer is not None:
            timer.cancel()

    def write(
        self, worker: PodWorker, seen: Observed, *, terminal: bool = False, verdict: Verdict | None = None
    ) -> PodStatus:
        """Generate the pod's status from what was seen, keep and send it, run readiness probes it waits for."""
        pod, uid = worker.pod, worker.uid
        status = generate_status(
            pod,
            self.kubelet.statuses.get(uid),
            seen,
            self.kubelet.probing.results(uid),
            self.kubelet.release,
            start_failures=self.kubelet.start_failures.get(uid, {}),
            workers=self.kubelet.probing.workers(uid),
            terminal=terminal,
            deadline=self._deadline_verdict(worker),
            host_ip=self.kubelet.node.address,
            kubelet_started_at=self.kubelet.began if self.kubelet.before is not None else None,
        )
        if verdict is not None:
            status = with_verdict(status, verdict, self.kubelet.release, self.kubelet.clock.now)
        self.kubelet.statuses.set(pod, status)
        self._watch_deadline(worker)
        self.kubelet.probing.trigger_readiness(uid, self.readiness_to_trigger(pod, status))
        return status

    def readiness_to_trigger(self, pod: Pod, status: PodStatus) -> tuple[str, ...]:
        uid = pod.metadata.uid
        statuses = (*status.container_statuses, *status.init_container_statuses)
        return readiness_triggers(statuses, self.kubelet.probing.results(uid), self.kubelet.probing.workers(uid))

    def _deadline_verdict(self, worker: PodWorker) -> Verdict | None:
        """The verdict DeadlineExceeded, with its Event, once the pod has been active for too long (K-88)."""
        limit = worker.pod.spec.active_deadline_seconds
        if limit is None:
            return None
        status = self.kubelet.statuses.get(worker.uid)
        if status is None or status.start_time is None:
            return None
        if self.kubelet.clock.now - status.start_time < limit * SECOND:
            return None
        message = self.kubelet.release.text("DeadlineExceeded")
        self.kubelet.pod_event(worker.pod, "Normal", "DeadlineExceeded", message)
        return Verdict("DeadlineExceeded", message)

    def _watch_deadline(self, worker: PodWorker) -> None:
        """Every tick of the sync loop syncs a pod that is past its deadline; here the next one that does."""
        limit = worker.pod.spec.active_deadline_seconds
        if limit is None or not worker.could_have_running_containers:
            return
        status = self.kubelet.statuses.get(worker.uid)
        if status is None or status.start_time is None:
            return
        due = self.kubelet.queue.next_tick(max(status.start_time + limit * SECOND, self.kubelet.clock.now + 1))
        timer = self._deadlines.get(worker.uid)
        if timer is not None and timer.live and timer.instant == due:
            return
        if timer is not None:
            timer.cancel()
        self._deadlines[worker.uid] = self.kubelet.clock.at(due, self.kubelet.sync_soon, worker.uid)

    def sandbox_ready(self, worker: PodWorker, sandbox: Sandbox) -> None:
        """Some releases say PodReadyToStartContainers right after the sandbox was made (S-3.3, 1.36)."""
        type_ = self.kubelet.release.policy("sandbox_condition_type")
        cached = self.kubelet.statuses.get(worker.uid)
        if not self.kubelet.release.policy("sandbox_condition_set_at_creation") or not type_ or cached is None:
            return
        generation = worker.pod.metadata.generation
        carries = self.kubelet.release.policy("conditions_carry_observed_generation")
        ready = Condition(type_, "True", observed_generation=generation if carries else 0)
        conditions = replaced_condition(cached.conditions, ready)
        self.kubelet.statuses.set(worker.pod, msgspec.structs.replace(cached, conditions=conditions))

    def is_restarting_all(self, uid: str) -> bool:
        """Whether the pod's status says that all its containers are being started over in place (K-121)."""
        status = self.kubelet.statuses.get(uid)
        condition = status.condition(ALL_CONTAINERS_RESTARTING) if status is not None else None
        return condition is not None and condition.status == "True"
