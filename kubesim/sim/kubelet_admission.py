"""Whether a kubelet takes a pod that was bound to its node: the reasons for which it fails one at first sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubesim.history.records import DecidedAction
from kubesim.kubelet.actions import Why
from kubesim.kubelet.eviction import EVICTED, refused_under_memory_pressure
from kubesim.kubelet.pod_status import rejected_status
from kubesim.objects.pod import Pod, is_sidecar

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


@dataclass(frozen=True, slots=True)
class Refusal:
    """Reason and message as in the pod's status and its Event, and why in our words."""

    reason: str
    message: str
    why: Why
    container: str = ""


def refusal(kubelet: Kubelet, pod: Pod) -> Refusal | None:
    """Why the kubelet does not take the pod, or None."""
    release = kubelet.release
    if kubelet.posts.health.shutting_down:
        return Refusal("NodeShutdown", release.text("NodeShutdown"), Why("the node is shutting down", ("K-86",)))
    if kubelet.posts.health.memory_low and refused_under_memory_pressure(pod):
        text = release.text("node_condition").format(conditions="[MemoryPressure]")
        why = Why("a pod without requests is not taken while memory is low", ("K-84",))
        return Refusal(EVICTED, text, why)
    offender = next((entry.name for entry in pod.spec.init_containers if is_sidecar(entry)), None)
    if offender is None or release.policy("sidecar_field_at_kubelet") != "reject":
        return None
    reason = "InitContainerRestartPolicyForbidden"
    why = Why(f"the SidecarContainers gate is off here and init container {offender} is a sidecar", ("K-55",))
    return Refusal(reason, release.text(reason).format(container=offender), why, offender)


def refuse(kubelet: Kubelet, pod: Pod, found: Refusal) -> None:
    """Fail the pod with an Event; no container of it ever starts."""
    kubelet.pod_event(pod, "Warning", found.reason, found.message)
    kubelet.statuses.set(pod, rejected_status(pod, found.reason, found.message, kubelet.release))
    kubelet.record_decision(pod, "admission", (DecidedAction(do="reject", container=found.container),), found.why)
