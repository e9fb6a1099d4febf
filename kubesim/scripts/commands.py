"""Simple commands (XCU 2.9.1): expansion, redirections, and finding what to run."""

from __future__ import annotations

from kubesim.scripts import builtins, control, expansion, forks, patterns, programs, redirects, reporting, syntax
from kubesim.scripts.builtins_variables import assign_read
from kubesim.scripts.expansion import Context
from kubesim.scripts.forks import fork, start_background, start_pipeline
from kubesim.scripts.frames import LAST, TESTED, ChildrenFrame, FunctionFrame, ReadFrame, SimpleFrame, WaitFrame
from kubesim.scripts.kernel import SAVED_DESCRIPTORS, Kernel
from kubesim.scripts.process import SIGNAL_NAMES, SIGNALS, AwaitChildren, AwaitInput, Process, Shell
from kubesim.scripts.redirects import restore
from kubesim.scripts.shells import DIALECTS
from kubesim.scripts.variables import assign, complain, environment, expand

__all__ = [
    "assign", "become", "case_arm", "complain", "expand", "fields", "fork", "redirect", "report_death", "restore",
    "start_background", "start_pipeline", "step_read", "step_simple", "step_wait", "targets",
]  # fmt: skip

_DECLARING = frozenset(("export", "readonly", "local", "declare", "typeset"))
_DEATHS = {
    "HUP": "Hangup",
    "QUIT": "Quit",
    "ILL": "Illegal instruction",
    "ABRT": "Aborted",
    "BUS": "Bus error",
    "FPE": "Floating point exception",
    "KILL": "Killed",
    "USR1": "User defined signal 1",
    "SEGV": "Segmentation fault",
    "USR2": "User defined signal 2",
    "ALRM": "Alarm clock",
    "TERM": "Terminated",
}


def fields(words: tuple[syntax.Word, ...], context: Context) -> list[str]:
    return expansion.fields(words, context)


def targets(items: tuple[syntax.Redirect, ...], context: Context) -> list[str]:
    """The expanded targets of redirections."""
    return [expansion.text(item.target, context) for item in items]


def case_arm(node: syntax.Case, context: Context) -> int:
    """The index of the first arm that matches, -1 for none."""
    value = expansion.text(node.word, context)
    for index, (words, _) in enumerate(node.arms):
        if any(patterns.matches(expansion.pattern(word, context), value) for word in words):
            return index
    return -1


def redirect(
    kernel: Kernel,
    process: Process,
    shell: Shell,
    items: tuple[syntax.Redirect, ...],
    opened: list[str],
    saved: dict[int, int | None] | None,
) -> str | None:
    return redirects.apply(kernel, process, shell, items, opened, saved)


def _as_written(node: syntax.Simple) -> tuple[list[str], list[str], list[str]] | None:
    """A command in which nothing is to be expanded, as most are; None for others."""
    if node.redirects or node.assignments:
        return None
    argv = [word.plain for word in node.words if word.plain is not None]
    return (argv, [], []) if len(argv) == len(node.words) else None


def _expanded(node: syntax.Simple, context: Context) -> tuple[list[str], list[str], list[str]]:
    first = node.words[0].plain if node.words else None
    argv = expansion.fields(node.words, context, assignments=first in _DECLARING)
    opened = targets(node.redirects, context) if node.redirects else []
    return argv, opened, _values(node, context) if node.assignments else []


def _values(node: syntax.Simple, context: Context) -> list[str]:
    """The values assigned, each seeing those before it; they are only seen here when a command follows them."""
    before = dict(context.assigned)
    values = []
    for item in node.assignments:
        value = expansion.text(item.value, context)
        if item.append:
            value = (context.get(item.name) or "") + value
        values.append(value)
        context.assign(item.name, value)
    if node.words:
        for item in node.assignments:
            context.assigned.pop(item.name, None)
        context.assigned.update({name: value for name, value in before.items() if name not in context.assigned})
    return values


def step_simple(kernel: Kernel, process: Process, shell: Shell, frame: SimpleFrame) -> None:
    """One step of a simple command: first expand and start it, then put everything back."""
    if frame.started:
        shell.stack.pop()
        if frame.saved:
            restore(process, frame.saved)
        if frame.overridden:
            control.restore_variables(shell, frame.overridden)
        control.check_errexit(shell, frame.flags)
        return
    node = frame.node
    if not frame.outputs:
        shell.substitution_status = None
    expanded = _as_written(node)
    if expanded is None:
        expanded = expand(kernel, process, shell, frame.outputs, lambda context: _expanded(node, context))
    if expanded is None:
        return
    argv, opened, values = expanded
    frame.started = True
    if "x" in shell.options:
        _trace(kernel, process, shell, node, argv, values)
    if not argv:
        _only_assignments(kernel, process, shell, frame, opened)
        return
    _dispatch(kernel, process, shell, frame, tuple(argv), opened, values)


def _trace(
    kernel: Kernel, process: Process, shell: Shell, node: syntax.Simple, argv: list[str], values: list[str]
) -> None:
    """``set -x``."""
    pairs = [f"{item.name}={value}" for item, value in zip(node.assignments, values, strict=True)]
    shown = [reporting.quoted(word) if shell.dialect != "dash" else word for word in argv]
    kernel.write(process, 2, shell.variables.get("PS4", "+ ") + " ".join(pairs + shown) + "\n")


def _only_assignments(kernel: Kernel, process: Process, shell: Shell, frame: SimpleFrame, opened: list[str]) -> None:
    """No command name: the assignments stay (the expansion made them); the status is the last substitution's."""
    fault = redirect(kernel, process, shell, frame.node.redirects, opened, frame.saved)
    if fault is not None:
        complain(kernel, process, shell, fault)
        shell.status = 1 if shell.dialect != "dash" else 2
        return
    shell.status = shell.substitution_status or 0


def _dispatch(
    kernel: Kernel,
    process: Process,
    shell: Shell,
    frame: SimpleFrame,
    argv: tuple[str, ...],
    opened: list[str],
    values: list[str],
) -> None:
    """Find the command: special builtin, function, builtin, program (XCU 2.9.1.1)."""
    name, node = argv[0], frame.node
    pairs = dict(zip((item.name for item in node.assignments), values, strict=True))
    special = name in builtins.SPECIAL
    function = None if special else shell.functions.get(name)
    builtin = builtins.find(shell, name) if function is None else None
    if function is None and builtin is None:
        _run_program(kernel, process, shell, frame, argv, opened, pairs)
        return
    stays = name == "exec" and special
    fault = redirect(kernel, process, shell, node.redirects, opened, None if stays else frame.saved) if opened else None
    if fault is not None:
        complain(kernel, process, shell, fault)
        shell.status = 1 if shell.dialect != "dash" else 2
        if special and shell.dialect != "bash":
            control.leave(shell, shell.status)
        return
    for variable, value in pairs.items():
        if not special:
            frame.overridden[variable] = (shell.variables.get(variable), variable in shell.exported)
            shell.exported.add(variable)
        if not assign(kernel, process, shell, variable, value):
            return
    if function is not None:
        shell.stack.append(FunctionFrame(function, frame.flags & TESTED, shell.positional))
        shell.positional = list(argv[1:])
        return
    if builtin is None:
        return
    status = builtin(kernel, process, shell, argv)
    if status is not None:
        shell.status = status


def _run_program(
    kernel: Kernel,
    process: Process,
    shell: Shell,
    frame: SimpleFrame,
    argv: tuple[str, ...],
    opened: list[str],
    pairs: dict[str, str],
) -> None:
    """A program: in the shell's own process when nothing follows, else in a child."""
    variables = {**environment(shell), **pairs}
    node = frame.node
    dialect = DIALECTS[shell.dialect]
    if frame.flags & LAST and not shell.traps_caught() and not (dialect.only_simple and opened):
        shell.stack.clear()
        fault = redirect(kernel, process, shell, node.redirects, opened, None)
        if fault is not None:
            shell.stack.append(frame)
            complain(kernel, process, shell, fault)
            kernel.end(process, 1 if shell.dialect != "dash" else 2)
            return
        become(kernel, process, argv, variables)
        return
    child = fork(kernel, process, shell)
    inner = forks.shell_of(child)
    fault = redirect(kernel, child, inner, node.redirects, opened, None)
    if fault is not None:
        complain(kernel, child, shell, fault)
        kernel.end(child, 1 if shell.dialect != "dash" else 2)
    else:
        become(kernel, child, argv, variables)
    shell.stack.append(ChildrenFrame((child.pid,), TESTED))
    process.waiting = AwaitChildren((child.pid,), interruptible=False)


def become(kernel: Kernel, process: Process, argv: tuple[str, ...], variables: dict[str, str]) -> None:
    """execve: the process is now this program; 127 when it is not found, 126 when it cannot be run."""
    shell = process.shell
    failure = programs.load(kernel, process, argv, variables)
    if failure is None:
        if shell is not None:
            caught = {name for name, action in shell.traps.items() if action}
            process.ignored = frozenset(process.ignored - caught)
        process.descriptors = {
            number: item for number, item in process.descriptors.items() if number < SAVED_DESCRIPTORS
        }
        return
    status, message = failure
    if shell is not None:
        text = (
            DIALECTS[shell.dialect].not_found.format(name=argv[0])
            if status == 127 and "/" not in argv[0]
            else f"{argv[0]}: {message}"
        )
        complain(kernel, process, shell, text)
    kernel.end(process, status)


def report_death(kernel: Kernel, process: Process, shell: Shell, status: int) -> None:
    """A shell says when a foreground child died of a signal, except INT and PIPE."""
    name = SIGNAL_NAMES.get(status - 128) if status > 128 else None
    if name in _DEATHS:
        kernel.write(process, 2, _DEATHS[name] + "\n")


def step_wait(kernel: Kernel, process: Process, shell: Shell, frame: WaitFrame) -> None:
    """``wait``: until the jobs have ended, or a trapped signal arrives (then 128 + its number, and the trap runs)."""
    if frame.interrupted:
        shell.stack.pop()
        shell.status = 128 + SIGNALS[frame.interrupted]
        return
    left = tuple(pid for pid in frame.pids if pid in kernel.processes)
    if left:
        process.waiting = AwaitChildren(left, interruptible=True)
        return
    shell.stack.pop()
    statuses = [process.ended_children.pop(pid, 0) for pid in frame.pids]
    done = set(frame.pids)
    shell.jobs = [job for job in shell.jobs if not done.issuperset(job.pids)]
    shell.status = 0 if frame.everything or not statuses else statuses[-1]


def step_read(kernel: Kernel, process: Process, shell: Shell, frame: ReadFrame) -> None:
    """``read``: a line from standard input."""
    if frame.interrupted:
        shell.stack.pop()
        shell.status = 1 if shell.dialect == "dash" else 128 + SIGNALS[frame.interrupted]
        return
    available, ended = kernel.available(process, 0)
    end = available.find("\n")
    if end < 0 and not ended:
        if frame.deadline is not None and kernel.now >= frame.deadline:
            shell.stack.pop()
            shell.status = 1
            return
        pipe = kernel.input_pipe(process)
        if pipe is not None:
            kernel.consume(process, 0, len(available))
            frame.text += available
            process.waiting = AwaitInput(pipe, until=frame.deadline)
        return
    taken = available if end < 0 else available[: end + 1]
    kernel.consume(process, 0, len(taken))
    frame.text += taken
    raw = "-r" in frame.argv
    if not raw and frame.text.endswith("\\\n") and not ended:
        frame.text = frame.text[:-2]
        return
    shell.stack.pop()
    assign_read(kernel, process, shell, frame.argv, frame.text.removesuffix("\n"))
    shell.status = int(end < 0)
