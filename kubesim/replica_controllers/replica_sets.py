"""What a sync of a ReplicaSet does: how many Pods to create, which to delete, and the status to write.

Source: ``pkg/controller/replicaset/replica_set.go`` (manageReplicas, getPodsToDelete), ``replica_set_utils.go``
(calculateStatus), ``pkg/controller/controller_utils.go`` (ActivePodsWithRanks).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from typing import Final

import msgspec

from kubesim.objects.status import render_time
from kubesim.replica_controllers.views import PodFacts, Raw, ReplicaSet
from kubesim.units import Duration, Instant

BURST: Final = 500
"""Most Pods that one sync creates or deletes (BurstReplicas)."""

_PHASE_ORDER: Final = {"Pending": 0, "Unknown": 1, "Running": 2}


class Tally(msgspec.Struct, frozen=True):
    """How many Pods of a ReplicaSet there are; only active ones count."""

    active: int = 0
    labelled: int = 0
    """With all labels of the template."""
    ready: int = 0
    available: int = 0

    def plus(self, other: Tally, sign: int = 1) -> Tally:
        """The sum, or the difference, of two."""
        return Tally(
            self.active + sign * other.active,
            self.labelled + sign * other.labelled,
            self.ready + sign * other.ready,
            self.available + sign * other.available,
        )


NONE: Final = Tally()


def tally_of(pod: PodFacts, owner: ReplicaSet, now: Instant) -> Tally:
    """What one Pod counts for: available once it has been Ready for ``minReadySeconds``."""
    if not pod.is_active:
        return NONE
    is_ready = pod.ready_since is not None
    is_available = pod.ready_since is not None and pod.ready_since + owner.min_ready <= now
    is_labelled = owner.template_labels.items() <= pod.labels.items()
    return Tally(1, int(is_labelled), int(is_ready), int(is_available))


def tally(pods: Iterable[PodFacts], owner: ReplicaSet, now: Instant) -> Tally:
    """What the Pods count for together."""
    total = NONE
    for pod in pods:
        total = total.plus(tally_of(pod, owner, now))
    return total


def missing(owner: ReplicaSet, active: int) -> int:
    """How many Pods to create (negative: to delete) in one sync, at most ``BURST``."""
    return max(-BURST, min(BURST, owner.desired - active))


def pods_to_delete(pods: Sequence[PodFacts], count: int, on_node: Counter[str], now: Instant) -> tuple[PodFacts, ...]:
    """The active Pods that go first when there are too many.

    Not yet assigned before assigned, Pending before Running, not Ready before Ready, low deletion cost, nodes with
    many related Pods, ready for a shorter time (in powers of two), more restarts, younger (likewise), then by uid.
    ``on_node`` counts the active Pods of all ReplicaSets of the same owner on each node.
    """
    if count >= len(pods):
        return tuple(pods)

    def compare(one: PodFacts, other: PodFacts) -> int:
        first, second = _rank(one, on_node), _rank(other, on_node)
        if first != second:
            return -1 if first < second else 1
        if one.ready_since is not None and other.ready_since is not None and one.ready_since != other.ready_since:
            return _by_age(one, other, one.ready_since, other.ready_since, now)
        if one.restarts != other.restarts:
            return -1 if one.restarts > other.restarts else 1
        return _by_age(one, other, one.created, other.created, now) if one.created != other.created else 0

    return tuple(sorted(pods, key=cmp_to_key(compare))[:count])


def _rank(pod: PodFacts, on_node: Counter[str]) -> tuple[bool, int, bool, int, int]:
    phase = _PHASE_ORDER.get(pod.phase, 1)
    return bool(pod.node), phase, pod.ready_since is not None, pod.deletion_cost, -on_node[pod.node]


def _by_age(one: PodFacts, other: PodFacts, first: Instant, second: Instant, now: Instant) -> int:
    """The younger first, by powers of two (LogarithmicScaleDown, GA in 1.31 and on before); of one power, by uid."""
    difference = _age_class(now - first) - _age_class(now - second)
    if difference:
        return difference
    return -1 if one.uid < other.uid else 1


def _age_class(age: Duration) -> int:
    return int(math.log2(age)) if age > 0 else -1


def status_after(owner: ReplicaSet, counted: Tally, failure: str, now: Instant) -> Raw | None:
    """The status to write after Pods were managed, or None if it is as it stands.

    ``failure``: what the API server said when a creation or deletion failed.
    """
    conditions = _conditions(owner, failure, counted, now)
    status: Raw = {
        "replicas": counted.active,
        "fullyLabeledReplicas": counted.labelled,
        "readyReplicas": counted.ready,
        "availableReplicas": counted.available,
    }
    status = {key: value for key, value in status.items() if value or key == "replicas"}
    if conditions:
        status["conditions"] = conditions
    before = owner.status
    if before.get("observedGeneration") == owner.generation and status == {
        key: value for key, value in before.items() if key != "observedGeneration"
    }:
        return None
    return {**status, "observedGeneration": owner.generation}


def _conditions(owner: ReplicaSet, failure: str, counted: Tally, now: Instant) -> list[Raw]:
    """ReplicaFailure is set by the first failure and goes with the first sync without one."""
    kept = list(owner.status.get("conditions") or ())
    has_failure = any(condition["type"] == "ReplicaFailure" for condition in kept)
    if failure and not has_failure:
        reason = "FailedCreate" if counted.active < owner.desired else "FailedDelete"
        kept.append(
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": reason,
                "message": failure,
                "lastTransitionTime": render_time(now),
            }
        )
    elif not failure and has_failure:
        kept = [condition for condition in kept if condition["type"] != "ReplicaFailure"]
    return kept


def pod_of(owner: ReplicaSet) -> Raw:
    """The Pod to create. Source: ``GetPodFromTemplate``."""
    template = owner.raw["spec"].get("template") or {}
    given = template.get("metadata") or {}
    metadata: Raw = {
        "generateName": f"{owner.name}-",
        "namespace": owner.namespace,
        "labels": dict(given.get("labels") or {}),
        "annotations": dict(given.get("annotations") or {}),
        "finalizers": list(given.get("finalizers") or ()),
        "ownerReferences": [controller_reference(owner.raw, "ReplicaSet")],
    }
    spec = template.get("spec") or {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {k: v for k, v in metadata.items() if v}, "spec": spec}


def controller_reference(owner: Raw, kind: str) -> Raw:
    """The owner reference that makes an object this one's."""
    metadata = owner["metadata"]
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
