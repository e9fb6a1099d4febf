"""A sweep as data: what is varied, on which releases, under which seeds, what is measured; and the runs of its rows.

The header determines every row: same header, same rows, on whatever engine. It is the first line of the results, and
what an engine sends to its workers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple

import msgspec

from kubesim.errors import KubesimError, ScenarioError
from kubesim.exploration.design import Design, make_design
from kubesim.exploration.measures import Measure, find_measure
from kubesim.exploration.sweep_paths import Path, parse_path, with_value
from kubesim.exploration.sweep_values import parse_values
from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.objects.yaml import Document, Source, documents_of, read_source
from kubesim.scenario.load import Scenario, is_scenario, scenario_of
from kubesim.units import Duration

PLAIN_COLUMNS: Final = ("row", "release", "seed")
"""The first columns of every row; parameters, measures and perhaps ``error`` follow."""


class Text(msgspec.Struct, frozen=True):
    """One file of the scenario: its name, for messages, and all it says."""

    path: str
    text: str


class SweepHeader(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="sweep", omit_defaults=True):
    """Everything that determines the rows of a sweep. Rows are counted from 0: points, then releases, then seeds."""

    kubesim: str
    scenario: str
    files: tuple[Text, ...]
    set: dict[str, Any] = {}
    design: str = "grid"
    samples: int | None = None
    design_seed: int = 0
    releases: tuple[str, ...] = ()
    """Empty: the scenario's own."""
    seeds: int = 0
    """Replications 1 to N of each point; 0: one run, under the scenario's own seed."""
    independent: bool = False
    """Other seeds for every point, instead of common random numbers."""
    until: Duration | None = None
    measures: tuple[str, ...]


class Case(NamedTuple):
    """What a row runs: the values of its point, its release (None: the scenario's own) and seed (None: likewise)."""

    row: int
    point: tuple[Any, ...]
    release: str | None
    seed: int | None


class Sweep:
    """A header made ready to run: paths parsed, the design laid out, measures found.

    Raises ScenarioError for a header that says what cannot be.
    """

    def __init__(self, header: SweepHeader) -> None:
        self.header = header
        self.names = tuple(header.set)
        self.paths: tuple[Path, ...] = tuple(parse_path(name) for name in self.names)
        values = [parse_values(given, name) for name, given in header.set.items()]
        self.design: Design = make_design(self.names, values, header.design, header.samples, header.design_seed)
        self.documents = tuple(
            document for file in header.files for document in documents_of(Source(file.path, file.text))
        )
        self.measures: tuple[Measure, ...] = tuple(find_measure(name) for name in header.measures)
        self.releases: tuple[str | None, ...] = header.releases or (None,)
        self._last: tuple[tuple[Any, ...], Scenario] | None = None

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self.design.size * len(self.releases) * max(self.header.seeds, 1)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a row, in order; ``error`` is there only in rows that failed."""
        return (*PLAIN_COLUMNS, *self.names, *self.header.measures)

    def case(self, row: int) -> Case:
        """What the row runs."""
        header = self.header
        point_and_release, replication = divmod(row, max(header.seeds, 1))
        number, place = divmod(point_and_release, len(self.releases))
        seed = replication + 1 if header.seeds else None
        if header.independent and seed is not None:
            seed += number * header.seeds
        return Case(row, self.design.point(number), self.releases[place], seed)

    def scenario(self, point: tuple[Any, ...]) -> Scenario:
        """The scenario with the values of a point set. Raises ScenarioError for values that do not fit."""
        if self._last is not None and self._last[0] == point:
            return self._last[1]
        documents: tuple[Document, ...] = self.documents
        for path, value in zip(self.paths, point, strict=True):
            documents = with_value(documents, path, value)
        scenario = scenario_of(documents)
        if not scenario.name:
            scenario = replace(scenario, name=self.header.scenario)
        self._last = (point, scenario)
        return scenario

    def history(self, row: int) -> History:
        """The run of a row."""
        from kubesim.sim.world import World  # imports simpy: only when something is run

        case = self.case(row)
        scenario = self.scenario(case.point)
        if case.release is not None:
            scenario = scenario.on(case.release)
        if case.seed is not None:
            scenario = replace(scenario, seed=case.seed)
        return World(scenario, draw=case.seed or 0, until=self.header.until).run()

    def row(self, number: int) -> dict[str, Any]:
        """The row: what it ran and what was measured; one that fails says why in ``error``."""
        case = self.case(number)
        row: dict[str, Any] = {"row": number, "release": case.release, "seed": case.seed}
        row.update(zip(self.names, case.point, strict=True))
        try:
            history = self.history(number)
            row["release"] = history.header.control_plane.release
            row["seed"] = history.header.seed
            row.update((measure.name, None) for measure in self.measures)
            _check_accepted(history)
            scenario = self.scenario(case.point)
            row.update((measure.name, measure.of(history, scenario)) for measure in self.measures)
        except Exception as problem:  # noqa: BLE001  # a row that fails is a row with its error, never a lost batch
            row["error"] = str(problem) if isinstance(problem, KubesimError) else f"{type(problem).__name__}: {problem}"
        return row


def _check_accepted(history: History) -> None:
    """A run whose manifests the API server refused answers nothing."""
    for action in history.of(ActionDone):
        if action.do.startswith("create ") and action.code >= 400:
            raise KubesimError(action.kubectl or action.message)


def read_files(paths: Iterable[str]) -> tuple[Text, ...]:
    """The files of a scenario, whole in themselves: objects that actions name by file are put in their place.

    Raises ScenarioError as loading the scenario does.
    """
    sources = [read_source(path) for path in paths]
    scenario_of([document for source in sources for document in documents_of(source)])
    return tuple(Text(source.path, _self_contained(source)) for source in sources)


def _self_contained(source: Source) -> str:
    documents = documents_of(source)
    if not any(_names_a_file(document) for document in documents):
        return source.text
    folder = FilePath(source.path).parent
    return "\n".join(json.dumps(_inlined(document.raw, folder)) for document in documents)


def _names_a_file(document: Document) -> bool:
    actions = (document.raw.get("spec") or {}).get("actions") or [] if is_scenario(document) else []
    return any("file" in (action.get(verb) or {}) for action in actions for verb in ("apply", "create"))


def _inlined(raw: Any, folder: FilePath) -> Any:
    """A Scenario with the content of each file of an apply or create in the file's place."""
    match raw:
        case {"file": str(name), **rest} if not rest:
            items = [document.raw for document in documents_of(read_source(folder / name))]
            return {"object": {"apiVersion": "v1", "kind": "List", "items": items}}
        case dict():
            return {key: _inlined(value, folder) for key, value in raw.items()}
        case list():
            return [_inlined(value, folder) for value in raw]
        case _:
            return raw


def encode_header(header: SweepHeader) -> bytes:
    """The header as the first line of the results, and as workers get it."""
    return msgspec.json.encode(header)


def decode_header(line: bytes) -> SweepHeader:
    """The header of a line; raises ScenarioError for one that is none."""
    try:
        return msgspec.json.decode(line, type=SweepHeader)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ScenarioError(f"not the header of a sweep: {problem}") from problem


@lru_cache(maxsize=4)
def _prepared(header: bytes) -> Sweep:
    return Sweep(decode_header(header))


def run_rows(header: bytes, rows: Sequence[int]) -> list[bytes]:
    """The rows as JSON lines without line ends: what a worker does with a batch."""
    sweep = _prepared(header)
    return [msgspec.json.encode(sweep.row(number)) for number in rows]
