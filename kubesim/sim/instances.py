"""What is true in the container runtime: sandboxes and container instances of one pod, and their state tables."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from kubesim.errors import IllegalMove
from kubesim.kubelet.observed import Observed, ObservedContainer, ObservedSandbox, RuntimeState
from kubesim.scripts import Machine, Volume
from kubesim.sim.clock import Timer
from kubesim.units import Instant, format_duration

INSTANCE_MOVES: Final[dict[RuntimeState, frozenset[RuntimeState]]] = {
    RuntimeState.CREATED: frozenset({RuntimeState.RUNNING, RuntimeState.EXITED}),
    RuntimeState.RUNNING: frozenset({RuntimeState.EXITED}),
    RuntimeState.EXITED: frozenset(),
    RuntimeState.UNKNOWN: frozenset({RuntimeState.EXITED}),
}
"""The life of one container instance; it never runs twice."""


@dataclass(slots=True)
class Instance:
    """One run of a container. ``number`` counts the container's runs in this pod from 0, ``restart_count`` is the
    kubelet's annotation. ``definition`` is the hash of the spec it was created from (K-53)."""

    id: str
    name: str
    pod_uid: str
    sandbox_id: str
    number: int
    restart_count: int
    definition: str
    image: str
    image_id: str
    created_at: Instant
    machine: Machine
    stop_signal: str = "TERM"
    state: RuntimeState = RuntimeState.CREATED
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: Instant | None = None
    finished_at: Instant | None = None
    ended: bool = False
    """Its process is gone, though the runtime may not have noticed yet."""
    ending: Timer | None = None
    """Its process 1 has come to its end and is about to be gone."""
    out_of_memory: bool = False
    log_tail: deque[str] | None = None
    """The last lines of its log, if its message may be taken from there."""
    wake: Timer | None = None
    world: tuple[int, int] = (0, 0)
    """Files and processes as a resting probe last saw them."""

    def move(self, to: RuntimeState, now: Instant) -> None:
        """Change state; raises IllegalMove for a move outside :data:`INSTANCE_MOVES`."""
        if to not in INSTANCE_MOVES[self.state]:
            raise IllegalMove(
                f"container {self.name} ({self.id[:6]}) cannot go from {self.state.value} to {to.value} "
                f"at {format_duration(now)}"
            )
        self.state = to

    @property
    def lives(self) -> bool:
        """Whether its processes can still do something."""
        return self.state is RuntimeState.RUNNING and not self.ended and self.ending is None

    def observe(self) -> ObservedContainer:
        """The instance as the runtime reports it to the kubelet."""
        return ObservedContainer(
            id=self.id,
            name=self.name,
            state=self.state,
            exit_code=self.exit_code,
            reason=self.reason,
            message=self.message,
            restart_count=self.restart_count,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            sandbox_id=self.sandbox_id,
            image=self.image,
            image_id=self.image_id,
            stop_signal=f"SIG{self.stop_signal}",
        )


@dataclass(slots=True)
class Sandbox:
    """The pod's pause container and network."""

    id: str
    attempt: int
    ip: str
    host_network: bool
    created_at: Instant
    ready: bool = True

    def observe(self) -> ObservedSandbox:
        """The sandbox as the runtime reports it; an address is only reported while it is ready."""
        return ObservedSandbox(
            id=self.id,
            ready=self.ready,
            attempt=self.attempt,
            ip=self.ip if self.ready else "",
            host_network=self.host_network,
            created_at=self.created_at,
        )


@dataclass(slots=True)
class RuntimePod:
    """Everything the runtime holds of one pod; newest last in both lists."""

    uid: str
    namespace: str
    name: str
    sandboxes: list[Sandbox] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    volumes: dict[str, Volume] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    logs_kept: dict[str, int] = field(default_factory=dict)
    """The highest restart count of each container whose record was removed and whose log was not."""

    def observe(self) -> Observed:
        """The runtime's answer about this pod, newest first."""
        return Observed(
            sandboxes=tuple(sandbox.observe() for sandbox in reversed(self.sandboxes)),
            containers=tuple(instance.observe() for instance in reversed(self.instances)),
        )

    def states(self) -> dict[str, RuntimeState]:
        """The state of each sandbox and container, as one listing shows it."""
        states = {
            sandbox.id: RuntimeState.RUNNING if sandbox.ready else RuntimeState.EXITED for sandbox in self.sandboxes
        }
        states.update({instance.id: instance.state for instance in self.instances})
        return states

    def running(self) -> list[Instance]:
        """The instances that run now."""
        return [instance for instance in self.instances if instance.state is RuntimeState.RUNNING]

    def count_by_log(self, name: str) -> int:
        """The restart count of a container without a record: one more than its logs show (K-30, K-121).

        Source: ``kuberuntime_container.go`` calcRestartCountByLogDir.
        """
        return self.logs_kept[name] + 1 if name in self.logs_kept else 0

    def next_run(self, name: str) -> int:
        """The number of the container's next run in this pod."""
        number = self.runs.get(name, 0)
        self.runs[name] = number + 1
        return number
