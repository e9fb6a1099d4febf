"""Which mutant each guarantee catches: tried on generated runs, written down with the run that shows it.

    python -m tests.properties.teeth [--examples 8] [--seed 1] [--jobs 2] [--write] [--only MUTANT]

``--write`` writes ``witnesses.yaml`` and ``teeth.yaml`` beside this file, from which the tests work, and of them
``docs/teeth.md``; with ``--only`` what is known of other mutants stays. ``--page`` writes the page only, from
``teeth.yaml``.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import yaml
from directed import DIRECTED
from families import FAMILIES  # modules of this folder, as pytest sees them
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from mutants import DROPPED, MUTANTS, Mutant, wrong
from plans import Plan, Scene

from kubesim.guarantees.catalogue import CHECKS, guarantees
from kubesim.guarantees.judging import check
from kubesim.guarantees.verdicts import Verdict

WITNESSES = Path(__file__).with_name("witnesses.yaml")
TABLE = Path(__file__).with_name("teeth.yaml")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "teeth.md"


class TooLong(Exception):
    """A mutant that never comes to an end."""


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Give up on a run that takes too long, as that of a wrong kubelet may: seconds of one core, not of the clock."""

    def give_up(*_: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.2)  # again and again: what a callback swallows must not save it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def broken(plan: Plan | Scene) -> set[str]:
    """The guarantees that a run breaks without being known for it."""
    return {one.id for one in check(plan.run()) if one.verdict is Verdict.BROKEN and not one.known}


OF_JOBS = ("jobs", "failing jobs", "jobs with sidecars", "deleted job pods", "cron jobs")
OF_THE_API = ("requests", "many requests", "rooms", "endings", "exec probes")


def families_for(mutant: Mutant) -> tuple[str, ...]:
    """Where a mutant can make a difference that is worth the time to look for it."""
    room = mutant.place.partition(".")[0]
    if room == "job_controller":
        return OF_JOBS
    if room in ("store", "scheduler"):
        return OF_THE_API
    return tuple(name for name in FAMILIES if name not in (*OF_JOBS, "rooms", "requests", "many requests"))


def corpus(examples: int, number: int) -> dict[str, list[Plan | Scene]]:
    """Some runs of each family that break nothing."""
    return {name: sample(family, examples, number) for name, family in FAMILIES.items()}


def sample(family: SearchStrategy[Plan | Scene], examples: int, number: int) -> list[Plan | Scene]:
    """Some runs of one family that break nothing."""
    found: list[Plan | Scene] = []

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(family)
    def take(plan: Plan | Scene) -> None:
        if not broken(plan):
            found.append(plan)

    take()
    return found


def caught(mutant: Mutant, plans: list[Plan | Scene]) -> dict[str, Plan | Scene]:
    """Which guarantees break under a mutant, each with the shortest run that shows it."""
    found: dict[str, Plan | Scene] = {}
    with wrong(mutant):
        for plan in plans:
            try:
                with at_most(2):
                    ids = broken(plan)
            except TooLong:
                continue
            except Exception as problem:  # noqa: BLE001  # a wrong kubelet may also fall over
                print(f"{mutant.name}: {type(problem).__name__}", file=sys.stderr)
                continue
            for id_ in ids:
                if id_ not in found or len(plan.scenario()) < len(found[id_].scenario()):
                    found[id_] = plan
    return found


def matrix(
    plans: dict[str, list[Plan | Scene]], mutants: Sequence[Mutant], jobs: int
) -> dict[str, dict[str, Plan | Scene]]:
    """Mutant to what it breaks."""
    table = {}
    work = [
        (one, [*DIRECTED.get(one.name, ()), *(plan for name in families_for(one) for plan in plans[name])])
        for one in mutants
    ]
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for mutant, found in zip(mutants, pool.map(caught, *zip(*work, strict=True)), strict=True):
            table[mutant.name] = found
            print(f"{mutant.name:<32} {len(found)}", file=sys.stderr, flush=True)
    return table


def witnesses(table: dict[str, dict[str, Plan | Scene]]) -> list[dict[str, Any]]:
    """For each guarantee the mutant that breaks least else, with its run; runs that serve several stand once.

    A mutant of which that makes no use has a run of its own, for what it breaks and fewest others do.
    """
    chosen: dict[tuple[str, str, int], list[str]] = {}

    def choose(name: str, id_: str) -> None:
        plan = table[name][id_]
        chosen.setdefault((name, plan.scenario(), plan.draw), []).append(id_)

    for one in CHECKS:
        having = [(len(found), name) for name, found in table.items() if one.id in found]
        if having:
            choose(min(having)[1], one.id)
    for name in table.keys() - {name for name, _, _ in chosen}:
        if table[name]:
            choose(name, min(table[name], key=lambda id_: (sum(id_ in found for found in table.values()), id_)))
    return [
        {"mutant": name, "guarantees": ids, "draw": draw, "scenario": scenario}
        for (name, scenario, draw), ids in sorted(chosen.items())
    ]


def page(table: dict[str, list[str]]) -> str:
    """The page: the table guarantee by mutant, the mutants, and what was tried and dropped."""
    does = {one.name: one.does for one in MUTANTS}
    known = guarantees()
    lines = [
        "# Teeth: what each guarantee catches",
        "",
        "Generated by `python -m tests.properties.teeth --write`; change `tests/properties/mutants.py`, not this page.",
        "",
        "A guarantee that nothing can break is worth nothing. So kubesim has kubelets, controllers and API servers",
        "that are deliberately wrong, and runs of them on which the guarantees must break: generated ones, and where",
        "chance is too slow, one made for the mutant (`tests/properties/directed.py`). Every guarantee of tier 1 is",
        "broken by one mutant at least, and every mutant breaks one, on a run that the right kubesim keeps it on;",
        "`tests/properties/test_teeth.py` repeats that. A guarantee of tier 2 that no run here breaks says so; most",
        "of those are broken by hand-written histories in `tests/unit/guarantees/` (`test_catalogue.py` names the few",
        "that are not). [Mutation testing](mutation.md) is the other half: small changes by the thousand, by machine.",
        "",
        "| Guarantee | Tier | Broken by |",
        "|---|---|---|",
    ]
    for one in sorted(CHECKS, key=lambda one: (known[one.id].tier, one.id)):
        by = [name for name, found in table.items() if one.id in found]
        lines.append(f"| {one.id} | {known[one.id].tier} | {', '.join(by) or 'no mutant'} |")
    lines += ["", "## The mutants", "", "| Mutant | A wrong kubesim that … | Guarantees broken |", "|---|---|---|"]
    lines += [f"| {name} | {does[name]} | {len(found)} |" for name, found in table.items()]
    lines += ["", "## Tried, and dropped", "", "| A wrong kubesim that … | breaks nothing, because |", "|---|---|"]
    lines += [f"| {did} | {why} |" for did, why in DROPPED]
    return "\n".join(lines) + "\n"


def renew(table: dict[str, dict[str, Plan | Scene]]) -> None:
    """Write what some mutants break, and for each of them all runs that show it; what is known of others stays."""
    known: dict[str, list[str]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    kept = [one for one in yaml.safe_load(WITNESSES.read_text(encoding="utf-8")) if one["mutant"] not in table]
    chosen: dict[tuple[str, str, int], list[str]] = {}
    for name, found in table.items():
        for id_, plan in sorted(found.items()):
            chosen.setdefault((name, plan.scenario(), plan.draw), []).append(id_)
    new = [
        {"mutant": name, "guarantees": ids, "draw": draw, "scenario": scenario}
        for (name, scenario, draw), ids in chosen.items()
    ]
    write({**known, **{name: sorted(found) for name, found in table.items()}}, kept + new)


def write(broken_by: dict[str, list[str]], runs: list[dict[str, Any]]) -> None:
    """Write the table in the order of the mutants, the runs that show it, and the page."""
    ordered = {one.name: broken_by[one.name] for one in MUTANTS if one.name in broken_by}
    runs = sorted(runs, key=lambda one: (one["mutant"], one["scenario"], one["draw"]))
    TABLE.write_text(yaml.safe_dump(ordered, sort_keys=False, width=120), encoding="utf-8")
    WITNESSES.write_text(yaml.safe_dump(runs, sort_keys=False, width=120), encoding="utf-8")
    write_page()


def write_page() -> None:
    """Write the page from the table as it was last found."""
    PAGE.write_text(page(yaml.safe_load(TABLE.read_text(encoding="utf-8"))), encoding="utf-8")


def main() -> int:
    """Try, report, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--only", action="append", metavar="MUTANT")
    options = parser.parse_args()
    if options.page:
        write_page()
        return 0
    plans = corpus(options.examples, options.seed)
    print(f"{sum(map(len, plans.values()))} runs, {len(MUTANTS)} mutants", file=sys.stderr)
    mutants = [one for one in MUTANTS if not options.only or one.name in options.only]
    table = matrix(plans, mutants, options.jobs)
    if options.only:
        if options.write:
            renew(table)
        return 0
    core = [one.id for one in CHECKS if guarantees()[one.id].tier == 1]
    missed = [id_ for id_ in core if not any(id_ in found for found in table.values())]
    print(f"{len(core) - len(missed)} of {len(core)} of the core caught; not: {', '.join(missed)}")
    if options.write:
        write({name: sorted(found) for name, found in table.items()}, witnesses(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
