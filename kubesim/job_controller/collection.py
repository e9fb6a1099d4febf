"""What follows when a Job is deleted: what the garbage collector does to its pods, and who frees their finalizers.

A DELETE leaves its propagation policy on the Job: the finalizer ``foregroundDeletion``, ``orphan`` or neither, in
which case the Job is gone at once and its pods follow in the background. Source:
``pkg/controller/garbagecollector/garbagecollector.go`` attemptToDeleteItem, processDeletingDependentsItem,
orphanDependents; ``job_controller.go`` handleSingleOrphanPod.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from kubesim.job_controller.decision import Why
from kubesim.job_controller.pods import has_tracking_finalizer
from kubesim.job_controller.sync import is_managed_elsewhere
from kubesim.objects.job import JobView, finished_condition
from kubesim.objects.pod import Pod
from kubesim.releases import Release

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"

Raw: TypeAlias = dict[str, Any]


class DeleteObject(msgspec.Struct, frozen=True):
    """Delete an object, with the grace it has by itself."""

    uid: str
    propagation: str
    """Background, Foreground or Orphan."""
    why: Why


class DropReferences(msgspec.Struct, frozen=True):
    """Take owner references off an object: it stays, without these owners."""

    uid: str
    owners: frozenset[str]
    why: Why


class DropFinalizer(msgspec.Struct, frozen=True):
    """Take a finalizer of the collector off an owner."""

    uid: str
    finalizer: str
    why: Why


CollectorAction: TypeAlias = DeleteObject | DropReferences | DropFinalizer


def collect_owner(owner: Raw, dependents: Sequence[Raw]) -> tuple[CollectorAction, ...]:
    """What the collector does about an owner that is being deleted; to be asked again whenever a dependent changes.

    Orphan: references go, then the finalizer. Foreground: dependents that block their owner are deleted, and the
    finalizer goes once there is none left.
    """
    metadata = owner["metadata"]
    finalizers = metadata.get("finalizers") or ()
    if "deletionTimestamp" not in metadata:
        return ()
    uid = metadata["uid"]
    if ORPHAN in finalizers:
        why = Why("the owner was deleted with propagation Orphan", ("J-63",))
        drops = (DropReferences(each["metadata"]["uid"], frozenset({uid}), why) for each in dependents)
        return (*drops, DropFinalizer(uid, ORPHAN, why))
    if FOREGROUND not in finalizers:
        return ()
    blocking = [each for each in dependents if _blocks(each, uid)]
    if not blocking:
        return (DropFinalizer(uid, FOREGROUND, Why("no dependent blocks the owner any more", ("J-63",))),)
    why = Why("the owner waits for its dependents", ("J-63",))
    return tuple(
        DeleteObject(each["metadata"]["uid"], _own_propagation(each), why)
        for each in blocking
        if "deletionTimestamp" not in each["metadata"]
    )


def collect_dependent(dependent: Raw, owner_of: Callable[[str], Raw | None]) -> CollectorAction | None:
    """What the collector does about an object some of whose owners are gone or wait for it; None: nothing.

    ``owner_of`` gives the object with a uid, None if it is gone. One owner that stays keeps the object.
    """
    metadata = dependent["metadata"]
    references = metadata.get("ownerReferences") or ()
    if "deletionTimestamp" in metadata or not references:
        return None
    gone = {reference["uid"] for reference in references if owner_of(reference["uid"]) is None}
    waiting = {reference["uid"] for reference in references if (owner := owner_of(reference["uid"])) and _waits(owner)}
    if not gone and not waiting:
        return None
    if len(gone) + len(waiting) < len(references):
        why = Why("another owner stays", ("J-63",))
        return DropReferences(metadata["uid"], frozenset(gone | waiting), why)
    return DeleteObject(metadata["uid"], _own_propagation(dependent), Why("no owner stays", ("J-63",)))


def _waits(owner: Raw) -> bool:
    metadata = owner["metadata"]
    return "deletionTimestamp" in metadata and FOREGROUND in (metadata.get("finalizers") or ())


def _blocks(dependent: Raw, owner: str) -> bool:
    references = dependent["metadata"].get("ownerReferences") or ()
    return any(reference["uid"] == owner and reference.get("blockOwnerDeletion", False) for reference in references)


def _own_propagation(obj: Raw) -> str:
    """The policy with which the collector deletes: what the object's own finalizers ask for, else Background."""
    finalizers = obj["metadata"].get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def should_free(pod: Pod, job: JobView | None, release: Release) -> bool:
    """Whether the Job controller takes its finalizer off a pod that no sync will count (J-63).

    ``job``: the pod's controller, None if it is gone or the pod has none. Asked when such a pod changes, and for all
    pods of a Job when that finishes or goes.
    """
    if not has_tracking_finalizer(pod):
        return False
    if job is None:
        return True
    return finished_condition(job) is not None and not is_managed_elsewhere(job, release)
