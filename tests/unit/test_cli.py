"""The command line: what each option does, what is printed where, and how each wrong input ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from kubesim import api
from kubesim.cli import BROKEN_PIPE, main
from kubesim.commands import conform as conform_command
from kubesim.commands import options
from kubesim.commands.options import DeleteAt, Setting
from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    ComponentHeader,
    Ended,
    EventEmitted,
    Header,
    ObjectChanged,
    RuntimeChanged,
)
from kubesim.scenario.actions import Delete, Evict
from kubesim.scenario.load import Scenario
from kubesim.units import SECOND
from kubesim.version import VERSION

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: "busybox:1.36", command: [sh, -c, "sleep 5"]}]
"""
EXPECTING = """\
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: with-expect, description: "Says what will happen."}
spec:
  expect:
    - {pod: web, phase: Succeeded}
    - {container: app, exits: {code: CODE}}
"""
CONFIGS = {
    "skew": {
        "controlPlane": {"release": "1.29", "featureGates": {}},
        "node": {"name": "old", "release": "1.28", "featureGates": {"SidecarContainers": True}},
    }
}
ACTIONS = {
    "id": "recorded",
    "title": "As it was recorded",
    "tags": [],
    "horizon": 40.0,
    "actions": [{"t": 5, "do": "evict", "kind": "Pod", "name": "web"}],
}


def history(release: str, *more: AnyRecord) -> History:
    """A Pod that is created, runs and succeeds."""
    head = Header(
        kubesim=VERSION,
        scenario="web",
        digest="d",
        control_plane=ComponentHeader(name="control-plane", release=release),
        nodes=(ComponentHeader(name="node1", release=release),),
        timing={"name": "typical"},
    )
    raw = yaml.safe_load(POD) | {"status": {"phase": "Pending"}}
    raw["metadata"]["creationTimestamp"] = "2024-01-01T00:00:00Z"
    created: dict[str, Any] = {"kind": "Pod", "namespace": "default", "name": "web", "uid": "u", "verb": "create"}
    runtime: dict[str, Any] = {"node": "node1", "namespace": "default", "pod": "web", "container": "app", "run": 0}
    records: list[AnyRecord] = [
        ObjectChanged(at=0, change="ADDED", resource_version=1, actor="user", object=raw, **created),
        EventEmitted(
            at=SECOND, kind="Pod", namespace="default", name="web", uid="u", type="Normal", reason="Started",
            message="Started container app", component="kubelet", first=SECOND, last=SECOND,
        ),
        RuntimeChanged(at=SECOND, event="start", **runtime),
        RuntimeChanged(at=6 * SECOND, event="exit", code=0, **runtime),
        ObjectChanged(
            at=7 * SECOND, change="MODIFIED", resource_version=2, actor="kubelet/node1",
            patch={"status": {"phase": "Succeeded"}}, **created,
        ),
        *more,
        Ended(at=7 * SECOND, why="settled"),
    ]  # fmt: skip
    return History(head, records)


class Engine:
    """Stands in for the engine: keeps what it was asked, and gives the history above."""

    def __init__(self) -> None:
        self.asked: list[tuple[Scenario, dict[str, Any]]] = []
        self.more: tuple[AnyRecord, ...] = ()

    def run(self, scenario: Scenario, *, release: str | None = None, **settings: Any) -> History:
        self.asked.append((scenario, {"release": release, **settings}))
        return history(release or "1.36", *self.more)

    @property
    def scenario(self) -> Scenario:
        return self.asked[-1][0]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    stand_in = Engine()
    monkeypatch.setattr(api, "run", stand_in.run)
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(POD)
    Path("good.yaml").write_text(POD + EXPECTING.replace("CODE", "0"))
    Path("broken.yaml").write_text(POD + EXPECTING.replace("CODE", "3"))
    Path("configs.json").write_text(json.dumps(CONFIGS))
    Path("web.actions.json").write_text(json.dumps(ACTIONS))
    return stand_in


def kubesim(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin, catch_exceptions=False)


# -- run: formats ----------------------------------------------------------------------------------------------------


def test_run_tells_the_story_and_ends_well(engine: Engine) -> None:
    result = kubesim("run", "web.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "app exited with 0" in result.stdout
    assert result.stdout.endswith("$ kubectl get pod\nNAME   READY   STATUS      RESTARTS   AGE\n"
                                  "web    0/1     Succeeded   0          7s\n")  # fmt: skip


def _is_trace(text: str) -> bool:
    return bool(json.loads(text)["duration"] == 10.1 and text.startswith('{\n"id": "web",\n'))


@pytest.mark.parametrize(
    ("form", "fits"),
    [
        ("table", lambda text: text.splitlines()[1].split() == ["web", "0/1", "Succeeded", "0", "7s"]),
        ("wide", lambda text: text.splitlines()[0].endswith("NOMINATED NODE   READINESS GATES")),
        ("events", lambda text: text.splitlines()[1].split()[:4] == ["6s", "Normal", "Started", "pod/web"]),
        ("describe", lambda text: text.startswith("Name:         web\nNamespace:    \nNode:         <none>\n")),
        ("json", lambda text: json.loads(text)["items"][0]["status"] == {"phase": "Succeeded"}),
        ("yaml", lambda text: yaml.safe_load(text)["items"][0]["status"] == {"phase": "Succeeded"}),
        ("jsonl", lambda text: History.of_lines(text.splitlines()) == history("1.36")),
        ("trace", _is_trace),
    ],
)  # fmt: skip
def test_run_prints_each_format(engine: Engine, form: str, fits: Callable[[str], bool]) -> None:
    result = kubesim("run", "web.yaml", "-o", form)
    assert result.exit_code == 0
    assert fits(result.stdout), result.stdout


def test_run_writes_to_a_file(engine: Engine) -> None:
    result = kubesim("run", "web.yaml", "-o", "trace", "--output-file", "web.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert _is_trace(Path("web.json").read_text())


def test_run_shows_several_releases_one_after_another(engine: Engine) -> None:
    result = kubesim("run", "web.yaml", "--release", "1.28", "--release", "1.29", "-o", "table")
    assert [line for line in result.stdout.splitlines() if line.startswith("#")] == ["# release 1.28", "# release 1.29"]
    assert [asked["release"] for _, asked in engine.asked] == ["1.28", "1.29"]
    text = kubesim("run", "web.yaml", "--release", "1.28", "--release", "1.29").stdout
    assert [line for line in text.splitlines() if line.startswith("web  release")] == [
        "web  release 1.28, timing typical",
        "web  release 1.29, timing typical",
    ]


# -- run: inputs -----------------------------------------------------------------------------------------------------


def test_run_reads_standard_input(engine: Engine) -> None:
    assert kubesim("run", "-", stdin=POD).exit_code == 0
    assert engine.scenario.name == "stdin"
    assert engine.scenario.objects[0].raw["metadata"]["name"] == "web"


def test_run_is_named_after_its_file_unless_the_scenario_has_a_name(engine: Engine) -> None:
    kubesim("run", "web.yaml")
    assert engine.scenario.name == "web"
    kubesim("run", "good.yaml")
    assert engine.scenario.name == "with-expect"


def test_run_passes_its_settings_on(engine: Engine) -> None:
    given = ("--seed", "7", "--timing", "ideal", "--until", "1m30s", "--draw", "3", "--jobs", "2")
    kubesim("run", "web.yaml", *given)
    _, asked = engine.asked[-1]
    settings = {"release": None, "seed": 7, "timing": "ideal", "until": 90 * SECOND, "draw": 3}
    assert asked == {**settings, "level": "full", "jobs": 2}


@pytest.mark.parametrize(("value", "grace"), [("12s", None), ("12s:5", 5), ("12s:0", 0), ("12s:5s", 5)])
def test_delete_at_deletes_what_the_scenario_begins_with(engine: Engine, value: str, grace: int | None) -> None:
    kubesim("run", "web.yaml", "--delete-at", value)
    assert engine.scenario.actions == (Delete(at=12 * SECOND, kind="Pod", name="web", grace_period_seconds=grace),)


@pytest.mark.parametrize(
    ("setting", "apiserver", "kubelet"),
    [
        ("SidecarContainers=true", True, True),
        ("apiserver:SidecarContainers=true", True, False),
        ("node:SidecarContainers=true", False, True),
        ("kubelet:SidecarContainers=true", False, True),
        ("node1:SidecarContainers=true", False, True),
        ("scheduler:SidecarContainers=true", False, False),
    ],
)
def test_gates_are_set_where_they_are_asked_for(engine: Engine, setting: str, apiserver: bool, kubelet: bool) -> None:
    kubesim("run", "web.yaml", "--gate", setting)
    cluster = engine.scenario.on("1.28").cluster
    assert cluster.control_plane_release(api_server()).enabled("SidecarContainers") is apiserver
    assert cluster.kubelet_release(cluster.nodes[0]).enabled("SidecarContainers") is kubelet


def api_server() -> Any:
    from kubesim.releases import Component

    return Component.APISERVER


def test_a_gate_reaches_components_that_name_their_own_release(engine: Engine) -> None:
    kubesim("run", "web.yaml", "--config", "configs.json:skew", "--gate", "SidecarContainers=false")
    cluster = engine.scenario.cluster
    assert cluster.control_plane_release(api_server()).enabled("SidecarContainers") is False
    assert cluster.kubelet_release(cluster.nodes[0]).enabled("SidecarContainers") is False


def test_a_configuration_says_the_releases(engine: Engine) -> None:
    kubesim("run", "web.yaml", "--config", "configs.json:skew")
    cluster = engine.scenario.cluster
    assert cluster.control_plane_release(api_server()).name == "1.29"
    assert [(node.name, cluster.kubelet_release(node).name) for node in cluster.nodes] == [("old", "1.28")]


def test_the_trace_names_the_configuration(engine: Engine) -> None:
    result = kubesim("run", "web.yaml", "--config", "configs.json:skew", "-o", "trace")
    assert json.loads(result.stdout)["config"] == "skew"


def test_recorded_actions_are_done(engine: Engine) -> None:
    kubesim("run", "web.yaml", "--actions", "web.actions.json")
    scenario = engine.scenario
    assert (scenario.name, scenario.description, scenario.until) == ("recorded", "As it was recorded", 40 * SECOND)
    assert scenario.actions == (Evict(at=5 * SECOND, name="web"),)


def test_a_bug_is_switched(engine: Engine) -> None:
    from kubesim.releases.tables import load

    name = next(iter(load("bugs")))
    for word, value in (("on", True), ("off", False)):
        kubesim("run", "web.yaml", "--bug", f"{name}={word}")
        assert engine.scenario.cluster.settings.bugs == {name: value}


# -- run: what goes wrong --------------------------------------------------------------------------------------------


def test_what_the_api_server_refuses_is_said_as_kubectl_says_it(engine: Engine) -> None:
    engine.more = (
        ActionDone(
            at=0, do="create Pod", code=422, reason="Invalid", message="m", kubectl='The Pod "b" is invalid: m',
            warnings=('unknown field "spec.x"',),
        ),
    )  # fmt: skip
    result = kubesim("run", "web.yaml", "-o", "table")
    assert result.exit_code == 1
    assert result.stderr == 'Warning: unknown field "spec.x"\nThe Pod "b" is invalid: m\n'


def test_a_refused_action_in_the_middle_is_no_refused_manifest(engine: Engine) -> None:
    refused = ActionDone(at=0, do="delete", code=404, reason="NotFound", kubectl='pods "b" not found')
    engine.more = (refused,)
    result = kubesim("run", "web.yaml", "-o", "table")
    assert (result.exit_code, result.stderr) == (0, 'pods "b" not found\n')


BAD_YAML = "apiVersion: v1\nkind: Pod\nmetadata: {name: x\n"
BAD_SCENARIO = "apiVersion: kubesim/v1\nkind: Scenario\nspec:\n  until: soon\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run"], "Missing argument 'FILE...'"),
        (["run", "missing.yaml"], "error: missing.yaml: "),
        (["run", "bad.yaml"], "error: bad.yaml:4:1: "),
        (["run", "bad-scenario.yaml"], "error: bad-scenario.yaml:4:10: spec.until: "),
        (["run", "web.yaml", "-o", "xml"], "'xml' is not one of"),
        (["run", "web.yaml", "--gate", "Sidecar"], "'Sidecar' is not a setting; write NAME=true"),
        (["run", "web.yaml", "--gate", "A=maybe"], "'A=maybe' is not a setting"),
        (["run", "web.yaml", "--gate", ":A=true"], "':A=true' is not a setting"),
        (["run", "web.yaml", "--gate", "etcd:A=true"], 'component "etcd" is unknown; choose one of apiserver'),
        (["run", "web.yaml", "--delete-at", "soon"], "'soon' is not a duration"),
        (["run", "web.yaml", "--delete-at", "5s:x"], "grace 'x' is not a number of seconds"),
        (["run", "web.yaml", "--until", "-1s"], "'-1s' is negative"),
        (["run", "web.yaml", "--seed", "x"], "'x' is not a valid integer"),
        (["run", "web.yaml", "--draw", "-1"], "-1 is not in the range"),
        (["run", "web.yaml", "--timing", "slow"], "'slow' is not one of 'ideal', 'typical', 'loaded'"),
        (["run", "web.yaml", "--config", "configs.json:none"], 'error: configs.json:1:1: has no configuration "none"'),
        (["run", "web.yaml", "--config", "configs.json"], "error: configs.json: names no configuration"),
        (["run", "web.yaml", "--config", "configs.json:skew", "--release", "1.29"], "leave out --release"),
        (["run", "web.yaml", "--actions", "configs.json"], "error: configs.json:"),
        (["run", "web.yaml", "-o", "json", "--release", "1.28", "--release", "1.29"], "-o json holds one run"),
        (["run", "web.yaml", "--output-file", "."], "is a directory"),
        (["test", "web.yaml"], "error: web.yaml: expects nothing; give it spec.expect"),
        (["test", "empty"], "no scenario files in empty"),
        (["test", "bad.yaml"], "error: bad.yaml:4:1: "),
        (["conform", "missing.json"], "'missing.json' does not exist"),
        (["conform", "web.yaml"], "error: web.yaml: is not a trace"),
        (["features"], "Missing option '--release'"),
        (["features", "--release", "1.2"], 'error: release "1.2" is unknown'),
        (["features", "--release", "1.29", "--gate", "Nope=true"], 'error: gate "Nope" is unknown'),
        (["features", "--release", "1.29", "--gate", "apiserver:A=true"], "is not of the kubelet"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_wrong_input_ends_in_one_message_and_status_two(engine: Engine, arguments: list[str], complaint: str) -> None:
    Path("bad.yaml").write_text(BAD_YAML)
    Path("bad-scenario.yaml").write_text(BAD_SCENARIO)
    Path("empty").mkdir()
    result = kubesim(*arguments)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


# -- test ------------------------------------------------------------------------------------------------------------


def test_expectations_that_hold_are_one_line(engine: Engine) -> None:
    result = kubesim("test", "good.yaml")
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[0]) == (0, "ok     good.yaml  2 of 2 held")
    assert lines[1].startswith("1 run: 2 held, in ")


def test_an_expectation_that_breaks_is_explained_with_its_place(engine: Engine) -> None:
    result = kubesim("test", "good.yaml", "broken.yaml")
    assert result.exit_code == 1
    failed = result.stdout.splitlines()[1:3]
    assert failed[0] == "FAILED broken.yaml  1 of 2 held"
    assert failed[1].startswith("       broken.yaml:13:")
    assert "exit" in failed[1]


def test_of_a_directory_what_expects_something_is_run(engine: Engine) -> None:
    result = kubesim("test", ".", "--release", "1.28", "--release", "1.29")
    assert [line for line in result.stdout.splitlines() if line.startswith(("ok", "FAILED"))] == [
        "FAILED broken.yaml on 1.28  1 of 2 held",
        "FAILED broken.yaml on 1.29  1 of 2 held",
        "ok     good.yaml on 1.28  2 of 2 held",
        "ok     good.yaml on 1.29  2 of 2 held",
    ]


def test_draws_are_tried_one_by_one(engine: Engine) -> None:
    result = kubesim("test", "good.yaml", "--draws", "3")
    assert [asked["draw"] for _, asked in engine.asked] == [0, 1, 2]
    assert result.stdout.splitlines()[2] == "ok     good.yaml draw 2  2 of 2 held"


def test_a_refused_object_is_shown_beside_what_broke(engine: Engine) -> None:
    engine.more = (ActionDone(at=0, do="create Pod", code=422, reason="Invalid", kubectl="The Pod is invalid"),)
    assert "       The Pod is invalid" in kubesim("test", "broken.yaml").stdout.splitlines()
    assert "The Pod is invalid" not in kubesim("test", "good.yaml").stdout


# -- conform ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(engine: Engine) -> Path:
    """A recording: the trace of the history above, with its scenario and configurations."""
    made = kubesim("run", "web.yaml", "-o", "trace", "--config", "configs.json:skew").stdout
    for folder in ("skew", "scenarios"):
        Path(folder).mkdir()
    Path("scenarios/web.yaml").write_text(POD)
    trace = Path("skew/web.json")
    trace.write_text(made)
    return trace


def test_a_recording_that_is_reproduced_is_said_so(engine: Engine, recorded: Path) -> None:
    result = kubesim("conform", str(recorded))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split()[:2] == ["skew", "web"]
    assert "100.0%" in result.stdout


def test_a_recording_is_run_in_its_configuration(engine: Engine, recorded: Path) -> None:
    kubesim("conform", str(recorded))
    scenario, settings = engine.asked[-1]
    assert [(node.name, node.settings.release) for node in scenario.cluster.nodes] == [("old", "1.28")]
    assert settings == {"release": None, "draw": 0}


def test_differences_are_told_and_change_the_status(
    engine: Engine, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = json.loads(recorded.read_text().replace('"code":0', '"code":3'))
    monkeypatch.setattr(conform_command, "simulate", lambda *_: other)
    result = kubesim("conform", str(recorded), "-o", "json", "--draws", "2")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)["traces"]
    assert found["levels"] == dict.fromkeys(("L1", "L2", "L3", "L4"), False)
    assert found["differences"][0]["level"] == "L1"


# -- the rest --------------------------------------------------------------------------------------------------------


def test_features_are_a_table() -> None:
    lines = kubesim("features", "--release", "1.28", "--gate", "SidecarContainers=true").stdout.splitlines()
    assert lines[0].split() == ["GATE", "STAGE", "DEFAULT", "NOW", "SWITCHES"]
    assert next(line for line in lines if line.startswith("SidecarContainers ")).split()[:5] == [
        "SidecarContainers", "Alpha", "off", "on", "(set)",
    ]  # fmt: skip


def test_features_can_be_metrics() -> None:
    lines = kubesim("features", "--release", "1.29", "--metrics", "--component", "apiserver").stdout.splitlines()
    assert 'kubernetes_feature_enabled{name="SidecarContainers",stage="BETA"} 1' in lines
    assert lines[0].startswith("# HELP kubernetes_feature_enabled")


def test_schema_is_json() -> None:
    assert json.loads(kubesim("schema").stdout)["title"] == "kubesim Scenario"


def test_version_is_ours() -> None:
    assert kubesim("--version").stdout == f"kubesim {VERSION}\n"


@pytest.mark.parametrize("command", [[], ["run"], ["test"], ["conform"], ["features"], ["schema"]])
def test_help_imports_nothing_that_is_slow(command: list[str]) -> None:
    program = (
        "import sys\nfrom kubesim.cli import main\n"
        f"main({[*command, '--help']!r}, standalone_mode=False)\n"
        "print(sorted({'simpy', 'networkx', 'matplotlib', 'yaml', 'msgspec', 'kubesim.sim'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_in_help_exists() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_a_reader_who_leaves_ends_the_program_quietly() -> None:
    program = "from kubesim.cli import main\nmain(['schema'])"
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    complaint = running.stderr.read()
    running.stderr.close()
    assert (running.wait(), complaint) == (BROKEN_PIPE, b"")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=true", Setting("A", True)),
        ("A=ON", Setting("A", True)),
        ("A=0", Setting("A", False)),
        ("node:A=false", Setting("A", False, "node")),
    ],
)
def test_settings_are_read(text: str, value: Setting) -> None:
    assert options.setting(text) == value
    assert options.setting(value) is value


def test_values_that_are_read_already_stay() -> None:
    at = DeleteAt(SECOND, None)
    assert (options.delete_at(at), options.duration(5)) == (at, 5)


# -- with the real engine --------------------------------------------------------------------------------------------


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(POD)
    return str(path)


def test_the_same_command_gives_the_same_bytes(manifest: str) -> None:
    first, second = (kubesim("run", manifest, "-o", "jsonl", "--seed", "3", "--draw", "2") for _ in range(2))
    assert first.exit_code == 0
    assert first.stdout == second.stdout


@pytest.mark.parametrize("form", ["text", "table", "wide", "events", "describe", "yaml", "json", "jsonl", "trace"])
def test_every_format_shows_a_real_run(manifest: str, form: str) -> None:
    result = kubesim("run", manifest, "-o", form, "--release", "1.29")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "web" in result.stdout


def test_a_refused_manifest_is_told_as_kubectl_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(POD.replace("name: app", "name: App"))
    result = kubesim("run", str(path), "-o", "table")
    assert result.exit_code == 1
    assert result.stderr.startswith('The Pod "web" is invalid: spec.containers[0].name: Invalid value: "App": ')
