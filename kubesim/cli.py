"""The command line: arguments in, tables out. Each command is a module in ``commands``, imported when it is named.

Exit status: 0 all is well, 1 the answer is no (a failed expectation, a refused object, a difference), 2 the command or
the input is wrong. Tables go to stdout, diagnostics to stderr.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, Final

import click

from kubesim.errors import KubesimError
from kubesim.version import VERSION

BROKEN_PIPE: Final = 141
"""128 + SIGPIPE: what a program says that the reader of its output has left."""

_COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "Run manifests on a virtual clock; print what happens and why."),
    "get": ("get", "What kubectl get would print at an instant of a run; raw paths of the API too."),
    "plot": ("plot", "Draw what happens over time, and why: PNG, SVG, PDF, HTML, Perfetto, Mermaid, DOT."),
    "test": ("expectations", "Run scenario files against what they expect."),
    "explain": ("explain", "Why is it so: where everything is, what it waits for, what would change it."),
    "compare": ("compare", "What differs between releases, gates, seeds or manifests."),
    "sweep": ("sweep", "Run under many values, releases and seeds; measure, summarise."),
    "matrix": ("matrix", "What becomes of a sidecar on every API server and every node."),
    "record": ("record", "Record what a real cluster does with manifests, for conform."),
    "conform": ("conform", "Reproduce recordings of real clusters, and report differences."),
    "features": ("features", "The feature gates of a release."),
    "check": ("check", "Judge a run by the documented guarantees."),
    "guarantees": ("guarantees", "What the documentation promises about the life of a Pod."),
    "schema": ("schema", "The JSON Schema of scenario files, for editors."),
}
"""Command to module and to its line in ``--help``, so that help need not import any of them."""

_EPILOG: Final = """\
\b
Exit status: 0 all is well, 1 the answer is no, 2 wrong usage or input.
Completion:  eval "$(_KUBESIM_COMPLETE=bash_source kubesim)"   (or zsh_source, fish_source)"""


class Commands(click.Group):
    """The group of all commands; turns our own errors into one line and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"kubesim.commands.{_COMMANDS[cmd_name][0]}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KubesimError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(2)
        except BrokenPipeError:
            _forget_stdout()
            ctx.exit(BROKEN_PIPE)


def _forget_stdout() -> None:
    """Nobody reads any more: what is still buffered must not raise when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    click.echo(f"kubesim {VERSION}")
    ctx.exit()


@click.group(
    name="kubesim",
    cls=Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit."
)
def main() -> None:
    """What will the kubelet do with this Pod, on this release, and why?"""
