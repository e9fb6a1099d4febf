"""Speed, as ratios and absolute figures of one machine; prints, never asserts.

``python tests/bench/bench.py [--quick]``: what docs/design.md promises about speed, for what exists.
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import simpy

from kubesim import api
from kubesim.scenario.load import Scenario
from kubesim.sim.world import World
from kubesim.units import DAY, HOUR, Duration

ROOT = Path(__file__).resolve().parents[2]

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: pod-{number}}}
spec:
  restartPolicy: Never
  initContainers:
    - {{name: init, image: "busybox:1.36", command: ["sh", "-c", "sleep 1"]}}
    - name: proxy
      image: busybox:1.36
      restartPolicy: Always
      command: ["sh", "-c", "trap 'exit 0' TERM; touch /tmp/up; sleep 3600 & wait"]
      startupProbe: {{exec: {{command: ["test", "-f", "/tmp/up"]}}, periodSeconds: 1}}
  containers:
    - {{name: app, image: "busybox:1.36", command: ["sh", "-c", "sleep 5"]}}
---
"""

STABLE = """
apiVersion: v1
kind: Pod
metadata: {name: stable}
spec:
  initContainers:
    - name: proxy
      image: busybox:1.36
      restartPolicy: Always
      command: ["sh", "-c", "while true; do sleep 1; done"]
      livenessProbe: {exec: {command: ["true"]}, periodSeconds: 5}
  containers:
    - name: app
      image: nginx:1.27
      livenessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 10}
      readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 5}
"""


def scenario_of(text: str) -> Scenario:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        file.write(text)
    return api.load(file.name)


def timed(work: Callable[[], object], repeat: int = 3) -> float:
    """The shortest of some runs, in seconds of CPU."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def bare_simpy(events: int) -> None:
    """The same number of events with nothing to do, on bare SimPy."""
    environment = simpy.Environment()
    for delay in range(events):
        timeout = simpy.Timeout(environment, delay)
        timeout.callbacks.append(lambda event: None)
    environment.run()


def pods(count: int) -> Scenario:
    return scenario_of("".join(POD.format(number=number) for number in range(count)))


def events_of(scenario: Scenario) -> int:
    world = World(scenario)
    world.run()
    return world.clock.fired


def bench_pods(counts: tuple[int, ...]) -> None:
    per_pod: dict[int, float] = {}
    for count in counts:
        scenario = pods(count)
        seconds = timed(lambda scenario=scenario: api.run(scenario), repeat=1 if count > 2000 else 3)
        per_pod[count] = seconds / count
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{count:>7} Pods, created and completed: {seconds:7.2f} s, {1e3 * per_pod[count]:.2f} ms each, "
            f"peak {memory:.2f} GiB"
        )
    first, last = counts[0], counts[-1]
    print(f"        cost per Pod at {last} against {first}: {per_pod[last] / per_pod[first]:.2f}x (goal 1.3x)")


def bench_simpy() -> None:
    scenario = pods(200)
    events = events_of(scenario)
    bare = timed(lambda: bare_simpy(events))
    ours = timed(lambda: api.run(scenario))
    print(f"{events:>7} events: bare SimPy {bare:.3f} s, kubesim {ours:.3f} s: {ours / bare:.1f}x (goal 3x)")


def bench_days() -> None:
    scenario = scenario_of(STABLE)

    def run(length: Duration) -> Callable[[], object]:
        return lambda: api.run(scenario, until=length)

    hour, month = timed(run(HOUR), 5), timed(run(30 * DAY), 5)
    print(
        f"a stable Pod with probes: one hour {1e3 * hour:.1f} ms, 30 days {1e3 * month:.1f} ms: "
        f"{month / hour:.2f}x (goal 1.2x)"
    )


JOB = """
apiVersion: batch/v1
kind: Job
metadata: {{name: wide}}
spec:
  completions: {completions}
  parallelism: {parallelism}
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: work, image: "busybox:1.36", command: ["sh", "-c", "sleep 5"]}}]
"""

CRON_JOB = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: work, image: "busybox:1.36", command: ["sh", "-c", "sleep 5"]}]
"""


def bench_jobs(completions: int) -> None:
    wide = scenario_of(JOB.format(completions=completions, parallelism=completions // 10))
    seconds = timed(lambda: api.run(wide, until=2 * HOUR), repeat=1)
    print(f"a Job of {completions} completions, {completions // 10} at once: {seconds:.1f} s")
    nightly = scenario_of(CRON_JOB)
    seconds = timed(lambda: api.run(nightly, until=366 * DAY), repeat=1)
    print(f"a CronJob every night for a year: {seconds:.1f} s")


def bench_command() -> None:
    command = [sys.executable, "-m", "kubesim.cli"]
    demo = str(ROOT / "scenarios" / "demo.yaml")
    for words in (["--help"], ["run", demo]):
        began = time.perf_counter()
        subprocess.run([*command, *words], check=True, capture_output=True)
        print(f"kubesim {words[0]:<7} {1e3 * (time.perf_counter() - began):6.0f} ms from the shell")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the large runs")
    options = parser.parse_args()
    bench_command()
    bench_days()
    bench_simpy()
    bench_jobs(1_000 if options.quick else 10_000)
    bench_pods((100, 1_000) if options.quick else (1_000, 10_000))


if __name__ == "__main__":
    main()
