"""One simulated cluster: the clock, the API server, the scheduler, the nodes; and a run of a scenario in it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from kubesim.errors import ScenarioError
from kubesim.history.history import History
from kubesim.history.records import ComponentHeader, Ended, Header
from kubesim.kubelet.backoff import crash_backoff_limits
from kubesim.releases import Component, Release
from kubesim.scenario.checks import located
from kubesim.scenario.cluster import Node
from kubesim.scenario.load import Scenario
from kubesim.sim.admission import Admission, Surroundings
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.connection import Connection
from kubesim.sim.container_setup import MachineShop
from kubesim.sim.controller_manager import ControllerManager
from kubesim.sim.kubelet import Kubelet, NodeSetup
from kubesim.sim.nodes import register_nodes
from kubesim.sim.recorder import Recorder
from kubesim.sim.remains import Remains
from kubesim.sim.scheduling import WATCHED, Scheduler
from kubesim.sim.stimuli import Stimuli
from kubesim.sim.timing import Timing, profile_of, tie_order
from kubesim.sim.unmodelled import pod_specs
from kubesim.store import Store
from kubesim.store.raw import Components
from kubesim.store.webhooks import in_order
from kubesim.units import HOUR, MINUTE, SECOND, Duration, Instant, seconds
from kubesim.version import VERSION

LONGEST_RUN: Duration = HOUR
"""How long a run goes on, from its last action, that says nothing and never settles (a crash loop)."""

_BOOTED: Instant = 600 * SECOND
"""The cluster has been up for a while when a scenario begins."""

_COLLECTIONS: Final = (1_000_000, 10, 1_000)
"""During a run: how many objects are made between two looks for cycles among the new ones, and how many such looks
between two among those that are not so new, and among all there are (``gc.set_threshold``)."""


@dataclass(frozen=True, slots=True)
class Larger:
    """What a world has to know of the larger one that it simulates a part of."""

    digest: str
    """That of the whole scenario."""
    numbers: tuple[int, ...]
    """The place, among all objects of the whole, of each that this part creates."""


class World:
    """The state objects of one run; ``run`` carries the scenario out and gives its history."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        draw: int = 0,
        until: Duration | None = None,
        level: str = "full",
        part_of: Larger | None = None,
    ) -> None:
        """``part_of``: the cluster that the scenario's nodes are only some of."""
        self.scenario = scenario
        self.digest = scenario.digest() if part_of is None else part_of.digest
        self.until = until if until is not None else scenario.until
        cluster = scenario.cluster
        profile = profile_of(cluster.timing.profile, cluster.timing.settings)
        self.timing = Timing(profile, scenario.seed, draw or cluster.timing.draw)
        self.started: Instant = _BOOTED + self.timing.phase("second", SECOND)
        self.clock = Clock(self.started, tie_order(scenario.seed, cluster.timing.ties))
        self.recorder = Recorder(level)
        server = cluster.control_plane_release(Component.APISERVER)
        store = Store(server, seed=self.digest, numbers=None if part_of is None else part_of.numbers)
        self.api = ApiServer(self.clock, self.timing, self.recorder, store)
        self.machines = MachineShop(self.api.store, scenario, self.timing, self.api.standing)
        self.connections = {node.name: Connection(self.api, node.name) for node in cluster.nodes}
        self.kubelets = {node.name: self.kubelet(node) for node in cluster.nodes}
        scheduler_release = cluster.control_plane_release(Component.SCHEDULER)
        register_nodes(self.api, cluster, self.clock.now)
        self._open_to_webhooks(server, scheduler_release)
        self.scheduler = Scheduler(self.clock, self.timing, self.recorder, self.api, scheduler_release)
        self.api.watch(self.scheduler, WATCHED)
        manager = cluster.control_plane_release(Component.CONTROLLER_MANAGER)
        self.controllers = ControllerManager(self.clock, self.timing, self.recorder, self.api, manager)
        for name, connection in self.connections.items():
            connection.kubelet = self.kubelets[name]
            self.api.watch_node(connection, name)
        self.stimuli = Stimuli(self)
        for node in cluster.nodes:
            for name in node.kubelet_config.not_read:
                text = "this setting of the kubelet is left out"
                self.recorder.not_modelled(self.started, f"Node/{node.name}", f"kubeletConfig.{name}", text)

    def kubelet(self, node: Node, before: Remains | None = None) -> Kubelet:
        """A kubelet process for the node; ``before``: what the one before has left."""
        setup = NodeSetup(
            name=node.name,
            release=self.scenario.cluster.kubelet_release(node),
            configured=node,
        )
        cluster = self.scenario.cluster
        link = self.connections[node.name]
        return Kubelet(setup, self.clock, self.timing, self.recorder, link, self.machines, cluster, before)

    def _open_to_webhooks(self, server: Release, scheduler: Release) -> None:
        """From now on requests go through the scenario's mutating webhooks; the nodes have registered before."""
        components = Components(server, {name: kubelet.release for name, kubelet in self.kubelets.items()})
        self.api.store.webhooks = in_order(self.scenario.cluster.webhooks)
        around = Surroundings(components, scheduler)
        self.api.admission = Admission(self.clock, self.recorder, self.api.store, around)

    def pods_in_order_of_creation(self, namespace: str) -> list[dict[str, Any]]:
        """The pods there are, oldest first."""
        pods = list(self.api.store.list("Pod", namespace))
        return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], self.creation_rank(pod)))

    def creation_rank(self, pod: dict[str, Any]) -> int:
        """The place of the pod among all objects ever created."""
        return self.api.creation_rank(pod["metadata"]["uid"])

    def run(self) -> History:
        """Submit the manifests, carry out the actions in time, go on until nothing can change or it is over."""
        with rare_collections():
            self.begin()
            try:
                self.clock.run(self.limit)
            except ScenarioError as error:
                raise located(error, self.scenario.objects) from error
            return self.history()

    @property
    def limit(self) -> Instant:
        """When the run is over at the latest."""
        last = max((action.at for action in self.scenario.actions), default=0)
        longest = max(LONGEST_RUN, _longest_grace(self.scenario) + MINUTE)
        return self.started + (self.until if self.until is not None else last + longest)

    def begin(self) -> None:
        """Submit the manifests and plan the actions; nothing else has happened yet."""
        self.stimuli.check(self.scenario.actions)
        self.stimuli.submit(self.scenario.objects)
        for action in self.scenario.actions:
            self.clock.at(self.started + action.at, self.stimuli.perform, action)

    def history(self) -> History:
        """What has happened, with why it goes no further."""
        why = "settled" if self.clock.settled else "until" if self.until is not None else "horizon"
        at = self.clock.now if why == "settled" else self.limit
        self.recorder.finish(Ended(at=at, why=why))
        return History(self.header(), tuple(self.recorder.records))

    def header(self) -> Header:
        """What determines this run."""
        scenario = self.scenario
        return Header(
            kubesim=VERSION,
            scenario=scenario.name,
            title=scenario.description,
            digest=self.digest,
            control_plane=_component("control-plane", self.api.store.release),
            nodes=tuple(_node(name, kubelet) for name, kubelet in self.kubelets.items()),
            timing=self.timing.profile.header(),
            seed=scenario.seed,
            draw=self.timing.draw,
            **({"tie_order": f"shuffled {scenario.cluster.timing.ties}"} if scenario.cluster.timing.ties else {}),
            started=self.started,
            until=self.until or 0,
            level=self.recorder.level,
        )


@contextmanager
def rare_collections() -> Iterator[None]:
    """While a run goes on Python looks for cycles less often: a Pod's life leaves none behind.

    At the usual thresholds a quarter of the time of a run of 10,000 pods goes into looking in vain.
    """
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(*map(max, before, _COLLECTIONS))
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _longest_grace(scenario: Scenario) -> Duration:
    """The longest grace period that a manifest asks for: a deletion shall be seen to its end."""
    specs = [spec for one in scenario.objects for _, spec in pod_specs(one.kind, one.raw.get("spec"))]
    graces = [spec.get("terminationGracePeriodSeconds") for spec in specs]
    return seconds(max((grace for grace in graces if isinstance(grace, int)), default=0))


def _component(name: str, release: Release) -> ComponentHeader:
    return ComponentHeader(
        name=name,
        release=release.name,
        feature_gates=dict(release.gate_settings),
        bugs=dict(release.bug_settings),
    )


def _node(name: str, kubelet: Kubelet) -> ComponentHeader:
    header = _component(name, kubelet.release)
    longest = kubelet.crash_limits.longest
    is_own = longest != crash_backoff_limits(kubelet.release).longest
    return msgspec.structs.replace(header, crash_backoff_max=longest) if is_own else header
