"""Expectations: what a scenario's author says will happen, in relations, and whether it did.

The words follow upstream's own lifecycle tests (``test/e2e_node/container_lifecycle_test.go``: starts before, exits
before, restarted, runs together with). Checking is pure: an expectation and the facts of a run give an outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeAlias

from kubesim.scenario.expect_jobs import JobGone, JobIs, JobPods, JobRelation, check_job, each_job
from kubesim.scenario.expect_words import Seen, all_of, at, listed, times, when
from kubesim.scenario.facts import ConditionChange, EventFacts, Facts, JobFacts, Moment, PodFacts, Run
from kubesim.scenario.shapes import Place
from kubesim.units import Duration, format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """A thing that happens to a container: its start, its exit, or a signal to it."""

    container: str
    what: str
    """starts, exits or signalled."""
    signal: str | None = None
    code: int | None = None
    reason: str | None = None
    pod: str | None = None
    run: int | None = None
    """Which run, from 0; None: the first start, the first signal, the last exit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happens:
    """A thing happens to a container, perhaps before or after another thing or an instant."""

    what: Moments
    before: Moments | Duration | None = None
    after: Moments | Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverStarts:
    container: str
    pod: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """How often a container was started again: exactly, at least, at most."""

    container: str
    pod: str | None = None
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsTogether:
    """Two containers of one pod run at the same time for a while, or never do."""

    container: str
    other: str
    pod: str | None = None
    together: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """Some run of the container got SIGKILL, or none did."""

    container: str
    killed: bool
    pod: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodIs:
    """The phase and reason of a pod, at the end or at an instant."""

    pod: str
    phase: str | None = None
    reason: str | None = None
    at: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodGone:
    """The pod object is gone at the end, perhaps before or after something, or is still there."""

    pod: str
    gone: bool
    before: Moments | Duration | None = None
    after: Moments | Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionIs:
    """A condition of a pod or a Job, at the end or at an instant; None of both names means the only pod."""

    type: str
    status: str
    reason: str | None = None
    pod: str | None = None
    job: str | None = None
    at: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSeen:
    """A Kubernetes Event; ``message`` is a part of the text; counts add up over all that match."""

    reason: str
    message: str = ""
    type: str | None = None
    object_name: str | None = None
    least: int = 1
    most: int | None = None


Relation: TypeAlias = (
    Happens | NeverStarts | Restarted | RunsTogether | Killed | PodIs | PodGone | ConditionIs | EventSeen | JobRelation
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A relation, and the releases it is about; none named means every release."""

    relation: Relation
    releases: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False, repr=False)

    def is_about(self, release_name: str) -> bool:
        """Whether the expectation speaks of this release: "1.29" stands for all its patches."""
        return not self.releases or any(
            release_name == one or release_name.startswith(f"{one}.") for one in self.releases
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an expectation held (None: it is not about this release), and a sentence that says what was seen."""

    expectation: Expectation
    held: bool | None
    explanation: str


def check(expectation: Expectation, facts: Facts, release_name: str) -> Outcome:
    """The outcome of one expectation on the facts of one run."""
    if not expectation.is_about(release_name):
        return Outcome(
            expectation, None, f"says nothing about {release_name}, only about {listed(expectation.releases)}"
        )
    held, explanation = _check(expectation.relation, facts)
    return Outcome(expectation, held, explanation)


def _check(relation: Relation, facts: Facts) -> Seen:
    match relation:
        case Happens():
            return _happens(relation, facts)
        case NeverStarts(container=container, pod=pod):
            return _each(facts, pod, container, lambda _, runs: _never_starts(container, runs))
        case Restarted(container=container, pod=pod):
            return _each(facts, pod, container, lambda _, runs: _restarted(relation, runs))
        case RunsTogether(container=container, pod=pod):
            return _each(facts, pod, container, lambda one, runs: _together(relation, one, runs))
        case Killed(container=container, pod=pod):
            return _each(facts, pod, container, lambda _, runs: _killed(relation, runs))
        case PodIs(pod=pod):
            return _each_pod(facts, pod, lambda one: _pod_is(relation, one))
        case PodGone(pod=pod):
            return _each_pod(facts, pod, lambda one: _gone(relation, one, facts))
        case ConditionIs():
            return _condition(relation, facts)
        case EventSeen():
            return _event(relation, facts.events)
        case JobIs() | JobPods() | JobGone():
            return check_job(relation, facts)


def _happens(relation: Happens, facts: Facts) -> Seen:
    what = relation.what

    def one_pod(pod: PodFacts, runs: tuple[Run, ...]) -> Seen:
        moment, text = _find(what, runs)
        if moment is None:
            return False, text
        return _ordered(moment, text, relation.before, relation.after, pod, facts)

    return _each(facts, what.pod, what.container, one_pod)


def _find(what: Moments, runs: tuple[Run, ...]) -> tuple[Moment | None, str]:
    """The moment meant, and what was seen; None with the reason why there is none."""
    name = what.container
    if not runs:
        return None, f"{name} never started"
    if what.run is not None:
        if what.run >= len(runs):
            return None, f"{name} ran {times(len(runs))}, so it has no run {what.run}"
        runs = (runs[what.run],)
    match what.what:
        case "starts":
            return runs[0].start, f"{name} started at {at(runs[0].start)}"
        case "signalled":
            return _signalled(what, runs)
        case _:
            return _exited(what, runs)


def _signalled(what: Moments, runs: tuple[Run, ...]) -> tuple[Moment | None, str]:
    sent = [pair for run in runs for pair in run.signals]
    for moment, signal in sent:
        if what.signal in (None, signal):
            return moment, f"{what.container} got {signal} at {at(moment)}"
    others = listed(f"{signal} at {at(moment)}" for moment, signal in sent) or "no signal at all"
    return None, f"{what.container} got no {what.signal or 'signal'}: {others}"


def _exited(what: Moments, runs: tuple[Run, ...]) -> tuple[Moment | None, str]:
    ended = [run for run in runs if run.exit is not None]
    if not ended or ended[-1].exit is None:
        return None, f"{what.container} never exited"
    last = ended[-1]
    text = f"{what.container} exited with {last.code} ({last.reason or 'no reason'}) at {at(ended[-1].exit)}"
    if what.code not in (None, last.code) or what.reason not in (None, last.reason):
        return None, text
    return last.exit, text


def _ordered(
    moment: Moment,
    text: str,
    before: Moments | Duration | None,
    after: Moments | Duration | None,
    pod: PodFacts,
    facts: Facts,
) -> Seen:
    for bound, is_before in ((before, True), (after, False)):
        if bound is None:
            continue
        limit, seen = _bound(bound, pod, facts, is_before)
        text = f"{text}; {seen}"
        if limit is None or not (moment < limit if is_before else moment > limit):
            return False, text
    return True, text


def _bound(bound: Moments | Duration, pod: PodFacts, facts: Facts, is_before: bool) -> tuple[Moment | None, str]:
    """The moment to compare with: in the same pod, unless the bound names another. An instant itself is included."""
    if isinstance(bound, int):
        return Moment(bound, _LAST if is_before else -1), f"the limit is {format_duration(bound)}"
    holders = [pod] if bound.pod is None else [one for one in facts.pods if fnmatchcase(one.name, bound.pod)]
    for one in holders:
        if bound.container in (one.containers or {}):
            return _find(bound, (one.containers or {})[bound.container])
    return None, f"no container {bound.container} in {listed(one.name for one in holders) or bound.pod}"


_LAST = 1 << 62


def _never_starts(container: str, runs: tuple[Run, ...]) -> Seen:
    return not runs, f"{container} started at {at(runs[0].start)}" if runs else f"{container} never started"


def _restarted(relation: Restarted, runs: tuple[Run, ...]) -> Seen:
    restarts = max(0, len(runs) - 1)
    enough = restarts >= relation.least and (relation.most is None or restarts <= relation.most)
    return enough, f"{relation.container} was restarted {times(restarts)}"


def _together(relation: RunsTogether, pod: PodFacts, runs: tuple[Run, ...]) -> Seen:
    for mine in runs:
        for theirs in (pod.containers or {}).get(relation.other, ()):
            start = max(mine.start, theirs.start)
            if all(run.exit is None or start < run.exit for run in (mine, theirs)):
                return relation.together, f"{relation.container} and {relation.other} ran together from {at(start)}"
    return not relation.together, f"{relation.container} and {relation.other} never ran together"


def _killed(relation: Killed, runs: tuple[Run, ...]) -> Seen:
    moment = next((run.killed for run in runs if run.killed is not None), None)
    if moment is None:
        return not relation.killed, f"{relation.container} got no SIGKILL"
    return relation.killed, f"{relation.container} got SIGKILL at {at(moment)}"


def _pod_is(relation: PodIs, pod: PodFacts) -> Seen:
    reached = [phase for moment, phase in pod.phases if relation.at is None or moment.at <= relation.at]
    phase = reached[-1] if reached else "no phase"
    held = relation.phase in (None, phase) and relation.reason in (None, pod.reason)
    return held, f"{pod.name} was {phase}{f' ({pod.reason})' if pod.reason else ''} {when(relation.at)}"


def _gone(relation: PodGone, pod: PodFacts, facts: Facts) -> Seen:
    if pod.gone is None:
        return not relation.gone, f"{pod.name} was still there at {format_duration(facts.end)}"
    text = f"{pod.name} was gone at {at(pod.gone)}"
    if not relation.gone:
        return False, text
    return _ordered(pod.gone, text, relation.before, relation.after, pod, facts)


def _condition(relation: ConditionIs, facts: Facts) -> Seen:
    if relation.job is None:
        return _each_pod(facts, relation.pod, lambda pod: _condition_of(relation, pod))
    return each_job(facts, relation.job, lambda job: _condition_of(relation, job), relation.at)


def _condition_of(relation: ConditionIs, holder: PodFacts | JobFacts) -> Seen:
    changes = [change for change in holder.conditions if change.type == relation.type]
    reached = [change for change in changes if relation.at is None or change.moment.at <= relation.at]
    if not reached:
        return False, f"{holder.name} had no condition {relation.type} {when(relation.at)}"
    last: ConditionChange = reached[-1]
    held = last.status == relation.status and relation.reason in (None, last.reason)
    because = f" ({last.reason})" if last.reason else ""
    return held, f"{relation.type} of {holder.name} was {last.status}{because} {when(relation.at)}"


def _event(relation: EventSeen, events: tuple[EventFacts, ...]) -> Seen:
    matching = [
        event
        for event in events
        if event.reason == relation.reason
        and relation.message in event.message
        and relation.type in (None, event.type)
        and (relation.object_name is None or fnmatchcase(event.object_name, relation.object_name))
    ]
    count = sum(event.count for event in matching)
    held = count >= relation.least and (relation.most is None or count <= relation.most)
    text = f"{relation.reason} was seen {times(count)}"
    others = [event.message for event in events if event.reason == relation.reason and event not in matching]
    return held, text + (f"; other messages: {others[0]!r}" if others and not held else "")


def _each(
    facts: Facts, pattern: str | None, container: str, one_pod: Callable[[PodFacts, tuple[Run, ...]], Seen]
) -> Seen:
    """The relation in each pod that has the container; there must be one."""
    pods = [pod for pod in facts.pods if pattern is None or fnmatchcase(pod.name, pattern)]
    holders = [pod for pod in pods if container in (pod.containers or {})]
    if not holders:
        known = sorted({name for pod in pods for name in pod.containers or ()})
        where = f"in {pattern}" if pattern else "in any pod"
        return False, f"no container {container} {where}; there is {listed(known) or 'none'}"
    named = [(pod, (pod.containers or {})[container]) for pod in holders]
    return all_of([_with_pod(pod, one_pod(pod, runs), len(holders) > 1) for pod, runs in named])


def _each_pod(facts: Facts, pattern: str | None, one_pod: Callable[[PodFacts], Seen]) -> Seen:
    pods = [pod for pod in facts.pods if pattern is None or fnmatchcase(pod.name, pattern)]
    if not pods:
        known = tuple(pod.name for pod in facts.pods)
        return False, f"there was no pod {pattern or 'at all'}; there was {listed(known) or 'none'}"
    return all_of([one_pod(pod) for pod in pods])


def _with_pod(pod: PodFacts, seen: Seen, needed: bool) -> Seen:
    return (seen[0], f"{pod.name}: {seen[1]}") if needed else seen
