"""What is said where there is nothing to show, where a name is unknown, and which file a refusal is about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kubesim.cli import main

POD = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: nginx}]
"""
TYPO = POD.replace("image:", "imagex: a, image:")
UNKNOWN_KIND = POD.replace("v1\n", "example.com/v1\n", 1).replace("kind: Pod", "kind: Site")


def kubesim(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin)


@pytest.fixture
def web(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(POD)
    return str(path)


@pytest.mark.parametrize("form", ["table", "wide", "describe"])
def test_pods_that_are_gone_are_told_of(web: str, form: str) -> None:
    """On stderr, as kubectl does, and when they went; the exit status is that of a run that went well."""
    result = kubesim("run", web, "--delete-at", "5s", "-o", form)
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.fullmatch(
        r"No resources found in default namespace\. \(Pod web went at \+\d\.\d{3}s\.\)\n", result.stderr
    )


def test_of_several_pods_the_last_is_told_of(web: str, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(POD.replace("name: web", "name: other"))
    result = kubesim("run", web, str(other), "--delete-at", "5s", "-o", "table")
    assert "(2 Pods went, the last at +" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "table"), ""),
        (("-o", "events"), ""),
        (
            ("-o", "logs"),
            "No container printed anything; of programs that are not interpreted the output is not known.",
        ),
    ],
)
def test_only_what_is_empty_is_told_of(web: str, arguments: tuple[str, ...], said: str) -> None:
    result = kubesim("run", web, *arguments)
    assert (result.stdout == "", result.stderr.strip()) == (said != "", said)


def test_get_says_on_stderr_that_there_is_nothing(web: str) -> None:
    result = kubesim("get", "jobs", web)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No resources found in default namespace.\n"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("foo=on", 'bug "foo" is unknown; the known ones are created_init_left_alone, explicit_zero_grace'),
        ("foo", 'bug "foo" is unknown; the known ones are created_init_left_alone'),
        ("pod_ip_lost=off", 'bug "pod_ip_lost" is unknown; did you mean "pod_ip_lost_at_termination"?'),
        ("pod_ip_lost_at_termination", "write pod_ip_lost_at_termination=off, or pod_ip_lost_at_termination=on"),
    ],
)
def test_a_bug_that_is_unknown_or_not_set_names_those_there_are(web: str, wrong: str, said: str) -> None:
    result = kubesim("run", web, "--bug", wrong)
    assert result.exit_code == 2
    assert said in result.stderr


def test_bugs_are_listed_those_of_the_release_first() -> None:
    blocks = re.split(r"\n(?! )", kubesim("features", "--release", "1.29.0", "--bugs").stdout)
    of_it = [block.startswith(f"{block.split()[0]}  (in 1.29.0") for block in blocks if block]
    assert of_it == sorted(of_it, reverse=True)
    assert {True, False} == set(of_it)
    [stuck] = [block for block in blocks if block.startswith("sidecar_status_stuck_terminated")]
    assert "(in 1.29.0, fixed in 1.29.3)\n    Under restartPolicy Never" in stuck


@pytest.mark.parametrize("version", ["kubesim.dev/v1", "v1", "kubesim.io/v1alpha1", "apps/v1"])
def test_a_scenario_with_another_version_is_told_the_right_one(version: str) -> None:
    result = kubesim("run", "-", stdin=f"{POD}---\napiVersion: {version}\nkind: Scenario\nspec: {{until: 5s}}\n")
    assert result.exit_code == 2
    assert f"STDIN:7:13: apiVersion: {version} has no Scenario; write kubesim/v1, which kubesim reads" in result.stderr


def test_a_scenario_of_somebody_else_is_a_kind_that_nobody_serves() -> None:
    theirs = "apiVersion: load.example.com/v1\nkind: Scenario\nmetadata: {name: peak}\nspec: {users: 500}\n"
    result = kubesim("run", "-", stdin=f"{POD}---\n{theirs}")
    assert result.exit_code == 1
    assert 'no matches for kind "Scenario" in version "load.example.com/v1"' in result.stderr


def test_a_refusal_names_the_file_it_is_about(web: str, tmp_path: Path) -> None:
    """kubectl does; of several files each refusal names its own."""
    typo, site = tmp_path / "typo.yaml", tmp_path / "site.yaml"
    typo.write_text(TYPO.replace("name: web", "name: typo"))
    site.write_text(UNKNOWN_KIND.replace("name: web", "name: site"))
    said = kubesim("run", web, str(typo), str(site)).stderr
    assert f'error when creating "{typo}": Pod in version "v1" cannot be handled as a Pod' in said
    assert f'from "{site}": no matches for kind "Site"' in said
    assert "STDIN" not in said


def test_a_refusal_of_what_came_on_standard_input_says_so() -> None:
    assert 'error when creating "STDIN": Pod in version' in kubesim("run", "-", stdin=TYPO).stderr


def test_below_a_refusal_stands_where_it_is_in_the_file(tmp_path: Path) -> None:
    typo = tmp_path / "typo.yaml"
    typo.write_text(TYPO)
    lines = kubesim("run", str(typo)).stderr.splitlines()
    assert lines[-1] == f'  {typo}:5:28: spec.containers[0].imagex: did you mean "image"?'
    assert lines[-2].startswith("Error from server (BadRequest)")
