"""What the rules that find causes share: the gaps they judge by, and the tree they build."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from kubesim.fidelity.jitter import ROOT, Causes, Kind, Link
from kubesim.fidelity.trace import SANDBOX, Action, Key, Life, Moment, Trace
from kubesim.units import MILLISECOND, SECOND, Duration, Instant

AT_ONCE: Final = 300 * MILLISECOND
"""The longest gap of something that follows directly, on a loaded machine."""
QUICK: Final = 800 * MILLISECOND
"""A start this soon after the one before did not wait for a look of the PLEG."""
SKEW: Final = 30 * MILLISECOND
"""How much the clocks of the runtime's log, the watch and the driver may disagree."""
LOOK: Final = 2_500 * MILLISECOND
"""The longest gap that a look of the PLEG explains."""
WRITE: Final = 4 * SECOND
"""The longest gap between something and the status that tells of it."""

Candidate: TypeAlias = tuple[Instant, Key, Kind]


@dataclass(slots=True)
class Tree:
    """The causes found so far, with what the rules look things up in."""

    trace: Trace
    causes: Causes
    actions: list[Action]
    created: dict[str, Key] = field(default_factory=dict)
    job_of: dict[str, str] = field(default_factory=dict)

    def hang(self, key: Key, cause: Key, kind: Kind) -> None:
        """Record a cause, unless that would close a circle."""
        above: Key | None = cause
        while above is not None:
            if above == key:
                cause, kind = ROOT, Kind.DIRECT
                break
            above = link.cause if (link := self.causes.links.get(above)) else None
        self.causes.links[key] = Link(cause, kind)

    def actions_on(self, name: str, before: Instant, within: Duration) -> Action | None:
        """The latest action upon an object, not long before."""
        for action in reversed(self.actions):
            upon = action.name == name or (action.do == "delete-job-pod" and "-~" in name)
            if upon and -SKEW <= before - action.at <= within:
                return action
        return None


def latest(candidates: Iterable[Candidate], at: Instant) -> Candidate | None:
    """The latest candidate that is not after the instant."""
    known = [each for each in candidates if each[0] <= at + SKEW]
    return max(known, key=lambda each: each[0], default=None)


def moments_of(life: Life, *whats: str) -> list[Moment]:
    """The runtime events of these sorts, sandboxes left out."""
    return [moment for moment in life.moments if moment.what in whats and moment.container != SANDBOX]
