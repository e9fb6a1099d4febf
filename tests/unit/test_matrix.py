"""`kubesim matrix`: every cell as the rules have it, and as real clusters did it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kubesim import api
from kubesim.cli import main
from kubesim.commands.inputs import as_recorded, read_scenario
from kubesim.releases import RELEASES, Component, release
from kubesim.releases.skew import gate_settings, is_supported_skew
from kubesim.scenario.combinations import Combination, combinations, on_combination
from kubesim.timelines.sidecar_outcome import Outcome, sidecar_outcome

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parents[1] / "data" / "recordings"
CORPUS = ROOT.parent / "shared" / "traces"

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
    - name: proxy
      image: busybox:1.36
      restartPolicy: Always
      command: [sh, -c, "trap 'exit 0' TERM; sleep 3600 & wait"]
  containers:
    - {name: app, image: "busybox:1.36", command: [sh, -c, "trap 'sleep 3; exit 0' TERM; sleep 3600 & wait"]}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(POD)
    return str(path)


def matrix(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["matrix", *arguments])


def by_the_rules(cell: dict[str, Any]) -> str:
    """The skew table of the control-plane rules: C-10, C-20, C-66, K-54, K-55, K-58, as they bite."""
    server, node = cell["controlPlane"]["release"], cell["node"]["release"]
    server_on = cell["controlPlane"]["featureGates"].get("SidecarContainers", server != "1.28")
    scheduler_on = cell["scheduler"]["featureGates"].get("SidecarContainers", server != "1.28")
    node_on = cell["node"]["featureGates"].get("SidecarContainers", node != "1.28")
    if server == "1.27":
        return "rejected-by-api"
    if not server_on:
        return "stuck"
    if not scheduler_on:
        return "unschedulable"
    if node == "1.27":
        return "stuck"
    if not node_on:
        return "rejected-by-kubelet"
    return "stops-together" if node == "1.28" else "works"


def test_every_cell_is_as_the_rules_have_it(manifest: str) -> None:
    """sidecar-needs-apiserver-and-every-node."""
    result = matrix(manifest, "-o", "json")
    cells = json.loads(result.stdout)["cells"]
    assert len(cells) == 20 * 15
    assert [cell["outcome"] for cell in cells] == [by_the_rules(cell) for cell in cells]
    assert all(cell["why"] and cell["rules"] for cell in cells)
    supported = {(cell["controlPlane"]["release"], cell["node"]["release"]) for cell in cells if cell["supported"]}
    minors = {(int(server[2:]), int(node[2:])) for server, node in supported}
    assert minors == {
        (server, node)
        for server in range(27, 37)
        for node in range(27, 37)
        if 0 <= server - node <= (2 if server == 27 else 3)
    }


def test_gates_are_tried_where_they_can_be_set() -> None:
    words = [one.words for one in gate_settings("SidecarContainers", ("1.27", "1.28", "1.29", "1.33"))]
    assert words == ["1.27", "1.28 off", "1.28 on", "1.29 on", "1.29 off", "1.33 on"]
    assert [one.feature_gates for one in gate_settings("SidecarContainers", ("1.28",))] == [
        {},
        {"SidecarContainers": True},
    ]
    off = [one.server_words for one in combinations(nodes=("1.29",)) if one.scheduler_off]
    assert off == [text for minor in range(28, 33) for text in [f"1.{minor} on, scheduler off"] * 2]


def test_supported_skew() -> None:
    server = release("1.30", component=Component.APISERVER)
    assert [text for text in RELEASES if is_supported_skew(server, release(text))] == ["1.27", "1.28", "1.29", "1.30"]


def reaching_the_end(one: Combination) -> bool:
    return not one.scheduler_off and one.control_plane.words == "1.29 on" and bool(one.node.enabled)


@pytest.mark.parametrize("combination", [*filter(reaching_the_end, combinations())], ids=lambda one: one.node.words)
def test_how_it_stops_is_what_a_deletion_shows(combination: Combination, tmp_path: Path) -> None:
    """What the matrix says of the order of stopping, seen in a run: SIGTERM to the sidecar before or after the app."""
    path = tmp_path / "web.yaml"
    action = "spec:\n  until: 40s\n  actions: [{at: 10s, delete: {kind: Pod, name: web}}]\n"
    path.write_text(f"{POD}---\napiVersion: kubesim/v1\nkind: Scenario\n{action}")
    history = api.run(on_combination(api.load(path), combination))
    proxy, app = (history.pod("web").container(name).runs[0] for name in ("proxy", "app"))
    assert app.exit is not None
    together = proxy.signals[0].at < app.exit
    said = sidecar_outcome(history, "Pod", "web").outcome
    assert said is (Outcome.STOPS_TOGETHER if together else Outcome.WORKS)


# -- what real clusters did -------------------------------------------------------------------------------------------


def recordings() -> Iterator[Path]:
    """The sample's recordings, and of the corpus, where it is there, all that are about skew."""
    yield from sorted(SAMPLE.glob("*/*.json.gz"))
    if CORPUS.is_dir():
        yield from sorted(CORPUS.glob("skew-*/*.json"))
        yield from sorted(path for config in ("1.28", "1.33") for path in CORPUS.glob(f"{config}/sc-*.json"))


def read(path: Path) -> dict[str, Any]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found: dict[str, Any] = json.loads(data)
    return found


def recorded_outcomes(trace: dict[str, Any], sidecars: set[str], mains: set[str]) -> set[Outcome]:
    """What a recording shows; several where it ends before it tells."""
    if trace.get("errors"):
        return {Outcome.REJECTED_BY_API}
    pod = trace["pods"][0]["pod"]
    last = {key: value for one in trace["pods"] if one["pod"] == pod for key, value in one.get("set", {}).items()}
    if last.get("reason") == "InitContainerRestartPolicyForbidden":
        return {Outcome.REJECTED_BY_KUBELET}
    runtime = [one for one in trace["runtime"] if one["pod"] == pod]
    if not any("Always" in entry for entry in trace["accepted"][pod]["init"]):
        ended = any(one["c"] in mains and one["ev"] == "start" for one in runtime)
        return {Outcome.RUNS_ONCE} if ended else {Outcome.STUCK}
    if not any(one["c"] in mains and one["ev"] == "start" for one in runtime):
        return {Outcome.STUCK}
    graces = [one["set"]["deletion"]["grace"] for one in trace["pods"] if one.get("set", {}).get("deletion")]
    asked = next((one["t"] for one in trace["pods"] if one.get("set", {}).get("deletion")), 0)
    ended = [one["t"] for one in runtime if one["c"] in mains and one["ev"] == "exit" and one["t"] > asked]
    stops = [one["t"] for one in runtime if one["c"] in sidecars and one["ev"] == "stop" and one["t"] > asked - 1]
    if (
        max(graces, default=0) < 2
        or sum(grace > 0 for grace in graces) > 1
        or not stops
        or max(ended, default=0) < asked + 1
    ):
        return {Outcome.WORKS, Outcome.STOPS_TOGETHER}
    return {Outcome.STOPS_TOGETHER if min(stops) < max(ended) - 0.05 else Outcome.WORKS}


def cases() -> Iterator[Any]:
    for path in recordings():
        name = path.name.partition(".json")[0]
        folder = path.parents[1]
        manifest = folder / "scenarios" / f"{name}.yaml"
        objects = api.load(manifest).objects
        if len(objects) != 1 or objects[0].kind not in ("Pod", "Job"):
            continue
        raw = objects[0].raw
        spec = raw["spec"]["template"]["spec"] if objects[0].kind == "Job" else raw["spec"]
        sidecars = {one["name"] for one in spec.get("initContainers", ()) if one.get("restartPolicy") == "Always"}
        if sidecars:
            mains = {one["name"] for one in spec["containers"]}
            yield pytest.param(path, manifest, sidecars, mains, id=f"{path.parent.name}/{name}")


@pytest.mark.parametrize(("path", "manifest_path", "sidecars", "mains"), [*cases()])
def test_cells_agree_with_recordings(path: Path, manifest_path: Path, sidecars: set[str], mains: set[str]) -> None:
    configurations = json.loads((path.parents[1] / "configs.json").read_text())
    trace = read(path)
    actions = manifest_path.with_suffix("").with_suffix(".actions.json")
    given = read_scenario([str(manifest_path)], actions=str(actions))
    scenario = as_recorded(given, configurations[path.parent.name])
    history = api.run(scenario)
    (subject,) = scenario.objects
    verdict = sidecar_outcome(history, subject.kind, subject.raw["metadata"]["name"])
    assert verdict.outcome in recorded_outcomes(trace, sidecars, mains), verdict


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_table_has_a_line_for_each_combination(manifest: str) -> None:
    result = matrix(manifest, "--api-server", "1.29", "--node", "1.28,1.29", "--default-gates")
    assert result.stdout.splitlines() == [
        "API SERVER   NODES      SUPPORTED   OUTCOME                   WHY",
        "1.29 on      1.28 off   yes         rejected by the kubelet   InitContainerRestartPolicyForbidden: Pod was "
        'rejected: Init container "proxy" may not have a non-default restartPolicy [K-55]',
        "1.29 on      1.29 on    yes         works                     kubelet 1.29 stops sidecars after the main "
        "containers [K-41, K-75]",
        "",
        "+  works: 1 (1 in supported skew)",
        "K  rejected by the kubelet: 1 (1 in supported skew)",
    ]


def test_the_grid_brackets_what_is_not_supported(manifest: str) -> None:
    result = matrix(manifest, "--api-server", "1.28,1.32", "--node", "1.28,1.29", "-o", "grid")
    assert result.stdout.splitlines()[:8] == [
        "                 NODES  1.28  1.28  1.29  1.29",
        "API SERVER              off   on    on    off",
        "1.28 off                 I     I    (I)   (I)",
        "1.28 on                  K     ~    (+)   (K)",
        "1.28 on, scheduler off   U     U    (U)   (U)",
        "1.32 on                 (K)   (~)    +     K",
        "1.32 on, scheduler off  (U)   (U)    U     U",
        "1.32 off                (I)   (I)    I     I",
    ]


def test_only_what_is_supported(manifest: str) -> None:
    cells = json.loads(matrix(manifest, "--supported", "--api-server", "1.32", "-o", "json").stdout)["cells"]
    assert {cell["node"]["release"] for cell in cells} == {"1.29", "1.30", "1.31", "1.32"}
    result = matrix(manifest, "--supported", "--api-server", "1.32", "--node", "1.28")
    assert (result.exit_code, "no combination is left" in result.stderr) == (2, True)


def test_a_pod_without_sidecars_and_one_that_ends_as_an_init_container(tmp_path: Path) -> None:
    plain = tmp_path / "plain.yaml"
    plain.write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: busybox}]}}"
    )
    assert "has no sidecar" in matrix(str(plain), "--api-server", "1.29", "--node", "1.29").stdout
    once = tmp_path / "once.yaml"
    once.write_text(POD.replace("trap 'exit 0' TERM; sleep 3600 & wait", "exit 0"))
    result = matrix(str(once), "--api-server", "1.28", "--node", "1.28", "--default-gates")
    assert "runs once, as an init container   API server 1.28 drops restartPolicy of proxy" in result.stdout


def test_one_that_is_deleted_in_init_was_stuck() -> None:
    """That it ended by SIGTERM does not mean that it let the main containers start."""
    path = str(ROOT / "scenarios" / "adopting" / "labels.yaml")
    result = matrix(path, "--of", "Pod/web", "--api-server", "1.28", "--node", "1.28", "--default-gates", "-o", "json")
    (cell,) = json.loads(result.stdout)["cells"]
    assert cell["outcome"] == "stuck"


def test_without_strict_validation_1_27_takes_it_and_it_hangs(manifest: str) -> None:
    """C-11: refused only because kubectl asks for it."""
    arguments = (manifest, "--api-server", "1.27", "--node", "1.27", "-o", "json")
    for validate, outcome in (("strict", "rejected-by-api"), ("warn", "stuck"), ("ignore", "stuck")):
        (cell,) = json.loads(matrix(*arguments, "--validate", validate).stdout)["cells"]
        assert cell["outcome"] == outcome


def test_wrong_input_is_said(tmp_path: Path, manifest: str) -> None:
    two = tmp_path / "two.yaml"
    two.write_text(f"{POD}---\n{POD.replace('web', 'two')}")
    result = matrix(str(two))
    assert (result.exit_code, "name it with --of. FILE begins with Pod/web, Pod/two" in result.stderr) == (2, True)
    chosen = matrix(str(two), "--of", "pod/two", "--api-server", "1.29", "--node", "1.29", "-o", "json")
    assert json.loads(chosen.stdout)["subject"] == "Pod two"
    result = matrix(manifest, "--node", "1.26")
    assert (result.exit_code, 'release "1.26" is unknown' in result.stderr) == (2, True)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: proxy, image: "example.com/proxy:1", restartPolicy: Always}]
      containers: [{name: app, image: "example.com/app:1"}]
"""


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet"])
def test_the_pods_of_a_deployment_fare_as_a_pod_does(kind: str, manifest: str, tmp_path: Path) -> None:
    path = tmp_path / "deployment.yaml"
    path.write_text(DEPLOYMENT.replace("Deployment", kind))
    of_pod, of_deployment = (
        json.loads(matrix(file, "--api-server", "1.28,1.29", "--node", "1.28,1.29", "-o", "json").stdout)["cells"]
        for file in (manifest, str(path))
    )
    assert [cell["outcome"] for cell in of_deployment] == [cell["outcome"] for cell in of_pod]
    assert {cell["outcome"] for cell in of_pod} >= {"works", "stuck", "unschedulable"}


def test_the_pods_of_a_cron_job_too(tmp_path: Path) -> None:
    pod_spec = DEPLOYMENT[DEPLOYMENT.index("    spec:") :].replace(
        "    spec:", "        spec:\n          restartPolicy: Never"
    )
    pod_spec = pod_spec.replace("      init", "          init").replace("      cont", "          cont")
    head = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: often}\nspec:\n  schedule: '* * * * *'\n"
    path = tmp_path / "cron.yaml"
    path.write_text(f"{head}  jobTemplate:\n    spec:\n      template:\n{pod_spec}")
    result = matrix(str(path), "--api-server", "1.28,1.29", "--node", "1.29", "--default-gates", "-o", "json")
    cells = json.loads(result.stdout)["cells"]
    assert [cell["outcome"] for cell in cells] == ["stuck", "works"]
