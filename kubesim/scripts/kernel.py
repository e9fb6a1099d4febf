"""The processes of one container: starting, ending, signals, descriptors. No decision about time is made here.

Sources: pid_namespaces(7) for PID 1's immunity and what its end means, signal(7), pipe(7), credentials(7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from kubesim.scripts.effects import (
    Assumed,
    Effect,
    ExecExited,
    Exited,
    FilesChanged,
    OutOfMemory,
    Output,
)
from kubesim.scripts.filesystem import Filesystem, Volume
from kubesim.scripts.frames import ReadFrame, WaitFrame
from kubesim.scripts.limits import MOST_PROCESSES, MOST_STEPS, MOST_STEPS_TOGETHER, MOST_TEXT, TooMuch, check_pace
from kubesim.scripts.process import (
    IGNORED_BY_DEFAULT,
    SIGNALS,
    STOPPING,
    Asleep,
    AwaitChildren,
    AwaitInput,
    Descriptor,
    Document,
    Handle,
    Null,
    Pipe,
    PipeEnd,
    Process,
    Stream,
)
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.scripts.images import Image

_QUANTUM: Final = 400
SAVED_DESCRIPTORS: Final = 10
"""Descriptors from here on are the shell's own and closed in programs (dash and ash use the same number)."""


@dataclass(slots=True)
class Exec:
    """A process started from outside, and what it wrote."""

    output: str = ""
    code: int | None = None
    stream: Stream = field(default_factory=lambda: Stream("stdout"))


@dataclass(slots=True)
class Kernel:
    """State of a container run. ``unsteady`` counts what makes two moments differ: output, writes, clock readings."""

    image: Image
    hostname: str
    files: Filesystem
    draw: Callable[[str], float]
    network: Callable[[str], bool | None] | None = None
    listening: Callable[[int], bool] | None = None
    memory_limit: int | None = None
    attempt: int = 0
    has_to_end: bool = False
    subject: str = ""
    """Whose processes these are, for messages: ``POD/CONTAINER``."""
    started: Instant = 0
    now: Instant = 0
    next_pid: int = 1
    processes: dict[int, Process] = field(default_factory=dict)
    execs: dict[int, Exec] = field(default_factory=dict)
    streams: tuple[Stream, Stream] = field(default_factory=lambda: (Stream("stdout"), Stream("stderr")))
    effects: list[Effect] = field(default_factory=list)
    assumptions: set[str] = field(default_factory=set)
    unsteady: int = 0
    ended: bool = False
    steps: dict[int, int] = field(default_factory=dict)
    steps_at: Instant = -1
    """The instant that ``steps_now`` and ``written_now`` are about."""
    steps_now: int = 0
    written_now: int = 0
    steps_ever: int = 0

    # --- reporting

    def assume(self, text: str) -> None:
        """Say once what is taken for granted."""
        if text not in self.assumptions:
            self.assumptions.add(text)
            self.effects.append(Assumed(self.now, text))

    def changed(self, volume: Volume) -> None:
        volume.version += 1
        self.unsteady += 1

    # --- processes

    def spawn(
        self,
        parent: int,
        argv: tuple[str, ...],
        environment: dict[str, str],
        directory: str,
        descriptors: dict[int, Descriptor],
        ignored: frozenset[str] = frozenset(),
    ) -> Process:
        """A new process; the caller gives it a shell or a program."""
        process = Process(self.next_pid, parent, argv, environment, directory, descriptors, ignored)
        self.processes[process.pid] = process
        self.next_pid += 1
        return process

    def runnable(self, process: Process) -> bool:
        if process.stopped:
            return False
        match process.waiting:
            case None:
                return True
            case Asleep(until=until):
                return until is not None and until <= self.now
            case AwaitChildren(pids=pids, until=until):
                return not any(pid in self.processes for pid in pids) or (until is not None and until <= self.now)
            case AwaitInput(pipe=pipe, until_end=until_end, until=until):
                ready = (bool(pipe.buffer) and not until_end) or not self.has_writer(pipe)
                return ready or (until is not None and until <= self.now)

    def due(self) -> Instant | None:
        """The next instant at which a process goes on by itself."""
        due = None
        for process in self.processes.values():
            until = None if process.waiting is None else process.waiting.until
            if until is not None and not process.stopped and (due is None or until < due):
                due = until
        return due

    def settle(self, run: Callable[[Kernel, Process, int], int]) -> None:
        """Let every process go on until all of them wait. ``run`` gives one process a share of steps."""
        if self.steps_at != self.now:
            self.steps_at, self.steps_now, self.written_now = self.now, 0, 0
        busy = True
        while busy and not self.ended:
            busy = False
            for process in list(self.processes.values()):
                if self.ended or process.pid not in self.processes or not self.runnable(process):
                    continue
                busy = True
                self._share(process, run)
        self.steps.clear()
        if self.execs:
            self._report_execs()

    def _share(self, process: Process, run: Callable[[Kernel, Process, int], int]) -> None:
        """One share of steps; what has no end, or wants more than is modelled, counts as busy from here on."""
        if self.steps_now > MOST_STEPS_TOGETHER or len(self.processes) > MOST_PROCESSES:
            self._busy(process, "is one of too many that are busy without end")
            return
        try:
            used = run(self, process, _QUANTUM)
        except TooMuch as fault:
            self._busy(process, str(fault))
            return
        self.steps_now += used
        self.steps_ever += used
        check_pace(self.steps_ever, self.now - self.started, process.argv, self.subject)
        alone = self.steps.get(process.pid, 0) + used
        self.steps[process.pid] = alone
        waits = process.waiting is not None and not self.runnable(process)
        if process.pid in self.processes and alone > MOST_STEPS and not waits:
            self._busy(process, "is busy without end")

    def _busy(self, process: Process, why: str) -> None:
        which = "" if "one of" in why else f" (process {process.pid})"
        self.assume(f"`{process.argv[0]}`{which} {why}; it runs until it is killed")
        process.waiting = Asleep(None)

    def end(self, process: Process, code: int, signal: str | None = None) -> None:
        """A process ends: its parent learns of it, its children go to PID 1, PID 1's end ends all."""
        if process.pid not in self.processes:
            return
        if process.pid == 1:
            self._end_container(code, signal)
            return
        del self.processes[process.pid]
        for child in self.processes.values():
            if child.parent == process.pid:
                child.parent = 1
        parent = self.processes.get(process.parent)
        if parent is not None:
            parent.ended_children[process.pid] = code
            if signal is not None:
                parent.killed_children.add(process.pid)
            if parent.shell is not None and "CHLD" in parent.shell.traps:
                self.deliver(parent, "CHLD")
        if process.exec_id is not None:
            self.execs[process.exec_id].code = code
        if self.execs:
            self._report_execs()

    def _end_container(self, code: int, signal: str | None) -> None:
        self.processes.clear()
        self.ended = True
        for stream in self.streams:
            if stream.partial:
                self.effects.append(Output(self.now, stream.name, stream.partial, 1))
                stream.partial = ""
        for exec_id in sorted(self.execs):
            started = self.execs[exec_id]
            code_of_exec = 137 if started.code is None else started.code
            self.effects.append(ExecExited(self.now, exec_id, code_of_exec, started.output))
        self.execs.clear()
        self.effects.append(Exited(self.now, code, signal))

    def _report_execs(self) -> None:
        """An exec is over when its process has ended and nobody holds its output any more (CRI ExecSync)."""
        for exec_id in [key for key, started in self.execs.items() if started.code is not None]:
            held = any(
                isinstance(item, Stream) and item.exec_id == exec_id
                for process in self.processes.values()
                for item in process.descriptors.values()
            )
            if not held:
                started = self.execs.pop(exec_id)
                self.effects.append(ExecExited(self.now, exec_id, started.code or 0, started.output))

    def out_of_memory(self, process: Process) -> None:
        """The kernel's answer to a process that takes all memory."""
        if self.memory_limit is None:
            self.assume(
                f"`{' '.join(process.argv)}` uses all memory; without a limit it is killed by the node's OOM killer"
            )
        self.effects.append(OutOfMemory(self.now, process.pid))
        self.end(process, 137, "KILL")

    # --- signals

    def deliver(self, process: Process, name: str, *, from_outside: bool = False) -> None:
        """A signal reaches a process. From inside the namespace nothing it does not handle can harm PID 1."""
        init = process.pid == 1
        if name == "CONT":
            process.stopped = False
        if name == "KILL":
            if not init or from_outside:
                self.end(process, 137, "KILL")
            return
        shell = process.shell
        if shell is not None and name in shell.traps and shell.traps[name]:
            if name not in shell.pending:
                shell.pending.append(name)
            self._interrupt(process, name)
            return
        if name in process.ignored:
            return
        if process.program is not None and process.program.on_signal(self, process, name):
            return
        if name in STOPPING:
            process.stopped = not init or (from_outside and name == "STOP")
        elif not init and name not in IGNORED_BY_DEFAULT:
            self.end(process, 128 + SIGNALS[name], name)

    def _interrupt(self, process: Process, name: str) -> None:
        """A trapped signal ends ``wait`` and ``read``; a foreground command goes on and the trap waits for it."""
        shell = process.shell
        if shell is None or not shell.stack:
            return
        top = shell.stack[-1]
        if isinstance(top, (WaitFrame, ReadFrame)) and process.waiting is not None and not top.interrupted:
            top.interrupted = name
            process.waiting = None
        elif process.waiting == Asleep(None):
            process.waiting = None  # a shell sleeps without end only when it was found to be busy

    def pids_meant(self, process: Process, word: str) -> tuple[int, ...] | None:
        """The processes a ``kill`` operand names; None when it is no number. 0 and -1 mean all but PID 1 (kill(2))."""
        if not word.removeprefix("-").isdigit():
            return None
        number = int(word)
        if number in (0, -1):
            return tuple(pid for pid in self.processes if pid != 1 and (pid != process.pid or number == 0))
        return (abs(number),)

    def send(self, pids: tuple[int, ...] | None, signal: str) -> bool:
        """Deliver a signal to processes; "0" only asks. False when one does not exist; ended children still do."""
        found = bool(pids)
        for pid in pids or ():
            target = self.processes.get(pid)
            if target is None:
                found = found and any(pid in parent.ended_children for parent in self.processes.values())
            elif signal != "0":
                self.deliver(target, signal)
        return found

    # --- descriptors

    def has_writer(self, pipe: Pipe) -> bool:
        return any(
            isinstance(item, PipeEnd) and item.writing and item.pipe is pipe
            for process in self.processes.values()
            for item in process.descriptors.values()
        )

    def has_reader(self, pipe: Pipe) -> bool:
        return any(
            isinstance(item, PipeEnd) and not item.writing and item.pipe is pipe
            for process in self.processes.values()
            for item in process.descriptors.values()
        )

    def write(self, process: Process, descriptor: int, text: str) -> str | None:
        """Write to a descriptor; the error's text, or None. A pipe without reader brings SIGPIPE."""
        if not text:
            return None
        self.written_now += len(text)
        if self.written_now > MOST_TEXT:
            raise TooMuch(f"writes more than {MOST_TEXT:,} characters at once")
        match process.descriptors.get(descriptor):
            case None:
                return "Bad file descriptor"
            case Null():
                return None
            case Stream() as stream:
                self._write_stream(process, stream, text)
            case Handle() as handle:
                if not handle.writable:
                    return "Bad file descriptor"
                self._write_file(handle, text)
            case PipeEnd(pipe=pipe, writing=True):
                if not self.has_reader(pipe):
                    self.deliver(process, "PIPE")
                    return "Broken pipe"
                pipe.buffer += text
                self.unsteady += 1
            case _:
                return "Bad file descriptor"
        return None

    def _write_stream(self, process: Process, stream: Stream, text: str) -> None:
        if stream.exec_id is not None:
            self.execs[stream.exec_id].output += text
            return
        self.unsteady += 1
        *lines, stream.partial = (stream.partial + text).split("\n")
        for line in lines:
            self.effects.append(Output(self.now, stream.name, line, process.pid))

    def _write_file(self, handle: Handle, text: str) -> None:
        file = handle.file
        offset = file.size if handle.append else handle.offset
        if file.zeros or offset < len(file.content):
            whole = file.text
            file.content = whole[:offset].ljust(offset, "\0") + text + whole[offset + len(text) :]
            file.zeros = 0
        else:
            file.content = file.content.ljust(offset, "\0") + text if offset > file.size else file.content + text
        handle.offset = offset + len(text)
        file.modified = self.now
        self.changed(handle.volume)

    def report_files(self, before: dict[int, int]) -> None:
        """Tell which mounted volumes changed since the versions in ``before``."""
        for mount in self.files.mounts.values():
            volume = mount.volume
            if before.get(id(volume)) != volume.version:
                before[id(volume)] = volume.version
                self.effects.append(FilesChanged(self.now, volume))

    def available(self, process: Process, descriptor: int) -> tuple[str, bool]:
        """What can be read now, and whether the end of the input follows it. Nothing is consumed."""
        match process.descriptors.get(descriptor):
            case Handle() as handle:
                return handle.file.text[handle.offset :], True
            case PipeEnd(pipe=pipe, writing=False):
                return pipe.buffer, not self.has_writer(pipe)
            case Document() as document:
                return document.text[document.offset :], True
        return "", True

    def consume(self, process: Process, descriptor: int, count: int) -> None:
        """Take ``count`` characters from a descriptor."""
        match process.descriptors.get(descriptor):
            case Handle() as handle:
                handle.offset += count
            case PipeEnd(pipe=pipe):
                pipe.buffer = pipe.buffer[count:]
            case Document() as document:
                document.offset += count

    def input_pipe(self, process: Process, descriptor: int = 0) -> Pipe | None:
        """The pipe that a read would wait for."""
        item = process.descriptors.get(descriptor)
        return item.pipe if isinstance(item, PipeEnd) and not item.writing else None


def copied(item: Descriptor) -> Descriptor:
    """A descriptor opened again (``/proc/1/fd/1``, ``/dev/stdin``): same target, offset of its own for a file."""
    return replace(item) if isinstance(item, Handle) else item
