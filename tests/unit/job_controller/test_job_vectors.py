"""A sample of what the real Job controller decided comes out the same; ``tests/fidelity/vectors.py`` runs all of it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[2]
if str(_TESTS / "fidelity") not in sys.path:
    sys.path.insert(0, str(_TESTS / "fidelity"))
vectors = importlib.import_module("vectors")

FILES = vectors.vector_files(_TESTS / "data" / "vectors" / "job")


@pytest.mark.parametrize("path", FILES, ids=vectors.version_of)
def test_sampled_vectors(path: Path) -> None:
    total, found = vectors.differences(path)
    assert total > 50
    assert found == []
