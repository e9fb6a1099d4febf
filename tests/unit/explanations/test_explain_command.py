"""``kubesim explain``: text and JSON, from manifests and from a history, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import kubesim
from kubesim import api
from kubesim.cli import main
from kubesim.units import SECOND

SCENARIOS = Path(__file__).parents[3] / "scenarios"


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


def test_text_tells_of_pod_and_containers_and_where_to_read_on() -> None:
    result = explain(str(SCENARIOS / "demo.yaml"), "--at", "3s", "--release", "1.29")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "demo  release 1.29, timing typical, at +3.000s"
    assert "Pod demo: Pending (kubectl prints Init:1/2) since +0.000s" in lines
    assert "  main app: waiting for its turn since +0.000s" in lines
    assert any(line.startswith("  waits for sidecar proxy to be started") for line in lines)
    assert "Read more:" in lines
    assert lines[-1].strip().startswith("https://kubernetes.io/docs/")


def test_json_gives_the_same_with_instants_in_seconds() -> None:
    result = explain(str(SCENARIOS / "demo.yaml"), "--at", "3s", "-o", "json")
    found = json.loads(result.stdout)
    pod = found["explanations"][0]
    assert (found["scenario"], found["at"], pod["kind"], pod["name"]) == ("demo", 3.0, "Pod", "demo")
    app = pod["containers"][2]
    assert app["where"] == "waiting for its turn"
    assert app["next"]["what"] == "kubelet: start app"
    assert 3.0 < app["next"]["t"] < 10.0
    assert "K-41" in app["rules"]
    assert all(page.startswith("https://kubernetes.io/docs/") for page in app["pages"])


def test_without_an_instant_it_is_the_end_and_with_until_that() -> None:
    at_the_end = json.loads(explain(str(SCENARIOS / "demo.yaml"), "-o", "json").stdout)
    assert at_the_end["explanations"][0]["where"] == "Succeeded (kubectl prints Completed)"
    assert at_the_end["explanations"][0]["next"] is None
    looping = json.loads(explain(str(SCENARIOS / "crash-loop.yaml"), "-o", "json").stdout)
    assert looping["at"] == 120.0
    assert looping["explanations"][0]["next"]["t"] > 120.0, "the run goes on to see what comes next"


def test_a_history_is_explained_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    api.run(api.load(SCENARIOS / "demo.yaml"), release="1.30").write(file)
    result = explain(str(file), "--at", "3s", "--container", "app")
    assert result.exit_code == 0, result.output
    assert "release 1.30" in result.stdout
    assert "main app: waiting for its turn" in result.stdout
    assert "sidecar proxy: " not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "3"), "3"),
        (("--pod", "web"), 'there is no Pod "web" at that instant; there is demo'),
        (("--release", "1.99"), 'release "1.99" is unknown'),
    ],
)
def test_wrong_input_ends_in_one_message(arguments: tuple[str, ...], said: str) -> None:
    result = explain(str(SCENARIOS / "demo.yaml"), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_refused_manifest_is_the_answer_no(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\n"
        "spec: {containers: [{name: a, image: x, restartPolicy: Never}]}\n"
    )
    result = explain(str(file), "--release", "1.29")
    assert result.exit_code == 1
    assert "Pod bad: refused by the API server with 422 Invalid" in result.stdout


def test_static_says_only_what_needs_no_run_and_that_is_a_no() -> None:
    result = explain("--static", str(SCENARIOS / "legacy-sidecar-hangs.yaml"))
    assert result.exit_code == 1
    assert "legacy-sidecar-hangs.yaml:23:7 never-completes (spec.containers[1])" in result.stdout
    assert "Pod hanging" not in result.stdout
    clean = explain("--static", str(SCENARIOS / "demo.yaml"))
    assert (clean.exit_code, clean.stdout) == (0, "nothing found\n")


def test_findings_come_before_the_run_and_in_json() -> None:
    text = explain(str(SCENARIOS / "legacy-sidecar-hangs.yaml")).stdout
    assert text.index("Without running it:") < text.index("Pod hanging")
    found = json.loads(explain(str(SCENARIOS / "legacy-sidecar-hangs.yaml"), "-o", "json").stdout)["findings"]
    assert [(one["kind"], one["object"], one["container"], one["line"]) for one in found] == [
        ("never-completes", "Pod hanging", "proxy", 23),
        ("deaf-process", "Pod hanging", "proxy", 25),
    ]


def test_paths_say_step_by_step_what_was_waited_for() -> None:
    result = explain(str(SCENARIOS / "demo.yaml"), "--release", "1.29", "--container", "app", "--paths")
    assert result.exit_code == 0, result.output
    path = result.stdout.partition("Why did app start only at ")[2].splitlines()
    assert any("startup probe of sidecar proxy passed" in line for line in path)
    assert path[-1].strip().split("  ")[-1].startswith("app started")
    assert "Why was proxy" not in result.stdout, "only the container that was asked for"


def test_a_path_says_that_a_turn_was_forced() -> None:
    """K-77: not only that the kubelet decided so."""
    lines = explain(str(SCENARIOS / "grace-runs-out.yaml"), "--paths", "--release", "1.29").stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if "Why was proxy killed" in line)
    assert any("kubelet: stop proxy" in line and "no grace is left to wait for app" in line for line in lines[place:])


def test_python_explains_in_one_call() -> None:
    history = api.run(api.load(SCENARIOS / "demo.yaml"), release="1.29")
    told = kubesim.explain(history, at=3 * SECOND, container="app")
    assert [part.where for part in told[0].parts] == ["waiting for its turn"]
    assert "main app: waiting for its turn since +0.000s" in str(told)
    assert told._repr_html_().startswith("<pre>Pod demo")
    assert kubesim.explain(history)[0].explanation.where.startswith("Succeeded")
