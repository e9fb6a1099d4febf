"""A node that runs out of memory: its kubelet says so, and evicts one pod after the other until there is enough.

The scenario says how much is left; an evicted pod gives back what its containers are declared to use. Who goes first is
decided in ``kubelet/eviction.py``. Source: ``pkg/kubelet/eviction/eviction_manager.go``: synchronize.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubesim.kubelet.eviction import MemoryUse, evicted_first, memory_message, memory_verdict, soft_override_seconds
from kubesim.sim.clock import Timer
from kubesim.units import SECOND, Duration, Instant

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet

_CLEANED_UP: Duration = SECOND
"""How often the eviction manager looks whether a pod that it evicted is gone, before it looks at memory again."""


class MemoryPressure:
    """The memory of one kubelet's node, as far as a scenario takes it away."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.config = kubelet.node.configured.kubelet_config
        self._available: int | None = None
        """Bytes; None: there is enough."""
        self._low_since: Instant | None = None
        self._pass: Timer | None = None
        self._relief: Timer | None = None

    def begin(self, available: int, lasts: Duration | None) -> None:
        """From now on only so many bytes are available. ``lasts``: for how long (ns), None for good."""
        self._available = available
        self._look_at(self._next_pass())
        if lasts is not None:
            self.kubelet.clock.after(lasts, self._end)

    def _end(self) -> None:
        self._available = None
        self._look_at(self._next_pass())

    def appeared(self) -> None:
        """There is a pod more: if memory is low it may have to go."""
        if self._available is not None:
            self._look_at(self._next_pass())

    def _next_pass(self, instant: Instant | None = None) -> Instant:
        """The first pass at or after the instant, or from now on."""
        period = self.kubelet.release.duration("eviction_monitoring_period")
        return self.kubelet.timing.round_at("eviction", period, self.kubelet.clock.now if instant is None else instant)

    def _look_at(self, instant: Instant) -> None:
        if self._pass is None or not self._pass.live:
            self._pass = self.kubelet.clock.at(instant, self._look)

    # -- one pass -----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Compare what is left with the thresholds, tell of it, and evict at most one pod."""
        hard, soft, now = self.config.hard_memory, self.config.soft_memory, self.kubelet.clock.now
        left = self._available
        highest = max(hard.available, soft.available if soft is not None else 0)
        if left is None or left >= highest:
            self._low_since = None
            self._relieve_later()
            return
        self._low_since = now if self._low_since is None else self._low_since
        if self._relief is not None:
            self._relief.cancel()
        self.kubelet.posts.change(memory_low=True)
        if left < hard.available:
            self._evict(hard.available, left, is_hard=True)
        elif soft is not None and now - self._low_since >= soft.grace:
            self._evict(soft.available, left, is_hard=False)
        elif soft is not None:
            self._look_at(self._next_pass(self._low_since + soft.grace))

    def _evict(self, threshold: int, left: int, *, is_hard: bool) -> None:
        kubelet = self.kubelet
        order = evicted_first(self._uses())
        if not order:
            return
        first = order[0]
        worker, release = kubelet.workers[first.pod.metadata.uid], kubelet.release
        if not first.total:
            subject = f"{first.pod.metadata.namespace}/{first.pod.metadata.name}"
            kubelet.recorder.assume(kubelet.clock.now, subject, "uses no memory: its containers declare none")
        override: int = release.policy("hard_eviction_override_seconds")
        if not is_hard:
            override = soft_override_seconds(first.pod, self.config.eviction_max_pod_grace_seconds, release)
        verdict = memory_verdict(memory_message(first, threshold, left, release))
        self._available = left + first.total
        kubelet.evictions.evict(worker, verdict, override)
        worker.when_stopped(self._evicted)

    def _evicted(self, _uid: str) -> None:
        self._look_at(self.kubelet.clock.now + _CLEANED_UP)

    def _uses(self) -> list[MemoryUse]:
        """What the pods use that are not stopped already."""
        found = []
        for uid, worker in self.kubelet.workers.items():
            runtime_pod = self.kubelet.runtime.pods.get(uid)
            if not worker.termination_requested:
                running = runtime_pod.running() if runtime_pod is not None else ()
                found.append(MemoryUse(worker.pod, {entry.name: entry.machine.memory() for entry in running}))
        return found

    def _relieve_later(self) -> None:
        """The condition stays for a while after the last time that memory was low."""
        if self.kubelet.posts.health.memory_low and (self._relief is None or not self._relief.live):
            self._relief = self.kubelet.clock.after(self.config.pressure_transition, self._relieve)

    def _relieve(self) -> None:
        self.kubelet.posts.change(memory_low=False)
