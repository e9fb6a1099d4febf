"""``kubesim sweep``: one scenario under many values, releases and seeds; a table of rows and what they say together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kubesim.commands import options
from kubesim.commands.progress import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kubesim.exploration.engines import Engine
    from kubesim.exploration.sweep import Sweep, SweepHeader
    from kubesim.exploration.sweep_journal import Journal
    from kubesim.scenario.load import Scenario
    from kubesim.scenario.sweep import SweepSpec

    Report = Callable[[Iterable[dict[str, Any]]], int]

INTERRUPTED: Final = 130
"""128 + SIGINT."""
_DESIGNS: Final = ("grid", "random", "latin-hypercube")


@click.command("sweep")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUES", help="A parameter and its values; repeat it.")
@click.option("--releases", metavar="R,R…|all", help="Releases to run on; all of them: all.", **options.OF_RELEASES)
@click.option("--seeds", type=click.IntRange(min=1), help="How many replications of each point: seeds 1 to N.")
@click.option("--design", type=click.Choice(_DESIGNS), help="How values are combined; without it, a grid.")
@click.option("--samples", type=click.IntRange(min=1), help="How many points a random or Latin-hypercube design has.")
@click.option("--design-seed", type=int, default=0, help="Seed that chooses the points of such a design.")
@click.option("--independent", is_flag=True, help="Other seeds for each point, not common random numbers.")
@click.option(
    "--measure", "measures", multiple=True, metavar="NAME|MODULE:FUNCTION", help="What to measure; repeat it."
)
@click.option("--list-measures", is_flag=True, help="Print the measures by name, and exit.")
@click.option("--until", type=options.duration, metavar="DURATION", help="How long each run lasts, such as 2m.")
@click.option("--results", type=click.Path(dir_okay=False), metavar="FILE", help="Keep the rows; go on where they end.")
@click.option("--restart", is_flag=True, help="Begin anew, whatever the results hold.")
@click.option("--export", "exported", type=click.Path(dir_okay=False), help="Write rows as .parquet or .duckdb, too.")
@click.option("--plot", "picture", type=click.Path(dir_okay=False), help="Draw the measures: .png, .svg, .pdf.")
@click.option("--engine", "engine_name", type=click.Choice(("processes", "one", "dask")), default="processes")
@click.option("--jobs", type=click.IntRange(min=1), help="How many processes; without it, one for each core.")
@click.option("--scheduler", metavar="tcp://…", help="The Dask scheduler; without it, a cluster of this machine.")
@click.option("-o", "--output", "form", type=click.Choice(("table", "json", "jsonl")), default="table", help="Format.")
@click.option("--differences", is_flag=True, help="Compare each variant with the first, seed by seed.")
@click.option("--replay", type=click.IntRange(min=0), metavar="ROW", help="Print the history of one row, and exit.")
def command(
    files: tuple[str, ...],
    settings: tuple[str, ...],
    list_measures: bool,
    results: str | None,
    restart: bool,
    exported: str | None,
    picture: str | None,
    engine_name: str,
    jobs: int | None,
    scheduler: str | None,
    form: str,
    differences: bool,
    replay: int | None,
    **given: Any,
) -> None:
    """Run a scenario under many values, releases and seeds, and measure each run.

    FILE holds manifests and at most one Scenario, whose spec.sweep may say all of this, or the results of a sweep,
    which say it, too. A parameter is a manifest's field (spec.terminationGracePeriodSeconds=5,10,30), a part of a
    container's script (containers[app].startup=lognormal(2s,0.5)), or cluster.…, actions[0].…, until.
    """
    from kubesim.exploration.sweep import Sweep

    if list_measures:
        _print_measures()
        return
    if not files:
        raise click.UsageError("give a scenario, or the results of a sweep")
    header, rows = _header(files, settings, given)
    sweep = Sweep(header)
    _check(sweep, exported, picture, scheduler, engine_name)
    if replay is not None:
        _replay(sweep, replay)
        return

    def report(found: Iterable[dict[str, Any]]) -> int:
        return _report(sweep, list(found), form, differences, exported, picture)

    if rows is not None:
        status = report(rows)
    else:
        from kubesim.exploration.engines import engine_named

        status = _run(sweep, engine_named(engine_name, jobs, scheduler), results, restart, report)
    click.get_current_context().exit(status)


def _print_measures() -> None:
    from kubesim.exploration.measures import MEASURES

    width = max(map(len, MEASURES))
    for name, (_, about) in MEASURES.items():
        click.echo(f"{name:<{width}}  {about}")


# -- what is asked for -------------------------------------------------------------------------------------------------


def _header(
    files: tuple[str, ...], settings: tuple[str, ...], given: dict[str, Any]
) -> tuple[SweepHeader, list[dict[str, Any]] | None]:
    """The header of the command line and the scenario, or that of results, with their rows."""
    from kubesim.exploration.sweep import SweepHeader, read_files
    from kubesim.exploration.sweep_journal import read_results
    from kubesim.objects.yaml import Source, documents_of
    from kubesim.scenario.load import scenario_of
    from kubesim.version import VERSION

    if len(files) == 1 and files[0].endswith((".jsonl", ".jsonl.part")):
        header, rows = read_results(Path(files[0]))
        return header, sorted(rows, key=lambda row: row["row"])
    texts = read_files(files)
    scenario = scenario_of([one for text in texts for one in documents_of(Source(text.path, text.text))])
    spec: SweepSpec = scenario.sweep
    measures = given["measures"] or spec.measures or _default_measures(scenario)
    return (
        SweepHeader(
            kubesim=VERSION,
            scenario=scenario.name or ("stdin" if files[0] == "-" else Path(files[0]).stem),
            files=texts,
            set={**spec.set, **_settings(settings)},
            design=given["design"] or spec.design,
            samples=given["samples"] or spec.samples,
            design_seed=given["design_seed"],
            releases=_releases(given["releases"] or spec.releases),
            seeds=given["seeds"] or spec.seeds or 0,
            independent=given["independent"],
            until=given["until"],
            measures=tuple(dict.fromkeys(measures)),
        ),
        None,
    )


def _default_measures(scenario: Scenario) -> tuple[str, ...]:
    """Of what serves for ever the time to its end is not asked for, of a Deployment how long a rollout takes."""
    from kubesim.scenario.templates import pod_spec

    specs = [spec for document in scenario.objects if (spec := pod_spec(document.raw)) is not None]
    kinds = {document.kind for document in scenario.objects}
    ends = not specs or any(spec.get("restartPolicy", "Always") != "Always" for spec in specs)
    return (
        "time-to-ready",
        *(("time-to-complete",) if ends else ()),
        *(("rollout-time",) if "Deployment" in kinds else ()),
        "restarts",
        "sigkilled",
        *(("expect",) if scenario.expect else ()),
    )


def _settings(settings: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for setting in settings:
        path, equals, values = _parted(setting)
        if not equals or not path or not values:
            raise click.UsageError(f"--set {setting}: write PATH=VALUES, such as spec.backoffLimit=0,3,6")
        if path in found:
            raise click.UsageError(f"--set {path} is given twice; give all its values at once, with commas")
        found[path] = values
    return found


def _parted(setting: str) -> tuple[str, str, str]:
    """Path and values, parted at the first = outside of brackets (a label in brackets may hold one)."""
    depth = 0
    for place, letter in enumerate(setting):
        depth += (letter == "[") - (letter == "]")
        if letter == "=" and depth == 0:
            return setting[:place].strip(), "=", setting[place + 1 :].strip()
    return setting, "", ""


def _releases(given: str | tuple[str, ...]) -> tuple[str, ...]:
    from kubesim.releases.tables import RELEASES

    names = tuple(name.strip() for name in given.split(",")) if isinstance(given, str) else given
    return tuple(RELEASES) if names == ("all",) else names


def _check(sweep: Sweep, exported: str | None, picture: str | None, scheduler: str | None, engine: str) -> None:
    """Refuse now what would fail in every row, or after hours."""
    from kubesim.exploration import sweep_export, sweep_plot
    from kubesim.releases import Component, release

    if sweep.size == 0:
        raise click.UsageError("the sweep has no rows")
    if scheduler is not None and engine != "dask":
        raise click.UsageError("--scheduler belongs to --engine dask")
    for name in sweep.header.releases:
        release(name, component=Component.KUBELET)
    scenario = sweep.scenario(sweep.case(0).point)
    if "expect" in sweep.header.measures and not scenario.expect:
        raise click.UsageError("measure expect: the scenario expects nothing; give it spec.expect")
    if exported is not None:
        sweep_export.check_format(Path(exported))
    if picture is not None:
        sweep_plot.check_format(Path(picture))


def _replay(sweep: Sweep, row: int) -> None:
    if row >= sweep.size:
        raise click.UsageError(f"--replay {row}: rows go from 0 to {sweep.size - 1}")
    for line in sweep.history(row).lines():
        click.echo(line)


# -- running and reporting ---------------------------------------------------------------------------------------------


def _run(sweep: Sweep, engine: Engine, results: str | None, restart: bool, report: Report) -> int:
    """Run what is missing, keep it, report all there is; an interruption keeps what is done. The exit status."""
    import tempfile

    from kubesim.exploration.sweep_journal import Journal

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(results) if results is not None else Path(scratch) / "rows.jsonl"
        if restart:
            for old in (path, path.with_name(path.name + ".part")):
                old.unlink(missing_ok=True)
        with Journal(path, sweep.header) as journal:
            is_whole = _fill(sweep, engine, journal)
            if is_whole and not journal.is_finished:
                journal.finish()
            status = report(_decoded(journal.lines()))
            if is_whole:
                return status
            kept = f"kept in {journal.part}; the same command goes on" if results else "forgotten, without --results"
            click.echo(f"interrupted: {len(journal.done)} of {sweep.size} rows are done and {kept}", err=True)
            return INTERRUPTED


def _fill(sweep: Sweep, engine: Engine, journal: Journal) -> bool:
    """Whether all rows are there now; False: interrupted."""
    if journal.is_finished:
        return True
    missing = [row for row in range(sweep.size) if row not in journal.done]
    try:
        with Rate(sweep.size, sweep.size - len(missing), f"{sweep.header.scenario}: rows") as rate:
            for batch in engine.run(journal.header, missing):
                journal.append(batch)
                rate.advance(len(batch))
    except KeyboardInterrupt:
        return False
    return True


def _decoded(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    import msgspec

    for line in lines:
        yield msgspec.json.decode(line)


def _report(
    sweep: Sweep, kept: list[dict[str, Any]], form: str, differences: bool, exported: str | None, picture: str | None
) -> int:
    """Print what the rows say. The exit status: 1 if one failed."""
    from kubesim.exploration.sweep_summary import as_json, summarise, summary_lines

    found = summarise(sweep.header, kept, differences=differences)
    if form == "json":
        click.echo(json.dumps(as_json(found), indent=2))
    elif form == "jsonl":
        for row in kept:
            click.echo(json.dumps(row, separators=(",", ":")))
    else:
        click.echo("\n".join(summary_lines(found)))
    if exported is not None:
        from kubesim.exploration.sweep_export import export

        export(Path(exported), sweep, kept)
    if picture is not None and kept:
        from kubesim.exploration.sweep_plot import draw

        draw(Path(picture), sweep.header, kept)
    return 1 if found.errors else 0
