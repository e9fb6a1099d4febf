"""How strict the comparison is, measured on recordings: real against real passes, all else is caught.

    python tests/fidelity/calibration.py FOLDER

FOLDER holds one folder of traces for each configuration, with ``reps/`` in it, as recorded. Prints the tables that
conform.md has: real against real, each recording against its other runs, tolerances scaled, other releases, corrupted
traces, and how much the delay over each kind of link differs between two real runs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from corruptions import CORRUPTIONS, corrupted

from kubesim.fidelity.compare import Comparison, compare
from kubesim.fidelity.recording import LEVELS, Pair, Recording
from kubesim.fidelity.times import matched_instants
from kubesim.fidelity.trace import load_trace
from kubesim.units import to_seconds

RACES = {
    "sc-crash-immediately",
    "sc-exit0-immediately",
    "injector-always-sleep",
    "injector-never-exit0",
    "del-short-grace-3-sidecars",
}
"""Toss-ups by nature (FINDINGS 18, README): their repetitions were recorded because they differ."""
REPEATED = (("1.28-gate-on", "1.28-gate-on"), ("1.29", "1.29"), ("1.29-run2", "1.29"), ("1.36", "1.36"))
OTHER_RELEASES = (
    ("1.28-gate-on", "1.29"),
    ("1.29", "1.28-gate-on"),
    ("1.29", "1.33"),
    ("1.33", "1.36"),
    ("1.29", "1.36"),
)
SCALES = (0.5, 0.75, 0.9, 1.0, 1.25, 1.5)
Judged = list[Comparison]


@cache
def raw(path: Path) -> dict[str, Any]:
    return load_trace(path)


@cache
def recording(path: Path, scale: float = 1.0) -> Recording:
    return Recording.of(raw(path), scale)


def pairs_of_runs(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Every two recordings of one scenario and release, both ways, with the row of the table they belong to."""
    for one in sorted((folder / "1.29").glob("*.json")):
        other = folder / "1.29-run2" / one.name
        if other.exists():
            yield "1.29 / 1.29-run2", one, other
            yield "1.29 / 1.29-run2", other, one
    for config, repeated in REPEATED:
        for other in sorted((folder / repeated / "reps").glob("*.json")):
            name = other.name.partition(".r")[0]
            one = folder / config / f"{name}.json"
            label = f"{config} / reps" + (", races" if name in RACES else "")
            yield label, one, other
            yield label, other, one


def row(label: str, judged: Judged) -> str:
    cells, before = [], len(judged)
    for level in LEVELS:
        reached = sum(each.levels[level] for each in judged)
        cells.append(f"{100 * reached / len(judged):.1f}% ({100 * reached / max(before, 1):.1f}%)")
        before = reached
    return f"| {label} | {len(judged)} | " + " | ".join(cells) + " |"


def head(first: str) -> str:
    return f"\n| {first} | comparisons | L1 | L2 | L3 | L4 |\n|---|---|---|---|---|---|"


def real_against_real(folder: Path) -> None:
    judged: dict[str, Judged] = {}
    failing: dict[str, list[str]] = {}
    spent = []
    for label, one, other in pairs_of_runs(folder):
        known = recording(one)
        begun = time.perf_counter()
        found = compare(known, raw(other))
        spent.append(time.perf_counter() - begun)
        judged.setdefault(label, []).append(found)
        if found.first_missed and not label.endswith("races"):
            failing.setdefault(raw(one)["id"], []).append(found.first_missed)
    print(head("real against real"))
    for label, some in judged.items():
        print(row(label, some))
    print(row("**all but the races**", _without_races(judged)))
    print(row("**everything**", [each for some in judged.values() for each in some]))
    print("\nFailing:", ", ".join(f"`{name}` {levels[0]} {len(levels)}x" for name, levels in sorted(failing.items())))
    print(f"\nOne comparison: {1000 * statistics.mean(spent):.1f} ms, at most {1000 * max(spent):.1f} ms")


def _without_races(judged: dict[str, Judged]) -> Judged:
    return [each for label, some in judged.items() if not label.endswith("races") for each in some]


def scaled(folder: Path) -> None:
    print(head("tolerances scaled by"))
    for scale in SCALES:
        judged: dict[str, Judged] = {}
        for label, one, other in pairs_of_runs(folder):
            judged.setdefault(label, []).append(compare(recording(one, scale), raw(other)))
        print(row(str(scale), _without_races(judged)))


def admitted(folder: Path) -> None:
    """Each recording with all others of its scenario and release as its draws."""
    runs: dict[tuple[str, str], list[Path]] = {}
    for config, repeated in REPEATED:
        for other in sorted((folder / repeated / "reps").glob("*.json")):
            name = other.name.partition(".r")[0]
            known = runs.setdefault((repeated, name), [])
            known += [path for path in (folder / config / f"{name}.json", other) if path not in known]
    rows: dict[str, Judged] = {}
    for (config, name), paths in runs.items():
        for one in paths:
            found = [compare(recording(one), raw(other)) for other in paths if other != one]
            levels = {level: any(each.levels[level] for each in found) for level in LEVELS}
            label = config + (", races" if name in RACES else "")
            rows.setdefault(label, []).append(Comparison(levels, []))
    print(head("each recording against all others of its scenario"))
    for label, judged in sorted(rows.items()):
        print(row(label, judged))


def other_releases(folder: Path) -> None:
    print(head("recorded / other release"))
    for config, other in OTHER_RELEASES:
        paths = sorted((folder / config).glob("*.json"))
        pairs = [(path, folder / other / path.name) for path in paths]
        judged = [compare(recording(one), raw(another)) for one, another in pairs if another.exists()]
        if judged:
            print(row(f"{config} / {other}", judged))


def corruptions(folder: Path) -> None:
    print("\n| corruption | traces | expected | first missed there | earlier | later | not caught |")
    print("|---|---|---|---|---|---|---|")
    paths = sorted((folder / "1.29").glob("*.json"))
    for name, (corruption, level) in CORRUPTIONS.items():
        found = {"there": 0, "earlier": 0, "later": 0}
        escaped: list[str] = []
        for path in paths:
            if (spoilt := corrupted(raw(path), corruption)) is None:
                continue
            missed = compare(recording(path), spoilt).first_missed
            if missed is None:
                escaped.append(path.stem)
            else:
                found["there" if missed == level else "earlier" if missed < level else "later"] += 1
        count = sum(found.values()) + len(escaped)
        names = f" ({', '.join(escaped)})" if escaped else ""
        cells = " | ".join(str(each) for each in found.values())
        print(f"| {name} | {count} | {level} | {cells} | {len(escaped)}{names} |")


def links(folder: Path) -> None:
    """How much the delay over each kind of link differs between two real runs of a scenario."""
    print("\n| link | n | median | 90 % | 97.5 % | max |\n|---|---|---|---|---|---|")
    found: dict[str, list[float]] = {}
    for one in sorted((folder / "1.29").glob("*.json")):
        if (other := folder / "1.29-run2" / one.name).exists():
            for kind, differs in _differences(Pair.of(recording(one), raw(other))):
                found.setdefault(kind, []).append(differs)
    for kind, values in sorted(found.items()):
        values.sort()
        cells = (statistics.median(values), _share(values, 0.9), _share(values, 0.975), values[-1])
        print(f"| {kind} | {len(values)} | " + " | ".join(f"{each:.2f}" for each in cells) + " |")


def _differences(pair: Pair) -> Iterator[tuple[str, float]]:
    when = matched_instants(pair)
    times = pair.causes.times
    for key, link in pair.causes.links.items():
        happening = len(key) == 5 or key[2] in ("phase", "deletion", "gone")
        if happening and key in when and link.cause in when:
            differs = (when[key] - when[link.cause]) - (times[key] - times[link.cause])
            yield link.kind.value, abs(to_seconds(differs))


def _share(values: list[float], part: float) -> float:
    return values[min(len(values) - 1, int(part * len(values)))]


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(None if arguments is None else list(arguments)).folder
    for table in (real_against_real, admitted, scaled, other_releases, corruptions, links):
        table(folder)


if __name__ == "__main__":
    main()
