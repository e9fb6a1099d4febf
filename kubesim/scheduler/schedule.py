"""Where a pod goes: the decision of one scheduling cycle, with the reason for every node that does not take it.

Source: ``pkg/scheduler/schedule_one.go``: schedulePod, findNodesThatFitPod, handleSchedulingFailure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from kubesim.releases import Release
from kubesim.scheduler.filters import filters_for, node_rejection, rejection
from kubesim.scheduler.messages import no_fit, no_preemption
from kubesim.scheduler.node_state import NodeState, Snapshot
from kubesim.scheduler.pods import PodInfo
from kubesim.scheduler.preemption import NoPreemption, Preemption, preemption
from kubesim.scheduler.rejections import Filter, Plugin, Rejection, Why
from kubesim.scheduler.scores import best_node
from kubesim.scheduler.selectors import named_nodes

NO_NODES: Final = "no nodes available to schedule pods"
_NARROWED: Final = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
_ALL_UP_TO: Final = 100
"""In clusters up to this size every node is looked at (``percentageOfNodesToScore``)."""


@dataclass(frozen=True, slots=True)
class Bind:
    """The pod goes to this node. ``next_start``: where the next cycle begins to look."""

    node: str
    why: Why
    next_start: int = 0


@dataclass(frozen=True, slots=True)
class Unschedulable:
    """No node can take the pod now (C-60). ``message`` is that of the Event and of the condition."""

    message: str
    why: Why
    rejections: Mapping[str, Rejection] = field(default_factory=dict)
    """By node name; nodes that were not looked at are absent."""
    plugins: frozenset[Plugin] = frozenset()
    """The filters that said no: only what concerns one of them can help (C-64). Empty: anything may help."""
    preemption: Preemption | None = None
    keeps_nomination: bool = False
    """Whether the pod's ``nominatedNodeName`` stays; else it becomes the preemption's node, or empty."""
    next_start: int = 0


Placement: TypeAlias = Bind | Unschedulable


@dataclass(frozen=True, slots=True)
class _Search:
    """What came of looking at the nodes in turn."""

    feasible: list[NodeState]
    rejections: dict[str, Rejection]
    next_start: int


def schedule(pod: PodInfo, snapshot: Snapshot, release: Release, start: int = 0) -> Placement:
    """One scheduling cycle for a pod that is in the queue: not bound, not gated, not being deleted (C-60 to C-70).

    ``start``: from which node on to look, so that in large clusters all nodes get their turn.
    """
    if not snapshot.nodes:
        return Unschedulable(NO_NODES, Why("there are no nodes", ("C-60",)))
    filters = filters_for(pod, snapshot, release)
    nominated = snapshot.nodes.get(pod.nominated_node)
    if nominated is not None and _rejection(filters, pod, nominated, snapshot, release) is None:
        why = Why(f"{nominated.node.name} has the room that was made for the pod", ("C-60",))
        return Bind(nominated.node.name, why, start)
    found = _search(pod, filters, snapshot, release, start)
    if not found.feasible:
        return _unschedulable(pod, snapshot, found, release)
    chosen = best_node(pod, found.feasible, release).node.name
    return Bind(chosen, _reason(chosen, found), found.next_start)


def _reason(chosen: str, found: _Search) -> Why:
    others = len(found.feasible) - 1
    text = f"{chosen} can take the pod"
    text += f" and scores no less than {others} other{'s' if others > 1 else ''} that could" if others else ""
    text += f"; {len(found.rejections)} cannot" if found.rejections else ""
    return Why(text, ("C-60",))


def _search(pod: PodInfo, filters: tuple[Filter, ...], snapshot: Snapshot, release: Release, start: int) -> _Search:
    """Look at the nodes in turn until enough can take the pod."""
    names = named_nodes(pod.spec)
    if names is not None:
        states = [state for name, state in snapshot.nodes.items() if name in names]
        rejections = {}
        if release.policy("scheduler_names_narrowing"):
            left_out = Rejection(Plugin.NODE_AFFINITY, (_NARROWED,), final=True)
            rejections = {name: left_out for name in snapshot.nodes if name not in names}
    else:
        states, rejections = list(snapshot.nodes.values()), {}
    enough = _enough(len(states))
    feasible: list[NodeState] = []
    looked, first = 0, start % len(states) if states else 0
    key, is_plain = id(pod.facts), len(filters) == 1 and not snapshot.nominated
    for state in (*states[first:], *states[:first]):
        looked += 1
        if is_plain and (known := state.verdicts.get(key)) is not None:
            found = known[1]
        else:
            found = _rejection(filters, pod, state, snapshot, release)
        if found is not None:
            rejections[state.node.name] = found
            continue
        feasible.append(state)
        if len(feasible) >= enough:
            break
    return _Search(feasible, rejections, (start + looked) % len(states) if states else start)


def _enough(nodes: int) -> int:
    """How many nodes that can take a pod are enough to choose from: all, in clusters up to 100 nodes.

    Source: ``schedule_one.go``: numFeasibleNodesToFind (50 % less one for each 125 nodes, at least 5 %).
    """
    if nodes <= _ALL_UP_TO:
        return nodes
    return max(_ALL_UP_TO, nodes * max(5, 50 - nodes // 125) // 100)


def _rejection(
    filters: tuple[Filter, ...], pod: PodInfo, state: NodeState, snapshot: Snapshot, release: Release
) -> Rejection | None:
    """What speaks against a node, once as if the pods nominated for it that are no less important were there."""
    waiting = snapshot.nominated.get(state.node.name, ()) if snapshot.nominated else ()
    before = [other for other in waiting if other.uid != pod.uid and other.spec.priority >= pod.spec.priority]
    if before:
        crowded = state.with_pods((*state.pods.values(), *before))
        if found := node_rejection(pod, crowded, release):
            return found
    return rejection(filters, state)


def _unschedulable(pod: PodInfo, snapshot: Snapshot, found: _Search, release: Release) -> Unschedulable:
    """The failure, after the post-filters have tried to help (C-61)."""
    helped = preemption(pod, snapshot, found.rejections, release)
    after = no_preemption(helped.message, release) if isinstance(helped, NoPreemption) else ""
    reasons = [reason for entry in found.rejections.values() for reason in entry.reasons]
    rules = dict.fromkeys(("C-60", "C-61", *(rule for entry in found.rejections.values() for rule in entry.rules)))
    plugins = {entry.plugin for entry in found.rejections.values()}
    if len(found.rejections) < len(snapshot.nodes):
        plugins.add(Plugin.NODE_AFFINITY)
    return Unschedulable(
        message=no_fit(len(snapshot.nodes), reasons, after, release),
        why=Why(f"none of {len(snapshot.nodes)} node(s) can take the pod", tuple(rules)),
        rejections=found.rejections,
        plugins=frozenset(plugins),
        preemption=helped if isinstance(helped, Preemption) else None,
        keeps_nomination=isinstance(helped, NoPreemption) and helped.keeps_nomination,
        next_start=found.next_start,
    )
