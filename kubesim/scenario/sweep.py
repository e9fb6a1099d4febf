"""What a scenario file says of a sweep over it: which values, which design, which measures (``spec.sweep``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubesim.scenario.shapes import Anything, Choice, Either, Field, Integer, Items, Place, Record, Table, Text

DESIGNS: Final = ("grid", "random", "latin-hypercube")


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """A sweep as declared beside its scenario; the command line adds to it and overrides it."""

    set: Mapping[str, Any] = field(default_factory=dict)
    """Path to values: a list, or text such as ``5,10,30`` or ``1s..30s``."""
    design: str = "grid"
    samples: int | None = None
    """How many points a random or Latin-hypercube design has."""
    seeds: int | None = None
    releases: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()


NO_SWEEP: Final = SweepSpec()
"""Of a scenario that says nothing of a sweep."""


def _sweep(*, place: Place, releases: str | tuple[str, ...] = (), **values: Any) -> SweepSpec:
    return SweepSpec(releases=(releases,) if isinstance(releases, str) else releases, **values)


SWEEP: Final = Record(
    _sweep,
    {
        "set": Field(Table(Anything()), "Path to its values: a list, or text such as 5,10,30 or 1s..30s."),
        "design": Field(Choice(DESIGNS), "How the values are combined; without it, every one with every other."),
        "samples": Field(Integer(1), "How many points a random or Latin-hypercube design has."),
        "seeds": Field(Integer(1), "How many replications of each point."),
        "releases": Field(Either((Text(), Items(Text()))), 'Releases to run on, or "all".'),
        "measures": Field(Items(Text()), "What is measured of each run."),
    },
)
