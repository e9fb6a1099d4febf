"""``kubectl describe``; of a Pod, block by block, in the order and with the words of kubectl (C-90 to C-93).

kubectl itself makes this text, so the release asked is that of kubectl; here it is the control plane's.
Departure: kubectl sorts Events of one second arbitrarily when there are more than twelve; here they keep their order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from kubesim.history.history import History
from kubesim.history.replay import Key
from kubesim.history.series import Series, event_series
from kubesim.objects.status import instant_of
from kubesim.releases import Release
from kubesim.store.qos import qos_class
from kubesim.store.tables import human_duration
from kubesim.timelines.describe_containers import containers, rfc1123
from kubesim.timelines.describe_jobs import describe_cron_job, describe_job
from kubesim.timelines.describe_parts import annotation_lines, pairs, tolerations, volumes, with_events
from kubesim.timelines.describe_replicated import describe_deployment, describe_replica_set
from kubesim.timelines.rows import api_server
from kubesim.units import Instant

Raw: TypeAlias = Mapping[str, Any]


def describe_all(history: History) -> list[str]:
    """``kubectl describe`` of every Pod, Job, CronJob, Deployment, ReplicaSet in the end, two empty lines between."""
    lines: list[str] = []
    for kind in DESCRIBED:
        found = describe_kind(history, kind)
        lines += ["", ""] if lines and found else []
        lines += found
    return lines


def describe_pods(history: History, at: Instant | None = None) -> list[str]:
    """``kubectl describe pod`` at an instant (default: in the end): every Pod by name, two empty lines between."""
    return describe_kind(history, "Pod", at)


def describe_kind(
    history: History, kind: str, at: Instant | None = None, names: Collection[str] | None = None
) -> list[str]:
    """``kubectl describe`` of every object of a kind in ``DESCRIBED``, or of some, by name, two empty lines between."""
    now = history.ended if at is None else at
    release, series = api_server(history.header.control_plane), event_series(r for r in history if r.at <= now)
    objects = history.objects(at)
    describe = _DESCRIBERS[kind] if kind in _DESCRIBERS else partial(_REPLICATED[kind], objects)
    lines: list[str] = []
    for key, raw in sorted((key, raw) for key, raw in objects.items() if key.kind == kind):
        if names is None or key.name in names:
            about = [one for one in series if Key(one.last.kind, one.last.namespace, one.last.name) == key]
            lines += ["", ""] if lines else []
            lines += describe(raw, about, release, now)
    return lines


def describe_pod(raw: Raw, events: list[Series], release: Release, now: Instant) -> list[str]:
    """The lines of one Pod."""
    body = [
        *_head(raw, release, now),
        *_addresses(raw),
        *containers(raw),
        *_conditions(raw),
        *volumes(raw["spec"]),
        *_foot(raw, release),
    ]
    return with_events(body, events, release, now)


def _head(raw: Raw, release: Release, now: Instant) -> Iterator[str]:
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    yield f"Name:\t{metadata['name']}"
    yield f"Namespace:\t{metadata.get('namespace', '')}"
    if spec.get("priority") is not None:
        yield f"Priority:\t{spec['priority']}"
    for label, field in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(field):
            yield f"{label}:\t{spec[field]}"
    yield f"Node:\t{spec['nodeName']}/{status.get('hostIP') or ''}" if spec.get("nodeName") else "Node:\t<none>"
    if status.get("startTime"):
        yield f"Start Time:\t{rfc1123(status['startTime'])}"
    yield from pairs("Labels", metadata.get("labels") or {})
    yield from annotation_lines(metadata.get("annotations") or {})
    yield from _state_of_pod(metadata, status, release, now)
    for label, field in (("Reason", "reason"), ("Message", "message")):
        if status.get(field):
            yield f"{label}:\t{status[field]}"
    if profile := ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type"):
        yield f"SeccompProfile:\t{profile}"


def _state_of_pod(metadata: Raw, status: Raw, release: Release, now: Instant) -> Iterator[str]:
    """The phase, or how long the deletion lasts already (C-90); its time lies ahead during the grace."""
    deleted = instant_of(metadata.get("deletionTimestamp"))
    is_over = status.get("phase") in ("Succeeded", "Failed")
    if deleted is None or (is_over and release.policy("printer_terminating") == "unless_terminal"):
        yield f"Status:\t{status.get('phase', '')}"
        return
    yield f"Status:\tTerminating (lasts {human_duration(now - deleted)})"
    if metadata.get("deletionGracePeriodSeconds") is not None:
        yield f"Termination Grace Period:\t{metadata['deletionGracePeriodSeconds']}s"


def _addresses(raw: Raw) -> Iterator[str]:
    status = raw.get("status") or {}
    yield f"IP:\t{status.get('podIP') or ''}"
    if status.get("podIPs"):
        yield "IPs:"
        yield from (f"  IP:\t{entry['ip']}" for entry in status["podIPs"])
    else:
        yield "IPs:\t<none>"
    for owner in raw["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            yield f"Controlled By:\t{owner['kind']}/{owner['name']}"
    if status.get("nominatedNodeName"):
        yield f"NominatedNodeName:\t{status['nominatedNodeName']}"


def _conditions(raw: Raw) -> Iterator[str]:
    conditions = (raw.get("status") or {}).get("conditions") or ()
    if gates := raw["spec"].get("readinessGates"):
        known = {condition["type"]: condition["status"] for condition in conditions}
        yield from ("Readiness Gates:", "  Type\tStatus")
        for gate in gates:
            yield f"  {gate['conditionType']} \t{known.get(gate['conditionType'], '<none>')} "
    if conditions:
        yield from ("Conditions:", "  Type\tStatus")
        yield from (f"  {condition['type']} \t{condition['status']} " for condition in conditions)


def _foot(raw: Raw, release: Release) -> Iterator[str]:
    """A Pod whose status names no class, such as one that the kubelet rejected, has it worked out from its spec."""
    spec, status = raw["spec"], raw.get("status") or {}
    yield f"QoS Class:\t{status.get('qosClass') or qos_class(dict(spec), release)}"
    yield from pairs("Node-Selectors", spec.get("nodeSelector") or {})
    yield from tolerations(spec)


_DESCRIBERS: Final[dict[str, Callable[[Raw, list[Series], Release, Instant], list[str]]]] = {
    "Pod": describe_pod,
    "Job": describe_job,
    "CronJob": describe_cron_job,
}
_REPLICATED: Final[dict[str, Callable[[Mapping[Key, Raw], Raw, list[Series], Release, Instant], list[str]]]] = {
    "Deployment": describe_deployment,
    "ReplicaSet": describe_replica_set,
}
"""Those that tell of other objects, too."""

DESCRIBED: Final = (*_DESCRIBERS, *_REPLICATED)
"""The kinds that can be described, in the order in which all are."""
