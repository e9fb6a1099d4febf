"""From time to the width of a picture: linear, with long idle stretches compressed to breaks that are shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from typing import Final

from kubesim.units import HOUR, MINUTE, SECOND, Duration

_SHARE: Final = 0.12
_LEAST: Final = 5 * SECOND
_IDLE: Final = 2.4
"""How many times the longest ordinary stretch a stretch must last to be compressed."""

_BREAK: Final = 0.1
_BREAKS: Final = 0.55
"""Share of the width that one break takes, and that all of them may take."""

_WORTH: Final = 0.4
"""Breaks that save less than this share of the time only confuse."""

_STEPS: Final = (
    *(SECOND * n // 10 for n in (1, 2, 5)),
    *(SECOND * n for n in (1, 2, 5, 10, 20, 30)),
    *(MINUTE * n for n in (1, 2, 5, 10, 20, 30)),
    *(HOUR * n for n in (1, 2, 6, 12, 24, 48, 96, 240)),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time with one scale. ``width`` in units of which the whole scale has 1."""

    start: Duration
    end: Duration
    left: float
    width: float
    is_break: bool


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Where each instant lies, from 0 to 1."""

    pieces: tuple[Piece, ...]

    def at(self, instant: Duration) -> float:
        """The place of an instant; outside the range it is held at the edge."""
        index = bisect_right([piece.start for piece in self.pieces], instant) - 1
        piece = self.pieces[max(index, 0)]
        if piece.end == piece.start:
            return piece.left
        part = (min(max(instant, piece.start), piece.end) - piece.start) / (piece.end - piece.start)
        return piece.left + part * piece.width

    @property
    def breaks(self) -> tuple[Piece, ...]:
        """The stretches that are compressed."""
        return tuple(piece for piece in self.pieces if piece.is_break)


def time_scale(instants: Sequence[Duration]) -> TimeScale:
    """The scale for a picture in which something happens at these instants (in order), and nothing between them."""
    if len(instants) < 2 or instants[-1] <= instants[0]:
        first = instants[0] if instants else 0
        return TimeScale((Piece(first, first + SECOND, 0.0, 1.0, False),))
    gaps = list(pairwise(instants))
    limit = _limit([end - start for start, end in gaps])
    idle = [end - start > _IDLE * limit for start, end in gaps]
    stretches = _stretches(gaps, idle, limit)
    shown = sum(end - start for (start, end), is_idle in zip(gaps, idle, strict=True) if not is_idle)
    whole = sum(width for _, _, width, _ in stretches)
    if shown and instants[-1] - instants[0] - whole < _WORTH * (instants[-1] - instants[0]):
        stretches = [(instants[0], instants[-1], float(instants[-1] - instants[0]), False)]
        whole = stretches[0][2]
    left, pieces = 0.0, []
    for start, end, width, is_break in stretches:
        pieces.append(Piece(start, end, left / whole, width / whole, is_break))
        left += width
    return TimeScale(tuple(pieces))


def _stretches(
    gaps: Sequence[tuple[Duration, Duration]], idle: Sequence[bool], limit: float
) -> list[tuple[Duration, Duration, float, bool]]:
    """Start, end, width and whether it is a break; what lies between two breaks is one stretch."""
    weights = [1 + log2((end - start) / limit) / 6 for (start, end), flag in zip(gaps, idle, strict=True) if flag]
    plain = sum(end - start for (start, end), flag in zip(gaps, idle, strict=True) if not flag) or SECOND
    share = min(_BREAK * sum(weights), _BREAKS)
    unit = share / (1 - share) * plain / sum(weights) if weights else 0.0
    found: list[tuple[Duration, Duration, float, bool]] = []
    left = iter(weights)
    for (start, end), is_break in zip(gaps, idle, strict=True):
        if is_break:
            found.append((start, end, next(left) * unit, True))
        elif found and not found[-1][3]:
            found[-1] = (found[-1][0], end, found[-1][2] + end - start, False)
        else:
            found.append((start, end, float(end - start), False))
    return found


def _limit(gaps: Sequence[Duration]) -> float:
    """The longest stretch that is ordinary: a share of the width that is left when longer ones are cut to it."""
    limit = float(sum(gaps))
    for _ in range(40):
        limit = max(_SHARE * sum(min(gap, limit) for gap in gaps), _LEAST)
    return limit


def ticks(scale: TimeScale, smallest: float) -> tuple[tuple[Duration, str], ...]:
    """Round instants at least ``smallest`` apart (of the whole width 1), each with its label."""
    found: list[tuple[Duration, str]] = []
    taken = -1.0
    for piece in scale.pieces:
        if piece.is_break:
            continue
        length = piece.end - piece.start
        step = next((step for step in _STEPS if step / length * piece.width >= smallest), None)
        step = step or _STEPS[-1]
        at = -(-piece.start // step) * step
        while at <= piece.end:
            place = scale.at(at)
            if place - taken >= smallest * 0.999 or taken < 0:
                found.append((at, tick_label(at)))
                taken = place
            at += step
    return tuple(found)


def tick_label(at: Duration) -> str:
    """``12s``, ``0.5s``, ``1m``, ``2m05s``, ``1h10m``, ``24h 05s``, ``30d``."""
    if at < MINUTE:
        return f"{at / SECOND:g}s"
    if at < HOUR:
        minutes, rest = divmod(at, MINUTE)
        return f"{minutes}m" if not rest else f"{minutes}m{_padded(rest)}s"
    days, rest = divmod(at, 24 * HOUR)
    parts = [f"{days}d"] if days > 2 else []
    hours, rest = divmod(rest if parts else at, HOUR)
    parts += [f"{hours}h"] if hours or not parts else []
    if not rest:
        return " ".join(parts)
    minutes, rest = divmod(rest, MINUTE)
    parts += [f"{minutes:02}m"] if minutes else []
    parts += [f"{_padded(rest)}s"] if rest else []
    return "".join(parts) if minutes else " ".join(parts)


def _padded(rest: Duration) -> str:
    return f"{rest // SECOND:02}" if rest % SECOND == 0 else f"{rest / SECOND:04.1f}"
