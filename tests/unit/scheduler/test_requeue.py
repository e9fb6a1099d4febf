"""When a pod is tried again, and how its Events grow into series (C-64)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scheduler_pieces import node, pod, scheduler

from kubesim.objects.node import Taint
from kubesim.releases import RELEASES
from kubesim.scheduler import Plugin
from kubesim.scheduler.event_series import SeriesEvent, SeriesMemory, finished, observe, refreshed
from kubesim.scheduler.requeue import ClusterEvent, backoff, may_help, node_events, own_change_may_help, pod_events
from kubesim.units import MINUTE, SECOND

FIT, AFFINITY, TAINTS = Plugin.NODE_RESOURCES_FIT, Plugin.NODE_AFFINITY, Plugin.TAINT_TOLERATION


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10), (500, 10)])
def test_backoff_doubles_up_to_ten_seconds(attempts: int, seconds: int) -> None:
    for label in RELEASES:
        assert backoff(attempts, scheduler(label)) == seconds * SECOND


def test_what_a_change_of_a_node_is() -> None:
    before = node().node
    assert node_events(None, before) == {ClusterEvent.NODE_ADDED}
    assert node_events(before, None) == {ClusterEvent.NODE_GONE}
    assert node_events(before, before) == frozenset()
    assert node_events(before, replace(before, labels={})) == {ClusterEvent.NODE_LABELS}
    assert node_events(before, replace(before, unschedulable=True)) == {ClusterEvent.NODE_TAINTS}
    assert node_events(before, replace(before, taints=(Taint("k"),))) == {ClusterEvent.NODE_TAINTS}
    assert node_events(before, replace(before, allocatable={})) == {ClusterEvent.NODE_ALLOCATABLE}
    assert node_events(before, replace(before, declared_features=frozenset("f"))) == {ClusterEvent.NODE_FEATURES}


def test_a_finished_pod_is_as_good_as_gone() -> None:
    running, done = pod(on="n1"), pod(on="n1", status={"phase": "Succeeded"})
    assert pod_events(None, running) == {ClusterEvent.POD_ASSIGNED}
    assert pod_events(running, done) == {ClusterEvent.POD_GONE}
    assert pod_events(done, None) == frozenset()
    assert pod_events(running, None) == {ClusterEvent.POD_GONE}
    assert pod_events(running, pod(on="n1", labels={"a": "b"})) == {ClusterEvent.POD_LABELS}


GONE = frozenset((ClusterEvent.POD_GONE,))
ADDED = frozenset((ClusterEvent.NODE_ADDED,))
LABELS = frozenset((ClusterEvent.NODE_LABELS,))


@pytest.mark.parametrize(
    ("plugins", "events", "tweak", "expected"),
    [
        ({FIT}, GONE, None, True),
        ({AFFINITY}, GONE, None, False),
        ({AFFINITY, FIT}, GONE, None, True),
        ({AFFINITY}, ADDED, {}, True),
        ({AFFINITY}, ADDED, {"unschedulable": True}, False),
        ({AFFINITY}, LABELS, {}, True),
        ({TAINTS}, LABELS, {}, False),
        (set(), GONE, None, True),
        (set(), frozenset(), None, False),
    ],
)
def test_only_what_concerns_the_filters_that_said_no(
    plugins: set[Plugin], events: frozenset[ClusterEvent], tweak: dict[str, Any] | None, expected: bool
) -> None:
    state = None if tweak is None else node(**tweak)
    assert may_help(pod(), frozenset(plugins), events, state, scheduler()) is expected


def raw(**fields: Any) -> dict[str, Any]:
    metadata = {"name": "web", "resourceVersion": "1", **fields.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"containers": [{"name": "app"}], **fields.pop("spec", {})}, **fields}


TOLERANT = raw(spec={"tolerations": [{"operator": "Exists"}]})
LABELLED = raw(metadata={"labels": {"a": "b"}})
DELETED = raw(metadata={"deletionTimestamp": "now"})
SMALLER = raw(spec={"containers": [{"name": "app", "resources": {}}]})


@pytest.mark.parametrize(
    ("after", "plugins", "without_hints", "with_hints"),
    [
        (raw(metadata={"resourceVersion": "2"}, status={"phase": "Pending"}), {FIT}, False, False),
        (DELETED, {AFFINITY}, True, False),  # recordings err-unschedulable: 1.28 and 1.29 try again, 1.36 does not
        (TOLERANT, {TAINTS}, True, True),
        (TOLERANT, {AFFINITY}, True, False),
        (LABELLED, {Plugin.INTER_POD_AFFINITY}, True, True),
        (LABELLED, {FIT}, True, False),
        (SMALLER, {FIT}, True, True),
    ],
)
def test_changes_of_the_waiting_pod(
    after: dict[str, Any], plugins: set[Plugin], without_hints: bool, with_hints: bool
) -> None:
    for label in RELEASES:
        expected = with_hints if scheduler(label).enabled("SchedulerQueueingHints") else without_hints
        assert own_change_may_help(raw(), after, frozenset(plugins), scheduler(label)) is expected


def event(at: int, message: str = "no") -> SeriesEvent:
    return SeriesEvent("Warning", "FailedScheduling", message, at, at)


def test_a_series_begins_with_the_second_and_keeps_the_first_message() -> None:
    memory, first = observe(SeriesMemory(), ("k",), event(0))
    memory, second = observe(memory, ("k",), event(5 * MINUTE, "other words"))
    memory, third = observe(memory, ("k",), event(10 * MINUTE))
    assert first == event(0)
    assert second == replace(event(0), count=2, last=5 * MINUTE)
    assert third is None
    assert refreshed(memory) == ((("k",), replace(event(0), count=3, last=10 * MINUTE)),)


def test_another_version_of_the_pod_makes_another_event() -> None:
    memory, _ = observe(SeriesMemory(), ("u1", "1"), event(0))
    _, again = observe(memory, ("u1", "2"), event(1))
    assert again == event(1)


def test_what_has_not_come_for_six_minutes_is_forgotten_and_a_series_written_last() -> None:
    memory, _ = observe(SeriesMemory(), ("single",), event(0))
    for at in (0, MINUTE, 2 * MINUTE):
        memory, _ = observe(memory, ("series",), event(at))
    still, none = finished(memory, 6 * MINUTE)
    assert set(still.events) == {("single",), ("series",)}
    assert none == ()
    later, written = finished(memory, 12 * MINUTE)
    assert later == SeriesMemory()
    assert written == ((("series",), replace(event(0), count=3, last=2 * MINUTE)),)
