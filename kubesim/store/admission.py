"""What the mutating admission plugins that are on by default do to a Pod (C-30), in their order.

ServiceAccount, Priority, DefaultTolerationSeconds; the others of the default list change nothing the lifecycle reads.
Departure: no token volume is mounted, as if the service account had ``automountServiceAccountToken: false``.
Source: ``plugin/pkg/admission/{serviceaccount,priority,defaulttolerationseconds}/admission.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

Admission: TypeAlias = Callable[[dict[str, Any], dict[str, str]], dict[str, Any]]
"""What mutates a new Pod's spec: (spec, annotations) -> spec; it returns a new dict."""

_TOLERATED: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_TOLERATED_SECONDS: Final = 300
_MIRROR: Final = "kubernetes.io/config.mirror"


def admit_pod(spec: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
    """The spec as the in-tree mutating plugins leave it; a new dict."""
    admitted = dict(spec)
    if _MIRROR not in annotations:
        name = admitted.get("serviceAccountName") or admitted.get("serviceAccount") or "default"
        admitted["serviceAccountName"] = admitted["serviceAccount"] = name
    if "priority" not in admitted:
        admitted["priority"] = 0
        admitted.setdefault("preemptionPolicy", "PreemptLowerPriority")
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


def _is_tolerated(tolerations: Any, key: str) -> bool:
    """Whether a NoExecute taint of that key is tolerated already, for however long."""
    return any(
        entry.get("key", "") in ("", key) and entry.get("effect", "") in ("", "NoExecute") for entry in tolerations
    )
