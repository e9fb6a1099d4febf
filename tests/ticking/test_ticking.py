"""Skipping what changes nothing equals ticking through it, on whole clusters, and a skip that is wrong is noticed.

What is compared, and which records are those of the ticks themselves, is said in ``world.comparable``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesim import api
from kubesim.units import SECOND
from tests.ticking.broken import BROKEN
from tests.ticking.corpus import SAMPLE, as_it_was_recorded, length, manifests
from tests.ticking.world import PARTS, first_difference

ROOT = Path(__file__).resolve().parents[2]


def scenarios() -> list[Path]:
    """Every scenario of the repository, and the cases made for what they do not meet."""
    return sorted([*(ROOT / "scenarios").rglob("*.yaml"), *(ROOT / "tests" / "ticking" / "cases").glob("*.yaml")])


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_a_scenario_is_the_same_when_everything_ticks(path: Path) -> None:
    scenario = api.load(path)

    assert not first_difference(scenario, length(scenario))


RECORDED = [(path, ("1.28", "1.36")[number % 2]) for number, path in enumerate(manifests(SAMPLE))]
"""The recorded manifests that come with the repository, on two releases in turn; all of them: ``corpus.py``."""


@pytest.mark.parametrize(("path", "release"), RECORDED, ids=[f"{path.stem}-{release}" for path, release in RECORDED])
def test_a_recorded_manifest_is_the_same_when_everything_ticks(path: Path, release: str) -> None:
    scenario = as_it_was_recorded(path, release)

    assert not first_difference(scenario, length(scenario))


@pytest.mark.parametrize(("place", "part", "path", "seconds"), BROKEN, ids=[part.__name__ for _, part, *_ in BROKEN])
def test_a_skip_that_is_wrong_is_noticed(place: str, part: type, path: str, seconds: int) -> None:
    scenario, until = api.load(ROOT / path), seconds * SECOND

    assert not first_difference(scenario, until)
    assert first_difference(scenario, until, {place: part})


def test_every_part_that_ticks_is_put_wrong_once() -> None:
    assert {place for place, *_ in BROKEN} == set(PARTS)
