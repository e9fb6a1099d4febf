"""Back-off between starts of a container (K-59 to K-65) and between pulls of an image (K-28), as immutable records.

The shell keeps one record per key and stores what a decision returns. There is no jitter (K-64).
Source: ``client-go/util/flowcontrol/backoff.go``, ``kuberuntime_manager.go`` doBackOff, ``kubelet.go``
newCrashLoopBackOff.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from kubesim.kubelet.definition import container_definition
from kubesim.objects.pod import Container, Pod
from kubesim.releases import Release
from kubesim.units import Duration, Instant, format_duration

BackoffKey: TypeAlias = tuple[str, ...]
"""What a record is remembered under."""


class BackoffLimits(msgspec.Struct, frozen=True):
    """First and longest delay, and how long after the last update an event must come to begin anew (K-63)."""

    initial: Duration
    longest: Duration
    reset_after: Duration


class BackoffRecord(msgspec.Struct, frozen=True):
    """The delay that the next end or failure will be measured against, and when it was set."""

    delay: Duration
    updated_at: Instant


class BackoffDecision(msgspec.Struct, frozen=True):
    """Whether to go ahead now. ``until``: the first instant at which the answer is yes, ``now`` if it is already."""

    permitted: bool
    until: Instant
    delay: Duration
    """The delay in force, 0 if there is none."""
    record: BackoffRecord | None
    """What to remember; unchanged if not permitted, None if there is nothing to remember."""


def crash_backoff_limits(release: Release, node_maximum: Duration | None = None) -> BackoffLimits:
    """The limits of restarts on a node. The node's own maximum counts if KubeletCrashLoopBackOffMax is on (K-63 table).

    ``node_maximum``: ``crashLoopBackOff.maxContainerRestartPeriod``, None if the node does not set it.
    """
    longest = release.duration("crash_backoff_max")
    if node_maximum is not None and release.enabled("KubeletCrashLoopBackOffMax"):
        longest = node_maximum
    initial = min(release.duration("crash_backoff_initial"), longest)
    return BackoffLimits(initial, longest, crash_reset_window(longest, release))


def crash_reset_window(longest: Duration, release: Release) -> Duration:
    """How long after its last start a container must end for its back-off to begin anew (K-63)."""
    if release.policy("backoff_reset_window") == "fixed":
        return release.duration("backoff_reset_window")
    return 2 * longest


def pull_backoff_limits(release: Release) -> BackoffLimits:
    """The limits of image pulls: in every release forgotten after twice the maximum (K-28)."""
    longest = release.duration("pull_backoff_max")
    return BackoffLimits(release.duration("pull_backoff_initial"), longest, 2 * longest)


def start_permitted(
    record: BackoffRecord | None, finished_at: Instant | None, now: Instant, limits: BackoffLimits
) -> BackoffDecision:
    """Whether a container may be started now, counted from the end of its newest exited instance (K-59, K-61).

    ``finished_at``: None if it has no exited instance; such a start is free and leaves the record alone. The delay
    grows at the permitted start, not at the failure. With a probe kill in the same pass, ``finished_at`` is that of an
    older instance (K-52): pass what was observed before the kill.
    """
    if finished_at is None:
        return BackoffDecision(True, now, 0, record)
    if record is not None and finished_at - record.updated_at <= limits.reset_after:
        until = finished_at + record.delay
        if now < until:
            return BackoffDecision(False, until, record.delay, record)
        return BackoffDecision(True, now, record.delay, grown(record, finished_at, now, limits))
    return BackoffDecision(True, now, 0, grown(record, finished_at, now, limits))


def pull_permitted(record: BackoffRecord | None, now: Instant, limits: BackoffLimits) -> BackoffDecision:
    """Whether an image may be pulled now, counted from its last failed pull (K-28). The record does not change."""
    if record is None or now - record.updated_at > limits.reset_after:
        return BackoffDecision(True, now, 0, record)
    until = record.updated_at + record.delay
    if now < until:
        return BackoffDecision(False, until, record.delay, record)
    return BackoffDecision(True, now, record.delay, record)


def after_failed_pull(record: BackoffRecord | None, now: Instant, limits: BackoffLimits) -> BackoffRecord:
    """The record after a pull failed at ``now`` (K-28)."""
    return grown(record, now, now, limits)


def grown(record: BackoffRecord | None, event_at: Instant, now: Instant, limits: BackoffLimits) -> BackoffRecord:
    """The record after one more event: doubled up to the longest delay, or begun anew after the reset window (K-61)."""
    if record is None or event_at - record.updated_at > limits.reset_after:
        return BackoffRecord(limits.initial, now)
    return BackoffRecord(min(2 * record.delay, limits.longest), now)


def is_garbage(record: BackoffRecord, now: Instant, limits: BackoffLimits) -> bool:
    """Whether housekeeping (every 2 s, K-19g) forgets the record: not updated for longer than the window (K-63).

    This can end a back-off early: a container that ends 590 s after its last start, with a delay of 300 s, waits 10 s.
    """
    return now >= garbage_at(record, limits)


def garbage_at(record: BackoffRecord, limits: BackoffLimits) -> Instant:
    """The first instant at which housekeeping would forget the record, so that nobody needs to look every 2 s."""
    return record.updated_at + limits.reset_after + 1


def crash_backoff_key(pod: Pod, container: Container, release: Release) -> BackoffKey:
    """What a container's restarts are remembered under; a change of a part of it begins anew (K-60)."""
    if release.policy("backoff_key") == "image_and_resources":
        last = f"{container.image} {msgspec.json.encode(container.resources).decode()}"
    else:
        last = container_definition(container, release)
    return (pod.metadata.name, pod.metadata.namespace, pod.metadata.uid, container.name, last)


def pull_backoff_key(pod: Pod, image: str) -> BackoffKey:
    """What pulls are remembered under: containers of a pod with one image share it (K-28)."""
    return (pod.metadata.uid, image)


def crash_backoff_message(delay: Duration, container: str, pod: Pod, release: Release) -> str:
    """The message of the waiting state CrashLoopBackOff (K-25)."""
    return release.text("waiting_CrashLoopBackOff").format(
        delay=format_duration(delay),
        container=container,
        pod=pod.metadata.name,
        namespace=pod.metadata.namespace,
        uid=pod.metadata.uid,
    )
