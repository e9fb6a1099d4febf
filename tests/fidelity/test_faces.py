"""kubectl's faces are those that kubectl showed of real clusters, in a small sample of what was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fidelity.faces import SAMPLE, SCENARIOS, VIEWS, difference, faces, plain, texts


@pytest.mark.parametrize("text", texts(SAMPLE), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_kubectl_prints_the_same(text: Path) -> None:
    found = list(faces(text, SCENARIOS))
    assert found
    for face in found:
        assert face.recorded == face.simulated, (face.view, difference(face))


def test_the_sample_has_every_view() -> None:
    seen = {face.view for text in texts(SAMPLE) for face in faces(text, SCENARIOS)}
    assert seen == set(VIEWS)


def test_layout_counts_and_accidents_do_not() -> None:
    said = ["Name:  web", "Node:  node1/10.0.0.1", "Events:", "  Normal  Pulled  5s (x3 over 9s)  kubelet  text"]
    same = ["Name:  web", "Node:  node1/10.9.9.9", "Events:", "  Normal  Pulled  61s  kubelet  text"]
    other = ["Name: web", *said[1:]]
    assert plain(said, "describe pod", []) == plain(same, "describe pod", [])
    assert plain(said, "describe pod", []) != plain(other, "describe pod", [])
