"""Engines: who runs the rows of a sweep. Rows come back in any order, and are the same on every engine.

Work goes out in batches of about a second, so that what it costs to send one does not count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from kubesim.errors import KubesimError
from kubesim.exploration.sweep import run_rows

FIRST_BATCH: Final = 8
BATCH_SECONDS: Final = 1.0
BATCHES_A_SECOND: Final = 200
"""As many as Dask's scheduler serves in a quarter of its time (``python -m tests.bench.scale``)."""
LARGEST_BATCH: Final = 5_000
IN_FLIGHT: Final = 3
"""Batches sent out for each worker: one that runs, and some that wait, so that none is ever idle."""

Finished = Sequence[bytes]
"""The rows of one batch, as lines."""


class EngineError(KubesimError):
    """An engine that cannot be had: the message says what to install or to write."""


class Engine(Protocol):
    """Runs rows; ``run`` gives the rows of each batch as soon as it is done."""

    def run(self, header: bytes, rows: Sequence[int]) -> Iterator[Finished]: ...


def batch_seconds(workers: int) -> float:
    """How long a batch should take, for so many workers that one process serves: longer where they are many."""
    return max(BATCH_SECONDS, workers / BATCHES_A_SECOND)


class Batches:
    """Cuts rows into batches of about a second each, from how long the last ones took; safe to ask from one thread."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.seconds = BATCH_SECONDS
        """How long a batch should take."""
        self._rows = rows
        self._place = 0
        self._size = FIRST_BATCH

    def next(self, at_most: int = LARGEST_BATCH) -> Sequence[int] | None:
        """The next batch; None when there is none."""
        if self._place >= len(self._rows):
            return None
        batch = self._rows[self._place : self._place + min(self._size, at_most)]
        self._place += len(batch)
        return batch

    def took(self, rows: int, seconds: float) -> None:
        """A batch of so many rows took so long."""
        fitting = int(rows * self.seconds / max(seconds, 1e-6))
        self._size = max(1, min(fitting, 4 * self._size, LARGEST_BATCH))

    @property
    def left(self) -> int:
        """How many rows have not been given out."""
        return len(self._rows) - self._place


def timed_rows(header: bytes, rows: Sequence[int]) -> tuple[list[bytes], float]:
    """A batch, and the seconds it took: what a worker runs."""
    begun = time.perf_counter()
    return run_rows(header, rows), time.perf_counter() - begun


class InProcess:
    """One row after another, here."""

    def run(self, header: bytes, rows: Sequence[int]) -> Iterator[Finished]:
        """The rows in order."""
        batches = Batches(rows)
        while batch := batches.next():
            lines, seconds = timed_rows(header, batch)
            batches.took(len(batch), seconds)
            yield lines


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class AllCores:
    """Processes on this machine, by joblib's loky."""

    def __init__(self, jobs: int | None = None) -> None:
        """``jobs``: how many processes; without it, one for each core there is."""
        self.jobs: int = jobs or cores()

    def run(self, header: bytes, rows: Sequence[int]) -> Iterator[Finished]:
        """The rows as they are done. Rows whose process died are run again by themselves, once."""
        from joblib.externals.loky import BrokenProcessPool

        finished: set[int] = set()
        try:
            for batch, lines in self._run(header, rows, LARGEST_BATCH):
                finished.update(batch)
                yield lines
            return
        except BrokenProcessPool:
            left = [row for row in rows if row not in finished]
        yield from self._run_singly(header, left)

    def _run(self, header: bytes, rows: Sequence[int], at_most: int) -> Iterator[tuple[Sequence[int], Finished]]:
        from concurrent.futures import FIRST_COMPLETED, Future, wait

        from joblib.externals.loky import ProcessPoolExecutor

        batches = Batches(rows)
        pending: dict[Future[tuple[list[bytes], float]], Sequence[int]] = {}
        executor = ProcessPoolExecutor(max_workers=self.jobs)
        try:
            while True:
                room = IN_FLIGHT * self.jobs - len(pending)
                fair = max(1, batches.left // (2 * self.jobs))
                while room > 0 and (batch := batches.next(min(at_most, fair))):
                    pending[executor.submit(timed_rows, header, batch)] = batch
                    room -= 1
                if not pending:
                    break
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    batch = pending.pop(future)
                    lines, seconds = future.result()
                    batches.took(len(batch), seconds)
                    yield batch, lines
        finally:
            executor.shutdown(wait=True, kill_workers=bool(pending))

    def _run_singly(self, header: bytes, rows: Sequence[int]) -> Iterator[Finished]:
        """One row at a time in a process of its own: the row that ends its process is found, and says so."""
        from joblib.externals.loky import BrokenProcessPool

        alone = AllCores(1)
        waiting = list(rows)
        while waiting:
            try:
                for batch, lines in alone._run(header, waiting, 1):
                    waiting = [row for row in waiting if row not in batch]
                    yield lines
            except BrokenProcessPool:
                row = waiting.pop(0)
                yield [_died(row)]


def _died(row: int) -> bytes:
    return msgspec.json.encode({"row": row, "error": "the process that ran this row ended (out of memory?)"})


def engine_named(name: str, jobs: int | None, scheduler: str | None) -> Engine:
    """The engine of that name: processes (all cores), one (in this process) or dask. Raises EngineError."""
    if name == "dask":
        from kubesim.exploration.engines_dask import Dask

        return Dask(scheduler, jobs)
    makers: dict[str, Callable[[], Engine]] = {"one": InProcess, "processes": lambda: AllCores(jobs)}
    return makers[name]()
