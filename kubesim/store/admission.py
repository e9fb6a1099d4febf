"""What the mutating admission plugins that are on by default do to a Pod (C-30), in their order.

ServiceAccount, Priority, DefaultTolerationSeconds; the others of the default list change nothing the lifecycle reads.
Departure: every service account is taken to exist, with ``automountServiceAccountToken: false`` (no token volume).
Source: ``plugin/pkg/admission/{serviceaccount,priority,defaulttolerationseconds}/admission.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

Admission: TypeAlias = Callable[[dict[str, Any], dict[str, str]], dict[str, Any]]
"""What mutates a new Pod's spec: (spec, annotations) -> spec; it returns a new dict."""

_TOLERATED: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_TOLERATED_SECONDS: Final = 300
_SYSTEM_CLASSES: Final[dict[str, dict[str, Any]]] = {
    "system-cluster-critical": {"metadata": {"name": "system-cluster-critical"}, "value": 2_000_000_000},
    "system-node-critical": {"metadata": {"name": "system-node-critical"}, "value": 2_000_001_000},
}
_MIRROR: Final = "kubernetes.io/config.mirror"


def admit_pod(spec: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
    """The spec as the in-tree mutating plugins leave it; a new dict."""
    admitted = dict(spec)
    if _MIRROR not in annotations:
        name = admitted.get("serviceAccountName") or admitted.get("serviceAccount") or "default"
        admitted["serviceAccountName"] = admitted["serviceAccount"] = name
    missing = [key for key in _TOLERATED if not _is_tolerated(admitted.get("tolerations", ()), key)]
    if missing:
        admitted["tolerations"] = [
            *admitted.get("tolerations", ()),
            *(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _TOLERATED_SECONDS}
                for key in missing
            ),
        ]
    return admitted


def with_priority(spec: dict[str, Any], classes: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """The spec with the priority of its class, and why the plugin Priority refuses it (empty: it does not).

    ``classes`` are the stored PriorityClasses; the two of the system exist always.
    """
    name = spec.get("priorityClassName")
    known = {**_SYSTEM_CLASSES, **{entry["metadata"]["name"]: entry for entry in classes}}
    if name and name not in known:
        return spec, f"no PriorityClass with name {name} was found"
    chosen = known.get(name or "") or next((entry for entry in known.values() if entry.get("globalDefault")), {})
    value = chosen.get("value", 0)
    if spec.get("priority", value) != value:
        detail = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
        return spec, f"{detail}priority admission controller computed {value} from the given PriorityClass name"
    admitted = {**spec, "priority": value}
    if chosen:
        admitted["priorityClassName"] = chosen["metadata"]["name"]
    admitted.setdefault("preemptionPolicy", chosen.get("preemptionPolicy", "PreemptLowerPriority"))
    return admitted, ""


def _is_tolerated(tolerations: Any, key: str) -> bool:
    """Whether a NoExecute taint of that key is tolerated already, for however long."""
    return any(
        entry.get("key", "") in ("", key) and entry.get("effect", "") in ("", "NoExecute") for entry in tolerations
    )
