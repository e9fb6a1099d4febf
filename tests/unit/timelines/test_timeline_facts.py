"""The facts of a run are those of its history, counted from t=0."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from retold import Teller

from kubesim.history.history import History
from kubesim.scenario.facts import Facts, PodFacts
from kubesim.timelines.facts import facts_of
from kubesim.units import MILLISECOND


def history_of(name: str) -> History:
    recorded = json.loads((Path(__file__).parent / "recordings" / f"{name}.json").read_text())
    return Teller(recorded, recorded["config"]).history()


@pytest.fixture(scope="module")
def facts() -> Facts:
    return facts_of(history_of("1.29_del-prestop-main"))


def only_pod(facts: Facts) -> PodFacts:
    (pod,) = facts.pods
    return pod


def test_runs_have_their_signals_and_ends(facts: Facts) -> None:
    containers = only_pod(facts).containers
    assert containers is not None
    (run,) = containers["app"]
    assert run.exit is not None
    assert (run.code, run.reason) == (137, "Error")
    assert [signal for _, signal in run.signals] == ["TERM", "KILL"]
    assert run.start.at < run.signals[0][0].at < run.exit.at
    assert run.killed is not None
    assert run.killed.order < run.exit.order


def test_the_sandbox_is_no_container(facts: Facts) -> None:
    assert list(only_pod(facts).containers or ()) == ["app"]


def test_phases_and_the_end_of_the_object_are_told(facts: Facts) -> None:
    pod = only_pod(facts)
    assert [phase for _, phase in pod.phases] == ["Pending", "Running", "Failed"]
    assert pod.gone is not None
    assert pod.gone.at > pod.phases[-1][0].at
    assert facts.end >= pod.gone.at


def test_conditions_change_when_status_or_reason_does(facts: Facts) -> None:
    ready = [(change.status, change.reason) for change in only_pod(facts).conditions if change.type == "Ready"]
    assert ready == [("False", "ContainersNotReady"), ("True", ""), ("False", "PodFailed")]


def test_instants_count_from_the_acceptance_of_the_first_object(facts: Facts) -> None:
    assert abs(only_pod(facts).phases[0][0].at) < 100 * MILLISECOND


def test_jobs_and_their_conditions_are_told() -> None:
    (job,) = facts_of(history_of("1.29_job-indexed-retry")).jobs
    assert (job.name, job.gone) == ("indexed-retry", None)
    assert [(change.type, change.status) for change in job.conditions] == [("Complete", "True")]


def test_events_are_counted_once_with_what_they_reached() -> None:
    events = facts_of(history_of("1.29_init-fail-always")).events
    started = [event for event in events if event.reason == "Started" and "bad" in event.message]
    assert [event.count for event in started] == [4]
