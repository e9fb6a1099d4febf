"""Digests of whole histories: an optimisation must change none.

``python -m tests.bench.digests > before.txt``, and after the change ``… --compare before.txt``: every scenario of the
repository on several releases and draws, and the workloads of the benchmarks.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from kubesim import api
from kubesim.errors import KubesimError
from kubesim.history.history import History
from tests.bench import workloads

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ("1.28", "1.29", "1.33", "1.36")
SEEDS = (0, 3)


def digest(history: History) -> str:
    """The SHA-256 of the history's JSON Lines."""
    digested = hashlib.sha256()
    for line in history.lines():
        digested.update(line + b"\n")
    return digested.hexdigest()


def digests() -> Iterator[tuple[str, str]]:
    """A name and a digest for every run."""
    for path in sorted((ROOT / "scenarios").rglob("*.yaml")):
        scenario = api.load(path)
        for release in RELEASES:
            for seed in SEEDS:
                name = f"{path.relative_to(ROOT)} {release} {seed}"
                try:
                    yield name, digest(api.run(scenario, release=release, seed=seed))
                except KubesimError as refused:
                    said = str(refused).replace(f"{ROOT}/", "")
                    yield name, hashlib.sha256(said.encode()).hexdigest()
    for name, text in workloads.SMALL.items():
        yield name, digest(api.run(workloads.scenario_of(text)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare", type=Path, help="a file of digests from before")
    options = parser.parse_args()
    if options.compare is None:
        for name, value in digests():
            print(value, name)
        return
    before = dict(reversed(line.split(" ", 1)) for line in options.compare.read_text().splitlines())
    changed = [name for name, value in digests() if before.get(name, value) != value]
    print("\n".join(f"changed: {name}" for name in changed) or f"all {len(before)} as before")
    sys.exit(1 if changed else 0)


if __name__ == "__main__":
    main()
