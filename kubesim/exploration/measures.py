"""What a sweep measures of a run: by name, or a function of the user's own. Lengths of time are in seconds.

``NAME`` is about everything of the run, ``NAME[PATTERN]`` about the Pods, containers or Jobs of those names. Where
several are meant, a length of time is that of the slowest, and a count that of all together. None: it did not happen.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

from kubesim.errors import ScenarioError
from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, ContainerLife, PodLife
from kubesim.history.replay import Version
from kubesim.scenario.load import Scenario
from kubesim.units import Instant, to_seconds

Value: TypeAlias = bool | int | float | str | None
_CALL: Final = re.compile(r"(?P<name>[a-z][a-z-]*)(\[(?P<pattern>[^\]]+)\])?")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure by the name its column has."""

    name: str
    of: Callable[[History, Scenario], Any]


def find_measure(text: str) -> Measure:
    """The measure of that name, or the function ``module:function``, which is called with the History of the run.

    Raises ScenarioError naming the measures there are.
    """
    if ":" in text:
        function = _function(text)
        return Measure(text, lambda history, _: _plain(text, function(history)))
    match = _CALL.fullmatch(text)
    if match is None or match["name"] not in MEASURES:
        close = get_close_matches(match["name"] if match else text, list(MEASURES), n=1, cutoff=0.5)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        known = ", ".join(MEASURES)
        raise ScenarioError(f"measure {text!r} is unknown{hint}; there is {known}, or module:function of your own")
    measure, pattern = MEASURES[match["name"]][0], match["pattern"] or ""
    _check_pattern(match["name"], pattern)
    return Measure(text, lambda history, scenario: measure(history, pattern, scenario))


def _check_pattern(name: str, pattern: str) -> None:
    from kubesim.guarantees import catalogue

    if name == "guarantee":
        catalogue.find(pattern)
    if name == "expect" and pattern and not pattern.isdigit():
        raise ScenarioError(f"measure expect[{pattern}]: write the number of an expectation, counted from 0")


def _function(text: str) -> Callable[[History], Any]:
    module, _, name = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Callable[[History], Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as problem:
        raise ScenarioError(
            f"measure {text!r}: {problem}; write module:function of a module that can be imported"
        ) from problem
    if not callable(found):
        raise ScenarioError(f"measure {text!r} is no function; it is called with the History of a run")
    return found


def _plain(name: str, value: Any) -> Value:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ScenarioError(f"measure {name!r} gave {type(value).__name__}; it must be a number, a text, a bool or None")


# -- what is measured of Pods and containers ---------------------------------------------------------------------------


def _pods(history: History, pattern: str) -> list[PodLife]:
    return [life for life in history.pods if not pattern or fnmatchcase(life.name, pattern)]


def _containers(history: History, pattern: str) -> Iterator[ContainerLife]:
    for life in history.pods:
        for name, container in life.containers.items():
            if name != SANDBOX and (not pattern or fnmatchcase(name, pattern)):
                yield container


def _slowest(lengths: list[int | None]) -> float | None:
    """Seconds of the longest; None if there is none, or if one never came to its end."""
    known = [length for length in lengths if length is not None]
    return to_seconds(max(known)) if known and len(known) == len(lengths) else None


def _first(life: PodLife, is_so: Callable[[dict[str, Any]], bool]) -> int | None:
    at = next((version.at for version in life.versions if is_so(version.object)), None)
    return None if at is None else at - life.created


def _condition(raw: dict[str, Any], type_: str) -> bool:
    conditions = (raw.get("status") or {}).get("conditions") or ()
    return any(one["type"] == type_ and one["status"] == "True" for one in conditions)


def _time_to_ready(history: History, pattern: str, _: Scenario) -> Value:
    return _slowest([_first(life, lambda raw: _condition(raw, "Ready")) for life in _pods(history, pattern)])


def _time_to_complete(history: History, pattern: str, _: Scenario) -> Value:
    jobs = _jobs(history, pattern)
    if jobs:
        return _slowest([_job_length(versions) for versions in jobs.values()])
    lives = _pods(history, pattern)
    return _slowest([_first(life, lambda raw: (raw.get("status") or {}).get("phase") == "Succeeded") for life in lives])


def _time_to_stop(history: History, pattern: str, _: Scenario) -> Value:
    """From the deletion of a Pod to the end of its object, of those that were deleted."""
    lengths: list[int | None] = []
    for life in _pods(history, pattern):
        asked = next((one.at for one in life.versions if "deletionTimestamp" in one.object["metadata"]), life.gone)
        if asked is not None:
            lengths.append(None if life.gone is None else life.gone - asked)
    return _slowest(lengths)


def _sigkilled(history: History, pattern: str, _: Scenario) -> Value:
    runs = (run for container in _containers(history, pattern) for run in container.runs)
    return any(signal.signal == "KILL" for run in runs for signal in run.signals)


def _restarts(history: History, pattern: str, _: Scenario) -> Value:
    return sum(container.restarts for container in _containers(history, pattern))


def _exit_code(history: History, pattern: str, _: Scenario) -> Value:
    """The last exit code; of several containers, the highest."""
    codes = [run.code for container in _containers(history, pattern) for run in container.runs[-1:]]
    return max((code for code in codes if code is not None), default=None)


def _pod_count(history: History, pattern: str, _: Scenario) -> Value:
    return len(_pods(history, pattern))


def _phase(history: History, pattern: str, _: Scenario) -> Value:
    """The last phase; of Pods that differ, each phase there is."""
    return "+".join(sorted({life.phase for life in _pods(history, pattern)}))


# -- what is measured of Jobs, Events, verdicts ------------------------------------------------------------------------


def _jobs(history: History, pattern: str) -> dict[str, tuple[Version, ...]]:
    return {
        key.name: versions
        for key, versions in history.all_versions.items()
        if key.kind == "Job" and (not pattern or fnmatchcase(key.name, pattern))
    }


def _job_length(versions: tuple[Version, ...]) -> int | None:
    ended: Instant | None = next((one.at for one in versions if _condition(one.object, "Complete")), None)
    return None if ended is None else ended - versions[0].at


def _rollout_time(history: History, pattern: str, _: Scenario) -> Value:
    """From the last change of a Deployment's spec until all its Pods are new and available."""
    lengths: list[int | None] = []
    for key, versions in history.all_versions.items():
        if key.kind == "Deployment" and (not pattern or fnmatchcase(key.name, pattern)):
            generation = versions[-1].object["metadata"].get("generation")
            of_last = [one for one in versions if one.object["metadata"].get("generation") == generation]
            done = next((one.at for one in of_last if _is_rolled_out(one.object)), None)
            lengths.append(None if done is None else done - of_last[0].at)
    return _slowest(lengths)


def _is_rolled_out(raw: dict[str, Any]) -> bool:
    status, desired = raw.get("status") or {}, (raw.get("spec") or {}).get("replicas", 1)
    counts = {status.get(key) or 0 for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return counts == {desired} and status.get("observedGeneration") == raw["metadata"].get("generation")


def _job_attempts(history: History, pattern: str, _: Scenario) -> Value:
    """How many Pods the Jobs made."""
    owners = (life.versions[0].object["metadata"].get("ownerReferences") or () for life in history.pods)
    return sum(
        any(one["kind"] == "Job" and (not pattern or fnmatchcase(one["name"], pattern)) for one in references)
        for references in owners
    )


def _events(history: History, pattern: str, _: Scenario) -> Value:
    """How many Kubernetes Events there were, each with its count; PATTERN is a reason."""
    return sum(1 for event in history.events if not pattern or fnmatchcase(event.reason, pattern))


def _run_time(history: History, pattern: str, _: Scenario) -> Value:
    return to_seconds(history.ended - history.started)


def _guarantees(history: History, pattern: str, _: Scenario) -> Value:
    """How many documented guarantees were broken."""
    from kubesim.guarantees.judging import check

    return sum(one.verdict.value == "broken" and not one.known for one in check(history))


def _guarantee(history: History, pattern: str, _: Scenario) -> Value:
    """The verdict on one guarantee, named in the brackets."""
    from kubesim.guarantees import catalogue
    from kubesim.guarantees.judging import check

    catalogue.find(pattern)
    return check(history, [pattern])[0].verdict.value


def _expect(history: History, pattern: str, scenario: Scenario) -> Value:
    """Whether what the scenario expects came true; in the brackets the number of one expectation, from 0."""
    from kubesim.scenario.expect import check
    from kubesim.timelines.facts import facts_of

    if not scenario.expect or (pattern and int(pattern) >= len(scenario.expect)):
        raise ScenarioError(f"expect[{pattern}]: the scenario has {len(scenario.expect)} expectations, counted from 0")
    chosen = [scenario.expect[int(pattern)]] if pattern else scenario.expect
    facts, ran_on = facts_of(history), history.header.control_plane.release
    said = [outcome.held for one in chosen if (outcome := check(one, facts, ran_on)).held is not None]
    return all(said) if said else None


MEASURES: Final[dict[str, tuple[Callable[[History, str, Scenario], Value], str]]] = {
    "time-to-ready": (_time_to_ready, "from a Pod's creation until it is Ready; [PATTERN]: of these Pods"),
    "time-to-complete": (_time_to_complete, "until a Job is Complete, or without Jobs a Pod Succeeded; [PATTERN]"),
    "time-to-stop": (_time_to_stop, "from a Pod's deletion until it is gone; [PATTERN]: of these Pods"),
    "rollout-time": (_rollout_time, "from a Deployment's last change until all its Pods are new and available"),
    "sigkilled": (_sigkilled, "whether a container got SIGKILL; [PATTERN]: of these containers"),
    "restarts": (_restarts, "how often containers were started again; [PATTERN]: of these containers"),
    "exit-code": (_exit_code, "the last exit code, the highest of several; [PATTERN]: of these containers"),
    "job-attempts": (_job_attempts, "how many Pods Jobs made; [PATTERN]: of these Jobs"),
    "pods": (_pod_count, "how many Pods there were; [PATTERN]: of these names"),
    "phase": (_phase, "the last phase; [PATTERN]: of these Pods"),
    "events": (_events, "how many Kubernetes Events were written; [REASON]: with this reason"),
    "run-time": (_run_time, "how long the whole run lasted"),
    "guarantees": (_guarantees, "how many documented guarantees were broken"),
    "guarantee": (_guarantee, "guarantee[ID]: the verdict, held, broken or not exercised"),
    "expect": (_expect, "whether all that the scenario expects came true; [N]: the N-th, from 0"),
}
"""Name to function, and to its line in ``kubesim sweep --list-measures``."""
