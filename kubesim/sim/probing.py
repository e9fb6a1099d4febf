"""The kubelet's probe workers on the clock: ticks on their grid, run only when they can differ from the tick before.

What a tick does and what an answer changes is decided in ``kubelet/probe_worker.py``; which workers there are, and
their grid, in ``kubelet/probe_schedule.py`` (K-95 to K-106). A worker *rests* when its next ticks can change nothing:
until the pod's status changes, the container's world changes, or its readiness is asked for out of schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubesim.history.records import ProbeChanged
from kubesim.kubelet.container_statuses import ProbeWorkers
from kubesim.kubelet.observed import ProbeResult, ProbeResults, ProbeType
from kubesim.kubelet.probe_schedule import (
    WorkerKey,
    next_tick,
    origin_after_trigger,
    period,
    tick_at_or_after,
    ticks_between,
    workers_ended_by_termination,
    workers_to_create,
)
from kubesim.kubelet.probe_worker import (
    ProbeAnswer,
    ProbeStep,
    ProbeWorker,
    ResultChange,
    after_equal_probes,
    after_probe,
    probes_from,
    probes_until_change,
    tick,
)
from kubesim.objects.pod import Pod
from kubesim.sim.clock import Timer
from kubesim.sim.probe_run import Answer, run_probe
from kubesim.units import Duration, Instant

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


class _OfPod:
    """The workers of one pod, and their result stores by container id."""

    def __init__(self) -> None:
        self.probers: dict[WorkerKey, Prober] = {}
        self.startup: dict[str, ProbeResult] = {}
        self.readiness: dict[str, ProbeResult] = {}
        self.liveness: dict[str, ProbeResult] = {}
        self.results = ProbeResults(self.startup, self.readiness, self.liveness)
        self.workers = ProbeWorkers()

    def store(self, type_: ProbeType) -> dict[str, ProbeResult]:
        """The results of one type; ``results`` shows them as they are."""
        match type_:
            case ProbeType.STARTUP:
                return self.startup
            case ProbeType.READINESS:
                return self.readiness
            case ProbeType.LIVENESS:
                return self.liveness

    def workers_changed(self) -> None:
        """Workers were made or have ended."""
        names = {
            type_: frozenset([name for name, kind in self.probers if kind is type_])
            for type_ in (ProbeType.STARTUP, ProbeType.READINESS)
        }
        self.workers = ProbeWorkers(names[ProbeType.STARTUP], names[ProbeType.READINESS])


_NO_RESULTS = ProbeResults()
_NO_WORKERS = ProbeWorkers()


class Prober:
    """One worker: its pure state, its grid, and whether it runs, waits for a tick, or rests."""

    def __init__(self, manager: ProbeManager, uid: str, worker: ProbeWorker) -> None:
        self.manager = manager
        self.kubelet = manager.kubelet
        self.uid = uid
        self.worker = worker
        self.origin: Instant = self.kubelet.clock.now + manager.first_sleep(worker)
        self.ended = False
        self._wakes_at: Instant = self.origin
        """Until then the worker sleeps; nothing reaches it."""
        self._timer: Timer | None = None
        self._ticked_at: Instant = -1
        self._busy = False
        self._triggered = False
        self._missed_tick = False
        self._resting: ProbeAnswer | None = None
        """The answer that all probes of a resting worker would get."""

    def begin(self) -> None:
        """The first tick comes at once, unless the kubelet has only just been started (K-95)."""
        self._arm(self.origin)

    def trigger(self) -> None:
        """Run out of schedule: a status was generated that waits for this readiness result (K-103).

        A worker that probes, or that sleeps before its first tick (K-95), runs once more right afterwards.
        """
        if self.ended:
            return
        if self._busy or self.kubelet.clock.now < self._wakes_at:
            self._triggered = True
            return
        self._wake_up()
        self.origin = origin_after_trigger(self.origin, self.kubelet.clock.now, self.kubelet.release)
        self._tick()

    def look_again(self) -> None:
        """Something changed that a tick would notice: wait for the next one on the grid."""
        if self.ended or self._busy:
            self._missed_tick = self._busy
            return
        under_way = self._exec_under_way()
        self._wake_up(under_way)
        if under_way is not None:
            self._cancel()
            self._probe(under_way)
            return
        earliest = max(self.kubelet.clock.now, self._ticked_at + 1)
        self._arm(tick_at_or_after(self.origin, period(self.worker), earliest))

    def end(self) -> None:
        """The worker is over; its result is taken from the store."""
        if not self.ended:
            self.ended = True
            self._cancel()
            self.manager.change(self, ResultChange(self.worker.container_id, None))
            self.manager.worker_ended(self)

    def _exec_under_way(self) -> Instant | None:
        """The tick a resting worker skipped whose process would start only now: it sees what has just changed."""
        if self._resting is None or self.worker.probe.exec is None:
            return None
        now = self.kubelet.clock.now
        latest = next_tick(self.origin, period(self.worker), now) - period(self.worker)
        if latest > self._ticked_at and latest + self.kubelet.timing.latency("exec") > now:
            return latest
        return None

    def _wake_up(self, before: Instant | None = None) -> None:
        """Count the equal probes that a resting worker did not have to run: at its ticks ``before``, or before now."""
        if self._resting is not None:
            until = self.kubelet.clock.now if before is None else before
            skipped = ticks_between(self.origin, period(self.worker), self._ticked_at, until)
            self.worker = after_equal_probes(self.worker, self._resting, skipped)
            self._resting = None

    def _arm(self, instant: Instant) -> None:
        if self._timer is not None and self._timer.live and self._timer.instant <= instant:
            return
        self._cancel()
        self._timer = self.kubelet.clock.at(instant, self._tick)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._cancel()
        self._wake_up()
        now, release = self.kubelet.clock.now, self.kubelet.release
        self._ticked_at = now
        status = self.kubelet.statuses.get(self.uid)
        restarted = self.kubelet.began if self.kubelet.before is not None else None
        step = tick(self.worker, status, now, release, kubelet_started_at=restarted)
        self.worker = step.worker
        for change in step.changes:
            self.manager.change(self, change)
        match step.step:
            case ProbeStep.END:
                self.end()
            case ProbeStep.PROBE:
                self._probe(now)
            case ProbeStep.SKIP:
                self._triggered = False
                self._plan_next()

    def _probe(self, ticked_at: Instant) -> None:
        self._ticked_at = ticked_at
        self._busy = True
        run_probe(self.kubelet, self.worker, self._answered, ticked_at)

    def _plan_next(self) -> None:
        """The next tick at which the probe would run; rest if only a change of status can bring one."""
        due = probes_from(self.worker, self.kubelet.statuses.get(self.uid), self.kubelet.release)
        if due is None:
            return
        now = self.kubelet.clock.now
        earliest = next_tick(self.origin, period(self.worker), now)
        self._arm(max(earliest, tick_at_or_after(self.origin, period(self.worker), due)))

    def _answered(self, answer: Answer) -> None:
        self._busy = False
        if self.ended:
            return
        release = self.kubelet.release
        outcome = after_probe(self.worker, answer.answer, answer.output, release)
        self.worker = outcome.worker
        if outcome.event is not None:
            self.kubelet.container_event(
                self.worker.pod, self.worker.container, "Warning", outcome.event.reason, outcome.event.message
            )
        if outcome.change is not None:
            self.manager.change(self, outcome.change, answer.output)
        if self.ended:
            return
        if self._triggered:
            self._triggered = False
            self.origin = origin_after_trigger(self.origin, self.kubelet.clock.now, release)
            self._tick()
            return
        if self._missed_tick:
            self._missed_tick = False
            self._arm(next_tick(self.origin, period(self.worker), self.kubelet.clock.now))
            return
        quiet = outcome.event is None and probes_until_change(self.worker, answer.answer, release) is None
        until = answer.stays_until
        if not quiet or self.worker.on_hold or (until is not None and until <= self.kubelet.clock.now):
            self._plan_next()
            return
        self._resting = answer.answer
        self.manager.rest(self)
        if until is not None:
            self._arm(self._tick_that_may_differ(until))

    def _tick_that_may_differ(self, instant: Instant) -> Instant:
        """The first tick whose process or question may come at ``instant`` or later."""
        now = self.kubelet.clock.now
        slowest = self.kubelet.timing.longest("exec") if self.worker.probe.exec is not None else 0
        return tick_at_or_after(self.origin, period(self.worker), max(now, instant - slowest))


class ProbeManager:
    """All probe workers of one kubelet, and what they have stored."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self._pods: dict[str, _OfPod] = {}

    def first_sleep(self, worker: ProbeWorker) -> Duration:
        """A worker made less than a period after the kubelet's start first sleeps for a part of it (K-95)."""
        length = period(worker)
        if self.kubelet.clock.now - self.kubelet.began >= length:
            return 0
        return self.kubelet.timing.jittered("probe-start", length, 1.0) - length

    def register(self, pod: Pod, uid: str) -> None:
        """Create the pod's missing workers (K-9.7, K-106)."""
        known = self._of(uid)
        created = workers_to_create(pod, known.probers, self.kubelet.release)
        for worker in created:
            prober = Prober(self, uid, worker)
            known.probers[worker.container.name, worker.type] = prober
            prober.begin()
        if created:
            known.workers_changed()

    def results(self, uid: str) -> ProbeResults:
        """What is stored for the pod's containers."""
        known = self._pods.get(uid)
        return known.results if known is not None else _NO_RESULTS

    def workers(self, uid: str) -> ProbeWorkers:
        """The containers of the pod that have workers."""
        known = self._pods.get(uid)
        return known.workers if known is not None else _NO_WORKERS

    def _of(self, uid: str) -> _OfPod:
        known = self._pods.get(uid)
        if known is None:
            known = self._pods[uid] = _OfPod()
        return known

    def _probers(self, uid: str) -> tuple[Prober, ...]:
        known = self._pods.get(uid)
        return tuple(known.probers.values()) if known is not None else ()

    def _prober(self, uid: str, key: WorkerKey) -> Prober | None:
        known = self._pods.get(uid)
        return known.probers.get(key) if known is not None else None

    def trigger_readiness(self, uid: str, containers: tuple[str, ...]) -> None:
        """Run these containers' readiness probes out of schedule (K-103)."""
        for name in containers:
            prober = self._prober(uid, (name, ProbeType.READINESS))
            if prober is not None:
                prober.trigger()

    def status_changed(self, uid: str) -> None:
        """The kubelet's status of the pod changed: resting workers look again."""
        for prober in self._probers(uid):
            prober.look_again()

    def world_changed(self, uid: str, container: str) -> None:
        """Something a probe of the container could notice has changed (files, processes, ports)."""
        for prober in self._probers(uid):
            if prober.worker.container.name == container:
                prober.look_again()

    def stop_liveness_and_startup(self, pod: Pod, uid: str) -> None:
        """Before the kill: the mains' liveness and startup workers end (K-12.2)."""
        for key in workers_ended_by_termination(pod):
            prober = self._prober(uid, key)
            if prober is not None:
                prober.end()

    def remove(self, uid: str) -> None:
        """After the kill: all workers end (K-12.4)."""
        for prober in self._probers(uid):
            prober.end()

    def rest(self, prober: Prober) -> None:
        """A worker's answer will stay as it is until the container's world changes."""
        self.kubelet.watch_world(prober.uid, prober.worker.container.name)

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._pods.pop(uid, None)

    def worker_ended(self, prober: Prober) -> None:
        """A worker has ended: it is created anew only as K-106 says."""
        known = self._pods.get(prober.uid)
        if known is not None:
            known.probers.pop((prober.worker.container.name, prober.worker.type), None)
            known.workers_changed()

    def change(self, prober: Prober, change: ResultChange, output: str = "") -> None:
        """Store or drop a result and let the kubelet act on it (K-102)."""
        type_, uid = prober.worker.type, prober.uid
        store = self._of(uid).store(type_)
        if change.result is None:
            store.pop(change.container_id, None)
            return
        store[change.container_id] = change.result
        pod = prober.worker.pod
        self.kubelet.recorder.record(
            ProbeChanged(
                at=self.kubelet.clock.now,
                namespace=pod.metadata.namespace,
                pod=pod.metadata.name,
                container=prober.worker.container.name,
                probe=type_.value,
                result=change.result.value,
                origin=change.origin.value,
                output=output,
                container_id=change.container_id,
                rules=("K-100",),
            )
        )
        self.kubelet.probe_result(uid, type_, change.container_id, change.result)
