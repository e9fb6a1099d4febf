"""A trace made comparable: every instant an Occurrence with a name that means the same in another run.

The format is described beside the recordings (one JSON object, times in seconds from t=0); here times are instants
in nanoseconds from t=0. Left out: ``logs``, ``snapshot`` actions, execs that cannot be told from a probe, ``title``,
``generation``, ``startTime``.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from kubesim.errors import ScenarioError
from kubesim.fidelity.messages import namespace_pattern, plain_message, recording_namespace
from kubesim.fidelity.names import JobPod, job_pods, own_names
from kubesim.units import MILLISECOND, SECOND, Instant

Key: TypeAlias = tuple[str | int, ...]
"""What an occurrence is, the same in every run: (object, strand, ordinal) or (pod, container, run, event, ordinal)."""

Plain: TypeAlias = Callable[[str | None], str | None]
"""What makes a message comparable."""

SANDBOX: Final = "(sandbox)"
SHORTEST_HOOK: Final = 500 * MILLISECOND
"""An exec of under 0.5 s cannot be told from a probe."""
COUNTERS: Final = (
    "active",
    "ready",
    "succeeded",
    "failed",
    "terminating",
    "completedIndexes",
    "failedIndexes",
    "uncounted",
    "suspend",
)
UNSET: Final = -1e8
"""A time that Kubernetes has not set is the first of 1970 (or of year 1), years before t=0."""
_AGE: Final = re.compile(r"^(\d+) \((.+) ago\)$")
_AGE_PART: Final = re.compile(r"(\d+)([dhms])")
_AGE_UNITS: Final = {"d": 86_400 * SECOND, "h": 3_600 * SECOND, "m": 60 * SECOND, "s": SECOND}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened at an instant; ``written`` are the whole-second times Kubernetes put into it."""

    key: Key
    at: Instant
    value: Any = None
    written: tuple[tuple[str, Instant], ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """One runtime event: ``what`` is start, stop, signal TERM, signal KILL, exit, hook start, hook exit or oom."""

    key: Key
    at: Instant
    pod: str
    container: str
    run: int
    what: str
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A timed action as carried out, and the API server's reply."""

    key: Key
    at: Instant
    do: str
    kind: str
    name: str
    reply: tuple[int | None, str | None]


@dataclass(slots=True)
class Life:
    """What one pod or Job went through: a strand is the sequence of values of one thing about it."""

    kind: str
    name: str
    strands: dict[str, list[Occurrence]] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    gone: Instant | None = None
    changes: list[tuple[Instant, tuple[Key, ...]]] = field(default_factory=list)

    def final(self, strand: str) -> Any:
        """The last value of a strand; None if it never had one."""
        values = self.strands.get(strand)
        return values[-1].value if values else None


@dataclass(slots=True)
class Trace:
    """One run, ready to be compared."""

    id: str
    config: str
    duration: Instant
    over: bool
    errors: list[str]
    warnings: list[str]
    actions: list[Action]
    accepted: dict[str, str]
    pods: dict[str, Life]
    jobs: dict[str, Life]
    events: dict[tuple[str, ...], list[Occurrence]]
    counts: dict[tuple[str, ...], int]
    job_pods: list[JobPod]

    def lives(self) -> Iterable[Life]:
        """Every pod and Job."""
        yield from self.pods.values()
        yield from self.jobs.values()


def load_trace(path: str | Path) -> dict[str, Any]:
    """The JSON object of a trace file, plain or gzipped."""
    source = Path(path)
    try:
        data = source.read_bytes()
        found = json.loads(gzip.decompress(data) if source.suffix == ".gz" else data)
    except OSError as error:
        raise ScenarioError(f"cannot be read: {error.strerror}", path=str(source)) from error
    except ValueError as error:
        raise ScenarioError(f"is not a trace in JSON: {error}", path=str(source)) from error
    if not isinstance(found, dict) or "duration" not in found:
        raise ScenarioError("is not a trace: it has no duration", path=str(source))
    return found


def instant(value: float) -> Instant:
    """An instant of a trace, stored as seconds with three decimals."""
    return round(value * 1000) * MILLISECOND


def normalised(raw: dict[str, Any], names: dict[str, str] | None = None) -> Trace:
    """The comparable form of a trace; ``names`` are the comparison's names of generated pods."""
    pods_of_jobs = job_pods(raw)
    names = own_names(pods_of_jobs) if names is None else names
    messages = [event["message"] for event in raw.get("events", ())]
    namespace = namespace_pattern(recording_namespace(messages))
    cleaned: dict[str, str] = {}

    def plain(message: str | None) -> str | None:
        if message is None:
            return None
        if message not in cleaned:
            cleaned[message] = plain_message(message, namespace, names)
        return cleaned[message]

    pods = _pod_lives(raw, names, plain)
    jobs = _job_lives(raw, plain)
    events, counts = _events(raw, names, plain)
    accepted = {
        names.get(name, name): json.dumps(stored, sort_keys=True) for name, stored in raw.get("accepted", {}).items()
    }
    return Trace(
        id=raw.get("id", ""),
        config=raw.get("config", ""),
        duration=instant(raw["duration"]),
        over=_is_over(pods, jobs),
        errors=[json.dumps(error) for error in raw.get("errors", ())],
        warnings=[warning if isinstance(warning, str) else json.dumps(warning) for warning in raw.get("warnings", ())],
        actions=_actions(raw, plain),
        accepted=accepted,
        pods=pods,
        jobs=jobs,
        events=events,
        counts=counts,
        job_pods=pods_of_jobs,
    )


def _is_over(pods: dict[str, Life], jobs: dict[str, Life]) -> bool:
    """Whether everything was finished when recording stopped; otherwise it stopped at its horizon."""
    for pod in pods.values():
        if pod.gone is None and pod.final("phase") not in ("Succeeded", "Failed"):
            return False
        running = {(moment.container, moment.run) for moment in pod.moments if moment.what == "start"}
        running -= {(moment.container, moment.run) for moment in pod.moments if moment.what == "exit"}
        if any(container != SANDBOX for container, _ in running):
            return False
    for job in jobs.values():
        ended = (job.final(f"cond/{kind}") for kind in ("Complete", "Failed"))
        if job.gone is None and not any(condition and condition[0] == "True" for condition in ended):
            return False
    return True


def _actions(raw: dict[str, Any], plain: Plain) -> list[Action]:
    taken: list[Action] = []
    for action in raw.get("actions", ()):
        if action["do"] == "snapshot":
            continue
        created = action.get("object", {})
        taken.append(
            Action(
                ("action", len(taken)),
                instant(action["t"]),
                action["do"],
                action.get("kind") or created.get("kind", ""),
                action.get("name") or created.get("metadata", {}).get("name", ""),
                (action.get("code"), plain(action.get("message"))),
            )
        )
    return taken


def _pod_lives(raw: dict[str, Any], names: dict[str, str], plain: Plain) -> dict[str, Life]:
    pods: dict[str, Life] = {}
    for change in raw.get("pods", ()):
        name = names.get(change["pod"], change["pod"])
        _apply(pods.setdefault(name, Life("Pod", name)), change, plain)
    for row in raw.get("kubectl_get", ()):
        name = names.get(row["pod"], row["pod"])
        restarts, age = _restarts(row["restarts"])
        at = instant(row["t"])
        value = (row["ready"], row["status"], restarts, "deleted" if row.get("deleted") else None)
        written = (("restarted", at - age),) if age is not None else ()
        _add(pods.setdefault(name, Life("Pod", name)), "kubectl row", at, value, written)
    for name, moments in _runtime(raw, names).items():
        pods.setdefault(name, Life("Pod", name)).moments = moments
    return pods


def _job_lives(raw: dict[str, Any], plain: Plain) -> dict[str, Life]:
    jobs: dict[str, Life] = {}
    for change in raw.get("jobs", ()):
        _apply(jobs.setdefault(change["job"], Life("Job", change["job"])), change, plain)
    for row in raw.get("kubectl_get_job", ()):
        life = jobs.setdefault(row["job"], Life("Job", row["job"]))
        value = (row["completions"], row.get("status"), "deleted" if row.get("deleted") else None)
        _add(life, "kubectl row", instant(row["t"]), value)
    return jobs


def _add(life: Life, strand: str, at: Instant, value: Any, written: tuple[tuple[str, Instant], ...] = ()) -> Key | None:
    """Append a value to a strand unless it is the one already there."""
    values = life.strands.setdefault(strand, [])
    if (values and values[-1].value == value) or (not values and value is None):
        return None
    key = (life.kind, life.name, strand, len(values))
    values.append(Occurrence(key, at, value, written))
    return key


def _apply(life: Life, change: dict[str, Any], plain: Plain) -> None:
    at = instant(change["t"])
    keys: list[Key | None] = []
    for name, value in change.get("set", {}).items():
        keys += _strands_of(life, name, value, at, plain)
    if change["type"] == "ADDED" and life.kind == "Job":
        keys.append(_add(life, "created", at, True))
    if change["type"] == "DELETED":
        life.gone = at
        keys.append(_add(life, "gone", at, True))
    life.changes.append((at, tuple(key for key in keys if key is not None)))


def _strands_of(life: Life, name: str, value: Any, at: Instant, plain: Plain) -> list[Key | None]:
    room = name.partition("/")[0]
    if name in ("startTime", "completionTime", "generation", "observedGeneration"):
        return []
    if value is None:
        last = [_add(life, f"{name} last", at, None)] if room in ("init", "main") else []
        return [_add(life, name, at, None), *last]
    match room:
        case "cond":
            shown = (value["status"], value.get("reason"), plain(value.get("message")))
            written = (("since", instant(value["since"])),) if "since" in value else ()
            return [_add(life, name, at, shown, written)]
        case "init" | "main":
            return _container(life, name, value, at, plain)
        case "deletion":
            written = (("at", instant(value["at"])),) if "at" in value else ()
            return [_add(life, name, at, (value.get("grace"),), written)]
        case "message":
            return [_add(life, name, at, plain(value))]
        case _:
            return [_add(life, name, at, tuple(value) if isinstance(value, list) else _frozen(value))]


def _frozen(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def _container(life: Life, name: str, value: dict[str, Any], at: Instant, plain: Plain) -> list[Key | None]:
    state = value.get("state") or {}
    shown = (
        state.get("s"),
        state.get("reason"),
        state.get("exitCode"),
        state.get("signal"),
        value.get("restarts"),
        value.get("ready"),
        value.get("started"),
        value.get("stopSignal"),
        plain(state.get("message")),
    )
    keys = [_add(life, name, at, shown, _written(state))]
    last = value.get("last")
    before = None
    if last:
        fields = ("s", "reason", "exitCode", "signal")
        before = (*(last.get(each) for each in fields), plain(last.get("message")))
    keys.append(_add(life, f"{name} last", at, before, _written(last or {})))
    return keys


def _written(state: dict[str, Any]) -> tuple[tuple[str, Instant], ...]:
    times = ((each, state.get(each)) for each in ("started", "finished"))
    return tuple((each, instant(at)) for each, at in times if at is not None and at > UNSET)


def _restarts(text: str) -> tuple[str, Instant | None]:
    """RESTARTS without its age, and the age."""
    if not (found := _AGE.match(text)):
        return text, None
    age = sum(int(count) * _AGE_UNITS[unit] for count, unit in _AGE_PART.findall(found.group(2)))
    return f"{found.group(1)} (ago)", age


def _runtime(raw: dict[str, Any], names: dict[str, str]) -> dict[str, list[Moment]]:
    """The runtime events of each pod in order of time, execs that may be probes left out."""
    ordinals: dict[Key, int] = {}
    moments: dict[str, list[Moment]] = {}
    hooks = _hooks(raw)
    for entry in sorted(raw.get("runtime", ()), key=lambda each: each["t"]):
        what, value = entry["ev"], entry.get("code")
        if what.startswith("exec"):
            if (entry["pod"], entry["c"], entry["n"], entry["x"]) not in hooks:
                continue
            what = what.replace("exec-", "hook ")
        elif what == "signal":
            what = f"signal {entry['sig']}"
        elif what == "stop":
            value = entry["grace"]
        elif what == "oom" and entry["c"] == SANDBOX:
            continue
        pod = names.get(entry["pod"], entry["pod"])
        thing: Key = (pod, entry["c"], entry["n"], what)
        ordinals[thing] = ordinals.get(thing, -1) + 1
        moment = Moment((*thing, ordinals[thing]), instant(entry["t"]), pod, entry["c"], entry["n"], what, value)
        moments.setdefault(pod, []).append(moment)
    return moments


def _hooks(raw: dict[str, Any]) -> set[tuple[str, str, int, str]]:
    """The execs that lasted too long for a probe; one that never ended lasted as long as its container."""
    begun: dict[tuple[str, str, int, str], float] = {}
    long: set[tuple[str, str, int, str]] = set()
    exits: dict[tuple[str, str, int], float] = {}
    for entry in sorted(raw.get("runtime", ()), key=lambda each: (each["t"], each["ev"] != "exec-start")):
        if entry["ev"] == "exit":
            exits[entry["pod"], entry["c"], entry["n"]] = entry["t"]
        if not entry["ev"].startswith("exec"):
            continue
        each = (entry["pod"], entry["c"], entry["n"], entry["x"])
        if entry["ev"] == "exec-start":
            begun[each] = entry["t"]
        elif instant(entry["t"] - begun.pop(each, entry["t"])) >= SHORTEST_HOOK:
            long.add(each)
    ended = {(e["pod"], e["c"], e["n"], e["x"]) for e in raw.get("runtime", ()) if e["ev"] == "exec-exit"}
    for each, start in begun.items():
        if each not in ended and instant(exits.get(each[:3], raw["duration"]) - start) >= SHORTEST_HOOK:
            long.add(each)
    return long


def _events(
    raw: dict[str, Any], names: dict[str, str], plain: Plain
) -> tuple[dict[tuple[str, ...], list[Occurrence]], dict[tuple[str, ...], int]]:
    """The Events of a trace by (object, type, reason, message, field, component), and how often each was counted."""
    found: dict[tuple[str, ...], list[Occurrence]] = {}
    totals: dict[tuple[str, ...], list[int]] = {}
    for event in raw.get("events", ()):
        kind, _, name = event["obj"].partition("/")
        thing = (
            f"{kind}/{names.get(name, name)}",
            event["type"],
            event["reason"],
            plain(event["message"]) or "",
            event.get("field", ""),
            event["from"],
        )
        counts = totals.setdefault(thing, [])
        if event.get("update") and counts:
            counts[-1] = event["count"]
        else:
            counts.append(event["count"])
        occurrences = found.setdefault(thing, [])
        key: Key = ("Event", *thing, len(occurrences))
        occurrences.append(Occurrence(key, instant(event["t"]), event["count"]))
    return found, {thing: sum(counts) for thing, counts in totals.items()}
