"""The inputs of a recording: its timed actions and its configuration, as ``kubesim record`` and the corpus write them.

The format is that of the recordings: ``<id>.actions.json`` beside ``<id>.yaml``, and ``configs.json`` with the releases
and gates of each configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Document, FieldPath, Source, objects_in, read_source
from kubesim.scenario.actions import Action, Create, Delete, DeleteJobPod, Evict, EvictJobPod, Patch, Snapshot, in_order
from kubesim.scenario.cluster import Cluster, ControlPlane, Node, Settings, check_cluster
from kubesim.scenario.shapes import (
    Anything,
    Choice,
    Field,
    Flag,
    Integer,
    Items,
    Place,
    Raw,
    Record,
    Shape,
    Table,
    Text,
    did_you_mean,
    read,
)
from kubesim.units import Instant, seconds


@dataclass(frozen=True, slots=True)
class RecordedActions:
    """What was done during a recording, and for how long it ran."""

    name: str
    title: str
    horizon: Instant
    actions: tuple[Action, ...]


RECORDED_ALLOCATABLE: Final = {"cpu": "2", "memory": "24Gi", "pods": "250"}
"""What the node of the recordings offered."""

RECORDED_IMAGES: Final = ("busybox:1.36",)
"""What was imported to the node of the recordings; it had no registry."""


def load_actions(path: str | Path) -> RecordedActions:
    """The timed actions of an ``<id>.actions.json``; raises ScenarioError with the place of what does not fit."""
    place = _single_object(read_source(path))
    recorded: RecordedActions = read(_ACTIONS_FILE, place.document.raw, place)
    return recorded


def load_config(path: str | Path) -> Cluster:
    """The cluster of ``configs.json:NAME``: one configuration of a file of several."""
    file, _, name = str(path).rpartition(":")
    if not file:
        raise ScenarioError("names no configuration; write configs.json:NAME", path=str(path))
    place = _single_object(read_source(file))
    known = place.document.raw
    if name not in known:
        raise place.error(f'has no configuration "{name}"{did_you_mean(name, known)}; choose one of {", ".join(known)}')
    cluster: Cluster = read(_CONFIG, known[name], place / name)
    return check_cluster(cluster)


def _single_object(source: Source) -> Place:
    values = [value for value in source.values() if value is not None]
    if len(values) != 1 or not isinstance(values[0], dict):
        raise ScenarioError("must hold one JSON object", path=source.path, line=1, column=1)
    return Place(Document(values[0], source, 0), ())


def _actions_file(*, place: Place, **values: Any) -> RecordedActions:
    actions = values.get("actions", ())
    return RecordedActions(
        name=values.get("id", ""),
        title=values.get("title", ""),
        horizon=_instant(values["horizon"], place / "horizon"),
        actions=in_order(actions),
    )


def _instant(value: Any, place: Place) -> Instant:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise place.error(f"must be a number of seconds of at least 0, and is {value}")
    return seconds(value)


def _action(*, place: Place, t: Any, do: str, **values: Any) -> Action:
    return _MAKERS[do](_instant(t, place / "t"), place, values)


def _needs(place: Place, values: dict[str, Any], *names: str) -> list[Any]:
    for name in names:
        if name not in values:
            raise place.error(f'"{name}" is missing; give it')
    return [values[name] for name in names]


def _delete(at: Instant, place: Place, values: dict[str, Any]) -> Action:
    kind, name = _needs(place, values, "kind", "name")
    propagation, grace = values.get("propagation"), values.get("grace")
    return Delete(at=at, place=place, kind=kind, name=name, grace_period_seconds=grace, propagation=propagation)


def _patch(at: Instant, place: Place, values: dict[str, Any]) -> Action:
    kind, name, patch = _needs(place, values, "kind", "name", "patch")
    type_, subresource = values.get("type_", "strategic"), values.get("subresource")
    return Patch(at=at, place=place, kind=kind, name=name, patch=patch, type_=type_, subresource=subresource)


def _evict(at: Instant, place: Place, values: dict[str, Any]) -> Action:
    """Of a pod by name, or of a Job's pod by its place, as its name is not known before."""
    if "k" in values:
        return _evict_job_pod(at, place, values)
    (name,) = _needs(place, values, "name")
    return Evict(at=at, place=place, name=name, grace_period_seconds=values.get("grace"))


def _create(at: Instant, place: Place, values: dict[str, Any]) -> Action:
    _needs(place, values, "object_")
    return Create(at=at, place=place, objects=objects_at(place / "object"))


def _delete_job_pod(at: Instant, place: Place, values: dict[str, Any]) -> Action:
    return DeleteJobPod(**_job_pod(at, place, values))


def _evict_job_pod(at: Instant, place: Place, values: dict[str, Any]) -> Action:
    return EvictJobPod(**_job_pod(at, place, values))


def _job_pod(at: Instant, place: Place, values: dict[str, Any]) -> dict[str, Any]:
    (number,) = _needs(place, values, "k")
    job, grace = values.get("name"), values.get("grace")
    return {"at": at, "place": place, "number": number, "job": job, "grace_period_seconds": grace}


def objects_at(place: Place) -> tuple[Document, ...]:
    """The objects written at a place inside a document; a List is taken apart."""
    document = place.document
    base: FieldPath = (*document.base, *place.path)
    return tuple(objects_in(Document(place.written, document.source, document.index, base)))


_MAKERS: Final[dict[str, Callable[[Instant, Place, dict[str, Any]], Action]]] = {
    "delete": _delete,
    "patch": _patch,
    "evict": _evict,
    "create": _create,
    "delete-job-pod": _delete_job_pod,
    "evict-job-pod": _evict_job_pod,
    "snapshot": lambda at, place, _: Snapshot(at=at, place=place),
}

_RECORDED_ACTION: Final[Shape] = Record(
    _action,
    {
        "t": Field(Anything(), "Seconds since the first object was accepted.", required=True),
        "do": Field(Choice(tuple(_MAKERS)), required=True),
        "kind": Field(Text()),
        "name": Field(Text()),
        "grace": Field(Integer()),
        "propagation": Field(Choice(("Background", "Foreground", "Orphan"))),
        "type": Field(Choice(("strategic", "merge", "json"))),
        "subresource": Field(Text()),
        "patch": Field(Anything()),
        "object": Field(Raw()),
        "k": Field(Integer()),
    },
)

_ACTIONS_FILE: Final = Record(
    _actions_file,
    {
        "id": Field(Text()),
        "title": Field(Text()),
        "tags": Field(Items(Text())),
        "horizon": Field(Anything(), required=True),
        "actions": Field(Items(_RECORDED_ACTION)),
    },
)


def _component(*, place: Place, name: str = "node1", allocatable: Any = None, **values: Any) -> Node:
    settings = Settings(values.get("release"), values.get("feature_gates", {}), place=place)
    return Node(name, settings, allocatable=allocatable or RECORDED_ALLOCATABLE, place=place)


def _config(*, place: Place, control_plane: Node, node: Node, containerd: str | None = None, **_: Any) -> Cluster:
    is_said = "importedImages" in place.written
    images = place.written.get("importedImages")
    return Cluster(
        control_plane=ControlPlane(shared=control_plane.settings),
        nodes=(node,),
        containerd=containerd,
        imported_images=(None if images is None else tuple(images)) if is_said else RECORDED_IMAGES,
    )


_COMPONENT: Final = Record(
    _component,
    {
        "name": Field(Text()),
        "release": Field(Text(), required=True),
        "featureGates": Field(Table(Flag())),
        "allocatable": Field(Table(Text())),
    },
)

_CONFIG: Final = Record(
    _config,
    {
        "controlPlane": Field(_COMPONENT, required=True),
        "node": Field(_COMPONENT, required=True),
        "containerd": Field(Text(), "The runtime's release, where it is not the usual one."),
        "importedImages": Field(Anything(), "The only images there were; null: any, for there was a registry."),
    },
)
