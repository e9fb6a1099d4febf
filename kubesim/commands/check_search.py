"""``kubesim check --search``: looks for what breaks a manifest, tells it as a story, writes a file to replay it."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kubesim.commands.check_exhaustive import NOTHING
from kubesim.commands.options import Setting

if TYPE_CHECKING:
    from kubesim.exploration.search import Aim, Find, Report
    from kubesim.objects.yaml import Document
    from kubesim.scenario.load import Scenario
    from kubesim.timelines.style import Style

_MOST_LINES: Final = 36
"""How many lines of what happened are shown of one counter-example."""
_REDRAWN: Final = 0.2


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about a search."""

    files: tuple[str, ...]
    releases: tuple[str, ...]
    gates: tuple[Setting, ...]
    seed: int
    budget: float
    most_runs: int | None
    out: str | None
    form: str


def search(scenario: Scenario, aim: Aim, options: Options) -> int:
    """Search on each release, print what was found; 1 if anything was, else 0."""
    import os

    from kubesim.exploration.workloads import places
    from kubesim.timelines.style import style_for

    if not places(scenario.objects):
        raise click.UsageError(NOTHING)
    documents = _documents(options.files)
    gates = _plain_gates(options.gates)
    releases = options.releases or (None,)
    style = style_for(sys.stdout, os.environ)
    told: list[dict[str, Any]] = []
    finds = 0
    for number, release in enumerate(releases):
        on = scenario.on(release) if release else scenario
        report = _searched(on, aim, options, options.budget / len(releases))
        files = _write(report, documents, options, gates)
        finds += len(report.finds)
        if options.form == "json":
            told.append(_as_json(report, files))
            continue
        click.echo("\n".join([*([""] if number else []), *_report(report, files, options, style)]))
    if options.form == "json":
        click.echo(json.dumps(told, indent=2))
    return 1 if finds else 0


def _documents(files: Iterable[str]) -> list[Document]:
    from kubesim.objects.yaml import load_documents

    if "-" in files:
        raise click.UsageError("--search writes a file that replays what it finds: name a file, not standard input")
    return [document for file in files for document in load_documents(file)]


def _plain_gates(gates: Iterable[Setting]) -> dict[str, bool]:
    parts = [setting for setting in gates if setting.component is not None]
    if parts:
        name = f"{parts[0].component}:{parts[0].name}"
        raise click.UsageError(f"--search sets gates of the whole cluster; write {name} into the scenario's cluster")
    return {setting.name: setting.value for setting in gates}


def _searched(scenario: Scenario, aim: Aim, options: Options, budget: float) -> Report:
    from kubesim.exploration.search import Search

    with _Countdown(budget, scenario.cluster.settings.release or "") as countdown:
        return Search(
            scenario, aim, seed=options.seed, budget=budget, most_runs=options.most_runs, told=countdown.told
        ).run()


class _Countdown:
    """A bar on stderr while a search runs; only on a terminal."""

    def __init__(self, budget: float, release: str) -> None:
        self._budget, self._release = budget, release
        self._drawn = time.monotonic()
        self._is_shown = False

    def __enter__(self) -> _Countdown:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def told(self, runs: int, finds: int, seconds: float) -> None:
        """One more run is done."""
        if not sys.stderr.isatty() or time.monotonic() - self._drawn < _REDRAWN:
            return
        self._drawn, self._is_shown = time.monotonic(), True
        done = min(int(20 * seconds / self._budget), 20)
        bar = "█" * done + "░" * (20 - done)
        where = f" on {self._release}" if self._release else ""
        sys.stderr.write(f"\r\x1b[K{bar} {seconds:.0f} of {self._budget:.0f} s  {runs} runs{where}, {finds} found")
        sys.stderr.flush()


# What is written -----------------------------------------------------------------------------------------------------


def _write(report: Report, documents: list[Document], options: Options, gates: dict[str, bool]) -> list[Path]:
    """The scenario files, one for each find."""
    from kubesim.exploration.replay import scenario_file
    from kubesim.exploration.search import HORIZON

    paths, release = [], report.release
    for find in report.finds:
        name = re.sub(r"[^a-z0-9-]", "-", find.broken.name)
        suffix = f"-{release}" if len(options.releases) > 1 else ""
        title = f"Breaks {find.broken.name}: {'; '.join(find.workload.told())}"
        text = scenario_file(
            documents, find.workload, release=release, gates=gates, until=HORIZON, name=f"{name}{suffix}", title=title
        )
        path = Path(options.out or ".")
        if options.out is None or path.is_dir() or len(report.finds) > 1 or len(options.releases) > 1:
            path.mkdir(parents=True, exist_ok=True)
            path = path / f"counter-example-{name}{suffix}.yaml"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _replay(find: Find, path: Path) -> str:
    return f"kubesim run {path}" if find.broken.kind != "expect" else f"kubesim test {path}"


# What is told --------------------------------------------------------------------------------------------------------


def _report(report: Report, files: list[Path], options: Options, style: Style) -> list[str]:
    found: list[str] = []
    if report.taken:
        found += [style.paint("dim", f"Not in the manifest, and taken as usual: {'; '.join(report.taken)}."), ""]
    if report.looked_into:
        names = ", ".join(report.looked_into)
        found += [
            style.paint("dim", f"Left as written, as exec probes look at what it does: the program of {names}."),
            "",
        ]
    for owner in report.idle:
        found.append(f"{owner} makes no Pod in the whole run; until: in a Scenario makes the run longer")
    for find, path in zip(report.finds, files, strict=True):
        found += [*_told(find, path, style), ""]
    count = "nothing found" if not report.finds else f"{len(report.finds)} found"
    tried = "everything that can be drawn was tried" if report.exhausted else f"{report.runs} runs"
    found.append(f"{count} on {report.release}: {tried} in {report.seconds:.0f} s, seed {options.seed}")
    return found


def _told(find: Find, path: Path, style: Style) -> list[str]:
    """One counter-example: the claim, what has to come together, what happens then, the proof, how to replay it."""
    from kubesim.commands.check import told as told_finding

    broken = find.broken
    found = [f"{style.paint('bad', 'BROKEN')} {broken.name}: {broken.claim}", "  Suppose that"]
    found += [f"    {number}. {sentence}" for number, sentence in enumerate(find.workload.told(), 1)]
    if not find.is_shrunk:
        found.append("    (there was no time to look for less: a longer --budget may find it)")
    found.append(f"  Then, on {find.history.header.control_plane.release}:")
    found += [f"    {line}" for line in _happened(find, style)]
    if broken.judgement is not None:
        proof = broken.judgement.proof[0]
        found.append(f"  Proof: {proof.subject}: {told_finding(find.history, proof.finding)}")
        if broken.judgement.known:
            found.append(f"  Known of this kubelet: {broken.judgement.known}")
    else:
        found.append(f"  Seen: {broken.seen}")
    return [*found, f"  Replay: {_replay(find, path)}"]


def _happened(find: Find, style: Style) -> list[str]:
    """The story in short: what was done, decided, and true in the runtime."""
    from kubesim.timelines.story import story
    from kubesim.timelines.text import relative_time

    history = find.history
    lines = [
        line
        for line in story(history)
        if line.who in ("user", "runtime", "end", "jobs")
        or (line.who == "kubelet" and not line.what.startswith(("status:", "Event ")) and "probe of" not in line.what)
    ]
    rows = [(relative_time(line.at - history.started), line.who, line.what, line.tone) for line in lines]
    width, who = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
    shown = [
        f"{style.paint('dim', t.rjust(width))}  {w.ljust(who)}  {style.paint(tone, what)}" for t, w, what, tone in rows
    ]
    if len(shown) > _MOST_LINES:
        half = _MOST_LINES // 2
        shown = [*shown[:half], f"… {len(shown) - 2 * half} lines more …", *shown[-half:]]
    return shown


def _as_json(report: Report, files: list[Path]) -> dict[str, Any]:
    """The finds of one release for machines."""
    return {
        "release": report.release,
        "runs": report.runs,
        "seconds": round(report.seconds, 1),
        "exhausted": report.exhausted,
        "found": [
            {
                "kind": find.broken.kind,
                "name": find.broken.name,
                "claim": find.broken.claim,
                "suppose": find.workload.told(),
                "shrunk": find.is_shrunk,
                "file": str(path),
            }
            for find, path in zip(report.finds, files, strict=True)
        ],
    }
