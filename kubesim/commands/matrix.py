"""``kubesim matrix``: one Pod with a sidecar, or what makes such Pods, on every API server and every node."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from kubesim.commands import options
from kubesim.commands.progress import Progress

if TYPE_CHECKING:
    from kubesim.scenario.combinations import Combination
    from kubesim.scenario.load import Scenario
    from kubesim.timelines.sidecar_outcome import Verdict
    from kubesim.timelines.style import Style

    Cell = tuple[Combination, Verdict]

_SYMBOLS: Final = {
    "works": ("+", "good"),
    "starts, stops the 1.28 way": ("~", "warn"),
    "runs once, as an init container": ("1", "warn"),
    "stuck in Init": ("I", "bad"),
    "unschedulable": ("U", "bad"),
    "rejected by the kubelet": ("K", "bad"),
    "rejected by the API server": ("A", "bad"),
    "has no sidecar": ("·", "dim"),
}
"""Outcome to its letter in the grid, and how it is meant."""


def releases(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """``1.28,1.29``, and the option may be repeated; each must be a release, and empty is refused."""
    from kubesim.releases.release import parse_release

    options.not_empty(context, parameter, texts)
    found = tuple(part.strip() for text in texts for part in text.split(",") if part.strip())
    for release in found:
        parse_release(release)
    return found


@click.command("matrix")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--api-server",
    "servers",
    multiple=True,
    callback=releases,
    shell_complete=options.release_names,
    metavar="R,R",
    help="Of these API servers.",
)
@click.option(
    "--node",
    "nodes",
    multiple=True,
    callback=releases,
    shell_complete=options.release_names,
    metavar="R,R",
    help="Of these nodes.",
)
@click.option("--of", "chosen_subject", metavar="KIND/NAME", help="Which, where FILE has several: Pod/web.")
@click.option("--supported", is_flag=True, help="Within the supported skew only.")
@click.option("--default-gates", is_flag=True, help="Without gates set by hand only.")
@click.option(
    "--validate",
    type=click.Choice(("strict", "warn", "ignore")),
    help="What kubectl asks for unknown fields; without it, strict.",
)
@click.option(
    "--until", type=options.duration, metavar="DURATION", help="How long each run lasts; 2m if FILE does not say."
)
@click.option(
    "-o", "--output", "form", type=click.Choice(("table", "grid", "json")), default="table", show_default=True
)
def command(
    files: tuple[str, ...],
    servers: tuple[str, ...],
    nodes: tuple[str, ...],
    chosen_subject: str | None,
    supported: bool,
    default_gates: bool,
    validate: str | None,
    until: int | None,
    form: str,
) -> None:
    """What becomes of a Pod with a sidecar: API server by node, with the gate SidecarContainers on and off.

    FILE holds one Pod, Job, CronJob, Deployment or ReplicaSet, and whatever else it needs. A line for each
    combination: the control plane, the nodes, whether the skew between them is supported, what happens, and why.
    -o grid prints a letter for each.

    \b
      kubesim matrix pod.yaml -o grid
      kubesim matrix pod.yaml --api-server 1.29 --node 1.28,1.29
    """
    import os

    from kubesim.commands.inputs import read_scenario
    from kubesim.releases.tables import RELEASES
    from kubesim.scenario.combinations import combinations
    from kubesim.timelines.style import style_for

    scenario = read_scenario(files, validate=validate)
    kind, name = _subject(scenario, chosen_subject)
    chosen = [
        one
        for one in combinations(servers or RELEASES, nodes or RELEASES)
        if (one.is_supported or not supported) and (one.has_default_gates or not default_gates)
    ]
    if not chosen:
        raise click.UsageError("no combination is left; give other releases, or leave out --supported")
    cells = list(_cells(scenario, kind, name, chosen, until))
    style = style_for(sys.stdout, os.environ)
    if form == "json":
        click.echo(json.dumps({"subject": f"{kind} {name}", "cells": [_data(*cell) for cell in cells]}, indent=2))
    elif form == "grid":
        click.echo("\n".join([*_grid(cells, style), "", *_summary(cells, style)]))
    else:
        click.echo("\n".join([*_table(cells, style), "", *_summary(cells, style)]))


def _subject(scenario: Scenario, chosen: str | None) -> tuple[str, str]:
    """The one Pod, or maker of Pods, that is looked at: kind and name."""
    from kubesim.errors import ScenarioError
    from kubesim.scenario.templates import POD_SPECS

    there = [(one.kind, one.raw["metadata"].get("name", "")) for one in scenario.objects if one.kind in POD_SPECS]
    found = [pair for pair in there if chosen is None or "/".join(pair).lower() == chosen.lower()]
    if len(found) != 1:
        names = ", ".join("/".join(pair) for pair in there) or "none"
        listed = f"{', '.join(list(POD_SPECS)[:-1])} or {list(POD_SPECS)[-1]}"
        raise ScenarioError(f"matrix looks at one {listed}; name it with --of. FILE begins with {names}")
    return found[0]


def _cells(scenario: Scenario, kind: str, name: str, chosen: list[Combination], until: int | None) -> Iterator[Cell]:
    from kubesim import api
    from kubesim.scenario.combinations import on_combination
    from kubesim.timelines.sidecar_outcome import sidecar_outcome
    from kubesim.units import MINUTE

    with Progress(len(chosen), "runs") as progress:
        for combination in chosen:
            progress.step(f"{combination.control_plane.words} / {combination.node.words}")
            history = api.run(on_combination(scenario, combination), until=until or scenario.until or 2 * MINUTE)
            yield combination, sidecar_outcome(history, kind, name)


def _table(cells: list[Cell], style: Style) -> list[str]:
    from kubesim.timelines.tables import align

    rows = [
        [combination.server_words, combination.node.words, "yes" if combination.is_supported else "no", verdict.outcome]
        for combination, verdict in cells
    ]
    head, *lines = align(["API SERVER", "NODES", "SUPPORTED", "OUTCOME"], rows)
    width = max(len(line) for line in (head, *lines))
    found = [style.paint("dim", f"{head.ljust(width)}   WHY")]
    for line, (_, verdict) in zip(lines, cells, strict=True):
        tone = _SYMBOLS[verdict.outcome][1]
        start, end = line[: -len(verdict.outcome)], verdict.outcome.ljust(width - len(line) + len(verdict.outcome))
        rules = style.paint("rule", f"[{', '.join(verdict.rules)}]") if verdict.rules else ""
        found.append(f"{start}{style.paint(tone, end)}   {verdict.why} {rules}".rstrip())
    return found


def _grid(cells: list[Cell], style: Style) -> list[str]:
    """Control planes down, nodes across; brackets around what the skew policy does not support."""
    nodes = list(dict.fromkeys(combination.node.words for combination, _ in cells))
    servers = list(dict.fromkeys(combination.server_words for combination, _ in cells))
    found = {(one.server_words, one.node.words): (one, verdict) for one, verdict in cells}
    side = max(len(server) for server in (*servers, "API SERVER"))
    heads = [node.partition(" ") for node in nodes]
    lines = [
        style.paint("dim", "NODES".rjust(side) + "  " + "".join(f"{release:6}" for release, _, _ in heads).rstrip()),
        style.paint("dim", "API SERVER".ljust(side) + "  " + "".join(f"{gate:6}" for _, _, gate in heads).rstrip()),
    ]
    for server in servers:
        row = [_symbol(found.get((server, node)), style) for node in nodes]
        lines.append((server.ljust(side) + "  " + "   ".join(row)).rstrip())
    return lines


def _symbol(cell: Cell | None, style: Style) -> str:
    if cell is None:
        return "   "
    symbol, tone = _SYMBOLS[cell[1].outcome]
    return style.paint(tone, f" {symbol} " if cell[0].is_supported else f"({symbol})")


def _summary(cells: list[Cell], style: Style) -> list[str]:
    """How many there are of each outcome; in brackets how many of them are supported."""
    counts = Counter(str(verdict.outcome) for _, verdict in cells)
    supported = Counter(str(verdict.outcome) for combination, verdict in cells if combination.is_supported)
    return [
        f"{style.paint(tone, symbol)}  {outcome}: {counts[outcome]} ({supported[outcome]} in supported skew)"
        for outcome, (symbol, tone) in _SYMBOLS.items()
        if outcome in counts
    ]


def _data(combination: Combination, verdict: Verdict) -> dict[str, Any]:
    scheduler = {"SidecarContainers": False} if combination.scheduler_off else combination.control_plane.feature_gates
    return {
        "controlPlane": {
            "release": combination.control_plane.release,
            "featureGates": combination.control_plane.feature_gates,
        },
        "scheduler": {"release": combination.control_plane.release, "featureGates": scheduler},
        "node": {"release": combination.node.release, "featureGates": combination.node.feature_gates},
        "supported": combination.is_supported,
        "outcome": verdict.outcome.name.lower().replace("_", "-"),
        "words": verdict.outcome,
        "why": verdict.why,
        "rules": list(verdict.rules),
    }
