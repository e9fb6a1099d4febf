"""The pod garbage collector on the clock: every 20 s, if there is anything to collect (C-47 to C-50).

Which pods go is decided in ``controllers/left_behind.py``. Source: ``pkg/controller/podgc/gc_controller.go``.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, TypeAlias

from kubesim.controllers.left_behind import Collect, is_out_of_service, pods_to_collect
from kubesim.history.records import Decided, DecidedAction
from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import Change, Reply
from kubesim.store.conditions import disruption_target, with_condition
from kubesim.store.kinds import KINDS
from kubesim.store.replies import not_found
from kubesim.units import Instant

ACTOR: Final = "pod-garbage-collector"
_TERMINAL: Final = ("Succeeded", "Failed")
Raw: TypeAlias = dict[str, Any]


class PodCollector:
    """Watches Nodes and Pods for what may have to be collected."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.api = api
        self.release = release
        self._missing: dict[str, Instant] = {}
        """Nodes that pods are bound to and that are not there, and when they count as gone for good."""
        self._out_of_service: set[str] = set()
        self._round: Timer | None = None

    def wants(self, change: Change) -> bool:
        """Whether a change can leave something to collect: of a Node, or of a Pod that no node cares for."""
        if change.kind == "Node":
            return True
        node: str = (change.object.get("spec") or {}).get("nodeName") or ""
        if "deletionTimestamp" in change.object["metadata"] and (not node or node in self._out_of_service):
            return True
        return bool(node) and self.api.store.find("Node", "", node) is None

    def changed(self, change: Change) -> None:
        """A watch event: look in the next round if there is something to look at."""
        if change.kind == "Node":
            self._out_of_service.discard(change.name)
            if change.type != "DELETED" and is_out_of_service(change.object):
                self._out_of_service.add(change.name)
        pods, nodes = list(self.api.store.list("Pod")), self._nodes()
        if self._lost(pods, nodes) or self._to_collect(pods, nodes):
            self._look_at(self.clock.now)

    @staticmethod
    def _lost(pods: list[Raw], nodes: dict[str, Raw]) -> set[str]:
        """The nodes that pods are bound to and that are not there."""
        return {node for pod in pods if (node := pod["spec"].get("nodeName")) and node not in nodes}

    def _nodes(self) -> dict[str, Raw]:
        return {node["metadata"]["name"]: node for node in self.api.store.list("Node")}

    def _to_collect(self, pods: list[Raw], nodes: dict[str, Raw]) -> list[Collect]:
        gone = [node for node, instant in self._missing.items() if instant <= self.clock.now]
        return pods_to_collect(pods, nodes, gone, self.release.constant("terminated_pod_gc_threshold"))

    def _look_at(self, instant: Instant) -> None:
        if self._round is None or not self._round.live:
            period = self.release.duration("pod_gc_period")
            self._round = self.clock.at(self.timing.round_at("pod-gc", period, instant), self._look)

    def _look(self) -> None:
        pods, nodes = list(self.api.store.list("Pod")), self._nodes()
        quarantine = self.release.duration("pod_gc_quarantine")
        lost = sorted(self._lost(pods, nodes))
        self._missing = {node: self._missing.get(node, self.clock.now + quarantine) for node in lost}
        for found in self._to_collect(pods, nodes):
            self._record(found)
            self.api.request("node-write", ACTOR, partial(self._collect, found))
        waiting = [instant for instant in self._missing.values() if instant > self.clock.now]
        if waiting:
            self._look_at(min(waiting))

    def _record(self, found: Collect) -> None:
        metadata = found.pod["metadata"]
        action = DecidedAction(do="collect", why=found.why, rules=(found.rule,))
        record = Decided(
            at=self.clock.now,
            actor=ACTOR,
            namespace=metadata["namespace"],
            name=metadata["name"],
            pass_="gc",
            actions=(action,),
            why=found.why,
            rules=(found.rule,),
        )
        self.recorder.record(record)

    def _collect(self, found: Collect, now: Instant) -> Reply:
        """A pod that has not ended is set Failed first; then it is deleted with grace 0."""
        store, metadata = self.api.store, found.pod["metadata"]
        place = (metadata["namespace"], metadata["name"])
        pod = store.find("Pod", *place)
        if pod is None or pod["metadata"]["uid"] != metadata["uid"]:
            return not_found(KINDS["Pod"], metadata["name"])
        status = pod["status"]
        if status.get("phase") not in _TERMINAL:
            status = {**status, "phase": "Failed"}
            if found.disruption and self.release.enabled("PodDisruptionConditions"):
                condition = disruption_target("DeletionByPodGC", found.disruption, pod, self.release)
                status = with_condition(status, condition, now)
            store.update_status("Pod", *place, status, now, actor=ACTOR)
        return store.delete("Pod", *place, now, grace=0, actor=ACTOR)
