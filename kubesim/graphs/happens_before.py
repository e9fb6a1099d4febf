"""The happens-before graph of a run: each fact with the facts it had to wait for, and the path that answers why.

An edge says why the later fact could not come sooner. Among several causes the last to come true is the one that held
it back; following it backwards from a fact gives the shortest honest answer to "why only now?".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import networkx as nx

from kubesim.errors import KubesimError
from kubesim.graphs.facts import Fact, Kind, facts
from kubesim.graphs.job_causes import creation_causes, owning_job
from kubesim.history.history import History
from kubesim.history.lives import SANDBOX
from kubesim.units import SECOND, Duration

Graph: TypeAlias = "nx.DiGraph[Fact]"
TERMINAL = ("Succeeded", "Failed")
_STOPS_OF_PODS = ("SyncTerminatingPod", "WaitForTurn")
"""The passes that stop a container because its Pod ends."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an answer: the fact, how long it came after the step before, and what it had waited for."""

    fact: Fact
    after: Duration
    because: str


def happens_before(history: History) -> Graph:
    """The graph of a whole run; nodes are Facts, each edge has ``because``."""
    graph: Graph = nx.DiGraph()
    everything = facts(history)
    graph.add_nodes_from(everything)
    asked = [fact for fact in everything if fact.kind is Kind.ASKED]
    for life in history.pods:
        own = [fact for fact in everything if (fact.namespace, fact.pod) == (life.namespace, life.name)]
        linker = _Linker(graph, own, asked, life.versions[0].object)
        for fact in own:
            for cause, because in linker.causes(fact):
                graph.add_edge(cause, fact, because=because)
    _link_jobs(graph, history, everything, asked)
    return graph


def _link_jobs(graph: Graph, history: History, everything: Sequence[Fact], asked: Sequence[Fact]) -> None:
    """Tie the Pods of each Job to the wish for it, and to the Pods before them."""
    jobs = {
        (life.namespace, life.name): (life.namespace, job)
        for life in history.pods
        if (job := owning_job(life.versions[0].object))
    }
    by_job: dict[tuple[str, str], list[Fact]] = {}
    for fact in everything:
        if owner := jobs.get((fact.namespace, fact.pod)):
            by_job.setdefault(owner, []).append(fact)
    for (_, job), own in by_job.items():
        for fact in own:
            if fact.kind is Kind.CREATED:
                for cause, because in creation_causes(fact, job, own, asked):
                    graph.add_edge(cause, fact, because=because)


def why(graph: Graph, fact: Fact) -> tuple[Step, ...]:
    """From the first cause to the fact: at each step the cause that came last, for the others had long come true."""
    path: list[Step] = []
    current: Fact | None = fact
    while current is not None:
        causes = sorted(graph.predecessors(current), key=_place)
        last = causes[-1] if causes else None
        after = current.at - last.at if last is not None else 0
        because = str(graph.edges[last, current]["because"]) if last is not None else ""
        path.append(Step(current, after, because))
        current = last
    return tuple(reversed(path))


def find(graph: Graph, container: str, kind: Kind = Kind.STARTED, *, run: int = -1, pod: str | None = None) -> Fact:
    """A fact about a container: its start, its exit, its stop; the last run, or the one of that number from 0.

    Raises KubesimError if there is none, and says which there are.
    """
    fitting = [
        fact
        for fact in sorted(graph.nodes, key=_place)
        if fact.kind is kind and fact.container == container and pod in (None, fact.pod)
    ]
    if run >= 0:
        fitting = [fact for fact in fitting if fact.run == run]
    if not fitting:
        known = sorted({fact.container for fact in graph.nodes if fact.container not in ("", SANDBOX)})
        raise KubesimError(f'nothing says that "{container}" {kind.value}; containers are {", ".join(known)}')
    return fitting[-1]


def _place(fact: Fact) -> tuple[int, int]:
    return fact.order, fact.step


@dataclass(slots=True)
class _Linker:
    """Finds the causes of the facts of one Pod. Everything it returns lies before the fact in the history."""

    graph: Graph
    own: Sequence[Fact]
    asked: Sequence[Fact]
    raw: Mapping[str, Any]
    inits: list[dict[str, Any]] = field(init=False)
    mains: list[str] = field(init=False)

    def __post_init__(self) -> None:
        spec = self.raw.get("spec") or {}
        self.inits = list(spec.get("initContainers") or ())
        self.mains = [entry["name"] for entry in spec.get("containers") or ()]

    def causes(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        match fact.kind:
            case Kind.CREATED:
                yield from self._asked(fact, ("create", "apply"), "the user asked for it")
            case Kind.DELETED:
                yield from self._asked(fact, ("delete", "evict", "delete-job-pod"), "the user asked for it")
            case Kind.BOUND:
                yield from self._last(fact, Kind.CREATED, "the scheduler saw the Pod")
            case Kind.DECIDED_START:
                yield from self._start_causes(fact)
            case Kind.DECIDED_STOP:
                yield from self._stop_causes(fact)
            case Kind.HELD_BACK:
                yield from self._last(fact, Kind.EXITED, "the run before had ended", container=fact.container)
            case Kind.STARTED:
                yield from self._started_causes(fact)
            case Kind.PROBE:
                yield from self._last(fact, Kind.STARTED, "the container ran", container=fact.container)
            case Kind.HOOK | Kind.HOOK_OVER | Kind.STOPPED | Kind.SIGNAL | Kind.EXITED:
                yield from self._runtime_causes(fact)
            case Kind.PHASE:
                yield from self._phase_causes(fact)
            case Kind.GONE:
                yield from self._last(fact, Kind.PHASE, "the Pod had ended", details=TERMINAL)
                yield from self._last(fact, Kind.DELETED, "it was to be deleted")
                yield from self._asked(fact, ("delete",), "the user asked for it")

    def _last(
        self,
        fact: Fact,
        kind: Kind,
        because: str,
        *,
        container: str | None = None,
        run: int | None = None,
        details: tuple[str, ...] = (),
    ) -> Iterator[tuple[Fact, str]]:
        """The newest earlier fact that fits."""
        for other in reversed(self.own):
            if _place(other) >= _place(fact) or other.kind is not kind:
                continue
            if container not in (None, other.container) or run not in (None, other.run):
                continue
            if details and other.detail not in details:
                continue
            yield other, because
            return

    def _asked(self, fact: Fact, verbs: tuple[str, ...], because: str) -> Iterator[tuple[Fact, str]]:
        """The user's wish; it is recorded beside its effect, so one at the same instant counts as before."""
        for other in self.asked:
            fits = other.detail in verbs and other.pod in ("", fact.pod)
            if fits and other.at == fact.at and other.order != fact.order:
                yield other, because
                return

    # -- starting ------------------------------------------------------------------------------------------------

    def _start_causes(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        yield from self._last(fact, Kind.BOUND, "the Pod was bound to a node")
        yield from self._last(fact, Kind.EXITED, "the run before had ended", container=fact.container)
        yield from self._last(fact, Kind.HELD_BACK, "its back-off was over", container=fact.container)
        for other, because in self._last(fact, Kind.DECIDED_STOP, "it is stopped first", container=fact.container):
            if other.order == fact.order:
                yield other, because
        yield from self._turn(fact)

    def _turn(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        """What lets a container have its turn: the entry before it in the list of init containers (K-41, K-42)."""
        names = [entry["name"] for entry in self.inits]
        if fact.container in names:
            place = names.index(fact.container) - 1
        elif fact.container in self.mains:
            place = len(names) - 1
        else:
            return
        if place >= 0:
            yield from self._released(fact, self.inits[place])

    def _released(self, fact: Fact, entry: Mapping[str, Any]) -> Iterator[tuple[Fact, str]]:
        name = str(entry["name"])
        if entry.get("restartPolicy") != "Always":
            yield from self._last(fact, Kind.EXITED, f"init container {name} had ended", container=name, details=("0",))
        elif entry.get("startupProbe"):
            because = f"the startup probe of sidecar {name} passed"
            yield from self._last(fact, Kind.PROBE, because, container=name, details=("startup success",))
        else:
            yield from self._last(fact, Kind.STARTED, f"sidecar {name} had started", container=name)

    def _started_causes(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        if fact.container == SANDBOX:
            yield from self._last(fact, Kind.DECIDED_START, "the kubelet decided so")
            yield from self._last(fact, Kind.BOUND, "the Pod was bound to a node")
            return
        yield from self._last(fact, Kind.DECIDED_START, "the kubelet decided so", container=fact.container)
        yield from self._last(fact, Kind.STARTED, "the sandbox was there", container=SANDBOX)
        yield from self._last(fact, Kind.EXITED, "the run before had ended", container=fact.container)
        yield from self._last(fact, Kind.HOOK_OVER, "starts are serial: a postStart hook ran", details=("postStart",))

    # -- stopping ------------------------------------------------------------------------------------------------

    def _stop_causes(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        if fact.detail in _STOPS_OF_PODS or not fact.container:
            yield from self._last(fact, Kind.DELETED, "the Pod was to be deleted")
            yield from self._last(fact, Kind.BOUND, "the Pod was bound to a node")
            for name in self.mains:
                yield from self._last(fact, Kind.EXITED, f"{name} had ended", container=name)
            return
        failed = ("liveness failure", "startup failure")
        yield from self._last(fact, Kind.PROBE, "the probe failed", container=fact.container, details=failed)
        yield from self._last(fact, Kind.BOUND, "the Pod was bound to a node")

    def _runtime_causes(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        own = fact.container
        match fact.kind, fact.detail:
            case (Kind.HOOK, "postStart"):
                yield from self._last(fact, Kind.STARTED, "it had started", container=own, run=fact.run)
            case (Kind.HOOK, _):
                yield from self._wish_to_stop(fact)
            case (Kind.HOOK_OVER, _):
                yield from self._last(fact, Kind.HOOK, "the hook ran so long", container=own, run=fact.run)
            case (Kind.STOPPED, _):
                yield from self._wish_to_stop(fact)
                yield from self._last(
                    fact, Kind.HOOK, "its preStop hook came first", container=own, details=("preStop",)
                )
                because = "its preStop hook was over"
                yield from self._last(fact, Kind.HOOK_OVER, because, container=own, details=("preStop",))
                yield from self._after_others(fact)
            case (Kind.SIGNAL, "KILL"):
                yield from self._last(fact, Kind.STOPPED, "its grace period was over", container=own, run=fact.run)
            case (Kind.SIGNAL, _):
                yield from self._last(fact, Kind.STOPPED, "a stop begins with a signal", container=own, run=fact.run)
            case (Kind.EXITED, _):
                yield from self._last(fact, Kind.STARTED, "it ran so long", container=own, run=fact.run)
                yield from self._last(fact, Kind.SIGNAL, "it was signalled", container=own, run=fact.run)

    def _wish_to_stop(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        because = "the kubelet decided so"
        yield from self._last(fact, Kind.DECIDED_STOP, because, container=fact.container)
        yield from self._last(fact, Kind.DECIDED_STOP, because, container="")

    def _after_others(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        """A sidecar stops after the mains and after the sidecars behind it, where the release has that order (K-75).

        Whether it waited is read off the run: it was asked to stop later than the kubelet decided.
        """
        sidecars = [entry["name"] for entry in self.inits if entry.get("restartPolicy") == "Always"]
        wish = next(iter(self._wish_to_stop(fact)), None)
        if fact.container not in sidecars or wish is None or fact.at - wish[0].at < SECOND // 10:
            return
        for name in [*self.mains, *sidecars[sidecars.index(fact.container) + 1 :]]:
            for other, _ in self._last(fact, Kind.EXITED, "", container=name):
                if other.at >= wish[0].at:
                    yield other, f"sidecars stop after {name}"

    # -- the Pod -------------------------------------------------------------------------------------------------

    def _phase_causes(self, fact: Fact) -> Iterator[tuple[Fact, str]]:
        if fact.detail not in TERMINAL:
            for name in self.mains:
                yield from self._last(fact, Kind.STARTED, f"{name} had started", container=name)
            return
        for name in [entry["name"] for entry in self.inits] + self.mains:
            yield from self._last(fact, Kind.EXITED, f"{name} had ended", container=name)
        yield from self._last(fact, Kind.BOUND, "the Pod was bound to a node")
