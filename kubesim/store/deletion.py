"""What a DELETE does to an object: which timestamps it writes, and whether the object goes at once (C-40 to C-45).

Pure: takes the stored object and the request, returns a decision. Source: apiserver ``registry/rest/delete.go``
(BeforeDelete), ``registry/generic/registry/store.go`` (Delete, updateForGracefulDeletionAndFinalizers,
deletionFinalizersForGarbageCollection), ``pkg/registry/core/pod/strategy.go`` (CheckGracefulDelete).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from kubesim.objects.status import instant_of, render_time
from kubesim.releases import Release
from kubesim.units import SECOND, Instant

FOREGROUND_FINALIZER: Final = "foregroundDeletion"
ORPHAN_FINALIZER: Final = "orphan"
_DEFAULT_GRACE_SECONDS: Final = 30


class Propagation(StrEnum):
    """What becomes of the dependants: ``DeleteOptions.propagationPolicy``."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Deletion:
    """The outcome: the metadata to write first (None: no write), then whether to remove the object."""

    metadata: dict[str, Any] | None
    remove: bool


_NOTHING: Final = Deletion(None, remove=False)


def deletion(
    kind: str,
    obj: dict[str, Any],
    now: Instant,
    release: Release,
    *,
    grace: int | None = None,
    propagation: Propagation | None = None,
) -> Deletion:
    """What one DELETE request does now. ``grace`` is the request's gracePeriodSeconds, None when not given."""
    metadata: dict[str, Any] = dict(obj["metadata"])
    if grace is not None and grace < 0:
        grace = 1
    graceful = False
    if kind == "Pod":
        marked = _mark_pod(obj, metadata, now, release, grace)
        if marked is None:
            return _NOTHING
        graceful = marked
    _set_collector_finalizers(metadata, propagation)
    pending = bool(metadata.get("finalizers"))
    if graceful:
        return Deletion(metadata, remove=not pending and metadata["deletionGracePeriodSeconds"] == 0)
    if not pending:
        return Deletion(None, remove=True)
    _mark_at_once(metadata, now)
    return Deletion(metadata, remove=False)


def is_gone_after_update(metadata: dict[str, Any]) -> bool:
    """Whether an update that took the last finalizer away also removes the object (C-45).

    Source: apiserver ``registry/generic/registry/store.go``: ShouldDeleteDuringUpdate.
    """
    return (
        "deletionTimestamp" in metadata
        and not metadata.get("finalizers")
        and metadata.get("deletionGracePeriodSeconds", 0) == 0
    )


def _mark_pod(
    obj: dict[str, Any], metadata: dict[str, Any], now: Instant, release: Release, grace: int | None
) -> bool | None:
    """Write the grace into a Pod's metadata: True when written, False when due at once, None when nothing is to do."""
    if "deletionTimestamp" in metadata:
        return _shorten(metadata, now, release, grace)
    period = _first_grace(obj, grace)
    metadata["deletionTimestamp"] = render_time(now + period * SECOND)
    metadata["deletionGracePeriodSeconds"] = period
    if metadata.get("generation"):
        metadata["generation"] += 1
    return True


def _first_grace(obj: dict[str, Any], grace: int | None) -> int:
    """The grace of a first DELETE, whole seconds (C-40): none for a Pod that no node holds or that has ended."""
    spec, phase = obj.get("spec") or {}, (obj.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    period = spec.get("terminationGracePeriodSeconds", _DEFAULT_GRACE_SECONDS) if grace is None else grace
    return 1 if period < 0 else period


def _shorten(metadata: dict[str, Any], now: Instant, release: Release, grace: int | None) -> bool | None:
    """A further DELETE may only shorten the grace, counted from the first request (C-43)."""
    current = metadata.get("deletionGracePeriodSeconds", 0)
    if current == 0:
        return False
    if grace is None or grace >= current:
        return None
    asked = instant_of(metadata["deletionTimestamp"]) or 0
    due, period = asked + (grace - current) * SECOND, grace
    if due < now and not release.policy("deletion_timestamp_may_move_into_the_past"):
        due, period = now, min(period, 1)
    metadata["deletionTimestamp"] = render_time(due)
    metadata["deletionGracePeriodSeconds"] = period
    return True


def _mark_at_once(metadata: dict[str, Any], now: Instant) -> None:
    """Mark an object without grace that finalizers still hold."""
    stamp = instant_of(metadata.get("deletionTimestamp"))
    if stamp is None and metadata.get("generation"):
        metadata["generation"] += 1
    if stamp is None or stamp > now:
        metadata["deletionTimestamp"] = render_time(now)
    metadata["deletionGracePeriodSeconds"] = 0


def _set_collector_finalizers(metadata: dict[str, Any], propagation: Propagation | None) -> None:
    """Let the propagation policy decide the garbage collector's finalizers; without one, those present stay."""
    if propagation is None:
        return
    kept = [name for name in metadata.get("finalizers", ()) if name not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER)]
    if propagation is Propagation.ORPHAN:
        kept.append(ORPHAN_FINALIZER)
    elif propagation is Propagation.FOREGROUND:
        kept.append(FOREGROUND_FINALIZER)
    metadata.pop("finalizers", None)
    if kept:
        metadata["finalizers"] = kept
