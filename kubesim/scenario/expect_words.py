"""How the outcome of an expectation is put into words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from kubesim.scenario.facts import Moment
from kubesim.units import Duration, format_duration

Seen: TypeAlias = tuple[bool, str]
"""Whether something held, and what was seen."""


def all_of(seen: list[Seen]) -> Seen:
    """Held when all held; explained by those that broke it, or by all."""
    broken = [text for held, text in seen if not held]
    return not broken, "; ".join(broken or [text for _, text in seen])


def at(moment: Moment | Any) -> str:
    """The instant of a moment."""
    return format_duration(moment.at)


def when(instant: Duration | None) -> str:
    """The instant an expectation is about."""
    return "at the end" if instant is None else f"at {format_duration(instant)}"


def times(count: int) -> str:
    """How often."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def listed(words: Iterable[str]) -> str:
    """Words with commas between them."""
    return ", ".join(words)
