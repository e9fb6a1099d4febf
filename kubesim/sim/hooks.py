"""Lifecycle hooks: postStart and preStop, by exec, httpGet, tcpSocket or sleep (K-107 to K-110)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kubesim.objects.pod import Container, LifecycleHandler, Pod
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
    """Run the handler; ``then`` gets None when it succeeded, else the failure in words."""
    runtime_pod = kubelet.runtime.pod(pod.metadata.uid)
    if handler is None:
        then(None)
    elif handler.exec is not None:
        done = partial(_exec_done, then)
        kubelet.runtime.exec(runtime_pod, instance, handler.exec.command, purpose, done)
    elif handler.sleep is not None:
        if kubelet.release.enabled("PodLifecycleSleepAction"):
            kubelet.clock.after(handler.sleep.seconds * SECOND, then, None)
        else:
            then(None)
    else:
        kubelet.runtime.touch(runtime_pod, instance)
        answer = kubelet.runtime.ask(runtime_pod, instance, purpose, handler.http_get or handler.tcp_socket)
        kubelet.clock.after(answer.takes, then, None if answer.success else answer.output)


def _exec_done(then: Callable[[str | None], None], code: int, output: str) -> None:
    then(None if code == 0 else f"exited with {code}: {output}")
