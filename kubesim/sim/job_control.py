"""The Job controller on the clock: watches Jobs and their pods, and syncs a Job when something asks for it (J §2, §3).

What it remembers (back-off, expectations) is gone with the process, as upstream. Source: ``job_controller.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from kubesim.job_controller.claims import Claims, claims, is_selected
from kubesim.job_controller.collection import should_free
from kubesim.job_controller.decision import Memory
from kubesim.job_controller.expectations import (
    Expectations,
    creation_observed,
    deletion_observed,
    finalizer_removal_observed,
)
from kubesim.job_controller.triggers import Trigger, deadline_change, job_trigger, pod_trigger
from kubesim.objects.job import TRACKING_FINALIZER, JobView, finished_condition
from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.job_control_cache import NO_CONTROLLER, CachedPod, JobCache, Key, controller_of
from kubesim.sim.job_control_queue import JobQueue
from kubesim.sim.job_control_requests import ACTOR, FreePod, JobClient
from kubesim.sim.job_control_sync import JobSync
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import ADDED, DELETED, Change, Reply


@dataclass(slots=True)
class _Writes:
    """The last own write about a Job, by kind of object, as resourceVersions (J-13)."""

    job: int = 0
    pod: int = 0


class JobController:
    """The Job controller of a controller manager."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.api = api
        self.release = release
        self.cache = JobCache(release, api.store.release)
        self.queue = JobQueue(clock, timing, release, self._sync)
        self.client = JobClient(clock, timing, api)
        self.events = EventRecorder(ACTOR, "", release, clock, timing, recorder)
        self._memories: dict[Key, Memory] = {}
        self._writes: dict[Key, _Writes] = {}
        self._seen = _Writes()
        self._followed: set[str] = set()

    # -- what it hears ------------------------------------------------------------------------------------------------

    def wants(self, change: Change) -> bool:
        """Whether its watches show a change: of any Job, and of pods that have to do with one."""
        if change.kind == "Job":
            return True
        if change.uid in self._followed:
            if change.type == DELETED:
                self._followed.discard(change.uid)
            return True
        metadata = change.object["metadata"]
        reference = controller_of(change.object)
        if reference is None:
            is_wanted = TRACKING_FINALIZER in (metadata.get("finalizers") or ()) or self.cache.has_manual_selectors
        else:
            is_wanted = reference.get("kind") == "Job"
        if is_wanted and change.type != DELETED:
            self._followed.add(change.uid)
        return is_wanted

    def changed(self, change: Change) -> None:
        """A watch event."""
        if change.kind == "Job":
            self._seen.job = change.resource_version
            self._job_changed(change)
        else:
            self._seen.pod = change.resource_version
            self._pod_changed(change)

    def _job_changed(self, change: Change) -> None:
        key = (change.namespace, change.name)
        old, new = self.cache.job_changed(change)
        if change.type == DELETED:
            self._writes.pop(key, None)
            self.queue.triggered(key, Trigger.JOB_DELETED)
            self._free_all(new)
            return
        if old is None:
            self.queue.triggered(key, Trigger.JOB_ADDED)
            return
        trigger = job_trigger(old, new)
        if trigger is None:
            self._free_all(new)
            return
        self.queue.triggered(key, trigger)
        deadline = deadline_change(old, new, self.clock.now)
        if deadline is not None:
            self.queue.add(key, deadline.after)

    def _pod_changed(self, change: Change) -> None:
        old, new = self.cache.pod_changed(change)
        is_gone = change.type == DELETED
        job = self.cache.job_of(new.raw)
        if old is not None and old.owner != new.owner:
            self._left(old, new)
        if new.owner == NO_CONTROLLER and not is_gone and not new.is_deleting:
            self._may_be_adopted(new)
        is_over = job is None or finished_condition(job) is not None
        if is_over and (is_gone or new.is_deleting or controller_of(new.raw) is None):
            if new.is_tracked and not is_gone:
                self._free_later(change.uid)
            return
        if job is None:
            return
        key = (job.metadata.namespace, job.metadata.name)
        if is_gone or new.is_deleting:
            self.lower(key, deletion_observed)
        elif change.type == ADDED:
            self.lower(key, creation_observed)
        if is_gone or not new.is_tracked:
            self._finalizer_gone(key, change.uid)
        self.queue.triggered(key, self._pod_trigger(key, old, None if is_gone else new))

    def _pod_trigger(self, key: Key, old: CachedPod | None, new: CachedPod | None) -> Trigger:
        """What a change of a pod triggers; which change it was matters only after syncs that failed (J-11)."""
        if not self.queue.failures(key):
            return Trigger.POD_CHANGED
        return pod_trigger(old.view() if old is not None else None, new.view() if new is not None else None)

    def _left(self, old: CachedPod, new: CachedPod) -> None:
        """A pod has another controller, or none: its Job before is synced."""
        before = self.cache.job_of(old.raw)
        if before is None:
            return
        key = (before.metadata.namespace, before.metadata.name)
        if not new.is_tracked:
            self._finalizer_gone(key, new.raw["metadata"]["uid"])
        self.queue.triggered(key, Trigger.POD_CHANGED)

    def _may_be_adopted(self, pod: CachedPod) -> None:
        """A pod that nobody controls: the Jobs that select it are synced."""
        for key, job in self.cache.jobs.items():
            if is_selected(job, pod.raw):
                self.queue.triggered(key, Trigger.POD_CHANGED)

    def claims(self, job: JobView) -> Claims:
        """The pods that a sync of the Job takes, and those that it lets go."""
        free = self.cache.uncontrolled()
        if job.spec.manual_selector:
            known = {pod["metadata"]["uid"] for pod in free}
            stored = self.api.store.list("Pod", job.metadata.namespace)
            free += [pod for pod in stored if controller_of(pod) is None and pod["metadata"]["uid"] not in known]
        return claims(job, self.cache.relabelled(job), free)

    # -- syncs --------------------------------------------------------------------------------------------------------

    def _sync(self, key: Key) -> None:
        job = self.cache.jobs.get(key)
        if job is None:
            self._memories.pop(key, None)
            self.queue.done(key, failed=False)
            return
        JobSync(self, key, job).begin()

    def synced(self, key: Key, *, failed: bool) -> None:
        """A sync is over."""
        self.queue.done(key, failed=failed)

    def memory(self, key: Key) -> Memory:
        """What is remembered of a Job."""
        return self._memories.get(key, _NOTHING)

    def remember(self, key: Key, memory: Memory) -> None:
        """Remember this of a Job from now on."""
        self._memories[key] = memory

    def lower(self, key: Key, observed: Callable[[Expectations], Expectations]) -> None:
        """Something that was expected was seen, or will never come."""
        memory = self.memory(key)
        self._memories[key] = replace(memory, expectations=observed(memory.expectations))

    def _finalizer_gone(self, key: Key, uid: str) -> None:
        memory = self.memory(key)
        if uid in memory.expectations.finalizers:
            expectations = finalizer_removal_observed(memory.expectations, uid)
            self._memories[key] = replace(memory, expectations=expectations)

    def wrote(self, key: Key, kind: str, version: int) -> None:
        """A write about this Job was committed as that resourceVersion."""
        writes = self._writes.setdefault(key, _Writes())
        if kind == "Job":
            writes.job = max(writes.job, version)
        else:
            writes.pod = max(writes.pod, version)

    def has_unseen_writes(self, key: Key) -> bool:
        """Whether a write about this Job has not come back through the watches (J-13)."""
        writes = self._writes.get(key)
        return writes is not None and (writes.job > self._seen.job or writes.pod > self._seen.pod)

    # -- pods that no sync will count ---------------------------------------------------------------------------------

    def _free_all(self, job: JobView) -> None:
        """Free the pods of a Job that finished or is gone (J-63)."""
        for pod in self.cache.tracked_pods(job.metadata.uid):
            self._free_later(pod.raw["metadata"]["uid"])

    def _free_later(self, uid: str) -> None:
        self.clock.after(self.timing.latency("job-sync"), self._free, uid)

    def _free(self, uid: str) -> None:
        pod = self.cache.pod(uid)
        if pod is None or not pod.is_tracked:
            return
        reference, metadata = controller_of(pod.raw), pod.raw["metadata"]
        if reference is not None and reference.get("kind") != "Job":
            return
        if should_free(pod.view(), self.cache.job_of(pod.raw), self.release):
            self.client.ask(FreePod(self.api.store, metadata["namespace"], metadata["name"]), _ignore)


_NOTHING = Memory()


def _ignore(_reply: Reply) -> None:
    """A pod that is gone meanwhile has nothing to be freed from."""
