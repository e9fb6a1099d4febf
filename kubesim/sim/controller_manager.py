"""The controllers of a cluster that have to do with Jobs, each with watches of its own."""

from __future__ import annotations

from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.cron_control import CronController
from kubesim.sim.garbage import GarbageCollector
from kubesim.sim.job_control import JobController
from kubesim.sim.job_control_ttl import TtlController
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store.kinds import KINDS

_CRON, _JOB, _POD = frozenset({"CronJob"}), frozenset({"Job"}), frozenset({"Pod"})


class ControllerManager:
    """The controllers of Jobs, CronJobs and TTLs and the garbage collector, all of one release."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.jobs = JobController(clock, timing, recorder, api, release)
        self.ttl = TtlController(clock, timing, recorder, api)
        self.garbage = GarbageCollector(clock, timing, api)
        self.crons = CronController(clock, timing, recorder, api, release)
        api.watch(self.jobs, _JOB, self.jobs.wants)
        api.watch(self.jobs, _POD, self.jobs.wants)
        api.watch(self.ttl, _JOB, self.ttl.wants)
        api.watch(self.crons, _CRON, self.crons.wants)
        api.watch(self.crons, _JOB, self.crons.wants)
        api.watch(self.garbage, frozenset(KINDS), self.garbage.wants)
