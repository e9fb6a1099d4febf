"""Records of dead containers, and when they go: only the newest of each container is kept (K-19i, K-20)."""

from __future__ import annotations

from kubesim.kubelet.observed import Observed, RuntimeState
from kubesim.objects.pod import Pod
from kubesim.sim.clock import Clock
from kubesim.sim.instances import RuntimePod
from kubesim.sim.runtime import Runtime
from kubesim.sim.timing import Timing

_ENDED = (RuntimeState.EXITED, RuntimeState.UNKNOWN)


class DeadContainers:
    """Removes the runtime's records that the kubelet does not keep."""

    def __init__(self, clock: Clock, timing: Timing, runtime: Runtime) -> None:
        self.clock = clock
        self.timing = timing
        self.runtime = runtime

    def purge_inits(self, pod: Pod) -> None:
        """A new sandbox: every record of an init container goes (K-20)."""
        names = {entry.name for entry in pod.spec.init_containers}
        runtime_pod = self.runtime.pod(pod.metadata.uid)
        for instance in [entry for entry in runtime_pod.instances if entry.name in names]:
            runtime_pod.runs.pop(instance.name, None)
            self.runtime.remove_container(runtime_pod, instance)

    def prune_inits(self, pod: Pod, seen: Observed) -> None:
        """Before starts: of each init container only the newest ended record is kept, of those seen (K-20.4)."""
        uid = pod.metadata.uid
        for entry in pod.spec.init_containers:
            ended = [one for one in seen.containers if one.name == entry.name and one.state in _ENDED]
            for older in ended[1:]:
                instance = self.runtime.instance(uid, older.id)
                if instance is not None:
                    self.runtime.remove_container(self.runtime.pod(uid), instance)

    def clean_up_after(self, uid: str, container_id: str, *, keep: int = 1) -> None:
        """A container died: older dead instances of the same name are removed, one is kept (K-19i).

        Of an evicted pod none is kept, so that its status may no longer be known when it is last written (FINDINGS 61;
        ``pod_workers.go``: ShouldPodContentBeRemoved).
        """
        instance = self.runtime.instance(uid, container_id)
        if instance is not None:
            delay = self.timing.latency("remove-container")
            self.clock.after(delay, self._keep_newest_dead, self.runtime.pod(uid), instance.name, keep)

    def _keep_newest_dead(self, runtime_pod: RuntimePod, name: str, keep: int) -> None:
        dead = [entry for entry in runtime_pod.instances if entry.name == name and entry.state is RuntimeState.EXITED]
        for instance in dead[: len(dead) - keep]:
            self.runtime.remove_container(runtime_pod, instance)
