"""``test`` and ``[``: decided by the number of arguments, as XCU test demands, then by precedence."""

from __future__ import annotations

from kubesim.scripts import patterns as shell_patterns
from kubesim.scripts.filesystem import Directory, Entry, File, FileError, Filesystem, Link, absolute

_UNARY = frozenset("bcdefgGhkLnNOprsStuwxz")
_BINARY = frozenset(("=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~"))


class TestFault(Exception):
    """A malformed expression: status 2."""


def evaluate_test(
    files: Filesystem, directory: str, argv: tuple[str, ...], *, patterns: bool = False
) -> tuple[int, str]:
    """The status of ``test``/``[``/``[[`` and, for a malformed expression (2), the message."""
    words = list(argv[1:])
    if argv[0] in ("[", "[["):
        closing = "]" if argv[0] == "[" else "]]"
        if not words or words.pop() != closing:
            return 2, f"missing {closing}"
    try:
        return int(not _Condition(files, directory, words, patterns).value()), ""
    except TestFault as fault:
        return 2, str(fault)


class _Condition:
    def __init__(self, files: Filesystem, directory: str, words: list[str], patterns: bool) -> None:
        self.files = files
        self.directory = directory
        self.words = words
        self.index = 0
        self.patterns = patterns

    def value(self) -> bool:
        words = self.words
        match len(words):
            case 0:
                return False
            case 1:
                return words[0] != ""
            case 2 if words[0] == "!":
                return words[1] == ""
            case 3 if words[1] in _BINARY:
                return self.binary(words[0], words[1], words[2])
            case 4 if words[0] == "!":
                return not _Condition(self.files, self.directory, words[1:], self.patterns).value()
        result = self.either()
        if self.index < len(words):
            raise TestFault(f"{words[self.index]}: unexpected operator")
        return result

    def peek(self, ahead: int = 0) -> str | None:
        position = self.index + ahead
        return self.words[position] if position < len(self.words) else None

    def either(self) -> bool:
        result = self.both()
        while self.peek() in ("-o", "||"):
            self.index += 1
            right = self.both()
            result = result or right
        return result

    def both(self) -> bool:
        result = self.negation()
        while self.peek() in ("-a", "&&"):
            self.index += 1
            right = self.negation()
            result = result and right
        return result

    def negation(self) -> bool:
        if self.peek() == "!":
            self.index += 1
            return not self.negation()
        return self.primary()

    def primary(self) -> bool:
        word = self.peek()
        if word is None:
            raise TestFault("argument expected")
        following = self.peek(1)
        if following in _BINARY and self.peek(2) is not None:
            self.index += 3
            return self.binary(word, following or "", self.words[self.index - 1])
        if word == "(":
            self.index += 1
            result = self.either()
            if self.peek() != ")":
                raise TestFault("closing paren expected")
            self.index += 1
            return result
        if len(word) == 2 and word[0] == "-" and word[1] in _UNARY and following is not None:
            self.index += 2
            return self.unary(word[1], following)
        if following is not None and following not in ("-a", "-o", "&&", "||", ")"):
            raise TestFault(f"{word}: unexpected operator")
        self.index += 1
        return word != ""

    def entry(self, path: str, *, follow: bool = True) -> Entry | None:
        if not path:
            return None
        try:
            return self.files.entry(self.files.resolve(absolute(path, self.directory), follow=follow))
        except FileError:
            return None

    def unary(self, operator: str, operand: str) -> bool:
        match operator:
            case "z":
                return operand == ""
            case "n":
                return operand != ""
            case "t":
                return False
            case "h" | "L":
                return isinstance(self.entry(operand, follow=False), Link)
        entry = self.entry(operand)
        match operator:
            case "f":
                return isinstance(entry, File)
            case "d":
                return isinstance(entry, Directory)
            case "s":
                return isinstance(entry, Directory) or (isinstance(entry, File) and entry.size > 0)
            case "x":
                return isinstance(entry, Directory) or (isinstance(entry, File) and bool(entry.mode & 0o111))
            case "b" | "c" | "p" | "S" | "g" | "k" | "u":
                return False
            case "w":
                path = self.files.resolve(absolute(operand, self.directory))
                return entry is not None and not self.files.place(path).read_only
        return entry is not None

    def binary(self, left: str, operator: str, right: str) -> bool:
        match operator:
            case "=" | "==":
                return shell_patterns.matches(right, left) if self.patterns else left == right
            case "!=":
                return not shell_patterns.matches(right, left) if self.patterns else left != right
            case "<":
                return left < right
            case ">":
                return left > right
            case "=~":
                import re

                return re.search(right, left) is not None
            case "-nt" | "-ot" | "-ef":
                return self.ages(left, operator, right)
        first, second = _integer(left), _integer(right)
        match operator:
            case "-eq":
                return first == second
            case "-ne":
                return first != second
            case "-lt":
                return first < second
            case "-le":
                return first <= second
            case "-gt":
                return first > second
        return first >= second

    def ages(self, left: str, operator: str, right: str) -> bool:
        first, second = self.entry(left), self.entry(right)
        if operator == "-ef":
            return first is not None and first is second
        older, newer = (second, first) if operator == "-nt" else (first, second)
        if isinstance(newer, (File, Directory)):
            return not isinstance(older, (File, Directory)) or newer.modified > older.modified
        return False


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise TestFault(f"Illegal number: {text}") from None
