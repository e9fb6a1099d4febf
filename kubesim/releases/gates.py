"""Which gates a component of a release knows, and what settings it accepts.

Source: versions.md V-1 to V-5; component-base/featuregate/feature_gate.go.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from kubesim.errors import ReleaseError
from kubesim.releases.tables import RELEASES, Point, load, parse_point, row_at

ALL_STAGES: Final[Mapping[str, str]] = {"AllAlpha": "Alpha", "AllBeta": "Beta"}
"""Gates that set every gate of a stage which is not set by name (V-2)."""


@dataclass(frozen=True, slots=True)
class GateSpec:
    """One gate as one patch of a release knows it."""

    name: str
    stage: str
    default: bool
    locked: bool


@cache
def known_gates(point: Point) -> Mapping[str, GateSpec]:
    """The gates a component of this patch accepts, by name, without ``AllAlpha`` and ``AllBeta``."""
    found = {}
    for name, entry in load("feature_gates").items():
        row = None if _is_removed(entry, point) else row_at(_stages(name), point)
        if row is not None:
            found[name] = GateSpec(name, row["stage"], row["default"], row.get("locked", False))
    return found


@cache
def all_gate_names() -> frozenset[str]:
    """Every gate of the whole table, in whatever release it exists."""
    return frozenset(load("feature_gates"))


def outside_value(name: str, point: Point) -> bool:
    """What a gate that this patch does not know counts as.

    Off before its introduction and as it stood when it was removed, unless the entry says ``before`` or ``after``.
    """
    entry = load("feature_gates")[name]
    if _is_removed(entry, point):
        return bool(entry.get("after", _stages(name)[-1][1]["default"]))
    return bool(entry.get("before", False))


def gates_on(point: Point, settings: Mapping[str, bool]) -> frozenset[str]:
    """The gates that are on, those outside this patch included; refuses settings the component would refuse."""
    known = known_gates(point)
    for name, wanted in settings.items():
        _check_setting(name, wanted, point)
    stages = {stage: settings[name] for name, stage in ALL_STAGES.items() if name in settings}
    on = {name for name in all_gate_names() if name not in known and outside_value(name, point)}
    for name, spec in known.items():
        if settings.get(name, stages.get(spec.stage, spec.default)):
            on.add(name)
    _check_needs(known, on, point)
    return frozenset(on)


def gate_span(name: str) -> str:
    """The releases that know a gate, for people: ``1.28 to 1.36``."""
    where = [text for text in RELEASES if name in known_gates(parse_point(text))]
    return where[0] if len(where) == 1 else f"{where[0]} to {where[-1]}"


def _check_setting(name: str, wanted: bool, point: Point) -> None:
    """Refuse an unknown gate, and a locked gate set to the other value (V-3)."""
    known = known_gates(point)
    if name in ALL_STAGES:
        return
    if name not in known:
        raise ReleaseError(f'gate "{name}" is unknown in 1.{point[0]}; {_way_out(name, known)}')
    if known[name].locked and wanted != known[name].default:
        value = _word(known[name].default)
        raise ReleaseError(
            f'cannot set gate "{name}" to {_word(wanted)} in 1.{point[0]}: it is locked to {value}; '
            f"leave it out or choose a release where it is not locked"
        )


def _way_out(name: str, known: Iterable[str]) -> str:
    if name in all_gate_names():
        return f"it exists in {gate_span(name)}"
    if close := get_close_matches(name, (*known, *ALL_STAGES), n=1):
        return f'did you mean "{close[0]}"?'
    return "kubesim knows the gates that `kubesim features` lists"


def _check_needs(known: Iterable[str], on: Container[str], point: Point) -> None:
    """Refuse a gate that is on while one it depends on is off, in the releases that check this at start."""
    for name in known:
        needs = load("feature_gates")[name].get("needs")
        if needs is None or name not in on or point < parse_point(needs["since"]):
            continue
        if missing := [need for need in needs["gates"] if need not in on]:
            raise ReleaseError(
                f'gate "{name}" is enabled in 1.{point[0]}, but depends on gates that are disabled: '
                f"{', '.join(missing)}; set them alike"
            )


def _word(value: bool) -> str:
    return "true" if value else "false"


def _is_removed(entry: Mapping[str, Any], point: Point) -> bool:
    return "removed" in entry and point >= parse_point(entry["removed"])


@cache
def _stages(name: str) -> tuple[tuple[Point, Mapping[str, Any]], ...]:
    return tuple((parse_point(row["since"]), row) for row in load("feature_gates")[name]["stages"])
