"""What is wrong ends in one message that says where, with exit status 2; what is refused, in the API server's words, with 1."""

# ruff: noqa: E501  (rows of a table)

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kubesim.cli import main
from kubesim.objects import yaml as yaml_files

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: busybox, command: [sh, -c, "sleep 1"]}]
  restartPolicy: Never
"""
SCENARIO = POD + "---\napiVersion: kubesim/v1\nkind: Scenario\nspec:\n"
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: many}
spec:
  parallelism: 1000000000
  template: {spec: {restartPolicy: Never, containers: [{name: app, image: busybox}]}}
"""
DEEP = 20_000
BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{','.join(['*' + chr(97 + level)] * 9)}]\n" for level in range(12)
)


def run(tmp_path: Path, content: str | bytes, *options: str) -> Result:
    """``kubesim run`` on a file with this content."""
    path = tmp_path / "input.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CliRunner().invoke(main, ["run", str(path), "-o", "table", *options], catch_exceptions=False)


WRONG = {
    "malformed": ("apiVersion: v1\nkind: Pod\n  metadata: {\n", "3:11: not YAML: mapping values are not allowed"),
    "tab": ("apiVersion: v1\n\tkind: Pod\n", "2:1: not YAML: found a tab character"),
    "control character": (b"apiVersion: v1\nkind: P\x07od\n", "2:8: not YAML: control characters are not allowed"),
    "binary": (b"\x00\xff\xfe\x80" * 50, "1:2: not UTF-8 text"),
    "latin-1": ("# caf\xe9\n".encode("latin-1") + POD.encode(), "1:6: not UTF-8 text"),
    "half of UTF-16": (POD.encode("utf-16")[:-1], "not UTF-8 text"),
    "UTF-16 without a mark": (POD.encode("utf-16-le"), "1:2: not YAML: control characters"),
    "flow nested too deep": ("a: " + "[" * DEEP + "]" * DEEP, "1:203: values are nested more than 200 deep"),
    "blocks nested too deep": ("".join(" " * n + "a:\n" for n in range(400)), "201:201: values are nested more than"),
    "JSON nested too deep": ('{"a":' * DEEP + "1" + "}" * DEEP, "1:1001: values are nested more than 200 deep"),
    "annotation nested too deep": (POD.replace("web}", "web, annotations: {a: " + "[" * 300 + "]" * 300 + "}}"), "3:"),
    "alias bomb": (BOMB, "1:4: document contains excessive aliasing"),
    "alias of itself": ("a: &a [*a]\n", "1:4: an anchor's value contains itself"),
    "key given twice": ("apiVersion: v1\nkind: Pod\nkind: Job\n", '3:1: mapping key "kind" already defined at line 2'),
    "object given twice": (f"{POD}---\n{POD}", 'metadata.name: Pod "web" is given already, at'),
    "template": ("a:\n  b: {{ .x }}\n{{- if .y }}\n  c: 1\n{{- end }}\n", "is a template's: render it first (helm template)"),
    "list": ("- a\n- b\n", "1:1: a document must be a mapping"),
    "text": ("hello\n", "1:1: a document must be a mapping"),
    "nothing": ("", "1:1: holds no objects"),
    "only comments": ("# nothing\n---\n---\n", "1:1: holds no objects"),
    "no kind": ("apiVersion: v1\nmetadata: {name: a}\n", "1:1: kind: Object 'Kind' is missing"),
    "kind no text": ("apiVersion: v1\nkind: 3\n", "2:7: kind: Object 'Kind' must be text"),
    "List of what is no object": ("apiVersion: v1\nkind: List\nitems: [3]\n", "3:9: a document must be a mapping"),
    "another version of Scenario": ("apiVersion: kubesim/v2\nkind: Scenario\n", "1:13: apiVersion: kubesim/v2 is unknown"),
    "another kind of ours": ("apiVersion: kubesim/v1\nkind: Scenarios\n", "2:7: kind: Scenarios is no kind"),
    "two Scenarios": (f"{SCENARIO}  seed: 1\n---\napiVersion: kubesim/v1\nkind: Scenario\n", "there is a Scenario already"),
    "unknown field": (f"{SCENARIO}  actons: []\n", '11:3: spec.actons: unknown field "actons"; did you mean "actions"?'),
    "required field without a value": (
        f"{SCENARIO}  actions: [{{at: 1s, delete: {{kind: Pod, name: }}}}]\n",
        '11:30: spec.actions[0].delete: "name" is missing; give it text',
    ),
    "expectation without a container": (f"{SCENARIO}  expect: [{{container: , restarted: 1}}]\n", '"container" is missing'),
    "wrong type": (f"{SCENARIO}  seed: many\n", "11:9: spec.seed: must be a whole number"),
    "unknown gate": (f"{SCENARIO}  cluster: {{featureGates: {{SidecarContainer: true}}}}\n", 'mean "SidecarContainers"?'),
    "locked gate": (
        f'{SCENARIO}  cluster: {{release: "1.33", featureGates: {{SidecarContainers: false}}}}\n',
        'cannot set gate "SidecarContainers" to false in 1.33: it is locked to true',
    ),
    "unknown release": (f'{SCENARIO}  cluster: {{release: "1.92"}}\n', 'release "1.92" is unknown; choose one of 1.27'),
    "release no text": (f"{SCENARIO}  cluster: {{release: 1.29}}\n", "put it in quotes"),
    "two nodes of one name": (f"{SCENARIO}  cluster: {{nodes: [{{name: a}}, {{name: a}}]}}\n", 'a node "a" is there already'),
    "no quantity": (f"{SCENARIO}  cluster: {{nodes: [{{name: a, allocatable: {{cpu: much}}}}]}}\n", "cpu: quantities must"),
    "negative time": (f"{SCENARIO}  actions: [{{at: -1s, snapshot}}]\n", "11:18: spec.actions[0].at: -1s is negative"),
    "no time": (f"{SCENARIO}  until: yesterday\n", "11:10: spec.until: 'yesterday' is not a duration"),
    "time without unit": (f"{SCENARIO}  until: 90\n", '11:10: spec.until: 90 has no unit; write "90s"'),
    "more than a year": (f"{SCENARIO}  until: 20000h\n", "11:10: spec.until: 20000h is longer than a run can be"),
    "more than Go can count": (f"{SCENARIO}  until: 9999999999h\n", "is longer than a duration can be"),
    "action after the end": (f"{SCENARIO}  until: 5s\n  actions: [{{at: 9s, snapshot}}]\n", "12:18: spec.actions[0].at: 9s"),
    "negative grace": (
        f"{SCENARIO}  actions: [{{at: 1s, delete: {{kind: Pod, name: web, gracePeriodSeconds: -5}}}}]\n",
        "gracePeriodSeconds: must be a whole number of at least 0, and is -5",
    ),
    "delete of nothing": (
        f"{SCENARIO}  actions: [{{at: 1s, delete: {{kind: Pod, name: wob}}}}]\n",
        '11:48: spec.actions[0].delete.name: no Pod "wob" is ever created in namespace default; did you mean "web"?',
    ),
    "eviction of nothing": (f"{SCENARIO}  actions: [{{at: 1s, evict: {{name: db}}}}]\n", 'no Pod "db" is ever created'),
    "kill of nothing": (
        f"{SCENARIO}  actions: [{{at: 1s, kill: {{pod: web, container: ap, signal: KILL}}}}]\n",
        '11:50: spec.actions[0].kill.container: Pod "web" has no container "ap"; did you mean "app"?; it has app',
    ),
    "patch of an unknown kind": (f"{SCENARIO}  actions: [{{at: 1s, patch: {{kind: Pood, name: a, patch: {{}}}}}}]\n", "Pood"),
    "file that is not there": (f"{SCENARIO}  actions: [{{at: 1s, create: {{file: no.yaml}}}}]\n", "cannot read the file"),
    "script no duration": (
        f"{SCENARIO}  containers: [{{match: {{pod: web}}, script: {{lasts: soon}}}}]\n", "'soon' is not a duration"
    ),
    "more Pods than fit": (JOB, "5:16: spec.parallelism: 1,000,000,000 Pods at once do not fit"),
    "waits too short, too often": (
        POD.replace("sleep 1", "i=0; while true; do sleep 0.000001; i=$((i+1)); done"),
        "5:16: spec.containers[0]: `",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_ends_in_one_message_with_its_place(name: str, tmp_path: Path) -> None:
    content, message = WRONG[name]
    result = run(tmp_path, content)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert re.fullmatch(r"error: \S*input\.yaml:\d+:\d+: .+\n", result.stderr)


REFUSED = {
    "spec no mapping": ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: hello\n", "cannot unmarshal string into Go"),
    "metadata no mapping": ("apiVersion: v1\nkind: Pod\nmetadata: [1]\nspec: {}\n", "cannot unmarshal array into Go"),
    "number for text": (POD.replace("name: web", "name: 3"), "cannot unmarshal number into Go struct field ObjectMeta"),
    "nothing in it": ("apiVersion: v1\nkind: Pod\nmetadata:\nspec:\n", "metadata.name: Required value"),
    "unknown kind": ("apiVersion: v1\nkind: Pood\nmetadata: {name: a}\n", 'no matches for kind "Pood" in version "v1"'),
    "wrong group": (POD.replace("v1", "apps/v1"), 'no matches for kind "Pod" in version "apps/v1"'),
    "unknown field": (POD.replace("restartPolicy", "restartPolcy"), 'strict decoding error: unknown field "spec.restartPolcy"'),
    "container twice": (POD.replace("[{", "[{name: app, image: a}, {"), 'spec.containers[1].name: Duplicate value: "app"'),
    "no quantity": (POD.replace("busybox", "b, resources: {limits: {memory: lots}}"), "quantities must match the regular"),
    "no percentage": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {a: b}}\n"
        "  strategy: {rollingUpdate: {maxSurge: much}}\n"
        "  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: b}]}}\n",
        "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"much\": a valid percent string",
    ),
    "half a character": (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\\ud800"}}', 'Invalid value: "\N{REPLACEMENT CHARACTER}"'
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_api_server_refuses_is_in_its_words(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    result = run(tmp_path, content)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


ENDLESS = {
    "empty loop": "while true; do :; done",
    "counting": "i=0; while [ $i -lt 1000000000 ]; do i=$((i+1)); done",
    "long list": "for i in $(seq 1 100000000); do echo $i; done",
    "fork bomb": "b() { b | b & }; b; sleep 100000",
    "recursion": "f() { f; }; f",
    "sleep 0": "while true; do sleep 0; done",
    "short-lived children": "while true; do sh -c 'exit 1'; done",
    "growing text": "x=a; while true; do x=$x$x; done",
    "growing file": "while true; do cat /tmp/a /tmp/a > /tmp/b; cp /tmp/b /tmp/a; echo x >> /tmp/a; done",
    "signals itself": "trap 'kill -TERM $$' TERM; kill -TERM $$; sleep 100000",
    "writes without end": "yes",
}


def test_a_patch_that_is_no_object_is_answered_as_by_the_api_server(tmp_path: Path) -> None:
    result = run(tmp_path, f"{SCENARIO}  actions: [{{at: 1s, patch: {{kind: Pod, name: web, patch: text}}}}]\n")
    assert "json: cannot unmarshal string into Go value of type map[string]interface {}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_tool_that_finds_no_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "input.yaml"
    path.write_text(POD.replace("sleep 1", "dd if=/no/such of=/dev/null || exit 7"))
    result = CliRunner().invoke(main, ["run", str(path)], catch_exceptions=False)
    assert "app exited with 7" in result.stdout


@pytest.mark.parametrize("name", ENDLESS)
def test_a_script_without_end_does_not_hold_up_the_run(name: str, tmp_path: Path) -> None:
    result = run(tmp_path, POD.replace("sleep 1", ENDLESS[name].replace('"', '\\"')))
    assert result.exit_code == 0
    assert re.search(r"^web +1/1 +Running ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("exponent", "stored"), [("1e1000000000", "9223372036854775807"), ("1e-1000000000", "1e-3"), ("0e1000000000", "0")]
)
def test_amounts_beyond_counting_are_the_largest_and_the_finest_there_are(
    exponent: str, stored: str, tmp_path: Path
) -> None:
    path = tmp_path / "input.yaml"
    path.write_text(POD.replace("busybox", f"b, resources: {{limits: {{memory: '{exponent}'}}}}"))
    result = CliRunner().invoke(main, ["run", str(path), "-o", "yaml"], catch_exceptions=False)
    assert f"memory: {stored}" in result.stdout.replace("'", "")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_files, "MOST_BYTES", 100)
    result = run(tmp_path, POD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "input.yaml:1:1: the file has more than 0 MiB; leave objects out" in result.stderr


def test_a_directory_and_a_missing_file_are_no_manifests(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "no.yaml", "No such file or directory")):
        result = CliRunner().invoke(main, ["run", str(path)], catch_exceptions=False)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{path}: cannot read the file: {why}" in result.stderr


@pytest.mark.parametrize("until", ["20000h", "-1s", "soon"])
def test_options_refuse_times_that_make_no_sense(until: str, tmp_path: Path) -> None:
    assert run(tmp_path, POD, "--until", until).exit_code == 2
