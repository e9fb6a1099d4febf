"""One container as the guarantees speak of it: its role, its runs, its probes and statuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from kubesim.history.lives import Exec, Run, Stop
from kubesim.history.records import ProbeChanged
from kubesim.units import SECOND, Duration, Instant

FOREVER: Final = 1 << 62


class Role(Enum):
    """What a container is to the kubelet of its node."""

    INIT = "init container"
    SIDECAR = "sidecar"
    MAIN = "main container"
    EPHEMERAL = "ephemeral container"


@dataclass(frozen=True, slots=True)
class Window:
    """A generation: from one sandbox to the next."""

    start: Instant
    end: Instant

    def __contains__(self, instant: Instant) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class Deletion:
    """A delete request that the API server accepted; ``grace`` is what it stored."""

    at: Instant
    grace: Duration
    order: int


@dataclass(frozen=True, slots=True)
class Status:
    """A container's status in one version of its Pod."""

    at: Instant
    order: int
    raw: Mapping[str, Any]
    pod: Mapping[str, Any]

    @property
    def state(self) -> str:
        """waiting, running or terminated; empty for none."""
        return next((name for name, value in (self.raw.get("state") or {}).items() if value is not None), "")

    @property
    def reason(self) -> str:
        """The reason of the state."""
        return str(((self.raw.get("state") or {}).get(self.state) or {}).get("reason") or "")

    @property
    def has_run(self) -> bool:
        """Whether the container is, or was, more than waiting."""
        return self.state in ("running", "terminated") or bool((self.raw.get("lastState") or {}).get("terminated"))


@dataclass(slots=True)
class ContainerStory:
    """One container: its place in the spec, its role, and its runs in the runtime."""

    name: str
    role: Role
    index: int
    spec: Mapping[str, Any]
    runs: list[Run]
    probes: list[tuple[int, ProbeChanged]] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)

    def alive(self, at: Instant) -> bool:
        """Whether a run of it goes on at an instant."""
        return any(run.start <= at and (run.exit is None or at < run.exit) for run in self.runs)

    def run_at(self, at: Instant) -> Run | None:
        """The run that goes on at an instant."""
        return next((run for run in self.runs if run.start <= at and (run.exit is None or at < run.exit)), None)

    def runs_in(self, window: Window) -> list[Run]:
        """The runs that began in a generation."""
        return [run for run in self.runs if run.start in window]

    def after(self, run: Run) -> Run | None:
        """The run after this one."""
        place = self.runs.index(run) + 1
        return self.runs[place] if place < len(self.runs) else None

    def lifetime(self, run: Run) -> Window:
        """From the start of a run to its exit, or to the next run where no exit is recorded."""
        following = self.after(run)
        return Window(run.start, run.exit if run.exit is not None else following.start if following else FOREVER)

    def handler(self, hook: str) -> Mapping[str, Any] | None:
        """A lifecycle hook of the spec."""
        found: Mapping[str, Any] | None = (self.spec.get("lifecycle") or {}).get(hook)
        return found

    def probe(self, kind: str) -> Mapping[str, Any] | None:
        """A probe of the spec: startup, liveness or readiness."""
        found: Mapping[str, Any] | None = self.spec.get(f"{kind}Probe")
        return found

    def results(self, run: Run, kind: str, result: str) -> Iterator[tuple[int, ProbeChanged]]:
        """The changes of a probe to a result within a run that its answers brought about."""
        lifetime = self.lifetime(run)
        for order, change in self.probes:
            if change.probe != kind or not change.is_answer or not lifetime.start < change.at <= lifetime.end:
                continue
            if change.container_id and run.container_id and change.container_id != run.container_id:
                continue
            if change.result.lower() == result.lower():
                yield order, change

    def statuses_of(self, run: Run) -> Iterator[Status]:
        """The statuses that speak of a run: by its container id, or by its time where none is recorded."""
        following = self.after(run)
        until = following.start if following else FOREVER
        for status in self.statuses:
            known = str(status.raw.get("containerID") or "").rpartition("/")[2]
            if known and run.container_id:
                if known == run.container_id:
                    yield status
            elif run.start <= status.at < until:
                yield status

    def execs(self, run: Run, purpose: str) -> list[Exec]:
        """The processes of a hook or probe within a run."""
        return [process for process in run.execs if process.purpose == purpose]


def stop_of(run: Run) -> Stop | None:
    """The first time the kubelet had the run stopped; a stop of what has ended already is none.

    At the instant of the exit, too, the exit was first if no signal came of the stop.
    """
    last = run.exit if run.signals else None if run.exit is None else run.exit - 1
    return next((stop for stop in run.stops if last is None or stop.at <= last), None)


def kill_of(run: Run) -> Instant | None:
    """When the node sent SIGKILL, after a stop; a kill from outside is none."""
    stop = stop_of(run)
    return next((one.at for one in run.signals if one.signal == "KILL" and stop and one.at >= stop.at), None)


def hook_length(process: Exec | None, handler: Mapping[str, Any] | None) -> Duration:
    """How long a hook took: of a process as recorded, of a sleep as written, of a question next to nothing."""
    if process is not None:
        return (process.exit - process.start) if process.exit is not None else FOREVER
    return int(((handler or {}).get("sleep") or {}).get("seconds", 0)) * SECOND
