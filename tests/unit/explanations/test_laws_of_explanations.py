"""Whatever is explained, at whatever instant: it speaks of the past as past and of the future as future."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesim import api
from kubesim.explanations.explain import Asked, Subject, explain
from kubesim.explanations.explanation import Explanation
from kubesim.explanations.text import data, lines
from kubesim.history.history import History
from kubesim.timelines.style import Style
from kubesim.units import MINUTE, SECOND

FILES = sorted((Path(__file__).parents[3] / "scenarios").rglob("*.yaml"))
INSTANTS = 7


def moments(history: History) -> list[int]:
    """Instants spread over a run from its first Pod or Job on, its end among them."""
    first = min(versions[0].at for key, versions in history.all_versions.items() if key.kind in ("Pod", "Job"))
    return [first + (history.ended - first) * part // INSTANTS for part in range(INSTANTS + 1)]


def every(subjects: tuple[Subject, ...]) -> list[Explanation]:
    return [one for subject in subjects for one in (subject.explanation, *subject.parts)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_past_and_future(path: Path) -> None:
    scenario = api.load(path)
    if not any(document.kind in ("Pod", "Job") for document in scenario.objects):
        pytest.skip("nothing that is there from the beginning")
    history = api.run(scenario, until=min(scenario.until or 3 * MINUTE, 10 * MINUTE))
    for at in moments(history):
        subjects = explain(Asked(history, at))
        for one in every(subjects):
            assert one.where
            assert one.since is None or one.since <= at - history.started, one
            assert one.upcoming is None or one.upcoming.at > at - history.started, one
            words = (one.where, one.why, *one.waits_for, *one.changes)
            assert not any(wrong in text for text in words for wrong in ("None", "  ", "{", "is is")), words
        assert "\n".join(lines(subjects, Style()))
        assert len(data(subjects)) == len(subjects)
    assert all(one.upcoming is None for one in every(explain(Asked(history, history.ended))))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_next_thing_happens_next(path: Path) -> None:
    """What is to come next at one instant has come at the instant it names."""
    scenario = api.load(path)
    pods = [document.name for document in scenario.objects if document.kind == "Pod"]
    if not pods:
        pytest.skip("no Pod of its own")
    history = api.run(scenario, until=min(scenario.until or 3 * MINUTE, 3 * MINUTE))
    at = history.started + SECOND
    for subject in explain(Asked(history, at)):
        upcoming = subject.explanation.upcoming
        if subject.explanation.kind == "Pod" and upcoming is not None:
            before = explain(Asked(history, history.started + upcoming.at - 1))
            after = explain(Asked(history, history.started + upcoming.at))
            same = [
                one.explanation.upcoming for one in before if one.explanation.subject == subject.explanation.subject
            ]
            later = [
                one.explanation.upcoming for one in after if one.explanation.subject == subject.explanation.subject
            ]
            assert same == [upcoming]
            assert later != [upcoming]
