"""The data files of this room, read once: which value a named entry has at which release.

Every file maps a name to an entry. What differs between releases is a list of rows, each with ``since``: the row in
force at a patch is the last one that is not newer. A fix that was carried back to older minors is therefore one
row per minor (``1.29.9``, ``1.30``, ``1.30.5``, ``1.31``). A row may name gates that choose another value.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from kubesim.errors import ReleaseError

Point: TypeAlias = tuple[int, int]
"""A place on the line of releases: (minor, patch)."""

LATEST_PATCH: Final = 1_000_000
"""Sorts after every real patch: ``"1.29"`` is the end of the line of 1.29 patches."""

FIRST_MINOR: Final = 27
LAST_MINOR: Final = 36

_HERE: Final = Path(__file__).parent

RELEASES: Final[tuple[str, ...]] = tuple(f"1.{minor}" for minor in range(FIRST_MINOR, LAST_MINOR + 1))
"""The releases kubesim knows, each standing for its latest patch."""


def parse_point(text: str) -> Point:
    """The first patch a row with ``since: text`` covers: ``1.29`` is (29, 0), ``1.29.9`` is (29, 9)."""
    parts = text.split(".")
    return int(parts[1]), int(parts[2]) if len(parts) > 2 else 0


@cache
def load(name: str) -> dict[str, Any]:
    """One data file of this room as plain data."""
    text = (_HERE / f"{name}.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)  # safe loader, only written in C
    return data


@cache
def _rows(table: str) -> dict[str, tuple[tuple[Point, Mapping[str, Any]], ...]]:
    return {
        name: tuple((parse_point(row["since"]), row) for row in rows_of(entry)) for name, entry in load(table).items()
    }


def rows_of(entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The rows of an entry; one that has a plain ``value`` never changed."""
    rows: Sequence[Mapping[str, Any]] = entry.get("values") or ({"since": RELEASES[0], "value": entry["value"]},)
    return rows


def row_at(rows: Sequence[tuple[Point, Mapping[str, Any]]], point: Point) -> Mapping[str, Any] | None:
    """The row in force at ``point``: the last that began at or before it; None before the first."""
    found: Mapping[str, Any] | None = None
    for since, row in rows:
        if since > point:
            break
        found = row
    return found


def values_at(table: str, point: Point, gates_on: Container[str]) -> dict[str, Any]:
    """The value of every entry of a table at one patch under the given gates.

    ``when_off`` is looked at before ``when_on``, each in the order written; the first gate in that position decides.
    """
    found: dict[str, Any] = {}
    for name, rows in _rows(table).items():
        row = row_at(rows, point)
        if row is None:
            raise ReleaseError(f'{table} "{name}" has no value at 1.{point[0]}: kubesim/releases/{table}.yaml is short')
        found[name] = _value_of(row, gates_on)
    return found


def _value_of(row: Mapping[str, Any], gates_on: Container[str]) -> Any:
    for gate, value in row.get("when_off", {}).items():
        if gate not in gates_on:
            return value
    for gate, value in row.get("when_on", {}).items():
        if gate in gates_on:
            return value
    return row["value"]
