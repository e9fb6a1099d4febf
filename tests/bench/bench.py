"""Speed, as ratios and figures of one machine; prints a table, never asserts.

``python -m tests.bench.bench [--quick] [--write docs/performance.md]``: what ``docs/design.md`` promises about speed.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import simpy

from kubesim import api
from kubesim.exploration.engines import AllCores, Engine, InProcess, cores
from kubesim.exploration.sweep import Sweep, SweepHeader, encode_header, read_files
from kubesim.sim.world import World
from kubesim.units import DAY, HOUR
from tests.bench import workloads

ROOT = Path(__file__).resolve().parents[2]
Row = tuple[str, str, str]
"""What was measured, the figure, and the goal."""


def timed(work: Callable[[], object], repeat: int = 3) -> float:
    """The shortest of some runs, in seconds of CPU: what others do on the machine counts least so."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def elapsed(work: Callable[[], object], repeat: int = 3) -> float:
    """The shortest of some runs, in seconds on the wall."""
    best = float("inf")
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def bare_simpy(events: int) -> None:
    """The same number of events with nothing to do, on bare SimPy."""
    environment = simpy.Environment()
    for delay in range(events):
        simpy.Timeout(environment, delay).callbacks.append(lambda event: None)
    environment.run()


def in_a_process_of_its_own(code: str, setup: str = "") -> tuple[float, float]:
    """CPU seconds of a piece of Python in a new process after its setup, and the peak memory of all (MiB)."""
    script = f"import gc, resource, time\n{setup}\ngc.collect()\nbegan = time.process_time()\n{code}\n"
    script += "print(time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


_HEAD = "from tests.bench.workloads import *\nfrom kubesim.sim.world import World\nWorld(scenario_of(pods(2))).run()\n"


def of_the_shell() -> Iterator[Row]:
    program = str(Path(sys.executable).with_name("kubesim"))
    demo = str(ROOT / "scenarios" / "demo.yaml")
    for words, goal in ((["--help"], ""), (["run", demo], "0.5 s")):
        seconds = elapsed(lambda words=words: subprocess.run([program, *words], check=True, capture_output=True))  # type: ignore[misc]
        yield f"`kubesim {words[0]}` from the shell", f"{seconds:.2f} s", goal
    seconds, _ = in_a_process_of_its_own("import kubesim")
    yield "`import kubesim`", f"{1e3 * seconds:.0f} ms of CPU", ""


def of_time_that_passes() -> Iterator[Row]:
    scenario = workloads.scenario_of(workloads.STABLE)
    hour = timed(lambda: api.run(scenario, until=HOUR), 5)
    month = timed(lambda: api.run(scenario, until=30 * DAY), 5)
    yield "30 days of a stable Pod with probes, against one hour", f"{month / hour:.2f}x", "1.2x"
    ticks = 30 * DAY // HOUR * 3600 * 2
    sample = timed(lambda: bare_simpy(100_000), 1)
    yield (
        "the same, against only the ticks of sync loop and relist on bare SimPy",
        f"{month / (ticks * sample / 1e5):.4f}x",
        "",
    )


def of_events(count: int) -> Iterator[Row]:
    scenario = workloads.scenario_of(workloads.pods(count))
    world = World(scenario)
    world.run()
    bare = timed(lambda: bare_simpy(world.clock.fired))
    ours = timed(lambda: World(scenario).run())
    yield f"{world.clock.fired} events of {count} Pods, against bare SimPy", f"{ours / bare:.0f}x", "3x"


def of_pods(counts: tuple[int, ...]) -> Iterator[Row]:
    each: dict[int, float] = {}
    for count in counts:
        setup = _HEAD + f"scenario = scenario_of(pods({count}))"
        seconds, memory = in_a_process_of_its_own("World(scenario).run()", setup)
        each[count] = seconds / count
        goal = "1 s" if count == 1000 else ""
        text = f"{seconds:.2f} s of CPU, {1e3 * each[count]:.2f} ms each, {memory:.0f} MiB"
        yield f"{count} Pods (init, sidecar with startup probe, main): created, completed, deleted", text, goal
    yield f"cost of a Pod among {counts[-1]}, against {counts[0]}", f"{each[counts[-1]] / each[counts[0]]:.2f}x", "1.3x"


def of_clusters(pods: int, nodes: int) -> Iterator[Row]:
    run = "World(scenario, level='summary').run()"
    seconds, memory = in_a_process_of_its_own(run, _HEAD + "scenario = scenario_of(comparison())")
    yield (
        "100 nodes, 1,067 Pods that run for 1 to 10 minutes",
        f"{seconds:.2f} s of CPU, {memory:.0f} MiB",
        "1 s, 150 MiB",
    )
    seconds, memory = in_a_process_of_its_own(run, _HEAD + f"scenario = scenario_of(everything({pods}, {nodes}))")
    text = f"{seconds:.1f} s of CPU, {1e3 * seconds / pods:.2f} ms each, {memory:.0f} MiB"
    yield f"{pods} Pods of Deployments and Jobs on {nodes} nodes", text, ""


def of_sweeps(rows: int) -> Iterator[Row]:
    files = read_files([str(ROOT / "scenarios" / "how-long-a-grace.yaml")])
    header = SweepHeader(kubesim="", scenario="bench", files=files, seeds=rows, measures=("sigkilled",))
    sweep, encoded = Sweep(header), encode_header(header)

    def all_rows(engine: Engine) -> Callable[[], object]:
        return lambda: [line for batch in engine.run(encoded, range(rows)) for line in batch]

    alone = timed(lambda: [sweep.row(number) for number in range(rows)], 2)
    yield "a row of a sweep (one Pod, deleted)", f"{1e3 * alone / rows:.1f} ms of CPU", ""
    yield "engine `one`, against the rows alone", f"{timed(all_rows(InProcess()), 2) / alone:.2f}x", "1.1x"
    one, two = elapsed(all_rows(AllCores(1)), 2), elapsed(all_rows(AllCores(2)), 2)
    yield "engine `processes`: two processes, against one", f"{one / two:.2f}x as fast", "2x"


def machine() -> str:
    """What the machine is, without its name."""
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    kind = model or platform.machine()
    python = platform.python_version()
    return f"{kind}, {cores()} cores, {memory:.0f} GiB, Python {python}; load when the run began: {load:.1f}"


def rows(*, quick: bool) -> Iterator[Row]:
    """Everything that is measured."""
    yield from of_the_shell()
    yield from of_time_that_passes()
    yield from of_events(100 if quick else 200)
    yield from of_pods((100, 1_000) if quick else (1_000, 10_000, 100_000))
    yield from of_clusters(*((3_000, 100) if quick else (150_000, 5_000)))
    yield from of_sweeps(100 if quick else 1_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the large runs")
    parser.add_argument("--write", type=Path, help="put the table into this page, too")
    options = parser.parse_args()
    about, lines = machine(), ["| measured | figure | goal |", "|---|---|---|"]
    print(about)
    for row in rows(quick=options.quick):
        print(f"{row[0]:<82} {row[1]:<44} {row[2]}", flush=True)
        lines.append(f"| {row[0]} | {row[1]} | {row[2]} |")
    if options.write is not None:
        begin, end = "<!-- begin: make bench -->", "<!-- end: make bench -->"
        text = options.write.read_text(encoding="utf-8")
        table = "\n".join([begin, f"Machine: {about}.", "", *lines, end])
        options.write.write_text(
            text[: text.index(begin)] + table + text[text.index(end) + len(end) :], encoding="utf-8"
        )


if __name__ == "__main__":
    main()
