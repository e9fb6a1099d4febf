"""Skipping what changes nothing: a machine that comes back to the same state needs no event until a stimulus.

Two quiet moments are the same when all processes stand at the same place with the same variables and the same time
left to wait, and in between nothing was written, no file changed and the clock was not read.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from kubesim.scripts.declared import DeclaredProgram
from kubesim.scripts.frames import Frame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.process import Document, Handle, PipeEnd, Process, Shell
from kubesim.scripts.tools_waiting import Follow, Sleep, Timeout
from kubesim.units import Duration, Instant


@dataclass(slots=True)
class Watch:
    """Remembers one quiet moment and compares later ones with it (Brent's cycle search).

    ``period`` is set once the state recurs at every quiet moment, one period apart.
    """

    seen: Any = None
    seen_at: Instant = 0
    seen_pid: int = 0
    unsteady: int = -1
    version: int = -1
    count: int = 0
    limit: int = 1
    period: Duration | None = None
    pids: int = 0

    def observe(self, kernel: Kernel) -> None:
        """A quiet moment has come."""
        if kernel.ended or self.period is not None:
            return
        version = kernel.files.version()
        if kernel.unsteady != self.unsteady or version != self.version:
            self.unsteady, self.version = kernel.unsteady, version
            self.seen, self.count, self.limit = None, 0, 1
            return
        if self.seen is not None and kernel.now == self.seen_at:
            return
        state = snapshot(kernel)
        if self.seen is not None and state == self.seen:
            if self.count == 0:
                self.period = kernel.now - self.seen_at
                self.pids = kernel.next_pid - self.seen_pid
            return
        self.count += 1
        if self.seen is None or self.count >= self.limit:
            self.seen, self.seen_at, self.seen_pid = state, kernel.now, kernel.next_pid
            self.count, self.limit = 0, self.limit * 2

    def forward(self, kernel: Kernel, now: Instant) -> None:
        """Jump over whole periods, to the last quiet moment before ``now``."""
        if self.period is None:
            return
        periods = max(0, (now - 1 - kernel.now) // self.period)
        shift(kernel, periods * self.period, periods * self.pids)
        self.period, self.seen, self.count, self.limit = None, None, 0, 1


def snapshot(kernel: Kernel) -> Any:
    """The state of all processes with instants relative to now and pids by rank.

    Left out, because nothing can see it without making the moment unsteady: descriptors of the runtime, numbers of
    processes that are gone.
    """
    ranks = {pid: rank for rank, pid in enumerate(kernel.processes)}
    return tuple(_process(process, kernel, ranks) for process in kernel.processes.values())


def _process(process: Process, kernel: Kernel, ranks: dict[int, int]) -> Any:
    shell = process.shell
    waiting = process.waiting
    until = None if waiting is None or waiting.until is None else waiting.until - kernel.now
    waits = None if waiting is None else (type(waiting), until, getattr(waiting, "pids", None) and _ranks(waiting, ranks))
    return (
        process.argv,
        process.directory,
        process.ignored,
        process.stopped,
        waits,
        tuple((number, _descriptor(item)) for number, item in process.descriptors.items()),
        None if shell is None else _shell(shell, ranks),
        None if process.program is None else _program(process.program, kernel),
    )


def _ranks(waiting: Any, ranks: dict[int, int]) -> tuple[int, ...]:
    return tuple(ranks.get(pid, -1) for pid in waiting.pids)


def _descriptor(item: Any) -> Any:
    match item:
        case Handle():
            return id(item.file), item.offset
        case PipeEnd():
            return id(item.pipe), item.writing, item.pipe.buffer
        case Document():
            return item.text, item.offset
    return id(item)


def _program(program: Any, kernel: Kernel) -> Any:
    """A program's fields, instants relative to now."""
    if isinstance(program, Follow):
        return "follow", (kernel.now - program.started) % program.interval, id(program.files[0].file), program.files[0].shown
    if isinstance(program, DeclaredProgram):
        return "declared", id(program), program.done, program.ending
    if isinstance(program, Timeout):
        return "timeout", program.command, program.until - kernel.now, program.sent
    return (type(program),)


def _shell(shell: Shell, ranks: dict[int, int]) -> Any:
    return (
        shell.status,
        tuple(shell.positional),
        tuple(sorted(shell.variables.items())),
        tuple(sorted(shell.options)),
        tuple(sorted(shell.traps.items())),
        tuple(shell.pending),
        len(shell.functions),
        ranks.get(shell.last_background, -1 if shell.last_background else -2),
        tuple(tuple(ranks.get(pid, -1) for pid in job.pids) for job in shell.jobs),
        tuple(_frame(frame, ranks) for frame in shell.stack),
    )


def _frame(frame: Frame, ranks: dict[int, int]) -> Any:
    """A frame's fields; nodes compare by identity, pids by rank."""
    values: list[Any] = [type(frame)]
    for name in _FRAME_FIELDS[type(frame)]:
        value = getattr(frame, name)
        if name in ("pids", "pid"):
            value = tuple(ranks.get(pid, -1) for pid in value) if name == "pids" else ranks.get(value, -1)
        elif isinstance(value, (list, dict, set)):
            value = repr(value)
        values.append(value)
    return tuple(values)


_FRAME_FIELDS = {kind: tuple(item.name for item in fields(kind)) for kind in get_args(Frame)}


def shift(kernel: Kernel, duration: Duration, pids: int) -> None:
    """Move every instant forward, and the next pid by what the skipped rounds would have used."""
    kernel.now += duration
    if duration == 0:
        return
    for process in kernel.processes.values():
        waiting = process.waiting
        if waiting is not None and waiting.until is not None:
            process.waiting = replace(waiting, until=waiting.until + duration)
        program = process.program
        if isinstance(program, (Sleep, Timeout)) and program.until is not None and program.until >= 0:
            program.until += duration
    kernel.next_pid += pids
