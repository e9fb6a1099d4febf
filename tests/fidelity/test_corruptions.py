"""The comparison has teeth: a recording equals itself, another real run of it, and no corrupted one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from corruptions import CORRUPTIONS, corrupted

from kubesim.fidelity.compare import compare
from kubesim.fidelity.recording import LEVELS, Recording
from kubesim.fidelity.trace import load_trace

TRACES = Path(__file__).parent.parent / "data" / "traces"
PATHS = sorted(TRACES.glob("*/*.json.gz"))
NAMES = [f"{path.parent.name}/{path.name.removesuffix('.json.gz')}" for path in PATHS]

LATER = {("reason of a main container's final state", "1.29/sc-complete-always")}
"""The last terminated state is not the final one there: the container waits again."""
EARLIER = {"phase Running left out": "L1", "SIGKILL 0.9 s early": "L2"}
"""Without Running the phase in the end can be wrong as well; a SIGKILL too early overtakes what it should follow."""
WIDE = {("the last first start, and all after it, 2.5 s later", "1.29/job-never-backofflimit")}
"""The third pod of a Job with back-off: its chain of causes allows more than the shift."""


@cache
def recording(path: Path) -> Recording:
    return Recording.of(load_trace(path))


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_recording_equals_itself(path: Path) -> None:
    comparison = compare(recording(path), load_trace(path))

    assert comparison.differences == []
    assert comparison.levels == dict.fromkeys(LEVELS, True)


@pytest.mark.parametrize("name", ["sc-basic", "del-mains-and-sidecars", "job-parallel"])
@pytest.mark.parametrize("ways", [("1.29", "1.29-run2"), ("1.29-run2", "1.29")], ids=str)
def test_two_real_runs_equal_each_other(name: str, ways: tuple[str, str]) -> None:
    recorded, other = (TRACES / way / f"{name}.json.gz" for way in ways)

    comparison = compare(recording(recorded), load_trace(other))

    assert comparison.levels == dict.fromkeys(LEVELS, True), [str(each) for each in comparison.differences]


def test_another_release_is_told_apart() -> None:
    """1.29 and 1.36 stop in the same order (FINDINGS 1) but name their Events differently (FINDINGS 53)."""
    recorded, other = (TRACES / way / "del-mains-and-sidecars.json.gz" for way in ("1.29", "1.36"))

    comparison = compare(recording(recorded), load_trace(other))

    assert comparison.first_missed == "L3"
    assert any("Event Created" in each.what for each in comparison.differences)
    assert any("phase Running" in each.what and each.level == "L4" for each in comparison.differences)


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix('.json.gz')}"


CASES = [
    (kind, path)
    for kind, (corruption, _) in CORRUPTIONS.items()
    for path in PATHS
    if corrupted(load_trace(path), corruption) is not None
]


@pytest.mark.parametrize(("kind", "path"), CASES, ids=[f"{kind}: {name_of(path)}" for kind, path in CASES])
def test_a_corruption_is_caught_at_its_level(kind: str, path: Path) -> None:
    corruption, level = CORRUPTIONS[kind]
    spoilt = corrupted(load_trace(path), corruption)
    assert spoilt is not None

    missed = compare(recording(path), spoilt).first_missed

    if (kind, name_of(path)) in WIDE:
        assert missed is None
    elif (kind, name_of(path)) in LATER:
        assert missed == "L3"
    else:
        assert missed in (level, EARLIER.get(kind))


def test_every_kind_of_corruption_has_a_trace() -> None:
    assert {kind for kind, _ in CASES} == set(CORRUPTIONS)
