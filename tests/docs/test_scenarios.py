"""Every scenario file of the project comes true, on the release it names and on others it speaks of.

None breaks a documented guarantee that is not known to be broken.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesim.api import load, run
from kubesim.guarantees.judging import check as judged
from kubesim.guarantees.verdicts import Verdict
from kubesim.scenario.expect import check
from kubesim.timelines.facts import facts_of

ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in (ROOT / "scenarios").rglob("*.yaml") if "kind: Scenario" in path.read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT / "scenarios")) for path in FILES])
def test_a_scenario_file_holds_what_it_expects(path: Path) -> None:
    scenario = load([str(path)])
    spoken_of = {release for item in scenario.expect for release in item.releases or ()}
    gates = {"SidecarContainers": True} if "restartPolicy: Always" in path.read_text(encoding="utf-8") else None
    for release in (None, *sorted(spoken_of)):
        history = run(scenario, release=release, gates=gates if release and release.startswith("1.28") else None)
        facts, ran_on = facts_of(history), history.header.control_plane.release
        broken = [one for item in scenario.expect if (one := check(item, facts, ran_on)).held is False]
        assert not broken, f"{path.name} on {ran_on}: {[one.explanation for one in broken]}"
        accused = [one.id for one in judged(history) if one.verdict is Verdict.BROKEN and not one.known]
        assert not accused, f"{path.name} on {ran_on}: {accused}"
