"""The rows that ``kubectl get`` prints of Deployments and ReplicaSets.

Source: ``pkg/printers/internalversion/printers.go`` printDeployment, printReplicaSet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kubesim.releases import Release
from kubesim.store.tables import Column, age_cell, selector_text
from kubesim.units import Instant

_WIDE: Final = tuple(Column(name, wide=True) for name in ("Containers", "Images", "Selector"))
_DEPLOYMENT: Final = (*(Column(name) for name in ("Name", "Ready", "Up-to-date", "Available", "Age")), *_WIDE)
_REPLICA_SET: Final = (*(Column(name) for name in ("Name", "Desired", "Current", "Ready", "Age")), *_WIDE)


def deployment_headers(release: Release) -> tuple[Column, ...]:
    """The columns of ``kubectl get deployments``; the same in every release."""
    return _DEPLOYMENT


def replica_set_headers(release: Release) -> tuple[Column, ...]:
    """The columns of ``kubectl get replicasets``; the same in every release."""
    return _REPLICA_SET


def deployment_columns(raw: Mapping[str, Any], release: Release, now: Instant) -> dict[str, str]:
    """The cells of a Deployment's row by column name."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    return {
        "Name": raw["metadata"]["name"],
        "Ready": f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        "Up-to-date": str(status.get("updatedReplicas", 0)),
        "Available": str(status.get("availableReplicas", 0)),
        **_shared(raw, now),
    }


def replica_set_columns(raw: Mapping[str, Any], release: Release, now: Instant) -> dict[str, str]:
    """The cells of a ReplicaSet's row by column name."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    return {
        "Name": raw["metadata"]["name"],
        "Desired": str(spec.get("replicas", 0)),
        "Current": str(status.get("replicas", 0)),
        "Ready": str(status.get("readyReplicas", 0)),
        **_shared(raw, now),
    }


def _shared(raw: Mapping[str, Any], now: Instant) -> dict[str, str]:
    spec = raw.get("spec") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    return {
        "Age": age_cell(raw["metadata"].get("creationTimestamp"), now),
        "Containers": ",".join(container["name"] for container in containers),
        "Images": ",".join(container.get("image", "") for container in containers),
        "Selector": selector_text(spec.get("selector")),
    }
