"""Parsing shell text into a syntax tree by recursive descent (POSIX XCU 2.10, as dash and busybox ash read it)."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Final

from kubesim.scripts.documents import fill_documents, has_substitution
from kubesim.scripts.syntax import (
    AndOr,
    Assignment,
    Background,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Literal,
    Loop,
    Part,
    Pipeline,
    Redirect,
    Redirected,
    Script,
    Sequence,
    Simple,
    Subshell,
    Word,
)
from kubesim.scripts.words import NAME, SyntaxFault, WordReader, make_word

RESERVED: Final = frozenset(
    ("if", "then", "elif", "else", "fi", "while", "until", "for", "do", "done", "case", "esac", "in", "{", "}", "!")
)
_CLOSERS: Final = frozenset(("then", "elif", "else", "fi", "do", "done", "esac", "}"))
_OPERATORS: Final = ("&&", "||", ";;", ";", "&", "|", "(", ")", "\n")
_REDIRECT: Final = re.compile(r"(\d*)(<<-|<<|<&|<>|<|>>|>&|>\||>)")
_BASH_REDIRECT: Final = re.compile(r"(\d*)(<<<|<<-|<<|<&|<>|<|>>|>&|>\||>)|()(&>>|&>)")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_BARE_WORD: Final = re.compile(r"[^\s;&|<>()'\"\\$`#]+(?=[\s;&|<>()]|$)")


@lru_cache(maxsize=4096)
def parse(text: str, *, bash: bool = False) -> Script:
    """The syntax tree of ``text``; a syntax error becomes the script's ``error``, after what stands before it."""
    return Parser(text, bash=bash).script()


class Parser:
    """One pass over one text."""

    def __init__(self, text: str, *, bash: bool) -> None:
        self.text = text
        self.bash = bash
        self.reader = WordReader(text, partial(parse, bash=bash), bash=bash)
        self.pending_documents: list[tuple[int, str, bool, bool]] = []
        self.documents: dict[int, Word] = {}

    # --- positions and tokens

    @property
    def position(self) -> int:
        return self.reader.position

    def skip_blanks(self) -> None:
        text, position = self.text, self.reader.position
        while position < len(text):
            if text[position] in " \t":
                position += 1
            elif text.startswith("\\\n", position):
                position += 2
            elif text[position] == "#":
                end = text.find("\n", position)
                position = len(text) if end < 0 else end
            else:
                break
        self.reader.position = position

    def operator(self) -> str:
        """The operator at the position, without taking it; empty when a word or the end stands there."""
        self.skip_blanks()
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.position):
                return operator
        return ""

    def take(self, operator: str) -> bool:
        if self.operator() != operator:
            return False
        self.reader.position += len(operator)
        if operator == "\n":
            self.read_documents()
        return True

    def skip_newlines(self) -> None:
        while self.take("\n"):
            pass

    def bare_word(self) -> str:
        """The unquoted word at the position, without taking it; reserved words are only these."""
        self.skip_blanks()
        match = _BARE_WORD.match(self.text, self.position)
        return match.group() if match else ""

    def take_word(self, expected: str) -> bool:
        if self.bare_word() != expected:
            return False
        self.reader.position += len(expected)
        return True

    def expect_word(self, expected: str) -> None:
        if not self.take_word(expected):
            raise self.unexpected(expected)

    def unexpected(self, expected: str = "") -> SyntaxFault:
        self.skip_blanks()
        operator = self.operator()
        if operator == "\n":
            found = "newline"
        elif operator:
            found = f'"{operator}"'
        elif self.position >= len(self.text):
            found = "end of file"
        else:
            word = self.bare_word()
            found = f'"{word}"' if word in RESERVED else "word"
        hint = f' (expecting "{expected}")' if expected else ""
        return self.reader.fault(f"{found} unexpected{hint}")

    # --- scripts and lists

    def script(self) -> Script:
        commands: list[Command] = []
        ends_with_command = False
        try:
            while True:
                self.skip_newlines()
                if self.position >= len(self.text):
                    break
                line = self.sequence(one_line=True)
                if self.position < len(self.text) and not self.take("\n"):
                    raise self.unexpected()
                ends_with_command = self.position >= len(self.text) and not self.text.endswith("\n")
                commands.append(self.filled(line))
            if self.pending_documents:
                self.read_documents()
        except SyntaxFault as fault:
            at = self.text.count("\n", 0, fault.position) + 1
            return Script(tuple(commands), fault.message, at, False)
        return Script(tuple(commands), None, 0, ends_with_command)

    def sequence(self, *, one_line: bool = False) -> Command:
        """Commands up to a closing word, ``)``, ``;;`` or the end; ``one_line``: up to a newline."""
        items: list[Command] = []
        while True:
            if not one_line:
                self.skip_newlines()
            if self.at_end_of_list():
                break
            command = self.and_or()
            if self.take("&"):
                items.append(Background(command))
            else:
                items.append(command)
                if not self.take(";") and not (self.operator() == "\n" and not one_line):
                    break
        if not items:
            raise self.unexpected()
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def at_end_of_list(self) -> bool:
        self.skip_blanks()
        if self.position >= len(self.text):
            return True
        operator = self.operator()
        if operator in (")", ";;", "\n"):
            return True
        return self.bare_word() in _CLOSERS

    def and_or(self) -> Command:
        left = self.pipeline()
        while (operator := self.operator()) in ("&&", "||"):
            self.take(operator)
            self.skip_newlines()
            left = AndOr(left, operator, self.pipeline())
        return left

    def pipeline(self) -> Command:
        negated = self.take_word("!")
        commands = [self.command()]
        while self.operator() == "|":
            self.take("|")
            self.skip_newlines()
            commands.append(self.command())
        if len(commands) == 1 and not negated:
            return commands[0]
        return Pipeline(tuple(commands), negated)

    # --- commands

    def command(self) -> Command:
        word = self.bare_word()
        if self.operator() == "(":
            self.take("(")
            body = self.sequence()
            if not self.take(")"):
                raise self.unexpected(")")
            return self.redirected(Subshell(body))
        match word:
            case "{":
                self.take_word("{")
                body = self.sequence()
                self.expect_word("}")
                return self.redirected(Group(body))
            case "if":
                return self.redirected(self.if_command())
            case "while" | "until":
                self.take_word(word)
                condition = self.sequence()
                return self.redirected(Loop(condition, self.do_group(), word == "until"))
            case "for":
                return self.redirected(self.for_command())
            case "case":
                return self.redirected(self.case_command())
        if word in _CLOSERS or word == "!":
            raise self.unexpected()
        if self.bash and word == "function":
            self.take_word("function")
            return self.function(self.bare_word(), parentheses=False)
        if word and NAME.fullmatch(word.replace("-", "_")) and self.is_definition(word):
            return self.function(word, parentheses=True)
        return self.simple()

    def is_definition(self, word: str) -> bool:
        return re.compile(r"[ \t]*\([ \t]*\)").match(self.text, self.position + len(word)) is not None

    def function(self, name: str, *, parentheses: bool) -> Command:
        self.reader.position += len(name)
        if self.take("("):
            self.take(")")
        elif parentheses:
            raise self.unexpected("(")
        self.skip_newlines()
        return Function(name, self.command())

    def redirected(self, command: Command) -> Command:
        redirects: list[Redirect] = []
        while (redirect := self.redirect()) is not None:
            redirects.append(redirect)
        return Redirected(command, tuple(redirects)) if redirects else command

    def if_command(self) -> If:
        self.take_word("if")
        branches = [self.branch()]
        while self.take_word("elif"):
            branches.append(self.branch())
        otherwise = self.sequence() if self.take_word("else") else None
        self.expect_word("fi")
        return If(tuple(branches), otherwise)

    def branch(self) -> tuple[Command, Command]:
        condition = self.sequence()
        self.expect_word("then")
        return condition, self.sequence()

    def do_group(self) -> Command:
        self.take(";")
        self.skip_newlines()
        self.expect_word("do")
        body = self.sequence()
        self.expect_word("done")
        return body

    def for_command(self) -> For:
        self.take_word("for")
        self.skip_blanks()
        match = NAME.match(self.text, self.position)
        if match is None:
            raise self.reader.fault("Bad for loop variable")
        self.reader.position = match.end()
        self.skip_newlines()
        words: tuple[Word, ...] | None = None
        if self.take_word("in"):
            words = self.word_list()
        return For(match.group(), words, self.do_group())

    def word_list(self) -> tuple[Word, ...]:
        words: list[Word] = []
        while not self.operator() and self.position < len(self.text):
            words.append(self.reader.word())
        return tuple(words)

    def case_command(self) -> Case:
        self.take_word("case")
        self.skip_blanks()
        word = self.reader.word()
        self.skip_newlines()
        self.expect_word("in")
        arms: list[tuple[tuple[Word, ...], Command | None]] = []
        self.skip_newlines()
        while not self.take_word("esac"):
            self.take("(")
            patterns = [self.pattern()]
            while self.take("|"):
                patterns.append(self.pattern())
            if not self.take(")"):
                raise self.unexpected(")")
            self.skip_newlines()
            body = None if self.at_end_of_list() else self.sequence()
            arms.append((tuple(patterns), body))
            self.skip_newlines()
            if not self.take(";;") and self.bare_word() != "esac":
                raise self.unexpected(";;")
            self.skip_newlines()
        return Case(word, tuple(arms))

    def pattern(self) -> Word:
        self.skip_blanks()
        if self.position >= len(self.text) or self.operator():
            raise self.unexpected()
        return self.reader.word()

    def simple(self) -> Simple:
        line = self.text.count("\n", 0, self.position) + 1
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            self.skip_blanks()
            if (redirect := self.redirect()) is not None:
                redirects.append(redirect)
                continue
            if self.operator() or self.position >= len(self.text):
                break
            match = _ASSIGNMENT.match(self.text, self.position) if not words else None
            if match is not None and (self.bash or not match.group(2)):
                self.reader.position = match.end()
                value = self.array() if self.bash and self.text.startswith("(", match.end()) else None
                value = value or self.reader.word(assignment=True)
                assignments.append(Assignment(match.group(1), value, bool(match.group(2))))
            else:
                words.append(self.reader.word(assignment=bool(words)))
        if not (assignments or words or redirects):
            raise self.unexpected()
        everything = (*words, *(item.value for item in assignments), *(item.target for item in redirects))
        return Simple(tuple(assignments), tuple(words), tuple(redirects), line, any(map(has_substitution, everything)))

    def array(self) -> Word:
        """bash's ``name=(a b c)``: kept as one word whose elements are separated by the unit separator."""
        self.reader.position += 1
        parts: list[Part] = []
        while not self.take(")"):
            self.skip_newlines()
            if self.position >= len(self.text):
                raise self.unexpected(")")
            parts.extend((*self.reader.word().parts, Literal("\x1f", True)))
        return make_word(parts)

    # --- redirections and here-documents

    def redirect(self) -> Redirect | None:
        self.skip_blanks()
        match = (_BASH_REDIRECT if self.bash else _REDIRECT).match(self.text, self.position)
        if match is None:
            return None
        operator = match.group(2) or match.group(4)
        self.reader.position = match.end()
        self.skip_blanks()
        if self.operator() or self.position >= len(self.text):
            raise self.unexpected()
        descriptor = int(match.group(1)) if match.group(1) else (0 if operator[0] == "<" else 1)
        start = self.position
        target = self.reader.word()
        if operator in ("<<", "<<-"):
            raw = self.text[start : self.position]
            quoted = any(character in raw for character in "'\"\\")
            delimiter = re.sub(r"['\"\\]", "", raw)
            self.pending_documents.append((start, delimiter, operator == "<<-", quoted))
            return Redirect(descriptor, f"<<{start}", target)
        return Redirect(descriptor, operator, target)

    def read_documents(self) -> None:
        """Read the here-documents announced on the line that has just ended."""
        for key, delimiter, strip, quoted in self.pending_documents:
            body = ""
            while self.position < len(self.text):
                end = self.text.find("\n", self.position)
                line_end = len(self.text) if end < 0 else end
                line = self.text[self.position : line_end]
                self.reader.position = min(line_end + 1, len(self.text))
                if strip:
                    line = line.lstrip("\t")
                if line == delimiter:
                    break
                body += line + "\n"
            self.documents[key] = self.document(body, quoted)
        self.pending_documents.clear()

    def document(self, body: str, quoted: bool) -> Word:
        if quoted:
            return Word((Literal(body, True),), body)
        reader = WordReader(body, partial(parse, bash=self.bash), bash=self.bash)
        parts: list[Part] = []
        reader.quoted_text(parts, "", "$`\\")
        return make_word(parts)

    def filled(self, command: Command) -> Command:
        """The command with its here-documents in place: they stand in the text behind the commands that use them."""
        if self.pending_documents:
            self.read_documents()
        return fill_documents(command, self.documents) if self.documents else command
