"""Reproducing recordings: the nominal run first, then draws, until one of them is the recording.

A recording is one sample of a system with races. A level is *nominal* if the default run reaches it, and *admitted*
if some run among at most 32 draws does. The draws come from the timing profile and their number, never from the
recording.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from kubesim.errors import KubesimError, ScenarioError
from kubesim.fidelity.compare import Comparison, compare
from kubesim.fidelity.recording import LEVELS, Difference, Recording
from kubesim.fidelity.statuses import STATUSES, reduced_to_statuses
from kubesim.fidelity.trace import load_trace

DRAWS: Final = 32
"""How many runs of one scenario may be tried, the nominal one included."""

Simulate: TypeAlias = Callable[[Path, Path | None, dict[str, Any], int | None], dict[str, Any]]
"""Runs a manifest with its actions in a configuration; draw None is the nominal run. Gives back a trace."""


@dataclass(frozen=True, slots=True)
class Source:
    """A recorded trace and what it was recorded from."""

    trace: Path
    id: str
    config: str
    manifest: Path
    actions: Path | None
    configuration: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one recording: the levels some draw reached, the nominal ones, and the best draw's differences."""

    id: str
    config: str
    trace: str
    levels: dict[str, bool]
    nominal: dict[str, bool]
    draw: int
    draws: int
    differences: list[Difference] = field(default_factory=list)

    @property
    def reproduced(self) -> bool:
        """Whether some draw is the recording at every level."""
        return all(self.levels.values())


def find_source(trace: str | Path, scenarios: str | Path | None = None) -> Source:
    """The scenario and the configuration that a trace was recorded from.

    A trace lies at ``<config>/<id>.json`` or ``<config>/reps/<id>.rN.json``; ``scenarios/`` and ``configs.json`` lie
    beside the configuration folders.
    """
    path = Path(trace)
    recorded = load_trace(path)
    folder = path.parent.parent if path.parent.name == "reps" else path.parent
    identity = recorded.get("id") or path.name.partition(".")[0]
    config = recorded.get("config") or folder.name
    manifests = Path(scenarios) if scenarios is not None else folder.parent / "scenarios"
    manifest = manifests / f"{identity}.yaml"
    if not manifest.exists():
        raise ScenarioError(f"no scenario {manifest}; say with --scenarios where they are", path=str(path))
    actions = manifests / f"{identity}.actions.json"
    return Source(
        trace=path,
        id=identity,
        config=config,
        manifest=manifest,
        actions=actions if actions.exists() else None,
        configuration=_configuration(path, (config, folder.name), (folder.parent, manifests.parent, manifests)),
    )


def _configuration(trace: Path, names: tuple[str, ...], folders: Iterable[Path]) -> dict[str, Any]:
    """The releases and gates of a configuration, known by the trace's own word or by its folder's name.

    A name may carry a prefix that says which scenarios were run there: ``rnd-1.29`` is the configuration ``1.29``.
    """
    places = [place for folder in dict.fromkeys(folders) if (place := folder / "configs.json").exists()]
    for place in places:
        known: dict[str, dict[str, Any]] = json.loads(place.read_text(encoding="utf-8"))
        for name in names:
            bare = name.partition("-")[2]
            if name in known or bare in known:
                return known[name] if name in known else known[bare]
    if not places:
        raise ScenarioError(
            "no configs.json beside its configuration's folder, nor beside the scenarios", path=str(trace)
        )
    raise ScenarioError(f'configuration "{names[0]}" is not in {places[0]}; it has {", ".join(known)}', path=str(trace))


def conform(
    traces: Iterable[str | Path],
    simulate: Simulate,
    *,
    scenarios: str | Path | None = None,
    jobs: int = 1,
    draws: int = DRAWS,
    progress: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Try to reproduce each recording; the results stand in the order asked for.

    With more than one job, ``simulate`` runs in other processes and must be a module's function.
    """
    sources = [find_source(trace, scenarios) for trace in traces]
    results: dict[int, Result] = {}
    for place, result in _each(sources, simulate, jobs, draws):
        results[place] = result
        if progress is not None:
            progress(result)
    return [results[place] for place in range(len(sources))]


def _each(sources: list[Source], simulate: Simulate, jobs: int, draws: int) -> Iterator[tuple[int, Result]]:
    if jobs <= 1:
        for place, source in enumerate(sources):
            yield place, conform_one(source, simulate, draws)
        return
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(conform_one, source, simulate, draws): place for place, source in enumerate(sources)}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def conform_one(source: Source, simulate: Simulate, draws: int = DRAWS) -> Result:
    """The nominal run, then draws, until one reaches every level."""
    recorded = load_trace(source.trace)
    recording = Recording.of(recorded)
    if recorded.get("runtimeFrom") == STATUSES:
        simulate = partial(_seen_through_statuses, simulate)
    levels = dict.fromkeys(LEVELS, False)
    nominal: dict[str, bool] | None = None
    best: tuple[int, int, dict[str, Any] | None, list[Difference]] = (-1, 0, None, [])
    tried = 0
    for draw in range(max(draws, 1)):
        tried = draw + 1
        found, trace = _attempt(source, recording, simulate, draw)
        nominal = found.levels if nominal is None else nominal
        reached = sum(found.levels.values())
        levels = {level: levels[level] or found.levels[level] for level in LEVELS}
        if reached > best[0]:
            best = (reached, draw, trace, found.differences)
        if reached == len(LEVELS) or trace is None or not _may_differ(found):
            break
    _, draw, trace, differences = best
    if trace is not None and differences:
        differences = compare(recording, trace).differences
    return Result(source.id, source.config, str(source.trace), levels, nominal or levels, draw, tried, differences)


def _seen_through_statuses(simulate: Simulate, *asked: Any) -> dict[str, Any]:
    """The simulated run as a recording through the API would have it."""
    return reduced_to_statuses(simulate(*asked))


def _attempt(
    source: Source, recording: Recording, simulate: Simulate, draw: int
) -> tuple[Comparison, dict[str, Any] | None]:
    """One run held against the recording; a run that cannot be made reproduces nothing, and says why."""
    try:
        trace = simulate(source.manifest, source.actions, source.configuration, draw or None)
    except KubesimError as error:
        why = Difference("L1", None, "simulation", "a run", str(error))
        return Comparison(dict.fromkeys(LEVELS, False), [why]), None
    return compare(recording, trace, every_level=False), trace


def _may_differ(found: Comparison) -> bool:
    """Whether another draw can do better: no latency changes what the API server answers to a create."""
    fixed = ("error", "warning")
    return not any(each.level == "L1" and each.what in fixed for each in found.differences)
