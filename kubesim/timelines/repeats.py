"""What only repeats is shown a few times and counted, as kubectl does with Events: ``… 12 more times until +3m20s``."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from kubesim.timelines.story import Line

FIRST: Final = 2
"""How many of those that are alike are shown, apart from the last."""
FEWEST: Final = 4
"""Fewer are not worth a count in their place."""

_VARIES: Final = re.compile(r" \(run \d+\)|(?<= \(restart )\d+|, [\dhmsµ.]+ left")
_NEVER: Final = ("user", "webhook", "end")
"""Whose lines are each of their own: what was asked from outside, and the end."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """One that is shown. ``more``: how many like it follow, of which only ``last`` is shown; 0: all are."""

    one: T
    more: int = 0
    last: T | None = None


def folded(all_: Sequence[T], likeness: Callable[[T], Hashable]) -> list[Shown[T]]:
    """The first few and the last of those that are alike, wherever they stand; None is like nothing."""
    alike: dict[Hashable, list[int]] = {}
    for place, one in enumerate(all_):
        alike.setdefault(likeness(one), []).append(place)
    alike.pop(None, None)
    shown = {place: Shown(one) for place, one in enumerate(all_)}
    for places in alike.values():
        if len(places) >= FIRST + FEWEST + 1:
            told = places[FIRST - 1]
            shown[told] = Shown(all_[told], len(places) - FIRST, all_[places[-1]])
            for place in places[FIRST:-1]:
                del shown[place]
    return [shown[place] for place in sorted(shown)]


def folded_lines(lines: Sequence[Line]) -> list[Shown[Line]]:
    """The lines of a story without those that only repeat: the same but for the run and for the time that is left.

    Output is alike if it stands at the same place in the output of its run.
    """

    def likeness(line: Line) -> Hashable:
        if line.who in _NEVER:
            return None
        return line.who, line.nth, *(_VARIES.sub("", words) for words in (line.what, line.why))

    return folded(lines, likeness)
