"""The scheduler on the clock: takes each pod without a node in turn, binds it or says why not (C-60 to C-70).

It knows the cluster from its watch and from what it has decided itself: a pod counts on its node from the decision on.
"""

from __future__ import annotations

from typing import Any

from kubesim.history.records import Decided, DecidedAction
from kubesim.objects.node import node_view
from kubesim.releases import Release
from kubesim.scheduler import (
    DEFAULT_SCHEDULER,
    Bind,
    NodeState,
    PodInfo,
    Preemption,
    Rejection,
    Snapshot,
    Unschedulable,
    pod_info,
    schedule,
)
from kubesim.scheduler.coverage import not_modelled
from kubesim.scheduler.node_state import is_repelling
from kubesim.scheduler.requeue import node_events, pod_events
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.recorder import Recorder
from kubesim.sim.scheduling_events import SeriesRecorder
from kubesim.sim.scheduling_queue import Queued, SchedulingQueue
from kubesim.sim.scheduling_requests import BindPod, PreemptPod, WriteCondition
from kubesim.sim.timing import Timing
from kubesim.store import DELETED, Change, Reply
from kubesim.units import Instant

ACTOR = DEFAULT_SCHEDULER
WATCHED = frozenset({"Pod", "Node", "Namespace"})


class Scheduler:
    """Watches Pods, Nodes and Namespaces; writes bindings, conditions and Events."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.api = api
        self.release = release
        self.events = SeriesRecorder(ACTOR, clock, timing, recorder)
        self.queue = SchedulingQueue(clock, timing, release, self._taken)
        self.nodes: dict[str, NodeState] = {}
        self.namespaces: dict[str, dict[str, str]] = {}
        self._placed: dict[str, PodInfo] = {}
        self._assumed: set[str] = set()
        self._repelling: set[str] = set()
        self._nominated: dict[str, PodInfo] = {}
        self._start = 0
        self._decided_until: Instant = 0
        for kind in ("Namespace", "Node"):
            for raw in api.store.list(kind):
                self._object_changed(kind, raw, is_gone=False)

    # -- what it hears ------------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """A watch event."""
        is_gone = change.type == DELETED
        if change.kind != "Pod":
            self._object_changed(change.kind, change.object, is_gone)
            return
        info = pod_info(change.object, self.release, self._placed.get(change.uid))
        if info.node_name:
            self._placed_pod_changed(info, is_gone)
        elif is_gone or info.finished:
            self._withdraw(info.uid)
        elif info.spec.scheduler_name == ACTOR and info.uid not in self._assumed:
            if info.uid in self._nominated:
                self._nominated[info.uid] = info
            self.queue.seen(info, change.object)

    def _object_changed(self, kind: str, raw: dict[str, Any], is_gone: bool) -> None:
        name = raw["metadata"]["name"]
        if kind == "Namespace":
            self.namespaces[name] = raw["metadata"].get("labels") or {}
            return
        before = self.nodes.pop(name, None) if is_gone else self.nodes.get(name)
        known = before.node if before is not None else None
        if is_gone:
            self.queue.cluster_changed(node_events(known, None))
            return
        on_it = (pod for pod in self._placed.values() if pod.node_name == name and not pod.finished)
        state = NodeState(node_view(raw), on_it if before is None else before.pods.values())
        self.nodes[name] = state
        self.queue.cluster_changed(node_events(known, state.node), state)

    def _placed_pod_changed(self, info: PodInfo, is_gone: bool) -> None:
        """A pod on a node: it holds its room there until it is gone or has finished (C-69)."""
        before = self._placed.get(info.uid)
        stays = not is_gone and before is not None and _holds_the_same(before, info) and info.node_name in self.nodes
        if not stays:
            self._unplace(info.uid)
        if info.uid in self._assumed:
            self._assumed.discard(info.uid)
            before = None if not is_gone else before
        self.queue.forget(info.uid)
        self._nominated.pop(info.uid, None)
        if is_gone:
            self.queue.cluster_changed(pod_events(before, None))
            return
        if stays:
            del self._placed[info.uid]
            self._placed[info.uid] = info
            self.nodes[info.node_name].replace(info)
        else:
            self._place(info)
        self.queue.cluster_changed(pod_events(before, info))

    def _withdraw(self, uid: str) -> None:
        """A pod is gone that no watch event has shown on a node; an assumed one gives its room back."""
        self.queue.forget(uid)
        self._nominated.pop(uid, None)
        self._give_back(uid)

    def _give_back(self, uid: str) -> None:
        if uid in self._assumed:
            self._assumed.discard(uid)
            self.queue.cluster_changed(pod_events(self._unplace(uid), None))

    def _place(self, info: PodInfo) -> None:
        """A pod is on its node, which may be one that nobody has registered."""
        self._placed[info.uid] = info
        if info.finished:
            return
        if info.node_name in self.nodes:
            self.nodes[info.node_name].add(info)
        if is_repelling(info):
            self._repelling.add(info.uid)

    def _unplace(self, uid: str) -> PodInfo | None:
        info = self._placed.pop(uid, None)
        self._repelling.discard(uid)
        if info is not None and info.node_name in self.nodes:
            self.nodes[info.node_name].remove(uid)
        return info

    # -- one scheduling cycle -----------------------------------------------------------------------------------------

    def _taken(self, queued: Queued) -> None:
        """A pod's turn: one that is being deleted is skipped, with an Event."""
        info = queued.info
        if info.deleting:
            message = f"skip schedule deleting pod: {info.namespace}/{info.name}"
            self.events.emit(queued.raw, "Warning", "FailedScheduling", message)
            self.queue.forget(info.uid)
            return
        self._decided_until = max(self.clock.now + self.timing.latency("schedule"), self._decided_until)
        queued.timer = self.clock.at(self._decided_until, self._decide, queued)

    def _decide(self, queued: Queued) -> None:
        queued.timer = None
        info = queued.info
        for field, text in not_modelled(info, queued.raw["spec"]):
            self.recorder.not_modelled(self.clock.now, f"Pod {info.namespace}/{info.name}", field, text)
        placement = schedule(info, self._snapshot(), self.release, self._start)
        self._start = placement.next_start
        match placement:
            case Bind():
                self._record(info, placement.why.text, placement.why.rules, (DecidedAction(do="bind"),))
                self._bind(queued, placement.node)
            case Unschedulable():
                self._record(info, placement.why.text, placement.why.rules, _rejection_actions(placement))
                self._fail(queued, placement)

    def _snapshot(self) -> Snapshot:
        nominated: dict[str, tuple[PodInfo, ...]] = {}
        for info in self._nominated.values():
            nominated[info.nominated_node] = (*nominated.get(info.nominated_node, ()), info)
        return Snapshot(self.nodes, self.namespaces, nominated, bool(self._repelling))

    def _bind(self, queued: Queued, node: str) -> None:
        """Count the pod on the node from now on, and ask for the binding."""
        info = pod_info({**queued.raw, "spec": {**queued.raw["spec"], "nodeName": node}}, self.release)
        self._place(info)
        self._assumed.add(info.uid)
        self._nominated.pop(info.uid, None)
        call = BindPod(self.api.store, self.events, self.release, queued.raw, node, ACTOR)
        self.api.request("api-write", ACTOR, call, _Bound(self, queued))

    def bound(self, queued: Queued, reply: Reply) -> None:
        """The API server's answer to a binding; a refused one is a failed try (C-46, C-60: SchedulerError)."""
        uid = queued.info.uid
        if reply.ok or self.queue.get(uid) is not queued:
            return
        self._give_back(uid)
        message = f'running Bind plugin "DefaultBinder": {reply.message}'
        self.events.emit(queued.raw, "Warning", "FailedScheduling", message)
        self._write_condition(queued, "SchedulerError", message, None)
        self.queue.errored(queued)

    def _fail(self, queued: Queued, placement: Unschedulable) -> None:
        """No node: the Event, the condition, perhaps others that make room, and back into the queue (C-60, C-64)."""
        info = queued.info
        self.events.emit(queued.raw, "Warning", "FailedScheduling", placement.message)
        nominated = None if placement.keeps_nomination else ""
        if placement.preemption is not None:
            nominated = placement.preemption.node
            self._preempt(queued, placement.preemption)
        elif not placement.keeps_nomination:
            self._nominated.pop(info.uid, None)
        self._write_condition(queued, "Unschedulable", placement.message, nominated)
        self.queue.failed(queued, placement.plugins)

    def _preempt(self, queued: Queued, preemption: Preemption) -> None:
        raw = {**queued.raw, "status": {**queued.raw.get("status", {}), "nominatedNodeName": preemption.node}}
        self._nominated[queued.info.uid] = pod_info(raw, self.release)
        names = ", ".join(f"{victim.namespace}/{victim.name}" for victim in preemption.victims)
        action = DecidedAction(do="preempt", why=f"{names} on {preemption.node}", rules=preemption.why.rules)
        self._record(queued.info, preemption.why.text, preemption.why.rules, (action,))
        for victim in preemption.victims:
            if not victim.deleting:
                call = PreemptPod(self.api.store, self.events, self.release, victim, queued.info.uid, preemption.node)
                self.api.request("api-write", ACTOR, call)

    def _write_condition(self, queued: Queued, reason: str, message: str, nominated: str | None) -> None:
        call = WriteCondition(self.api.store, self.release, queued.info, reason, message, nominated, ACTOR)
        self.api.request("api-write", ACTOR, call)

    def _record(self, info: PodInfo, text: str, rules: tuple[str, ...], actions: tuple[DecidedAction, ...]) -> None:
        self.recorder.record(
            Decided(
                at=self.clock.now,
                actor=ACTOR,
                namespace=info.namespace,
                name=info.name,
                pass_="Schedule",
                actions=actions,
                why=text,
                rules=rules,
            )
        )


class _Bound:
    """What is done with the reply to a binding."""

    __slots__ = ("queued", "scheduler")

    def __init__(self, scheduler: Scheduler, queued: Queued) -> None:
        self.scheduler = scheduler
        self.queued = queued

    def __call__(self, reply: Reply) -> None:
        self.scheduler.bound(self.queued, reply)


def _rejection_actions(placement: Unschedulable) -> tuple[DecidedAction, ...]:
    """One line for each different reason, with the nodes it is about."""
    by_reason: dict[tuple[str, ...], list[tuple[str, Rejection]]] = {}
    for name, rejection in placement.rejections.items():
        by_reason.setdefault(rejection.reasons, []).append((name, rejection))
    return tuple(
        DecidedAction(
            do="pass over nodes",
            why=f"{_some([name for name, _ in nodes])}: {', '.join(reasons)}",
            rules=nodes[0][1].rules,
        )
        for reasons, nodes in by_reason.items()
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _holds_the_same(before: PodInfo, after: PodInfo) -> bool:
    """Whether a pod on its node takes there what it took before."""
    same = before.node_name == after.node_name and before.facts is after.facts
    return same and not before.finished and not after.finished
