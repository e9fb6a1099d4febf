"""Which probe workers a pod has, and when they tick (K-95, K-103, K-106).

Source: ``prober/prober_manager.go`` AddPod, UpdatePodStatus, StopLivenessAndStartup; ``prober/worker.go`` run.
"""

from __future__ import annotations

from collections.abc import Container as ContainerOf
from typing import TypeAlias

from kubesim.kubelet.observed import ProbeType
from kubesim.kubelet.probe_worker import ProbeWorker
from kubesim.objects.pod import Container, Pod
from kubesim.releases import Release
from kubesim.units import SECOND, Duration, Instant

WorkerKey: TypeAlias = tuple[str, ProbeType]
"""Container name and probe type: names one worker of a pod."""


def workers_to_create(pod: Pod, existing: ContainerOf[WorkerKey], release: Release) -> tuple[ProbeWorker, ...]:
    """The workers that a sync creates, in this order: mains, then sidecars; startup, readiness, liveness (K-106).

    It stops at the first worker that exists already. So a worker that ended early comes back only if no container
    visited before it has a probe. All of them take ``pod`` as their copy.
    """
    created: list[ProbeWorker] = []
    sidecars = pod.spec.sidecars if release.policy("sidecars_have_probes") else ()
    for is_sidecar, containers in ((False, pod.spec.containers), (True, sidecars)):
        for container in containers:
            for type_ in probe_types(container):
                if (container.name, type_) in existing:
                    return tuple(created)
                created.append(ProbeWorker(pod, container, type_, is_sidecar=is_sidecar))
    return tuple(created)


def probe_types(container: Container) -> tuple[ProbeType, ...]:
    """The types of probe a container has, in the order in which their workers are created (K-106)."""
    startup, readiness, liveness = container.startup_probe, container.readiness_probe, container.liveness_probe
    if startup is None and readiness is None and liveness is None:
        return ()
    probes = ((ProbeType.STARTUP, startup), (ProbeType.READINESS, readiness), (ProbeType.LIVENESS, liveness))
    return tuple([type_ for type_, probe in probes if probe is not None])


def workers_ended_by_termination(pod: Pod) -> tuple[WorkerKey, ...]:
    """The workers ended before the containers are killed: startup and liveness of mains only (K-12 step 2, K-96)."""
    return tuple(
        (main.name, type_)
        for main in pod.spec.containers
        for type_ in probe_types(main)
        if type_ is not ProbeType.READINESS
    )


def period(worker: ProbeWorker) -> Duration:
    """The time between two ticks."""
    return worker.probe.period_seconds * SECOND


def first_tick(worker: ProbeWorker, created_at: Instant, kubelet_started_at: Instant, share: float) -> Instant:
    """When the worker ticks first, which is the origin of its grid: at once, unless the kubelet is young (K-95).

    ``share``: a draw from [0, 1); it is used only if the kubelet has run for less than one period.
    """
    if period(worker) > created_at - kubelet_started_at:
        return created_at + int(share * period(worker))
    return created_at


def next_tick(origin: Instant, step: Duration, now: Instant) -> Instant:
    """The first tick of the grid after ``now``; the grid is ``origin``, ``origin + step``, … (K-95).

    A tick that passes while a probe runs is kept and taken when the probe has ended, one at most.
    """
    if now < origin:
        return origin
    return origin + ((now - origin) // step + 1) * step


def tick_at_or_after(origin: Instant, step: Duration, at: Instant) -> Instant:
    """The first tick of the grid at or after an instant."""
    return next_tick(origin, step, at - 1)


def ticks_between(origin: Instant, step: Duration, after: Instant, before: Instant) -> int:
    """How many ticks of the grid lie after one instant and before another, neither counted."""
    first, end = next_tick(origin, step, after), tick_at_or_after(origin, step, before)
    return max((end - first) // step, 0)


def origin_after_trigger(origin: Instant, now: Instant, release: Release) -> Instant:
    """The origin of the grid after a run out of schedule: from 1.32 on the period starts anew (K-103).

    Which statuses trigger one: :func:`kubesim.kubelet.container_statuses.readiness_triggers`. A trigger that comes
    while the worker probes is kept, one at most.
    """
    return now if release.policy("readiness_trigger_restarts_ticker") else origin
