"""Every engine gives the same rows, whatever dies on the way: a worker, or the sweep itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubesim.exploration import engines
from kubesim.exploration.engines import AllCores, Batches, Engine, InProcess
from kubesim.exploration.engines_dask import Dask
from kubesim.exploration.sweep import encode_header
from kubesim.history.history import History
from tests.unit.exploration.sweep_pieces import header, sweep, written

ROOT = Path(__file__).parents[3]
KUBESIM = Path(sys.executable).with_name("kubesim")
VALUES = {"spec.terminationGracePeriodSeconds": "2,4,8,30"}
HEADER = header(set=VALUES, seeds=15)


def rows(engine: Engine, of: bytes) -> list[bytes]:
    """What the engine gives, in order of the rows."""
    size = 60
    found = [line for batch in engine.run(of, range(size)) for line in batch]
    return sorted(found, key=lambda line: int(json.loads(line)["row"]))


@pytest.fixture(scope="module")
def expected() -> list[bytes]:
    return rows(InProcess(), encode_header(HEADER))


def test_rows_are_the_same_on_all_cores(expected: list[bytes]) -> None:
    assert rows(AllCores(2), encode_header(HEADER)) == expected


def test_batches_grow_to_about_a_second() -> None:
    batches = Batches(range(10_000))
    sizes = []
    while batch := batches.next():
        sizes.append(len(batch))
        batches.took(len(batch), len(batch) * 0.002)
    assert sum(sizes) == 10_000
    assert sizes[0] == engines.FIRST_BATCH
    assert max(sizes) == 500
    assert sizes.index(500) <= 4


def test_batches_are_longer_where_one_process_serves_many_workers() -> None:
    assert [engines.batch_seconds(workers) for workers in (1, 2, 200, 400, 3_000)] == [1, 1, 1, 2, 15]
    batches = Batches(range(10_000))
    batches.seconds = engines.batch_seconds(400)
    while batch := batches.next():
        size = len(batch)
        batches.took(size, size * 0.01)
        if size == 200:
            break
    assert size == 200


def ends_its_process(history: History) -> bool:
    """A measure of which one row takes its process down, as one does that needs too much memory."""
    if history.header.seed == 3:
        os._exit(9)
    return True


def test_a_row_that_ends_its_process_is_found_and_the_others_are_there() -> None:
    own = "tests.unit.exploration.test_engines:ends_its_process"
    one_bad = header(seeds=4, measures=(own,))
    found = [json.loads(line) for batch in AllCores(2).run(encode_header(one_bad), range(4)) for line in batch]
    by_row = {row["row"]: row for row in found}
    assert sorted(by_row) == list(range(4))
    assert "the process that ran this row ended" in by_row[2]["error"]
    assert all(by_row[row][own] is True for row in range(4) if row != 2)


# -- the whole command, killed -----------------------------------------------------------------------------------------


def command(folder: Path, results: Path, *words: str) -> list[str]:
    settings = ["--set", "spec.terminationGracePeriodSeconds=2,4,8,30", "--measure", "sigkilled"]
    return [str(KUBESIM), "sweep", written(folder), *settings, "--results", str(results), *words]


def started(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("engine", ["one", "processes"])
def test_a_killed_sweep_goes_on_and_equals_one_that_was_not(tmp_path: Path, engine: str) -> None:
    results, part = tmp_path / "r.jsonl", tmp_path / "r.jsonl.part"
    words = command(tmp_path, results, "--seeds", "30", "--engine", engine, "--jobs", "2")
    process = started(words)
    wait_until(lambda: lines_of(part) > 20, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = part.read_bytes()
    assert 20 < lines_of(part) < 121, "killed in the middle"
    with part.open("ab") as file:
        file.write(b'{"row":399,"release":"1.3')
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    whole = tmp_path / "whole.jsonl"
    subprocess.run(
        command(tmp_path, whole, "--seeds", "30", "--engine", "one"), cwd=ROOT, check=True, capture_output=True
    )
    assert results.read_bytes() == whole.read_bytes()
    assert set(kept.splitlines()) <= set(results.read_bytes().splitlines()), "nothing that was kept is lost"
    assert not part.exists()


def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    process = started(command(tmp_path, results, "--seeds", "1000", "--jobs", "2"))
    wait_until(lambda: lines_of(tmp_path / "r.jsonl.part") > 8, process)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"of 4000 rows are done and kept in" in error
    assert b"Traceback" not in error
    assert out.startswith(b"spec.terminationGracePeriodSeconds"), "a summary of what is there"


# -- Dask --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers, each a process of its own, on loopback."""
    pytest.importorskip("distributed")
    file = folder / "scheduler.json"
    run = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    processes = [started([*run, "--no-dashboard", "--no-show", "--scheduler-file", str(file)])]
    try:
        wait_until(lambda: file.exists() and b"address" in file.read_bytes(), processes[0])
        address = json.loads(file.read_text())["address"]
        run = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
        processes += [
            started([*run, "--no-dashboard", "--name", str(number), "--local-directory", str(folder)])
            for number in range(workers)
        ]
        yield address, processes[1:]
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.slow
def test_dask_gives_the_same_rows_though_a_worker_dies(tmp_path: Path, expected: list[bytes]) -> None:
    with dask_cluster(tmp_path, 2) as (address, workers):
        found: list[bytes] = []
        for number, batch in enumerate(Dask(address).run(encode_header(HEADER), range(60))):
            found += batch
            if number == 0:
                os.killpg(workers[0].pid, signal.SIGKILL)
        assert workers[0].wait(timeout=10) == -signal.SIGKILL
        assert workers[1].poll() is None
    assert sorted(found, key=lambda line: int(json.loads(line)["row"])) == expected


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("kubesim.exploration.engines_dask.WAIT_SECONDS", 1)
    with pytest.raises(engines.EngineError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        next(Dask("tcp://127.0.0.1:9").run(encode_header(HEADER), range(1)))


def test_without_dask_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(engines.EngineError, match=r"pip install 'kubesim\[dask\]'"):
        Dask(None)


def test_the_sweep_of_these_tests_has_something_to_tell_apart(expected: list[bytes]) -> None:
    killed = {json.loads(line)["sigkilled"] for line in expected}
    assert killed == {True, False}
    assert sweep(set=VALUES, seeds=15).size == len(expected)
