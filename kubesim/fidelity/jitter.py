"""How far two real runs may lie apart: kinds of links between cause and effect, and sums over paths of them.

The table is fitted to pairs of real runs (conform.md, "The jitter model"). The tolerance of a path is the largest
base on it plus the growth of its other links.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from kubesim.fidelity.trace import Key
from kubesim.units import MILLISECOND, SECOND, Duration, Instant


class Kind(Enum):
    """What lies between a cause and its effect."""

    DIRECT = "direct"
    JOB = "job"
    LOOP = "loop"
    PERIODIC = "periodic"
    PLEG = "pleg"
    PROBE = "probe"
    REQUEUE = "requeue"
    SCRIPT = "script"
    SETUP = "setup"
    SHOWN = "shown"
    STATUS = "status"
    TEARDOWN = "teardown"


BASE: Final[dict[Kind, Duration]] = {
    Kind.DIRECT: 100 * MILLISECOND,
    Kind.JOB: 1_600 * MILLISECOND,
    Kind.LOOP: 1_100 * MILLISECOND,
    Kind.PERIODIC: 35 * SECOND,
    Kind.PLEG: 1_300 * MILLISECOND,
    Kind.PROBE: 1_600 * MILLISECOND,
    Kind.REQUEUE: 5_500 * MILLISECOND,
    Kind.SCRIPT: 100 * MILLISECOND,
    Kind.SETUP: 1_000 * MILLISECOND,
    Kind.SHOWN: 14 * SECOND,
    Kind.STATUS: 1_300 * MILLISECOND,
    Kind.TEARDOWN: 200 * MILLISECOND,
}
"""The tolerance of one link. ``shown``: a back-off becomes visible at once or with the next sync (FINDINGS 32)."""

GROWTH: Final[dict[Kind, Duration]] = {
    Kind.SETUP: 250 * MILLISECOND,
    Kind.JOB: 250 * MILLISECOND,
    Kind.PLEG: 150 * MILLISECOND,
    Kind.PROBE: 150 * MILLISECOND,
    Kind.LOOP: 100 * MILLISECOND,
    Kind.STATUS: 100 * MILLISECOND,
    Kind.REQUEUE: SECOND,
    Kind.SHOWN: SECOND,
    Kind.PERIODIC: SECOND,
    Kind.DIRECT: 20 * MILLISECOND,
    Kind.SCRIPT: 20 * MILLISECOND,
    Kind.TEARDOWN: 20 * MILLISECOND,
}
"""What each further link of a path adds."""

OBSERVED: Final = frozenset(Kind) - {Kind.DIRECT, Kind.SCRIPT, Kind.TEARDOWN}
"""Links with an observation (a look, a write, a timer) in between; the others follow at once or by themselves."""

UNOBSERVED_JITTER: Final = 100 * MILLISECOND
ROOT: Final[Key] = ("t0",)


@dataclass(frozen=True, slots=True)
class Link:
    """What an instant goes back to, and over which kind of link."""

    cause: Key
    kind: Kind


@dataclass(slots=True)
class Causes:
    """The tree of causes of one trace: every instant goes back to t=0 or to an action."""

    times: dict[Key, Instant]
    links: dict[Key, Link] = field(default_factory=dict)
    scale: float = 1.0
    _paths: dict[Key, tuple[Key, ...]] = field(default_factory=dict)
    _tolerances: dict[Key, Duration] = field(default_factory=dict)

    def path(self, key: Key) -> tuple[Key, ...]:
        """The instant, its cause, the cause of that, … up to the root."""
        if (known := self._paths.get(key)) is None:
            link = self.links.get(key)
            known = (key,) if link is None else (key, *self.path(link.cause))
            self._paths[key] = known
        return known

    def root(self, key: Key) -> Key:
        """t=0 or the action an instant goes back to."""
        return self.path(key)[-1]

    def goes_back_to(self, key: Key, ancestor: Key) -> bool:
        """Whether one instant is among the causes of another (or is that other)."""
        return ancestor in self.path(key)

    def tolerance(self, key: Key) -> Duration:
        """How far the instant may lie from where it was recorded, seen from its root."""
        if (known := self._tolerances.get(key)) is None:
            known = self._sum([self.links[each].kind for each in self.path(key)[:-1]])
            self._tolerances[key] = known
        return known

    def between(self, one: Key, other: Key) -> list[Kind]:
        """The links of the path from one instant to another, over their roots if they share nothing."""
        path, branch = self.path(one), self.path(other)
        shared = set(path) & set(branch)
        return [self.links[each].kind for each in (*path[:-1], *branch[:-1]) if each not in shared]

    def jitter(self, one: Key, other: Key) -> Duration:
        """How far the distance of two instants may differ.

        What follows without an observation in between keeps its order whatever the length of the path.
        """
        kinds = self.between(one, other)
        if OBSERVED.isdisjoint(kinds) and (self.goes_back_to(one, other) or self.goes_back_to(other, one)):
            return round(UNOBSERVED_JITTER * self.scale)
        return self._sum(kinds)

    def extended(self, key: Key, kinds: list[Kind]) -> Duration:
        """The tolerance of something that hangs from a known instant over further links."""
        return self._sum([*(self.links[each].kind for each in self.path(key)[:-1]), *kinds])

    def _sum(self, kinds: list[Kind]) -> Duration:
        if not kinds:
            return 0
        widest = max(kinds, key=lambda kind: (BASE[kind], GROWTH[kind]))
        total = BASE[widest] + sum(GROWTH[kind] for kind in kinds) - GROWTH[widest]
        return round(total * self.scale)
