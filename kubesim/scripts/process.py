"""Processes of a simulated container as plain data: descriptors, what a process waits for, a shell's variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.scripts.filesystem import File, Volume
    from kubesim.scripts.frames import Frame
    from kubesim.scripts.kernel import Kernel
    from kubesim.scripts.syntax import Command

SIGNALS: Final[dict[str, int]] = {
    "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10,
    "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18, "STOP": 19,
    "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28,
    "IO": 29, "PWR": 30, "SYS": 31,
}  # fmt: skip
"""Linux signal numbers (signal(7))."""

SIGNAL_NAMES: Final = {number: name for name, number in SIGNALS.items()}
IGNORED_BY_DEFAULT: Final = frozenset(("CHLD", "CONT", "URG", "WINCH"))
STOPPING: Final = frozenset(("STOP", "TSTP", "TTIN", "TTOU"))


def signal_name(text: str) -> str | None:
    """The name without SIG of a signal given by name or number; None when there is no such signal."""
    if text.isdigit():
        return SIGNAL_NAMES.get(int(text))
    name = text.upper().removeprefix("SIG")
    return name if name in SIGNALS else None


# --- what descriptors point to


@dataclass(slots=True)
class Pipe:
    """Bytes on their way between processes of the container."""

    buffer: str = ""


@dataclass(frozen=True, slots=True)
class Null:
    """/dev/null, and /dev/zero when ``zero``."""

    zero: bool = False


@dataclass(slots=True)
class Stream:
    """Where the container runtime, or the caller of an exec, reads: lines are cut there."""

    name: str
    exec_id: int | None = None
    partial: str = ""


@dataclass(slots=True)
class Handle:
    """An open file; shared by the processes that inherited it, offset included."""

    file: File
    volume: Volume
    path: str
    readable: bool
    writable: bool
    append: bool
    offset: int = 0


@dataclass(frozen=True, slots=True)
class PipeEnd:
    """One end of a pipe."""

    pipe: Pipe
    writing: bool


@dataclass(slots=True)
class Document:
    """A here-document: text to read."""

    text: str
    offset: int = 0


Descriptor: TypeAlias = Null | Stream | Handle | PipeEnd | Document


# --- what a process waits for


@dataclass(frozen=True, slots=True)
class Asleep:
    """Until an instant, or for ever when it is None."""

    until: Instant | None


@dataclass(frozen=True, slots=True)
class AwaitChildren:
    """Until these children have ended; ``interruptible``: a trapped signal ends the wait (the ``wait`` builtin)."""

    pids: tuple[int, ...]
    interruptible: bool
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class AwaitInput:
    """Until the pipe holds something (not with ``until_end``) or nobody can write to it any more."""

    pipe: Pipe
    until_end: bool = False
    until: Instant | None = None


Waiting: TypeAlias = Asleep | AwaitChildren | AwaitInput


class Program(Protocol):
    """What a process that is no shell does: plain state that is advanced when it can go on."""

    def step(self, kernel: Kernel, process: Process) -> None:
        """Go on until it waits or ends."""

    def on_signal(self, kernel: Kernel, process: Process, name: str) -> bool:
        """Handle a signal; False leaves the default action to the kernel."""


@dataclass(slots=True)
class Job:
    """A background job of a shell."""

    number: int
    pids: tuple[int, ...]


@dataclass(slots=True)
class Shell:
    """A shell's own state beside its stack of frames."""

    dialect: str
    name: str
    positional: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    readonly: set[str] = field(default_factory=set)
    functions: dict[str, Command] = field(default_factory=dict)
    options: set[str] = field(default_factory=set)
    traps: dict[str, str] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    ignored_at_start: frozenset[str] = frozenset()
    status: int = 0
    last_background: int = 0
    jobs: list[Job] = field(default_factory=list)
    stack: list[Frame] = field(default_factory=list)
    subshell: bool = False
    script: bool = False
    substitution_status: int | None = None
    top_pid: int = 0
    top_parent: int = 0

    def traps_caught(self) -> bool:
        """Whether an action waits for a signal or for the end, so that the shell cannot replace itself."""
        return any(self.traps.values())


@dataclass(slots=True)
class Process:
    """One process: a shell, or a program."""

    pid: int
    parent: int
    argv: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    descriptors: dict[int, Descriptor]
    ignored: frozenset[str] = frozenset()
    shell: Shell | None = None
    program: Program | None = None
    waiting: Waiting | None = None
    exec_id: int | None = None
    stopped: bool = False
    ended_children: dict[int, int] = field(default_factory=dict)
    killed_children: set[int] = field(default_factory=set)
