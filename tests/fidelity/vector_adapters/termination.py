"""Order and grace periods of stopping: a small event loop that plays the script of a vector.

Every decision (which grace, how long to wait, whose turn) is a pure step of ``kubesim.kubelet.termination``; the loop
only knows durations. Time is integer nanoseconds from the start of the stop.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from kubesim.kubelet.actions import KillReason
from kubesim.kubelet.termination import (
    ContainerStop,
    container_stop,
    effective_grace,
    killing_message,
    prerequisites,
)
from kubesim.objects.pod import Container, pod_view
from kubesim.releases import Release
from kubesim.units import SECOND, Duration, Instant, seconds, to_seconds
from vector_adapters.runtime_view import release_of


def run(vector: dict[str, Any], version: str) -> dict[str, Any]:
    """The timeline of a scripted stop, or the effective grace of a pod."""
    given, release = vector["input"], release_of(vector, version)
    if vector.get("fn") == "effective_grace":
        return _effective_grace(given, release)
    pod = pod_view(given["pod"])
    of_name = {entry.name: entry for entry in (*pod.spec.init_containers, *pod.spec.containers)}
    play = _Play(given["script"], release)
    override = given.get("gracePeriodOverride")
    if given["mode"] == "pod":
        waits = prerequisites(pod, given["running"], release)
        for name in given["running"]:
            stop = container_stop(of_name[name], pod, release, override_seconds=override, waits_for_turn=name in waits)
            play.begin(of_name[name], stop, "", waits.get(name, ()))
    else:
        container = of_name[given["container"]]
        stop = container_stop(container, pod, release, reason=KillReason(given["reason"]), override_seconds=override)
        play.begin(container, stop, given["message"], ())
    return play.result()


def normalise(output: dict[str, Any]) -> dict[str, Any]:
    """Nothing is left open: times are rounded to 0.05 s and the timeline is sorted by the format."""
    return output


def _effective_grace(given: dict[str, Any], release: Release) -> dict[str, Any]:
    grace = effective_grace(
        deletion_seconds=given["deletionGracePeriodSeconds"],
        spec_seconds=given["terminationGracePeriodSeconds"],
        remembered=given["currentGracePeriod"],
        override=given["override"],
        release=release,
    )
    return {"gracePeriod": grace.seconds, "shortened": grace.shortened}


class _Play:
    """The stop of some containers, played from a script."""

    def __init__(self, script: dict[str, Any], release: Release) -> None:
        self.script, self.release = script, release
        self.now: Instant = 0
        self.order = itertools.count()
        self.agenda: list[tuple[Instant, int, Callable[[], None]]] = []
        self.timeline: list[tuple[Instant, str, int, dict[str, Any]]] = []
        self.events: list[tuple[Instant, str]] = []
        self.ended: set[str] = set()
        self.waiting: dict[str, tuple[ContainerStop, Instant, tuple[str, ...]]] = {}
        self.total: Instant = 0

    def after(self, delay: Duration, then: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.now + delay, next(self.order), then))

    def note(self, name: str, what: str, **more: object) -> None:
        self.timeline.append((self.now, name, len(self.timeline), {"container": name, "what": what, **more}))

    def begin(self, container: Container, stop: ContainerStop, message: str, needs: tuple[str, ...]) -> None:
        """Events and hooks of all containers begin at once."""
        name = container.name
        self.events.append((0, f"Normal Killing {killing_message(name, message, self.release)}"))
        limit = stop.pre_stop_limit
        if limit is None:
            self.after(0, lambda: self.queue_up(name, stop, needs))
            return
        self.note(name, "preStop")
        length = seconds(self.script[name].get("preStopSeconds", 0))
        self.after(length, lambda: self.hook_ended(name))
        elapsed = min(length, limit)
        self.after(elapsed, lambda: self.queue_up(name, stop.after_pre_stop(elapsed), needs))

    def hook_ended(self, name: str) -> None:
        if self.script[name].get("preStopFails"):
            self.note(name, "preStopFailed")
            self.events.append((self.now, f"Warning FailedPreStopHook {self.release.text('FailedPreStopHook')}"))
        else:
            self.note(name, "preStopDone")

    def queue_up(self, name: str, stop: ContainerStop, needs: tuple[str, ...]) -> None:
        limit = stop.turn_limit
        if limit is None or self.ended.issuperset(needs):
            self.ask_to_stop(name, stop)
            return
        self.waiting[name] = (stop, self.now, needs)
        self.after(limit, lambda: self.turn_over(name))

    def turn_over(self, name: str) -> None:
        if name in self.waiting:
            stop, since, _ = self.waiting.pop(name)
            self.ask_to_stop(name, stop.after_turn(self.now - since))

    def ask_to_stop(self, name: str, stop: ContainerStop) -> None:
        grace = stop.stop_grace_seconds
        self.note(name, "stop", grace=grace)
        needed = seconds(self.script[name]["stopSeconds"])
        what = "exited" if needed <= grace * SECOND else "killed"
        self.after(min(needed, grace * SECOND), lambda: self.end(name, what))

    def end(self, name: str, what: str) -> None:
        self.note(name, what)
        self.ended.add(name)
        self.total = self.now
        for other, (_, _, needs) in tuple(self.waiting.items()):
            if self.ended.issuperset(needs):
                self.turn_over(other)

    def result(self) -> dict[str, Any]:
        """Plays to the end; what a hook does after the last container ended is not part of the vector."""
        while self.agenda:
            self.now, _, then = heapq.heappop(self.agenda)
            then()
        rows = sorted(row for row in self.timeline if row[0] <= self.total)
        return {
            "timeline": [{"t": _seconds(at), **what} for at, _, _, what in rows],
            "total": _seconds(self.total),
            "events": sorted(text for at, text in self.events if at <= self.total),
        }


def _seconds(at: Instant) -> float:
    value = to_seconds(at)
    return int(value) if value.is_integer() else value
