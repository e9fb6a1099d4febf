"""Which pods a sync creates and deletes (J-19, J-22 to J-28).

Source: ``job_controller.go`` manageJob, deleteActivePods.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubesim.job_controller.backoff import remaining_delay, remaining_delay_of_index
from kubesim.job_controller.census import Census
from kubesim.job_controller.decision import PodChanges, PodToCreate, PodToDelete, Requeue, Why
from kubesim.job_controller.indexes import (
    first_pending_indexes,
    has_limit_per_index,
    inherited_counts,
    surplus_of_indexes,
)
from kubesim.job_controller.pods import has_tracking_finalizer, is_ready, only_failed_replaced, removal_order
from kubesim.objects.job import is_indexed
from kubesim.objects.pod import Pod
from kubesim.releases import Release
from kubesim.units import Duration, Instant


def end_pods(census: Census) -> PodChanges:
    """Delete all active pods of a Job that ends; they keep their finalizer until they are counted (J-19)."""
    why = Why("the Job ends", ("J-19",))
    return PodChanges(deletions=_deletions(census.active, why, release_first=False))


def manage_pods(census: Census, release: Release, now: Instant) -> PodChanges:
    """Bring the number of active pods to the one wanted: by deletions, or else by creations (J-22 to J-28)."""
    if census.job.spec.suspend:
        why = Why("the Job is suspended", ("J-22",))
        return PodChanges(deletions=_deletions(_surplus(census, len(census.active)), why, release_first=True))
    wanted = wanted_active(census)
    limit = release.constant("job_max_pods_per_sync")
    surplus = _surplus(census, len(census.active) - wanted)[:limit]
    if surplus:
        why = Why(f"{len(census.active)} pods are active, {wanted} wanted", ("J-24", "J-27"))
        return PodChanges(deletions=_deletions(surplus, why, release_first=True))
    missing = wanted - len(census.active) - occupied_places(census, release)
    if missing <= 0:
        return PodChanges()
    return _create(census, min(missing, limit), release, now)


def wanted_active(census: Census) -> int:
    """How many pods should be active (J-23). A work queue gets no new pod once one has succeeded."""
    spec = census.job.spec
    if spec.completions is not None:
        return max(0, min(spec.parallelism, spec.completions - census.succeeded))
    return len(census.active) if census.succeeded > 0 else spec.parallelism


def occupied_places(census: Census, release: Release) -> int:
    """How many terminating pods take up a place because only failed pods are replaced (J-25, J-44; not in 1.27)."""
    if release.policy("job_create_counts_terminating") and only_failed_replaced(census.job, release):
        return len(census.terminating)
    return 0


def creation_batches(count: int) -> tuple[int, ...]:
    """Sizes of the batches sent one after the other: 1, 2, 4 …; after one with an error the rest waits (J-27)."""
    sizes: list[int] = []
    while count > 0:
        sizes.append(min(count, 2 * sizes[-1] if sizes else 1))
        count -= sizes[-1]
    return tuple(sizes)


def _surplus(census: Census, at_least: int) -> list[Pod]:
    """The active pods to delete: misplaced and duplicate indexes always, others up to the number asked for (J-24)."""
    surplus: list[Pod] = []
    others: Sequence[Pod] = census.active
    if is_indexed(census.job):
        surplus, others = surplus_of_indexes(census.active, census.job.spec.completions or 0)
    more = at_least - len(surplus)
    return surplus + removal_order(others)[:more] if more > 0 else surplus


def _deletions(pods: Iterable[Pod], why: Why, *, release_first: bool) -> tuple[PodToDelete, ...]:
    return tuple(
        PodToDelete(
            name=pod.metadata.name,
            uid=pod.metadata.uid,
            release_first=release_first and has_tracking_finalizer(pod),
            ready=is_ready(pod),
            why=why,
        )
        for pod in pods
    )


def _create(census: Census, count: int, release: Release, now: Instant) -> PodChanges:
    """Create pods unless a back-off is pending, for the Job or for all indexes in question (J-26, J-28, J-35)."""
    job = census.job
    by_index = has_limit_per_index(job, release)
    delay = 0 if by_index else remaining_delay(census.record, now, release)
    if delay > 0:
        count = census.record.failures
        words = "1 failure is" if count == 1 else f"{count} failures in a row are"
        why = Why(f"{words} backed off", ("J-10", "J-26", "J-32"))
        return _wait(delay, why, release)
    if not is_indexed(job):
        why = Why("too few pods are active", ("J-25",))
        return PodChanges(creations=(PodToCreate(None, None, 0, why),) * count)
    indexes = first_pending_indexes(
        job, census.active, census.terminating, census.succeeded_indexes, census.failed_indexes, count, release
    )
    if not by_index:
        why = Why("the index has no pod", ("J-25", "J-28"))
        return PodChanges(creations=tuple(PodToCreate(index, None, 0, why) for index in indexes))
    delays = {index: remaining_delay_of_index(census.last_failed.get(index), now, release) for index in indexes}
    due = [index for index, left in delays.items() if left == 0]
    if indexes and not due:
        return _wait(min(delays.values()), Why("all missing indexes are backed off", ("J-10", "J-26", "J-35")), release)
    return PodChanges(creations=tuple(_replacement(census, index, release) for index in due))


def _replacement(census: Census, index: int, release: Release) -> PodToCreate:
    """The next pod of an index that counts its failures (J-35)."""
    counted, ignored = inherited_counts(census.job, census.last_failed.get(index), release)
    return PodToCreate(
        index, counted, ignored, Why(f"failure number {counted} of the index may follow", ("J-28", "J-35"))
    )


def _wait(delay: Duration, why: Why, release: Release) -> PodChanges:
    """Create nothing before the back-off is over, and look again then; not within the batch period, except in 1.27."""
    if release.policy("job_update_batching") == "all_but_spec":
        delay = max(delay, release.duration("job_batch_period"))
    return PodChanges(backing_off=True, requeues=(Requeue(delay, why),))
