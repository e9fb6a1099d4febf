"""What the Job controller reads off one pod: active, terminating, failed, its index and counts, when it finished.

Source: ``job_controller.go`` isPodFailed, ``backoff_utils.go`` getFinishedTime, ``indexed_job_utils.go``,
``controller_utils.go`` ActivePods.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from kubesim.job_controller.intervals import read_number
from kubesim.job_controller.pod_failure_policy import failure_policy
from kubesim.objects.job import (
    COMPLETION_INDEX,
    INDEX_FAILURE_COUNT,
    INDEX_IGNORED_FAILURE_COUNT,
    TRACKING_FINALIZER,
    JobView,
)
from kubesim.objects.pod import Pod
from kubesim.objects.status import ContainerStatus, Terminated
from kubesim.releases import Release
from kubesim.units import SECOND, Instant

_MAX_COUNT: Final = 2**31 - 1
_PHASE_ORDER: Final = {"Pending": 0, "Unknown": 1, "Running": 2}


def is_terminal(pod: Pod) -> bool:
    """Whether the pod's phase is final."""
    return pod.status.phase in ("Succeeded", "Failed")


def is_active(pod: Pod) -> bool:
    """Whether the pod counts as active: neither finished nor being deleted (J-14)."""
    return pod.metadata.deletion_timestamp is None and not is_terminal(pod)


def is_terminating(pod: Pod) -> bool:
    """Whether the pod counts as terminating: being deleted and not finished (J-14)."""
    return pod.metadata.deletion_timestamp is not None and not is_terminal(pod)


def is_ready(pod: Pod) -> bool:
    """Whether the pod's condition Ready is True."""
    condition = pod.status.condition("Ready")
    return condition is not None and condition.status == "True"


def has_tracking_finalizer(pod: Pod) -> bool:
    """Whether the pod still waits to be counted (J-4)."""
    return TRACKING_FINALIZER in pod.metadata.finalizers


def only_failed_replaced(job: JobView, release: Release) -> bool:
    """Whether a pod is replaced only once its phase is Failed (J-44); a podFailurePolicy asks for it too (J-16)."""
    if release.enabled("JobPodReplacementPolicy") and job.spec.pod_replacement_policy == "Failed":
        return True
    return failure_policy(job, release) is not None


def is_failed(pod: Pod, job: JobView, release: Release) -> bool:
    """Whether the pod is a failure: phase Failed, or being deleted where terminating pods are replaced (J-16).

    1.27 waits for the phase only while PodDisruptionConditions is on, for only then all pods reach one.
    """
    if pod.status.phase == "Failed":
        return True
    if only_failed_replaced(job, release) and (
        release.policy("job_create_counts_terminating") or release.enabled("PodDisruptionConditions")
    ):
        return False
    return is_terminating(pod)


def completion_index(pod: Pod) -> int | None:
    """The pod's completion index (J-5); None if it has none that can be read."""
    index = read_number(pod.metadata.annotations.get(COMPLETION_INDEX, ""))
    return None if index is None or index < 0 else index


def valid_index(pod: Pod, job: JobView) -> int | None:
    """The pod's completion index if the Job has it, else None."""
    index = completion_index(pod)
    return None if index is None or index >= (job.spec.completions or 0) else index


def failure_count(pod: Pod) -> int:
    """How many failures of its index came before this pod and counted (J-35); 0 if unreadable or out of range."""
    return _count(pod, INDEX_FAILURE_COUNT)


def ignored_failure_count(pod: Pod) -> int:
    """How many failures of its index came before this pod and were ignored by the podFailurePolicy."""
    return _count(pod, INDEX_IGNORED_FAILURE_COUNT)


def all_failure_count(pod: Pod) -> int:
    """How many failures of its index came before this pod: back-off grows with the ignored ones too."""
    return failure_count(pod) + ignored_failure_count(pod)


def _count(pod: Pod, annotation: str) -> int:
    count = read_number(pod.metadata.annotations.get(annotation, ""))
    return count if count is not None and 0 <= count <= _MAX_COUNT else 0


def finish_time(pod: Pod, release: Release) -> Instant:
    """When the pod finished, as the back-off counts it (J-33)."""
    if (ended := _containers_finished(pod, release)) is not None:
        return ended
    ready = pod.status.condition("Ready")
    if ready is not None and ready.status == "False" and ready.last_transition_time is not None:
        return ready.last_transition_time
    if pod.metadata.deletion_timestamp is not None:
        return pod.metadata.deletion_timestamp - (pod.metadata.deletion_grace_period_seconds or 0) * SECOND
    return pod.metadata.creation_timestamp or 0


def _containers_finished(pod: Pod, release: Release) -> Instant | None:
    """The latest end of the mains, and of the sidecars where they count; None if one of those lists is not over.

    The two lists are looked at one after the other: mains that are not over are passed over if all sidecars are.
    """
    latest = _latest_end(None, pod.status.container_statuses)
    if release.policy("job_finish_time_counts_sidecars"):
        sidecars = {container.name for container in pod.spec.sidecars}
        statuses = tuple(status for status in pod.status.init_container_statuses if status.name in sidecars)
        latest = _latest_end(latest, statuses)
    return latest


def _latest_end(latest: Instant | None, statuses: Sequence[ContainerStatus]) -> Instant | None:
    for status in statuses:
        match status.state:
            case Terminated(finished_at=int(ended)):
                latest = ended if latest is None else max(latest, ended)
            case _:
                return None
    return latest


def removal_order(pods: Iterable[Pod]) -> list[Pod]:
    """Pods in the order in which surplus ones are deleted: those that have come least far first (J-24)."""
    return sorted(pods, key=_removal_rank)


def _removal_rank(pod: Pod) -> tuple[object, ...]:
    ready = is_ready(pod)
    condition = pod.status.condition("Ready")
    ready_since = condition.last_transition_time if ready and condition is not None else None
    sidecars = {container.name for container in pod.spec.sidecars}
    mains = max((status.restart_count for status in pod.status.container_statuses), default=0)
    others = max(
        (status.restart_count for status in pod.status.init_container_statuses if status.name in sidecars), default=0
    )
    return (
        pod.spec.node_name != "",
        _PHASE_ORDER.get(pod.status.phase, 0),
        ready,
        _newest_first(ready_since),
        -mains,
        -others,
        _newest_first(pod.metadata.creation_timestamp),
    )


def _newest_first(instant: Instant | None) -> tuple[int, int]:
    """Unknown instants come before all others."""
    return (0, 0) if instant is None else (1, -instant)
