"""``kubesim run``: one scenario, on one release or on several in turn."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kubesim.commands import options
from kubesim.commands.options import DeleteAt, Setting
from kubesim.commands.progress import Waiting
from kubesim.errors import OneProcess

if TYPE_CHECKING:
    from kubesim.history.history import History
    from kubesim.scenario.load import Scenario

FORMATS: Final = (
    *("text", "table", "wide", "events", "describe", "nodes", "logs"),
    *("yaml", "json", "jsonl", "trace"),
)
MACHINE_FORMATS: Final = ("yaml", "json", "jsonl", "trace")
"""Formats of which one output holds one run."""

LEVELS: Final = ("full", "summary", "none")
LEVEL_FORMATS: Final = ("text", "jsonl")
"""Formats of histories that hold less than everything."""
_WITH_NOTES: Final = ("text", "jsonl")
"""Formats that say themselves what was not modelled."""


@click.command("run")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Format.")
@options.RELEASES
@options.GATES
@options.BUGS
@click.option(
    "--delete-at",
    type=options.delete_at,
    metavar="WHEN[:GRACE]",
    help="Delete the Pods, and what makes them, then, with that grace in seconds.",
)
@options.UNTIL
@options.SEED
@options.TIMING
@options.DRAW
@click.option(
    "--validate",
    type=click.Choice(("strict", "warn", "ignore")),
    help="What kubectl asks of the API server for fields it does not know; without it, strict.",
)
@click.option("--config", metavar="FILE:NAME", help="Releases and gates as in a recording's configs.json.")
@click.option("--actions", metavar="FILE", help="Timed actions, as in a recording's ID.actions.json.")
@click.option("--all", "every", is_flag=True, help="Tell also what only repeats, and all lines of output.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, help="Processes, where nodes do not depend on each other."
)
@click.option("--history", "level", type=click.Choice(LEVELS), default="full", help="How much is kept of a large run.")
@click.option("--output-file", type=click.Path(dir_okay=False, writable=True), help="Write there, not to stdout.")
def command(
    files: tuple[str, ...],
    form: str,
    releases: tuple[str, ...],
    gates: tuple[Setting, ...],
    bugs: tuple[Setting, ...],
    delete_at: DeleteAt | None,
    until: int | None,
    seed: int | None,
    timing: str | None,
    draw: int,
    validate: str | None,
    config: str | None,
    actions: str | None,
    every: bool,
    jobs: int,
    level: str,
    output_file: str | None,
) -> None:
    """Run manifests on a virtual clock and print what happens and why.

    FILE holds Kubernetes manifests and at most one Scenario; "-" is standard input.
    """
    from kubesim import api
    from kubesim.commands.inputs import read_scenario

    if config and releases:
        raise click.UsageError("--config says the releases; leave out --release")
    _check_form(form, level, every=every, several=len(releases) > 1)
    scenario = read_scenario(
        files, config=config, actions=actions, gates=gates, bugs=bugs, delete_at=delete_at, validate=validate
    )
    histories, notes = [], list[str]()
    for release in releases or (None,):
        with Waiting(f"running {scenario.name}" + (f" on {release}" if release else "")):
            again = partial(api.run, release=release, seed=seed, timing=timing, until=until, draw=draw, level=level)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", OneProcess)
                histories.append(again(scenario, jobs=jobs))
            notes += [f"note: {warning.message}" for warning in caught]
            if level == "full":
                notes += _bug_notes(scenario if release is None else scenario.on(release), histories[-1], again)
    _write(histories, form, config.rpartition(":")[2] if config else None, output_file, every)
    if form not in _WITH_NOTES:
        notes += dict.fromkeys(_left_out(histories))
    for note in notes:
        click.echo(note, err=True)
    refused = [told for history in histories for told in _tell_refusals(scenario, history)]
    if refused:
        click.get_current_context().exit(1)
    _tell_of_nothing(histories, form)


def _check_form(form: str, level: str, *, every: bool, several: bool) -> None:
    """Raises UsageError where a format cannot hold what is asked for."""
    if every and form != "text":
        raise click.UsageError(f"--all belongs to -o text; -o {form} leaves nothing out")
    if several and form in MACHINE_FORMATS:
        raise click.UsageError(f"-o {form} holds one run; give one --release")
    if level != "full" and form not in LEVEL_FORMATS:
        raise click.UsageError(f"-o {form} needs --history full; of less there is {' and '.join(LEVEL_FORMATS)}")


def _left_out(histories: list[History]) -> Iterator[str]:
    """What the runs did not act upon, for the forms that have no place to say it."""
    for history in histories:
        for one in history.not_modelled:
            yield f"note: not modelled: {one.subject} {one.field}".rstrip() + f": {one.text}"


def _bug_notes(scenario: Scenario, history: History, again: Callable[[Scenario], History]) -> list[str]:
    """A line for each known bug of its releases that the run has met."""
    from kubesim.exploration.bugs_met import bugs_met

    return [
        f"note: this run meets a known bug of {bug.release}, {bug.name}: {bug.summary} "
        + (f"Fixed in {bug.fixed_in}; " if bug.fixed_in else f"Not fixed in any patch of {bug.release}; ")
        + f"to see it without, add --bug {bug.name}=off."
        for bug in bugs_met(scenario, history, again)
    ]


def _write(histories: list[History], form: str, config: str | None, output_file: str | None, every: bool) -> None:
    import os

    from kubesim.commands.outputs import formatted
    from kubesim.timelines.style import PLAIN, style_for

    style = PLAIN if output_file else style_for(sys.stdout, os.environ)
    several = len(histories) > 1
    parts = []
    for history in histories:
        part = formatted(history, form, style, config=config, every=every)
        heading = f"# release {history.header.control_plane.release}\n" if several and form != "text" else ""
        parts.append(heading + part)
    whole = "\n".join(parts) if form != "text" else f"\n{'─' * style.width}\n\n".join(parts)
    if output_file:
        Path(output_file).write_text(whole, encoding="utf-8")
    else:
        click.echo(whole, nl=False)


def _tell_of_nothing(histories: list[History], form: str) -> None:
    from kubesim.commands.outputs import nothing_shown

    for said in (nothing_shown(history, form) for history in histories):
        if said:
            click.echo(said, err=True)


def _tell_refusals(scenario: Scenario, history: History) -> list[str]:
    """Print what kubectl would have printed on stderr: warnings, and the objects that were refused."""
    from kubesim.commands.refusals import said_by_kubectl

    refused = []
    for action, lines in said_by_kubectl(scenario, history):
        for line in lines:
            click.echo(line, err=True)
        if action.code >= 400 and action.do.startswith("create "):
            refused.append(action.message)
    return refused
