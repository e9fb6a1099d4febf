"""The shell's builtin commands. Each returns its status, or None when it has put a frame on the stack or left."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from kubesim.scripts import control, printing, programs
from kubesim.scripts.conditions import test
from kubesim.scripts.filesystem import FileError, absolute
from kubesim.scripts.frames import FunctionFrame, ReadFrame, ScriptFrame, WaitFrame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.parser import parse
from kubesim.scripts.process import SIGNAL_NAMES, SIGNALS, Process, Shell, signal_name
from kubesim.scripts.shells import DIALECTS
from kubesim.scripts.variables import assign, complain, environment, lookup
from kubesim.units import seconds

Builtin: TypeAlias = Callable[[Kernel, Process, Shell, tuple[str, ...]], int | None]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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


def _number(kernel: Kernel, process: Process, shell: Shell, name: str, text: str) -> int | None:
    if text.isdigit():
        return int(text)
    complain(kernel, process, shell, f"{name}: Illegal number: {text}" if shell.dialect == "dash" else f"Illegal number: {text}")
    control.leave(shell, 2)
    return None


# --- control flow


def colon(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return 0


def false(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return 1


def exit_shell(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> None:
    """``exit [n]``; inside a trap the default is the status from before the trap (XCU exit)."""
    if len(argv) > 1:
        status = _number(kernel, process, shell, "exit", argv[1])
        if status is not None:
            control.leave(shell, status)
        return
    trap = next((frame for frame in shell.stack if isinstance(frame, ScriptFrame) and "trap" in frame.kind), None)
    control.leave(shell, shell.status if trap is None else trap.saved)


def return_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> None:
    status = shell.status if len(argv) < 2 else _number(kernel, process, shell, "return", argv[1])
    if status is not None and not control.return_from(process, shell, status & 255):
        control.leave(shell, status)


def break_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> None:
    count = 1 if len(argv) < 2 else _number(kernel, process, shell, argv[0], argv[1])
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
        path = argv[1] if "/" in argv[1] else programs.find_file(kernel, argv[1], shell.variables.get("PATH", "")) or argv[1]
        text = kernel.files.read(absolute(path, process.directory)).text
    except FileError as fault:
        complain(kernel, process, shell, f".: {DIALECTS[shell.dialect].cannot_open.format(path=argv[1], reason=fault)}")
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
    complain(kernel, process, shell, f"exec: {rest[0]}: {message if '/' in rest[0] else 'not found'}")
    control.leave(shell, status)
    return None


# --- variables


def export(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``export``, ``readonly``: mark, and perhaps set."""
    marked = shell.exported if argv[0] == "export" else shell.readonly
    names = [word for word in argv[1:] if word != "-p"]
    if not names:
        lines = [f"{argv[0]} {name}={_single(shell.variables[name])}\n" for name in sorted(marked) if name in shell.variables]
        return write(kernel, process, "".join(lines))
    if names[0] == "-n":
        shell.exported.difference_update(names[1:])
        return 0
    for word in names:
        name, equals, value = word.partition("=")
        if not _NAME.fullmatch(name):
            complain(kernel, process, shell, f"{argv[0]}: {name}: bad variable name")
            control.leave(shell, 2)
            return None
        if equals and not assign(kernel, process, shell, name, value):
            return None
        marked.add(name)
    return 0


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


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
            complain(kernel, process, shell, f"unset: {name}: is read only")
            return 2
        else:
            shell.variables.pop(name, None)
            shell.exported.discard(name)
    return 0


def set_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``set``: options and positional parameters."""
    if len(argv) == 1:
        return write(kernel, process, "".join(f"{name}={_single(value)}\n" for name, value in sorted(shell.variables.items())))
    words = list(argv[1:])
    while words and words[0][:1] in "-+" and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            shell.positional = words
            return 0
        if not set_option(shell, word, words):
            complain(kernel, process, shell, f"set: Illegal option {word}" if shell.dialect == "dash" else f"set: illegal option {word}")
            control.leave(shell, 2)
            return None
    if words:
        shell.positional = words[1:] if words[0] == "-" else words
    return 0


_LONG_OPTIONS: Final = {"errexit": "e", "nounset": "u", "xtrace": "x", "noglob": "f", "allexport": "a", "noclobber": "C", "noexec": "n", "verbose": "v", "monitor": "m", "notify": "b"}  # fmt: skip


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
            complain(kernel, process, shell, "shift: can't shift that many")
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


# --- signals and jobs


def trap(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``trap``: signals that were ignored when the shell started stay ignored (XCU trap)."""
    words = [word for word in argv[1:] if word not in ("--", "-p")]
    if not words:
        return write(kernel, process, "".join(f"trap -- {_single(action)} {name}\n" for name, action in _in_order(shell.traps)))
    if len(words) == 1 or (words[0].isdigit() and signal_or_exit(words[0])):
        action: str | None = None
    else:
        action = None if words[0] == "-" else words[0]
        words = words[1:]
    status = 0
    for word in words:
        name = signal_or_exit(word)
        if name is None:
            complain(kernel, process, shell, f"trap: {word}: bad trap" if shell.dialect == "dash" else f"trap: {word}: invalid signal specification")
            status = 1
        else:
            _set_trap(process, shell, name, action)
    return status


def _in_order(traps: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(traps.items(), key=lambda item: SIGNALS.get(item[0], 0))


def signal_or_exit(text: str) -> str | None:
    return "EXIT" if text.upper() in ("EXIT", "0") else signal_name(text)


def _set_trap(process: Process, shell: Shell, name: str, action: str | None) -> None:
    if name in shell.ignored_at_start:
        return
    if action is None:
        shell.traps.pop(name, None)
    else:
        shell.traps[name] = action
    if name != "EXIT":
        process.ignored = process.ignored | {name} if action == "" else process.ignored - {name}


def wait(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``wait``: all jobs, or the given ones; 127 for a process that is no child."""
    if len(argv) == 1:
        pids = tuple(pid for job in shell.jobs for pid in job.pids)
        shell.stack.append(WaitFrame(pids, everything=True))
        return None
    pids = ()
    for word in argv[1:]:
        found = _job_pids(shell, word)
        if found is None:
            if not word.startswith("%") and not word.isdigit():
                return 2
            if len(argv) == 2:
                return 127 if not word.startswith("%") else 2
            continue
        pids = (*pids, *found)
    shell.stack.append(WaitFrame(pids, everything=False))
    return None


def _job_pids(shell: Shell, word: str) -> tuple[int, ...] | None:
    if word in ("%%", "%+", "%"):
        return shell.jobs[-1].pids if shell.jobs else None
    if word.startswith("%"):
        return next((job.pids for job in shell.jobs if str(job.number) == word[1:]), None)
    if word.isdigit():
        return next(((int(word),) for job in shell.jobs if int(word) in job.pids), None)
    return None


def kill(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    """``kill``: signals to processes of this container."""
    words = list(argv[1:])
    name = "TERM"
    if words and words[0] == "-l":
        return write(kernel, process, _signal_list(words[1:]))
    if words and words[0] in ("-s", "-n") and len(words) > 1:
        name, words = words[1], words[2:]
    elif words and words[0].startswith("-") and words[0] != "--" and len(words) > 1:
        name, words = words[0][1:], words[1:]
    if words and words[0] == "--":
        words = words[1:]
    signal = "0" if name == "0" else signal_name(name)
    if signal is None:
        complain(kernel, process, shell, f"kill: invalid signal number or name: {name}" if shell.dialect == "dash" else f"kill: bad signal name '{name}'")
        return 1
    status = 0
    for word in words:
        if word.startswith("%"):
            pids: tuple[int, ...] | None = _job_pids(shell, word)
        else:
            pids = programs.target_pids(kernel, process, word)
        if not send(kernel, process, pids, signal):
            reason = "No such process" if pids is not None else "Illegal number"
            complain(kernel, process, shell, f"kill: {reason}" if shell.dialect == "dash" else f"kill: can't kill pid {word}: {reason}")
            status = 1
    return status


def _signal_list(words: list[str]) -> str:
    if words and words[0].isdigit():
        return SIGNAL_NAMES.get(int(words[0]) & 127, words[0]) + "\n"
    return " ".join(SIGNALS) + "\n"


def send(kernel: Kernel, process: Process, pids: tuple[int, ...] | None, signal: str) -> bool:
    """Deliver a signal to processes; False when one of them does not exist. Ended children still count (zombies)."""
    found = bool(pids)
    for pid in pids or ():
        target = kernel.processes.get(pid)
        if target is None:
            found = found and any(pid in parent.ended_children for parent in kernel.processes.values())
        elif signal != "0":
            kernel.deliver(target, signal)
    return found


def jobs(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    lines = ""
    for job in shell.jobs:
        if "-p" in argv:
            lines += f"{job.pids[0]}\n"
        elif any(pid in kernel.processes for pid in job.pids):
            lines += f"[{job.number}] + Running\n"
    return write(kernel, process, lines)


# --- output, files, names


def echo(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return write(kernel, process, printing.echo(argv[1:], DIALECTS[shell.dialect]))


def printf(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    if len(argv) < 2:
        complain(kernel, process, shell, "printf: usage: printf format [arg ...]")
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
        complain(kernel, process, shell, f"printf: {fault}")
    return 1 if faults else status


def test_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    status, fault = test(kernel.files, process.directory, argv, patterns=argv[0] == "[[")
    if fault:
        complain(kernel, process, shell, f"{argv[0]}: {fault}")
    return status


def cd(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    words = [word for word in argv[1:] if word not in ("-L", "-P", "--")]
    wanted = words[0] if words else shell.variables.get("HOME", "/")
    if wanted == "-":
        wanted = shell.variables.get("OLDPWD", "")
    path = kernel.files.resolve(absolute(wanted, process.directory))
    if not kernel.files.is_directory(path):
        reason = f"can't cd to {wanted}" if shell.dialect != "bash" else f"{wanted}: No such file or directory"
        complain(kernel, process, shell, f"cd: {reason}{': No such file or directory' if shell.dialect == 'ash' else ''}")
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
    from kubesim.scripts.forks import start_program
    from kubesim.scripts.frames import ChildrenFrame
    from kubesim.scripts.process import AwaitChildren

    pid = start_program(kernel, process, shell, tuple(words), environment(shell))
    shell.stack.append(ChildrenFrame((pid,), 1))
    process.waiting = AwaitChildren((pid,), interruptible=False)
    return None


def type_builtin(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return _describe(kernel, process, shell, list(argv[1:]), long=True)


def _describe(kernel: Kernel, process: Process, shell: Shell, names: list[str], *, long: bool) -> int:
    status = 0
    for name in names:
        if name in shell.functions:
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


def times(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    return write(kernel, process, "0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n")


def let(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    from kubesim.scripts.arithmetic import ArithmeticFault, evaluate

    value = 0
    try:
        for word in argv[1:]:
            value = evaluate(word, lambda name: lookup(kernel, shell, name) or "", shell.variables.__setitem__)
    except ArithmeticFault as fault:
        complain(kernel, process, shell, str(fault))
        return 1
    return int(value == 0)


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
