"""What a pod asks for: the formula with sidecars, on both sides of 1.28 (C-67 to C-69)."""

from __future__ import annotations

from typing import Any

import pytest
from scheduler_pieces import scheduler

from kubesim.scheduler import pod_info
from kubesim.scheduler.resources import missing_resources


def entry(cpu: str, *, sidecar: bool = False, **more: str) -> dict[str, Any]:
    policy = {"restartPolicy": "Always"} if sidecar else {}
    return {"name": "x", "resources": {"requests": {"cpu": cpu, **more}}, **policy}


def asked(label: str, spec: dict[str, Any], **gates: bool) -> dict[str, int]:
    raw = {"metadata": {"name": "p", "uid": "p"}, "spec": spec}
    return dict(pod_info(raw, scheduler(label, **gates)).facts.requests)


@pytest.mark.parametrize(
    ("inits", "mains", "until_1_27", "since_1_28"),
    [
        ([entry("2"), entry("1", sidecar=True), entry("3")], [entry("1")], 3000, 4000),  # C-68
        ([], [entry("250m"), entry("250m")], 500, 500),
        ([entry("5")], [entry("1")], 5000, 5000),
        ([entry("1", sidecar=True)], [entry("1")], 1000, 2000),
        ([entry("1", sidecar=True), entry("2", sidecar=True)], [entry("1")], 2000, 4000),
        ([entry("4"), entry("1", sidecar=True)], [entry("1")], 4000, 4000),  # the init before runs without it
        ([entry("1", sidecar=True), entry("4")], [entry("1")], 4000, 5000),  # the init after runs with it
    ],
)
def test_cpu(inits: list[Any], mains: list[Any], until_1_27: int, since_1_28: int) -> None:
    spec = {"initContainers": inits, "containers": mains}
    assert asked("1.27", spec) == {"cpu": until_1_27}
    for label in ("1.28", "1.29", "1.36"):
        assert asked(label, spec) == {"cpu": since_1_28}


def test_the_gate_does_not_matter_from_1_28_on() -> None:
    """C-69: the presence of the field decides."""
    spec = {"initContainers": [entry("1", sidecar=True)], "containers": [entry("1")]}
    assert asked("1.28", spec) == asked("1.28", spec, SidecarContainers=True) == {"cpu": 2000}


def test_each_resource_has_its_own_maximum_and_overhead_comes_on_top() -> None:
    spec = {
        "initContainers": [entry("3", memory="1Gi")],
        "containers": [entry("1", memory="2Gi")],
        "overhead": {"cpu": "100m", "memory": "1Mi"},
    }
    assert asked("1.29", spec) == {"cpu": 3100, "memory": 2 * 2**30 + 2**20}


@pytest.mark.parametrize(("label", "gates", "cpu"), [("1.33", {}, 1000), ("1.34", {}, 3000), ("1.32", {}, 1000)])
def test_pod_level_requests_replace_the_sum_where_the_gate_is_on(label: str, gates: dict[str, bool], cpu: int) -> None:
    spec = {"containers": [entry("1")], "resources": {"requests": {"cpu": "3"}}}
    assert asked(label, spec, **gates) == {"cpu": cpu}


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ({"cpu": 500}, ()),
        ({"cpu": 501}, (("cpu", False),)),
        ({"cpu": 2001}, (("cpu", True),)),
        ({"memory": 0}, ()),  # overcommitted, but nothing is asked for
        ({"example.com/gpu": 1}, (("example.com/gpu", True),)),
        ({"storage": 1}, ()),  # no resource the scheduler counts
    ],
)
def test_what_is_missing(requests: dict[str, int], expected: tuple[tuple[str, bool], ...]) -> None:
    assert missing_resources(requests, {"cpu": 2000, "memory": 10}, {"cpu": 1500, "memory": 20}) == expected
