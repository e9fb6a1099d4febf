"""What the Job controller knows of Jobs and pods: as its watches have shown them, not as they are stored by now.

Pods are kept by the uid of the Job that controls them. A pod's typed view is made when a sync first asks for it.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from kubesim.objects.job import TRACKING_FINALIZER, JobView, job_view
from kubesim.objects.pod import Pod, pod_view
from kubesim.releases import Release
from kubesim.store import DELETED, Change
from kubesim.store.fields import decode
from kubesim.store.kinds import KINDS

Key: TypeAlias = tuple[str, str]
"""Namespace and name of a Job."""
Raw: TypeAlias = dict[str, Any]

NO_CONTROLLER: Final = ""
"""Stands for the Job of pods that have the tracking finalizer and no controller."""


class CachedPod:
    """A pod as the watch showed it last; views share the spec as long as the stored object does."""

    __slots__ = ("_view", "owner", "raw")

    def __init__(self, raw: Raw, owner: str, before: CachedPod | None) -> None:
        self.raw = raw
        self.owner = owner
        self._view: Pod | None = before._view if before is not None else None

    def view(self) -> Pod:
        """The typed pod."""
        known = self._view
        if known is None or known.raw is not self.raw:
            known = self._view = pod_view(self.raw, known)
        return known

    @property
    def is_tracked(self) -> bool:
        """Whether the pod has the tracking finalizer (J-4)."""
        return TRACKING_FINALIZER in (self.raw["metadata"].get("finalizers") or ())

    @property
    def is_deleting(self) -> bool:
        """Whether the pod's deletion was asked for."""
        return "deletionTimestamp" in self.raw["metadata"]

    @property
    def is_settled(self) -> bool:
        """Whether the pod has ended and was counted: then only a podFailurePolicy looks at it again."""
        return not self.is_tracked and (self.raw.get("status") or {}).get("phase") in ("Succeeded", "Failed")


class JobCache:
    """Jobs by namespace and name, pods by the uid of their Job and their own.

    ``release``: the controller's. Fields of a Job that it does not know are not there for it, so that it makes pods
    without them (J-61).
    """

    def __init__(self, release: Release, server: Release) -> None:
        self.release = release
        self.jobs: dict[Key, JobView] = {}
        self._live: dict[str, dict[str, CachedPod]] = {}
        self._settled: dict[str, dict[str, CachedPod]] = {}
        self._owners: dict[str, str] = {}
        self._manual: set[Key] = set()
        self._relabelled: set[str] = set()
        self._reads_anew = release.name != server.name

    def job_changed(self, change: Change) -> tuple[JobView | None, JobView]:
        """Take in a version of a Job: the one before, and this one."""
        key = (change.namespace, change.name)
        raw = decode(change.object, KINDS["Job"], self.release).object if self._reads_anew else change.object
        old, new = self.jobs.get(key), job_view(raw)
        if change.type == DELETED:
            self.jobs.pop(key, None)
            self._manual.discard(key)
        else:
            self.jobs[key] = new
            if new.spec.manual_selector:
                self._manual.add(key)
        return old, new

    def pod_changed(self, change: Change) -> tuple[CachedPod | None, CachedPod]:
        """Take in a version of a pod: the one before, and this one."""
        uid = change.uid
        old = self._take_out(uid)
        reference = controller_of(change.object)
        new = CachedPod(change.object, NO_CONTROLLER if reference is None else reference["uid"], old)
        if old is not None and _labels(old.raw) != _labels(new.raw):
            self._relabelled.add(uid)
        if change.type != DELETED:
            group = self._settled if new.is_settled else self._live
            group.setdefault(new.owner, {})[uid] = new
            self._owners[uid] = new.owner
        return old, new

    @property
    def has_manual_selectors(self) -> bool:
        """Whether some Job selects its pods by labels that others may have, too."""
        return bool(self._manual)

    def relabelled(self, job: JobView) -> list[Raw]:
        """The Job's pods whose labels changed since they were seen first."""
        uid = job.metadata.uid
        return [pod.raw for each in self._relabelled if (pod := self.pod(each)) is not None and pod.owner == uid]

    def uncontrolled(self) -> list[Raw]:
        """The pods that were seen and that nobody controls."""
        groups = (self._live, self._settled)
        return [pod.raw for group in groups for pod in group.get(NO_CONTROLLER, {}).values()]

    def _take_out(self, uid: str) -> CachedPod | None:
        owner = self._owners.pop(uid, None)
        if owner is None:
            return None
        pod = self._live.get(owner, {}).pop(uid, None)
        return pod if pod is not None else self._settled.get(owner, {}).pop(uid, None)

    def knows_pod(self, uid: str) -> bool:
        """Whether the pod was seen and is not gone."""
        return uid in self._owners

    def pod(self, uid: str) -> CachedPod | None:
        """The pod with that uid, if it was seen and is not gone."""
        owner = self._owners.get(uid)
        if owner is None:
            return None
        return self._live.get(owner, {}).get(uid) or self._settled.get(owner, {}).get(uid)

    def pods_to_count(self, job: JobView) -> tuple[Pod, ...]:
        """The pods that a sync of the Job looks at: those not yet settled, and all if a podFailurePolicy asks."""
        uid = job.metadata.uid
        pods = [*self._live.get(uid, {}).values()]
        if job.spec.pod_failure_policy is not None:
            pods += self._settled.get(uid, {}).values()
        return tuple(pod.view() for pod in pods)

    def tracked_pods(self, job_uid: str) -> list[CachedPod]:
        """The Job's pods that still have the finalizer."""
        return [pod for pod in self._live.get(job_uid, {}).values() if pod.is_tracked]

    def job_of(self, pod: Raw) -> JobView | None:
        """The Job that controls the pod; None if it is gone, another of that name, or no Job."""
        reference = controller_of(pod)
        if reference is None or reference.get("kind") != "Job":
            return None
        job = self.jobs.get((pod["metadata"]["namespace"], reference["name"]))
        return job if job is not None and job.metadata.uid == reference["uid"] else None


def _labels(raw: Raw) -> Raw:
    return raw["metadata"].get("labels") or {}


def controller_of(raw: Raw) -> Raw | None:
    """The reference to the object's controller."""
    references: list[Raw] = raw["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)
