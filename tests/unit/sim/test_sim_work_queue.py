"""The kubelet's work queue: due at the first tick after the delay, one instant per pod (K-19)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubesim.sim.clock import Clock
from kubesim.sim.work_queue import WorkQueue


class Kubelet:
    """Says which pod was synced when."""

    def __init__(self, phase: int = 0, start: int = 0) -> None:
        self.clock = Clock(start)
        self.synced: list[tuple[int, str]] = []
        self.queue = WorkQueue(self.clock, 1000, phase, lambda uid: self.synced.append((self.clock.now, uid)))


@pytest.mark.parametrize(
    ("phase", "delay", "expected"),
    [(0, 0, 2000), (0, 1, 3000), (0, 999, 3000), (0, 1000, 3000), (0, 1001, 4000), (300, 0, 2300), (300, 301, 3300)],
)
def test_a_pod_is_synced_at_the_first_tick_after_its_delay(phase: int, delay: int, expected: int) -> None:
    kubelet = Kubelet(phase, start=2000)
    kubelet.queue.enqueue("a", delay)

    kubelet.clock.run(10_000)

    assert kubelet.synced == [(expected, "a")]


def test_a_later_request_replaces_the_one_before() -> None:
    kubelet = Kubelet()
    kubelet.queue.enqueue("a", 1500)
    kubelet.queue.enqueue("a", 4500)
    kubelet.queue.enqueue("b", 2500)
    kubelet.queue.enqueue("b", 500)

    kubelet.clock.run(10_000)

    assert kubelet.synced == [(1000, "b"), (5000, "a")]


def test_a_forgotten_pod_is_not_synced() -> None:
    kubelet = Kubelet()
    kubelet.queue.enqueue("a", 1500)
    kubelet.queue.forget("a")
    kubelet.queue.forget("never seen")

    assert kubelet.clock.settled
    kubelet.clock.run(10_000)
    assert kubelet.synced == []


def test_pods_due_at_one_tick_come_in_the_order_they_were_put_in() -> None:
    kubelet = Kubelet()
    for uid in ("b", "a", "c"):
        kubelet.queue.enqueue(uid, 500)

    kubelet.clock.run(10_000)

    assert kubelet.synced == [(1000, "b"), (1000, "a"), (1000, "c")]


@settings(deadline=None)
@given(phase=st.integers(0, 999), instant=st.integers(0, 10**6))
def test_the_grid_keeps_its_phase(phase: int, instant: int) -> None:
    tick = Kubelet(phase).queue.next_tick(instant)

    assert instant <= tick < instant + 1000
    assert (tick - phase) % 1000 == 0
