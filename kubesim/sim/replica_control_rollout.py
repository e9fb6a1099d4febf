"""The Deployment controller on the clock: watches Deployments and ReplicaSets, and takes one step of a rollout a sync.

``replica_controllers/rollout.py`` and ``rollout_status.py`` decide. Source: ``pkg/controller/deployment``.
Departure: the revision annotation of a Deployment is written by itself, where upstream sends it with the status.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from kubesim.history.records import Decided, DecidedAction
from kubesim.releases import Release
from kubesim.replica_controllers.replica_sets import controller_reference
from kubesim.replica_controllers.rollout import (
    Scaling,
    Sets,
    is_scaling_event,
    new_revision,
    replica_set_for,
    replicas_for_new,
    revision_of,
    scale,
    scale_down_old,
    scale_up_new,
    sets_of,
    size_annotations,
    to_clean_up,
    with_size,
)
from kubesim.replica_controllers.rollout_status import announced, is_complete, status_after
from kubesim.replica_controllers.views import REVISION, Deployment, ReplicaSet, deployment, replica_set
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.job_control_cache import Key, controller_of
from kubesim.sim.job_control_requests import JobClient, stale
from kubesim.sim.recorder import Recorder
from kubesim.sim.replica_control_queue import RetryingQueue
from kubesim.sim.timing import Timing
from kubesim.store import DELETED, Change, PatchType, Reply, Store
from kubesim.units import Duration, Instant

ACTOR: Final = "deployment-controller"


class DeploymentController:
    """The Deployment controller of a controller manager."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.recorder = recorder
        self.api = api
        self.release = release
        self.queue = RetryingQueue(clock, timing, release, self._sync)
        self.client = JobClient(clock, timing, api, ACTOR)
        self.events = EventRecorder(ACTOR, "", release, clock, timing, recorder)
        self._deployments: dict[Key, Deployment] = {}
        self._owned: dict[str, dict[str, ReplicaSet]] = {}
        self._recreating: dict[Key, None] = {}
        self._checks: dict[Key, Timer] = {}

    @staticmethod
    def wants(change: Change) -> bool:
        """Whether its watches show a change: of a Deployment, of a ReplicaSet that one controls, of a Pod that goes."""
        if change.kind == "Deployment":
            return True
        if change.kind == "Pod" and change.type != DELETED:
            return False
        reference = controller_of(change.object)
        wanted = "ReplicaSet" if change.kind == "Pod" else "Deployment"
        return reference is not None and reference.get("kind") == wanted

    def changed(self, change: Change) -> None:
        """A watch event."""
        key = (change.namespace, change.name)
        if change.kind == "Deployment":
            self._recreating.pop(key, None)
            if change.type == DELETED:
                self._deployments.pop(key, None)
                self.check_later(key, None)
            else:
                one = self._deployments[key] = deployment(change.object)
                if one.recreates:
                    self._recreating[key] = None
            self.queue.add(key, 0)
            return
        if change.kind == "Pod":
            self._pod_gone(change)
            return
        reference = controller_of(change.object)
        if reference is None:
            return
        owned = self._owned.setdefault(reference["uid"], {})
        if change.type == DELETED:
            owned.pop(change.uid, None)
        else:
            owned[change.uid] = replica_set(change.object)
        self.queue.add((change.namespace, reference["name"]), 0)

    def check_later(self, key: Key, delay: Duration | None) -> None:
        """Look after the delay whether a rollout is stuck; None: there is nothing more to wait for."""
        timer = self._checks.pop(key, None)
        if timer is not None:
            timer.cancel()
        if delay is not None:
            self._checks[key] = self.clock.after(delay, self.queue.add, key)

    def _pod_gone(self, change: Change) -> None:
        """A Recreate waits for the last of the old Pods (deletePod)."""
        reference = controller_of(change.object) or {}
        for key in self._recreating:
            one = self._deployments[key]
            if reference.get("uid") in self._owned.get(one.uid, {}):
                self.queue.add(key, 0)

    def _sync(self, key: Key) -> None:
        owner = self._deployments.get(key)
        if owner is None:
            self.queue.done(key, failed=False)
            return
        sets = sets_of(owner, [*self._owned.get(owner.uid, {}).values()])
        RolloutSync(self, key, owner, sets).begin()


@dataclass(frozen=True, slots=True)
class _Request:
    """One request on the store; ``body`` is what differs between its kinds."""

    api: ApiServer
    body: Callable[[Store, Instant], Reply]

    def __call__(self, now: Instant) -> Reply:
        return self.body(self.api.store, now)


class RolloutSync:
    """A sync under way: perhaps a new ReplicaSet, then sizes, then the status."""

    def __init__(self, controller: DeploymentController, key: Key, owner: Deployment, sets: Sets) -> None:
        self.controller = controller
        self.key = key
        self.owner = owner
        self.sets = sets

    def begin(self) -> None:
        """Decide which step this sync takes."""
        owner, sets = self.owner, self.sets
        if owner.is_deleting:
            self._write_status()
        elif owner.paused or is_scaling_event(owner, sets):
            self._carry_out(scale(owner, sets))
        elif owner.recreates:
            self._recreate()
        else:
            self._with_new(self._roll)

    def _recreate(self) -> None:
        """Old Pods go first, all of them; then the new ones come. Source: ``recreate.go``."""
        active = self.sets.active_old
        if active:
            self._carry_out([Scaling(one, 0, "old Pods go before new ones come (Recreate)") for one in active])
        elif self._old_pods_run():
            self._write_status()
        else:
            self._with_new(self._roll)

    def _old_pods_run(self) -> bool:
        old = {one.uid for one in self.sets.old}
        pods = self.controller.api.store.list("Pod", self.owner.namespace)
        return any(
            (controller_of(pod) or {}).get("uid") in old
            and (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded")
            for pod in pods
        )

    def _roll(self) -> None:
        """One step: more new Pods, or else fewer old ones. Source: ``rolling.go`` rolloutRolling."""
        up = scale_up_new(self.owner, self.sets)
        if up is not None:
            self._carry_out([up])
            return
        down = scale_down_old(self.owner, self.sets)
        if not down and is_complete(self.owner, self.owner.status):
            self._clean_up()
        self._carry_out(down)

    def _clean_up(self) -> None:
        for one in to_clean_up(self.owner, self.sets):
            self._ask(partial(_delete, one))

    # -- the new ReplicaSet -------------------------------------------------------------------------------------------

    def _with_new(self, then: Callable[[], None]) -> None:
        """Go on when the ReplicaSet of the Deployment's template is there and has its revision."""
        owner, new = self.owner, self.sets.new
        if new is None:
            replicas = replicas_for_new(owner, self.sets.every, 0)
            raw = replica_set_for(owner, self.sets, replicas)
            raw["metadata"]["ownerReferences"] = [controller_reference(owner.raw, "Deployment")]
            pods = "1 Pod" if replicas == 1 else f"{replicas} Pods"
            self._record(f"create {raw['metadata']['name']} for {pods}", "no ReplicaSet has the template")
            self._ask(
                lambda store, now: store.create(raw, now, field_validation="Ignore", actor=ACTOR),
                partial(self._was_created, then),
            )
            return
        revision = max(new_revision(self.sets), revision_of(new))
        if revision_of(new) != revision:
            changed = with_size(new, new.desired, {REVISION: str(revision)})
            self.sets = Sets(changed, self.sets.old)
            self._ask(partial(_annotate, "ReplicaSet", new.raw, {REVISION: str(revision)}))
        self._tell(new.name, revision, is_new=False)
        then()

    def _was_created(self, then: Callable[[], None], reply: Reply) -> None:
        if not reply.ok or reply.object is None:
            self.controller.queue.done(self.key, failed=True)
            return
        made = replica_set(reply.object)
        if made.desired:
            self._emit("ScaledNewReplicaSet", name=made.name, after=str(made.desired))
        self.sets = Sets(made, self.sets.old)
        self._tell(made.name, revision_of(made), is_new=True)
        then()

    def _tell(self, name: str, revision: int, *, is_new: bool) -> None:
        """The Deployment carries the revision of its new ReplicaSet, and says that there is one."""
        told = announced(self.owner, name, is_new=is_new, now=self.controller.clock.now)
        if told is not None:
            self.owner = told
            self._ask(partial(_put_status, told, told.status))
        annotations = self.owner.raw["metadata"].get("annotations") or {}
        if annotations.get(REVISION) != str(revision):
            self._ask(partial(_annotate, "Deployment", self.owner.raw, {REVISION: str(revision)}))

    # -- requests -----------------------------------------------------------------------------------------------------

    def _carry_out(self, scalings: Sequence[Scaling]) -> None:
        """Send the new sizes, one after the other, then the status; a sync whose write is refused is tried again."""
        told = size_annotations(self.owner)
        needed = [
            one
            for one in scalings
            if one.desired != one.target.desired or not told.items() <= one.target.annotations.items()
        ]
        if not needed:
            self._write_status()
            return
        first, rest = needed[0], needed[1:]
        if first.desired != first.target.desired:
            self._record(f"scale {first.target.name} from {first.target.desired} to {first.desired}", first.why)
        self._ask(partial(_resize, first, told), partial(self._was_scaled, first, rest))

    def _was_scaled(self, one: Scaling, rest: Sequence[Scaling], reply: Reply) -> None:
        if not reply.ok or reply.object is None:
            self.controller.queue.done(self.key, failed=True)
            return
        before, after = one.target.desired, one.desired
        if before != after:
            direction = "up" if after > before else "down"
            places = {"name": one.target.name, "before": str(before), "after": str(after)}
            self._emit("ScaledReplicaSet", direction=direction, **places)
        self.sets = self.sets.having(replica_set(reply.object))
        self._carry_out(rest)

    def _write_status(self) -> None:
        controller, owner = self.controller, self.owner
        decided = status_after(owner, self.sets, controller.clock.now)
        controller.check_later(self.key, decided.check_after)
        if decided.status is None:
            controller.queue.done(self.key, failed=False)
            return
        self._ask(partial(_put_status, owner, decided.status), self._was_told)

    def _was_told(self, reply: Reply) -> None:
        self.controller.queue.done(self.key, failed=not reply.ok)

    def _ask(self, body: Callable[[Store, Instant], Reply], then: Callable[[Reply], None] | None = None) -> None:
        self.controller.client.ask(_Request(self.controller.api, body), then or _ignore)

    def _emit(self, text: str, **places: str) -> None:
        message = self.controller.release.text(text).format(**places)
        self.controller.events.emit(self.owner.raw, "Normal", "ScalingReplicaSet", message)

    def _record(self, do: str, why: str) -> None:
        controller = self.controller
        controller.recorder.record(
            Decided(
                at=controller.clock.now,
                actor=ACTOR,
                namespace=self.owner.namespace,
                name=self.owner.name,
                pass_="syncDeployment",
                actions=(DecidedAction(do=do, why=why),),
            )
        )


def _stale(store: Store, kind: str, seen: dict[str, Any]) -> Reply | None:
    metadata = seen["metadata"]
    return stale(store, kind, metadata["namespace"], metadata["name"], metadata["resourceVersion"])


def _put_status(one: Deployment, status: dict[str, Any], store: Store, now: Instant) -> Reply:
    refused = _stale(store, "Deployment", one.raw)
    return refused or store.update_status("Deployment", one.namespace, one.name, status, now, actor=ACTOR)


def _annotate(kind: str, seen: dict[str, Any], annotations: dict[str, str], store: Store, now: Instant) -> Reply:
    metadata, patch = seen["metadata"], {"metadata": {"annotations": annotations}}
    return store.patch(kind, metadata["namespace"], metadata["name"], PatchType.MERGE, patch, now, actor=ACTOR)


def _resize(one: Scaling, told: dict[str, str], store: Store, now: Instant) -> Reply:
    target = one.target
    patch = {"metadata": {"annotations": told}, "spec": {"replicas": one.desired}}
    refused = _stale(store, "ReplicaSet", target.raw)
    return refused or store.patch("ReplicaSet", target.namespace, target.name, PatchType.MERGE, patch, now, actor=ACTOR)


def _delete(one: ReplicaSet, store: Store, now: Instant) -> Reply:
    return store.delete("ReplicaSet", one.namespace, one.name, now, actor=ACTOR)


def _ignore(_reply: Reply) -> None:
    """What is gone meanwhile needs nothing more."""
