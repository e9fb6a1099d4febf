"""What one sync does to a pod: sandbox, ephemeral containers, init entries, mains (K-35 to K-53).

Source: ``kuberuntime_manager.go`` computePodActions, ``util.go`` PodSandboxChanged, 1.27 to 1.36.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from kubesim.kubelet.actions import Kill, KillReason, PodActions, Reset, Start, Why
from kubesim.kubelet.init_containers import InitActions, init_actions
from kubesim.kubelet.init_containers_legacy import legacy_init_actions
from kubesim.kubelet.observed import Observed, ObservedContainer, ProbeResult, ProbeResults, RuntimeState
from kubesim.kubelet.restart import RESTART_ALL, matching_rule, restart_policy, restart_when_not_running
from kubesim.objects.pod import Container, Pod, has_sidecar
from kubesim.releases import Release


def pod_actions(
    pod: Pod,
    seen: Observed,
    probes: ProbeResults,
    release: Release,
    *,
    restart_all_containers: bool = False,
) -> PodActions:
    """The actions of one sync of a pod, each with its reason.

    ``restart_all_containers``: the condition AllContainersRestarting is True (K-121). Reads no clock: back-off is
    asked for each start, when it is its turn (K-25).
    """
    sandbox = sandbox_need(pod, seen)
    if restart_all_containers and release.enabled("RestartAllContainersOnContainerExits"):
        return _reset_actions(pod, seen, sandbox)
    if sandbox.needed:
        return _sandbox_actions(pod, seen, sandbox, release)
    ephemeral = tuple(
        Start(container.name, Why("an ephemeral container is started once", ("K-39",)))
        for container in pod.spec.ephemeral_containers
        if seen.current(container.name) is None
    )
    init = _init_actions(pod, seen, probes, release)
    base = PodActions(
        kill_pod=init.kill_pod,
        create_sandbox=False,
        sandbox_id=sandbox.id,
        attempt=sandbox.attempt,
        why=init.why,
        init_to_start=init.to_start,
        ephemeral_to_start=ephemeral,
        kills=init.kills,
    )
    if init.kill_pod or not init.done:
        return base
    return _with_mains(base, pod, seen, probes, release)


# Sandbox ------------------------------------------------------------------------------------------------------------


class SandboxNeed(msgspec.Struct, frozen=True):
    """Whether a new sandbox is needed, its (or the kept one's) attempt, and the sandbox this is about."""

    needed: bool
    attempt: int
    id: str
    why: Why


def sandbox_need(pod: Pod, seen: Observed) -> SandboxNeed:
    """Whether the pod needs a new sandbox, and why (K-35)."""
    if not seen.sandboxes:
        return SandboxNeed(True, 0, "", Why("the pod has no sandbox", ("K-35",)))
    newest = seen.sandboxes[0]
    if len([sandbox for sandbox in seen.sandboxes if sandbox.ready]) > 1:
        return SandboxNeed(True, newest.attempt + 1, newest.id, Why("more than one sandbox is ready", ("K-35",)))
    if not newest.ready:
        return SandboxNeed(True, newest.attempt + 1, newest.id, Why("the sandbox is not ready", ("K-35",)))
    if newest.host_network != pod.spec.host_network:
        return SandboxNeed(True, newest.attempt + 1, "", Why("the sandbox has the other network mode", ("K-35",)))
    if not pod.spec.host_network and not newest.ip:
        return SandboxNeed(True, newest.attempt + 1, newest.id, Why("the sandbox has no address", ("K-35",)))
    return SandboxNeed(False, newest.attempt, newest.id, Why("the sandbox is ready", ("K-35",)))


def _sandbox_actions(pod: Pod, seen: Observed, sandbox: SandboxNeed, release: Release) -> PodActions:
    """Everything is killed; unless the pod is over, a new sandbox starts it from the beginning (K-36 to K-38)."""
    end = PodActions(True, False, sandbox.id, sandbox.attempt, sandbox.why)
    if pod.spec.restart_policy == "Never" and sandbox.attempt != 0 and seen.containers:
        return replace(end, why=Why(f"{sandbox.why.text}, and restart policy Never makes no second one", ("K-36",)))
    wanted = tuple(main for main in pod.spec.containers if not _succeeded_for_good(main, pod, seen, release))
    if not wanted and _was_initialized(pod, seen, release):
        return replace(end, why=Why(f"{sandbox.why.text}, and every main container has succeeded", ("K-37",)))
    why = Why(f"{sandbox.why.text}; the pod starts from the beginning", ("K-35", "K-38"))
    begin = replace(end, create_sandbox=True, why=why)
    if pod.spec.init_containers:
        return replace(begin, init_to_start=(Start(pod.spec.init_containers[0].name, why),))
    return replace(begin, mains_to_start=tuple(Start(main.name, why) for main in wanted))


def _succeeded_for_good(main: Container, pod: Pod, seen: Observed, release: Release) -> bool:
    """Whether a main needs no start in a new sandbox: OnFailure, and it succeeded (K-37)."""
    status = seen.current(main.name)
    if status is None or restart_policy(main, pod.spec, release) != "OnFailure" or status.exit_code != 0:
        return False
    if release.policy("succeeded_when_sandbox_remade") == "exited_with_exit_code_zero":
        return status.state is RuntimeState.EXITED
    return status.state is not RuntimeState.RUNNING


def _was_initialized(pod: Pod, seen: Observed, release: Release) -> bool:
    """Whether initialization was finished in an earlier sandbox (K-37): here an exited main counts in every release."""
    if not _takes_walk(pod, release):
        return legacy_init_actions(pod, seen, release).done
    return any(
        status is not None and status.state is not RuntimeState.UNKNOWN
        for status in (seen.current(main.name) for main in pod.spec.containers)
    )


# Init entries -------------------------------------------------------------------------------------------------------


def _takes_walk(pod: Pod, release: Release) -> bool:
    """Whether this pod's init entries are walked as K-41 says, rather than as K-40: the policy ``init_algorithm``."""
    if release.has_bug("init_order_lost_in_new_sandbox"):
        return True
    match release.policy("init_algorithm"):
        case "sidecar":
            return True
        case "sidecar_for_pods_with_sidecar":
            return has_sidecar(pod.spec)
        case _:
            return False


def _init_actions(pod: Pod, seen: Observed, probes: ProbeResults, release: Release) -> InitActions:
    if _takes_walk(pod, release):
        return init_actions(pod, seen, probes, release)
    return legacy_init_actions(pod, seen, release)


# Mains --------------------------------------------------------------------------------------------------------------


def _with_mains(base: PodActions, pod: Pod, seen: Observed, probes: ProbeResults, release: Release) -> PodActions:
    """The decision with the mains in it; kills the pod if none is kept and none is to start (K-50)."""
    starts: list[Start] = []
    kills: list[Kill] = []
    kept = 0
    for main in pod.spec.containers:
        status = seen.current(main.name)
        if status is not None and status.state is RuntimeState.RUNNING:
            kill = _running_main(main, status, pod, probes, release)
            if kill is None:
                kept += 1
                continue
            kills.append(kill)
            if kill.restart:
                starts.append(Start(main.name, kill.why))
        elif (why := restart_when_not_running(main, pod, status, release)) is not None:
            starts.append(Start(main.name, why))
            if status is not None and status.state is RuntimeState.UNKNOWN:
                kills.append(_unknown_main_kill(status, release))
    together = base.kills + tuple(kills)
    if kept == 0 and not starts:
        why = Why("no main container runs or is to be started again", ("K-50", "K-66"))
        return replace(base, kill_pod=True, init_to_start=(), kills=together, why=why)
    return replace(base, mains_to_start=tuple(starts), kills=together)


def _running_main(
    main: Container, status: ObservedContainer, pod: Pod, probes: ProbeResults, release: Release
) -> Kill | None:
    """The kill of a running main whose definition changed or whose probe failed, or None if it is kept (K-50, K-51)."""
    restart = restart_policy(main, pod.spec, release) != "Never"
    if status.definition_changed:
        reason, text, restart = KillReason.OTHER, "Killing_definition", True
    elif probes.liveness.get(status.id) is ProbeResult.FAILURE:
        reason, text = KillReason.LIVENESS_PROBE, "Killing_liveness"
    elif probes.startup.get(status.id) is ProbeResult.FAILURE:
        reason, text = KillReason.STARTUP_PROBE, "Killing_startup"
    else:
        return None
    suffix = release.text("Killing_restart_suffix") if restart else ""
    message = release.text(text).format(container=main.name, restart=suffix)
    why = Why(message, ("K-50", "K-51"))
    return Kill(status.id, main.name, reason, message, restart, why)


def _unknown_main_kill(status: ObservedContainer, release: Release) -> Kill:
    message = release.text("Killing_unknown")
    why = Why("its state at the runtime is unknown", ("K-50",))
    return Kill(status.id, status.name, KillReason.UNKNOWN, message, restart=True, why=why)


# Restart of all containers --------------------------------------------------------------------------------------------


def _reset_actions(pod: Pod, seen: Observed, sandbox: SandboxNeed) -> PodActions:
    """Every container's record is removed so that the pod starts over in place: mains, init entries, sources (K-121).

    All records go, those of earlier runs too. The containers whose exit asked for it come last, so that the request is
    still seen if the pass breaks off. Source: ``kuberuntime_manager.go`` getContainersToReset.
    """
    others: list[Reset] = []
    sources: list[Reset] = []
    for container in (*pod.spec.containers, *pod.spec.init_containers):
        for run in seen.containers:
            if run.name != container.name:
                continue
            ended = run.state is RuntimeState.EXITED
            rule = matching_rule(container, run.exit_code) if ended else None
            if rule is not None and rule.action == RESTART_ALL:
                why = Why(f"exit code {run.exit_code} of {container.name} restarts all containers", ("K-121",))
                sources.append(Reset(run.id, container.name, not ended, why))
            else:
                why = Why("all containers of the pod are restarted in place", ("K-121",))
                others.append(Reset(run.id, container.name, not ended, why))
    return PodActions(
        kill_pod=sandbox.needed,
        create_sandbox=sandbox.needed,
        sandbox_id=sandbox.id,
        attempt=sandbox.attempt,
        why=Why("all containers of the pod are restarted in place", ("K-121",)),
        resets=(*others, *sources),
    )
