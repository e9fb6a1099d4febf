"""What judging gives: findings with their proof, and the three-valued verdict on each guarantee."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from kubesim.releases import Release
from kubesim.units import Instant


class Verdict(Enum):
    """Jepsen's three values: a guarantee that nothing put to the test was neither held nor broken."""

    HELD = "held"
    BROKEN = "broken"
    NOT_EXERCISED = "not exercised"


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant of the proof: what happened, and the place of its record in the history if one says so."""

    at: Instant
    what: str
    record: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One occasion on which a guarantee was put to the test. ``known``: why the kubelet is known not to keep it."""

    held: bool
    moments: tuple[Moment, ...]
    said: str = ""
    known: str = ""


Findings: TypeAlias = Iterable[Finding]


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding and whom it is about: a Pod, a Job, or the cluster."""

    subject: str
    finding: Finding


def judge(held: bool, *moments: Moment, said: str = "", known: str = "") -> Finding:
    """A finding; ``said`` adds what the moments do not say by themselves."""
    return Finding(held, moments, said, "" if held else known)


class Subject(Enum):
    """What a check is given, once for each in the history."""

    POD = "Pod"
    JOB = "Job"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a guarantee holds: in words, and asked of the API server's release and the kubelet's."""

    text: str
    holds: Callable[[Release, Release], bool]


@dataclass(frozen=True, slots=True)
class NotKept:
    """A promise that the real kubelet is known to break: why, on which kubelets, and for which Pods."""

    why: str
    on: Callable[[Release], bool]
    where: Callable[[Any], bool] = lambda story: True


EVERYWHERE = Scope("all releases", lambda api, kubelet: True)


@dataclass(frozen=True, slots=True)
class Check:
    """A guarantee's function, and where it holds. ``function`` takes the story of its subject and yields findings.

    ``not_kept`` are the known departures that a story shows by itself; ``remarks`` those that single findings name.
    """

    id: str
    function: Callable[[Any], Findings]
    subject: Subject = Subject.POD
    scope: Scope = EVERYWHERE
    not_kept: tuple[NotKept, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one guarantee in one history, with every finding. ``known``: documented, but not kept, because."""

    id: str
    verdict: Verdict
    findings: tuple[Judged, ...] = ()
    known: str = ""

    @property
    def proof(self) -> tuple[Judged, ...]:
        """The findings that decided: the broken ones if there is any."""
        broken = tuple(judged for judged in self.findings if not judged.finding.held)
        return broken or self.findings
