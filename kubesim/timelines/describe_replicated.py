"""``kubectl describe deployment`` and ``describe replicaset``, line by line in kubectl's order.

Source: kubectl ``pkg/describe/describe.go``: describeDeployment, describeReplicaSet; the same from 1.27 to 1.36.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from kubesim.history.replay import Key
from kubesim.history.series import Series
from kubesim.releases import Release
from kubesim.replica_controllers.rollout import sets_of
from kubesim.replica_controllers.views import ReplicaSet, deployment, replica_set
from kubesim.store.tables import selector_text
from kubesim.timelines.describe_containers import rfc1123
from kubesim.timelines.describe_jobs import identity, template_lines
from kubesim.timelines.describe_parts import annotation_lines, pairs, with_events
from kubesim.units import Instant

Raw: TypeAlias = Mapping[str, Any]


def describe_deployment(
    objects: Mapping[Key, Raw], raw: Raw, events: list[Series], release: Release, now: Instant
) -> list[str]:
    """The lines of one Deployment; ``objects`` has its ReplicaSets, of which it tells the new one and all old ones."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate")
    body = [
        f"Name:\t{metadata['name']}",
        f"Namespace:\t{metadata.get('namespace', '')}",
        f"CreationTimestamp:\t{rfc1123(metadata.get('creationTimestamp'))}",
        *pairs("Labels", metadata.get("labels") or {}),
        *annotation_lines(metadata.get("annotations") or {}),
        f"Selector:\t{selector_text(spec.get('selector'))}",
        f"Replicas:\t{_counts(spec, status)}",
        f"StrategyType:\t{strategy.get('type', '')}",
        f"MinReadySeconds:\t{spec.get('minReadySeconds', 0)}",
        *_rolling(rolling),
        *template_lines(spec),
        *_conditions(status),
        *_replica_sets(objects, raw),
    ]
    return with_events(body, events, release, now)


def describe_replica_set(
    objects: Mapping[Key, Raw], raw: Raw, events: list[Series], release: Release, now: Instant
) -> list[str]:
    """The lines of one ReplicaSet; ``objects`` has its Pods, which it counts by their phases."""
    spec, status = raw["spec"], raw.get("status") or {}
    phases = Counter((pod.get("status") or {}).get("phase") for pod in _owned(objects, "Pod", raw["metadata"]["uid"]))
    running, waiting, succeeded, failed = (phases[name] for name in ("Running", "Pending", "Succeeded", "Failed"))
    body = [
        *identity(raw, selector=True),
        f"Replicas:\t{status.get('replicas', 0)} current / {spec.get('replicas', 0)} desired",
        f"Pods Status:\t{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed",
        *template_lines(spec),
        *_conditions(status),
    ]
    return with_events(body, events, release, now)


def _counts(spec: Raw, status: Raw) -> str:
    counted = {
        "desired": spec.get("replicas", 0),
        "updated": status.get("updatedReplicas", 0),
        "total": status.get("replicas", 0),
        "available": status.get("availableReplicas", 0),
        "unavailable": status.get("unavailableReplicas", 0),
    }
    return " | ".join(f"{count} {word}" for word, count in counted.items())


def _rolling(rolling: Raw | None) -> Iterator[str]:
    if rolling is not None:
        unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
        yield f"RollingUpdateStrategy:\t{unavailable} max unavailable, {surge} max surge"


def _conditions(status: Raw) -> Iterator[str]:
    if conditions := status.get("conditions"):
        yield from ("Conditions:", "  Type\tStatus\tReason", "  ----\t------\t------")
        yield from (f"  {one['type']} \t{one['status']}\t{one.get('reason', '')}" for one in conditions)


def _replica_sets(objects: Mapping[Key, Raw], raw: Raw) -> Iterator[str]:
    owned = [replica_set(dict(one)) for one in _owned(objects, "ReplicaSet", raw["metadata"]["uid"])]
    if owned:
        sets = sets_of(deployment(dict(raw)), owned)
        yield f"OldReplicaSets:\t{_listed(sets.old)}"
        yield f"NewReplicaSet:\t{_listed([sets.new] if sets.new is not None else [])}"


def _listed(sets: Iterable[ReplicaSet]) -> str:
    told = [f"{one.name} ({one.status.get('replicas', 0)}/{one.desired} replicas created)" for one in sets]
    return ", ".join(told) or "<none>"


def _owned(objects: Mapping[Key, Raw], kind: str, uid: str) -> Iterator[Raw]:
    """The objects of a kind that have this controller."""
    for key, raw in objects.items():
        owners = raw["metadata"].get("ownerReferences") or ()
        if key.kind == kind and any(owner.get("controller") and owner["uid"] == uid for owner in owners):
            yield raw
