"""Skipping what changes nothing: a machine that comes back to the same state needs no event until a stimulus.

Two quiet moments are the same when all processes stand at the same place with the same variables and the same time
left to wait, and in between nothing was written, no file changed and the clock was not read.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, get_args

from kubesim.scripts.declared import DeclaredProgram
from kubesim.scripts.frames import ChildrenFrame, Frame, SubstitutionFrame, WaitFrame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.process import AwaitChildren, Descriptor, Document, Handle, Job, PipeEnd, Process, Shell, Stream
from kubesim.scripts.tools_waiting import Follow, Sleep
from kubesim.scripts.tools_wrapping import Timeout, Watchdog
from kubesim.units import Duration, Instant

MOST_PHASES: Final = 32
"""A cycle with more quiet moments than this is ticked through."""


@dataclass(slots=True)
class Phase:
    """The processes as they stood at one quiet moment of the cycle."""

    offset: Duration
    processes: dict[int, Process]
    next_pid: int


@dataclass(slots=True)
class Watch:
    """Remembers one quiet moment and compares later ones with it (Brent's cycle search).

    Once a state has come back, one more round is ticked through, and its quiet moments are kept in ``phases``; then
    ``period`` is set and nothing need happen until a stimulus. Keeping the phases matters when the stimulus is a
    changed file: the part of a round before it must not see the change, so it is not run again but taken from here.
    """

    seen: Any = None
    seen_at: Instant = 0
    seen_pids: tuple[int, ...] = ()
    seen_background: tuple[int, ...] = ()
    seen_next_pid: int = 0
    unsteady: int = -1
    version: int = -1
    count: int = 0
    limit: int = 1
    collecting: Duration | None = None
    phases: list[Phase] = field(default_factory=list)
    period: Duration | None = None
    base: Instant = 0
    grows: tuple[bool, ...] = ()
    background_grows: tuple[bool, ...] = ()
    next_pid_step: int = 0
    extra_pids: int = 0

    def reset(self) -> None:
        """A stimulus has come: what was seen before says nothing about what follows."""
        self.seen, self.period, self.collecting, self.extra_pids = None, None, None, 0
        self.count, self.limit = 0, 1
        self.phases = []

    def observe(self, kernel: Kernel) -> None:
        """A quiet moment has come."""
        if kernel.ended or self.period is not None:
            return
        version = kernel.files.version()
        if kernel.unsteady != self.unsteady or version != self.version:
            self.unsteady, self.version = kernel.unsteady, version
            self.reset()
            return
        if self.seen is not None and kernel.now == self.seen_at:
            return
        state = snapshot(kernel)
        if self.collecting is not None:
            self._collect(kernel, state, self.collecting)
        elif self.seen is not None and state == self.seen:
            self._recurred(kernel)
        else:
            self.count += 1
            if self.seen is None or self.count >= self.limit:
                self._remember(kernel, state)
                self.count, self.limit = 0, self.limit * 2

    def _remember(self, kernel: Kernel, state: Any) -> None:
        self.seen, self.seen_at = state, kernel.now
        self.seen_pids, self.seen_next_pid = tuple(kernel.processes), kernel.next_pid
        self.seen_background = _backgrounds(kernel)

    def _recurred(self, kernel: Kernel) -> None:
        """The state of ``seen_at`` is back. With quiet moments in between, the next round's are kept first."""
        between = self.count
        if between == 0:
            self._skip_from_here(kernel)
        elif between < MOST_PHASES:
            self.collecting = kernel.now - self.seen_at
            self._remember(kernel, self.seen)
            self.phases = [_phase(kernel, 0)]

    def _collect(self, kernel: Kernel, state: Any, period: Duration) -> None:
        offset = kernel.now - self.seen_at
        if offset < period:
            self.phases.append(_phase(kernel, offset))
        elif offset == period and state == self.seen:
            self._skip_from_here(kernel)
        else:
            self.reset()

    def _skip_from_here(self, kernel: Kernel) -> None:
        """Note which pids grow in a round: a process of long standing keeps its number, a short-lived one does not."""
        self.next_pid_step = kernel.next_pid - self.seen_next_pid
        grown = zip(self.seen_pids, kernel.processes, strict=True)
        self.grows = tuple(old != new for old, new in grown)
        named = zip(self.seen_background, _backgrounds(kernel), strict=True)
        self.background_grows = tuple(old != new for old, new in named)
        self.period, self.base = kernel.now - self.seen_at, kernel.now

    def forward(self, kernel: Kernel, now: Instant, *, stimulus: bool = True) -> None:
        """Jump to the last quiet moment before ``now``, exactly as ticking would have reached it.

        Without a stimulus a machine with one quiet moment in a round stays idle.
        """
        if self.period is None:
            return
        rounds, rest = divmod(max(0, now - 1 - self.base), self.period)
        phase = next((item for item in reversed(self.phases) if item.offset <= rest), None)
        if phase is None or not phase.offset:
            kernel.now, newborn, pids = self.base, kernel.next_pid, tuple(kernel.processes)
        else:
            kernel.now, newborn, pids = self.base + phase.offset - self.period, self.seen_next_pid, self.seen_pids
            kernel.processes, kernel.next_pid = phase.processes, phase.next_pid
            rounds += 1
        if rounds:
            growing = {pid for pid, grows in zip(pids, self.grows, strict=True) if grows}
            naming = {pid for pid, grows in zip(pids, self.background_grows, strict=True) if grows}
            self._repeat(kernel, rounds, growing, naming, newborn)
        self.base = kernel.now
        if self.phases or stimulus:
            self.reset()

    def _repeat(self, kernel: Kernel, rounds: int, growing: set[int], naming: set[int], newborn: int) -> None:
        """Move the state whole rounds on. A pid from ``newborn`` on was made in the round that is repeated.

        Each number that grows in a round grows by as many processes as a round makes; execs in between add theirs.
        """
        shift(kernel, rounds * (self.period or 0))
        grown = rounds * self.next_pid_step + self.extra_pids
        moved: dict[int, int] = {}
        for pid, process in kernel.processes.items():
            if pid >= newborn or pid in growing:
                moved[pid] = pid + grown
            if process.shell is not None and (process.shell.last_background >= newborn or pid in naming):
                process.shell.last_background += grown
        renumber(kernel, moved)
        kernel.next_pid += rounds * self.next_pid_step
        self.extra_pids = 0


def _backgrounds(kernel: Kernel) -> tuple[int, ...]:
    return tuple(0 if item.shell is None else item.shell.last_background for item in kernel.processes.values())


def _phase(kernel: Kernel, offset: Duration) -> Phase:
    """A copy of the processes; files, volumes and the runtime's streams stay the same ones."""
    kept: dict[int, Any] = {id(stream): stream for stream in kernel.streams}
    kept.update({id(item.stream): item.stream for item in kernel.execs.values()})
    for volume in kernel.files.volumes():
        kept[id(volume)] = volume
        kept.update({id(entry): entry for entry in volume.files.values()})
    for process in kernel.processes.values():
        for descriptor in process.descriptors.values():
            if isinstance(descriptor, Handle):
                kept[id(descriptor.file)] = descriptor.file
                kept[id(descriptor.volume)] = descriptor.volume
    return Phase(offset, deepcopy(kernel.processes, kept), kernel.next_pid)


def snapshot(kernel: Kernel) -> Any:
    """The state of all processes with instants relative to now and pids by rank.

    Left out, because nothing can see it without making the moment unsteady: descriptors of the runtime, numbers of
    processes that are gone.
    """
    ranks = {pid: rank for rank, pid in enumerate(kernel.processes)}
    pipes: dict[int, int] = {}
    outputs = tuple((key, len(started.output)) for key, started in kernel.execs.items())
    return outputs, tuple(_process(process, kernel, ranks, pipes) for process in kernel.processes.values())


def _process(process: Process, kernel: Kernel, ranks: dict[int, int], pipes: dict[int, int]) -> Any:
    shell = process.shell
    waiting = process.waiting
    until = None if waiting is None or waiting.until is None else waiting.until - kernel.now
    waits = (
        None if waiting is None else (type(waiting), until, getattr(waiting, "pids", None) and _ranks(waiting, ranks))
    )
    return (
        process.argv,
        process.directory,
        process.ignored,
        process.stopped,
        waits,
        tuple((number, _descriptor(item, pipes)) for number, item in process.descriptors.items()),
        None if shell is None else _shell(shell, ranks),
        None if process.program is None else _program(process.program, kernel),
    )


def _ranks(waiting: Any, ranks: dict[int, int]) -> tuple[int, ...]:
    return tuple(ranks.get(pid, -1) for pid in waiting.pids)


def _descriptor(item: Descriptor, pipes: dict[int, int]) -> Any:
    match item:
        case Handle():
            return item.path, item.offset
        case PipeEnd():
            return pipes.setdefault(id(item.pipe), len(pipes)), item.writing, item.pipe.buffer
        case Document():
            return item.text, item.offset
        case Stream():
            return item.name, item.exec_id
    return item


def _program(program: Any, kernel: Kernel) -> Any:
    """A program's fields, instants relative to now."""
    match program:
        case Follow():
            shown = tuple((item.path, item.shown, item.missing) for item in program.files)
            return "follow", (kernel.now - program.started) % program.interval, shown
        case DeclaredProgram():
            return "declared", program.done, program.ending
        case Timeout():
            return "timeout", program.command, program.until - kernel.now, program.sent
        case Watchdog():
            return "watchdog", program.until - kernel.now, program.name
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


def shift(kernel: Kernel, duration: Duration) -> None:
    """Move every instant forward."""
    kernel.now += duration
    for process in kernel.processes.values():
        waiting = process.waiting
        if waiting is not None and waiting.until is not None:
            process.waiting = replace(waiting, until=waiting.until + duration)
        program = process.program
        if isinstance(program, (Sleep, Timeout, Watchdog)) and program.until is not None and program.until >= 0:
            program.until += duration


def renumber(kernel: Kernel, moved: dict[int, int]) -> None:
    """Give the short-lived processes of skipped rounds the numbers that counting would have given them."""
    if not moved:
        return

    def new(pid: int) -> int:
        return moved.get(pid, pid)

    kernel.processes = {new(pid): process for pid, process in kernel.processes.items()}
    for pid, process in kernel.processes.items():
        process.pid, process.parent = pid, new(process.parent)
        process.ended_children = {new(child): code for child, code in process.ended_children.items()}
        if isinstance(process.waiting, AwaitChildren):
            process.waiting = replace(process.waiting, pids=tuple(map(new, process.waiting.pids)))
        if isinstance(process.program, Timeout):
            process.program.child = new(process.program.child)
        if isinstance(process.program, Watchdog):
            process.program.target = new(process.program.target)
        if process.shell is not None:
            _renumber_shell(process.shell, new)


def _renumber_shell(shell: Shell, new: Callable[[int], int]) -> None:
    shell.jobs = [Job(job.number, tuple(map(new, job.pids))) for job in shell.jobs]
    for frame in shell.stack:
        if isinstance(frame, (ChildrenFrame, WaitFrame)):
            frame.pids = tuple(map(new, frame.pids))
        elif isinstance(frame, SubstitutionFrame):
            frame.pid = new(frame.pid)
