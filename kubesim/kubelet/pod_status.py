"""The status of a pod as the kubelet generates it, once per sync, from what the runtime shows.

Source: ``pkg/kubelet/kubelet_pods.go`` generateAPIPodStatus (S-1 to S-33). The status manager then compares it with
the one before, sets the transition times and writes it (:mod:`kubesim.kubelet.status_manager`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubesim.kubelet.conditions import (
    ALL_CONTAINERS_RESTARTING,
    DISRUPTION_TARGET,
    INITIALIZED,
    containers_ready_condition,
    initialized_condition,
    is_shared,
    owned_types,
    ready_condition,
    restarting_condition,
    sandbox_condition,
    scheduled_condition,
)
from kubesim.kubelet.container_statuses import (
    Kind,
    ProbeWorkers,
    StartFailure,
    StatusInputs,
    container_statuses,
    probe_workers,
    with_probe_results,
)
from kubesim.kubelet.observed import Observed, ProbeResults
from kubesim.kubelet.phase import FAILED, TERMINAL_PHASES, pod_phase
from kubesim.objects.pod import Pod
from kubesim.objects.status import Condition, ContainerStatus, PodStatus
from kubesim.releases import Release
from kubesim.units import Instant

_NO_FAILURES: Mapping[str, StartFailure] = {}


class Verdict(msgspec.Struct, frozen=True):
    """Why the pod has to fail whatever its containers say: deadline, eviction, shutdown (S-5, K-84 to K-88)."""

    reason: str
    message: str
    disruption: Condition | None = None
    """The DisruptionTarget condition that goes with it (S-13)."""


def generate_status(
    pod: Pod,
    cached: PodStatus | None,
    seen: Observed,
    probes: ProbeResults,
    release: Release,
    *,
    start_failures: Mapping[str, StartFailure] = _NO_FAILURES,
    workers: ProbeWorkers | None = None,
    terminal: bool = False,
    deadline: Verdict | None = None,
    host_ip: str = "",
    kubelet_started_at: Instant | None = None,
) -> PodStatus:
    """The pod's status as of now, without transition times and start time.

    ``cached``: the status the kubelet generated last, None before the first and after its restart; then the API's
    counts. ``start_failures``: the reason cache (S-30). ``workers``: the probe workers there are; None: those that a
    pod has before any has ended. ``terminal``: no container will be started again (S-6). ``deadline``: the pod's
    active deadline has passed (K-88). ``kubelet_started_at``: given if the kubelet was restarted under running pods.
    """
    old = pod.status if cached is None else cached
    inputs = _inputs(pod, old, seen, start_failures, release)
    spec = pod.spec
    inits = container_statuses(inputs, Kind.INIT, spec.init_containers, old.init_container_statuses)
    mains = container_statuses(inputs, Kind.MAIN, spec.containers, old.container_statuses)
    ephemeral = container_statuses(inputs, Kind.EPHEMERAL, spec.ephemeral_containers, old.ephemeral_container_statuses)
    computed = pod_phase(
        pod,
        _by_name(inits, mains),
        release,
        terminal=terminal,
        main_in_sandbox=_main_in_active_sandbox(pod, seen),
    )
    phase, reason, message = _kept_phase(pod, old, computed, deadline)
    if workers is None:
        workers = probe_workers(pod, release)
    inits = with_probe_results(inits, Kind.INIT, pod, probes, workers, release, kubelet_started_at)
    mains = with_probe_results(mains, Kind.MAIN, pod, probes, workers, release, kubelet_started_at)
    return PodStatus(
        phase=phase,
        reason=reason,
        message=message,
        conditions=_conditions(pod, old, seen, _by_name(inits, mains), phase, release),
        init_container_statuses=inits,
        container_statuses=mains,
        ephemeral_container_statuses=ephemeral,
        host_ip=host_ip or old.host_ip,
        pod_ip=_pod_ip(pod, old, seen, host_ip, release),
        qos_class=pod.status.qos_class or old.qos_class,
        observed_generation=pod.metadata.generation if release.policy("conditions_carry_observed_generation") else 0,
    )


def with_verdict(status: PodStatus, verdict: Verdict, release: Release, now: Instant) -> PodStatus:
    """The status of a pod that is killed for a reason of the node's: Failed, with the disruption condition (K-12).

    The status that follows the kill is generated anew; an exit code 0 of every main then still makes it Succeeded.
    """
    conditions = status.conditions
    if verdict.disruption is not None and is_shared(verdict.disruption.type, release):
        conditions = replaced_condition(
            conditions,
            msgspec.structs.replace(
                verdict.disruption, last_transition_time=now, observed_generation=status.observed_generation
            ),
        )
    return msgspec.structs.replace(
        status, phase=FAILED, reason=verdict.reason, message=verdict.message, conditions=conditions
    )


def rejected_status(pod: Pod, reason: str, message: str, release: Release) -> PodStatus:
    """The status of a pod that the kubelet does not admit: the verdict, and from 1.32 on the QoS class (K-55, S-80)."""
    return PodStatus(
        phase=FAILED,
        reason=reason,
        message=release.text("rejected_prefix") + message,
        qos_class=pod.status.qos_class if release.policy("rejection_keeps_qos_class") else "",
    )


def replaced_condition(conditions: tuple[Condition, ...], condition: Condition) -> tuple[Condition, ...]:
    """The conditions with one of them replaced in its place, or appended."""
    if any(found.type == condition.type for found in conditions):
        return tuple(condition if found.type == condition.type else found for found in conditions)
    return (*conditions, condition)


def _inputs(
    pod: Pod, old: PodStatus, seen: Observed, start_failures: Mapping[str, StartFailure], release: Release
) -> StatusInputs:
    restarting = None
    if release.enabled("RestartAllContainersOnContainerExits"):
        restarting = old.condition(ALL_CONTAINERS_RESTARTING)
    return StatusInputs(
        pod=pod,
        runs=seen.runs,
        start_failures=start_failures,
        restarting_all=restarting is not None and restarting.status == "True",
        release=release,
    )


def _by_name(inits: tuple[ContainerStatus, ...], mains: tuple[ContainerStatus, ...]) -> dict[str, ContainerStatus]:
    return {status.name: status for status in (*inits, *mains)}


def _main_in_active_sandbox(pod: Pod, seen: Observed) -> bool:
    """Whether the runtime has a record of some main in the newest sandbox, and that one is ready (S-4, 1.33+)."""
    if not seen.sandboxes or not seen.sandboxes[0].ready:
        return False
    active = seen.sandboxes[0].id
    return any(run.sandbox_id == active for main in pod.spec.containers for run in seen.runs.get(main.name, ()))


def _kept_phase(pod: Pod, old: PodStatus, computed: str, deadline: Verdict | None) -> tuple[str, str, str]:
    """Phase, reason and message: a terminal phase is never left, and a phase that stays keeps its reason (S-5)."""
    phase, reason, message = computed, "", ""
    in_api = pod.status.phase
    if phase not in TERMINAL_PHASES:
        if old.phase in TERMINAL_PHASES:
            phase = old.phase
        elif in_api in TERMINAL_PHASES:
            phase = in_api
    if phase == old.phase:
        reason = old.reason or pod.status.reason
        message = old.message or pod.status.message
    if deadline is not None:
        phase, reason, message = FAILED, deadline.reason, deadline.message
    return (in_api if in_api in TERMINAL_PHASES else phase), reason, message


def _conditions(
    pod: Pod,
    old: PodStatus,
    seen: Observed,
    statuses: Mapping[str, ContainerStatus],
    phase: str,
    release: Release,
) -> tuple[Condition, ...]:
    """Conditions of others first, then the kubelet's own in the order of S §2."""
    owned = owned_types(release)
    foreign = tuple([condition for condition in pod.status.conditions if condition.type not in owned])
    disruption = old.condition(DISRUPTION_TARGET)
    if disruption is not None and is_shared(DISRUPTION_TARGET, release):
        foreign = replaced_condition(foreign, disruption)
    was_initialized = old.condition(INITIALIZED)
    sandbox = sandbox_condition(pod, seen, release)
    restarting = restarting_condition(pod, seen, phase, release)
    containers_ready = containers_ready_condition(pod, statuses, phase, release)
    return (
        *foreign,
        *(() if sandbox is None else (sandbox,)),
        initialized_condition(
            pod,
            statuses,
            phase,
            release,
            was_true=was_initialized is not None and was_initialized.status == "True",
        ),
        ready_condition(pod, containers_ready, foreign, release),
        containers_ready,
        scheduled_condition(pod, release),
        *(() if restarting is None else (restarting,)),
    )


def _pod_ip(pod: Pod, old: PodStatus, seen: Observed, host_ip: str, release: Release) -> str:
    """The newest ready sandbox's address; once no sandbox is ready, the address it had (K-12 step 6)."""
    if pod.spec.host_network:
        return host_ip or old.pod_ip
    if seen.sandboxes and seen.sandboxes[0].ready:
        return seen.sandboxes[0].ip
    if any(sandbox.ready for sandbox in seen.sandboxes) or release.has_bug("pod_ip_lost_at_termination"):
        return ""
    return old.pod_ip
