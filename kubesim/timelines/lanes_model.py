"""The drawing model: what a picture of a run shows, before anybody thinks of pixels. Durations count from t=0."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kubesim.units import MILLISECOND, Duration


class Look(StrEnum):
    """How a stretch of a lane looks: what its container is doing."""

    WAITING = "waiting"
    PULLING = "pulling image"
    BACK_OFF = "back-off"
    RUNNING = "running, not started"
    STARTED = "started"
    READY = "ready"
    TERMINATING = "terminating"
    COMPLETED = "ended 0"
    FAILED = "ended ≠ 0"
    KILLED = "killed"


ALIVE = frozenset({Look.RUNNING, Look.STARTED, Look.READY, Look.TERMINATING})
ENDED = frozenset({Look.COMPLETED, Look.FAILED, Look.KILLED})


class Role(StrEnum):
    """What a lane is the lane of."""

    INIT = "init"
    SIDECAR = "sidecar"
    MAIN = "main"
    EPHEMERAL = "ephemeral"
    POD = "pod"


class MarkKind(StrEnum):
    """What a point on a lane stands for."""

    TERM = "SIGTERM"
    KILL = "SIGKILL"
    SIGNAL = "other signal"
    OUT_OF_MEMORY = "out of memory"
    PROBE_PASSED = "probe passed"
    PROBE_FAILED = "probe failed"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something happened, in words, and the rules that were followed."""

    why: str = ""
    rules: tuple[str, ...] = ()


NO_REASON = Reason()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a lane. ``run`` is the number of the container's run from 0, -1 before the first.

    ``label`` is a word or two that may be written on it. ``is_open``: it goes on after the end of the run.
    """

    start: Duration
    end: Duration
    look: Look
    run: int = -1
    label: str = ""
    reason: Reason = NO_REASON
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on a lane."""

    at: Duration
    kind: MarkKind
    label: str
    reason: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class Hook:
    """A postStart or preStop hook. ``code`` is None when it never ended by itself."""

    start: Duration
    end: Duration
    name: str
    command: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A grace period: from the wish to stop to the instant of SIGKILL. ``seconds`` as it was asked for."""

    start: Duration
    end: Duration
    seconds: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One container's life, or in the view of a Job one Pod's."""

    name: str
    role: Role
    spans: tuple[Span, ...]
    marks: tuple[Mark, ...] = ()
    hooks: tuple[Hook, ...] = ()
    windows: tuple[Window, ...] = ()
    note: str = ""
    """What else the lane is, beside its name: an attempt's number, a Job's index."""

    @property
    def restarts(self) -> tuple[tuple[Duration, int], ...]:
        """When each restart began, and its number from 1."""
        found: dict[int, Duration] = {}
        for span in self.spans:
            if span.run > 0 and span.look in ALIVE:
                found.setdefault(span.run, span.start)
        return tuple((at, run) for run, at in found.items())


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in which a value stays the same."""

    start: Duration
    end: Duration
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """How one value of an object goes through time: the phase, a condition, a counter."""

    name: str
    segments: tuple[Segment, ...]


class MomentKind(StrEnum):
    """What a vertical line stands for."""

    DELETE = "deletion"
    ACTION = "action"
    REFUSED = "refused"
    GONE = "object gone"


@dataclass(frozen=True, slots=True)
class Moment:
    """A vertical line: something done from outside, or an object that went.

    ``subject`` is the Pod or Job that it is about (empty: all); ``label`` is for a place that shows only that one.
    """

    at: Duration
    kind: MomentKind
    label: str
    subject: str = ""
    detail: str = ""

    @property
    def full_label(self) -> str:
        """The label with its subject."""
        verb, comma, rest = self.label.partition(",")
        return f"{verb} {self.subject}{comma}{rest}" if self.subject else self.label


@dataclass(frozen=True, slots=True)
class PodPicture:
    """One Pod: phase and conditions as bands, its containers as lanes in spec order."""

    name: str
    namespace: str
    node: str
    created: Duration
    gone: Duration | None
    phase: Band
    conditions: tuple[Band, ...]
    lanes: tuple[Lane, ...]
    windows: tuple[Window, ...] = ()
    job: str = ""
    """The Job that it belongs to."""


@dataclass(frozen=True, slots=True)
class JobPicture:
    """One Job: conditions and counters as bands, its Pods as lanes in order of creation, the waits between them."""

    name: str
    namespace: str
    created: Duration
    gone: Duration | None
    conditions: tuple[Band, ...]
    counters: tuple[Band, ...]
    waits: tuple[Span, ...]
    """Where the Job had fewer Pods than it wanted because one had failed: its back-off."""
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An object that the API server did not take: ``what`` it was (a kind), and the answer."""

    at: Duration
    what: str
    message: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One run. ``label`` says where it ran, which tells it from other runs of the same scenario."""

    title: str
    about: str
    label: str
    end: Duration
    pods: tuple[PodPicture, ...]
    jobs: tuple[JobPicture, ...]
    moments: tuple[Moment, ...]
    ending: str = ""
    """Why the run ended: settled, until, horizon."""
    refusals: tuple[Refusal, ...] = ()


_CLOSE: Final = 1300 * MILLISECOND


def own_windows(lane: Lane, of_pod: tuple[Window, ...]) -> tuple[Window, ...]:
    """The grace periods of a container that end at another time than its Pod's; the others need not be shown twice."""
    return tuple(one for one in lane.windows if all(abs(one.end - other.end) > _CLOSE for other in of_pod))
