"""Programs about the system: names, processes, the clock, and the network, whose answers are assumptions."""

from __future__ import annotations

import re
from typing import Final

from kubesim.scripts.calls import Call, Tool, options
from kubesim.scripts.conditions import evaluate_test
from kubesim.scripts.dates import date
from kubesim.scripts.printing import echo, printf
from kubesim.scripts.process import signal_name
from kubesim.scripts.shells import DIALECTS


def _true(call: Call) -> int:
    return 0


def _false(call: Call) -> int:
    return 1


def _echo(call: Call) -> int:
    dialect = DIALECTS["ash" if call.kernel.image.shell == "ash" else "bash"]
    call.out(echo(call.argv[1:], dialect))
    return 0


def _printf(call: Call) -> int:
    text, faults = printf(call.argv[1], call.argv[2:]) if len(call.argv) > 1 else ("", ["missing operand"])
    call.out(text)
    for fault in faults:
        call.err(fault)
    return int(bool(faults))


def _test(call: Call) -> int:
    status, fault = evaluate_test(
        call.kernel.files, call.process.directory, (call.argv[0].rsplit("/", 1)[-1], *call.argv[1:])
    )
    if fault:
        call.err(fault)
    return status


def hostname(call: Call) -> int:
    call.out(call.kernel.hostname + "\n")
    return 0


def _id(call: Call) -> int:
    found, _ = options(call.argv[1:])
    if "u" in found or "g" in found:
        call.out("root\n" if "n" in found else "0\n")
    else:
        call.out("uid=0(root) gid=0(root) groups=0(root)\n")
    return 0


def whoami(call: Call) -> int:
    call.out("root\n")
    return 0


def uname(call: Call) -> int:
    found, _ = options(call.argv[1:])
    values = {"s": "Linux", "n": call.kernel.hostname, "r": "6.1.0", "v": "#1 SMP", "m": "x86_64", "o": "GNU/Linux"}
    chosen = [value for letter, value in values.items() if letter in found or "a" in found] or ["Linux"]
    call.out(" ".join(chosen) + "\n")
    return 0


def nproc(call: Call) -> int:
    call.out("1\n")
    return 0


def pwd(call: Call) -> int:
    call.out(call.process.directory + "\n")
    return 0


def env(call: Call) -> int:
    call.out("".join(f"{name}={value}\n" for name, value in call.process.environment.items()))
    return 0


def printenv(call: Call) -> int:
    if len(call.argv) == 1:
        return env(call)
    status = 0
    for name in call.argv[1:]:
        if name in call.process.environment:
            call.out(call.process.environment[name] + "\n")
        else:
            status = 1
    return status


def which(call: Call) -> int:
    from kubesim.scripts.programs import find_file

    status = 0
    for name in call.argv[1:]:
        path = find_file(call.kernel, name, call.process.environment.get("PATH", ""))
        if path:
            call.out(path + "\n")
        else:
            status = 1
    return status


def ps(call: Call) -> int:
    call.out("PID   USER     TIME  COMMAND\n")
    for process in sorted(call.kernel.processes.values(), key=lambda item: item.pid):
        call.out(f"{process.pid:5d} root      0:00 {' '.join(process.argv)}\n")
    return 0


def _named(call: Call, name: str, *, full: bool = False) -> list[int]:
    found = []
    for process in call.kernel.processes.values():
        if process is call.process:
            continue
        line = " ".join(process.argv) if full else process.argv[0].rsplit("/", 1)[-1]
        if (full and name in line) or line == name:
            found.append(process.pid)
    return sorted(found)


def pidof(call: Call) -> int:
    _, operands = options(call.argv[1:])
    pids = [pid for name in operands for pid in _named(call, name)]
    if pids:
        call.out(" ".join(map(str, reversed(pids))) + "\n")
    return int(not pids)


def pgrep(call: Call) -> int:
    found, operands = options(call.argv[1:])
    pids = _named(call, operands[0], full="f" in found) if operands else []
    call.out("".join(f"{pid}\n" for pid in pids))
    return int(not pids)


def killall(call: Call) -> int:
    """``killall``, ``pkill``: signals by name of the program."""

    words = [word for word in call.argv[1:] if word not in ("-q", "-f", "-x", "-e")]
    signal = "TERM"
    if words and words[0] == "-s":
        signal, words = words[1], words[2:]
    elif words and words[0].startswith("-"):
        signal, words = words[0][1:], words[1:]
    name = "0" if signal == "0" else signal_name(signal)
    pids = [pid for word in words for pid in _named(call, word, full="-f" in call.argv)]
    if not pids or name is None:
        if call.argv[0].endswith("killall") and "-q" not in call.argv:
            call.err(f"{words[-1] if words else ''}: no process killed")
        return 1
    call.kernel.send(tuple(pids), name)
    return 0


def kill(call: Call) -> int:

    words = list(call.argv[1:])
    signal = "TERM"
    if words and words[0] == "-s":
        signal, words = words[1], words[2:]
    elif words and words[0].startswith("-") and len(words) > 1:
        signal, words = words[0][1:], words[1:]
    name = "0" if signal == "0" else signal_name(signal)
    status = int(name is None)
    for word in words:
        if name is not None and not call.kernel.send(call.kernel.pids_meant(call.process, word), name):
            call.err(f"can't kill pid {word}: No such process")
            status = 1
    return status


def sync(call: Call) -> int:
    return 0


def nginx_signal(call: Call) -> int:
    """``nginx -s quit``: sends QUIT or TERM to the nginx master, process 1."""

    signals = {"quit": "QUIT", "stop": "TERM", "reload": "HUP"}
    call.kernel.send((1,), signals.get(call.argv[2], "TERM"))
    return 0


_LOCAL: Final = ("localhost", "127.0.0.1")


def network(call: Call) -> int:
    """wget, curl, nslookup, ping, nc: as the cluster's names say, else assumed to succeed; nothing is shown.

    A port of the Pod itself answers if a program that is not interpreted listens there.
    """
    name = call.argv[0].rsplit("/", 1)[-1]
    found, operands = options(call.argv[1:], "OoqTtwXHdu" if name in ("wget", "curl") else "wcW")
    host = re.sub(r"^\w+://|[:/].*$", "", operands[-1] if name in ("wget", "curl") else operands[0]) if operands else ""
    if host in _LOCAL and (port := _port(name, operands)) is not None and call.kernel.listening is not None:
        call.kernel.unsteady += 1
        if not call.kernel.listening(port):
            call.err(f"can't connect to remote host ({host}): Connection refused")
            return 7 if name == "curl" else 1
        return 0
    answers = call.kernel.network(host) if call.kernel.network is not None and host else None
    if answers is None:
        call.kernel.assume(f"`{' '.join(call.argv)}` assumed to succeed at once; declare a script for another outcome")
    else:
        call.kernel.unsteady += 1
        if not answers:
            call.err(f"can't resolve '{host}'" if name == "nslookup" else f"bad address '{host}'")
            return 6 if name == "curl" else 1
    target = found.get("O") or found.get("o")
    if name == "wget" and target is None and "q" not in found and operands:
        target = operands[-1].rsplit("/", 1)[-1] or "index.html"
    if target and target not in ("-", "/dev/null"):
        _, volume = call.kernel.files.open_for_writing(call.path(target), call.kernel.now, truncate=True)
        call.kernel.changed(volume)
    return 0


def _port(name: str, operands: list[str]) -> int | None:
    """The port that a call asks for; None where none is named and none is usual."""
    if name == "nc":
        return int(operands[1]) if len(operands) > 1 and operands[1].isdecimal() else None
    if name not in ("wget", "curl"):
        return None
    address = re.sub(r"^(\w+)://", "", operands[-1])
    found = re.match(r"[^:/]+:(\d+)", address)
    return int(found[1]) if found else 443 if operands[-1].startswith("https:") else 80


TOOLS: Final[dict[str, Tool]] = {
    "true": _true, "false": _false, ":": _true, "echo": _echo, "printf": _printf, "test": _test, "[": _test,
    "hostname": hostname, "id": _id, "whoami": whoami, "uname": uname, "nproc": nproc, "pwd": pwd, "printenv": printenv,
    "which": which, "ps": ps, "pidof": pidof, "pgrep": pgrep, "pkill": killall, "killall": killall, "kill": kill,
    "sync": sync, "date": date, "wget": network, "curl": network, "nslookup": network, "ping": network, "nc": network,
    "telnet": network, "getent": network,
}  # fmt: skip
