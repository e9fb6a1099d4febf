"""Decisions are functions of what they are given, and the history says what they were.

Whatever a component decides on the clock is decided once more from a copy of what it was given: the decision must be
the same, what was given must be unchanged, and the decisions on record must be these, in this order.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from families import FAMILIES, cron_jobs, deleted_job_pods, failing_jobs, jobs, jobs_with_sidecars, scaled_sets
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from plans import Plan, Scene

from kubesim.history.history import History
from kubesim.history.records import Decided, DecidedAction
from kubesim.job_controller.cron import sync_cron_job
from kubesim.job_controller.decision import PodChanges
from kubesim.job_controller.sync import Begun, begin
from kubesim.sim.replica_control import ReplicaSetSync

Said = Counter[tuple[str, ...]]
"""What one decision does: whose decision it is, and each thing as often as it is done."""


@dataclass(frozen=True)
class Decision:
    """A pure function that the shell calls, what its value does, and what a record of that pass says was done."""

    place: str
    does: Callable[[tuple[Any, ...], Any], Iterable[tuple[str, ...]]]
    pass_: str
    says: Callable[[str, DecidedAction], Iterable[tuple[str, ...]]]

    def made(self, given: tuple[Any, ...], value: Any) -> Said:
        """What a value does."""
        return Counter(self.does(given, value))

    def recorded(self, history: History) -> list[Said]:
        """What the records say was done, but for those that say it of other functions of the same pass."""
        records = (record for record in history.of(Decided) if record.pass_ == self.pass_)
        said = (Counter(one for action in each.actions for one in self.says(each.name, action)) for each in records)
        return [one for one in said if one]


# What is done, by the values --------------------------------------------------------------------------------------


def _syncs_pod(given: tuple[Any, ...], decision: Any) -> Iterator[tuple[str, ...]]:
    """Containers that are started, killed and reset, and the sandbox."""
    name = given[0].metadata.name
    for start in (*decision.ephemeral_to_start, *decision.init_to_start, *decision.mains_to_start):
        yield name, "start", start.name
    for reset in decision.resets:
        yield name, "reset", reset.name
    for kill in decision.kills if not decision.kill_pod else ():
        yield name, "kill", kill.name
    if decision.kill_pod and given[1].sandboxes:
        yield name, "kill-pod", ""
    if decision.create_sandbox:
        yield name, "create-sandbox", ""


def _begins_job(given: tuple[Any, ...], begun: Any) -> Iterator[tuple[str, ...]]:
    """Pods that are created and deleted, each for its reason (J-20, J-24)."""
    for do, changes in (("create", "creations"), ("delete", "deletions")) if isinstance(begun, Begun) else ():
        for one in getattr(begun.changes, changes):
            yield given[0].metadata.name, do, one.why.text, *one.why.rules


def _ends_job(given: tuple[Any, ...], accounted: Any) -> Iterator[tuple[str, ...]]:
    """How a Job ends, unless an earlier sync has said so (J-18, J-19)."""
    begun = given[0]
    if accounted.verdict is not None and not (begun.verdict is not None and begun.verdict.stands):
        yield begun.census.job.metadata.name, accounted.verdict.type, accounted.why.text, *accounted.why.rules


def _syncs_cron_job(given: tuple[Any, ...], decision: Any) -> Iterator[tuple[str, ...]]:
    """Jobs that give way, and the one that starts."""
    name = given[0].metadata.name
    for job in decision.replaced:
        yield name, f"replace {job.name}"
    if decision.start is not None:
        yield name, "create a Job"


def _misses(given: tuple[Any, ...], count: int) -> Iterator[tuple[str, ...]]:
    """Pods that a ReplicaSet is short of."""
    yield from [("create",)] * count


def _deletes(given: tuple[Any, ...], pods: tuple[Any, ...]) -> Iterator[tuple[str, ...]]:
    """Pods that a ReplicaSet has too many of."""
    yield from [("delete",)] * len(pods)


# What is done, by the record --------------------------------------------------------------------------------------


def _by_container(name: str, action: DecidedAction) -> Iterator[tuple[str, ...]]:
    """Of starts those that are decided here, not that one is held back when it comes to it."""
    if action.do != "hold back":
        yield name, action.do, action.container


def _by_number(name: str, action: DecidedAction) -> Iterator[tuple[str, ...]]:
    """``create 3 pods`` says three times that a pod is created."""
    if match := re.fullmatch(r"(create|delete) (\d+) pods?", action.do):
        yield from [(name, match[1], action.why, *action.rules)] * int(match[2])


def _by_end(name: str, action: DecidedAction) -> Iterator[tuple[str, ...]]:
    """The verdict, not that it is carried out when the last pod is gone."""
    if action.do.startswith("end with ") and not action.why.endswith("is terminating any more"):
        yield name, action.do.removeprefix("end with "), action.why, *action.rules


def _by_job(name: str, action: DecidedAction) -> Iterator[tuple[str, ...]]:
    if action.do != "wait":
        yield name, action.do


def _of_set(verb: str, _: str, action: DecidedAction) -> Iterator[tuple[str, ...]]:
    if match := re.fullmatch(rf"{verb} (\d+) Pods?", action.do):
        yield from [(verb,)] * int(match[1])


JOBS, SETS = "kubesim.sim.job_control_sync", "kubesim.sim.replica_control"
DECISIONS = (
    Decision("kubesim.sim.sync_pass.pod_actions", _syncs_pod, "SyncPod", _by_container),
    Decision(f"{JOBS}.begin", _begins_job, "SyncJob", _by_number),
    Decision(f"{JOBS}.account_for", _ends_job, "SyncJob", _by_end),
    Decision("kubesim.sim.cron_control_sync.sync_cron_job", _syncs_cron_job, "SyncCronJob", _by_job),
    Decision(f"{SETS}.missing", _misses, "manageReplicas", partial(_of_set, "create")),
    Decision(f"{SETS}.pods_to_delete", _deletes, "manageReplicas", partial(_of_set, "delete")),
)

SILENT = (f"{JOBS}.conclude", "kubesim.sim.job_control_ttl.ttl_decision", f"{SETS}.status_after")
"""Functions that decide what is written to the objects, of which there is no record but the objects."""


def twice(place: str, patch: pytest.MonkeyPatch, note: Callable[[tuple[Any, ...], Any], None]) -> None:
    """Have the function at that place called a second time, with a copy of what it was given before."""
    decide = import_object(place)

    def deciding(*given: Any, **named: Any) -> Any:
        kept, (again, named_again) = copy.deepcopy((given, named)), copy.deepcopy((given, named))
        value = decide(*given, **named)
        assert (given, named) == kept, f"{place} changes what it is given"
        assert decide(*again, **named_again) == value, f"{place} decides otherwise from the same"
        note(given, value)
        return value

    patch.setattr(place, deciding)


def import_object(place: str) -> Any:
    """The function that is called there."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(module), name)


def decide_again(plan: Plan | Scene) -> None:
    """Run a plan so, and compare what was decided with what is on record."""
    made: dict[str, list[Said]] = {one.place: [] for one in DECISIONS}

    def note(decision: Decision, given: tuple[Any, ...], value: Any) -> None:
        if said := decision.made(given, value):
            made[decision.place].append(said)

    with pytest.MonkeyPatch.context() as patch:
        for decision in DECISIONS:
            twice(decision.place, patch, partial(note, decision))
        for place in SILENT:
            twice(place, patch, lambda given, value: None)
        history = plan.run()
    for decision in DECISIONS:
        assert decision.recorded(history) == made[decision.place], f"{decision.place}\n{plan.replays()}"


CONTROLLED = st.one_of(jobs(), failing_jobs(), jobs_with_sidecars(), deleted_job_pods(), cron_jobs(), scaled_sets())


@settings(max_examples=settings.default.max_examples * 2 // 3)
@given(st.sampled_from(tuple(FAMILIES)).flatmap(FAMILIES.__getitem__) | CONTROLLED)
def test_deciding_again_gives_the_decision_on_record(plan: Plan | Scene) -> None:
    decide_again(plan)


# Broken where a decision is more than a function --------------------------------------------------------------------


def remembers(patch: pytest.MonkeyPatch) -> None:
    """The Job controller decides on Pods in every second call only."""
    calls = itertools.count()

    def forgetful(*given: Any) -> Any:
        value = begin(*given)
        return value if next(calls) % 2 or not isinstance(value, Begun) else replace(value, changes=PodChanges())

    patch.setattr(f"{JOBS}.begin", forgetful)


def spends(patch: pytest.MonkeyPatch) -> None:
    """The CronJob controller takes the Jobs out of the list that it is given."""

    def spending(cron: Any, jobs: list[Any], *given: Any) -> Any:
        value = sync_cron_job(cron, jobs, *given)
        jobs.clear()
        return value

    patch.setattr("kubesim.sim.cron_control_sync.sync_cron_job", spending)


def writes_otherwise(patch: pytest.MonkeyPatch) -> None:
    """The ReplicaSet controller writes down one Pod more than it makes."""
    record = ReplicaSetSync._record
    patch.setattr(ReplicaSetSync, "_record", lambda self, verb, count: record(self, verb, count + 1))


def writes_nothing(patch: pytest.MonkeyPatch) -> None:
    """The Job controller does not write down which Pods it makes and deletes."""
    patch.setattr(f"{JOBS}._pod_actions", lambda begun, is_new_wait: [])


@pytest.mark.parametrize(
    ("wrong", "family", "said"),
    [
        (remembers, jobs(), "decides otherwise"),
        (spends, cron_jobs(), "changes what it is given"),
        (writes_otherwise, scaled_sets(), "missing"),
        (writes_nothing, jobs(), "begin"),
    ],
)
def test_it_is_seen_where_it_does_not(
    wrong: Callable[[pytest.MonkeyPatch], None],
    family: st.SearchStrategy[Scene],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong(monkeypatch)

    @settings(max_examples=10, phases=[Phase.generate])
    @given(family)
    def law(scene: Scene) -> None:
        decide_again(scene)

    with pytest.raises(AssertionError, match=said):
        law()
