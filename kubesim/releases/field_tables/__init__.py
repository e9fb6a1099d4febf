"""Which fields the API of a release knows, with their types, merge keys and what the wire keeps of them.

``fields.json.gz`` is distilled from the published schemas by ``tools/field_tables.py``; ``marks.yaml`` adds by hand
what the schemas do not say. Source: V-1, section 6 of the versions rules (C-10 to C-14).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from kubesim.releases.release import Release
from kubesim.releases.tables import LAST_MINOR

SCALARS: Final = frozenset(("string", "int32", "int64", "bool", "float64", "quantity", "intOrString", "time", "bytes"))


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an API type."""

    name: str
    type: str
    """``string``, ``int32``, ``quantity``, …, ``core.v1.Container``, or one of these behind ``[]`` or ``map[]``."""
    required: bool
    """Written even when empty: no ``omitempty``."""
    keeps_zero: bool
    """A pointer in Go: false, 0 and the empty string are values of their own."""
    shown: str
    """The Go type as error messages print it: ``int32``, ``[]v1.Container``, ``v1.PullPolicy``."""
    merge_key: str = ""
    strategy: str = ""


def field_table(release: Release) -> Mapping[str, Mapping[str, Field]]:
    """The types a release's API knows, by name (``core.v1.PodSpec``), each with its fields by name."""
    return _table(release.minor)


def known_later(of: Release, type_: str, name: str) -> str | None:
    """The first release after this one whose API knows a field; None if none does."""
    later = (minor for minor in range(of.minor + 1, LAST_MINOR + 1) if name in _table(minor).get(type_, {}))
    return next((f"1.{minor}" for minor in later), None)


def required_fields(release: Release) -> Mapping[str, tuple[Field, ...]]:
    """The fields of each type that are written even when empty."""
    return _required(release.minor)


@cache
def _required(minor: int) -> dict[str, tuple[Field, ...]]:
    return {
        type_: tuple(field for field in fields.values() if field.required) for type_, fields in _table(minor).items()
    }


@cache
def _table(minor: int) -> dict[str, dict[str, Field]]:
    return {
        type_: {
            name: _field(type_, name, entry)
            for name, entry in fields.items()
            if entry.get("since", minor) <= minor <= entry.get("until", minor)
        }
        for type_, fields in _data().items()
    }


def _field(type_: str, name: str, entry: dict[str, Any]) -> Field:
    marks = _marks()
    owner = type_.rpartition(".")[2]
    return Field(
        name=name,
        type=entry["type"],
        required=entry.get("required", False) and name not in marks["optional"].get(owner, ()),
        keeps_zero=name in marks["pointers"].get(owner, ()),
        shown=marks["named"].get(owner, {}).get(name) or _shown(entry["type"]),
        merge_key=entry.get("key", ""),
        strategy=entry.get("strategy", ""),
    )


def _shown(type_: str) -> str:
    for prefix, shown in (("map[]", "map[string]"), ("[]", "[]")):
        if type_.startswith(prefix):
            return shown + _shown(type_.removeprefix(prefix))
    if type_ == "bytes":
        return "[]uint8"
    return ".".join(type_.split(".")[-2:])


@cache
def _data() -> dict[str, dict[str, dict[str, Any]]]:
    content = files(__name__).joinpath("fields.json.gz").read_bytes()
    types: dict[str, dict[str, dict[str, Any]]] = json.loads(gzip.decompress(content))["types"]
    return types


@cache
def _marks() -> dict[str, Any]:
    text = files(__name__).joinpath("marks.yaml").read_text(encoding="utf-8")
    marks: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)  # safe loader, only written in C
    return marks
