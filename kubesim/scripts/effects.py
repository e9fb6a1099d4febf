"""What a machine tells its driver: frozen facts, each with its own instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.scripts.filesystem import Volume


@dataclass(frozen=True, slots=True)
class Output:
    """One line of the container's log; ``process`` is the pid that ended the line."""

    at: Instant
    stream: str
    line: str
    process: int


@dataclass(frozen=True, slots=True)
class Exited:
    """PID 1 ended, and with it the container. ``signal`` names the signal it died of, else None."""

    at: Instant
    code: int
    signal: str | None = None


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The kernel killed a process because the container's memory was used up."""

    at: Instant
    process: int


@dataclass(frozen=True, slots=True)
class ExecExited:
    """A process that the kubelet started (exec probe, hook) ended, and its output is complete."""

    at: Instant
    exec_id: int
    code: int
    output: str


@dataclass(frozen=True, slots=True)
class StartFailure:
    """The process could not be started; ``message`` is the OCI runtime's part of the error. exec_id None: PID 1."""

    at: Instant
    message: str
    exec_id: int | None = None


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """A mounted volume was written to: other containers that mount it should be told (``files_changed``)."""

    at: Instant
    volume: Volume


@dataclass(frozen=True, slots=True)
class Assumed:
    """Something the simulation cannot know was taken for granted."""

    at: Instant
    text: str


Effect: TypeAlias = Output | Exited | OutOfMemory | ExecExited | StartFailure | FilesChanged | Assumed
