"""Every finding about a shipped scenario, an example of the documentation or a test case is borne out by a run."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from test_findings import POSITIVE

from kubesim import api
from kubesim.errors import KubesimError
from kubesim.explanations.finding import Finding
from kubesim.explanations.findings import findings
from kubesim.history.history import History
from kubesim.history.lives import ContainerLife, Run
from kubesim.scenario.actions import Delete, DeleteJobPod
from kubesim.scenario.load import Scenario
from kubesim.units import MINUTE, SECOND

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT.parent / "shared" / "doc-examples"
SHIPPED = sorted((ROOT / "scenarios").rglob("*.yaml"))
DOCUMENTED = sorted(EXAMPLES.rglob("*.yaml")) if EXAMPLES.is_dir() else []


def lives(history: History, found: Finding) -> list[ContainerLife]:
    """The container in every Pod that came from the place of the finding."""
    owner = found.site.document.name
    return [
        life.containers[found.container.name]
        for life in history.pods
        if life.name == owner or life.name.startswith(f"{owner}-")
    ]


def runs(history: History, found: Finding) -> list[Run]:
    return [run for life in lives(history, found) for run in life.runs]


def deleted(scenario: Scenario, found: Finding) -> History:
    """A run in which the Pod, or the Job's first, is deleted after 70 s, with the grace of its spec."""
    document = found.site.document
    delete = (
        Delete(at=70 * SECOND, kind="Pod", name=document.name)
        if document.kind == "Pod"
        else DeleteJobPod(at=70 * SECOND, job=document.name, number=0)
    )
    return api.run(replace(scenario, actions=(delete,)), until=5 * MINUTE)


def comes_true(found: Finding, scenario: Scenario) -> bool:
    """Whether a run shows what the finding says; True, too, where the container does not run at the time."""
    match found.kind:
        case "deaf-process":
            stopped = [run for run in runs(deleted(scenario, found), found) if run.stops]
            return all(any(signal.signal == "KILL" for signal in run.signals) for run in stopped)
        case "long-prestop":
            return [stop.grace for run in runs(deleted(scenario, found), found) for stop in run.stops] == [2]
    history = api.run(scenario, until=10 * MINUTE)
    match found.kind:
        case "deadlock":
            pods = [life for life in history.pods if life.name == found.site.document.name]
            return not any(pod.containers[main.name].runs for pod in pods for main in found.site.pod.spec.containers)
        case "endless-init":
            return all(run.exit is None for run in runs(history, found))
        case "never-completes":
            if found.site.document.kind == "Pod":
                return not any(life.phase == "Succeeded" for life in history.pods)
            jobs = [raw for key, raw in history.objects().items() if key.kind == "Job"]
            return not any(one["type"] == "Complete" for raw in jobs for one in raw["status"].get("conditions", ()))
        case "slow-probe":
            return any(run.stops for run in runs(history, found))
        case "unknown-sidecar":
            return not any("proxy" in name for name in started_sidecars(history))
    raise AssertionError(f"no run shows whether {found.kind} is true")


def started_sidecars(history: History) -> list[str]:
    """Sidecars that let something start after them."""
    return [
        entry["name"]
        for life in history.pods
        for entry in life.versions[-1].object["spec"].get("initContainers") or ()
        if entry.get("restartPolicy") == "Always"
        and any(life.containers[main["name"]].runs for main in life.versions[-1].object["spec"]["containers"])
    ]


@pytest.mark.parametrize("path", [*SHIPPED, *DOCUMENTED], ids=lambda path: path.stem)
def test_findings_about_files_come_true(path: Path) -> None:
    try:
        scenario = api.load(path)
        found = findings(scenario)
    except KubesimError:
        pytest.skip("no scenario")
    false = [one.said for one in found if not comes_true(one, scenario)]
    assert not false


UNSEEN = ("a node that does not know it",)
"""What a run does not show: the scheduler chooses the other node."""


@pytest.mark.parametrize("name", [name for name in POSITIVE if not any(word in name for word in UNSEEN)])
def test_findings_of_the_cases_come_true(name: str) -> None:
    scenario = api.load(io.StringIO(POSITIVE[name][0]))
    (one,) = findings(scenario)
    assert comes_true(one, scenario)


def test_the_examples_of_the_documentation_are_read() -> None:
    if not DOCUMENTED:
        pytest.skip("the examples are not there")
    kinds = {one.kind for path in DOCUMENTED for one in findings(api.load(path))}
    assert {"never-completes", "deaf-process"} <= kinds
