"""Expectations against hand-written facts: each relation, held and not, and what it says."""

from __future__ import annotations

import io
import re

import pytest

from kubesim.errors import ScenarioError
from kubesim.scenario.expect import check
from kubesim.scenario.facts import ConditionChange, EventFacts, Facts, JobFacts, Moment, PodFacts, Run
from kubesim.scenario.load import load_scenario
from kubesim.units import SECOND


def at(second: float, order: int = 0) -> Moment:
    return Moment(int(second * SECOND), order)


WEB = PodFacts(
    name="web",
    containers={
        "setup": (Run(at(1), at(2), 1, "Error"), Run(at(4), at(5), 0, "Completed")),
        "proxy": (Run(at(6), at(30), 137, "Error", ((at(20, 2), "TERM"), (at(30), "KILL"))),),
        "app": (Run(at(7), at(20, 1), 0, "Completed", ((at(19), "TERM"),)),),
        "late": (),
        "next": (Run(at(5), at(6), 0, "Completed"),),
    },
    phases=((at(0), "Pending"), (at(7), "Running"), (at(31), "Failed")),
    reason="Evicted",
    conditions=(
        ConditionChange(at(0), "Ready", "False", "ContainersNotReady"),
        ConditionChange(at(8), "Ready", "True"),
        ConditionChange(at(21), "Ready", "False", "PodFailed"),
    ),
    gone=at(32),
)
OTHER = PodFacts(name="work-1", containers={"worker": (Run(at(1)),)}, phases=((at(1), "Running"),))
SECOND_WORKER = PodFacts(name="work-2", containers={"worker": ()}, phases=((at(1), "Pending"),))
FACTS = Facts(
    pods=(WEB, OTHER, SECOND_WORKER),
    jobs=(
        JobFacts(
            name="work",
            conditions=(ConditionChange(at(9), "Complete", "True", "CompletionsReached"),),
            gone=at(50),
            statuses=(
                (at(1), {}),
                (at(2), {"active": 2, "completedIndexes": "0"}),
                (at(9), {"succeeded": 3, "failed": 1, "completedIndexes": "0-2"}),
            ),
            pods=(at(1), at(1), at(5)),
        ),
        JobFacts(name="later", statuses=((at(20), {}),)),
    ),
    events=(
        EventFacts(at(19), "web", "Normal", "Killing", "Stopping container app"),
        EventFacts(at(20), "web", "Normal", "Killing", "Stopping container proxy"),
        EventFacts(at(3), "web", "Warning", "BackOff", "Back-off restarting failed container", 3),
    ),
    end=60 * SECOND,
)

ROWS = [
    ("pod: web, phase: Failed, reason: Evicted", True, "web was Failed (Evicted) at the end"),
    ("pod: web, phase: Running, at: 10s", True, "web was Running (Evicted) at 10s"),
    ("pod: web, phase: Succeeded", False, "web was Failed"),
    ("pod: web, reason: DeadlineExceeded", False, "(Evicted)"),
    ("pod: nobody, phase: Running", False, "there was no pod nobody; there was web, work-1, work-2"),
    ("pod: work-*, phase: Running", False, "work-2 was Pending"),
    ("pod: web, gone: true, before: 40s", True, "web was gone at 32s; the limit is 40s"),
    ("pod: web, gone: true, before: 32s", True, ""),
    ("pod: web, gone: true, before: 31s", False, ""),
    ("pod: web, gone: true, after: {container: proxy, exits}", True, "proxy exited with 137 (Error) at 30s"),
    ("pod: web, gone: false", False, "web was gone at 32s"),
    ("pod: work-1, gone: true", False, "work-1 was still there at 1m0s"),
    ("pod: work-1, gone: false", True, ""),
    ("container: app, exits: {code: 0}, before: {container: proxy, signalled: TERM}", True, "proxy got TERM at 20s"),
    ("container: app, exits, after: {container: proxy, signalled: TERM}", False, "app exited with 0"),
    ("container: app, exits: {code: 1}", False, "app exited with 0 (Completed) at 20s"),
    ("container: proxy, exits: {reason: OOMKilled}", False, "(Error)"),
    ("container: setup, exits: {code: 0}", True, ""),
    ("container: setup, exits: {code: 1}, run: 0", True, "setup exited with 1 (Error) at 2s"),
    ("container: setup, starts, run: 2", False, "setup ran twice, so it has no run 2"),
    ("container: setup, exits, before: {container: proxy, starts}", True, ""),
    ("container: setup, exits, before: {container: setup, starts, run: 1}, run: 0", True, ""),
    ("container: proxy, starts, before: {container: setup, exits}", False, "setup exited with 0"),
    ("container: proxy, starts, before: {container: late, starts}", False, "late never started"),
    ("container: proxy, starts, after: 5s, before: 7s", True, ""),
    ("container: proxy, starts, after: 7s", False, ""),
    ("container: worker, exits, pod: work-1", False, "worker never exited"),
    ("container: app, signalled: KILL", False, "app got no KILL: TERM at 19s"),
    ("container: late, signalled", False, "late never started"),
    ("container: setup, signalled", False, "setup got no signal: no signal at all"),
    ("container: app, signalled: SIGTERM, before: {container: worker, pod: work-1, starts}", False, "worker started"),
    ("container: app, starts, before: {container: nothing, starts}", False, "no container nothing in web"),
    ("container: late, starts: never", True, "late never started"),
    ("container: app, starts: never", False, "app started at 7s"),
    ("container: worker, starts: never", False, "work-1: worker started at 1s"),
    ("container: setup, restarted: 1", True, "setup was restarted once"),
    ("container: setup, restarted: {atLeast: 2}", False, "setup was restarted once"),
    ("container: setup, restarted: {atMost: 0}", False, ""),
    ("container: late, restarted: 0", True, ""),
    (
        "container: nowhere, restarted: 0",
        False,
        "no container nowhere in any pod; there is app, late, next, proxy, setup, worker",
    ),
    ("container: app, runsTogetherWith: proxy", True, "app and proxy ran together from 7s"),
    ("container: app, runsTogetherWith: setup", False, "never ran together"),
    ("container: app, neverRunsTogetherWith: setup", True, ""),
    ("container: next, neverRunsTogetherWith: setup", True, "never ran together"),
    ("container: next, neverRunsTogetherWith: proxy", True, "never ran together"),
    ("container: next, exits, before: {container: proxy, starts}", False, "at 6s; proxy started at 6s"),
    ("container: next, exits, after: {container: proxy, starts}", False, "at 6s; proxy started at 6s"),
    ("container: app, neverRunsTogetherWith: proxy", False, ""),
    ("container: proxy, killed: true", True, "proxy got SIGKILL at 30s"),
    ("container: proxy, killed: false", False, ""),
    ("container: app, killed: false", True, "app got no SIGKILL"),
    ("event: {reason: Killing, message: Stopping, count: 2}", True, "Killing was seen twice"),
    ("event: {reason: Killing, message: Starting}", False, "other messages: 'Stopping container app'"),
    ("event: {reason: BackOff, type: Warning, count: {atMost: 2}}", False, "BackOff was seen 3 times"),
    ("event: {reason: Killing, object: work-*}", False, "Killing was seen never"),
    ('pod: web, condition: {type: Ready, status: "True"}, at: 9s', True, "Ready of web was True at 9s"),
    ('pod: web, condition: {type: Ready, status: "False", reason: PodFailed}', True, "(PodFailed) at the end"),
    ('pod: web, condition: {type: Ready, status: "True"}', False, ""),
    ('pod: web, condition: {type: Initialized, status: "True"}', False, "web had no condition Initialized at the end"),
    ('job: work, condition: {type: Complete, status: "True"}', True, ""),
    ('job: play, condition: {type: Complete, status: "True"}', False, "no Job play; there was work, later"),
    ("job: work, status: {succeeded: 3, failed: {atMost: 1}, active: 0}", True, "work had succeeded 3, failed 1, acti"),
    ("job: work, status: {succeeded: 2}", False, "work had succeeded 3 at the end"),
    ("job: work, status: {failed: {atLeast: 2}}", False, ""),
    ('job: work, status: {completedIndexes: "0"}, at: 5s', True, 'completedIndexes "0" at 5s'),
    ('job: work, status: {completedIndexes: "0", failedIndexes: "1"}', False, 'failedIndexes ""'),
    ('job: work, status: {failedIndexes: ""}', True, ""),
    ("job: work, status: {active: 2}, at: 8.9s", True, ""),
    ("job: work, status: {active: 2}, at: 1s", False, "active 0 at 1s"),
    ("job: later, status: {active: 0}, at: 19s", False, "there was no Job later at 19s"),
    ("job: '*', status: {active: 2}, at: 5s", True, "work had active 2"),
    ("job: '*', status: {active: 0}, at: 55s", True, "later had active 0"),
    ("job: work, pods: 3", True, "work had made 3 pods at the end"),
    ("job: work, pods: {atMost: 2}", False, ""),
    ("job: work, pods: 2, at: 4s", True, ""),
    ("job: later, pods: 1", False, "later had made 0 pods"),
    ("job: work, gone: true, after: 50s, before: 50s", True, "work was gone at 50s"),
    ("job: work, gone: true, before: 49s", False, ""),
    ("job: work, gone: true, after: 51s", False, ""),
    ("job: work, gone: false", False, ""),
    ("job: later, gone: false", True, "later was still there at 1m0s"),
    ("job: later, gone: true", False, ""),
]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("status: {failed: 1}", '"job" is missing; name the Job that status is about'),
        ("pods: 1", '"job" is missing'),
        ("job: work, status: {}", "says nothing; give it one of active, ready, succeeded"),
        ("job: work, pod: web, gone: true", "stands beside pod; write one item for each"),
        ("job: work, gone: true, after: {container: app, exits}", "must be an instant here, such as 30s"),
        ("job: work, phase: Running", "has no meaning beside phase"),
    ],
)
def test_what_cannot_be_expected_of_a_job(written: str, says: str) -> None:
    text = f"apiVersion: kubesim/v1\nkind: Scenario\nspec:\n  expect:\n  - {{{written}}}\n"
    with pytest.raises(ScenarioError, match=re.escape(says)):
        load_scenario(io.StringIO(text))


@pytest.mark.parametrize(("written", "held", "says"), ROWS, ids=[row[0][:60] for row in ROWS])
def test_relations(written: str, held: bool, says: str) -> None:
    text = f"apiVersion: kubesim/v1\nkind: Scenario\nspec:\n  expect:\n  - {{{written}}}\n"
    (expectation,) = load_scenario(io.StringIO(text)).expect
    outcome = check(expectation, FACTS, "1.29")
    assert outcome.held is held, outcome.explanation
    assert says in outcome.explanation


@pytest.mark.parametrize(
    ("releases", "run_on", "held"),
    [
        ('"1.29"', "1.29", True),
        ('["1.28", "1.29"]', "1.29.3", True),
        ('"1.29.0"', "1.29", None),
        ('"1.28"', "1.29", None),
    ],
)
def test_an_expectation_may_be_about_some_releases_only(releases: str, run_on: str, held: bool | None) -> None:
    item = f"{{pod: web, phase: Failed, release: {releases}}}"
    text = f"apiVersion: kubesim/v1\nkind: Scenario\nspec: {{expect: [{item}]}}\n"
    (expectation,) = load_scenario(io.StringIO(text)).expect
    assert check(expectation, FACTS, run_on).held is held
