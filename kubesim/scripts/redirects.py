"""Redirections (XCU 2.7): opening targets, and putting descriptors back."""

from __future__ import annotations

import re

from kubesim.scripts.control import restore_descriptors
from kubesim.scripts.filesystem import NO_ENTRY, File, FileError, absolute
from kubesim.scripts.kernel import SAVED_DESCRIPTORS, Kernel, copied
from kubesim.scripts.process import Descriptor, Document, Handle, Null, Process, Shell
from kubesim.scripts.shells import DIALECTS
from kubesim.scripts.syntax import Redirect

_OWN_DESCRIPTOR = re.compile(r"/dev/(?:fd/(\d+)|(stdin|stdout|stderr))|/proc/self/fd/(\d+)")
_OTHERS_DESCRIPTOR = re.compile(r"/proc/(\d+)/fd/(\d+)")


class RedirectFault(Exception):
    """A redirection that fails; the text is the shell's message."""


def apply(
    kernel: Kernel,
    process: Process,
    shell: Shell,
    redirects: tuple[Redirect, ...],
    targets: list[str],
    saved: dict[int, int | None] | None,
) -> str | None:
    """Carry out redirections left to right; the message of the first that fails. ``saved`` None: they stay."""
    try:
        for redirect, target in zip(redirects, targets, strict=True):
            _apply_one(kernel, process, shell, redirect, target, saved)
    except RedirectFault as fault:
        return str(fault)
    return None


def _apply_one(
    kernel: Kernel,
    process: Process,
    shell: Shell,
    redirect: Redirect,
    target: str,
    saved: dict[int, int | None] | None,
) -> None:
    numbers = [redirect.descriptor]
    item: Descriptor | None
    match redirect.operator:
        case "<<":
            item = Document(target)
        case "<<<":
            item = Document(target + "\n")
        case ">&" | "<&" if target == "-":
            item = None
        case ">&" | "<&" if target.isdigit():
            item = process.descriptors.get(int(target))
            if item is None:
                raise RedirectFault(
                    f"{target}: Bad file descriptor"
                    if shell.dialect == "dash"
                    else f"dup2({target},{redirect.descriptor}): Bad file descriptor"
                    if shell.dialect == "ash"
                    else f"{target}: Bad file descriptor"
                )
        case ">&" | "&>" | "&>>":
            item = open_path(kernel, process, shell, ">>" if redirect.operator == "&>>" else ">", target)
            numbers = [1, 2]
        case operator:
            if operator == ">" and "C" in shell.options:
                _refuse_existing(kernel, process, shell, target)
            item = open_path(kernel, process, shell, operator, target)
    for number in numbers:
        if saved is not None and number not in saved:
            saved[number] = _save(process, number)
        if item is None:
            process.descriptors.pop(number, None)
        else:
            process.descriptors[number] = item


def _refuse_existing(kernel: Kernel, process: Process, shell: Shell, target: str) -> None:
    if isinstance(kernel.files.get(absolute(target, process.directory)), File):
        raise RedirectFault(DIALECTS[shell.dialect].cannot_create.format(path=target, reason="File exists"))


def _save(process: Process, number: int) -> int | None:
    if number not in process.descriptors:
        return None
    kept = SAVED_DESCRIPTORS
    while kept in process.descriptors:
        kept += 1
    process.descriptors[kept] = process.descriptors[number]
    return kept


def restore(process: Process, saved: dict[int, int | None]) -> None:
    restore_descriptors(process.descriptors, saved)
    saved.clear()


def open_path(kernel: Kernel, process: Process, shell: Shell, operator: str, path: str) -> Descriptor:
    """Open a path for a redirection, or raise the shell's message."""
    dialect = DIALECTS[shell.dialect]
    special = special_file(kernel, process, path)
    if special is not None:
        return special
    reading = operator == "<"
    try:
        return open_file(kernel, process, operator, path)
    except FileError as fault:
        reason = str(fault)
        if reason == NO_ENTRY:
            reason = "No such file" if reading and shell.dialect == "dash" else reason
            reason = "no such file" if reading and shell.dialect == "ash" else reason
            reason = reason if reading else dialect.no_directory
        template = dialect.cannot_open if reading else dialect.cannot_create
        raise RedirectFault(template.format(path=path, reason=reason)) from None


def open_file(kernel: Kernel, process: Process, operator: str, path: str) -> Handle:
    """An open regular file, or :class:`FileError`."""
    where = absolute(path, process.directory)
    if operator == "<":
        return Handle(kernel.files.read(where), kernel.files.layer, where, True, False, False)
    before = kernel.files.version()
    truncate = operator in (">", ">|")
    file, volume = kernel.files.open_for_writing(where, kernel.now, truncate=truncate)
    if kernel.files.version() != before:
        kernel.unsteady += 1
    return Handle(file, volume, where, operator == "<>", True, operator == ">>")


def special_file(kernel: Kernel, process: Process, path: str) -> Descriptor | None:
    """Devices and the descriptors under /dev and /proc; None for an ordinary path."""
    if path in ("/dev/null", "/dev/tty"):
        return Null()
    if path in ("/dev/zero", "/dev/urandom", "/dev/random"):
        return Null(zero=True)
    if match := _OWN_DESCRIPTOR.fullmatch(path):
        names = {"stdin": 0, "stdout": 1, "stderr": 2}
        number = names[match.group(2)] if match.group(2) else int(match.group(1) or match.group(3))
        found = process.descriptors.get(number)
    elif match := _OTHERS_DESCRIPTOR.fullmatch(path):
        other = kernel.processes.get(int(match.group(1)))
        found = other.descriptors.get(int(match.group(2))) if other else None
    else:
        return None
    if found is None:
        raise RedirectFault(f"{path}: {NO_ENTRY}")
    return copied(found)
