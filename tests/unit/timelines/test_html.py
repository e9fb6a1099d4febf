"""The page as a file: whole without a network, small without its data, and safe from what containers print."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from kubesim.history.history import History
from kubesim.history.records import Ended, EventEmitted
from kubesim.timelines.html import PARTS, page
from kubesim.timelines.html_data import page_data
from kubesim.timelines.html_rules import DOCUMENTATION, rule_page
from kubesim.units import SECOND
from tests.unit.timelines.lanes_by_hand import changed, header, job, pod_object

HISTORIES: Final = Path(__file__).parent / "histories"
EVIL: Final = "</script><script>alert(1)</script>\u2028{{title}}"


def recorded(release: str) -> History:
    return History.read(HISTORIES / f"demo-delete-{release}.jsonl")


def embedded(text: str) -> Any:
    """The data inside a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = page([recorded("1.28"), recorded("1.29")])
    assert not re.search(r'<(link|script|img|iframe)[^>]+(src|href)="(?!data:)', text)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest", text)
    outside = set(re.findall(r"https?://[^\s\"'<>\\]+", text)) - {"http://www.w3.org/2000/svg"}
    assert outside
    assert all(url.startswith(DOCUMENTATION) for url in outside)
    assert "default-src 'none'" in text, "the browser is told so, too"


def test_without_its_data_it_is_small() -> None:
    text = page(recorded("1.29"))
    data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert len(text.encode()) - len(data[1].encode()) < 100_000
    kept = files("kubesim.timelines").joinpath("html_assets", "script").iterdir()
    assert {f"{name}.js" for name in PARTS} == {one.name for one in kept}, "each part is on the page"


def test_what_a_container_prints_cannot_leave_the_data() -> None:
    about = {"kind": "Pod", "namespace": "default", "name": "web", "uid": "uid-web", "component": "kubelet"}
    told = EventEmitted(at=SECOND, type="Warning", reason="Failed", message=EVIL, **about)
    pod = changed(0, "Pod", "web", "ADDED", object=pod_object("web", ["app"]))
    text = page(History(header(title=EVIL), [pod, told, Ended(at=2 * SECOND, why="until")]))
    assert text.count("</script>") == 2
    assert "alert(1)</script>" not in text
    data = embedded(text)
    assert data["about"] == EVIL
    assert data["runs"][0]["events"][0][6] == EVIL


def test_the_data_tells_each_run_what_differs_and_the_rules() -> None:
    data = page_data([recorded("1.28"), recorded("1.29")])
    assert [run["label"] for run in data["runs"]] == ["1.28 (SidecarContainers=true)", "1.29"]
    assert any("all containers get SIGTERM at once" in sentence for sentence in data["said"])
    assert [name for _, _, name, _ in data["runs"][1]["differences"]] == ["proxy"]
    said = {rule for run in data["runs"] for line in run["story"] for rule in line[4]}
    assert said
    assert said <= data["rules"].keys(), "each rule that is named has a page"
    assert page_data([recorded("1.29")])["said"] == []


def test_a_page_calls_the_pods_of_a_job_by_one_name() -> None:
    answered = [["Why did import-axyz1 end?", [[1.0, "import-axyz1 ended", "", []]]]]
    text = page(job(), [answered])
    assert "import-axyz1" not in text
    assert embedded(text)["runs"][0]["answers"] == [["Why did import-~1 end?", [[1.0, "import-~1 ended", "", []]]]]


@pytest.mark.parametrize(("rule", "title"), [("K-6", "How long a terminating Pod gets"), ("X-1", None), ("K", None)])
def test_the_page_of_a_rule(rule: str, title: str | None) -> None:
    found = rule_page(rule)
    assert (found.title if found else None) == title
    assert found is None or found.page.startswith(DOCUMENTATION)
