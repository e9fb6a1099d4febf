"""Runs one example as its row in ``examples.yaml`` says, and tells what is not as the documentation has it."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

import kubesim
from kubesim.history.history import History
from kubesim.history.records import ActionDone, OutputWritten
from kubesim.scenario.expect import check
from kubesim.scenario.load import Scenario
from kubesim.timelines.facts import facts_of
from kubesim.timelines.rows import final_rows
from kubesim.units import parse_duration

HERE: Final = Path(__file__).parent
EXAMPLES: Final = HERE.parents[2] / "shared" / "doc-examples"
"""Where the manifests lie, if they are there: they belong to the Kubernetes documentation and not to this project."""

COLUMNS: Final[dict[str, dict[str, Any]]] = {
    "1.28": {"release": "1.28", "gates": {"SidecarContainers": True}},
    "1.29": {"release": "1.29", "gates": {}},
    "1.33": {"release": "1.33", "gates": {}},
    "1.36": {"release": "1.36", "gates": {}},
}
KEYS: Final = frozenset(
    {"name", "releases", "with", "over", "spec", "refused", "get", "fields", "logs", "log_counts", "all_logs", "pods"}
    | {"same_through", "gone", "at_once", "kept", "replace", "on_first_pod"}
)


@dataclass(frozen=True, slots=True)
class Case:
    """One run of one example on one release."""

    path: str
    run: dict[str, Any]
    column: str
    template: str | None

    @property
    def label(self) -> str:
        return f"{self.path} {self.run.get('name', '')} on {self.column}"


@cache
def examples() -> list[dict[str, Any]]:
    """The rows of ``examples.yaml``."""
    rows: list[dict[str, Any]] = yaml.safe_load((HERE / "examples.yaml").read_text(encoding="utf-8"))["examples"]
    for row in rows:
        for run in row["runs"]:
            if unknown := run.keys() - KEYS:
                raise ValueError(f"{row['path']}: unknown {', '.join(sorted(unknown))}")
    return rows


def cases(row: dict[str, Any]) -> list[Case]:
    return [
        Case(row["path"], run, column, row.get("template"))
        for run in row["runs"]
        for column in run.get("releases", list(COLUMNS))
    ]


def problems(case: Case) -> list[str]:
    """What is not as it must be; empty if all is well."""
    spec = dict(case.run.get("spec", {}))
    if "on_first_pod" in case.run:
        first = history_of(case, spec).pods[0].name
        spec["actions"] = [_on(first, action) for action in case.run["on_first_pod"]]
    history = history_of(case, spec)
    refusals = [action.message for action in history.of(ActionDone) if action.code >= 400]
    if "refused" in case.run:
        found = any(case.run["refused"] in refusal for refusal in refusals)
        return [] if found else [f"not refused with {case.run['refused']!r}: {refusals or 'accepted'}"]
    return [f"refused: {refusal}" for refusal in refusals] + [
        *_expectations(history, case, spec),
        *_rows(history, case.run.get("get", [])),
        *_fields(history, case.run.get("fields", {})),
        *_output(history, case.run),
        *_counts(history, case.run),
    ]


def _on(pod: str, action: dict[str, Any]) -> dict[str, Any]:
    """A timed action, told the Pod it is about."""
    return {name: {**value, "name": pod} if isinstance(value, dict) else value for name, value in action.items()}


def history_of(case: Case, spec: dict[str, Any]) -> History:
    """The run's history. The manifest is read from its file, unmodified unless the row says otherwise."""
    scenario = {"apiVersion": "kubesim/v1", "kind": "Scenario", "metadata": {"name": "example"}, "spec": spec}
    inputs: list[Any] = []
    if over := case.run.get("over"):
        applied = [
            {"at": at, "apply": {"file": str(EXAMPLES / path)}} for at, path in (("0s", over), ("10s", case.path))
        ]
        scenario["spec"] = {**spec, "actions": [*spec.get("actions", []), *applied]}
    else:
        inputs.append(_manifest(case))
    if beside := case.run.get("with"):
        inputs.append(str(EXAMPLES / beside))
    loaded = kubesim.load([*inputs, io.StringIO(yaml.safe_dump(scenario))])
    same = _SameNames(**{field.name: getattr(loaded, field.name) for field in fields(loaded)})
    return kubesim.run(same, **COLUMNS[case.column])


class _SameNames(Scenario):
    """A scenario whose generated names stay the same when an action is added: a first run tells what they are."""

    def digest(self) -> str:
        return "example"


def _manifest(case: Case) -> Any:
    path = EXAMPLES / case.path
    if case.template is not None:
        template = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        pod["metadata"] = {**template["metadata"], "name": case.template}
        return io.StringIO(yaml.safe_dump(pod))
    if words := case.run.get("replace"):
        text = path.read_text(encoding="utf-8")
        for old, new in words.items():
            text = text.replace(old, new)
        return io.StringIO(text)
    return str(path)


def _expectations(history: History, case: Case, spec: dict[str, Any]) -> list[str]:
    if not spec.get("expect"):
        return []
    text = yaml.safe_dump({"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": {"expect": spec["expect"]}})
    facts = facts_of(history)
    outcomes = [check(one, facts, case.column) for one in kubesim.load(io.StringIO(text)).expect]
    return [f"{outcome.expectation.place.written if outcome.expectation.place else ''}: {outcome.explanation}"
            for outcome in outcomes if outcome.held is False]  # fmt: skip


def _rows(history: History, wanted: list[dict[str, Any]]) -> list[str]:
    found = []
    for want in wanted:
        at = history.started + parse_duration(want["at"]) if "at" in want else None
        rows = [row for kind in ("Pod", "Job") for row in final_rows(history, kind, at)]
        row = next((row for row in rows if row.key.name == want["name"]), None)
        if row is None:
            found.append(f"{want['name']} is not there")
            continue
        for column in ("ready", "status", "restarts"):
            cell = row.cells.get(column.title(), "").partition(" (")[0]
            if column in want and cell != want[column]:
                found.append(f"{want['name']} {column}: {cell!r}, not {want[column]!r}")
    return found


def _fields(history: History, wanted: dict[str, dict[str, Any]]) -> list[str]:
    last = {f"{key.kind}/{key.name}": versions[-1].object for key, versions in history.all_versions.items()}
    found = []
    for name, values in wanted.items():
        for path, value in values.items():
            seen = _at(last.get(name), path)
            if seen != value:
                found.append(f"{name} {path}: {seen!r}, not {value!r}")
    return found


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
    return value


def _output(history: History, run: dict[str, Any]) -> list[str]:
    lines: dict[str, list[str]] = {}
    for record in history.of(OutputWritten):
        lines.setdefault(record.container, []).append(record.line)
    found = []
    for container, wanted in run.get("logs", {}).items():
        if (seen := lines.get(container, [])[: len(wanted)]) != wanted:
            found.append(f"{container} prints {seen}, not {wanted}")
    for container, wanted in run.get("all_logs", {}).items():
        if (seen := sorted(lines.get(container, []))) != sorted(wanted):
            found.append(f"{container} prints {seen}, not {wanted}")
    for container, least in run.get("log_counts", {}).items():
        if (count := len(lines.get(container, []))) < least:
            found.append(f"{container} prints {count} lines, not {least}")
    return found


def _counts(history: History, run: dict[str, Any]) -> list[str]:
    found = []
    if "pods" in run and len(history.pods) != run["pods"]:
        found.append(f"{len(history.pods)} Pods were created, not {run['pods']}")
    if "at_once" in run and (most := _most_at_once(history)) != run["at_once"]:
        found.append(f"at most {most} Pods ran at once, not {run['at_once']}")
    for name, paths in run.get("same_through", {}).items():
        kind, _, object_name = name.partition("/")
        for path in paths:
            values = {_at(v.object, path) for v in history.versions(kind, "default", object_name)} - {None}
            if len(values) != 1:
                found.append(f"{name} {path} changes: {sorted(values)}")
    present = {f"{key.kind}/{key.name}" for key in history.objects()}
    found += [f"{name} is still there" for name in run.get("gone", []) if any(fnmatchcase(n, name) for n in present)]
    if kept := run.get("kept"):
        jobs = [raw for key, raw in history.objects().items() if key.kind == kept["kind"]]
        complete = Counter(_is_complete(raw) for raw in jobs)[True]
        if complete != kept["complete"]:
            found.append(f"{complete} complete {kept['kind']}s are kept, not {kept['complete']}")
    return found


def _is_complete(raw: dict[str, Any]) -> bool:
    conditions = (raw.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Complete" and one["status"] == "True" for one in conditions)


def _most_at_once(history: History) -> int:
    """How many Pods were neither gone nor in a terminal phase at once."""
    alive: set[str] = set()
    most = 0
    changes = [(v.order, key.name, v) for key, vs in history.all_versions.items() if key.kind == "Pod" for v in vs]
    for _, name, version in sorted(changes, key=lambda change: change[0]):
        over = (version.object.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if over or version.change == "DELETED":
            alive.discard(name)
        else:
            alive.add(name)
        most = max(most, len(alive))
    return most
