"""The long search: how often each guarantee was put to the test, on generated runs of every family, until time is up.

    python -m tests.properties.long [--minutes 4] [--least 100] [--seed 1]

Prints one line for each judged guarantee: runs tried, runs that exercised it, releases it was exercised on. The exit
status is 1 if one was broken without being known for it, or if a guarantee of the core was exercised too seldom.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from families import FAMILIES  # a module of this folder, as pytest sees it
from hypothesis import HealthCheck, Phase, given, seed, settings
from plans import Plan, Scene

from kubesim.guarantees.catalogue import CHECKS, guarantees
from kubesim.guarantees.judging import check
from kubesim.guarantees.verdicts import Verdict

ROUND = 60
"""Examples of one family before the next has its turn."""


class Over(BaseException):
    """The time is up."""


@dataclass
class Tally:
    """What was seen so far."""

    runs: int = 0
    exercised: Counter[str] = field(default_factory=Counter)
    releases: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_family: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    broken: dict[str, str] = field(default_factory=dict)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Real time spent on each family."""

    def note(self, family: str, plan: Plan | Scene) -> None:
        """Run a plan and judge it."""
        begun = time.monotonic()
        history = plan.run()
        self.runs += 1
        for one in check(history):
            if one.verdict is Verdict.NOT_EXERCISED:
                continue
            self.exercised[one.id] += 1
            self.by_family[family][one.id] += 1
            self.releases[one.id].add(history.header.nodes[0].release)
            if one.verdict is Verdict.BROKEN and not one.known:
                self.broken.setdefault(one.id, plan.replays())
        self.seconds[family] += time.monotonic() - begun

    def rate(self, family: str, id_: str) -> float:
        """How often a family exercises a guarantee, per second of real time."""
        return self.by_family[family][id_] / max(self.seconds[family], 0.001)

    def wanting(self, ids: Iterable[str], least: int) -> set[str]:
        """Those exercised too seldom."""
        return {id_ for id_ in ids if self.exercised[id_] < least}


def search(minutes: float, least: int, start: int) -> Tally:
    """All families once; then, until time is up, the one that shows what is wanting most oftenest."""
    tally, limit = Tally(), time.monotonic() + 60 * minutes
    core = [one.id for one in CHECKS if guarantees()[one.id].tier == 1]
    number = start
    try:
        for family in FAMILIES:
            _round(family, number, tally, limit)
        while wanting := tally.wanting(core, least):
            rarest = min(sorted(wanting), key=lambda id_: tally.exercised[id_])
            best = max(FAMILIES, key=lambda family: tally.rate(family, rarest))
            if not tally.by_family[best][rarest]:
                break
            number += 1
            _round(best, number, tally, limit)
    except Over:
        pass
    return tally


def _round(family: str, number: int, tally: Tally, limit: float) -> None:
    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(FAMILIES[family])
    def one(plan: Plan | Scene) -> None:
        if time.monotonic() > limit:
            raise Over
        tally.note(family, plan)

    one()


def report(tally: Tally, least: int) -> list[str]:
    """A line for each judged guarantee, the core first, those exercised least on top."""
    known = guarantees()
    lines = [f"{'guarantee':<48} tier  exercised  releases  of {tally.runs} runs"]
    for one in sorted(CHECKS, key=lambda one: (known[one.id].tier, tally.exercised[one.id], one.id)):
        word = "BROKEN" if one.id in tally.broken else ""
        count, where = tally.exercised[one.id], len(tally.releases[one.id])
        few = "too few" if known[one.id].tier == 1 and count < least else ""
        lines.append(f"{one.id:<48} {known[one.id].tier:>4}  {count:>9}  {where:>8}  {word or few}".rstrip())
    return lines


def main() -> int:
    """Search, report, and say whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--least", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begun = time.monotonic()
    tally = search(options.minutes, options.least, options.seed)
    print("\n".join(report(tally, options.least)))
    for id_, plan in tally.broken.items():
        print(f"\n{id_} is broken:\n{plan}")
    core = [one.id for one in CHECKS if guarantees()[one.id].tier == 1]
    few = tally.wanting(core, options.least)
    print(f"\n{tally.runs} runs in {time.monotonic() - begun:.0f} s: {len(tally.broken)} broken, {len(few)} too seldom")
    return 1 if tally.broken or few else 0


if __name__ == "__main__":
    sys.exit(main())
