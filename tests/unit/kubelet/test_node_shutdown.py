"""Shutting down a node: which pods go together, and how long they get (K-86)."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.kubelet.node_shutdown import shutdown_groups, shutdown_periods, shutdown_verdict
from kubesim.kubelet.pod_status import Verdict
from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import Condition
from kubesim.releases import release
from kubesim.units import MILLISECOND, SECOND

RELEASE = release("1.36")


def pod(name: str, priority: int | None = None, grace: int | None = 30) -> Pod:
    spec: dict[str, Any] = {} if priority is None else {"priority": priority}
    return pod_view({"metadata": {"name": name}, "spec": {**spec, "terminationGracePeriodSeconds": grace}})


@pytest.mark.parametrize(
    ("grace", "critical", "by_priority", "gates", "periods"),
    [
        (0, 0, [], {}, []),
        (30, 10, [], {}, [(0, 20), (2_000_000_000, 10)]),
        (30, 0, [], {}, [(0, 30), (2_000_000_000, 0)]),
        (30, 10, [(100, 5), (0, 60)], {}, [(0, 60), (100, 5)]),
        (0, 0, [(0, 60)], {}, [(0, 60)]),
        (30, 10, [(0, 60)], {"GracefulNodeShutdownBasedOnPodPriority": False}, [(0, 20), (2_000_000_000, 10)]),
        (30, 10, [], {"GracefulNodeShutdown": False, "GracefulNodeShutdownBasedOnPodPriority": False}, []),
    ],
)
def test_the_periods_of_a_shutdown(
    grace: int,
    critical: int,
    by_priority: list[tuple[int, int]],
    gates: dict[str, bool],
    periods: list[tuple[int, int]],
) -> None:
    found = shutdown_periods(
        grace * SECOND,
        critical * SECOND,
        [(least, span * SECOND) for least, span in by_priority],
        release("1.36", gates),
    )
    assert [(least, span // SECOND) for least, span in found] == periods


def test_pods_go_by_priority_and_nobody_waits_for_a_group_without_pods() -> None:
    pods = [pod("high", 500), pod("plain"), pod("low", -5), pod("top", 2_000_000_000)]
    groups = shutdown_groups([(0, 20), (100, 10), (1000, 5), (2_000_000_000, 3)], pods)
    assert [[one.metadata.name for one in group.pods] for group in groups] == [["plain", "low"], ["high"], ["top"]]
    assert [group.period for group in groups] == [20, 10, 3]


@pytest.mark.parametrize(("own", "seconds"), [(5, 5), (20, 20), (60, 20), (None, 20)])
def test_a_pod_gets_the_lesser_of_its_own_grace_and_the_groups(own: int | None, seconds: int) -> None:
    (group,) = shutdown_groups([(0, 20 * SECOND)], [pod("p", grace=own)])
    assert group.grace_seconds(group.pods[0]) == seconds


def test_why_the_pods_fail() -> None:
    said = "Pod was terminated in response to imminent node shutdown."
    disrupted = Condition("DisruptionTarget", "True", "TerminationByKubelet", said)
    assert shutdown_verdict(RELEASE) == Verdict("Terminated", said, disrupted)


def test_the_grace_is_whole_seconds() -> None:
    (group,) = shutdown_groups([(0, 2500 * MILLISECOND)], [pod("a")])
    assert repr(group.grace_seconds(pod("a"))) == "2"
