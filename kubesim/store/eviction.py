"""Whether the Eviction API lets a pod go: what its PodDisruptionBudget says, and what is taken off that.

Source: ``pkg/registry/core/pod/storage/eviction.go`` (Create, canIgnorePDB, checkAndDecrement).
Departure: a budget that was changed so recently that its controller has not looked at it yet answers 429 as upstream,
but the hint when to come back is not part of a reply here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from kubesim.objects.labels import selects
from kubesim.objects.status import render_time
from kubesim.store.replies import Reply, failed
from kubesim.units import Instant

Json: TypeAlias = dict[str, Any]

EVICTED_BY_API: Final = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
    "lastProbeTime": None,
}
_SEVERAL: Final = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_NOT_NOW: Final = "Cannot evict pod as it would violate the pod's disruption budget."
_NEEDS_NO_ASKING: Final = ("Succeeded", "Failed", "Pending")


@dataclass(frozen=True, slots=True)
class Charge:
    """The budget that allows an eviction, and its status with one disruption less."""

    budget: str
    status: Json


def budget_charge(pod: Json, budgets: Iterable[Json], now: Instant) -> Charge | Reply | None:
    """What an eviction costs the pod's budget, None if it costs none anything, or the refusal."""
    if pod["status"].get("phase") in _NEEDS_NO_ASKING or "deletionTimestamp" in pod["metadata"]:
        return None
    labels = pod["metadata"].get("labels") or {}
    covering = [budget for budget in budgets if selects((budget.get("spec") or {}).get("selector"), labels)]
    if len(covering) > 1:
        return failed(500, "", _SEVERAL)
    if not covering or _is_unready_and_free(pod, covering[0]):
        return None
    return _charged(covering[0], pod["metadata"]["name"], now)


def _is_unready_and_free(pod: Json, budget: Json) -> bool:
    """A pod that is not ready costs the budget nothing: it may go if enough others are, or if the budget says so."""
    conditions = pod["status"].get("conditions") or ()
    if any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions):
        return False
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = status.get("desiredHealthy", 0)
    return bool(0 < desired <= status.get("currentHealthy", 0))


def _charged(budget: Json, pod: str, now: Instant) -> Charge | Reply:
    status, name = budget.get("status") or {}, budget["metadata"]["name"]
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        return _refusal(f"The disruption budget {name} is still being processed by the server.")
    allowed = status.get("disruptionsAllowed", 0)
    if allowed <= 0:
        healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
        return _refusal(f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
    disrupted = {**(status.get("disruptedPods") or {}), pod: render_time(now)}
    return Charge(name, {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": disrupted})


def _refusal(cause: str) -> Reply:
    return replace(failed(429, "TooManyRequests", _NOT_NOW), causes=(cause,))
