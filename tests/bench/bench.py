"""Speed, as ratios and figures of one machine; prints a table, never asserts.

``python -m tests.bench.bench [--quick] [--large] [--write docs/performance.md]``: what the design promises about speed.
A row is printed as soon as it is there, with the seconds since the beginning; all of it takes some five minutes on a
machine that does nothing else.
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
from functools import partial
from pathlib import Path
from typing import NamedTuple

import simpy

from kubesim import api
from kubesim.exploration.engines import AllCores, Engine, cores
from kubesim.exploration.sweep import Sweep, decode_header
from kubesim.sim.clock import Clock, ProcessClock
from kubesim.sim.world import World
from kubesim.units import DAY, HOUR
from tests.bench import engines, workloads
from tests.ticking.world import PARTS, records

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


class Measured(NamedTuple):
    """What a piece of Python took in a process of its own."""

    cpu: float
    """Seconds of CPU, those of processes that it started and that have ended included."""
    wall: float
    """Seconds on the wall."""
    memory: float
    """Peak of the process in MiB, its setup included."""


_REPORT = """
used, wall = os.times(), time.perf_counter() - began
with open("/proc/self/status") as status:  # resource.getrusage tells of the process that started this one, too
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(sum(used[:4]) - sum(before[:4]), wall, peak / 1024)
"""


def bare_clock(events: int) -> None:
    """The same on a clock as a kubelet has it."""
    clock = Clock()
    process = ProcessClock(clock)
    for delay in range(events):
        process.at(delay, lambda: None)
    clock.run(events)


def in_a_process_of_its_own(code: str, setup: str = "") -> Measured:
    """A piece of Python in a new process, measured after its setup."""
    script = f"import gc, os, time\n{setup}\ngc.collect()\nbefore, began = os.times(), time.perf_counter()\n{code}\n"
    done = subprocess.run(
        [sys.executable, "-c", script + _REPORT], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return Measured(*map(float, done.stdout.split()[-3:]))


SETUP = """\
from kubesim import api
from kubesim.sim.world import World
from tests.bench.workloads import *
World(scenario_of(pods(2))).run()
"""


def of_the_shell() -> Iterator[Row]:
    program = str(Path(sys.executable).with_name("kubesim"))
    demo = str(ROOT / "scenarios" / "demo.yaml")
    for words, goal in ((["--help"], ""), (["run", demo], "0.5 s")):
        seconds = elapsed(partial(subprocess.run, [program, *words], check=True, capture_output=True))
        yield f"`kubesim {words[0]}` from the shell", f"{seconds:.2f} s", goal
    seconds = in_a_process_of_its_own("import kubesim").cpu
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


def of_ticking() -> Iterator[Row]:
    """A whole cluster against the same one in which everything periodic really happens."""
    scenario = workloads.scenario_of(workloads.STABLE)
    skipping = timed(lambda: api.run(scenario, until=DAY), 5)
    ticking = timed(lambda: records(scenario, DAY, PARTS), 1)
    yield "a day of a stable Pod with probes, against ticking through it", f"{skipping / ticking:.4f}x", ""


def of_events(count: int) -> Iterator[Row]:
    scenario = workloads.scenario_of(workloads.pods(count))
    world = World(scenario)
    world.run()
    bare = timed(lambda: bare_simpy(world.clock.fired))
    ours = timed(lambda: World(scenario).run())
    yield f"{world.clock.fired} events of {count} Pods, against bare SimPy", f"{ours / bare:.0f}x", "3x"
    nothing = timed(lambda: bare_clock(100_000), 5) / timed(lambda: bare_simpy(100_000), 5)
    yield "events of the clock in which nothing is done, against bare SimPy", f"{nothing:.2f}x", ""


def of_pods(counts: tuple[int, ...]) -> Iterator[Row]:
    """Pods of the kind that the design's goal is about, all on one node, with everything recorded."""
    for count in counts:
        took = in_a_process_of_its_own("World(scenario).run()", SETUP + f"scenario = scenario_of(pods({count}))")
        text = f"{took.cpu:.2f} s of CPU, {1e3 * took.cpu / count:.2f} ms each, {took.memory:.0f} MiB"
        goal = "1 s" if count == 1000 else ""
        yield f"{count:,} Pods (init, sidecar with startup probe, main): created, completed, deleted", text, goal


def of_many_pods(counts: tuple[int, ...], nodes: int) -> Iterator[Row]:
    """What a Pod costs as there are more of them on the same nodes, the scheduler included."""
    each: dict[int, float] = {}
    for count in counts:
        setup = SETUP + f"world = World(scenario_of(plain({count}, {nodes})), level='summary')"
        took = in_a_process_of_its_own("world.run()", setup)
        each[count] = took.cpu / count
        text = f"{took.cpu:.1f} s of CPU, {1e3 * each[count]:.2f} ms each, {took.memory:.0f} MiB"
        yield f"{count:,} Pods of one container on {nodes:,} nodes, a line of history each", text, ""
    ratio = f"{each[counts[-1]] / each[counts[0]]:.2f}x"
    yield f"cost of a Pod among {counts[-1]:,}, against {counts[0]:,}", ratio, "1.3x"


def of_comparison() -> Iterator[Row]:
    """What cluster simulators are compared by."""
    run, setup = "World(scenario, level='summary').run()", SETUP + "scenario = scenario_of(comparison())"
    took = in_a_process_of_its_own(run, setup)
    text = f"{took.cpu:.2f} s of CPU, {took.memory:.0f} MiB"
    yield "100 nodes, 1,067 Pods that run for 1 to 10 minutes", text, "1 s, 150 MiB"


def of_cluster(pods: int, nodes: int, goal: str = "") -> Iterator[Row]:
    """Everything that makes Pods, at once."""
    setup = SETUP + f"scenario = scenario_of(everything({pods}, {nodes}))"
    took = in_a_process_of_its_own("World(scenario, level='summary').run()", setup)
    text = f"{took.cpu:.1f} s of CPU, {1e3 * took.cpu / pods:.2f} ms each, {took.memory:.0f} MiB"
    yield f"{pods:,} Pods of Deployments and Jobs on {nodes:,} nodes, two hours", text, goal


def of_parts(count: int, nodes: int) -> Iterator[Row]:
    """One run in one process and in two."""
    setup = SETUP + f"scenario = scenario_of(plain({count}, {nodes}, pinned=True))"
    one, two = (in_a_process_of_its_own(f"api.run(scenario, jobs={jobs})", setup) for jobs in (1, 2))
    what = f"{count:,} Pods that name their nodes, {nodes:,} of them, full history"
    yield f"{what}: one process", f"{one.wall:.1f} s, {one.cpu:.1f} s of CPU", ""
    text = f"{two.wall:.1f} s, {two.cpu:.1f} s of CPU; {one.wall / two.wall:.2f}x as fast"
    yield "the same run with `--jobs 2`, the same history", text, "2x"


def of_sweeps(rows: int) -> Iterator[Row]:
    """A row, and what engines add to it."""
    header = engines.header_of(rows)
    sweep = Sweep(decode_header(header))
    alone = timed(lambda: [sweep.row(number) for number in range(rows)], 2)
    yield "a row of a sweep (one Pod, deleted)", f"{1e3 * alone / rows:.2f} ms of CPU", ""
    for name in engines.ENGINES:
        share, batches = engines.overhead(name, rows)
        text = f"{100 * share:.1f} % of the rows' CPU, {batches} batches"
        yield f"engine `{name}`: what it adds to {rows:,} rows", text, "10 %"

    def all_rows(engine: Engine) -> Callable[[], object]:
        return lambda: [line for batch in engine.run(header, range(rows)) for line in batch]

    one, two = elapsed(all_rows(AllCores(1)), 1), elapsed(all_rows(AllCores(2)), 1)
    yield f"{rows:,} rows in two processes, against one", f"{one / two:.2f}x as fast", "2x"


def write_between(page: Path, name: str, lines: list[str]) -> None:
    """Put lines between a page's marks of that name."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    text = page.read_text(encoding="utf-8")
    table = "\n".join([begin, *lines, end])
    page.write_text(text[: text.index(begin)] + table + text[text.index(end) + len(end) :], encoding="utf-8")


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


def rows(*, quick: bool, large: bool) -> Iterator[Row]:
    """Everything that is measured."""
    yield from of_the_shell()
    yield from of_time_that_passes()
    yield from of_ticking()
    yield from of_events(100 if quick else 200)
    yield from of_pods((100, 1_000) if quick else (1_000, 10_000))
    yield from of_many_pods(*(((100, 1_000), 10) if quick else ((1_000, 10_000, 100_000), 1_000)))
    yield from of_comparison()
    yield from of_cluster(3_000, 100)
    yield from of_parts(*((2_000, 20) if quick else (20_000, 200)))
    yield from of_sweeps(200 if quick else 1_000)
    if large:
        yield from of_cluster(150_000, 5_000, "minutes, 4 GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller runs: a minute")
    parser.add_argument("--large", action="store_true", help="150,000 Pods on 5,000 nodes, too: ten minutes more")
    parser.add_argument("--write", type=Path, help="put the table into this page, too")
    options = parser.parse_args()
    about, lines, began = machine(), ["| measured | figure | goal |", "|---|---|---|"], time.monotonic()
    print(about)
    for row in rows(quick=options.quick, large=options.large):
        print(f"{time.monotonic() - began:5.0f} s  {row[0]:<82} {row[1]:<52} {row[2]}", flush=True)
        lines.append(f"| {row[0]} | {row[1]} | {row[2]} |")
    if options.write is not None:
        write_between(options.write, "make bench", [f"Machine: {about}.", "", *lines])


if __name__ == "__main__":
    main()
