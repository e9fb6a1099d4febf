"""Kinds of command-line values: durations, gates and bugs, deletes. Each function is the ``type`` of an option.

At the end the options that several commands have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

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


def not_empty(
    _: click.Context, parameter: click.Parameter, given: str | tuple[str, ...] | None
) -> str | tuple[str, ...] | None:
    """Refuses ``--release=""``, which is what a variable that is not set makes of ``--release="$RELEASE"``."""
    texts = given if isinstance(given, tuple) else (given,)
    if any(text is not None and not text.strip(", ") for text in texts):
        way_out = "write one such as 1.29" + ("" if parameter.required else ", or leave it out")
        raise click.UsageError(f"{parameter.opts[0]} is empty; {way_out}")
    return given


def release_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """For completion: the releases; after a comma, one more of them."""
    from kubesim.releases.tables import RELEASES

    before, comma, part = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in RELEASES if name.startswith(part)]


def gate_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """For completion: ``NAME=true`` and ``NAME=false`` of each gate, after the name of a part, too."""
    from kubesim.releases.tables import load

    part, colon, wanted = incomplete.rpartition(":")
    return [
        f"{part}{colon}{name}={value}"
        for name in sorted(load("feature_gates"))
        for value in ("true", "false")
        if f"{name}={value}".startswith(wanted)
    ]


def bug_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """For completion: ``NAME=on`` and ``NAME=off`` of each known bug."""
    from kubesim.releases.tables import load

    settings = (f"{name}={value}" for name in sorted(load("bugs")) for value in ("on", "off"))
    return [one for one in settings if one.startswith(incomplete)]


DELETE_AT: Final = click.option(
    "--delete-at", type=delete_at, metavar="WHEN[:GRACE]", help="Delete the Pods, and what makes them, then."
)
DRAW: Final = click.option(
    "--draw", type=click.IntRange(min=0), default=0, help="Number of a draw of the latencies; 0: nominal."
)
SEED: Final = click.option("--seed", type=int, help="Seed of everything that is left to chance.")
TIMING: Final = click.option("--timing", type=click.Choice(("ideal", "typical", "loaded")), help="Latency profile.")
GATES: Final = click.option(
    "--gate",
    "gates",
    multiple=True,
    type=setting,
    metavar="[PART:]NAME=BOOL",
    help="Gate, of all or of one part (apiserver, node).",
    shell_complete=gate_names,
)
BUGS: Final = click.option(
    "--bug",
    "bugs",
    multiple=True,
    type=bug,
    metavar="NAME=on|off",
    help="A known bug, against the release; features --bugs lists them.",
    shell_complete=bug_names,
)
OF_RELEASES: Final[dict[str, Any]] = {"callback": not_empty, "shell_complete": release_names}
"""What every option that takes releases has besides its name and help."""
RELEASE: Final = click.option("--release", metavar="R", help="Release, such as 1.29.", **OF_RELEASES)
RELEASES: Final = click.option(
    "--release",
    "releases",
    multiple=True,
    metavar="R",
    help="Release, such as 1.29; repeat to see several.",
    **OF_RELEASES,
)
UNTIL: Final = click.option("--until", type=duration, metavar="DURATION", help="How long the run lasts, such as 2m.")
