"""Stopping containers as the kubelet does: Killing Event, preStop, the turn, StopContainer; one or a whole pod.

How long and in which order is decided in ``kubelet/termination.py``; this acts on it (K-70 to K-83).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kubesim.kubelet.actions import KillReason
from kubesim.kubelet.termination import ContainerStop, container_stop, killing_message, prerequisites
from kubesim.objects.pod import Container, Pod
from kubesim.sim.clock import Timer
from kubesim.sim.hooks import run_hook
from kubesim.sim.instances import Instance, RuntimePod
from kubesim.units import Duration

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


class Ordering:
    """Who has ended, and who waits for that, while a whole pod is stopped (K-75, K-76)."""

    def __init__(self, needs: Mapping[str, tuple[str, ...]]) -> None:
        self._needs = needs
        self._ended: set[str] = set()
        self._waiting: list[tuple[str, Callable[[], None]]] = []

    def waits(self, name: str) -> bool:
        """Whether the container has to wait for any other."""
        return name in self._needs

    def awaited(self, name: str) -> tuple[str, ...]:
        """What the container waits for and has not ended; nothing when its turn has come."""
        return tuple(other for other in self._needs.get(name, ()) if other not in self._ended)

    def is_turn(self, name: str) -> bool:
        """Whether everything the container waits for has ended."""
        return self._ended.issuperset(self._needs.get(name, ()))

    def when_turn(self, name: str, then: Callable[[], None]) -> None:
        """Call back when the container's turn comes."""
        self._waiting.append((name, then))

    def ended(self, name: str) -> None:
        """A container's StopContainer returned: somebody's turn may have come."""
        self._ended.add(name)
        ready = [entry for entry in self._waiting if self.is_turn(entry[0])]
        self._waiting = [entry for entry in self._waiting if not self.is_turn(entry[0])]
        for _, then in ready:
            then()


class ContainerKill:
    """The stop of one container from its Killing Event until StopContainer has returned."""

    def __init__(
        self,
        kubelet: Kubelet,
        pod: Pod,
        container: Container,
        instance: Instance,
        then: Callable[[], None],
        *,
        message: str = "",
        reason: KillReason = KillReason.OTHER,
        override: int | None = None,
        ordering: Ordering | None = None,
    ) -> None:
        self.kubelet = kubelet
        self.pod = pod
        self.container = container
        self.instance = instance
        self.then = then
        self.message = message
        self.reason = reason
        self.override = override
        self.ordering = ordering
        self.stop: ContainerStop | None = None
        self._began = 0
        self._limit: Timer | None = None
        self._done = False

    def begin(self) -> None:
        """Emit the Event, then run preStop if there is one and time for it (K-71, K-72)."""
        release = self.kubelet.release
        self.kubelet.container_event(
            self.pod, self.container, "Normal", "Killing", killing_message(self.container.name, self.message, release)
        )
        waits = self.ordering is not None and self.ordering.waits(self.container.name)
        self.stop = container_stop(
            self.container,
            self.pod,
            release,
            reason=self.reason,
            override_seconds=self.override,
            waits_for_turn=waits,
        )
        limit = self.stop.pre_stop_limit
        if limit is None:
            self._wait_for_turn()
            return
        self._began = self.kubelet.clock.now
        self._limit = self.kubelet.clock.after(limit, self._pre_stop_over)
        handler = self.container.lifecycle.pre_stop if self.container.lifecycle else None
        run_hook(self.kubelet, self.pod, self.container, self.instance, "preStop", handler, self._pre_stop_ended)

    def _pre_stop_ended(self, failure: str | None) -> None:
        """The hook ended; a failure is told even when nobody waits for it any more."""
        if failure is not None:
            text = self.kubelet.release.text("FailedPreStopHook")
            self.kubelet.container_event(self.pod, self.container, "Warning", "FailedPreStopHook", text)
        self._pre_stop_over()

    def _pre_stop_over(self) -> None:
        """The hook ended, or its time ran out (then it goes on, unwatched)."""
        if self._done or self.stop is None:
            return
        self._done = True
        if self._limit is not None:
            self._limit.cancel()
        self.stop = self.stop.after_pre_stop(self._elapsed())
        self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        stop = self.stop
        if stop is None:
            return
        limit = stop.turn_limit
        if self.ordering is None or limit is None or self.ordering.is_turn(self.container.name):
            self._stop_container()
            return
        self._began = self.kubelet.clock.now
        self._done = False
        self._limit = self.kubelet.clock.after(limit, self._turn_over)
        self.ordering.when_turn(self.container.name, self._turn_over)

    def _turn_over(self) -> None:
        if self._done or self.stop is None:
            return
        self._done = True
        if self._limit is not None:
            self._limit.cancel()
        self.stop = self.stop.after_turn(self._elapsed())
        self._stop_container()

    def _stop_container(self) -> None:
        if self.stop is None:
            return
        awaited = self.ordering.awaited(self.container.name) if self.ordering is not None else ()
        if awaited:
            self.kubelet.record_out_of_turn(self.pod, self.container.name, awaited)
        pod = self.kubelet.runtime.pod(self.pod.metadata.uid)
        self.kubelet.runtime.stop_container(pod, self.instance, self.stop.stop_grace_seconds, self._stopped)

    def _stopped(self) -> None:
        if self.ordering is not None:
            self.ordering.ended(self.container.name)
        self.then()

    def _elapsed(self) -> Duration:
        return self.kubelet.clock.now - self._began


class PodKill:
    """All running containers of a pod are stopped in parallel, then its sandboxes (K-73); ``then`` when all is done."""

    def __init__(
        self, kubelet: Kubelet, pod: Pod, running: list[Instance], then: Callable[[], None], *, override: int | None
    ) -> None:
        self.kubelet = kubelet
        self.pod = pod
        self.running = running
        self.then = then
        self.override = override
        self._left = len(running)

    def begin(self) -> None:
        """Start every container's stop at once; the ordering alone makes sidecars wait."""
        if not self.running:
            self._stop_sandbox()
            return
        names = [instance.name for instance in self.running]
        ordering = Ordering(prerequisites(self.pod, names, self.kubelet.release))
        containers = self.pod.spec.by_name
        for instance in self.running:
            ContainerKill(
                self.kubelet,
                self.pod,
                containers[instance.name],
                instance,
                self._one_stopped,
                override=self.override,
                ordering=ordering,
            ).begin()

    def _one_stopped(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._stop_sandbox()

    def _stop_sandbox(self) -> None:
        pod: RuntimePod = self.kubelet.runtime.pod(self.pod.metadata.uid)
        self.kubelet.runtime.stop_sandbox(pod, self.then)
