"""The values of a sweep's parameter: ``5,10,30``, ``1s..30s``, ``10..60/10``, or a list of a scenario file."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Source
from kubesim.units import format_duration, parse_duration

_RANGE: Final = re.compile(r"(?P<low>[^,()\s]+?)\.\.(?P<high>[^,()/\s]+)(/(?P<step>[^,()/\s]+))?")
_OPENING: Final = {"(": ")", "[": "]", "{": "}"}
_FORMS: Final = 'write values as "5,10,30", a range as "1s..30s", or one with steps as "10..60/10"'


@dataclass(frozen=True, slots=True)
class Values:
    """A few values, each as the manifest or scenario would have it."""

    items: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The value at a place in [0, 1) of a design."""
        return self.items[int(share * len(self.items))]


@dataclass(frozen=True, slots=True)
class Range:
    """Everything between two ends: whole numbers (both ends count), durations to the millisecond, or decimals."""

    kind: str
    """integer, duration or decimal; a duration's ends are nanoseconds."""
    low: float
    high: float

    def at(self, share: float) -> Any:
        """The value at a place in [0, 1) of a design."""
        if self.kind == "integer":
            return int(self.low) + int(share * (int(self.high) - int(self.low) + 1))
        value = self.low + share * (self.high - self.low)
        if self.kind == "duration":
            return format_duration(round(value / 10**6) * 10**6)
        return value


def parse_values(given: Any, where: str) -> Values | Range:
    """The values of a parameter: text in the grammar of ``--set``, a list, or one value.

    Raises ScenarioError naming the parameter and what can be written.
    """
    if isinstance(given, list | tuple):
        items = tuple(given)
    elif isinstance(given, str):
        found = _range(given, where)
        if found is not None:
            return found
        items = tuple(item for part in split(given) for item in _listed(part, where))
    else:
        items = (given,)
    if not items:
        raise ScenarioError(f"has no values; {_FORMS}", field=where)
    return Values(items)


def split(text: str) -> list[str]:
    """The parts of a text between commas that stand outside brackets and quotes."""
    parts, begun, closing, quote = [], 0, [], ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in _OPENING:
            closing.append(_OPENING[letter])
        elif closing and letter == closing[-1]:
            closing.pop()
        elif letter == "," and not closing:
            parts.append(text[begun:place].strip())
            begun = place + 1
    return [*parts, text[begun:].strip()] if text.strip() else []


def _listed(text: str, where: str) -> tuple[Any, ...]:
    """The values of one part of a list: one value, or those of a range with steps."""
    found = _range(text, where)
    if isinstance(found, Range):
        raise ScenarioError(f"{text!r} has no step, and stands among single values; {_FORMS}", field=where)
    return found.items if found is not None else (_scalar(text, where),)


def _scalar(text: str, where: str) -> Any:
    """A value as kubectl's YAML reads it: 5 is a number, "5" a text, {a: b} a mapping."""
    if not text:
        raise ScenarioError(f'has an empty value; {_FORMS}, and an empty text as ""', field=where)
    try:
        return next(Source(where, text).values(), None)
    except (ScenarioError, yaml.YAMLError) as problem:
        raise ScenarioError(f"{text!r} is no YAML value; {_FORMS}", field=where) from problem


def _range(text: str, where: str) -> Values | Range | None:
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return None
    low, high, step = match["low"], match["high"], match["step"]
    kind = next((kind for kind in _READERS if _fits(kind, low, high, step)), None)
    if kind is None:
        raise ScenarioError(f"{text!r} is no range of numbers or of durations; {_FORMS}", field=where)
    first, last = _READERS[kind](low), _READERS[kind](high)
    if first > last:
        raise ScenarioError(f"{text!r} ends before it begins; write {high}..{low}", field=where)
    if step is None:
        return Range(kind, first, last)
    width = _READERS[kind](step)
    if width <= 0:
        raise ScenarioError(f"{text!r}: the step must be more than 0", field=where)
    count = math.floor((last - first) / width + 1e-9) + 1
    return Values(tuple(_value(kind, first + number * width) for number in range(count)))


def _fits(kind: str, *texts: str | None) -> bool:
    try:
        return all(text is None or _READERS[kind](text) is not None for text in texts)
    except ValueError:
        return False


def _value(kind: str, value: float) -> Any:
    if kind == "duration":
        return format_duration(int(value))
    return value if kind == "integer" else round(value, 12)


_READERS: Final[dict[str, Any]] = {"integer": int, "decimal": float, "duration": parse_duration}
