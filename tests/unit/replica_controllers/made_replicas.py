"""ReplicaSets, Deployments and Pods by hand."""

from __future__ import annotations

from typing import Any

from kubesim.objects.status import render_time
from kubesim.replica_controllers.replica_sets import Tally
from kubesim.replica_controllers.views import Deployment, PodFacts, ReplicaSet, deployment, replica_set
from kubesim.units import SECOND

NOW = 1_000_000 * SECOND
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}


def owned(name: str, desired: int, available: int | None = None, **given: Any) -> ReplicaSet:
    """A ReplicaSet of that size; all of its Pods are available unless said otherwise."""
    ready = desired if available is None else available
    return replica_set(
        {
            "metadata": {
                "name": name,
                "namespace": "default",
                "uid": name,
                "generation": 1,
                "resourceVersion": "1",
                "creationTimestamp": render_time(NOW - 100 * SECOND + given.get("age", 0)),
                "annotations": given.get("annotations", {}),
            },
            "spec": {
                "replicas": desired,
                "minReadySeconds": given.get("min_ready", 0),
                "template": given.get("template", {**TEMPLATE, "metadata": {"labels": {"app": name}}}),
            },
            "status": given.get(
                "status",
                {"replicas": desired, "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": 1},
            ),
        }
    )


def web(desired: int, surge: int | str = "25%", unavailable: int | str = "25%", **spec: Any) -> Deployment:
    """A Deployment with the defaults that the API server gives."""
    status = spec.pop("status", {})
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    return deployment(
        {
            "metadata": {"name": "web", "namespace": "default", "uid": "web", "generation": 1},
            "spec": {
                "replicas": desired,
                "strategy": strategy,
                "template": TEMPLATE,
                "progressDeadlineSeconds": 600,
                "revisionHistoryLimit": 10,
                **spec,
            },
            "status": status,
        }
    )


def pod(uid: str, **given: Any) -> PodFacts:
    """An active Pod that has been Ready for a minute."""
    facts: dict[str, Any] = {
        "uid": uid,
        "name": uid,
        "node": "n1",
        "phase": "Running",
        "is_active": True,
        "ready_since": NOW - 60 * SECOND,
        "deletion_cost": 0,
        "restarts": 0,
        "created": NOW - 70 * SECOND,
        "labels": {"app": "web"},
    }
    return PodFacts(**{**facts, **given})


def all_well(count: int) -> Tally:
    return Tally(count, count, count, count)
