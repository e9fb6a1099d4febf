"""The time axis: linear where something happens, broken where nothing does for long."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kubesim.timelines.plot_scale import tick_label, ticks, time_scale
from kubesim.units import HOUR, MINUTE, SECOND


def at(*seconds: float) -> list[int]:
    return [int(second * SECOND) for second in seconds]


@pytest.mark.parametrize(
    ("name", "instants", "breaks"),
    [
        ("nothing at all", [], 0),
        ("one instant", at(3), 0),
        ("evenly spread", at(0, 2, 4, 6, 8, 10), 0),
        ("a minute with pauses", at(0, 10, 20, 30, 45, 60), 0),
        ("half an hour of nothing in the middle", at(0, 1, 2, 1800, 1801, 1802), 1),
        ("a crash loop", at(0, 2, 12, 14, 34, 36, 76, 78, 158, 160, 320), 4),
        ("a break that saves little is none", at(0, *range(1, 40), 53), 0),
        ("nothing but one long stretch", at(0, 0.5, 3600), 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_breaks(name: str, instants: list[int], breaks: int) -> None:
    assert len(time_scale(instants).breaks) == breaks


@pytest.mark.parametrize("instants", [at(0, 1, 2, 1800, 1801, 1802), at(0, 5, 9), at(0, 0.5, 3600), at(0, 2, 12, 500)])
def test_the_scale_is_monotone_and_whole(instants: list[int]) -> None:
    scale = time_scale(instants)
    places = [scale.at(instant) for instant in range(instants[0], instants[-1] + 1, (instants[-1] or 1) // 500)]
    assert places == sorted(places)
    assert scale.at(instants[0]) == 0
    assert scale.at(instants[-1]) == pytest.approx(1)
    assert scale.at(instants[-1] + HOUR) == pytest.approx(1)
    assert sum(piece.width for piece in scale.pieces) == pytest.approx(1)


def test_a_longer_break_is_wider_but_not_by_much() -> None:
    short, long_ = time_scale(at(0, 5, 10, 15, 200, 205, 3600, 3605)).breaks
    assert short.width < long_.width < 2 * short.width


def test_ticks_are_round_and_apart_and_never_in_a_break() -> None:
    scale = time_scale(at(0, 1, 2, 3, 1800, 1801, 1802, 1803))
    found = ticks(scale, 0.05)
    places = [scale.at(instant) for instant, _ in found]
    assert all(after - before >= 0.0499 for before, after in pairwise(places))
    gap = scale.breaks[0]
    assert not any(gap.start < instant < gap.end for instant, _ in found)
    assert {"0s", "1s", "30m01s"} <= {label for _, label in found}


@pytest.mark.parametrize(
    ("instant", "label"),
    [
        (0, "0s"),
        (SECOND // 2, "0.5s"),
        (12 * SECOND, "12s"),
        (MINUTE, "1m"),
        (2 * MINUTE + 5 * SECOND, "2m05s"),
        (2 * MINUTE + 5 * SECOND + SECOND // 2, "2m05.5s"),
        (HOUR, "1h"),
        (HOUR + 10 * MINUTE, "1h10m"),
        (24 * HOUR + 5 * SECOND, "24h 05s"),
        (720 * HOUR, "30d"),
        (720 * HOUR + 5 * SECOND, "30d 05s"),
        (726 * HOUR + 10 * MINUTE, "30d6h10m"),
    ],
)
def test_labels(instant: int, label: str) -> None:
    assert tick_label(instant) == label
