"""Why a node cannot take a pod: which filter said so, in which words, and whether making room could help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from kubesim.scheduler.node_state import NodeState


class Plugin(Enum):
    """The scheduler's filters, by the upstream name; in the order in which they look at a node."""

    NODE_UNSCHEDULABLE = "NodeUnschedulable"
    TAINT_TOLERATION = "TaintToleration"
    NODE_AFFINITY = "NodeAffinity"
    NODE_PORTS = "NodePorts"
    NODE_RESOURCES_FIT = "NodeResourcesFit"
    POD_TOPOLOGY_SPREAD = "PodTopologySpread"
    INTER_POD_AFFINITY = "InterPodAffinity"
    NODE_DECLARED_FEATURES = "NodeDeclaredFeatures"


@dataclass(frozen=True, slots=True)
class Why:
    """A reason in words, and the rules of ``control-plane.md`` it follows."""

    text: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejection:
    """One filter's "no" to one node.

    ``final``: it stays so even if every pod on the node went (``UnschedulableAndUnresolvable``).
    """

    plugin: Plugin
    reasons: tuple[str, ...]
    final: bool
    rules: tuple[str, ...] = ("C-62",)


Filter: TypeAlias = Callable[[NodeState], Rejection | None]
"""Looks at one node for one pod; None: no objection."""
