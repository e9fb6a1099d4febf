"""What an operator asks of a node with kubectl: cordon, uncordon, taint, drain.

Source: kubectl ``cmd/drain``, ``cmd/taint``, ``drain/cordon.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kubesim.scenario.actions import Cordon, Drain, Taint, Uncordon
from kubesim.sim.drain import NodeDrain
from kubesim.store import PatchType, Reply, Store
from kubesim.store.kinds import KINDS
from kubesim.store.replies import not_found
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.sim.world import World

USER: Final = "user"
Ask: TypeAlias = Callable[[str, dict[str, Any], Any], None]
"""Sends a request, and records what it was called, its arguments and the reply."""
Record: TypeAlias = Callable[..., None]


class NodeRequests:
    """Carries out the actions of an operator."""

    def __init__(self, world: World, ask: Ask, record: Record) -> None:
        self.world = world
        self.ask = ask
        self.record = record

    def perform(self, action: Cordon | Uncordon | Taint | Drain) -> None:
        """Send what kubectl would send now."""
        node, store = action.node or "", self.world.api.store
        match action:
            case Cordon():
                self.ask("cordon", {"node": node}, SetUnschedulable(store, node, True))
            case Uncordon():
                self.ask("uncordon", {"node": node}, SetUnschedulable(store, node, False))
            case Taint():
                sign = "-" if action.remove else ""
                told = f"{action.key}{f'={action.value}' if action.value else ''}:{action.effect}{sign}"
                self.ask("taint", {"node": node, "taint": told}, SetTaint(store, action))
            case Drain():
                drain = NodeDrain(self.world, action, self.record)
                self.world.api.request("user-write", USER, SetUnschedulable(store, node, True), drain.cordoned)


@dataclass(frozen=True, slots=True)
class SetUnschedulable:
    """PATCH of ``spec.unschedulable``."""

    store: Store
    node: str
    wanted: bool

    def __call__(self, now: Instant) -> Reply:
        patch = {"spec": {"unschedulable": self.wanted or None}}
        return patch_node(self.store, self.node, patch, now)


@dataclass(frozen=True, slots=True)
class SetTaint:
    """PATCH of the node's taints: one is set, overwriting another of the same key and effect, or taken away."""

    store: Store
    taint: Taint

    def __call__(self, now: Instant) -> Reply:
        wanted = self.taint
        node = self.store.find("Node", "", wanted.node or "")
        if node is None:
            return not_found(KINDS["Node"], wanted.node or "")
        before = (node.get("spec") or {}).get("taints") or ()
        others = [one for one in before if (one["key"], one["effect"]) != (wanted.key, wanted.effect)]
        if wanted.remove and len(others) == len(before):
            message = f'taint "{wanted.key}:{wanted.effect}" not found'
            return Reply(404, "NotFound", message, kubectl=f"error: {message}")
        value = {"value": wanted.value} if wanted.value else {}
        added = [] if wanted.remove else [{"key": wanted.key, **value, "effect": wanted.effect}]
        return patch_node(self.store, wanted.node or "", {"spec": {"taints": [*others, *added] or None}}, now)


def patch_node(store: Store, node: str, patch: dict[str, Any], now: Instant) -> Reply:
    """A merge patch of a Node by the user."""
    if store.find("Node", "", node) is None:
        return not_found(KINDS["Node"], node)
    return store.patch("Node", "", node, PatchType.MERGE, patch, now, actor=USER)
