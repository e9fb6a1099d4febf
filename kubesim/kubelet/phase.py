"""The phase of a pod, from its container statuses.

Source: ``pkg/kubelet/kubelet_pods.go`` getPhase (S-1 to S-4, S-6). What keeps an earlier phase is decided elsewhere:
:mod:`kubesim.kubelet.pod_status` (S-5) and :mod:`kubesim.kubelet.status_manager` (S-7).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubesim.kubelet.container_statuses import RESTARTING_ALL
from kubesim.kubelet.restart import restart_after_exit
from kubesim.objects.pod import Container, Pod
from kubesim.objects.status import ContainerStatus, Running, Terminated, Waiting
from kubesim.releases import Release

PENDING = "Pending"
RUNNING = "Running"
SUCCEEDED = "Succeeded"
FAILED = "Failed"

TERMINAL_PHASES = frozenset((SUCCEEDED, FAILED))

CONFIG_SOURCE = "kubernetes.io/config.source"
"""Annotation by which the kubelet knows static pods."""


def is_static(pod: Pod) -> bool:
    """Whether the pod comes from a file or URL of the node, not from the API server (K-14, S-1.2 rule 4)."""
    return pod.metadata.annotations.get(CONFIG_SOURCE, "api") != "api"


def main_has_started(pod: Pod, statuses: Mapping[str, ContainerStatus]) -> bool:
    """Whether some main's current state is Running or Terminated (S-4, S-10)."""
    return any(
        (status := statuses.get(main.name)) is not None and isinstance(status.state, Running | Terminated)
        for main in pod.spec.containers
    )


def pod_phase(
    pod: Pod, statuses: Mapping[str, ContainerStatus], release: Release, *, terminal: bool, main_in_sandbox: bool
) -> str:
    """The phase that init and main statuses, by name, amount to: the first line of S-1.2 that holds.

    ``terminal``: no container will be started again, whatever the restart policy (S-6).
    ``main_in_sandbox``: some main has a record in the active sandbox; only asked by 1.33 and later (S-4).
    """
    init = _count_inits(pod, statuses, release)
    rest = _count_rest(pod, statuses, release)
    if init.failed_for_good:
        return FAILED
    if _initialization_pending(pod, statuses, init.pending, rest.pending_sidecars, main_in_sandbox, release):
        return PENDING
    if rest.waiting:
        return PENDING
    if rest.unknown:
        return PENDING
    if rest.running:
        return RUNNING
    if not rest.stopped:
        return PENDING
    if terminal and not is_static(pod):
        return SUCCEEDED if rest.stopped == rest.succeeded else FAILED
    return _phase_of_stopped(pod, rest, release)


class _Inits(msgspec.Struct):
    """Counters over plain inits (S-1)."""

    pending: int = 0
    failed_for_good: bool = False


class _Rest(msgspec.Struct):
    """Counters over sidecars and mains (S-2, S-3). ``restartable``: a stopped main that is started again."""

    running: int = 0
    waiting: int = 0
    stopped: int = 0
    succeeded: int = 0
    unknown: int = 0
    pending_sidecars: int = 0
    restartable: bool = False


def _count_inits(pod: Pod, statuses: Mapping[str, ContainerStatus], release: Release) -> _Inits:
    count = _Inits()
    for container in pod.spec.plain_inits if release.policy("phase_knows_sidecars") else pod.spec.init_containers:
        status = statuses.get(container.name)
        ended = None if status is None else _last_end(status)
        if ended is None:
            count.pending += 1
        elif ended.exit_code != 0 and _fails_pod(container, pod, ended, release):
            count.failed_for_good = True
    return count


def _last_end(status: ContainerStatus) -> Terminated | None:
    """How the last run of a terminated or waiting container ended, None if it runs or never ran."""
    match status.state, status.last_state:
        case (Terminated() as ended, _) | (Waiting(), Terminated() as ended):
            return ended
        case _:
            return None


def _fails_pod(container: Container, pod: Pod, ended: Terminated, release: Release) -> bool:
    """Whether a failed plain init means that the pod has failed (S-1.2 rule 1)."""
    if release.policy("restart_decision") == "container":
        return not _starts_again(container, pod, ended, release)
    return pod.spec.restart_policy == "Never"


def _starts_again(container: Container, pod: Pod, ended: Terminated, release: Release) -> bool:
    """Whether a container is started again by its rules, its policy, or as all of the pod start over (K-120, K-121)."""
    if ended.reason == RESTARTING_ALL:
        return True
    return restart_after_exit(container, pod.spec, ended.exit_code, release) is not None


def _count_rest(pod: Pod, statuses: Mapping[str, ContainerStatus], release: Release) -> _Rest:
    count = _Rest()
    if release.policy("phase_knows_sidecars"):
        for sidecar in pod.spec.sidecars:
            _count_sidecar(count, statuses.get(sidecar.name))
    for container in pod.spec.containers:
        _count_main(count, container, statuses.get(container.name), pod, release)
    return count


def _count_sidecar(count: _Rest, status: ContainerStatus | None) -> None:
    """A sidecar that has ended once counts for nothing, so its exit code never matters (S-2)."""
    if status is None:
        count.unknown += 1
        return
    match status.state, status.last_state:
        case Running(), _:
            count.running += 1
            count.pending_sidecars += not status.started
        case (Terminated(), _) | (Waiting(), Terminated()):
            pass
        case Waiting(), _:
            count.pending_sidecars += 1
            count.waiting += 1
        case _:
            count.pending_sidecars += 1
            count.unknown += 1


def _count_main(count: _Rest, container: Container, status: ContainerStatus | None, pod: Pod, release: Release) -> None:
    """A main that waits to be started again counts as stopped, never as succeeded (S-3)."""
    match (None, None) if status is None else (status.state, status.last_state):
        case Running(), _:
            count.running += 1
        case (Terminated() as ended, _) | (Waiting(), Terminated() as ended):
            count.stopped += 1
            if release.policy("restart_decision") == "container" and not count.restartable:
                count.restartable = _starts_again(container, pod, ended, release)
            if status is not None and status.state is ended and ended.exit_code == 0:
                count.succeeded += 1
        case Waiting(), _:
            count.waiting += 1
        case _:
            count.unknown += 1


def _initialization_pending(
    pod: Pod,
    statuses: Mapping[str, ContainerStatus],
    pending_inits: int,
    pending_sidecars: int,
    main_in_sandbox: bool,
    release: Release,
) -> bool:
    """Whether unfinished init containers hold the phase at Pending (S-4)."""
    if not pending_inits and not pending_sidecars:
        return False
    match release.policy("initialization_pending"):
        case "none_started_by_status":
            return not main_has_started(pod, statuses)
        case "init_or_none_started_by_status":
            return pending_inits > 0 or not main_has_started(pod, statuses)
        case "init_or_none_in_sandbox":
            return pending_inits > 0 or not main_in_sandbox
        case _:
            return pending_inits > 0


def _phase_of_stopped(pod: Pod, rest: _Rest, release: Release) -> str:
    """The phase when every main has stopped and may yet be started again by its policy (S-1.2 rule 5)."""
    if release.policy("restart_decision") == "container":
        if rest.restartable:
            return RUNNING
        return SUCCEEDED if rest.stopped == rest.succeeded else FAILED
    if pod.spec.restart_policy == "Always":
        return RUNNING
    if rest.stopped == rest.succeeded:
        return SUCCEEDED
    return FAILED if pod.spec.restart_policy == "Never" else RUNNING
