"""From a history to what a picture of it shows: one lane for each container, bands above, lines through all.

What is alive is told by the runtime, what is started and ready by the status the API server had; so a picture shows
both the truth and when Kubernetes knew it. Pure: no colours, no pixels, no fonts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.lives import PodLife
from kubesim.history.records import ActionDone, ComponentHeader, Header
from kubesim.history.replay import Key
from kubesim.timelines.lanes_containers import container_lanes
from kubesim.timelines.lanes_jobs import job_pictures, owning_job
from kubesim.timelines.lanes_model import (
    Band,
    Moment,
    MomentKind,
    Picture,
    PodPicture,
    Refusal,
    Segment,
    Window,
)
from kubesim.timelines.names import stable_names
from kubesim.units import MINUTE, SECOND, Duration, Instant

_CREATING: Final = ("apply", "create")
_AFTER: Final = 16
"""A settled run is shown for one part in so many longer."""

CONDITION_ORDER: Final[tuple[str, ...]] = (
    "PodScheduled",
    "PodReadyToStartContainers",
    "Initialized",
    "ContainersReady",
    "Ready",
)


def pictures(histories: Sequence[History], labels: Sequence[str] = ()) -> tuple[Picture, ...]:
    """What a picture of several runs on one time axis shows. ``labels``: what tells them apart, if not where they ran.

    A run that has settled goes on as it is for as long as the others, and if all have, a little longer: nothing can
    change in it any more, but its containers do not vanish.
    """
    longest = max((history.ended - history.started for history in histories), default=0)
    if all(map(_is_settled, histories)) and any(map(_holds_something, histories)):
        longest += min(max(longest // _AFTER, SECOND), MINUTE)
    shown = [picture(history, longest) for history in histories]
    return tuple(
        replace(one, label=label) for one, label in zip(shown, labels or [one.label for one in shown], strict=True)
    )


def picture(history: History, until: Duration = 0) -> Picture:
    """What a picture of the whole run shows; of one that has settled, up to ``until`` if that is later than its end."""
    names = stable_names(history)
    end = max(history.ended, history.started + until) if _is_settled(history) else history.ended
    return Picture(
        title=history.header.scenario or "run",
        about=history.header.title,
        label=where_it_ran(history.header),
        end=end - history.started,
        pods=tuple(_pod(history, life, names, end) for life in history.pods),
        jobs=job_pictures(history, names, end),
        moments=tuple(sorted(_moments(history, names), key=lambda moment: moment.at)),
        ending=history.end.why if history.end else "",
        refusals=tuple(_refusals(history)),
    )


def _is_settled(history: History) -> bool:
    return history.end is not None and history.end.why == "settled"


def _holds_something(history: History) -> bool:
    """Whether a Pod is there at the end."""
    return any(life.gone is None for life in history.pods)


def _refusals(history: History) -> Iterator[Refusal]:
    for record in history.of(ActionDone):
        verb, _, kind = record.do.partition(" ")
        if record.code >= 400 and verb in _CREATING:
            yield Refusal(record.at - history.started, kind or "object", record.message)


def where_it_ran(header: Header) -> str:
    """The releases of a run with what was set by hand: ``1.28 (SidecarContainers=true)``; nodes that differ follow."""
    base = _component(header.control_plane)
    others = [f"{node.name} {_component(node)}" for node in header.nodes if _component(node) != base]
    if others and len(others) == len(header.nodes) and len({text.partition(" ")[2] for text in others}) == 1:
        others = [f"nodes {others[0].partition(' ')[2]}"]
    extras = [f"seed {header.seed}"] if header.seed else []
    extras += [f"draw {header.draw}"] if header.draw else []
    return ", ".join([base, *others, *extras])


def _component(component: ComponentHeader) -> str:
    settings = [f"{gate}={str(on).lower()}" for gate, on in component.feature_gates.items()]
    settings += [f"bug {bug} {'on' if on else 'off'}" for bug, on in component.bugs.items()]
    return component.release + (f" ({', '.join(settings)})" if settings else "")


def _pod(history: History, life: PodLife, names: dict[Key, str], until: Instant) -> PodPicture:
    started, key = history.started, Key("Pod", life.namespace, life.name)
    end = until if life.gone is None else life.gone
    last = life.versions[-1].object
    phases = [(change.at, change.phase, "") for change in life.phases]
    return PodPicture(
        name=names.get(key, life.name),
        namespace=life.namespace,
        node=(last.get("spec") or {}).get("nodeName") or "",
        created=life.created - started,
        gone=None if life.gone is None else life.gone - started,
        phase=band("phase", phases, end, started),
        conditions=_conditions(life, end, started),
        lanes=container_lanes(history, life, end),
        windows=_deletion_windows(life, started),
        job=owning_job(life.versions[0].object) or "",
    )


def band(name: str, changes: list[tuple[Instant, str, str]], end: Instant, started: Instant) -> Band:
    """The segments between changes (instant, value, detail), the last one reaching to the end."""
    segments = []
    for index, (at, value, detail) in enumerate(changes):
        until = changes[index + 1][0] if index + 1 < len(changes) else max(end, at)
        if until > at or index + 1 == len(changes):
            segments.append(Segment(at - started, until - started, value, detail))
    return Band(name, tuple(segments))


def _conditions(life: PodLife, end: Instant, started: Instant) -> tuple[Band, ...]:
    """The known conditions in the order in which they come true, then the others as they appeared."""
    known = life.conditions
    order = [type_ for type_ in CONDITION_ORDER if type_ in known]
    order += [type_ for type_ in known if type_ not in CONDITION_ORDER]
    return tuple(
        band(type_, [(one.at, one.status, _detail(one.reason, one.message)) for one in known[type_]], end, started)
        for type_ in order
    )


def _detail(reason: str, message: str) -> str:
    return ": ".join(part for part in (reason, message) if part)


def _deletion_windows(life: PodLife, started: Instant) -> tuple[Window, ...]:
    """The grace periods that the API server granted; a shorter one takes the place of what was left of the other."""
    windows: list[Window] = []
    before: tuple[Any, ...] = ()
    for version in life.versions:
        metadata = version.object["metadata"]
        if not metadata.get("deletionTimestamp"):
            continue
        grace = metadata.get("deletionGracePeriodSeconds") or 0
        asked = (metadata["deletionTimestamp"], grace)
        if grace and asked != before:
            at = version.at - started
            windows.append(Window(at, at + grace * SECOND, grace))
        before = asked
    return tuple(windows)


def _moments(history: History, names: dict[Key, str]) -> Iterator[Moment]:
    for record in history.of(ActionDone):
        verb = record.do.partition(" ")[0]
        at = record.at - history.started
        label, subject = _action(record, names)
        if record.code >= 400:
            yield Moment(at, MomentKind.REFUSED, f"{label}: refused", subject, record.message)
        elif verb in ("delete", "delete-job-pod", "evict"):
            yield Moment(at, MomentKind.DELETE, label, subject, record.kubectl)
        elif verb != "snapshot" and (verb not in _CREATING or at > 0):
            yield Moment(at, MomentKind.ACTION, label, subject, record.kubectl)
    for key, versions in history.all_versions.items():
        for version in versions:
            if version.change == "DELETED" and key.kind in ("Pod", "Job"):
                yield Moment(version.at - history.started, MomentKind.GONE, "gone", names.get(key, key.name))


def _action(record: ActionDone, names: dict[Key, str]) -> tuple[str, str]:
    """What was done, and to which object."""
    verb, _, kind = record.do.partition(" ")
    given = record.arguments
    name = str(given.get("name") or given.get("pod") or "")
    key = Key(kind or str(given.get("kind") or "Pod"), str(given.get("namespace") or "default"), name)
    container = f" {given['container']}" if "container" in given else ""
    grace = given.get("grace", given.get("gracePeriodSeconds"))
    extra = "" if grace is None else f", grace {grace} s"
    return f"{verb}{container}{extra}", names.get(key, name)


def instants(shown: Picture, pods: Sequence[PodPicture] | None = None) -> list[Duration]:
    """Every instant at which something begins, ends or happens, in order, each once: between two, all is quiet.

    ``pods``: those whose containers are shown (default: all).
    """
    pods = shown.pods if pods is None else pods
    found: set[Duration] = {0, shown.end}
    for moment in shown.moments:
        found.add(moment.at)
    lanes = [lane for pod in pods for lane in pod.lanes] + [lane for job in shown.jobs for lane in job.lanes]
    for lane in lanes:
        found |= {at for span in lane.spans for at in (span.start, span.end)}
        found |= {mark.at for mark in lane.marks}
        found |= {at for hook in lane.hooks for at in (hook.start, hook.end)}
        found |= {at for window in lane.windows for at in (window.start, min(window.end, shown.end))}
    bands = [band for pod in pods for band in (pod.phase, *pod.conditions)]
    bands += [band for job in shown.jobs for band in (*job.conditions, *job.counters)]
    found |= {at for one in bands for segment in one.segments for at in (segment.start, segment.end)}
    found |= {at for pod in pods for window in pod.windows for at in (window.start, window.end)}
    return sorted(found)
