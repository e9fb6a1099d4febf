"""Whole clusters in which nothing is skipped: the reference for "cost follows change, not time".

kubesim carries out a periodic activity only where something can come of it. Here each of them really happens every
time: ``ticking`` puts the parts below in the place of the product's while clusters are made and run in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Final
from unittest import mock

from msgspec.structs import replace

from kubesim.history.records import AnyRecord, Decided, Ended, RuntimeChanged
from kubesim.scenario.load import Scenario
from kubesim.sim.world import World
from kubesim.units import Duration
from tests.ticking import control_plane, kubelet, pleg

PARTS: Final[dict[str, type]] = {
    "kubesim.sim.world.Kubelet": kubelet.TickingKubelet,
    "kubesim.sim.kubelet.Pleg": pleg.TickingPleg,
    "kubesim.sim.kubelet.WorkQueue": kubelet.TickingWorkQueue,
    "kubesim.sim.kubelet.StatusReports": kubelet.TickingReports,
    "kubesim.sim.kubelet.StatusManager": kubelet.TickingStatusManager,
    "kubesim.sim.kubelet.PodVolumes": kubelet.TickingVolumes,
    "kubesim.sim.kubelet.Evictions": kubelet.TickingEvictions,
    "kubesim.sim.kubelet.MemoryPressure": kubelet.TickingMemoryPressure,
    "kubesim.sim.probing.Prober": kubelet.TickingProber,
    "kubesim.sim.scheduling.SchedulingQueue": control_plane.TickingSchedulingQueue,
    "kubesim.sim.scheduling.SeriesRecorder": control_plane.TickingSeries,
    "kubesim.sim.controller_manager.NodeController": control_plane.TickingNodeController,
    "kubesim.sim.controller_manager.PodCollector": control_plane.TickingPodCollector,
    "kubesim.sim.node_requests.NodeDrain": control_plane.TickingDrain,
    "kubesim.scripts.idle.Watch": control_plane.TickingPrograms,
}
"""Where a part is made, and what ticks in its place."""

SKIPPING: Final[dict[str, type]] = {
    "kubesim.sim.kubelet.Pleg": pleg.PlegApart,
    "kubesim.sim.probing.Prober": kubelet.ProberApart,
}
"""The cluster that is compared is the product's, but for what would happen at one instant in an order left to chance:
the looks of several nodes, and the probes of one pod.
"""


@contextmanager
def with_parts(parts: dict[str, type]) -> Iterator[None]:
    """Clusters made and run in this context have these parts."""
    patches = [mock.patch(place, part) for place, part in parts.items()]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def records(scenario: Scenario, until: Duration, parts: dict[str, type]) -> list[AnyRecord]:
    """What is recorded in ``until`` nanoseconds, however early nothing can change any more."""
    with with_parts(parts):
        world = World(scenario, until=until)
        world.clock.at(world.limit + 1, _nothing)
        return list(world.run())


def _nothing() -> None:
    """Keeps a run going that is settled."""


def comparable(found: list[AnyRecord]) -> list[AnyRecord]:
    """What has to be the same: not the records of ticks, nor the numbers of execs, which the ticks have used up."""
    kept: list[AnyRecord] = []
    decided: dict[str, Decided] = {}
    for record in found:
        match record:
            case Ended() | RuntimeChanged(event="exec-exit", began=int()):
                pass  # how long it went on was asked for; a probe's process that took its time
            case Decided(pass_="SyncPod") if _repeats(record, decided.get(record.name)):
                pass
            case RuntimeChanged(exec=int()):
                kept.append(replace(record, exec=None))
            case _:
                kept.append(record)
        if isinstance(record, Decided):
            decided[record.name] = record
    return kept


def _repeats(record: Decided, before: Decided | None) -> bool:
    """Whether a resync decides once more to kill a pod that is dead already."""
    does = {action.do for action in record.actions}
    return does == {"kill-pod"} and before is not None and replace(before, at=record.at) == record


def first_difference(scenario: Scenario, until: Duration, skipping: dict[str, type] | None = None) -> str:
    """Where a cluster that skips, and one that ticks, part; nothing if they record the same.

    ``skipping``: parts that skip otherwise than the product does.
    """
    skipped = comparable(records(scenario, until, {**SKIPPING, **(skipping or {})}))
    ticked = comparable(records(scenario, until, PARTS))
    for number, (one, other) in enumerate(zip_longest(skipped, ticked)):
        if one != other:
            common = "".join(f"\n    both: {record}" for record in skipped[max(0, number - 3) : number])
            return f"{common}\nskipping: {one}\n ticking: {other}"
    return ""
