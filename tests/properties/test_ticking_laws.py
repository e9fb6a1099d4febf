"""Whole generated worlds, in which nothing is skipped, are the same: idle-skipping equals ticking."""

from __future__ import annotations

import io
from dataclasses import replace

from families import FAMILIES
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import Plan, Scene

from kubesim import api
from kubesim.scenario.load import Scenario
from kubesim.sim.timing import named_profile
from kubesim.units import SECOND
from tests.ticking.world import first_difference

LENGTH = 160 * SECOND
"""Long enough for two resyncs, some rounds of every slow loop, and what a generated run has to tell."""


@st.composite
def latencies(draw: st.DrawFn) -> dict[str, str]:
    """Each latency at its typical value or anywhere in its range, and some nanoseconds off; each loop anywhere.

    The nanoseconds keep things apart that would happen at one instant by the roundness of the typical values: which of
    them comes first then is not settled by any promise, and may be otherwise where everything ticks.
    """
    chance = draw(st.randoms(use_true_random=False))
    is_typical = draw(st.booleans())
    found = {}
    for name, entry in sorted(named_profile("typical").latencies.items()):
        if name.endswith("-phase"):
            found[name] = f"{chance.random():.9f}s"
        else:
            value = entry.typical if is_typical else chance.randint(entry.low, entry.high)
            found[name] = f"{value + chance.randrange(1, 1000)}ns"
    return found


def with_latencies(scenario: Scenario, settings: dict[str, str]) -> Scenario:
    """The scenario with these latencies, all fixed: nothing is drawn, so a tick can draw nothing away."""
    timing = replace(scenario.cluster.timing, settings=settings)
    return replace(scenario, cluster=replace(scenario.cluster, timing=timing))


@settings(max_examples=settings.default.max_examples * 2)
@given(st.sampled_from(tuple(FAMILIES)).flatmap(FAMILIES.__getitem__), latencies())
def test_skipping_what_changes_nothing_equals_ticking(plan: Plan | Scene, chosen: dict[str, str]) -> None:
    """Everything periodic really happens in every period, and nothing is recorded that was not, nor otherwise."""
    scenario = with_latencies(api.load(io.StringIO(plan.scenario())), chosen)

    assert not first_difference(scenario, LENGTH), f"{chosen}\n{plan.replays()}"
