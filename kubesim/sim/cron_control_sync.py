"""One sync of a CronJob on the clock: old Jobs go, the next one starts, the status is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kubesim.history.records import Decided, DecidedAction
from kubesim.job_controller.cron import (
    CronDecision,
    finished_beyond_limits,
    is_behind,
    job_for,
    rfc1123,
    sync_cron_job,
    with_started,
    without_jobs,
)
from kubesim.job_controller.cron_times import LATE
from kubesim.job_controller.events import JobEvent
from kubesim.objects.cron_job import CronJobStatus, CronJobView, cron_job_status_raw, cron_job_view
from kubesim.objects.job import JobView
from kubesim.sim.job_control_cache import Key, controller_of
from kubesim.sim.job_control_requests import stale
from kubesim.store import Propagation, Reply, Store
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.sim.cron_control import CronController

ACTOR: Final = "cronjob-controller"
_NOT_FOUND: Final = 404
_EXISTS: Final = 409


class CronSync:
    """A sync under way. ``begin`` starts it; the controller's ``synced`` is called when it is over."""

    def __init__(self, controller: CronController, key: Key, cron: CronJobView, jobs: list[JobView]) -> None:
        self.controller = controller
        self.store = controller.api.store
        self.key = key
        self.cron = cron
        self.jobs = jobs
        self.must_write = False
        self.deleted: set[str] = set()
        self._to_delete: list[tuple[str, str]] = []

    def begin(self) -> None:
        """Delete the finished Jobs that the history limits have no place for, then decide."""
        surplus = finished_beyond_limits(self.cron, self.jobs)
        self._to_delete = [(job.metadata.name, job.metadata.uid) for job in surplus]
        self._delete_next(self._decide)

    def _delete_next(self, then: Callable[[], None]) -> None:
        if not self._to_delete:
            then()
            return
        name, uid = self._to_delete.pop(0)
        call = partial(_delete_job, self.store, self.key[0], name)
        self.controller.client.ask(call, partial(self._was_deleted, name, uid, then))

    def _was_deleted(self, name: str, uid: str, then: Callable[[], None], reply: Reply) -> None:
        if reply.ok:
            self.deleted.add(uid)
            self.must_write = True
            self._emit(JobEvent("Normal", "SuccessfulDelete", f"Deleted job {name}"))
        else:
            self._emit(JobEvent("Warning", "FailedDelete", f"Deleted job: {reply.message}"))
        self._delete_next(then)

    def _decide(self) -> None:
        controller, store = self.controller, self.store
        if is_behind(self.cron, self.jobs):
            found = store.find("CronJob", *self.key)
            if found is not None and found["metadata"]["uid"] == self.cron.metadata.uid:
                self.cron = cron_job_view(found)
        cron = msgspec.structs.replace(self.cron, status=without_jobs(self.cron.status, self.deleted))
        stored = frozenset(
            reference.uid
            for reference in cron.status.active
            if store.find("Job", reference.namespace, reference.name) is not None
        )
        decision = sync_cron_job(cron, self.jobs, stored, controller.release, controller.clock.now)
        for event in decision.events:
            self._emit(event)
        self._record(decision)
        if decision.start is None:
            self._write(decision, decision.status)
            return
        self._to_delete = [(reference.name, reference.uid) for reference in decision.replaced]
        self._delete_next(partial(self._create, decision, decision.start))

    def _create(self, decision: CronDecision, time: Instant) -> None:
        if any(reference.uid not in self.deleted for reference in decision.replaced):
            self._end(decision, failed=True)
            return
        job = job_for(self.cron, time, self.controller.release)
        call = partial(_create_job, self.store, job)
        self.controller.client.ask(call, partial(self._was_created, decision, time, job["metadata"]["name"]))

    def _was_created(self, decision: CronDecision, time: Instant, name: str, reply: Reply) -> None:
        """The Job is there; one of that name that is the CronJob's own counts as created."""
        status = without_jobs(decision.status, self.deleted)
        job = reply.object
        if reply.code == _EXISTS and reply.reason == "AlreadyExists":
            job = self.store.find("Job", self.key[0], name)
            owner = None if job is None else controller_of(job)
            if owner is None or owner["uid"] != self.cron.metadata.uid:
                self._write(decision, status)
                return
        elif not reply.ok:
            self._emit(JobEvent("Warning", "FailedCreate", f"Error creating job: {reply.message}"))
            self._write(decision, status, failed=True)
            return
        else:
            self._emit(JobEvent("Normal", "SuccessfulCreate", f"Created job {name}"))
        if job is not None:
            self._write(decision, with_started(status, job, time))

    def _write(self, decision: CronDecision, status: CronJobStatus, *, failed: bool = False) -> None:
        """Write the status if it says anything new."""
        if status == self.cron.status and not self.must_write:
            self._end(decision, failed=failed)
            return
        self.controller.client.ask(
            _WriteStatus(self.store, self.cron, status), partial(self._was_written, decision, failed)
        )

    def _was_written(self, decision: CronDecision, failed: bool, reply: Reply) -> None:
        self._end(decision, failed=failed or not reply.ok)

    def _end(self, decision: CronDecision, *, failed: bool) -> None:
        self.controller.synced(self.key, decision.requeue, failed=failed)

    def _emit(self, event: JobEvent) -> None:
        self.controller.emit(self.cron, event)

    def _record(self, decision: CronDecision) -> None:
        """What was decided, if it was about a Job; of a new schedule, when its first time comes."""
        actions = [DecidedAction(do=f"replace {job.name}", why=decision.why.text) for job in decision.replaced]
        if decision.start is not None:
            actions.append(DecidedAction(do="create a Job", why=decision.why.text))
        elif decision.requeue is not None and self.controller.is_new_schedule(self.key, self.cron):
            time = rfc1123(self.controller.clock.now + decision.requeue - LATE)
            actions.append(DecidedAction(do="wait", why=f"the schedule asks for a Job at {time}"))
        if actions:
            self.controller.recorder.record(
                Decided(
                    at=self.controller.clock.now,
                    actor=ACTOR,
                    namespace=self.key[0],
                    name=self.key[1],
                    pass_="SyncCronJob",
                    actions=tuple(actions),
                    why=decision.why.text,
                    rules=decision.why.rules,
                )
            )


@dataclass(frozen=True, slots=True)
class _WriteStatus:
    """The update of a CronJob's status, refused if there is a newer version than the one it was made from."""

    store: Store
    cron: CronJobView
    status: CronJobStatus

    def __call__(self, now: Instant) -> Reply:
        place = ("CronJob", self.cron.metadata.namespace, self.cron.metadata.name)
        refused = stale(self.store, *place, self.cron.metadata.resource_version)
        return refused or self.store.update_status(*place, cron_job_status_raw(self.status), now, actor=ACTOR)


def _delete_job(store: Store, namespace: str, name: str, now: Instant) -> Reply:
    return store.delete("Job", namespace, name, now, propagation=Propagation.BACKGROUND, actor=ACTOR)


def _create_job(store: Store, job: dict[str, Any], now: Instant) -> Reply:
    return store.create(job, now, field_validation="Ignore", actor=ACTOR)
