"""``kubesim test``: scenario files against what they expect, reported as a test runner does."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kubesim.commands import options
from kubesim.commands.progress import Progress
from kubesim.errors import KubesimError

if TYPE_CHECKING:
    from kubesim.scenario.expect import Outcome
    from kubesim.timelines.style import Style

_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one file on one release: outcomes, or why it could not be run."""

    outcomes: tuple[Outcome, ...] = ()
    refused: tuple[str, ...] = ()
    error: str = ""

    @property
    def broken(self) -> list[Outcome]:
        """The expectations that did not hold."""
        return [outcome for outcome in self.outcomes if outcome.held is False]

    @property
    def held(self) -> list[Outcome]:
        """The expectations that held."""
        return [outcome for outcome in self.outcomes if outcome.held]


@click.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...")
@click.option(
    "--release",
    "releases",
    multiple=True,
    metavar="R",
    help="Run on this release; repeat for several.",
    **options.OF_RELEASES,
)
@click.option("--draws", type=click.IntRange(min=1), default=1, help="How many draws of the latencies to try.")
def command(paths: tuple[str, ...], releases: tuple[str, ...], draws: int) -> None:
    """Run scenario files against their "expect"; of a directory all that have one.

    Prints a line for each file, and for each expectation that did not hold what was seen instead.
    """
    import os

    from kubesim.timelines.style import style_for

    files = _files(paths)
    if not files:
        raise click.UsageError(f"no scenario files in {', '.join(paths)}; they end in {' or '.join(_SUFFIXES)}")
    style, begun = style_for(sys.stdout, os.environ), time.monotonic()
    variants = [(release, draw) for release in releases or (None,) for draw in range(draws)]
    runs = [(path, is_named, *variant) for path, is_named in files for variant in variants]
    reports: list[Report] = []
    with Progress(len(runs), "runs") as progress:
        for path, is_named, release, draw in runs:
            progress.step(path)
            report = _run(path, release, draw, is_named)
            if report is not None:
                progress.wipe()
                _print(report, _label(path, release if len(releases) > 1 else None, draw), style)
                reports.append(report)
    _summarise(reports, time.monotonic() - begun, style)


def _files(paths: tuple[str, ...]) -> list[tuple[str, bool]]:
    """The files asked for, and whether each was named itself."""
    found: list[tuple[str, bool]] = []
    for path in paths:
        if Path(path).is_dir():
            inside = sorted(file for file in Path(path).rglob("*") if file.suffix in _SUFFIXES)
            found += [(str(file), False) for file in inside]
        else:
            found.append((path, True))
    return found


def _run(path: str, release: str | None, draw: int, is_named: bool) -> Report | None:
    """The report of one run; None for a file of a directory that expects nothing."""
    from kubesim import api
    from kubesim.commands.inputs import read_scenario
    from kubesim.commands.refusals import said_by_kubectl
    from kubesim.scenario.expect import check
    from kubesim.timelines.facts import facts_of

    try:
        scenario = read_scenario([path])
        if not scenario.expect:
            return Report(error=f"{path}: expects nothing; give it spec.expect") if is_named else None
        history = api.run(scenario, release=release, draw=draw)
    except KubesimError as error:
        return Report(error=str(error))
    facts, ran_on = facts_of(history), history.header.control_plane.release
    refused = [said for action, lines in said_by_kubectl(scenario, history) if action.code >= 400 for said in lines]
    return Report(tuple(check(expectation, facts, ran_on) for expectation in scenario.expect), tuple(refused))


def _label(path: str, release: str | None, draw: int) -> str:
    return path + (f" on {release}" if release else "") + (f" draw {draw}" if draw else "")


def _print(report: Report, label: str, style: Style) -> None:
    if report.error:
        click.echo(f"{style.paint('bad', 'ERROR ')} {label}")
        click.echo(f"error: {report.error}", err=True)
        return
    word, tone = ("FAILED", "bad") if report.broken else ("ok    ", "good")
    skipped = len(report.outcomes) - len(report.held) - len(report.broken)
    rest = f", {skipped} about other releases" if skipped else ""
    click.echo(f"{style.paint(tone, word)} {label}  {len(report.held)} of {len(report.outcomes)} held{rest}")
    for outcome in report.broken:
        place = outcome.expectation.place
        said = f"expected otherwise; {outcome.explanation}"
        click.echo(f"       {place.error(said) if place else said}")
    for refused in report.refused if report.broken else ():
        click.echo(f"       {refused}")


def _summarise(reports: list[Report], seconds: float, style: Style) -> None:
    """The last line, and the exit status: 2 if a file could not be run, 1 if an expectation broke."""
    errors, broken = sum(bool(report.error) for report in reports), sum(len(report.broken) for report in reports)
    held = sum(len(report.held) for report in reports)
    parts = [f"{held} held", *([f"{broken} broken"] if broken else []), *([f"{errors} errors"] if errors else [])]
    tone = "bad" if broken or errors else "good"
    runs = f"{len(reports)} run{'' if len(reports) == 1 else 's'}"
    click.echo(style.paint(tone, f"{runs}: {', '.join(parts)}, in {seconds:.1f} s"))
    click.get_current_context().exit(2 if errors else 1 if broken else 0)
