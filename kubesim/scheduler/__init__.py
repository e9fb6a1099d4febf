"""What the scheduler decides: where a pod goes, why it goes nowhere, when it is tried again. Pure functions only."""

from __future__ import annotations

from kubesim.scheduler.node_state import NodeState, Snapshot
from kubesim.scheduler.pods import DEFAULT_SCHEDULER, PodInfo, pod_info
from kubesim.scheduler.preemption import NoPreemption, Preemption
from kubesim.scheduler.rejections import Plugin, Rejection, Why
from kubesim.scheduler.schedule import Bind, Placement, Unschedulable, schedule

__all__ = [
    "DEFAULT_SCHEDULER",
    "Bind",
    "NoPreemption",
    "NodeState",
    "Placement",
    "Plugin",
    "PodInfo",
    "Preemption",
    "Rejection",
    "Snapshot",
    "Unschedulable",
    "Why",
    "pod_info",
    "schedule",
]
