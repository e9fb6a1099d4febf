"""What a run acts upon is said of every field, by the run and by the page alike."""

from __future__ import annotations

import io
from typing import Any

import pytest
import yaml

import kubesim
from kubesim.sim.coverage import MODELLED, NO_EFFECT, coverage, left_out, missing_of, row_of
from tools.coverage_page import PAGE, departures, fields_of, page


@pytest.mark.parametrize("type_", coverage())
def test_every_field_of_every_release_has_a_row_and_no_row_is_for_nothing(type_: str) -> None:
    known = set(fields_of(type_))
    assert known, f"no release knows core.v1.{type_}"
    assert not [name for name in known if row_of(type_, name) is None]
    extra = set(coverage()[type_]) - known - {"*"}
    assert extra <= {"targetContainerName"}, f"no release knows {extra}"


@pytest.mark.parametrize("type_", coverage())
def test_a_row_says_one_of_three_things(type_: str) -> None:
    for name, row in coverage()[type_].items():
        assert row in (MODELLED, NO_EFFECT) or (missing_of(row) or "").strip(), f"{type_}.{name}: {row!r}"


LEFT_OUT: list[tuple[dict[str, Any], list[str]]] = [
    ({"hostPID": True, "hostIPC": False, "enableServiceLinks": True}, ["spec.hostPID"]),
    ({"os": {"name": "linux"}}, []),
    ({"os": {"name": "windows"}}, ["spec.os"]),
    ({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "nfs": {"server": "s"}}]}, ["spec.volumes[1].nfs"]),
    ({"volumes": [{"name": "a", "hostPath": {"path": "/a", "type": "File"}}]}, ["spec.volumes[0].hostPath.type"]),
    (
        {"containers": [{"name": "a", "volumeDevices": [{"name": "d"}], "stdin": False}]},
        ["spec.containers[0].volumeDevices"],
    ),
    (
        {"initContainers": [{"name": "a", "securityContext": {"runAsUser": 7}, "resizePolicy": [{}]}]},
        ["spec.initContainers[0].securityContext.runAsUser", "spec.initContainers[0].resizePolicy"],
    ),
    ({"containers": [{"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"key": "k"}}}]}]},
     ["spec.containers[0].env[0].valueFrom.fileKeyRef"]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "paths"), LEFT_OUT)
def test_fields_that_ask_for_what_is_missing_are_found(spec: dict[str, Any], paths: list[str]) -> None:
    assert [path for path, _ in left_out(spec)] == paths


@pytest.mark.parametrize("spec", ["text", None, {"containers": "text"}, {"containers": [None, 3]}])
def test_what_is_no_spec_has_nothing_left_out(spec: Any) -> None:
    assert list(left_out(spec)) == []


def test_a_run_says_each_field_once() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {
            "hostPID": True,
            "hostAliases": [{"ip": "1.2.3.4"}],
            "containers": [{"name": "app", "image": "nginx"}],
        },
    }
    said = kubesim.run(kubesim.load(io.StringIO(yaml.safe_dump(pod)))).not_modelled
    assert sorted((one.subject, one.field) for one in said) == [
        ("Pod/web", "spec.hostAliases"),
        ("Pod/web", "spec.hostPID"),
    ]


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m tools.coverage_page"


def test_departures_are_found_where_they_are_said() -> None:
    found = dict(departures())
    assert any("default" in module or "/" in module for module in found)
    assert found["objects/yaml.py"].startswith("a key given twice is an error here")
