"""What is known of more than one machine: measured on this one, computed for a thousand million Pod lifecycles.

``python -m tests.bench.scale [--write docs/scale.md]`` takes a minute or two. Everything is CPU time or memory, so
that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kubesim.exploration.engines import BATCHES_A_SECOND, FIRST_BATCH
from kubesim.exploration.sweep import Sweep, decode_header
from kubesim.exploration.sweep_journal import Journal
from tests.bench import bench, engines
from tests.bench.killed_sweeps import dask_cluster

MANY = 10**9
CORES = 1_000
PRICE = 0.03
"""Of a currency's unit, for an hour of a core."""
PODS_A_RUN = 150_000
JOURNALLED = 200_000
TASKS = 300
BATCH = 300
"""Rows of a batch of about a second."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; seconds of CPU and bytes."""

    row_seconds: float
    row_bytes: float
    journal_seconds: float
    journal_bytes: float
    scheduler_seconds: float
    """Of Dask's scheduler, for a task of some hundred rows."""
    task_seconds: float
    """Of the client, for a task."""
    client_seconds: float
    """Of the client, for a row that comes back."""
    pod_seconds: float
    pod_bytes: float


def row(count: int = 400) -> tuple[float, float]:
    """CPU seconds and bytes of a row of a sweep."""
    sweep = Sweep(decode_header(engines.header_of(count)))
    sweep.row(0)
    seconds = bench.timed(lambda: [sweep.row(number) for number in range(count)], 2)
    size = sum(len(msgspec.json.encode(sweep.row(number))) + 1 for number in range(FIRST_BATCH)) / FIRST_BATCH
    return seconds / count, size


def journal() -> tuple[float, float]:
    """CPU seconds of the process that keeps the results, and bytes of its memory, for a row."""
    header = decode_header(engines.header_of(JOURNALLED))
    line = b'{"row":%d,"release":"1.36","seed":1,"spec.terminationGracePeriodSeconds":5,"sigkilled":false}'
    batches = [[line % row for row in range(at, at + BATCH)] for at in range(0, JOURNALLED, BATCH)]

    def keep(results: Path) -> Journal:
        kept = Journal(results, header)
        for batch in batches:
            kept.append(batch)
        return kept

    with tempfile.TemporaryDirectory() as folder:
        gc.collect()
        began = time.process_time()
        keep(Path(folder) / "timed.jsonl").finish()
        seconds = time.process_time() - began
        tracemalloc.start()
        kept = keep(Path(folder) / "weighed.jsonl")
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        kept.close()
    return seconds / JOURNALLED, size / JOURNALLED


def carried(header: bytes, rows: bytes) -> tuple[bytes, float]:
    """A task that costs nothing but its way: rows as long as real ones come back."""
    return b"\n".join([b"x" * 80] * (len(rows) // 8)), 0.0


def dask() -> tuple[float, float, float]:
    """CPU seconds of a Dask scheduler and of its client for a task, and of the client for a row; two workers."""
    from distributed import Client

    with (
        tempfile.TemporaryDirectory() as folder,
        dask_cluster(Path(folder), 2) as (address, _),
        contextlib.closing(Client(address)) as client,
    ):
        client.wait_for_workers(2)
        _tasks(client, 10, 1)
        scheduler, short = _tasks(client, TASKS, BATCH)
        _, long = _tasks(client, TASKS, 10 * BATCH)
    of_row = max((long - short) / (9 * BATCH), 0)
    return scheduler, short - of_row * BATCH, of_row


def _tasks(client: Any, tasks: int, rows: int) -> tuple[float, float]:
    """CPU seconds of scheduler and client for a task that brings so many rows back."""
    from distributed import as_completed

    header = engines.header_of(rows)
    before, began = client.run_on_scheduler(time.process_time), time.process_time()
    running = [client.submit(carried, header, bytes(8 * rows), pure=False) for _ in range(tasks)]
    for _, (lines, _) in as_completed(running, with_results=True):
        lines.split(b"\n")
    scheduler, here = client.run_on_scheduler(time.process_time) - before, time.process_time() - began
    return scheduler / tasks, here / tasks


def pods() -> tuple[float, float]:
    """CPU seconds and bytes of one Pod more in a large run of Deployments, Jobs and CronJobs."""
    found = []
    for count, nodes in ((3_000, 100), (9_000, 300)):
        setup = bench.SETUP + f"scenario = scenario_of(everything({count}, {nodes}))"
        took = bench.in_a_process_of_its_own("World(scenario, level='summary').run()", setup)
        found.append((count, took.cpu, took.memory * 2**20))
    (few, little, small), (many, much, big) = found
    return (much - little) / (many - few), (big - small) / (many - few)


def measured() -> Figures:
    """Everything, one after the other, with a word on each."""
    found: list[float] = []
    measures: dict[str, Callable[[], tuple[float, ...]]] = {
        "a row": row,
        "the journal": journal,
        "Dask": dask,
        "a large run": pods,
    }
    for what, measure in measures.items():
        began, figures = time.monotonic(), measure()
        found += figures
        text = ", ".join(f"{figure:.3g}" for figure in figures)
        print(f"{what}: {text}  ({time.monotonic() - began:.0f} s)", flush=True)
    return Figures(*found)


def lines(one: Figures) -> Iterator[str]:
    """The table: what was measured, and what follows from it."""
    hours, run_hours = one.row_seconds * MANY / 3600, one.pod_seconds * MANY / 3600
    client = one.client_seconds + one.journal_seconds
    left = max(1 - BATCHES_A_SECOND * one.task_seconds, 0)
    yield "| | measured | for 10⁹ |"
    yield "|---|---|---|"
    yield _line(
        "as rows of a sweep, a Pod each",
        f"{1e3 * one.row_seconds:.2f} ms of CPU and {one.row_bytes:.0f} bytes a row",
        f"{hours:,.0f} core-hours, {hours * 60 / CORES:.0f} minutes on {CORES:,} cores, {PRICE * hours:.0f} to pay; "
        f"{one.row_bytes * MANY / 1e9:.0f} GB of rows",
    )
    yield _line(
        "as Pods of large single runs",
        f"{1e3 * one.pod_seconds:.2f} ms of CPU and {one.pod_bytes / 1024:.0f} KiB a Pod",
        f"{run_hours:,.0f} core-hours, {PRICE * run_hours:.0f} to pay; {MANY / PODS_A_RUN:,.0f} runs of {PODS_A_RUN:,} "
        f"Pods, {one.pod_seconds * PODS_A_RUN / 60:.0f} minutes and {one.pod_bytes * PODS_A_RUN / 2**30:.1f} GiB each",
    )
    yield _line(
        "the client: a task sent and received",
        f"{1e3 * one.task_seconds:.2f} ms",
        f"{BATCHES_A_SECOND} tasks a second at most, which take {100 * (1 - left):.0f} % of its time",
    )
    yield _line(
        "the client: a row received, written and indexed",
        f"{1e6 * client:.2f} µs, {1e6 * one.journal_seconds:.2f} of it for the journal",
        f"{left / client:,.0f} rows a second in the rest, the work of {left * one.row_seconds / client:,.0f} cores",
    )
    yield _line(
        "Dask's scheduler: a task",
        f"{1e3 * one.scheduler_seconds:.2f} ms",
        f"{100 * BATCHES_A_SECOND * one.scheduler_seconds:.0f} % of its time for {BATCHES_A_SECOND} tasks a second",
    )
    yield _line(
        "the journal's index",
        f"{one.journal_bytes:.0f} bytes a row",
        f"{one.journal_bytes * MANY / 2**30:.0f} GiB for one file of all rows",
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="put the table into this page, too")
    options, about = parser.parse_args(), bench.machine()
    print(about)
    table = list(lines(measured()))
    print("\n".join(table))
    if options.write is not None:
        bench.write_between(options.write, "python -m tests.bench.scale", [f"Machine: {about}.", "", *table])


if __name__ == "__main__":
    main()
