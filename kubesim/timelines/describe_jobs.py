"""``kubectl describe job`` and ``describe cronjob``, line by line in kubectl's order.

Source: kubectl ``pkg/describe/describe.go``: describeJob, describeCronJob, DescribePodTemplate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from kubesim.history.series import Series
from kubesim.objects.status import instant_of
from kubesim.releases import Release
from kubesim.store.tables import human_duration, selector_text
from kubesim.timelines.describe_containers import containers, rfc1123
from kubesim.timelines.describe_parts import annotation_lines, pairs, tolerations, volumes, with_events
from kubesim.units import Instant

Raw: TypeAlias = Mapping[str, Any]

_UNSET: Final = "<unset>"
_MOST_INDEXES: Final = 50
"""Characters of the completed indexes that are shown, up to the next comma."""


def describe_job(raw: Raw, events: list[Series], release: Release, now: Instant) -> list[str]:
    """The lines of one Job."""
    body = [*identity(raw, selector=True), *_job(raw["spec"], raw.get("status") or {}), *template_lines(raw["spec"])]
    return with_events(body, events, release, now)


def describe_cron_job(raw: Raw, events: list[Series], release: Release, now: Instant) -> list[str]:
    """The lines of one CronJob."""
    spec, status = raw["spec"], raw.get("status") or {}
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    body = [
        *identity(raw, selector=False),
        f"Schedule:\t{spec.get('schedule', '')}",
        f"Concurrency Policy:\t{spec.get('concurrencyPolicy', '')}",
        f"Suspend:\t{spec.get('suspend', _UNSET)}",
        f"Successful Job History Limit:\t{spec.get('successfulJobsHistoryLimit', _UNSET)}",
        f"Failed Job History Limit:\t{spec.get('failedJobsHistoryLimit', _UNSET)}",
        f"Starting Deadline Seconds:\t{_seconds(spec.get('startingDeadlineSeconds'))}",
        f"Selector:\t{selector_text(job['selector']) if job.get('selector') else _UNSET}",
        f"Parallelism:\t{job.get('parallelism', _UNSET)}",
        f"Completions:\t{job.get('completions', _UNSET)}",
        *([f"Active Deadline Seconds:\t{job['activeDeadlineSeconds']}s"] if job.get("activeDeadlineSeconds") else []),
        *template_lines(job),
        f"Last Schedule Time:\t{_UNSET if last is None else rfc1123(last)}",
        f"Active Jobs:\t{', '.join(each['name'] for each in status.get('active') or ()) or '<none>'}",
    ]
    return with_events(body, events, release, now)


def identity(raw: Raw, *, selector: bool) -> Iterator[str]:
    """Names, labels and annotations; what has a selector for Pods shows it, and its own controller."""
    metadata = raw["metadata"]
    yield f"Name:\t{metadata['name']}"
    yield f"Namespace:\t{metadata.get('namespace', '')}"
    if selector:
        yield f"Selector:\t{selector_text(raw['spec'].get('selector'))}"
    yield from pairs("Labels", metadata.get("labels") or {})
    yield from annotation_lines(metadata.get("annotations") or {})
    if selector:
        for owner in metadata.get("ownerReferences") or ():
            if owner.get("controller"):
                yield f"Controlled By:\t{owner['kind']}/{owner['name']}"


def _job(spec: Raw, status: Raw) -> Iterator[str]:
    """What a Job is asked for, and how far it has come."""
    yield f"Parallelism:\t{spec.get('parallelism', 0)}"
    yield f"Completions:\t{spec.get('completions', _UNSET)}"
    yield f"Completion Mode:\t{spec.get('completionMode', '')}"
    yield f"Suspend:\t{str(spec.get('suspend', False)).lower()}"
    yield f"Backoff Limit:\t{spec.get('backoffLimit', 0)}"
    if spec.get("ttlSecondsAfterFinished") is not None:
        yield f"TTL Seconds After Finished:\t{spec['ttlSecondsAfterFinished']}"
    started, ended = instant_of(status.get("startTime")), instant_of(status.get("completionTime"))
    if started is not None:
        yield f"Start Time:\t{rfc1123(status['startTime'])}"
    if ended is not None:
        yield f"Completed At:\t{rfc1123(status['completionTime'])}"
    if started is not None and ended is not None:
        yield f"Duration:\t{human_duration(ended - started)}"
    if spec.get("activeDeadlineSeconds") is not None:
        yield f"Active Deadline Seconds:\t{spec['activeDeadlineSeconds']}s"
    active, succeeded, failed = (status.get(name, 0) for name in ("active", "succeeded", "failed"))
    ready = "" if status.get("ready") is None else f" ({status['ready']} Ready)"
    yield f"Pods Statuses:\t{active} Active{ready} / {succeeded} Succeeded / {failed} Failed"
    if spec.get("completionMode") == "Indexed":
        yield f"Completed Indexes:\t{_capped(status.get('completedIndexes') or '<none>')}"


def _capped(indexes: str) -> str:
    """A long list of indexes ends after the comma that follows the 50th character."""
    comma = indexes.find(",", _MOST_INDEXES)
    return indexes if comma < 0 else f"{indexes[: comma + 1]}..."


def _seconds(count: int | None) -> str:
    return _UNSET if count is None else f"{count}s"


def template_lines(owner: Raw) -> Iterator[str]:
    """The pod template of a spec, two columns to the right of where a Pod has it."""
    template = owner.get("template") or {}
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    yield "Pod Template:"
    yield from pairs("  Labels", metadata.get("labels") or {})
    if metadata.get("annotations"):
        yield from annotation_lines(metadata["annotations"], "  Annotations")
    if spec.get("serviceAccountName"):
        yield f"  Service Account:\t{spec['serviceAccountName']}"
    yield from containers({"metadata": {}, "spec": spec}, in_template=True)
    yield from _indented(volumes(spec))
    if spec.get("priorityClassName"):
        yield f"  Priority Class Name:\t{spec['priorityClassName']}"
    yield from pairs("  Node-Selectors", spec.get("nodeSelector") or {})
    yield from _indented(tolerations(spec))


def _indented(lines: Iterator[str]) -> Iterator[str]:
    """A block of a Pod as it stands in a template: its heading two columns to the right, names in it one."""
    for line in lines:
        if line.startswith(("\t", "    ")):
            yield line
        else:
            yield f" {line}" if line.startswith("  ") else f"  {line}"
