"""The container runtime of one node: sandboxes, containers, signals, execs. Each call takes its time, then calls back.

What happens here is true whether or not the kubelet has noticed. Exit reasons follow containerd (K-90, K-91): 0
``Completed``, otherwise ``Error``; a process that cannot be started leaves an instance with 128 ``StartError``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kubesim.history.records import OutputWritten, RuntimeChanged
from kubesim.kubelet.observed import Observed, RuntimeState
from kubesim.kubelet.termination_message import termination_message
from kubesim.scripts import (
    Assumed,
    Effect,
    ExecExited,
    Exited,
    FilesChanged,
    OutOfMemory,
    Output,
    StartFailure,
    Volume,
)
from kubesim.sim.answers import Handler, Reply, question, refusal
from kubesim.sim.clock import ProcessClock, Timer
from kubesim.sim.execs import Execs
from kubesim.sim.identity import identifier
from kubesim.sim.instances import Instance, RuntimePod, Sandbox
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.units import SECOND

SANDBOX = "(sandbox)"
_CANNOT_START = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: {reason}: unknown"
)
_NOT_STARTED = 126
"""The code of an exec whose command cannot be started."""


class RuntimeListener(Protocol):
    """Who is told that something about a pod changed in the runtime (the PLEG will see it at its next look)."""

    def noticed(self, uid: str) -> None: ...

    def world_changed(self, uid: str, container: str) -> None: ...

    def files_changed(self, uid: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Return:
    """A call's way back: a kubelet that has ended since hears nothing."""

    runtime: Runtime
    client: int
    then: Callable[..., None]

    def __call__(self, *values: Any) -> None:
        if self.runtime.client == self.client:
            self.then(*values)


@dataclass(slots=True)
class _Stop:
    """A StopContainer call under way."""

    instance: Instance
    then: Callable[[], None]
    kill: Timer | None = None


class Runtime:
    """One node's runtime. ``listener`` and ``file_watcher`` are set by the kubelet that owns it."""

    def __init__(self, node: str, clock: ProcessClock, timing: Timing, recorder: Recorder) -> None:
        self.node = node
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.pods: dict[str, RuntimePod] = {}
        self.listener: RuntimeListener | None = None
        self._stops: dict[str, list[_Stop]] = {}
        self.execs = Execs(node, clock, timing, recorder, self)
        self._next_ip = 2
        self.client = 0
        """Counts the kubelets that this runtime has had."""
        self.starts_that_fail: dict[tuple[str, str, str], str] = {}
        """Namespace, pod and container whose next start fails, and what the call returns then (a stimulus)."""
        self.watched: set[tuple[str, str]] = set()
        """Containers whose every change is told to the listener, once."""

    # -- what the kubelet can ask ---------------------------------------------------------------------------------

    def pod(self, uid: str, namespace: str = "", name: str = "") -> RuntimePod:
        """The runtime's record of the pod, made on first use."""
        if uid not in self.pods:
            self.pods[uid] = RuntimePod(uid, namespace, name)
        return self.pods[uid]

    def observe(self, uid: str) -> Observed:
        """What the runtime reports of the pod now."""
        return self.pods[uid].observe() if uid in self.pods else Observed()

    def states(self, uid: str) -> dict[str, RuntimeState]:
        """One listing of the pod's sandboxes and containers."""
        return self.pods[uid].states() if uid in self.pods else {}

    def instance(self, uid: str, container_id: str) -> Instance | None:
        """The instance with that id, or None if its record was removed."""
        return next((entry for entry in self.instances(uid) if entry.id == container_id), None)

    def instances(self, uid: str) -> Sequence[Instance]:
        """All that is there of the pod's containers, oldest first."""
        pod = self.pods.get(uid)
        return pod.instances if pod is not None else ()

    def forget_calls(self) -> None:
        """The runtime itself has ended: no call of before returns."""
        self._stops.clear()
        self.execs.forget()

    def returning(self, then: Callable[..., None]) -> Callable[..., None]:
        """The way back to the kubelet that makes a call now."""
        return _Return(self, self.client, then)

    # -- sandboxes ------------------------------------------------------------------------------------------------

    def run_sandbox(self, pod: RuntimePod, attempt: int, host_network: bool, then: Callable[[Sandbox], None]) -> None:
        """RunPodSandbox: the pause process starts, then the call returns."""
        back = self.returning(then)
        self.clock.after(self.timing.latency("sandbox-start"), self._sandbox_runs, pod, attempt, host_network, back)

    def _sandbox_runs(self, pod: RuntimePod, attempt: int, host_network: bool, then: Callable[[Sandbox], None]) -> None:
        ip = f"10.244.{self._next_ip // 250}.{self._next_ip % 250}"
        self._next_ip += 1
        sandbox = Sandbox(identifier(pod.uid, SANDBOX, attempt), attempt, ip, host_network, self.clock.now)
        pod.sandboxes.append(sandbox)
        self._record(pod, SANDBOX, attempt, "start", container_id=sandbox.id)
        self._changed(pod.uid)
        self.clock.after(self.timing.latency("sandbox-rest"), then, sandbox)

    def stop_sandbox(self, pod: RuntimePod, then: Callable[[], None]) -> None:
        """StopPodSandbox for every ready sandbox of the pod, then the call returns."""
        ready = [sandbox for sandbox in pod.sandboxes if sandbox.ready]
        if not ready:
            then()
            return
        self.clock.after(self.timing.latency("sandbox-stop"), self._sandboxes_stop, pod, ready, self.returning(then))

    def _sandboxes_stop(self, pod: RuntimePod, sandboxes: list[Sandbox], then: Callable[[], None]) -> None:
        for sandbox in sandboxes:
            if sandbox.ready:
                sandbox.ready = False
                self._record(pod, SANDBOX, sandbox.attempt, "exit", code=137, container_id=sandbox.id)
        for instance in pod.running():
            if instance.lives:
                self.apply(pod, instance, instance.machine.signal(self.clock.now, "KILL"))
        self._changed(pod.uid)
        self.clock.after(self.timing.latency("sandbox-stop-rest"), then)

    # -- containers -----------------------------------------------------------------------------------------------

    def create_container(self, pod: RuntimePod, instance: Instance) -> None:
        """CreateContainer has returned: the instance exists and does not run yet."""
        pod.instances.append(instance)
        self._changed(pod.uid)

    def start_container(self, pod: RuntimePod, instance: Instance, then: Callable[[str], None]) -> None:
        """StartContainer: ``then`` gets the empty string, or the runtime's message when it cannot be started."""
        back = self.returning(then)
        self.clock.after(self.timing.latency("start-container"), self._container_runs, pod, instance, back)

    def _container_runs(self, pod: RuntimePod, instance: Instance, then: Callable[[str], None]) -> None:
        now = self.clock.now
        given_up = self.starts_that_fail.pop((pod.namespace, pod.name, instance.name), None)
        if given_up is not None:
            self.clock.after(self.timing.latency("start-rest"), then, given_up)
            return
        effects = instance.machine.start(now)
        failure = next((effect for effect in effects if isinstance(effect, StartFailure)), None)
        if failure is not None:
            message = _CANNOT_START.format(reason=failure.message)
            self._fail_to_start(pod, instance, message)
            self.clock.after(self.timing.latency("start-rest"), then, message)
            return
        instance.move(RuntimeState.RUNNING, now)
        instance.started_at = now
        self._record(pod, instance.name, instance.number, "start", container_id=instance.id)
        self.apply(pod, instance, effects)
        self._changed(pod.uid)
        self.clock.after(self.timing.latency("start-rest"), then, "")

    def _fail_to_start(self, pod: RuntimePod, instance: Instance, message: str) -> None:
        instance.move(RuntimeState.EXITED, self.clock.now)
        instance.exit_code, instance.reason, instance.message = 128, "StartError", message
        instance.finished_at = self.clock.now
        self._changed(pod.uid)

    def stop_container(self, pod: RuntimePod, instance: Instance, grace: int, then: Callable[[], None]) -> None:
        """StopContainer: stop signal now, SIGKILL after ``grace`` seconds; ``then`` when the process is gone.

        A container that has ended already gets no signal and the call returns at once (it is still recorded).
        """
        back = self.returning(then)
        self.clock.after(self.timing.latency("stop-call"), self._stop_arrives, pod, instance, grace, back)

    def _stop_arrives(self, pod: RuntimePod, instance: Instance, grace: int, then: Callable[[], None]) -> None:
        self._record(pod, instance.name, instance.number, "stop", grace=grace, container_id=instance.id)
        if instance.state is not RuntimeState.RUNNING:
            then()
            return
        stop = _Stop(instance, then)
        self._stops.setdefault(instance.id, []).append(stop)
        if instance.ended:
            return
        self.clock.after(self.timing.latency("signal"), self._send, pod, instance, instance.stop_signal)
        lag = self.timing.latency("kill-lag")
        stop.kill = self.clock.after(grace * SECOND + lag, self._send, pod, instance, "KILL")

    def kill(self, pod: RuntimePod, instance: Instance, signal: str) -> None:
        """A signal from outside the kubelet (a stimulus)."""
        self._send(pod, instance, signal)

    def _send(self, pod: RuntimePod, instance: Instance, signal: str) -> None:
        if instance.state is not RuntimeState.RUNNING:
            return
        self._record(pod, instance.name, instance.number, "signal", signal=signal, container_id=instance.id)
        if instance.ended:
            return
        if instance.ending is None:
            self.apply(pod, instance, instance.machine.signal(self.clock.now, signal))
        elif signal == "KILL" and instance.ending.live:
            instance.ending.cancel()
            self._exits(pod, instance, Exited(self.clock.now, 137, "KILL"))

    def remove_container(self, pod: RuntimePod, instance: Instance, *, keep_log: bool = False) -> None:
        """The record of a dead instance is gone; its files with it, and its log unless it is kept."""
        if instance in pod.instances:
            pod.instances.remove(instance)
            if keep_log:
                pod.logs_kept[instance.name] = max(pod.logs_kept.get(instance.name, 0), instance.restart_count)
            self._changed(pod.uid)

    def remove_pod(self, uid: str) -> None:
        """Nothing is left of the pod."""
        self.pods.pop(uid, None)

    # -- questions and stimuli ------------------------------------------------------------------------------------

    def ask(self, pod: RuntimePod, instance: Instance, purpose: str, handler: Handler | None) -> Reply:
        """What the container's processes answer to an httpGet, tcpSocket or grpc probe or hook right now."""
        self.touch(pod, instance)
        answer = instance.machine.probe(self.clock.now, purpose, question(handler))
        if answer.assumed:
            self.recorder.assume(self.clock.now, f"{pod.name}/{instance.name}", answer.assumed)
        text = "" if answer.passes else refusal(answer.text, pod, handler)
        return Reply(answer.passes, text, self.timing.latency("probe"), answer.until)

    def listens(self, uid: str, port: int) -> bool:
        """Whether any container of the pod answers on a port now: they share one network."""
        question = {"type": "tcpSocket", "port": port}
        lively = [one for one in self.instances(uid) if one.lives]
        return any(one.machine.probe(self.clock.now, "readiness", question).passes for one in lively)

    def end_from_outside(self, pod: RuntimePod, instance: Instance, signal: str | None, exit_code: int | None) -> None:
        """A stimulus: the container's process 1 gets a signal, or ends by itself with a code."""
        if signal is not None:
            self._send(pod, instance, signal)
        elif instance.lives:
            self.apply(pod, instance, instance.machine.end(self.clock.now, exit_code or 0))

    # -- driving the processes ------------------------------------------------------------------------------------

    def touch(self, pod: RuntimePod, instance: Instance) -> None:
        """Let the container's processes run up to now (before something reads their files)."""
        if instance.lives:
            self.apply(pod, instance, instance.machine.advance(self.clock.now))

    def _wake(self, pod: RuntimePod, instance: Instance) -> None:
        instance.wake = None
        self.touch(pod, instance)

    def apply(self, pod: RuntimePod, instance: Instance, effects: list[Effect]) -> None:
        """Carry out what the container's processes did."""
        for effect in effects:
            match effect:
                case Output():
                    if instance.log_tail is not None:
                        instance.log_tail.append(effect.line)
                    self.recorder.record(
                        OutputWritten(
                            at=effect.at,
                            namespace=pod.namespace,
                            pod=pod.name,
                            container=instance.name,
                            run=instance.number,
                            line=effect.line,
                            stream=effect.stream,
                        )
                    )
                case ExecExited():
                    self.execs.ended(pod, instance, effect)
                case StartFailure(exec_id=int(number)):
                    self.execs.ended(pod, instance, ExecExited(effect.at, number, _NOT_STARTED, effect.message))
                case FilesChanged():
                    self._files_changed(pod, instance, effect)
                case Assumed():
                    self.recorder.assume(effect.at, f"{pod.name}/{instance.name}", effect.text)
                case OutOfMemory():
                    instance.out_of_memory = True
                    self._record(pod, instance.name, instance.number, "oom", container_id=instance.id)
                case Exited():
                    instance.ending = self.clock.after(
                        self.timing.latency("exit-lag"), self._exits, pod, instance, effect
                    )
        self._tell_watcher(instance)
        self._rearm(pod, instance)

    def _tell_watcher(self, instance: Instance) -> None:
        """A resting probe hears of the first change in its container."""
        machine = instance.machine
        world = (machine.kernel.files.version(), len(machine.kernel.processes) - len(machine.kernel.execs))
        if world != instance.world:
            if world[0] != instance.world[0] and self.listener is not None:
                self.listener.files_changed(instance.pod_uid)
            instance.world = world
            if (instance.pod_uid, instance.name) in self.watched and self.listener is not None:
                self.clock.at(self.clock.now, self.listener.world_changed, instance.pod_uid, instance.name)

    def _rearm(self, pod: RuntimePod, instance: Instance) -> None:
        due = instance.machine.next_instant() if instance.lives else None
        if instance.wake is not None:
            if instance.wake.live and instance.wake.instant == due:
                return
            instance.wake.cancel()
            instance.wake = None
        if due is not None:
            instance.wake = self.clock.at(due, self._wake, pod, instance)

    def _files_changed(self, pod: RuntimePod, instance: Instance, effect: FilesChanged) -> None:
        for other_pod in self.pods.values():
            for other in other_pod.running():
                if other is not instance and _mounts(other, effect.volume):
                    self.clock.at(self.clock.now, self._look_at_files, other_pod, other)

    def _look_at_files(self, pod: RuntimePod, instance: Instance) -> None:
        if instance.lives:
            self.apply(pod, instance, instance.machine.files_changed(self.clock.now))

    def _exits(self, pod: RuntimePod, instance: Instance, effect: Exited) -> None:
        instance.ended = True
        instance.exit_code = effect.code
        instance.reason = "OOMKilled" if instance.out_of_memory else "Completed" if effect.code == 0 else "Error"
        written = instance.machine.termination_message()
        instance.message = termination_message(written, effect.code, instance.log_tail)
        instance.finished_at = self.clock.now
        self._record(
            pod,
            instance.name,
            instance.number,
            "exit",
            code=effect.code,
            reason=instance.reason,
            container_id=instance.id,
        )
        self.clock.after(self.timing.latency("exit-seen"), self._exit_seen, pod, instance)
        self.execs.container_ended(pod, instance)

    def _exit_seen(self, pod: RuntimePod, instance: Instance) -> None:
        """The runtime has noticed that the process is gone: from now on it reports so, and StopContainer returns."""
        instance.move(RuntimeState.EXITED, self.clock.now)
        self._changed(pod.uid)
        for stop in self._stops.pop(instance.id, []):
            if stop.kill is not None:
                stop.kill.cancel()
            self.clock.after(self.timing.latency("stop-return"), stop.then)

    # -- records --------------------------------------------------------------------------------------------------

    def _changed(self, uid: str) -> None:
        if self.listener is not None:
            self.listener.noticed(uid)

    def _record(
        self,
        pod: RuntimePod,
        container: str,
        run: int,
        event: str,
        *,
        code: int | None = None,
        grace: int | None = None,
        signal: str = "",
        reason: str = "",
        container_id: str = "",
    ) -> None:
        self.recorder.record(
            RuntimeChanged(
                at=self.clock.now,
                node=self.node,
                namespace=pod.namespace,
                pod=pod.name,
                container=container,
                run=run,
                event=event,
                code=code,
                grace=grace,
                signal=signal,
                reason=reason,
                container_id=container_id,
            )
        )


def _mounts(instance: Instance, volume: Volume) -> bool:
    return any(mount.volume is volume for mount in instance.machine.kernel.files.mounts.values())
