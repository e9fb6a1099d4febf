"""What the controllers of replicas read of ReplicaSets, Deployments and Pods, beside the raw objects."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

import msgspec

from kubesim.objects.status import instant_of
from kubesim.units import SECOND, Duration, Instant

Raw: TypeAlias = dict[str, Any]

HASH_LABEL: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"
DESIRED_REPLICAS: Final = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS: Final = "deployment.kubernetes.io/max-replicas"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"


class ReplicaSet(msgspec.Struct, frozen=True):
    """A ReplicaSet as a watch has shown it."""

    raw: Raw
    namespace: str
    name: str
    uid: str
    desired: int
    min_ready: Duration
    template_labels: dict[str, str]

    @property
    def status(self) -> Raw:
        """The status, perhaps empty."""
        return self.raw.get("status") or {}

    @property
    def available(self) -> int:
        """``status.availableReplicas``."""
        return int(self.status.get("availableReplicas") or 0)

    @property
    def generation(self) -> int:
        """``metadata.generation``."""
        return int(self.raw["metadata"].get("generation") or 0)

    @property
    def annotations(self) -> dict[str, str]:
        """``metadata.annotations``."""
        return self.raw["metadata"].get("annotations") or {}

    @property
    def is_deleting(self) -> bool:
        """Whether its deletion was asked for."""
        return "deletionTimestamp" in self.raw["metadata"]

    @property
    def age_order(self) -> tuple[str, str]:
        """Sorts by creation, then by name, as upstream's ReplicaSetsByCreationTimestamp."""
        return self.raw["metadata"].get("creationTimestamp") or "", self.name


class Deployment(msgspec.Struct, frozen=True):
    """A Deployment as a watch has shown it, after the API server's defaults."""

    raw: Raw
    namespace: str
    name: str
    uid: str
    desired: int
    min_ready: int
    """Seconds."""
    recreates: bool
    surge: int | str
    unavailable: int | str
    deadline: int | None
    """Seconds; None: there is none."""
    history_limit: int
    paused: bool

    @property
    def status(self) -> Raw:
        """The status, perhaps empty."""
        return self.raw.get("status") or {}

    @property
    def generation(self) -> int:
        """``metadata.generation``."""
        return int(self.raw["metadata"].get("generation") or 0)

    @property
    def conditions(self) -> dict[str, Raw]:
        """The conditions by type."""
        return {condition["type"]: condition for condition in self.status.get("conditions") or ()}

    @property
    def is_deleting(self) -> bool:
        """Whether its deletion was asked for."""
        return "deletionTimestamp" in self.raw["metadata"]


class PodFacts(msgspec.Struct, frozen=True):
    """What a ReplicaSet controller looks at in a Pod."""

    uid: str
    name: str
    node: str
    phase: str
    is_active: bool
    """Neither ended nor being deleted."""
    ready_since: Instant | None
    """When its condition Ready became True; None: it is not."""
    deletion_cost: int
    restarts: int
    created: Instant
    labels: dict[str, str]


_INT32: Final = 2**31


def replica_set(raw: Raw) -> ReplicaSet:
    """The view of a raw ReplicaSet."""
    metadata, spec = raw["metadata"], raw.get("spec") or {}
    template = spec.get("template") or {}
    desired = spec.get("replicas")
    return ReplicaSet(
        raw=raw,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        desired=1 if desired is None else int(desired),
        min_ready=int(spec.get("minReadySeconds") or 0) * SECOND,
        template_labels=(template.get("metadata") or {}).get("labels") or {},
    )


def deployment(raw: Raw) -> Deployment:
    """The view of a raw Deployment."""
    metadata, spec = raw["metadata"], raw.get("spec") or {}
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    desired, limit = spec.get("replicas"), spec.get("revisionHistoryLimit")
    return Deployment(
        raw=raw,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        desired=1 if desired is None else int(desired),
        min_ready=int(spec.get("minReadySeconds") or 0),
        recreates=strategy.get("type") == "Recreate",
        surge=rolling.get("maxSurge", 0),
        unavailable=rolling.get("maxUnavailable", 0),
        deadline=None if spec.get("progressDeadlineSeconds") in (None, _INT32 - 1) else spec["progressDeadlineSeconds"],
        history_limit=10 if limit is None else int(limit),
        paused=bool(spec.get("paused")),
    )


def pod_facts(raw: Raw) -> PodFacts:
    """The facts of a raw Pod. Source: ``IsPodActive``, ``podutil.IsPodReady``, ``maxContainerRestarts``."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    phase = status.get("phase") or "Pending"
    ready = next((one for one in status.get("conditions") or () if one["type"] == "Ready"), None)
    cost = (metadata.get("annotations") or {}).get(DELETION_COST, "0")
    return PodFacts(
        uid=metadata["uid"],
        name=metadata["name"],
        node=(raw.get("spec") or {}).get("nodeName") or "",
        phase=phase,
        is_active=phase not in ("Succeeded", "Failed") and "deletionTimestamp" not in metadata,
        ready_since=_instant(ready) if ready is not None and ready["status"] == "True" else None,
        deletion_cost=int(cost) if cost.lstrip("-").isdigit() else 0,
        restarts=max((one.get("restartCount") or 0 for one in status.get("containerStatuses") or ()), default=0),
        created=instant_of(metadata["creationTimestamp"]) or 0,
        labels=metadata.get("labels") or {},
    )


def _instant(condition: Raw) -> Instant:
    return instant_of(condition.get("lastTransitionTime")) or 0


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """A number, or a percentage of the total. Source: ``intstr.GetScaledValueFromIntOrPercent``."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total / 100
        return math.ceil(share) if round_up else math.floor(share)
    return int(value)
