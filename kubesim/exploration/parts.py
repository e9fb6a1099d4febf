"""One run on several cores: its parts in processes of their own, and their histories made into one.

The history is the one that a single process gives, byte for byte. A scenario that does not fall into parts is run in
this process, and the outcome says why.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import msgspec

from kubesim.errors import KubesimError
from kubesim.history.history import History
from kubesim.history.interleaved import Order, interleaved, order_of
from kubesim.history.records import AnyRecord, Ended, Header
from kubesim.scenario.load import Scenario
from kubesim.scenario.parts import Split, Whole, split
from kubesim.sim.part_world import Bounds, PartRun, run_part
from kubesim.sim.world import World, rare_collections
from kubesim.units import Duration

_DECODER: Final[msgspec.msgpack.Decoder[list[AnyRecord]]] = msgspec.msgpack.Decoder(list[AnyRecord])
_HEADER: Final = msgspec.json.Decoder(Header)
_PATIENT_ROUNDS: Final = 3
"""After so many rounds the parts run to the very end, settled or not."""

Call: TypeAlias = Callable[[], PartRun]
RunAll: TypeAlias = Callable[[Sequence[Call]], list[PartRun]]
"""Makes calls, several at a time, and gives what they return in the order of the calls."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A history, and in how many parts it was simulated; if in one, why."""

    history: History
    parts: int
    why: str = ""


def run_in_parts(
    scenario: Scenario, jobs: int, *, until: Duration | None = None, level: str = "full", draw: int = 0
) -> Outcome:
    """Run a scenario on so many cores. Raises what :func:`kubesim.run` raises."""
    found = split(scenario, jobs, draw=draw) if jobs > 1 else Whole("one process was asked for")
    if isinstance(found, Split):
        try:
            with _processes(len(found.parts)) as run_all:
                return Outcome(together(scenario, found, run_all, until=until, level=level), len(found.parts))
        except (KubesimError, UnicodeEncodeError) as problem:
            found = Whole(str(problem))  # if it is the scenario's, the run below ends in it, too
    return Outcome(World(scenario, draw=draw, until=until, level=level).run(), 1, found.why)


def together(
    scenario: Scenario, found: Split, run_all: RunAll, *, until: Duration | None = None, level: str = "full"
) -> History:
    """The history of a scenario from those of its parts. Raises Renumbered where uids differ from what was planned."""
    packed = pickle.dumps((scenario, found, scenario.digest(), until, level))

    def run(bounds: dict[int, Bounds]) -> None:
        calls = [partial(_run_packed, packed, number, bound) for number, bound in bounds.items()]
        runs.update(zip(bounds, run_all(calls), strict=True))

    runs: dict[int, PartRun] = {}
    run({number: Bounds() for number in range(len(found.parts))})
    for patience in range(_PATIENT_ROUNDS, -1, -1):
        last = max(one.journal.instants[-1] for one in runs.values())
        last = last if patience else runs[0].limit
        early = [number for number, one in runs.items() if one.next_due is not None and one.next_due <= last]
        if not early:
            break
        run({number: Bounds(at_least=last) for number in early})
    order = order_of([runs[number].journal for number in sorted(runs)])
    too_far = {number: steps for number, steps in enumerate(order.steps) if steps < len(runs[number].journal)}
    if too_far:
        run({number: Bounds(steps=steps) for number, steps in too_far.items()})
    with rare_collections():
        return _history(scenario, [runs[number] for number in sorted(runs)], order, until, level)


def _run_packed(packed: bytes, number: int, bounds: Bounds) -> PartRun:
    """In a worker: one part of the scenario that was packed."""
    with rare_collections():
        scenario, found, digest, until, level = pickle.loads(packed)
        return run_part(scenario, found, number, digest, until, level, bounds)


def _history(scenario: Scenario, runs: Sequence[PartRun], order: Order, until: Duration | None, level: str) -> History:
    records = list(interleaved([_DECODER.decode(one.records) for one in runs], order, level=level))
    at = runs[0].limit if order.settled is None else order.settled
    left = sorted((line for one in runs for line in one.left), key=lambda line: line[0])
    records += [msgspec.structs.replace(line, at=at) for _, line in left]
    until = until if until is not None else scenario.until
    why = "settled" if order.settled is not None else "until" if until is not None else "horizon"
    return History(_header(scenario, [_HEADER.decode(one.header) for one in runs]), (*records, Ended(at=at, why=why)))


def _header(scenario: Scenario, headers: Sequence[Header]) -> Header:
    """The header of the whole: its nodes are all those of the parts."""
    nodes = {node.name: node for header in headers for node in header.nodes}
    return msgspec.structs.replace(headers[0], nodes=tuple(nodes[node.name] for node in scenario.cluster.nodes))


@contextmanager
def _processes(count: int) -> Iterator[RunAll]:
    """So many processes of this machine, by joblib's loky."""
    from joblib.externals.loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(max_workers=count)
    is_done = False

    def run_all(calls: Sequence[Call]) -> list[PartRun]:
        futures = [executor.submit(call) for call in calls]
        return [future.result() for future in futures]

    try:
        yield run_all
        is_done = True
    finally:
        executor.shutdown(wait=True, kill_workers=not is_done)
