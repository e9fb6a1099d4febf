"""A shell's variables and the expansion of words against them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kubesim.scripts import control, forks, patterns
from kubesim.scripts.expansion import Context, ExpansionFault, NeedsSubstitution
from kubesim.scripts.frames import SimpleFrame, SubstitutionFrame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.limits import bounded
from kubesim.scripts.process import AwaitInput, Process, Shell
from kubesim.scripts.shells import DIALECTS
from kubesim.units import SECOND

Result = TypeVar("Result")


def lookup(kernel: Kernel, shell: Shell, name: str) -> str | None:
    """The value of a parameter, special ones included (XCU 2.5.2)."""
    value = shell.variables.get(name)
    if value is not None:
        return value
    if name.isdigit():
        position = int(name)
        if position == 0:
            return shell.name
        return shell.positional[position - 1] if position <= len(shell.positional) else None
    match name:
        case "?":
            return str(shell.status)
        case "$":
            return str(shell.top_pid)
        case "!":
            return str(shell.last_background) if shell.last_background else None
        case "#":
            return str(len(shell.positional))
        case "-":
            return "".join(sorted(option for option in shell.options if len(option) == 1))
        case "@" | "*":
            return " ".join(shell.positional) if shell.positional else None
        case "PPID":
            return str(shell.top_parent)
        case "RANDOM" if shell.dialect != "dash":
            kernel.unsteady += 1
            return str(int(kernel.draw("RANDOM") * 32768))
        case "SECONDS" if shell.dialect == "bash":
            kernel.unsteady += 1
            return str((kernel.now - kernel.started) // SECOND)
        case "LINENO":
            return "1"
        case "HOSTNAME" if shell.dialect != "dash":
            return kernel.hostname
    return None


def context(kernel: Kernel, process: Process, shell: Shell, outputs: list[str]) -> Context:
    """What an expansion in this shell sees."""

    def home(user: str) -> str:
        return shell.variables.get("HOME", "~") if not user else "/root" if user == "root" else f"~{user}"

    return Context(
        lambda name: lookup(kernel, shell, name),
        shell.positional,
        home,
        lambda pattern: patterns.names_matching(pattern, kernel.files, process.directory),
        outputs,
        no_glob="f" in shell.options,
        no_unset="u" in shell.options,
        bash=shell.dialect == "bash",
    )


def expand(
    kernel: Kernel, process: Process, shell: Shell, outputs: list[str], work: Callable[[Context], Result]
) -> Result | None:
    """The result of ``work``; None when a command substitution has been started, or the expansion ended the shell."""
    view = context(kernel, process, shell, outputs)
    try:
        result = work(view)
    except NeedsSubstitution as needed:
        pid, pipe = forks.start_substitution(kernel, process, shell, needed.script, view.assigned)
        shell.stack.append(SubstitutionFrame(pid, pipe))
        process.waiting = AwaitInput(pipe)
        return None
    except ExpansionFault as fault:
        complain(kernel, process, shell, str(fault))
        control.leave(shell, DIALECTS[shell.dialect].fault_status)
        return None
    for name, value in view.assigned.items():
        if not assign(kernel, process, shell, name, value):
            return None
    return result


def assign(kernel: Kernel, process: Process, shell: Shell, name: str, value: str) -> bool:
    """Set a variable; a read-only one ends the shell."""
    if name in shell.readonly:
        complain(kernel, process, shell, f"{name}: is read only")
        control.leave(shell, DIALECTS[shell.dialect].fault_status)
        return False
    shell.variables[name] = bounded(value)
    if "a" in shell.options:
        shell.exported.add(name)
    return True


def complain(kernel: Kernel, process: Process, shell: Shell, message: str, builtin: str = "") -> None:
    """An error message of the shell or of one of its builtins, with name and line as dash, ash and bash write them.

    busybox ash names the line only for scripts in files and for builtins, and counts from 0 with ``-c``.
    """
    line = next((frame.node.line for frame in reversed(shell.stack) if isinstance(frame, SimpleFrame)), 1)
    spoken = f"{builtin}: " if builtin else ""
    match shell.dialect:
        case "dash":
            text = f"{line}: {spoken}{message}"
        case "bash":
            text = f"line {line}: {spoken}{message}"
        case _:
            text = f"{spoken}{message}"
            if shell.script:
                text = f"{spoken}line {line}: {message}"
            elif builtin:
                text = f"{builtin}: line {line - 1}: {message}"
    kernel.write(process, 2, f"{shell.name}: {text}\n")


def environment(shell: Shell) -> dict[str, str]:
    """What programs inherit."""
    return {name: shell.variables[name] for name in sorted(shell.exported) if name in shell.variables}
