"""What of a pod's scheduling constraints is read and not acted upon: said once, never dropped in silence."""

from __future__ import annotations

from typing import Any, Final

from kubesim.scheduler.pods import PodInfo

_SCORE: Final = "wishes between pods do not weigh in the choice among nodes"


def not_modelled(pod: PodInfo, raw_spec: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """(field, what is missing) for each constraint that has no effect on where the pod goes."""
    spec = pod.spec
    found = []
    if spec.affinity.pod_affinity.preferred:
        found.append(("spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution", _SCORE))
    if spec.affinity.pod_anti_affinity.preferred:
        found.append(("spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution", _SCORE))
    if any(entry.when_unsatisfiable == "ScheduleAnyway" for entry in spec.topology_spread_constraints):
        found.append(("spec.topologySpreadConstraints[].whenUnsatisfiable", _SCORE))
    if any("persistentVolumeClaim" in volume for volume in raw_spec.get("volumes") or ()):
        found.append(("spec.volumes[].persistentVolumeClaim", "the scheduler takes every claim for bound"))
    if raw_spec.get("resourceClaims"):
        found.append(("spec.resourceClaims", "the scheduler takes every claim for allocated"))
    return tuple(found)
