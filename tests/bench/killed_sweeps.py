"""A sweep at full size that is killed and goes on, and one on Dask that loses a worker: both equal one left alone.

``python -m tests.bench.killed_sweeps [--rows 10000]`` takes some minutes and says each step; the exit status is 1 if a
result differs by a byte, or if nothing was killed in the middle. Small ones are among the tests of the engines.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KUBESIM = str(Path(sys.executable).with_name("kubesim"))
SCENARIO = str(ROOT / "scenarios" / "how-long-a-grace.yaml")
POINTS = 4
"""Grace periods that the scenario's sweep compares."""
PATIENCE = 1200
"""Seconds after which a step counts as stuck."""


def sweep(seeds: int, results: Path, *words: str) -> list[str]:
    """The command: the scenario's four grace periods, so many seeds each."""
    return [KUBESIM, "sweep", SCENARIO, "--seeds", str(seeds), "--results", str(results), *words]


def started(words: list[str], errors: int | None = None) -> subprocess.Popen[bytes]:
    """A process with a group of its own, so that its workers end with it; ``errors``: where it writes them."""
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """``kill -9`` of a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rows_in(path: Path) -> int:
    """How many rows a file of results has, its header not counted."""
    return max(path.read_bytes().count(b"\n") - 1, 0) if path.exists() else 0


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait for something while a process runs; SystemExit if it ends before, or nothing comes."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"stuck: {' '.join(process.args)}")  # type: ignore[arg-type]  # a list of words
        time.sleep(0.05)


def killed_in_the_middle(words: list[str], part: Path, rows: int) -> int:
    """Run a sweep until a third of its rows are there, then kill it; how many rows it had."""
    process = started(words)
    wait_until(lambda: rows_in(part) > rows // 3, process)
    kill(process)
    return rows_in(part)


@contextlib.contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers, each a process of its own, on loopback: the address, and the workers."""
    file = folder / "scheduler.json"
    quiet = ["--no-dashboard"]
    run = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *quiet]
    silent = subprocess.DEVNULL
    processes = [started([*run, "--no-show", "--scheduler-file", str(file)], silent)]
    try:
        wait_until(lambda: file.exists() and b"address" in file.read_bytes(), processes[0])
        address = json.loads(file.read_text())["address"]
        run = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", *quiet]
        processes += [started([*run, "--local-directory", str(folder)], silent) for _ in range(workers)]
        yield address, processes[1:]
    finally:
        for process in processes:
            kill(process)


def on_dask_with_a_loss(seeds: int, results: Path, part: Path, folder: Path) -> int:
    """Run a sweep on two workers, one of which is killed after a third of the rows; how many rows there were then."""
    with dask_cluster(folder, 2) as (address, workers):
        process = started(sweep(seeds, results, "--engine", "dask", "--scheduler", address))
        wait_until(lambda: rows_in(part) > seeds * POINTS // 3, process)
        kill(workers[0])
        there = rows_in(part)
        if process.wait(timeout=PATIENCE):
            sys.exit("the sweep on Dask failed")
    return there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="how many rows the sweep has")
    seeds = parser.parse_args().rows // POINTS
    rows, began = seeds * POINTS, time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, resumed, lossy = (folder / f"{one}.jsonl" for one in ("whole", "resumed", "lossy"))
        part, words = resumed.with_name("resumed.jsonl.part"), sweep(seeds, resumed, "--jobs", "2")
        subprocess.run(sweep(seeds, whole, "--jobs", "2"), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        say(f"{rows_in(whole)} rows in two processes, left alone")
        there = killed_in_the_middle(words, part, rows)
        say(f"the same killed (kill -9) after {there} rows")
        subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        say(f"and gone on with: {rows_in(resumed)} rows")
        lost_at = on_dask_with_a_loss(seeds, lossy, lossy.with_name("lossy.jsonl.part"), folder)
        say(f"on Dask, one of two workers killed (kill -9) after {lost_at} rows: {rows_in(lossy)} rows")
        same = whole.read_bytes() == resumed.read_bytes() == lossy.read_bytes()
    in_the_middle = max(there, lost_at) < rows
    say("all three are the same, byte for byte" if same else "THEY DIFFER")
    sys.exit(0 if same and in_the_middle else 1)


if __name__ == "__main__":
    main()
