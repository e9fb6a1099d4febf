"""The syntax tree of the shell command language (POSIX XCU 2.10): frozen nodes, shared by every copy of a run.

Nodes compare by identity and copy to themselves, so that copying a running machine never copies a program text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


class Node:
    """A part of a parsed script; immutable, so a copy is the node itself."""

    __slots__ = ()

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """Text as it stands; quoted text is neither a pattern nor split."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Parameter(Node):
    """``$name`` or ``${name op word}``; operator ``length`` is ``${#name}``, ``bad`` an expansion this shell lacks."""

    name: str
    operator: str
    word: Word | None
    quoted: bool


@dataclass(frozen=True, slots=True, eq=False)
class CommandSubstitution(Node):
    """``$(...)`` or backquotes."""

    script: Script
    quoted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic(Node):
    """``$((...))``: the expression is itself expanded first."""

    word: Word
    quoted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Tilde(Node):
    """An unquoted ``~`` or ``~user`` at the start of a word or assignment."""

    user: str


Part: TypeAlias = Literal | Parameter | CommandSubstitution | Arithmetic | Tilde


@dataclass(frozen=True, slots=True, eq=False)
class Word(Node):
    """One word; ``plain`` is its value when no expansion, splitting or pattern can change it."""

    parts: tuple[Part, ...]
    plain: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Redirect(Node):
    """``fd operator target``; for ``<<`` the target is the document itself."""

    descriptor: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True, eq=False)
class Assignment(Node):
    """``name=value`` before a command; ``append`` is bash's ``+=``."""

    name: str
    value: Word
    append: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Simple(Node):
    """A simple command."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    line: int
    has_substitution: bool


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline(Node):
    """``[!] a | b``; one command and no ``!`` never becomes a Pipeline."""

    commands: tuple[Command, ...]
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class AndOr(Node):
    """``left && right`` or ``left || right``."""

    left: Command
    operator: str
    right: Command


@dataclass(frozen=True, slots=True, eq=False)
class Background(Node):
    """``command &``."""

    command: Command


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(Node):
    """Commands one after the other."""

    items: tuple[Command, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Group(Node):
    """``{ ...; }``; kept apart from its body because bash never replaces itself inside one."""

    body: Command


@dataclass(frozen=True, slots=True, eq=False)
class Subshell(Node):
    """``( ... )``."""

    body: Command


@dataclass(frozen=True, slots=True, eq=False)
class If(Node):
    """``if``/``elif`` branches in order, and the ``else`` part."""

    branches: tuple[tuple[Command, Command], ...]
    otherwise: Command | None


@dataclass(frozen=True, slots=True, eq=False)
class Loop(Node):
    """``while`` or ``until``."""

    condition: Command
    body: Command
    until: bool


@dataclass(frozen=True, slots=True, eq=False)
class For(Node):
    """``for name in words``; ``words`` None stands for ``"$@"``."""

    name: str
    words: tuple[Word, ...] | None
    body: Command


@dataclass(frozen=True, slots=True, eq=False)
class Case(Node):
    """``case word in`` with its arms in order."""

    word: Word
    arms: tuple[tuple[tuple[Word, ...], Command | None], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Function(Node):
    """A function definition."""

    name: str
    body: Command


@dataclass(frozen=True, slots=True, eq=False)
class Redirected(Node):
    """A compound command with redirections of its own."""

    command: Command
    redirects: tuple[Redirect, ...]


Command: TypeAlias = (
    Simple
    | Pipeline
    | AndOr
    | Background
    | Sequence
    | Group
    | Subshell
    | If
    | Loop
    | For
    | Case
    | Function
    | Redirected
)


@dataclass(frozen=True, slots=True, eq=False)
class Script(Node):
    """A program text: its complete commands, and the syntax error that ends it, if any.

    A shell reads and runs one complete command at a time, so what stands before an error still runs.
    ``ends_with_command``: the text ends with the last command, no newline follows it; ash then replaces itself
    by that command (``sh -c "a; b"`` runs ``b`` as the shell's own process).
    """

    commands: tuple[Command, ...]
    error: str | None
    error_line: int
    ends_with_command: bool
