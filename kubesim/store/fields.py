"""Reading an object as a release's API types: unknown fields, wrong types, and what the wire form keeps (C-10 to C-14).

The server decodes JSON into Go structs and writes it back: unknown fields vanish, empty optional fields too, and
quantities take their canonical form. Source: apimachinery ``pkg/runtime/serializer/json``, sigs.k8s.io/json.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec

from kubesim.releases import Release
from kubesim.releases.field_tables import Field, field_table, required_fields
from kubesim.store.kinds import Kind, type_name
from kubesim.store.quantities import NotAQuantity, canonical

_LIMITS: Final = {"int32": 2**31, "int64": 2**63}
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_QUANTITY_FORM: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_QUANTITY_START: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eEinumkKMGTP]*[-+]?[0-9]*")
_ZERO: Final[dict[str, Any]] = {"string": "", "int32": 0, "int64": 0, "bool": False, "intOrString": 0}


@dataclass(slots=True)
class Body:
    """A decoded request body: the object as the API's types hold it, and what was wrong with it."""

    object: dict[str, Any]
    error: str = ""
    """The first wrong type, in Go's words; the body cannot be read at all."""
    unknown: list[str] = field(default_factory=list)
    """Paths of unknown fields, in the order met."""

    def warnings(self) -> tuple[str, ...]:
        return tuple(f'unknown field "{path}"' for path in self.unknown)

    def message(self, kind: Kind) -> str:
        """The message of the 400 that refuses this body."""
        because = self.error or "strict decoding error: " + ", ".join(self.warnings())
        return f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {because}'


def decode(raw: Mapping[str, Any], kind: Kind, release: Release) -> Body:
    """The object as this release's API reads it, in the sorted order that kubectl sends.

    The spec is read once for all objects with an equal one: the result shares it and must not be changed in place.
    """
    name = type_name(kind)
    types = field_table(release)
    reader = _Reader(release)
    spec = raw.get("spec")
    if not isinstance(spec, dict) or "spec" not in types[name]:
        reader.body.object = reader.struct(raw, name, (), "")
        return reader.body
    reader.body.object = reader.struct({key: value for key, value in raw.items() if key != "spec"}, name, (), "")
    part = _decoded_spec(msgspec.json.encode(spec), types[name]["spec"].type, release)
    reader.body.object["spec"] = part.object
    reader.body.error = reader.body.error or part.error
    reader.body.unknown.extend(part.unknown)
    return reader.body


def decode_changed(new: dict[str, Any], old: dict[str, Any], kind: Kind, release: Release) -> Body:
    """As :func:`decode`, of an object that may share its spec and status with a stored one: those were decoded then."""
    if "spec" not in old or new.get("spec") is not old["spec"]:
        return decode(new, kind, release)
    shared = [key for key in ("status", "spec") if key in old and new.get(key) is old[key]]
    reader = _Reader(release)
    rest = {key: value for key, value in new.items() if key not in shared}
    reader.body.object = reader.struct(rest, type_name(kind), (), "")
    reader.body.object |= {key: old[key] for key in shared}
    return reader.body


@lru_cache(maxsize=1024)
def _decoded_spec(spec: bytes, type_: str, release: Release) -> Body:
    reader = _Reader(release)
    reader.body.object = reader.struct(msgspec.json.decode(spec), type_, ("spec",), "spec")
    return reader.body


class _Reader:
    """One pass over one body; collects into ``body``."""

    def __init__(self, release: Release) -> None:
        self.types = field_table(release)
        self.required = required_fields(release)
        self.body = Body({})

    def struct(self, raw: Mapping[str, Any], type_: str, names: tuple[str, ...], path: str) -> dict[str, Any]:
        """One struct; ``names`` is its path without indexes, as Go's messages print it."""
        fields = self.types[type_]
        read: dict[str, Any] = {}
        for name in sorted(raw):
            known, here = fields.get(name), f"{path}.{name}" if path else name
            if known is None:
                self.body.unknown.append(here)
            elif raw[name] is not None:
                where = _Place(type_, known, (*names, name))
                value = self._value(raw[name], known.type, known.shown, where, here)
                if not _is_left_out(value, known):
                    read[name] = value
        for needed in self.required[type_]:
            if needed.name not in read:
                read[needed.name] = _zero(needed.type)
        return read

    def _value(self, value: Any, type_: str, shown: str, where: _Place, path: str) -> Any:
        if type_.startswith("[]"):
            if not isinstance(value, list):
                return self._wrong(value, shown, where, [])
            inner = (type_.removeprefix("[]"), shown.removeprefix("[]"))
            return [self._value(item, *inner, where, f"{path}[{i}]") for i, item in enumerate(value)]
        if type_.startswith("map[]"):
            if not isinstance(value, dict):
                return self._wrong(value, shown, where, {})
            inner_type = type_.removeprefix("map[]")
            inner_shown = "resource.Quantity" if inner_type == "quantity" else shown.removeprefix("map[string]")
            return {key: self._value(value[key], inner_type, inner_shown, where, path) for key in sorted(value)}
        if type_ in self.types:
            if value is None:
                return {}
            if not isinstance(value, dict):
                return self._wrong(value, shown, where, {})
            return self.struct(value, type_, where.names, path)
        return self._scalar(value, type_, shown, where)

    def _scalar(self, value: Any, type_: str, shown: str, where: _Place) -> Any:
        match type_:
            case "string":
                return value if isinstance(value, str) else self._wrong(value, shown, where, "")
            case "bool":
                return value if isinstance(value, bool) else self._wrong(value, shown, where, False)
            case "int32" | "int64":
                return self._integer(value, type_, shown, where)
            case "quantity":
                return self._quantity(value)
            case "intOrString":
                if isinstance(value, str):
                    return value
                return self._integer(value, "int32", "int32", _Place("", where.field, ()))
            case "time":
                return self._time(value)
            case "bytes":
                return self._bytes(value, shown, where)
        return value

    def _integer(self, value: Any, type_: str, shown: str, where: _Place) -> int:
        limit = _LIMITS[type_]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit:
            return value
        wrong: int = self._wrong(value, shown, where, 0, number=True)
        return wrong

    def _quantity(self, value: Any) -> str:
        text = value if isinstance(value, str) else _literal(value)
        try:
            return canonical(text, -3)
        except NotAQuantity:
            wrong_suffix = _QUANTITY_START.fullmatch(text) is not None
            self._fail("unable to parse quantity's suffix" if wrong_suffix else _QUANTITY_FORM)
            return "0"

    def _time(self, value: Any) -> Any:
        if not isinstance(value, str):
            return self._fail(f"json: cannot unmarshal {_kind_of(value)} into Go value of type string")
        if not _TIME.fullmatch(value):
            layout = "2006-01-02T15:04:05Z07:00"
            self._fail(f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"')
        return value

    def _bytes(self, value: Any, shown: str, where: _Place) -> Any:
        if not isinstance(value, str):
            return self._wrong(value, shown, where, "")
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            bad = re.search(r"[^A-Za-z0-9+/]", value)
            self._fail(f"illegal base64 data at input byte {bad.start() if bad else len(value) // 4 * 4}")
        return value

    def _wrong(self, value: Any, shown: str, where: _Place, instead: Any, *, number: bool = False) -> Any:
        kind = _kind_of(value)
        if kind == "number" and number:
            kind = f"number {_literal(value)}"
        self._fail(f"json: cannot unmarshal {kind} into Go {where.said()} of type {shown}")
        return instead

    def _fail(self, message: str) -> None:
        if not self.body.error:
            self.body.error = message


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, for Go's message: the struct, the field, and the names on the way."""

    owner: str
    field: Field
    names: tuple[str, ...]

    def said(self) -> str:
        if not self.owner:
            return "value"
        return f"struct field {self.owner.rpartition('.')[2]}.{'.'.join(self.names)}"


def _is_left_out(value: Any, known: Field) -> bool:
    """Whether the wire form drops the value: empty, optional and no pointer."""
    if value or known.required or known.keeps_zero:
        return False
    return known.type.startswith(("[]", "map[]")) or known.type in _ZERO or known.type in ("bytes", "quantity")


def _zero(type_: str) -> Any:
    if type_ in _ZERO:
        return _ZERO[type_]
    return {} if "." in type_ and not type_.startswith(("[]", "map[]")) else None


def _kind_of(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
    return "object"


def _literal(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
    return str(value)
