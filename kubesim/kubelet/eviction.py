"""Whom the kubelet evicts, in which words, with which grace: local storage over a limit, and memory (K-84, K-85, K-89).

Source: ``pkg/kubelet/eviction`` (eviction_manager.go, helpers.go), ``pkg/kubelet/pod_workers.go``: killPodNow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from kubesim.kubelet.conditions import DISRUPTION_TARGET
from kubesim.kubelet.node_shutdown import SYSTEM_CRITICAL, priority_of
from kubesim.kubelet.pod_status import Verdict
from kubesim.objects.pod import Container, Pod, is_sidecar
from kubesim.objects.quantity import Format, canonical_text, parse_quantity
from kubesim.objects.status import Condition
from kubesim.releases import Release
from kubesim.units import SECOND, Duration

EVICTED: Final = "Evicted"
MEMORY_PRESSURE_TAINT: Final = "node.kubernetes.io/memory-pressure"
_NANOS: Final = 10**9
_STORAGE: Final = "ephemeral-storage"


class StorageUsage(msgspec.Struct, frozen=True):
    """What a pod has written, in bytes: its volumes by name, and what its containers keep for themselves, by name."""

    volumes: Mapping[str, int]
    containers: Mapping[str, int]


def has_storage_limits(pod: Pod) -> bool:
    """Whether anything the pod writes can get it evicted."""
    return any(_size_limit(volume.empty_dir.size_limit) for volume in pod.spec.volumes if volume.empty_dir) or any(
        _STORAGE in container.resources.limits for container in _long_lived(pod)
    )


def storage_excess(pod: Pod, usage: StorageUsage, release: Release) -> str | None:
    """Why the pod is to be evicted for what it has written, in the kubelet's words; None: it stays in its limits.

    An emptyDir is looked at first, then the pod as a whole, then each container (eviction_manager.go:
    localStorageEviction). A limit that is met exactly is kept.
    """
    for volume in pod.spec.volumes:
        limit = _size_limit(volume.empty_dir.size_limit) if volume.empty_dir else 0
        if volume.empty_dir and limit and usage.volumes.get(volume.name, 0) > limit:
            shown = parse_quantity(volume.empty_dir.size_limit or 0)
            return release.text("Evicted_emptydir").format(volume=volume.name, limit=shown)
    return _pod_excess(pod, usage, release) or _container_excess(pod, usage, release)


def _pod_excess(pod: Pod, usage: StorageUsage, release: Release) -> str | None:
    """The pod has one limit if each of its containers has: their sum."""
    limits = [container.resources.limits.get(_STORAGE) for container in _long_lived(pod)]
    if not limits or any(limit is None for limit in limits):
        return None
    quantities = [parse_quantity(limit) for limit in limits if limit is not None]
    total = sum(quantity.nanos for quantity in quantities)
    used = sum(usage.containers.values()) + sum(
        usage.volumes.get(volume.name, 0) for volume in pod.spec.volumes if _is_on_disk(pod, volume.name)
    )
    if used * _NANOS <= total:
        return None
    return release.text("Evicted_pod_storage").format(limit=canonical_text(total, quantities[0].format))


def _container_excess(pod: Pod, usage: StorageUsage, release: Release) -> str | None:
    for container in _long_lived(pod):
        limit = container.resources.limits.get(_STORAGE)
        if limit is None:
            continue
        quantity = parse_quantity(limit)
        if usage.containers.get(container.name, 0) * _NANOS > quantity.nanos:
            text = release.text("Evicted_container_storage")
            return text.format(container=container.name, limit=quantity)
    return None


class MemoryUse(msgspec.Struct, frozen=True):
    """A pod and what each of its running containers uses, in bytes."""

    pod: Pod
    containers: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.containers.values())

    @property
    def excess(self) -> int:
        """By how much it uses more than it asked for; negative if it uses less."""
        return self.total - sum(_request(container) for container in _long_lived(self.pod))


def evicted_first(uses: Iterable[MemoryUse]) -> list[MemoryUse]:
    """The pods in the order they are evicted when memory is low; critical ones are not.

    First those that use more than they asked for, then by priority, then by how much more (rankMemoryPressure).
    """
    evictable = [use for use in uses if priority_of(use.pod) < SYSTEM_CRITICAL]
    return sorted(evictable, key=lambda use: (use.excess <= 0, priority_of(use.pod), -use.excess))


def memory_message(use: MemoryUse, threshold: int, available: int, release: Release) -> str:
    """The kubelet's words about an eviction for memory; amounts in bytes."""
    text = release.text("Evicted_memory").format(threshold=_shown(threshold), available=_shown(available))
    for container in _long_lived(use.pod):
        used, asked = use.containers.get(container.name, 0), _request(container)
        if used > asked:
            request = str(container.resources.requests.get("memory", "0"))
            text += release.text("Evicted_memory_container").format(
                container=container.name, usage=_shown(used), request=request
            )
    return text


def memory_verdict(message: str) -> Verdict:
    """Why a pod fails that is evicted for memory."""
    return Verdict(EVICTED, message, Condition(DISRUPTION_TARGET, "True", "TerminationByKubelet", message))


def soft_override_seconds(pod: Pod, maximum: int, release: Release) -> int:
    """The grace of an eviction after a soft threshold; ``maximum``: evictionMaxPodGracePeriod (K-85)."""
    own = pod.spec.termination_grace_period_seconds
    if release.policy("soft_eviction_grace") == "configured" or own is None:
        return maximum
    return min(maximum, own)


def refused_under_memory_pressure(pod: Pod) -> bool:
    """Whether a pod is not taken while memory is low: it asks for nothing, and does not tolerate the taint for that."""
    if pod.status.qos_class != "BestEffort" or priority_of(pod) >= SYSTEM_CRITICAL:
        return False
    tolerations = (pod.raw.get("spec") or {}).get("tolerations") or ()
    return not any(
        one.get("key") in (MEMORY_PRESSURE_TAINT, None, "") and one.get("effect") in ("NoSchedule", None, "")
        for one in tolerations
    )


def _request(container: Container) -> int:
    written = container.resources.requests.get("memory")
    return 0 if written is None else parse_quantity(written).value()


def _shown(amount: int) -> str:
    return canonical_text(amount * _NANOS, Format.BINARY_SI)


def eviction_wait(override_seconds: int, release: Release) -> Duration:
    """How long the eviction manager waits for a pod to end before it complains and goes on (K-89)."""
    return max(override_seconds * 3 * SECOND // 2, release.duration("eviction_kill_timeout"))


def _long_lived(pod: Pod) -> list[Container]:
    """The containers whose limits add up: mains, and the sidecars beside them."""
    return [*(entry for entry in pod.spec.init_containers if is_sidecar(entry)), *pod.spec.containers]


def _is_on_disk(pod: Pod, name: str) -> bool:
    """Whether a volume counts as local storage of the pod's own: an emptyDir that is not in memory."""
    found = next(volume for volume in pod.spec.volumes if volume.name == name)
    return found.empty_dir is not None and found.empty_dir.medium != "Memory"


def _size_limit(written: str | int | None) -> int:
    """An emptyDir's limit in bytes; 0: it has none."""
    return 0 if written is None else parse_quantity(written).value()
