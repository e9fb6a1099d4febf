"""A sample of the vectors recorded from the real functions: statuses, the status cache, tables of kubectl get."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
sys.path.insert(0, str(TESTS / "fidelity"))

import vectors  # noqa: E402 the runner is a script beside the tests, so its folder has to be on the path first

FILES = [
    path
    for family in ("pod_phase", "status_cache", "printer")
    for path in vectors.vector_files(TESTS / "data/vectors" / family)
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{vectors.family_of(path)}-{vectors.version_of(path)}")
def test_every_vector_is_reproduced(path: Path) -> None:
    total, differences = vectors.differences(path)
    assert total
    assert not differences
