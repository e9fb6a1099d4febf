"""The Dask engine: batches as tasks of a Dask cluster, which does those of a lost worker again on another."""

from __future__ import annotations

import signal
import threading
import warnings
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

from kubesim.exploration.engines import IN_FLIGHT, Batches, EngineError, Finished, batch_seconds, timed_rows

QUIET: Final = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "1s"}
"""Of a cluster of our own nobody looks at profiles; taking them costs a twentieth of a core while rows are run."""
WAIT_SECONDS: Final = 30
"""How long to wait for a scheduler, and for its first worker."""


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started inside do not hear Ctrl-C: this process does, and ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def timed_lines(header: bytes, rows: bytes) -> tuple[bytes, float]:
    """A batch as a worker gets and gives it, in one piece each: Dask looks at every item of a list."""
    numbers = array("q")
    numbers.frombytes(rows)
    lines, seconds = timed_rows(header, numbers)
    return b"\n".join(lines), seconds


class Dask:
    """A Dask cluster: the one whose scheduler is named, or one of this machine's own."""

    def __init__(self, scheduler: str | None, jobs: int | None = None) -> None:
        """``scheduler`` such as tcp://host:8786; ``jobs`` workers of a local cluster. Raises EngineError."""
        if find_spec("distributed") is None:
            raise EngineError("the engine dask needs dask.distributed: pip install 'kubesim[dask]'")
        self.scheduler = scheduler
        self.jobs = jobs

    def _client(self) -> Any:
        import dask
        from distributed import Client, LocalCluster

        if self.scheduler is None:
            with _deaf_to_interrupts(), dask.config.set(QUIET), warnings.catch_warnings():
                warnings.filterwarnings("ignore", r"\s*Port \d+ is already in use")  # of a page that nobody opens
                cluster = LocalCluster(
                    n_workers=self.jobs, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
                )
            return Client(cluster)
        try:
            return Client(self.scheduler, timeout=WAIT_SECONDS)
        except (OSError, ValueError) as problem:
            raise EngineError(
                f"no Dask scheduler answers at {self.scheduler} ({problem}); see --scheduler"
            ) from problem

    def run(self, header: bytes, rows: Sequence[int]) -> Iterator[Finished]:
        """The rows as they are done."""
        from distributed import as_completed

        client = self._client()
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
            batches = Batches(rows)
            running: Any = as_completed(with_results=True, raise_errors=True)
            sizes: dict[str, int] = {}

            def send() -> None:
                threads = max(sum(client.nthreads().values()), 1)
                batches.seconds = batch_seconds(threads)
                while len(sizes) < IN_FLIGHT * threads:
                    batch = batches.next(max(1, batches.left // (2 * threads)))
                    if not batch:
                        return
                    future = client.submit(timed_lines, header, array("q", batch).tobytes(), pure=False)
                    sizes[future.key] = len(batch)
                    running.add(future)

            send()
            for future, (lines, seconds) in running:
                batches.took(sizes.pop(future.key), seconds)
                send()
                yield lines.split(b"\n")
        except TimeoutError as problem:
            raise EngineError(f"the Dask scheduler has no worker after {WAIT_SECONDS} s; start some") from problem
        finally:
            cluster = client.cluster if self.scheduler is None else None
            client.close()
            if cluster is not None:
                cluster.close()
