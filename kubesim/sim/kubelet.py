"""One node's kubelet: takes pods from the API server, hands them to their workers, and knows what those need.

Every decision is asked of ``kubesim.kubelet``; the workers, the PLEG, the probes and the status manager are state
objects of their own in this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from kubesim.history.records import Decided, DecidedAction
from kubesim.kubelet.actions import Why
from kubesim.kubelet.backoff import BackoffKey, BackoffRecord, crash_backoff_limits
from kubesim.kubelet.container_statuses import StartFailure, sidecars_known
from kubesim.kubelet.definition import container_definition
from kubesim.kubelet.observed import Observed, ProbeResult, ProbeType, RuntimeState
from kubesim.kubelet.probe_worker import ProbeWorker
from kubesim.kubelet.termination import prerequisites, why_out_of_turn
from kubesim.objects.pod import Container, Pod, PodSpec, pod_view
from kubesim.releases import Release
from kubesim.scenario.cluster import Cluster, Node
from kubesim.scripts import Machine
from kubesim.sim.clock import Clock, ProcessClock
from kubesim.sim.connection import Connection
from kubesim.sim.container_setup import MachineShop
from kubesim.sim.dead_containers import DeadContainers
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.evictions import Evictions
from kubesim.sim.images import NodeImages
from kubesim.sim.instances import Instance, RuntimePod
from kubesim.sim.kubelet_admission import refusal, refuse
from kubesim.sim.memory_pressure import MemoryPressure
from kubesim.sim.node_posts import NodePosts
from kubesim.sim.pleg import DIED, Pleg
from kubesim.sim.pod_volumes import PodVolumes
from kubesim.sim.pod_worker import PodWorker, Update
from kubesim.sim.probe_run import Answer
from kubesim.sim.probing import ProbeManager
from kubesim.sim.recorder import Recorder
from kubesim.sim.remains import Remains
from kubesim.sim.runtime import Runtime
from kubesim.sim.status_manager import StatusManager
from kubesim.sim.status_reports import StatusReports
from kubesim.sim.timing import Timing
from kubesim.sim.work_queue import WorkQueue
from kubesim.store import Change, Reply
from kubesim.units import Instant

_TERMINAL = ("Succeeded", "Failed")
LONG_AGO: Instant = -(2**62)


@dataclass(frozen=True, slots=True)
class NodeSetup:
    """What a kubelet is started with."""

    name: str
    release: Release
    configured: Node
    """As the scenario says it is."""
    address: str = "10.244.0.1"


class Kubelet:
    """The kubelet of one node and everything it owns."""

    def __init__(
        self,
        node: NodeSetup,
        clock: Clock,
        timing: Timing,
        recorder: Recorder,
        api: Connection,
        machines: MachineShop,
        cluster: Cluster,
        before: Remains | None = None,
    ) -> None:
        """``before``: given if a kubelet ran on the node already, which this one takes the place of."""
        self.node = node
        self.release = node.release
        self.actor = f"kubelet/{node.name}"
        self.clock = ProcessClock(clock)
        self.before = before
        self.began: Instant = before.began if before is not None else LONG_AGO
        """Before this the kubelet has seen nothing of the runtime."""
        self.timing = timing
        self.recorder = recorder
        self.api = api
        self.machines = machines
        runtime = Runtime(node.name, ProcessClock(clock), timing, recorder)
        self.runtime = before.runtime if before is not None else runtime
        self.runtime.listener = self
        interval = self.release.duration("pleg_relist_period")
        self.pleg = Pleg(
            self.clock, timing, self.runtime, self, interval=interval, began=before.began if before else None
        )
        self.probing = ProbeManager(self)
        self.statuses = StatusManager(self)
        self.reports = StatusReports(self)
        self.dead = DeadContainers(self.clock, timing, self.runtime)
        self.images = NodeImages(self, cluster.images, cluster.imported_images)
        self.events = EventRecorder("kubelet", node.name, self.release, self.clock, timing, recorder, api)
        tick = self.release.duration("sync_tick")
        self.queue = WorkQueue(self.clock, tick, timing.phase("tick", tick), self.sync_soon)
        self.crash_limits = crash_backoff_limits(self.release, node.configured.kubelet_config.crash_maximum)
        self.backoffs: dict[BackoffKey, BackoffRecord] = {}
        self.start_failures: dict[str, dict[str, StartFailure]] = {}
        self.workers: dict[str, PodWorker] = {}
        self.pods: dict[str, Pod] = {}
        self.volumes = PodVolumes(self)
        self.evictions = Evictions(self)
        self.posts = NodePosts(self)
        self.memory = MemoryPressure(self)
        self._known_definitions: dict[str, tuple[PodSpec, dict[str, str]]] = {}
        self.probe_overrides: dict[tuple[str, str, ProbeType], Answer] = before.probe_overrides if before else {}

    # -- configuration: what the API server says ------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """A watch event: only pods bound to this node matter (the kubelet's watch selects them)."""
        if self.clock.ended:
            return
        uid = change.uid
        before = self.pods.get(uid)
        pod = self.decoded(change.object, before)
        if change.type == "DELETED":
            self._removed(pod)
            return
        self.pods[uid] = pod
        if before is None:
            self._added(pod)
            return
        if _differs(before, pod) or self._readiness_gates_changed(pod):
            self._update(pod)
        self.statuses.heard(pod)

    def decoded(self, raw: dict[str, Any], before: Pod | None) -> Pod:
        """The pod as this kubelet's release reads it: fields it does not know are not there (K-54).

        ``before``: an earlier version as it was read; what has not changed is not read again.
        """
        if before is not None and _only_status_changed(before.raw, raw):
            status = self.statuses.typed(before.metadata.uid, raw["status"])
            return replace(before, status=status, raw=raw)
        pod = pod_view(raw, before)
        if sidecars_known(self.release):
            return pod
        inits = tuple(replace(entry, restart_policy=None) for entry in pod.spec.init_containers)
        return replace(pod, spec=replace(pod.spec, init_containers=inits))

    def _added(self, pod: Pod) -> None:
        """The first sight of a pod: admitted, or failed at once (K-55)."""
        asked_to_end = pod.metadata.deletion_timestamp is not None or pod.status.phase in _TERMINAL
        found = refusal(self, pod)
        if found is not None and not asked_to_end:
            refuse(self, pod, found)
            return
        self._update(pod)
        self.evictions.appeared(pod)
        self.memory.appeared()

    def _update(self, pod: Pod, **asked: Any) -> None:
        uid = pod.metadata.uid
        if uid not in self.workers:
            self.workers[uid] = PodWorker(self, pod)
        self.workers[uid].update(Update(pod, **asked))

    def _removed(self, pod: Pod) -> None:
        """The object is gone: a worker that is not done yet is told to kill (K-3d)."""
        uid = pod.metadata.uid
        self.pods.pop(uid, None)
        worker = self.workers.get(uid)
        if worker is not None and not worker.is_finished:
            worker.update(Update(pod, kill=True))
        else:
            self._forget(uid)

    def _readiness_gates_changed(self, pod: Pod) -> bool:
        """Whether a condition of somebody else's changed what Ready should be (S-12)."""
        if not pod.spec.readiness_gates:
            return False
        cached = self.statuses.get(pod.metadata.uid)
        if cached is None:
            return False
        gates = {gate.condition_type for gate in pod.spec.readiness_gates}
        mine = {condition.type: condition.status for condition in cached.conditions if condition.type in gates}
        theirs = {condition.type: condition.status for condition in pod.status.conditions if condition.type in gates}
        return mine != theirs

    # -- what wakes a worker --------------------------------------------------------------------------------------

    def noticed(self, uid: str) -> None:
        """The runtime changed: the PLEG will see it at its next look."""
        self.pleg.noticed(uid)

    def runtime_changed(self, uid: str, events: tuple[tuple[str, str], ...]) -> None:
        """The PLEG found changes: sync for starts and deaths; older dead instances are cleaned up (K-19, K-19i)."""
        pod = self.pods.get(uid)
        if any(type_ != "ContainerRemoved" for type_, _ in events):
            self.sync_soon(uid)
        for type_, container_id in events:
            if type_ == DIED:
                worker = self.workers.get(uid)
                self.dead.clean_up_after(uid, container_id, keep=0 if worker is not None and worker.evicted else 1)
        restored = self.before is not None and uid in self.before.pods
        if pod is None and uid not in self.workers and not restored:
            self._forget(uid)

    def sync_soon(self, uid: str) -> None:
        """Wake the pod's worker with the pod as configured now."""
        worker = self.workers.get(uid)
        if worker is not None:
            worker.update(Update(self.pods.get(uid, worker.pod)))

    def requeue_after_error(self, uid: str, retry_at: Instant | None) -> None:
        """Come back after a failed sync: about 10 s, or at a back-off's expiry on newer releases (K-19c, K-19d)."""
        delay = self.release.duration("requeue_after_error")
        if retry_at is not None and self.release.policy("requeue_after_error") == "backoff_expiry":
            delay = min(max(retry_at - self.clock.now, 0), self.release.duration("requeue_at_most"))
        self.queue.enqueue(uid, self.timing.jittered("requeue", delay, 0.5))

    def requeue_for_resync(self, uid: str) -> bool:
        """Come back in 60 to 90 s (K-19b); False if that sync could do nothing: it is left out.

        What such a sync can do is run a readiness probe that has not succeeded yet.
        """
        self.queue.forget(uid)
        status = self.statuses.get(uid)
        worker = self.workers.get(uid)
        if status is None or worker is None or worker.termination_requested:
            return False
        if not self.reports.readiness_to_trigger(worker.pod, status):
            return False
        self.queue.enqueue(uid, self.timing.jittered("resync", self.release.duration("sync_frequency"), 0.5))
        return True

    def next_housekeeping(self, instant: Instant) -> Instant:
        """When housekeeping, every 2 s, comes round at or after the instant (K-19g)."""
        return self.timing.round_at("housekeeping", self.release.duration("housekeeping_period"), instant)

    def housekept_since(self, instant: Instant) -> bool:
        """Whether housekeeping has come round since the instant."""
        return self.next_housekeeping(instant) <= self.clock.now

    def probe_result(self, uid: str, type_: ProbeType, container_id: str, result: ProbeResult) -> None:
        """A probe's stored result changed (K-102)."""
        pod = self.pods.get(uid)
        if pod is None:
            return
        match type_:
            case ProbeType.LIVENESS if result is not ProbeResult.FAILURE:
                return
            case ProbeType.READINESS:
                self.statuses.set_readiness(pod, container_id, result is ProbeResult.SUCCESS)
            case ProbeType.STARTUP:
                self.statuses.set_startup(pod, container_id, result is ProbeResult.SUCCESS)
            case _:
                pass
        self.sync_soon(uid)

    # -- the pod's surroundings -----------------------------------------------------------------------------------

    def new_machine(self, pod: Pod, container: Container, runtime_pod: RuntimePod) -> Machine:
        """The processes of a container run that is about to be created. Raises ConfigError (K-30)."""
        ip = runtime_pod.sandboxes[-1].ip if runtime_pod.sandboxes else ""
        addresses = {"status.podIP": ip, "status.podIPs": ip, "status.hostIP": self.node.address}
        run = runtime_pod.runs.get(container.name, 0)
        listening = partial(self.runtime.listens, pod.metadata.uid)
        return self.machines.machine(pod, container, runtime_pod.volumes, addresses, run, listening)

    def with_definitions(self, pod: Pod, seen: Observed) -> Observed:
        """The observation, marking the instances whose container's spec has changed since (K-53)."""
        wanted = self.definitions(pod)
        changed = {
            instance.id
            for instance in self.runtime.instances(pod.metadata.uid)
            if instance.definition != wanted.get(instance.name, instance.definition)
        }
        if not changed:
            return seen
        marked = (replace(one, definition_changed=True) if one.id in changed else one for one in seen.containers)
        return replace(seen, containers=tuple(marked))

    def definitions(self, pod: Pod) -> dict[str, str]:
        """Each container's definition, worked out once per spec."""
        known = self._known_definitions.get(pod.metadata.uid)
        if known is None or known[0] is not pod.spec:
            entries = pod.spec.by_name.items()
            known = (pod.spec, {name: container_definition(entry, self.release) for name, entry in entries})
            self._known_definitions[pod.metadata.uid] = known
        return known[1]

    # -- the end of a pod -----------------------------------------------------------------------------------------

    def could_have_running_containers(self, uid: str) -> bool:
        """Whether a terminal phase has to be held back (K-17)."""
        worker = self.workers.get(uid)
        return worker is not None and worker.could_have_running_containers

    def delete_object(self, pod: Pod) -> None:
        """The finished pod's object is deleted with grace 0 (K-15)."""
        self.api.request("api-write", self.actor, _Delete(self, pod))

    def worker_finished(self, uid: str) -> None:
        """The worker is done; the pod's records stay until its object is gone (K-16)."""
        self.queue.forget(uid)
        if uid not in self.pods:
            self._forget(uid)

    def _forget(self, uid: str) -> None:
        worker = self.workers.get(uid)
        if worker is not None and not worker.is_finished:
            return
        self.workers.pop(uid, None)
        self.statuses.forget(uid)
        self.probing.forget(uid)
        self.reports.forget(uid)
        self.start_failures.pop(uid, None)
        self._known_definitions.pop(uid, None)
        self.volumes.forget(uid)
        self.evictions.forget(uid)
        self.runtime.remove_pod(uid)
        self.pleg.forget(uid)
        self.queue.forget(uid)
        self.events.forget(uid)

    # -- Events and records ---------------------------------------------------------------------------------------

    def pod_event(self, pod: Pod, type_: str, reason: str, message: str) -> None:
        """An Event about the pod as a whole."""
        self.events.emit(pod.raw, type_, reason, message)

    def container_event(self, pod: Pod, container: Container, type_: str, reason: str, message: str) -> None:
        """An Event about one of its containers, with its field path (S-60)."""
        spec = pod.spec
        names = {entry.name for entry in spec.init_containers}
        ephemeral = {entry.name for entry in spec.ephemeral_containers}
        kind = "initContainers" if container.name in names else "containers"
        kind = "ephemeralContainers" if container.name in ephemeral else kind
        self.events.emit(pod.raw, type_, reason, message, f"spec.{kind}{{{container.name}}}")

    def record_decision(self, pod: Pod, pass_: str, actions: tuple[DecidedAction, ...], why: Why) -> None:
        """Put a decision with its reason into the history."""
        self.recorder.record(
            Decided(
                at=self.clock.now,
                actor=self.actor,
                namespace=pod.metadata.namespace,
                name=pod.metadata.name,
                pass_=pass_,
                actions=actions,
                why=why.text,
                rules=why.rules,
            )
        )

    def record_termination(self, pod: Pod, running: list[str], override: int | None) -> None:
        """Say what a SyncTerminatingPod is about to stop, with which grace, and who waits for whom (K-12, K-75)."""
        needs = prerequisites(pod, running, self.release)
        grace = f"{override} s" if override is not None else "the pod's own grace"
        actions = []
        for name in running:
            waits = needs.get(name, ())
            why = f"after {', '.join(waits)} ended" if waits else "at once"
            actions.append(DecidedAction(do="stop", container=name, why=why, rules=("K-75",) if waits else ("K-73",)))
        text = f"the pod terminates; its containers get {grace}" if running else "the pod terminates; nothing runs"
        self.record_decision(pod, "SyncTerminatingPod", tuple(actions), Why(text, ("K-6", "K-12")))

    def record_out_of_turn(self, pod: Pod, container: str, awaited: tuple[str, ...]) -> None:
        """Say that a sidecar is stopped although others it waits for go on (K-77)."""
        why = why_out_of_turn(awaited)
        action = DecidedAction(do="stop", container=container, why=why.text, rules=why.rules)
        self.record_decision(pod, "WaitForTurn", (action,), Why("", ()))

    # -- stimuli and worlds ---------------------------------------------------------------------------------------

    def override_probe(self, uid: str, container: str, type_: ProbeType, answer: Answer | None) -> None:
        """From now on the probe answers so, whatever the container does; None: as it does by itself."""
        if answer is None:
            self.probe_overrides.pop((uid, container, type_), None)
        else:
            self.probe_overrides[uid, container, type_] = answer
        self.probing.world_changed(uid, container)

    def probe_override(self, worker: ProbeWorker) -> Answer | None:
        """The answer a stimulus gave to this worker's probe, if any."""
        return self.probe_overrides.get((worker.pod.metadata.uid, worker.container.name, worker.type))

    def watch_world(self, uid: str, container: str) -> None:
        """A probe rests: tell it when something in the container changes (K-95)."""
        self.runtime.watched.add((uid, container))

    def files_changed(self, uid: str) -> None:
        """A container of the pod wrote something: the pod may be over a limit."""
        self.evictions.files_changed(uid)

    def world_changed(self, uid: str, container: str) -> None:
        """Something a resting probe of the container could notice has changed."""
        self.runtime.watched.discard((uid, container))
        self.probing.world_changed(uid, container)

    def running_instance(self, uid: str, container: str) -> Instance | None:
        """The running instance of a container, or None."""
        pod = self.runtime.pods.get(uid)
        if pod is None:
            return None
        found = (entry for entry in reversed(pod.instances) if entry.name == container)
        return next((entry for entry in found if entry.state is RuntimeState.RUNNING), None)


@dataclass(frozen=True, slots=True)
class _Delete:
    """The DELETE with grace 0 and the pod's UID as precondition."""

    kubelet: Kubelet
    pod: Pod

    def __call__(self, now: Instant) -> Reply:
        meta = self.pod.metadata
        return self.kubelet.api.store.delete(
            "Pod", meta.namespace, meta.name, now, grace=0, uid_precondition=meta.uid, actor=self.kubelet.actor
        )


def _only_status_changed(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the spec is the very same object and the metadata the same but for its version."""
    if before["spec"] is not now["spec"]:
        return False
    old, new = before["metadata"], now["metadata"]
    return old.keys() == new.keys() and all(old[key] == new[key] for key in old if key != "resourceVersion")


def _differs(before: Pod, now: Pod) -> bool:
    """Whether anything but the status changed, in what the kubelet's configuration compares."""
    return (
        before.spec != now.spec
        or before.metadata.deletion_timestamp != now.metadata.deletion_timestamp
        or before.metadata.deletion_grace_period_seconds != now.metadata.deletion_grace_period_seconds
        or before.metadata.labels != now.metadata.labels
        or before.metadata.annotations != now.metadata.annotations
    )
