"""The scheduler on the clock: binds each pod that waits for a node (C-60 to C-65)."""

from __future__ import annotations

from dataclasses import dataclass

from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import Change, Reply
from kubesim.units import Instant

ACTOR = "default-scheduler"


class Scheduler:
    """Watches Pods; a pod without node, gates or deletion is bound a moment after it was seen."""

    def __init__(
        self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release, nodes: tuple[str, ...]
    ) -> None:
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.api = api
        self.release = release
        self.nodes = nodes
        self.events = EventRecorder(ACTOR, "", release, clock, timing, recorder)
        self._bound = 0
        self._pending: set[str] = set()

    def changed(self, change: Change) -> None:
        """A watch event: take up a pod that can be scheduled now."""
        if change.kind != "Pod" or change.type == "DELETED" or change.uid in self._pending:
            return
        spec, metadata = change.object["spec"], change.object["metadata"]
        if spec.get("nodeName") or spec.get("schedulingGates") or "deletionTimestamp" in metadata:
            return
        if spec.get("schedulerName", ACTOR) != ACTOR:
            return
        self._pending.add(change.uid)
        self.clock.after(self.timing.latency("schedule"), self._schedule, change.namespace, change.name, change.uid)

    def _schedule(self, namespace: str, name: str, uid: str) -> None:
        self._pending.discard(uid)
        node = self.nodes[self._bound % len(self.nodes)]
        self._bound += 1
        self.api.request("api-write", ACTOR, _Bind(self, namespace, name, node), self._done)

    def _done(self, _reply: Reply) -> None:
        """A refused binding is not tried again here: the pod's next change brings it back."""


@dataclass(frozen=True, slots=True)
class _Bind:
    """The binding of one pod, and the Event that says so."""

    scheduler: Scheduler
    namespace: str
    name: str
    node: str

    def __call__(self, now: Instant) -> Reply:
        store = self.scheduler.api.store
        reply = store.bind(self.namespace, self.name, self.node, now, actor=ACTOR)
        pod = store.find("Pod", self.namespace, self.name)
        if reply.code < 300 and pod is not None:
            text = self.scheduler.release.text("Scheduled").format(
                namespace=self.namespace, pod=self.name, node=self.node
            )
            self.scheduler.events.emit(pod, "Normal", "Scheduled", text)
        return reply
