"""What the kubelet believes about a pod: the runtime's answer as the PLEG cached it, and the probes' stored results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cached_property

import msgspec

from kubesim.units import Instant


class RuntimeState(Enum):
    """State of one container instance at the runtime (CRI)."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


class ProbeResult(Enum):
    """What a probe's result store holds for one container id; no entry means that nothing was stored yet."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


class ProbeType(Enum):
    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"


class ObservedContainer(msgspec.Struct, frozen=True):
    """One instance (run) of a container. ``definition_changed``: its spec differs from the one it was started with."""

    id: str
    name: str
    state: RuntimeState
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    restart_count: int = 0
    created_at: Instant = 0
    started_at: Instant | None = None
    finished_at: Instant | None = None
    definition_changed: bool = False
    sandbox_id: str = ""
    image: str = ""
    image_id: str = ""
    stop_signal: str = ""
    """The signal that stops it, if the runtime reports one (containerd 2.0 and later), such as ``SIGTERM``."""


class ObservedSandbox(msgspec.Struct, frozen=True):
    """One sandbox of a pod, which holds its network. ``attempt`` counts those before it."""

    id: str
    ready: bool
    attempt: int = 0
    ip: str = ""
    host_network: bool = False
    created_at: Instant = 0


class Observed(msgspec.Struct, frozen=True, dict=True):
    """The runtime's view of one pod, newest first in both lists; the first of a name is its current instance."""

    sandboxes: tuple[ObservedSandbox, ...] = ()
    containers: tuple[ObservedContainer, ...] = ()

    @cached_property
    def runs(self) -> Mapping[str, Sequence[ObservedContainer]]:
        """The instances of each container that has any, newest first."""
        runs: dict[str, list[ObservedContainer]] = {}
        for container in self.containers:
            runs.setdefault(container.name, []).append(container)
        return runs

    def current(self, name: str) -> ObservedContainer | None:
        """The newest instance of the container, or None if the runtime knows none."""
        runs = self.runs.get(name)
        return runs[0] if runs else None


class ProbeResults(msgspec.Struct, frozen=True):
    """The three result stores, container id -> result."""

    startup: Mapping[str, ProbeResult] = msgspec.field(default_factory=dict)
    readiness: Mapping[str, ProbeResult] = msgspec.field(default_factory=dict)
    liveness: Mapping[str, ProbeResult] = msgspec.field(default_factory=dict)
