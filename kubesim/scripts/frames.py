"""The stack of a resumable shell: each frame is one command under way, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from kubesim.scripts import syntax
from kubesim.scripts.process import Pipe

TESTED: Final = 1
"""The status is looked at (``if``, ``&&``, ``!``): ``set -e`` does not apply."""
LAST: Final = 2
"""Nothing follows in this process: it may replace itself by the command."""


@dataclass(slots=True)
class ScriptFrame:
    """A program text; ``kind`` is main, eval, source, trap or exit-trap. A trap restores ``saved`` as ``$?``."""

    script: syntax.Script
    kind: str
    flags: int
    index: int = 0
    saved: int = 0
    positional: list[str] | None = None


@dataclass(slots=True)
class SequenceFrame:
    node: syntax.Sequence
    flags: int
    index: int = 0


@dataclass(slots=True)
class AndOrFrame:
    node: syntax.AndOr
    flags: int
    step: int = 0


@dataclass(slots=True)
class IfFrame:
    node: syntax.If
    flags: int
    index: int = -1
    done: bool = False


@dataclass(slots=True)
class LoopFrame:
    """``phase``: 0 before the condition, 1 after it, 2 after the body. ``result`` is the loop's status."""

    node: syntax.Loop
    flags: int
    phase: int = 0
    result: int = 0


@dataclass(slots=True)
class ForFrame:
    node: syntax.For
    flags: int
    values: list[str] | None = None
    index: int = 0
    result: int = 0
    outputs: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CaseFrame:
    node: syntax.Case
    flags: int
    outputs: list[str] = field(default_factory=list)
    done: bool = False


@dataclass(slots=True)
class SimpleFrame:
    """A simple command; ``outputs`` are its command substitutions so far. ``started``: the command itself runs.

    ``saved`` are the descriptors to put back afterwards, ``overridden`` the variables (None: was unset).
    """

    node: syntax.Simple
    flags: int
    outputs: list[str] = field(default_factory=list)
    started: bool = False
    saved: dict[int, int | None] = field(default_factory=dict)
    overridden: dict[str, tuple[str | None, bool]] = field(default_factory=dict)


@dataclass(slots=True)
class RedirectedFrame:
    node: syntax.Redirected
    flags: int
    outputs: list[str] = field(default_factory=list)
    started: bool = False
    saved: dict[int, int | None] = field(default_factory=dict)


@dataclass(slots=True)
class FunctionFrame:
    """A function call: the caller's ``$@`` and the values that ``local`` hid."""

    body: syntax.Command
    flags: int
    positional: list[str]
    hidden: dict[str, tuple[str | None, bool]] = field(default_factory=dict)
    started: bool = False


@dataclass(slots=True)
class ChildrenFrame:
    """Waiting for a foreground command: its status is the last child's, or with ``pipefail`` the last failure's."""

    pids: tuple[int, ...]
    flags: int
    negated: bool = False


@dataclass(slots=True)
class SubstitutionFrame:
    """Collecting the output of a command substitution for the frame below."""

    pid: int
    pipe: Pipe
    text: str = ""


@dataclass(slots=True)
class WaitFrame:
    """The ``wait`` builtin."""

    pids: tuple[int, ...]
    everything: bool
    interrupted: str = ""


@dataclass(slots=True)
class ReadFrame:
    """The ``read`` builtin, waiting for a line."""

    argv: tuple[str, ...]
    text: str = ""
    interrupted: str = ""
    deadline: int | None = None


@dataclass(slots=True)
class ProgramFrame:
    """Replace the process by this program (the last step of ``exec`` and of a child)."""

    argv: tuple[str, ...]
    environment: dict[str, str]


@dataclass(slots=True)
class ExitFrame:
    """Behind an EXIT trap: the process ends with this status."""

    status: int


Frame: TypeAlias = (
    ScriptFrame
    | SequenceFrame
    | AndOrFrame
    | IfFrame
    | LoopFrame
    | ForFrame
    | CaseFrame
    | SimpleFrame
    | RedirectedFrame
    | FunctionFrame
    | ChildrenFrame
    | SubstitutionFrame
    | WaitFrame
    | ReadFrame
    | ProgramFrame
    | ExitFrame
)
