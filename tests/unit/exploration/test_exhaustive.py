"""Every order and outcome up to a bound: counted, complete or said not to be, and drawn."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubesim import api
from kubesim.cli import main
from kubesim.errors import KubesimError
from kubesim.exploration.exhaustive import Exploration, explore
from kubesim.exploration.exhaustive_draw import draw_states
from kubesim.exploration.exhaustive_state import digest
from kubesim.sim.world import World

ONE = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {terminationGracePeriodSeconds: 2, containers: [{name: app, image: "example.com/app:1"}]}
"""


def explored(depth: int, budget: float = 120) -> Exploration:
    return explore(api.load(io.StringIO(ONE)).on("1.33"), depth=depth, budget=budget)


def test_deeper_means_more_states_and_some_are_met_again() -> None:
    flat, deep = explored(0), explored(2)
    assert (flat.merged, flat.is_complete) == (0, True)
    assert deep.is_complete
    assert deep.states > flat.states
    assert deep.merged > 0
    assert deep.graph.number_of_nodes() == 1 + deep.states + len({one.outcome for one in deep.endings})


def test_the_order_of_ties_changes_no_ending() -> None:
    """What happens at one instant happens in any order, and yet each workload has one ending."""
    found = explored(2)
    for workload in {one.workload for one in found.endings}:
        assert len({one.outcome for one in found.endings if one.workload == workload}) == 1
    assert {one.outcome for one in found.endings} >= {
        "web: gone (app 0)",
        "web: gone (app 137)",
        "web: Running (app runs)",
    }


def test_without_time_it_says_that_it_is_not_complete() -> None:
    assert not explored(3, budget=0.0).is_complete


def test_the_digest_does_not_depend_on_how_a_state_came_about() -> None:
    scenario = api.load(io.StringIO(ONE))
    one, other = World(scenario), World(scenario)
    one.begin()
    other.begin()
    assert digest(one) == digest(other)
    one.clock.fire(one.clock.due()[0])
    assert digest(one) != digest(other)
    other.clock.fire(other.clock.due()[0])
    assert digest(one) == digest(other)


def test_the_graph_is_drawn(tmp_path: Path) -> None:
    found = explored(1)
    for name in ("states.svg", "states.dot"):
        draw_states(found, tmp_path / name, "web")
        assert "web" in (tmp_path / name).read_text(encoding="utf-8")
    with pytest.raises(KubesimError, match=r"one of \.png, \.svg, \.pdf, \.dot"):
        draw_states(found, tmp_path / "states.jpg", "web")


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(ONE, encoding="utf-8")
    graph = tmp_path / "states.dot"
    result = CliRunner().invoke(
        main, ["check", str(tmp_path / "web.yaml"), "--exhaustive", "--depth", "1", "--graph", str(graph)]
    )
    assert result.exit_code == 0, result.output
    assert "app ignores SIGTERM; at 5s: kubectl delete pod web\n" in result.output
    assert "depth 1: complete" in result.output
    assert graph.exists()


def test_a_controller_that_has_planned_something_can_be_forked() -> None:
    """A CronJob's next run waits in its controller's queue, by name and not by instant as in the clock's."""
    cron = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: often}
spec:
  schedule: "* * * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: busybox,
    command: [sh, -c, "exit 0"]}]}}}}
---
apiVersion: kubesim/v1
kind: Scenario
spec: {until: 2m}
"""
    found = explore(api.load(io.StringIO(cron)).on("1.33"), depth=1, budget=120)
    assert found.is_complete
    assert any("Succeeded (app 0)" in one.outcome for one in found.endings)
