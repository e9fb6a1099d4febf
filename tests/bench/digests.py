"""Digests of whole histories: an optimisation must change none.

``python -m tests.bench.digests --write`` keeps those of every scenario of the repository, on several releases and
draws, and of the benchmarks' workloads in ``tests/data/digests.txt``; a test compares them. A change that is meant to
change histories writes them again. ``python -m tests.bench.digests`` names the runs that differ.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from kubesim import __version__, api
from kubesim.errors import KubesimError
from kubesim.history.history import History
from tests.bench import workloads

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "data" / "digests.txt"
RELEASES = ("1.28", "1.29", "1.33", "1.36")
SEEDS = (0, 3)
LENGTH = 16
"""Hexadecimal digits of a digest that are kept."""

SCENARIOS = tuple(str(path.relative_to(ROOT)) for path in sorted((ROOT / "scenarios").rglob("*.yaml")))


def digest(history: History) -> str:
    """The digits that are kept of the SHA-256 of a history's JSON Lines, but for the version in the first."""
    digested = hashlib.sha256()
    version = f'"kubesim":"{__version__}"'.encode()
    for number, line in enumerate(history.lines()):
        digested.update((line if number else line.replace(version, b"")) + b"\n")
    return digested.hexdigest()[:LENGTH]


def of_scenario(name: str) -> Iterator[tuple[str, str]]:
    """A name and a digest for every run of a scenario; of a refusal the digest of its text."""
    scenario = api.load(ROOT / name)
    for release in RELEASES:
        for seed in SEEDS:
            try:
                value = digest(api.run(scenario, release=release, seed=seed))
            except KubesimError as refused:
                said = str(refused).replace(f"{ROOT}/", "")
                value = hashlib.sha256(said.encode()).hexdigest()[:LENGTH]
            yield f"{name} {release} {seed}", value


def of_workload(name: str) -> Iterator[tuple[str, str]]:
    """The same for the one run of a workload of the benchmarks."""
    yield name, digest(api.run(workloads.scenario_of(workloads.SMALL[name])))


def digests() -> dict[str, str]:
    """A digest for every run, by its name."""
    found: dict[str, str] = {}
    for name in SCENARIOS:
        found.update(of_scenario(name))
    for name in workloads.SMALL:
        found.update(of_workload(name))
    return found


def kept() -> dict[str, str]:
    """The digests that were written last."""
    lines = KEPT.read_text(encoding="utf-8").splitlines()
    return {name: value for value, name in (line.split(" ", 1) for line in lines)}


def write(found: Mapping[str, str]) -> None:
    """Keep these."""
    KEPT.write_text("".join(f"{value} {name}\n" for name, value in found.items()), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the digests as they are now")
    options = parser.parse_args()
    before = kept() if KEPT.exists() else {}
    found = digests()
    changed = [name for name in {**before, **found} if before.get(name) != found.get(name)]
    print("\n".join(f"changed: {name}" for name in changed) or f"all {len(found)} as before")
    if options.write:
        write(found)
    sys.exit(1 if changed and not options.write else 0)


if __name__ == "__main__":
    main()
