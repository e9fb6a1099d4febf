"""The gate table, what a component accepts, and what it refuses to start with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubesim.errors import ReleaseError
from kubesim.releases import RELEASES, release
from kubesim.releases.gates import all_gate_names, known_gates
from kubesim.releases.release import parse_release

STAGES = {"Alpha": "alpha", "Beta": "beta", "GA": "ga", "Deprecated": "dep"}


def recorded_cells() -> Iterator[tuple[str, list[str]]]:
    """The specification's own table (versions.md sections 1 to 4), a gate a line."""
    for line in Path(__file__).with_name("gate_cells.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, *cells = line.split()
            yield name, cells


def cell(name: str, text: str) -> str:
    spec = known_gates(parse_release(text)).get(name)
    if spec is None:
        return "-"
    return f"{STAGES[spec.stage]}-{'on' if spec.default else 'off'}{'!' if spec.locked else ''}"


@pytest.mark.parametrize(("name", "cells"), list(recorded_cells()))
def test_stage_default_and_lock_in_every_release(name: str, cells: list[str]) -> None:
    assert [cell(name, text) for text in RELEASES] == cells


def test_no_gate_is_in_our_table_alone() -> None:
    assert all_gate_names() - {name for name, _ in recorded_cells()} == {"RelaxedEnvironmentVariableValidation"}


@pytest.mark.parametrize(
    ("text", "gate", "stage", "default"),
    [
        ("1.28.2", "SchedulerQueueingHints", "Beta", True),
        ("1.28", "SchedulerQueueingHints", "Beta", False),
        ("1.29.0", "SchedulerQueueingHints", "Beta", True),
        ("1.29", "SchedulerQueueingHints", "Beta", False),
        ("1.30.0", "SchedulerQueueingHints", "Beta", False),
        ("1.28.2", "EventedPLEG", "Beta", False),
        ("1.29.0", "EventedPLEG", "Beta", False),
        ("1.29", "EventedPLEG", "Alpha", False),
        ("1.30.0", "EventedPLEG", "Alpha", False),
    ],
)
def test_early_patches_differ(text: str, gate: str, stage: str, default: bool) -> None:
    """versions.md section 7."""
    spec = known_gates(parse_release(text))[gate]
    assert (spec.stage, spec.default) == (stage, default)


@pytest.mark.parametrize(
    ("text", "gates", "gate", "on"),
    [
        ("1.28", {}, "SidecarContainers", False),
        ("1.28", {"SidecarContainers": True}, "SidecarContainers", True),
        ("1.28", {"AllAlpha": True}, "SidecarContainers", True),
        ("1.28", {"AllAlpha": True, "SidecarContainers": False}, "SidecarContainers", False),
        ("1.28", {"AllBeta": True}, "SidecarContainers", False),
        ("1.29", {"AllBeta": False}, "SidecarContainers", False),
        ("1.33", {"AllBeta": False}, "SidecarContainers", True),
        ("1.33", {"SidecarContainers": True}, "SidecarContainers", True),
        ("1.35", {"AllAlpha": True}, "ChangeContainerStatusOnKubeletRestart", False),
        ("1.27", {}, "SidecarContainers", False),
        ("1.29", {}, "ProbeTerminationGracePeriod", True),
        ("1.33", {}, "JobPodFailurePolicy", True),
        ("1.34", {}, "LegacySidecarContainers", False),
        ("1.28", {}, "PodHasNetworkCondition", False),
        ("1.34", {}, "ChangeContainerStatusOnKubeletRestart", True),
        ("1.31", {}, "AllowOverwriteTerminationGracePeriodSeconds", True),
        ("1.36", {"ContainerRestartRules": False, "RestartAllContainersOnContainerExits": False},
         "ContainerRestartRules", False),
        ("1.33", {"GracefulNodeShutdown": False}, "GracefulNodeShutdownBasedOnPodPriority", True),
    ],
)  # fmt: skip
def test_whether_a_gate_is_on(text: str, gates: dict[str, bool], gate: str, on: bool) -> None:
    """V-2, V-3; gates outside their releases count as the behaviour was before or became after."""
    assert release(text, gates).enabled(gate) is on


@pytest.mark.parametrize(
    ("text", "gates", "message"),
    [
        ("1.29", {"SidecarContainer": True},
         'gate "SidecarContainer" is unknown in 1.29; did you mean "SidecarContainers"?'),
        ("1.27", {"SidecarContainers": True},
         'gate "SidecarContainers" is unknown in 1.27; it exists in 1.28 to 1.36'),
        ("1.34", {"LegacySidecarContainers": True},
         'gate "LegacySidecarContainers" is unknown in 1.34; it exists in 1.33'),
        ("1.29", {"Zzz": True},
         'gate "Zzz" is unknown in 1.29; kubesim knows the gates that `kubesim features` lists'),
        ("1.33", {"SidecarContainers": False},
         'cannot set gate "SidecarContainers" to false in 1.33: it is locked to true; '
         "leave it out or choose a release where it is not locked"),
        ("1.36", {"ContainerRestartRules": False},
         'gate "RestartAllContainersOnContainerExits" is enabled in 1.36, but depends on gates that are disabled: '
         "ContainerRestartRules; set them alike"),
        ("1.35", {"RestartAllContainersOnContainerExits": True},
         'gate "RestartAllContainersOnContainerExits" is enabled in 1.35, but depends on gates that are disabled: '
         "NodeDeclaredFeatures; set them alike"),
    ],
)  # fmt: skip
def test_settings_the_component_would_refuse(text: str, gates: dict[str, bool], message: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        release(text, gates)
    assert str(caught.value) == message


def test_asking_for_a_gate_of_no_release_is_our_bug() -> None:
    with pytest.raises(ReleaseError, match='gate "SidecarContainerz" is in no release; did you mean'):
        release("1.29").enabled("SidecarContainerz")
