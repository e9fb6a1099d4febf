"""What a PodDisruptionBudget allows now: how many of its pods are healthy, and how many have to be.

Source: ``pkg/controller/disruption/disruption.go`` (trySync, getExpectedPodCount, countHealthyPods, updatePdbStatus);
``component-helpers/apps/poddisruptionbudget``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kubesim.objects.status import instant_of, render_time
from kubesim.units import MINUTE, Duration, Instant

Raw = Mapping[str, Any]

FORGOTTEN_AFTER: Final[Duration] = 2 * MINUTE
"""How long an eviction counts that the API server has allowed, and that shows in no pod yet."""


class NoExpectedCount(Exception):
    """How many pods there should be cannot be known; the text is upstream's."""


def budget_status(budget: Raw, pods: Sequence[Raw], owners: Mapping[str, Raw], now: Instant) -> dict[str, Any]:
    """The status of a budget whose selector selects these pods, with ``owners`` of pods by uid.

    A pod counts as healthy if it is Ready, is not being deleted and was not evicted just now.
    Raises NoExpectedCount.
    """
    spec, before = budget.get("spec") or {}, budget.get("status") or {}
    expected, desired = _expected(spec, pods, owners)
    disrupted = _still_disrupted(before.get("disruptedPods") or {}, pods, now)
    healthy = sum(_is_healthy(pod, disrupted) for pod in pods)
    allowed = max(healthy - desired, 0) if expected > 0 else 0
    status = {
        "observedGeneration": budget["metadata"].get("generation", 0),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": [
            _condition(before, allowed > 0, "SufficientPods" if allowed else "InsufficientPods", budget, now)
        ],
    }
    return status | ({"disruptedPods": disrupted} if disrupted else {})


def failed_status(budget: Raw, problem: str, now: Instant) -> dict[str, Any]:
    """The status of a budget that cannot be worked out: nothing may be disrupted."""
    before = budget.get("status") or {}
    condition = _condition(before, False, "SyncFailed", budget, now) | {"message": problem}
    return {**before, "disruptionsAllowed": 0, "conditions": [condition]}


def _expected(spec: Raw, pods: Sequence[Raw], owners: Mapping[str, Raw]) -> tuple[int, int]:
    """How many pods there should be, and how many of them have to be healthy."""
    if "maxUnavailable" in spec:
        expected = _scale(pods, owners)
        return expected, max(expected - _amount(spec["maxUnavailable"], expected), 0)
    wanted = spec.get("minAvailable", 0)
    if isinstance(wanted, int):
        return len(pods), wanted
    expected = _scale(pods, owners)
    return expected, _amount(wanted, expected)


def _amount(written: int | str, of: int) -> int:
    """A number, or a percentage rounded up."""
    return written if isinstance(written, int) else -(-int(written.rstrip("%")) * of // 100)


def _scale(pods: Iterable[Raw], owners: Mapping[str, Raw]) -> int:
    """The replicas that the pods' controllers want, each counted once; pods without one do not count."""
    scales: dict[str, int] = {}
    for pod in pods:
        references = pod["metadata"].get("ownerReferences") or ()
        reference = next((one for one in references if one.get("controller")), None)
        if reference is None:
            continue
        owner = owners.get(reference["uid"])
        if owner is None or "replicas" not in (owner.get("spec") or {}):
            resource = _resource(reference)
            raise NoExpectedCount(f"{resource} does not implement the scale subresource")
        scales[reference["uid"]] = int(owner["spec"]["replicas"])
    return sum(scales.values())


def _resource(reference: Raw) -> str:
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    plural = f"{reference['kind'].lower()}s"
    return f"{plural}.{group}" if group else plural


def _still_disrupted(disrupted: Mapping[str, str], pods: Iterable[Raw], now: Instant) -> dict[str, str]:
    """The evictions that do not show yet: of pods that are there, not being deleted, and not evicted too long ago."""
    waiting = {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}
    return {
        name: since
        for name, since in disrupted.items()
        if name in waiting and (instant_of(since) or 0) + FORGOTTEN_AFTER > now
    }


def _is_healthy(pod: Raw, disrupted: Mapping[str, str]) -> bool:
    if "deletionTimestamp" in pod["metadata"] or pod["metadata"]["name"] in disrupted:
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _condition(before: Raw, allowed: bool, reason: str, budget: Raw, now: Instant) -> dict[str, Any]:
    status = "True" if allowed else "False"
    earlier = next((one for one in before.get("conditions") or () if one["type"] == "DisruptionAllowed"), None)
    unchanged = earlier is not None and earlier["status"] == status
    return {
        "type": "DisruptionAllowed",
        "status": status,
        "reason": reason,
        "message": "",
        "observedGeneration": budget["metadata"].get("generation", 0),
        "lastTransitionTime": earlier["lastTransitionTime"] if earlier and unchanged else render_time(now),
    }
