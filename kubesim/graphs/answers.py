"""Questions that a run answers, each with the path through the happens-before graph that answers it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import networkx as nx

from kubesim.graphs.drawing import Drawing, drawing
from kubesim.graphs.facts import Fact, Kind
from kubesim.graphs.happens_before import Graph, Step, find, happens_before, why
from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, Run
from kubesim.units import MILLISECOND, MINUTE, SECOND, Duration, Instant

Answer = tuple[str, tuple[Step, ...]]
_WORTH_ASKING: Final = 2 * SECOND


def answers(history: History) -> list[Answer]:
    """For each container: why it started only then, why it was killed, why it was started again; and the Pod's end."""
    graph = happens_before(history)
    found: list[Answer] = []
    for life in history.pods:
        several = len(history.pods) > 1
        for name, container in life.containers.items():
            if name == SANDBOX or not container.runs:
                continue
            shown = f"{life.name}/{name}" if several else name
            for question, kind, run in _questions(shown, container.runs, life.created, history.started):
                found.append((question, why(graph, find(graph, name, kind, run=run, pod=life.name))))
        if life.gone is not None:
            gone = next(fact for fact in graph if fact.kind is Kind.GONE and fact.pod == life.name)
            found.append(
                (f"Why did Pod {life.name} go only at {clock(life.gone - history.started)}?", why(graph, gone))
            )
    return found


def _questions(name: str, runs: Sequence[Run], created: Instant, started: Instant) -> Iterator[tuple[str, Kind, int]]:
    first, last = runs[0], runs[-1]
    if first.start - created >= _WORTH_ASKING:
        yield f"Why did {name} start only at {clock(first.start - started)}?", Kind.STARTED, first.number
    if last.number > first.number:
        words = f"Why was {name} started again at {clock(last.start - started)}?"
        yield words, Kind.STARTED, last.number
    for run in runs[-2:]:
        if run.exit is None:
            continue
        if any(signal.signal == "KILL" for signal in run.signals):
            yield f"Why was {name} killed at {clock(run.exit - started)}?", Kind.EXITED, run.number
        elif run.signals:
            yield f"Why did {name} end at {clock(run.exit - started)}?", Kind.EXITED, run.number


def text(steps: Sequence[Step], started: Instant) -> str:
    """The steps as lines: when, how long after the one before, what, and what it had waited for."""
    lines = []
    for step in steps:
        rules = f" [{', '.join(step.fact.rules)}]" if step.fact.rules else ""
        reasons = "; ".join(part for part in (step.because, _own_reason(step.fact)) if part)
        waited = f"(+{clock(step.after)})" if step.because else ""
        what = f"{step.fact.what}: {reasons}" if reasons else step.fact.what
        lines.append(f"{clock(step.fact.at - started):>9} {waited:>11}  {what}{rules}")
    return "\n".join(lines) + "\n"


def _own_reason(fact: Fact) -> str:
    return fact.why if fact.kind in (Kind.DECIDED_START, Kind.DECIDED_STOP, Kind.PROBE) else ""


def as_rows(answer: Answer, started: Instant) -> list[object]:
    """An answer as the page wants it: the question and rows of milliseconds, words, reason, rules."""
    question, steps = answer
    rows = []
    for step in steps:
        reason = "; ".join(part for part in (step.because, _own_reason(step.fact)) if part)
        rows.append([round((step.fact.at - started) / MILLISECOND, 3), step.fact.what, reason, list(step.fact.rules)])
    return [question, rows]


def drawing_of(history: History, graph: Graph, path: Sequence[Step] = ()) -> Drawing:
    """The happens-before graph as rows in time, a column for each container; the path stands out."""
    places = {fact: place for place, fact in enumerate(nx.lexicographical_topological_sort(graph, key=_order))}
    return drawing(
        _shortest(graph, path),
        f"{history.header.scenario}: what happened because of what",
        lambda fact: f"{clock(fact.at - history.started)} {fact.what}",
        column=lambda fact: _column(fact, several=len(history.pods) > 1),
        order=lambda fact: places[fact],
        strong=[step.fact for step in path],
        rows=True,
    )


def _order(fact: Fact) -> tuple[int, int]:
    return fact.order, fact.step


def _shortest(graph: Graph, path: Sequence[Step]) -> Graph:
    """The graph without edges that others imply; those of the path stay."""
    kept: Graph = nx.DiGraph()
    kept.add_nodes_from(graph)
    pairs = [(before.fact, after.fact) for before, after in pairwise(path)]
    for source, target in [*nx.transitive_reduction(graph).edges, *pairs]:
        kept.add_edge(source, target, **graph.edges[source, target])
    return kept


def _column(fact: Fact, *, several: bool) -> str:
    """A column for each container, and one for what each Pod as a whole goes through."""
    if fact.container and fact.container != SANDBOX:
        return f"{fact.pod}/{fact.container}" if several else fact.container
    return f"Pod {fact.pod}" if fact.pod else "user"


def clock(length: Duration) -> str:
    """Seconds with three digits behind the point: ``9.155s``; from ten minutes on ``12m05.000s``, ``24h00m04.997s``."""
    milliseconds = (length + MILLISECOND // 2) // MILLISECOND
    if length < 10 * MINUTE:
        return f"{milliseconds // 1000}.{milliseconds % 1000:03}s"
    minutes, rest = divmod(milliseconds, MINUTE // MILLISECOND)
    seconds = f"{rest // 1000:02}.{rest % 1000:03}s"
    return f"{minutes}m{seconds}" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m{seconds}"
