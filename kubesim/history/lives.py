"""The lives of Pods and of their containers: phases, conditions, Events, and the runs with their signals and ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubesim.errors import KubesimError
from kubesim.history.records import AnyRecord, EventEmitted, OutputWritten, RuntimeChanged
from kubesim.history.replay import Key, Version
from kubesim.units import Instant

SANDBOX = "(sandbox)"


class PhaseChange(NamedTuple):
    at: Instant
    phase: str


class ConditionChange(NamedTuple):
    at: Instant
    status: str
    reason: str
    message: str


class Signal(NamedTuple):
    """A signal that reached the container's process 1, without SIG; ``order`` is its place in the history."""

    at: Instant
    signal: str
    order: int


class Stop(NamedTuple):
    """The kubelet asked the runtime to stop the container; ``grace`` in seconds."""

    at: Instant
    grace: int


@dataclass(slots=True)
class Exec:
    """A process that the kubelet started in a container: a probe or a hook."""

    start: Instant
    command: str
    purpose: str
    exit: Instant | None = None
    code: int | None = None


@dataclass(slots=True)
class Run:
    """One run of a container, as it was in the runtime. ``exit`` is None while it runs.

    ``reason`` is what the status will show: Completed, Error, OOMKilled. ``order`` and ``exit_order`` are the places
    of start and exit in the history.
    """

    number: int
    start: Instant
    order: int
    container_id: str = ""
    exit: Instant | None = None
    exit_order: int = 0
    code: int | None = None
    reason: str = ""
    signals: list[Signal] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    execs: list[Exec] = field(default_factory=list)
    oom_killed: bool = False
    output: list[OutputWritten] = field(default_factory=list)


@dataclass(slots=True)
class ContainerLife:
    """A container's runs, the first one first. Empty: it never started."""

    name: str
    runs: list[Run] = field(default_factory=list)
    _execs: dict[int, Exec] = field(default_factory=dict, repr=False)

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(len(self.runs) - 1, 0)

    def note(self, order: int, record: RuntimeChanged) -> None:
        """Take one runtime record into account."""
        if record.event == "start":
            self.runs.append(Run(record.run, record.at, order, record.container_id))
            return
        run = self._run(record.run)
        if run is None:
            return
        match record.event:
            case "exit":
                run.exit, run.exit_order, run.code = record.at, order, record.code
                run.reason = record.reason or _reason(run)
            case "stop":
                run.stops.append(Stop(record.at, record.grace or 0))
            case "signal":
                run.signals.append(Signal(record.at, record.signal.removeprefix("SIG"), order))
            case "oom":
                run.oom_killed = True
            case "exec-start":
                begun = Exec(record.at, record.command, record.purpose)
                run.execs.append(begun)
                if record.exec is not None:
                    self._execs[record.exec] = begun
            case "exec-exit" if record.began is not None:
                run.execs.append(Exec(record.began, record.command, record.purpose, record.at, record.code))
            case "exec-exit" if record.exec in self._execs:
                ended = self._execs.pop(record.exec)
                ended.exit, ended.code = record.at, record.code

    def note_output(self, record: OutputWritten) -> None:
        """Take one line of output into account."""
        run = self._run(record.run)
        if run is not None:
            run.output.append(record)

    def _run(self, number: int) -> Run | None:
        return next((run for run in reversed(self.runs) if run.number == number), None)


@dataclass(slots=True)
class PodLife:
    """Everything a history says about one Pod."""

    namespace: str
    name: str
    versions: tuple[Version, ...]
    containers: dict[str, ContainerLife]
    """In spec order, plus ``(sandbox)``."""
    events: tuple[EventEmitted, ...]

    def container(self, name: str) -> ContainerLife:
        """The life of one container; raises KubesimError for a name that the Pod does not have."""
        if name not in self.containers:
            known = ", ".join(other for other in self.containers if other != SANDBOX)
            raise KubesimError(f'Pod "{self.name}" has no container "{name}"; it has {known}')
        return self.containers[name]

    @property
    def created(self) -> Instant:
        """When the API server accepted it."""
        return self.versions[0].at

    @property
    def gone(self) -> Instant | None:
        """When its object went; None if it still exists in the end."""
        last = self.versions[-1]
        return last.at if last.change == "DELETED" else None

    @property
    def node(self) -> str:
        """The node it was bound to, or nothing."""
        return str((self.versions[-1].object.get("spec") or {}).get("nodeName") or "")

    @property
    def phases(self) -> tuple[PhaseChange, ...]:
        """The phases as the API server saw them, each with the instant of the write."""
        found: list[PhaseChange] = []
        for version in self.versions:
            phase = (version.object.get("status") or {}).get("phase", "")
            if phase and (not found or found[-1].phase != phase):
                found.append(PhaseChange(version.at, phase))
        return tuple(found)

    @property
    def phase(self) -> str:
        """The last phase."""
        return self.phases[-1].phase if self.phases else ""

    @property
    def conditions(self) -> dict[str, tuple[ConditionChange, ...]]:
        """For each condition type its values, each with the instant of the write."""
        found: dict[str, list[ConditionChange]] = {}
        for version in self.versions:
            for condition in (version.object.get("status") or {}).get("conditions") or ():
                value = (condition["status"], condition.get("reason") or "", condition.get("message") or "")
                known = found.setdefault(condition["type"], [])
                if not known or known[-1][1:] != value:
                    known.append(ConditionChange(version.at, *value))
        return {type_: tuple(known) for type_, known in found.items()}


def pods(versions: Mapping[Key, tuple[Version, ...]], records: Sequence[AnyRecord]) -> dict[Key, PodLife]:
    """The lives of all Pods, from the versions of the objects and the records about their containers and Events."""
    found = {
        key: PodLife(key.namespace, key.name, known, _containers(known[0].object), ())
        for key, known in versions.items()
        if key.kind == "Pod"
    }
    events: dict[Key, list[EventEmitted]] = {}
    for order, record in enumerate(records):
        match record:
            case RuntimeChanged():
                if life := found.get(Key("Pod", record.namespace, record.pod)):
                    life.containers.setdefault(record.container, ContainerLife(record.container)).note(order, record)
            case OutputWritten():
                if life := found.get(Key("Pod", record.namespace, record.pod)):
                    life.containers.setdefault(record.container, ContainerLife(record.container)).note_output(record)
            case EventEmitted():
                events.setdefault(Key(record.kind, record.namespace, record.name), []).append(record)
    for key, life in found.items():
        life.events = tuple(events.get(key, ()))
    return found


def find_pod(found: Mapping[Key, PodLife], name: str, namespace: str | None) -> PodLife:
    """The Pod of that name, in that namespace or in the only one that has it."""
    matches = [
        life for life in found.values() if life.name == name and (namespace is None or life.namespace == namespace)
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        places = ", ".join(life.namespace for life in matches)
        raise KubesimError(f'Pod "{name}" exists in several namespaces: {places}; say which one')
    known = ", ".join(sorted(life.name for life in found.values())) or "none"
    raise KubesimError(f'no Pod "{name}" in this history; there is {known}')


def _reason(run: Run) -> str:
    if run.oom_killed:
        return "OOMKilled"
    return "Error" if run.code else "Completed"


def spec_containers(raw: Mapping[str, Any]) -> Iterable[str]:
    """The names of a Pod's containers in spec order: init containers, main containers, ephemeral ones."""
    spec = raw.get("spec") or {}
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from (container["name"] for container in spec.get(key) or ())


def _containers(raw: Mapping[str, Any]) -> dict[str, ContainerLife]:
    return {name: ContainerLife(name) for name in spec_containers(raw)}
