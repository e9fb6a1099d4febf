"""What the ReplicaSet controller knows of ReplicaSets and their Pods, with its counts kept up as Pods change."""

from __future__ import annotations

from collections import Counter

from kubesim.replica_controllers.replica_sets import NONE, Tally, tally, tally_of
from kubesim.replica_controllers.views import PodFacts, ReplicaSet, pod_facts, replica_set
from kubesim.sim.job_control_cache import Key, controller_of
from kubesim.store import DELETED, Change
from kubesim.units import Instant


class ReplicaCache:
    """ReplicaSets by namespace and name; Pods by the uid of their ReplicaSet and their own."""

    def __init__(self) -> None:
        self.sets: dict[Key, ReplicaSet] = {}
        self._keys: dict[str, Key] = {}
        self._pods: dict[str, dict[str, PodFacts]] = {}
        self._tallies: dict[str, Tally] = {}

    def set_changed(self, change: Change) -> None:
        """Take in a version of a ReplicaSet."""
        key = (change.namespace, change.name)
        if change.type == DELETED:
            self.sets.pop(key, None)
            self._keys.pop(change.uid, None)
            return
        old, new = self.sets.get(key), replica_set(change.object)
        self.sets[key] = new
        self._keys[change.uid] = key
        if old is None or (old.template_labels, old.min_ready) != (new.template_labels, new.min_ready):
            self._tallies[change.uid] = tally(self._pods.get(change.uid, {}).values(), _lasting(new), change.at)

    def pod_changed(self, change: Change) -> tuple[Key, PodFacts | None, PodFacts] | None:
        """Take in a version of a Pod: the key of its ReplicaSet, how it was and is; None if nobody here has it."""
        reference = controller_of(change.object)
        if reference is None or reference.get("kind") != "ReplicaSet":
            return None
        uid, new = reference["uid"], pod_facts(change.object)
        pods = self._pods.setdefault(uid, {})
        old = pods.get(change.uid)
        if change.type == DELETED:
            pods.pop(change.uid, None)
        else:
            pods[change.uid] = new
        if not pods:
            del self._pods[uid]
        owner = self.sets.get(self._keys.get(uid, ("", "")))
        if owner is not None:
            kept = _lasting(owner)
            total = self._tallies.get(uid, NONE)
            if old is not None:
                total = total.plus(tally_of(old, kept, change.at), -1)
            if change.type != DELETED:
                total = total.plus(tally_of(new, kept, change.at))
            self._tallies[uid] = total
        return (change.namespace, reference["name"]), old, new

    def counted(self, owner: ReplicaSet, now: Instant) -> Tally:
        """The counts of a ReplicaSet's Pods; only those with ``minReadySeconds`` have to be looked at again."""
        total = self._tallies.get(owner.uid, NONE)
        if owner.min_ready and total.ready:
            return tally(self._pods.get(owner.uid, {}).values(), owner, now)
        return total

    def active(self, owner: ReplicaSet) -> list[PodFacts]:
        """The Pods that have neither ended nor are being deleted."""
        return [pod for pod in self._pods.get(owner.uid, {}).values() if pod.is_active]

    def related_by_node(self, owner: ReplicaSet) -> Counter[str]:
        """How many active Pods of all ReplicaSets of the same Deployment each node has (getIndirectlyRelatedPods)."""
        above = controller_of(owner.raw)
        related = [
            one
            for one in self.sets.values()
            if one.uid == owner.uid or (above is not None and (controller_of(one.raw) or {}).get("uid") == above["uid"])
        ]
        return Counter(pod.node for one in related for pod in self.active(one))


def _lasting(owner: ReplicaSet) -> ReplicaSet:
    """The ReplicaSet for counts that do not change with time alone: there, Ready is available."""
    return (
        owner
        if not owner.min_ready
        else replica_set({**owner.raw, "spec": {**owner.raw["spec"], "minReadySeconds": 0}})
    )
