"""What the scheduler reads of a Pod: its constraints, what it asks for, where it is.

What follows from the spec alone is worked out once for all pods with the same one. Source: ``api/core/v1`` PodSpec of
1.36; fields an older API server does not know never reach the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec

from kubesim.objects.pod import Resources, RestartRule, SchedulingGate, Wire
from kubesim.objects.status import instant_of
from kubesim.releases import Release
from kubesim.scheduler.resources import Amounts, effective_requests
from kubesim.units import Instant

DEFAULT_SCHEDULER: Final = "default-scheduler"
_FINISHED: Final = ("Succeeded", "Failed")


class Port(Wire, frozen=True):
    host_port: int = 0
    host_ip: str = msgspec.field(default="", name="hostIP")
    protocol: str = "TCP"


class Holder(Wire, frozen=True):
    """A main or an init entry, as far as it asks for resources and ports."""

    resources: Resources = Resources()
    ports: tuple[Port, ...] = ()
    restart_policy: str | None = None
    restart_policy_rules: tuple[RestartRule, ...] = ()


class Toleration(Wire, frozen=True):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""


class Requirement(Wire, frozen=True):
    """One expression of a node or label selector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class NodeTerm(Wire, frozen=True):
    """A node selector term: all its expressions and fields must match; an empty one matches no node."""

    match_expressions: tuple[Requirement, ...] = ()
    match_fields: tuple[Requirement, ...] = ()


class NodeSelector(Wire, frozen=True):
    node_selector_terms: tuple[NodeTerm, ...] = ()


class PreferredNodeTerm(Wire, frozen=True):
    weight: int = 0
    preference: NodeTerm = NodeTerm()


class NodeAffinity(Wire, frozen=True):
    required: NodeSelector | None = msgspec.field(default=None, name="requiredDuringSchedulingIgnoredDuringExecution")
    preferred: tuple[PreferredNodeTerm, ...] = msgspec.field(
        default=(), name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class LabelSelector(Wire, frozen=True):
    """A label selector; an empty one matches everything, an absent one nothing."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()


class PodTerm(Wire, frozen=True):
    """A pod (anti-)affinity term: which pods, and within which topology."""

    topology_key: str = ""
    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


class WeightedPodTerm(Wire, frozen=True):
    weight: int = 0


class PodAffinity(Wire, frozen=True):
    required: tuple[PodTerm, ...] = msgspec.field(default=(), name="requiredDuringSchedulingIgnoredDuringExecution")
    preferred: tuple[WeightedPodTerm, ...] = msgspec.field(
        default=(), name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class Affinity(Wire, frozen=True):
    node_affinity: NodeAffinity = NodeAffinity()
    pod_affinity: PodAffinity = PodAffinity()
    pod_anti_affinity: PodAffinity = PodAffinity()


class SpreadConstraint(Wire, frozen=True):
    max_skew: int = 1
    topology_key: str = ""
    when_unsatisfiable: str = "DoNotSchedule"
    label_selector: LabelSelector | None = None
    min_domains: int | None = None
    node_affinity_policy: str = "Honor"
    node_taints_policy: str = "Ignore"
    match_label_keys: tuple[str, ...] = ()


class SchedulingSpec(Wire, frozen=True):
    """A Pod's spec as far as the scheduler reads it."""

    containers: tuple[Holder, ...] = ()
    init_containers: tuple[Holder, ...] = ()
    resources: Resources = Resources()
    overhead: dict[str, str | int | float] = msgspec.field(default_factory=dict)
    node_selector: dict[str, str] = msgspec.field(default_factory=dict)
    affinity: Affinity = Affinity()
    tolerations: tuple[Toleration, ...] = ()
    topology_spread_constraints: tuple[SpreadConstraint, ...] = ()
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    scheduler_name: str = DEFAULT_SCHEDULER
    priority: int = 0
    preemption_policy: str = "PreemptLowerPriority"
    host_network: bool = False
    host_users: bool = True


@dataclass(frozen=True, slots=True)
class SpecFacts:
    """A spec and what follows from it on one release of the scheduler."""

    spec: SchedulingSpec
    requests: Amounts
    host_ports: tuple[tuple[str, str, int], ...]
    """(host IP, protocol, port) of each host port asked for."""
    has_sidecar: bool
    is_picky: bool
    """Whether it names the nodes it may go to, by nodeSelector or required affinity."""
    needed_features: frozenset[str]
    """Features a node must declare (C-70)."""


class PodInfo(msgspec.Struct, frozen=True, eq=False):
    """A Pod as the scheduler sees it at one resourceVersion."""

    uid: str
    namespace: str
    name: str
    facts: SpecFacts
    raw_spec: Mapping[str, Any] = {}
    """What ``facts`` were read from."""
    resource_version: str = ""
    labels: Mapping[str, str] = {}
    node_name: str = ""
    nominated_node: str = ""
    deleting: bool = False
    finished: bool = False
    """In phase Succeeded or Failed: it holds nothing any more (C-69)."""
    start_time: Instant = 0

    @property
    def spec(self) -> SchedulingSpec:
        return self.facts.spec

    @property
    def is_gated(self) -> bool:
        return bool(self.facts.spec.scheduling_gates)


def pod_info(raw: dict[str, Any], release: Release, before: PodInfo | None = None) -> PodInfo:
    """The scheduler's view of a raw Pod; ``before``: its view of an earlier version, perhaps with the same spec.

    Raises :class:`msgspec.ValidationError` when a field has the wrong type; the store refuses such objects earlier.
    """
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    return PodInfo(
        uid=metadata["uid"],
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        facts=before.facts if before is not None and before.raw_spec is spec else spec_facts(spec, release),
        raw_spec=spec,
        resource_version=metadata.get("resourceVersion", ""),
        labels=metadata.get("labels") or {},
        node_name=spec.get("nodeName", ""),
        nominated_node=status.get("nominatedNodeName", ""),
        deleting="deletionTimestamp" in metadata,
        finished=status.get("phase") in _FINISHED,
        start_time=instant_of(status.get("startTime")) or 0,
    )


def spec_facts(spec: dict[str, Any], release: Release) -> SpecFacts:
    """What follows from a raw spec, wherever it is bound to."""
    if "nodeName" in spec:
        spec = {key: value for key, value in spec.items() if key != "nodeName"}
    return _facts(msgspec.json.encode(spec), release)


@lru_cache(maxsize=4096)
def _facts(encoded: bytes, release: Release) -> SpecFacts:
    spec = msgspec.json.decode(encoded, type=SchedulingSpec)
    sidecars = tuple(entry for entry in spec.init_containers if entry.restart_policy == "Always")
    holders = spec.containers
    if release.policy("scheduler_counts_sidecar_ports"):
        holders = (*spec.containers, *sidecars)
    return SpecFacts(
        spec=spec,
        requests=effective_requests(
            [entry.resources for entry in spec.containers],
            [(entry.resources, entry.restart_policy == "Always") for entry in spec.init_containers],
            spec.resources if release.enabled("PodLevelResources") else Resources(),
            spec.overhead,
            release,
        ),
        host_ports=tuple(
            (port.host_ip or "0.0.0.0", port.protocol, port.host_port)
            for entry in holders
            for port in entry.ports
            if port.host_port
        ),
        has_sidecar=bool(sidecars),
        is_picky=bool(spec.node_selector) or spec.affinity.node_affinity.required is not None,
        needed_features=_needed_features(spec) if release.enabled("NodeDeclaredFeatures") else frozenset(),
    )


def _needed_features(spec: SchedulingSpec) -> frozenset[str]:
    """The features a node must declare to take the pod (C-70; ``nodedeclaredfeatures``: InferForScheduling)."""
    entries = (*spec.containers, *spec.init_containers)
    needed = set()
    if any(rule.action == "RestartAllContainers" for entry in entries for rule in entry.restart_policy_rules):
        needed.add("RestartAllContainersOnContainerExits")
    if spec.host_network and not spec.host_users:
        needed.add("UserNamespacesHostNetworkSupport")
    return frozenset(needed)
