"""Processes that the kubelet starts in running containers: exec probes and hooks, with their deadlines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from kubesim.history.records import RuntimeChanged
from kubesim.scripts import Effect, ExecExited
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.instances import Instance, RuntimePod
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.units import SECOND, Duration, Instant

HOOKS = ("postStart", "preStop")
GONE = -1
"""The code handed back when the container has ended before the command could be started."""
EXITED = "rpc error: code = Unknown desc = failed to exec in container: container is in CONTAINER_EXITED state"
"""containerd's answer to an exec in a container that has ended."""

_QUIET: Duration = SECOND // 2
"""A probe's exec shorter than this is not recorded: it is told by its result."""

Done = Callable[[int, str, bool], None]
"""Called with exit code, output, and whether the command would do the same again in the same container.

One that took time would not: the container may end under it.
"""


class Driver(Protocol):
    """Who carries out what a machine's processes did."""

    def apply(self, pod: RuntimePod, instance: Instance, effects: list[Effect]) -> None: ...

    def returning(self, then: Callable[..., None]) -> Callable[..., None]: ...


@dataclass(slots=True)
class _Exec:
    instance: Instance
    number: int
    purpose: str
    command: str
    then: Done | None
    began: Instant
    unsteady: int
    """The machine's count when it began."""
    deadline: Timer | None = None


class Execs:
    """The execs of one node's containers."""

    def __init__(self, node: str, clock: Clock, timing: Timing, recorder: Recorder, driver: Driver) -> None:
        self.node = node
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.driver = driver
        self._running: dict[tuple[str, int], _Exec] = {}
        self._started = 0

    def run(
        self,
        pod: RuntimePod,
        instance: Instance,
        argv: tuple[str, ...],
        purpose: str,
        then: Done | None,
        timeout: Duration | None = None,
        asked: Instant | None = None,
    ) -> None:
        """Run a command in the container; past ``timeout`` (ns) it is killed. ``then`` gets GONE if it cannot start.

        ``asked``: when the runtime was asked to, if not only now.
        """
        back = self.driver.returning(then) if then is not None else None
        now = self.clock.now
        starts = max(now, (now if asked is None else asked) + self.timing.latency("exec"))
        self.clock.at(starts, self._starts, pod, instance, argv, purpose, back, timeout)

    def _starts(
        self,
        pod: RuntimePod,
        instance: Instance,
        argv: tuple[str, ...],
        purpose: str,
        then: Done | None,
        timeout: Duration | None,
    ) -> None:
        if not instance.lives:
            if then is not None:
                then(GONE, "", False)
            return
        self._started += 1
        unsteady = instance.machine.kernel.unsteady
        entry = _Exec(instance, self._started, purpose, " ".join(argv), then, self.clock.now, unsteady)
        self._running[instance.id, entry.number] = entry
        if purpose in HOOKS:
            self._record(pod, entry, "exec-start")
        if timeout is not None:
            entry.deadline = self.clock.after(timeout, self._overruns, pod, entry)
        argv = _as_declared(instance, purpose) or argv
        self.driver.apply(pod, instance, instance.machine.exec(self.clock.now, argv, entry.number))

    def _overruns(self, pod: RuntimePod, entry: _Exec) -> None:
        if (entry.instance.id, entry.number) in self._running:
            effects = entry.instance.machine.kill_exec(self.clock.now, entry.number)
            self.driver.apply(pod, entry.instance, effects)

    def forget(self) -> None:
        """The runtime has ended, and all that it ran."""
        self._running.clear()

    def ended(self, pod: RuntimePod, instance: Instance, effect: ExecExited) -> None:
        """A process ended by itself or was killed."""
        entry = self._running.pop((instance.id, effect.exec_id), None)
        if entry is not None:
            self._over(pod, entry, effect.code, effect.output)

    def container_ended(self, pod: RuntimePod, instance: Instance) -> None:
        """The container ended, and its execs with it."""
        for key, entry in [(key, entry) for key, entry in self._running.items() if entry.instance is instance]:
            del self._running[key]
            self._over(pod, entry, 137, "")

    def _over(self, pod: RuntimePod, entry: _Exec, code: int, output: str) -> None:
        if entry.deadline is not None:
            entry.deadline.cancel()
        if entry.purpose in HOOKS:
            self._record(pod, entry, "exec-exit", code)
        elif self.clock.now - entry.began >= _QUIET:
            self._record(pod, entry, "exec-exit", code, began=entry.began)
        if entry.then is not None:
            repeats = self.clock.now == entry.began and entry.instance.machine.kernel.unsteady == entry.unsteady
            self.clock.after(self.timing.latency("exec-return"), entry.then, code, output, repeats)

    def _record(
        self, pod: RuntimePod, entry: _Exec, event: str, code: int | None = None, began: Instant | None = None
    ) -> None:
        self.recorder.record(
            RuntimeChanged(
                at=self.clock.now,
                node=self.node,
                namespace=pod.namespace,
                pod=pod.name,
                container=entry.instance.name,
                run=entry.instance.number,
                event=event,
                code=code,
                command=entry.command,
                exec=entry.number,
                purpose=entry.purpose,
                began=began,
                container_id=entry.instance.id,
            )
        )


def _as_declared(instance: Instance, purpose: str) -> tuple[str, ...] | None:
    """What stands for a hook's command where the container's script says how long the hook takes."""
    behaviour = instance.machine.setup.behaviour
    length = behaviour.hooks.get(purpose) if behaviour is not None else None
    if length is None:
        return None
    return "sleep", f"{length.value(partial(instance.machine.kernel.draw, purpose)) / SECOND:.9f}"
