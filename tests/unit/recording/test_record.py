"""`kubesim record` against a stand-in of the API that replays a recording: the same recording must come out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kubesim.cli import main
from kubesim.commands.record import Refused, _plan, _read, record_with
from kubesim.fidelity.statuses import runtime_of_statuses
from kubesim.recording.client import Client, ClusterError
from kubesim.recording.kubeconfig import Access
from tests.unit.recording.stand_in import TOKEN, StandIn

DATA = Path(__file__).parents[2] / "data" / "recordings"
SCENARIOS = DATA / "scenarios"
PLAYED = [
    ("1.29-run2", "init-order"),
    ("1.29-run2", "restart-crashloop"),
    ("1.29-run2", "del-prestop-sidecar"),
    ("1.29-run2", "evict-api"),
    ("1.29-run2", "err-readiness-gate"),
    ("1.28-gate-on", "sc-complete-never-0"),
    ("1.36", "sc-crash-during-init"),
]


METRICS = """\
# HELP kubernetes_feature_enabled [BETA] This metric records the data about the stage and enablement of a k8s feature.
kubernetes_feature_enabled{name="SidecarContainers",stage="BETA"} 0
kubernetes_feature_enabled{name="JobPodFailurePolicy",stage="BETA"} 1
kubernetes_feature_enabled{name="NobodyKnowsThisOne",stage="ALPHA"} 1
"""


def original(config: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress((DATA / config / f"{name}.json.gz").read_bytes()))
    return found


def recorded(config: str, name: str, out: Path, **change: Any) -> tuple[dict[str, Any], StandIn]:
    """What a session makes of the stand-in's replay, read back from the file it wrote."""
    source = original(config, name) | change
    manifest = SCENARIOS / f"{name}.yaml"
    actions = SCENARIOS / f"{name}.actions.json"
    stand_in = StandIn(source, list(yaml.safe_load_all(manifest.read_text())), config[:4])
    access = Access(server=f"http://{stand_in.address}", token=TOKEN)
    documents, text = _read((str(manifest),))
    plan, asked = _plan(name, documents, str(actions), None)
    try:
        record_with(
            Client(access), access, plan, asked, text, namespace="ns", config=None, out=out, clock=stand_in.clock
        )
    finally:
        stand_in.close()
    written: dict[str, Any] = json.loads((out / config[:4] / f"{name}.json").read_text())
    return written, stand_in


def apart(value: Any) -> tuple[Any, list[float]]:
    """A value with its times taken out, and the times: t=0 may be some milliseconds earlier or later."""
    times: list[float] = []

    def bare(one: Any) -> Any:
        if isinstance(one, float):
            times.append(one)
            return "time"
        if isinstance(one, dict):
            return {key: bare(inner) for key, inner in one.items()}
        return [bare(inner) for inner in one] if isinstance(one, list) else one

    return bare(value), times


@pytest.mark.parametrize(("config", "name"), PLAYED)
def test_the_replayed_recording_comes_out_again(config: str, name: str, tmp_path: Path) -> None:
    before = original(config, name)
    after, _ = recorded(config, name, tmp_path)
    last = after["duration"]
    for key in ("pods", "events"):
        expected = [entry for entry in before[key] if entry["t"] <= last]
        (said, times), (wanted, true_times) = apart(after[key]), apart(expected)
        assert said == wanted
        assert times == pytest.approx(true_times, abs=0.01)
    assert after["accepted"] == before["accepted"]
    rows = [entry for entry in before["kubectl_get"] if entry["t"] <= last]
    assert [row["status"] for row in after["kubectl_get"]] == [row["status"] for row in rows]
    assert [action["do"] for action in after.get("actions", [])] == [a["do"] for a in before.get("actions", [])]
    assert after["runtime"] == runtime_of_statuses(after["pods"])
    assert after["runtimeFrom"] == "statuses"
    assert {(one["c"], one["line"]) for one in after["logs"]} <= {(one["c"], one["line"]) for one in before["logs"]}


@pytest.mark.parametrize(("config", "name"), [PLAYED[0], PLAYED[2], PLAYED[5], PLAYED[6]])
def test_what_was_recorded_can_be_conformed(config: str, name: str, tmp_path: Path) -> None:
    recorded(config, name, tmp_path)
    if config == "1.28-gate-on":
        configs = json.loads((tmp_path / "configs.json").read_text())
        for part in ("controlPlane", "node"):
            configs["1.28"][part]["featureGates"] = {"SidecarContainers": True}
        (tmp_path / "configs.json").write_text(json.dumps(configs))
    result = CliRunner().invoke(main, ["conform", str(tmp_path / config[:4] / f"{name}.json")])
    assert (result.exit_code, "L4" in result.stdout) == (0, True), result.stdout


def test_files_say_where_it_was_recorded(tmp_path: Path) -> None:
    _, stand_in = recorded("1.29-run2", "init-order", tmp_path)
    configs = json.loads((tmp_path / "configs.json").read_text())
    assert configs == {
        "1.29": {
            "controlPlane": {"release": "1.29", "featureGates": {}},
            "node": {
                "name": "node1", "release": "1.29", "featureGates": {},
                "allocatable": {"cpu": "2", "memory": "24Gi", "pods": "250"},
            },
            "importedImages": None,
        }
    }  # fmt: skip
    assert (tmp_path / "scenarios" / "init-order.yaml").read_text() == (SCENARIOS / "init-order.yaml").read_text()
    assert "POST /api/v1/namespaces/ns/pods?fieldValidation=Strict" in stand_in.requests


def test_a_gate_that_is_not_as_by_default_is_found_in_the_metrics(tmp_path: Path) -> None:
    recorded("1.29-run2", "init-order", tmp_path, metrics=METRICS)
    assert json.loads((tmp_path / "configs.json").read_text())["1.29"]["controlPlane"]["featureGates"] == {
        "SidecarContainers": False
    }


def test_a_refusal_is_recorded_in_kubectls_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    causes = [{"field": "spec.a", "message": "Forbidden: no"}, {"field": "spec.b", "message": "Required value"}]
    error = {"code": 422, "reason": "Invalid", "message": 'Pod "x" is invalid: [..]', "causes": causes}
    with pytest.raises(Refused):
        recorded("1.29-run2", "init-order", tmp_path, errors=[error], pods=[], events=[])
    written = json.loads((tmp_path / "1.29" / "init-order.json").read_text())
    assert written["errors"][0]["code"] == 422
    assert written["errors"][0]["kubectl"] == (
        'The Pod "x" is invalid: \n* spec.a: Forbidden: no\n* spec.b: Required value'
    )
    assert written["errors"][0]["kubectl"] in capsys.readouterr().err


def test_wrong_credentials_and_a_silent_address_are_said() -> None:
    stand_in = StandIn(original("1.29-run2", "init-order"), [], "1.29")
    try:
        with pytest.raises(ClusterError, match="does not accept these credentials"):
            Client(Access(server=f"http://{stand_in.address}", token="wrong")).request("GET", "/version")
    finally:
        stand_in.close()
    with pytest.raises(ClusterError, match="cannot be reached"):
        Client(Access(server=f"http://{stand_in.address}")).request("GET", "/version")
