"""Kinds of command-line values: durations, gates and bugs, deletes. Each function is the ``type`` of an option.

At the end the options that several commands have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import click

from kubesim.units import HOUR, LONGEST, Duration, parse_duration

_TRUE: Final = ("true", "t", "1", "on")
_FALSE: Final = ("false", "f", "0", "off")


@dataclass(frozen=True, slots=True)
class Setting:
    """A gate or bug set by hand; ``component`` None: everywhere."""

    name: str
    value: bool
    component: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteAt:
    """Delete everything the scenario begins with, so long after t=0; None leaves the grace to the API server."""

    at: Duration
    grace: int | None


def duration(text: str | Duration) -> Duration:
    """A Go duration, not negative."""
    if isinstance(text, int):
        return text
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if found < 0:
        raise click.BadParameter(f"{text!r} is negative; write a duration from 0s on")
    if found > LONGEST:
        raise click.BadParameter(f"{text!r} is longer than a run can be; the longest is {LONGEST // HOUR}h, a year")
    return found


def bug(text: str | Setting) -> Setting:
    """``NAME=on`` or ``COMPONENT:NAME=off``, with the name of a known bug."""
    from kubesim.releases.release import check_bug

    if isinstance(text, str) and "=" not in text:
        check_bug(text)
        raise click.BadParameter(f"{text!r} is not a setting; write {text}=off, or {text}=on")
    return setting(text)


def setting(text: str | Setting) -> Setting:
    """``NAME=true`` or ``COMPONENT:NAME=true``."""
    if isinstance(text, Setting):
        return text
    name, _, wanted = text.partition("=")
    component, colon, rest = name.rpartition(":")
    word = wanted.strip().lower()
    if not rest or word not in (*_TRUE, *_FALSE) or (colon and not component):
        raise click.BadParameter(f"{text!r} is not a setting; write NAME=true, NAME=false or node:NAME=true")
    return Setting(rest, word in _TRUE, component or None)


def delete_at(text: str | DeleteAt) -> DeleteAt:
    """``12s`` or ``12s:5``: when, and with which grace in seconds."""
    if isinstance(text, DeleteAt):
        return text
    when, colon, grace = text.partition(":")
    digits = grace.removesuffix("s")
    if colon and not digits.isdecimal():
        raise click.BadParameter(f"grace {grace!r} is not a number of seconds; write 12s:5 or 12s")
    return DeleteAt(duration(when), int(digits) if colon else None)


DELETE_AT: Final = click.option(
    "--delete-at", type=delete_at, metavar="WHEN[:GRACE]", help="Delete the Pods, and what makes them, then."
)
DRAW: Final = click.option(
    "--draw", type=click.IntRange(min=0), default=0, help="Number of a draw of the latencies; 0: nominal."
)
SEED: Final = click.option("--seed", type=int, help="Seed of everything that is left to chance.")
TIMING: Final = click.option("--timing", type=click.Choice(("ideal", "typical", "loaded")), help="Latency profile.")
UNTIL: Final = click.option("--until", type=duration, metavar="DURATION", help="How long the run lasts, such as 2m.")
