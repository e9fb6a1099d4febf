"""Running one probe: exec in the container, or a question to its processes (httpGet, tcpSocket, grpc)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kubesim.kubelet.observed import RuntimeState
from kubesim.kubelet.probe_worker import ProbeAnswer, ProbeWorker
from kubesim.sim.answers import Handler, numbered, refusal
from kubesim.sim.execs import EXITED, GONE
from kubesim.sim.instances import RuntimePod
from kubesim.units import SECOND, Instant, format_duration

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe came to. ``stays_until``: the instant at which it may differ by itself; None: not by itself."""

    answer: ProbeAnswer
    output: str = ""
    stays_until: Instant | None = None


def run_probe(kubelet: Kubelet, worker: ProbeWorker, then: Callable[[Answer], None], ticked_at: Instant) -> None:
    """Run the worker's probe; ``then`` gets the answer when it is known.

    ``ticked_at``: now, or the instant shortly before at which the kubelet asked for a process that starts only now.
    """
    uid = worker.pod.metadata.uid
    probe = worker.probe
    handler = numbered(probe.http_get or probe.tcp_socket or probe.grpc, worker.container)
    instance = kubelet.runtime.instance(uid, worker.container_id)
    runtime_pod = kubelet.runtime.pod(uid)
    if instance is None or instance.state is not RuntimeState.RUNNING:
        if probe.exec is None:
            kubelet.clock.after(kubelet.timing.latency("probe"), then, _nobody_there(runtime_pod, handler))
            return
        answered = max(kubelet.clock.now, ticked_at + kubelet.timing.latency("exec"))
        kubelet.clock.at(answered, then, Answer(ProbeAnswer.ERROR, EXITED))
        return
    override = kubelet.probe_override(worker)
    if override is not None:
        kubelet.clock.after(kubelet.timing.latency("probe"), then, override)
        return
    if probe.exec is None:
        answer = kubelet.runtime.ask(runtime_pod, instance, worker.type.value, handler)
        if answer.takes > probe.timeout_seconds * SECOND:
            late = Answer(ProbeAnswer.FAILURE, _timeout_text(worker), answer.stays_until)
            kubelet.clock.after(probe.timeout_seconds * SECOND, then, late)
            return
        result = ProbeAnswer.SUCCESS if answer.success else ProbeAnswer.FAILURE
        kubelet.clock.after(answer.takes, then, Answer(result, answer.output, answer.stays_until))
        return
    done = partial(_exec_done, kubelet, worker, ticked_at, then)
    timeout = probe.timeout_seconds * SECOND
    command, purpose = probe.exec.command, worker.type.value
    kubelet.runtime.execs.run(runtime_pod, instance, command, purpose, done, timeout, asked=ticked_at)


def _nobody_there(pod: RuntimePod, handler: Handler | None) -> Answer:
    """A question to the pod's address when its container has ended; the runtime is not asked (``prober.go``)."""
    return Answer(ProbeAnswer.FAILURE, refusal("connect: connection refused", pod, handler))


def _exec_done(
    kubelet: Kubelet,
    worker: ProbeWorker,
    began: Instant,
    then: Callable[[Answer], None],
    code: int,
    output: str,
    repeats: bool,
) -> None:
    """Exit 0 is success, anything else failure; an overrun counts as failure (K-99)."""
    timeout = worker.probe.timeout_seconds * SECOND
    if code == GONE:
        then(Answer(ProbeAnswer.ERROR, EXITED))
    elif kubelet.clock.now - began >= timeout and code == 137:
        command = " ".join(worker.probe.exec.command) if worker.probe.exec else ""
        words = {"command": json.dumps(command, ensure_ascii=False), "timeout": format_duration(timeout)}
        text = kubelet.release.text("probe_command_timed_out").format(**words)
        then(Answer(ProbeAnswer.FAILURE, text, kubelet.clock.now))
    else:
        answer = ProbeAnswer.SUCCESS if code == 0 else ProbeAnswer.FAILURE
        then(Answer(answer, output, None if repeats else kubelet.clock.now))


def _timeout_text(worker: ProbeWorker) -> str:
    """What the kubelet's HTTP client says of an answer that does not come in time."""
    if worker.probe.http_get is not None:
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    return "context deadline exceeded"
