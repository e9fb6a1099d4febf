"""The ReplicaSet controller on the clock: watches ReplicaSets and Pods, and syncs a ReplicaSet when one changes.

``replica_controllers/replica_sets.py`` decides. Source: ``pkg/controller/replicaset/replica_set.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from kubesim.history.records import Decided, DecidedAction
from kubesim.job_controller.expectations import (
    NOTHING_EXPECTED,
    Expectations,
    are_satisfied,
    creation_observed,
    deletion_observed,
    expecting,
)
from kubesim.job_controller.manage import creation_batches
from kubesim.releases import Release
from kubesim.replica_controllers.replica_sets import (
    Tally,
    missing,
    pod_of,
    pods_to_delete,
    status_after,
)
from kubesim.replica_controllers.views import ReplicaSet
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.job_control_cache import Key, controller_of
from kubesim.sim.job_control_requests import JobClient
from kubesim.sim.recorder import Recorder
from kubesim.sim.replica_control_cache import ReplicaCache
from kubesim.sim.replica_control_queue import RetryingQueue
from kubesim.sim.timing import Timing
from kubesim.store import DELETED, Change, Reply
from kubesim.units import SECOND, Instant

ACTOR: Final = "replicaset-controller"
_NOT_FOUND: Final = 404


class ReplicaSetController:
    """The ReplicaSet controller of a controller manager."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.recorder = recorder
        self.api = api
        self.release = release
        self.cache = ReplicaCache()
        self.queue = RetryingQueue(clock, timing, release, self._sync)
        self.client = JobClient(clock, timing, api, ACTOR)
        self.events = EventRecorder(ACTOR, "", release, clock, timing, recorder)
        self._expected: dict[Key, Expectations] = {}

    def wants(self, change: Change) -> bool:
        """Whether its watches show a change: of a ReplicaSet, or of a Pod that one controls."""
        if change.kind == "ReplicaSet":
            return True
        reference = controller_of(change.object)
        return reference is not None and reference.get("kind") == "ReplicaSet"

    def changed(self, change: Change) -> None:
        """A watch event."""
        if change.kind == "ReplicaSet":
            self.cache.set_changed(change)
            if change.type == DELETED:
                self._expected.pop((change.namespace, change.name), None)
            self.queue.add((change.namespace, change.name), 0)
            return
        found = self.cache.pod_changed(change)
        if found is None:
            return
        key, old, new = found
        if change.type == DELETED or "deletionTimestamp" in change.object["metadata"]:
            self.lower(key, deletion_observed)
        elif old is None:
            self.lower(key, creation_observed)
        self.queue.add(key, 0)
        owner = self.cache.sets.get(key)
        became_ready = new.ready_since is not None and (old is None or old.ready_since is None)
        if owner is not None and owner.min_ready and became_ready:
            self.queue.add(key, owner.min_ready + SECOND)

    def lower(self, key: Key, observed: Callable[[Expectations], Expectations]) -> None:
        """Something that was expected was seen, or will never come."""
        if key in self._expected:
            self._expected[key] = observed(self._expected[key])

    def expect(self, key: Key, *, creations: int = 0, deletions: int = 0) -> None:
        """Wait with the next creations and deletions until these were seen."""
        self._expected[key] = expecting(NOTHING_EXPECTED, self.clock.now, creations=creations, deletions=deletions)

    def _sync(self, key: Key) -> None:
        owner = self.cache.sets.get(key)
        if owner is None:
            self.queue.done(key, failed=False)
            return
        satisfied = are_satisfied(self._expected.get(key, NOTHING_EXPECTED), self.clock.now, self.release)
        ReplicaSetSync(self, key, owner, self.cache.counted(owner, self.clock.now)).begin(manages=satisfied)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request about Pods of a ReplicaSet."""

    api: ApiServer
    owner: ReplicaSet
    name: str = ""

    def __call__(self, now: Instant) -> Reply:
        store = self.api.store
        if self.name:
            return store.delete("Pod", self.owner.namespace, self.name, now, actor=ACTOR)
        return store.create(pod_of(self.owner), now, field_validation="Ignore", actor=ACTOR)


@dataclass(frozen=True, slots=True)
class _WriteStatus:
    api: ApiServer
    owner: ReplicaSet
    status: dict[str, Any]

    def __call__(self, now: Instant) -> Reply:
        owner = self.owner
        return self.api.store.update_status(
            "ReplicaSet", owner.namespace, owner.name, self.status, now, uid=owner.uid, actor=ACTOR
        )


class ReplicaSetSync:
    """A sync under way: Pods first, then the status, from the counts with which it began."""

    def __init__(self, controller: ReplicaSetController, key: Key, owner: ReplicaSet, counted: Tally) -> None:
        self.controller = controller
        self.key = key
        self.owner = owner
        self.counted = counted
        self.failure = ""
        self._open = 0
        self._batches: list[int] = []

    def begin(self, *, manages: bool) -> None:
        """Create or delete Pods, unless what was done before has not been seen yet; then write the status."""
        difference = missing(self.owner, self.counted.active) if manages and not self.owner.is_deleting else 0
        if difference > 0:
            self.controller.expect(self.key, creations=difference)
            self._record("create", difference)
            self._batches = list(creation_batches(difference))
            self._create_batch()
        elif difference < 0:
            self._delete(-difference)
        else:
            self._write_status()

    def _record(self, verb: str, count: int) -> None:
        pods = "Pod" if count == 1 else "Pods"
        why = f"{self.counted.active} active, {self.owner.desired} desired"
        self.controller.recorder.record(
            Decided(
                at=self.controller.clock.now,
                actor=ACTOR,
                namespace=self.owner.namespace,
                name=self.owner.name,
                pass_="manageReplicas",
                actions=(DecidedAction(do=f"{verb} {count} {pods}", why=why),),
            )
        )

    def _create_batch(self) -> None:
        self._open = self._batches.pop(0)
        for _ in range(self._open):
            self.controller.client.ask(_Call(self.controller.api, self.owner), self._was_created)

    def _was_created(self, reply: Reply) -> None:
        """A Pod is there or was refused; after a batch with an error the rest is left for another sync."""
        self._open -= 1
        if reply.ok and reply.object is not None:
            self._emit("Normal", "SuccessfulCreate", pod=reply.object["metadata"]["name"])
        else:
            self.failure = self.failure or reply.message
            self._emit("Warning", "FailedCreate", error=reply.message)
            self.controller.lower(self.key, creation_observed)
        if self._open:
            return
        if self.failure and self._batches:
            self.controller.lower(self.key, partial(creation_observed, count=sum(self._batches)))
            self._batches.clear()
        if self._batches:
            self._create_batch()
        else:
            self._write_status()

    def _delete(self, count: int) -> None:
        controller = self.controller
        on_node = controller.cache.related_by_node(self.owner)
        chosen = pods_to_delete(controller.cache.active(self.owner), count, on_node, controller.clock.now)
        controller.expect(self.key, deletions=len(chosen))
        self._record("delete", len(chosen))
        self._open = len(chosen)
        for pod in chosen:
            call = _Call(controller.api, self.owner, pod.name)
            controller.client.ask(call, partial(self._was_deleted, pod.name))

    def _was_deleted(self, name: str, reply: Reply) -> None:
        self._open -= 1
        if reply.ok:
            self._emit("Normal", "SuccessfulDelete", pod=name)
        else:
            self.controller.lower(self.key, deletion_observed)
            if reply.code != _NOT_FOUND:
                self.failure = self.failure or reply.message
                self._emit("Warning", "FailedDelete", error=reply.message)
        if not self._open:
            self._write_status()

    def _emit(self, type_: str, reason: str, **places: str) -> None:
        text = self.controller.release.text(reason).format(**places)
        self.controller.events.emit(self.owner.raw, type_, reason, text)

    def _write_status(self) -> None:
        controller = self.controller
        owner = controller.cache.sets.get(self.key)
        if owner is None or owner.uid != self.owner.uid:
            controller.queue.done(self.key, failed=False)
            return
        status = status_after(owner, self.counted, self.failure, controller.clock.now)
        if status is None:
            self._over()
        else:
            controller.client.ask(_WriteStatus(controller.api, owner, status), lambda _: self._over())

    def _over(self) -> None:
        """Sync again when Pods that are Ready become available by the passing of time."""
        owner, counted = self.owner, self.counted
        self.controller.queue.done(self.key, failed=bool(self.failure))
        if not self.failure and owner.min_ready and counted.ready == owner.desired != counted.available:
            self.controller.queue.add(self.key, owner.min_ready)
