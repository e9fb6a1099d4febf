"""``kubesim conform``: recordings of real clusters, reproduced or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubesim.commands.progress import Progress

if TYPE_CHECKING:
    from kubesim.fidelity.conform import Result


@click.command("conform")
@click.argument(
    "traces", nargs=-1, required=True, metavar="TRACE.json...", type=click.Path(exists=True, dir_okay=False)
)
@click.option("--scenarios", type=click.Path(exists=True, file_okay=False), help="Where the manifests and actions are.")
@click.option("-o", "--output", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes to use.")
@click.option("--draws", type=click.IntRange(min=1, max=32), default=32, show_default=True, help="Runs to try of each.")
@click.option("--differences", type=click.IntRange(min=0), default=3, show_default=True, help="How many to print.")
def command(traces: tuple[str, ...], scenarios: str | None, form: str, jobs: int, draws: int, differences: int) -> None:
    """Run what was recorded, and report where the simulated run differs.

    Each level includes the ones before: L1 outcome, L2 order, L3 story, L4 time. Of each level two marks: the nominal
    run reaches it; some draw does.
    """
    from kubesim.fidelity.conform import conform
    from kubesim.fidelity.report import result_lines, results_as_json, summary_lines

    with Progress(len(traces), "recordings") as progress:

        def told(result: Result) -> None:
            progress.wipe()
            if form == "text":
                click.echo("\n".join(result_lines(result, differences)))
            progress.step(result.id)

        results = conform(traces, simulate, scenarios=scenarios, jobs=jobs, draws=draws, progress=told)
    if form == "json":
        click.echo(json.dumps(results_as_json(results), indent=2))
    else:
        click.echo()
        click.echo("\n".join(summary_lines(results)))
    click.get_current_context().exit(0 if all(result.reproduced for result in results) else 1)


def simulate(manifest: Path, actions: Path | None, configuration: dict[str, Any], draw: int | None) -> dict[str, Any]:
    """The trace of a recording's scenario in a recording's configuration; draw None is the nominal run."""
    from kubesim import api
    from kubesim.commands.inputs import as_recorded, read_scenario
    from kubesim.timelines.trace import trace

    scenario = read_scenario([str(manifest)], actions=None if actions is None else str(actions))
    history = api.run(as_recorded(scenario, configuration), draw=draw or 0)
    return trace(history)
