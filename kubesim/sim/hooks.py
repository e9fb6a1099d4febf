"""Lifecycle hooks: postStart and preStop, by exec, httpGet, tcpSocket or sleep (K-107 to K-110)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kubesim.objects.pod import Container, LifecycleHandler, Pod
from kubesim.sim.answers import numbered
from kubesim.sim.execs import EXITED, GONE
from kubesim.sim.instances import Instance
from kubesim.units import SECOND

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


def run_hook(
    kubelet: Kubelet,
    pod: Pod,
    container: Container,
    instance: Instance,
    purpose: str,
    handler: LifecycleHandler | None,
    then: Callable[[str | None], None],
) -> None:
    """Run the handler; ``then`` gets None when it succeeded, else the kubelet's message (``lifecycle/handlers.go``)."""
    runtime_pod = kubelet.runtime.pod(pod.metadata.uid)
    place = (
        f'for Container "{container.name}" in Pod "{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"'
    )
    if handler is None:
        then(None)
    elif handler.exec is not None:
        done = partial(_exec_done, handler.exec.command, place, then)
        kubelet.runtime.execs.run(runtime_pod, instance, handler.exec.command, purpose, done)
    elif handler.sleep is not None:
        seconds = handler.sleep.seconds if kubelet.release.enabled("PodLifecycleSleepAction") else 0
        kubelet.clock.after(seconds * SECOND, then, None)
    elif handler.http_get is not None:
        answer = kubelet.runtime.ask(runtime_pod, instance, purpose, numbered(handler.http_get, container))
        failure = f"HTTP lifecycle hook ({handler.http_get.path}) {place} failed - error: {answer.output}"
        kubelet.clock.after(answer.takes, then, None if answer.success else failure)
    else:
        then("Cannot run handler: invalid handler")


def _exec_done(
    command: tuple[str, ...], place: str, then: Callable[[str | None], None], code: int, output: str, _repeats: bool
) -> None:
    if code == 0:
        then(None)
        return
    words = " ".join(command)
    error = EXITED if code == GONE else f"command '{words}' exited with {code}: "
    then(f"Exec lifecycle hook ([{words}]) {place} failed - error: {error}, message: {json.dumps(output)}")
