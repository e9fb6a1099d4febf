"""What a Pod asks of a node, and whether a node has it left (C-62, C-67 to C-69).

Amounts are thousandths of a CPU and whole units of everything else, as the scheduler calculates.
Source: ``component-helpers/resource/helpers.go``: PodRequests; ``noderesources/fit.go``: fitsRequest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from kubesim.objects.pod import Resources
from kubesim.objects.quantity import parse_quantity
from kubesim.releases import Release

Amounts: TypeAlias = Mapping[str, int]
_Nanos: TypeAlias = dict[str, int]

_NANOS: Final = 10**9
_NATIVE: Final = ("cpu", "memory", "ephemeral-storage")
_COUNTED_PREFIXES: Final = ("hugepages-", "attachable-volumes-")


def effective_requests(
    mains: Sequence[Resources],
    inits: Sequence[tuple[Resources, bool]],
    pod_level: Resources,
    overhead: Mapping[str, str | int | float],
    release: Release,
) -> Amounts:
    """What the whole Pod asks for (C-67). ``inits``: in order, each with whether it is a sidecar.

    Up to 1.27 a sidecar is one more init container; since 1.28 it runs beside all that starts after it.
    """
    running_sum = release.policy("sidecar_request_sum") == "running_sum"
    together = _sum(_nanos(entry.requests) for entry in mains)
    sidecars: _Nanos = {}
    peak: _Nanos = {}
    for resources, is_sidecar in inits:
        own = _nanos(resources.requests)
        if running_sum:
            own = _sum((sidecars, own))
            sidecars = own if is_sidecar else sidecars
        peak = _maximum(peak, own)
    asked = _maximum(_sum((together, sidecars)), peak)
    asked |= {name: nanos for name, nanos in _nanos(pod_level.requests).items() if _is_pod_level(name)}
    return {name: _amount(name, nanos) for name, nanos in _sum((asked, _nanos(overhead))).items()}


def _is_pod_level(resource: str) -> bool:
    """Whether a pod-level request replaces what the containers ask for (KEP-2837)."""
    return resource in ("cpu", "memory") or resource.startswith("hugepages-")


def _nanos(written: Mapping[str, str | int | float]) -> _Nanos:
    return {name: parse_quantity(value).nanos for name, value in written.items()}


def _sum(parts: Iterable[_Nanos]) -> _Nanos:
    total: _Nanos = {}
    for part in parts:
        for name, nanos in part.items():
            total[name] = total.get(name, 0) + nanos
    return total


def _maximum(first: _Nanos, second: _Nanos) -> _Nanos:
    return first | {name: max(nanos, first.get(name, 0)) for name, nanos in second.items()}


def _amount(resource: str, nanos: int) -> int:
    return -(-nanos // (_NANOS // 1000 if resource == "cpu" else _NANOS))


def is_counted(resource: str) -> bool:
    """Whether the scheduler counts a resource: the native ones, extended ones, huge pages, attachable volumes."""
    return resource in _NATIVE or "/" in resource or resource.startswith(_COUNTED_PREFIXES)


def missing_resources(requests: Amounts, allocatable: Amounts, requested: Amounts) -> tuple[tuple[str, bool], ...]:
    """The resources a node has too little of, each with whether even the empty node has (C-62).

    What the pod asks nothing of is not looked at, so that an overcommitted node still takes it.
    """
    missing = []
    for resource, amount in requests.items():
        if amount <= 0 or not is_counted(resource):
            continue
        room = allocatable.get(resource, 0)
        if amount > room - requested.get(resource, 0):
            missing.append((resource, amount > room))
    return tuple(missing)
