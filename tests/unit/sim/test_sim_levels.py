"""Histories that hold less than everything: what each level keeps, and that a run is the same on all of them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from kubesim.cli import main
from kubesim.errors import ScenarioError
from kubesim.history.history import History
from kubesim.history.records import ActionDone, Ended, PodSummary
from kubesim.objects.yaml import Source, documents_of
from kubesim.scenario.load import scenario_of
from kubesim.sim.world import World
from kubesim.timelines.pod_summaries import summary_lines

TEXT = """\
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  completions: 3
  parallelism: 3
  template:
    spec:
      restartPolicy: OnFailure
      containers: [{name: a, image: "busybox:1.36", command: [sh, -c, "test -f /tmp/x || exit 1"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: app, image: "app:1"}]
---
apiVersion: v1
kind: Pod
metadata: {name: wrong}
spec: {}
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: levels}
spec:
  actions: [{at: 10s, delete: {kind: Pod, name: web}}]
  until: 40s
"""


def ran(level: str) -> History:
    return World(scenario_of(documents_of(Source("levels.yaml", TEXT))), level=level).run()


def test_a_summary_agrees_with_the_full_history() -> None:
    full, summary = ran("full"), ran("summary")
    lines = {one.name: one for one in summary.of(PodSummary)}
    assert lines.keys() == {life.name for life in full.pods}
    for life in full.pods:
        line = lines[life.name]
        assert (line.created, line.gone, line.phase, line.node) == (life.created, life.gone, life.phase, life.node)
        ready = [change.at for change in life.conditions.get("Ready", ()) if change.status == "True"]
        assert line.ready == (ready[0] if ready else None)
    assert lines["web"].gone is not None
    assert {line.owner for line in lines.values()} == {"", "Job/work"}
    for life in full.pods:
        counts = [one["restartCount"] for one in life.versions[-1].object["status"].get("containerStatuses", ())]
        assert lines[life.name].restarts == sum(counts)
    assert any(line.restarts for line in lines.values())


def test_what_each_level_keeps() -> None:
    full, summary, none = ran("full"), ran("summary"), ran("none")
    assert [history.header.level for history in (full, summary, none)] == ["full", "summary", "none"]
    assert len(none) < len(summary) < len(full)
    assert full.of(ActionDone) == summary.of(ActionDone)
    assert [action.code for action in none.of(ActionDone)] == [422], "what was refused is told on every level"
    assert full[-1] == summary[-1] == none[-1]
    assert isinstance(none[-1], Ended)


def test_histories_of_every_level_can_be_read_again() -> None:
    for level in ("summary", "none"):
        history = ran(level)
        assert History.of_lines(history.lines()) == history


def test_the_lines_of_a_summary() -> None:
    lines = summary_lines(ran("summary"))
    assert lines[0].startswith("4 Pods on 1 nodes; the run ended after ")
    assert lines[0].endswith("nothing can change any more")
    assert any(line.split()[0] == "-" and line.split()[2:] == ["gone", "1"] for line in lines if line.startswith("- "))
    assert any(line.startswith("created to Ready") for line in lines)
    restarts = sum(one.restarts for one in ran("summary").of(PodSummary))
    assert lines[-1] == f"{restarts} restarts of containers"


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ScenarioError, match="use one of full, summary, none"):
        ran("most")


def test_the_command_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("levels") / "levels.yaml"
    path.write_text(TEXT)
    shown = CliRunner().invoke(main, ["run", str(path), "--history", "summary"])
    assert shown.stdout.startswith("4 Pods on 1 nodes")
    assert shown.exit_code == 1, "an object was refused"
    refused = CliRunner().invoke(main, ["run", str(path), "--history", "none", "-o", "table"])
    assert refused.exit_code == 2
    assert "-o table needs --history full" in refused.output
