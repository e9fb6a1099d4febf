"""A recording's files, laid out as ``kubesim conform`` looks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kubesim.fidelity.statuses import STATUSES, runtime_of_statuses
from kubesim.history.history import History
from kubesim.timelines.trace import render, trace


def recorded_trace(history: History, config: str) -> dict[str, Any]:
    """The trace of a recorded history: its runtime is what the container statuses tell, and it says so."""
    found = trace(history, config=config)
    found["runtime"] = runtime_of_statuses(found["pods"])
    return found | {"runtimeFrom": STATUSES}


def write_recording(
    folder: Path, name: str, config: str, manifest: str, actions: dict[str, Any], recorded: dict[str, Any],
    configuration: dict[str, Any],
) -> Path:  # fmt: skip
    """Write manifest, actions, trace and configuration below a folder; what was recorded there before stays.

    Returns the path of the trace.
    """
    scenarios, traces = folder / "scenarios", folder / config
    scenarios.mkdir(parents=True, exist_ok=True)
    traces.mkdir(exist_ok=True)
    (scenarios / f"{name}.yaml").write_text(manifest, encoding="utf-8")
    (scenarios / f"{name}.actions.json").write_text(json.dumps(actions, indent=1) + "\n", encoding="utf-8")
    configs = folder / "configs.json"
    known = json.loads(configs.read_text(encoding="utf-8")) if configs.exists() else {}
    configs.write_text(json.dumps({**known, config: configuration}, indent=1) + "\n", encoding="utf-8")
    path = traces / f"{name}.json"
    path.write_text(render(recorded), encoding="utf-8")
    return path
