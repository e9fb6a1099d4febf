"""Where the time of a Pod's life goes, by what it is spent on: a profile of the benchmark's Pods, for ``make bench``.

``python -m tests.bench.rooms [PODS] [--files]``. A profile makes each call dearer, so that code of many small calls
shows more than its share; the calls and events of a Pod are exact, and the same on any machine.
"""

from __future__ import annotations

import argparse
import cProfile
from collections import Counter
from pathlib import Path
from types import CodeType
from typing import Any, Final

import simpy

import kubesim
from kubesim.sim.world import World
from tests.bench import workloads

_PROJECT: Final = Path(kubesim.__file__).parent
_SIMPY: Final = Path(simpy.__file__).parent
_PARTS: Final = {
    "the clock and SimPy": ("simpy/", "sim/clock.py", "sim/timing.py"),
    "the status of a Pod: made, compared, merged, written": (
        "kubelet/pod_status.py", "kubelet/container_statuses.py", "kubelet/conditions.py", "kubelet/phase.py",
        "kubelet/status_manager.py", "sim/status_", "objects/status.py",
    ),
    "what else a kubelet decides": ("kubelet/",),
    "the API server: store, admission, watches": ("store/", "sim/api_server.py", "sim/connection.py", "sim/admission"),
    "the scheduler and the controllers": (
        "scheduler/", "sim/scheduling", "job_controller/", "replica_controllers/", "controllers/", "sim/job_control",
        "sim/replica_control", "sim/cron_control", "sim/node_control", "sim/garbage.py", "sim/budget_control.py",
    ),
    "containers' scripts and files": ("scripts/", "sim/container_setup.py", "sim/surroundings.py"),
    "records and Events": ("history/", "sim/recorder.py", "sim/event_recorder.py", "sim/summaries.py"),
    "reading objects and releases": ("objects/", "releases/", "scenario/", "sim/coverage.py", "sim/unmodelled.py"),
    "the kubelet's shell: workers, runtime, looks, probes": ("sim/",),
}  # fmt: skip
"""What the time is spent on, and the files of it; the first that fits counts."""


def place_of(code: CodeType | str) -> str:
    """The file of a piece of code, counted from its project; empty for what belongs to Python itself."""
    path = Path(code.co_filename) if isinstance(code, CodeType) else Path()
    for root, prefix in ((_PROJECT, ""), (_SIMPY, "simpy/")):
        if path.is_relative_to(root):
            return prefix + path.relative_to(root).as_posix()
    return ""


def part_of(place: str) -> str:
    """What the time in a file is spent on."""
    found = (part for part, starts in _PARTS.items() if place.startswith(starts))
    return next(found, "Python's own library")


def profiled(pods: int) -> tuple[World, list[Any]]:
    """A run of so many Pods, and the entries of its profile."""
    World(workloads.scenario_of(workloads.pods(2))).run()
    world, profile = World(workloads.scenario_of(workloads.pods(pods))), cProfile.Profile()
    profile.enable()
    world.run()
    profile.disable()
    return world, profile.getstats()


def spent(entries: list[Any]) -> tuple[Counter[str], Counter[str]]:
    """Seconds and calls by file; what is built into Python counts for the file that calls it."""
    seconds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry.code, str):
            continue
        place = place_of(entry.code)
        built_in = [one for one in entry.calls or () if isinstance(one.code, str)]
        seconds[place] += entry.inlinetime + sum(one.inlinetime for one in built_in)
        calls[place] += entry.callcount + sum(one.callcount for one in built_in)
    return seconds, calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pods", nargs="?", type=int, default=300)
    parser.add_argument("--files", action="store_true", help="by file, not by what the time is spent on")
    options = parser.parse_args()
    world, entries = profiled(options.pods)
    seconds, calls = spent(entries)
    whole, pods = sum(seconds.values()), options.pods
    print(f"{world.clock.fired / pods:.1f} events and {sum(calls.values()) / pods:,.0f} calls of functions a Pod\n")
    print("| spent on | share of the time | calls a Pod |\n|---|---|---|")
    rows: dict[str, tuple[float, int]] = {}
    for place in seconds:
        name = place if options.files else part_of(place)
        before = rows.get(name, (0.0, 0))
        rows[name] = (before[0] + seconds[place], before[1] + calls[place])
    for name, (took, count) in sorted(rows.items(), key=lambda row: -row[1][0]):
        print(f"| {name} | {took / whole:.0%} | {count / pods:,.0f} |")


if __name__ == "__main__":
    main()
