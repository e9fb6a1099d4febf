"""What can be read off a shell script without running it: what it waits for, and whether it ever ends. Pure.

Only what is certain is said. A script with a condition that depends on anything but itself may do either, so a reader
who wants to be sure asks :func:`depends_on_outside` first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Words
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

from kubesim.scripts.parser import parse
from kubesim.scripts.syntax import (
    AndOr,
    Background,
    Case,
    Command,
    For,
    Group,
    If,
    Literal,
    Loop,
    Node,
    Pipeline,
    Redirected,
    Script,
    Sequence,
    Simple,
    Subshell,
    Word,
)

SHELLS: Final = ("sh", "ash", "dash", "bash")
_LEAVE: Final = frozenset(("break", "exit", "return", "exec", "kill", None))
_FINAL: Final = frozenset(("exit", "exec", "return", "kill", None))
_IDLE: Final = frozenset(("sleep", "echo", "printf", "true", ":", "date"))
_TESTS: Final = frozenset(("-e", "-f", "-s", "-r", "-S", "-d", "-p"))
_LOCAL: Final = re.compile(r"(?:[a-z]+://)?(?:localhost|127\.0\.0\.1)(?::(\d{2,5}))?(?:/.*)?$")
_CALLERS: Final = frozenset(("nc", "curl", "wget", "netcat"))
_PORT: Final = re.compile(r"\d{2,5}")


@dataclass(frozen=True, slots=True)
class Wait:
    """A loop that goes on until a file is there (``path``), or until a local port answers (``port``)."""

    path: str = ""
    port: str = ""


def shell_text(argv: Words[str]) -> str | None:
    """The program text of ``sh -c text``; None for any other program."""
    if len(argv) < 3 or argv[0].rpartition("/")[2] not in SHELLS:
        return None
    place = next((index for index, word in enumerate(argv[1:], 1) if re.fullmatch(r"-[a-z]*c[a-z]*", word)), None)
    return argv[place + 1] if place is not None and place + 1 < len(argv) else None


def read(text: str) -> Script:
    """The syntax tree of a text as any of the shells has it."""
    return parse(text, bash=True)


def depends_on_outside(script: Script) -> bool:
    """Whether any condition, or a word of a ``for`` or ``case``, may come out one way or the other."""
    if script.error is not None or _stops_at_failures(script):
        return True
    return any(_is_open(node) for node in nodes(script))


def never_ends(script: Script) -> bool:
    """Whether the script certainly runs for ever: a loop without an end stands where it is always reached."""
    if script.error is not None or _stops_at_failures(script):
        return False
    return any(_is_endless(command) for command in _always_reached(script.commands))


def waits(script: Script) -> Iterator[Wait]:
    """The waiting loops that the script always comes to and leaves in no other way."""
    if script.error is None:
        for command in _always_reached(script.commands):
            yield from _waits(command)


def nodes(root: Node) -> Iterator[Node]:
    """Every node below a node, itself included; functions and substitutions, too."""
    yield root
    if not is_dataclass(root):
        return
    for one in fields(root):
        yield from _inside(getattr(root, one.name))


def plain_words(command: Simple) -> tuple[str, ...] | None:
    """The words of a simple command, if none of them has to be expanded."""
    found = [_plain(word) for word in command.words]
    plain = tuple(word for word in found if word is not None)
    return plain if len(plain) == len(found) else None


def awaited(command: Command, *, until: bool) -> Wait | None:
    """What a condition asks for: a file that is there or a local port that answers; None if it is anything else."""
    if isinstance(command, Sequence) and len(command.items) == 1:
        command = command.items[0]
    if isinstance(command, Pipeline) and command.negated and len(command.commands) == 1:
        return awaited(command.commands[0], until=not until)
    if isinstance(command, Redirected):
        command = command.command
    if not isinstance(command, Simple) or (words := plain_words(command)) is None or not words:
        return None
    return _tested(words, until) or (_called(words) if until else None)


def _always_reached(commands: Iterable[Command]) -> Iterator[Command]:
    """The commands up to the first that may end the script or make another program of it; that one included."""
    for command in commands:
        yield command
        if any(isinstance(node, Simple) and _name(node) in _FINAL for node in nodes(command)):
            return


def _stops_at_failures(script: Script) -> bool:
    """Whether a failing command ends the script (``set -e``)."""
    for node in nodes(script):
        if isinstance(node, Simple) and _name(node) == "set":
            words = plain_words(node)
            if words is None or "errexit" in words or any(re.fullmatch(r"-[a-z]*e[a-z]*", word) for word in words[1:]):
                return True
    return False


def _name(command: Simple) -> str | None:
    """The first word; None where it has to be expanded, or there is none."""
    return _plain(command.words[0]) if command.words else ""


def _plain(word: Word) -> str | None:
    """A word as it stands; a lone bracket is the command of that name, not a pattern."""
    match word.parts:
        case (Literal(text="[" | "[[" as bracket),):
            return bracket
        case _:
            return word.plain


def _tested(words: tuple[str, ...], until: bool) -> Wait | None:
    if words[0] in ("[", "[["):
        words = ("test", *words[1:-1])
    if words[0] != "test":
        return None
    rest = words[1:]
    if rest[:1] == ("!",):
        rest, until = rest[1:], not until
    if len(rest) == 2 and rest[0] in _TESTS and rest[1].startswith("/") and until:
        return Wait(path=rest[1])
    return None


def _called(words: tuple[str, ...]) -> Wait | None:
    if words[0] not in _CALLERS:
        return None
    for place, word in enumerate(words[1:], 1):
        if (found := _LOCAL.fullmatch(word)) is None:
            continue
        following = words[place + 1] if place + 1 < len(words) else ""
        port = found[1] or (following if _PORT.fullmatch(following) else "") or ("80" if "://" in word else "")
        return Wait(port=port) if port else None
    return None


def _waits(command: Command) -> Iterator[Wait]:
    match command:
        case Sequence(items=items):
            for item in _always_reached(items):
                yield from _waits(item)
        case Group(body=body) | Subshell(body=body) | Redirected(command=body):
            yield from _waits(body)
        case AndOr(left=left, operator="&&"):
            yield from _waits(left)
        case Loop(condition=condition, body=body, until=until) if _is_idle(body):
            if (found := awaited(condition, until=until)) is not None:
                yield found


def _is_idle(body: Command) -> bool:
    """Whether a loop's body only lets time pass."""
    for node in nodes(body):
        if isinstance(node, Simple):
            if _name(node) not in _IDLE:
                return False
        elif isinstance(node, If | AndOr | Case | Loop | For | Background | Pipeline):
            return False
    return True


def _is_open(node: Node) -> bool:
    match node:
        case Loop(condition=condition):
            return _constant(condition) is None
        case If(branches=branches):
            return any(_constant(condition) is None for condition, _ in branches)
        case AndOr(left=left):
            return _constant(left) is None
        case Case():
            return True
        case For(words=words):
            return words is None or any(word.plain is None for word in words)
        case _:
            return False


def _constant(command: Command) -> bool | None:
    """Whether a condition is always true or always false; None if it depends."""
    if isinstance(command, Sequence) and len(command.items) == 1:
        command = command.items[0]
    if not isinstance(command, Simple) or (words := plain_words(command)) is None:
        return None
    match words:
        case ("true" | ":",) | ("echo" | "printf" | "sleep" | "trap" | "touch" | "mkdir", *_):
            return True
        case ("[", "1", "]") | ("test", "1"):
            return True
        case ("false",):
            return False
        case _:
            return None


def _is_endless(command: Command) -> bool:
    match command:
        case Sequence(items=items):
            return any(_is_endless(item) for item in _always_reached(items))
        case Group(body=body) | Redirected(command=body) | Subshell(body=body):
            return _is_endless(body)
        case Loop(condition=condition, body=body, until=until):
            return _constant(condition) is (not until) and not _may_leave(body)
        case Simple():
            words = plain_words(command) or ()
            words = words[1:] if words[:1] == ("exec",) else words
            return words in (("sleep", "infinity"), ("sleep", "inf")) or (words[:2] == ("tail", "-f"))
        case _:
            return False


def _may_leave(body: Command) -> bool:
    return any(isinstance(node, Simple) and _name(node) in _LEAVE for node in nodes(body))


def _inside(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield from nodes(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _inside(item)
