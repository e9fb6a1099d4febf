"""What the shells do differently, measured with dash 0.5.12 (Debian 12), busybox ash 1.35 and bash 5.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dialect:
    """``replaces_itself``: a ``-c`` text whose last command ends the text runs it without a fork: never in dash
    (Debian), always in ash, and only a simple command or the last of a list in bash."""

    name: str
    replaces_itself: bool
    only_simple: bool
    extensions: bool
    not_found: str
    cannot_create: str
    cannot_open: str
    no_directory: str
    echo_escapes: bool
    echo_e: bool
    fault_status: int = 2


DIALECTS: Final = {
    "ash": Dialect(
        "ash",
        replaces_itself=True,
        only_simple=False,
        extensions=True,
        not_found="{name}: not found",
        cannot_create="can't create {path}: {reason}",
        cannot_open="can't open {path}: {reason}",
        no_directory="nonexistent directory",
        echo_escapes=False,
        echo_e=True,
    ),
    "dash": Dialect(
        "dash",
        replaces_itself=False,
        only_simple=False,
        extensions=False,
        not_found="{name}: not found",
        cannot_create="cannot create {path}: {reason}",
        cannot_open="cannot open {path}: {reason}",
        no_directory="Directory nonexistent",
        echo_escapes=True,
        echo_e=False,
    ),
    "bash": Dialect(
        "bash",
        replaces_itself=True,
        only_simple=True,
        extensions=True,
        not_found="{name}: command not found",
        cannot_create="{path}: {reason}",
        cannot_open="{path}: {reason}",
        no_directory="No such file or directory",
        echo_escapes=False,
        echo_e=True,
        fault_status=1,
    ),
}
