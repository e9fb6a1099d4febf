"""Reading one word of shell text: quoting, parameter expansions, substitutions (POSIX XCU 2.2, 2.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL: Final = "@*#?-$!0123456789"
_OPERATOR: Final = re.compile(r":?[-=?+]|%%?|##?")
METACHARACTERS: Final = frozenset(" \t\n;&|<>()")
_PATTERN_CHARACTERS: Final = frozenset("*?[")


class SyntaxFault(Exception):
    """A syntax error inside the script; becomes a message of the shell, never a Python failure."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class WordReader:
    """Reads words from ``text``; ``parse_script`` parses the inside of a command substitution."""

    def __init__(self, text: str, parse_script: Callable[[str], Script], *, bash: bool) -> None:
        self.text = text
        self.position = 0
        self.parse_script = parse_script
        self.bash = bash

    def fault(self, message: str) -> SyntaxFault:
        return SyntaxFault(message, self.position)

    def word(self, *, assignment: bool = False) -> Word:
        """The word at the position, up to an unquoted metacharacter."""
        parts: list[Part] = []
        start = self.position
        if self.text.startswith("~", start):
            parts.extend(self._tilde(assignment))
        self._parts(parts, METACHARACTERS, assignment=assignment)
        return make_word(parts)

    def _tilde(self, assignment: bool) -> list[Part]:
        match = re.compile(r"~([A-Za-z0-9_.-]*)").match(self.text, self.position)
        if match is None:
            return []
        after = self.text[match.end() : match.end() + 1]
        if after and after not in METACHARACTERS and after != "/" and not (assignment and after == ":"):
            return []
        self.position = match.end()
        return [Tilde(match.group(1))]

    def _parts(self, parts: list[Part], stop: frozenset[str], *, assignment: bool = False) -> None:
        """Append unquoted parts until one of ``stop`` or the end of the text."""
        text, literal = self.text, ""
        while self.position < len(text):
            character = text[self.position]
            if character in stop:
                break
            if character in "\\'\"$`":
                if literal:
                    parts.append(Literal(literal, False))
                    literal = ""
                self._special(character, parts)
                continue
            self.position += 1
            literal += character
            if assignment and character == ":" and text.startswith("~", self.position):
                parts.append(Literal(literal, False))
                literal = ""
                parts.extend(self._tilde(assignment))
        if literal:
            parts.append(Literal(literal, False))

    def _special(self, character: str, parts: list[Part]) -> None:
        """One quoted or expanded piece outside double quotes."""
        text = self.text
        if character == "\\":
            following = text[self.position + 1 : self.position + 2]
            self.position += 2
            if following != "\n":
                parts.append(Literal(following or "\\", True))
        elif character == "'":
            end = text.find("'", self.position + 1)
            if end < 0:
                raise self.fault("Unterminated quoted string")
            parts.append(Literal(text[self.position + 1 : end], True))
            self.position = end + 1
        elif character == '"':
            self.position += 1
            self._double_quoted(parts)
        elif character == "$":
            self._dollar(parts, quoted=False)
        else:
            self._backquote(parts, quoted=False)

    def _double_quoted(self, parts: list[Part]) -> None:
        before = len(parts)
        self.quoted_text(parts, '"', '$`"\\\n')
        if self.position >= len(self.text):
            raise self.fault("Unterminated quoted string")
        self.position += 1
        if len(parts) == before:
            parts.append(Literal("", True))

    def quoted_text(self, parts: list[Part], stop: str, escapable: str) -> None:
        """Append quoted parts up to a character of ``stop`` (``""``: to the end, for a here-document)."""
        text, literal = self.text, ""
        while self.position < len(text) and text[self.position] not in stop:
            character = text[self.position]
            if character == "\\":
                following = text[self.position + 1 : self.position + 2]
                self.position += 2
                if following == "\n":
                    continue
                literal += following if following and following in escapable else "\\" + following
                continue
            if character in "$`":
                if literal:
                    parts.append(Literal(literal, True))
                    literal = ""
                if character == "$":
                    self._dollar(parts, quoted=True)
                else:
                    self._backquote(parts, quoted=True)
                continue
            literal += character
            self.position += 1
        if literal:
            parts.append(Literal(literal, True))

    def _backquote(self, parts: list[Part], *, quoted: bool) -> None:
        inner, position = "", self.position + 1
        while self.text[position : position + 1] != "`":
            if position >= len(self.text):
                raise self.fault("EOF in backquote substitution")
            if self.text[position] == "\\" and self.text[position + 1 : position + 2] in (
                '$`\\"' if quoted else "$`\\"
            ):
                position += 1
            inner += self.text[position]
            position += 1
        self.position = position + 1
        parts.append(CommandSubstitution(self.parse_script(inner), quoted))

    def _dollar(self, parts: list[Part], *, quoted: bool) -> None:
        text, position = self.text, self.position
        following = text[position + 1 : position + 2]
        if following == "(":
            if text.startswith("((", position + 1) and (end := _arithmetic_end(text, position + 3)) is not None:
                self.position = end + 2
                parts.append(Arithmetic(self._inner_word(text[position + 3 : end]), quoted))
                return
            end = substitution_end(text, position + 2)
            if end is None:
                raise self.fault('end of file unexpected (expecting ")")')
            self.position = end + 1
            parts.append(CommandSubstitution(self.parse_script(text[position + 2 : end]), quoted))
        elif following == "{":
            self._braced(parts, quoted=quoted)
        elif match := NAME.match(text, position + 1):
            self.position = match.end()
            parts.append(Parameter(match.group(), "", None, quoted))
        elif following and following in _SPECIAL:
            self.position += 2
            parts.append(Parameter(following, "", None, quoted))
        elif self.bash and following == "'" and not quoted:
            end = text.find("'", position + 2)
            if end < 0:
                raise self.fault("Unterminated quoted string")
            self.position = end + 1
            parts.append(Literal(text[position + 2 : end].encode().decode("unicode_escape"), True))
        else:
            self.position += 1
            parts.append(Literal("$", quoted))

    def _inner_word(self, text: str) -> Word:
        """Text read as if inside double quotes: arithmetic and here-documents."""
        reader = WordReader(text, self.parse_script, bash=self.bash)
        parts: list[Part] = []
        reader.quoted_text(parts, "", "$`\\")
        return make_word(parts)

    def _braced(self, parts: list[Part], *, quoted: bool) -> None:
        """``${...}``; an operator of another shell becomes ``bad``, which fails when it is expanded, as in ash."""
        text, start = self.text, self.position + 2
        following = text[start + 1 : start + 2]
        length = text.startswith("#", start) and following != "" and following not in "}-=?+:%"
        name_at = start + 1 if length else start
        match = NAME.match(text, name_at) or re.compile(r"[0-9]+|[@*#?$!-]").match(text, name_at)
        if match is None:
            self._bad(parts, quoted)
            return
        name, self.position = match.group(), match.end()
        if length or text.startswith("}", self.position):
            if not text.startswith("}", self.position):
                self._bad(parts, quoted)
                return
            self.position += 1
            parts.append(Parameter(name, "length" if length else "", None, quoted))
            return
        operator = _OPERATOR.match(text, self.position)
        if operator is not None:
            self.position = operator.end()
            parts.append(
                Parameter(name, operator.group(), self._braced_word(quoted and operator.group()[0] not in "%#"), quoted)
            )
        elif text[self.position] == ":":
            self.position += 1
            parts.append(Parameter(name, "substring", self._braced_word(True), quoted))
        elif text[self.position] == "/":
            self.position += 1
            parts.append(Parameter(name, "replace", self._braced_word(False), quoted))
        elif self.bash and text[self.position] == "[":
            self.position += 1
            end = text.find("]}", self.position)
            if end < 0:
                self._bad(parts, quoted)
                return
            index = self._inner_word(text[self.position : end])
            self.position = end + 2
            parts.append(Parameter(name, "index", index, quoted))
        else:
            self._bad(parts, quoted)

    def _bad(self, parts: list[Part], quoted: bool) -> None:
        end = self.text.find("}", self.position)
        self.position = len(self.text) if end < 0 else end + 1
        parts.append(Parameter("", "bad", None, quoted))

    def _braced_word(self, quoted: bool) -> Word:
        parts: list[Part] = []
        if quoted:
            while True:
                self.quoted_text(parts, '}"', '$`"\\}')
                if self.position >= len(self.text):
                    raise self.fault("Missing '}'")
                if self.text[self.position] == "}":
                    break
                self.position += 1
                self._double_quoted(parts)
        else:
            if self.text.startswith("~", self.position):
                match = re.compile(r"~([A-Za-z0-9_.-]*)(?=[/}])").match(self.text, self.position)
                if match:
                    self.position = match.end()
                    parts.append(Tilde(match.group(1)))
            self._parts(parts, frozenset("}"))
        if self.position >= len(self.text):
            raise self.fault("Missing '}'")
        self.position += 1
        return make_word(parts)


def make_word(parts: list[Part]) -> Word:
    """A word from its parts, with its plain value when there is nothing to expand."""
    if not all(isinstance(part, Literal) for part in parts):
        return Word(tuple(parts), None)
    literals = [part for part in parts if isinstance(part, Literal)]
    if any(not part.quoted and not _PATTERN_CHARACTERS.isdisjoint(part.text) for part in literals):
        return Word(tuple(parts), None)
    return Word(tuple(parts), "".join(part.text for part in literals))


def _arithmetic_end(text: str, start: int) -> int | None:
    """Where the ``))`` of ``$((`` stands, or None when it is a command substitution that begins with ``(``."""
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "(":
            depth += 1
        elif character == ")":
            if depth == 0:
                return position if text.startswith("))", position) else None
            depth -= 1
        elif character == "\\":
            position += 1
        position += 1
    return None


def substitution_end(text: str, start: int) -> int | None:
    """Where the ``)`` stands that closes a ``$(`` whose inside begins at ``start``; quotes and comments are skipped.

    An unbalanced ``)`` of a ``case`` pattern inside is recognised by counting ``case`` and ``esac``.
    """
    depth, cases, position, word_start = 0, 0, start, True
    while position < len(text):
        character = text[position]
        if word_start and (match := re.compile(r"(case|esac)(?![A-Za-z0-9_])").match(text, position)):
            cases += 1 if match.group(1) == "case" else -1
            position, word_start = match.end(), False
            continue
        if character == ")":
            if depth == 0 and cases <= 0:
                return position
            if depth > 0:
                depth -= 1
        elif character == "(":
            depth += 1
        elif character == "#" and word_start:
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
            continue
        else:
            skipped = _skip_quoted(text, position)
            if skipped is None:
                return None
            if skipped != position:
                position, word_start = skipped, False
                continue
        word_start = character in " \t\n;&|()"
        position += 1
    return None


def _skip_quoted(text: str, position: int) -> int | None:
    """The position behind a quoted piece or a nested expansion that begins here; unchanged when none does."""
    character = text[position]
    if character == "\\":
        return position + 2
    if character == "'":
        end = text.find("'", position + 1)
        return None if end < 0 else end + 1
    if character == '"':
        position += 1
        while position < len(text) and text[position] != '"':
            inner = _skip_quoted(text, position) if text[position] in "\\$`" else position
            if inner is None:
                return None
            position = inner if inner != position else position + 1
        return position + 1 if position < len(text) else None
    if character == "`":
        end = text.find("`", position + 1)
        return None if end < 0 else end + 1
    if text.startswith("$((", position) and (end_of := _arithmetic_end(text, position + 3)) is not None:
        return end_of + 2
    if text.startswith("$(", position):
        close = substitution_end(text, position + 2)
        return None if close is None else close + 1
    if text.startswith("${", position):
        position += 2
        while position < len(text) and text[position] != "}":
            inner = _skip_quoted(text, position)
            if inner is None:
                return None
            position = inner if inner != position else position + 1
        return position + 1 if position < len(text) else None
    return position
