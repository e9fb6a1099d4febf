"""`kubesim features` against the metrics of real components (C-75 to C-77)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubesim.releases import Component, Release, features, metrics_lines, release

RECORDED = sorted((Path(__file__).parents[2] / "data" / "metrics").glob("*.txt"))

GREPPED = re.compile(
    r"kubernetes_feature_enabled.*(Sidecar|RestartRules|RestartAll|SleepAction|StopSignals|JobBackoffLimitPerIndex"
    r"|JobPodReplacement|JobSuccess|PodReadyToStart)"
)


def settings(words: str, component: Component) -> Release:
    """The release that a recording's first line names: `kube-apiserver 1.28 SidecarContainers=true`."""
    _, text, gates = words.strip().split(" ", 2)
    pairs = [pair.split("=") for pair in gates.split(",") if "=" in pair]
    return release(text, {name: value == "true" for name, value in pairs}, component=component)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_metrics_lines_are_those_of_real_components(path: Path) -> None:
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    api_server, kubelet = rest.split("\n\n")
    words = first.removeprefix("#").split(";")
    for part, component, text in (
        (words[0], Component.APISERVER, api_server),
        (words[1], Component.KUBELET, kubelet),
    ):
        ours = [line for line in metrics_lines(settings(part, component)) if GREPPED.search(line)]
        assert ours == text.strip().splitlines()[1:]


def test_recordings_are_there() -> None:
    assert len(RECORDED) == 10


@pytest.mark.parametrize(("text", "level"), [("1.27", "ALPHA"), ("1.28", "BETA"), ("1.36", "BETA")])
def test_header(text: str, level: str) -> None:
    assert metrics_lines(release(text))[:2] == (
        f"# HELP kubernetes_feature_enabled [{level}] "
        "This metric records the data about the stage and enablement of a k8s feature.",
        "# TYPE kubernetes_feature_enabled gauge",
    )


def test_1_27_has_no_line_about_sidecars() -> None:
    assert not [line for line in metrics_lines(release("1.27")) if "Sidecar" in line]


def test_rows() -> None:
    made = release("1.28", {"SidecarContainers": True})
    rows = {row.name: row for row in features(made)}
    assert list(rows) == sorted(rows)
    row = rows["SidecarContainers"]
    assert (row.stage, row.default, row.enabled, row.locked, row.set_by_hand) == ("Alpha", False, True, False, True)
    assert row.reads
    assert "K-55" in row.reads
    assert rows["AllAlpha"].enabled is False


def test_the_component_decides_what_is_read() -> None:
    rows = {row.name: row for row in features(release("1.29"), "scheduler")}
    assert rows["SidecarContainers"].reads
    assert "C-66" in rows["SidecarContainers"].reads
    assert rows["EventedPLEG"].reads is None
