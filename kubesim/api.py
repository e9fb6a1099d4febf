"""The Python interface: load a scenario, run it, read its history, draw it, judge it, hold it against others."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from io import TextIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from kubesim.errors import OneProcess
from kubesim.history.history import History
from kubesim.scenario.cluster import Cluster, Settings
from kubesim.scenario.load import Scenario, load_scenario
from kubesim.units import Duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kubesim.explanations.text import Told
    from kubesim.guarantees.verdicts import Judgement
    from kubesim.timelines.compare import Comparison

__all__ = ["check", "compare", "explain", "load", "plot", "run"]


def load(paths: str | Path | TextIOBase | Iterable[str | Path | TextIOBase]) -> Scenario:
    """The scenario of one manifest or scenario file, or of several; ``-`` is standard input.

    Raises ScenarioError with file, line and column.
    """
    return load_scenario(paths)


def run(
    scenario: Scenario,
    *,
    release: str | None = None,
    gates: Mapping[str, bool] | None = None,
    bugs: Mapping[str, bool] | None = None,
    cluster: Cluster | None = None,
    seed: int | None = None,
    timing: str | None = None,
    until: Duration | None = None,
    draw: int = 0,
    level: str = "full",
    jobs: int = 1,
) -> History:
    """Run a scenario on the virtual clock and give its history.

    ``release`` and ``gates`` set what components that name no release of their own run; ``bugs`` forces known bugs;
    ``cluster`` replaces the scenario's whole. ``until`` in nanoseconds from t=0 (default: the scenario's, else until
    nothing can change any more, at most 1 h). ``seed`` makes another replication: declared distributions and
    latencies are drawn from it; without one (or 0) latencies are nominal. ``draw`` varies latencies alone.
    ``level`` says how much the history holds: full, summary (a line for each Pod) or none. ``jobs`` processes share
    the nodes of a scenario whose nodes do not depend on each other, with the same history as one; where they do, it
    is run in one process with the warning OneProcess. Raises ScenarioError or ReleaseError for what cannot be run.
    """
    if cluster is not None:
        scenario = replace(scenario, cluster=cluster)
    if release is not None or gates:
        scenario = scenario.on(release, gates)
    if bugs:
        settings: Settings = scenario.cluster.settings
        changed = replace(settings, bugs={**settings.bugs, **bugs})
        scenario = replace(scenario, cluster=replace(scenario.cluster, settings=changed))
    if seed is not None:
        scenario = replace(scenario, seed=seed)
        draw = draw or seed
    if timing is not None:
        profile = replace(scenario.cluster.timing, profile=timing)
        scenario = replace(scenario, cluster=replace(scenario.cluster, timing=profile))
    if jobs > 1:
        return _in_parts(scenario, jobs, draw, until, level)
    from kubesim.sim.world import World  # imports simpy: only when something is run

    return World(scenario, draw=draw, until=until, level=level).run()


def _in_parts(scenario: Scenario, jobs: int, draw: int, until: Duration | None, level: str) -> History:
    from kubesim.exploration.parts import run_in_parts

    outcome = run_in_parts(scenario, jobs, until=until, level=level, draw=draw)
    if outcome.why:
        warnings.warn(OneProcess(f"run in one process: {outcome.why}"), stacklevel=3)
    return outcome.history


def plot(
    histories: History | Sequence[History], *, theme: str = "light", width: float = 11.0, view: str = "auto"
) -> Figure:
    """The picture of a run, or of several below each other, as a matplotlib figure; a notebook shows it.

    ``theme`` is light or dark; ``width`` in inches; ``view`` auto, pods or jobs. Write it with
    ``figure.savefig("run.png")``. Raises KubesimError for another theme or view.
    """
    from kubesim.timelines import plot as drawing

    return drawing.plot(histories, theme=theme, width=width, view=view)


def check(history: History, ids: Collection[str] | None = None) -> tuple[Judgement, ...]:
    """The verdicts on the documented guarantees, in the order of the catalogue; ``ids`` chooses some.

    Each has an ``id``, a ``verdict`` (held, broken, not exercised) and the findings that prove it.
    """
    from kubesim.guarantees.judging import check as judged

    return judged(history, ids)


def explain(history: History, at: Duration | None = None, *, pod: str = "", container: str = "", job: str = "") -> Told:
    """Where every Pod, container and Job is at an instant, why, what it waits for, and what would change that.

    ``at`` in nanoseconds from t=0 (default: the end); ``pod``, ``container``, ``job`` choose one. The result prints as
    text; each of it has an ``explanation`` and, of a Pod, ``parts``. Raises KubesimError if the choice names nothing.
    """
    from kubesim.explanations.explain import Asked, Choice
    from kubesim.explanations.explain import explain as explained
    from kubesim.explanations.text import Told

    moment = history.ended if at is None else history.started + at
    return Told(explained(Asked(history, moment, choice=Choice(pod, container, job))))


def compare(*histories: History) -> Comparison:
    """What differs between runs of one scenario: ``summary`` in sentences, ``differences`` row by row."""
    from kubesim.timelines.compare import compare as compared
    from kubesim.timelines.compare import sides_of

    return compared(sides_of(histories))


def _drawn(history: History) -> str:
    from kubesim.timelines.notebook import as_html

    return as_html(history)


History.drawn = _drawn
