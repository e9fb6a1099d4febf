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
    """The alignment with the fewest places that may not be alone, and the fewest alone among those.

    A value that only stands again behind a short one that is missing still counts: it is a change that was seen.
    """
    if [step.value for step in recorded] == [step.value for step in simulated]:
        return Alignment(tuple((place, place) for place in range(len(recorded))))
    costs: dict[tuple[int, int], tuple[int, int]] = {(len(recorded), len(simulated)): (0, 0)}
    moves: dict[tuple[int, int], tuple[int, int]] = {}
    for i in range(len(recorded), -1, -1):
        for j in range(len(simulated), -1, -1):
            if (choices := _choices(recorded, simulated, costs, i, j)) is not None:
                costs[i, j], moves[i, j] = min(choices, key=lambda each: each[0])
    return _walk(recorded, simulated, moves)


def _choices(
    recorded: Sequence[Step],
    simulated: Sequence[Step],
    costs: dict[tuple[int, int], tuple[int, int]],
    i: int,
    j: int,
) -> list[tuple[tuple[int, int], tuple[int, int]]] | None:
    """What can be done with the next places, and what the rest costs then: (wrongly alone, alone)."""
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    if i < len(recorded) and j < len(simulated) and recorded[i].value == simulated[j].value:
        found.append((costs[i + 1, j + 1], (1, 1)))
    if i < len(recorded):
        wrong, alone = costs[i + 1, j]
        found.append(((wrong + (not recorded[i].may_be_missing), alone + 1), (1, 0)))
    if j < len(simulated):
        wrong, alone = costs[i, j + 1]
        found.append(((wrong + (not simulated[j].may_be_missing), alone + 1), (0, 1)))
    return found or None


def _walk(
    recorded: Sequence[Step], simulated: Sequence[Step], moves: dict[tuple[int, int], tuple[int, int]]
) -> Alignment:
    i, j = 0, 0
    pairs: list[tuple[int, int]] = []
    only_recorded: list[int] = []
    only_simulated: list[int] = []
    while (move := moves.get((i, j))) is not None:
        if move == (1, 1):
            pairs.append((i, j))
        elif move == (1, 0) and not recorded[i].may_be_missing:
            only_recorded.append(i)
        elif move == (0, 1) and not simulated[j].may_be_missing:
            only_simulated.append(j)
        i, j = i + move[0], j + move[1]
    return Alignment(tuple(pairs), tuple(only_recorded), tuple(only_simulated))
