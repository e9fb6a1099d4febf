"""Sets of completion indexes as ordered intervals, and their text such as ``0-3,5`` in a Job's status.

Source: ``indexed_job_utils.go`` orderedIntervals, parseIndexesFromString. Texts come from users too (successPolicy), so
reading must do with odd ones exactly what the controller does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from heapq import merge
from operator import itemgetter
from typing import Final, TypeAlias

Interval: TypeAlias = tuple[int, int]
"""First and last index, both included."""

Intervals: TypeAlias = tuple[Interval, ...]

_NUMBER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_LARGEST: Final = 2**63 - 1


def parse_indexes(text: str, completions: int) -> Intervals:
    """The indexes below ``completions`` in a text; unreadable parts are passed over, neighbours joined (J-35, J-43).

    Parts are taken in the order given and reading stops at the first that begins beyond the end.
    """
    found: list[Interval] = []
    for part in text.split(",") if text else ():
        limits = part.split("-")
        first = read_number(limits[0])
        if first is None:
            continue
        if first >= completions:
            break
        last = first
        if len(limits) > 1:
            end = read_number(limits[1])
            if end is None:
                continue
            last = min(end, completions - 1)
        if found and found[-1][1] == first - 1:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return tuple(found)


def read_number(text: str) -> int | None:
    """The number in a text as Go's ``strconv.Atoi`` reads it: no spaces, 64 bits; None if it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -_LARGEST - 1 <= number <= _LARGEST else None


def format_indexes(intervals: Intervals) -> str:
    """The text of intervals: two neighbours are ``3,4``, three ``3-5``."""
    parts = []
    for first, last in intervals:
        if last <= first:
            parts.append(str(first))
        else:
            parts.append(f"{first},{last}" if last == first + 1 else f"{first}-{last}")
    return ",".join(parts)


def total(intervals: Intervals) -> int:
    """How many indexes the intervals hold."""
    return sum(last - first + 1 for first, last in intervals)


def merged(intervals: Intervals, others: Intervals) -> Intervals:
    """The union of two ordered lists, touching intervals joined."""
    result: list[Interval] = []
    for first, last in merge(others, intervals, key=itemgetter(0)):
        if not result or first > result[-1][1] + 1:
            result.append((first, last))
        elif result[-1][1] < last:
            result[-1] = (result[-1][0], last)
    return tuple(result)


def with_indexes(intervals: Intervals, indexes: Iterable[int]) -> Intervals:
    """The intervals and some single indexes, given in any order."""
    return merged(intervals, tuple((index, index) for index in sorted(indexes)))


def contains(intervals: Intervals, index: int) -> bool:
    """Whether an index is in ordered intervals (bisection on the last ones)."""
    low, high = 0, len(intervals)
    while low < high:
        middle = (low + high) // 2
        if intervals[middle][1] >= index:
            high = middle
        else:
            low = middle + 1
    return high < len(intervals) and intervals[high][0] <= index


def overlap(intervals: Intervals, others: Intervals) -> int:
    """How many indexes two ordered lists have in common."""
    common = here = there = 0
    while here < len(intervals) and there < len(others):
        (first, last), (other_first, other_last) = intervals[here], others[there]
        common += max(0, min(last, other_last) - max(first, other_first) + 1)
        here += last <= other_last
        there += other_last <= last
    return common


def first_missing(intervals: Intervals, count: int, end: int) -> tuple[int, ...]:
    """The ``count`` lowest indexes below ``end`` that ordered intervals leave out (J-28)."""
    found: list[int] = []
    candidate = 0
    for first, last in (*intervals, (end, end)):
        stop = min(first, end, candidate + count - len(found))
        found.extend(range(candidate, stop))
        candidate = max(stop, candidate, last + 1)
        if len(found) >= count:
            break
    return tuple(found)
