"""A sample of what real kubelets decided comes out the same; the whole set is for ``tests/fidelity/vectors.py``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[2]
if str(_TESTS / "fidelity") not in sys.path:
    sys.path.insert(0, str(_TESTS / "fidelity"))
vectors = importlib.import_module("vectors")

FAMILIES = ("backoff", "compute_pod_actions", "probe_worker", "termination")
FILES = [path for family in FAMILIES for path in vectors.vector_files(_TESTS / "data" / "vectors" / family)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{vectors.version_of(path)}")
def test_sampled_vectors(path: Path) -> None:
    total, found = vectors.differences(path)
    assert total > 20
    assert found == []


def test_the_runner_reports_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It exits 1 and counts what is wrong; a family without an adapter has nothing right."""
    source = vectors.vector_files(_TESTS / "data" / "vectors" / "backoff")[0]
    text = vectors.gzip.decompress(source.read_bytes()).decode()
    first, rest = text.split("\n", 1)
    wrong = first.replace('"storedBackoff":10', '"storedBackoff":11')
    assert wrong != first
    for family in ("backoff", "no_such_family"):
        (tmp_path / family).mkdir()
        (tmp_path / family / source.name).write_bytes(vectors.gzip.compress(f"{wrong}\n{rest}".encode()))
    total = len(text.splitlines())
    assert vectors.main([str(tmp_path), "--show", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"backoff {vectors.version_of(source)} {total - 1}/{total}"
    assert f"no_such_family {vectors.version_of(source)} 0/{total}" in lines
    assert vectors.main([str(source)]) == 0
