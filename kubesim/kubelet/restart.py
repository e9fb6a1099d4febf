"""Whether a container that is not running is started again: pod policy, container policy, restart rules.

Source: ``pkg/kubelet/container/helpers.go`` ShouldContainerBeRestarted, ``pkg/api/v1/pod/util.go``
ContainerShouldRestart (K-50, K-120).
"""

from __future__ import annotations

from kubesim.kubelet.actions import Why
from kubesim.kubelet.observed import ObservedContainer, RuntimeState
from kubesim.objects.pod import Container, Pod, PodSpec, RestartRule
from kubesim.releases import Release

RESTART = "Restart"
RESTART_ALL = "RestartAllContainers"


def restart_policy(container: Container, spec: PodSpec, release: Release) -> str:
    """The policy that decides for a main or plain init: its own under ContainerRestartRules, else the pod's (K-120)."""
    if release.policy("restart_decision") == "container" and container.restart_policy is not None:
        return container.restart_policy
    return spec.restart_policy


def matching_rule(container: Container, exit_code: int) -> RestartRule | None:
    """The first restart rule whose exit codes fit, or None. Only looked at under ContainerRestartRules (K-120)."""
    return next((rule for rule in container.restart_policy_rules if _fits(rule, exit_code)), None)


def _restarts(rule: RestartRule, release: Release) -> bool:
    if rule.action == RESTART_ALL:
        return release.enabled("RestartAllContainersOnContainerExits")
    return rule.action == RESTART


def _fits(rule: RestartRule, exit_code: int) -> bool:
    if rule.exit_codes is None:
        return False
    match rule.exit_codes.operator:
        case "In":
            return exit_code in rule.exit_codes.values
        case "NotIn":
            return exit_code not in rule.exit_codes.values
        case _:
            return False


def restart_after_exit(container: Container, spec: PodSpec, exit_code: int, release: Release) -> Why | None:
    """Why a main or plain init that exited so is started again, or None if it is not (K-50, K-120).

    The first rule that fits decides, if its action is known; the action ``RestartAllContainers`` needs its own gate
    (K-121). Else the policy does.
    """
    if release.policy("restart_decision") == "container":
        rule = matching_rule(container, exit_code)
        if rule is not None and _restarts(rule, release):
            return Why(f"exit code {exit_code} matches a restart rule of container {container.name}", ("K-120",))
    policy = restart_policy(container, spec, release)
    if policy == "Always" or (policy == "OnFailure" and exit_code != 0):
        return Why(f"exited with code {exit_code} under restart policy {policy}", ("K-50",))
    return None


def restart_when_not_running(
    container: Container, pod: Pod, seen: ObservedContainer | None, release: Release
) -> Why | None:
    """Why a main that does not run is started, or None if it is not; never on a pod being deleted (K-50)."""
    if pod.metadata.deletion_timestamp is not None:
        return None
    if seen is None:
        return Why("never ran", ("K-50",))
    if seen.state is RuntimeState.EXITED:
        return restart_after_exit(container, pod.spec, seen.exit_code, release)
    return Why(f"was left in state {seen.state.value}", ("K-50",))
