"""Which of the nodes that can take a pod gets it.

Taints that should be avoided weigh most, then preferred node affinity, then free room, as the scheduler's weights say
(3, 2, 1). Departure: of equal nodes upstream draws one; here it is the one with the fewest pods, then the first.
Not modelled: preferred pod (anti-)affinity, ScheduleAnyway spread, balanced allocation, images on the node.
Source: ``apis/config/v1/default_plugins.go``; ``noderesources/least_allocated.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from kubesim.releases import Release
from kubesim.scheduler.node_state import UNNAMED_REQUESTS, NodeState
from kubesim.scheduler.pods import PodInfo
from kubesim.scheduler.selectors import is_tolerated, term_matches

_HIGHEST: Final = 100
_TAINTS, _AFFINITY, _ROOM = 3, 2, 1


def best_node(pod: PodInfo, candidates: Sequence[NodeState], release: Release) -> NodeState:
    """The candidate with the highest score. ``candidates``: at least one, in the order they were found."""
    if len(candidates) == 1:
        return candidates[0]
    wishes = pod.spec.affinity.node_affinity.preferred
    if not wishes and not any(state.node.taints for state in candidates):
        return _roomiest(pod, candidates)
    tainted = [_avoided_taints(pod, state, release) if state.node.taints else 0 for state in candidates]
    preferred = [_preference(pod, state) for state in candidates] if wishes else [0] * len(candidates)
    most_tainted, most_preferred = max(tainted), max(preferred)
    best = -1
    chosen = candidates[0]
    for state, taints, weight in zip(candidates, tainted, preferred, strict=True):
        score = _ROOM * state.share(pod.facts, partial(_free_share, pod, state))
        score += _TAINTS * (_HIGHEST - _HIGHEST * taints // most_tainted if most_tainted else _HIGHEST)
        score += _AFFINITY * (_HIGHEST * weight // most_preferred if most_preferred else 0)
        if score > best or (score == best and len(state.pods) < len(chosen.pods)):
            best, chosen = score, state
    return chosen


def _roomiest(pod: PodInfo, candidates: Sequence[NodeState]) -> NodeState:
    """The candidate with the largest free share, then the fewest pods: all that counts where nodes are alike."""
    key, best, fewest = id(pod.facts), -1, 0
    chosen = candidates[0]
    for state in candidates:
        known = state.shares.get(key)
        share = known[1] if known is not None else state.share(pod.facts, partial(_free_share, pod, state))
        if share > best or (share == best and len(state.pods) < fewest):
            best, chosen, fewest = share, state, len(state.pods)
    return chosen


def _avoided_taints(pod: PodInfo, state: NodeState, release: Release) -> int:
    """How many taints ask for the pod to go elsewhere."""
    soft = (taint for taint in state.node.taints if taint.effect == "PreferNoSchedule")
    return sum(not is_tolerated(pod.spec.tolerations, taint, release) for taint in soft)


def _preference(pod: PodInfo, state: NodeState) -> int:
    """The weights of the preferred terms that the node meets."""
    terms = pod.spec.affinity.node_affinity.preferred
    return sum(term.weight for term in terms if term_matches(term.preference, state.node))


def _free_share(pod: PodInfo, state: NodeState) -> int:
    """The share of CPU and memory that stays free, 0 to 100; a pod that asks for nothing counts for a little."""
    requests = pod.facts.requests
    total = counted = 0
    for resource, used in state.scored.items():
        room = state.node.allocatable.get(resource, 0)
        if room > 0:
            asked = used + requests.get(resource, UNNAMED_REQUESTS[resource])
            total += max(room - asked, 0) * _HIGHEST // room
            counted += 1
    return total // counted if counted else 0
