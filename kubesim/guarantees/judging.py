"""Judging a history: every check on every subject it is about, where it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from kubesim.guarantees.catalogue import CHECKS, UNJUDGED
from kubesim.guarantees.jobs_story import JobStory, job_stories
from kubesim.guarantees.story import PodStory
from kubesim.guarantees.verdicts import Check, Finding, Judged, Judgement, Subject, Verdict
from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    ComponentHeader,
    Decided,
    EventEmitted,
    ProbeChanged,
    RuntimeChanged,
)
from kubesim.releases import Component, Release, release

_UNATTENDED: Final = (
    "no kubelet was heard of then, or a new one had just begun: it knows what the runtime and the API tell it"
)


def check(history: History, ids: Collection[str] | None = None, *, everywhere: bool = False) -> tuple[Judgement, ...]:
    """The verdict on each guarantee, in the order of the catalogue; ``ids`` chooses some.

    ``everywhere`` asks also where a guarantee does not hold, and takes for a sidecar what is marked as one: that is how
    it is shown that it does not.
    """
    chosen = tuple(one for one in CHECKS if ids is None or one.id in ids)
    judged = judge_by(history, chosen, everywhere=everywhere)
    unjudged = [Judgement(id_, Verdict.NOT_EXERCISED) for id_ in UNJUDGED if ids is None or id_ in ids]
    return (*judged, *unjudged)


def judge_by(history: History, checks: Collection[Check], *, everywhere: bool = False) -> tuple[Judgement, ...]:
    """The verdicts of some checks, those of hopes too; checks that share an id make one verdict."""
    api = _release(history.header.control_plane, Component.APISERVER)
    pods = list(pod_stories(history, api, as_marked=everywhere))
    jobs = list(job_stories(history, pods))
    found: dict[str, list[Judged]] = {}
    for one in checks:
        found.setdefault(one.id, []).extend(_findings(one, history, pods, jobs, api, everywhere))
    return tuple(_judgement(id_, judged) for id_, judged in found.items())


def pod_stories(history: History, api: Release, *, as_marked: bool = False) -> Iterator[PodStory]:
    """The stories of all Pods. A Pod made again under its name is left out: records do not say whose they are."""
    records = _by_pod(history)
    kubelets = {one.name: _release(one, Component.KUBELET) for one in history.header.nodes}
    for life in history.pods:
        if len({one.uid for one in life.versions}) > 1:
            continue
        nodes = [str((one.object.get("spec") or {}).get("nodeName") or "") for one in life.versions]
        node = next((name for name in nodes if name), "")
        kubelet = kubelets.get(node) or next(iter(kubelets.values()), _release(history.header.control_plane, "kubelet"))
        about = records.get((life.namespace, life.name), ())
        yield PodStory(history, life, about, api, kubelet, as_marked=as_marked)


def _by_pod(history: History) -> Mapping[tuple[str, str], list[tuple[int, AnyRecord]]]:
    found: dict[tuple[str, str], list[tuple[int, AnyRecord]]] = {}
    for order, record in enumerate(history):
        match record:
            case RuntimeChanged() | ProbeChanged():
                name = record.pod
            case EventEmitted(kind="Pod") | Decided():
                name = record.name
            case ActionDone():
                found.setdefault(_about(record.arguments), []).append((order, record))
                continue
            case _:
                continue
        found.setdefault((record.namespace, name), []).append((order, record))
    return found


def _about(arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of what an action is about: as they are given, or as the object has them that it sends."""
    sent = (arguments.get("object") or {}).get("metadata") or {}
    name = arguments.get("pod") or arguments.get("name") or sent.get("name") or ""
    return str(arguments.get("namespace") or sent.get("namespace") or "default"), str(name)


def _findings(
    one: Check, history: History, pods: list[PodStory], jobs: list[JobStory], api: Release, everywhere: bool
) -> Iterator[Judged]:
    """What one check finds, each with its subject; what a kubelet is known not to keep is marked so."""
    match one.subject:
        case Subject.CLUSTER:
            yield from (Judged("cluster", finding) for finding in one.function((history, pods, api)))
        case Subject.POD:
            for pod in pods:
                if everywhere or one.scope.holds(api, pod.kubelet):
                    yield from _of(f"Pod {pod.life.name}", one, pod.kubelet, pod)
        case Subject.JOB:
            for job in jobs:
                if everywhere or one.scope.holds(job.controller, job.controller):
                    yield from _of(f"{job.kind} {job.name}", one, job.controller, job)


def _of(subject: str, one: Check, component: Release, story: PodStory | JobStory) -> Iterator[Judged]:
    known = next((kept.why for kept in one.not_kept if kept.on(component) and kept.where(story)), "")
    for finding in one.function(story):
        why = "" if finding.held or finding.known else known or _unattended(story, finding)
        yield Judged(subject, Finding(False, finding.moments, finding.said, why) if why else finding)


def _unattended(story: PodStory | JobStory, finding: Finding) -> str:
    """Why no page promises it for a time in which no kubelet looked after the Pod, or a new one had just begun to."""
    if not finding.moments:
        return ""
    first, last = min(one.at for one in finding.moments), max(one.at for one in finding.moments)
    pods = [story] if isinstance(story, PodStory) else story.pods
    return _UNATTENDED if any(pod.is_unattended(first, last) for pod in pods) else ""


def _judgement(id_: str, found: list[Judged]) -> Judgement:
    broken = [judged.finding for judged in found if not judged.finding.held]
    if broken:
        known = broken[0].known if all(finding.known for finding in broken) else ""
        return Judgement(id_, Verdict.BROKEN, tuple(found), known)
    return Judgement(id_, Verdict.HELD if found else Verdict.NOT_EXERCISED, tuple(found))


def _release(component: ComponentHeader, part: Any) -> Release:
    return release(component.release, component.feature_gates, component=part, bugs=component.bugs)
