"""What does not fit together in a whole scenario: nothing to run, names given twice, actions on what is not there.

Each ends in a ScenarioError with its place, before anything runs: what could only end in a hang or a surprise is
refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Document
from kubesim.scenario.actions import (
    Action,
    Apply,
    Create,
    Delete,
    EphemeralContainer,
    Evict,
    Kill,
    Patch,
    Probe,
)
from kubesim.scenario.shapes import did_you_mean

MOST_PODS: Final = 300_000
"""How many Pods of one Job may run at once: more do not fit into one machine's memory. Departure: more
are refused, where an API server takes two thousand million."""

_WITH_PODS: Final = frozenset(
    {"Job", "CronJob", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"}
)
_CHECKED: Final = frozenset({"Pod", "Job", "CronJob"})
"""Kinds of which a scenario names every object itself, or names what makes them."""

_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")

Identity = tuple[str, str, str]
"""Kind, namespace, name."""


def check_objects(documents: Iterable[Document]) -> None:
    """Raise ScenarioError for an object given twice, and for a Job of more Pods than can be held."""
    seen: dict[tuple[str, Identity], Document] = {}
    for document in documents:
        _check_size(document)
        identity = _identity(document.raw)
        if not identity[2]:
            continue
        key = (document.api_version.rpartition("/")[0], identity)
        if key in seen:
            first = seen[key]
            place = f"{first.source.path}:{first.position()[0]}"
            raise document.error(
                f'{document.kind} "{document.name}" is given already, at {place}; rename one, or leave it out',
                ("metadata", "name"),
            )
        seen[key] = document


def check_actions(objects: tuple[Document, ...], actions: tuple[Action, ...]) -> None:
    """Raise ScenarioError for an action on an object or container that never exists in this scenario."""
    known = list(_known(objects, actions))
    names: dict[Identity, Mapping[str, Any]] = {_identity(raw): raw for raw in known}
    makers = {str(raw.get("kind")) for raw in known} & _WITH_PODS
    unnamed = {identity[0] for identity in names if not identity[2]}
    open_kinds = unnamed | ({"Pod"} if makers else set()) | ({"Job"} if "CronJob" in makers else set())
    for action in actions:
        target = _target(action)
        if target is None or action.place is None:
            continue
        kind, namespace, name = target
        if target in names or (isinstance(action, Delete | Evict | Kill) and any(_fits(one, target) for one in names)):
            if target in names and isinstance(action, Kill | Probe):
                _check_container(action, names[target], _added(actions, action.pod))
        elif kind in _CHECKED and kind not in open_kinds:
            there = sorted(other[2] for other in names if other[:2] == (kind, namespace))
            hint = did_you_mean(name, there) or f"; there is: {', '.join(there) or 'none'}"
            raise _field_of(action).error(f'no {kind} "{name}" is ever created in namespace {namespace}{hint}')


def _fits(there: Identity, pattern: Identity) -> bool:
    """Whether an object is of the kind, the namespace, and the name or pattern that an action says."""
    return there[:2] == pattern[:2] and fnmatchcase(there[2], pattern[2])


def _known(objects: tuple[Document, ...], actions: tuple[Action, ...]) -> Iterator[dict[str, Any]]:
    yield from (document.raw for document in objects)
    for action in actions:
        if isinstance(action, Create | Apply):
            yield from (document.raw for document in action.objects)


def _identity(raw: Mapping[str, Any]) -> Identity:
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return str(raw.get("kind", "")), str(metadata.get("namespace") or "default"), str(metadata.get("name") or "")


def _target(action: Action) -> Identity | None:
    match action:
        case Delete() | Patch():
            return action.kind, action.namespace, action.name
        case Evict():
            return "Pod", action.namespace, action.name
        case Kill() | Probe() | EphemeralContainer():
            return "Pod", action.namespace, action.pod
        case _:
            return None


def _field_of(action: Action) -> Any:
    """The place of the name that an action says, or of the action."""
    place = action.place
    verb = next((key for key in place.written if key != "at"), None) if place else None
    if place is None or verb is None or not isinstance(place.written[verb], dict):
        return place
    field = "pod" if "pod" in place.written[verb] else "name"
    return place / verb / field if field in place.written[verb] else place / verb


def _added(actions: Iterable[Action], pod: str) -> list[str]:
    """The names of containers that actions add to a Pod."""
    added = (action.container for action in actions if isinstance(action, EphemeralContainer) and action.pod == pod)
    return [str(container.get("name")) for container in added]


def _check_container(action: Kill | Probe, pod: Mapping[str, Any], added: list[str]) -> None:
    spec = pod.get("spec")
    lists = [spec.get(kind) for kind in _CONTAINERS] if isinstance(spec, dict) else []
    there = [str(one.get("name")) for some in lists for one in some or () if isinstance(one, dict)] + added
    if action.container not in there and action.place is not None and lists:
        verb = "kill" if isinstance(action, Kill) else "probe"
        raise (action.place / verb / "container").error(
            f'Pod "{action.pod}" has no container "{action.container}"{did_you_mean(action.container, there)}; '
            f"it has {', '.join(there)}"
        )


def _check_size(document: Document) -> None:
    spec = document.raw.get("spec")
    if document.kind != "Job" or not isinstance(spec, dict):
        return
    parallel, completions = spec.get("parallelism"), spec.get("completions")
    if not isinstance(parallel, int) or (isinstance(completions, int) and completions <= MOST_PODS):
        return
    if parallel > MOST_PODS:
        message = f"{parallel:,} Pods at once do not fit into memory; write at most {MOST_PODS}"
        raise document.error(message, ("spec", "parallelism"))


def nothing_given(paths: list[str]) -> ScenarioError:
    """The error about files without any document."""
    return ScenarioError(
        "holds no objects; give it a Pod, for example", path=paths[0] if paths else None, line=1, column=1
    )


def located(error: ScenarioError, objects: tuple[Document, ...]) -> ScenarioError:
    """An error about ``POD/CONTAINER`` that a run met, with the place of that container; others as they are."""
    if error.path is not None or error.field is None:
        return error
    pod, _, container = error.field.partition("/")
    for document in objects:
        for path in _specs(document.raw, ()):
            spec = _at(document.raw, path)
            for kind in _CONTAINERS:
                for index, one in enumerate(spec.get(kind) or ()):
                    if pod.startswith(document.name) and one.get("name") == container:
                        return document.error(error.message, (*path, kind, index))
    return error


def _specs(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of the Pod specs inside an object: its own, or its template's."""
    if not isinstance(value, dict):
        return
    if isinstance(value.get("containers"), list):
        yield path
    for step in ("spec", "template", "jobTemplate"):
        yield from _specs(value.get(step), (*path, step))


def _at(value: Any, path: tuple[str, ...]) -> dict[str, Any]:
    for step in path:
        value = value[step]
    return dict(value)
