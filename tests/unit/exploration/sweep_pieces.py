"""A small scenario to sweep over, and a measure of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubesim.exploration.sweep import Sweep, SweepHeader, Text
from kubesim.history.history import History

GRACE = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app.kubernetes.io/name: web}}
spec:
  terminationGracePeriodSeconds: 10
  containers:
    - {name: app, image: "app:1"}
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: grace}
spec:
  containers:
    - match: {container: app}
      script: {startup: 1s, onSignal: {TERM: {after: "lognormal(4s,0.8)", exit: 0}}}
  actions:
    - {at: 5s, delete: {kind: Pod, name: web}}
  expect:
    - {container: app, killed: false}
"""


def header(text: str = GRACE, **given: Any) -> SweepHeader:
    return SweepHeader(
        **{
            "kubesim": "0",
            "scenario": "grace",
            "files": (Text("grace.yaml", text),),
            "measures": ("sigkilled", "time-to-stop"),
            **given,
        }
    )


def sweep(text: str = GRACE, **given: Any) -> Sweep:
    return Sweep(header(text, **given))


def written(folder: Path, text: str = GRACE) -> str:
    path = folder / "grace.yaml"
    path.write_text(text)
    return str(path)


def records_of(history: History) -> int:
    return len(history)


def nothing_useful(history: History) -> object:
    return [history]
