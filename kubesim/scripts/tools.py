"""The programs found in every image, as far as scripts of containers use them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from kubesim.scripts import tools_files, tools_system, tools_text, tools_waiting, tools_wrapping
from kubesim.scripts.calls import Once, Tool
from kubesim.scripts.declared import Behaviour, Length
from kubesim.scripts.process import Process, Program

if TYPE_CHECKING:
    from kubesim.scripts.kernel import Kernel

_TOOLS: Final[dict[str, Tool]] = {**tools_files.TOOLS, **tools_text.TOOLS, **tools_system.TOOLS}


def program(kernel: Kernel, process: Process, name: str, argv: tuple[str, ...]) -> Program | None:
    """The program of this name, or None when it is not modelled."""
    waiting = tools_waiting.waiting_program(kernel, process, name, argv)
    waiting = waiting or tools_wrapping.wrapping_program(kernel, name, argv)
    if waiting is not None:
        return waiting
    tool = _TOOLS.get(name)
    return Once(tool) if tool is not None else None


def stress(argv: tuple[str, ...]) -> Behaviour:
    """``stress --vm-bytes N --timeout T``: takes that much memory at once."""
    options = dict(pairwise(argv))
    text = options.get("--vm-bytes", "0")
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    scale = units.get(text[-1:].upper(), 1)
    amount = int(text.rstrip("kKmMgGbB") or 0) * scale * int(options.get("--vm", "1"))
    timeout = tools_waiting.sleep_duration((options["--timeout"],)) if "--timeout" in options else None
    return Behaviour(lasts=None if timeout is None else Length("fixed", timeout), memory=amount)
