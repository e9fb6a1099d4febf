"""``kubesim check``: the documented guarantees, judged on one run of a scenario or on a recorded history."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubesim.commands import options
from kubesim.commands.options import DeleteAt, Setting
from kubesim.commands.progress import Waiting
from kubesim.units import SECOND

if TYPE_CHECKING:
    from kubesim.commands.check_search import Options
    from kubesim.guarantees.verdicts import Finding, Judgement
    from kubesim.history.history import History
    from kubesim.timelines.style import Style


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.RELEASES
@options.GATES
@click.option("--guarantee", "ids", multiple=True, metavar="ID", help="Judge only this one; repeat for several.")
@options.DELETE_AT
@options.SEED
@options.DRAW
@click.option("-o", "--output", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
@click.option("--all", "show_all", is_flag=True, help="Name what was not exercised, too.")
@click.option("--search", "is_search", is_flag=True, help="Look for programs and moments that break something.")
@click.option("--exhaustive", "is_exhaustive", is_flag=True, help="Try every order of ties and every outcome.")
@click.option("--depth", type=click.IntRange(min=0), default=2, show_default=True, help="Ties to decide in a run.")
@click.option("--graph", type=click.Path(dir_okay=False), help="With --exhaustive: draw the states (.png, .svg, .dot).")
@click.option("--releases", "release_list", metavar="R,R", help="The same as several --release.", **options.OF_RELEASES)
@click.option(
    "--hope", "hopes", multiple=True, metavar="NAME", help="With --search: only this hope; repeat for several."
)
@click.option("--budget", type=options.duration, default="30s", show_default=True, help="How long to search.")
@click.option("--runs", type=click.IntRange(min=1), help="How many runs to search at most.")
@click.option("--out", type=click.Path(), help="Where to write what replays a find; default: here.")
def command(
    files: tuple[str, ...],
    releases: tuple[str, ...],
    gates: tuple[Setting, ...],
    ids: tuple[str, ...],
    delete_at: DeleteAt | None,
    seed: int | None,
    draw: int,
    form: str,
    show_all: bool,
    is_search: bool,
    is_exhaustive: bool,
    depth: int,
    graph: str | None,
    release_list: str | None,
    hopes: tuple[str, ...],
    budget: int,
    runs: int | None,
    out: str | None,
) -> None:
    """Run a scenario and say which documented guarantees held, which were broken, and what proves it.

    FILE holds manifests and at most one Scenario; a history (.jsonl) is judged as it is. The exit status is 1 if any
    guarantee was broken.

    With --search, look for what the manifest leaves open: exit codes, durations, hangs, ignored signals, deletions,
    crashes, trouble with nodes and images, latencies, ties. Reported is what breaks a guarantee, an expectation of the
    scenario, or a hope: starts, completes, keeps-its-grace, finishes-prestop, retries-are-its-own.

    With --exhaustive, go through every order of what happens at one instant, and every outcome, up to a depth. All
    latencies are zero then: what depends on how long a step takes is for --search to find.
    """
    from kubesim.guarantees import catalogue

    for id_ in ids:
        catalogue.find(id_)
    releases = (*releases, *(part.strip() for part in (release_list or "").split(",") if part.strip()))
    if is_search:
        from kubesim.commands.check_search import Options

        wanted = Options(files, releases, gates, seed or 0, budget / SECOND, runs, out, form)
        click.get_current_context().exit(_search(wanted, ids, hopes, delete_at))
    if is_exhaustive:
        from kubesim.commands.check_exhaustive import exhaust
        from kubesim.commands.inputs import read_scenario

        if len(releases) > 1:
            raise click.UsageError("--exhaustive explores one release; give one --release")
        scenario = read_scenario(files, gates=gates, delete_at=delete_at)
        scenario = scenario.on(releases[0]) if releases else scenario
        click.get_current_context().exit(exhaust(scenario, depth=depth, budget=budget / SECOND, graph=graph))
    for option, given in (("--hope", hopes), ("--runs", runs), ("--out", out), ("--graph", graph)):
        if given:
            raise click.UsageError(f"{option} belongs to {'--exhaustive' if option == '--graph' else '--search'}")
    reports = []
    for history in _histories(files, releases, gates, delete_at, seed, draw):
        from kubesim.guarantees.judging import check

        reports.append((history, check(history, ids or None)))
    if form == "json":
        click.echo(json.dumps([_as_json(history, judged) for history, judged in reports], indent=2))
    else:
        _print(reports, show_all or bool(ids))
    broken = any(one.verdict.value == "broken" for _, judged in reports for one in judged)
    click.get_current_context().exit(1 if broken else 0)


def _search(wanted: Options, ids: tuple[str, ...], hopes: tuple[str, ...], delete_at: DeleteAt | None) -> int:
    """Search as asked; guarantees, hopes or both may be named, and without a name it is for everything."""
    from kubesim.commands.check_search import search
    from kubesim.commands.inputs import read_scenario
    from kubesim.exploration.search import Aim
    from kubesim.guarantees.hopes import find_hope

    for name in hopes:
        find_hope(name)
    is_named = bool(ids or hopes)
    aim = Aim(ids if is_named else None, hopes, expectations=False) if is_named else Aim()
    return search(read_scenario(wanted.files, gates=wanted.gates, delete_at=delete_at), aim, wanted)


def _histories(
    files: tuple[str, ...],
    releases: tuple[str, ...],
    gates: tuple[Setting, ...],
    delete_at: DeleteAt | None,
    seed: int | None,
    draw: int,
) -> list[History]:
    """The histories to judge: those of files, or of one run on each release."""
    from kubesim.history.history import History

    if all(Path(file).suffix == ".jsonl" for file in files):
        return [History.read(file) for file in files]
    from kubesim import api
    from kubesim.commands.inputs import read_scenario

    scenario = read_scenario(files, gates=gates, delete_at=delete_at)
    with Waiting(f"running {scenario.name}"):
        return [api.run(scenario, release=release, seed=seed, draw=draw) for release in releases or (None,)]


def _print(reports: list[tuple[History, tuple[Judgement, ...]]], show_all: bool) -> None:
    import os

    from kubesim.timelines.style import style_for

    style = style_for(sys.stdout, os.environ)
    for number, (history, judged) in enumerate(reports):
        if len(reports) > 1:
            click.echo(("\n" if number else "") + f"# release {history.header.control_plane.release}")
        click.echo("\n".join(lines(history, judged, style, show_all=show_all)))


def lines(history: History, judged: tuple[Judgement, ...], style: Style, *, show_all: bool) -> list[str]:
    """The report on one history: broken first, with the proof, then held, then how many were not exercised."""
    from kubesim.guarantees import catalogue

    known = catalogue.guarantees()
    found: list[str] = []
    for one in (one for one in judged if one.verdict.value == "broken"):
        word = "NOT KEPT" if one.known else "BROKEN"
        found.append(f"{style.paint('bad', word):<9} {one.id}  {known[one.id].claim}")
        if one.known:
            found.append(f"          known of this kubelet: {one.known}")
        for judged_one in one.proof[:3]:
            found.append(f"          {judged_one.subject}: {told(history, judged_one.finding)}")
        found.append(f"          {known[one.id].link}")
    held = [one for one in judged if one.verdict.value == "held"]
    idle = [one for one in judged if one.verdict.value == "not exercised"]
    found += [f"{style.paint('good', 'held'):<9} {one.id} ({len(one.findings)})" for one in held]
    found += [f"{style.paint('dim', 'idle'):<9} {one.id}" for one in idle if show_all]
    broken = len(judged) - len(held) - len(idle)
    found.append(f"{broken} broken, {len(held)} held, {len(idle)} not exercised")
    return found


def told(history: History, finding: Finding) -> str:
    """A finding in words: its moments with their instants and records."""
    from kubesim.units import MILLISECOND, format_duration

    parts = []
    for moment in finding.moments:
        after = (moment.at - history.started) // MILLISECOND * MILLISECOND
        record = f" [{moment.record}]" if moment.record is not None else ""
        parts.append(f"{moment.what} at {format_duration(after)}{record}")
    return "; ".join(parts) + (f" ({finding.said})" if finding.said else "")


def _as_json(history: History, judged: tuple[Judgement, ...]) -> dict[str, Any]:
    """The verdicts of one history for machines: instants in seconds since t=0, records by their place in it."""

    def finding(one: Finding) -> dict[str, Any]:
        moments = [
            {"t": (moment.at - history.started) / 1e9, "what": moment.what, "record": moment.record}
            for moment in one.moments
        ]
        return {"held": one.held, "moments": moments, "said": one.said, "known": one.known}

    return {
        "scenario": history.header.scenario,
        "release": history.header.control_plane.release,
        "guarantees": [
            {
                "id": one.id,
                "verdict": one.verdict.value,
                "known": one.known,
                "findings": len(one.findings),
                "proof": [{"subject": proof.subject, **finding(proof.finding)} for proof in one.proof[:5]],
            }
            for one in judged
        ],
    }
