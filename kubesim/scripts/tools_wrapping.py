"""Programs that run another program: timeout, env, nohup, setsid, tini."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubesim.scripts.process import AwaitChildren, Process, Program, signal_name
from kubesim.scripts.tools_waiting import Fail, NoSignals, sleep_duration
from kubesim.units import Duration, Instant

if TYPE_CHECKING:
    from kubesim.scripts.kernel import Kernel


@dataclass(slots=True)
class Timeout:
    """coreutils ``timeout``: a child that gets a signal when its time is over; then the status is 124."""

    until: Instant
    name: str
    kill_after: Duration | None
    command: tuple[str, ...]
    child: int = 0
    sent: bool = False

    def step(self, kernel: Kernel, process: Process) -> None:
        from kubesim.scripts.programs import load

        if not self.child:
            descriptors = dict(process.descriptors)
            child = kernel.spawn(
                process.pid, self.command, process.environment, process.directory, descriptors, process.ignored
            )
            self.child = child.pid
            failure = load(kernel, child, self.command, process.environment)
            if failure is not None:
                kernel.write(process, 2, f"timeout: can't execute '{self.command[0]}': {failure[1]}\n")
                kernel.end(child, failure[0])
        if self.child in process.ended_children:
            code = process.ended_children[self.child]
            kernel.end(process, code if not self.sent or code == 137 else 124)
            return
        if kernel.now >= self.until:
            kernel.deliver(kernel.processes[self.child], "KILL" if self.sent else self.name)
            self.sent = True
            self.until = kernel.now + self.kill_after if self.kill_after is not None else -1
            if self.child in process.ended_children:
                return
        process.waiting = AwaitChildren((self.child,), False, None if self.until < 0 else self.until)

    def on_signal(self, kernel: Kernel, process: Process, name: str) -> bool:
        """coreutils passes TERM, INT, HUP and QUIT on to the child."""
        if name not in ("TERM", "INT", "HUP", "QUIT") or self.child not in kernel.processes:
            return False
        self.sent = True
        kernel.deliver(kernel.processes[self.child], name)
        return True


@dataclass(slots=True)
class Watched(NoSignals):
    """busybox ``timeout``: becomes the program itself, and leaves a child behind that signals it in time.

    As process 1 the program is then out of reach of that signal, for it comes from inside.
    """

    until: Instant
    name: str
    kill_after: Duration | None
    command: tuple[str, ...]

    def step(self, kernel: Kernel, process: Process) -> None:
        from kubesim.scripts.programs import load

        watchdog = kernel.spawn(1, process.argv, process.environment, process.directory, {}, process.ignored)
        watchdog.program = Watchdog(process.pid, self.until, self.name, self.kill_after)
        failure = load(kernel, process, self.command, process.environment)
        if failure is not None:
            kernel.write(process, 2, f"timeout: can't execute '{self.command[0]}': {failure[1]}\n")
            kernel.end(process, failure[0])


@dataclass(slots=True)
class Watchdog(NoSignals):
    """Signals a process when its time is over; ends when the process has ended."""

    target: int
    until: Instant
    name: str
    kill_after: Duration | None

    def step(self, kernel: Kernel, process: Process) -> None:
        target = kernel.processes.get(self.target)
        if target is not None and kernel.now >= self.until:
            kernel.deliver(target, self.name)
            if self.kill_after is None:
                target = None
            else:
                self.until, self.name, self.kill_after = kernel.now + self.kill_after, "KILL", None
        if target is None or self.target not in kernel.processes:
            kernel.end(process, 0)
        else:
            process.waiting = AwaitChildren((self.target,), interruptible=False, until=self.until)


def timeout(kernel: Kernel, argv: tuple[str, ...]) -> Program:
    words = list(argv[1:])
    name, kill_after = "TERM", None
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "-s":
            name = signal_name(words.pop(0)) or "TERM"
        elif word == "-k":
            kill_after = sleep_duration((words.pop(0),))
    if len(words) < 2:
        return Fail("timeout: missing operand", 125)
    duration = sleep_duration((words[0],))
    until = kernel.now + (duration if duration else 1 << 62)
    if kernel.image.shell == "ash":
        return Watched(until, name, kill_after, tuple(words[1:]))
    return Timeout(until, name, kill_after, tuple(words[1:]))


@dataclass(slots=True)
class Wrapper(NoSignals):
    """``env VAR=x program``, ``nohup``, ``setsid``, ``tini --``: become the program."""

    command: tuple[str, ...]
    added: dict[str, str]
    cleared: bool = False

    def step(self, kernel: Kernel, process: Process) -> None:
        from kubesim.scripts.programs import load

        environment = {**({} if self.cleared else process.environment), **self.added}
        if not self.command:
            kernel.write(process, 1, "".join(f"{name}={value}\n" for name, value in environment.items()))
            kernel.end(process, 0)
            return
        name = process.argv[0]
        if name == "nohup":
            process.ignored = process.ignored | {"HUP"}
        failure = load(kernel, process, self.command, environment)
        if failure is not None:
            kernel.write(process, 2, f"{name}: can't execute '{self.command[0]}': {failure[1]}\n")
            kernel.end(process, failure[0])


def wrapper(name: str, argv: tuple[str, ...]) -> Program | None:
    words = list(argv[1:])
    added: dict[str, str] = {}
    cleared = False
    if name == "xargs":
        return None
    if name in ("su-exec", "gosu") and words:
        words.pop(0)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        cleared = cleared or word == "-i"
        if word in ("-n", "-u") and words:
            words.pop(0)
        if word == "--":
            break
    while name == "env" and words and "=" in words[0]:
        key, _, value = words.pop(0).partition("=")
        added[key] = value
    return Wrapper(tuple(words), added, cleared)


def wrapping_program(kernel: Kernel, name: str, argv: tuple[str, ...]) -> Program | None:
    """The program of this name when it runs another one."""
    match name:
        case "timeout":
            return timeout(kernel, argv)
        case "env" | "nohup" | "setsid" | "nice" | "su-exec" | "gosu" | "tini" | "dumb-init":
            return wrapper(name, argv)
    return None
