"""What the shell's builtins print: values, quoted values, errors about numbers."""

from __future__ import annotations

import re
from typing import Final

from kubesim.scripts import control
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.process import Process, Shell
from kubesim.scripts.variables import complain

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def quoted(text: str) -> str:
    """Text as the shell would have to read it."""
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "'\"'\"'") + "'"


def write(kernel: Kernel, process: Process, text: str) -> int:
    """Write to standard output; a failing write is the builtin's failure."""
    fault = kernel.write(process, 1, text)
    if fault is not None and process.pid in kernel.processes:
        kernel.write(process, 2, f"write error: {fault}\n")
    return int(fault is not None)


def number(kernel: Kernel, process: Process, shell: Shell, name: str, text: str) -> int | None:
    """A number operand; another text ends the shell, as an error of a special builtin does."""
    if text.isdigit():
        return int(text)
    complain(kernel, process, shell, f"Illegal number: {text}", name)
    control.leave(shell, 2)
    return None


def single(text: str) -> str:
    """Text in single quotes."""
    return "'" + text.replace("'", "'\"'\"'") + "'"
