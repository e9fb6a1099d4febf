"""The lanes of a Pod's containers: what the runtime did, coloured by what the API server knew of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, ContainerLife, Exec, PodLife, Run
from kubesim.history.records import Decided, EventEmitted, ProbeChanged
from kubesim.timelines.lanes_model import NO_REASON, Hook, Lane, Look, Mark, MarkKind, Reason, Role, Span, Window
from kubesim.timelines.names import short_ids
from kubesim.units import SECOND, Instant

HOOKS: Final = ("postStart", "preStop")
_PATIENT: Final = ("", "PodInitializing", "ContainerCreating")
"""Reasons of a waiting container that say only that its turn has not come."""

BACK_OFF: Final = "back-off"
_PROBES: Final = {"success": MarkKind.PROBE_PASSED, "failure": MarkKind.PROBE_FAILED}
"""What a probe found; that nothing is known yet, as before the first answer, has changed nothing."""

_STARTS: Final = ("start", "restart")
_STOPS: Final = ("stop", "kill", "reset")
_STOPS_OF_ALL: Final = ("kill-pod",)


@dataclass(frozen=True, slots=True)
class Seen:
    """A container as one version of the Pod's status had it."""

    at: Instant
    container_id: str
    is_running: bool
    started: bool
    ready: bool
    waiting: str
    message: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A decision of the kubelet about one container."""

    at: Instant
    order: int
    do: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Notes:
    """What a history says about one container apart from its runs."""

    seen: tuple[Seen, ...]
    wishes: tuple[Wish, ...]
    events: tuple[EventEmitted, ...]
    probes: tuple[ProbeChanged, ...]


def container_lanes(history: History, life: PodLife, end: Instant) -> tuple[Lane, ...]:
    """One lane for each container in spec order: init containers with sidecars, mains, ephemeral ones."""
    roles = container_roles(life.versions[-1].object)
    lanes = []
    for name, container in life.containers.items():
        if name != SANDBOX:
            notes = _notes(history, life, name)
            lanes.append(_lane(name, roles.get(name, Role.MAIN), container, notes, life, end, history.started))
    return tuple(lanes)


def container_roles(raw: Mapping[str, Any]) -> dict[str, Role]:
    """What each container of a Pod is."""
    spec = raw.get("spec") or {}
    roles = {}
    for entry in spec.get("initContainers") or ():
        roles[entry["name"]] = Role.SIDECAR if entry.get("restartPolicy") == "Always" else Role.INIT
    roles |= {entry["name"]: Role.MAIN for entry in spec.get("containers") or ()}
    return roles | {entry["name"]: Role.EPHEMERAL for entry in spec.get("ephemeralContainers") or ()}


def _lane(
    name: str, role: Role, container: ContainerLife, notes: _Notes, life: PodLife, end: Instant, t0: Instant
) -> Lane:
    spans: list[Span] = []
    at, latest = life.created, -1
    for number, run in enumerate(container.runs):  # counted here: the kubelet may forget runs, and begin at 0 again
        spans += _between(at, run.start, latest, notes, spans)
        own = [*_alive(run, notes, end), *([_ended(run, notes)] if run.exit is not None else [])]
        spans += [replace(span, run=number) for span in own]
        at, latest = (run.exit if run.exit is not None else end), number
    if at < end:
        spans += _between(at, end, latest, notes, spans)
    stays = life.gone is None
    return Lane(
        name=name,
        role=role,
        spans=tuple(_counted(span, t0, stays and span.end >= end) for span in _joined(spans)),
        marks=tuple(sorted(_marks(container, notes, t0), key=lambda mark: mark.at)),
        hooks=tuple(_hook(one, run, end, t0) for run in container.runs for one in run.execs if one.purpose in HOOKS),
        windows=tuple(_windows(container, t0)),
    )


def _counted(span: Span, t0: Instant, is_open: bool) -> Span:
    """The span with its instants counted from t=0."""
    return Span(span.start - t0, span.end - t0, span.look, span.run, span.label, span.reason, is_open)


def _joined(spans: list[Span]) -> Iterator[Span]:
    """The spans of positive length; an end of no length stays, for it is the only sign that the run ended."""
    for span in spans:
        if span.end > span.start:
            yield span


# -- while no process runs ---------------------------------------------------------------------------------------


def _between(start: Instant, end: Instant, latest: int, notes: _Notes, before: list[Span]) -> list[Span]:
    """From the end of one run (or from the creation of the Pod) to the next start: ended, waiting, pulling, back-off.

    An end that is not followed by another run lasts; otherwise it lasts until the kubelet is known to hold back.
    """
    if end <= start:
        return []
    ended = before.pop() if latest >= 0 and before else None
    changes: list[tuple[Instant, Span]] = []
    first = ended if ended else Span(start, end, Look.WAITING, latest, *_waiting_text(notes, start))
    changes.append((start, first))
    for event in notes.events:
        if start <= event.at < end:
            changes += [(event.at, span) for span in _of_event(event, latest)]
    for wish in notes.wishes:
        if start <= wish.at < end and wish.do == "hold back":
            changes.append((wish.at, Span(0, 0, Look.BACK_OFF, latest, _back_off_decided(wish), wish.reason)))
    for seen in notes.seen:
        if start <= seen.at < end and seen.waiting:
            changes += [(seen.at, span) for span in _of_status(seen, latest, ended)]
    changes.sort(key=lambda change: change[0])
    found: list[Span] = []
    for at, span in changes:
        late = _told_late(found, span)
        if late is not None:
            held = found[late]
            found[late] = Span(held.start, held.end, held.look, held.run, *_better(held, span))
        else:
            if found:
                found[-1] = _until(found[-1], at)
            found.append(Span(at, end, span.look, span.run, span.label, span.reason))
    return found


def _told_late(found: list[Span], span: Span) -> int | None:
    """Which span the news belongs to if it begins none: the last one, or the back-off before the next attempt.

    The kubelet writes the length of a back-off when it looks again, which may be while it already starts anew.
    """
    if not found:
        return None
    if found[-1].look is span.look:
        return len(found) - 1
    is_length = found[-1].look is Look.PULLING and span.label.startswith(f"{BACK_OFF} ")
    if span.look is Look.BACK_OFF and (found[-1].look is Look.WAITING or is_length) and len(found) > 1:
        return len(found) - 2 if found[-2].look is Look.BACK_OFF else None
    return None


def _better(held: Span, news: Span) -> tuple[str, Reason]:
    """The label and reason that say more: a status names the length of the back-off, an Event does not."""
    if news.label and (not held.label or held.label == BACK_OFF):
        return news.label, news.reason
    return held.label, held.reason


def _until(span: Span, end: Instant) -> Span:
    return Span(span.start, end, span.look, span.run, span.label, span.reason)


def _waiting_text(notes: _Notes, at: Instant) -> tuple[str, Reason]:
    reason = next((seen.waiting for seen in notes.seen if seen.at >= at and seen.waiting), "")
    return "", Reason(reason)


def _of_event(event: EventEmitted, latest: int) -> Iterator[Span]:
    """What an Event tells of a container that does not run."""
    reason = Reason(f"Event {event.reason}: {short_ids(event.message)}")
    match event.reason:
        case "Pulling":
            yield Span(0, 0, Look.PULLING, latest, "pulling", reason)
        case "Pulled":
            yield Span(0, 0, Look.WAITING, latest, "", reason)
        case "BackOff":
            yield Span(0, 0, Look.BACK_OFF, latest, BACK_OFF, reason)
        case "Failed":
            yield Span(0, 0, Look.BACK_OFF, latest, BACK_OFF, reason)


def _of_status(seen: Seen, latest: int, ended: Span | None) -> Iterator[Span]:
    """What a waiting state tells; that it is the container's turn again says nothing while the end still shows."""
    if seen.waiting not in _PATIENT:
        words = ": ".join(part for part in (seen.waiting, short_ids(seen.message)) if part)
        yield Span(0, 0, Look.BACK_OFF, latest, _back_off_label(seen), Reason(words))
    elif ended is not None and seen.waiting:
        yield Span(0, 0, Look.WAITING, latest, "", Reason(seen.waiting))


def _back_off_decided(wish: Wish) -> str:
    """``back-off 20s`` out of ``in back-off of 20s since it ended``; its Event may be left out as one too many."""
    length = re.match(r"in back-off of (\S+)", wish.reason.why)
    return f"{BACK_OFF} {length[1]}" if length else BACK_OFF


def _back_off_label(seen: Seen) -> str:
    """``back-off 20s`` out of ``back-off 20s restarting failed container``; the reason where there is no length."""
    words = seen.message.split()
    if words[:1] == ["back-off"] and len(words) > 1:
        return f"back-off {words[1]}"
    return seen.waiting


# -- while a process runs ----------------------------------------------------------------------------------------


def _alive(run: Run, notes: _Notes, end: Instant) -> list[Span]:
    """From start to exit: running, started, ready, as the status told; terminating from the wish to stop it."""
    exit_ = run.exit if run.exit is not None else end
    stopping = stop_of(run)
    until = exit_ if stopping is None else min(stopping, exit_)
    began = _wish(notes.wishes, run.start, _STARTS)
    looks: list[tuple[Instant, Look]] = [(run.start, Look.RUNNING)]
    for seen in notes.seen:
        if run.start <= seen.at < until and _is_about(seen, run):
            look = Look.READY if seen.ready else Look.STARTED if seen.started else Look.RUNNING
            if look is not looks[-1][1]:
                looks.append((seen.at, look))
    if stopping is not None and stopping < exit_:
        looks.append((stopping, Look.TERMINATING))
    spans = []
    for index, (at, look) in enumerate(looks):
        stop = looks[index + 1][0] if index + 1 < len(looks) else exit_
        reason = _wish(notes.wishes, at, (*_STOPS, *_STOPS_OF_ALL)) if look is Look.TERMINATING else began
        spans.append(Span(at, stop, look, run.number, "", reason))
    return spans


def _is_about(seen: Seen, run: Run) -> bool:
    return seen.is_running and (not run.container_id or not seen.container_id or seen.container_id == run.container_id)


def stop_of(run: Run) -> Instant | None:
    """When the stopping of a run began: its preStop hook, the request to the runtime or the signal itself."""
    found = [hook.start for hook in run.execs if hook.purpose == "preStop"]
    found += [stop.at for stop in run.stops if run.exit is None or stop.at < run.exit]
    found += [signal.at for signal in run.signals if signal.signal in ("TERM", "KILL")]
    return min(found, default=None)


def _ended(run: Run, notes: _Notes) -> Span:
    """The end of a run; its length is found later."""
    at = run.exit or run.start
    killed = run.oom_killed or any(signal.signal == "KILL" for signal in run.signals)
    code = run.code or 0
    if killed and code:
        if run.oom_killed:
            return Span(at, at, Look.KILLED, run.number, f"OOM {code}", Reason("out of memory"))
        return Span(at, at, Look.KILLED, run.number, f"killed {code}", _killed_because(run, notes))
    look = Look.FAILED if code else Look.COMPLETED
    told = f"exited with {code}" + (f" ({run.reason})" if run.reason else "")
    return Span(at, at, look, run.number, f"exit {code}", Reason(told))


def _killed_because(run: Run, notes: _Notes) -> Reason:
    """Why a run got SIGKILL: its grace was over, and why it was to stop; a SIGKILL from elsewhere has no reason."""
    kill = next(signal.at for signal in run.signals if signal.signal == "KILL")
    stop = next((stop for stop in run.stops if stop.at <= kill), None)
    if stop is None:
        return Reason("SIGKILL")
    wish = _wish(notes.wishes, kill, (*_STOPS, *_STOPS_OF_ALL))
    over = f"still running when its grace of {stop.grace} s was over"
    return Reason("; ".join(part for part in (over, wish.why) if part), wish.rules)


def _windows(container: ContainerLife, t0: Instant) -> Iterator[Window]:
    """For each run that was asked to stop: from the wish to the instant of SIGKILL."""
    for run in container.runs:
        stops = [stop for stop in run.stops if run.exit is None or stop.at < run.exit]
        begun = stop_of(run)
        if stops and begun is not None:
            end = min(stop.at + stop.grace * SECOND for stop in stops)
            if end > begun:
                yield Window(begun - t0, end - t0, (end - begun + SECOND // 2) // SECOND)


def _hook(one: Exec, run: Run, end: Instant, t0: Instant) -> Hook:
    ends = [at for at in (one.exit, run.exit, end) if at is not None]
    return Hook(one.start - t0, ends[0] - t0, one.purpose, one.command, one.code)


def _marks(container: ContainerLife, notes: _Notes, t0: Instant) -> Iterator[Mark]:
    kinds = {"TERM": MarkKind.TERM, "KILL": MarkKind.KILL}
    for run in container.runs:
        for signal in run.signals:
            kind = kinds.get(signal.signal, MarkKind.SIGNAL)
            yield Mark(signal.at - t0, kind, f"SIG{signal.signal}", _signal_reason(kind, signal.at, run, notes))
        if run.oom_killed and run.exit is not None:
            yield Mark(run.exit - t0, MarkKind.OUT_OF_MEMORY, "out of memory")
    for probe in notes.probes:
        result = probe.result.lower()
        if result in _PROBES:
            why = Reason(probe.output.strip(), probe.rules)
            yield Mark(probe.at - t0, _PROBES[result], f"{probe.probe} probe: {result}", why)


def _signal_reason(kind: MarkKind, at: Instant, run: Run, notes: _Notes) -> Reason:
    if kind is MarkKind.KILL:
        return _killed_because(run, notes)
    return _wish(notes.wishes, at, (*_STOPS, *_STOPS_OF_ALL))


def _wish(wishes: tuple[Wish, ...], at: Instant, kinds: tuple[str, ...]) -> Reason:
    """Why: the newest decision of these kinds up to an instant."""
    return next((wish.reason for wish in reversed(wishes) if wish.do in kinds and wish.at <= at), NO_REASON)


# -- what the history says about one container -------------------------------------------------------------------


def _notes(history: History, life: PodLife, name: str) -> _Notes:
    uids = {version.uid for version in life.versions}
    wishes: list[Wish] = []
    for order, record in enumerate(history):
        if isinstance(record, Decided) and (record.namespace, record.name) == (life.namespace, life.name):
            wishes += _wishes(record, order, name)
    return _Notes(
        seen=_seen(life, name),
        wishes=tuple(wishes),
        events=tuple(event for event in life.events if event.uid in uids and _names(event.field_path, name)),
        probes=tuple(
            probe
            for probe in history.of(ProbeChanged)
            if probe.is_answer and (probe.namespace, probe.pod, probe.container) == (life.namespace, life.name, name)
        ),
    )


def _names(field_path: str, name: str) -> bool:
    return field_path.endswith(f"{{{name}}}")


def _wishes(record: Decided, order: int, name: str) -> Iterator[Wish]:
    for action in record.actions:
        if action.container == name or (not action.container and action.do in _STOPS_OF_ALL):
            words = "; ".join(dict.fromkeys(part for part in (record.why, action.why) if part))
            about_all = record.pass_ != "SyncPod"
            reason = Reason(words if about_all else action.why or record.why, _rules(record, action.rules, about_all))
            yield Wish(record.at, order, action.do, reason)


def _rules(record: Decided, own: tuple[str, ...], with_pass: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*record.rules, *own) if with_pass or not own else own))


def _seen(life: PodLife, name: str) -> tuple[Seen, ...]:
    found: list[Seen] = []
    for version in life.versions:
        status = version.object.get("status") or {}
        for field in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
            for entry in status.get(field) or ():
                if entry["name"] == name:
                    found.append(_one_seen(version.at, entry))
    return tuple(found)


def _one_seen(at: Instant, entry: Mapping[str, Any]) -> Seen:
    state = entry.get("state") or {}
    waiting = state.get("waiting") or {}
    return Seen(
        at=at,
        container_id=str(entry.get("containerID") or "").rpartition("://")[2],
        is_running="running" in state,
        started=bool(entry.get("started")),
        ready=bool(entry.get("ready")),
        waiting=str(waiting.get("reason") or ""),
        message=str(waiting.get("message") or ""),
    )
