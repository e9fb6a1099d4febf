"""Latencies: profiles and what is wrong with them, the nominal run, and draws that stay inside their ranges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubesim.errors import ScenarioError
from kubesim.sim.timing import Latency, Profile, Timing, named_profile, profile_of
from kubesim.units import MILLISECOND, SECOND

TYPICAL = named_profile("typical")
RANGED = sorted(key for key, entry in TYPICAL.latencies.items() if entry.low != entry.high)


def test_a_profile_without_a_latency_has_it_from_the_one_it_is_like() -> None:
    ideal, loaded = named_profile("ideal"), named_profile("loaded")

    assert ideal.latencies.keys() == TYPICAL.latencies.keys() == loaded.latencies.keys()
    assert loaded.latencies["watch"] == TYPICAL.latencies["watch"]
    assert loaded.latencies["relist"] != TYPICAL.latencies["relist"]


def test_ideal_takes_no_time() -> None:
    timing = Timing(named_profile("ideal"), draw=3)

    assert {timing.latency(name) for name in TYPICAL.latencies if not name.endswith("-phase")} == {0}


@pytest.mark.parametrize("name", ["ideal", "typical", "loaded"])
def test_every_range_holds_its_typical_value(name: str) -> None:
    for key, entry in named_profile(name).latencies.items():
        assert 0 <= entry.low <= entry.typical <= entry.high, key


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"watch": "5ms"}, Latency(5 * MILLISECOND, 5 * MILLISECOND, 5 * MILLISECOND)),
        ({"watch": ["5ms", "1ms", "1s"]}, Latency(5 * MILLISECOND, MILLISECOND, SECOND)),
    ],
)
def test_a_latency_can_be_set(settings: dict[str, object], expected: Latency) -> None:
    profile = profile_of("typical", settings)

    assert profile.latencies["watch"] == expected
    assert profile.latencies["relist"] == TYPICAL.latencies["relist"]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("fast", {}, 'timing "fast" is unknown; use one of ideal, loaded, typical'),
        ("typical", {"wach": "1ms"}, 'latency "wach" is unknown; use one of api-write, '),
        ("typical", {"watch": "soon"}, "latency \"watch\": 'soon' is not a duration; write it as"),
        ("typical", {"watch": ["1ms", "2ms"]}, 'latency "watch": write one duration, or [typical, lowest, highest]'),
        ("typical", {"watch": ["9ms", "1ms", "2ms"]}, 'latency "watch": write one duration, or [typical,'),
    ],
)
def test_what_is_wrong_with_a_profile_is_said(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        profile_of(name, settings)

    assert message in str(raised.value)


def test_draw_0_takes_the_typical_values_and_no_chance() -> None:
    timing = Timing(TYPICAL, seed=7)

    assert {key: timing.latency(key) for key in RANGED} == {key: TYPICAL.latencies[key].typical for key in RANGED}
    share = TYPICAL.latencies["pleg-phase"].typical / SECOND
    assert timing.phase("pleg", 1000) == int(1000 * share)
    assert timing.jittered("requeue", 10 * SECOND, 0.5) == 12_500_000_000
    assert timing.jittered("requeue", 10 * SECOND, 0.5) == 12_500_000_000


@settings(deadline=None)
@given(draw=st.integers(1, 500), seed=st.integers(0, 5), name=st.sampled_from(RANGED))
def test_draws_stay_inside_their_ranges(draw: int, seed: int, name: str) -> None:
    timing, entry = Timing(TYPICAL, seed, draw), TYPICAL.latencies[name]

    assert all(entry.low <= timing.latency(name) <= entry.high for _ in range(3))


@settings(deadline=None)
@given(draw=st.integers(1, 500), name=st.sampled_from(["pleg", "tick", "housekeeping", "status"]))
def test_phases_stay_inside_their_period(draw: int, name: str) -> None:
    assert 0 <= Timing(TYPICAL, 0, draw).phase(name, 1_025_000_000) < 1_025_000_000


@settings(deadline=None)
@given(draw=st.integers(1, 500), times=st.integers(1, 4))
def test_jitter_is_between_once_and_one_and_a_half_times(draw: int, times: int) -> None:
    """K-19b, K-19c: U[1, 1 + factor)."""
    timing = Timing(TYPICAL, 0, draw)

    for _ in range(times):
        assert 10 * SECOND <= timing.jittered("requeue", 10 * SECOND, 0.5) < 15 * SECOND


def test_the_same_draw_gives_the_same_and_another_another() -> None:
    def some(seed: int, draw: int) -> list[int]:
        timing = Timing(TYPICAL, seed, draw)
        return [timing.latency("status-write") for _ in range(5)]

    assert some(0, 1) == some(0, 1)
    assert some(0, 1) != some(0, 2)
    assert some(0, 1) != some(1, 1)
    assert len(set(some(0, 1))) == 5


def test_streams_do_not_disturb_each_other() -> None:
    """What-if runs differ only where they should: drawing more of one thing changes nothing else."""
    calm, busy = Timing(TYPICAL, 0, 4), Timing(TYPICAL, 0, 4)
    for _ in range(10):
        busy.latency("watch")
        busy.stream("script/default/p/app").random()
        busy.jittered("resync", SECOND, 0.5)

    assert calm.latency("status-write") == busy.latency("status-write")
    assert calm.stream("else").random() == busy.stream("else").random()
    assert calm.jittered("requeue", SECOND, 0.5) == busy.jittered("requeue", SECOND, 0.5)


def test_phases_of_successive_draws_spread_evenly() -> None:
    """Among 32 draws no quarter of the period is left out, and none has more than half of them."""
    quarters = [Timing(TYPICAL, 0, draw).phase("pleg", 1000) // 250 for draw in range(1, 33)]

    assert all(4 <= quarters.count(quarter) <= 16 for quarter in range(4))


def test_the_header_says_the_whole_profile() -> None:
    header = profile_of("typical", {"watch": "5ms"}).header()

    assert header["name"] == "typical"
    assert header["latencies"]["watch"] == [5_000_000] * 3
    assert list(header["latencies"]) == sorted(TYPICAL.latencies)


def test_a_latency_nobody_named_is_an_error() -> None:
    with pytest.raises(KeyError):
        Timing(Profile("empty", {})).latency("watch")


@pytest.mark.parametrize("draw", [0, 3])
def test_a_loop_keeps_its_step_however_often_it_is_asked_about(draw: int) -> None:
    timing = Timing(named_profile("typical"), draw=draw)
    first = timing.round_at("eviction", 10_000, 50_000)
    assert [timing.round_at("eviction", 10_000, first + n) - first for n in (0, 1, 10_000, 25_000)] == [
        0,
        10_000,
        10_000,
        30_000,
    ]
