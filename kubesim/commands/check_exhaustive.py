"""``kubesim check --exhaustive``: every order of ties and every outcome up to a bound, counted and drawn."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kubesim.commands.progress import Frontier
from kubesim.scenario.templates import POD_SPECS

if TYPE_CHECKING:
    from kubesim.exploration.exhaustive import Exploration
    from kubesim.scenario.load import Scenario
    from kubesim.timelines.style import Style

NOTHING: Final = f"there is nothing to explore that makes Pods: no {', no '.join(POD_SPECS)}"


def exhaust(scenario: Scenario, *, depth: int, budget: float, graph: str | None) -> int:
    """Explore, print, draw; 1 if some ending breaks something, else 0."""
    import os

    from kubesim.exploration.exhaustive import explore
    from kubesim.timelines.style import style_for

    if not any(document.kind in POD_SPECS for document in scenario.objects):
        raise click.UsageError(NOTHING)
    with Frontier(f"{scenario.name} to depth {depth}") as progress:
        found = explore(scenario, depth=depth, budget=budget, told=progress.advance)
    click.echo("\n".join(_report(found, style_for(sys.stdout, os.environ))))
    if graph is not None:
        from kubesim.exploration.exhaustive_draw import draw_states

        draw_states(found, Path(graph), f"{scenario.name}: {found.states} states, depth {depth}")
        click.echo(f"drawn: {graph}")
    return 1 if any(ending.broken for ending in found.endings) else 0


def _report(found: Exploration, style: Style) -> list[str]:
    """The endings by what was chosen, and how much of everything was gone into."""
    lines: list[str] = []
    workloads = dict.fromkeys(ending.workload for ending in found.endings)
    for workload in workloads:
        ends = Counter((one.outcome, one.broken) for one in found.endings if one.workload == workload)
        lines.append(style.paint("bold", "; ".join(workload.told())))
        for (outcome, broken), count in ends.most_common():
            word = style.paint("bad", f"  breaks {', '.join(broken)}") if broken else ""
            lines.append(f"  {count:>5}  {outcome}{word}")
    how = "complete" if found.is_complete else "not complete: the time was over"
    lines += [
        "",
        f"{found.states} states, {found.merged} met again; {len(found.endings)} endings; depth {found.depth}: {how}",
    ]
    if found.cut:
        lines.append(f"{found.cut} runs had more ties than that; beyond it, they went on in the order asked for")
    return lines
