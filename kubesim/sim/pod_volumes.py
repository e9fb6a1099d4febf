"""The volumes of a node's pods: set up before the first container, tried again until what they refer to is there.

The volume manager tries on its own, with a back-off; a pod's worker waits for it, at most 2 min 3 s in one pass, and
is told by a poll every 300 ms (K-19k). What was set up stays, also when the kubelet is started anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubesim.kubelet.volume_mounts import retry_delay, timeout_message
from kubesim.sim.clock import Timer
from kubesim.sim.surroundings import MountError
from kubesim.units import Instant

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet
    from kubesim.sim.pod_worker import PodWorker

Then = Callable[[str | None], None]
"""Called with None when the volumes are there, or with the problem."""


@dataclass(slots=True)
class _Setup:
    """The volumes of one pod that are not there yet, and the pass that waits for them."""

    worker: PodWorker
    failures: int = 0
    unmounted: str = ""
    retry: Timer | None = None
    then: Then | None = None
    polls_from: Instant = 0
    deadline: Timer | None = field(default=None)


class PodVolumes:
    """Sets up the volumes of one kubelet's pods."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self._ready: set[str] = set()
        self._setups: dict[str, _Setup] = {}

    def prepare(self, worker: PodWorker, then: Then) -> None:
        """Directories, cgroups and volumes, before the first containers; ``then`` gets None or the problem (K-9.6)."""
        if worker.uid in self._ready:
            then(None)
            return
        setup = self._setups.get(worker.uid)
        if setup is not None:
            self._wait(setup, worker, then)
            return
        delay = self.kubelet.timing.latency("pod-setup")
        if worker.pod.spec.volumes:
            delay += self.kubelet.timing.latency("volume-wait")
        self.kubelet.clock.after(delay, self._first_try, worker, then)

    def cancel(self, uid: str) -> None:
        """The pod is to be stopped: a pass that waits for volumes ends, where the release can do that (K-5, K §1.4)."""
        setup = self._setups.get(uid)
        if setup is not None and self.kubelet.release.policy("volume_wait_is_cancelled"):
            self._give_up(setup, "context canceled")

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._ready.discard(uid)
        setup = self._setups.pop(uid, None)
        for timer in (setup.retry, setup.deadline) if setup is not None else ():
            if timer is not None:
                timer.cancel()

    # -- trying ---------------------------------------------------------------------------------------------------

    def _first_try(self, worker: PodWorker, then: Then) -> None:
        setup = _Setup(worker)
        if self._set_up(setup):
            then(None)
            return
        self._setups[worker.uid] = setup
        self._wait(setup, worker, then)

    def _set_up(self, setup: _Setup) -> bool:
        """One try; a failure is told, and tried again later."""
        kubelet, pod = self.kubelet, setup.worker.pod
        runtime_pod = kubelet.runtime.pod(setup.worker.uid, pod.metadata.namespace, pod.metadata.name)
        try:
            made = kubelet.machines.volumes(pod, kubelet.node.address)
        except MountError as problem:
            setup.failures += 1
            setup.unmounted = problem.volume
            kubelet.pod_event(pod, "Warning", "FailedMount", str(problem))
            setup.retry = kubelet.clock.after(retry_delay(setup.failures, kubelet.release), self._try_again, setup)
            return False
        runtime_pod.volumes = {**made, **runtime_pod.volumes}
        self._ready.add(setup.worker.uid)
        return True

    def _try_again(self, setup: _Setup) -> None:
        setup.retry = None
        if setup.worker.termination_requested or not self._set_up(setup):
            return
        del self._setups[setup.worker.uid]
        if setup.then is not None:
            poll = self.kubelet.release.duration("volume_poll_period")
            waited = self.kubelet.clock.now - setup.polls_from
            due = setup.polls_from + -(-waited // poll) * poll
            self.kubelet.clock.at(due, self._done, setup, None)

    # -- waiting --------------------------------------------------------------------------------------------------

    def _wait(self, setup: _Setup, worker: PodWorker, then: Then) -> None:
        setup.worker, setup.then = worker, then
        setup.polls_from = self.kubelet.clock.now
        limit = self.kubelet.release.duration("volume_wait")
        setup.deadline = self.kubelet.clock.after(limit, self._timed_out, setup)
        if worker.termination_requested:
            self.cancel(worker.uid)

    def _timed_out(self, setup: _Setup) -> None:
        text = timeout_message([setup.unmounted], self.kubelet.release)
        if text is not None:
            self.kubelet.pod_event(setup.worker.pod, "Warning", "FailedMount", text)
        self._give_up(setup, "timed out waiting for volumes")

    def _give_up(self, setup: _Setup, problem: str) -> None:
        if setup.then is not None:
            self._done(setup, problem)

    def _done(self, setup: _Setup, problem: str | None) -> None:
        then, setup.then = setup.then, None
        if setup.deadline is not None:
            setup.deadline.cancel()
        if then is not None:
            then(problem)
