"""A node's machine loses its power and gets it back; a pod loses its sandbox. True whether or not a kubelet looks.

After a reboot containerd finds records of containers whose processes are gone, and calls them exited with 255,
``Unknown``, at the time it found them (containerd ``internal/cri/server/restart.go``: loadContainer).
"""

from __future__ import annotations

from typing import Final

from kubesim.history.records import RuntimeChanged
from kubesim.kubelet.observed import RuntimeState
from kubesim.objects.pod import Pod
from kubesim.scripts import Volume
from kubesim.sim.clock import Clock, ProcessClock
from kubesim.sim.instances import Instance, RuntimePod, Sandbox
from kubesim.sim.runtime import SANDBOX, Runtime

LOST_CODE: Final = 255
LOST_REASON: Final = "Unknown"
KILLED: Final = 137


def power_off(runtime: Runtime) -> None:
    """Every process on the node is gone, the runtime's own included; nothing it had under way goes on."""
    for pod in runtime.pods.values():
        for instance in pod.running():
            if not instance.ended:
                _record(runtime, pod, instance.name, instance.number, LOST_CODE, LOST_REASON, instance.id)
            _lose(instance, runtime)
        for sandbox in pod.sandboxes:
            _end_sandbox(runtime, pod, sandbox)
    runtime.forget_calls()
    runtime.clock.end()


def power_on(runtime: Runtime, clock: Clock, pods: dict[str, Pod]) -> None:
    """The runtime is back and reads its records; volumes in memory are empty."""
    runtime.clock = runtime.execs.clock = ProcessClock(clock)
    for uid, runtime_pod in runtime.pods.items():
        for instance in runtime_pod.instances:
            if instance.exit_code == LOST_CODE and instance.reason == LOST_REASON:
                instance.finished_at = max(instance.finished_at or 0, clock.now)
        for volume in pods[uid].spec.volumes if uid in pods else ():
            if volume.empty_dir is not None and volume.empty_dir.medium == "Memory":
                runtime_pod.volumes[volume.name] = Volume(name=volume.name)


def lose_sandbox(runtime: Runtime, pod: RuntimePod) -> bool:
    """The pod's pause process dies; its containers go on until the kubelet notices. False: there is none."""
    ready = [sandbox for sandbox in pod.sandboxes if sandbox.ready]
    for sandbox in ready:
        _end_sandbox(runtime, pod, sandbox)
    if ready and runtime.listener is not None:
        runtime.listener.noticed(pod.uid)
    return bool(ready)


def _lose(instance: Instance, runtime: Runtime) -> None:
    instance.move(RuntimeState.EXITED, runtime.clock.now)
    instance.exit_code, instance.reason, instance.message = LOST_CODE, LOST_REASON, ""
    instance.finished_at = runtime.clock.now
    instance.ended, instance.ending, instance.wake = True, None, None


def _end_sandbox(runtime: Runtime, pod: RuntimePod, sandbox: Sandbox) -> None:
    if sandbox.ready:
        sandbox.ready = False
        _record(runtime, pod, SANDBOX, sandbox.attempt, KILLED, "", sandbox.id)


def _record(
    runtime: Runtime, pod: RuntimePod, container: str, run: int, code: int, reason: str, container_id: str
) -> None:
    runtime.recorder.record(
        RuntimeChanged(
            at=runtime.clock.now,
            node=runtime.node,
            namespace=pod.namespace,
            pod=pod.name,
            container=container,
            run=run,
            event="exit",
            code=code,
            reason=reason,
            container_id=container_id,
        )
    )
