"""From the generated status to what the API server is sent: transition times, refusals, merging, the last update.

Source: ``pkg/kubelet/status/status_manager.go`` (K-14 to K-17, S-5, S-16, S-18, S-40 to S-42). The shell keeps one
cached status per pod; :func:`next_status` makes it from a generated one, :func:`merge_status` what is patched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from kubesim.kubelet.conditions import (
    CONTAINERS_READY,
    READY,
    containers_ready_condition,
    is_shared,
    may_restart_all_containers,
    owned_types,
    ready_condition,
    unready_in_terminal_phase,
)
from kubesim.kubelet.container_statuses import api_container_id, lost_state
from kubesim.kubelet.phase import FAILED, TERMINAL_PHASES, is_static
from kubesim.kubelet.pod_status import replaced_condition
from kubesim.kubelet.restart import restart_after_exit
from kubesim.objects.pod import Container, Pod, PodSpec, is_sidecar
from kubesim.objects.status import (
    Condition,
    ContainerState,
    ContainerStatus,
    PodStatus,
    Running,
    Terminated,
    Waiting,
    whole_second,
)
from kubesim.releases import Release
from kubesim.units import SECOND, Instant

MESSAGE_BYTES = 12 * 1024
"""What the termination messages of a pod may take up together (S-42)."""

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"


class Rejected(msgspec.Struct, frozen=True):
    """A status update that was given up as a whole, and why (S-41)."""

    error: str


StatusUpdate: TypeAlias = PodStatus | Rejected


# Taking a status over -----------------------------------------------------------------------------------------------


def next_status(pod: Pod, cached: PodStatus | None, new: PodStatus, release: Release, now: Instant) -> StatusUpdate:
    """The status to cache in place of ``cached`` (None: the API's counts), or why the update is given up.

    Sets transition times (S-16) and the start time, once (S-42), and normalises. Whether it has to be written:
    :func:`needs_write`.
    """
    old = pod.status if cached is None else cached
    error = transition_error(pod, old, new, release)
    if error:
        return Rejected(error)
    return normalised(
        msgspec.structs.replace(
            new,
            conditions=_with_transition_times(old, new.conditions, release, now),
            start_time=old.start_time or new.start_time or now,
        ),
        pod,
    )


def needs_write(cached: PodStatus | None, new: PodStatus, release: Release, *, forced: bool = False) -> bool:
    """Whether a normalised status differs from the cached one in what the kubelet writes (S-40).

    ``forced``: deletionTimestamp is set in SyncTerminatingPod, or this is the last update.
    """
    if cached is None or forced:
        return True
    if msgspec.structs.replace(cached, conditions=new.conditions) != new:
        return True
    return _written_conditions(cached, release) != _written_conditions(new, release)


def transition_error(pod: Pod, old: PodStatus, new: PodStatus, release: Release) -> str:
    """Why the new container statuses may not follow the old ones: an ended container came back; or "" (S-41)."""
    if pod.spec.restart_policy == "Always" or may_restart_all_containers(pod, release):
        return ""
    spec = pod.spec
    name = _came_back(spec, spec.containers, old.container_statuses, new.container_statuses, release)
    if name:
        return release.text("illegal_transition").format(container=name)
    inits = spec.init_containers if release.has_bug("sidecar_status_stuck_terminated") else spec.plain_inits
    name = _came_back(spec, inits, old.init_container_statuses, new.init_container_statuses, release)
    return release.text("illegal_init_transition").format(container=name) if name else ""


def normalised(status: PodStatus, pod: Pod) -> PodStatus:
    """The status as the API gives it back: whole seconds (K-97), termination messages cut to size (S-42)."""
    spec = pod.spec
    containers = len(spec.init_containers) + len(spec.containers) + len(spec.ephemeral_containers)
    limit = MESSAGE_BYTES // max(containers, 1)
    return _normalised(status, limit)


def normalise_times(status: PodStatus) -> PodStatus:
    """The status with all its times in whole seconds, as a round trip through the API leaves them (S-16, K-97)."""
    return _normalised(status, None)


# Writing it ---------------------------------------------------------------------------------------------------------


def merge_status(
    pod: Pod, old: PodStatus, new: PodStatus, release: Release, *, could_have_running_containers: bool, now: Instant
) -> PodStatus:
    """What is patched into the API, where ``old`` stands, for the cached ``new`` (K-17, S-5, S-13, S-18).

    A terminal phase is held back while containers could run; conditions of others stay; nothing is ready in a
    terminal phase. ``could_have_running_containers``: the pod's worker is not past SyncTerminatingPod.
    """
    becomes_terminal = old.phase not in TERMINAL_PHASES and new.phase in TERMINAL_PHASES
    owned = owned_types(release)
    conditions = [condition for condition in old.conditions if condition.type not in owned]
    for condition in new.conditions:
        if condition.type in owned:
            conditions.append(condition)
        elif is_shared(condition.type, release) and becomes_terminal and not could_have_running_containers:
            timed = _timed(condition, old.condition(condition.type), now)
            conditions = list(replaced_condition(tuple(conditions), timed))
    keeps = old if becomes_terminal and could_have_running_containers else new
    merged = msgspec.structs.replace(
        new,
        phase=keeps.phase,
        reason=keeps.reason,
        message=keeps.message,
        conditions=tuple(conditions),
        nominated_node_name=old.nominated_node_name,
    )
    if merged.phase in TERMINAL_PHASES and (_is_true(merged, READY) or _is_true(merged, CONTAINERS_READY)):
        return _forced_unready(pod, merged, release, now)
    return merged


def can_be_deleted(pod: Pod, *, finished: bool) -> bool:
    """Whether the status manager deletes the API object with grace 0 now (K-15).

    ``pod``: as just patched. ``finished``: :func:`terminate_status` was the last update.
    """
    return (
        finished
        and pod.metadata.deletion_timestamp is not None
        and MIRROR_ANNOTATION not in pod.metadata.annotations
        and pod.status.phase in TERMINAL_PHASES
    )


# Last update --------------------------------------------------------------------------------------------------------


def terminate_status(pod: Pod, cached: PodStatus | None, release: Release, now: Instant) -> StatusUpdate:
    """The last status of a pod whose containers are all gone: nothing is left unterminated or unfinished (K-14)."""
    old = pod.status if cached is None else cached
    mains = old.container_statuses
    if has_initialized(pod):
        mains = tuple(_lost(status, release) for status in mains)
    inits = old.init_container_statuses
    tried = _tried_inits(inits)
    inits = (*(_lost(status, release) for status in inits[:tried]), *inits[tried:])
    phase = old.phase
    if phase not in TERMINAL_PHASES and not is_static(pod):
        phase = FAILED
    last = msgspec.structs.replace(old, phase=phase, container_statuses=mains, init_container_statuses=inits)
    return next_status(pod, cached, last, release, now)


def has_initialized(pod: Pod) -> bool:
    """Whether the pod's API status shows that it got past its init containers once (K-14)."""
    if not pod.spec.init_containers:
        return True
    status = pod.status
    if any(_has_left_waiting(main) for main in status.container_statuses):
        return True
    if not status.init_container_statuses:
        return False
    last = status.init_container_statuses[-1]
    entry = next((entry for entry in pod.spec.init_containers if entry.name == last.name), None)
    if entry is None:
        return False
    if is_sidecar(entry):
        return isinstance(last.state, Running) and bool(last.started)
    return any(isinstance(state, Terminated) and state.exit_code == 0 for state in (last.last_state, last.state))


# Probe results ------------------------------------------------------------------------------------------------------


def with_readiness(pod: Pod, cached: PodStatus, id_: str, ready: bool, release: Release) -> PodStatus | None:
    """The status after a readiness result was published for a container instance, or None if it says so already.

    Ready and ContainersReady follow at once, before the next sync (K-102). Goes through :func:`next_status`.
    """
    found = _instance(cached, id_)
    if found is None or found.ready is ready:
        return None
    status = _replaced_instance(cached, msgspec.structs.replace(found, ready=ready))
    by_name = {entry.name: entry for entry in (*status.init_container_statuses, *status.container_statuses)}
    containers_ready = containers_ready_condition(pod, by_name, status.phase, release)
    conditions = replaced_condition(
        status.conditions, ready_condition(pod, containers_ready, status.conditions, release)
    )
    return msgspec.structs.replace(status, conditions=replaced_condition(conditions, containers_ready))


def with_startup(cached: PodStatus, id_: str, started: bool) -> PodStatus | None:
    """The status after a startup result was published for a container instance, or None if it says so already."""
    found = _instance(cached, id_)
    if found is None or found.started is started:
        return None
    return _replaced_instance(cached, msgspec.structs.replace(found, started=started))


def _instance(status: PodStatus, id_: str) -> ContainerStatus | None:
    wanted = api_container_id(id_)
    entries = (*status.container_statuses, *status.init_container_statuses)
    return next((entry for entry in entries if entry.container_id == wanted), None)


def _replaced_instance(status: PodStatus, changed: ContainerStatus) -> PodStatus:
    def replaced(entries: Sequence[ContainerStatus]) -> tuple[ContainerStatus, ...]:
        return tuple(changed if entry.name == changed.name else entry for entry in entries)

    return msgspec.structs.replace(
        status,
        container_statuses=replaced(status.container_statuses),
        init_container_statuses=replaced(status.init_container_statuses),
    )


# Parts --------------------------------------------------------------------------------------------------------------


def _came_back(
    spec: PodSpec,
    containers: Sequence[Container],
    old: Sequence[ContainerStatus],
    new: Sequence[ContainerStatus],
    release: Release,
) -> str:
    """The first of the containers that had ended for good and has not any more."""
    for status in old:
        if not isinstance(status.state, Terminated) or not _goes_on(status.name, new):
            continue
        container = next((entry for entry in containers if entry.name == status.name), None)
        if container is not None and restart_after_exit(container, spec, status.state.exit_code, release) is None:
            return status.name
    return ""


def _goes_on(name: str, statuses: Sequence[ContainerStatus]) -> bool:
    return any(status.name == name and not isinstance(status.state, Terminated) for status in statuses)


def _with_transition_times(
    old: PodStatus, conditions: Sequence[Condition], release: Release, now: Instant
) -> tuple[Condition, ...]:
    """Conditions whose status changed, or that are new, changed now; the others when they did (S-16)."""
    owned = owned_types(release)
    before = {condition.type: condition for condition in old.conditions}
    return tuple(
        [
            _timed(condition, before.get(condition.type), now) if condition.type in owned else condition
            for condition in conditions
        ]
    )


def _timed(condition: Condition, earlier: Condition | None, now: Instant) -> Condition:
    unchanged = earlier is not None and earlier.status == condition.status
    time = earlier.last_transition_time if earlier is not None and unchanged else whole_second(now)
    return msgspec.structs.replace(condition, last_transition_time=time)


def _written_conditions(status: PodStatus, release: Release) -> list[Condition]:
    """The conditions that the kubelet writes, alone or beside others, by type."""
    owned = owned_types(release)
    written = [
        condition for condition in status.conditions if condition.type in owned or is_shared(condition.type, release)
    ]
    return sorted(written, key=_type)


def _type(condition: Condition) -> str:
    return condition.type


def _is_true(status: PodStatus, type_: str) -> bool:
    condition = status.condition(type_)
    return condition is not None and condition.status == "True"


def _forced_unready(pod: Pod, status: PodStatus, release: Release, now: Instant) -> PodStatus:
    """A pod in a terminal phase is not ready, whatever was generated (S-18)."""
    conditions = status.conditions
    for type_ in (CONTAINERS_READY, READY):
        forced = unready_in_terminal_phase(pod, type_, status.phase, release)
        conditions = replaced_condition(conditions, _timed(forced, status.condition(type_), now))
    return msgspec.structs.replace(status, conditions=conditions)


def _has_left_waiting(status: ContainerStatus) -> bool:
    return isinstance(status.last_state, Terminated) or not isinstance(status.state, Waiting)


def _tried_inits(statuses: Sequence[ContainerStatus]) -> int:
    """How many init entries were started at least once: all but those at the end that only ever waited; at least 1."""
    for count in range(len(statuses), 1, -1):
        if _has_left_waiting(statuses[count - 1]):
            return count
    return 1


def _lost(status: ContainerStatus, release: Release) -> ContainerStatus:
    if isinstance(status.state, Terminated):
        return status
    return msgspec.structs.replace(status, state=lost_state(release))


def _normalised(status: PodStatus, limit: int | None) -> PodStatus:
    return msgspec.structs.replace(
        status,
        conditions=tuple([_whole_condition(condition) for condition in status.conditions]),
        init_container_statuses=tuple([_whole_container(entry, limit) for entry in status.init_container_statuses]),
        container_statuses=tuple([_whole_container(entry, limit) for entry in status.container_statuses]),
        ephemeral_container_statuses=tuple(
            [_whole_container(entry, limit) for entry in status.ephemeral_container_statuses]
        ),
        start_time=whole_second(status.start_time),
    )


def _whole_condition(condition: Condition) -> Condition:
    if (condition.last_transition_time or 0) % SECOND == 0 and (condition.last_probe_time or 0) % SECOND == 0:
        return condition
    return msgspec.structs.replace(
        condition,
        last_transition_time=whole_second(condition.last_transition_time),
        last_probe_time=whole_second(condition.last_probe_time),
    )


def _whole_container(status: ContainerStatus, limit: int | None) -> ContainerStatus:
    state = _whole_state(status.state, limit)
    last_state = None if status.last_state is None else _whole_state(status.last_state, limit)
    if state is status.state and last_state is status.last_state:
        return status
    return msgspec.structs.replace(status, state=state, last_state=last_state)


def _whole_state(state: ContainerState | None, limit: int | None) -> ContainerState | None:
    match state:
        case Running():
            return Running(whole_second(state.started_at))
        case Terminated():
            message = state.message if limit is None else _cut(state.message, limit)
            started, finished = whole_second(state.started_at), whole_second(state.finished_at)
            return msgspec.structs.replace(state, message=message, started_at=started, finished_at=finished)
        case _:
            return state


def _cut(message: str, limit: int) -> str:
    """The first ``limit`` bytes of a message; half a character at the cut is left out."""
    if not message:
        return message
    encoded = message.encode()
    return message if len(encoded) <= limit else encoded[:limit].decode(errors="ignore")
