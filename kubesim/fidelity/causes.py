"""Why each instant of a recorded trace came when it did: rules by kind of event, owner and gap; the latest candidate.

The tree of the *recorded* trace decides every tolerance, so that a simulator cannot widen its own (conform.md, "The
jitter model"). A kind of link is guessed from the recorded gap.
"""

from __future__ import annotations

from kubesim.fidelity.causes_api import hang_creations, hang_events, hang_job, hang_pod
from kubesim.fidelity.causes_runtime import hang_moments
from kubesim.fidelity.jitter import ROOT, Causes
from kubesim.fidelity.trace import Key, Trace
from kubesim.fidelity.tree import Tree
from kubesim.units import Instant


def causes_of(trace: Trace, scale: float = 1.0) -> Causes:
    """The tree of causes of a trace; ``scale`` widens or narrows every tolerance, for calibration only."""
    times: dict[Key, Instant] = {ROOT: 0}
    times |= {action.key: action.at for action in trace.actions}
    for life in trace.lives():
        times |= {moment.key: moment.at for moment in life.moments}
        times |= {each.key: each.at for values in life.strands.values() for each in values}
    times |= {each.key: each.at for occurrences in trace.events.values() for each in occurrences}
    tree = Tree(trace, Causes(times, scale=scale), trace.actions)
    hang_creations(tree)
    for life in trace.pods.values():
        hang_moments(tree, life)
    for life in trace.pods.values():
        hang_pod(tree, life)
    for life in trace.jobs.values():
        hang_job(tree, life)
    hang_events(tree)
    return tree.causes
