"""Which objects make Pods, and where in them it says how these are to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

POD_SPECS: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": ("spec",),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
}
"""Kind to the path of the spec of its Pods; of the kinds whose controllers are simulated."""


def pod_spec(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The spec of the Pods of an object as it is written; None for one that makes none, or that leaves it out."""
    path = POD_SPECS.get(raw.get("kind", ""))
    value: Any = raw if path is not None else None
    for step in path or ():
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else None
