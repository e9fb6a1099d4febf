"""What the engines of sweeps cost beside the rows they run, in CPU time; nothing is asserted.

Every batch says in which process it was run, and when on the CPU clock of that process it began and ended. What is
between the batches of a process is the engine's, and so is what this process does while it waits for them. What it
costs to start and to stop does not count, and neither does how busy the machine is.
"""

from __future__ import annotations

import gc
import json
import os
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kubesim.exploration import engines, engines_dask
from kubesim.exploration.engines import AllCores, Engine, InProcess
from kubesim.exploration.engines_dask import Dask
from kubesim.exploration.sweep import SweepHeader, encode_header, read_files, run_rows

ROOT = Path(__file__).resolve().parents[2]
ENGINES: dict[str, Callable[[], Engine]] = {
    "one": InProcess,
    "processes": lambda: AllCores(2),
    "dask": lambda: Dask(None, 2),
}


class Batch(NamedTuple):
    """Where and when a batch was run: a process, and CPU seconds of it."""

    process: int
    began: float
    ended: float


def header_of(rows: int) -> bytes:
    """A sweep of so many rows: one Pod, deleted."""
    files = read_files([str(ROOT / "scenarios" / "how-long-a-grace.yaml")])
    return encode_header(
        SweepHeader(kubesim="", scenario="bench", files=files, seeds=rows, measures=("sigkilled", "time-to-stop"))
    )


def clocked_rows(header: bytes, rows: Sequence[int]) -> tuple[list[bytes], float]:
    """In place of ``timed_rows``: a batch, with where and when it was run as its last line."""
    begun, began = time.perf_counter(), time.process_time()
    lines = run_rows(header, rows)
    batch = Batch(os.getpid(), began, time.process_time())
    return [*lines, json.dumps(batch).encode()], time.perf_counter() - begun


def clocked_lines(header: bytes, rows: bytes) -> tuple[bytes, float]:
    """In place of ``timed_lines``, likewise."""
    numbers = array("q")
    numbers.frombytes(rows)
    lines, seconds = clocked_rows(header, numbers)
    return b"\n".join(lines), seconds


def overhead(name: str, rows: int) -> tuple[float, int]:
    """The share that an engine adds to the CPU time of its rows, and in how many batches they went out."""
    plain = engines.timed_rows, engines_dask.timed_lines
    engines.timed_rows, engines_dask.timed_lines = clocked_rows, clocked_lines
    gc.collect()
    batches, here = [], list[float]()
    try:
        for lines in ENGINES[name]().run(header_of(rows), range(rows)):
            batches.append(Batch(*json.loads(lines[-1])))
            here.append(time.process_time())
    finally:
        engines.timed_rows, engines_dask.timed_lines = plain
    of_rows, between = sum(batch.ended - batch.began for batch in batches), 0.0
    for process in {batch.process for batch in batches}:
        own = [batch for batch in batches if batch.process == process]
        span = max(batch.ended for batch in own) - min(batch.began for batch in own)
        between += span - sum(batch.ended - batch.began for batch in own)
        between += 0 if process == os.getpid() else (here[-1] - here[0]) / len({one.process for one in batches})
    return between / of_rows, len(batches)
