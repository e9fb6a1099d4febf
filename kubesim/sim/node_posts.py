"""What a kubelet posts about its node: conditions when they change or when it can be heard again, and Events.

The heartbeat itself is not written: a Lease every 10 s that nobody reads changes nothing. Who notices that it stays
away is ``sim/node_control.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kubesim.kubelet.node_status import NodeHealth, memory_event, node_conditions, ready_event
from kubesim.sim.identity import object_uid
from kubesim.sim.nodes import node_object
from kubesim.store import Reply
from kubesim.store.kinds import KINDS
from kubesim.store.replies import not_found
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


class NodePosts:
    """One kubelet's word about its node."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.health = NodeHealth()

    def start(self, *, rebooted: bool) -> None:
        """A kubelet has come up: it registers its node if that is not there, says so, and posts how the node is."""
        self._event("Normal", "Starting", "Starting kubelet.")
        if rebooted:
            name = self.kubelet.node.name
            boot = object_uid("boot", name, self.kubelet.began)
            self._event("Warning", "Rebooted", f"Node {name} has been rebooted, boot id: {boot}")
        self.post()

    def change(self, **health: bool) -> None:
        """Something about the node's health changed: it is posted if that is news."""
        changed = replace(self.health, **health)
        if changed != self.health:
            self.health = changed
            self.post()

    def post(self) -> None:
        """Write the conditions as they are now."""
        self.kubelet.api.request("status-write", self.kubelet.actor, self._write)

    def _write(self, now: Instant) -> Reply:
        kubelet, store = self.kubelet, self.kubelet.api.store
        name = kubelet.node.name
        node = store.find("Node", "", name)
        if kubelet.clock.ended:
            return not_found(KINDS["Node"], name)
        if node is None:
            raw = node_object(kubelet.node.configured, kubelet.release, now)
            return store.create(raw, now, field_validation="Ignore", actor=kubelet.actor)
        status = node.get("status") or {}
        before = status.get("conditions") or ()
        for reason in (memory_event(before, self.health), ready_event(before, self.health)):
            if reason is not None:
                self._event("Normal", reason, f"Node {name} status is now: {reason}")
        written = {**status, "conditions": node_conditions(before, self.health, now)}
        return store.update_status("Node", "", name, written, now, actor=kubelet.actor)

    def _event(self, type_: str, reason: str, message: str) -> None:
        name = self.kubelet.node.name
        about: dict[str, Any] = {"kind": "Node", "metadata": {"name": name, "uid": name}}
        self.kubelet.events.emit(about, type_, reason, message)
