"""Driving a machine through virtual time in tests."""

from __future__ import annotations

from dataclasses import dataclass

from kubesim.scripts.effects import Effect, Exited, Output
from kubesim.scripts.filesystem import Filesystem
from kubesim.scripts.machine import ContainerSetup, Machine
from kubesim.units import SECOND, Instant, seconds

IMAGES = {"dash": "debian", "ash": "busybox", "bash": "debian"}
NAMES = {"dash": "dash", "ash": "sh", "bash": "bash"}


@dataclass(frozen=True)
class Run:
    """What one container run did."""

    effects: list[Effect]
    machine: Machine

    @property
    def lines(self) -> list[str]:
        return [effect.line for effect in self.effects if isinstance(effect, Output) and effect.stream == "stdout"]

    @property
    def timed(self) -> list[tuple[float, str]]:
        return [(effect.at / SECOND, effect.line) for effect in self.effects if isinstance(effect, Output)]

    @property
    def exit(self) -> Exited | None:
        return next((effect for effect in self.effects if isinstance(effect, Exited)), None)


def drive(machine: Machine, signals: list[tuple[float, str]] | None = None, end: float = 60.0) -> Run:
    """Start, deliver the signals at their instants, and go on to the end."""
    effects = machine.start(0)
    for at, name in signals or []:
        effects += until(machine, seconds(at) - 1)
        effects += machine.signal(seconds(at), name)
    effects += until(machine, seconds(end))
    return Run(effects, machine)


def until(machine: Machine, end: Instant) -> list[Effect]:
    """Follow ``next_instant`` as the runtime does."""
    effects: list[Effect] = []
    while (due := machine.next_instant()) is not None and due <= end:
        effects += machine.advance(due)
    return effects + machine.advance(end)


def shell(
    text: str,
    dialect: str = "ash",
    signals: list[tuple[float, str]] | None = None,
    end: float = 60.0,
    files: Filesystem | None = None,
    *,
    init: bool = True,
) -> Run:
    """Run a text as ``sh -c`` in a container whose sh is of this dialect: as process 1, or as a child of it."""
    name = NAMES[dialect]
    command = (name, "-c", text) if init else (name, "-c", f'{name} -c "$1"; exit $?', name, text)
    setup = ContainerSetup(IMAGES[dialect], command, filesystem=files, working_dir="/empty")
    return drive(Machine(setup), signals, end)
