"""What the scheduler asks of the API server: bindings, the condition PodScheduled, the deletion of victims.

Source: ``pkg/scheduler/schedule_one.go`` (handleSchedulingFailure, updatePod), ``util/utils.go``,
``framework/plugins/defaultbinder``, ``framework/preemption``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kubesim.releases import Release
from kubesim.scheduler import PodInfo
from kubesim.sim.scheduling_events import SeriesRecorder
from kubesim.store import Reply, Store
from kubesim.store.conditions import disruption_target, observed, with_condition
from kubesim.units import Instant

_GONE: Final = Reply(404, "NotFound", "the pod is gone")


@dataclass(frozen=True, slots=True)
class BindPod:
    """The binding of one pod, and the Event that says so."""

    store: Store
    events: SeriesRecorder
    release: Release
    raw: dict[str, Any]
    node: str
    actor: str

    def __call__(self, now: Instant) -> Reply:
        metadata = self.raw["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        reply = self.store.bind(namespace, name, self.node, now, actor=self.actor)
        if reply.ok:
            text = self.release.text("Scheduled").format(namespace=namespace, pod=name, node=self.node)
            self.events.emit(self.raw, "Normal", "Scheduled", text)
        return reply


@dataclass(frozen=True, slots=True)
class WriteCondition:
    """PodScheduled False, and the node where others make room: None leaves it, an empty name clears it (C-60)."""

    store: Store
    release: Release
    pod: PodInfo
    reason: str
    message: str
    nominated: str | None
    actor: str

    def __call__(self, now: Instant) -> Reply:
        stored = self.store.find("Pod", self.pod.namespace, self.pod.name)
        if stored is None or stored["metadata"]["uid"] != self.pod.uid:
            return _GONE
        condition: dict[str, Any] = {
            "type": "PodScheduled",
            "status": "False",
            "reason": self.reason,
            "message": self.message,
            "lastProbeTime": None,
        }
        status = with_condition(stored.get("status") or {}, observed(condition, stored, self.release), now)
        if self.nominated:
            status["nominatedNodeName"] = self.nominated
        elif self.nominated is not None:
            status.pop("nominatedNodeName", None)
        return self.store.update_status(
            "Pod", self.pod.namespace, self.pod.name, status, now, uid=self.pod.uid, actor=self.actor
        )


@dataclass(frozen=True, slots=True)
class PreemptPod:
    """A victim's condition DisruptionTarget (S-13), its deletion with its own grace, and the Event (S-87)."""

    store: Store
    events: SeriesRecorder
    release: Release
    victim: PodInfo
    preemptor: str
    node: str

    def __call__(self, now: Instant) -> Reply:
        namespace, name, uid = self.victim.namespace, self.victim.name, self.victim.uid
        stored = self.store.find("Pod", namespace, name)
        if stored is None or stored["metadata"]["uid"] != uid:
            return _GONE
        scheduler = self.victim.spec.scheduler_name
        if self.release.enabled("PodDisruptionConditions"):
            message = f"{scheduler}: preempting to accommodate a higher priority pod"
            condition = disruption_target("PreemptionByScheduler", message, stored, self.release)
            status = with_condition(stored["status"], condition, now)
            self.store.update_status("Pod", namespace, name, status, now, uid=uid, actor=scheduler)
        reply = self.store.delete("Pod", namespace, name, now, uid_precondition=uid, actor=scheduler)
        if reply.ok:
            by = f"pod {self.preemptor}" if self.release.policy("preempted_event_names_pod") else "a pod"
            text = self.release.text("Preempted").format(preemptor=by, node=self.node)
            self.events.emit(stored, "Normal", "Preempted", text)
        return reply
