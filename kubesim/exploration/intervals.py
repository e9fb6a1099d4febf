"""Estimates with confidence intervals: proportions (Wilson), means (Student's t), quantiles (order statistics)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A value with the interval that covers the true one with the confidence asked for."""

    value: float
    low: float
    high: float


def proportion(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """Wilson's score interval: it stays inside [0, 1] and holds for rare events (Wilson 1927)."""
    share = successes / trials
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    spread = z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    low = 0.0 if successes == 0 else max(middle - half, 0.0)
    return Estimate(share, low, 1.0 if successes == trials else min(middle + half, 1.0))


def mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The mean with Student's interval; of a single value nothing is known: it spans everything."""
    count = len(values)
    middle = math.fsum(values) / count
    if count == 1:
        return Estimate(middle, -math.inf, math.inf)
    variance = math.fsum((value - middle) ** 2 for value in values) / (count - 1)
    half = student_quantile(0.5 + confidence / 2, count - 1) * math.sqrt(variance / count)
    return Estimate(middle, middle - half, middle + half)


def quantile(values: Sequence[float], share: float, confidence: float = CONFIDENCE) -> Estimate:
    """A quantile, between the order statistics that cover the true one whatever the distribution.

    The ranks come from the binomial distribution, by its normal approximation; where there are too few values for the
    confidence asked for, the interval ends at the smallest or largest value seen. Source: David and Nagaraja, Order
    Statistics, 7.1.
    """
    ordered = sorted(values)
    count = len(ordered)
    place = share * (count - 1)
    below = math.floor(place)
    above = min(below + 1, count - 1)
    value = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    spread = z * math.sqrt(count * share * (1 - share))
    low, high = math.floor(count * share - spread), math.ceil(count * share + spread)
    return Estimate(value, ordered[max(low - 1, 0)], ordered[min(max(high, 0), count - 1)])


@lru_cache(maxsize=256)
def student_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t distribution with so many degrees of freedom, for a probability above a half."""
    if freedom > 500:
        z = NormalDist().inv_cdf(probability)
        return z + (z**3 + z) / (4 * freedom)
    low, high = 0.0, 1.0
    while _student_below(high, freedom) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if _student_below(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return high


def _student_below(t: float, freedom: int) -> float:
    """P(T <= t) for t >= 0, the finite series for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    cosine_squared = math.cos(angle) ** 2
    is_odd = freedom % 2 == 1
    term = math.cos(angle) if is_odd else 1.0
    total = term if freedom > 1 else 0.0
    for number in range(3 if is_odd else 2, freedom - 1, 2):
        term *= cosine_squared * (number - 1) / number
        total += term
    if is_odd:
        return 0.5 + (angle + math.sin(angle) * total) / math.pi
    return 0.5 + math.sin(angle) * total / 2
