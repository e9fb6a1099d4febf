"""Who made an ordinary init container of a sidecar: a webhook, the API server, or an old node; and what to change.

A pure fold over a history. ``lost_sidecars(history)`` is what ``kubesim run`` prints and what an explanation of a Pod
that hangs in ``Init`` names as its cause. Source: control-plane rules C-20, C-34, the skew table; kubelet rule K-54.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.lives import PodLife
from kubesim.history.records import Admitted, ComponentHeader, Decided, DecidedAction, ObjectChanged
from kubesim.history.replay import Key
from kubesim.releases import Component, release
from kubesim.scenario.templates import POD_SPECS, pod_spec
from kubesim.store.tables import pod_columns
from kubesim.timelines.rows import api_server
from kubesim.units import Instant

_PLACE: Final = re.compile(r"initContainers\[(\d+)\]\.restartPolicy$")
_UPGRADE: Final = "upgrade the {} to 1.29 or later, where sidecars are on by default"


@dataclass(frozen=True, slots=True)
class LostSidecar:
    """A container that was asked for as a sidecar, and is run as an ordinary init container."""

    at: Instant
    key: Key
    """The Pod, or the object whose template lost it."""
    container: str
    culprit: str
    """``webhook label.example.com``, ``API server 1.28``, ``node old``."""
    what: str
    """What the culprit did."""
    why: str
    remedies: tuple[str, ...]
    """What would help; each by itself."""
    rules: tuple[str, ...]
    consequence: str = ""
    """What came of it in this run."""


def lost_sidecars(history: History) -> tuple[LostSidecar, ...]:
    """Every sidecar that is stored, or run, as an ordinary init container, in order of time."""
    found = sorted((*_on_the_way(history), *_on_old_nodes(history)), key=lambda lost: lost.at)
    return tuple(replace(lost, consequence=_consequence(lost, history)) for lost in found)


def with_makers(history: History, life: PodLife) -> tuple[Key, ...]:
    """A Pod and what made it: where a sidecar that it has not was lost, if it was."""
    return Key("Pod", life.namespace, life.name), *history.makers(life)


def _on_the_way(history: History) -> Iterator[LostSidecar]:
    """What webhooks and the API server took away before an object was stored."""
    chains: dict[int, list[Admitted]] = {}
    answered: Admitted | None = None
    stored: dict[Key, dict[str, Any]] = {}
    for record in history:
        match record:
            case Admitted():
                chains.setdefault(record.request, []).append(record)
            case ObjectChanged(change="ADDED", object=dict(raw)) if record.kind in POD_SPECS:
                key = Key(record.kind, record.namespace, record.name)
                stored[key] = raw
                if answered is not None and _was_called_for(answered, key):
                    yield from _lost_in(chains[answered.request], key, raw, history)
            case Decided(actor="apiserver"):
                yield from _dropped(record, stored, history)
        answered = record if isinstance(record, Admitted) else None


def _was_called_for(record: Admitted, key: Key) -> bool:
    """Whether a webhook was called for an object, which may have got its name only afterwards."""
    same = (record.kind, record.namespace) == (key.kind, key.namespace) and record.operation == "CREATE"
    return same and (record.name == key.name or (record.name.endswith("-") and key.name.startswith(record.name)))


def _lost_in(chain: list[Admitted], key: Key, raw: dict[str, Any], history: History) -> Iterator[LostSidecar]:
    """The sidecars that were lost in the calls for one object, unless a later webhook gave them back."""
    sidecars = {one["name"] for one in _init_containers(raw) if one.get("restartPolicy") == "Always"}
    told: set[str] = set()
    for call in reversed(chain):
        for name in (*call.unknown_sidecars, *call.lost_sidecars):
            if name in sidecars or name in told or not any(one["name"] == name for one in _init_containers(raw)):
                continue
            told.add(name)
            if name in call.unknown_sidecars:
                yield _unknown_to_the_server(call, key, name, history.header.control_plane.release)
            else:
                yield _taken_by(call, key, name)


def _taken_by(call: Admitted, key: Key, container: str) -> LostSidecar:
    ignorant = f"its client library, {call.client}, does not know the field"
    return LostSidecar(
        at=call.at,
        key=key,
        container=container,
        culprit=f"webhook {call.webhook}",
        what=f"sends the {key.kind} back without restartPolicy of {container}",
        why=ignorant if call.client else "its answer leaves the field out",
        remedies=(
            f"build {call.webhook} with a client library of 1.28 or later, which knows the field",
            "let it answer with a patch of what it means to change, not with the whole object",
            f"keep it away from such {key.kind}s: objectSelector or namespaceSelector of {call.configuration}",
        ),
        rules=("C-31", "C-2"),
    )


def _unknown_to_the_server(call: Admitted, key: Key, container: str, server: str) -> LostSidecar:
    return LostSidecar(
        at=call.at,
        key=key,
        container=container,
        culprit=f"API server {server}",
        what=f"leaves restartPolicy of {container} out, which webhook {call.webhook} sent",
        why=f"{server} does not know the field, and of a webhook's answer unknown fields go without a word",
        remedies=(_UPGRADE.format("API server"), f"let {call.webhook} ask /version or /metrics first"),
        rules=("C-34",),
    )


def _dropped(record: Decided, stored: dict[Key, dict[str, Any]], history: History) -> Iterator[LostSidecar]:
    """What the API server leaves out because its gate is off."""
    server = history.header.control_plane.release
    for action in record.actions:
        place = _PLACE.search(action.do)
        key = _about(action.do, record, stored) if place is not None else None
        if place is None or key is None:
            continue
        container = _init_containers(stored[key])[int(place[1])]["name"]
        yield LostSidecar(
            at=record.at,
            key=key,
            container=container,
            culprit=f"API server {server}",
            what=f"drops restartPolicy of {container}",
            why=action.why,
            remedies=_remedies(action, server),
            rules=action.rules,
        )


def _about(do: str, record: Decided, stored: dict[Key, dict[str, Any]]) -> Key | None:
    """The object that a decision on a field is about: the newest of that name that has such a path."""
    for key in reversed(stored):
        path = ".".join((*POD_SPECS[key.kind], "initContainers"))
        if (key.namespace, key.name) == (record.namespace, record.name) and do.startswith(f"drop {path}["):
            return key
    return None


def _remedies(action: DecidedAction, server: str) -> tuple[str, ...]:
    upgrade = _UPGRADE.format("API server")
    if "C-20" in action.rules:
        return "switch the gate SidecarContainers on, in the API server and in every kubelet", upgrade
    return upgrade, f"send it with kubectl --validate=strict: {server} then refuses it, and you know"


def _on_old_nodes(history: History) -> Iterator[LostSidecar]:
    """Stored as sidecars, and bound to a node whose kubelet does not know the field (K-54)."""
    nodes = {node.name: node for node in history.header.nodes}
    for life in history.pods:
        node = nodes.get(life.node)
        if node is None or _at_kubelet(node) != "unknown":
            continue
        bound = next(one.at for one in life.versions if (one.object.get("spec") or {}).get("nodeName"))
        for one in _init_containers(life.versions[-1].object):
            if one.get("restartPolicy") == "Always":
                yield _not_known_on(node, life, one["name"], bound)


def _not_known_on(node: ComponentHeader, life: PodLife, container: str, bound: Instant) -> LostSidecar:
    return LostSidecar(
        at=bound,
        key=Key("Pod", life.namespace, life.name),
        container=container,
        culprit=f"node {node.name}",
        what=f"runs {container} as an ordinary init container",
        why=f"its kubelet, {node.release}, does not know the field",
        remedies=(
            _UPGRADE.format("node"),
            f"keep such Pods away from {node.name}: a label on the nodes that support sidecars, and node affinity",
        ),
        rules=("K-54",),
    )


def _at_kubelet(node: ComponentHeader) -> str:
    of = release(node.release, node.feature_gates, component=Component.KUBELET, bugs=node.bugs)
    return str(of.policy("sidecar_field_at_kubelet"))


def _consequence(lost: LostSidecar, history: History) -> str:
    """What the loss came to in the end: who waits for whom; of a Job, in the last of its Pods."""
    container = lost.container
    lives = [life for life in _lives(lost.key, history) if container in life.containers]
    if not lives:
        return ""
    life = lives[-1]
    runs = life.containers[container].runs
    if not runs:
        return f"{container} never runs in {life.name}"
    if runs[-1].exit is not None and not main_ran(life):
        return f"{life.name} waited for {container} to end before anything else, and never got further"
    if runs[-1].exit is not None:
        return f"{container} runs to its end in {life.name}, as init containers do, and does not come back"
    cells = pod_columns(life.versions[-1].object, api_server(history.header.control_plane), history.ended)
    return f"{life.name} waits for {container} to end before it starts anything else; STATUS {cells['Status']}"


def main_ran(life: PodLife) -> bool:
    """Whether a main container ever ran."""
    mains = [one["name"] for one in life.versions[-1].object["spec"]["containers"]]
    return any(life.containers[name].runs for name in mains if name in life.containers)


def _lives(key: Key, history: History) -> list[PodLife]:
    if key.kind == "Pod":
        return [history.pod(key.name, key.namespace)]
    return [life for life in history.pods if key in history.makers(life)]


def _init_containers(raw: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (pod_spec(raw) or {}).get("initContainers") or []
    return found
