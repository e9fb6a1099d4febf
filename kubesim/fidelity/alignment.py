"""Which values of one sequence are which of another, where short ones and those near the end may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """A value, and whether the other sequence may lack it."""

    value: Any
    may_be_missing: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of places that match, and the places that had no right to be alone."""

    pairs: tuple[tuple[int, int], ...]
    only_recorded: tuple[int, ...] = ()
    only_simulated: tuple[int, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the sequences are the same but for what may be missing."""
        return not self.only_recorded and not self.only_simulated


def aligned(recorded: Sequence[Step], simulated: Sequence[Step]) -> Alignment:
    """The alignment with the fewest places that may not be alone.

    A value that repeats the one matched before it may be alone too: what lay between them was allowed to be missing.
    """
    if [step.value for step in recorded] == [step.value for step in simulated]:
        return Alignment(tuple((place, place) for place in range(len(recorded))))
    costs: dict[tuple[int, int, int], tuple[int, int]] = {}
    moves: dict[tuple[int, int, int], str] = {}
    for i in range(len(recorded), -1, -1):
        for j in range(len(simulated), -1, -1):
            for last in range(-1, i):
                costs[i, j, last], moves[i, j, last] = _best(recorded, simulated, costs, i, j, last)
    return _walk(recorded, simulated, moves)


def _best(
    recorded: Sequence[Step],
    simulated: Sequence[Step],
    costs: dict[tuple[int, int, int], tuple[int, int]],
    i: int,
    j: int,
    last: int,
) -> tuple[tuple[int, int], str]:
    if i == len(recorded) and j == len(simulated):
        return (0, 0), "end"
    matched = recorded[last].value if last >= 0 else _NOTHING
    found: list[tuple[tuple[int, int], str]] = []
    if i < len(recorded) and j < len(simulated) and recorded[i].value == simulated[j].value:
        found.append((costs[i + 1, j + 1, i], "match"))
    if i < len(recorded):
        wrong, skipped = costs[i + 1, j, last]
        free = recorded[i].may_be_missing or recorded[i].value == matched
        found.append(((wrong + (not free), skipped + 1), "recorded"))
    if j < len(simulated):
        wrong, skipped = costs[i, j + 1, last]
        free = simulated[j].may_be_missing or simulated[j].value == matched
        found.append(((wrong + (not free), skipped + 1), "simulated"))
    return min(found, key=lambda each: each[0])


def _walk(recorded: Sequence[Step], simulated: Sequence[Step], moves: dict[tuple[int, int, int], str]) -> Alignment:
    i, j, last = 0, 0, -1
    pairs: list[tuple[int, int]] = []
    only_recorded: list[int] = []
    only_simulated: list[int] = []
    while (move := moves[i, j, last]) != "end":
        matched = recorded[last].value if last >= 0 else _NOTHING
        if move == "match":
            pairs.append((i, j))
            i, j, last = i + 1, j + 1, i
        elif move == "recorded":
            if not recorded[i].may_be_missing and recorded[i].value != matched:
                only_recorded.append(i)
            i += 1
        else:
            if not simulated[j].may_be_missing and simulated[j].value != matched:
                only_simulated.append(j)
            j += 1
    return Alignment(tuple(pairs), tuple(only_recorded), tuple(only_simulated))


_NOTHING = object()
