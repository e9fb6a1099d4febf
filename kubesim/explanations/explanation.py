"""What an explanation says of one Pod, container or Job at one instant. Instants count from t=0."""

from __future__ import annotations

from dataclasses import dataclass

from kubesim.units import Duration


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The next thing that happens to it in this run, as the story tells it."""

    at: Duration
    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where something is, why, since when, what it waits for, and what would change that.

    ``kind`` is Pod, Job, or what a container is: init, sidecar, main. ``upcoming`` None: nothing more happens to it.
    """

    kind: str
    subject: str
    where: str
    since: Duration | None = None
    why: str = ""
    rules: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    upcoming: Upcoming | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The part of an explanation that is decided before the future is looked at; ``since`` is an absolute instant."""

    where: str
    since: int | None = None
    why: str = ""
    rules: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def said_of(self, name: str) -> str:
        """Where a container is, as a clause: ``app is running``, ``app ended with 1``, ``app never started``."""
        return f"{name} {self.where}" if self.where.startswith(("ended", "never")) else f"{name} is {self.where}"
