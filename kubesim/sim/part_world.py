"""A world that simulates a part of a scenario, and keeps a journal from which the whole is put together again."""

from __future__ import annotations

import sys
from bisect import bisect
from dataclasses import dataclass, field, replace

import msgspec

from kubesim.errors import KubesimError
from kubesim.history.interleaved import Journal
from kubesim.history.records import Assumed, NotModelled, PodSummary
from kubesim.scenario.actions import Apply, Create
from kubesim.scenario.load import Scenario
from kubesim.scenario.parts import Part, Split
from kubesim.sim.world import Larger, World
from kubesim.store.naming import uid_of
from kubesim.units import Duration, Instant

_ENCODER = msgspec.msgpack.Encoder()


class Renumbered(KubesimError):
    """An object was refused before it got a uid: those behind it, in other parts too, have others than was planned."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a part goes: until it settles, and at least to an instant; or, if given, exactly so many steps."""

    at_least: Instant = 0
    steps: int | None = None


@dataclass(frozen=True, slots=True)
class PartRun:
    """What a part sends back."""

    header: bytes
    """As the first line of a history, for what has its default value is left out there."""
    journal: Journal
    records: bytes
    """A msgpack list of them."""
    left: tuple[tuple[int, PodSummary], ...]
    """The lines of the Pods that exist at the end, with their place among all objects created (level summary)."""
    next_due: Instant | None
    """When it would go on, if at all, before the run is over at the latest."""
    limit: Instant


@dataclass(slots=True)
class _Keeper:
    """Writes the journal of a world."""

    world: World
    journal: Journal = field(default_factory=Journal)
    _marks: list[int] = field(default_factory=list)
    _mark: int = 0

    def open(self, place: int, records: int | None = None) -> None:
        """Something was done before the clock ran; ``records``: how many there were then, if not as many as now."""
        self.journal.opening.append(place)
        self._note(self.world.started, -1, len(self.world.recorder.records) if records is None else records)

    def step(self, instant: Instant, number: int) -> None:
        """The callback of that number has run."""
        journal, clock, records = self.journal, self.world.clock, len(self.world.recorder.records)
        mark = clock.mark()
        is_idle = mark == self._mark + 1 and records == journal.records[-1] and clock.pending == journal.pending[-1]
        self._mark = mark
        if not is_idle:
            self._note(instant, bisect(self._marks, number), records, mark)

    def _note(self, instant: Instant, planned_by: int, records: int, mark: int | None = None) -> None:
        self._mark = self.world.clock.mark() if mark is None else mark
        self._marks.append(self._mark)
        self.journal.instants.append(instant)
        self.journal.planned_by.append(planned_by)
        self.journal.records.append(records)
        self.journal.pending.append(self.world.clock.pending)


def run_part(
    scenario: Scenario, split: Split, number: int, digest: str, until: Duration | None, level: str, bounds: Bounds
) -> PartRun:
    """Run one part of a scenario. ``digest``: the whole scenario's. Raises Renumbered, and what a run raises."""
    part = split.parts[number]
    cluster = replace(scenario.cluster, nodes=tuple(scenario.cluster.nodes[place] for place in part.nodes))
    own = replace(scenario, cluster=cluster)
    world = World(own, until=until, level=sys.intern(level), part_of=Larger(digest, part.numbers))
    keeper = _Keeper(world)
    _open_with_nodes(keeper, scenario)
    _begin(keeper, scenario, split, number)
    _run(keeper, bounds)
    _check_numbers(world, split, part)
    pods = world.recorder.pods
    places = {uid_of(f"{digest}/{place}"): place for place in part.numbers} if pods is not None else {}
    left = [(places[uid], line) for uid, line in pods.left(world.clock.now)] if pods is not None else []
    next_due = world.clock.next_due
    return PartRun(
        header=msgspec.json.encode(world.header()),
        journal=keeper.journal,
        records=_ENCODER.encode(world.recorder.records),
        left=tuple(left),
        next_due=next_due if next_due is not None and next_due <= world.limit else None,
        limit=world.limit,
    )


def _open_with_nodes(keeper: _Keeper, scenario: Scenario) -> None:
    """The records that are there already: of each node's registration, then of what is left out of its settings."""
    places = {node.name: place for place, node in enumerate(scenario.cluster.nodes)}
    records = keeper.world.recorder.records
    for behind, record in enumerate(records, 1):
        if isinstance(record, Assumed | NotModelled):
            place = len(places) + places[record.subject.removeprefix("Node/")]
        else:
            place = places[getattr(record, "name", "")]
        keeper.open(place, behind)


def _begin(keeper: _Keeper, scenario: Scenario, split: Split, number: int) -> None:
    """Submit the part's manifests and plan its actions, as :meth:`World.begin` does for all."""
    world, part = keeper.world, split.parts[number]
    world.stimuli.check(scenario.actions)
    first = 2 * len(scenario.cluster.nodes)
    for place in part.objects:
        before = len(world.recorder.records)
        world.stimuli.submit((scenario.objects[place],))
        if place in split.shared and number:
            del world.recorder.records[before:]
        keeper.open(first + place)
    if world.api.store.created != len(part.nodes) + len(part.objects):
        raise Renumbered("a manifest is refused before it gets a uid")
    first += len(scenario.objects)
    for place in part.actions:
        action = split.actions[place]
        world.clock.at(world.started + action.at, world.stimuli.perform, action)
        keeper.open(first + place)


def _run(keeper: _Keeper, bounds: Bounds) -> None:
    clock = keeper.world.clock
    steps = clock.steps(keeper.world.limit)
    while not _is_enough(keeper, bounds) and (step := next(steps, None)) is not None:
        keeper.step(*step)


def _is_enough(keeper: _Keeper, bounds: Bounds) -> bool:
    if bounds.steps is not None:
        return len(keeper.journal) >= bounds.steps
    clock = keeper.world.clock
    return clock.settled and (clock.next_due is None or clock.next_due > bounds.at_least)


def _check_numbers(world: World, split: Split, part: Part) -> None:
    """Every creation there has been took its number, and no more."""
    latency = world.timing.latency("user-write")
    made = [one for one in map(split.actions.__getitem__, part.actions) if isinstance(one, Create | Apply)]
    due = sum(world.started + one.at + latency <= world.clock.now for one in made)
    if world.api.store.created != len(part.nodes) + len(part.objects) + due:
        raise Renumbered("an object is refused before it gets a uid")
