"""Programs that take time: sleep, tail -f, cat on a pipe, tee, timeout, yes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from kubesim.scripts.calls import options
from kubesim.scripts.filesystem import File, FileError, absolute
from kubesim.scripts.process import Asleep, AwaitInput, Handle, Process, Program
from kubesim.scripts.tools_text import last_lines
from kubesim.units import DAY, HOUR, MINUTE, SECOND, Duration, Instant

if TYPE_CHECKING:
    from kubesim.scripts.kernel import Kernel

_UNITS: Final = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "": SECOND}


class NoSignals:
    """Programs that leave every signal to the default action."""

    __slots__ = ()

    def on_signal(self, kernel: Kernel, process: Process, name: str) -> bool:
        return False


def sleep_duration(words: tuple[str, ...]) -> Duration | None:
    """The sum of the operands; None for ``infinity``. Raises ValueError with the wrong operand."""
    total = 0
    for word in words:
        if word.lower() in ("infinity", "inf"):
            return None
        match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", word)
        if match is None:
            raise ValueError(word)
        try:
            total += int(Decimal(match.group(1)) * _UNITS[match.group(2)])
        except InvalidOperation:
            raise ValueError(word) from None
    return total


@dataclass(slots=True)
class Sleep(NoSignals):
    """``sleep``."""

    until: Instant | None
    begun: bool = False

    def step(self, kernel: Kernel, process: Process) -> None:
        if self.until is not None and kernel.now >= self.until:
            kernel.end(process, 0)
        else:
            process.waiting = Asleep(self.until)


@dataclass(slots=True)
class Fail(NoSignals):
    """A program that only complains."""

    message: str
    status: int = 1

    def step(self, kernel: Kernel, process: Process) -> None:
        kernel.write(process, 2, self.message + "\n")
        kernel.end(process, self.status)


@dataclass(slots=True)
class Followed:
    """One file that ``tail -f`` watches, how much of it has been shown, and whether it was missing."""

    path: str
    shown: int = 0
    file: File | None = None
    missing: bool = False


@dataclass(slots=True)
class Follow(NoSignals):
    """``tail -f`` and ``tail -F``: looks at its files once a second, counted from its start.

    It only wakes when a file has changed: :meth:`look_again` gives the next instant on its grid.
    """

    files: list[Followed]
    started: Instant
    interval: Duration
    retry: bool
    count: str
    begun: bool = False
    seen: int = 0

    def step(self, kernel: Kernel, process: Process) -> None:
        for item in self.files:
            self._show(kernel, process, item)
            if process.pid not in kernel.processes:
                return
        self.begun = True
        self.seen = kernel.files.version()
        if not self.retry and all(item.missing for item in self.files):
            kernel.write(process, 2, "tail: no files\n")
            kernel.end(process, 1)
            return
        process.waiting = Asleep(None)

    def _show(self, kernel: Kernel, process: Process, item: Followed) -> None:
        if item.path == "/dev/null":
            return
        try:
            file = kernel.files.read(absolute(item.path, process.directory))
        except FileError as fault:
            if not item.missing:
                kernel.write(
                    process,
                    2,
                    f"tail: can't open '{item.path}': {fault}\n"
                    if kernel.image.shell == "ash"
                    else f"tail: cannot open '{item.path}' for reading: {fault}\n",
                )
            item.missing = True
            return
        text = file.text
        if not self.begun:
            shown = last_lines(text, self.count)
        elif item.missing or (self.retry and item.file is not None and item.file is not file) or len(text) < item.shown:
            shown = text
        else:
            shown = (item.file.text if item.file is not None and not self.retry else text)[item.shown :]
        item.missing, item.shown = False, len(text)
        item.file = file if item.file is None or self.retry else item.file
        kernel.write(process, 1, shown)

    def look_again(self, kernel: Kernel, process: Process) -> None:
        """Files have changed: wake at the next look."""
        if not self.begun or self.seen == kernel.files.version() or process.waiting != Asleep(None):
            return
        passed = (kernel.now - self.started) // self.interval + 1
        process.waiting = Asleep(self.started + passed * self.interval)


@dataclass(slots=True)
class Copy(NoSignals):
    """``cat`` and ``tee``: hand on what arrives as it arrives."""

    operands: list[str]
    tee: list[Handle] = field(default_factory=list)
    status: int = 0

    def step(self, kernel: Kernel, process: Process) -> None:
        while self.operands:
            path = self.operands[0]
            if path in ("-", "/dev/stdin"):
                if not self._copy_input(kernel, process):
                    return
            elif path != "/dev/null":
                self._copy_file(kernel, process, path)
            if process.pid not in kernel.processes:
                return
            self.operands.pop(0)
        kernel.end(process, self.status)

    def _copy_input(self, kernel: Kernel, process: Process) -> bool:
        text, complete = kernel.available(process, 0)
        kernel.consume(process, 0, len(text))
        for handle in self.tee:
            process.descriptors[9] = handle
            kernel.write(process, 9, text)
            del process.descriptors[9]
        if kernel.write(process, 1, text) is not None:
            self.status = 1
        pipe = kernel.input_pipe(process)
        if not complete and pipe is not None and process.pid in kernel.processes:
            process.waiting = AwaitInput(pipe)
        return complete

    def _copy_file(self, kernel: Kernel, process: Process, path: str) -> None:
        try:
            text = kernel.files.read(absolute(path, process.directory)).text
        except FileError as fault:
            name = "can't open '{}': {}" if kernel.image.shell == "ash" else "{}: {}"
            kernel.write(process, 2, f"cat: {name.format(path, fault)}\n")
            self.status = 1
            return
        if kernel.write(process, 1, text) is not None:
            self.status = 1


@dataclass(slots=True)
class Head(NoSignals):
    """``head`` on a pipe: ends as soon as it has its lines."""

    left: int

    def step(self, kernel: Kernel, process: Process) -> None:
        while self.left:
            text, complete = kernel.available(process, 0)
            end = text.find("\n") + 1
            if not end and not complete:
                pipe = kernel.input_pipe(process)
                process.waiting = AwaitInput(pipe) if pipe is not None else Asleep(None)
                return
            taken = text[: end or len(text)]
            if not taken:
                break
            kernel.consume(process, 0, len(taken))
            kernel.write(process, 1, taken)
            self.left -= 1
        if process.pid in kernel.processes:
            kernel.end(process, 0)


@dataclass(slots=True)
class Yes(NoSignals):
    """``yes``: writes without end; nothing happens in virtual time unless a reader ends it."""

    text: str

    def step(self, kernel: Kernel, process: Process) -> None:
        kernel.write(process, 1, self.text)


@dataclass(slots=True)
class TakeMemory(NoSignals):
    """A program that reads an endless device into memory (``tail /dev/zero``)."""

    begun: bool = False

    def step(self, kernel: Kernel, process: Process) -> None:
        kernel.out_of_memory(process)


def waiting_program(kernel: Kernel, process: Process, name: str, argv: tuple[str, ...]) -> Program | None:
    """The program of this name when it can take time."""
    match name:
        case "sleep" | "usleep":
            return _sleep(kernel, argv)
        case "tail":
            return _tail(kernel, argv)
        case "cat":
            operands = [word for word in argv[1:] if word == "-" or not word.startswith("-")]
            return TakeMemory() if "/dev/zero" in operands else Copy(operands or ["-"])
        case "head" if not [word for word in argv[1:] if not re.fullmatch(r"-n?\d*|\d+", word)]:
            digits = "".join(re.findall(r"\d+", " ".join(argv[1:])))
            return Head(int(digits or "10"))
        case "tee":
            return _tee(kernel, process, argv)
        case "yes":
            return Yes((" ".join(argv[1:]) or "y") + "\n")
        case "nginx" if len(argv) > 2 and argv[1] == "-s":
            from kubesim.scripts.calls import Once
            from kubesim.scripts.tools_system import nginx_signal

            return Once(nginx_signal)
    return None


def _sleep(kernel: Kernel, argv: tuple[str, ...]) -> Program:
    if len(argv) < 2:
        return Fail("sleep: missing operand")
    try:
        duration = sleep_duration(argv[1:])
    except ValueError as fault:
        text = (
            f"sleep: invalid number '{fault}'"
            if kernel.image.shell == "ash"
            else f"sleep: invalid time interval '{fault}'"
        )
        return Fail(text)
    if argv[0].endswith("usleep") and duration is not None:
        duration //= 1_000_000
    return Sleep(None if duration is None else kernel.now + duration)


def _tail(kernel: Kernel, argv: tuple[str, ...]) -> Program | None:
    words = tuple(f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in argv[1:])
    found, operands = options(words, "ncs")
    if "/dev/zero" in operands:
        return TakeMemory()
    if not {"f", "F", "follow"} & found.keys() or not operands:
        return None
    interval = sleep_duration((found.get("s", "1"),)) or SECOND
    retry = "F" in found or "retry" in found
    return Follow([Followed(path) for path in operands], kernel.now, interval, retry, found.get("n", "10"))


def _tee(kernel: Kernel, process: Process, argv: tuple[str, ...]) -> Program:
    found, operands = options(argv[1:])
    handles: list[Handle] = []
    program = Copy(["-"], handles)
    for operand in operands:
        try:
            path = absolute(operand, process.directory)
            file, volume = kernel.files.open_for_writing(path, kernel.now, truncate="a" not in found)
            handles.append(Handle(file, volume, path, False, True, "a" in found))
            kernel.unsteady += 1
        except FileError:
            program.status = 1
    return program
