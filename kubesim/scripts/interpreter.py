"""The resumable shell: runs the frames of one process step by step until it waits or its share of steps is used.

Order of events follows XCU 2.9 and 2.11; where dash and busybox ash differ, :mod:`kubesim.scripts.shells` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kubesim.scripts import commands, control, forks, syntax
from kubesim.scripts.frames import (
    LAST,
    TESTED,
    AndOrFrame,
    CaseFrame,
    ChildrenFrame,
    ExitFrame,
    ForFrame,
    Frame,
    FunctionFrame,
    IfFrame,
    LoopFrame,
    ProgramFrame,
    ReadFrame,
    RedirectedFrame,
    ScriptFrame,
    SequenceFrame,
    SimpleFrame,
    SubstitutionFrame,
    WaitFrame,
)
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.process import AwaitChildren, AwaitInput, Process, Shell
from kubesim.scripts.shells import DIALECTS


def run_process(kernel: Kernel, process: Process, quantum: int) -> int:
    """Let one process go on; the number of steps it took."""
    process.waiting = None
    used = 0
    while used < quantum and process.pid in kernel.processes and process.waiting is None:
        used += 1
        if process.shell is not None:
            step(kernel, process, process.shell)
        elif process.program is not None:
            process.program.step(kernel, process)
    return used


def step(kernel: Kernel, process: Process, shell: Shell) -> None:
    """One step of the top frame, or a pending trap, or the end of the shell."""
    stack = shell.stack
    if shell.pending and (not stack or isinstance(stack[-1], _BETWEEN_COMMANDS)):
        control.run_trap(shell)
        return
    if not stack:
        control.finish(kernel, process, shell)
        return
    frame = stack[-1]
    _STEPS[type(frame)](kernel, process, shell, frame)


_BETWEEN_COMMANDS = (
    ScriptFrame,
    SequenceFrame,
    AndOrFrame,
    IfFrame,
    LoopFrame,
    ForFrame,
    CaseFrame,
    RedirectedFrame,
    FunctionFrame,
    ExitFrame,
)


def start(kernel: Kernel, process: Process, shell: Shell, command: syntax.Command, flags: int) -> None:
    """Put a command's frame on the stack, or fork for it."""
    stack = shell.stack
    match command:
        case syntax.Simple():
            stack.append(SimpleFrame(command, flags))
        case syntax.Sequence():
            stack.append(SequenceFrame(command, flags))
        case syntax.AndOr():
            stack.append(AndOrFrame(command, flags))
        case syntax.If():
            stack.append(IfFrame(command, _without_last(shell, flags)))
        case syntax.Loop():
            stack.append(LoopFrame(command, flags & TESTED))
        case syntax.For():
            stack.append(ForFrame(command, flags & TESTED))
        case syntax.Case():
            stack.append(CaseFrame(command, _without_last(shell, flags)))
        case syntax.Group(body=body):
            start(kernel, process, shell, body, _without_last(shell, flags))
        case syntax.Redirected():
            stack.append(RedirectedFrame(command, _without_last(shell, flags)))
        case syntax.Subshell(body=body):
            _start_subshell(kernel, process, shell, body, flags)
        case syntax.Pipeline():
            _start_pipeline(kernel, process, shell, command, flags)
        case syntax.Background(command=inner):
            commands.start_background(kernel, process, shell, inner)
        case syntax.Function(name=name, body=body):
            shell.functions[name] = body
            shell.status = 0


def _without_last(shell: Shell, flags: int) -> int:
    """Inside compound commands bash never replaces itself."""
    return flags & ~LAST if DIALECTS[shell.dialect].only_simple else flags


def _start_subshell(kernel: Kernel, process: Process, shell: Shell, body: syntax.Command, flags: int) -> None:
    if flags & LAST and not shell.traps_caught() and not DIALECTS[shell.dialect].only_simple:
        control.enter_subshell(shell)
        start(kernel, process, shell, body, flags)
        return
    child = commands.fork(kernel, process, shell)
    start(kernel, child, forks.shell_of(child), body, LAST | (flags & TESTED))
    shell.stack.append(ChildrenFrame((child.pid,), flags))
    process.waiting = AwaitChildren((child.pid,), interruptible=False)


def _start_pipeline(kernel: Kernel, process: Process, shell: Shell, node: syntax.Pipeline, flags: int) -> None:
    if len(node.commands) == 1:
        shell.stack.append(ChildrenFrame((), flags, negated=True))
        start(kernel, process, shell, node.commands[0], (flags | TESTED) & ~LAST)
        return
    pids = commands.start_pipeline(kernel, process, shell, node.commands, flags & TESTED)
    shell.stack.append(ChildrenFrame(pids, flags, node.negated))
    process.waiting = AwaitChildren(pids, interruptible=False)


def _step_children(kernel: Kernel, process: Process, shell: Shell, frame: ChildrenFrame) -> None:
    if frame.pids:
        statuses = [process.ended_children.pop(pid, 0) for pid in frame.pids]
        shell.status = statuses[-1]
        if "pipefail" in shell.options:
            shell.status = next((status for status in reversed(statuses) if status), 0)
        if frame.pids[-1] in process.killed_children:
            process.killed_children.discard(frame.pids[-1])
            commands.report_death(kernel, process, shell, statuses[-1])
    shell.stack.pop()
    if frame.negated:
        shell.status = int(shell.status == 0)
    else:
        control.check_errexit(shell, frame.flags)


def _step_script(kernel: Kernel, process: Process, shell: Shell, frame: ScriptFrame) -> None:
    script = frame.script
    if frame.index < len(script.commands):
        frame.index += 1
        last = frame.index == len(script.commands) and script.ends_with_command and script.error is None
        start(kernel, process, shell, script.commands[frame.index - 1], frame.flags if last else frame.flags & ~LAST)
        return
    shell.stack.pop()
    if script.error is not None:
        kernel.write(process, 2, f"{shell.name}: {_syntax_error(shell, script)}\n")
        control.leave(shell, 2)
        return
    if frame.positional is not None:
        shell.positional = frame.positional
    if frame.kind == "trap":
        shell.status = frame.saved
    elif not script.commands and frame.kind in ("eval", "source"):
        shell.status = 0


def _syntax_error(shell: Shell, script: syntax.Script) -> str:
    """The message for a syntax error: dash says "X unexpected", ash "unexpected X"."""
    message = script.error or ""
    if shell.dialect == "dash":
        return f"{script.error_line}: Syntax error: {message}"
    found, unexpected, hint = message.partition(" unexpected")
    message = f"unexpected {found}{hint}" if unexpected else message[:1].lower() + message[1:]
    where = f"line {script.error_line}: " if shell.script or shell.dialect == "bash" else ""
    return f"{where}syntax error: {message}"


def _step_and_or(kernel: Kernel, process: Process, shell: Shell, frame: AndOrFrame) -> None:
    if frame.step == 0:
        frame.step = 1
        start(kernel, process, shell, frame.node.left, (frame.flags | TESTED) & ~LAST)
        return
    shell.stack.pop()
    if (shell.status == 0) == (frame.node.operator == "&&"):
        start(kernel, process, shell, frame.node.right, frame.flags)


def _step_if(kernel: Kernel, process: Process, shell: Shell, frame: IfFrame) -> None:
    if frame.index >= 0 and shell.status == 0:
        shell.stack.pop()
        start(kernel, process, shell, frame.node.branches[frame.index][1], frame.flags)
        return
    frame.index += 1
    if frame.index < len(frame.node.branches):
        start(kernel, process, shell, frame.node.branches[frame.index][0], (frame.flags | TESTED) & ~LAST)
        return
    shell.stack.pop()
    if frame.node.otherwise is not None:
        start(kernel, process, shell, frame.node.otherwise, frame.flags)  # where $? is the last condition's status
    else:
        shell.status = 0


def _step_loop(kernel: Kernel, process: Process, shell: Shell, frame: LoopFrame) -> None:
    if frame.phase == 2:
        frame.result = shell.status
    if frame.phase != 1:
        frame.phase = 1
        start(kernel, process, shell, frame.node.condition, (frame.flags | TESTED) & ~LAST)
        return
    if (shell.status == 0) == frame.node.until:
        shell.stack.pop()
        shell.status = frame.result
        return
    frame.phase = 2
    start(kernel, process, shell, frame.node.body, frame.flags)


def _step_for(kernel: Kernel, process: Process, shell: Shell, frame: ForFrame) -> None:
    if frame.values is None:
        if frame.node.words is None:
            frame.values = list(shell.positional)
        else:
            expanded = commands.expand(
                kernel, process, shell, frame.outputs, lambda context: commands.fields(frame.node.words or (), context)
            )
            if expanded is None:
                return
            frame.values = expanded
    elif frame.index:
        frame.result = shell.status
    if frame.index == len(frame.values):
        shell.stack.pop()
        shell.status = frame.result
        return
    if not commands.assign(kernel, process, shell, frame.node.name, frame.values[frame.index]):
        return
    frame.index += 1
    start(kernel, process, shell, frame.node.body, frame.flags)


def _step_case(kernel: Kernel, process: Process, shell: Shell, frame: CaseFrame) -> None:
    found = commands.expand(
        kernel, process, shell, frame.outputs, lambda context: commands.case_arm(frame.node, context)
    )
    if found is None:
        return
    shell.stack.pop()
    shell.status = 0
    if found >= 0 and (body := frame.node.arms[found][1]) is not None:
        start(kernel, process, shell, body, frame.flags)


def _step_redirected(kernel: Kernel, process: Process, shell: Shell, frame: RedirectedFrame) -> None:
    if frame.started:
        shell.stack.pop()
        commands.restore(process, frame.saved)
        return
    targets = commands.expand(
        kernel, process, shell, frame.outputs, lambda context: commands.targets(frame.node.redirects, context)
    )
    if targets is None:
        return
    frame.started = True
    fault = commands.redirect(kernel, process, shell, frame.node.redirects, targets, frame.saved)
    if fault is None:
        start(kernel, process, shell, frame.node.command, frame.flags & TESTED)
        return
    commands.complain(kernel, process, shell, fault)
    shell.status = DIALECTS[shell.dialect].fault_status if shell.dialect != "ash" else 1
    control.check_errexit(shell, frame.flags)


def _step_substitution(kernel: Kernel, process: Process, shell: Shell, frame: SubstitutionFrame) -> None:
    frame.text += frame.pipe.buffer
    frame.pipe.buffer = ""
    if kernel.has_writer(frame.pipe):
        process.waiting = AwaitInput(frame.pipe)
    elif frame.pid in kernel.processes:
        process.waiting = AwaitChildren((frame.pid,), interruptible=False)
    else:
        shell.stack.pop()
        shell.substitution_status = process.ended_children.pop(frame.pid, 0)
        below: Frame = shell.stack[-1]
        if isinstance(below, (SimpleFrame, ForFrame, CaseFrame, RedirectedFrame)):
            below.outputs.append(frame.text.rstrip("\n"))
        for number in [
            number for number, item in process.descriptors.items() if getattr(item, "pipe", None) is frame.pipe
        ]:
            del process.descriptors[number]


def _step_sequence(kernel: Kernel, process: Process, shell: Shell, frame: SequenceFrame) -> None:
    items = frame.node.items
    if frame.index == len(items):
        shell.stack.pop()
        return
    frame.index += 1
    last = frame.index == len(items)
    start(kernel, process, shell, items[frame.index - 1], frame.flags if last else frame.flags & ~LAST)


def _step_function(kernel: Kernel, process: Process, shell: Shell, frame: FunctionFrame) -> None:
    if frame.started:
        shell.stack.pop()
        control.leave_function(shell, frame)
        return
    frame.started = True
    start(kernel, process, shell, frame.body, frame.flags & TESTED)


def _step_program(kernel: Kernel, process: Process, shell: Shell, frame: ProgramFrame) -> None:
    commands.become(kernel, process, frame.argv, frame.environment)


def _step_exit(kernel: Kernel, process: Process, shell: Shell, frame: ExitFrame) -> None:
    kernel.end(process, frame.status)


_STEPS: Final[dict[type, Callable[[Kernel, Process, Shell, Any], None]]] = {
    SimpleFrame: commands.step_simple,
    ScriptFrame: _step_script,
    SequenceFrame: _step_sequence,
    AndOrFrame: _step_and_or,
    IfFrame: _step_if,
    LoopFrame: _step_loop,
    ForFrame: _step_for,
    CaseFrame: _step_case,
    RedirectedFrame: _step_redirected,
    FunctionFrame: _step_function,
    ChildrenFrame: _step_children,
    SubstitutionFrame: _step_substitution,
    WaitFrame: commands.step_wait,
    ReadFrame: commands.step_read,
    ProgramFrame: _step_program,
    ExitFrame: _step_exit,
}
"""What each kind of frame does next."""
