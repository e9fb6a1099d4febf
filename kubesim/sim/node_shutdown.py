"""A node that shuts down gracefully: its kubelet refuses new pods, stops those it has in groups, and lets go (K-86)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from kubesim.history.records import DecidedAction
from kubesim.kubelet.actions import Why
from kubesim.kubelet.node_shutdown import ShutdownGroup, shutdown_groups, shutdown_periods, shutdown_verdict
from kubesim.sim.clock import Timer
from kubesim.sim.pod_worker import Update

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


class NodeShutdown:
    """One shutdown; ``then`` is called when the kubelet holds up the machine no longer."""

    def __init__(self, kubelet: Kubelet, then: Callable[[], object]) -> None:
        self.kubelet = kubelet
        self.then = then
        self._groups: deque[ShutdownGroup] = deque()
        self._waiting: set[str] = set()
        self._limit: Timer | None = None

    def begin(self) -> None:
        """Say that the node is going, and begin with the pods of least priority."""
        kubelet, config = self.kubelet, self.kubelet.node.configured.kubelet_config
        by_priority = [(entry.priority, entry.period) for entry in config.shutdown_by_priority]
        periods = shutdown_periods(config.shutdown_grace, config.shutdown_grace_critical, by_priority, kubelet.release)
        if not periods:
            text = "the kubelet has no shutdownGracePeriod: its pods end with the machine, at once"
            kubelet.recorder.assume(kubelet.clock.now, f"Node/{kubelet.node.name}", text)
            self.then()
            return
        kubelet.posts.change(shutting_down=True)
        running = [worker.pod for worker in kubelet.workers.values() if not worker.is_finished]
        self._groups.extend(shutdown_groups(periods, running))
        self._next_group()

    def _next_group(self) -> None:
        if not self._groups:
            self.then()
            return
        group = self._groups.popleft()
        kubelet = self.kubelet
        there = [pod for pod in group.pods if pod.metadata.uid in kubelet.workers]  # others have gone meanwhile
        self._waiting = {pod.metadata.uid for pod in there}
        self._limit = kubelet.clock.after(group.period, self._over)
        why = Why(kubelet.release.text("Terminated"), ("K-86",))
        for pod in there:
            worker = kubelet.workers[pod.metadata.uid]
            kubelet.record_decision(
                pod, "shutdown", (DecidedAction(do="terminate", why=why.text, rules=why.rules),), why
            )
            verdict, seconds = shutdown_verdict(kubelet.release), group.grace_seconds(pod)
            worker.update(Update(pod, kill=True, override_seconds=seconds, verdict=verdict))
            worker.when_stopped(self._stopped)
        self._look()

    def _stopped(self, uid: str) -> None:
        self._waiting.discard(uid)
        self._look()

    def _look(self) -> None:
        if self._limit is not None and not self._waiting:
            self._over()

    def _over(self) -> None:
        """All of the group have stopped, or its time is over."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._waiting = set()
        self._next_group()
