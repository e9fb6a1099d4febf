"""One pod's worker: takes the newest update, waits for a fresh look at the runtime, syncs, and decides what comes next.

A worker is always in one work type and never goes back (K-1 to K-8). Source: ``pkg/kubelet/pod_workers.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec

from kubesim.errors import IllegalMove
from kubesim.kubelet.observed import Observed
from kubesim.kubelet.pod_status import Verdict
from kubesim.kubelet.termination import effective_grace
from kubesim.objects.pod import Pod
from kubesim.sim.sync_pass import SyncPass
from kubesim.sim.terminating_pass import TerminatedPass, TerminatingPass
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet

_TERMINAL: Final = ("Succeeded", "Failed")


class Work(Enum):
    """What the worker does for its pod."""

    SYNC = "SyncPod"
    TERMINATING = "SyncTerminatingPod"
    TERMINATED = "SyncTerminatedPod"
    FINISHED = "finished"


WORK_MOVES: Final[dict[Work, frozenset[Work]]] = {
    Work.SYNC: frozenset({Work.TERMINATING}),
    Work.TERMINATING: frozenset({Work.TERMINATED}),
    Work.TERMINATED: frozenset({Work.FINISHED}),
    Work.FINISHED: frozenset(),
}
"""K-4: once terminating, a pod cannot leave termination."""


class Update(msgspec.Struct, frozen=True):
    """One reason to sync: ``pod`` as configured now; ``kill`` with an override asks for termination (K-3d)."""

    pod: Pod
    kill: bool = False
    override_seconds: int | None = None
    verdict: Verdict | None = None
    evict: bool = False
    """Whether the pod is killed by an eviction of the kubelet."""


class PodWorker:
    """Serial queue of one pod UID; keeps only the newest pending update (K-1)."""

    def __init__(self, kubelet: Kubelet, pod: Pod) -> None:
        self.kubelet = kubelet
        self.uid = pod.metadata.uid
        self.pod = pod
        self.work = Work.SYNC
        self.grace = 0
        self.verdict: Verdict | None = None
        self.evicted = False
        self.working = False
        self._pending: Update | None = None
        self._when_stopped: list[Callable[[str], None]] = []
        self._last_sync_end: Instant = kubelet.began - 1
        self._leaves_out_resyncs = False

    # -- what others ask ------------------------------------------------------------------------------------------

    @property
    def termination_requested(self) -> bool:
        """Whether the pod is to be stopped, or has been."""
        return self.work is not Work.SYNC

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do for the pod."""
        return self.work is Work.FINISHED

    @property
    def could_have_running_containers(self) -> bool:
        """Whether the worker has not yet left SyncTerminatingPod (K-17)."""
        return self.work in (Work.SYNC, Work.TERMINATING)

    def when_stopped(self, then: Callable[[str], None]) -> None:
        """Call back with the pod's uid once everything of it is stopped."""
        if self.could_have_running_containers:
            self._when_stopped.append(then)
        else:
            then(self.uid)

    def update(self, update: Update) -> None:
        """Take an update: it may turn the pod to termination, and wakes the worker (K-3, K-6)."""
        if self.work is Work.FINISHED:
            return
        if not self.termination_requested and self._asks_for_termination(update):
            self._move(Work.TERMINATING)
        if self.work is Work.TERMINATING:
            self._shorten_grace(update)
            self.verdict = update.verdict or self.verdict
            self.evicted = self.evicted or update.evict
        self._pending = update
        if not self.working:
            self._take()

    def _asks_for_termination(self, update: Update) -> bool:
        pod = update.pod
        return update.kill or pod.metadata.deletion_timestamp is not None or pod.status.phase in _TERMINAL

    def _shorten_grace(self, update: Update) -> None:
        pod = update.pod
        self.grace = effective_grace(
            deletion_seconds=pod.metadata.deletion_grace_period_seconds,
            spec_seconds=pod.spec.termination_grace_period_seconds,
            remembered=self.grace,
            override=update.override_seconds,
            release=self.kubelet.release,
        ).seconds

    def _move(self, to: Work) -> None:
        if to not in WORK_MOVES[self.work]:
            raise IllegalMove(f"the worker of pod {self.pod.metadata.name} cannot go from {self.work} to {to}")
        self.work = to

    # -- the loop -------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        update = self._pending
        if update is None:
            return
        self._pending = None
        self.working = True
        self.pod = update.pod
        if self._leaves_out_resyncs:
            self._last_sync_end = self._last_resync()
            self._leaves_out_resyncs = False
        self.kubelet.pleg.when_newer(self.uid, self._last_sync_end, self._run, self.work)

    def _run(self, seen: Observed, work: Work) -> None:
        seen = self.kubelet.with_definitions(self.pod, seen)
        match work:
            case Work.SYNC:
                SyncPass(self, seen).begin()
            case Work.TERMINATING:
                TerminatingPass(self, seen).begin()
            case _:
                TerminatedPass(self, seen).begin()

    def sync_done(self, *, terminal: bool, failed: bool, retry_at: Instant | None = None, acted: bool = False) -> None:
        """A SyncPod pass is over. ``retry_at``: the first back-off expiry among its errors (K-19d).

        ``acted``: it did something without error, after which some releases look at the pod at once (K-2).
        """
        self._last_sync_end = self.kubelet.clock.now
        if acted and self.kubelet.release.policy("relist_after_actions"):
            self.kubelet.pleg.look_at(self.uid)
        if terminal and self.work is Work.SYNC:
            self._move(Work.TERMINATING)
        self._complete(transition=terminal, failed=failed, retry_at=retry_at)

    def terminating_done(self, *, failed: bool) -> None:
        """A SyncTerminatingPod pass is over: everything is stopped, or it is tried again."""
        self._last_sync_end = self.kubelet.clock.now
        if not failed:
            self._move(Work.TERMINATED)
        self._complete(transition=not failed, failed=failed)
        waiting, self._when_stopped = (self._when_stopped, []) if not failed else ([], self._when_stopped)
        for then in waiting:
            then(self.uid)

    def terminated_done(self) -> None:
        """Nothing is left to do for this pod."""
        self._last_sync_end = self.kubelet.clock.now
        self._move(Work.FINISHED)
        self.working = False

    def _complete(self, *, transition: bool, failed: bool, retry_at: Instant | None = None) -> None:
        if transition:
            self._pending = self._pending or Update(self.pod)
        elif failed:
            self.kubelet.requeue_after_error(self.uid, retry_at)
        else:
            self._leaves_out_resyncs = not self.kubelet.requeue_for_resync(self.uid)
        if self._pending is not None:
            self._take()
        else:
            self.working = False

    def _last_resync(self) -> Instant:
        """When the pod was synced last, had no resync been left out: what is observed has to be newer (K-2, K-19b)."""
        kubelet, last = self.kubelet, self._last_sync_end
        interval = kubelet.release.duration("sync_frequency")
        while True:
            due = kubelet.queue.next_tick(last + kubelet.timing.jittered("resync", interval, 0.5))
            if due >= kubelet.clock.now:
                return last
            last = due
