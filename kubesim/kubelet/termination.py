"""How long a pod and each of its containers get to stop, and in which order (K-6, K-70 to K-80).

The shell acts in this order for every container that is stopped: emit the Event Killing (K-71), run preStop for at most
:attr:`ContainerStop.pre_stop_limit`, wait for the turn for at most :attr:`ContainerStop.turn_limit`, then ask the
runtime to stop it with :attr:`ContainerStop.stop_grace_seconds`. When a whole pod is stopped all its running
containers do this in parallel (K-73), so every Killing Event and every preStop hook comes at once; only the turn
makes sidecars wait. Nothing is started again meanwhile (K-81, K-82).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from kubesim.kubelet.actions import KillReason, Why
from kubesim.objects.pod import Container, Pod, Probe, has_sidecar, is_sidecar
from kubesim.releases import Release
from kubesim.units import SECOND, Duration


class EffectiveGrace(msgspec.Struct, frozen=True):
    """The grace of a terminating pod in seconds. ``shortened``: a stop that is under way must be told (K-5, K-7)."""

    seconds: int
    shortened: bool


def effective_grace(
    *, deletion_seconds: int | None, spec_seconds: int | None, remembered: int, override: int | None, release: Release
) -> EffectiveGrace:
    """The grace of a pod that is being terminated (K-6); seconds throughout, it can only shrink.

    ``remembered``: the value decided before, 0 for none. ``override``: of the kill request, such as an eviction.
    Source: ``pod_workers.go`` calculateEffectiveGracePeriod.
    """
    grace, taken = remembered, False
    for wanted in (deletion_seconds, override):
        if wanted is not None and (grace == 0 or wanted < grace):
            grace, taken = wanted, True
    zero_is_unset = not taken or release.has_bug("explicit_zero_grace_is_full_grace")
    if grace == 0 and zero_is_unset and spec_seconds is not None:
        grace = spec_seconds
    grace = max(grace, release.constant("minimum_effective_grace_seconds"))
    return EffectiveGrace(grace, shortened=remembered not in (0, grace))


def container_grace_seconds(container: Container, pod: Pod, reason: KillReason, release: Release) -> int:
    """The grace of one container before any override (K-70.2 to K-70.4); may be 0.

    Source: ``kuberuntime_container.go`` setTerminationGracePeriod.
    """
    if pod.metadata.deletion_grace_period_seconds is not None:
        return pod.metadata.deletion_grace_period_seconds
    if pod.spec.termination_grace_period_seconds is None:
        return release.constant("minimum_stop_grace_seconds")
    probe = _probe_behind(container, reason) if release.policy("probe_grace_period_counts") else None
    if probe is not None and probe.termination_grace_period_seconds is not None:
        return probe.termination_grace_period_seconds
    return pod.spec.termination_grace_period_seconds


def _probe_behind(container: Container, reason: KillReason) -> Probe | None:
    match reason:
        case KillReason.LIVENESS_PROBE:
            return container.liveness_probe
        case KillReason.STARTUP_PROBE:
            return container.startup_probe
        case _:
            return None


class ContainerStop(msgspec.Struct, frozen=True):
    """What is left of one container's stop; each step gives the next. Grace in whole seconds, limits in nanoseconds.

    ``final_seconds`` is the grace that replaces all arithmetic at the end (1.27 with an override), else None.
    """

    grace_seconds: int
    minimum_seconds: int
    has_pre_stop: bool
    waits_for_turn: bool
    final_seconds: int | None = None

    @property
    def pre_stop_limit(self) -> Duration | None:
        """How long preStop may run; None: it is not run. A hook that overruns goes on, but is waited for no more."""
        return self.grace_seconds * SECOND if self.has_pre_stop and self.grace_seconds > 0 else None

    def after_pre_stop(self, elapsed: Duration) -> ContainerStop:
        """The stop after preStop ended, failed or ran out of time; takes off whole seconds, rounded down (K-72)."""
        return replace(self, grace_seconds=self.grace_seconds - elapsed // SECOND, has_pre_stop=False)

    @property
    def turn_limit(self) -> Duration | None:
        """How long to wait for the turn; None: it is not waited for (K-77). Asked after preStop."""
        return self.grace_seconds * SECOND if self.waits_for_turn and self.grace_seconds > 0 else None

    def after_turn(self, waited: Duration) -> ContainerStop:
        """The stop after its turn came or the limit passed; takes off whole seconds, rounded down (K-72)."""
        return replace(self, grace_seconds=self.grace_seconds - waited // SECOND, waits_for_turn=False)

    @property
    def stop_grace_seconds(self) -> int:
        """The time the runtime gives between stop signal and SIGKILL; asked after preStop and turn (K-72)."""
        if self.final_seconds is not None:
            return self.final_seconds
        return max(self.grace_seconds, self.minimum_seconds)


def container_stop(
    container: Container,
    pod: Pod,
    release: Release,
    *,
    reason: KillReason = KillReason.OTHER,
    override_seconds: int | None = None,
    waits_for_turn: bool = False,
) -> ContainerStop:
    """The stop of one container from its beginning (K-70, K-72).

    ``override_seconds``: the effective grace while the pod terminates, 0 for a reset, None for natural completion and
    kills of single containers. ``waits_for_turn``: it has an entry in :func:`prerequisites`.
    Source: ``kuberuntime_container.go`` killContainer.
    """
    grace = container_grace_seconds(container, pod, reason, release)
    override_last = release.policy("kill_budget") == "override_last"
    if override_seconds is not None and not override_last:
        grace = override_seconds
    return ContainerStop(
        grace_seconds=grace,
        minimum_seconds=release.constant("minimum_stop_grace_seconds"),
        has_pre_stop=container.lifecycle is not None and container.lifecycle.pre_stop is not None,
        waits_for_turn=waits_for_turn,
        final_seconds=override_seconds if override_last else None,
    )


def prerequisites(pod: Pod, running: Collection[str], release: Release) -> Mapping[str, tuple[str, ...]]:
    """Which containers must have ended before a sidecar is told to stop (K-75); a container not named waits for none.

    ``running``: the containers running when the kill of the whole pod begins. A sidecar waits for every running main
    and for the one sidecar that follows it in the spec; if that one does not run, it waits for no later one either.
    Ended means that its StopContainer returned (K-76). A name that is not running never ends: that is the bug of
    K-79, where the sidecar waits out its grace.
    Source: ``kuberuntime_termination_order.go`` newTerminationOrdering.
    """
    if release.policy("termination_order") == "none" or not has_sidecar(pod.spec):
        return {}
    waits_for_absent = release.has_bug("ordering_waits_for_absent_sidecars")
    mains = tuple(main.name for main in pod.spec.containers if main.name in running)
    found: dict[str, tuple[str, ...]] = {}
    following: tuple[str, ...] = ()
    for entry in reversed(pod.spec.init_containers):
        if not is_sidecar(entry):
            continue
        if entry.name in running and (needs := mains + following):
            found[entry.name] = needs
        following = (entry.name,) if entry.name in running or waits_for_absent else ()
    return found


def why_out_of_turn(awaited: Sequence[str]) -> Why:
    """Why a sidecar is told to stop although others it waits for have not ended: its grace is used up (K-77)."""
    *others, last = awaited
    names = f"{', '.join(others)} and {last}" if others else last
    return Why(f"no grace is left to wait for {names} to end", ("K-77",))


def stop_signal(container: Container, image_signal: str, release: Release) -> str:
    """The signal that asks a container to stop: its own under ContainerStopSignals, else the image's (K-74)."""
    own = container.lifecycle.stop_signal if container.lifecycle is not None else None
    if own is not None and release.enabled("ContainerStopSignals"):
        return own
    return image_signal or "SIGTERM"


def killing_message(container: str, message: str, release: Release) -> str:
    """The text of the Event Killing: the given one, or the default (K-71)."""
    return message or release.text("Killing").format(container=container)
