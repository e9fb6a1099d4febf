"""In which groups, and with how much time, a kubelet stops its pods when the machine shuts down (K-86).

Source: ``pkg/kubelet/nodeshutdown`` (nodeshutdown_manager_linux.go: processShutdownEvent, groupByPriority,
migrateConfig).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from kubesim.kubelet.conditions import DISRUPTION_TARGET
from kubesim.kubelet.pod_status import Verdict
from kubesim.objects.pod import Pod
from kubesim.objects.status import Condition
from kubesim.releases import Release
from kubesim.units import SECOND, Duration

SYSTEM_CRITICAL: Final = 2_000_000_000
"""The priority of system-cluster-critical, from which on pods are critical."""


class ShutdownGroup(msgspec.Struct, frozen=True):
    """Pods that are stopped together, and how long (ns) the kubelet waits for them at most."""

    period: Duration
    pods: tuple[Pod, ...]

    def grace_seconds(self, pod: Pod) -> int:
        """The override for one pod: the group's period, or the pod's own grace if that is no longer."""
        limit = self.period // SECOND
        own = pod.spec.termination_grace_period_seconds
        return limit if own is None else min(own, limit)


def shutdown_periods(
    grace: Duration, critical: Duration, by_priority: Sequence[tuple[int, Duration]], release: Release
) -> tuple[tuple[int, Duration], ...]:
    """Least priority and period of each group, in the order they are stopped; empty: the kubelet does not step in."""
    if not release.enabled("GracefulNodeShutdown"):
        return ()
    if by_priority and release.enabled("GracefulNodeShutdownBasedOnPodPriority"):
        return tuple(sorted(by_priority))
    if not grace:
        return ()
    return ((0, grace - critical), (SYSTEM_CRITICAL, critical))


def shutdown_groups(periods: Sequence[tuple[int, Duration]], pods: Iterable[Pod]) -> tuple[ShutdownGroup, ...]:
    """The pods by group; one of less than the least priority is in the first, and a group without pods is none."""
    least = [priority for priority, _ in periods]
    members: list[list[Pod]] = [[] for _ in periods]
    for pod in pods:
        members[max(bisect_right(least, priority_of(pod)) - 1, 0)].append(pod)
    return tuple(
        ShutdownGroup(period, tuple(found)) for (_, period), found in zip(periods, members, strict=True) if found
    )


def priority_of(pod: Pod) -> int:
    """The pod's priority as admission stored it; 0 without."""
    return int((pod.raw.get("spec") or {}).get("priority") or 0)


def shutdown_verdict(release: Release) -> Verdict:
    """Why a pod fails whose node shuts down."""
    message = release.text("Terminated")
    return Verdict("Terminated", message, Condition(DISRUPTION_TARGET, "True", "TerminationByKubelet", message))
