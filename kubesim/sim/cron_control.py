"""The CronJob controller on the clock: one timer per CronJob, 100 ms after the next time of its schedule.

``job_controller/cron.py`` decides; here requests are sent one after the other, as upstream does within a sync.
Source: ``pkg/controller/cronjob/cronjob_controllerv2.go``.
"""

from __future__ import annotations

from typing import Final

from kubesim.job_controller.cron import schedule_of
from kubesim.job_controller.cron_times import NeverFits, wait_for_next
from kubesim.job_controller.events import JobEvent
from kubesim.objects.cron_job import CronJobView, cron_job_view
from kubesim.objects.cron_schedule import BadSchedule
from kubesim.objects.job import JobView, job_view
from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.cron_control_sync import ACTOR, CronSync
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.job_control_cache import Key, controller_of
from kubesim.sim.job_control_queue import JobQueue
from kubesim.sim.job_control_requests import JobClient
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import DELETED, Change
from kubesim.units import MILLISECOND

_FIRST_RETRY: Final = 5 * MILLISECOND
_MOST_DOUBLINGS: Final = 17
"""The queue's default back-off: 5 ms doubled up to 1000 s."""


class CronController:
    """Watches CronJobs and the Jobs that they control."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.recorder = recorder
        self.api = api
        self.release = release
        self.queue = JobQueue(clock, timing, release, self._sync)
        self.client = JobClient(clock, timing, api, ACTOR)
        self.events = EventRecorder(ACTOR, "", release, clock, timing, recorder)
        self._crons: dict[Key, CronJobView] = {}
        self._jobs: dict[Key, dict[str, JobView]] = {}
        self._failures: dict[Key, int] = {}
        self._schedules: dict[Key, tuple[str, str | None]] = {}

    @staticmethod
    def wants(change: Change) -> bool:
        """Whether its watches show a change that matters: of a CronJob, or of a Job that one controls."""
        if change.kind == "CronJob":
            return True
        reference = controller_of(change.object)
        return reference is not None and reference["kind"] == "CronJob"

    def changed(self, change: Change) -> None:
        """A watch event."""
        if change.kind == "CronJob":
            self._cron_changed(change)
        else:
            self._job_changed(change)

    def _cron_changed(self, change: Change) -> None:
        key = (change.namespace, change.name)
        if change.type == DELETED:
            self._crons.pop(key, None)
            self._failures.pop(key, None)
            self._schedules.pop(key, None)
            self.queue.add(key, 0)
            return
        old, new = self._crons.get(key), cron_job_view(change.object)
        self._crons[key] = new
        if old is not None and _times(old) != _times(new):
            self._schedule_changed(key, new)
        else:
            self.queue.add(key, 0)

    def _schedule_changed(self, key: Key, cron: CronJobView) -> None:
        try:
            self.queue.add(key, wait_for_next(cron, schedule_of(cron), self.clock.now))
        except BadSchedule:
            text = f"unparseable schedule for cronjob: {cron.spec.schedule}"
            self.emit(cron, JobEvent("Warning", "UnParseableCronJobSchedule", text))
        except NeverFits:
            self.queue.add(key, 0)

    def _job_changed(self, change: Change) -> None:
        reference = controller_of(change.object)
        if reference is None:
            return
        key = (change.namespace, reference["name"])
        jobs = self._jobs.setdefault(key, {})
        if change.type == DELETED:
            jobs.pop(change.uid, None)
        else:
            jobs[change.uid] = job_view(change.object)
        cron = self._crons.get(key)
        if cron is not None and cron.metadata.uid == reference["uid"]:
            self.queue.add(key, 0)

    def emit(self, cron: CronJobView, event: JobEvent) -> None:
        """Emit an Event about a CronJob."""
        self.events.emit(cron.raw, event.type, event.reason, event.message)

    # -- syncs --------------------------------------------------------------------------------------------------------

    def _sync(self, key: Key) -> None:
        cron = self._crons.get(key)
        if cron is None:
            self.queue.done(key, failed=False)
            return
        CronSync(self, key, cron, self._jobs_of(cron)).begin()

    def _jobs_of(self, cron: CronJobView) -> list[JobView]:
        jobs = self._jobs.get((cron.metadata.namespace, cron.metadata.name), {})
        uid = cron.metadata.uid
        return [job for job in jobs.values() if (controller_of(job.raw) or {}).get("uid") == uid]

    def is_new_schedule(self, key: Key, cron: CronJobView) -> bool:
        """Whether nothing was said about this schedule yet; asked once, it is known."""
        known = self._schedules.get(key) == _times(cron)
        self._schedules[key] = _times(cron)
        return not known

    def synced(self, key: Key, requeue: int | None, *, failed: bool) -> None:
        """A sync is over. One that failed is tried again with a growing delay."""
        self.queue.done(key, failed=False)
        if failed:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            self.queue.add(key, _FIRST_RETRY << min(failures, _MOST_DOUBLINGS))
            return
        if requeue is not None:
            self._failures.pop(key, None)
            self.queue.add(key, requeue)


def _times(cron: CronJobView) -> tuple[str, str | None]:
    return cron.spec.schedule, cron.spec.time_zone
