"""Which quality-of-service class a Pod has (C-69: mains and all init entries count).

Source: ``pkg/apis/core/v1/helper/qos/qos.go``: ComputePodQOS.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from kubesim.releases import Release
from kubesim.store.quantities import quantity

_COMPUTE: Final = ("cpu", "memory")


def qos_class(spec: dict[str, Any], release: Release) -> str:
    """BestEffort, Burstable or Guaranteed, from the defaulted spec."""
    if release.enabled("PodLevelResources") and (pod_level := spec.get("resources")):
        holders: list[dict[str, Any]] = [pod_level]
    else:
        entries = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
        holders = [entry.get("resources") or {} for entry in entries]
    requests = _sum(holder.get("requests") or {} for holder in holders)
    limits = _sum(holder.get("limits") or {} for holder in holders)
    if not requests and not limits:
        return "BestEffort"
    all_limited = all(_names(holder.get("limits") or {}) == set(_COMPUTE) for holder in holders)
    if all_limited and len(requests) == len(limits) and all(limits.get(name) == requests[name] for name in requests):
        return "Guaranteed"
    return "Burstable"


def _names(resources: dict[str, Any]) -> set[str]:
    return {name for name, value in resources.items() if name in _COMPUTE and quantity(value) > 0}


def _sum(lists: Iterable[dict[str, Any]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for resources in lists:
        for name in _names(resources):
            total[name] = total.get(name, Decimal(0)) + quantity(resources[name])
    return total
