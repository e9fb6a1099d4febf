"""The taint eviction controller on the clock: pods leave a node with taints NoExecute when their time to stay is over.

How long a pod may stay is decided in ``controllers/tolerations.py``. Source: ``pkg/controller/tainteviction``.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

from kubesim.controllers.tolerations import AT_ONCE, time_to_stay
from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import Change, Reply
from kubesim.store.conditions import disruption_target, with_condition
from kubesim.store.kinds import KINDS
from kubesim.store.replies import not_found
from kubesim.units import Instant

Raw: TypeAlias = dict[str, Any]


class TaintEvictions:
    """Watches Nodes and Pods; has a timer for each pod that has to leave."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.api = api
        self.release = release
        self.actor: str = release.policy("taint_manager_name")
        self.events = EventRecorder(self.actor, "", release, clock, timing, recorder)
        self._tainted: dict[str, list[Raw]] = {}
        self._leaving: dict[str, tuple[Timer, Instant]] = {}
        """By uid: when the pod is deleted, and since when it has to leave."""
        for node in api.store.list("Node"):
            self._node_changed(node["metadata"]["name"], node)

    def wants(self, change: Change) -> bool:
        """Whether a change can matter: of a Node, or of a Pod on a node with such taints."""
        return change.kind == "Node" or bool(self._tainted)

    def changed(self, change: Change) -> None:
        """A watch event."""
        if change.kind == "Node":
            self._node_changed(change.name, None if change.type == "DELETED" else change.object)
        elif change.type == "DELETED":
            self._stays(change.object)
        elif (change.object.get("spec") or {}).get("nodeName") in self._tainted:
            self._judge(change.object)

    def _node_changed(self, name: str, node: Raw | None) -> None:
        if node is None:
            self._tainted.pop(name, None)
            return
        taints = [taint for taint in (node.get("spec") or {}).get("taints") or () if taint["effect"] == "NoExecute"]
        if taints == self._tainted.get(name, []):
            return
        self._tainted[name] = taints
        for pod in list(self.api.store.list("Pod")):
            if (pod.get("spec") or {}).get("nodeName") == name:
                self._judge(pod)
        if not taints:
            del self._tainted[name]

    def _judge(self, pod: Raw) -> None:
        """Set, move or stop the pod's timer. One that is set already is only brought forward."""
        spec, uid = pod["spec"], pod["metadata"]["uid"]
        if "deletionTimestamp" in pod["metadata"]:
            return
        stay = time_to_stay(self._tainted[spec["nodeName"]], spec.get("tolerations") or ())
        if stay is None:
            self._stays(pod)
            return
        known = self._leaving.get(uid)
        since = known[1] if known is not None else self.clock.now
        if known is not None:
            if stay != AT_ONCE and since + stay >= known[0].instant:
                return
            known[0].cancel()
        due = self.clock.now if stay == AT_ONCE else since + stay
        self._leaving[uid] = (self.clock.at(due, self._leaves, pod), since)

    def _stays(self, pod: Raw) -> None:
        known = self._leaving.pop(pod["metadata"]["uid"], None)
        if known is not None and known[0].live:
            known[0].cancel()
            self._tell(pod, "TaintManagerEviction_cancelled")

    def _leaves(self, pod: Raw) -> None:
        self._tell(pod, "TaintManagerEviction")
        self.api.request("node-write", self.actor, partial(self._delete, pod["metadata"]))

    def _tell(self, pod: Raw, text: str) -> None:
        metadata = pod["metadata"]
        words = self.release.text(text).format(namespace=metadata["namespace"], pod=metadata["name"])
        self.events.emit(pod, "Normal", "TaintManagerEviction", words)

    def _delete(self, metadata: Raw, now: Instant) -> Reply:
        """The condition DisruptionTarget first, then a DELETE with the pod's own grace (S-13)."""
        store, place = self.api.store, (metadata["namespace"], metadata["name"])
        pod = store.find("Pod", *place)
        if pod is None or pod["metadata"]["uid"] != metadata["uid"]:
            return not_found(KINDS["Pod"], metadata["name"])
        if self.release.enabled("PodDisruptionConditions"):
            message = self.release.text("DeletionByTaintManager")
            condition = disruption_target("DeletionByTaintManager", message, pod, self.release)
            store.update_status("Pod", *place, with_condition(pod["status"], condition, now), now, actor=self.actor)
        return store.delete("Pod", *place, now, actor=self.actor)
