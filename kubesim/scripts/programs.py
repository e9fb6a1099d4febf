"""Finding and loading programs: modelled tools, declared programs, shell scripts, and visible assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from kubesim.scripts import tools
from kubesim.scripts.declared import Behaviour, DeclaredProgram, Length, Reaction
from kubesim.scripts.filesystem import Directory, File, FileError, absolute
from kubesim.scripts.images import PATH, interpreter, program_behaviours
from kubesim.scripts.process import Process, Shell
from kubesim.units import SECOND, format_duration

if TYPE_CHECKING:
    from kubesim.scripts.kernel import Kernel

Failure = tuple[int, str]
_SHELL_NAMES = ("sh", "ash", "dash", "bash")


def find_file(kernel: Kernel, name: str, path: str) -> str | None:
    """Where a program's file is, as ``command -v`` prints it."""
    if "/" in name:
        return name if isinstance(_entry(kernel, name, "/"), File) or _is_image_program(kernel, name) else None
    found = _on_path(kernel, name, path)
    if found is not None:
        return found[0]
    if name in kernel.image.commands:
        return f"{kernel.image.bin_directory}/{name}"
    return None


def _entry(kernel: Kernel, path: str, directory: str) -> object:
    try:
        return kernel.files.get(absolute(path, directory))
    except FileError:
        return None


def _on_path(kernel: Kernel, name: str, path: str) -> tuple[str, File] | None:
    """A program file that a volume or the container itself put into a directory of ``PATH``."""
    for directory in kernel.files.own_directories(path):
        entry = _entry(kernel, f"{directory}/{name}", "/")
        if isinstance(entry, File):
            return f"{directory}/{name}", entry
    return None


def _is_image_program(kernel: Kernel, path: str) -> bool:
    directory, _, name = path.rpartition("/")
    return (
        directory in ("/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "") and name in kernel.image.commands
    )


def missing(kernel: Kernel, argv: tuple[str, ...], directory: str, path: str) -> str | None:
    """The OCI runtime's reason why a first process cannot be started; None when it can."""
    name = argv[0]
    entry = _entry(kernel, name, directory) if "/" in name else None
    if isinstance(entry, File):
        return None if entry.mode & 0o111 else f'exec: "{name}": permission denied'
    if isinstance(entry, Directory):
        return f'exec: "{name}": is a directory'
    if "/" in name:
        if not kernel.image.complete or _is_image_program(kernel, name):
            return None
        return f'exec: "{name}": stat {name}: no such file or directory'
    if not kernel.image.complete or find_file(kernel, name, path or PATH):
        return None
    return f'exec: "{name}": executable file not found in $PATH'


def load(kernel: Kernel, process: Process, argv: tuple[str, ...], variables: dict[str, str]) -> Failure | None:
    """Make the process this program; the status and reason when it cannot be run."""
    name = argv[0]
    entry: object = None
    if "/" in name:
        entry = _entry(kernel, name, process.directory)
    else:
        found = _on_path(kernel, name, variables.get("PATH", PATH))
        if found is not None:
            name, entry = found
    if isinstance(entry, File):
        return _load_file(kernel, process, argv, variables, name, entry)
    if isinstance(entry, Directory):
        return 126, "Permission denied"
    short = name.rsplit("/", 1)[-1]
    exists = _is_image_program(kernel, name) if "/" in name else name in kernel.image.commands
    if not exists and kernel.image.complete:
        return 127, "not found" if "/" not in name or kernel.image.shell != "bash" else "No such file or directory"
    process.argv, process.environment = argv, variables
    if short == "busybox" and len(argv) > 1:
        return load(kernel, process, argv[1:], variables)
    if short in _SHELL_NAMES:
        return _load_shell(kernel, process, argv, variables, short)
    process.shell = None
    process.program = tools.program(kernel, process, short, argv) or _declared(kernel, short, argv, variables)
    return None


def _load_file(
    kernel: Kernel, process: Process, argv: tuple[str, ...], variables: dict[str, str], path: str, file: File
) -> Failure | None:
    """A script file: run by the interpreter its first line names, else by the shell."""
    if not file.mode & 0o111:
        return 126, "Permission denied"
    first = file.content.split("\n", 1)[0]
    if first.startswith("#!"):
        words = first[2:].split(None, 1)
        if words and words[0].endswith("/env") and len(words) > 1:
            words = words[1].split(None, 1)
        return load(kernel, process, (*words, path, *argv[1:]), variables)
    return load(kernel, process, ("/bin/sh", path, *argv[1:]), variables)


def _load_shell(
    kernel: Kernel, process: Process, argv: tuple[str, ...], variables: dict[str, str], short: str
) -> Failure | None:
    from kubesim.scripts.starting import start_shell

    dialect = short if short in ("bash", "dash", "ash") else kernel.image.shell
    if dialect == "none":
        return 127, "not found"
    process.program = None
    shell = Shell(dialect=dialect, name=argv[0])
    process.shell = shell
    start_shell(kernel, process, shell, argv, variables)
    return None


def _declared(kernel: Kernel, name: str, argv: tuple[str, ...], variables: Mapping[str, str]) -> DeclaredProgram:
    """A program that is not modelled: its text worked out, a row of the images table, or the plain assumption."""
    behaviour = _interpreted(name, argv, variables) or _row(kernel, name, argv) or _assumed(kernel, name, argv)
    return DeclaredProgram(behaviour, kernel.now)


def _interpreted(name: str, argv: tuple[str, ...], variables: Mapping[str, str]) -> Behaviour | None:
    """A short program text that can be worked out; see :mod:`kubesim.scripts.small_python`."""
    if (interpreter(name) or {}).get("language") != "python" or len(argv) < 3 or argv[1] != "-c":
        return None
    from kubesim.scripts.small_python import python_behaviour

    return python_behaviour(argv[2], variables)


def _row(kernel: Kernel, name: str, argv: tuple[str, ...]) -> Behaviour | None:
    """What the images table says of a program, or of a program and its first argument."""
    rows = program_behaviours()
    key = f"{name} {argv[1]}" if len(argv) > 1 and f"{name} {argv[1]}" in rows else name
    behaviour = tools.stress(argv) if name == "stress" else rows.get(key)
    if behaviour is not None:
        kernel.assume(f"`{name}` assumed to {_in_words(behaviour)}")
    return behaviour


def _assumed(kernel: Kernel, name: str, argv: tuple[str, ...]) -> Behaviour:
    language = interpreter(name)
    if language is not None and _is_program_text(argv[1:], language["code"]):
        kernel.assume(f"`{' '.join(argv[:2])} ...` assumed to end at once with exit 0; declare a script for it")
        return Behaviour(lasts=Length("fixed", 0))
    if name in kernel.image.toolbox:
        kernel.assume(f"`{' '.join(argv)}` is not modelled; assumed to end at once with exit 0")
        return Behaviour(lasts=Length("fixed", 0))
    on_signal = {"TERM": Reaction(Length("fixed", 0), 0)}
    lasts = Length("fixed", SECOND) if kernel.has_to_end else None
    behaviour = Behaviour(lasts=lasts, on_signal=on_signal)
    why = ", as others wait for this init container" if kernel.has_to_end else ""
    kernel.assume(f"`{name}` assumed to {_in_words(behaviour)}{why}")
    return behaviour


def _is_program_text(words: tuple[str, ...], options: list[str]) -> bool:
    return any(word in options or word[:2] in options for word in words)


def _in_words(behaviour: Behaviour) -> str:
    """What a behaviour comes to, for the list of assumptions."""
    parts = []
    if behaviour.startup.first:
        parts.append(f"answer {format_duration(int(behaviour.startup.first))} after its start")
    if behaviour.lasts is not None:
        parts.append(f"run {format_duration(int(behaviour.lasts.first))}, then exit {behaviour.exit_code(0)}")
        return " and to ".join(parts)
    reaction = behaviour.on_signal.get("TERM")
    serves = _serves(behaviour)
    wait = f" {format_duration(int(reaction.after.first))} later" if reaction and reaction.after.first else ""
    parts.append(f"run until SIGTERM, {f'then exit {reaction.exit}{wait}' if reaction else 'which it does not handle'}")
    return " and to ".join(parts) + (f"; it {serves}" if serves else "")


def _serves(behaviour: Behaviour) -> str:
    """On which ports it is known to listen, and which paths it is known to have."""
    if not behaviour.listens:
        return ""
    ports = f"listens on {_listed(map(str, behaviour.listens))} only"
    if behaviour.paths is None:
        return ports
    return f"{ports}, and answers {_listed(behaviour.paths)} with 200, all else with 404"


def _listed(items: Iterable[str]) -> str:
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last
