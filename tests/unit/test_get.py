"""`kubesim get`: what kubectl would print at an instant of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from kubesim.cli import main

SCENARIO = """\
apiVersion: kubesim/v1
kind: Scenario
spec:
  cluster:
    release: "1.29"
    nodes:
      - {name: new}
      - {name: old, release: "1.28", featureGates: {SidecarContainers: true}}
      - {name: shut, featureGates: {SidecarContainers: false}}
  until: 30s
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeName: new
  restartPolicy: Never
  containers: [{name: app, image: "busybox:1.36", command: [sh, -c, "sleep 5"]}]
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    return str(path)


def get(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["get", *arguments])


@pytest.mark.parametrize(
    ("at", "row"),
    [
        ("0s", "web    0/1     Pending   0          0s"),
        ("4s", "web    1/1     Running   0          4s"),
        ("30s", "web    0/1     Completed   0          30s"),
        ("10m", "web    0/1     Completed   0          10m"),
    ],
)
def test_pods_at_an_instant(scenario: str, at: str, row: str) -> None:
    assert get("pods", scenario, "--at", at).stdout.splitlines()[1] == row


def test_other_tables(scenario: str) -> None:
    assert "Started container app" in get("events", scenario, "--at", "4s").stdout
    assert "Started" not in get("events", scenario, "--at", "0s").stdout
    nothing = get("jobs", scenario)
    assert (nothing.stdout, nothing.stderr) == ("", "No resources found in default namespace.\n")
    assert [line.split() for line in get("nodes", scenario, "--at", "0s").stdout.splitlines()] == [
        ["NAME", "STATUS", "ROLES", "AGE", "VERSION"],
        ["new", "Ready", "<none>", "0s", "v1.29.0"],
        ["old", "Ready", "<none>", "0s", "v1.28.0"],
        ["shut", "Ready", "<none>", "0s", "v1.29.0"],
    ]


def test_objects(scenario: str) -> None:
    (item,) = json.loads(get("pod", scenario, "--at", "4s", "-o", "json").stdout)["items"]
    assert (item["kind"], item["status"]["phase"]) == ("Pod", "Running")
    assert yaml.safe_load(get("po", scenario, "-o", "yaml").stdout)["items"][0]["status"]["phase"] == "Succeeded"


def test_objects_by_name(scenario: str) -> None:
    assert get("pod", "web", scenario, "--at", "4s").stdout.splitlines()[1].startswith("web ")
    one = json.loads(get("pod", "web", scenario, "--at", "4s", "-o", "json").stdout)
    assert (one["kind"], one["metadata"]["name"]) == ("Pod", "web")
    rows = get("node", "new", "shut", scenario, "--at", "4s").stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["NAME", "new", "shut"]


ROLLOUT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {team: a}}
spec:
  replicas: 2
  minReadySeconds: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: app, image: "example.com/app:1"}]
---
apiVersion: kubesim/v1
kind: Scenario
spec:
  actions:
    - at: 20s
      patch:
        kind: Deployment
        name: web
        patch: {spec: {template: {spec: {containers: [{name: app, image: "example.com/app:2"}]}}}}
"""


@pytest.fixture
def rollout(tmp_path: Path) -> str:
    path = tmp_path / "rollout.yaml"
    path.write_text(ROLLOUT)
    return str(path)


def cells(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_deployments_and_replica_sets_with_the_columns_of_kubectl(rollout: str) -> None:
    head = ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert cells(get("deploy", rollout, "--at", "3s")) == [head, ["web", "2/2", "2", "0", "3s"]]
    assert cells(get("deployments", rollout, "--at", "15s")) == [head, ["web", "2/2", "2", "2", "15s"]]
    assert cells(get("deployment", "web", rollout, "--at", "24s")) == [head, ["web", "3/2", "1", "2", "24s"]]
    (columns, *sets) = cells(get("rs", rollout, "--at", "24s"))
    assert columns == ["NAME", "DESIRED", "CURRENT", "READY", "AGE"]
    assert sorted(row[1:] for row in sets) == [["1", "1", "1", "4s"], ["2", "2", "2", "24s"]]
    assert get("cj", rollout).stderr == "No resources found in default namespace.\n"


def test_a_deployment_and_its_replica_sets_described(rollout: str) -> None:
    text = get("deploy", "web", rollout, "-o", "describe", "--at", "24s").stdout
    for line in (
        "Labels:                 team=a\n",
        "Replicas:               2 desired | 1 updated | 3 total | 2 available | 1 unavailable\n",
        "RollingUpdateStrategy:  25% max unavailable, 25% max surge\n",
        "Conditions:\n  Type           Status  Reason\n  ----           ------  ------\n"
        "  Available      True    MinimumReplicasAvailable\n  Progressing    True    ReplicaSetUpdated\n",
    ):
        assert line in text
    assert text.index("OldReplicaSets:  web-") < text.index("NewReplicaSet:   web-")
    assert text.count("(2/2 replicas created)") == text.count("(1/1 replicas created)") == 1
    sets = get("rs", rollout, "-o", "describe", "--at", "24s").stdout
    assert sets.count("Controlled By:  Deployment/web") == 2
    assert "Replicas:       2 current / 2 desired\nPods Status:    2 Running / 0 Waiting" in sets


def test_nodes_are_described_by_name(scenario: str) -> None:
    text = get("node", "old", scenario, "-o", "describe").stdout
    assert text.startswith("Name:               old\n")
    assert text.count("Name: ") == 1


@pytest.mark.parametrize("form", ["table", "yaml"])
def test_a_name_that_is_not_there(scenario: str, form: str) -> None:
    result = get("pod", "wob", scenario, "-o", form)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith('Error from server (NotFound): pods "wob" not found\n')
    assert 'deployments.apps "wob" not found' in get("deploy", "wob", scenario, "-o", form).stderr
    both = get("pod", "web", "wob", scenario)
    assert (both.exit_code, both.stdout.count("web"), both.stderr.count("wob")) == (1, 1, 1)


GATE = 'kubernetes_feature_enabled{name="SidecarContainers",stage="%s"} %d'


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/metrics", GATE % ("BETA", 1)),
        ("/api/v1/nodes/new/proxy/metrics", GATE % ("BETA", 1)),
        ("/api/v1/nodes/old/proxy/metrics", GATE % ("ALPHA", 1)),
        ("/api/v1/nodes/shut/proxy/metrics", GATE % ("BETA", 0)),
    ],
)
def test_gates_in_the_metrics_of_each_component(scenario: str, path: str, line: str) -> None:
    """sidecar-gate-metric, C-75 to C-77."""
    assert line in get("--raw", path, scenario).stdout.splitlines()


def test_objects_by_their_path(scenario: str) -> None:
    pods = json.loads(get("--raw", "/api/v1/namespaces/default/pods", scenario, "--at", "4s").stdout)
    assert (pods["kind"], pods["items"][0]["status"]["phase"]) == ("PodList", "Running")
    node = json.loads(get("--raw", "/api/v1/nodes/old", scenario).stdout)
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.28.0"
    assert json.loads(get("--raw", "/version", scenario).stdout)["minor"] == "29"
    assert json.loads(get("--raw", "/version", scenario, "--release", "1.30").stdout)["minor"] == "30"
    assert json.loads(get("--raw", "/apis/batch/v1/jobs?limit=5", scenario).stdout)["items"] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/nodes/none/proxy/metrics", 'nodes "none" not found'),
        ("/api/v1/namespaces/default/pods/none", 'pods "none" not found'),
        ("/healthz", "the server could not find the requested resource"),
    ],
)
def test_what_is_not_there(scenario: str, path: str, said: str) -> None:
    result = get("--raw", path, scenario)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error from server (NotFound): ")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cats", "FILE"), '"cats" is no resource'),
        ((), '"" is no resource'),
        (("pods",), "name a scenario file"),
        (("--raw", "/metrics"), "name a scenario file"),
        (("events", "FILE", "-o", "yaml"), "Events are printed as a table"),
        (("events", "FILE", "-o", "describe"), "Events are printed as a table"),
        (("events", "web", "FILE"), "Events are shown all together"),
    ],
)
def test_wrong_use(scenario: str, arguments: tuple[str, ...], said: str) -> None:
    result = get(*(scenario if one == "FILE" else one for one in arguments))
    assert (result.exit_code, said in result.stderr) == (2, True)
