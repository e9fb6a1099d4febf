"""A run that goes on and on fits on a screen, unless all of it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kubesim.cli import main

MISSING = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: "shop/web:1", envFrom: [{configMapRef: {name: nowhere}}]}]
"""
CRASHING = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: busybox, command: [sh, -c, "echo no database; exit 1"]}]
"""


def kubesim(folder: Path, manifest: str, *options: str) -> Result:
    path = folder / "web.yaml"
    path.write_text(manifest)
    return CliRunner().invoke(main, ["run", str(path), *options])


@pytest.mark.parametrize(
    ("manifest", "counted"),
    [(MISSING, "start app"), (CRASHING, "app exited with 1"), (CRASHING, "web 0/1 CrashLoopBackOff")],
)
def test_an_hour_of_the_same_is_counted(tmp_path: Path, manifest: str, counted: str) -> None:
    """A few lines of each kind are shown, and behind one of them, or below it, how many more there are."""
    lines = [" ".join(line.split()) for line in kubesim(tmp_path, manifest).stdout.splitlines()]
    shown = [place for place, line in enumerate(lines) if counted in line]
    assert len(lines) < 100
    assert len(shown) <= 5
    assert any("more times until" in line for place in shown for line in lines[place : place + 2])


def test_all_of_it_can_be_had(tmp_path: Path) -> None:
    """What the kubelet tries every 15 s: 240 times in an hour."""
    every = kubesim(tmp_path, MISSING, "--all").stdout
    assert every.count("start app ") > 200
    assert "more times" not in every


def test_nothing_is_left_out_of_other_forms(tmp_path: Path) -> None:
    refused = kubesim(tmp_path, MISSING, "--all", "-o", "json")
    assert (refused.exit_code, "-o json leaves nothing out" in refused.output) == (2, True)
