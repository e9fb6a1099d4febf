"""What a sync decides to do to a pod: kills, starts, resets and the sandbox, each with its reason.

Only data: :func:`kubesim.kubelet.pod_actions.pod_actions` decides, the shell performs in the order of K-20.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Why(msgspec.Struct, frozen=True):
    """A reason in words, and the rules of ``kubelet.md`` it follows."""

    text: str
    rules: tuple[str, ...]


class KillReason(StrEnum):
    """Why one container is killed; chooses its grace period (K-70). OTHER: definition changed, or the pod ends."""

    OTHER = ""
    LIVENESS_PROBE = "LivenessProbe"
    STARTUP_PROBE = "StartupProbe"
    FAILED_POST_START_HOOK = "FailedPostStartHook"
    UNKNOWN = "Unknown"


class Kill(msgspec.Struct, frozen=True):
    """One container instance to stop before anything is started; ``message`` is the text of its Killing Event."""

    id: str
    name: str
    reason: KillReason
    message: str
    restart: bool
    """Whether the same pass starts the container again (K-52)."""
    why: Why


class Start(msgspec.Struct, frozen=True):
    """One container to start, after those before it in its list (K-22)."""

    name: str
    why: Why


class Reset(msgspec.Struct, frozen=True):
    """One container instance whose record is removed, after a kill if it runs: the pod starts over in place (K-121)."""

    id: str
    name: str
    kill: bool
    why: Why


class PodActions(msgspec.Struct, frozen=True):
    """The decision of one sync. ``kill_pod`` without ``create_sandbox``: everything is stopped, the pod is finished.

    With both, the start lists are for the new sandbox. ``kills`` beside ``kill_pod`` is only what had been collected
    by then; killing the pod covers it.
    """

    kill_pod: bool
    create_sandbox: bool
    sandbox_id: str
    """The sandbox the decision is about; empty: there is none, or its network mode is the wrong one."""
    attempt: int
    """Attempt number of the sandbox that is kept or created."""
    why: Why
    """Why the pod is killed or its sandbox replaced, otherwise how far the pod has come."""
    init_to_start: tuple[Start, ...] = ()
    mains_to_start: tuple[Start, ...] = ()
    ephemeral_to_start: tuple[Start, ...] = ()
    kills: tuple[Kill, ...] = ()
    resets: tuple[Reset, ...] = ()

    @property
    def announces_sandbox_change(self) -> bool:
        """Whether the Event ``SandboxChanged`` is emitted: an old sandbox is replaced (K-38)."""
        return self.create_sandbox and self.sandbox_id != ""

    @property
    def nothing_to_do(self) -> bool:
        """Whether the sync changes nothing at the runtime."""
        return not (
            self.kill_pod
            or self.create_sandbox
            or self.init_to_start
            or self.mains_to_start
            or self.ephemeral_to_start
            or self.kills
            or self.resets
        )
