"""What an expectation is checked against: the facts of one run, folded from its history by whoever holds one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kubesim.units import Instant


class Moment(NamedTuple):
    """An instant, and the place in the history that orders things within it."""

    at: Instant
    order: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One life of a container's process 1."""

    start: Moment
    exit: Moment | None = None
    code: int | None = None
    reason: str | None = None
    """Completed, Error, OOMKilled, … as the status shows it."""
    signals: tuple[tuple[Moment, str], ...] = ()
    """Every signal from outside, KILL included, without SIG."""

    @property
    def killed(self) -> Moment | None:
        """When SIGKILL was sent, if it was."""
        return next((moment for moment, signal in self.signals if signal == "KILL"), None)


@dataclass(frozen=True, slots=True)
class ConditionChange:
    """A condition as it stood from a moment on."""

    moment: Moment
    type: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PodFacts:
    """The life of one pod."""

    name: str
    namespace: str = "default"
    containers: Mapping[str, tuple[Run, ...]] | None = None
    """Every container of the spec by name, those that never ran included."""
    phases: tuple[tuple[Moment, str], ...] = ()
    reason: str | None = None
    """The pod's last status.reason, such as Evicted or DeadlineExceeded."""
    conditions: tuple[ConditionChange, ...] = ()
    gone: Moment | None = None


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What became of one Job."""

    name: str
    namespace: str = "default"
    conditions: tuple[ConditionChange, ...] = ()
    gone: Moment | None = None
    statuses: tuple[tuple[Moment, Mapping[str, Any]], ...] = ()
    """Its status as it stood from each moment on, the first as it was created."""
    pods: tuple[Moment, ...] = ()
    """When each of its pods was created."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """One Kubernetes Event with the count it reached."""

    moment: Moment
    object_name: str
    type: str
    reason: str
    message: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything expectations may ask of a run."""

    pods: tuple[PodFacts, ...]
    jobs: tuple[JobFacts, ...] = ()
    events: tuple[EventFacts, ...] = ()
    end: Instant = 0
