"""The cluster of a scenario: which release and gates each component has, its nodes, its images, its latencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kubesim.errors import ReleaseError
from kubesim.objects.quantity import parse_quantity
from kubesim.releases.release import Component, Release, release
from kubesim.releases.tables import RELEASES
from kubesim.scenario.kubelet_config import DEFAULT_KUBELET_CONFIG, KubeletConfig
from kubesim.scenario.shapes import Place
from kubesim.scenario.webhooks import Webhook
from kubesim.units import Duration

LATEST_RELEASE: Final = RELEASES[-1]
"""What a scenario runs on that names no release."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one component runs: None and empty mean "as the level above says"."""

    release: str | None = None
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    bugs: Mapping[str, bool] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False, repr=False)

    def under(self, above: Settings) -> Settings:
        """These settings where they say something, else those above.

        A component that names a release of its own starts from no gates, for its release may not know them.
        """
        if self.release is not None:
            return self
        return replace(
            self,
            release=above.release,
            feature_gates={**above.feature_gates, **self.feature_gates},
            bugs={**above.bugs, **self.bugs},
            place=self.place or above.place,
        )

    def of(self, component: Component) -> Release:
        """The release object of a component with these settings; ScenarioError where it could not start so."""
        try:
            return release(
                self.release or LATEST_RELEASE, dict(self.feature_gates), component=component, bugs=dict(self.bugs)
            )
        except ReleaseError as error:
            if self.place is None:
                raise
            raise _place_of(self.place, str(error)).error(str(error)) from error


def _place_of(place: Place, message: str) -> Place:
    """The line of the gate or bug that a message speaks of, else of the component."""
    raw: Mapping[str, Any] = place.written
    for name in ("featureGates", "bugs"):
        for key in map(str, raw.get(name) or ()):
            if f'"{key}"' in message or f" {key} " in message:
                return place / name / key
    return place / "release" if "release" in raw else place


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The components of the control plane, each with its own settings where they differ."""

    shared: Settings = Settings()
    apiserver: Settings = Settings()
    controller_manager: Settings = Settings()
    scheduler: Settings = Settings()


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of a node, as in the API."""

    key: str
    effect: str
    value: str = ""
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One node; without ``allocatable`` it has room for everything. Departure: a real node has what
    it has."""

    name: str = "node1"
    settings: Settings = Settings()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """Resource name to quantity, in the text the API server would store."""
    kubelet_config: KubeletConfig = DEFAULT_KUBELET_CONFIG
    place: Place | None = field(default=None, compare=False, repr=False)


UNDECLARED_NODE: Final = Node(allocatable={"cpu": "64", "memory": "256Gi"})
"""The node of a scenario that declares none: a large machine, on which what no machine can hold does not fit."""


@dataclass(frozen=True, slots=True)
class Image:
    """What is to be known of an image: it is on every node, unless it takes time to pull, or is missing."""

    pull: Duration | None = None
    """How long a pull takes; None: the image is on the nodes already."""
    missing: bool = False
    """No registry has it: each pull fails."""
    missing_for: Duration | None = None
    """How long after the start of the run the registry does not have it yet, or cannot be reached; None: not at all."""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_dir: str | None = None
    user: str | None = None
    dialect: str | None = None
    """Whose ``sh`` it has: ash (busybox), dash or bash."""
    script: Mapping[str, Any] | None = None
    """How a container of this image behaves, where nothing else says so; read by the room ``scripts``."""
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Timing:
    """The latency profile: a name, and what differs from it; names are checked where latencies are drawn.

    ``draw`` numbers a replication of the latencies (0: nominal), ``ties`` one of the orders in which things of one
    instant happen (0: in the order they were asked for). Both stand in a history's header, not in the digest.
    """

    profile: str = "typical"
    settings: Mapping[str, Any] = field(default_factory=dict)
    draw: int = field(default=0, compare=False)
    ties: int = field(default=0, compare=False)
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a scenario plays."""

    settings: Settings = Settings()
    control_plane: ControlPlane = ControlPlane()
    nodes: tuple[Node, ...] = (UNDECLARED_NODE,)
    images: Mapping[str, Image] = field(default_factory=dict)
    timing: Timing = Timing()
    webhooks: tuple[Webhook, ...] = ()
    """The mutating webhooks, in the order written."""
    containerd: str | None = None
    imported_images: tuple[str, ...] | None = None
    """The only images there are, on every node, with no registry to pull others from; None: images are as they say."""
    """The runtime's release, as a recording names it; None: the usual one."""

    def control_plane_release(self, component: Component) -> Release:
        """The release and gates of one control-plane component."""
        own = {
            Component.APISERVER: self.control_plane.apiserver,
            Component.CONTROLLER_MANAGER: self.control_plane.controller_manager,
            Component.SCHEDULER: self.control_plane.scheduler,
        }[component]
        return own.under(self.control_plane.shared.under(self.settings)).of(component)

    def kubelet_release(self, node: Node) -> Release:
        """The release and gates of a node's kubelet."""
        return node.settings.under(self.settings).of(Component.KUBELET)

    def on(self, release_name: str | None = None, gates: Mapping[str, bool] | None = None) -> Cluster:
        """The same cluster on another release, or with gates set: whatever names its own release keeps it."""
        settings = replace(
            self.settings,
            release=release_name or self.settings.release,
            feature_gates={**self.settings.feature_gates, **(gates or {})},
            place=None,
        )
        return replace(self, settings=settings)


DEFAULT_CLUSTER: Final = Cluster()
"""One large node, all on the latest release."""


def check_cluster(cluster: Cluster) -> Cluster:
    """The cluster, if each of its components would start; ScenarioError where not."""
    cluster.settings.of(Component.APISERVER)
    for component in (Component.APISERVER, Component.CONTROLLER_MANAGER, Component.SCHEDULER):
        cluster.control_plane_release(component)
    names: set[str] = set()
    for node in cluster.nodes:
        if node.name in names and node.place:
            raise (node.place / "name").error(f'a node "{node.name}" is there already; give each its own name')
        names.add(node.name)
        cluster.kubelet_release(node)
    return cluster


def stored_quantities(written: Mapping[str, Any], place: Place) -> dict[str, str]:
    """Resource amounts in the text the API server stores; ScenarioError for what is no quantity."""
    stored = {}
    for name, value in written.items():
        try:
            stored[name] = parse_quantity(value).text
        except ValueError as error:
            raise (place / name).error(f'{error}; write it as "500m", "2" or "1Gi"') from error
    return stored
