"""Starting a shell: its command line, its variables, its program text."""

from __future__ import annotations

from kubesim.scripts.builtins_variables import set_option
from kubesim.scripts.filesystem import FileError, absolute
from kubesim.scripts.frames import LAST, ScriptFrame
from kubesim.scripts.images import PATH
from kubesim.scripts.kernel import Kernel
from kubesim.scripts.parser import parse
from kubesim.scripts.process import Process, Shell
from kubesim.scripts.shells import DIALECTS


def start_shell(
    kernel: Kernel, process: Process, shell: Shell, argv: tuple[str, ...], variables: dict[str, str]
) -> None:
    """Read the command line ``sh [-options] [-c text | file] [name [arguments]]`` and push the program."""
    words = list(argv[1:])
    wants_text = False
    while words and len(words[0]) > 1 and words[0][0] in "-+":
        word = words.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            continue
        wants_text = wants_text or (word[0] == "-" and "c" in word)
        set_option(shell, word[0] + word[1:].replace("c", "").replace("l", "").replace("s", ""), words)
    _initialise(process, shell, variables)
    if wants_text and words:
        text = words.pop(0)
        if words:
            shell.name, *shell.positional = words
    elif words:
        shell.name, *shell.positional = words
        shell.script = True
        try:
            text = kernel.files.read(absolute(shell.name, process.directory)).text
        except FileError as fault:
            reason = f"{argv[0]}: {DIALECTS[shell.dialect].cannot_open.format(path=shell.name, reason=fault)}\n"
            kernel.write(process, 2, reason)
            shell.status = 127 if shell.dialect == "bash" else 2
            return
    else:
        text, _ = kernel.available(process, 0)
        kernel.consume(process, 0, len(text))
    replaces = wants_text and DIALECTS[shell.dialect].replaces_itself
    shell.stack.append(ScriptFrame(parse(text, bash=shell.dialect == "bash"), "main", LAST if replaces else 0))


def _initialise(process: Process, shell: Shell, variables: dict[str, str]) -> None:
    names = {
        name: value for name, value in variables.items() if name.replace("_", "a").isalnum() and not name[0].isdigit()
    }
    shell.variables = {"IFS": " \t\n", "PS4": "+ ", "OPTIND": "1", "PATH": PATH, **names, "PWD": process.directory}
    shell.variables["IFS"] = " \t\n"
    shell.exported = set(names) | {"PWD"}
    shell.ignored_at_start = process.ignored
    shell.traps = {}
    shell.top_pid = process.pid
    shell.top_parent = process.parent
