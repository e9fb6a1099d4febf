"""What is done to the cluster, and when: the stimuli of a scenario, and the faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from kubesim.objects.yaml import Document
from kubesim.scenario.shapes import Place, did_you_mean
from kubesim.units import SECOND, Duration, Instant

DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    """What all actions have: the instant, and the place in the file for errors that come later."""

    at: Instant
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(_Timed):
    """``kubectl create``: each object must be new."""

    objects: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(_Timed):
    """``kubectl apply``: each object is created, or patched to what is written."""

    objects: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(_Timed):
    """``kubectl delete``; None leaves the choice to the API server."""

    kind: str
    name: str
    namespace: str = DEFAULT_NAMESPACE
    grace_period_seconds: int | None = None
    propagation: str | None = None
    """Background, Foreground or Orphan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJobPod(_Timed):
    """Deletes the pod of a Job that was created as the ``number``-th, counted from 0: its name is not known before."""

    number: int
    job: str | None = None
    """None: the only Job there is."""
    namespace: str = DEFAULT_NAMESPACE
    grace_period_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch(_Timed):
    """``kubectl patch``."""

    kind: str
    name: str
    patch: Any
    type_: str = "strategic"
    """strategic, merge or json."""
    namespace: str = DEFAULT_NAMESPACE
    subresource: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(_Timed):
    """``kubectl scale``: a Deployment, ReplicaSet or the like gets another number of Pods."""

    kind: str
    name: str
    replicas: int
    namespace: str = DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Evict(_Timed):
    """The Eviction API for one pod."""

    name: str
    namespace: str = DEFAULT_NAMESPACE
    grace_period_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictJobPod(_Timed):
    """The Eviction API for the pod of a Job that was created as the ``number``-th, counted from 0."""

    number: int
    job: str | None = None
    """None: the only Job there is."""
    namespace: str = DEFAULT_NAMESPACE
    grace_period_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill(_Timed):
    """A container's process 1 gets a signal from outside, or ends by itself with an exit code."""

    pod: str
    container: str
    signal: str | None = None
    exit_code: int | None = None
    namespace: str = DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(_Timed):
    """A probe answers so from this instant on, for a while or for good, whatever the container does."""

    pod: str
    container: str
    probe: str
    """startup, liveness or readiness."""
    answer: str
    """success or failure."""
    for_: Duration | None = None
    namespace: str = DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(_Timed):
    """What kubectl would print at this instant goes into the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralContainer(_Timed):
    """``kubectl debug``: one more container is added to a running pod."""

    pod: str
    container: Mapping[str, Any]
    """The ephemeral container, as the API takes it."""
    namespace: str = DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLoss(_Timed):
    """A pod's pause process dies, and its network with it; the containers go on until the kubelet notices."""

    pod: str
    namespace: str = DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFailure(_Timed):
    """The runtime's next try to start this container fails, and leaves it created."""

    pod: str
    container: str
    message: str = "context deadline exceeded"
    namespace: str = DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnNode(_Timed):
    """What happens to a node; None: the only one there is, filled in when the scenario is read."""

    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletStop(_OnNode):
    """The kubelet process ends; the containers go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletStart(_OnNode):
    """A kubelet process starts where none runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletRestart(_OnNode):
    """The kubelet process ends, and another has come up after a while."""

    takes: Duration = 3 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDown(_OnNode):
    """The machine loses its power: every process on it is gone at once. ``for_``: it comes back after that."""

    for_: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUp(_OnNode):
    """The machine is back, with its disks as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReboot(_OnNode):
    """The machine goes down without warning and is back after a while."""

    takes: Duration = 30 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShutdown(_OnNode):
    """The machine is asked to shut down: the kubelet stops its pods first, as far as its configuration lets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDown(_OnNode):
    """The node cannot reach the API server any more, nor the other way round; everything on it goes on."""

    for_: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkUp(_OnNode):
    """The node can reach the API server again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPressure(_OnNode):
    """Something on the node takes memory until only so much is available to the kubelet's eyes."""

    available: str
    """A quantity."""
    for_: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cordon(_OnNode):
    """``kubectl cordon``: nothing more is scheduled to the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncordon(_OnNode):
    """``kubectl uncordon``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint(_OnNode):
    """``kubectl taint``: a taint is set, or removed."""

    key: str
    effect: str
    value: str = ""
    remove: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain(_OnNode):
    """``kubectl drain``: the node is cordoned, then its pods are evicted, each tried again every 5 s where refused."""

    grace_period_seconds: int | None = None
    force: bool = False
    """Whether pods that no controller would replace are evicted too."""
    ignore_daemon_sets: bool = False
    delete_empty_dir_data: bool = False
    disable_eviction: bool = False
    """Whether pods are deleted instead, past every PodDisruptionBudget."""
    timeout: Duration | None = None


NodeAction: TypeAlias = (
    KubeletStop
    | KubeletStart
    | KubeletRestart
    | NodeDown
    | NodeUp
    | NodeReboot
    | NodeShutdown
    | NetworkDown
    | NetworkUp
    | MemoryPressure
    | Cordon
    | Uncordon
    | Taint
    | Drain
)
Action: TypeAlias = (
    Create
    | Apply
    | Delete
    | DeleteJobPod
    | Patch
    | Scale
    | Evict
    | EvictJobPod
    | Kill
    | Probe
    | Snapshot
    | EphemeralContainer
    | SandboxLoss
    | StartFailure
    | NodeAction
)

SUPPORTED: Final[Mapping[str, type[Any]]] = {
    "apply": Apply,
    "create": Create,
    "delete": Delete,
    "deleteJobPod": DeleteJobPod,
    "patch": Patch,
    "scale": Scale,
    "evict": Evict,
    "evictJobPod": EvictJobPod,
    "kill": Kill,
    "probe": Probe,
    "snapshot": Snapshot,
    "ephemeralContainer": EphemeralContainer,
    "sandboxLoss": SandboxLoss,
    "startFailure": StartFailure,
    "kubeletStop": KubeletStop,
    "kubeletStart": KubeletStart,
    "kubeletRestart": KubeletRestart,
    "nodeDown": NodeDown,
    "nodeUp": NodeUp,
    "nodeReboot": NodeReboot,
    "nodeShutdown": NodeShutdown,
    "networkDown": NetworkDown,
    "networkUp": NetworkUp,
    "memoryPressure": MemoryPressure,
    "cordon": Cordon,
    "uncordon": Uncordon,
    "taint": Taint,
    "drain": Drain,
}
"""The actions by the name they have in a scenario file."""

RESERVED: Final = ("exec",)
"""Actions whose names are kept for later; a file that uses one is refused."""


def on_known_nodes(actions: tuple[Action, ...], nodes: tuple[str, ...]) -> tuple[Action, ...]:
    """The actions with the node each is about, which must be one of these; ScenarioError where it is not.

    An action that names none is about the only node there is.
    """
    return tuple(_on_known_node(action, nodes) if isinstance(action, _OnNode) else action for action in actions)


def _on_known_node(action: Any, nodes: tuple[str, ...]) -> Any:
    if action.node in nodes:
        return action
    name = next(name for name, make in SUPPORTED.items() if make is type(action))
    listed = ", ".join(nodes)
    if action.node is not None:
        hint = did_you_mean(action.node, nodes)
        raise (action.place / name / "node").error(f'node "{action.node}" is not in the cluster{hint}; it has {listed}')
    if len(nodes) > 1:
        raise (action.place / name).error(f"names no node, and the cluster has {listed}; write {{node: {nodes[0]}}}")
    return replace(action, node=nodes[0])


def in_order(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """The actions by instant; those of one instant stay in the order they were written."""
    return tuple(sorted(actions, key=lambda action: action.at))
