"""The code blocks of a page of documentation, and how each is run.

In a ``console`` block each line ``$ command`` is run and what follows up to the next is what it must print (``kubectl``
is not run: kubesim prints its commands above their tables). A line ``…`` stands for any lines, ``…`` inside a line for
any text. ``exit=1`` behind the language: the last command ends so. Commands are ``kubesim …`` (run in this process),
and small Unix tools; a pipe goes from one to the next.

``python`` is executed, all blocks of a page in one namespace; a ``text`` block right after it is what it must print.
``yaml`` that holds Kubernetes objects must load (a Scenario alone may name objects of other files); ``file=NAME`` puts
it into a file for the commands to come. Of other
blocks, lines that begin with ``kubesim`` must at least be understood. ``slow=SECONDS`` runs only when asked for.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import yaml
from click.testing import CliRunner

from kubesim import api
from kubesim.cli import main
from kubesim.errors import ScenarioError

ROOT: Final = Path(__file__).parents[2]
SLOW: Final = "KUBESIM_SLOW_DOCS"
"""Set this variable, and blocks marked ``slow=…`` (the seconds they take) run, too."""
TOOLS: Final = frozenset(("cat", "grep", "head", "tail", "sed", "cut", "sort", "wc", "ls", "diff", "echo", "tr"))
_FENCE: Final = re.compile(r"^(?P<indent>[ ]*)(?P<fence>`{3,})(?P<info>[^`]*)$")
_LONGEST: Final = 60.0


@dataclass(frozen=True)
class Block:
    """A fenced block; ``line`` is that of its first fence. ``follows``: nothing but blank lines since the last one."""

    page: Path
    line: int
    language: str
    settings: dict[str, str]
    text: str
    follows: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command of a console block, and the output that is shown."""

    line: int
    text: str
    shown: tuple[str, ...]


@dataclass
class Page:
    """What the blocks of one page share: the folder they run in, the names of their Python."""

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__docs__"})
    printed: str = ""


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number, last_end = 0, -1
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        if opened is None:
            number += 1
            continue
        end = next(
            (later for later in range(number + 1, len(lines)) if lines[later].strip() == opened["fence"]), len(lines)
        )
        inside = [line.removeprefix(opened["indent"]) for line in lines[number + 1 : end]]
        words = opened["info"].split()
        settings = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        follows = last_end >= 0 and not any(line.strip() for line in lines[last_end + 1 : number])
        yield Block(page, number + 1, words[0] if words else "", settings, "\n".join(inside), follows)
        last_end, number = end, end + 1


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block; a backslash at the end of a line continues it."""
    number, text, shown = 0, "", []
    for place, line in enumerate(block.text.splitlines(), block.line + 1):
        begins = line.startswith("$ ") and line.split()[1:2] not in ([], ["kubectl"])
        if begins or (text.endswith("\\") and not shown):
            if begins:
                if text:
                    yield Command(number, text, tuple(shown))
                number, text, shown = place, line[2:], []
            else:
                text = text[:-1] + line.strip()
        else:
            shown.append(line)
    if text:
        yield Command(number, text, tuple(shown))


def run(block: Block, page: Page) -> list[str]:
    """What is wrong with a block; nothing if it does what it shows."""
    if "slow" in block.settings and not os.environ.get(SLOW):
        return []
    match block.language:
        case "console":
            return _console(block, page)
        case "python":
            return _python(block, page)
        case "text" if block.follows and page.printed:
            printed, page.printed = page.printed, ""
            return _differences(printed, block.text.splitlines())
        case "yaml":
            if name := block.settings.get("file"):
                (page.folder / name).write_text(block.text + "\n", encoding="utf-8")
            return _yaml(block)
        case _:
            return list(_unknown_usage(block))


def output(text: str, folder: Path) -> tuple[str, int]:
    """What a line of a console prints, stdout first, and its exit status."""
    printed, code = "", 0
    for stage in _stages(text):
        words = shlex.split(stage)
        if words[0] == "kubesim":
            result = CliRunner().invoke(main, words[1:], input=printed or None, catch_exceptions=False)
            printed, code = result.stdout + result.stderr, result.exit_code
        elif words[0] in TOOLS:
            done = subprocess.run(
                words, cwd=folder, input=printed, capture_output=True, text=True, timeout=_LONGEST, check=False
            )
            printed, code = done.stdout + done.stderr, done.returncode
        else:
            raise ValueError(f"{words[0]} is no command that pages may use; they may use kubesim and {sorted(TOOLS)}")
    return printed, code


def _stages(text: str) -> list[str]:
    """The parts of a pipeline; a bar inside quotes is none."""
    lexer = shlex.shlex(text, posix=False, punctuation_chars="|")
    lexer.whitespace_split = True
    stages, words = [], []
    for token in lexer:
        if token == "|":
            stages.append(" ".join(words))
            words = []
        else:
            words.append(token)
    return [*stages, " ".join(words)]


def _console(block: Block, page: Page) -> list[str]:
    problems, code = [], 0
    for command in commands(block):
        printed, code = output(command.text, page.folder)
        found = _differences(printed, list(command.shown))
        if command.shown and not any(line.strip(" …") for line in command.shown):
            found = ["everything is left out: show what matters"]
        problems += [f"{block.page.relative_to(ROOT)}:{command.line}: $ {command.text}\n{one}" for one in found]
    wanted = int(block.settings.get("exit", "0"))
    if code != wanted and not problems:
        problems.append(f"{block}: the last command ended with {code}, not with {wanted}")
    return problems


def _differences(printed: str, shown: list[str]) -> list[str]:
    """Nothing, or where the output that is shown is not what was printed."""
    actual = [line.rstrip() for line in printed.rstrip("\n").splitlines()]
    wanted = [line.rstrip() for line in shown]
    while wanted and not wanted[-1]:
        wanted.pop()
    if _matches(actual, wanted):
        return []
    return ["shown:\n  " + "\n  ".join(wanted) + "\nprinted:\n  " + "\n  ".join(actual)]


def _matches(actual: list[str], wanted: list[str]) -> bool:
    parts = ["(?:[^\n]*\n)*" if line.strip() == "…" else _pattern(line) + "\n" for line in wanted]
    return re.fullmatch("".join(parts), "".join(f"{line}\n" for line in actual)) is not None


def _pattern(line: str) -> str:
    return "[^\n]*".join(re.escape(part) for part in line.split("…"))


def _python(block: Block, page: Page) -> list[str]:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(block.text, str(block), "exec"), page.names)
    page.printed = printed.getvalue()
    return []


def _yaml(block: Block) -> list[str]:
    documents = [one for one in yaml.safe_load_all(block.text) if one is not None]
    if documents and all(isinstance(one, dict) and {"apiVersion", "kind"} <= one.keys() for one in documents):
        try:
            api.load(io.StringIO(block.text))
        except ScenarioError as problem:
            is_alone = all(one["kind"] == "Scenario" for one in documents)
            if not (is_alone and "is ever created" in str(problem)):
                raise
    return []


def _unknown_usage(block: Block) -> Iterator[str]:
    """Lines of ``kubesim`` with a command or an option that there is not; the files they name need not exist."""
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        words = line.partition("  #")[0].split("|")[0].split()
        if words[:1] != ["kubesim"] or len(words) == 1:
            continue
        try:
            command = main.get_command(click.Context(main), words[1])
            if command is None:
                raise click.NoSuchOption(words[1], f"there is no kubesim {words[1]}")
            command.make_context(words[1], words[2:]).close()
        except click.NoSuchOption as problem:
            yield f"{block.page.relative_to(ROOT)}:{number}: {line.strip()}: {problem.format_message()}"
        except (click.exceptions.Exit, click.UsageError):
            continue
