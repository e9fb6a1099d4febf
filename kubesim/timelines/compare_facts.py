"""What one run says that another may say otherwise: facts by their names, and the instants of what containers do.

A fact is a text under a name that means the same in every run; a moment is an instant, counted from t=0, under such a
name. Names of a Job's Pods, uids and container ids are made stable first, so that only behaviour is compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from signal import Signals
from typing import Any, Final, NamedTuple

from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, ContainerLife, PodLife, Run
from kubesim.history.records import ActionDone
from kubesim.history.replay import Key
from kubesim.history.series import event_series
from kubesim.timelines.lanes_containers import container_roles
from kubesim.timelines.lanes_model import Role
from kubesim.timelines.names import plain_text, stable_names
from kubesim.timelines.requests import requests_text
from kubesim.timelines.rows import Row, job_rows, pod_rows
from kubesim.units import MILLISECOND, SECOND, Duration

JITTER: Final = 50 * MILLISECOND
"""What lies closer together happens at once, and differs from one run to another by chance."""

NOTHING: Final = "—"
"""The value of a run in which a thing does not exist or does not happen."""

MESSAGES: Final = ", messages"
"""Ends the name of a condition's messages, which follow from its values more often than not."""

_POD_UID: Final = re.compile(r"(?<=\()[0-9a-f]{8}(?=\))")
_LENGTHS: Final = re.compile(r"\b\d+(\.\d+)?(ms|s|m|h)((?<=[mh])\d+(\.\d+)?(ms|s|m))*\b")
_OF_A_JOB: Final = re.compile(r"([^~]+?)(?:-\d+)?-~\d+(?:/.+)?")
_JOB_ENDS: Final = ("Complete", "Failed")
_CHOSEN_BY_CHANCE: Final = ("kube-api-access-",)


class Name(NamedTuple):
    """What a fact is about: its kind, the object or container, and which side of it."""

    kind: str
    subject: str
    aspect: str


class Moment(NamedTuple):
    """Something that happens at one instant; ``container`` is empty where the Pod or Job itself does it."""

    subject: str
    container: str
    what: str

    def __str__(self) -> str:
        return f"{self.container} {self.what}".strip()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same everywhere, with its value on each side."""

    kind: str
    subject: str
    aspect: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Portrait:
    """One run, ready to be held against another. ``events`` are the texts of Kubernetes Events with their counts."""

    subjects: frozenset[str]
    """The Pods, Jobs and containers that there are."""
    facts: Mapping[Name, str]
    courses: Mapping[Name, tuple[str, ...]]
    """What took one value after the other: phases, conditions, the rows of ``kubectl get -w``."""
    events: Mapping[Name, Mapping[str, int]]
    moments: Mapping[Moment, Duration]
    roles: Mapping[str, Mapping[str, Role]]
    """For each Pod the roles of its containers."""
    final: Mapping[str, str]
    """For each Pod and Job how it ended, in a word or two."""
    end: Duration


def portrait(history: History, names: Mapping[Key, str] | None = None, *, with_spec: bool = True) -> Portrait:
    """The facts and moments of a run. ``names`` says what to call Pods and Jobs (default: their stable names).

    ``with_spec``: what the API server stored counts, too; not so where the manifests themselves differ.
    """
    known = dict(names) if names is not None else subject_names(history)
    plain = plain_text({key: name for key, name in known.items() if key.kind == "Pod"})
    facts: dict[Name, str] = dict(_admission(history, plain))
    courses: dict[Name, tuple[str, ...]] = dict(_rows(history, known))
    moments: dict[Moment, Duration] = {}
    roles: dict[str, dict[str, Role]] = {}
    for life in history.pods:
        subject = known[Key("Pod", life.namespace, life.name)]
        roles[subject] = container_roles(life.versions[-1].object)
        facts |= _pod_facts(subject, life, plain)
        facts[Name("requests", subject, "asks of its node")] = requests_text(life.versions[0].object, history)
        courses |= _pod_courses(subject, life, plain)
        facts |= _stored(subject, life) if with_spec else {}
        moments |= _pod_moments(subject, life, history.started)
    for key, versions in history.all_versions.items():
        if key.kind == "Job":
            facts |= _job_facts(known[key], versions[-1].object, plain)
            moments |= _job_moments(history, known[key], key)
    containers = {f"{subject}/{name}" for subject, own in roles.items() for name in own}
    return Portrait(
        subjects=frozenset({*known.values(), *containers}),
        facts=facts,
        courses=courses,
        events=_events(history, known, plain),
        moments=moments,
        roles=roles,
        final=dict(_final(history, known)),
        end=history.ended - history.started,
    )


def subject_names(history: History) -> dict[Key, str]:
    """What to call the Pods and Jobs: the namespace only where there are several, ``job/`` before a Job's name."""
    keys = [key for key in history.all_versions if key.kind in ("Pod", "Job")]
    pods = stable_names(history)
    several = len({key.namespace for key in keys}) > 1
    return {
        key: (f"{key.namespace}/" if several else "") + (pods[key] if key.kind == "Pod" else f"job/{key.name}")
        for key in keys
    }


def job_of(subject: str) -> str:
    """The Job (or ReplicaSet) that a Pod's or its container's stable name says it belongs to; empty for others."""
    found = _OF_A_JOB.fullmatch(subject)
    return found[1] if found else ""


def container_in(subject: str) -> str:
    """The container that a subject is about, of a Job's Pod; empty if it is the Pod itself."""
    return subject.partition("~")[2].partition("/")[2]


# -- what the API server did with the input ---------------------------------------------------------------------------


def _admission(history: History, plain: Callable[[str], str]) -> Iterator[tuple[Name, str]]:
    """The API server's answers to what was asked of it; a delete of what has gone is refused, too."""
    for number, action in enumerate(history.of(ActionDone)):
        if action.do == "snapshot":
            continue
        answer = f"refused ({action.code} {action.reason}): {plain(action.message)}" if action.code >= 400 else "done"
        yield Name("admission", action.do, f"request {number + 1}"), answer
        if action.warnings:
            yield Name("admission", action.do, f"warnings of request {number + 1}"), plain("; ".join(action.warnings))


def _stored(subject: str, life: PodLife) -> dict[Name, str]:
    """The spec as it was stored, field by field: what an API server does not know or has switched off is missing."""
    spec = {key: value for key, value in life.versions[0].object["spec"].items() if key != "nodeName"}
    found = dict(_fields(spec, "spec"))
    return {
        Name("spec", subject, path): value
        for path, value in found.items()
        if not any(by_chance in value or by_chance in path for by_chance in _CHOSEN_BY_CHANCE)
    }


def _fields(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _fields(inner, f"{path}.{key}")
        case list() if value and all(isinstance(item, dict) and "name" in item for item in value):
            for item in value:
                yield from _fields({k: v for k, v in item.items() if k != "name"} or "", f"{path}[{item['name']}]")
        case list() if value and all(isinstance(item, dict) for item in value):
            for number, item in enumerate(value):
                yield from _fields(item, f"{path}[{number}]")
        case _:
            yield path, " ".join(map(str, value)) if isinstance(value, list) else str(value)


# -- Pods and their containers ----------------------------------------------------------------------------------------


def _pod_facts(subject: str, life: PodLife, plain: Callable[[str], str]) -> dict[Name, str]:
    status = life.versions[-1].object.get("status") or {}
    told = [plain(str(status[key])) for key in ("reason", "message") if status.get(key)]
    facts = {Name("phase", subject, "reason"): ": ".join(told)}
    for name, container in life.containers.items():
        if name != SANDBOX:
            facts |= _container_facts(f"{subject}/{name}", container)
    return facts


def _pod_courses(subject: str, life: PodLife, plain: Callable[[str], str]) -> dict[Name, tuple[str, ...]]:
    courses = {Name("phase", subject, "phases"): tuple(change.phase for change in life.phases)}
    for type_, changes in life.conditions.items():
        courses[Name("condition", subject, type_)] = tuple(
            change.status + (f" ({change.reason})" if change.reason else "") for change in changes
        )
        courses[Name("condition", subject, f"{type_}{MESSAGES}")] = tuple(plain(change.message) for change in changes)
    return courses


def _container_facts(subject: str, container: ContainerLife) -> dict[Name, str]:
    facts = {Name("runs", subject, "times started"): str(len(container.runs))}
    for run in container.runs:
        which = f", run {run.number + 1}" if len(container.runs) > 1 else ""
        facts[Name("exit", subject, f"exit code{which}")] = exit_text(run)
        graces = [stop.grace for stop in run.stops if run.exit is None or stop.at <= run.exit]
        facts[Name("grace", subject, f"grace{which}")] = ", then ".join(f"{grace} s" for grace in graces)
        signals = [signal.signal for signal in run.signals]
        facts[Name("signal", subject, f"signals{which}")] = ", ".join(f"SIG{signal}" for signal in signals)
        for purpose in ("postStart", "preStop"):
            facts[Name("hook", subject, f"{purpose} hook{which}")] = _hook_text(run, purpose)
    return facts


def exit_text(run: Run) -> str:
    """``137 (Error, as by SIGKILL)``; ``still running`` for a run without an end."""
    if run.exit is None:
        return "still running"
    number = (run.code or 0) - 128
    by_signal = next((f"as by {known.name}" for known in Signals if known.value == number), "")
    detail = ", ".join(part for part in (run.reason if run.code else "", by_signal) if part)
    return f"{run.code} ({detail})" if detail else str(run.code)


def _hook_text(run: Run, purpose: str) -> str:
    told = []
    for hook in run.execs:
        if hook.purpose == purpose:
            told.append("cut off" if hook.code is None else f"ended with {hook.code}")
    return ", ".join(told)


def _pod_moments(subject: str, life: PodLife, started: int) -> dict[Moment, Duration]:
    found = {
        Moment(subject, "", "is created" if change.phase == "Pending" else f"is {change.phase}"): change.at - started
        for change in reversed(life.phases)
    }
    ready = [change for change in life.conditions.get("Ready", ()) if change.status == "True"]
    if ready:
        found[Moment(subject, "", "Ready")] = ready[0].at - started
    if life.gone is not None:
        found[Moment(subject, "", "gone")] = life.gone - started
    for name, container in life.containers.items():
        if name != SANDBOX:
            for run in container.runs:
                found |= {Moment(subject, name, what): at - started for what, at in _run_moments(run)}
    return found


def _run_moments(run: Run) -> Iterator[tuple[str, int]]:
    again = f" (run {run.number + 1})" if run.number else ""
    yield f"starts{again}", run.start
    for hook in reversed(run.execs):
        if hook.purpose in ("postStart", "preStop"):
            yield f"{hook.purpose} begins{again}", hook.start
            if hook.exit is not None:
                yield f"{hook.purpose} ends{again}", hook.exit
    for signal in reversed(run.signals):
        yield f"SIG{signal.signal}{again}", signal.at
    if run.exit is not None:
        yield f"ends{again}", run.exit


# -- Jobs -------------------------------------------------------------------------------------------------------------


def _job_facts(subject: str, job: Mapping[str, Any], plain: Callable[[str], str]) -> dict[Name, str]:
    status = job.get("status") or {}
    counters = ("active", "ready", "terminating", "succeeded", "failed", "completedIndexes", "failedIndexes")
    facts = {Name("job", subject, counter): str(status.get(counter) or 0) for counter in counters}
    for entry in status.get("conditions") or ():
        detail = ": ".join(plain(part) for part in (entry.get("reason"), entry.get("message")) if part)
        value = f"{entry['status']} ({detail})" if detail else entry["status"]
        facts[Name("condition", subject, entry["type"])] = value
    return facts


def _job_moments(history: History, subject: str, key: Key) -> dict[Moment, Duration]:
    found: dict[Moment, Duration] = {}
    for version in history.all_versions[key]:
        for entry in (version.object.get("status") or {}).get("conditions") or ():
            if entry["status"] == "True":
                found.setdefault(Moment(subject, "", entry["type"]), version.at - history.started)
        if version.change == "DELETED":
            found[Moment(subject, "", "gone")] = version.at - history.started
    return found


# -- what kubectl shows -----------------------------------------------------------------------------------------------


def _events(history: History, names: Mapping[Key, str], plain: Callable[[str], str]) -> dict[Name, dict[str, int]]:
    found: dict[Name, dict[str, int]] = {}
    for series in event_series(history):
        event = series.last
        subject = names.get(Key(event.kind, event.namespace, event.name), event.name)
        container = event.field_path.partition("{")[2].rstrip("}")
        name = Name("event", f"{subject}/{container}" if container else subject, f"{event.type} {event.reason}")
        words = _POD_UID.sub("…", _LENGTHS.sub("…", plain(event.message)))
        texts = found.setdefault(name, {})
        texts[words] = texts.get(words, 0) + event.count
    return found


def _rows(history: History, names: Mapping[Key, str]) -> Iterator[tuple[Name, tuple[str, ...]]]:
    for kind, rows, columns in (
        ("pod", pod_rows(history), ("Ready", "Status", "Restarts")),
        ("job", job_rows(history), ("Status", "Completions")),
    ):
        by_key = groupby(sorted(rows, key=lambda row: row.key), key=lambda row: row.key)
        for key, own in by_key:
            name = Name("kubectl", names[key], f"kubectl get {kind} -w")
            yield name, tuple(_shown(list(own), columns, history.ended))


def _shown(rows: list[Row], columns: Iterable[str], end: int) -> Iterator[str]:
    """The rows without those that stood for less than the jitter."""
    before = ""
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        until = end if following is None else following.at
        cells = [row.cells[name].partition(" (")[0] for name in columns if name in row.cells]
        words = " ".join(cells) + (" (gone)" if row.deleted else "")
        if (until - row.at >= JITTER or row.deleted or following is None) and words != before:
            yield words
            before = words


def _final(history: History, names: Mapping[Key, str]) -> Iterator[tuple[str, str]]:
    """The last phase of a Pod; Complete, Failed or still active of a Job."""
    for life in history.pods:
        yield names[Key("Pod", life.namespace, life.name)], life.phase or "Pending"
    for key, versions in history.all_versions.items():
        if key.kind == "Job":
            conditions = (versions[-1].object.get("status") or {}).get("conditions") or ()
            ended = [one["type"] for one in conditions if one["status"] == "True" and one["type"] in _JOB_ENDS]
            yield names[key], ended[0] if ended else "not finished"


def seconds_text(length: Duration) -> str:
    """``3.4 s``; three digits below a second."""
    if abs(length) < SECOND:
        return f"{round(length / MILLISECOND)} ms"
    return f"{length / SECOND:.1f} s" if length % SECOND else f"{length // SECOND} s"
