"""Evictions for local storage: which limit is exceeded first, and the kubelet's words."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.kubelet.eviction import (
    MemoryUse,
    StorageUsage,
    evicted_first,
    eviction_wait,
    has_storage_limits,
    memory_message,
    memory_verdict,
    refused_under_memory_pressure,
    soft_override_seconds,
    storage_excess,
)
from kubesim.kubelet.pod_status import Verdict
from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import Condition
from kubesim.releases import release
from kubesim.units import SECOND

MI = 2**20
RELEASE = release("1.36")


def limited(*limits: str | None, empty_dir: dict[str, Any] | None = None, sidecar: str | None = None) -> Pod:
    """A pod whose mains a, b, … have these limits; with an emptyDir, and a sidecar with a limit."""
    mains = [{"name": name, **_limit(limit)} for name, limit in zip("abc", limits, strict=False)]
    inits = [{"name": "s", "restartPolicy": "Always", **_limit(sidecar)}] if sidecar else []
    volumes = [{"name": "scratch", "emptyDir": empty_dir}] if empty_dir is not None else []
    return pod_view({"spec": {"containers": mains, "initContainers": inits, "volumes": volumes}})


def _limit(limit: str | None) -> dict[str, Any]:
    return {} if limit is None else {"resources": {"limits": {"ephemeral-storage": limit}}}


@pytest.mark.parametrize(
    ("pod", "is_limited"),
    [
        (limited(None), False),
        (limited(None, empty_dir={}), False),
        (limited(None, empty_dir={"sizeLimit": "0"}), False),
        (limited(None, empty_dir={"sizeLimit": "1Mi"}), True),
        (limited(None, "1Mi"), True),
        (limited(None, sidecar="1Mi"), True),
    ],
)
def test_only_pods_with_limits_are_measured(pod: Pod, is_limited: bool) -> None:
    assert has_storage_limits(pod) is is_limited


@pytest.mark.parametrize(
    ("pod", "volumes", "containers", "message"),
    [
        (limited(None, empty_dir={"sizeLimit": "1Mi"}), {"scratch": MI}, {}, None),
        (
            limited(None, empty_dir={"sizeLimit": "1Mi"}),
            {"scratch": MI + 1},
            {},
            'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
        ),
        (
            limited(None, empty_dir={"sizeLimit": "1Mi", "medium": "Memory"}),
            {"scratch": 2 * MI},
            {},
            'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
        ),
        (limited("1Mi", "2Mi"), {}, {"a": MI, "b": 2 * MI}, None),
        (
            limited("1Mi", "2Mi"),
            {},
            {"a": MI + 1, "b": 0},
            'Container a exceeded its local ephemeral storage limit "1Mi". ',
        ),
        (
            limited("1Mi", "2Mi"),
            {},
            {"a": MI + 1, "b": 2 * MI},
            "Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. ",
        ),
        (limited("1Mi", None), {}, {"a": MI, "b": 9 * MI}, None),
        (
            limited("1Mi", empty_dir={}),
            {"scratch": 2 * MI},
            {"a": 0},
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
        ),
        (limited("1Mi", empty_dir={"medium": "Memory"}), {"scratch": 2 * MI}, {"a": 0}, None),
        (
            limited("1Mi", sidecar="1Mi"),
            {},
            {"s": 2 * MI, "a": 0},
            'Container s exceeded its local ephemeral storage limit "1Mi". ',
        ),
    ],
)
def test_what_is_over_its_limit(
    pod: Pod, volumes: dict[str, int], containers: dict[str, int], message: str | None
) -> None:
    """eviction_manager.go: localStorageEviction; a limit that is met exactly is kept."""
    assert storage_excess(pod, StorageUsage(volumes, containers), RELEASE) == message


@pytest.mark.parametrize(("override", "seconds"), [(0, 10), (1, 10), (6, 10), (20, 30)])
def test_how_long_an_eviction_waits(override: int, seconds: int) -> None:
    """K-89: one and a half times the grace, at least 10 s."""
    assert eviction_wait(override, RELEASE) == seconds * SECOND


def user(name: str, used: int, request: str | None = None, *, priority: int = 0, grace: int = 30) -> MemoryUse:
    """A pod with one main that uses so many MiB."""
    resources = {"requests": {"memory": request}} if request else {}
    spec = {"containers": [{"name": "app", "resources": resources}], "priority": priority}
    pod = pod_view({"metadata": {"name": name}, "spec": {**spec, "terminationGracePeriodSeconds": grace}})
    return MemoryUse(pod, {"app": used * MI})


def test_who_goes_first_when_memory_is_low() -> None:
    """rankMemoryPressure: over its request, then by priority, then by how much over; critical pods stay."""
    uses = [
        user("within", 90, "100Mi"),
        user("over", 110, "100Mi"),
        user("far over", 300, "100Mi"),
        user("over but important", 400, "100Mi", priority=10),
        user("within and important", 50, "100Mi", priority=10),
        user("critical", 900, priority=2_000_000_000),
    ]
    assert [use.pod.metadata.name for use in evicted_first(uses)] == [
        "far over",
        "over",
        "over but important",
        "within",
        "within and important",
    ]


def test_the_words_of_an_eviction_for_memory() -> None:
    low = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
    assert memory_message(user("p", 90, "100Mi"), 100 * MI, 50 * MI, RELEASE) == low
    over = "Container app was using 300Mi, request is 100Mi, has larger consumption of memory. "
    assert memory_message(user("p", 300, "100Mi"), 100 * MI, 50 * MI, RELEASE) == low + over
    assert "request is 0, " in memory_message(user("p", 300), 100 * MI, 50 * MI, RELEASE)
    disruption = Condition("DisruptionTarget", "True", "TerminationByKubelet", low)
    assert memory_verdict(low) == Verdict("Evicted", low, disruption)


def test_a_container_that_uses_nothing_is_not_named() -> None:
    unused = MemoryUse(user("p", 1).pod, {})
    assert "was using" not in memory_message(unused, 100 * MI, 50 * MI, RELEASE)


@pytest.mark.parametrize(
    ("label", "maximum", "own", "seconds"),
    [("1.31", 60, 30, 60), ("1.31", 0, 30, 0), ("1.32", 60, 30, 30), ("1.32", 10, 30, 10), ("1.36", 0, 30, 0)],
)
def test_the_grace_of_a_soft_eviction(label: str, maximum: int, own: int, seconds: int) -> None:
    """K-85."""
    assert soft_override_seconds(user("p", 1, grace=own).pod, maximum, release(label)) == seconds


@pytest.mark.parametrize(
    ("qos", "spec", "refused"),
    [
        ("BestEffort", {}, True),
        ("Burstable", {}, False),
        ("BestEffort", {"priority": 2_000_000_000}, False),
        ("BestEffort", {"tolerations": [{"operator": "Exists"}]}, False),
        ("BestEffort", {"tolerations": [{"key": "node.kubernetes.io/memory-pressure"}]}, False),
        ("BestEffort", {"tolerations": [{"key": "other", "operator": "Exists"}]}, True),
    ],
)
def test_who_is_not_taken_while_memory_is_low(qos: str, spec: dict[str, Any], refused: bool) -> None:
    """eviction_manager.go: Admit."""
    pod = pod_view({"spec": spec, "status": {"qosClass": qos}})
    assert refused_under_memory_pressure(pod) is refused
