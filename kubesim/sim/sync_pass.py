"""One SyncPod pass: write what is, decide, act in the order of K-20, and say when to come back (K-9 to K-11)."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from kubesim.history.records import DecidedAction
from kubesim.kubelet.actions import Kill, PodActions, Start, Why
from kubesim.kubelet.observed import Observed, RuntimeState
from kubesim.kubelet.pod_actions import pod_actions
from kubesim.objects.pod import Container, is_sidecar
from kubesim.sim.container_start import ContainerStart
from kubesim.sim.instances import Instance, Sandbox
from kubesim.sim.stopping import ContainerKill, PodKill
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.sim.pod_worker import PodWorker

_TERMINAL = ("Succeeded", "Failed")


class SyncPass:
    """The steps of one pass; ``seen`` is the cached observation it works from, whatever happens meanwhile (K-10)."""

    def __init__(self, worker: PodWorker, seen: Observed) -> None:
        self.worker = worker
        self.kubelet = worker.kubelet
        self.pod = worker.pod
        self.seen = seen
        self.uid = worker.uid
        self.decision: PodActions | None = None
        self.sandbox_id = ""
        self.failed = False
        self.acted = False
        self.retry_at: Instant | None = None
        self._kills: deque[Kill] = deque()
        self._starts: deque[tuple[Container, Start, str]] = deque()
        self._containers = self.pod.spec.by_name

    def begin(self) -> None:
        """Write the status of the world before this pass; a terminal phase ends it (K-9.1 to K-9.4)."""
        status = self.kubelet.reports.write(self.worker, self.seen)
        if status.phase in _TERMINAL:
            self.worker.sync_done(terminal=True, failed=False)
            return
        self.kubelet.volumes.prepare(self.worker, self._prepared)

    def _prepared(self, problem: str | None) -> None:
        """Directories, cgroups and volumes are there, or the pass fails (K-9.6)."""
        if problem is not None:
            self.worker.sync_done(terminal=False, failed=True)
            return
        self.kubelet.probing.register(self.pod, self.uid)
        self.decision = pod_actions(
            self.pod,
            self.seen,
            self.kubelet.probing.results(self.uid),
            self.kubelet.release,
            restart_all_containers=self.kubelet.reports.is_restarting_all(self.uid),
        )
        self._record(self.decision)
        if self.decision.create_sandbox and self.decision.sandbox_id:
            self.kubelet.pod_event(self.pod, "Normal", "SandboxChanged", self.kubelet.release.text("SandboxChanged"))
        self._kill()

    # -- (2), (3): kills ------------------------------------------------------------------------------------------

    def _kill(self) -> None:
        decision = self._decided()
        if decision.kill_pod:
            running = self._instances(RuntimeState.RUNNING)
            self.acted = self.acted or bool(running) or any(sandbox.ready for sandbox in self.seen.sandboxes)
            PodKill(self.kubelet, self.pod, running, self._pod_killed, override=None).begin()
            return
        self._kills.extend(decision.kills)
        self._kill_next()

    def _pod_killed(self) -> None:
        decision = self._decided()
        if decision.create_sandbox:
            self.kubelet.dead.purge_inits(self.pod)
        self._resets()

    def _kill_next(self) -> None:
        if not self._kills:
            self._resets()
            return
        kill = self._kills.popleft()
        instance = self.kubelet.runtime.instance(self.uid, kill.id)
        if instance is None:
            self._kill_next()
            return
        self.acted = True
        ContainerKill(
            self.kubelet,
            self.pod,
            self._containers[kill.name],
            instance,
            self._kill_next,
            message=kill.message,
            reason=kill.reason,
        ).begin()

    # -- (3b): resets ---------------------------------------------------------------------------------------------

    def _resets(self) -> None:
        self._reset_queue = deque(self._decided().resets)
        self._reset_next()

    def _reset_next(self) -> None:
        if not self._reset_queue:
            self._sandbox()
            return
        reset = self._reset_queue.popleft()
        instance = self.kubelet.runtime.instance(self.uid, reset.id)
        if instance is None:
            self._reset_next()
            return
        self.acted = True
        if not reset.kill:
            self._remove(instance)
            return
        ContainerKill(
            self.kubelet,
            self.pod,
            self._containers[reset.name],
            instance,
            partial(self._remove, instance),
            message=self.kubelet.release.text("Killing_reset"),
            override=0,
        ).begin()

    def _remove(self, instance: Instance) -> None:
        keeps = self.kubelet.release.policy("reset_keeps_logs")
        self.kubelet.runtime.remove_container(self.kubelet.runtime.pod(self.uid), instance, keep_log=bool(keeps))
        self.kubelet.clock.after(self.kubelet.timing.latency("remove-container"), self._reset_next)

    # -- (4): the sandbox -----------------------------------------------------------------------------------------

    def _sandbox(self) -> None:
        decision = self._decided()
        self.kubelet.dead.prune_inits(self.pod, self.seen)
        if not decision.create_sandbox:
            self.sandbox_id = decision.sandbox_id
            self._queue_starts()
            return
        self.acted = True
        runtime_pod = self.kubelet.runtime.pod(self.uid)
        self.kubelet.runtime.run_sandbox(runtime_pod, decision.attempt, self.pod.spec.host_network, self._sandbox_ready)

    def _sandbox_ready(self, sandbox: Sandbox) -> None:
        self.sandbox_id = sandbox.id
        self.kubelet.reports.sandbox_ready(self.worker, sandbox)
        self._queue_starts()

    # -- (5), (6), (8): starts ------------------------------------------------------------------------------------

    def _queue_starts(self) -> None:
        decision = self._decided()
        for kind, starts in (
            ("ephemeral", decision.ephemeral_to_start),
            ("init", decision.init_to_start),
            ("main", decision.mains_to_start),
        ):
            for start in starts:
                self._starts.append((self._containers[start.name], start, kind))
        self._start_next()

    def _start_next(self) -> None:
        if not self._starts:
            self._finish()
            return
        container, _, kind = self._starts.popleft()
        self.acted = True
        ContainerStart(self, container, kind, self._started).begin()

    def _started(self, container: Container, kind: str, problem: bool, retry_at: Instant | None) -> None:
        """One start is over; a failed plain init ends the pass, others do not hold up what follows (K-23)."""
        if problem:
            self.failed = True
            if retry_at is not None:
                self.retry_at = retry_at if self.retry_at is None else min(self.retry_at, retry_at)
            if kind == "init" and not (is_sidecar(container) and self.kubelet.release.policy("phase_knows_sidecars")):
                self._starts.clear()
        self._start_next()

    def _finish(self) -> None:
        if self.acted and self._decided().resets and self.kubelet.release.policy("sync_queued_after_reset"):
            self.kubelet.sync_soon(self.uid)
        self.worker.sync_done(
            terminal=False, failed=self.failed, retry_at=self.retry_at, acted=self.acted and not self.failed
        )

    # -- helpers --------------------------------------------------------------------------------------------------

    def _decided(self) -> PodActions:
        if self.decision is None:
            raise RuntimeError("a pass acts only after it has decided")
        return self.decision

    def _instances(self, state: RuntimeState) -> list[Instance]:
        """The instances that were seen in that state, in the order of the runtime's list (newest first)."""
        ids = [container.id for container in self.seen.containers if container.state is state]
        found = (self.kubelet.runtime.instance(self.uid, container_id) for container_id in ids)
        return [instance for instance in found if instance is not None]

    def _record(self, decision: PodActions) -> None:
        actions: list[DecidedAction] = []
        if decision.kill_pod and self.seen.sandboxes:
            actions.append(_action("kill-pod", "", decision.why))
        if decision.create_sandbox:
            actions.append(_action("create-sandbox", "", decision.why))
        if not decision.kill_pod:
            actions.extend(_action("kill", kill.name, kill.why) for kill in decision.kills)
        actions.extend(_action("reset", reset.name, reset.why) for reset in decision.resets)
        starts = (*decision.ephemeral_to_start, *decision.init_to_start, *decision.mains_to_start)
        actions.extend(_action("start", start.name, _start_why(start, decision)) for start in starts)
        if actions:
            self.kubelet.record_decision(self.pod, "SyncPod", tuple(actions), decision.why)


def _start_why(start: Start, decision: PodActions) -> Why:
    """Why a container is started only now: for a first start, what the pod had to reach before."""
    if start.why.text != "never ran":
        return start.why
    return Why(f"never ran; {decision.why.text}", tuple(dict.fromkeys((*start.why.rules, *decision.why.rules))))


def _action(do: str, container: str, why: Why) -> DecidedAction:
    return DecidedAction(do=do, container=container, why=why.text, rules=why.rules)
