"""Explanations of small runs, by kind and name."""

from __future__ import annotations

import io
from typing import Any

from kubesim import api
from kubesim.explanations.explain import Asked, Choice, Subject, explain
from kubesim.explanations.explanation import Explanation
from kubesim.explanations.view import KnownBug
from kubesim.exploration.bugs_met import bugs_met
from kubesim.history.history import History
from kubesim.scenario.load import Scenario
from kubesim.units import parse_duration

FOREVER = "trap 'exit 0' TERM; sleep 1000000 & wait"


def subjects(manifest: str, at: str, choice: Choice | None = None, **settings: Any) -> tuple[Subject, ...]:
    """All explanations of a run at an instant; the run goes on a quarter of an hour beyond it."""
    scenario = api.load(io.StringIO(manifest))
    moment = parse_duration(at)
    scenario = scenario.on(settings.get("release"), settings.get("gates"))

    def run(variant: Scenario) -> History:
        return api.run(variant, until=moment + parse_duration("15m"))

    history = run(scenario)
    sent = tuple(document.raw for document in scenario.objects)
    bugs = tuple(KnownBug(one.name, one.summary, one.release, one.fixed_in) for one in bugs_met(scenario, history, run))
    return explain(Asked(history, history.started + moment, sent, choice or Choice(), bugs))


def explained(manifest: str, at: str, **settings: Any) -> dict[str, Explanation]:
    """The explanations by name; of a Job's Pods, the newest goes by the name of the Job with ``/pod``."""
    found = {}
    for subject in subjects(manifest, at, **settings):
        whole = subject.explanation
        found[whole.subject] = whole
        found |= {part.subject: part for part in subject.parts}
    return found
