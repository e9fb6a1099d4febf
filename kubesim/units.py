"""Instants and durations: integer nanoseconds, as Go's ``time.Duration``; parsing and printing them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, TypeAlias

Instant: TypeAlias = int
"""A point on the virtual clock, in nanoseconds since :data:`EPOCH_UNIX_SECONDS`."""

Duration: TypeAlias = int
"""A length of virtual time, in nanoseconds; may be negative where a rule says so."""

NANOSECOND: Final = 1
MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

LONGEST: Final = 366 * DAY
"""The longest duration that a scenario or an option can speak of."""

EPOCH_UNIX_SECONDS: Final = 1_704_067_200
"""Instant 0 is 2024-01-01T00:00:00Z, so that histories of one scenario carry the same timestamps for ever."""

_LONGEST: Final = 2**63 - 1
"""The longest duration, in nanoseconds, as in Go."""

_UNITS: Final[dict[str, int]] = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_PART: Final = re.compile(r"(\d+\.\d*|\d*\.\d+|\d+)(ns|us|µs|ms|s|m|h)")


def seconds(value: int | float | str | Decimal) -> Duration:
    """Nanoseconds of a number of seconds; a float is taken at its printed value (0.1 is 100 ms)."""
    return int(Decimal(str(value)) * SECOND)


def to_seconds(duration: Duration) -> float:
    """Seconds as a float, for printing only; arithmetic stays in nanoseconds."""
    return duration / SECOND


def parse_duration(text: str) -> Duration:
    """Nanoseconds of a Go duration such as ``1m30s`` or ``250ms``.

    Raises ValueError with the accepted form when the text is not one, or is longer than Go's durations can be.
    Source: Go ``time.ParseDuration``.
    """
    body = text.strip()
    sign = -1 if body.startswith("-") else 1
    body = body.lstrip("+-")
    if body == "0":
        return 0
    position, total = 0, Decimal(0)
    while position < len(body) and (part := _PART.match(body, position)):
        total += Decimal(part.group(1)) * _UNITS[part.group(2)]
        position = part.end()
    if not body or position != len(body):
        raise ValueError(f'{text!r} is not a duration; write it as "90s", "1m30s" or "250ms"')
    if total > _LONGEST:
        raise ValueError(f"{text!r} is longer than a duration can be; the longest is 2562047h, about 292 years")
    return sign * int(total)


def format_duration(duration: Duration) -> str:
    """The Go form of a duration: ``1m20s``, ``1.5s``, ``250ms``, ``0s`` (Go ``Duration.String``)."""
    if duration == 0:
        return "0s"
    sign, rest = ("-", -duration) if duration < 0 else ("", duration)
    if rest < SECOND:
        for unit, name in ((MILLISECOND, "ms"), (MICROSECOND, "µs"), (NANOSECOND, "ns")):
            if rest >= unit:
                return f"{sign}{_decimal(rest, unit)}{name}"
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if hours or minutes else ""
    return f"{sign}{text}{_decimal(rest, SECOND)}s"


def _decimal(value: int, unit: int) -> str:
    whole, fraction = divmod(value, unit)
    if not fraction:
        return str(whole)
    digits = str(fraction).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}"
