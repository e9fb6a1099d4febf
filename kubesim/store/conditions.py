"""Setting one condition of a Pod's status as the API server's own code does.

Source: ``pkg/api/v1/pod/util.go``: UpdatePodCondition.
"""

from __future__ import annotations

from typing import Any

from kubesim.objects.status import render_time
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
