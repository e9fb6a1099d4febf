"""The PLEG that looks only when it matters equals one that looks every second, for any changes at any instants (K-18).

The reference below really ticks: it lists every pod at each instant of the grid, for ever. Both see the same changes,
the same requests for newer data (K-2) and the same requests to look at one pod at once (1.36).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubesim.kubelet.observed import Observed, ObservedContainer, RuntimeState
from kubesim.sim.clock import Clock
from kubesim.sim.pleg import DIED, REMOVED, STARTED, Pleg
from kubesim.sim.timing import Latency, Profile, Timing

PERIOD, DURATION, PHASE, ON_DEMAND = 1000, 40, 500, 8
"""The grid lies at multiples of 4; changes come at odd instants, requests at 2 more than a multiple of 4: no ties."""
END = 12_000
CREATED, RUNNING, EXITED = RuntimeState.CREATED, RuntimeState.RUNNING, RuntimeState.EXITED
Events = tuple[tuple[str, str], ...]


@dataclass
class Node:
    """A runtime with some pods; what a look finds is written down by whoever listens."""

    pods: dict[str, dict[str, RuntimeState]] = field(default_factory=dict)
    noticed: Any = None

    def states(self, uid: str) -> dict[str, RuntimeState]:
        return dict(self.pods.get(uid, {}))

    def observe(self, uid: str) -> Observed:
        entries = self.pods.get(uid, {}).items()
        return Observed(containers=tuple(ObservedContainer(id=name, name=name, state=state) for name, state in entries))

    def change(self, uid: str, name: str, state: RuntimeState | None) -> None:
        pod = self.pods.setdefault(uid, {})
        if state is None:
            pod.pop(name, None)
        else:
            pod[name] = state
        if self.noticed is not None:
            self.noticed(uid)


class Heard:
    """Everything that came out of a PLEG: events, and data for those who waited."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lines: list[tuple[int, str, Any]] = []

    def runtime_changed(self, uid: str, events: Events) -> None:
        self.lines.append((self.clock.now, f"changed {uid}", events))

    def newer(self, seen: Observed, who: str) -> None:
        states = {container.name: container.state for container in seen.containers}
        self.lines.append((self.clock.now, f"newer for {who}", states))


class TickingPleg:
    """Lists all pods at every tick, as the kubelet does; requests for one pod wait for a look under way."""

    def __init__(self, clock: Clock, node: Node, heard: Heard) -> None:
        self.clock, self.node, self.heard = clock, node, heard
        self.known: dict[str, dict[str, RuntimeState]] = {}
        self.cache: dict[str, tuple[int, Observed]] = {}
        self.newest = PHASE - (PERIOD + DURATION)
        """The kubelet has run for long: a look at the last tick before the story found nothing."""
        self.looking = False
        self.waiting: list[tuple[str, int, str]] = []
        self.postponed: list[tuple[str, int]] = []
        clock.at(PHASE, self.tick)

    def tick(self) -> None:
        self.clock.after(PERIOD + DURATION, self.tick)
        self.looking = True
        listed = {uid: self.node.states(uid) for uid in sorted(self.node.pods)}
        self.clock.after(DURATION, self.looked, self.clock.now, listed)

    def looked(self, began: int, listed: dict[str, dict[str, RuntimeState]]) -> None:
        self.looking, self.newest = False, began
        found = [(uid, self.compare(uid, states, began)) for uid, states in listed.items()]
        self.serve()
        for uid, events in found:
            if events:
                self.heard.runtime_changed(uid, events)
        postponed, self.postponed = self.postponed, []
        for uid, asked in postponed:
            self.look_now(uid, asked)

    def compare(self, uid: str, states: dict[str, RuntimeState], began: int) -> Events:
        before = self.known.get(uid, {})
        if before != states:
            self.known[uid] = states
            self.cache[uid] = (began, self.node.observe(uid))
        events: list[tuple[str, str]] = []
        for name in (*before, *(name for name in states if name not in before)):
            old, new = before.get(name), states.get(name)
            if old is new:
                continue
            if new is RUNNING:
                events.append((STARTED, name))
            elif new is EXITED:
                events.append((DIED, name))
            elif new is None:
                events += [(REMOVED, name)] if old is EXITED else [(DIED, name), (REMOVED, name)]
        return tuple(events)

    def when_newer(self, uid: str, instant: int, who: str) -> None:
        self.waiting.append((uid, instant, who))
        self.serve()

    def serve(self, only: str = "") -> None:
        """Answer those whose data is new enough; ``only``: the pod that was looked at just now, known or not."""
        for entry in list(self.waiting):
            uid, instant, who = entry
            modified, seen = self.cache.get(uid, (-(10**9), Observed()))
            if self.newest > instant or modified > instant or (uid == only and self.clock.now > instant):
                self.waiting.remove(entry)
                self.heard.newer(seen, who)

    def look_at(self, uid: str) -> None:
        self.clock.after(ON_DEMAND, self.look_now, uid, self.clock.now)

    def look_now(self, uid: str, asked: int) -> None:
        if self.looking:
            self.postponed.append((uid, asked))
            return
        if self.newest > asked:
            return
        events = self.compare(uid, self.node.states(uid), self.clock.now)
        if uid in self.cache:
            self.cache[uid] = (self.clock.now, self.cache[uid][1])
        self.serve(only=uid)
        if events:
            self.heard.runtime_changed(uid, events)


def timing() -> Timing:
    latencies = {"relist": DURATION, "pod-relist": ON_DEMAND, "pleg-phase": 0}
    profile = Profile("test", {name: Latency(value, value, value) for name, value in latencies.items()})
    return Timing(profile)


def skipping_pleg(clock: Clock, node: Node, heard: Heard) -> Pleg:
    pleg = Pleg(clock, timing(), node, heard, interval=PERIOD)  # type: ignore[arg-type]  # a fake runtime
    pleg.phase = PHASE
    node.noticed = pleg.noticed
    return pleg


def play(story: list[tuple[Any, ...]], *, ticking: bool) -> list[tuple[int, str, Any]]:
    """What came out of a PLEG that saw the story: changes, waits and requests, each at its instant."""
    clock, node = Clock(), Node()
    heard = Heard(clock)
    pleg = TickingPleg(clock, node, heard) if ticking else skipping_pleg(clock, node, heard)
    for number, (instant, what, uid, *rest) in enumerate(story):
        if what == "change":
            clock.at(instant, node.change, uid, *rest)
        elif what == "wait":
            who = f"{uid}#{number}"
            (back,) = rest
            if isinstance(pleg, TickingPleg):
                clock.at(instant, pleg.when_newer, uid, instant - back, who)
            else:
                clock.at(instant, pleg.when_newer, uid, instant - back, heard.newer, who)
        else:
            clock.at(instant, pleg.look_at, uid)
    clock.run(END)
    return heard.lines


pods = st.sampled_from(["a", "b"])
changes = st.tuples(
    st.integers(0, 4000).map(lambda each: 2 * each + 1),
    st.just("change"),
    pods,
    st.sampled_from(["one", "two"]),
    st.sampled_from([CREATED, RUNNING, EXITED, None]),
)
waits = st.tuples(
    st.integers(0, 2000).map(lambda each: 4 * each + 2),
    st.just("wait"),
    pods,
    st.integers(0, 125).map(lambda each: 4 * each),
)
requests = st.tuples(st.integers(0, 2000).map(lambda each: 4 * each + 2), st.just("look"), pods)


@settings(deadline=None)
@given(st.lists(st.one_of(changes, waits), max_size=30))
@example([(502, "wait", "a", 4)])
@example([(2, "wait", "a", 0), (2, "wait", "b", 0), (2, "wait", "a", 0)])
@example([(501, "change", "a", "one", RUNNING), (538, "wait", "a", 0), (539, "change", "a", "one", EXITED)])
@example([(499, "change", "a", "one", RUNNING), (502, "wait", "a", 0), (1541, "change", "b", "two", CREATED)])
def test_looking_only_when_it_matters_equals_looking_every_second(story: list[tuple[Any, ...]]) -> None:
    """Changes, and those who wait for data newer than some instant: same answers at the same instants."""
    assert play(story, ticking=False) == play(story, ticking=True)


@settings(deadline=None)
@given(st.lists(st.one_of(changes, waits, requests), max_size=30))
@example([(501, "change", "a", "one", RUNNING), (522, "look", "a")])
@example([(2, "look", "b"), (2, "wait", "b", 0)])
def test_looking_at_one_pod_at_once_changes_nothing_else(story: list[tuple[Any, ...]]) -> None:
    """K-2, 1.36: looks at one pod come in turn with the looks at all."""
    assert play(story, ticking=False) == play(story, ticking=True)


def test_a_start_and_an_end_between_two_looks_are_seen_as_an_end() -> None:
    """FINDINGS 18: who only looks once a second misses what was short."""
    found = play([(501, "change", "a", "one", RUNNING), (601, "change", "a", "one", EXITED)], ticking=False)

    assert found == [(1580, "changed a", ((DIED, "one"),))]


def test_a_created_container_wakes_nobody() -> None:
    assert play([(501, "change", "a", "one", CREATED)], ticking=False) == []


@pytest.mark.parametrize(("asked", "told"), [(402, 540), (502, 1580), (542, 1580)])
def test_newer_means_a_look_that_began_later(asked: int, told: int) -> None:
    """K-2: a look that was under way when the pass before ended does not count."""
    assert play([(asked, "wait", "a", 0)], ticking=False) == [(told, "newer for a#0", {})]


def test_old_data_is_new_enough_for_whoever_asks_about_the_past() -> None:
    assert play([(702, "wait", "a", 400)], ticking=False) == [(702, "newer for a#0", {})]


def test_a_quiet_node_costs_nothing() -> None:
    clock, node = Clock(), Node()
    pleg = skipping_pleg(clock, node, Heard(clock))
    node.change("a", "one", RUNNING)
    clock.run(10**12)

    assert clock.now == PHASE + DURATION
    assert pleg.cached("a").containers[0].state is RUNNING


def test_a_forgotten_pod_is_empty() -> None:
    clock, node = Clock(), Node()
    pleg = skipping_pleg(clock, node, Heard(clock))
    node.change("a", "one", RUNNING)
    clock.run(10**6)
    pleg.forget("a")

    assert pleg.cached("a") == Observed()
