"""What the API shows for each container, from the runtime's records and the status before.

Source: ``pkg/kubelet/kubelet_pods.go`` convertToAPIContainerStatuses, ``pkg/kubelet/prober/prober_manager.go``
UpdatePodStatus (S-20 to S-33, K-92 to K-94).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec

from kubesim.kubelet.observed import ObservedContainer, ProbeResult, ProbeResults, RuntimeState
from kubesim.kubelet.restart import restart_after_exit
from kubesim.objects.pod import Container, Pod, is_sidecar
from kubesim.objects.status import ContainerState, ContainerStatus, Running, Terminated, Waiting
from kubesim.releases import Release
from kubesim.units import SECOND, Instant

_KUBELET_RESTART_MARGIN = 10 * SECOND
"""How much older than a new kubelet a container has to be to count as one of before (K-95)."""

RUNTIME = "containerd"
"""The scheme of container ids in the API; the runtime's own ids have none."""

STATUS_UNKNOWN = "ContainerStatusUnknown"
RESTARTING_ALL = "RestartingAllContainers"


class Kind(Enum):
    """Which list of the spec a container stands in."""

    INIT = "init"
    MAIN = "main"
    EPHEMERAL = "ephemeral"


class StartFailure(msgspec.Struct, frozen=True):
    """Why the last attempt to start a container failed: an entry of the reason cache (S-30)."""

    reason: str
    message: str = ""


class ProbeWorkers(msgspec.Struct, frozen=True):
    """The names of the containers that have a probe worker of each type at this moment (S-24, S-25)."""

    startup: frozenset[str] = frozenset()
    readiness: frozenset[str] = frozenset()


class StatusInputs(msgspec.Struct, frozen=True):
    """What all containers of a pod have in common when their statuses are made."""

    pod: Pod
    runs: Mapping[str, Sequence[ObservedContainer]]
    """The runtime's records by container name, newest first."""
    start_failures: Mapping[str, StartFailure]
    restarting_all: bool
    """The status before said that all containers are being started over in place (K-121)."""
    release: Release


def sidecars_known(release: Release) -> bool:
    """Whether the kubelet's statuses and conditions know sidecars; 1.27 lost the field in decoding (S-25, S §3.3)."""
    return bool(release.policy("sidecar_field_at_kubelet") != "unknown")


def api_container_id(id_: str) -> str:
    """A container id as the API shows it."""
    return f"{RUNTIME}://{id_}"


def container_statuses(
    inputs: StatusInputs, kind: Kind, containers: Sequence[Container], old: Sequence[ContainerStatus]
) -> tuple[ContainerStatus, ...]:
    """The statuses of one list, without ``started`` and ``ready``: inits in spec order, others by name (S-20)."""
    if not containers:
        return ()
    before = {status.name: status for status in old}
    statuses = [_status(inputs, kind, container, before.get(container.name)) for container in containers]
    if kind is not Kind.INIT and len(statuses) > 1:
        statuses.sort(key=_name)
    return tuple(statuses)


def with_probe_results(
    statuses: Sequence[ContainerStatus],
    kind: Kind,
    pod: Pod,
    probes: ProbeResults,
    workers: ProbeWorkers,
    release: Release,
    kubelet_started_at: Instant | None = None,
) -> tuple[ContainerStatus, ...]:
    """The statuses with ``started`` and ``ready`` as the probes' stored results have it (S-24, S-25).

    ``kubelet_started_at``: given if the kubelet was restarted under running pods.
    """
    sets_started = kind is Kind.MAIN or release.policy("started_is_set_for_inits")
    sidecars = {sidecar.name for sidecar in _sidecars(pod, release)} if kind is Kind.INIT else frozenset()
    found = []
    for status in statuses:
        started = _is_started(status, probes, workers) if sets_started else None
        if kind is Kind.MAIN or status.name in sidecars:
            ready = _is_ready(status, probes, workers) if started else status.ready
            if started and outlived_kubelet(status, kubelet_started_at, release):
                ready = _goes_on_ready(ready, status, pod, probes)
        else:
            ready = status.ready or _has_completed(status)
        found.append(_with(status, started, ready))
    return tuple(found)


def readiness_triggers(
    statuses: Sequence[ContainerStatus], probes: ProbeResults, workers: ProbeWorkers
) -> tuple[str, ...]:
    """The containers whose readiness probe is run at once, out of schedule (K-103).

    ``statuses``: mains and inits of a status as generated. A container that is started and running, has a readiness
    worker, and no stored Success.
    """
    if not workers.readiness:
        return ()
    return tuple(
        status.name
        for status in statuses
        if status.started
        and status.name in workers.readiness
        and isinstance(status.state, Running)
        and probes.readiness.get(_runtime_id(status)) is not ProbeResult.SUCCESS
    )


def probe_workers(pod: Pod, release: Release) -> ProbeWorkers:
    """The workers that a pod has once it is registered and before any has ended: of mains and sidecars (K §10)."""
    probed = (*pod.spec.containers, *_sidecars(pod, release))
    return ProbeWorkers(
        startup=frozenset(container.name for container in probed if container.startup_probe is not None),
        readiness=frozenset(container.name for container in probed if container.readiness_probe is not None),
    )


# From the runtime ---------------------------------------------------------------------------------------------------


def _name(status: ContainerStatus) -> str:
    return status.name


def _status(inputs: StatusInputs, kind: Kind, container: Container, old: ContainerStatus | None) -> ContainerStatus:
    runs = inputs.runs.get(container.name, ())
    if runs:
        status = _seen(inputs, container, runs, old)
    elif inputs.restarting_all and kind is not Kind.EPHEMERAL and not _waited(old):
        return _removed(inputs, container, old)
    else:
        status = _unseen(inputs, container, old)
        if kind is Kind.INIT and isinstance(status.state, Waiting) and _must_have_completed(inputs, container):
            return _completed_init(status, inputs.release)
    failure = inputs.start_failures.get(container.name)
    if failure is None or not _will_restart(inputs, kind, container, runs):
        return status
    return msgspec.structs.replace(
        status,
        state=Waiting(failure.reason, failure.message),
        last_state=status.state if isinstance(status.state, Terminated) else status.last_state,
    )


def _seen(
    inputs: StatusInputs, container: Container, runs: Sequence[ObservedContainer], old: ContainerStatus | None
) -> ContainerStatus:
    """The newest run gives ``state``, the one before it ``lastState`` (S-22)."""
    newest = runs[0]
    release = inputs.release
    lost = newest.state is RuntimeState.UNKNOWN and old is not None and isinstance(old.state, Running)
    restart_count = old.restart_count + 1 if lost and old is not None else newest.restart_count
    last_state = None
    started = None
    id_ = api_container_id(newest.id)
    if old is not None:
        if release.policy("restarts_carried_over_from_old_status"):
            began_anew = newest.state is RuntimeState.RUNNING and isinstance(old.state, Terminated)
            restart_count = max(restart_count, old.restart_count + began_anew)
        if release.policy("last_state_carried_over_from_old_status"):
            moved_on = isinstance(old.state, Terminated) and old.container_id != id_
            last_state = old.state if moved_on else old.last_state
        if old.started and newest.state is RuntimeState.RUNNING:
            started = True if release.policy("started_kept_from_old_status") else None
    if len(runs) > 1:
        last_state = _state(runs[1], old, release)
    return ContainerStatus(
        name=container.name,
        state=_state(newest, old, release),
        last_state=last_state,
        started=started,
        restart_count=restart_count,
        image=newest.image or container.image,
        image_id=newest.image_id,
        container_id=id_,
        stop_signal=newest.stop_signal if release.enabled("ContainerStopSignals") else "",
    )


def _state(run: ObservedContainer, old: ContainerStatus | None, release: Release) -> ContainerState:
    match run.state:
        case RuntimeState.RUNNING:
            return Running(run.started_at)
        case RuntimeState.EXITED:
            return Terminated(
                exit_code=run.exit_code,
                reason=run.reason,
                message=run.message,
                started_at=run.started_at,
                finished_at=run.finished_at,
                container_id=api_container_id(run.id),
            )
        case RuntimeState.UNKNOWN if old is not None and isinstance(old.state, Running):
            return lost_state(release)
        case _:
            return Waiting()


def lost_state(release: Release) -> Terminated:
    """The end of a container that nobody saw: 137, ContainerStatusUnknown (K-92, K-14)."""
    return Terminated(exit_code=137, reason=STATUS_UNKNOWN, message=release.text("terminated_vanished"))


# Without a record at the runtime ------------------------------------------------------------------------------------


def _default(inputs: StatusInputs, container: Container, old: ContainerStatus | None) -> ContainerStatus:
    """What is shown when nothing is known (S-21)."""
    if old is not None and isinstance(old.state, Terminated):
        return old
    return ContainerStatus(
        name=container.name,
        state=Waiting("PodInitializing" if inputs.pod.spec.init_containers else "ContainerCreating"),
        last_state=None if old is None else old.last_state,
        restart_count=0 if old is None else old.restart_count,
        image=container.image,
    )


def _unseen(inputs: StatusInputs, container: Container, old: ContainerStatus | None) -> ContainerStatus:
    """A container without a record: never started, or its record has vanished (S-21, S-23, K-93)."""
    status = _default(inputs, container, old)
    if isinstance(status.state, Terminated):
        return status
    if old is None or not isinstance(old.state, Running) or isinstance(old.last_state, Terminated):
        return status
    deleted = inputs.pod.metadata.deletion_timestamp is not None
    return msgspec.structs.replace(
        status,
        last_state=Terminated(exit_code=137, reason=STATUS_UNKNOWN, message=inputs.release.text("last_state_vanished")),
        restart_count=status.restart_count + (not deleted),
    )


def _must_have_completed(inputs: StatusInputs, container: Container) -> bool:
    """Whether a plain init without a record must have completed: a main was created since (S §3.3, 1.36)."""
    return (
        bool(inputs.release.policy("lost_init_is_completed"))
        and not is_sidecar(container)
        and any(main.name in inputs.runs for main in inputs.pod.spec.containers)
    )


def _completed_init(status: ContainerStatus, release: Release) -> ContainerStatus:
    message = release.text("terminated_lost_init")
    return msgspec.structs.replace(status, state=Terminated(exit_code=0, reason="Completed", message=message))


def _removed(inputs: StatusInputs, container: Container, old: ContainerStatus | None) -> ContainerStatus:
    """A container that had run and whose record was removed to start the pod over in place (K-94, K-121)."""
    message = inputs.release.text("RestartingAllContainers")
    status = _default(inputs, container, old)
    return msgspec.structs.replace(
        status,
        state=Waiting(RESTARTING_ALL, message),
        last_state=Terminated(exit_code=137, reason=RESTARTING_ALL, message=message),
        restart_count=status.restart_count + 1,
    )


def _waited(old: ContainerStatus | None) -> bool:
    """Whether the container did not run when all were removed, so that it is none of those that were (K-121)."""
    return old is not None and isinstance(old.state, Waiting)


def _will_restart(inputs: StatusInputs, kind: Kind, container: Container, runs: Sequence[ObservedContainer]) -> bool:
    """Whether a container that could not be started shows why it waits, for it is to be started again (S-31)."""
    if inputs.pod.metadata.deletion_timestamp is not None:
        return False
    if not runs:
        return True
    newest = runs[0]
    match newest.state:
        case RuntimeState.RUNNING:
            return False
        case RuntimeState.EXITED:
            if kind is Kind.INIT and newest.exit_code == 0:
                return False
            return restart_after_exit(container, inputs.pod.spec, newest.exit_code, inputs.release) is not None
        case _:
            return True


# Probes -------------------------------------------------------------------------------------------------------------


def _sidecars(pod: Pod, release: Release) -> tuple[Container, ...]:
    return pod.spec.sidecars if sidecars_known(release) else ()


def _runtime_id(status: ContainerStatus) -> str:
    return status.container_id.partition("://")[2]


def _is_started(status: ContainerStatus, probes: ProbeResults, workers: ProbeWorkers) -> bool:
    """Whether a container has started: running, and its startup probe, if any, has passed (S-24).

    A status that already says started was kept from before; it decides only where no result is stored (1.35+).
    """
    if not isinstance(status.state, Running):
        return False
    result = probes.startup.get(_runtime_id(status))
    if result is not None:
        return result is ProbeResult.SUCCESS
    return bool(status.started) or status.name not in workers.startup


def _is_ready(status: ContainerStatus, probes: ProbeResults, workers: ProbeWorkers) -> bool:
    """Whether a started main or sidecar is ready: its readiness probe, if any, has passed (S-25)."""
    if probes.readiness.get(_runtime_id(status)) is ProbeResult.SUCCESS:
        return True
    return status.name not in workers.readiness


def outlived_kubelet(status: ContainerStatus, kubelet_started_at: Instant | None, release: Release) -> bool:
    """Whether the container ran well before the kubelet was restarted, which from 1.35 on changes no readiness."""
    if kubelet_started_at is None or release.policy("probe_results_reset_on_kubelet_restart"):
        return False
    started = status.state.started_at if isinstance(status.state, Running) else None
    return started is not None and started < kubelet_started_at - _KUBELET_RESTART_MARGIN


def _goes_on_ready(ready: bool, status: ContainerStatus, pod: Pod, probes: ProbeResults) -> bool:
    """Whether a container that outlived its kubelet is ready: by its probe's result, else if its pod was (S-24).

    Source: ``prober_manager.go`` setReadyStateOnKubeletRestart.
    """
    result = probes.readiness.get(_runtime_id(status))
    containers = (*pod.spec.containers, *pod.spec.init_containers)
    probed = any(entry.name == status.name and entry.readiness_probe is not None for entry in containers)
    if result is ProbeResult.SUCCESS or not probed:
        return ready or result is None
    condition = pod.status.condition("Ready")
    pod_was_ready = condition is not None and condition.status == "True"
    return pod_was_ready and (ready or result is None)


def _has_completed(status: ContainerStatus) -> bool:
    return isinstance(status.state, Terminated) and status.state.exit_code == 0


def _with(status: ContainerStatus, started: bool | None, ready: bool) -> ContainerStatus:
    if status.started is started and status.ready is ready:
        return status
    return msgspec.structs.replace(status, started=started, ready=ready)
