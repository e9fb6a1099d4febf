"""Designs: which combinations of values a sweep runs. A point is found from its number; no list of points is kept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

from kubesim.errors import ScenarioError
from kubesim.exploration.sweep_values import Range, Values


@dataclass(frozen=True, slots=True)
class Design:
    """The values of each parameter, and how they are combined.

    ``kind``: grid (every value with every other), random (each point drawn by itself), latin-hypercube (each
    parameter's span cut into as many strata as there are points, each stratum used once; McKay, Beckman and Conover
    1979). ``samples`` counts the points of the last two; ``seed`` chooses them.
    """

    values: tuple[Values | Range, ...]
    kind: str = "grid"
    samples: int = 0
    seed: int = 0

    @property
    def size(self) -> int:
        """How many points there are."""
        if self.kind == "grid":
            return prod(len(values.items) for values in self.values if isinstance(values, Values))
        return self.samples

    def point(self, number: int) -> tuple[Any, ...]:
        """The values of one point, in the order of the parameters."""
        if self.kind == "grid":
            return self._grid_point(number)
        if self.kind == "random":
            chance = random.Random(f"{self.seed}/design/{number}")
            return tuple(values.at(chance.random()) for values in self.values)
        return tuple(
            values.at(_latin_place(self.seed, self.samples, column, number))
            for column, values in enumerate(self.values)
        )

    def _grid_point(self, number: int) -> tuple[Any, ...]:
        """The last parameter varies fastest."""
        chosen: list[Any] = []
        for values in reversed(self.values):
            items = values.items if isinstance(values, Values) else ()
            number, place = divmod(number, len(items))
            chosen.append(items[place])
        return tuple(reversed(chosen))


def make_design(
    names: Sequence[str], values: Sequence[Values | Range], kind: str, samples: int | None, seed: int
) -> Design:
    """The design of these parameters; raises ScenarioError for what does not go together."""
    if kind == "grid":
        for name, one in zip(names, values, strict=True):
            if isinstance(one, Range):
                raise ScenarioError(
                    f"{name}: a grid needs single values; give the range a step, as 10..60/10, "
                    "or choose --design random or latin-hypercube"
                )
        if samples is not None:
            raise ScenarioError("samples belong to the designs random and latin-hypercube; a grid has all its points")
        return Design(tuple(values))
    if samples is None:
        raise ScenarioError(f"the design {kind} needs the number of its points: --samples N")
    if not values:
        raise ScenarioError(f"the design {kind} has nothing to vary: add --set PATH=VALUES")
    return Design(tuple(values), kind, samples, seed)


def _latin_place(seed: int, samples: int, column: int, number: int) -> float:
    stratum = _strata(seed, samples, column)[number]
    inside = random.Random(f"{seed}/design/{column}/{number}").random()
    return (stratum + inside) / samples


@lru_cache(maxsize=64)
def _strata(seed: int, samples: int, column: int) -> tuple[int, ...]:
    strata = list(range(samples))
    random.Random(f"{seed}/design/{column}").shuffle(strata)
    return tuple(strata)
