"""Whether a scenario falls into parts that cannot influence each other, and into which: Pods that name their nodes.

What a node's kubelet does depends on the Pods of that node, on objects that all may read, and on nothing of another
node, as long as no scheduler, controller or webhook comes between and latencies are not drawn from streams that all
nodes share. ``split`` says for a whole scenario whether that is so; if not, why not. Objects get their uids by their
place among all that are created, so that each part is told the places of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from kubesim.objects.yaml import Document
from kubesim.scenario.actions import (
    DEFAULT_NAMESPACE,
    SUPPORTED,
    Action,
    Apply,
    Create,
    Delete,
    EphemeralContainer,
    Evict,
    Kill,
    Patch,
    Probe,
    SandboxLoss,
    Snapshot,
    StartFailure,
)
from kubesim.scenario.load import Scenario

READ_BY_ALL: Final = frozenset({"ConfigMap", "Namespace", "PriorityClass", "Secret", "Service", "ServiceAccount"})
"""Kinds that kubelets and the API server read, and nobody changes: every part has them."""

_OF_A_POD: Final = (Kill, Probe, EphemeralContainer, SandboxLoss, StartFailure)
"""Actions with a field ``pod``."""
_TIES_OBJECTS: Final = ("ownerReferences", "resourceVersion")
"""What a patch must not speak of: it would tie the Pod to other objects, or to their order."""

Key: TypeAlias = tuple[str, str]
"""Namespace and name of a Pod."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several worlds simulates of a scenario. All of it by place in the whole, ascending."""

    nodes: tuple[int, ...]
    objects: tuple[int, ...]
    """The manifests it submits; those that every part submits are among them."""
    actions: tuple[int, ...]
    """Places in :attr:`Split.actions`."""
    numbers: tuple[int, ...]
    """The place, among all objects that are ever created and counted from 1, of each that this part creates."""


@dataclass(frozen=True, slots=True)
class Split:
    """A scenario cut into parts."""

    parts: tuple[Part, ...]
    actions: tuple[Action, ...]
    """The scenario's, where each creates at most one object."""
    shared: frozenset[int]
    """Places of the manifests that every part submits; the first part tells of them."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A scenario that has to be simulated as one."""

    why: str


class _Tied(Exception):
    """Something in the scenario concerns more than one node."""


def split(scenario: Scenario, parts: int, *, draw: int = 0) -> Split | Whole:
    """The scenario in at most so many parts, or why it is one. ``draw``: that of the run's latencies."""
    try:
        _check_cluster(scenario, draw)
        homes = _homes(scenario)
        actions = tuple(one for action in scenario.actions for one in _by_object(action))
        targets = tuple(_target(action, homes) for action in actions)
    except _Tied as tied:
        return Whole(str(tied))
    busy = sorted({*homes.values()})
    if len(busy) < 2:
        return Whole(f"all Pods are on {'one node' if busy else 'no node'}")
    shared = frozenset(place for place, one in enumerate(scenario.objects) if one.kind != "Pod")
    owner = _owners(scenario, homes, min(parts, len(busy)))
    made = tuple(_part(scenario, number, owner, targets, shared, actions) for number in range(max(owner.values()) + 1))
    return Split(made, actions, shared)


def _check_cluster(scenario: Scenario, draw: int) -> None:
    cluster = scenario.cluster
    if draw or cluster.timing.draw:
        raise _Tied("latencies are drawn from streams that all nodes share (draw, seed)")
    if cluster.timing.ties:
        raise _Tied("the order at one instant is drawn from one stream (ties)")
    if cluster.webhooks:
        raise _Tied("webhooks are called for one request after another")


def _homes(scenario: Scenario) -> dict[Key, int]:
    """The node of every Pod that is ever created. Raises _Tied for what is no Pod with a name and a node."""
    nodes = {node.name: place for place, node in enumerate(scenario.cluster.nodes)}
    homes: dict[Key, int] = {}
    for document in scenario.objects:
        if document.kind not in READ_BY_ALL:
            key, home = _home(document, nodes)
            homes[key] = home
        elif "ownerReferences" in _mapping(document.raw, "metadata"):
            raise _Tied(f"{document.kind} {document.name} has an owner, which the garbage collector follows")
    for action in scenario.actions:
        if not isinstance(action, Create | Apply):
            continue
        for document in action.objects:
            key, home = _home(document, nodes)
            if isinstance(action, Apply) and key in homes:
                raise _Tied(f"Pod {document.name} is applied again, and whether that creates it is not known before")
            if homes.setdefault(key, home) != home:
                raise _Tied(f"Pod {document.name} is created on two nodes")
    return homes


def _home(document: Document, nodes: Mapping[str, int]) -> tuple[Key, int]:
    metadata, spec = _mapping(document.raw, "metadata"), _mapping(document.raw, "spec")
    name, node = metadata.get("name"), spec.get("nodeName")
    shown = f"{document.kind} {document.name}".rstrip()
    if document.kind != "Pod":
        raise _Tied(f"{shown}: only Pods, and what they read, can be simulated apart")
    if not isinstance(name, str) or not name:
        raise _Tied("a Pod has a name that the API server makes up")
    if not node:
        raise _Tied(f"{shown} names no node: the scheduler places it by what is on all of them")
    if node not in nodes:
        raise _Tied(f"{shown} is on {node}, which is no node of the cluster")
    if "ownerReferences" in metadata:
        raise _Tied(f"{shown} has an owner, which the garbage collector follows")
    return (str(metadata.get("namespace") or DEFAULT_NAMESPACE), name), nodes[node]


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _by_object(action: Action) -> Iterator[Action]:
    """A creation of several objects as several at the same instant: they are carried out in the same order."""
    if isinstance(action, Create | Apply):
        for document in action.objects:
            yield replace(action, objects=(document,))
    else:
        yield action


def _target(action: Action, homes: Mapping[Key, int]) -> int | None:
    """The node the action is about; None: it is about none. Raises _Tied for one about several."""
    match action:
        case Create() | Apply():
            metadata = action.objects[0].raw["metadata"]
            return homes[str(metadata.get("namespace") or DEFAULT_NAMESPACE), metadata["name"]]
        case Delete() | Patch() if action.kind == "Pod":
            if isinstance(action, Patch) and any(word in str(action.patch) for word in _TIES_OBJECTS):
                raise _Tied(f"the patch of Pod {action.name} ties it to other objects")
            return homes.get((action.namespace, action.name))
        case Evict():
            return homes.get((action.namespace, action.name))
        case Snapshot():
            return None
        case _ if isinstance(action, _OF_A_POD):
            return homes.get((action.namespace, action.pod))
        case _:
            name = next(name for name, make in SUPPORTED.items() if make is type(action))
            raise _Tied(f"the action {name} concerns more than one node")


def _owners(scenario: Scenario, homes: Mapping[Key, int], parts: int) -> dict[int, int]:
    """The part of every node: the fullest nodes first, each to the part with the fewest Pods so far."""
    pods = [0] * len(scenario.cluster.nodes)
    for home in homes.values():
        pods[home] += 1
    held, owner = [0] * parts, dict[int, int]()
    for node in sorted(range(len(pods)), key=lambda node: -pods[node]):
        owner[node] = held.index(min(held))
        held[owner[node]] += pods[node]
    return owner


def _part(
    scenario: Scenario,
    number: int,
    owner: Mapping[int, int],
    targets: tuple[int | None, ...],
    shared: frozenset[int],
    actions: tuple[Action, ...],
) -> Part:
    """What a part holds: its nodes, what is on them, and what is done to that; the first, what is about no node."""
    names = [node.name for node in scenario.cluster.nodes]
    nodes = tuple(node for node in range(len(names)) if owner[node] == number)
    mine = {names[node] for node in nodes}
    objects = tuple(
        place for place, one in enumerate(scenario.objects) if place in shared or one.raw["spec"]["nodeName"] in mine
    )
    own = tuple(place for place, node in enumerate(targets) if (number == 0 if node is None else owner[node] == number))
    creating = [place for place, action in enumerate(actions) if isinstance(action, Create | Apply)]
    first_object, first_action = len(names) + 1, len(names) + len(scenario.objects) + 1
    numbers = (
        *(node + 1 for node in nodes),
        *(first_object + place for place in objects),
        *(first_action + rank for rank, place in enumerate(creating) if place in {*own}),
    )
    return Part(nodes, objects, own, numbers)
