"""The shapes a document can have, as data: one table reads it, refuses what does not fit, prints its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from kubesim.errors import ScenarioError
from kubesim.objects.quantity import parse_quantity
from kubesim.objects.yaml import Document, FieldPath
from kubesim.units import HOUR, LONGEST, parse_duration


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: kept beside what was read, so that a later check can still point at the line."""

    document: Document = field(repr=False)
    path: FieldPath

    def __truediv__(self, step: str | int) -> Place:
        return Place(self.document, (*self.path, step))

    @property
    def written(self) -> Any:
        """The value as it stands in the document."""
        value: Any = self.document.raw
        for step in self.path:
            value = value[step]
        return value

    def error(self, message: str, *, at_key: bool = False) -> ScenarioError:
        """The error to raise about this value; the message ends with the way out."""
        return self.document.error(message, self.path, at_key=at_key)


@dataclass(frozen=True, slots=True)
class Text:
    """Text, of one pattern if one is given."""

    pattern: str = ""
    form: str = "text"


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number within bounds."""

    least: int | None = 0


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Length:
    """A duration such as ``1m30s``, read as nanoseconds; never negative."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of a resource such as ``50Mi``, kept as the text the API server would store."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """Any mapping, kept as it is: another room reads it."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value, kept as it is."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list of one shape, read as a tuple."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping with keys of the user's own."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Either:
    """The first shape that fits by kind: text, number, list or mapping."""

    of: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Reserved:
    """A name that has a meaning to come; using it is refused with what can be used today."""

    instead: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record: its shape, and the sentence that editors show."""

    shape: Shape
    about: str = ""
    required: bool = False
    bare: Any = None
    """What the field means without a value (``{container: app, starts}``); None: as if it were not there."""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known fields; ``make`` gets them in snake_case, and ``place``, and returns what was read."""

    make: Callable[..., Any]
    fields: Mapping[str, Field]


Shape: TypeAlias = (
    Text | Integer | Flag | Length | Quantity | Choice | Raw | Anything | Items | Table | Either | Reserved | Record
)

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def read(shape: Shape, value: Any, place: Place) -> Any:
    """The value in its shape; raises ScenarioError with its place for what does not fit."""
    match shape:
        case Record():
            return _record(shape, value, place)
        case Items(of):
            if not isinstance(value, list):
                raise _misfit(shape, value, place)
            return tuple(read(of, item, place / number) for number, item in enumerate(value))
        case Table(of):
            if not isinstance(value, dict):
                raise _misfit(shape, value, place)
            return {key: read(of, item, place / key) for key, item in value.items()}
        case Either(shapes):
            fitting = next((one for one in shapes if _is_of_kind(one, value)), None)
            if fitting is None:
                raise _misfit(shape, value, place)
            return read(fitting, value, place)
        case Reserved(instead):
            raise place.error(f"is not modelled yet; {instead}", at_key=True)
        case Length():
            return _length(value, place)
        case Quantity():
            return _quantity(value, place)
        case _:
            return _leaf(shape, value, place)


def _leaf(shape: Shape, value: Any, place: Place) -> Any:
    if not _is_of_kind(shape, value):
        raise _misfit(shape, value, place)
    match shape:
        case Text(pattern) if pattern and not re.fullmatch(pattern, value):
            raise _misfit(shape, value, place)
        case Integer(least) if least is not None and value < least:
            raise _misfit(shape, value, place)
        case Choice(words) if value not in words:
            raise place.error(f'"{value}" is none of {", ".join(words)}{did_you_mean(value, words)}')
        case _:
            return value


def _length(value: Any, place: Place) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value:
        raise place.error(f'{value} has no unit; write "{value}s" for seconds')
    try:
        length = parse_duration(str(value))
    except ValueError as error:
        raise place.error(str(error)) from error
    if length < 0:
        raise place.error(f"{value} is negative; the scenario starts at 0s")
    if length > LONGEST:
        raise place.error(f"{value} is longer than a run can be; the longest is {LONGEST // HOUR}h, a year")
    return length


def _quantity(value: Any, place: Place) -> str:
    if not _is_of_kind(Quantity(), value):
        raise _misfit(Quantity(), value, place)
    try:
        return parse_quantity(value).text
    except ValueError as error:
        raise place.error(f'{error}; write it as "500m", "2" or "50Mi"') from error


def _record(shape: Record, value: Any, place: Place) -> Any:
    if not isinstance(value, dict):
        raise _misfit(shape, value, place)
    for key in value:
        if key not in shape.fields:
            known = ", ".join(name for name, one in shape.fields.items() if not isinstance(one.shape, Reserved))
            hint = did_you_mean(key, shape.fields)
            raise (place / key).error(f'unknown field "{key}"{hint}; known here: {known}', at_key=True)
    for name, one in shape.fields.items():
        is_said = name in value and (value[name] is not None or one.bare is not None or isinstance(one.shape, Anything))
        if one.required and not is_said:
            raise place.error(f'"{name}" is missing; give it {describe(one.shape)}')
    read_values = {}
    for key, item in value.items():
        one = shape.fields[key]
        meant = one.bare if item is None else item
        if meant is not None or isinstance(one.shape, Anything | Reserved):
            read_values[snake_case(key)] = read(one.shape, meant, place / key)
    return shape.make(place=place, **read_values)


def did_you_mean(word: str, known: Any) -> str:
    """``; did you mean "…"?`` for a near miss, else nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def snake_case(name: str) -> str:
    """``featureGates`` as ``feature_gates``; ``for`` and ``object`` keep a trailing underscore out of Python's way."""
    name = _WORD_START.sub("_", name).lower()
    return f"{name}_" if name in ("for", "object", "type", "file") else name


def _is_of_kind(shape: Shape, value: Any) -> bool:
    match shape:
        case Text() | Choice():
            return isinstance(value, str)
        case Length():
            return isinstance(value, str) or value == 0
        case Quantity():
            return isinstance(value, str | int | float) and not isinstance(value, bool)
        case Integer():
            return isinstance(value, int) and not isinstance(value, bool)
        case Flag():
            return isinstance(value, bool)
        case Items():
            return isinstance(value, list)
        case Record() | Table() | Raw():
            return isinstance(value, dict)
        case Either(shapes):
            return any(_is_of_kind(one, value) for one in shapes)
        case _:
            return True


def _misfit(shape: Shape, value: Any, place: Place) -> ScenarioError:
    shown = value if isinstance(value, str | int | float) else type(value).__name__.replace("NoneType", "nothing")
    shown = {"dict": "a mapping", "list": "a list", True: "true", False: "false"}.get(shown, shown)
    hint = "; put it in quotes" if isinstance(shape, Text) and isinstance(value, int | float) else ""
    return place.error(f"must be {describe(shape)}, and is {shown}{hint}")


def describe(shape: Shape) -> str:
    """A shape in words, for messages."""
    match shape:
        case Text(_, form):
            return form
        case Integer(least):
            return "a whole number" + (f" of at least {least}" if least is not None else "")
        case Flag():
            return "true or false"
        case Length():
            return 'a duration such as "90s" or "1m30s"'
        case Quantity():
            return 'an amount such as "500m" or "50Mi"'
        case Choice(words):
            return f"one of {', '.join(words)}"
        case Items(of):
            return f"a list, each item {describe(of)}"
        case Either(shapes):
            return " or ".join(describe(one) for one in shapes)
        case Record(_, fields):
            required = [name for name, one in fields.items() if one.required]
            return "a mapping" + (f" with {', '.join(required)}" if required else "")
        case Table(of):
            return f"a mapping of names, each to {describe(of)}"
        case Raw():
            return "a mapping"
        case _:
            return "a value"


def json_schema(shape: Shape) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a shape."""
    match shape:
        case Text(pattern):
            return {"type": "string"} | ({"pattern": f"^({pattern})$"} if pattern else {})
        case Integer(least):
            return {"type": "integer"} | ({"minimum": least} if least is not None else {})
        case Flag():
            return {"type": "boolean"}
        case Length():
            return {"type": "string", "pattern": r"^(0|([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+)$", "examples": ["1m30s"]}
        case Quantity():
            return {"type": ["string", "number"], "examples": ["50Mi"]}
        case Choice(words):
            return {"enum": list(words)}
        case Raw():
            return {"type": "object"}
        case Items(of):
            return {"type": "array", "items": json_schema(of)}
        case Table(of):
            return {"type": "object", "additionalProperties": json_schema(of)}
        case Either(shapes):
            return {"anyOf": [json_schema(one) for one in shapes]}
        case Record(_, fields):
            return _record_schema(fields)
        case _:
            return {}


def _field_schema(one: Field) -> dict[str, Any]:
    schema = json_schema(one.shape)
    return schema if one.bare is None else {"anyOf": [schema, {"type": "null"}]}


def _record_schema(fields: Mapping[str, Field]) -> dict[str, Any]:
    properties = {
        name: _field_schema(one) | ({"description": one.about} if one.about else {})
        for name, one in fields.items()
        if not isinstance(one.shape, Reserved)
    }
    required = [name for name, one in fields.items() if one.required]
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})
