"""``kubectl describe pod``, block by block, in the order and with the words of kubectl (C-90 to C-93).

kubectl itself makes this text, so the release asked is that of kubectl; here it is the control plane's.
Departure: kubectl sorts Events of one second arbitrarily when there are more than twelve; here they keep their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from kubesim.history.history import History
from kubesim.history.replay import Key
from kubesim.history.series import Series, event_series
from kubesim.objects.status import instant_of
from kubesim.releases import Release
from kubesim.store.qos import qos_class
from kubesim.store.tables import human_duration
from kubesim.timelines.describe_containers import containers, go_bool, rfc1123
from kubesim.timelines.rows import api_server
from kubesim.timelines.tabular import tabbed
from kubesim.units import Instant

Raw: TypeAlias = Mapping[str, Any]

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_SCHEDULER: Final = "default-scheduler"
_LONGEST_ANNOTATION: Final = 140


def describe_pods(history: History, at: Instant | None = None) -> list[str]:
    """``kubectl describe pod`` at an instant (default: in the end): every Pod by name, two empty lines between."""
    now = history.ended if at is None else at
    release, series = api_server(history.header.control_plane), event_series(r for r in history if r.at <= now)
    lines: list[str] = []
    for key, raw in sorted((key, raw) for key, raw in history.objects(at).items() if key.kind == "Pod"):
        about = [one for one in series if Key(one.last.kind, one.last.namespace, one.last.name) == key]
        lines += ["", ""] if lines else []
        lines += describe_pod(raw, about, release, now)
    return lines


def describe_pod(raw: Raw, events: list[Series], release: Release, now: Instant) -> list[str]:
    """The lines of one Pod."""
    body = [
        *_head(raw, release, now),
        *_addresses(raw),
        *containers(raw),
        *_conditions(raw),
        *_volumes(raw),
        *_foot(raw, release),
    ]
    if not events:
        return tabbed([*body, "Events:\t<none>"])
    return [*tabbed(body), *tabbed(_events(events, release, now))]


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
    yield from _pairs("Labels", metadata.get("labels") or {})
    yield from _annotations(metadata.get("annotations") or {})
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


def _volumes(raw: Raw) -> Iterator[str]:
    volumes = raw["spec"].get("volumes") or ()
    yield "Volumes:" if volumes else "Volumes:\t<none>"
    for volume in volumes:
        yield f"  {volume['name']}:"
        yield from (f"    {line}" for line in _volume(volume))


def _volume(volume: Raw) -> Iterator[str]:
    """The kinds whose content kubesim models; others say ``<unknown>``, as kubectl does of what it does not know."""
    match volume:
        case {"hostPath": path}:
            yield "Type:\tHostPath (bare host directory volume)"
            yield f"Path:\t{path['path']}"
            yield f"HostPathType:\t{path.get('type') or ''}"
        case {"emptyDir": empty}:
            yield "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)"
            yield f"Medium:\t{(empty or {}).get('medium', '')}"
            yield f"SizeLimit:\t{(empty or {}).get('sizeLimit', '<unset>')}"
        case {"configMap": source}:
            yield "Type:\tConfigMap (a volume populated by a ConfigMap)"
            yield f"Name:\t{source['name']}"
            yield f"Optional:\t{go_bool(source.get('optional'))}"
        case {"secret": source}:
            yield "Type:\tSecret (a volume populated by a Secret)"
            yield f"SecretName:\t{source['secretName']}"
            yield f"Optional:\t{go_bool(source.get('optional'))}"
        case {"downwardAPI": source}:
            yield "Type:\tDownwardAPI (a volume populated by information about the pod)"
            yield "Items:"
            for item in source.get("items") or ():
                if "fieldRef" in item:
                    yield f"  {item['fieldRef']['fieldPath']} -> {item['path']}"
        case _:
            yield "<unknown>"


def _foot(raw: Raw, release: Release) -> Iterator[str]:
    """A Pod whose status names no class, such as one that the kubelet rejected, has it worked out from its spec."""
    spec, status = raw["spec"], raw.get("status") or {}
    yield f"QoS Class:\t{status.get('qosClass') or qos_class(dict(spec), release)}"
    yield from _pairs("Node-Selectors", spec.get("nodeSelector") or {})
    yield from _several("Tolerations", sorted(_toleration(each) for each in spec.get("tolerations") or ()))


def _toleration(toleration: Raw) -> str:
    value = f"={toleration['value']}" if toleration.get("value") else ""
    effect = f":{toleration['effect']}" if toleration.get("effect") else ""
    text = f"{toleration.get('key', '')}{value}{effect}"
    if toleration.get("operator") == "Exists" and not toleration.get("value"):
        text += " op=Exists" if toleration.get("key") or effect else "op=Exists"
    if toleration.get("tolerationSeconds") is not None:
        text += f" for {toleration['tolerationSeconds']}s"
    return text


def _events(events: list[Series], release: Release, now: Instant) -> Iterator[str]:
    """Events by the time they were last seen; the scheduler's have none and come first (C-93)."""
    yield "Events:"
    yield "  Type\tReason\tAge\tFrom\tMessage"
    yield "  ----\t------\t----\t----\t-------"
    for series in sorted(events, key=_last_seen):
        event = series.last
        age = human_duration(now - event.first)
        if event.count > 1:
            age = f"{human_duration(now - event.last)} (x{event.count} over {age})"
        shows_path = event.field_path and release.policy("describe_event_field_path")
        message = f"{event.field_path}: {event.message}" if shows_path else event.message
        yield f"  {event.type}\t{event.reason}\t{age}\t{event.component}\t{message.strip()}"


def _last_seen(series: Series) -> Instant:
    """lastTimestamp, which Events of the newer API, the scheduler's, do not have."""
    return 0 if series.last.component == _SCHEDULER else series.last.last


def _pairs(label: str, pairs: Mapping[str, str]) -> Iterator[str]:
    yield from _several(label, [f"{key}={pairs[key]}" for key in sorted(pairs)])


def _several(label: str, values: Iterable[str]) -> Iterator[str]:
    first, *rest = [*values] or ["<none>"]
    yield f"{label}:\t{first}"
    yield from (f"\t{value}" for value in rest)


def _annotations(annotations: Mapping[str, str]) -> Iterator[str]:
    """Long values, and those of several lines, stand under their key."""
    shown = {key: value for key, value in sorted(annotations.items()) if key != _LAST_APPLIED}
    if not shown:
        yield "Annotations:\t<none>"
        return
    lead = "Annotations:\t"
    for key, value in shown.items():
        text = value.removesuffix("\n")
        if len(key) + len(text) + 2 > _LONGEST_ANNOTATION or "\n" in text:
            yield f"{lead}{key}:"
            yield from (
                f"\t  {line[: _LONGEST_ANNOTATION - 2]}{'...' if len(line) > _LONGEST_ANNOTATION - 2 else ''}"
                for line in text.split("\n")
            )
        else:
            yield f"{lead}{key}: {text}"
        lead = "\t"
