"""One probe of one container: what a tick does, and what the answer of a probe changes (K-95 to K-105).

A worker is plain data; the shell keeps it, asks :func:`tick` on its grid (:mod:`kubesim.kubelet.probe_schedule`), runs
the probe if told so, and hands the answer to :func:`after_probe`. Source: ``prober/worker.go`` doProbe,
``prober/prober.go`` probe, ``prober/results/results_manager.go``.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec
from msgspec.structs import replace

from kubesim.kubelet.actions import Why
from kubesim.kubelet.container_statuses import outlived_kubelet
from kubesim.kubelet.observed import ProbeResult, ProbeType
from kubesim.kubelet.restart import restart_after_exit
from kubesim.objects.pod import Container, Pod, Probe
from kubesim.objects.status import ContainerStatus, PodStatus, Running, Terminated
from kubesim.releases import Release
from kubesim.units import SECOND, Instant

INITIAL_RESULTS: Final = {
    ProbeType.LIVENESS: ProbeResult.SUCCESS,
    ProbeType.READINESS: ProbeResult.FAILURE,
    ProbeType.STARTUP: ProbeResult.UNKNOWN,
}
"""What the result store holds for a container that has just been seen (K-95)."""


class ProbeAnswer(Enum):
    """What running a probe came to. ERROR: it could not be run; UNKNOWN: it ran and said neither yes nor no (K-99)."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    ERROR = "error"
    UNKNOWN = "unknown"


class ResultOrigin(Enum):
    """Where a stored result comes from: from what the probe answered, or from what a worker stores without asking.

    INITIAL: of a container that has just been seen (K-95); NOT_RUNNING: of one that does not run (K-96);
    DELETING: of one whose pod was being deleted when the worker was made (K-96); TAKEN_OVER: of a sidecar that had
    passed its startup probe before the kubelet was restarted (K-95).
    """

    ANSWER = "answer"
    INITIAL = "initial"
    NOT_RUNNING = "not running"
    DELETING = "deleting"
    TAKEN_OVER = "taken over"


class ProbeStep(Enum):
    """What to do with a tick: wait for the next, run the probe, or end the worker and remove its stored result."""

    SKIP = "skip"
    PROBE = "probe"
    END = "end"


class ProbeWorker(msgspec.Struct, frozen=True):
    """One worker. ``pod`` is its copy from the worker's creation and never updated (K-96)."""

    pod: Pod
    container: Container
    type: ProbeType
    is_sidecar: bool = False
    container_id: str = ""
    """The instance probed last; empty before the first is seen."""
    stored: ProbeResult | None = None
    """What the result store holds for it."""
    last_result: ProbeResult | None = None
    run: int = 0
    """How many equal results came in a row; goes on across container restarts unless the worker was on hold."""
    on_hold: bool = False
    """No more probing until the container is replaced (K-101)."""

    @property
    def probe(self) -> Probe:
        """The spec of the probe."""
        match self.type:
            case ProbeType.LIVENESS:
                probe = self.container.liveness_probe
            case ProbeType.READINESS:
                probe = self.container.readiness_probe
            case _:
                probe = self.container.startup_probe
        assert probe is not None, "a worker is made for a probe that exists"
        return probe


class ResultChange(msgspec.Struct, frozen=True):
    """One change of a result store; a result also wakes the sync loop (K-102), a removal (None) does not."""

    container_id: str
    result: ProbeResult | None
    origin: ResultOrigin = ResultOrigin.ANSWER


class Tick(msgspec.Struct, frozen=True):
    """What one tick does: the worker after it, the next step, and the changes of the result store in order."""

    worker: ProbeWorker
    step: ProbeStep
    why: Why
    changes: tuple[ResultChange, ...] = ()


class ProbeEvent(msgspec.Struct, frozen=True):
    """A Kubernetes Event about the container; always of type Warning."""

    reason: str
    message: str


class ProbeOutcome(msgspec.Struct, frozen=True):
    """What a probe's answer changes: the worker, the stored result if it changed, and the Event if there is one."""

    worker: ProbeWorker
    change: ResultChange | None = None
    event: ProbeEvent | None = None


def container_status(name: str, status: PodStatus) -> ContainerStatus | None:
    """The status of a main or sidecar that has a container id, else None: such a container is not probed (K-96)."""
    for entry in (*status.container_statuses, *status.init_container_statuses):
        if entry.name == name and entry.container_id:
            return entry
    return None


def plain_id(container_id: str) -> str:
    """The id without the runtime's scheme: ``containerd://abc`` is ``abc``, under which results are stored."""
    return container_id.rpartition("://")[2]


def tick(
    worker: ProbeWorker,
    status: PodStatus | None,
    now: Instant,
    release: Release,
    *,
    kubelet_started_at: Instant | None = None,
) -> Tick:
    """What the worker does at one tick, given the status the kubelet has cached (K-96 to K-98).

    ``status``: as the status manager caches it, times in whole seconds; None if the pod has none yet.
    ``kubelet_started_at``: given if the kubelet was restarted under running pods; results of containers older than
    that are not reset from 1.35 on (K-95).
    """
    if status is None:
        return Tick(worker, ProbeStep.SKIP, Why("the pod has no status yet", ("K-96",)))
    if status.phase in ("Failed", "Succeeded"):
        return Tick(worker, ProbeStep.END, Why(f"the pod has {status.phase.lower()}", ("K-96",)))
    seen = container_status(worker.container.name, status)
    if seen is None:
        return Tick(worker, ProbeStep.SKIP, Why("the container was not created yet", ("K-96",)))
    changes: tuple[ResultChange, ...] = ()
    if plain_id(seen.container_id) != worker.container_id:
        keeps = outlived_kubelet(seen, kubelet_started_at, release)
        worker, changes = _on_new_instance(worker, plain_id(seen.container_id), reset=not keeps)
        if keeps and _had_started(worker, seen, release):
            worker, changes = _stored(worker, ProbeResult.SUCCESS, ResultOrigin.TAKEN_OVER, changes)
    if worker.on_hold:
        return Tick(worker, ProbeStep.SKIP, Why("on hold until the container is replaced", ("K-101",)), changes)
    if not isinstance(seen.state, Running):
        return _not_running(worker, seen, changes, release)
    if worker.pod.metadata.deletion_timestamp is not None and worker.type is not ProbeType.READINESS:
        worker, changes = _stored(worker, ProbeResult.SUCCESS, ResultOrigin.DELETING, changes)
        return Tick(worker, ProbeStep.END, Why("the pod was being deleted already", ("K-96",)), changes)
    if now < _delay_ends(worker, seen.state):
        return Tick(worker, ProbeStep.SKIP, Why("within initialDelaySeconds", ("K-97",)), changes)
    if (seen.started is True) == (worker.type is ProbeType.STARTUP):
        text = "the container has started" if seen.started is True else "the container has not started yet"
        return Tick(worker, ProbeStep.SKIP, Why(text, ("K-98",)), changes)
    return Tick(worker, ProbeStep.PROBE, Why("the probe is due", ("K-95",)), changes)


def after_probe(worker: ProbeWorker, answer: ProbeAnswer, output: str, release: Release) -> ProbeOutcome:
    """What the answer of a probe changes (K-99 to K-101). ``output``: of the probe, or the error's text.

    An error is handed in after the last of ``probe_tries`` tries; it counts as nothing.
    """
    event = probe_event(worker.type, answer, output, release)
    if answer is ProbeAnswer.ERROR:
        return ProbeOutcome(worker, event=event)
    result = _result_of(answer)
    run = worker.run + 1 if result is worker.last_result else 1
    worker = replace(worker, last_result=result, run=run)
    if run < _threshold(worker.probe, result):
        return ProbeOutcome(worker, event=event)
    worker, changes = _stored(worker, result, ResultOrigin.ANSWER)
    if _holds_after(worker.type, result, release):
        worker = replace(worker, on_hold=True, run=0)
    return ProbeOutcome(worker, changes[0] if changes else None, event)


def probe_event(type_: ProbeType, answer: ProbeAnswer, output: str, release: Release) -> ProbeEvent | None:
    """The Event about the answer of a probe, or None (K-99, S-69, S-70)."""
    name = type_.value.capitalize()
    match answer:
        case ProbeAnswer.WARNING:
            return ProbeEvent("ProbeWarning", release.text("ProbeWarning").format(probe=name, output=output))
        case ProbeAnswer.ERROR:
            text = release.text("Unhealthy_error").format(probe=name, error=output, state="unknown")
            return ProbeEvent("Unhealthy", text)
        case ProbeAnswer.FAILURE:
            return ProbeEvent("Unhealthy", release.text("Unhealthy").format(probe=name, output=output))
        case ProbeAnswer.UNKNOWN if release.policy("unknown_probe_result_event"):
            return ProbeEvent("Unhealthy", release.text("Unhealthy").format(probe=name, output=output))
        case _:
            return None


def probes_until_change(worker: ProbeWorker, answer: ProbeAnswer, release: Release) -> int | None:
    """How many probes with this same answer until the stored result or the hold changes; None: they never do.

    1 is the very next probe. Lets the shell plan one event instead of one per period, while the worker probes and the
    pod's status stays as it is. An answer with an Event (:func:`probe_event`) still emits it at every probe.
    """
    if answer is ProbeAnswer.ERROR:
        return None
    result = _result_of(answer)
    if result is worker.stored and not _holds_after(worker.type, result, release):
        return None
    run = worker.run if result is worker.last_result else 0
    return max(_threshold(worker.probe, result) - run, 1)


def after_equal_probes(worker: ProbeWorker, answer: ProbeAnswer, count: int) -> ProbeWorker:
    """The worker after ``count`` probes with one answer that changed neither stored result nor hold."""
    if answer is ProbeAnswer.ERROR or count == 0:
        return worker
    result = _result_of(answer)
    return replace(worker, last_result=result, run=count + (worker.run if result is worker.last_result else 0))


def probes_from(worker: ProbeWorker, status: PodStatus | None, release: Release) -> Instant | None:
    """The instant from which ticks run the probe if the status stays as it is; None: not before it changes (K-97).

    Only for a worker that has had a tick with this status.
    """
    seen = None if status is None else container_status(worker.container.name, status)
    if seen is None or not isinstance(seen.state, Running):
        return None
    after_delay = _delay_ends(worker, seen.state)
    at_that_time = tick(worker, status, after_delay, release)
    return after_delay if at_that_time.step is ProbeStep.PROBE else None


def _on_new_instance(
    worker: ProbeWorker, container_id: str, *, reset: bool
) -> tuple[ProbeWorker, tuple[ResultChange, ...]]:
    """A new container id: the old result is dropped, the initial value stored, the hold lifted (K-95, K-104).

    The run of equal results is not reset: a failure of the old instance and one of the new make two.
    """
    dropped = (ResultChange(worker.container_id, None),) if worker.container_id else ()
    worker = replace(worker, container_id=container_id, stored=None, on_hold=False)
    if not reset:
        return worker, dropped
    return _stored(worker, INITIAL_RESULTS[worker.type], ResultOrigin.INITIAL, dropped)


def _had_started(worker: ProbeWorker, seen: ContainerStatus, release: Release) -> bool:
    """Whether a sidecar that outlived its kubelet has passed its startup probe before: the new kubelet takes that over.

    Without it the walk over the init entries waits for a result that never comes (issue 136910).
    """
    if worker.type is not ProbeType.STARTUP or not worker.is_sidecar or seen.started is not True:
        return False
    return not release.has_bug("mains_forgotten_after_kubelet_restart")


def _not_running(
    worker: ProbeWorker, seen: ContainerStatus, changes: tuple[ResultChange, ...], release: Release
) -> Tick:
    """A container that does not run counts as failed; the worker ends if it will not be restarted (K-96)."""
    worker, changes = _stored(worker, ProbeResult.FAILURE, ResultOrigin.NOT_RUNNING, changes)
    if isinstance(seen.state, Terminated) and _ends_with(worker, seen.state.exit_code, release):
        return Tick(worker, ProbeStep.END, Why("the container ended and will not be restarted", ("K-96",)), changes)
    return Tick(worker, ProbeStep.SKIP, Why("the container is not running", ("K-96",)), changes)


def _ends_with(worker: ProbeWorker, exit_code: int, release: Release) -> bool:
    """Whether the worker of a container that ended is over (K-96, policy ``probe_worker_ends_when``)."""
    if worker.is_sidecar and not release.has_bug("sidecar_probes_end_in_never_pods"):
        return False
    match release.policy("probe_worker_ends_when"):
        case "container_will_not_restart" if not worker.is_sidecar:
            return restart_after_exit(worker.container, worker.pod.spec, exit_code, release) is None
        case "never":
            return False
        case _:
            return worker.pod.spec.restart_policy == "Never"


def _delay_ends(worker: ProbeWorker, state: Running) -> Instant:
    """When initialDelaySeconds are over, counted from the start as the cached status has it (K-97)."""
    return (state.started_at or 0) + worker.probe.initial_delay_seconds * SECOND


def _stored(
    worker: ProbeWorker, result: ProbeResult, origin: ResultOrigin, changes: tuple[ResultChange, ...] = ()
) -> tuple[ProbeWorker, tuple[ResultChange, ...]]:
    """The result put into the store; an equal one changes nothing (K-100)."""
    if worker.stored is result:
        return worker, changes
    return replace(worker, stored=result), (*changes, ResultChange(worker.container_id, result, origin))


def _result_of(answer: ProbeAnswer) -> ProbeResult:
    """What an answer counts as (K-99)."""
    return ProbeResult.SUCCESS if answer in (ProbeAnswer.SUCCESS, ProbeAnswer.WARNING) else ProbeResult.FAILURE


def _threshold(probe: Probe, result: ProbeResult) -> int:
    return probe.success_threshold if result is ProbeResult.SUCCESS else probe.failure_threshold


def _holds_after(type_: ProbeType, result: ProbeResult, release: Release) -> bool:
    """Whether a published result puts the worker on hold (K-101)."""
    match type_:
        case ProbeType.READINESS:
            return False
        case ProbeType.STARTUP if release.policy("startup_worker_holds_after_success"):
            return True
        case _:
            return result is ProbeResult.FAILURE
