"""How expectations are written: the table of fields, and which of them go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kubesim.errors import ReleaseError
from kubesim.releases.release import parse_release
from kubesim.scenario.expect import (
    ConditionIs,
    EventSeen,
    Expectation,
    Happens,
    Killed,
    Moments,
    NeverStarts,
    PodGone,
    PodIs,
    Relation,
    Restarted,
    RunsTogether,
)
from kubesim.scenario.expect_jobs import COUNTERS, INDEXES, JobGone, JobIs, JobPods
from kubesim.scenario.shapes import Choice, Either, Field, Flag, Integer, Items, Length, Place, Record, Shape, Text

PHASES: Final = ("Pending", "Running", "Succeeded", "Failed", "Unknown")

_BESIDE: Final[Mapping[str, frozenset[str]]] = {
    "phase": frozenset({"pod", "reason", "at"}),
    "gone": frozenset({"pod", "job", "before", "after"}),
    "exits": frozenset({"pod", "container", "run", "before", "after"}),
    "starts": frozenset({"pod", "container", "run", "before", "after"}),
    "signalled": frozenset({"pod", "container", "run", "before", "after"}),
    "restarted": frozenset({"pod", "container"}),
    "runsTogetherWith": frozenset({"pod", "container"}),
    "neverRunsTogetherWith": frozenset({"pod", "container"}),
    "killed": frozenset({"pod", "container"}),
    "condition": frozenset({"pod", "job", "at"}),
    "event": frozenset(),
    "status": frozenset({"job", "at"}),
    "pods": frozenset({"job", "at"}),
    "reason": frozenset({"pod", "at"}),
}
"""Each relation by its verb, and the fields that may stand beside it (``release`` always may)."""


def _one_verb(place: Place, written: Mapping[str, Any], verbs: Mapping[str, frozenset[str]]) -> str:
    """The relation that an item states: exactly one."""
    found = [verb for verb in verbs if verb in written and not (verb == "reason" and "phase" in written)]
    if not found:
        raise place.error(f"says nothing; give it one of {', '.join(verbs)}")
    if len(found) > 1:
        raise place.error(f"says {' and '.join(found)} in one item; write one item for each")
    return found[0]


_BARE: Final = ("starts", "exits", "signalled")
"""What may stand without a value."""


def _expectation(*, place: Place, release: Any = (), **values: Any) -> Expectation:
    written = {key: value for key, value in place.written.items() if value is not None or key in _BARE}
    verb = _one_verb(place, written, _BESIDE)
    beside = _BESIDE[verb] | {verb, "release"}
    for key in written:
        if key not in beside:
            raise (place / key).error(
                f"has no meaning beside {verb}; allowed there: {', '.join(sorted(beside))}", at_key=True
            )
    if "container" in beside and "container" not in written:
        raise place.error(f'"container" is missing; name the container that {verb} is about')
    _check_subject(place, verb, written)
    releases = (release,) if isinstance(release, str) else release
    for name in releases:
        try:
            parse_release(name)
        except ReleaseError as error:
            raise (place / "release").error(str(error)) from error
    return Expectation(_relation(verb, place, values), releases, place)


def _check_subject(place: Place, verb: str, written: Mapping[str, Any]) -> None:
    """What is said about a pod names it, and what about a Job that; "gone" and "condition" are about either."""
    if "pod" in written and "job" in written:
        raise (place / "job").error("stands beside pod; write one item for each", at_key=True)
    if verb in ("phase", "reason", "gone") and "pod" not in written and not (verb == "gone" and "job" in written):
        raise place.error(f'"pod" is missing; name the pod that {verb} is about, or a pattern such as "web-*"')
    if verb in ("status", "pods") and "job" not in written:
        raise place.error(f'"job" is missing; name the Job that {verb} is about, or a pattern such as "nightly-*"')
    for name in ("before", "after") if "job" in written else ():
        if isinstance(written.get(name), Mapping):
            raise (place / name).error("must be an instant here, such as 30s: a Job is no container")


def _relation(verb: str, place: Place, values: dict[str, Any]) -> Relation:
    match verb:
        case "phase" | "reason":
            return PodIs(**values)
        case "gone":
            return JobGone(**values) if "job" in values else PodGone(**values)
        case "status":
            return JobIs(**values)
        case "pods":
            least, most = _bounds(values.pop("pods"))
            return JobPods(**values, least=least, most=most)
        case "starts" if values["starts"] is False or values["starts"] == "never":
            if extra := values.keys() - {"container", "pod", "starts"}:
                raise place.error(f"{', '.join(sorted(extra))} has no meaning beside starts: never; leave it out")
            return NeverStarts(container=values["container"], pod=values.get("pod"))
        case "starts" | "exits" | "signalled":
            bounds = {name: values.pop(name) for name in ("before", "after") if name in values}
            return Happens(what=_moments(place=place, **values), **bounds)
        case "restarted":
            least, most = _bounds(values.pop("restarted"))
            return Restarted(**values, least=least, most=most)
        case "runsTogetherWith" | "neverRunsTogetherWith":
            other = values.pop("runs_together_with", None) or values.pop("never_runs_together_with")
            return RunsTogether(**values, other=other, together=verb == "runsTogetherWith")
        case "killed":
            return Killed(**values)
        case "condition":
            return ConditionIs(**values.pop("condition"), **values)
        case _:
            event: EventSeen = values["event"]
            return event


def _moments(*, place: Place, container: str, **values: Any) -> Moments:
    """A moment as read: the verb, with what is said about it."""
    verbs = [verb for verb in ("starts", "exits", "signalled") if verb in values]
    if len(verbs) != 1:
        raise place.error("must say one of starts, exits, signalled; for example {container: proxy, signalled: TERM}")
    said = values.pop(verbs[0])
    if said is False or said == "never":
        raise (place / verbs[0]).error("nothing can be before or after what never happens; leave it out")
    details: dict[str, Any] = (
        {"signal": said.removeprefix("SIG")} if verbs[0] == "signalled" and said != ANY_SIGNAL else {}
    )
    if isinstance(said, dict):
        details |= said
    return Moments(container=container, what=verbs[0], pod=values.get("pod"), run=values.get("run"), **details)


def _bounds(count: int | tuple[int, int | None]) -> tuple[int, int | None]:
    """Least and most of a count: a number means exactly that."""
    return (count, count) if isinstance(count, int) else count


def _event(*, place: Place, count: Any = None, **values: Any) -> EventSeen:
    least, most = (1, None) if count is None else _bounds(count)
    return EventSeen(
        reason=values["reason"],
        message=values.get("message", ""),
        type=values.get("type_"),
        object_name=values.get("object_"),
        least=least,
        most=most,
    )


def _condition(*, place: Place, **values: Any) -> dict[str, Any]:
    return {"type": values.pop("type_"), **values}


def _status(*, place: Place, **values: Any) -> dict[str, Any]:
    if not values:
        raise place.error(f"says nothing; give it one of {', '.join((*COUNTERS, *INDEXES))}")
    said = {_IN_API[name]: value for name, value in values.items()}
    return {name: value if isinstance(value, str) else _bounds(value) for name, value in said.items()}


def _at_least(*, place: Place, at_least: int = 0, at_most: int | None = None) -> tuple[int, int | None]:
    if at_most is not None and at_most < at_least:
        raise place.error(f"atMost {at_most} is below atLeast {at_least}; exchange them")
    return at_least, at_most


def _plain(*, place: Place, **values: Any) -> dict[str, Any]:
    return values


_IN_API: Final = {name: name for name in COUNTERS} | {"completed_indexes": INDEXES[0], "failed_indexes": INDEXES[1]}
ANY_SIGNAL: Final = "ANY"
SIGNAL: Final = Text("(SIG)?[A-Z][A-Z0-9+-]*", "a signal name such as TERM")
_COUNT: Final = Either(
    (
        Integer(),
        Record(_at_least, {"atLeast": Field(Integer()), "atMost": Field(Integer())}),
    )
)
_EXIT: Final = Record(
    _plain,
    {
        "code": Field(Integer(), "The exit code."),
        "reason": Field(Text(), "The reason in the status: Completed, Error, OOMKilled, …"),
    },
)
_HAPPENINGS: Final[dict[str, Field]] = {
    "container": Field(Text(), "A container, of any kind, by name."),
    "pod": Field(Text(), "A pod, or a pattern such as web-*; without it, every pod that has the container."),
    "run": Field(Integer(), "Which run, from 0. Without it: the first start, the first signal, the last exit."),
    "starts": Field(Either((Flag(), Choice(("never",)))), "The container starts, or never does.", bare=True),
    "exits": Field(Either((Flag(), _EXIT)), "The container exits, perhaps with this code and reason.", bare=True),
    "signalled": Field(SIGNAL, "The container gets this signal, or ANY.", bare=ANY_SIGNAL),
}
_MOMENT: Final[Shape] = Record(_moments, {**_HAPPENINGS, "container": Field(Text(), required=True)})
_BOUND: Final = Either((Length(), _MOMENT))

EXPECTATION: Final = Record(
    _expectation,
    {
        **_HAPPENINGS,
        "before": Field(_BOUND, "Earlier than an instant, or than another thing that happens."),
        "after": Field(_BOUND, "Later than an instant, or than another thing that happens."),
        "restarted": Field(_COUNT, "How often the container is started again."),
        "runsTogetherWith": Field(Text(), "Another container of the pod that runs at the same time for a while."),
        "neverRunsTogetherWith": Field(Text(), "Another container of the pod that never runs at the same time."),
        "killed": Field(Flag(), "Whether some run of the container gets SIGKILL."),
        "phase": Field(Choice(PHASES), "The pod's phase, at the end or at an instant."),
        "reason": Field(Text(), "The pod's status.reason, such as Evicted."),
        "gone": Field(Flag(), "Whether the pod or Job object is gone at the end."),
        "status": Field(
            Record(
                _status, {**{name: Field(_COUNT) for name in COUNTERS}, **{name: Field(Text()) for name in INDEXES}}
            ),
            "What the status of a Job says, at the end or at an instant.",
        ),
        "pods": Field(_COUNT, "How many pods a Job has made, up to the end or to an instant."),
        "at": Field(Length(), "The instant meant; without it, the end of the run."),
        "job": Field(Text(), "A Job, or a pattern, for condition, gone, status and pods."),
        "condition": Field(
            Record(
                _condition,
                {
                    "type": Field(Text(), required=True),
                    "status": Field(Choice(("True", "False", "Unknown")), required=True),
                    "reason": Field(Text()),
                },
            ),
            "A condition of a pod or a Job, at the end or at an instant.",
        ),
        "event": Field(
            Record(
                _event,
                {
                    "reason": Field(Text(), required=True),
                    "message": Field(Text(), "A part of the message."),
                    "type": Field(Choice(("Normal", "Warning"))),
                    "object": Field(Text(), "The object it is about, or a pattern."),
                    "count": Field(_COUNT, "How often, all that match together; without it, at least once."),
                },
            ),
            "A Kubernetes Event.",
        ),
        "release": Field(
            Either((Text(), Items(Text()))), "The releases this is about, such as 1.28; without it, every release."
        ),
    },
)
