"""Pieces that ``kubectl describe`` has for several kinds: labels, annotations, volumes, tolerations, Events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from kubesim.history.series import Series
from kubesim.releases import Release
from kubesim.store.tables import human_duration
from kubesim.timelines.describe_containers import go_bool
from kubesim.timelines.tabular import tabbed
from kubesim.units import Instant

Raw: TypeAlias = Mapping[str, Any]

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_SCHEDULER: Final = "default-scheduler"
_LONGEST_ANNOTATION: Final = 140


def with_events(body: Iterable[str], events: list[Series], release: Release, now: Instant) -> list[str]:
    """The lines of an object with its Events below."""
    if not events:
        return tabbed([*body, "Events:\t<none>"])
    return [*tabbed([*body]), *tabbed(_events(events, release, now))]


def pairs(label: str, entries: Mapping[str, str]) -> Iterator[str]:
    """Labels and the like: ``key=value`` by key, below each other."""
    yield from _several(label, [f"{key}={entries[key]}" for key in sorted(entries)])


def _several(label: str, values: Iterable[str]) -> Iterator[str]:
    first, *rest = [*values] or ["<none>"]
    yield f"{label}:\t{first}"
    yield from (f"\t{value}" for value in rest)


def annotation_lines(entries: Mapping[str, str], label: str = "Annotations") -> Iterator[str]:
    """Annotations. Long values, and those of several lines, stand under their key."""
    shown = {key: value for key, value in sorted(entries.items()) if key != _LAST_APPLIED}
    if not shown:
        yield f"{label}:\t<none>"
        return
    lead = f"{label}:\t"
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


def volumes(pod_spec: Raw) -> Iterator[str]:
    """The volumes of a Pod, or of a template."""
    entries = pod_spec.get("volumes") or ()
    yield "Volumes:" if entries else "Volumes:\t<none>"
    for volume in entries:
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


def tolerations(pod_spec: Raw) -> Iterator[str]:
    """The tolerations of a Pod, or of a template."""
    yield from _several("Tolerations", sorted(_toleration(each) for each in pod_spec.get("tolerations") or ()))


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
