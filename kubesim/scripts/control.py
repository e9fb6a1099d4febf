"""Leaving commands early: break, return, exit, ``set -e``, traps, and the end of a shell."""

from __future__ import annotations

from kubesim.scripts.frames import (
    TESTED,
    ExitFrame,
    ForFrame,
    FunctionFrame,
    LoopFrame,
    RedirectedFrame,
    ScriptFrame,
    SimpleFrame,
)
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.parser import parse
from kubesim.scripts.process import SIGNALS, Descriptor, Process, Shell


def restore_descriptors(descriptors: dict[int, Descriptor], saved: dict[int, int | None]) -> None:
    """Undo redirections: put the saved descriptors back where they were."""
    for number, kept in saved.items():
        if kept is None:
            descriptors.pop(number, None)
        elif kept in descriptors:
            descriptors[number] = descriptors.pop(kept)


def restore_variables(shell: Shell, hidden: dict[str, tuple[str | None, bool]]) -> None:
    """Put hidden values back (``local``, assignments before a command)."""
    for name, (value, exported) in hidden.items():
        if value is None:
            shell.variables.pop(name, None)
        else:
            shell.variables[name] = value
        (shell.exported.add if exported else shell.exported.discard)(name)


def leave_function(shell: Shell, frame: FunctionFrame) -> None:
    shell.positional = frame.positional
    restore_variables(shell, frame.hidden)


def _drop_top(process: Process, shell: Shell) -> None:
    """Take the top frame away as if its command had ended."""
    match shell.stack.pop():
        case FunctionFrame() as frame:
            leave_function(shell, frame)
        case SimpleFrame() as frame:
            restore_descriptors(process.descriptors, frame.saved)
            restore_variables(shell, frame.overridden)
        case RedirectedFrame() as frame:
            restore_descriptors(process.descriptors, frame.saved)
        case ScriptFrame(positional=list() as positional):
            shell.positional = positional


def break_loops(process: Process, shell: Shell, count: int, *, go_on: bool) -> None:
    """``break n`` and ``continue n``: outside a loop they do nothing; a function call bounds them."""
    depth = 0
    for frame in reversed(shell.stack):
        if isinstance(frame, FunctionFrame):
            break
        depth += isinstance(frame, (LoopFrame, ForFrame))
    left = min(count, depth)
    shell.status = 0
    while left:
        top = shell.stack[-1]
        if isinstance(top, (LoopFrame, ForFrame)):
            left -= 1
            if left == 0 and go_on:
                if isinstance(top, LoopFrame):
                    top.phase = 2
                return
        _drop_top(process, shell)


def return_from(process: Process, shell: Shell, status: int) -> bool:
    """``return``: leave the function or sourced file; False when there is none (then it ends the script)."""
    if not any(isinstance(frame, FunctionFrame) or _is_source(frame) for frame in shell.stack):
        return False
    while not (isinstance(shell.stack[-1], FunctionFrame) or _is_source(shell.stack[-1])):
        _drop_top(process, shell)
    _drop_top(process, shell)
    shell.status = status
    return True


def _is_source(frame: object) -> bool:
    return isinstance(frame, ScriptFrame) and frame.kind == "source"


def leave(shell: Shell, status: int) -> None:
    """``exit``: drop everything; the EXIT trap, if any, still runs."""
    shell.status = status & 255
    behind_trap = next((frame for frame in shell.stack if isinstance(frame, ExitFrame)), None)
    shell.stack.clear()
    if behind_trap is not None:
        shell.stack.append(ExitFrame(shell.status))
        return
    if action := shell.traps.pop("EXIT", ""):
        shell.stack.append(ExitFrame(shell.status))
        shell.stack.append(ScriptFrame(parse(action, bash=shell.dialect == "bash"), "exit-trap", 0))
    else:
        shell.stack.append(ExitFrame(shell.status))


def finish(kernel: Kernel, process: Process, shell: Shell) -> None:
    """The script is at its end."""
    if shell.traps.get("EXIT"):
        leave(shell, shell.status)
    else:
        kernel.end(process, shell.status)


def run_trap(shell: Shell) -> None:
    """Run the action of the oldest pending signal; ``$?`` is what it was, and is put back afterwards."""
    name = min(shell.pending, key=lambda item: SIGNALS[item])
    shell.pending.remove(name)
    action = shell.traps.get(name, "")
    if action:
        script = parse(action, bash=shell.dialect == "bash")
        shell.stack.append(ScriptFrame(script, "trap", TESTED if _tested(shell) else 0, saved=shell.status))


def _tested(shell: Shell) -> bool:
    return bool(shell.stack) and bool(getattr(shell.stack[-1], "flags", 0) & TESTED)


def check_errexit(shell: Shell, flags: int) -> None:
    """``set -e``: a failed command whose status nobody looks at ends the shell."""
    if shell.status and "e" in shell.options and not flags & TESTED:
        leave(shell, shell.status)


def enter_subshell(shell: Shell) -> None:
    """Traps are reset in a subshell, except those that ignore (XCU 2.12)."""
    shell.traps = {name: action for name, action in shell.traps.items() if action == ""}
    shell.subshell = True
