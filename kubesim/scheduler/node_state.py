"""What the scheduler remembers of its cluster: each node with the pods on it and what they hold.

A state machine without a clock: its owner says what came and went. Pods it decided to bind count at once ("assumed"),
before the API server has the binding. Source: ``pkg/scheduler/framework/types.go`` NodeInfo, ``backend/cache``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kubesim.objects.node import Node
from kubesim.scheduler.pods import PodInfo, SpecFacts

if TYPE_CHECKING:
    from kubesim.scheduler.rejections import Rejection

_METADATA_NAME: Final = "kubernetes.io/metadata.name"
_ANY_ADDRESS: Final = "0.0.0.0"
UNNAMED_REQUESTS: Final[Mapping[str, int]] = MappingProxyType({"cpu": 100, "memory": 200 * 1024 * 1024})
"""What a pod that asks for nothing counts for in scores (``util/pod_resources.go``)."""


def is_repelling(pod: PodInfo) -> bool:
    """Whether a pod keeps others away by a required anti-affinity of its own."""
    return bool(pod.spec.affinity.pod_anti_affinity.required)


class NodeState:
    """One node, the pods on it and the sums of what they ask for. A pod that has finished holds nothing (C-69)."""

    __slots__ = ("_with_anti_affinity", "node", "pods", "requested", "scored", "shares", "verdicts")

    def __init__(self, node: Node, pods: Iterable[PodInfo] = ()) -> None:
        self.node = node
        self.pods: dict[str, PodInfo] = {}
        self.requested: dict[str, int] = {}
        self.scored: dict[str, int] = dict.fromkeys(UNNAMED_REQUESTS, 0)
        self._with_anti_affinity: dict[str, PodInfo] = {}
        self.verdicts: dict[int, tuple[SpecFacts, Rejection | None]] = {}
        """What :meth:`verdict` has found since the node last changed, by the identity of the facts."""
        self.shares: dict[int, tuple[SpecFacts, int]] = {}
        """What :meth:`share` has found, likewise."""
        for pod in pods:
            self.add(pod)

    def add(self, pod: PodInfo) -> None:
        """A pod is on the node, or a newer version of it is."""
        self.remove(pod.uid)
        self.pods[pod.uid] = pod
        self._count(pod, 1)
        if is_repelling(pod):
            self._with_anti_affinity[pod.uid] = pod

    def remove(self, uid: str) -> None:
        """A pod is not on the node any more; one that never was is no error."""
        pod = self.pods.pop(uid, None)
        if pod is not None:
            self._count(pod, -1)
            self._with_anti_affinity.pop(uid, None)

    def replace(self, pod: PodInfo) -> None:
        """A newer version of a pod that is on the node, and asks for the same: what is known stays true."""
        del self.pods[pod.uid]
        self.pods[pod.uid] = pod
        if pod.uid in self._with_anti_affinity:
            self._with_anti_affinity[pod.uid] = pod

    def verdict(self, facts: SpecFacts, look: Callable[[], Rejection | None]) -> Rejection | None:
        """What ``look`` says of pods with this spec, found out once for each state of the node."""
        known = self.verdicts.get(id(facts))
        if known is None:
            known = self.verdicts[id(facts)] = facts, look()
        return known[1]

    def share(self, facts: SpecFacts, look: Callable[[], int]) -> int:
        """The free share that ``look`` finds for pods with this spec, likewise."""
        known = self.shares.get(id(facts))
        if known is None:
            known = self.shares[id(facts)] = facts, look()
        return known[1]

    def _count(self, pod: PodInfo, sign: int) -> None:
        self.verdicts.clear()
        self.shares.clear()
        requests = pod.facts.requests
        for resource, amount in requests.items():
            self.requested[resource] = self.requested.get(resource, 0) + sign * amount
        for resource, unnamed in UNNAMED_REQUESTS.items():
            self.scored[resource] += sign * requests.get(resource, unnamed)

    @property
    def repelling_pods(self) -> tuple[PodInfo, ...]:
        """The pods on the node with a required anti-affinity of their own."""
        return tuple(self._with_anti_affinity.values())

    def has_port_conflict(self, pod: PodInfo) -> bool:
        """Whether a host port the pod asks for is taken: same protocol and number, on one address or on all."""
        wanted = pod.facts.host_ports
        if not wanted:
            return False
        taken = [port for other in self.pods.values() for port in other.facts.host_ports]
        return any(
            protocol == taken_protocol and number == taken_number and _overlap(address, taken_address)
            for address, protocol, number in wanted
            for taken_address, taken_protocol, taken_number in taken
        )

    def with_pods(self, pods: Iterable[PodInfo]) -> NodeState:
        """The same node with these pods instead."""
        return NodeState(self.node, pods)


def _overlap(address: str, other: str) -> bool:
    return address == other or _ANY_ADDRESS in (address, other)


class Snapshot:
    """The cluster at one moment: nodes in order of their arrival, namespaces' labels, nominated pods.

    ``nominated``: pods that preempted others on a node and wait for its room, by node name. ``has_repelling``: False
    if it is known that no pod keeps others away, which saves looking at them all.
    """

    __slots__ = ("has_repelling", "namespaces", "nodes", "nominated")

    def __init__(
        self,
        nodes: Mapping[str, NodeState],
        namespaces: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
        nominated: Mapping[str, tuple[PodInfo, ...]] = MappingProxyType({}),
        has_repelling: bool = True,
    ) -> None:
        self.nodes = nodes
        self.namespaces = namespaces
        self.nominated = nominated
        self.has_repelling = has_repelling

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        """A namespace's labels; every one has its own name as a label."""
        return {_METADATA_NAME: namespace, **self.namespaces.get(namespace, {})}

    def replacing(self, state: NodeState) -> Snapshot:
        """The same cluster with one node in another state."""
        return Snapshot({**self.nodes, state.node.name: state}, self.namespaces, self.nominated, self.has_repelling)
