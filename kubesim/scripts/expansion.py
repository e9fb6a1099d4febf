"""What words become (POSIX XCU 2.6): parameters, arithmetic, splitting, patterns, quote removal.

A pure function of the words, the shell's variables and the outputs of the command substitutions so far. When one
more substitution is needed, :class:`NeedsSubstitution` asks for it, and the caller expands again with its output:
nothing is committed before the whole expansion succeeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kubesim.scripts import patterns
from kubesim.scripts.arithmetic import ArithmeticFault, evaluate
from kubesim.scripts.syntax import (
    Arithmetic,
    CommandSubstitution,
    Literal,
    Parameter,
    Part,
    Script,
    Tilde,
    Word,
)


class NeedsSubstitution(Exception):
    """The output of this script is needed before the expansion can go on."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script


class ExpansionFault(Exception):
    """An expansion error: it ends a non-interactive shell (POSIX XCU 2.8.1)."""


@dataclass(slots=True)
class Context:
    """What an expansion may see, and what it would change."""

    lookup: Callable[[str], str | None]
    positional: list[str]
    home: Callable[[str], str]
    names: Callable[[str], list[str]]
    results: list[str]
    no_glob: bool = False
    no_unset: bool = False
    bash: bool = False
    used: int = 0
    assigned: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        return self.assigned[name] if name in self.assigned else self.lookup(name)

    def assign(self, name: str, value: str) -> None:
        self.assigned[name] = value

    def output(self, script: Script) -> str:
        if self.used >= len(self.results):
            raise NeedsSubstitution(script)
        self.used += 1
        return self.results[self.used - 1]


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with its history: quoted text is never split nor a pattern; ``split`` text came from an expansion.

    ``boundary`` ends a field here (between the elements of ``"$@"``).
    """

    text: str
    quoted: bool
    split: bool = False
    boundary: bool = False


def fields(words: tuple[Word, ...], context: Context, *, assignments: bool = False) -> list[str]:
    """The fields of a command's words. ``assignments``: words of the form name=value are not split (export, local)."""
    result: list[str] = []
    for word in words:
        if word.plain is not None:
            result.append(word.plain)
        elif assignments and _is_assignment(word):
            result.append(text(word, context))
        else:
            result.extend(_globbed(_split(_pieces(word, context), context), context))
    return result


def _is_assignment(word: Word) -> bool:
    first = word.parts[0]
    if not isinstance(first, Literal) or first.quoted:
        return False
    name, equals, _ = first.text.partition("=")
    return bool(equals) and name.replace("_", "a").isalnum() and not name[0].isdigit()


def text(word: Word, context: Context) -> str:
    """The word as one string: assignments, redirections, ``case``."""
    if word.plain is not None:
        return word.plain
    pieces = _pieces(word, context)
    return "".join(piece.text + (" " if piece.boundary else "") for piece in pieces)


def pattern(word: Word, context: Context) -> str:
    """The word as a pattern, its quoted parts escaped."""
    if word.plain is not None:
        return patterns.escape(word.plain)
    return _as_pattern(_pieces(word, context))


def _as_pattern(pieces: list[Piece]) -> str:
    return "".join(patterns.escape(piece.text) if piece.quoted else piece.text for piece in pieces)


def _pieces(word: Word, context: Context) -> list[Piece]:
    result: list[Piece] = []
    for part in word.parts:
        result.extend(_part(part, context))
    return result


def _part(part: Part, context: Context) -> list[Piece]:
    match part:
        case Literal(text=literal, quoted=quoted):
            return [Piece(literal, quoted)]
        case Tilde(user=user):
            return [Piece(context.home(user), True)]
        case CommandSubstitution(script=script, quoted=quoted):
            return [Piece(context.output(script), quoted, split=not quoted)]
        case Arithmetic(word=expression, quoted=quoted):
            return [Piece(str(_arithmetic(text(expression, context), context)), quoted, split=not quoted)]
        case Parameter():
            return _parameter(part, context)


def _arithmetic(expression: str, context: Context) -> int:
    def lookup(name: str) -> str:
        value = context.get(name)
        if value is None and context.no_unset:
            raise ExpansionFault(f"{name}: parameter not set")
        return value or ""

    try:
        return evaluate(expression, lookup, context.assign)
    except ArithmeticFault as fault:
        raise ExpansionFault(str(fault)) from None


def _parameter(part: Parameter, context: Context) -> list[Piece]:
    """One parameter expansion, with its operator."""
    name, operator, quoted = part.name, part.operator, part.quoted
    if operator == "bad":
        raise ExpansionFault("Bad substitution")
    if name in ("@", "*") and operator in ("", "length", "-", ":-", "+", ":+"):
        return _all_positional(part, context)
    value = context.get(name)
    if operator in ("", "length", "#", "##", "%", "%%", "substring", "replace", "index"):
        if value is None and context.no_unset:
            raise ExpansionFault(f"{name}: parameter not set")
        return [Piece(_transformed(part, value or "", context), quoted, split=not quoted)]
    missing = value is None or (operator[0] == ":" and value == "")
    word = part.word
    if word is None:
        raise ExpansionFault("Bad substitution")
    match operator[-1]:
        case "-":
            return _alternative(word, quoted, context) if missing else [Piece(value or "", quoted, split=not quoted)]
        case "+":
            return [Piece("", quoted, split=not quoted)] if missing else _alternative(word, quoted, context)
        case "=":
            if missing:
                value = text(word, context)
                context.assign(name, value)
            return [Piece(value or "", quoted, split=not quoted)]
    if missing:
        message = text(word, context) or ("parameter not set or null" if operator[0] == ":" else "parameter not set")
        raise ExpansionFault(f"{name}: {message}")
    return [Piece(value or "", quoted, split=not quoted)]


def _alternative(word: Word, quoted: bool, context: Context) -> list[Piece]:
    """The word of ``${x-word}``: unquoted, its unquoted text is split like any other expansion."""
    pieces = _pieces(word, context)
    if quoted:
        return [Piece(piece.text, True, boundary=piece.boundary) for piece in pieces] or [Piece("", True)]
    return [
        piece if piece.quoted else Piece(piece.text, False, split=True, boundary=piece.boundary) for piece in pieces
    ]


def _transformed(part: Parameter, value: str, context: Context) -> str:
    match part.operator:
        case "":
            return value.split("\x1f", 1)[0] if context.bash else value
        case "length":
            return str(len(value))
        case "substring":
            return _substring(part, value, context)
        case "replace":
            return _replaced(part, value, context)
        case "index":
            elements = value.split("\x1f")[:-1] if "\x1f" in value else [value]
            position = text(part.word, context) if part.word else "0"
            if position in ("@", "*"):
                return " ".join(elements)
            index = _arithmetic(position, context)
            return elements[index] if -len(elements) <= index < len(elements) else ""
    return patterns.trim(value, pattern(part.word, context), part.operator) if part.word else value


def _substring(part: Parameter, value: str, context: Context) -> str:
    start_text, colon, length_text = (text(part.word, context) if part.word else "").partition(":")
    start = _arithmetic(start_text, context)
    start = max(len(value) + start, 0) if start < 0 else start
    if not colon:
        return value[start:]
    length = _arithmetic(length_text, context)
    return value[start : start + length] if length >= 0 else value[start : len(value) + length]


def _replaced(part: Parameter, value: str, context: Context) -> str:
    """``${x/pattern/text}`` and ``${x//pattern/text}`` of ash and bash."""
    wanted = pattern(part.word, context) if part.word else ""
    everywhere = wanted.startswith("/")
    search, _, replacement = wanted.removeprefix("/").partition("/")
    return patterns.compiled(search).sub(lambda _: patterns.unescape(replacement), value, count=0 if everywhere else 1)


def _all_positional(part: Parameter, context: Context) -> list[Piece]:
    values, quoted = context.positional, part.quoted
    if part.operator == "length":
        return [Piece(str(len(values)), quoted)]
    if part.operator and part.word is not None:
        empty = not values or (part.operator[0] == ":" and values == [""])
        if part.operator[-1] == "+":
            return [] if empty else _alternative(part.word, quoted, context)
        if empty:
            return _alternative(part.word, quoted, context)
    if part.name == "*" and quoted:
        separators = context.get("IFS")
        joined = (" " if separators is None else separators[:1]).join(values)
        return [Piece(joined, True)]
    last = len(values) - 1
    return [Piece(value, quoted, split=not quoted, boundary=index < last) for index, value in enumerate(values)] or (
        [Piece("", False)] if quoted else []
    )


def _split(pieces: list[Piece], context: Context) -> list[list[Piece]]:
    """Field splitting (XCU 2.6.5): only the results of expansions are split; quoted empty text makes a field."""
    separators = context.get("IFS")
    characters = " \t\n" if separators is None else separators
    blank = "".join(character for character in characters if character in " \t\n")
    done: list[list[Piece]] = []
    current: list[Piece] = []
    started = False
    for piece in pieces:
        if piece.split and characters:
            buffer = ""
            position, end = 0, len(piece.text)
            while position < end:
                character = piece.text[position]
                if character not in characters:
                    buffer += character
                    position += 1
                    continue
                solid = False
                while position < end and piece.text[position] in characters:
                    if piece.text[position] not in blank:
                        if solid:
                            break
                        solid = True
                    position += 1
                if buffer:
                    current.append(Piece(buffer, False))
                    buffer = ""
                    started = True
                if started or solid:
                    done.append(current)
                current, started = [], False
            if buffer:
                current.append(Piece(buffer, False))
                started = True
        elif piece.text or piece.quoted:
            current.append(piece)
            started = True
        if piece.boundary:
            if started:
                done.append(current)
            current, started = [], False
    if started:
        done.append(current)
    return done


def _globbed(split: list[list[Piece]], context: Context) -> list[str]:
    result: list[str] = []
    for pieces in split:
        plain = "".join(piece.text for piece in pieces)
        if context.no_glob or all(piece.quoted or patterns.MAGIC.isdisjoint(piece.text) for piece in pieces):
            result.append(plain)
            continue
        names = context.names(_as_pattern(pieces))
        result.extend(names or [plain])
    return result
