"""The pod conditions that the kubelet owns, from container statuses, sandbox and phase.

Source: ``pkg/kubelet/status/generate.go`` (S-8 to S-15). Each function returns a condition without transition time:
the status manager sets it when the status is taken over (S-16).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from kubesim.kubelet.container_statuses import sidecars_known
from kubesim.kubelet.observed import Observed, RuntimeState
from kubesim.kubelet.phase import FAILED, SUCCEEDED, main_has_started
from kubesim.kubelet.pod_actions import sandbox_need
from kubesim.kubelet.restart import RESTART_ALL, matching_rule
from kubesim.objects.pod import Pod, is_sidecar
from kubesim.objects.status import Condition, ContainerStatus
from kubesim.releases import Release

POD_SCHEDULED = "PodScheduled"
INITIALIZED = "Initialized"
READY = "Ready"
CONTAINERS_READY = "ContainersReady"
DISRUPTION_TARGET = "DisruptionTarget"
ALL_CONTAINERS_RESTARTING = "AllContainersRestarting"

_POD_COMPLETED = "PodCompleted"
_POD_FAILED = "PodFailed"


@cache
def owned_types(release: Release) -> frozenset[str]:
    """The types of condition that the kubelet alone writes; others are kept as found (S-8 ff.)."""
    types = {POD_SCHEDULED, INITIALIZED, READY, CONTAINERS_READY}
    if release.policy("sandbox_condition_type"):
        types.add(release.policy("sandbox_condition_type"))
    if release.enabled("RestartAllContainersOnContainerExits"):
        types.add(ALL_CONTAINERS_RESTARTING)
    return frozenset(types)


def is_shared(type_: str, release: Release) -> bool:
    """Whether the kubelet writes conditions of this type beside others (S-13)."""
    return type_ == DISRUPTION_TARGET and release.enabled("PodDisruptionConditions")


def sandbox_condition(pod: Pod, seen: Observed, release: Release) -> Condition | None:
    """PodReadyToStartContainers (1.27: PodHasNetwork), or None where it is not written (S-9)."""
    type_ = release.policy("sandbox_condition_type")
    if not type_:
        return None
    return _condition(pod, type_, not sandbox_need(pod, seen).needed, release)


def initialized_condition(
    pod: Pod, statuses: Mapping[str, ContainerStatus], phase: str, release: Release, *, was_true: bool
) -> Condition:
    """Initialized (S-10). ``was_true``: the earlier status had it True, which 1.36 keeps."""
    if not pod.spec.init_containers and phase != SUCCEEDED:
        return _condition(pod, INITIALIZED, True, release)
    with_sidecars = sidecars_known(release)
    unknown, incomplete = [], []
    for container in pod.spec.init_containers:
        status = statuses.get(container.name)
        if status is None:
            unknown.append(container.name)
        elif not (status.started if with_sidecars and is_sidecar(container) else status.ready):
            incomplete.append(container.name)
    if phase == SUCCEEDED and not unknown:
        return _condition(pod, INITIALIZED, True, release, _POD_COMPLETED)
    if not unknown and not incomplete:
        return _condition(pod, INITIALIZED, True, release)
    if main_has_started(pod, statuses) or (was_true and release.policy("initialized_stays_true")):
        return _condition(pod, INITIALIZED, True, release)
    message = _listed(release, containers_unknown=unknown, containers_incomplete=incomplete)
    return _condition(pod, INITIALIZED, False, release, "ContainersNotInitialized", message)


def containers_ready_condition(
    pod: Pod, statuses: Mapping[str, ContainerStatus], phase: str, release: Release
) -> Condition:
    """ContainersReady: sidecars first, then mains, each in spec order (S-11)."""
    unknown, unready = [], []
    sidecars = pod.spec.sidecars if sidecars_known(release) else ()
    for container in (*sidecars, *pod.spec.containers):
        status = statuses.get(container.name)
        if status is None:
            unknown.append(container.name)
        elif not status.ready:
            unready.append(container.name)
    if phase == FAILED or (phase == SUCCEEDED and not unknown):
        return unready_in_terminal_phase(pod, CONTAINERS_READY, phase, release)
    if not unknown and not unready:
        return _condition(pod, CONTAINERS_READY, True, release)
    message = _listed(release, containers_unknown=unknown, containers_unready=unready)
    return _condition(pod, CONTAINERS_READY, False, release, "ContainersNotReady", message)


def ready_condition(
    pod: Pod, containers_ready: Condition, conditions: Iterable[Condition], release: Release
) -> Condition:
    """Ready: ContainersReady and every readiness gate among the pod's conditions (S-12)."""
    if containers_ready.status != "True":
        return _condition(pod, READY, False, release, containers_ready.reason, containers_ready.message)
    if not pod.spec.readiness_gates:
        return _condition(pod, READY, True, release)
    by_type = {condition.type: condition for condition in conditions}
    messages = []
    for gate in pod.spec.readiness_gates:
        found = by_type.get(gate.condition_type)
        if found is None:
            messages.append(release.text("readiness_gate_missing").format(gate=gate.condition_type))
        elif found.status != "True":
            text = release.text("readiness_gate_not_true")
            messages.append(text.format(gate=gate.condition_type, status=found.status))
    if messages:
        return _condition(pod, READY, False, release, "ReadinessGatesNotReady", ", ".join(messages))
    return _condition(pod, READY, True, release)


def unready_in_terminal_phase(pod: Pod, type_: str, phase: str, release: Release) -> Condition:
    """Ready or ContainersReady of a pod that has ended: False, whatever the containers say (S-11, S-18)."""
    reason = _POD_COMPLETED if phase == SUCCEEDED else _POD_FAILED
    return _condition(pod, type_, False, release, reason)


def scheduled_condition(pod: Pod, release: Release) -> Condition:
    """PodScheduled: a pod the kubelet has is scheduled (S-8)."""
    return _condition(pod, POD_SCHEDULED, True, release)


def restarting_condition(pod: Pod, seen: Observed, phase: str, release: Release) -> Condition | None:
    """AllContainersRestarting, or None for a pod without such a rule (S-14, K-121). Carries no observedGeneration."""
    if not may_restart_all_containers(pod, release):
        return None
    if phase in (SUCCEEDED, FAILED):
        reason = _POD_COMPLETED if phase == SUCCEEDED else _POD_FAILED
        return Condition(type=ALL_CONTAINERS_RESTARTING, status="False", reason=reason)
    if restarts_all_containers(pod, seen, release):
        return Condition(
            type=ALL_CONTAINERS_RESTARTING,
            status="True",
            reason="RestartAllContainersStarted",
            message=release.text("RestartAllContainersStarted"),
        )
    return Condition(type=ALL_CONTAINERS_RESTARTING, status="False")


def restarts_all_containers(pod: Pod, seen: Observed, release: Release) -> bool:
    """Whether an exit that is still on record asks for all containers to be started over in place (K-121)."""
    if not release.enabled("RestartAllContainersOnContainerExits"):
        return False
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        if not container.restart_policy_rules:
            continue
        run = seen.current(container.name)
        if run is None or run.state is not RuntimeState.EXITED:
            continue
        rule = matching_rule(container, run.exit_code)
        if rule is not None and rule.action == RESTART_ALL:
            return True
    return False


def may_restart_all_containers(pod: Pod, release: Release) -> bool:
    """Whether an exit of some container can have all of them started over in place (K-121).

    Source: ``pkg/api/v1/pod/util.go`` AllContainersCouldRestart.
    """
    if not pod.spec.restart_rules or not release.enabled("RestartAllContainersOnContainerExits"):
        return False
    return any(rule.action == RESTART_ALL for rule in pod.spec.restart_rules)


def _listed(release: Release, **names: Sequence[str]) -> str:
    """The parts of a message that have names to list; lists look like printed Go slices (S-15)."""
    return ", ".join(release.text(text).format(containers=" ".join(found)) for text, found in names.items() if found)


def _condition(pod: Pod, type_: str, holds: bool, release: Release, reason: str = "", message: str = "") -> Condition:
    generation = pod.metadata.generation if release.policy("conditions_carry_observed_generation") else 0
    return Condition(
        type=type_,
        status="True" if holds else "False",
        reason=reason,
        message=message,
        observed_generation=generation,
    )
