"""Which probe workers a pod has, and when they tick."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.kubelet.observed import ProbeType
from kubesim.kubelet.probe_schedule import (
    first_tick,
    next_tick,
    origin_after_trigger,
    probe_types,
    tick_at_or_after,
    ticks_between,
    workers_ended_by_termination,
    workers_to_create,
)
from kubesim.objects.pod import Pod, pod_view
from kubesim.releases import release
from kubesim.units import SECOND

PROBE = {"exec": {"command": ["t"]}, "periodSeconds": 10}
S, R, L = ProbeType.STARTUP, ProbeType.READINESS, ProbeType.LIVENESS
FIELDS = {S: "startupProbe", R: "readinessProbe", L: "livenessProbe"}


def container(name: str, *types: ProbeType, **more: Any) -> dict[str, Any]:
    return {"name": name, **{FIELDS[type_]: PROBE for type_ in types}, **more}


def sidecar(name: str, *types: ProbeType) -> dict[str, Any]:
    return container(name, *types, restartPolicy="Always")


def pod(*mains: dict[str, Any], inits: tuple[dict[str, Any], ...] = ()) -> Pod:
    return pod_view({"metadata": {"name": "p"}, "spec": {"initContainers": list(inits), "containers": list(mains)}})


FULL = pod(
    container("m1", L, R, S),
    container("m2"),
    container("m3", R),
    inits=(sidecar("s1", L), container("i1"), sidecar("s2", S, R)),
)
EVERY = (("m1", S), ("m1", R), ("m1", L), ("m3", R), ("s1", L), ("s2", S), ("s2", R))


@pytest.mark.parametrize(
    ("existing", "created"),
    [
        ((), EVERY),
        (EVERY, ()),
        (EVERY[:1], ()),
        (EVERY[1:], EVERY[:1]),
        (EVERY[:-1], ()),
        (EVERY[-1:], EVERY[:-1]),
    ],
)
def test_workers_are_created_up_to_the_first_that_exists(existing: tuple[Any, ...], created: tuple[Any, ...]) -> None:
    """K-106: so a sidecar's worker that ended early does not come back behind a main with a probe."""
    made = workers_to_create(FULL, frozenset(existing), release("1.29"))
    assert tuple((worker.container.name, worker.type) for worker in made) == created
    assert all(worker.is_sidecar == worker.container.name.startswith("s") for worker in made)


def test_sidecars_have_no_probes_before_they_are_known() -> None:
    made = workers_to_create(FULL, (), release("1.28"))
    assert {worker.container.name for worker in made} == {"m1", "m3"}


def test_termination_ends_startup_and_liveness_of_mains_first() -> None:
    """K-12 step 2: those of sidecars go on, results unheeded (K-83)."""
    assert workers_ended_by_termination(FULL) == (("m1", S), ("m1", L))


def test_probe_types_of_a_container() -> None:
    assert probe_types(FULL.spec.containers[0]) == (S, R, L)


@pytest.mark.parametrize(("created_at", "expected"), [(0, 5), (4, 9), (9, 14), (10, 10), (30, 30)])
def test_the_first_tick(created_at: int, expected: int) -> None:
    """K-95: at once, but spread over a period while the kubelet is younger than that."""
    worker = workers_to_create(FULL, (), release("1.29"))[0]
    assert first_tick(worker, created_at * SECOND, 0, 0.5) == expected * SECOND


@pytest.mark.parametrize(
    ("now", "after", "at_or_after"), [(0, 3, 3), (3, 13, 3), (4, 13, 13), (13, 23, 13), (22, 23, 23)]
)
def test_the_grid(now: int, after: int, at_or_after: int) -> None:
    origin, step = 3 * SECOND, 10 * SECOND
    assert next_tick(origin, step, now * SECOND) == after * SECOND
    assert tick_at_or_after(origin, step, now * SECOND) == at_or_after * SECOND


@pytest.mark.parametrize(("label", "origin"), [("1.29", 0), ("1.31", 0), ("1.32", 7), ("1.36", 7)])
def test_a_run_out_of_schedule(label: str, origin: int) -> None:
    """K-103."""
    assert origin_after_trigger(0, 7, release(label)) == origin


def test_a_tick_that_is_now_counts_and_one_that_just_passed_does_not() -> None:
    assert [tick_at_or_after(0, 10, at) for at in (9, 10, 11)] == [10, 10, 20]


@pytest.mark.parametrize(
    ("after", "before", "count"),
    [
        (3, 33, 2),  # 13 and 23: where it begins and ends there are ticks, too
        (2, 33, 3),
        (3, 34, 3),
        (4, 33, 2),
        (3, 4, 0),
        (5, 5, 0),
        (0, 3, 0),
        (0, 4, 1),
        (25, 4, 0),
    ],
)
def test_the_ticks_between_two_instants_count_neither(after: int, before: int, count: int) -> None:
    assert ticks_between(3, 10, after, before) == sum(after < tick < before for tick in range(3, 200, 10))
    assert ticks_between(3, 10, after, before) == count
