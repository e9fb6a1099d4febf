"""Whether pods of lower priority make room for one that fits nowhere, which, and on which node (C-61, C-62).

Departure: PodDisruptionBudgets are not looked at, and every node is tried, not a sample of them.
Source: ``framework/preemption/preemption.go``, ``framework/plugins/defaultpreemption/default_preemption.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kubesim.releases import Release
from kubesim.scheduler.filters import filters_for, rejection
from kubesim.scheduler.messages import counted
from kubesim.scheduler.node_state import NodeState, Snapshot
from kubesim.scheduler.pods import PodInfo
from kubesim.scheduler.rejections import Rejection, Why

_PREFIX: Final = "preemption: "
_NEVER: Final = "not eligible due to preemptionPolicy=Never."
_WAITING: Final = "not eligible due to a terminating pod on the nominated node."


@dataclass(frozen=True, slots=True)
class Preemption:
    """Delete these pods, and keep the room they leave on the node for the pod (its ``nominatedNodeName``)."""

    node: str
    victims: tuple[PodInfo, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class NoPreemption:
    """Nobody has to go. ``message`` begins with ``preemption: ``; ``keeps_nomination``: an earlier one still holds."""

    message: str
    keeps_nomination: bool


def preemption(
    pod: PodInfo, snapshot: Snapshot, rejections: Mapping[str, Rejection], release: Release
) -> Preemption | NoPreemption:
    """What preemption does for a pod that no node can take as it is."""
    if excuse := _ineligible(pod, snapshot, rejections):
        return NoPreemption(_PREFIX + excuse, keeps_nomination=True)
    reasons: list[str] = []
    candidates: list[Preemption] = []
    for name, state in snapshot.nodes.items():
        known = rejections.get(name)
        if known is not None and known.final:
            reasons.append(release.text("preemption_not_helpful"))
            continue
        found = _victims_on(pod, state, snapshot, release)
        if isinstance(found, tuple):
            reasons += found
        else:
            candidates.append(found)
    if candidates:
        return min(candidates, key=_cost)
    text = release.text("preemption").format(nodes=len(snapshot.nodes), reasons=counted(reasons))
    return NoPreemption(text, keeps_nomination=False)


def _ineligible(pod: PodInfo, snapshot: Snapshot, rejections: Mapping[str, Rejection]) -> str:
    """Why the pod may not preempt at all: it must not, or it waits for pods it has preempted before."""
    if pod.spec.preemption_policy == "Never":
        return _NEVER
    state = snapshot.nodes.get(pod.nominated_node)
    known = rejections.get(pod.nominated_node)
    if state is None or (known is not None and known.final):
        return ""
    leaving = any(other.deleting and other.spec.priority < pod.spec.priority for other in state.pods.values())
    return _WAITING if leaving else ""


def _victims_on(pod: PodInfo, state: NodeState, snapshot: Snapshot, release: Release) -> Preemption | tuple[str, ...]:
    """The fewest pods that must leave a node, or the reasons why even all of lower priority would not do.

    All of them are taken away first; then each is given back, the more important first, if the pod still fits.
    """
    lower = [other for other in state.pods.values() if other.spec.priority < pod.spec.priority]
    if not lower:
        return (release.text("no_preemption_victims"),)
    kept = [other for other in state.pods.values() if other.spec.priority >= pod.spec.priority]
    if still := _rejection_with(pod, state.with_pods(kept), snapshot, release):
        return still.reasons
    victims = []
    for other in sorted(lower, key=_importance):
        if _rejection_with(pod, state.with_pods((*kept, other)), snapshot, release):
            victims.append(other)
        else:
            kept.append(other)
    names = ", ".join(f"{victim.namespace}/{victim.name}" for victim in victims)
    why = Why(f"{names} of lower priority must leave {state.node.name} to make room", ("C-62",))
    return Preemption(state.node.name, tuple(victims), why)


def _rejection_with(pod: PodInfo, state: NodeState, snapshot: Snapshot, release: Release) -> Rejection | None:
    return rejection(filters_for(pod, snapshot.replacing(state), release), state)


def _importance(pod: PodInfo) -> tuple[int, int]:
    """Sorts the more important pod first: higher priority, then running for longer."""
    return -pod.spec.priority, pod.start_time


def _cost(candidate: Preemption) -> tuple[int, int, int, int]:
    """What a node's victims cost, the cheapest first: the highest priority among them, their sum, their number, and
    how long the most important of them has been running (the latest start costs least)."""
    priorities = [victim.spec.priority for victim in candidate.victims]
    highest = max(priorities, default=0)
    starts = [victim.start_time for victim in candidate.victims if victim.spec.priority == highest]
    return highest, sum(priority + 2**31 for priority in priorities), len(priorities), -min(starts, default=0)
