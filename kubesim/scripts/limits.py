"""How much a container's programs may do: enough for any real script, and an end for those that have none.

Virtual time passes only where something waits, so a script that never waits, or writes without end, would never let the
simulation go on. Departure: past these limits a process counts as busy until it is killed, which the run says.
"""

from __future__ import annotations

from typing import Final

from kubesim.errors import ScenarioError
from kubesim.units import SECOND, Duration, format_duration

MOST_STEPS: Final = 20_000
"""So many steps of one process without virtual time passing, and it counts as busy for ever."""

MOST_STEPS_TOGETHER: Final = 100_000
"""The same for all processes of a container run: a loop of short-lived children is as endless."""

MOST_PROCESSES: Final = 1_000
"""More processes than any container has; those beyond would only multiply."""

MOST_TEXT: Final = 1 << 22
"""Characters that one variable, one line of work of a tool, or all output of one instant may hold."""

_MOST_STEPS_EVER: Final = 200_000
_MOST_STEPS_A_SECOND: Final = 20_000


class TooMuch(Exception):
    """A program wants to hold more text than is modelled."""


def bounded(text: str) -> str:
    """The text itself; raises TooMuch for more than a simulated program may hold."""
    if len(text) > MOST_TEXT:
        raise TooMuch(f"wants to hold more than {MOST_TEXT:,} characters")
    return text


def check_pace(steps: int, elapsed: Duration, argv: tuple[str, ...], subject: str) -> None:
    """Raise ScenarioError for a program that waits so briefly, so often, that virtual time hardly passes."""
    if steps > _MOST_STEPS_EVER and steps * SECOND > _MOST_STEPS_A_SECOND * max(elapsed, 1):
        raise ScenarioError(
            f"`{' '.join(argv)[:60]}` took {steps:,} steps in {format_duration(elapsed)} of virtual time and goes on "
            "like this; let it wait longer, or declare a script for its container (spec.containers)",
            field=subject or None,
        )
