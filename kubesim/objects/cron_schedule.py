"""Reading a cron schedule as Kubernetes does: five fields, ``@descriptors``, ``@every``, and a leading ``TZ=``.

It differs from other crons: Sunday is 0 only, ``N/step`` runs to the end of the range, and ``*/step`` is no star, so
that days of the month and of the week both restricted mean either of them. The errors are those that the API server
and the controller print. Source: the documentation of github.com/robfig/cron/v3, which Kubernetes uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubesim.errors import KubesimError
from kubesim.units import SECOND, Duration, parse_duration

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY: Final = "@every "
_NUMBER: Final = re.compile(r"[+-]?\d+")


class BadSchedule(KubesimError):
    """A schedule that cannot be read; the message is that of the cron library."""


@dataclass(frozen=True, slots=True)
class _Range:
    low: int
    high: int
    names: Mapping[str, int]


_FIELDS: Final = (
    _Range(0, 59, {}),
    _Range(0, 23, {}),
    _Range(1, 31, {}),
    _Range(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Range(0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


@dataclass(frozen=True, slots=True)
class Times:
    """Minutes of the clock of a zone. ``fields``: minute, hour, day of month, month, day of week, each ``*`` or a list.

    With a star for either kind of day both must fit, otherwise one of them.
    """

    fields: tuple[str, ...]
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed delay in whole seconds, counted from the time before."""

    delay: Duration


Schedule: TypeAlias = Times | Every


@lru_cache(maxsize=256)
def parse_schedule(text: str) -> Schedule:
    """The schedule that a text means. Raises :class:`BadSchedule`."""
    if not text:
        raise BadSchedule("empty spec string")
    zone = "UTC"
    if text.startswith(("TZ=", "CRON_TZ=")):
        named, _, rest = text.partition(" ")
        zone, text = named.partition("=")[2], rest.strip()
        if not is_zone(zone):
            raise BadSchedule(f"provided bad location {zone}: unknown time zone {zone}")
    if text.startswith("@"):
        return _descriptor(text, zone)
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise BadSchedule(f"expected exactly {len(_FIELDS)} fields, found {len(parts)}: [{' '.join(parts)}]")
    return Times(tuple(_field(part, bounds) for part, bounds in zip(parts, _FIELDS, strict=True)), zone)


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name; the empty name is UTC."""
    try:
        ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _descriptor(text: str, zone: str) -> Schedule:
    if text in _DESCRIPTORS:
        return Times(tuple(_DESCRIPTORS[text].split()), zone)
    if text.startswith(_EVERY):
        try:
            delay = parse_duration(text.removeprefix(_EVERY))
        except ValueError as problem:
            raise BadSchedule(f"failed to parse duration {text}: {problem}") from problem
        return Every(max(SECOND, delay // SECOND * SECOND))
    raise BadSchedule(f"unrecognized descriptor: {text}")


def _field(text: str, bounds: _Range) -> str:
    """One field as ``*`` or a list of all its numbers, which no reader of cron expressions takes otherwise."""
    values: set[int] = set()
    star = False
    for part in filter(None, text.split(",")):
        numbers, is_star = _part(part, bounds)
        values.update(numbers)
        star = star or is_star
    return "*" if star else ",".join(map(str, sorted(values)))


def _part(text: str, bounds: _Range) -> tuple[range, bool]:
    """The numbers of one part of a list, and whether it is a star."""
    span, *steps = text.split("/")
    ends = span.split("-")
    is_star = ends[0] in ("*", "?")
    if is_star:
        start, end = bounds.low, bounds.high
    else:
        if len(ends) > 2:
            raise BadSchedule(f"too many hyphens: {text}")
        start = _number(ends[0], bounds)
        end = _number(ends[1], bounds) if len(ends) == 2 else start
    if len(steps) > 1:
        raise BadSchedule(f"too many slashes: {text}")
    step = 1
    if steps:
        step = _plain_number(steps[0])
        if len(ends) == 1:
            end = bounds.high
        is_star = is_star and step <= 1
    _check(text, start, end, step, bounds)
    return range(start, end + 1, step), is_star


def _check(text: str, start: int, end: int, step: int, bounds: _Range) -> None:
    if start < bounds.low:
        raise BadSchedule(f"beginning of range ({start}) below minimum ({bounds.low}): {text}")
    if end > bounds.high:
        raise BadSchedule(f"end of range ({end}) above maximum ({bounds.high}): {text}")
    if start > end:
        raise BadSchedule(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise BadSchedule(f"step of range should be a positive number: {text}")


def _number(text: str, bounds: _Range) -> int:
    named = bounds.names.get(text.lower())
    return _plain_number(text) if named is None else named


def _plain_number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadSchedule(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise BadSchedule(f"negative number ({number}) not allowed: {text}")
    return number
