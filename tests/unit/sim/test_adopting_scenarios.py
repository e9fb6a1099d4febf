"""The strategies of the tutorial: what each is good for, the nodes on which it fails, and what it costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from kubesim.api import load, run
from kubesim.cli import main
from kubesim.guarantees.judging import check as judged
from kubesim.guarantees.verdicts import Verdict as Judged
from kubesim.history.history import History
from kubesim.history.records import Admitted, OutputWritten
from kubesim.scenario.expect import check
from kubesim.store.webhooks_diff import json_diff
from kubesim.timelines.facts import facts_of
from kubesim.timelines.lost_sidecars import lost_sidecars

FOLDER = Path(__file__).parents[3] / "scenarios" / "adopting"
SCENARIOS = sorted(path for path in FOLDER.glob("*.yaml") if "kind: Scenario" in path.read_text())
WORKS = {"labels", "releases", "metrics", "skew", "check", "universal", "universal-by-release"}
FAILS = {
    "labels": {"labels-wrong", "labels-none"},
    "releases": {"releases-mixed", "releases-gate-off"},
    "metrics": {"metrics-1.28", "metrics-scheduler-off"},
    "skew": {"skew-too-old", "skew-gate-off"},
    "check": {"check-stale"},
    "universal": {
        "universal-old-node",
        "universal-race",
        "universal-rejected",
        "universal-backoff",
        "universal-no-room",
    },
    "universal-by-release": {"universal-by-release-old-node", "universal-by-release-hangs"},
}


def ran(name: str, draw: int = 0) -> History:
    return run(load(FOLDER / f"{name}.yaml"), draw=draw)


@pytest.mark.parametrize("draw", [0, 1, 5])
@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_what_a_scenario_expects(path: Path, draw: int) -> None:
    assert path.read_text().startswith("# "), "begins with what it teaches"
    scenario = load(path)
    history = run(scenario, draw=draw)
    facts, release = facts_of(history), history.header.control_plane.release
    assert len(scenario.expect) >= 2
    for expectation in scenario.expect:
        outcome = check(expectation, facts, release)
        assert outcome.held, outcome.explanation


def test_every_strategy_has_its_failures() -> None:
    assert {path.stem for path in SCENARIOS} == WORKS.union({"stripped"}, *FAILS.values())
    assert FAILS.keys() == WORKS


def asked(history: History, kind: str = "Pod", name: str = "web") -> dict[str, tuple[int, int]]:
    return next(one.requests for one in history.of(Admitted) if (one.kind, one.name) == (kind, name))


def test_both_at_once_cost_twice() -> None:
    """sidecar-injector-double-requests."""
    assert asked(ran("labels"))["cpu"] == (0, 100)
    assert asked(ran("universal"))["cpu"] == (0, 200)
    assert asked(ran("universal"))["memory"] == (0, 128 << 20)


def test_the_guarantee_about_old_clients_holds_where_one_strips_and_where_it_leaves_a_pod_alone() -> None:
    """sidecar-webhook-strip-full-update: the webhook of ``stripped`` acts on one of the two Pods only."""
    (judgement,) = judged(ran("stripped"), ["sidecar-webhook-strip-full-update"])
    assert judgement.verdict is Judged.HELD
    clients = {record.name: record.client for record in ran("stripped").of(Admitted)}
    assert clients == {"web-a": "", "web-b": "1.27"}


def test_compare_shows_what_each_costs() -> None:
    files = [str(FOLDER / f"{name}.yaml") for name in ("labels", "releases-mixed", "universal")]
    arguments = ["compare", files[0], "--against", files[1], "--against", files[2], "-o", "json"]
    data = json.loads(CliRunner().invoke(main, arguments).stdout)
    rows = {(one["subject"], one["kind"]): one["values"] for one in data["differences"]}
    assert [*rows["web", "requests"].values()] == [
        "cpu 100m, memory 64Mi",
        "cpu 100m, memory 64Mi",
        "cpu 200m, memory 128Mi",
    ]


def test_two_of_them_are_active_in_the_race() -> None:
    said = [record.line for record in ran("universal-race").of(OutputWritten) if "is the sidecar" in record.line]
    assert said == ["old-way-sidecar is the sidecar", "native-sidecar is the sidecar"]
    said = [record.line for record in ran("universal").of(OutputWritten) if "is the sidecar" in record.line]
    assert set(said) == {"native-sidecar is the sidecar"}


def test_whom_to_blame_is_named() -> None:
    blamed = {
        name: {one.culprit for one in lost_sidecars(ran(name))} for name in ("skew-too-old", "stripped", "universal")
    }
    assert blamed == {"skew-too-old": {"node old"}, "stripped": {"webhook annotate.example.com"}, "universal": set()}
    assert {one.culprit for one in lost_sidecars(ran("universal-by-release-hangs"))} == {"API server 1.30"}


# -- the policies by themselves ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def injector() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FOLDER))
    try:
        import injector

        yield injector
    finally:
        sys.path.remove(str(FOLDER))


class Answers:
    """A cluster that answers what it was told to."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def get_raw(self, path: str) -> str:
        answer = self.answers[path.strip("/").replace("/", "_")]
        return answer if isinstance(answer, str) else json.dumps(answer)


def node(name: str, release: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"nodeInfo": {"kubeletVersion": release}}}


def review(**spec: Any) -> dict[str, Any]:
    pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app"}], **spec}}
    return {"request": {"uid": "u", "object": pod}}


ON = 'x 1\nkubernetes_feature_enabled{name="SidecarContainers",stage="BETA"} 1\n'
OFF = ON.replace("} 1", "} 0")
DECISIONS = [
    ("by_release", Answers(api_v1_nodes={"items": [node("a", "v1.29.0"), node("b", "v1.36.2")]}), True),
    ("by_release", Answers(api_v1_nodes={"items": [node("a", "v1.29.0"), node("b", "v1.28.9")]}), False),
    ("by_skew", Answers(version={"gitVersion": "v1.32.0"}), True),
    ("by_skew", Answers(version={"gitVersion": "v1.31.9"}), False),
    *(
        (
            "by_metrics",
            Answers(api_v1_nodes={"items": [node("a", "")]}, metrics=server, api_v1_nodes_a_proxy_metrics=kubelet),
            server == kubelet == ON,
        )
        for server in (ON, OFF)
        for kubelet in (ON, OFF, "")
    ),
]


@pytest.mark.parametrize(("policy", "cluster", "natively"), DECISIONS)
def test_how_a_policy_decides(injector: ModuleType, policy: str, cluster: Answers, natively: bool) -> None:
    patch = injector.POLICIES[policy](review(), cluster)
    assert any(one["path"].startswith("/spec/initContainers") for one in patch) is natively
    assert any(one["path"].startswith("/spec/containers") for one in patch) is not natively


def test_a_native_sidecar_goes_before_the_other_init_containers(injector: ModuleType) -> None:
    """C-35."""
    patch = injector.by_label(review(initContainers=[{"name": "migrate"}]), Answers())
    assert patch[0]["path"] == "/spec/initContainers/0"


def test_a_pod_that_has_it_is_left_alone(injector: ModuleType) -> None:
    done = review()
    done["request"]["object"]["metadata"]["annotations"] = {injector.DONE: "native by label"}
    assert all(injector.POLICIES[name](done, Answers()) is None for name in ("by_label", "by_release", "universal"))


def test_the_old_client_takes_what_it_does_not_know_and_only_that(injector: ModuleType) -> None:
    sent = review(initContainers=[{"name": "proxy", "restartPolicy": "Always", "image": "x"}])
    patch = injector.label_with_an_old_client(sent, Answers())
    assert [one["path"] for one in patch] == ["/metadata/labels", "/spec/initContainers/0/restartPolicy"]


def test_a_declared_one_does_the_same_as_the_written_out_one(injector: ModuleType) -> None:
    """wholeObject "1.27" and the example's list of known fields agree about a container of the API."""
    history = ran("stripped")
    (call,) = [one for one in history.of(Admitted) if one.name == "web-b"]
    removed = [one["path"] for one in call.diff if one["op"] == "remove"]
    before = history.pod("web-a").versions[0].object
    patch = injector.label_with_an_old_client({"request": {"object": before}}, Answers())
    assert removed == [one["path"] for one in patch if one["op"] == "remove"]
    assert json_diff(before, before) == ()
