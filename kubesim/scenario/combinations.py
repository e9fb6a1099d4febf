"""The combinations of releases and gates on which a scenario can be tried: control planes by nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kubesim.releases.release import Component, release
from kubesim.releases.skew import GateSetting, gate_settings, is_supported_skew
from kubesim.releases.tables import RELEASES
from kubesim.scenario.cluster import Cluster, ControlPlane, Settings
from kubesim.scenario.load import Scenario

GATE = "SidecarContainers"


@dataclass(frozen=True, slots=True)
class Combination:
    """What the control plane runs, and what every node runs."""

    control_plane: GateSetting
    node: GateSetting
    scheduler_off: bool = False
    """The scheduler alone has the gate off."""

    @property
    def server_words(self) -> str:
        """``1.29 on``, ``1.28 on, scheduler off``."""
        return self.control_plane.words + (", scheduler off" if self.scheduler_off else "")

    @property
    def has_default_gates(self) -> bool:
        """Whether nothing has to be set by hand for it."""
        return self.control_plane.is_default and self.node.is_default and not self.scheduler_off

    @property
    def is_supported(self) -> bool:
        """Whether the kubelets are within the supported skew of the API server."""
        return is_supported_skew(
            release(self.control_plane.release, component=Component.APISERVER), release(self.node.release)
        )


def combinations(
    control_planes: tuple[str, ...] = RELEASES, nodes: tuple[str, ...] = RELEASES
) -> Iterator[Combination]:
    """Every release with every setting of the sidecar gate, for the control plane and for the nodes.

    Where the gate can be off, there is also a control plane of which only the scheduler has it off (C-66).
    """
    for control_plane in gate_settings(GATE, control_planes):
        can_be_off = not all(one.is_default for one in gate_settings(GATE, (control_plane.release,)))
        for scheduler_off in (False, True) if control_plane.enabled and can_be_off else (False,):
            for node in gate_settings(GATE, nodes):
                yield Combination(control_plane, node, scheduler_off)


def on_combination(scenario: Scenario, combination: Combination) -> Scenario:
    """The scenario with these releases and no gates but these; its nodes keep their labels, taints and room."""
    shared = Settings(combination.control_plane.release, combination.control_plane.feature_gates)
    scheduler = Settings(combination.control_plane.release, {GATE: False}) if combination.scheduler_off else Settings()
    kubelet = Settings(combination.node.release, combination.node.feature_gates)
    cluster: Cluster = replace(
        scenario.cluster,
        settings=Settings(),
        control_plane=ControlPlane(shared=shared, scheduler=scheduler),
        nodes=tuple(replace(node, settings=kubelet) for node in scenario.cluster.nodes),
    )
    return replace(scenario, cluster=cluster)
