"""What became of a Pod with a sidecar on the releases it was run on, in one word and a reason.

A fold over a history. Source: the skew table of the control-plane rules (C-10, C-20, C-66), kubelet rules K-54 to K-58.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kubesim.history.history import History
from kubesim.history.lives import PodLife
from kubesim.history.records import ActionDone
from kubesim.releases import Component, Release, release
from kubesim.timelines.lost_sidecars import LostSidecar, lost_sidecars, main_ran, with_makers


class Outcome(StrEnum):
    """How it ended, from best to worst; the value is what people read."""

    WORKS = "works"
    STOPS_TOGETHER = "starts, stops the 1.28 way"
    RUNS_ONCE = "runs once, as an init container"
    STUCK = "stuck in Init"
    UNSCHEDULABLE = "unschedulable"
    REJECTED_BY_KUBELET = "rejected by the kubelet"
    REJECTED_BY_API = "rejected by the API server"
    NO_SIDECAR = "has no sidecar"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, why, and by which rules."""

    outcome: Outcome
    why: str
    rules: tuple[str, ...] = ()


def sidecar_outcome(history: History, kind: str, name: str) -> Verdict:
    """What became of a Pod, or of the first Pod of a controller, as far as its sidecars go."""
    if refusal := _refusal(history, kind):
        return refusal
    life = next(_pods_of(history, kind, name), None)
    lost = [one for one in lost_sidecars(history) if life is not None and one.key in with_makers(history, life)]
    if life is None:
        return Verdict(Outcome.NO_SIDECAR, f"no Pod of {name} came to be in this run")
    spec, status = life.versions[-1].object["spec"], life.versions[-1].object.get("status") or {}
    sidecars = [one["name"] for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    if not sidecars and not lost:
        return Verdict(Outcome.NO_SIDECAR, "no init container of it has restartPolicy Always")
    if not spec.get("nodeName"):
        return _unscheduled(status)
    if status.get("phase") == "Failed" and status.get("reason") and not any(one.runs for one in _containers(life)):
        return Verdict(Outcome.REJECTED_BY_KUBELET, f"{status['reason']}: {status.get('message', '')}", ("K-55",))
    if lost:
        return _as_init_container(lost[0], life)
    return _as_sidecar(life, sidecars, _kubelet(history, life.node))


def _refusal(history: History, kind: str) -> Verdict | None:
    for action in history.of(ActionDone):
        if action.do in (f"create {kind}", "create") and action.code >= 400:
            rule = "C-10" if action.code == 400 else "C-22b" if action.code == 422 else "C-33"
            return Verdict(Outcome.REJECTED_BY_API, action.message, (rule,))
    return None


def _pods_of(history: History, kind: str, name: str) -> Iterator[PodLife]:
    for life in history.pods:
        if any((one.kind, one.name) == (kind, name) for one in with_makers(history, life)):
            yield life


def _unscheduled(status: dict[str, Any]) -> Verdict:
    conditions: list[dict[str, Any]] = status.get("conditions") or []
    placed = next((one for one in conditions if one["type"] == "PodScheduled"), {})
    why = str(placed.get("message") or placed.get("reason") or "not bound")
    return Verdict(Outcome.UNSCHEDULABLE, why.partition(" preemption:")[0], ("C-60", "C-66"))


def _as_init_container(lost: LostSidecar, life: PodLife) -> Verdict:
    because = f"{lost.culprit} {lost.what}: {lost.why}"
    return Verdict(Outcome.RUNS_ONCE if main_ran(life) else Outcome.STUCK, because, lost.rules)


def _as_sidecar(life: PodLife, sidecars: list[str], kubelet: Release) -> Verdict:
    """Honoured as a sidecar: does it let the main containers start, and in which order will they stop?"""
    if not main_ran(life):
        return Verdict(Outcome.STUCK, f"{', '.join(sidecars)}: a sidecar, and no main container has started", ("K-41",))
    if kubelet.policy("termination_order") == "none":
        return Verdict(Outcome.STOPS_TOGETHER, f"kubelet {kubelet.name} stops all containers at once", ("K-58",))
    return Verdict(Outcome.WORKS, f"kubelet {kubelet.name} stops sidecars after the main containers", ("K-41", "K-75"))


def _containers(life: PodLife) -> list[Any]:
    return list(life.containers.values())


def _kubelet(history: History, node: str) -> Release:
    header = next(one for one in history.header.nodes if one.name == node)
    return release(header.release, header.feature_gates, component=Component.KUBELET, bugs=header.bugs)
