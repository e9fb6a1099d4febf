"""The controllers of a cluster that make Pods or take them away, each with watches of its own."""

from __future__ import annotations

from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.budget_control import BudgetController
from kubesim.sim.clock import Clock
from kubesim.sim.cron_control import CronController
from kubesim.sim.garbage import GarbageCollector
from kubesim.sim.job_control import JobController
from kubesim.sim.job_control_ttl import TtlController
from kubesim.sim.node_control import NodeController
from kubesim.sim.pod_collection import PodCollector
from kubesim.sim.recorder import Recorder
from kubesim.sim.replica_control import ReplicaSetController
from kubesim.sim.replica_control_rollout import DeploymentController
from kubesim.sim.taint_evictions import TaintEvictions
from kubesim.sim.timing import Timing
from kubesim.store.kinds import KINDS

_REPLICAS = frozenset({"ReplicaSet", "Pod"})
_ROLLOUT = frozenset({"Deployment", "ReplicaSet", "Pod"})
_BUDGET = frozenset({"PodDisruptionBudget"})
_CRON, _JOB, _NODE, _POD = (frozenset({kind}) for kind in ("CronJob", "Job", "Node", "Pod"))


class ControllerManager:
    """The controllers of Jobs, CronJobs, TTLs and rollouts, of nodes and their pods, and both garbage collectors."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.jobs = JobController(clock, timing, recorder, api, release)
        self.ttl = TtlController(clock, timing, recorder, api)
        self.garbage = GarbageCollector(clock, timing, api)
        self.crons = CronController(clock, timing, recorder, api, release)
        self.nodes = NodeController(clock, timing, recorder, api, release)
        self.taints = TaintEvictions(clock, timing, recorder, api, release)
        self.pods = PodCollector(clock, timing, recorder, api, release)
        self.budgets = BudgetController(clock, timing, recorder, api, release)
        api.watch(self.jobs, _JOB, self.jobs.wants)
        api.watch(self.jobs, _POD, self.jobs.wants)
        api.watch(self.ttl, _JOB, self.ttl.wants)
        api.watch(self.crons, _CRON, self.crons.wants)
        api.watch(self.crons, _JOB, self.crons.wants)
        self.replica_sets = ReplicaSetController(clock, timing, recorder, api, release)
        self.deployments = DeploymentController(clock, timing, recorder, api, release)
        api.watch(self.replica_sets, _REPLICAS, self.replica_sets.wants)
        api.watch(self.deployments, _ROLLOUT, self.deployments.wants)
        api.watch(self.garbage, frozenset(KINDS), self.garbage.wants)
        api.watch(self.nodes, _NODE)
        api.watch(self.taints, _NODE | _POD, self.taints.wants)
        api.watch(self.pods, _NODE | _POD, self.pods.wants)
        api.watch(self.budgets, _BUDGET | _POD, self.budgets.wants)
