"""Drawing until a recording is reproduced, finding what it was recorded from, and telling about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_traces import Trace, deleted_pod, long_lived_pod, with_

from kubesim.errors import KubesimError, ScenarioError
from kubesim.fidelity.compare import compare
from kubesim.fidelity.conform import conform, find_source
from kubesim.fidelity.report import comparison_lines, fidelity_page, result_lines, results_as_json, summary_lines

GRACE_WRONG = with_(deleted_pod(), lambda it: it["runtime"][3].update(grace=17))
TOO_LATE = with_(deleted_pod(), lambda it: it["pods"][2].update(t=9.0))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder laid out like the recordings, with one trace and a repetition of it."""
    (tmp_path / "1.29" / "reps").mkdir(parents=True)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "configs.json").write_text(json.dumps({"1.29": {"controlPlane": {"release": "1.29"}}}))
    (tmp_path / "scenarios" / "made.yaml").write_text("kind: Pod\n")
    (tmp_path / "1.29" / "made.json").write_text(json.dumps(deleted_pod()))
    (tmp_path / "1.29" / "reps" / "made.r1.json").write_text(json.dumps(deleted_pod()))
    return tmp_path


class Simulator:
    """Gives back prepared traces, the nominal one first, and remembers what it was asked."""

    def __init__(self, *traces: Trace | KubesimError) -> None:
        self.traces = traces
        self.draws: list[int | None] = []

    def __call__(self, manifest: Path, actions: Path | None, config: dict[str, Any], draw: int | None) -> Trace:
        assert manifest.name == "made.yaml"
        assert actions is None
        assert config == {"controlPlane": {"release": "1.29"}}
        self.draws.append(draw)
        found = self.traces[min(len(self.draws), len(self.traces)) - 1]
        if isinstance(found, KubesimError):
            raise found
        return found


def test_a_repetition_lies_one_deeper(recordings: Path) -> None:
    source = find_source(recordings / "1.29" / "reps" / "made.r1.json")

    assert source.manifest == recordings / "scenarios" / "made.yaml"
    assert source.configuration == {"controlPlane": {"release": "1.29"}}


@pytest.mark.parametrize(("lacking", "why"), [("scenarios/made.yaml", "--scenarios"), ("configs.json", "configs.json")])
def test_a_trace_without_its_scenario_or_configuration_is_refused(recordings: Path, lacking: str, why: str) -> None:
    (recordings / lacking).unlink()

    with pytest.raises(ScenarioError, match=why):
        find_source(recordings / "1.29" / "made.json")


def test_an_unknown_configuration_is_named(recordings: Path) -> None:
    (recordings / "configs.json").write_text('{"1.36": {}}')

    with pytest.raises(ScenarioError, match=r'configuration "1\.29" is not in .*; it has 1\.36'):
        find_source(recordings / "1.29" / "made.json")


def test_the_nominal_run_is_enough_when_it_is_the_recording(recordings: Path) -> None:
    simulator = Simulator(deleted_pod())

    [result] = conform([recordings / "1.29" / "made.json"], simulator)

    assert simulator.draws == [None]
    assert result.reproduced
    assert result.nominal == result.levels
    assert (result.draw, result.differences) == (0, [])


def test_draws_are_tried_until_one_is_the_recording(recordings: Path) -> None:
    simulator = Simulator(GRACE_WRONG, TOO_LATE, deleted_pod(), deleted_pod())

    [result] = conform([recordings / "1.29" / "made.json"], simulator)

    assert simulator.draws == [None, 1, 2]
    assert result.draw == 2
    assert result.levels == {"L1": True, "L2": True, "L3": True, "L4": True}
    assert result.nominal == {"L1": True, "L2": False, "L3": False, "L4": False}


def test_at_most_32_draws_and_the_best_is_told(recordings: Path) -> None:
    simulator = Simulator(GRACE_WRONG, TOO_LATE, GRACE_WRONG)

    [result] = conform([recordings / "1.29" / "made.json"], simulator)

    assert len(simulator.draws) == 32
    assert result.draw == 1
    assert result.levels == {"L1": True, "L2": True, "L3": True, "L4": False}
    assert {each.level for each in result.differences} == {"L4"}


def test_what_is_not_modelled_is_not_reproduced(recordings: Path) -> None:
    simulator = Simulator(KubesimError("DaemonSet is not modelled"))

    [result] = conform([recordings / "1.29" / "made.json"], simulator)

    assert simulator.draws == [None]
    assert not any(result.levels.values())
    assert result.differences[0].simulated == "DaemonSet is not modelled"


def test_no_draw_changes_an_api_error(recordings: Path) -> None:
    simulator = Simulator(with_(deleted_pod(), lambda it: it.update(errors=[{"do": "create Pod", "code": 422}])))

    conform([recordings / "1.29" / "made.json"], simulator)

    assert simulator.draws == [None]


def echo(manifest: Path, actions: Path | None, config: dict[str, Any], draw: int | None) -> Trace:
    return deleted_pod() if draw else long_lived_pod()


def test_two_processes_give_the_same_answers_in_the_order_asked_for(recordings: Path) -> None:
    paths = [recordings / "1.29" / "made.json", recordings / "1.29" / "reps" / "made.r1.json"]

    results = conform(paths, echo, jobs=2)

    assert results == conform(paths, echo)
    assert [result.trace for result in results] == [str(path) for path in paths]
    assert [result.draw for result in results] == [1, 1]


def test_results_are_told(recordings: Path) -> None:
    results = conform([recordings / "1.29" / "made.json"], Simulator(GRACE_WRONG))

    [told] = results_as_json(results)["traces"]
    assert (told["id"], told["config"], told["draw"]) == ("made", "1.29", 0)
    assert told["levels"] == {"L1": True, "L2": False, "L3": False, "L4": False}
    assert told["differences"][0] | {"rule": ""} == {
        "level": "L2",
        "t": 10.02,
        "what": "web/app#0 stop grace",
        "recorded": "30",
        "simulated": "17",
        "rule": "",
    }
    lines = result_lines(results[0])
    assert "L1 ✓✓ L2 ·· L3 ·· L4 ··" in lines[0]
    assert "web/app#0 stop grace: recorded: 30; simulated: 17; rule: graces are equal" in lines[1]
    assert summary_lines(results)[1].split() == ["1.29", "1", "100.0%", "100.0%", *["0.0%"] * 6]


def test_the_page_lists_every_miss_with_its_reason(recordings: Path) -> None:
    paths = [recordings / "1.29" / "made.json", recordings / "1.29" / "reps" / "made.r1.json"]
    results = [*conform(paths[:1], Simulator(GRACE_WRONG)), *conform(paths[1:], Simulator(deleted_pod()))]

    page = fidelity_page(results, {"phase": (9, 10)})

    assert "| 1.29 | 2 | 100.0% | 100.0% | 50.0% | 50.0% |" in page
    assert "| phase | 10 | 9 | 90.0% |" in page
    assert "| 1.29 | `made` | L2 | L2 t=10.020 web/app#0 stop grace: recorded: 30; simulated: 17" in page
    assert "made.r1" not in page


def test_two_traces_are_told_apart() -> None:
    lines = comparison_lines(compare(deleted_pod(), GRACE_WRONG))

    assert lines[0] == "L1 ✓ L2 · L3 · L4 ·"
    assert lines[1].startswith("    L2 t=10.020 web/app#0 stop grace: recorded: 30; simulated: 17")
