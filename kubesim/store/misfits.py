"""Where a manifest does not fit the API's types, and what to write instead: what Go's messages leave to the reader."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from kubesim.objects.yaml import FieldPath
from kubesim.releases import Release
from kubesim.releases.field_tables import Field, field_table, known_later
from kubesim.store.kinds import KINDS, type_name
from kubesim.store.quantities import NotAQuantity, canonical

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]|\[([^\]]+)\]")
_INVALID: Final = re.compile(
    r"((?:spec|metadata|data)[\w./\[\]-]*): "
    r"(?:(?:Invalid|Required|Unsupported|Duplicate) value|Not found|Forbidden|Too )"
)
_BYTES: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kKmMgGtT])i?[bB]")
_AS_LISTS: Final = {"command": ', such as [sh, -c, "sleep 5"]', "args": ", such as [--port, '8080']"}
_DEEPEST: Final = 5
"""How far below the object a field is looked for that stands in the wrong place."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value, or with ``at_key`` a field, that the API server refuses; ``hint`` says what to write, if it is known."""

    path: FieldPath
    hint: str = ""
    at_key: bool = False


def misfits(raw: Mapping[str, Any], message: str, api: Release) -> Iterator[Misfit]:
    """What is wrong with an object that was refused with this message, in the order of the object."""
    kind = KINDS.get(str(raw.get("kind", "")))
    types = field_table(api)
    if kind is None or type_name(kind) not in types:
        return
    found = list(_Walk(types, type_name(kind), api).struct(raw, type_name(kind), ()))
    yield from found or (Misfit(field_path(path)) for path in dict.fromkeys(_INVALID.findall(message)))


def field_path(text: str) -> FieldPath:
    """``spec.containers[0].name`` as a path."""
    return tuple(int(index) if index else name or key for name, index, key in _STEP.findall(text))


@dataclass(frozen=True, slots=True)
class _Walk:
    types: Mapping[str, Mapping[str, Field]]
    root: str
    api: Release

    def struct(self, raw: Mapping[str, Any], type_: str, path: FieldPath) -> Iterator[Misfit]:
        known = self.types[type_]
        for name, value in raw.items():
            here = (*path, name)
            if name not in known:
                yield Misfit(here, self._instead_of(name, type_, known), at_key=True)
            elif value is not None:
                yield from self.value(value, known[name].type, here)

    def value(self, value: Any, type_: str, path: FieldPath) -> Iterator[Misfit]:
        if type_.startswith("[]"):
            if not isinstance(value, list):
                yield Misfit(path, f"write a list{_AS_LISTS.get(str(path[-1]), '')}")
                return
            for index, item in enumerate(value):
                yield from self.value(item, type_.removeprefix("[]"), (*path, index))
        elif type_.startswith("map[]"):
            if not isinstance(value, dict):
                yield Misfit(path, "write a mapping of names to values")
                return
            for name, item in value.items():
                yield from self.value(item, type_.removeprefix("map[]"), (*path, name))
        elif type_ in self.types:
            if isinstance(value, dict):
                yield from self.struct(value, type_, path)
            elif value is not None:
                yield Misfit(path, f"write a mapping; its fields are {', '.join(sorted(self.types[type_]))}")
        elif hint := _scalar_hint(value, type_, str(path[-1])):
            yield Misfit(path, hint)

    def _instead_of(self, name: str, type_: str, known: Mapping[str, Field]) -> str:
        by_lower = {other.lower(): other for other in known}
        if close := get_close_matches(name.lower(), by_lower, n=1, cutoff=0.75):
            return f'did you mean "{by_lower[close[0]]}"?'
        if (later := known_later(self.api, type_, name)) is not None:
            return f"the API has it from {later} on, and this is {self.api.name}"
        if (home := self._home(name)) is not None:
            return f"it belongs into {home}; look at the indentation"
        return f"there are {', '.join(sorted(known))}" if len(known) <= 12 else ""

    def _home(self, name: str) -> str | None:
        """The place nearest to the top that has such a field."""
        level = [("", self.root)]
        for _ in range(_DEEPEST):
            below = []
            for place, type_ in level:
                if name in self.types[type_]:
                    return place.removeprefix(".") or "the top"
                for other in self.types[type_].values():
                    inner = other.type.removeprefix("[]")
                    if inner in self.types and other.name != "status":
                        below.append((f"{place}.{other.name}{'[]' if other.type.startswith('[]') else ''}", inner))
            level = below
        return None


def _scalar_hint(value: Any, type_: str, name: str) -> str:
    """What to write instead of a scalar of a wrong type; empty if it is right."""
    match type_:
        case "string" if not isinstance(value, str):
            shown = str(value).lower() if isinstance(value, bool) else value
            return f'quote it: "{shown}"' if not isinstance(value, dict | list) else "write a text"
        case "bool" if not isinstance(value, bool):
            return "write true or false, without quotes"
        case "int32" | "int64" if isinstance(value, bool) or not (
            isinstance(value, int | float) and value == int(value)
        ):
            digits = re.match(r"\d+", str(value))
            unit = " of seconds" if name.endswith("Seconds") else ""
            return f"write a whole number{unit}, without quotes" + (f": {digits[0]}" if digits else "")
        case "quantity":
            return _quantity_hint(value)
        case _:
            return ""


def _quantity_hint(value: Any) -> str:
    try:
        canonical(value if isinstance(value, str) else str(value))
    except NotAQuantity:
        if found := _BYTES.fullmatch(str(value).strip()):
            return f"write it as Kubernetes does: {found[1]}{found[2].upper()}i"
        return "write a quantity such as 500m (of a CPU) or 64Mi (of memory)"
    return ""
