"""The search for a counter-example: a workload, a moment and an order of ties under which something breaks.

First the small workloads are tried, in order of size. Then Hypothesis draws larger ones, and shrinks what it finds:
looking is for everything at once, and then each thing that broke is shrunk by itself. Runs are remembered, so that
shrinking begins where looking was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException

from kubesim.exploration.replay import with_workload
from kubesim.exploration.search_drawn import workloads
from kubesim.exploration.search_small import small_workloads
from kubesim.exploration.workloads import Workload
from kubesim.exploration.workloads_open import stage_of
from kubesim.guarantees import hopes
from kubesim.guarantees.judging import check, judge_by
from kubesim.guarantees.verdicts import Judgement, Verdict
from kubesim.history.history import History
from kubesim.releases import Component
from kubesim.scenario import expect
from kubesim.scenario.load import Scenario
from kubesim.timelines.facts import facts_of
from kubesim.units import MINUTE, Duration

HORIZON: Final[Duration] = 15 * MINUTE
"""How long a run lasts at most where the scenario does not say."""

_LOOKING: Final = 0.6
"""The share of the time for looking; the rest is for shrinking."""
_SMALL: Final = 0.35
"""The share of the time for the small workloads, which is part of looking."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be broken: guarantees by id (None: all that kubelets are known to keep), hopes by name, ``expect``."""

    guarantees: tuple[str, ...] | None = None
    hopes: tuple[str, ...] = tuple(hopes.CLAIMS)
    expectations: bool = True

    def is_reached(self, found: Collection[str]) -> bool:
        """Whether there is nothing more to look for: all that was asked for by name has been found."""
        if self.guarantees is None or self.expectations:
            return False
        return {*self.guarantees, *self.hopes} <= {*found}


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that broke in a run: ``kind`` is guarantee, hope or expect; ``name`` its id; what proves it."""

    kind: str
    name: str
    claim: str
    judgement: Judgement | None = None
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Find:
    """A counter-example: the workload, shrunk, with the run that shows it. ``is_shrunk``: there was time to finish."""

    broken: Broken
    workload: Workload
    history: History
    is_shrunk: bool


@dataclass(slots=True)
class Report:
    """What a search did and found. ``exhausted``: there was nothing left to try."""

    release: str
    runs: int = 0
    seconds: float = 0.0
    finds: list[Find] = field(default_factory=list)
    exhausted: bool = False
    taken: tuple[str, ...] = ()
    """What is taken for granted of programs that nothing is known of."""
    looked_into: tuple[str, ...] = ()
    """Containers whose programs were not varied, as their exec probes depend on what these do."""
    idle: tuple[str, ...] = ()
    """CronJobs that make no Pod within a run, so that nothing could be found about them."""


class _Stopped(BaseException):
    """The time is over; no ``Exception``, so that Hypothesis does not take it for a find."""


class _Broke(Exception):
    """What Hypothesis is to shrink."""


Told = Callable[[int, int, float], None]
"""Called after each run with the number of runs and of finds, and the seconds passed."""


class Search:
    """One search on one release."""

    def __init__(
        self,
        scenario: Scenario,
        aim: Aim,
        *,
        seed: int = 0,
        budget: float = 30.0,
        most_runs: int | None = None,
        told: Told | None = None,
    ) -> None:
        self.scenario = scenario
        self.aim = replace(aim, expectations=aim.expectations and bool(scenario.expect))
        self.seed = seed
        self.budget = budget
        self.most_runs = most_runs
        self.told = told
        self.stage = stage_of(scenario, HORIZON)
        release = scenario.cluster.control_plane_release(Component.APISERVER).name
        taken = tuple(sentence for place in self.stage.places for sentence in place.taken())
        self.report = Report(release, taken=taken, looked_into=self.stage.looked_into, idle=self.stage.idle)
        self._begun = time.monotonic()
        self._known: dict[Workload, Mapping[str, Broken]] = {}
        self._first: dict[str, Workload] = {}
        self._small: set[str] = set()
        """What broke under a small workload: there is nothing to shrink."""

    def run(self) -> Report:
        """Look, then shrink. Ends early when it is interrupted, with what there is."""
        try:
            self._look_at_small_ones()
            self._look()
            large = [name for name in self._first if name not in self._small]
            for number, name in enumerate(large):
                self._shrink(name, self._left() / (len(large) - number))
        except KeyboardInterrupt:
            pass
        done = {find.broken.name for find in self.report.finds}
        for name in self._first.keys() - done:
            self._keep(name, self._first[name], is_shrunk=name in self._small)
        self.report.finds.sort(key=lambda find: (find.broken.kind != "expect", find.broken.kind, find.broken.name))
        self.report.seconds = self._elapsed()
        return self.report

    # -- looking and shrinking -------------------------------------------------------------------------------------

    def _look_at_small_ones(self) -> None:
        limit = self._begun + self.budget * _SMALL
        for number, workload in enumerate(small_workloads(self.stage)):
            if self.most_runs is not None and 2 * number >= self.most_runs:
                return
            try:
                for name in self._broken(workload, limit):
                    self._first.setdefault(name, workload)
                    self._small.add(name)
            except _Stopped:
                return
            if self.aim.is_reached(self._first):
                return

    def _look(self) -> None:
        limit = self._begun + self.budget * _LOOKING
        if self.aim.is_reached(self._first):
            return

        def look(workload: Workload) -> None:
            for name in self._broken(workload, limit):
                self._first.setdefault(name, workload)
            if self.aim.is_reached(self._first):
                raise _Stopped

        try:
            self._explore(look, (Phase.generate,))
            self.report.exhausted = self.most_runs is None
        except _Stopped:
            pass

    def _shrink(self, name: str, seconds: float) -> None:
        """Find it again, the same way, and shrink it for so long."""
        limit = time.monotonic() + max(seconds, 1.0)
        best: list[Workload] = [self._first[name]]

        def again(workload: Workload) -> None:
            if name in self._broken(workload, limit):
                best.append(workload)
                raise _Broke(name)

        is_shrunk = True
        try:
            self._explore(again, (Phase.generate, Phase.shrink))
        except _Stopped:
            is_shrunk = False
        except (_Broke, HypothesisException):
            pass
        self._keep(name, min(reversed(best), key=lambda one: one.size), is_shrunk=is_shrunk)

    def _explore(self, test: Callable[[Workload], None], phases: tuple[Phase, ...]) -> None:
        chosen = settings(
            max_examples=self.most_runs or 1_000_000,
            phases=phases,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        explored: Callable[[], None] = seed(self.seed)(chosen(given(workloads(self.stage))(test)))
        explored()

    def _keep(self, name: str, workload: Workload, *, is_shrunk: bool) -> None:
        history = self._history(workload)
        found = self._judged(history).get(name)
        if found is not None:
            self.report.finds.append(Find(found, workload, history, is_shrunk))

    # -- one run ---------------------------------------------------------------------------------------------------

    def _broken(self, workload: Workload, limit: float) -> Mapping[str, Broken]:
        """What breaks under a workload, by name; raises _Stopped when the time is over."""
        if workload in self._known:
            return self._known[workload]
        if time.monotonic() >= limit:
            raise _Stopped
        found = self._judged(self._history(workload))
        self._known[workload] = found
        self.report.runs += 1
        if self.told is not None:
            names = {*self._first, *found}
            self.told(self.report.runs, len(names), self._elapsed())
        return found

    def _history(self, workload: Workload) -> History:
        from kubesim.sim.world import World

        return World(with_workload(self.scenario, workload, HORIZON)).run()

    def _judged(self, history: History) -> dict[str, Broken]:
        return {one.name: one for one in (*self._guarantees(history), *self._hopes(history), *self._expected(history))}

    def _guarantees(self, history: History) -> list[Broken]:
        from kubesim.guarantees import catalogue

        wanted = self.aim.guarantees
        if wanted == ():
            return []
        known = catalogue.guarantees()
        return [
            Broken("guarantee", one.id, known[one.id].claim, one)
            for one in check(history, wanted)
            if one.verdict is Verdict.BROKEN and (wanted is not None or not one.known)
        ]

    def _hopes(self, history: History) -> list[Broken]:
        chosen = [one for one in hopes.HOPES if one.id in self.aim.hopes]
        return [
            Broken("hope", one.id, hopes.CLAIMS[one.id], one)
            for one in judge_by(history, chosen)
            if one.verdict is Verdict.BROKEN
        ]

    def _expected(self, history: History) -> list[Broken]:
        if not self.aim.expectations:
            return []
        facts, ran_on = facts_of(history), history.header.control_plane.release
        found = []
        for number, one in enumerate(self.scenario.expect, 1):
            outcome = expect.check(one, facts, ran_on)
            if outcome.held is False:
                place = one.place
                line = f"line {place.document.position(place.path)[0]}" if place is not None else f"number {number}"
                found.append(
                    Broken("expect", f"expect-{number}", f"your expectation, {line}", seen=outcome.explanation)
                )
        return found

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun

    def _left(self) -> float:
        return max(self.budget - self._elapsed(), 0.0)
