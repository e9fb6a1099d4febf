"""What the controller still expects its informers to show before it creates or deletes again (J §3).

The shell keeps one record per Job, stores what :func:`expecting` returns before it acts, and lowers it as changes are
seen. Source: ``controller_utils.go`` ControllerExpectations, ``tracking_utils.go`` uidTrackingExpectations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from kubesim.releases import Release
from kubesim.units import Instant


class Expectations(msgspec.Struct, frozen=True):
    """Creations and deletions not yet observed, and pods whose finalizer is removed but still seen."""

    creations: int = 0
    deletions: int = 0
    since: Instant | None = None
    """When they were set; None: nothing was ever expected."""
    finalizers: frozenset[str] = frozenset()
    """UIDs; such pods were accounted for in an earlier sync."""


NOTHING_EXPECTED: Final = Expectations()
"""What holds for a Job that was never synced."""


def expecting(old: Expectations, now: Instant, *, creations: int = 0, deletions: int = 0) -> Expectations:
    """New expectations; they replace what was left of the old ones."""
    return replace(old, creations=creations, deletions=deletions, since=now)


def are_satisfied(expectations: Expectations, now: Instant, release: Release) -> bool:
    """Whether pods may be managed: all was observed, or waited for too long."""
    if expectations.since is None or (expectations.creations <= 0 and expectations.deletions <= 0):
        return True
    return now - expectations.since > release.duration("job_expectations_timeout")


def creation_observed(expectations: Expectations, count: int = 1) -> Expectations:
    """One pod less to come: it was seen, its creation failed, or it was never tried (J-27)."""
    return replace(expectations, creations=expectations.creations - count)


def deletion_observed(expectations: Expectations, count: int = 1) -> Expectations:
    """One pod less to go: it was seen with a deletionTimestamp or gone, or its deletion failed."""
    return replace(expectations, deletions=expectations.deletions - count)


def finalizers_expected(expectations: Expectations, uids: Iterable[str]) -> Expectations:
    """These pods are about to lose their finalizer."""
    return replace(expectations, finalizers=expectations.finalizers.union(uids))


def finalizer_removal_observed(expectations: Expectations, uid: str) -> Expectations:
    """The pod was seen without finalizer, or gone, or the removal failed."""
    return replace(expectations, finalizers=expectations.finalizers - {uid})
