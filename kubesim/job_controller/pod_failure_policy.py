"""What a podFailurePolicy says about one failed pod (J-39 to J-42). Source: ``pod_failure_policy.go``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kubesim.objects.job import ExitCodeRequirement, JobView, PodFailurePolicy, PodFailureRule
from kubesim.objects.pod import Pod
from kubesim.objects.status import ContainerStatus, PodStatus, Terminated
from kubesim.releases import Release


class FailureMatch(msgspec.Struct, frozen=True):
    """The verdict on one failed pod. ``message`` is set for FailJob only; ``action`` None: no rule matched."""

    action: str | None = None
    counted: bool = True
    """Whether the failure counts towards the back-off limits."""
    message: str | None = None


def failure_policy(job: JobView, release: Release) -> PodFailurePolicy | None:
    """The Job's policy, if the controller heeds such policies."""
    return job.spec.pod_failure_policy if release.enabled("JobPodFailurePolicy") else None


def match_failure(policy: PodFailurePolicy | None, pod: Pod, release: Release) -> FailureMatch:
    """The first rule that matches decides (J-39, J-40); without one the failure counts."""
    for index, rule in enumerate(policy.rules if policy is not None else ()):
        text = _match(rule, pod, index, release)
        if text is None:
            continue
        match rule.action:
            case "Ignore":
                return FailureMatch("Ignore", counted=False)
            case "Count":
                return FailureMatch("Count")
            case "FailJob":
                return FailureMatch("FailJob", message=text)
            case "FailIndex" if release.enabled("JobBackoffLimitPerIndex"):
                return FailureMatch("FailIndex")
    return FailureMatch()


def _match(rule: PodFailureRule, pod: Pod, index: int, release: Release) -> str | None:
    """The message for a rule that matches the pod (J-41), None if it does not."""
    place = {"namespace": pod.metadata.namespace, "pod": pod.metadata.name, "action": rule.action, "index": index}
    if rule.on_exit_codes is not None:
        if (found := _failed_container(pod.status, rule.on_exit_codes)) is None:
            return None
        container, code = found
        return release.text("PodFailurePolicy_exit_code").format(container=container, code=code, **place)
    if (condition := _condition_type(pod.status, rule)) is None:
        return None
    return release.text("PodFailurePolicy_condition").format(condition=condition, **place)


def _condition_type(status: PodStatus, rule: PodFailureRule) -> str | None:
    patterns = {(pattern.type, pattern.status) for pattern in rule.on_pod_conditions}
    return next((entry.type for entry in status.conditions if (entry.type, entry.status) in patterns), None)


def _failed_container(status: PodStatus, requirement: ExitCodeRequirement) -> tuple[str, int] | None:
    """The first container with a matching exit code, mains before init containers and sidecars (J-39, J-42)."""
    return _first_match(status.container_statuses, requirement) or _first_match(
        status.init_container_statuses, requirement
    )


def _first_match(statuses: Sequence[ContainerStatus], requirement: ExitCodeRequirement) -> tuple[str, int] | None:
    for status in statuses:
        match status.state:
            case Terminated(exit_code=code) if code != 0 and _asked_for(status.name, code, requirement):
                return status.name, code
    return None


def _asked_for(name: str, code: int, requirement: ExitCodeRequirement) -> bool:
    if requirement.container_name not in (None, name):
        return False
    match requirement.operator:
        case "In":
            return code in requirement.values
        case "NotIn":
            return code not in requirement.values
        case _:
            return False
