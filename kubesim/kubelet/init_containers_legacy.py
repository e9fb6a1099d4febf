"""Init containers before sidecars existed: which single entry is next, and whether initialization is done (K-40).

A sidecar that reaches this path is treated as a plain init container. Releases: the policy ``init_algorithm`` says for
which pods. Source: ``kuberuntime_container.go`` findNextInitContainerToRun, 1.27 to 1.33.
"""

from __future__ import annotations

from kubesim.kubelet.actions import Kill, Start, Why
from kubesim.kubelet.init_containers import InitActions, init_container_failed, unknown_init_kill
from kubesim.kubelet.observed import Observed, ObservedContainer, RuntimeState
from kubesim.objects.pod import Pod
from kubesim.releases import Release

_RULE = ("K-40",)


def legacy_init_actions(pod: Pod, seen: Observed, release: Release) -> InitActions:
    """The next init container to start, if any, and whether all are done (K-40). At most one start per pass."""
    entries = pod.spec.init_containers
    if not entries:
        return InitActions(done=True, why=Why("the pod has no init containers", _RULE))
    if any(_runs(seen.current(main.name)) for main in pod.spec.containers):
        return InitActions(done=True, why=Why("a main container is running", _RULE))
    statuses = [seen.current(entry.name) for entry in entries]
    for index in reversed(range(len(entries))):
        status = statuses[index]
        if status is not None and (init_container_failed(status) or status.state is RuntimeState.UNKNOWN):
            return _retry(pod, status, release)
    for index in reversed(range(len(entries))):
        status = statuses[index]
        if status is None:
            continue
        if status.state is RuntimeState.RUNNING:
            return InitActions(why=Why(f"init container {status.name} is running", _RULE))
        if status.state is RuntimeState.EXITED:
            why = Why(f"init container {status.name} succeeded", _RULE)
            if index == len(entries) - 1:
                return InitActions(done=True, why=why)
            return InitActions(to_start=(Start(entries[index + 1].name, why),), why=why)
    why = Why("no init container has run", _RULE)
    return InitActions(to_start=(Start(entries[0].name, why),), why=why)


def _retry(pod: Pod, status: ObservedContainer, release: Release) -> InitActions:
    """A failed or unknown entry is started again, or ends the pod under restart policy Never (K-40)."""
    why = Why(f"init container {status.name} failed", _RULE)
    if pod.spec.restart_policy == "Never":
        return InitActions(kill_pod=True, why=why)
    kills: tuple[Kill, ...] = ()
    if status.state is RuntimeState.UNKNOWN:
        kills = (unknown_init_kill(status, _RULE, release),)
    return InitActions(to_start=(Start(status.name, why),), kills=kills, why=why)


def _runs(status: ObservedContainer | None) -> bool:
    return status is not None and status.state is RuntimeState.RUNNING
