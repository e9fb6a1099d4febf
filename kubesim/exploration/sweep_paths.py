"""Where a sweep's parameter sets its value: a path into the manifests, the Scenario document or a container's script.

``spec.…``, ``metadata.…``, ``data.…`` are fields of manifests: of every object whose kind has the field, or of those
that ``Kind:`` or ``Kind/name:`` before the path chooses. ``containers[app].…`` is a field of a container's script;
``cluster.…``, ``actions[0].…`` and ``until`` are fields of the Scenario's spec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Document, Source
from kubesim.releases import Component, release
from kubesim.releases.field_tables import Field, field_table
from kubesim.releases.tables import RELEASES
from kubesim.scenario.load import is_scenario
from kubesim.scenario.shapes import did_you_mean
from kubesim.store.kinds import KINDS, type_name

Raw = dict[str, Any]

_STEP: Final = re.compile(
    r"(?P<name>[^.\[\]]+)|\.(?P<next>[^.\[\]]+)|\[(?P<quote>[\"']?)(?P<key>[^\]\"']*)(?P=quote)\]"
)
_TARGET: Final = re.compile(r"(?P<kind>[A-Z]\w*)(/(?P<name>[^:]+))?:(?P<rest>.+)")
_OF_SCENARIO: Final = ("cluster", "actions", "until", "containers")
_NO_SCENARIO: Final = "apiVersion: kubesim/v1\nkind: Scenario\nspec: {}\n"
_HELP: Final = (
    "write a manifest's field (spec.terminationGracePeriodSeconds, Job/name:spec.backoffLimit), "
    "a part of a script (containers[app].startup), or one of cluster.…, actions[0].…, until"
)


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path: keys, and in brackets the name, the index or the pattern of a list's items."""

    text: str
    steps: tuple[str | Key, ...]
    kind: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What stood in brackets: ``0``, ``app``, ``*``."""

    text: str


def parse_path(text: str) -> Path:
    """A path of ``--set``; raises ScenarioError for what is none."""
    target = _TARGET.fullmatch(text)
    rest = target["rest"] if target else text
    steps: list[str | Key] = []
    place = 0
    while place < len(rest):
        match = _STEP.match(rest, place)
        if match is None or bool(match["name"]) != (place == 0):
            raise ScenarioError(f"{text!r} is no path; {_HELP}")
        steps.append(Key(match["key"]) if match["key"] is not None else match["name"] or match["next"])
        place = match.end()
    if not steps:
        raise ScenarioError(f"{text!r} is no path; {_HELP}")
    return Path(text, tuple(steps), target["kind"] if target else None, target["name"] if target else None)


def with_value(documents: Sequence[Document], path: Path, value: Any) -> tuple[Document, ...]:
    """The documents with the value at the path; those that it leaves alone are the same objects.

    Raises ScenarioError where the path leads nowhere.
    """
    first = path.steps[0]
    if path.kind is None and first in _OF_SCENARIO:
        return _in_scenario(documents, path, value)
    if path.kind is None and first not in ("spec", "metadata", "data", "stringData"):
        raise ScenarioError(f"{path.text}: {first!r} is nothing that can be set; {_HELP}")
    chosen = [document for document in documents if _is_meant(document, path)]
    if not chosen:
        known = ", ".join(f"{one.kind}/{one.name}" for one in documents if not is_scenario(one)) or "none"
        raise ScenarioError(f"{path.text}: no object of that kind and name; there is {known}")
    having = [document for document in chosen if _unknown_step(document.kind, path) is None]
    if not having:
        raise ScenarioError(f"{path.text}: {_unknown_step(chosen[0].kind, path)}")
    return tuple(
        replace(document, raw=_set_in_manifest(document, path, value)) if document in having else document
        for document in documents
    )


def _is_meant(document: Document, path: Path) -> bool:
    if is_scenario(document) or document.kind not in KINDS:
        return False
    return path.kind in (None, document.kind) and (path.name is None or fnmatchcase(document.name, path.name))


# -- manifests --------------------------------------------------------------------------------------------------------


def _types() -> Mapping[str, Mapping[str, Field]]:
    return field_table(release(RELEASES[-1], component=Component.APISERVER))


def _unknown_step(kind: str, path: Path) -> str | None:
    """What no field of the kind is named like, in words; None if the whole path is known."""
    types, type_ = _types(), type_name(KINDS[kind])
    for step in path.steps:
        if isinstance(step, Key):
            if not type_.startswith(("[]", "map[]")):
                return f"[{step.text}] stands behind something that is no list"
            type_ = type_.removeprefix("[]").removeprefix("map[]")
        elif type_.startswith("map[]"):
            type_ = type_.removeprefix("map[]")
        elif type_.startswith("[]"):
            return f"{step!r} stands behind a list; choose an item by name or number: [app], [0] or [*]"
        elif step not in types.get(type_, {}):
            hint = did_you_mean(step, types.get(type_, {}))
            if not hint and kind in ("Job", "Deployment", "ReplicaSet") and path.steps[0] == "spec":
                hint = f'; did you mean "spec.template.{path.text.partition(":")[2] or path.text}"?'
            return f"{kind} has no field {step!r} there{hint}"
        else:
            type_ = types[type_][step].type
    return None


def _set_in_manifest(document: Document, path: Path, value: Any) -> Raw:
    types = _types()

    def merge_key(type_: str, step: str) -> str:
        field = types.get(type_, {}).get(step)
        return field.merge_key if field is not None and field.merge_key else "name"

    def typed(raw: Any, type_: str, steps: tuple[str | Key, ...], list_key: str) -> Any:
        if not steps:
            return value
        step, rest = steps[0], steps[1:]
        if isinstance(step, Key) and type_.startswith("[]"):
            return _items(raw, step, list_key, path, lambda item: typed(item, type_[2:], rest, ""))
        name = step.text if isinstance(step, Key) else step
        inner = type_.removeprefix("map[]") if type_.startswith("map[]") else types[type_][name].type
        before = raw if isinstance(raw, dict) else {}
        return {**before, name: typed(before.get(name), inner, rest, merge_key(type_, name))}

    changed: dict[str, Any] = typed(document.raw, type_name(KINDS[document.kind]), path.steps, "")
    return changed


def _items(raw: Any, step: Key, merge_key: str, path: Path, change: Callable[[Any], Any]) -> list[Any]:
    """The list with the items changed that the key chooses: by index, by name, or by a pattern of names."""
    items = raw if isinstance(raw, list) else []
    named = [str(item.get(merge_key, "")) if isinstance(item, dict) else "" for item in items]
    if step.text.isdigit() and step.text not in named:
        chosen = {int(step.text)} & set(range(len(items)))
    else:
        chosen = {number for number, name in enumerate(named) if fnmatchcase(name, step.text)}
    if not chosen:
        known = ", ".join(filter(None, named)) or f"{len(items)} of them"
        raise ScenarioError(f"{path.text}: no item [{step.text}]; there is {known}")
    return [change(item) if number in chosen else item for number, item in enumerate(items)]


# -- the Scenario document --------------------------------------------------------------------------------------------


def _in_scenario(documents: Sequence[Document], path: Path, value: Any) -> tuple[Document, ...]:
    found = next((document for document in documents if is_scenario(document)), None)
    if found is None:
        source = Source("--set", _NO_SCENARIO)
        found = Document({"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": {}}, source, 0)
        documents = (*documents, found)
    spec = found.raw.get("spec") or {}
    if path.steps[0] == "containers":
        spec = {**spec, "containers": _with_script(spec.get("containers") or [], path, value)}
    else:
        spec = _set_plain(spec, path.steps, path, value)
    changed = replace(found, raw={**found.raw, "spec": spec})
    return tuple(changed if document is found else document for document in documents)


def _set_plain(raw: Any, steps: tuple[str | Key, ...], path: Path, value: Any) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, Key) and isinstance(raw, list):
        return _items(raw, step, "name", path, lambda item: _set_plain(item, rest, path, value))
    name = step.text if isinstance(step, Key) else step
    if name == "timing" and rest and isinstance(raw, dict) and isinstance(raw.get("timing"), str):
        raw = {**raw, "timing": {"profile": raw["timing"]}}
    if isinstance(raw, list):
        raise ScenarioError(f"{path.text}: {name!r} stands behind a list; choose an item by its number, as [0]")
    before = raw if isinstance(raw, dict) else {}
    return {**before, name: _set_plain(before.get(name), rest, path, value)}


def _with_script(overrides: list[Raw], path: Path, value: Any) -> list[Raw]:
    """The overrides with a field of the script of one container set; a container that had none gets one."""
    if len(path.steps) < 3 or not isinstance(path.steps[1], Key):
        raise ScenarioError(f"{path.text}: write containers[NAME].FIELD, such as containers[app].startup")
    name, rest = path.steps[1].text, path.steps[2:]
    for number, override in enumerate(overrides):
        if (override.get("match") or {}).get("container") == name:
            script = _set_plain(override.get("script") or {}, rest, path, value)
            return [*overrides[:number], {**override, "script": script}, *overrides[number + 1 :]]
    return [{"match": {"container": name}, "script": _set_plain({}, rest, path, value)}, *overrides]
