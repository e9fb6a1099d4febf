"""Estimates and their intervals, against published tables and by simulation."""

from __future__ import annotations

import math
import random

import pytest

from kubesim.exploration.intervals import mean, proportion, quantile, student_quantile


@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (7, 2.365), (10, 2.228), (30, 2.042), (120, 1.980), (1000, 1.962)],
)
def test_students_quantiles_are_those_of_the_tables(freedom: int, t: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(t, abs=6e-4)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (15, 148, 0.0624, 0.1605), (10, 10, 0.7225, 1.0)],
)
def test_wilsons_interval(successes: int, trials: int, low: float, high: float) -> None:
    """15 of 148: the example of Newcombe 1998, method 3."""
    found = proportion(successes, trials)
    assert found.value == successes / trials
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_the_mean_of_a_single_value_says_nothing_about_its_error() -> None:
    assert mean([3.0]) == (3.0, -math.inf, math.inf)
    found = mean([1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    assert found.high - found.value == pytest.approx(3.182 * math.sqrt(5 / 3 / 4), abs=1e-3)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_intervals_cover_the_truth_as_often_as_they_promise(share: float) -> None:
    chance, covered, means = random.Random(1), 0, 0
    truth = -math.log(1 - share)
    for _ in range(400):
        values = [chance.expovariate(1.0) for _ in range(100)]
        found = quantile(values, share)
        covered += found.low <= truth <= found.high
        found = mean(values)
        means += found.low <= 1.0 <= found.high
    assert 0.92 <= covered / 400 <= 0.995
    assert 0.90 <= means / 400 <= 0.98


def test_a_quantile_lies_between_the_values_seen() -> None:
    assert quantile([5.0], 0.99) == (5.0, 5.0, 5.0)
    assert quantile([1.0, 2.0, 3.0], 0.5).value == 2.0
