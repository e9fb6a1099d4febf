"""The Node objects of a cluster, as each kubelet registers its own before a scenario begins.

Departure: a node whose ``allocatable`` the scenario leaves open has room for everything.
Source: ``pkg/kubelet/kubelet_node_status.go``: initialNode; ``component-helpers/nodedeclaredfeatures`` (K-122).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kubesim.kubelet.node_status import NodeHealth, node_conditions
from kubesim.releases import Release
from kubesim.scenario.cluster import Cluster, Node, Taint
from kubesim.sim.api_server import ApiServer
from kubesim.store import Reply
from kubesim.units import Instant

ROOM_FOR_EVERYTHING: Final = {"cpu": "1M", "ephemeral-storage": "1Pi", "memory": "1Pi", "pods": "1M"}
DECLARED_GATES: Final = ("RestartAllContainersOnContainerExits",)
"""Gates a kubelet declares as features of its node, under the same name, when they are on."""


def node_object(node: Node, release: Release, now: Instant) -> dict[str, Any]:
    """The Node a kubelet of this release registers: labels, taints, room, healthy conditions, declared features."""
    room = {**ROOM_FOR_EVERYTHING, **node.allocatable}
    platform = {"arch": "amd64", "os": "linux"}
    labels = {f"{prefix}kubernetes.io/{key}": value for prefix in ("", "beta.") for key, value in platform.items()}
    labels["kubernetes.io/hostname"] = node.name
    status: dict[str, Any] = {
        "capacity": room,
        "allocatable": room,
        "conditions": node_conditions((), NodeHealth(), now),
        "addresses": [{"type": "Hostname", "address": node.name}],
        "nodeInfo": {
            "architecture": platform["arch"],
            "kubeletVersion": f"v1.{release.minor}.{release.patch or 0}",
            "operatingSystem": platform["os"],
        },
    }
    if release.enabled("NodeDeclaredFeatures"):
        status["declaredFeatures"] = [gate for gate in DECLARED_GATES if release.enabled(gate)]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": {**labels, **node.labels}},
        "spec": {"taints": [_taint(entry) for entry in node.taints]} if node.taints else {},
        "status": status,
    }


def _taint(taint: Taint) -> dict[str, str]:
    value = {"value": taint.value} if taint.value else {}
    return {"key": taint.key, **value, "effect": taint.effect}


def register_nodes(api: ApiServer, cluster: Cluster, now: Instant) -> None:
    """Create the Node of each of the cluster's nodes; an API server drops what it does not know of them."""
    for node in cluster.nodes:
        raw = node_object(node, cluster.kubelet_release(node), now)
        api.now(f"kubelet/{node.name}", _Register(api, raw))


@dataclass(frozen=True, slots=True)
class _Register:
    api: ApiServer
    raw: dict[str, Any]

    def __call__(self, now: Instant) -> Reply:
        actor = f"kubelet/{self.raw['metadata']['name']}"
        return self.api.store.create(self.raw, now, field_validation="Ignore", actor=actor)
