"""Scenario files: what they mean, and how each kind of mistake is told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kubesim.errors import ReleaseError, ScenarioError
from kubesim.releases.release import Component
from kubesim.scenario.actions import (
    SUPPORTED,
    Apply,
    Delete,
    DeleteJobPod,
    Evict,
    Kill,
    Patch,
    Probe,
    Snapshot,
)
from kubesim.scenario.cluster import LATEST_RELEASE
from kubesim.scenario.load import Scenario, load_scenario, schema
from kubesim.units import SECOND

FILE = Path(__file__).parent / "scenario.yaml"
TEXT = FILE.read_text(encoding="utf-8")


def load(text: str) -> Scenario:
    return load_scenario(io.StringIO(text))


def test_a_scenario_is_its_manifests_and_one_document_of_ours() -> None:
    scenario = load_scenario([FILE])
    assert [document.name for document in scenario.objects] == ["web"]
    assert (scenario.name, scenario.seed, scenario.until) == ("sidecar-stops-last", 7, 120 * SECOND)
    (override,) = scenario.containers
    assert (override.pod, override.container, override.script["lasts"]) == ("web", "proxy", "forever")
    assert len(scenario.expect) == 8


def test_the_cluster_knows_what_each_component_runs() -> None:
    cluster = load_scenario(FILE).cluster
    old, new = cluster.nodes
    assert old.allocatable == {"cpu": "500m", "memory": "1Gi"}
    assert (cluster.kubelet_release(old).name, cluster.kubelet_release(new).name) == ("1.28", "1.29")
    assert cluster.kubelet_release(old).enabled("SidecarContainers")
    assert cluster.control_plane_release(Component.SCHEDULER).component is Component.SCHEDULER
    assert cluster.images["example.com/slow:1"].pull == 45 * SECOND
    assert (cluster.timing.profile, cluster.timing.settings) == ("ideal", {"relist": "1s"})


def test_another_release_leaves_alone_what_names_its_own() -> None:
    scenario = load_scenario(FILE).on("1.30", {"SidecarContainers": False})
    old, new = scenario.cluster.nodes
    assert scenario.cluster.kubelet_release(old).name == "1.28"
    assert not scenario.cluster.kubelet_release(new).enabled("SidecarContainers")
    assert scenario.cluster.control_plane_release(Component.APISERVER).name == "1.30"
    with pytest.raises(ReleaseError, match="SidecarContainer"):
        scenario.on(gates={"SidecarContainer": True})


def test_a_component_may_differ_from_its_control_plane() -> None:
    cluster = (
        '{release: "1.33", controlPlane: {release: "1.34", scheduler: {featureGates: {AllAlpha: true}},'
        ' controllerManager: {release: "1.32.1"}}}'
    )
    loaded = load(f"apiVersion: kubesim/v1\nkind: Scenario\nspec: {{cluster: {cluster}}}\n").cluster
    names = {one: loaded.control_plane_release(one).name for one in Component if one is not Component.KUBELET}
    assert names == {"apiserver": "1.34", "scheduler": "1.34", "controller-manager": "1.32.1"}
    assert dict(loaded.control_plane_release(Component.SCHEDULER).gate_settings) == {"AllAlpha": True}
    assert loaded.kubelet_release(loaded.nodes[0]).name == "1.33"


def test_actions_come_by_instant_and_those_of_one_instant_as_written() -> None:
    actions = load_scenario(FILE).actions
    assert [type(action) for action in actions] == [
        Snapshot,
        Apply,
        Patch,
        Kill,
        Probe,
        Evict,
        DeleteJobPod,
        Delete,
    ]
    assert isinstance(actions[1], Apply)
    assert actions[1].objects[0].name == "settings"
    assert isinstance(actions[4], Probe)
    assert actions[4].for_ == 10 * SECOND
    assert isinstance(actions[-1], Delete)
    assert (actions[-1].at, actions[-1].grace_period_seconds, actions[-1].namespace) == (12 * SECOND, 20, "default")


def test_objects_of_an_action_may_stand_in_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "later.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\n")
    file = tmp_path / "scenario.yaml"
    text = "apiVersion: kubesim/v1\nkind: Scenario\nspec: {actions: [{at: 1s, create: {file: %s}}]}\n"
    file.write_text(text % "later.yaml")
    (create,) = load_scenario(file).actions
    assert [one.name for one in create.objects] == ["late"]  # type: ignore[union-attr]  # it is a Create
    file.write_text(text % "never.yaml")
    with pytest.raises(ScenarioError, match=r"scenario.yaml:3:42: spec.actions\[0\].create.file: cannot read"):
        load_scenario(file)


def test_without_a_scenario_document_everything_has_a_default() -> None:
    scenario = load("apiVersion: v1\nkind: Pod\n")
    assert scenario.cluster.control_plane_release(Component.APISERVER).name == LATEST_RELEASE
    assert [node.name for node in scenario.cluster.nodes] == ["node1"]
    assert (scenario.actions, scenario.until, scenario.seed) == ((), None, 0)


def test_several_files_make_one_scenario() -> None:
    other = io.StringIO("apiVersion: v1\nkind: Job\nmetadata: {name: work}\n")
    assert [one.name for one in load_scenario([FILE, other]).objects] == ["web", "work"]
    with pytest.raises(ScenarioError, match=r"there is a Scenario already, at .*scenario.yaml:5"):
        load_scenario([FILE, FILE])


def test_the_digest_covers_what_determines_the_run_and_nothing_else() -> None:
    digest = load(TEXT).digest()
    assert digest == load_scenario(FILE).digest()
    for same in (("sidecar-stops-last", "other"), ("phase: Succeeded", "phase: Failed"), ("until: 2m", "until: 120s")):
        assert load(TEXT.replace(*same)).digest() == digest
    for other in (
        ("seed: 7", "seed: 8"),
        ("name: web}\n---", "name: web, labels: {a: b}}\n---"),
        ("at: 12s", "at: 13s"),
    ):
        assert load(TEXT.replace(*other)).digest() != digest
    assert load(TEXT).on("1.30").digest() != digest


MISTAKES = [
    ("until: 2m", "untill: 2m", 'spec.untill: unknown field "untill"; did you mean "until"?'),
    ("until: 2m", "until: 2", 'spec.until: 2 has no unit; write "2s" for seconds'),
    ("until: 2m", "until: -2m", "spec.until: -2m is negative"),
    ("until: 2m", "until: soon", "spec.until: 'soon' is not a duration"),
    ('release: "1.29"', "release: 1.29", "release in quotes"),
    ('release: "1.29"', 'release: "1.99"', 'release "1.99" is unknown'),
    (
        "{SidecarContainers: true}\n    nodes",
        "{SidecarContainer: true}\n    nodes",
        'did you mean "SidecarContainers"?',
    ),
    ("{SidecarContainers: true}\n        labels", "{Nonsense: true}\n        labels", "nodes[0].featureGates.Nonsense"),
    ("cpu: 0.5", "cpu: lots", "allocatable.cpu: quantities must match"),
    ("- name: new", "- name: old", 'a node "old" is there already'),
    ("delete: {", "exec: {", "is not modelled yet; use one of apply, create, delete"),
    (
        "{at: 1s, snapshot}",
        "{at: 1s, kubeletRestart: {node: nwe}}",
        'node "nwe" is not in the cluster; did you mean "new"?',
    ),
    ("{at: 1s, snapshot}", "{at: 1s, nodeReboot}", "names no node, and the cluster has old, new; write {node: old}"),
    (
        "{at: 1s, snapshot}",
        "{at: 1s, memoryPressure: {node: new}}",
        '"available" is missing; give it an amount such as',
    ),
    (
        "{at: 1s, snapshot}",
        "{at: 1s, memoryPressure: {node: new, available: lots}}",
        "available: quantities must match",
    ),
    ("{at: 1s, snapshot}", "{at: 1s, taint: {node: new, key: k, effect: Never}}", "is none of NoSchedule"),
    ("{at: 1s, snapshot}", "{at: 1s, drain: {node: new, forced: true}}", 'did you mean "force"?'),
    ("{serializeImagePulls: false}", "{shutdownGracePeriod: 5}", '5 has no unit; write "5s"'),
    (
        "{serializeImagePulls: false}",
        "{shutdownGracePeriod: 5s, shutdownGracePeriodCriticalPods: 9s}",
        "shutdownGracePeriodCriticalPods is longer",
    ),
    ("{serializeImagePulls: false}", '{evictionSoft: {memory.available: "1Gi"}}', "needs evictionSoftGracePeriod"),
    (
        "{serializeImagePulls: false}",
        '{evictionHard: {memory.available: "5%"}}',
        "evictionHard[memory.available]: quantities must match",
    ),
    ("delete: {", "delet: {", 'did you mean "delete"?'),
    ("kind: Pod, name: web, grace", "kind: Pod, grace", '"name" is missing'),
    ("{at: 12s, delete", "{delete", '"at" is missing'),
    ("{at: 1s, snapshot}", "{at: 1s}", "must say one of apply"),
    ("{at: 1s, snapshot}", "{at: 1s, snapshot, evict: {name: web}}", "it says snapshot and evict"),
    ("{object: {api", "{file: x, object: {api", "one of object and file"),
    ("seed: 7", "seed: x", "must be a whole number of at least 0, and is x"),
    (", signal: KILL", "", "needs one of signal and exitCode"),
    ("phase: Succeeded", "phase: Succeded", 'did you mean "Succeeded"?'),
    ("exits: {code: 0}", "exits: {code: 0}, killed: true", "says exits and killed in one item"),
    ("gone: true", "gone: true, at: 3s", "has no meaning beside gone"),
    ("container: app, starts: never", "starts: never", '"container" is missing'),
    ("pod: web, gone", "gone", '"pod" is missing'),
    ("{container: app, starts: never}", "{container: app}", "says nothing; give it one of phase"),
    ("after: {container: proxy, starts}", "after: {container: proxy}", "must say one of starts, exits, signalled"),
    ("starts: never", "starts: never, before: 3s", "has no meaning beside starts: never"),
    ("after: {container: proxy, starts}", "after: {container: proxy, starts: never}", "what never happens"),
    ("{atLeast: 1}", "{atLeast: 2, atMost: 1}", "exchange them"),
    ('release: "1.28"}\n    - {pod: web, gone', 'release: "1.8"}\n    - {pod: web, gone', 'release "1.8" is unknown'),
    ("webhooks: []", "webhooks: [{}]", '"name" is missing'),
    ("kubesim/v1", "kubesim/v2", "write kubesim/v1"),
    ("kind: Scenario", "kind: Scenary", "write Scenario"),
    ("{pod: web, container: proxy}", "{}", "matches every container"),
    ("missing: true", "missing: 3", "images[example.com/gone:1].missing: must be true or false, and is 3"),
    ("webhooks: []", "webhooks: {}", "must be a list"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES, ids=[row[1][:40] for row in MISTAKES])
def test_a_mistake_is_told_with_its_line_and_the_way_out(right: str, wrong: str, message: str) -> None:
    assert right in TEXT
    with pytest.raises(ScenarioError) as caught:
        load(TEXT.replace(right, wrong, 1))
    assert message in str(caught.value)
    assert caught.value.line is not None


def test_a_mistake_points_at_its_very_place() -> None:
    with pytest.raises(ScenarioError) as caught:
        load(TEXT.replace("name: web, gracePeriodSeconds: 20", "name: web, gracePeriodSeconds: soon"))
    line = TEXT[: TEXT.index("gracePeriodSeconds")].count("\n") + 1
    column = TEXT.splitlines()[line - 1].index("20}") + 1
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.field == "spec.actions[0].delete.gracePeriodSeconds"


def test_the_schema_knows_every_field_that_can_be_written() -> None:
    described = schema()
    spec = described["properties"]["spec"]["properties"]
    action = spec["actions"]["items"]
    assert set(action["properties"]) == {"at", *SUPPORTED}
    assert action["required"] == ["at"]
    assert described["additionalProperties"] is False
    assert "signalled" in spec["expect"]["items"]["properties"]
    assert spec["expect"]["items"]["properties"]["starts"]["anyOf"][-1] == {"type": "null"}
