"""Builtins for variables, options and positional parameters, and ``read``."""

from __future__ import annotations

import re
from typing import Final

from kubesim.scripts import control
from kubesim.scripts.arithmetic import ArithmeticFault, evaluate
from kubesim.scripts.frames import FunctionFrame, ReadFrame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.process import Process, Shell
from kubesim.scripts.reporting import single, write
from kubesim.scripts.variables import assign, complain, lookup
from kubesim.units import seconds

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def export(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``export``, ``readonly``: mark, and perhaps set."""
    marked = shell.exported if argv[0] == "export" else shell.readonly
    names = [word for word in argv[1:] if word != "-p"]
    if not names:
        lines = [
            f"{argv[0]} {name}={single(shell.variables[name])}\n" for name in sorted(marked) if name in shell.variables
        ]
        return write(kernel, process, "".join(lines))
    if names[0] == "-n":
        shell.exported.difference_update(names[1:])
        return 0
    for word in names:
        name, equals, value = word.partition("=")
        if not _NAME.fullmatch(name):
            complain(kernel, process, shell, f"{name}: bad variable name", argv[0])
            control.leave(shell, 2)
            return None
        if equals and not assign(kernel, process, shell, name, value):
            return None
        marked.add(name)
    return 0


def local(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    frame = next((item for item in reversed(shell.stack) if isinstance(item, FunctionFrame)), None)
    for word in argv[1:]:
        if word.startswith("-"):
            continue
        name, equals, value = word.partition("=")
        if frame is not None:
            frame.hidden.setdefault(name, (shell.variables.get(name), name in shell.exported))
        if equals:
            if not assign(kernel, process, shell, name, value):
                return None
        elif shell.dialect == "bash" and frame is not None:
            shell.variables.pop(name, None)
    return 0


def unset(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    functions = "-f" in argv[1:2]
    for name in argv[1:]:
        if name in ("-v", "-f"):
            continue
        if functions:
            shell.functions.pop(name, None)
        elif name in shell.readonly:
            complain(kernel, process, shell, f"{name}: is read only", "unset")
            return 2
        else:
            shell.variables.pop(name, None)
            shell.exported.discard(name)
    return 0


def set_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``set``: options and positional parameters."""
    if len(argv) == 1:
        return write(
            kernel, process, "".join(f"{name}={single(value)}\n" for name, value in sorted(shell.variables.items()))
        )
    words = list(argv[1:])
    while words and words[0][:1] in "-+" and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            shell.positional = words
            return 0
        if not set_option(shell, word, words):
            word_for = "Illegal" if shell.dialect == "dash" else "illegal"
            complain(kernel, process, shell, f"{word_for} option {word}", "set")
            control.leave(shell, 2)
            return None
    if words:
        shell.positional = words[1:] if words[0] == "-" else words
    return 0


_LONG_OPTIONS: Final = {
    "errexit": "e",
    "nounset": "u",
    "xtrace": "x",
    "noglob": "f",
    "allexport": "a",
    "noclobber": "C",
    "noexec": "n",
    "verbose": "v",
    "monitor": "m",
    "notify": "b",
}


def set_option(shell: Shell, word: str, words: list[str]) -> bool:
    """One option word of ``set`` or of the shell's command line; False when it is unknown."""
    change = shell.options.add if word[0] == "-" else shell.options.discard
    for letter in word[1:]:
        if letter == "o":
            if not words:
                continue
            name = words.pop(0)
            if name == "pipefail" and shell.dialect == "dash":
                return False
            change(_LONG_OPTIONS.get(name, name))
        elif letter in "aefuxCnvmbhEBi":
            change(letter)
        else:
            return False
    return True


def shift(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    count = int(argv[1]) if len(argv) > 1 and argv[1].isdigit() else 1
    if count > len(shell.positional):
        if shell.dialect == "dash":
            complain(kernel, process, shell, "can't shift that many", "shift")
            control.leave(shell, 2)
            return None
        return 1
    shell.positional = shell.positional[count:]
    return 0


def read(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> None:
    frame = ReadFrame(argv)
    if "-t" in argv and shell.dialect != "dash":
        frame.deadline = kernel.now + seconds(argv[argv.index("-t") + 1])
    shell.stack.append(frame)


def assign_read(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...], line: str) -> None:
    """Split a line that was read into the named variables; the last takes the rest (XCU read)."""
    words = list(argv[1:])
    raw = False
    while words and words[0].startswith("-"):
        option = words.pop(0)
        raw = raw or "r" in option
        if option[-1] in "tpnNdu" and words:
            words.pop(0)
    names = words or ["REPLY"]
    if not raw:
        line = re.sub(r"\\(.)", r"\1", line)
    separators = shell.variables.get("IFS", " \t\n")
    for index, value in enumerate(_read_fields(line, separators, len(names))):
        assign(kernel, process, shell, names[index], value)


def _read_fields(line: str, separators: str, count: int) -> list[str]:
    blank = "".join(character for character in separators if character in " \t\n")
    rest, values = line.lstrip(blank) if blank else line, []
    for _ in range(count - 1):
        end = next((index for index, character in enumerate(rest) if character in separators), len(rest))
        values.append(rest[:end])
        rest = rest[end:].lstrip(blank) if blank else rest[end:]
        if rest and rest[0] in separators and (end == 0 or rest[0] not in blank):
            rest = rest[1:].lstrip(blank) if blank else rest[1:]
    last = rest.rstrip(blank) if blank else rest
    if last and last[-1] in separators and not any(character in separators for character in last[:-1]):
        last = last[:-1]
    return [*values, last]


def getopts(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    """``getopts``: options one by one (XCU getopts); the place inside a group is kept in OPTPOS."""
    if len(argv) < 3:
        return 2
    options, name = argv[1], argv[2]
    words = list(argv[3:]) or shell.positional
    index = int(shell.variables.get("OPTIND", "1") or "1")
    place = int(shell.variables.get("_OPTPOS", "1"))
    word = words[index - 1] if index <= len(words) else ""
    if place == 1 and (not word.startswith("-") or word == "-" or word == "--"):
        shell.variables["OPTIND"] = str(index + (word == "--"))
        shell.variables[name] = "?"
        return 1
    letter, takes = word[place], options.partition(word[place])[2][:1] == ":"
    shell.variables.pop("OPTARG", None)
    rest = word[place + 1 :]
    if letter not in options.replace(":", ""):
        shell.variables[name] = "?"
        if options.startswith(":"):
            shell.variables["OPTARG"] = letter
        else:
            kernel.write(process, 2, f"Illegal option -{letter}\n")
    else:
        shell.variables[name] = letter
        if takes:
            if not rest:
                index += 1
                rest = words[index - 1] if index <= len(words) else ""
            shell.variables["OPTARG"], rest = rest, ""
    shell.variables["OPTIND"] = str(index if rest else index + 1)
    shell.variables["_OPTPOS"] = str(place + 1 if rest else 1)
    return 0


def let(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    value = 0
    try:
        for word in argv[1:]:
            value = evaluate(word, lambda name: lookup(kernel, shell, name) or "", shell.variables.__setitem__)
    except ArithmeticFault as fault:
        complain(kernel, process, shell, str(fault))
        return 1
    return int(value == 0)
