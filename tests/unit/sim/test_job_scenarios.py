"""What the scenarios about Jobs expect does not hang on one set of latencies (they run nominally in tests/docs)."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesim.api import load, run
from kubesim.scenario.expect import check
from kubesim.timelines.facts import facts_of

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios" / "jobs").glob("*.yaml"))


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 20


@pytest.mark.parametrize("draw", [1, 5])
@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_what_a_scenario_expects(path: Path, draw: int) -> None:
    scenario = load(path)
    history = run(scenario, draw=draw)
    facts, release = facts_of(history), history.header.control_plane.release
    for expectation in scenario.expect:
        outcome = check(expectation, facts, release)
        assert outcome.held is not False, outcome.explanation
