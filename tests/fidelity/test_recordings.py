"""Recordings of real clusters, simulated again: a chosen few, each of which has to stay reproduced at every level.

The folder ``tests/data/recordings`` is laid out like the corpus it was taken from: ``<config>/<id>.json.gz``, with
``scenarios/`` and ``configs.json`` beside. Some draw among the first eight has to be the recording; what the levels
mean is in ``kubesim conform --help``. The whole corpus is run by ``make fidelity``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kubesim.commands.conform import simulate
from kubesim.fidelity.conform import conform_one, find_source
from kubesim.fidelity.recording import LEVELS

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"
PATHS = sorted(RECORDINGS.glob("*/*.json.gz"))
NAMES = [f"{path.parent.name}/{path.name.removesuffix('.json.gz')}" for path in PATHS]
DRAWS = 8


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_recording_is_reproduced(path: Path) -> None:
    found = conform_one(find_source(path), simulate, DRAWS)

    missed = [level for level in LEVELS if not found.levels[level]]
    assert not missed, "\n".join(str(each) for each in found.differences)


@pytest.mark.parametrize(
    ("name", "other", "first_missed"),
    [
        # FINDINGS 1: 1.28 stops sidecars at once, 1.29 in their turn. A condition's name tells already at L1.
        ("1.28-gate-on/del-mains-and-sidecars", "1.29", "L1"),
        # FINDINGS 46: with the gate off, the sidecar is an ordinary init container.
        ("1.28/sc-basic", "1.28-gate-on", "L1"),
        # FINDINGS 47: the kubelet rejects what it does not know.
        ("skew-api1.29-kubelet1.28-off/sc-basic", "skew-api1.29-kubelet1.28-on", "L1"),
        # FINDINGS 8: a forced delete in 1.36 leaves 2 s, in 1.29 the Pod's own grace.
        ("1.36/del-grace-0-ignores-term", "1.29", "L2"),
        # FINDINGS 27: the phase goes back to Pending in 1.28 and 1.29 only.
        ("1.28-gate-on/sc-complete-always", "1.36", "L1"),
        # FINDINGS 53: the texts of Events.
        ("1.29-run2/sc-readiness-does-not-gate", "1.36", "L3"),
        # FINDINGS 62: the gate makes the first back-offs short.
        ("1.36-gates/restart-crashloop", "1.36", "L1"),
    ],
)
def test_another_configuration_does_not_reproduce_it(name: str, other: str, first_missed: str) -> None:
    """What is reproduced is the release, not just any run of the scenario."""
    source = find_source(PATHS[NAMES.index(name)])
    elsewhere = next(path for path in PATHS if path.parent.name.removesuffix("-run2") == other)

    found = conform_one(replace(source, configuration=find_source(elsewhere).configuration), simulate, DRAWS)

    assert [level for level in LEVELS if not found.levels[level]][:1] == [first_missed], found.differences


def test_each_recording_comes_with_its_scenario() -> None:
    """No file of the folder is left over, and none is missing: each has a recording, or what kubectl printed."""
    sources = [find_source(path) for path in PATHS]
    printed = {path.stem for path in (RECORDINGS.parent / "kubectl").glob("*/*.txt")}

    recorded = {source.manifest.stem for source in sources}
    assert recorded | printed == {path.stem for path in (RECORDINGS / "scenarios").glob("*.yaml")}
    actions = {path.name.removesuffix(".actions.json") for path in (RECORDINGS / "scenarios").glob("*.actions.json")}
    assert recorded | printed == actions
    assert {source.config for source in sources} == set(
        json.loads((RECORDINGS / "configs.json").read_text(encoding="utf-8"))
    )
