"""What a search does not vary of a program stays as the manifest has it: its length, its codes, its end on SIGTERM."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from kubesim import api
from kubesim.exploration.replay import with_workload
from kubesim.exploration.search import HORIZON, Aim, Search
from kubesim.exploration.workloads import FOREVER, IGNORED, Place, Program, Seen, Workload
from kubesim.exploration.workloads_open import with_open_programs

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  restartPolicy: {policy}
  terminationGracePeriodSeconds: 20
  containers:
  - {{name: app, image: "busybox:1.36", command: [sh, -c, '{script}']}}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: flaky}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
      containers: [{name: work, image: "busybox:1.36", command: [sh, -c, "sleep 1; exit 1"]}]
"""
KILLED = """
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: killed}
spec:
  actions:
  - {at: 3s, kill: {pod: web, container: app, exitCode: 9}}
  - {at: 9s, delete: {kind: Pod, name: web}}
"""
TRAP = 'trap "sleep 4; exit 3" TERM; sleep 1d & wait'


def place(manifest: str) -> Place:
    (found,) = with_open_programs(api.load(io.StringIO(manifest)), HORIZON)
    return found


@pytest.mark.parametrize(
    ("policy", "script", "seen"),
    [
        ("Never", "sleep 7; exit 4", Seen(7, (4,))),
        ("Always", "sleep 2", Seen(2, (0,))),
        ("OnFailure", "test -e /mnt/x && exit 0; exit 1", Seen(0, (1,))),
        ("Always", "sleep 1d", Seen(FOREVER, (0,), IGNORED)),
        ("Always", TRAP, Seen(FOREVER, (0,), 4, 3)),
        ("Never", TRAP, Seen(FOREVER, (0,), 4, 3)),
    ],
)
def test_what_a_program_does_is_seen_in_a_run(policy: str, script: str, seen: Seen) -> None:
    assert place(POD.format(policy=policy, script=script)).seen == seen


def test_codes_that_differ_from_run_to_run_are_all_seen() -> None:
    script = "n=$(cat /v/n); echo 1$n > /v/n; test $n || exit 5; exit 0"
    manifest = POD.format(policy="OnFailure", script=script).replace(
        "']}", "'], volumeMounts: [{name: v, mountPath: /v}]}"
    )
    assert place(manifest + "  volumes: [{name: v, emptyDir: {}}]\n").seen.exits == (5, 0)


def test_what_a_scenario_does_to_a_container_is_not_what_its_program_does() -> None:
    assert place(POD.format(policy="Never", script=TRAP) + KILLED).seen == Seen(FOREVER, (0,), 4, 3)


def test_a_program_that_nothing_is_known_of_is_taken_as_usual() -> None:
    unknown = JOB.replace("busybox:1.36", "example.com/migrate:1").replace('[sh, -c, "sleep 1; exit 1"]', "[/migrate]")
    assert (place(unknown).is_open, place(unknown).seen, place(unknown).usual_length) == (True, Seen(), 5)


@pytest.mark.parametrize(
    ("changed", "told", "script"),
    [
        ({"term": 3}, ["app takes 3s to end on SIGTERM"], ("7s", 4, {"after": "3s", "exit": 3})),
        ({"lasts": 5}, ["app ends after 5s, with exit code 4"], ("5s", 4, {"after": "2s", "exit": 3})),
        ({"exits": (0,)}, ["app ends after 7s, with exit code 0"], ("7s", 0, {"after": "2s", "exit": 3})),
        ({"term": IGNORED}, ["app ignores SIGTERM"], ("7s", 4, "ignore")),
    ],
)
def test_what_is_not_varied_is_declared_as_it_was_seen(
    changed: dict[str, Any], told: list[str], script: tuple[Any, ...]
) -> None:
    program = Program(Place("Pod/web", "app", "main", "Never", 30, seen=Seen(7, (4,), 2, 3)), **changed)
    declared = program.script()
    assert list(program.told()) == told
    assert (declared["lasts"], declared["exits"], declared["onSignal"]["TERM"]) == script


def test_a_job_whose_program_fails_fails_under_another_end_on_sigterm_too() -> None:
    """It once succeeded: where one thing was varied, all else was as usual, and nothing told so."""
    scenario = api.load(io.StringIO(JOB))
    program = replace(Program(place(JOB)), term=3)
    history = api.run(with_workload(scenario, Workload((program,)), HORIZON))
    assert [pod.container("work").runs[0].code for pod in history.pods] == [1, 1, 1]


LOOKED_INTO = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: "busybox:1.36"
    command: [sh, -c, "sleep 3; touch /tmp/up; sleep 1d & wait"]
    startupProbe: {exec: {command: [%s, /tmp/up]}, periodSeconds: 1, failureThreshold: 10}
"""


@pytest.mark.parametrize("kind", ["startup", "readiness"])
def test_a_program_whose_files_a_probe_looks_at_is_left_as_written(kind: str) -> None:
    """A declared program writes none, so that each change of it would only show that the probe fails."""
    text = (LOOKED_INTO % "cat").replace("startupProbe", f"{kind}Probe")
    report = Search(api.load(io.StringIO(text)), Aim((), ("starts",)), budget=600, most_runs=30).run()
    assert (report.looked_into, report.finds) == (("app",), [])
    assert not place((LOOKED_INTO % "echo").replace("startupProbe", f"{kind}Probe")).is_looked_into
