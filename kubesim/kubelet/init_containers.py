"""Init containers and sidecars: which are started or killed, and whether the mains may be looked at (K-41 to K-49b).

Source: ``kuberuntime_container.go`` computeInitContainerActions, 1.28 to 1.36. The path of pods without sidecars in
older releases is in :mod:`kubesim.kubelet.init_containers_legacy`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kubesim.kubelet.actions import Kill, KillReason, Start, Why
from kubesim.kubelet.observed import Observed, ObservedContainer, ProbeResult, ProbeResults, RuntimeState
from kubesim.kubelet.restart import restart_after_exit, restart_policy
from kubesim.objects.pod import Container, Pod, is_sidecar
from kubesim.releases import Release


class InitActions(msgspec.Struct, frozen=True):
    """What initialization asks for. ``done``: the mains may be looked at; ``kill_pod``: the pod has failed."""

    why: Why
    done: bool = False
    kill_pod: bool = False
    to_start: tuple[Start, ...] = ()
    kills: tuple[Kill, ...] = ()


class _Entry(msgspec.Struct, frozen=True):
    """What one entry of the list asks for. ``releases``: the entry after it may start, or the mains if it is last."""

    why: Why
    restart: Why | None = None
    kill: Kill | None = None
    releases: bool = False
    kill_pod: bool = False


def init_actions(pod: Pod, seen: Observed, probes: ProbeResults, release: Release) -> InitActions:
    """Starts and kills among the init entries, walking from the last to the first (K-41).

    Backwards, because only the frontier (the last entry that has a status) may release the next one; everything
    before it has been initialized already, of which only sidecars are kept running (K-43).
    """
    entries = pod.spec.init_containers
    if not entries:
        return InitActions(done=True, why=Why("the pod has no init containers", ("K-41",)))
    done = previously = pod_counts_as_initialized(pod, seen, release)
    why = Why("a main container shows that the pod was initialized", ("K-41",))
    starts: list[tuple[int, Why]] = []
    kills: list[Kill] = []
    for index in reversed(range(len(entries))):
        container, status = entries[index], seen.current(entries[index].name)
        if status is None:
            if previously and is_sidecar(container):
                starts.append((index, Why(f"sidecar {container.name} has no record although it ran", ("K-41",))))
            continue
        if previously and not is_sidecar(container):
            continue
        entry = _entry(container, status, pod, probes, release)
        if entry.kill is not None:
            kills.append(entry.kill)
        if entry.kill_pod:
            return InitActions(kill_pod=True, kills=tuple(kills), why=entry.why)
        if entry.restart is not None:
            starts.append((index, entry.restart))
        if entry.releases and index == len(entries) - 1:
            done = True
        elif entry.releases and not previously:
            starts.append((index + 1, entry.why))
        if not previously:
            previously, why = True, entry.why
    if not previously:
        why = Why("no init container has run", ("K-41",))
        starts.append((0, why))
    to_start = tuple(Start(entries[index].name, reason) for index, reason in sorted(starts, key=lambda pair: pair[0]))
    return InitActions(done=done, to_start=to_start, kills=tuple(kills), why=why)


def pod_counts_as_initialized(pod: Pod, seen: Observed, release: Release) -> bool:
    """Whether some main's state proves that initialization was finished (K-41, K-47).

    Created or Running prove it; Exited only where the policy says so (1.28): after a reboot the exit records of the
    old sandbox are still there.
    """
    proofs = [RuntimeState.CREATED, RuntimeState.RUNNING]
    if release.policy("exited_main_counts_as_initialized"):
        proofs.append(RuntimeState.EXITED)
    for main in pod.spec.containers:
        status = seen.current(main.name)
        if status is not None and status.state in proofs:
            return True
    return False


def init_container_failed(status: ObservedContainer) -> bool:
    """Whether a plain init's last run failed: exited not 0, or OOM killed whatever the code (K-40, K-41)."""
    return status.reason == "OOMKilled" or (status.state is RuntimeState.EXITED and status.exit_code != 0)


def unknown_init_kill(status: ObservedContainer, rules: tuple[str, ...], release: Release) -> Kill:
    """The kill that precedes the new start of an init container in unknown state (K-40, K-41)."""
    message = release.text("Killing_init_unknown")
    why = Why("its state at the runtime is unknown", rules)
    return Kill(status.id, status.name, KillReason.UNKNOWN, message, restart=True, why=why)


def _entry(container: Container, status: ObservedContainer, pod: Pod, probes: ProbeResults, release: Release) -> _Entry:
    """What an entry with a status asks for: one row of the table of K-41."""
    match status.state:
        case RuntimeState.CREATED:
            why = Why(f"init container {container.name} was created but not started", ("K-41",))
            return _Entry(why, restart=None if release.has_bug("created_init_left_alone") else why)
        case RuntimeState.RUNNING if is_sidecar(container):
            return _running_sidecar(container, status, probes, release)
        case RuntimeState.RUNNING:
            return _Entry(Why(f"init container {container.name} is running", ("K-41",)))
        case RuntimeState.EXITED if is_sidecar(container):
            why = Why(f"sidecar {container.name} exited; sidecars always restart", ("K-41", "K-45"))
            return _Entry(why, restart=why)
        case RuntimeState.EXITED:
            return _exited_init(container, status, pod, release)
        case _:
            return _unknown_init(container, status, pod, release)


def _running_sidecar(container: Container, status: ObservedContainer, probes: ProbeResults, release: Release) -> _Entry:
    """A running sidecar releases the next entry once started; probes and a new definition restart it (K-41, K-42)."""
    name = container.name
    if container.startup_probe is not None:
        match probes.startup.get(status.id):
            case ProbeResult.SUCCESS:
                pass
            case ProbeResult.FAILURE:
                return _killed_sidecar(status, KillReason.STARTUP_PROBE, release, releases=False)
            case _:
                return _Entry(Why(f"sidecar {name} waits for its startup probe", ("K-41", "K-42")))
    if status.definition_changed and release.policy("sidecar_definition_change_kills"):
        return _killed_sidecar(status, KillReason.OTHER, release, releases=True)
    if container.liveness_probe is not None and probes.liveness.get(status.id) is ProbeResult.FAILURE:
        return _killed_sidecar(status, KillReason.LIVENESS_PROBE, release, releases=True)
    return _Entry(Why(f"sidecar {name} is running and started", ("K-41", "K-42")), releases=True)


_SIDECAR_KILL_TEXTS: Final = {
    KillReason.STARTUP_PROBE: "Killing_init_startup",
    KillReason.OTHER: "Killing_init_definition",
    KillReason.LIVENESS_PROBE: "Killing_init_liveness",
}


def _killed_sidecar(status: ObservedContainer, reason: KillReason, release: Release, *, releases: bool) -> _Entry:
    """A sidecar killed and started in one pass; its message never says that it will be restarted (K-51)."""
    message = release.text(_SIDECAR_KILL_TEXTS[reason]).format(container=status.name)
    why = Why(message, ("K-41", "K-51"))
    kill = Kill(status.id, status.name, reason, message, restart=True, why=why)
    return _Entry(why, restart=why, kill=kill, releases=releases)


def _exited_init(container: Container, status: ObservedContainer, pod: Pod, release: Release) -> _Entry:
    """A plain init that ended: succeeded releases the next, failed is retried or ends the pod (K-41, K-46, K-69)."""
    if not init_container_failed(status):
        return _Entry(Why(f"init container {container.name} succeeded", ("K-41",)), releases=True)
    if (again := _retry(container, status, pod, release)) is not None:
        return _Entry(again, restart=again)
    return _Entry(Why(f"init container {container.name} failed for good", ("K-41", "K-69")), kill_pod=True)


def _retry(container: Container, status: ObservedContainer, pod: Pod, release: Release) -> Why | None:
    """Why a failed plain init is retried. The restart rules also ask for the exit code and the deletion (K-120)."""
    if release.policy("failed_init_judged_by_restart_logic"):
        if pod.metadata.deletion_timestamp is not None:
            return None
        return restart_after_exit(container, pod.spec, status.exit_code, release)
    if pod.spec.restart_policy == "Never":
        return None
    return Why(f"init container {container.name} failed and is retried", ("K-41", "K-46"))


def _unknown_init(container: Container, status: ObservedContainer, pod: Pod, release: Release) -> _Entry:
    """An entry in unknown state is killed and started again; a plain init under Never ends the pod (K-41)."""
    if not is_sidecar(container) and restart_policy(container, pod.spec, release) == "Never":
        return _Entry(Why(f"the state of init container {container.name} is unknown", ("K-41",)), kill_pod=True)
    kill = unknown_init_kill(status, ("K-41",), release)
    return _Entry(kill.why, restart=kill.why, kill=kill)
