"""The node lifecycle controller on the clock: it misses heartbeats, says that nodes are lost, and taints them.

It looks every 5 s; here a round is carried out only if something can come of it. What it writes is decided in
``controllers/node_health.py``. Source: ``pkg/controller/nodelifecycle/node_lifecycle_controller.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from kubesim.controllers.node_health import (
    LARGE_CLUSTER,
    Zone,
    execute_taints,
    is_health_taint,
    ready_status,
    schedule_taints,
    unknown_conditions,
    zone_name,
    zone_state,
)
from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import Change, PatchType, Reply
from kubesim.store.conditions import with_condition
from kubesim.store.kinds import KINDS
from kubesim.store.replies import not_found
from kubesim.units import Duration, Instant

ACTOR: Final = "node-controller"
Raw: TypeAlias = dict[str, Any]


class NodeController:
    """Watches Nodes; knows when each was heard of last."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.timing = timing
        self.api = api
        self.release = release
        self.events = EventRecorder(ACTOR, "", release, clock, timing, recorder)
        self._silent: dict[str, Instant] = {}
        """Nodes that send no heartbeat, and from when on they count as lost."""
        self._round: Timer | None = None
        self._may_taint: dict[tuple[str, str], Instant] = {}

    # -- heartbeats ---------------------------------------------------------------------------------------------------

    def heartbeat(self, node: str, *, heard: bool) -> None:
        """From now on the node's lease is renewed every 10 s, or is not."""
        if heard:
            self._silent.pop(node, None)
        elif node not in self._silent:
            self._silent[node] = self._lost_at()
            self._look_at(self._silent[node])

    def _lost_at(self) -> Instant:
        """The first round more than the grace period after the round that saw the last renewal before now."""
        period = self.release.duration("node_lease_renew_period")
        renewed = self.timing.round_at("lease", period, self.clock.now + 1) - period
        seen = self._next_round(renewed)
        return self._next_round(seen + self.release.duration("node_monitor_grace_period") + 1)

    # -- what it hears ------------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """A watch event of a Node: taints follow its conditions at once, the rest in the next round."""
        if change.type == "DELETED":
            self._silent.pop(change.name, None)
            return
        if schedule_taints(change.object, self.clock.now) is not None:
            self._ask(change.name, _ScheduleTaints())
        if any(execute_taints(node, self.clock.now) is not None for node in self.api.store.list("Node")):
            self._look_at(self._next_round(self.clock.now + 1))

    # -- rounds -------------------------------------------------------------------------------------------------------

    def _next_round(self, instant: Instant) -> Instant:
        return self.timing.round_at("node-monitor", self.release.duration("node_monitor_period"), instant)

    def _look_at(self, instant: Instant) -> None:
        if self._round is not None and self._round.live:
            if self._round.instant <= instant:
                return
            self._round.cancel()
        self._round = self.clock.at(instant, self._look)

    def _look(self) -> None:
        """One round: nodes are found lost, and those that were not well in the round before are tainted."""
        nodes = list(self.api.store.list("Node"))
        zones = self._zones(nodes)
        for node in nodes:
            name, status = node["metadata"]["name"], ready_status(node)
            if self._silent.get(name, self.clock.now + 1) <= self.clock.now and status != "Unknown":
                self._lose(node, was_ready=status == "True")
            elif execute_taints(node, self.clock.now) is not None:
                self._taint(node, zones)
        later = [instant for instant in self._silent.values() if instant > self.clock.now]
        if later:
            self._look_at(min(later))

    def _zones(self, nodes: list[Raw]) -> dict[tuple[str, str], Zone]:
        statuses: dict[tuple[str, str], list[str]] = {}
        for node in nodes:
            statuses.setdefault(zone_name(node), []).append(ready_status(node))
        return {zone: zone_state(found) for zone, found in statuses.items()}

    def _lose(self, node: Raw, *, was_ready: bool) -> None:
        """Its conditions become Unknown, and its pods are no longer ready, as far as anybody knows."""
        name = node["metadata"]["name"]
        self._ask(name, _Unknown())
        if not was_ready:
            return
        self.events.emit(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        for pod in list(self.api.store.list("Pod")):
            if (pod.get("spec") or {}).get("nodeName") == name and _is_ready(pod):
                self.api.request("node-write", ACTOR, partial(self._unready, pod["metadata"]))
                self.events.emit(pod, "Warning", "NodeNotReady", "Node is not ready")

    def _unready(self, metadata: Raw, now: Instant) -> Reply:
        store = self.api.store
        pod = store.find("Pod", metadata["namespace"], metadata["name"])
        if pod is None or pod["metadata"]["uid"] != metadata["uid"]:
            return not_found(KINDS["Pod"], metadata["name"])
        status = with_condition(pod["status"], {"type": "Ready", "status": "False", "lastProbeTime": None}, now)
        return store.update_status("Pod", metadata["namespace"], metadata["name"], status, now, actor=ACTOR)

    def _taint(self, node: Raw, zones: dict[tuple[str, str], Zone]) -> None:
        """Set or take away the taint that evicts: at once if the node has one already, else as fast as its zone may."""
        is_tainted = any(is_health_taint(taint) for taint in (node.get("spec") or {}).get("taints") or ())
        zone = zone_name(node)
        if not is_tainted and ready_status(node) != "True":
            interval = self._interval(zones, zone)
            if interval is None:
                return
            if self._may_taint.get(zone, 0) > self.clock.now:
                self._look_at(self._next_round(self._may_taint[zone]))
                return
            self._may_taint[zone] = self.clock.now + interval
        self._ask(node["metadata"]["name"], _ExecuteTaints())

    def _interval(self, zones: dict[tuple[str, str], Zone], zone: tuple[str, str]) -> Duration | None:
        """How long after one node the next of the zone may be tainted; None: none is, for too much is lost.

        If every node of every zone is lost the controller takes it that it is cut off itself, and taints none.
        """
        match zones[zone]:
            case Zone.FULL if all(state is Zone.FULL for state in zones.values()):
                return None
            case Zone.PARTIAL:
                size = sum(zone_name(node) == zone for node in self.api.store.list("Node"))
                slow = self.release.duration("node_taint_interval_in_disruption")
                return slow if size > LARGE_CLUSTER else None
            case _:
                return self.release.duration("node_taint_interval")

    # -- requests -----------------------------------------------------------------------------------------------------

    def _ask(self, node: str, change: Callable[[ApiServer, Raw, Instant], Reply | None]) -> None:
        self.api.request("node-write", ACTOR, partial(self._carry_out, node, change))

    def _carry_out(self, name: str, change: Callable[[ApiServer, Raw, Instant], Reply | None], now: Instant) -> Reply:
        node = self.api.store.find("Node", "", name)
        if node is None:
            return not_found(KINDS["Node"], name)
        return change(self.api, node, now) or Reply(200, object=node)


class _Unknown:
    """The conditions of a node become Unknown."""

    def __call__(self, api: ApiServer, node: Raw, now: Instant) -> Reply:
        status = node.get("status") or {}
        written = {**status, "conditions": unknown_conditions(status.get("conditions") or (), now)}
        return api.store.update_status("Node", "", node["metadata"]["name"], written, now, actor=ACTOR)


class _ScheduleTaints:
    """A node's taints NoSchedule follow its conditions as they are by now."""

    def __call__(self, api: ApiServer, node: Raw, now: Instant) -> Reply | None:
        return _write_taints(api, node, schedule_taints(node, now), now)


class _ExecuteTaints:
    """A node's taint NoExecute follows its readiness as it is by now."""

    def __call__(self, api: ApiServer, node: Raw, now: Instant) -> Reply | None:
        return _write_taints(api, node, execute_taints(node, now), now)


def _write_taints(api: ApiServer, node: Raw, taints: list[Raw] | None, now: Instant) -> Reply | None:
    if taints is None:
        return None
    patch = {"spec": {"taints": taints or None}}
    return api.store.patch("Node", "", node["metadata"]["name"], PatchType.MERGE, patch, now, actor=ACTOR)


def _is_ready(pod: Raw) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
