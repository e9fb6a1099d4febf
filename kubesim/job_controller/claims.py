"""Which pods a Job takes and which it lets go: those of nobody that its selector selects, and its own that it does not.

Source: ``pkg/controller/controller_ref_manager.go`` ClaimPods, ClaimObject; ``job_controller.go`` getPodsForJob.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from kubesim.job_controller.template import controller_reference
from kubesim.objects.job import TRACKING_FINALIZER, JobView
from kubesim.objects.labels import selects

Raw: TypeAlias = dict[str, Any]


class Claims(msgspec.Struct, frozen=True):
    """Raw pods; both lists are empty in nearly every sync."""

    adopted: tuple[Raw, ...] = ()
    released: tuple[Raw, ...] = ()


def claims(job: JobView, own: Iterable[Raw], free: Iterable[Raw]) -> Claims:
    """What a Job claims among pods it controls and pods that nobody does; one that is being deleted claims nothing."""
    if job.metadata.deletion_timestamp is not None:
        return Claims()
    return Claims(
        adopted=tuple(pod for pod in free if is_selected(job, pod) and "deletionTimestamp" not in pod["metadata"]),
        released=tuple(pod for pod in own if not is_selected(job, pod)),
    )


def is_selected(job: JobView, pod: Raw) -> bool:
    """Whether the Job's selector selects a pod of its namespace."""
    metadata = pod["metadata"]
    if metadata.get("namespace") != job.metadata.namespace:
        return False
    return selects(job.raw["spec"].get("selector"), metadata.get("labels") or {})


def adoption(job: JobView) -> Raw:
    """The strategic patch that makes a pod the Job's: its owner, and the finalizer until it is counted (J-4)."""
    return {"metadata": {"ownerReferences": [controller_reference(job)], "finalizers": [TRACKING_FINALIZER]}}


def release_of(job: JobView) -> Raw:
    """The strategic patch that lets a pod go: nobody counts it any more."""
    return {
        "metadata": {
            "ownerReferences": [{"$patch": "delete", "uid": job.metadata.uid}],
            "$deleteFromPrimitiveList/finalizers": [TRACKING_FINALIZER],
        }
    }
