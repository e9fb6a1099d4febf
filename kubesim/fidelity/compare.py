"""Two traces in, the levels reached and every difference out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from kubesim.fidelity.order import order_differences
from kubesim.fidelity.outcome import outcome_differences
from kubesim.fidelity.recording import LEVELS, Difference, Pair, Recording
from kubesim.fidelity.story import story_differences
from kubesim.fidelity.times import time_differences

JUDGES: Final[dict[str, Callable[[Pair], Iterator[Difference]]]] = {
    "L1": outcome_differences,
    "L2": order_differences,
    "L3": story_differences,
    "L4": time_differences,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which levels a simulated trace reaches, each including those before, and what it misses."""

    levels: dict[str, bool]
    differences: list[Difference]

    @property
    def first_missed(self) -> str | None:
        """The first level not reached; None when all are."""
        return next((level for level, reached in self.levels.items() if not reached), None)


def compare(recorded: dict[str, Any] | Recording, simulated: dict[str, Any], *, every_level: bool = True) -> Comparison:
    """Hold a simulated trace against a recorded one.

    Without ``every_level`` the levels behind the first one missed are not looked at: enough to know which are
    reached, and cheaper.
    """
    recording = recorded if isinstance(recorded, Recording) else Recording.of(recorded)
    pair = Pair.of(recording, simulated)
    levels: dict[str, bool] = {}
    differences: list[Difference] = []
    reached = True
    for level in LEVELS:
        found = list(JUDGES[level](pair)) if reached or every_level else []
        differences += found
        reached = reached and not found
        levels[level] = reached
    return Comparison(levels, differences)
