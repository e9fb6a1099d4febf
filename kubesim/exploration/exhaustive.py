"""Every order of ties and every outcome, up to a bound: the states of a cluster as a graph.

A run is forked where more than one thing is due at one instant, by copying the whole engine; a state that was met
before is not gone into again. Outcomes (a program that fails, hangs, ignores SIGTERM; a deletion) are the first choice.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from kubesim.exploration.exhaustive_state import digest, name_of
from kubesim.exploration.replay import with_workload
from kubesim.exploration.search_small import single_workloads
from kubesim.exploration.workloads import Workload
from kubesim.exploration.workloads_open import stage_of
from kubesim.guarantees import hopes
from kubesim.guarantees.judging import check, judge_by
from kubesim.guarantees.verdicts import Verdict
from kubesim.history.history import History
from kubesim.scenario.load import Scenario
from kubesim.units import MINUTE, Duration

if TYPE_CHECKING:
    import networkx as nx

    from kubesim.sim.world import World

HORIZON: Final[Duration] = 5 * MINUTE
"""How long a run lasts at most where the scenario does not say."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One way for it all to end: what was chosen, what came of it, and what it broke."""

    workload: Workload
    order: tuple[str, ...]
    outcome: str
    broken: tuple[str, ...]
    history: History


@dataclass(slots=True)
class Exploration:
    """What was found. ``is_complete``: every order up to the depth was gone into, for every outcome."""

    graph: nx.DiGraph[str]
    depth: int
    states: int = 0
    merged: int = 0
    runs: int = 0
    is_complete: bool = True
    cut: int = 0
    """How many runs went on, in the order asked for, beyond the depth."""
    endings: list[Ending] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Open:
    """A state that is to be gone into: the engine, pickled, and how it was reached."""

    engine: bytes
    node: str
    order: tuple[str, ...]
    workload: Workload


def explore(
    scenario: Scenario, *, depth: int = 3, budget: float = 60.0, told: Callable[[int, int], None] | None = None
) -> Exploration:
    """All orders of ties, each chosen at most ``depth`` times in a run, for all outcomes, within a time in seconds.

    Latencies are ideal (all zero), so that what can happen at one instant does: whichever of two steps that follow one
    cause is the faster, that order is among those gone through. What depends on how long a step takes is not: that a
    pull outlasts a deadline, or a grace period ends before a hook. ``told`` hears, after each state that was gone
    into, how many were seen and how many are left.
    """
    import networkx as nx

    ideal = replace(scenario.cluster.timing, profile="ideal", settings={}, draw=0, ties=0)
    scenario = replace(scenario, cluster=replace(scenario.cluster, timing=ideal))
    found = Exploration(nx.DiGraph(), depth)
    found.graph.add_node("start", kind="start", layer=0)
    begun = time.monotonic()
    waiting = [_begun(scenario, workload, found) for workload in single_workloads(stage_of(scenario, HORIZON))]
    met = {one.node for one in waiting}
    waiting.reverse()
    while waiting:
        if time.monotonic() - begun > budget:
            found.is_complete = False
            break
        _go_on(waiting.pop(), found, met, waiting)
        if told is not None:
            told(found.states, len(waiting))
    return found


def _begun(scenario: Scenario, workload: Workload, found: Exploration) -> _Open:
    from kubesim.sim.world import World

    world = World(with_workload(scenario, workload, HORIZON))
    world.begin()
    node = f"{digest(world)}/{len(found.graph)}"
    found.graph.add_node(node, kind="outcome", layer=1, label="; ".join(workload.told()))
    found.graph.add_edge("start", node, label="; ".join(workload.told()))
    found.states += 1
    return _Open(pickle.dumps(world), node, (), workload)


def _go_on(one: _Open, found: Exploration, met: set[str], waiting: list[_Open]) -> None:
    """Run on to the next tie, or to the end; each thing that may come first there makes a state."""
    world: World = pickle.loads(one.engine)  # our own
    found.runs += 1
    due = _next_tie(world) if len(one.order) < found.depth else []
    if not due:
        if len(one.order) >= found.depth and _next_tie(world):
            found.cut += 1
        world.clock.run(world.limit)
        _ended(world, one, found)
        return
    engine = pickle.dumps(world)
    for place, name in _choices(due):
        fork: World = pickle.loads(engine)
        fork.clock.fire(fork.clock.due()[place])
        key = f"{digest(fork)}/{_outcome_of(one)}"
        order = (*one.order, name)
        if key in met:
            found.merged += 1
        else:
            met.add(key)
            found.states += 1
            found.graph.add_node(key, kind="state", layer=1 + len(order), label=name)
            waiting.append(_Open(pickle.dumps(fork), key, order, one.workload))
        found.graph.add_edge(one.node, key, label=name)


def _outcome_of(one: _Open) -> str:
    """States of different workloads stay apart: their programs differ in what is still to come."""
    return ";".join(one.workload.told())


def _next_tie(world: World) -> list[Any]:
    """Run until more than one thing is due; what is due then. Nothing: the run is over."""
    clock = world.clock
    while not clock.settled:
        due = clock.due()
        if not due or due[0].instant > world.limit:
            return []
        if len(_choices(due)) > 1:
            return due
        clock.fire(due[0])
    return []


def _choices(due: list[Any]) -> list[tuple[int, str]]:
    """Which of the things that are due may come first. What one watch stream brings stays in its order."""
    seen: dict[str, int] = {}
    for place, timer in enumerate(due):
        owner = getattr(timer._callback, "__self__", None)
        key = f"{name_of(timer)} {id(owner)}"
        seen.setdefault(key, place)
    return [(place, key.rpartition(" ")[0]) for key, place in seen.items()]


def _ended(world: World, one: _Open, found: Exploration) -> None:
    history = world.history()
    broken = [judged.id for judged in check(history) if judged.verdict is Verdict.BROKEN and not judged.known]
    broken += [judged.id for judged in judge_by(history, hopes.HOPES) if judged.verdict is Verdict.BROKEN]
    ending = Ending(one.workload, one.order, outcome(history), tuple(broken), history)
    found.endings.append(ending)
    text = f"{ending.outcome}; breaks {', '.join(broken)}" if broken else ending.outcome
    node = f"end/{text}"
    found.graph.add_node(node, kind="broken" if broken else "end", layer=found.depth + 2, label=text)
    found.graph.add_edge(one.node, node, label="")


def outcome(history: History) -> str:
    """How it ended, in a line: phases and exit codes, without instants."""
    parts = []
    for life in history.pods:
        codes = [
            f"{container.name} {'runs' if run.exit is None else run.code}"
            for container in life.containers.values()
            for run in container.runs[-1:]
            if not container.name.startswith("(")
        ]
        phase = "gone" if life.gone is not None else life.phase
        parts.append(f"{life.name.rpartition('-')[0] or life.name}: {phase} ({', '.join(codes)})")
    return "; ".join(parts)
