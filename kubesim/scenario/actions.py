"""What is done to the cluster, and when: the stimuli of a scenario, and the faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from kubesim.objects.yaml import Document
from kubesim.scenario.shapes import Place
from kubesim.units import Duration, Instant

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


Action: TypeAlias = Create | Apply | Delete | DeleteJobPod | Patch | Evict | EvictJobPod | Kill | Probe | Snapshot

SUPPORTED: Final[Mapping[str, type[Any]]] = {
    "apply": Apply,
    "create": Create,
    "delete": Delete,
    "deleteJobPod": DeleteJobPod,
    "patch": Patch,
    "evict": Evict,
    "evictJobPod": EvictJobPod,
    "kill": Kill,
    "probe": Probe,
    "snapshot": Snapshot,
}
"""The actions by the name they have in a scenario file."""

RESERVED: Final = (
    "nodeDown",
    "nodeUp",
    "nodeReboot",
    "kubeletStop",
    "kubeletStart",
    "kubeletRestart",
    "drain",
    "cordon",
    "uncordon",
    "taint",
    "scale",
    "exec",
    "slowPull",
)
"""Actions whose names are kept for later; a file that uses one is refused."""


def in_order(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """The actions by instant; those of one instant stay in the order they were written."""
    return tuple(sorted(actions, key=lambda action: action.at))
