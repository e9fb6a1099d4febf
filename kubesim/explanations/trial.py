"""One container tried alone, outside any Pod: whether it ends by itself, what it does at SIGTERM, what probes meet.

Nothing of a cluster runs: a container's processes are driven by themselves. What depends on other containers, on files
of volumes or on an assumption is said, so that nobody takes it for certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubesim.objects.pod import Container, GrpcAction, HttpGetAction, Pod, Probe, TcpSocketAction
from kubesim.objects.yaml import Document
from kubesim.scenario.load import Scenario
from kubesim.scripts import Assumed, ExecExited, Exited, Machine, StartFailure
from kubesim.scripts.images import program_behaviours
from kubesim.scripts.reading import depends_on_outside, never_ends, read, shell_text
from kubesim.sim.container_setup import MachineShop
from kubesim.sim.surroundings import ConfigError, MountError
from kubesim.sim.timing import Timing, profile_of
from kubesim.units import HOUR, SECOND, Duration

LONGEST: Final = HOUR
"""How long a container is tried."""
UNKNOWN: Final = "?"
"""The assumption about a program of which nothing is known."""
_VERY_LONG: Final = 24 * HOUR
_MOST_STEPS: Final = 5_000
_HOOK: Final = 1
"""The number of the exec that stands for a hook or a probe."""

Maker = Callable[[], Machine]


@dataclass(frozen=True, slots=True)
class Alone:
    """How long a container runs by itself. ``lasts`` None: it was still running when the trial was over."""

    lasts: Duration | None
    code: int | None
    tried: Duration
    is_idle: bool
    """Nothing can end it but a stimulus."""
    rests: bool = False
    """It has gone to sleep for more than a day."""
    assumed: tuple[str, ...] = ()
    """What was taken for granted on the way."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A container to be tried, and what is known of its program before it runs."""

    make: Maker
    is_certain: bool
    """Neither an assumption nor anything outside decides what it does."""
    is_endless: bool
    """Its script says that it never ends."""
    assumed: str = ""
    """What is known of a program that is not interpreted; empty for an interpreted or declared one."""


class _Manifests:
    """The ConfigMaps and Secrets of a scenario."""

    def __init__(self, documents: tuple[Document, ...]) -> None:
        self._found = {
            (one.kind, (one.raw.get("metadata") or {}).get("namespace") or "default", one.name): one.raw
            for one in documents
        }

    def find(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self._found.get((kind, namespace, name))


class Bench:
    """Makes trials of the containers of a scenario's manifests, with the scenario's images and declared scripts."""

    def __init__(self, scenario: Scenario) -> None:
        timing = Timing(profile_of(scenario.cluster.timing.profile, scenario.cluster.timing.settings), scenario.seed)
        self.shop = MachineShop(_Manifests(scenario.objects), scenario, timing, lambda _uid: "")

    def subject(self, pod: Pod, container: Container) -> Subject | None:
        """The container, ready to be tried; None if it cannot even be created as things are."""

        def make() -> Machine:
            volumes = self.shop.volumes(pod, "10.0.0.1")
            return self.shop.machine(pod, container, volumes, _ADDRESSES, 0)

        try:
            machine = make()
        except (ConfigError, MountError):
            return None
        if machine.setup.behaviour is not None:
            return Subject(make, True, machine.setup.behaviour.lasts is None)
        argv = machine.setup.argv(machine.image)
        text = shell_text(argv)
        if text is None:
            assumed = _assumption(make(), argv)
            return Subject(make, not assumed, not assumed and _is_endless_program(argv), assumed)
        script = read(text)
        return Subject(make, not depends_on_outside(script), never_ends(script))


_ADDRESSES: Final[Mapping[str, str]] = {
    "status.podIP": "10.244.0.2",
    "status.podIPs": "10.244.0.2",
    "status.hostIP": "10.0.0.1",
}


def _is_endless_program(argv: tuple[str, ...]) -> bool:
    return never_ends(read(" ".join(argv))) if len(argv) <= 3 else False


def _assumption(machine: Machine, argv: tuple[str, ...]) -> str:
    """What is taken for granted of a program at its start: what the images table says, or nothing anybody knows."""
    told = [effect.text for effect in machine.start(0) if isinstance(effect, Assumed)]
    if not told:
        return ""
    name = argv[0].rpartition("/")[2] if argv else ""
    return told[0] if name in program_behaviours() else UNKNOWN


def alone(subject: Subject) -> Alone:
    """Run a container by itself for an hour, or until nothing more can happen without a stimulus."""
    machine = subject.make()
    now, steps = 0, 0
    effects = machine.start(0)
    while True:
        assumed = tuple(sorted(machine.kernel.assumptions))
        for effect in effects:
            if isinstance(effect, Exited):
                return Alone(effect.at, effect.code, effect.at, False, False, assumed)
            if isinstance(effect, StartFailure):
                return Alone(0, None, 0, False, False, assumed)
        due = machine.next_instant()
        if due is None or due > LONGEST or steps > _MOST_STEPS:
            rests = due is not None and due - now > _VERY_LONG
            tried = LONGEST if due is not None and due > LONGEST else now
            return Alone(None, None, tried, due is None, rests, assumed)
        now, steps = due, steps + 1
        effects = machine.advance(due)


def ends_when_stopped(subject: Subject, after: Duration, grace: Duration) -> bool:
    """Whether a container that has run ``after`` long ends within its grace when it gets the image's stop signal."""
    machine = subject.make()
    machine.start(0)
    _advance(machine, after)
    if machine.ended:
        return True
    machine.signal(after, machine.image.stop_signal)
    _advance(machine, after + grace)
    return machine.ended


def hook_length(subject: Subject, command: tuple[str, ...], after: Duration, limit: Duration) -> Duration | None:
    """How long a hook's command takes in a container that has run ``after`` long; None: longer than the limit."""
    machine = subject.make()
    machine.start(0)
    _advance(machine, after)
    effects = machine.exec(after, command, _HOOK)
    steps = 0
    while True:
        for effect in effects:
            if isinstance(effect, ExecExited | StartFailure) and effect.exec_id == _HOOK:
                return effect.at - after
        due = machine.next_instant()
        if machine.ended or due is None or due > after + limit or steps > _MOST_STEPS:
            return None
        steps += 1
        effects = machine.advance(due)


def passes_by(subject: Subject, probe: Probe, kind: str, instant: Duration, ports: Mapping[str, int]) -> bool:
    """Whether a probe that runs at this instant after the start passes."""
    machine = subject.make()
    machine.start(0)
    _advance(machine, instant)
    if machine.ended:
        return False
    if probe.exec is None:
        return machine.probe(instant, kind, _question(probe, ports)).passes
    limit = probe.timeout_seconds * SECOND
    effects = machine.exec(instant, tuple(probe.exec.command), _HOOK)
    effects += _advance(machine, instant + limit)
    return any(isinstance(effect, ExecExited) and effect.code == 0 for effect in effects)


def _question(probe: Probe, ports: Mapping[str, int]) -> dict[str, Any]:
    match probe.http_get or probe.tcp_socket or probe.grpc:
        case HttpGetAction() as http:
            return {"type": "httpGet", "port": _port(http.port, ports), "path": http.path or "/"}
        case TcpSocketAction() as tcp:
            return {"type": "tcpSocket", "port": _port(tcp.port, ports)}
        case GrpcAction() as grpc:
            return {"type": "grpc", "port": grpc.port}
        case _:
            return {"type": "none"}


def _port(port: int | str, ports: Mapping[str, int]) -> int | str:
    return ports.get(port, port) if isinstance(port, str) else port


def _advance(machine: Machine, until: Duration) -> list[Any]:
    """Let the processes run up to and including an instant; the effects."""
    effects: list[Any] = []
    steps = 0
    while (due := machine.next_instant()) is not None and due <= until and steps < _MOST_STEPS:
        effects += machine.advance(due)
        steps += 1
    return effects + (machine.advance(until) if not machine.ended else [])
