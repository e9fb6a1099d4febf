"""Which fields of a Pod a run acts upon: one table (``coverage.yaml``) for the run's own words and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files as package_files
from typing import Any, Final

import msgspec
import yaml

from kubesim.releases.field_tables import field_table
from kubesim.releases.release import release
from kubesim.releases.tables import RELEASES

MODELLED: Final = "MODELLED"
NO_EFFECT: Final = "NO EFFECT"
_OTHERS: Final = "*"
_PREFIX: Final = "core.v1."
_SAME_AS: Final = {"EphemeralContainer": "Container"}


@cache
def coverage() -> Mapping[str, Mapping[str, Any]]:
    """Type, then field, to what a run makes of it."""
    text = package_files("kubesim.sim").joinpath("coverage.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return table


def row_of(type_: str, field: str) -> Any:
    """The row of a field, or of all fields of its type that have none; None where the table does not speak of it."""
    rows = coverage().get(_SAME_AS.get(type_, type_), {})
    return rows.get(field, rows.get(_OTHERS))


def missing_of(row: Any) -> str | None:
    """What a row says is missing; None if nothing is."""
    if row in (None, MODELLED, NO_EFFECT):
        return None
    return str(row["text"]) if isinstance(row, dict) else str(row)


def left_out(spec: Mapping[str, Any], path: str = "spec") -> tuple[tuple[str, str], ...]:
    """The fields of a Pod's spec, with their paths, that the run does not act upon as Kubernetes would, and why."""
    return _left_out_of(msgspec.json.encode(spec), path)


@lru_cache(maxsize=1024)
def _left_out_of(spec: bytes, path: str) -> tuple[tuple[str, str], ...]:
    """As :func:`left_out`, once for all Pods with the same spec."""
    return tuple(_inside(msgspec.json.decode(spec), "PodSpec", path))


def _left_out(value: Mapping[str, Any], type_: str, path: str) -> Iterator[tuple[str, str]]:
    fields = field_table(_newest()).get(_PREFIX + type_, {})
    for name, inner in value.items():
        row, known = row_of(type_, name), fields.get(name)
        text = missing_of(row)
        allowed = row.get("unless", ()) if isinstance(row, dict) else ()
        if text is not None and inner and inner not in allowed:
            yield f"{path}.{name}", text
        elif known is not None:
            inner_type = known.type.removeprefix("[]").removeprefix(_PREFIX)
            yield from _inside(inner, inner_type, f"{path}.{name}")


def _inside(value: Any, type_: str, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from _left_out(value, type_, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inside(item, type_, f"{path}[{index}]")


@cache
def _newest() -> Any:
    return release(RELEASES[-1], {})
