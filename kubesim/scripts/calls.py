"""Programs that run in no time: a function of arguments, input and files; called again when its input is complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from kubesim.scripts.filesystem import FileError, absolute
from kubesim.scripts.process import AwaitInput

if TYPE_CHECKING:
    from kubesim.scripts.kernel import Kernel
    from kubesim.scripts.process import Process


class NeedsInput(Exception):
    """Standard input is not complete yet."""


class Call:
    """One run of a program: what it sees, and what it has written so far (delivered when it ends).

    Departure: a program that reads all of its input writes at the end, as with a full buffer; a real one would also
    write each time 4096 bytes have come together.
    """

    def __init__(self, kernel: Kernel, process: Process) -> None:
        self.kernel = kernel
        self.process = process
        self.argv = process.argv
        self.written: list[tuple[int, str]] = []

    def out(self, text: str) -> None:
        self.written.append((1, text))

    def err(self, text: str) -> None:
        self.written.append((2, f"{self.argv[0].rsplit('/', 1)[-1]}: {text}\n"))

    def path(self, path: str) -> str:
        return absolute(path, self.process.directory)

    def input(self) -> str:
        """All of standard input."""
        text, complete = self.kernel.available(self.process, 0)
        if not complete:
            raise NeedsInput
        return text

    def read(self, path: str) -> str:
        """A file's text, ``-`` for standard input."""
        if path == "-":
            return self.input()
        if path in ("/dev/null", "/dev/tty"):
            return ""
        if path in ("/dev/stdin", "/proc/self/fd/0"):
            return self.input()
        return self.kernel.files.read(self.path(path)).text

    def inputs(self, paths: list[str]) -> tuple[str, int]:
        """The texts of the operands one after the other (standard input when there is none), and a status."""
        if not paths:
            return self.input(), 0
        texts: list[str] = []
        status = self.each_input(paths, lambda _, text: texts.append(text))
        return "".join(texts), status

    def each_input(self, paths: list[str], use: Callable[[str, str], None]) -> int:
        """Call ``use`` with each operand and its text; the status is 1 if one could not be read, which is said."""
        status = 0
        for path in paths or ["-"]:
            try:
                text = self.read(path)
            except FileError as fault:
                self.complain(path, fault)
                status = 1
            else:
                use(path, text)
        return status

    def complain(self, path: str, fault: FileError) -> None:
        """The message for a path that cannot be used; busybox and coreutils differ in the words before it."""
        self.err(f"can't open '{path}': {fault}" if self.kernel.image.shell == "ash" else f"{path}: {fault}")


Tool: TypeAlias = Callable[[Call], int]


@dataclass(slots=True)
class Once:
    """A program that is a plain function."""

    tool: Tool

    def step(self, kernel: Kernel, process: Process) -> None:
        call = Call(kernel, process)
        try:
            status = self.tool(call)
        except NeedsInput:
            pipe = kernel.input_pipe(process)
            if pipe is None:
                raise
            process.waiting = AwaitInput(pipe, until_end=True)
            return
        except FileError as fault:
            kernel.write(process, 2, f"{process.argv[0]}: {fault}\n")
            status = 1
        for descriptor, text in call.written:
            kernel.write(process, descriptor, text)
        kernel.end(process, status)

    def on_signal(self, kernel: Kernel, process: Process, name: str) -> bool:
        return False


def options(words: tuple[str, ...], with_value: str = "") -> tuple[dict[str, str], list[str]]:
    """Short options (values by letter) and operands; ``--long[=value]`` is kept under its name."""
    found: dict[str, str] = {}
    operands: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            operands += rest
            break
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            found[name] = value
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter in with_value:
                    found[letter] = letters or (rest.pop(0) if rest else "")
                    letters = ""
                else:
                    found[letter] = ""
        else:
            operands.append(word)
    return found, operands
