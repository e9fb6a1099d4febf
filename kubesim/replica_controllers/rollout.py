"""How a Deployment moves Pods from old ReplicaSets to the new one: which ReplicaSet gets how many.

Source: ``pkg/controller/deployment/rolling.go``, ``recreate.go``, ``sync.go`` (scale), ``util/deployment_util.go``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from kubesim.replica_controllers.views import (
    DESIRED_REPLICAS,
    HASH_LABEL,
    MAX_REPLICAS,
    REVISION,
    Deployment,
    Raw,
    ReplicaSet,
    scaled_value,
)

_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH: Final = 10


class Sets(msgspec.Struct, frozen=True):
    """The ReplicaSets of a Deployment: the one of its template, if there is one, and all others, oldest first."""

    new: ReplicaSet | None
    old: tuple[ReplicaSet, ...]

    @property
    def every(self) -> tuple[ReplicaSet, ...]:
        """All of them."""
        return (*self.old, *((self.new,) if self.new is not None else ()))

    @property
    def active_old(self) -> tuple[ReplicaSet, ...]:
        """The old ones that want Pods."""
        return tuple(one for one in self.old if one.desired > 0)

    def having(self, changed: ReplicaSet) -> Sets:
        """The same with a newer version of one of them."""
        new = changed if self.new is not None and self.new.uid == changed.uid else self.new
        return Sets(new, tuple(changed if one.uid == changed.uid else one for one in self.old))


class Scaling(msgspec.Struct, frozen=True):
    """A ReplicaSet gets another number of Pods, or other annotations about its Deployment's."""

    target: ReplicaSet
    desired: int
    why: str


# -- which ReplicaSet is the new one ----------------------------------------------------------------------------------


def sets_of(owner: Deployment, owned: Sequence[ReplicaSet]) -> Sets:
    """The new and the old ReplicaSets: the oldest that has the Deployment's template is new (FindNewReplicaSet)."""
    template = _without_hash((owner.raw.get("spec") or {}).get("template") or {})
    by_age = sorted(owned, key=lambda one: one.age_order)
    new = next((one for one in by_age if _without_hash(one.raw["spec"].get("template") or {}) == template), None)
    return Sets(new, tuple(one for one in by_age if one is not new))


def _without_hash(template: Raw) -> Raw:
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    kept = {key: value for key, value in metadata.items() if key not in ("labels", "creationTimestamp") and value}
    return {**template, "metadata": {**kept, "labels": labels}}


def template_hash(owner: Deployment) -> str:
    """The value of ``pod-template-hash``, the same for the same template.

    Departure: upstream hashes a dump of the Go struct (``ComputeHash``); here it is one of the JSON, in its letters.
    """
    template = _without_hash((owner.raw.get("spec") or {}).get("template") or {})
    collisions = owner.status.get("collisionCount") or 0
    text = json.dumps([template, collisions], sort_keys=True)
    digest = hashlib.blake2b(text.encode(), digest_size=_HASH_LENGTH).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


def revision_of(one: ReplicaSet) -> int:
    """The revision a ReplicaSet carries; 0: none."""
    text = one.annotations.get(REVISION, "")
    return int(text) if text.isdigit() else 0


def new_revision(sets: Sets) -> int:
    """One more than that of every old ReplicaSet."""
    return max((revision_of(one) for one in sets.old), default=0) + 1


def replica_set_for(owner: Deployment, sets: Sets, replicas: int) -> Raw:
    """The ReplicaSet to create for the Deployment's template (getNewReplicaSet)."""
    value, spec = template_hash(owner), owner.raw["spec"]
    template = spec["template"]
    labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: value}
    selector = spec.get("selector") or {}
    made: Raw = {
        "replicas": replicas,
        "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: value}},
        "template": {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}},
    }
    if owner.min_ready:
        made["minReadySeconds"] = owner.min_ready
    annotations = {
        key: text
        for key, text in (owner.raw["metadata"].get("annotations") or {}).items()
        if key not in ("kubectl.kubernetes.io/last-applied-configuration", REVISION)
    }
    annotations[REVISION] = str(new_revision(sets))
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{owner.name}-{value}",
            "namespace": owner.namespace,
            "labels": labels,
            "annotations": {**annotations, **size_annotations(owner)},
        },
        "spec": made,
    }


def size_annotations(owner: Deployment) -> dict[str, str]:
    """What a ReplicaSet is told of the size of its Deployment, to notice when that changes (isScalingEvent)."""
    return {DESIRED_REPLICAS: str(owner.desired), MAX_REPLICAS: str(owner.desired + max_surge(owner))}


# -- bounds -----------------------------------------------------------------------------------------------------------


def _fenceposts(owner: Deployment) -> tuple[int, int]:
    """maxSurge (rounded up) and maxUnavailable (down); both 0 would stand still, so then 1 may be unavailable."""
    surge = scaled_value(owner.surge, owner.desired, round_up=True)
    unavailable = scaled_value(owner.unavailable, owner.desired, round_up=False)
    return surge, 1 if surge == 0 and unavailable == 0 else unavailable


def max_surge(owner: Deployment) -> int:
    """How many Pods there may be above the desired number."""
    return 0 if owner.recreates else _fenceposts(owner)[0]


def max_unavailable(owner: Deployment) -> int:
    """How many of the desired Pods may be unavailable."""
    if owner.recreates or owner.desired == 0:
        return 0
    return min(_fenceposts(owner)[1], owner.desired)


def replicas_for_new(owner: Deployment, every: Sequence[ReplicaSet], now: int) -> int:
    """The size of the new ReplicaSet in the next step, ``now`` being its size (NewRSNewReplicas)."""
    if owner.recreates:
        return owner.desired
    total = sum(one.desired for one in every)
    allowed = owner.desired + max_surge(owner)
    return now if total >= allowed else now + min(allowed - total, owner.desired - now)


# -- steps of a rolling update ----------------------------------------------------------------------------------------


def scale_up_new(owner: Deployment, sets: Sets) -> Scaling | None:
    """The next size of the new ReplicaSet, if it is another (reconcileNewReplicaSet)."""
    new = sets.new
    if new is None or new.desired == owner.desired:
        return None
    if new.desired > owner.desired:
        return Scaling(new, owner.desired, "the Deployment wants fewer Pods")
    desired = replicas_for_new(owner, sets.every, new.desired)
    why = f"up to {owner.desired + max_surge(owner)} Pods may exist in all (maxSurge)"
    return Scaling(new, desired, why) if desired != new.desired else None


def scale_down_old(owner: Deployment, sets: Sets) -> tuple[Scaling, ...]:
    """Smaller sizes for old ReplicaSets: first away with Pods that are not available, then as far as the others allow.

    Source: reconcileOldReplicaSets, cleanupUnhealthyReplicas, scaleDownOldReplicaSetsForRollingUpdate.
    """
    old, new = sets.active_old, sets.new
    total = sum(one.desired for one in sets.every)
    least = owner.desired - max_unavailable(owner)
    unavailable_new = new.desired - new.available if new is not None else 0
    room = total - least - unavailable_new
    if not old or room <= 0:
        return ()
    sizes = {one.uid: one.desired for one in old}
    cleaned = 0
    for one in old:
        down = min(room - cleaned, one.desired - one.available)
        if down > 0:
            sizes[one.uid] -= down
            cleaned += down
    spare = sum(one.available for one in sets.every) - least
    for one in old:
        down = min(sizes[one.uid], spare)
        if down > 0:
            sizes[one.uid] -= down
            spare -= down
    why = f"{least} available Pods are enough (maxUnavailable)"
    return tuple(Scaling(one, sizes[one.uid], why) for one in old if sizes[one.uid] != one.desired)


# -- scaling without a rollout ----------------------------------------------------------------------------------------


def is_scaling_event(owner: Deployment, sets: Sets) -> bool:
    """Whether the Deployment's size has changed since its ReplicaSets were told (isScalingEvent)."""
    told = (one.annotations.get(DESIRED_REPLICAS) for one in sets.every if one.desired > 0)
    return any(text is not None and text != str(owner.desired) for text in told)


def scale(owner: Deployment, sets: Sets) -> tuple[Scaling, ...]:
    """Sizes after the Deployment's has changed: in the middle of a rollout each ReplicaSet gets its share (scale)."""
    alone = _active_or_latest(sets)
    if alone is not None:
        return () if alone.desired == owner.desired else (Scaling(alone, owner.desired, "the Deployment was scaled"),)
    if _is_saturated(owner, sets.new):
        return tuple(Scaling(one, 0, "the new ReplicaSet has all Pods") for one in sets.active_old)
    if owner.recreates:
        return ()
    return _in_proportion(owner, tuple(one for one in sets.every if one.desired > 0))


def _active_or_latest(sets: Sets) -> ReplicaSet | None:
    active = [one for one in sets.every if one.desired > 0]
    if len(active) > 1:
        return None
    if active:
        return active[0]
    return sets.new or (sets.old[-1] if sets.old else None)


def _is_saturated(owner: Deployment, new: ReplicaSet | None) -> bool:
    return (
        new is not None
        and new.annotations.get(DESIRED_REPLICAS) == str(owner.desired)
        and new.desired == owner.desired == new.available
    )


def _in_proportion(owner: Deployment, active: Sequence[ReplicaSet]) -> tuple[Scaling, ...]:
    allowed = owner.desired + max_surge(owner) if owner.desired > 0 else 0
    to_add = allowed - sum(one.desired for one in active)
    grows = to_add > 0
    newest_first = sorted(active, key=lambda one: one.age_order, reverse=grows)
    ordered = sorted(newest_first, key=lambda one: -one.desired)
    added, sizes = 0, {}
    for one in ordered:
        share = _proportion(one, owner, to_add, added) if to_add else 0
        sizes[one.uid] = one.desired + share
        added += share
    if ordered and to_add:
        largest = ordered[0].uid
        sizes[largest] = max(sizes[largest] + to_add - added, 0)
    return tuple(Scaling(one, sizes[one.uid], "its share of the Deployment's new size") for one in ordered)


def _proportion(one: ReplicaSet, owner: Deployment, to_add: int, added: int) -> int:
    """Source: GetReplicaSetProportion, getReplicaSetFraction."""
    if one.desired == 0 or to_add == 0 or to_add == added:
        return 0
    if owner.desired == 0:
        fraction = -one.desired
    else:
        told = one.annotations.get(MAX_REPLICAS, "")
        before = int(told) if told.isdigit() and int(told) else int(owner.status.get("replicas") or 0)
        size = one.desired * (owner.desired + max_surge(owner)) / before if before else one.desired
        fraction = int(size + 0.5) - one.desired
    allowed = to_add - added
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


# -- history ----------------------------------------------------------------------------------------------------------


def to_clean_up(owner: Deployment, sets: Sets) -> tuple[ReplicaSet, ...]:
    """Old ReplicaSets beyond ``revisionHistoryLimit`` that have no Pods any more (cleanupDeployment)."""
    old = [one for one in sets.old if not one.is_deleting]
    surplus = len(old) - owner.history_limit
    if surplus <= 0:
        return ()
    by_revision = sorted(old, key=revision_of)[:surplus]
    return tuple(
        one
        for one in by_revision
        if not one.desired
        and not one.status.get("replicas")
        and one.generation <= int(one.status.get("observedGeneration") or 0)
    )


def with_size(one: ReplicaSet, desired: int, annotations: Mapping[str, str]) -> ReplicaSet:
    """The ReplicaSet as it will be after a scaling."""
    metadata: dict[str, Any] = {**one.raw["metadata"], "annotations": {**one.annotations, **annotations}}
    raw = {**one.raw, "metadata": metadata, "spec": {**one.raw["spec"], "replicas": desired}}
    return replace(one, raw=raw, desired=desired)
