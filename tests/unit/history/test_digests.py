"""Histories are what they were, byte for byte: a change that means to change none must not."""

from __future__ import annotations

import pytest

from tests.bench import digests, workloads

WAY_OUT = "if the change is meant: python -m tests.bench.digests --write"


@pytest.mark.parametrize("name", digests.SCENARIOS)
def test_the_histories_of_a_scenario_are_as_before(name: str) -> None:
    kept = digests.kept()
    for run, value in digests.of_scenario(name):
        assert value == kept.get(run), f"{run}: another history than before; {WAY_OUT}"


@pytest.mark.parametrize("name", workloads.SMALL)
def test_the_histories_of_the_benchmarks_are_as_before(name: str) -> None:
    kept = digests.kept()
    for run, value in digests.of_workload(name):
        assert value == kept.get(run), f"{run}: another history than before; {WAY_OUT}"


def test_nothing_is_kept_of_what_is_gone() -> None:
    runs = len(digests.SCENARIOS) * len(digests.RELEASES) * len(digests.SEEDS) + len(workloads.SMALL)
    assert len(digests.kept()) == runs, WAY_OUT
