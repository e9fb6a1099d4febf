"""Builtins that steer the shell: exit, return, break, eval, ``.``, exec, command, traps, wait, kill."""

from __future__ import annotations

from kubesim.scripts import control, programs
from kubesim.scripts.filesystem import NO_ENTRY, FileError, absolute
from kubesim.scripts.frames import ScriptFrame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.parser import parse
from kubesim.scripts.process import Process, Shell
from kubesim.scripts.reporting import number
from kubesim.scripts.shells import DIALECTS
from kubesim.scripts.variables import complain, environment


def colon(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return 0


def false(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return 1


def exit_shell(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> None:
    """``exit [n]``; inside a trap the default is the status from before the trap (XCU exit)."""
    if len(argv) > 1:
        status = number(kernel, process, shell, "exit", argv[1])
        if status is not None:
            control.leave(shell, status)
        return
    trap = next((frame for frame in shell.stack if isinstance(frame, ScriptFrame) and "trap" in frame.kind), None)
    control.leave(shell, shell.status if trap is None else trap.saved)


def return_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> None:
    status = shell.status if len(argv) < 2 else number(kernel, process, shell, "return", argv[1])
    if status is not None and not control.return_from(process, shell, status & 255):
        control.leave(shell, status)


def break_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> None:
    count = 1 if len(argv) < 2 else number(kernel, process, shell, argv[0], argv[1])
    if count is not None:
        control.break_loops(process, shell, count, go_on=argv[0] == "continue")


def eval_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    text = " ".join(argv[1:])
    if not text.strip():
        return 0
    shell.stack.append(ScriptFrame(parse(text, bash=shell.dialect == "bash"), "eval", _flags(shell)))
    return None


def _flags(shell: Shell) -> int:
    """``set -e`` is judged by the command inside, as tested as the builtin itself."""
    return getattr(shell.stack[-1], "flags", 0) & 1


def source(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    if len(argv) < 2:
        return 2
    try:
        path = (
            argv[1]
            if "/" in argv[1]
            else programs.find_file(kernel, argv[1], shell.variables.get("PATH", "")) or argv[1]
        )
        text = kernel.files.read(absolute(path, process.directory)).text
    except FileError as fault:
        reason = "No such file" if shell.dialect == "dash" and str(fault) == NO_ENTRY else str(fault)
        message = DIALECTS[shell.dialect].cannot_open.format(path=argv[1], reason=reason)
        complain(kernel, process, shell, message, "" if shell.dialect == "bash" else ".")
        if shell.dialect == "bash":
            return 1
        control.leave(shell, 2)
        return None
    positional = None
    if len(argv) > 2 and shell.dialect != "dash":
        positional, shell.positional = shell.positional, list(argv[2:])
    script = parse(text, bash=shell.dialect == "bash")
    shell.stack.append(ScriptFrame(script, "source", _flags(shell), positional=positional))
    return None


def exec_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``exec``: become the program; a missing one ends a non-interactive shell with 127."""
    rest = argv[1:]
    if not rest:
        return 0
    failure = programs.load(kernel, process, rest, environment(shell))
    if failure is None:
        caught = {name for name, action in shell.traps.items() if action}
        process.ignored = frozenset(process.ignored - caught)
        return None
    status, message = failure
    complain(kernel, process, shell, f"{rest[0]}: {message if '/' in rest[0] else 'not found'}", "exec")
    control.leave(shell, status)
    return None
