"""What the order of ties must not decide: who comes first at one instant is a choice, and these follow from no choice.

Each law is tried on generated runs, under an order drawn at random beside the order asked for; and each is seen to be
broken by a cluster in which the order does decide it.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from families import FAMILIES, sent_together
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from plans import LENGTH, Plan, Scene
from strategies import completions, plans, stops
from test_laws_of_parts import NODES, side_by_side

from kubesim import api
from kubesim.guarantees.judging import check
from kubesim.guarantees.verdicts import Verdict
from kubesim.history.history import History
from kubesim.scenario.load import Scenario
from kubesim.scripts.effects import Exited
from kubesim.sim.runtime import Runtime
from kubesim.sim.stopping import ContainerKill, Ordering
from kubesim.sim.timing import Timing
from kubesim.store import Store

ORDERS = st.integers(1, 50)
"""The numbers of shuffled orders; 0 is the order in which things were asked for."""

COUNTED = ("uid", "controller-uid", "batch.kubernetes.io/controller-uid", "resourceVersion", "exec")
"""What is handed out in the order of all requests, or of all processes of a Pod, and so is nobody's own."""


def loaded(text: str) -> Scenario:
    """The scenario of a file's text."""
    return api.load(io.StringIO(text))


def ran(scenario: Scenario, ties: int, profile: str = "typical") -> History:
    """The history under an order of ties. Where all latencies are zero (``ideal``) most things are ties."""
    timing = replace(scenario.cluster.timing, profile=profile, ties=ties)
    return api.run(replace(scenario, cluster=replace(scenario.cluster, timing=timing)))


def ends(history: History) -> dict[str, Any]:
    """Of each Pod its last phase, and with which code each run of its containers ended, after how many signals."""
    found: dict[str, Any] = {}
    for life in history.pods:
        runs = {name: [(run.code, len(run.signals)) for run in one.runs] for name, one in life.containers.items()}
        found[life.name] = life.phase, runs
    return found


def facts(history: History) -> Counter[str]:
    """All that happened, each with its instant, but for what counts the writes of everybody, and in no order."""
    return Counter(
        json.dumps(_uncounted(json.loads(line)), sort_keys=True) for line in history.to_jsonl().splitlines()[1:]
    )


def _uncounted(value: Any) -> Any:
    match value:
        case dict():
            return {key: _uncounted(inner) for key, inner in value.items() if key not in COUNTED}
        case list():
            return [_uncounted(inner) for inner in value]
        case _:
            return value


def break_no_guarantee(plan: Plan | Scene, ties: int) -> None:
    """What the documentation promises it promises whoever comes first."""
    history = ran(loaded(plan.scenario()), ties)
    broken = [one for one in check(history) if one.verdict is Verdict.BROKEN and not one.known]
    assert not broken, f"ties: {ties}\n{[(one.id, one.proof[0]) for one in broken]}\n{plan.replays()}"


def decide_nothing_about_an_end(plan: Plan, ties: int) -> None:
    """Who is told to stop after whom, with which code each run ends, and which phase follows from the codes."""
    scenario = loaded(plan.scenario())
    asked, shuffled = (ends(ran(scenario, order, "ideal")) for order in (0, ties))
    assert asked == shuffled, f"ties: {ties}\n{asked}\n{shuffled}\n{plan.replays()}"


def decide_nothing_between_nodes(several: list[Plan], ties: int) -> None:
    """Pods of different nodes have nothing to do with each other: all that happens to each, it does at its instants."""
    scenario, text = side_by_side(several, list(NODES[: len(several)]), LENGTH)
    asked, shuffled = (facts(ran(scenario, order)) for order in (0, ties))
    assert asked == shuffled, f"ties: {ties}\n{asked - shuffled}\n{shuffled - asked}\n{text}"


def decide_nothing_about_what_is_stored(scene: Scene, ties: int) -> None:
    """Requests of one instant about different objects: each has its reply and leaves its object, whoever is first."""
    scenario = loaded(scene.scenario())
    asked, shuffled = (facts(ran(scenario, order)) for order in (0, ties))
    assert asked == shuffled, f"ties: {ties}\n{asked - shuffled}\n{shuffled - asked}\n{scene.replays()}"


# Broken where the order does decide -----------------------------------------------------------------------------------


def told_counts_as_ended(patch: pytest.MonkeyPatch) -> None:
    """Who looks whether it is its turn to stop after others have been told to takes them for ended."""
    wait, stop = ContainerKill._wait_for_turn, ContainerKill._stop_container

    def looking(self: ContainerKill) -> None:
        ordering = self.ordering
        is_turn = ordering is None or told(ordering).issuperset(ordering.awaited(self.container.name))
        (self._stop_container if is_turn else partial(wait, self))()

    def stopping(self: ContainerKill) -> None:
        if self.ordering is not None:
            told(self.ordering).add(self.container.name)
        stop(self)

    def told(ordering: Ordering) -> set[str]:
        found: set[str] = vars(ordering).setdefault("told", set())
        return found

    patch.setattr(ContainerKill, "_wait_for_turn", lambda self: self.kubelet.clock.after(0, looking, self))
    patch.setattr(ContainerKill, "_stop_container", lambda self: self.kubelet.clock.after(0, stopping, self))


def one_signal_at_an_instant(patch: pytest.MonkeyPatch) -> None:
    """Of the SIGTERMs that a node sends at one instant all but the first are lost."""
    send = Runtime._send

    def sending(self: Runtime, pod: Any, instance: Any, signal: str) -> None:
        sent = vars(self).setdefault("sent", set())
        if signal != "TERM" or self.clock.now not in sent:
            sent.add(self.clock.now)
            send(self, pod, instance, signal)

    patch.setattr(Runtime, "_send", sending)


def one_success_at_an_instant(patch: pytest.MonkeyPatch) -> None:
    """Of the programs of a node that end at one instant all but the first fail."""
    exits = Runtime._exits

    def exiting(self: Runtime, pod: Any, instance: Any, effect: Exited) -> None:
        ended = vars(self).setdefault("ended", set())
        exits(self, pod, instance, replace(effect, code=1) if effect.at in ended else effect)
        ended.add(effect.at)

    patch.setattr(Runtime, "_exits", exiting)


def nodes_share_a_stream(patch: pytest.MonkeyPatch) -> None:
    """How long a step takes is drawn from one stream for all nodes."""
    latency = Timing.latency
    patch.setattr(Timing, "latency", lambda self, name: latency(self, name) + self.stream("all").randrange(2))


def labels_leak(patch: pytest.MonkeyPatch) -> None:
    """A Pod gets the name of the one that was created before it as a label."""
    create = Store.create

    def leaking(self: Store, raw: dict[str, Any], *rest: Any, **named: Any) -> Any:
        names = vars(self).setdefault("names", [""])
        names.append(raw["metadata"]["name"])
        labeled = {**raw, "metadata": {**raw["metadata"], "labels": {"after": names[-2]}}}
        return create(self, labeled if raw["kind"] == "Pod" else raw, *rest, **named)

    patch.setattr(Store, "create", leaking)


@dataclass(frozen=True)
class Law:
    """What holds under any order of ties, on which runs, and the wrong cluster in which it does not."""

    holds: Callable[[Any, int], None]
    drawn: st.SearchStrategy[Any]
    broken_by: Callable[[pytest.MonkeyPatch], None]
    share: float = 1
    """Of the examples that a profile tries."""
    broken_in: st.SearchStrategy[Any] | None = None
    """The runs that show it best; None: any on which it is tried."""

    def tried(self, drawn: st.SearchStrategy[Any], orders: st.SearchStrategy[int] = ORDERS, **how: Any) -> None:
        """Try it on generated runs."""

        @settings(**{"max_examples": int(settings.default.max_examples * self.share), **how})
        @given(drawn, orders)
        def law(one: Any, ties: int) -> None:
            self.holds(one, ties)

        law()


FAMILY = st.sampled_from(tuple(FAMILIES)).flatmap(FAMILIES.__getitem__)


def with_a_probe_at_most(plan: Plan) -> Plan:
    """Without the other probes: two of one container tick together, and which of them does so first may decide."""
    mains, inits = (
        tuple(replace(one, probes=one.probes[:1]) for one in containers) for containers in (plan.mains, plan.inits)
    )
    return replace(plan, mains=mains, inits=inits)


SEVERAL = st.lists(plans().map(with_a_probe_at_most), min_size=2, max_size=len(NODES))

ENDS, SEVERAL_ENDS = completions(), completions(several=True)

LAWS = {
    "the guarantees": Law(break_no_guarantee, FAMILY, told_counts_as_ended, 1, stops()),
    "a stop": Law(decide_nothing_about_an_end, stops(), one_signal_at_an_instant, 2 / 3),
    "a completion": Law(decide_nothing_about_an_end, ENDS, one_success_at_an_instant, 2 / 3, SEVERAL_ENDS),
    "nodes apart": Law(decide_nothing_between_nodes, SEVERAL, nodes_share_a_stream, 1 / 5),
    "the store": Law(decide_nothing_about_what_is_stored, sent_together(), labels_leak, 2 / 3),
}


@pytest.mark.parametrize("name", LAWS)
def test_ties_decide_nothing_about(name: str) -> None:
    LAWS[name].tried(LAWS[name].drawn)


@pytest.mark.parametrize("name", LAWS)
def test_where_ties_decide_it_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster is wrong in such a way that nothing is seen in the order asked for."""
    law = LAWS[name]
    law.broken_by(monkeypatch)
    runs = law.drawn if law.broken_in is None else law.broken_in
    law.tried(runs, st.just(0), max_examples=8)
    with pytest.raises(AssertionError, match="ties: "):
        law.tried(runs, phases=[Phase.generate])
