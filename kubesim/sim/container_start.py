"""Starting one container: back-off, image, create, start, postStart, in that order (K-25 to K-32)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kubesim.history.records import DecidedAction
from kubesim.kubelet.actions import KillReason, Why
from kubesim.kubelet.backoff import crash_backoff_key, crash_backoff_message, garbage_at, start_permitted
from kubesim.kubelet.container_statuses import StartFailure
from kubesim.kubelet.non_root import non_root_problem
from kubesim.kubelet.observed import RuntimeState
from kubesim.kubelet.termination import stop_signal
from kubesim.kubelet.termination_message import FALLBACK, LOG_LINES
from kubesim.objects.pod import Container
from kubesim.sim.hooks import run_hook
from kubesim.sim.identity import identifier
from kubesim.sim.images import ImageProblem
from kubesim.sim.instances import Instance
from kubesim.sim.stopping import ContainerKill
from kubesim.sim.surroundings import ConfigError
from kubesim.units import MILLISECOND, Instant, format_duration

if TYPE_CHECKING:
    from kubesim.sim.sync_pass import SyncPass

Started = Callable[[Container, str, bool, Instant | None], None]
"""Called with the container, its list, whether it failed, and when a back-off expires."""


class ContainerStart:
    """One start attempt; its result goes into the reason cache (S-30)."""

    def __init__(self, sync: SyncPass, container: Container, kind: str, then: Started) -> None:
        self.sync = sync
        self.kubelet = sync.kubelet
        self.pod = sync.pod
        self.container = container
        self.kind = kind
        self.then = then
        self.instance: Instance | None = None

    def begin(self) -> None:
        """Check the crash back-off against what was seen before this pass (K-25, K-52)."""
        kubelet, container = self.kubelet, self.container
        key = crash_backoff_key(self.pod, container, kubelet.release)
        exited = next(
            (
                seen.finished_at
                for seen in self.sync.seen.containers
                if seen.name == container.name and seen.state is RuntimeState.EXITED
            ),
            None,
        )
        now = kubelet.clock.now
        record = kubelet.backoffs.get(key)
        if record is not None and kubelet.housekept_since(garbage_at(record, kubelet.crash_limits)):
            record = None
        decision = start_permitted(record, exited, now, kubelet.crash_limits)
        if decision.record is not None:
            kubelet.backoffs[key] = decision.record
        if decision.permitted:
            kubelet.images.ensure(self.pod, container, self._image_ready)
            return
        text = kubelet.release.text("BackOff").format(
            container=container.name,
            pod=self.pod.metadata.name,
            namespace=self.pod.metadata.namespace,
            uid=self.pod.metadata.uid,
        )
        kubelet.container_event(self.pod, container, "Warning", "BackOff", text)
        left = format_duration((decision.until - now) // MILLISECOND * MILLISECOND)
        why = Why(f"in back-off of {format_duration(decision.delay)} since it ended, {left} left", ("K-25", "K-61"))
        action = DecidedAction(do="hold back", container=container.name, why=why.text, rules=why.rules)
        kubelet.record_decision(self.pod, "SyncPod", (action,), why)
        message = crash_backoff_message(decision.delay, container.name, self.pod, kubelet.release)
        self._fail("CrashLoopBackOff", message, retry_at=decision.until)

    def _image_ready(self, problem: ImageProblem | None) -> None:
        """The image is on the node, or the start fails with the image's reason (K-26 to K-29)."""
        if problem is not None:
            self._fail(problem.reason, problem.message)
            return
        self.kubelet.clock.after(self.kubelet.timing.latency("create-container"), self._create)

    def _create(self) -> None:
        """Make the instance; a missing ConfigMap or key fails it without leaving one behind (K-30)."""
        kubelet, container = self.kubelet, self.container
        runtime_pod = kubelet.runtime.pod(self.sync.uid)
        before = self.sync.seen.current(container.name)
        root = non_root_problem(self.pod, container, kubelet.images.user_of(container.image))
        if root is not None:
            self._refuse("CreateContainerConfigError", root)
            return
        try:
            machine = kubelet.new_machine(self.pod, container, runtime_pod)
        except ConfigError as problem:
            self._refuse("CreateContainerConfigError", str(problem))
            return
        number = runtime_pod.next_run(container.name)
        self.instance = Instance(
            id=identifier(self.sync.uid, self.sync.sandbox_id, container.name, number),
            name=container.name,
            pod_uid=self.sync.uid,
            sandbox_id=self.sync.sandbox_id,
            number=number,
            restart_count=runtime_pod.count_by_log(container.name) if before is None else before.restart_count + 1,
            definition=kubelet.definitions(self.pod)[container.name],
            image=container.image,
            image_id="sha256:" + identifier("image", container.image),
            created_at=kubelet.clock.now,
            machine=machine,
            log_tail=deque(maxlen=LOG_LINES) if container.termination_message_policy == FALLBACK else None,
            stop_signal=stop_signal(container, machine.image.stop_signal, kubelet.release).removeprefix("SIG"),
        )
        kubelet.runtime.create_container(runtime_pod, self.instance)
        kubelet.container_event(
            self.pod, container, "Normal", "Created", kubelet.release.text("Created").format(container=container.name)
        )
        kubelet.runtime.start_container(runtime_pod, self.instance, self._runs)

    def _runs(self, failure: str) -> None:
        """The process runs, or could not be started (K-31)."""
        if failure:
            self._refuse("RunContainerError", failure)
            return
        kubelet, container = self.kubelet, self.container
        kubelet.container_event(
            self.pod, container, "Normal", "Started", kubelet.release.text("Started").format(container=container.name)
        )
        lifecycle = container.lifecycle
        if lifecycle is None or lifecycle.post_start is None:
            self._succeed()
            return
        run_hook(kubelet, self.pod, container, self._made(), "postStart", lifecycle.post_start, self._post_start_done)

    def _post_start_done(self, failure: str | None) -> None:
        """A failing postStart kills the container, and the start counts as failed (K-32)."""
        if failure is None:
            self._succeed()
            return
        kubelet = self.kubelet
        text = kubelet.release.text("FailedPostStartHook")
        kubelet.container_event(self.pod, self.container, "Warning", "FailedPostStartHook", text)
        ContainerKill(
            kubelet,
            self.pod,
            self.container,
            self._made(),
            partial(self._fail, "PostStartHookError", failure),
            message=kubelet.release.text("Killing_poststart"),
            reason=KillReason.FAILED_POST_START_HOOK,
        ).begin()

    def _made(self) -> Instance:
        if self.instance is None:
            raise RuntimeError("a container is started only after it was created")
        return self.instance

    def _refuse(self, reason: str, message: str) -> None:
        text = self.kubelet.release.text("Failed").format(message=message)
        self.kubelet.container_event(self.pod, self.container, "Warning", "Failed", text)
        self._fail(reason, message)

    def _fail(self, reason: str, message: str, retry_at: Instant | None = None) -> None:
        self.kubelet.start_failures.setdefault(self.sync.uid, {})[self.container.name] = StartFailure(reason, message)
        self.then(self.container, self.kind, True, retry_at)

    def _succeed(self) -> None:
        self.kubelet.start_failures.get(self.sync.uid, {}).pop(self.container.name, None)
        self.then(self.container, self.kind, False, None)
