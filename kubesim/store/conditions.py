"""Setting one condition of a Pod's status as the scheduler and the controllers do.

Source: ``pkg/api/v1/pod/util.go``: UpdatePodCondition, CalculatePodConditionObservedGeneration.
"""

from __future__ import annotations

from typing import Any

from kubesim.objects.status import render_time
from kubesim.releases import Release
from kubesim.units import Instant


def with_condition(status: dict[str, Any], condition: dict[str, Any], now: Instant) -> dict[str, Any]:
    """The status with that condition; its lastTransitionTime is now unless the stored one has the same ``status``."""
    conditions: list[dict[str, Any]] = list(status.get("conditions") or ())
    place = next((i for i, entry in enumerate(conditions) if entry.get("type") == condition["type"]), None)
    since: str | None = render_time(now)
    if place is not None and conditions[place].get("status") == condition["status"]:
        since = conditions[place].get("lastTransitionTime")
    written = {**condition, "lastTransitionTime": since}
    if place is None:
        conditions.append(written)
    else:
        conditions[place] = written
    return {**status, "conditions": conditions}


def observed(condition: dict[str, Any], pod: dict[str, Any], release: Release) -> dict[str, Any]:
    """The condition with the generation of the pod it was made of, where the release tracks it (FINDINGS 54).

    The eviction subresource does not do that: its condition has none.
    """
    generation = pod["metadata"].get("generation")
    if generation is None or not release.enabled("PodObservedGenerationTracking"):
        return condition
    return {**condition, "observedGeneration": generation}


def disruption_target(reason: str, message: str, pod: dict[str, Any], release: Release) -> dict[str, Any]:
    """The condition by which who removes a pod says so, where PodDisruptionConditions is on (S-13)."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastProbeTime": None,
    }
    return observed(condition, pod, release)
