"""One container run: start it, signal it, run processes in it, let virtual time pass. Pure state, no I/O.

Drive it like a protocol library: each call gives the effects it caused, and ``next_instant`` says when to call
``advance`` again. Computation takes no virtual time. A stimulus that falls on the very instant of something due
comes first, then what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubesim.scripts import idle, programs
from kubesim.scripts.declared import HOOKS, Behaviour, DeclaredProgram
from kubesim.scripts.effects import Assumed, Effect, ExecExited, Exited, OutOfMemory, Output, StartFailure
from kubesim.scripts.filesystem import Directory, File, FileError, Filesystem, absolute
from kubesim.scripts.images import PATH, Image, image_named
from kubesim.scripts.interpreter import run_process
from kubesim.scripts.kernel import Exec, Kernel
from kubesim.scripts.process import Descriptor, Null, Process, Stream
from kubesim.scripts.tools_waiting import Follow
from kubesim.units import Instant

__all__ = [
    "Assumed",
    "ContainerSetup",
    "Effect",
    "ExecExited",
    "Exited",
    "Machine",
    "OutOfMemory",
    "Output",
    "ProbeAnswer",
    "StartFailure",
]


def no_chance(_purpose: str) -> float:
    """The default draw: the middle of every distribution."""
    return 0.5


@dataclass(slots=True)
class ContainerSetup:
    """What a container run is made of. ``command`` and ``args`` are those of the manifest, ``$(VAR)`` expanded.

    ``network`` says whether a host name answers now (None: it cannot know), ``listening`` whether a port of the Pod
    does; without an answer wget, nslookup and the like are assumed to succeed.
    ``behaviour`` replaces the program by declared steps. ``draw`` gives uniform numbers in [0, 1) from the run's
    stream of that purpose. ``attempt`` counts the container's runs from 0, those in earlier pods of its Job included.
    ``subject`` is ``POD/CONTAINER``, for messages.
    """

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    hostname: str = "localhost"
    working_dir: str = ""
    filesystem: Filesystem | None = None
    behaviour: Behaviour | None = None
    attempt: int = 0
    has_to_end: bool = False
    """It is an init container that others wait for: a program that nothing is known of is taken to end."""
    memory_limit: int | None = None
    network: Callable[[str], bool | None] | None = None
    listening: Callable[[int], bool] | None = None
    termination_message_path: str = "/dev/termination-log"
    draw: Callable[[str], float] = no_chance
    subject: str = ""
    dialect: str = ""
    """Whose ``sh`` the image has, if that is said."""

    def argv(self, image: Image) -> tuple[str, ...]:
        """The process to start: command replaces the image's entrypoint, args its default arguments."""
        if self.command:
            return (*self.command, *self.args)
        if self.args:
            return (*image.entrypoint, *self.args) if image.appends else self.args
        return image.entrypoint or ("entrypoint",)


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a httpGet, tcpSocket or grpc probe meets. ``until`` is when the answer may differ next by itself."""

    passes: bool
    text: str
    until: Instant | None
    assumed: str | None = None


class Machine:
    """All processes of one container run."""

    def __init__(self, setup: ContainerSetup) -> None:
        image = image_named(setup.image, setup.dialect)
        files = setup.filesystem or Filesystem()
        files.base = image.base
        files.lenient = not image.complete
        if setup.termination_message_path:
            files.layer.write(setup.termination_message_path, "")
        self.setup = setup
        self.image = image
        self.kernel = Kernel(
            image,
            setup.hostname,
            files,
            setup.draw,
            network=setup.network,
            listening=setup.listening,
            memory_limit=setup.memory_limit,
            subject=setup.subject,
            attempt=setup.attempt,
            has_to_end=setup.has_to_end,
        )
        self.versions = {id(mount.volume): mount.volume.version for mount in files.mounts.values()}
        self.idle = idle.Watch()

    # --- what may happen to it

    def start(self, now: Instant) -> list[Effect]:
        """Start PID 1; a :class:`StartFailure` when the runtime could not."""
        kernel, setup = self.kernel, self.setup
        kernel.now = kernel.started = now
        argv = setup.argv(self.image)
        directory = setup.working_dir or self.image.working_dir
        environment = {"PATH": PATH, "HOSTNAME": setup.hostname, "HOME": "/root", **setup.env}
        files = kernel.files
        if directory != "/" and files.get(directory) is None:
            files.layer.files[directory.strip("/")] = Directory()
        behaviour = setup.behaviour if setup.behaviour is not None and setup.behaviour.is_program else None
        if behaviour is None:
            reason = programs.missing(kernel, argv, directory, environment["PATH"])
            if reason is not None:
                kernel.ended = True
                return [StartFailure(now, reason)]
        descriptors: dict[int, Descriptor] = {0: Null(), 1: kernel.streams[0], 2: kernel.streams[1]}
        process = kernel.spawn(0, argv, environment, directory, descriptors)
        if behaviour is not None:
            process.program = DeclaredProgram(behaviour, now)
        else:
            self._load(process, argv, environment)
        return self._settled()

    def _load(self, process: Process, argv: tuple[str, ...], environment: dict[str, str]) -> None:
        failure = programs.load(self.kernel, process, argv, environment)
        if failure is not None:
            self.kernel.write(process, 2, f"exec {argv[0]}: {failure[1]}\n")
            self.kernel.end(process, failure[0])

    def signal(self, now: Instant, name: str) -> list[Effect]:
        """A signal to PID 1 from the runtime. KILL always ends the container."""
        self._reach(now)
        self.idle.reset()
        process = self.kernel.processes.get(1)
        if process is not None:
            self.kernel.deliver(process, name.removeprefix("SIG"), from_outside=True)
        return self._settled()

    def exec(self, now: Instant, argv: tuple[str, ...], exec_id: int) -> list[Effect]:
        """Run a process of an exec probe or hook: no child of PID 1's, same files and environment."""
        if self.idle.period is not None and not self.idle.phases:
            return self._exec_while_idle(now, argv, exec_id)
        self._reach(now)
        self.idle.reset()
        self._start_exec(now, argv, exec_id)
        return self._settled()

    def _exec_while_idle(self, now: Instant, argv: tuple[str, ...], exec_id: int) -> list[Effect]:
        """An exec that has ended at once and left everything as it was does not wake an idle machine.

        The next pid has moved on, as it would have.
        """
        kernel = self.kernel
        self.idle.forward(kernel, now, stimulus=False)
        kernel.now = now
        if (due := kernel.due()) is not None and due <= now:
            self.idle.reset()
        before = (kernel.unsteady, kernel.files.version(), idle.snapshot(kernel))
        next_pid = kernel.next_pid
        watch, self.idle = self.idle, idle.Watch()
        self._start_exec(now, argv, exec_id)
        effects = self._settled()
        if not kernel.ended and before == (kernel.unsteady, kernel.files.version(), idle.snapshot(kernel)):
            watch.extra_pids += kernel.next_pid - next_pid
            self.idle = watch
        return effects

    def _start_exec(self, now: Instant, argv: tuple[str, ...], exec_id: int) -> None:
        kernel = self.kernel
        if kernel.ended:
            return
        directory = self.setup.working_dir or self.image.working_dir
        environment = {"PATH": PATH, "HOSTNAME": self.setup.hostname, "HOME": "/root", **self.setup.env}
        reason = programs.missing(kernel, argv, directory, environment["PATH"])
        if reason is not None:
            kernel.effects.append(StartFailure(now, reason, exec_id))
            return
        stream = Stream("stdout", exec_id)
        kernel.execs[exec_id] = Exec(stream=stream)
        process = kernel.spawn(0, argv, environment, directory, {0: Null(), 1: stream, 2: stream})
        process.exec_id = exec_id
        self._load(process, argv, environment)

    def kill_exec(self, now: Instant, exec_id: int) -> list[Effect]:
        """The kubelet gave up on an exec: its process is killed, its children go on."""
        self._reach(now)
        self.idle.reset()
        for process in list(self.kernel.processes.values()):
            if process.exec_id == exec_id:
                self.kernel.deliver(process, "KILL", from_outside=True)
        return self._settled()

    def end(self, now: Instant, code: int) -> list[Effect]:
        """PID 1 ends by itself with this status: a stimulus, whatever its program would have done."""
        self._reach(now)
        self.idle.reset()
        process = self.kernel.processes.get(1)
        if process is not None:
            self.kernel.end(process, code)
        return self._settled()

    def advance(self, now: Instant) -> list[Effect]:
        """Everything due up to and including ``now``; the effects carry their own instants."""
        if self.idle.period is not None and not self.idle.phases:
            self.idle.forward(self.kernel, now + 1, stimulus=False)
            self.kernel.now = now
            return []
        self._reach(now, stimulus=False)
        return self._settled()

    def files_changed(self, now: Instant) -> list[Effect]:
        """Another container has written to a shared volume."""
        self._reach(now)
        self.idle.reset()
        for mount in self.kernel.files.mounts.values():
            self.versions[id(mount.volume)] = mount.volume.version
        return self._settled()

    def next_instant(self) -> Instant | None:
        """When something can next differ by itself; None: not before a stimulus."""
        if self.kernel.ended or self.idle.period is not None:
            return None
        return self.kernel.due()

    # --- what can be asked

    @property
    def ended(self) -> bool:
        return self.kernel.ended

    def memory(self) -> int:
        """The bytes its processes use, as far as they are declared to."""
        programs = (process.program for process in self.kernel.processes.values())
        return sum(program.behaviour.memory for program in programs if isinstance(program, DeclaredProgram))

    def termination_message(self) -> str:
        """What was written to the termination message file."""
        try:
            entry = self.kernel.files.get(absolute(self.setup.termination_message_path, "/"))
        except FileError:
            return ""
        return entry.text if isinstance(entry, File) else ""

    def probe(self, now: Instant, kind: str, handler: dict[str, Any]) -> ProbeAnswer:
        """The answer to a probe of this kind (liveness, readiness, startup).

        ``handler``: ``{"type": "httpGet" | "tcpSocket" | "grpc", "port": 80, "path": "/"}``. Declared answers are
        taken as they are; a program that is not modelled is assumed to answer on every port, or on those the
        images table lists; the interpreted tools listen on nothing. A hook is content with any answer (K-110), and
        gets none from a program that is still starting.
        """
        is_hook = kind in HOOKS
        servers = [item.program for item in self.kernel.processes.values() if isinstance(item.program, DeclaredProgram)]
        port = handler.get("port")
        refused = ProbeAnswer(False, f"dial tcp 127.0.0.1:{port}: connect: connection refused", None)
        for program in servers:
            listens = program.behaviour.listens
            if listens is not None and port is not None and port not in listens:
                continue
            passes, until = program.answers(kind, now)
            if not passes:
                return ProbeAnswer(
                    False,
                    "HTTP probe failed with statuscode: 500"
                    if handler.get("type") == "httpGet" and not is_hook
                    else refused.text,
                    until,
                )
            paths = program.behaviour.paths
            serves = paths is None or is_hook or handler.get("path", "/") in paths
            if handler.get("type") == "httpGet" and not serves:
                return ProbeAnswer(False, "HTTP probe failed with statuscode: 404", None)
            told = kind in program.behaviour.probes or self.setup.behaviour or _is_known(program.behaviour, handler)
            assumed = None if told else f"the {kind} probe on port {port} assumed to be answered"
            return ProbeAnswer(True, "", until, assumed)
        return refused

    # --- time

    def _reach(self, now: Instant, *, stimulus: bool = True) -> None:
        """Bring the state to just before ``now``: what is due earlier happens at its own instant."""
        kernel = self.kernel
        self.idle.forward(kernel, now, stimulus=stimulus)
        while not kernel.ended and (due := self.kernel.due()) is not None and due < now:
            kernel.now = max(due, kernel.now)
            self._settle()
            self.idle.observe(kernel)
            self.idle.forward(kernel, now, stimulus=stimulus)
        kernel.now = max(kernel.now, now)

    def _settled(self) -> list[Effect]:
        self._settle()
        self.idle.observe(self.kernel)
        effects, self.kernel.effects = self.kernel.effects, []
        return effects

    def _settle(self) -> None:
        kernel = self.kernel
        kernel.settle(run_process)
        version = kernel.files.version()
        for process in kernel.processes.values():
            if isinstance(process.program, Follow) and process.program.seen != version:
                process.program.look_again(kernel, process)
        if kernel.files.mounts:
            kernel.report_files(self.versions)


def _is_known(behaviour: Behaviour, handler: Mapping[str, Any]) -> bool:
    """Whether the images table, of which an assumption tells, says that this is answered: the port, and the path."""
    if behaviour.listens is None:
        return False
    return handler.get("type") == "tcpSocket" or (handler.get("type") == "httpGet" and behaviour.paths is not None)
