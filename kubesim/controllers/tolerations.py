"""How long a pod may stay on a node with taints of effect NoExecute.

Source: ``pkg/controller/tainteviction/taint_eviction.go`` (processPodOnNode, GetMinTolerationTime),
``api/core/v1``: Toleration.ToleratesTaint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubesim.units import SECOND, Duration

AT_ONCE: Duration = 0


def time_to_stay(taints: Iterable[Mapping[str, Any]], tolerations: Iterable[Mapping[str, Any]]) -> Duration | None:
    """How long the pod stays (ns): :data:`AT_ONCE` if it does not tolerate a taint, None if it tolerates all for good.

    ``taints`` and ``tolerations`` as in the API; only taints of effect NoExecute count. Of the tolerations that are
    used the shortest decides; a time of 0 or less is no time at all.
    """
    executing = [taint for taint in taints if taint.get("effect") == "NoExecute"]
    used: list[Mapping[str, Any]] = []
    for taint in executing:
        fitting = [toleration for toleration in tolerations if tolerates(toleration, taint)]
        if not fitting:
            return AT_ONCE
        used.append(fitting[0])
    limited = [int(one["tolerationSeconds"]) for one in used if one.get("tolerationSeconds") is not None]
    if not limited:
        return None
    return max(min(limited), 0) * SECOND


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Whether one toleration covers one taint; an empty effect or key covers every one."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    match toleration.get("operator") or "Equal":
        case "Exists":
            return True
        case "Equal":
            return bool(toleration.get("value", "") == taint.get("value", ""))
        case _:
            return False
