"""``kubectl describe node``: its labels and conditions, what it offers, who runs on it and what they ask for.

Source: kubectl ``pkg/describe/describe.go``: describeNode, describeNodeResource.
Departure: what a kubelet reads off its machine (kernel, system ids, container runtime) is empty.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from kubesim.history.history import History
from kubesim.history.replay import Key
from kubesim.history.series import Series, event_series
from kubesim.objects.pod import Resources
from kubesim.objects.quantity import Format, canonical_text, parse_quantity
from kubesim.objects.status import instant_of
from kubesim.releases import Release
from kubesim.scheduler.resources import effective_requests
from kubesim.store.tables import human_duration
from kubesim.timelines.describe_containers import go_bool, rfc1123
from kubesim.timelines.describe_parts import annotation_lines, pairs, with_events
from kubesim.timelines.rows import api_server
from kubesim.units import Instant

Raw: TypeAlias = Mapping[str, Any]

_ROLE: Final = "node-role.kubernetes.io/"
_SYSTEM: Final = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
    ("Kube-Proxy Version", "kubeProxyVersion"),
)
_ALWAYS: Final = ("cpu", "memory", "ephemeral-storage")
_NANOS: Final = 10**9


def describe_nodes(history: History, names: Collection[str] | None = None) -> list[str]:
    """``kubectl describe node`` in the end: every node, or some, by name, two empty lines between."""
    now, objects = history.ended, history.objects()
    release, series = api_server(history.header.control_plane), event_series(history)
    pods = [raw for key, raw in sorted(objects.items()) if key.kind == "Pod"]
    lines: list[str] = []
    for key, raw in sorted((key, raw) for key, raw in objects.items() if key.kind == "Node"):
        about = [one for one in series if Key(one.last.kind, "", one.last.name) == key]
        here = [pod for pod in pods if pod["spec"].get("nodeName") == key.name and not _is_over(pod)]
        if names is not None and key.name not in names:
            continue
        lines += ["", ""] if lines else []
        lines += describe_node(raw, here, about, release, now)
    return lines


def describe_node(raw: Raw, pods: Sequence[Raw], events: list[Series], release: Release, now: Instant) -> list[str]:
    """The lines of one node; ``pods`` are those on it that have not ended."""
    body = [*_head(raw), *_conditions(raw), *_offers(raw), *_pods(pods, raw, release, now), *_sums(pods, raw, release)]
    return with_events(body, events, release, now)


def _is_over(pod: Raw) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _head(raw: Raw) -> Iterator[str]:
    metadata, spec = raw["metadata"], raw.get("spec") or {}
    labels = metadata.get("labels") or {}
    roles = sorted(label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE))
    yield f"Name:\t{metadata['name']}"
    yield f"Roles:\t{','.join(roles) or '<none>'}"
    yield from pairs("Labels", labels)
    yield from annotation_lines(metadata.get("annotations") or {})
    yield f"CreationTimestamp:\t{rfc1123(metadata.get('creationTimestamp'))}"
    first, *rest = [_taint(taint) for taint in spec.get("taints") or ()] or ["<none>"]
    yield f"Taints:\t{first}"
    yield from (f"\t{taint}" for taint in rest)
    yield f"Unschedulable:\t{go_bool(spec.get('unschedulable'))}"


def _taint(taint: Raw) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _conditions(raw: Raw) -> Iterator[str]:
    conditions = (raw.get("status") or {}).get("conditions") or ()
    if conditions:
        yield "Conditions:"
        yield "  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage"
        yield "  ----\t------\t-----------------\t------------------\t------\t-------"
    for one in conditions:
        times = f"{rfc1123(one.get('lastHeartbeatTime'))} \t{rfc1123(one.get('lastTransitionTime'))}"
        reason, message = one.get("reason", ""), one.get("message", "")
        yield f"  {one['type']} \t{one['status']} \t{times} \t{reason} \t{message} "


def _offers(raw: Raw) -> Iterator[str]:
    status = raw.get("status") or {}
    yield "Addresses:"
    yield from (f"  {one['type']}:\t{one['address']}" for one in status.get("addresses") or ())
    for label, field in (("Capacity", "capacity"), ("Allocatable", "allocatable")):
        yield f"{label}:"
        yield from (f"  {name}:\t{amount}" for name, amount in sorted((status.get(field) or {}).items()))
    info = status.get("nodeInfo") or {}
    yield "System Info:"
    yield from (f"  {label}:\t{info.get(field, '')}" for label, field in _SYSTEM)


def _pods(pods: Sequence[Raw], node: Raw, release: Release, now: Instant) -> Iterator[str]:
    yield f"Non-terminated Pods:\t({len(pods)} in total)"
    yield "  Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge"
    yield "  ---------\t----\t\t------------\t----------\t---------------\t-------------\t---"
    for pod in pods:
        metadata = pod["metadata"]
        asked = {kind: amounts([pod], kind, release) for kind in ("requests", "limits")}
        shares = [share(asked[kind], name, node) for name in ("cpu", "memory") for kind in ("requests", "limits")]
        age = human_duration(now - (instant_of(metadata.get("creationTimestamp")) or now))
        yield "\t".join([f"  {metadata['namespace']}", metadata["name"], "", *shares, age])


def _sums(pods: Sequence[Raw], node: Raw, release: Release) -> Iterator[str]:
    requests, limits = amounts(pods, "requests", release), amounts(pods, "limits", release)
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    others = sorted(name for name in allocatable if name.startswith("hugepages-") or "/" in name)
    yield "Allocated resources:"
    yield "  (Total limits may be over 100 percent, i.e., overcommitted.)"
    yield "  Resource\tRequests\tLimits"
    yield "  --------\t--------\t------"
    for name in _ALWAYS:
        yield f"  {name}\t{share(requests, name, node)}\t{share(limits, name, node)}"
    for name in others:
        yield f"  {name}\t{_text(name, requests.get(name, 0))}\t{_text(name, limits.get(name, 0))}"


def amounts(pods: Iterable[Raw], kind: str, release: Release) -> dict[str, int]:
    """What Pods ask for, or may use, in all (C-67): nano-units by resource."""
    total: dict[str, int] = {}
    for pod in pods:
        spec = pod["spec"]
        mains = [_of(container, kind) for container in spec["containers"]]
        inits = [(_of(one, kind), one.get("restartPolicy") == "Always") for one in spec.get("initContainers") or ()]
        overhead = spec.get("overhead") or {} if kind == "requests" else {}
        whole = _of(spec if release.enabled("PodLevelResources") else {}, kind)
        for name, amount in effective_requests(mains, inits, whole, overhead, release).items():
            total[name] = total.get(name, 0) + amount * (_NANOS // 1000 if name == "cpu" else _NANOS)
    return total


def _of(holder: Raw, kind: str) -> Resources:
    """The requests, or the limits, of a container in the place of requests."""
    return msgspec.convert({"requests": (holder.get("resources") or {}).get(kind) or {}}, Resources)


def share(asked: Mapping[str, int], name: str, node: Raw) -> str:
    """An amount with its part of what the node offers, as ``250m (12%)``."""
    room = ((node.get("status") or {}).get("allocatable") or {}).get(name)
    amount = asked.get(name, 0)
    percent = int(amount / parse_quantity(room).nanos * 100) if room and parse_quantity(room).nanos else 0
    return f"{_text(name, amount)} ({percent}%)"


def _text(name: str, nanos: int) -> str:
    return canonical_text(nanos, Format.DECIMAL_SI if name == "cpu" else Format.BINARY_SI)
