"""The shell's builtin commands. Each returns its status, or None when it has put a frame on the stack or left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from kubesim.scripts import printing, programs
from kubesim.scripts.builtins_flow import (
    break_builtin,
    colon,
    eval_builtin,
    exec_builtin,
    exit_shell,
    false,
    return_builtin,
    source,
)
from kubesim.scripts.builtins_signals import jobs, kill, trap, wait
from kubesim.scripts.builtins_variables import export, getopts, let, local, read, set_builtin, shift, unset
from kubesim.scripts.conditions import evaluate_test
from kubesim.scripts.filesystem import absolute
from kubesim.scripts.forks import start_program
from kubesim.scripts.frames import TESTED, ChildrenFrame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.parser import RESERVED
from kubesim.scripts.process import AwaitChildren, Process, Shell
from kubesim.scripts.reporting import write
from kubesim.scripts.shells import DIALECTS
from kubesim.scripts.variables import assign, complain, environment

Builtin: TypeAlias = Callable[[Kernel, Process, Shell, tuple[str, ...]], int | None]


def echo(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return write(kernel, process, printing.echo(argv[1:], DIALECTS[shell.dialect]))


def printf(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    if len(argv) < 2:
        complain(kernel, process, shell, "usage: printf format [arg ...]", "printf")
        return 2
    words = argv[1:]
    variable = None
    if shell.dialect == "bash" and words[0] == "-v":
        variable, words = words[1], words[2:]
    text, faults = printing.printf(words[0], words[1:])
    if variable is not None:
        return int(not assign(kernel, process, shell, variable, text))
    status = write(kernel, process, text)
    for fault in faults:
        complain(kernel, process, shell, f"{fault}", "printf")
    return 1 if faults else status


def test_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    status, fault = evaluate_test(kernel.files, process.directory, argv, patterns=argv[0] == "[[")
    if fault:
        complain(kernel, process, shell, fault, "" if shell.dialect == "ash" else argv[0])
    return status


def cd(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    words = [word for word in argv[1:] if word not in ("-L", "-P", "--")]
    wanted = words[0] if words else shell.variables.get("HOME", "/")
    if wanted == "-":
        wanted = shell.variables.get("OLDPWD", "")
    path = kernel.files.resolve(absolute(wanted, process.directory))
    if not kernel.files.is_directory(path):
        reason = f"can't cd to {wanted}" if shell.dialect != "bash" else f"{wanted}: No such file or directory"
        complain(
            kernel, process, shell, f"{reason}{': No such file or directory' if shell.dialect == 'ash' else ''}", "cd"
        )
        return 2 if shell.dialect != "bash" else 1
    shell.variables["OLDPWD"], process.directory = process.directory, path
    shell.variables["PWD"] = path
    if words and words[0] == "-":
        return write(kernel, process, path + "\n")
    return 0


def pwd(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return write(kernel, process, process.directory + "\n")


def umask(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return write(kernel, process, "0022\n") if len(argv) == 1 else 0


def command(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``command``: run without functions, or with ``-v``/``-V`` say what a name is."""
    words = list(argv[1:])
    if words and words[0] == "-p":
        words.pop(0)
    if words and words[0] in ("-v", "-V"):
        return _describe(kernel, process, shell, words[1:], long=words[0] == "-V")
    if not words:
        return 0
    builtin = find(shell, words[0])
    if builtin is not None:
        return builtin(kernel, process, shell, tuple(words))
    pid = start_program(kernel, process, shell, tuple(words), environment(shell))
    shell.stack.append(ChildrenFrame((pid,), TESTED))
    process.waiting = AwaitChildren((pid,), interruptible=False)
    return None


def type_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return _describe(kernel, process, shell, list(argv[1:]), long=True)


def _describe(kernel: Kernel, process: Process, shell: Shell, names: list[str], *, long: bool) -> int:
    status = 0
    for name in names:
        if name in RESERVED:
            text = f"{name} is a shell keyword" if long else name
        elif name in shell.functions:
            text = f"{name} is a shell function" if long else name
        elif name in SPECIAL:
            text = f"{name} is a special shell builtin" if long else name
        elif find(shell, name) is not None:
            text = f"{name} is a shell builtin" if long else name
        elif path := programs.find_file(kernel, name, shell.variables.get("PATH", "")):
            text = f"{name} is {path}" if long else path
        else:
            status = 127
            text = f"{name}: not found" if long else ""
        if text:
            write(kernel, process, text + "\n")
    return status


def times(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return write(kernel, process, "0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n")


SPECIAL: Final[dict[str, Builtin]] = {
    ":": colon,
    ".": source,
    "break": break_builtin,
    "continue": break_builtin,
    "eval": eval_builtin,
    "exec": exec_builtin,
    "exit": exit_shell,
    "export": export,
    "readonly": export,
    "return": return_builtin,
    "set": set_builtin,
    "shift": shift,
    "times": times,
    "trap": trap,
    "unset": unset,
}

_REGULAR: Final[dict[str, Builtin]] = {
    "[": test_builtin,
    "bg": colon,
    "cd": cd,
    "command": command,
    "echo": echo,
    "false": false,
    "fg": colon,
    "getopts": getopts,
    "hash": colon,
    "jobs": jobs,
    "kill": kill,
    "local": local,
    "printf": printf,
    "pwd": pwd,
    "read": read,
    "test": test_builtin,
    "true": colon,
    "type": type_builtin,
    "ulimit": colon,
    "umask": umask,
    "wait": wait,
}

_EXTENSIONS: Final[dict[str, Builtin]] = {"[[": test_builtin, "let": let, "source": source}
_BASH: Final[dict[str, Builtin]] = {"declare": local, "typeset": local, "shopt": colon, "builtin": command}


def find(shell: Shell, name: str) -> Builtin | None:
    """The builtin of this name in this shell."""
    found = SPECIAL.get(name) or _REGULAR.get(name)
    if found is None and shell.dialect != "dash":
        found = _EXTENSIONS.get(name)
    if found is None and shell.dialect == "bash":
        found = _BASH.get(name)
    return found
