"""Builtins for signals and jobs: trap, wait, kill, jobs."""

from __future__ import annotations

from kubesim.scripts.frames import WaitFrame
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.process import SIGNAL_NAMES, SIGNALS, Process, Shell, signal_name
from kubesim.scripts.reporting import single, write
from kubesim.scripts.variables import complain


def trap(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int | None:
    """``trap``: signals that were ignored when the shell started stay ignored (XCU trap)."""
    words = [word for word in argv[1:] if word not in ("--", "-p")]
    if not words:
        return write(
            kernel, process, "".join(f"trap -- {single(action)} {name}\n" for name, action in _in_order(shell.traps))
        )
    if len(words) == 1 or (words[0].isdigit() and signal_or_exit(words[0])):
        action: str | None = None
    else:
        action = None if words[0] == "-" else words[0]
        words = words[1:]
    status = 0
    for word in words:
        name = signal_or_exit(word)
        if name is None:
            _bad_trap(kernel, process, shell, word)
            status = 1
        else:
            _set_trap(process, shell, name, action)
    return status


def _bad_trap(kernel: Kernel, process: Process, shell: Shell, word: str) -> None:
    if shell.dialect == "dash":
        kernel.write(process, 2, f"trap: {word}: bad trap\n")
    else:
        complain(kernel, process, shell, f"{word}: invalid signal specification", "trap")


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
        if shell.dialect == "dash":
            complain(kernel, process, shell, f"invalid signal number or name: {name}", "kill")
        else:
            complain(kernel, process, shell, f"bad signal name '{name}'")
        return 1
    status = 0
    for word in words:
        if word.startswith("%"):
            # dash signals the job's process group, which without job control does not exist.
            pids: tuple[int, ...] | None = _job_pids(shell, word) if shell.dialect != "dash" else ()
        else:
            pids = kernel.pids_meant(process, word)
        if not kernel.send(pids, signal):
            reason = "No such process" if pids is not None else "Illegal number"
            if shell.dialect == "dash":
                complain(kernel, process, shell, reason, "kill")
            else:
                complain(kernel, process, shell, f"can't kill pid {word}: {reason}")
            status = 1
    return status


def _signal_list(words: list[str]) -> str:
    if words and words[0].isdigit():
        return SIGNAL_NAMES.get(int(words[0]) & 127, words[0]) + "\n"
    return " ".join(SIGNALS) + "\n"


def jobs(kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...]) -> int:
    lines = ""
    for job in shell.jobs:
        if "-p" in argv:
            lines += f"{job.pids[0]}\n"
        elif any(pid in kernel.processes for pid in job.pids):
            lines += f"[{job.number}] + Running\n"
    return write(kernel, process, lines)
