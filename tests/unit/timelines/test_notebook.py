"""What a notebook shows of a run, and the Python interface to pictures, verdicts and comparisons."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Final

import pytest

import kubesim
from kubesim.history.history import History
from kubesim.history.records import Assumed, Ended
from kubesim.timelines.notebook import as_html
from kubesim.units import SECOND
from tests.unit.timelines.lanes_by_hand import changed, crowd, header, job, pod_object

RECORDED: Final = Path(__file__).parent / "histories" / "demo-delete-1.29.jsonl"
SCENARIO: Final = Path(__file__).parents[3] / "scenarios" / "grace-runs-out.yaml"


def test_a_history_shows_its_picture_and_what_kubectl_prints() -> None:
    run = job()
    assert isinstance(run, kubesim.History)
    shown = run._repr_html_()
    assert shown is not None
    svg = shown[shown.index("<svg") : shown.index("</svg>") + len("</svg>")]
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "<?xml" not in shown
    assert "COMPLETIONS" in shown
    assert "import-axyz1" in shown


def test_what_was_assumed_is_told_and_cannot_break_the_page() -> None:
    pod = changed(0, "Pod", "web", "ADDED", object=pod_object("web", ["app"]))
    assumed = Assumed(at=0, subject="web/app", text="<b>`nginx`</b> runs")
    shown = as_html(History(header(), [pod, assumed, Ended(at=SECOND, why="until")]))
    assert "&lt;b&gt;`nginx`&lt;/b&gt; runs" in shown


def test_a_run_too_large_for_a_picture_is_told_in_words() -> None:
    pods = [
        changed(0, "Pod", f"web{number}", "ADDED", object=pod_object(f"web{number}", ["app"])) for number in range(70)
    ]
    shown = as_html(History(header(), [*pods, Ended(at=SECOND, why="until")]))
    assert "<svg" not in shown
    assert "70 Pods, too many to be drawn here" in shown
    assert "and 41 more" in shown
    assert "<svg" in as_html(crowd())


def test_the_python_interface_draws_judges_and_compares() -> None:
    scenario = kubesim.load(SCENARIO)
    old, new = (
        kubesim.run(scenario, release=release, gates={"SidecarContainers": True}) for release in ("1.28", "1.29")
    )
    figure = kubesim.plot([old, new], theme="dark", width=8)
    assert figure.get_size_inches()[0] == 8
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    verdicts = {one.id: one.verdict.value for one in kubesim.check(new)}
    assert verdicts["init-sequential-order"] in ("held", "not exercised")
    assert [one.id for one in kubesim.check(new, ["init-sequential-order"])] == ["init-sequential-order"]
    assert "the sidecar proxy waits 6 s" in kubesim.compare(old, new).summary[0]


@pytest.mark.parametrize("name", ["check", "compare", "load", "plot", "run", "History"])
def test_importing_the_package_loads_nothing_heavy(name: str) -> None:
    heavy = ("matplotlib", "networkx", "simpy")
    code = f"import sys, kubesim; kubesim.{name}; print([one for one in {heavy} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
