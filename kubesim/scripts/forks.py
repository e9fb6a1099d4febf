"""Child processes of a shell: foreground, background, pipelines, command substitutions, and becoming a program."""

from __future__ import annotations

from dataclasses import replace

from kubesim.scripts import control
from kubesim.scripts.frames import LAST, ProgramFrame, ScriptFrame, SequenceFrame
from kubesim.scripts.kernel import SAVED_DESCRIPTORS, Kernel
from kubesim.scripts.process import Job, Null, Pipe, PipeEnd, Process, Shell
from kubesim.scripts.syntax import Command, Pipeline, Script, Sequence


def fork(kernel: Kernel, process: Process, shell: Shell) -> Process:
    """A copy of the shell as a child with an empty stack; its traps are reset (XCU 2.12)."""
    descriptors = {number: item for number, item in process.descriptors.items() if number < SAVED_DESCRIPTORS}
    child = kernel.spawn(
        process.pid, process.argv, process.environment, process.directory, descriptors, process.ignored
    )
    child.exec_id = None
    child.shell = replace(
        shell,
        positional=list(shell.positional),
        variables=dict(shell.variables),
        exported=set(shell.exported),
        readonly=set(shell.readonly),
        functions=dict(shell.functions),
        options=set(shell.options),
        traps=dict(shell.traps),
        pending=[],
        jobs=[],
        stack=[],
    )
    control.enter_subshell(child.shell)
    return child


def shell_of(process: Process) -> Shell:
    """The shell of a process that is known to be one."""
    if process.shell is None:
        raise TypeError(f"process {process.pid} is not a shell")
    return process.shell


def start_background(kernel: Kernel, process: Process, shell: Shell, command: Command) -> None:
    """``command &``: INT and QUIT ignored, input from /dev/null (XCU 2.9.3, 2.11)."""
    if isinstance(command, Pipeline) and len(command.commands) > 1 and not command.negated:
        pids = start_pipeline(kernel, process, shell, command.commands, 0, background=True)
    else:
        child = fork(kernel, process, shell)
        _ignore_keyboard(child)
        child.descriptors[0] = Null()
        _start(shell_of(child), command, LAST)
        pids = (child.pid,)
    shell.last_background = pids[-1]
    number = max((job.number for job in shell.jobs), default=0) + 1
    shell.jobs.append(Job(number, pids))
    shell.status = 0


def _ignore_keyboard(child: Process) -> None:
    child.ignored = child.ignored | {"INT", "QUIT"}
    shell = shell_of(child)
    shell.traps.pop("INT", None)
    shell.traps.pop("QUIT", None)
    shell.ignored_at_start = child.ignored


def _start(shell: Shell, command: Command, flags: int) -> None:
    if isinstance(command, Sequence):
        shell.stack.append(SequenceFrame(command, flags))
    else:
        shell.stack.append(SequenceFrame(Sequence((command,)), flags))


def start_pipeline(
    kernel: Kernel,
    process: Process,
    shell: Shell,
    commands: tuple[Command, ...],
    flags: int,
    *,
    background: bool = False,
) -> tuple[int, ...]:
    """One child per command, each connected to the next."""
    pids: list[int] = []
    previous: Pipe | None = None
    for index, command in enumerate(commands):
        child = fork(kernel, process, shell)
        if background:
            _ignore_keyboard(child)
            child.descriptors[0] = Null()
        if previous is not None:
            child.descriptors[0] = PipeEnd(previous, writing=False)
        if index < len(commands) - 1:
            previous = Pipe()
            child.descriptors[1] = PipeEnd(previous, writing=True)
        _start(shell_of(child), command, LAST | flags)
        pids.append(child.pid)
    return tuple(pids)


def start_substitution(
    kernel: Kernel, process: Process, shell: Shell, script: Script, assigned: dict[str, str]
) -> tuple[int, Pipe]:
    """A child that runs the script of ``$(...)`` and writes into a pipe."""
    child = fork(kernel, process, shell)
    inner = shell_of(child)
    inner.variables.update(assigned)
    if inner.dialect != "dash":
        inner.options.discard("e")  # ash and bash judge the substitution as a whole
    pipe = Pipe()
    child.descriptors[1] = PipeEnd(pipe, writing=True)
    inner.stack.append(ScriptFrame(script, "main", LAST))
    number = SAVED_DESCRIPTORS
    while number in process.descriptors:
        number += 1
    process.descriptors[number] = PipeEnd(pipe, writing=False)
    return child.pid, pipe


def start_program(
    kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...], environment: dict[str, str]
) -> int:
    """A foreground program: a child that becomes it."""
    child = fork(kernel, process, shell)
    shell_of(child).stack.append(ProgramFrame(argv, environment))
    return child.pid
