"""Every allowance of conform.md: a row that just passes, and one just beyond that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from made_traces import Trace, change, deleted_pod, event, long_lived_pod, moment, row, trace, with_

from kubesim.fidelity.compare import compare


def verdict(recorded: Trace, simulated: Trace) -> tuple[str | None, list[str]]:
    found = compare(recorded, simulated)
    return found.first_missed, [str(each) for each in found.differences]


def passing_row(lasted: float) -> Trace:
    base = long_lived_pod()
    base["kubectl_get"][1:1] = [row(1.2 - lasted, "ContainerCreating", ready="0/1")]
    base["kubectl_get"][0]["t"] = -0.6
    return base


@pytest.mark.parametrize(("lasted", "missed"), [(1.25, None), (1.35, "L3")])
def test_a_row_that_lasted_under_1_3_s_may_be_missing(lasted: float, missed: str | None) -> None:
    recorded = passing_row(lasted)
    simulated = with_(recorded, lambda it: it["kubectl_get"].pop(1))

    assert verdict(recorded, simulated)[0] == missed
    assert verdict(simulated, recorded)[0] == missed


@pytest.mark.parametrize(("lasted", "missed"), [(1.25, None), (1.35, "L2")])
def test_a_phase_that_lasted_under_1_3_s_may_be_missing(lasted: float, missed: str | None) -> None:
    recorded = long_lived_pod()
    recorded["pods"].append(change(1.2 + lasted, phase="Unknown"))
    simulated = with_(recorded, lambda it: it["pods"][2]["set"].pop("phase"))

    assert verdict(recorded, simulated)[0] == missed


def restarted(at: float, duration: float = 60.0) -> Trace:
    """The app ends twice; its third run starts after a back-off, whose tolerance is 5.5 s and a little."""
    base = long_lived_pod(duration)
    base["runtime"] += [
        moment(5.4, "app", "exit", code=1),
        moment(6.4, "app", "start", run=1),
        moment(11.4, "app", "exit", run=1, code=1),
    ]
    if at < duration:
        base["runtime"].append(moment(at, "app", "start", run=2))
    return base


@pytest.mark.parametrize(("at", "missed"), [(26.0, "L1"), (53.0, "L1"), (55.0, None), (59.9, None)])
def test_what_lies_within_its_tolerance_of_the_horizon_may_be_missing(at: float, missed: str | None) -> None:
    recorded, simulated = restarted(at), restarted(100.0)

    assert verdict(recorded, simulated)[0] == missed
    assert verdict(simulated, recorded)[0] == missed


def test_nothing_may_be_missing_at_the_end_of_what_ended_because_all_was_over() -> None:
    recorded = with_(deleted_pod(), lambda it: it.update(duration=16.0))
    simulated = with_(recorded, lambda it: it["kubectl_get"].append(row(15.9, "Terminating", ready="0/2")))

    assert verdict(recorded, simulated)[0] == "L3"


def test_a_trace_that_stops_early_is_cut_short() -> None:
    level, differences = verdict(long_lived_pod(60), long_lived_pod(40))

    assert level == "L1"
    assert any("end of the trace: recorded 60.0; simulated 40.0" in each for each in differences)


GRACES: list[tuple[str, float, int, int, str | None]] = [
    ("the same", 5.5, 25, 25, None),
    ("one less, just below the second", 5.93, 25, 24, None),
    ("one less, well below the second", 5.8, 25, 24, "L2"),
    ("one more, though nothing was waited for", 5.02, 25, 26, "L2"),
    ("two less", 5.97, 25, 23, "L2"),
    ("one less, but this second was over already", 4.95, 25, 24, "L2"),
    ("never below 2", 5.97, 2, 1, "L2"),
]


@pytest.mark.parametrize(
    ("elapsed", "recorded", "simulated", "missed"), [case[1:] for case in GRACES], ids=[case[0] for case in GRACES]
)
def test_a_grace_counts_whole_seconds(elapsed: float, recorded: int, simulated: int, missed: str | None) -> None:
    base = deleted_pod(elapsed, recorded)
    other = deleted_pod(elapsed, simulated)

    level, differences = verdict(base, other)

    assert level == missed
    if missed:
        assert f"web/side#0 stop grace: recorded {recorded}; simulated {simulated}" in differences[0]


@pytest.mark.parametrize(
    ("elapsed", "missed"),
    [(1.2, None), (2.06, "L2")],
    ids=["the app's own loop turned", "the app's trap slept for two seconds"],
)
def test_a_grace_may_be_one_more_behind_the_turn_of_a_loop(elapsed: float, missed: str | None) -> None:
    whole = int(elapsed)

    assert (
        verdict(deleted_pod(elapsed, 30 - whole, hook=False), deleted_pod(elapsed, 31 - whole, hook=False))[0] == missed
    )


def counted(reason: str, times: int, at: float = 20.0) -> Callable[[Trace], Any]:
    def tweak(it: Trace) -> None:
        it["events"] += [event(at + 0.1 * count, reason, count) for count in range(1, times + 1)]

    return tweak


COUNTS: list[tuple[str, int, int, float, str | None]] = [
    ("BackOff", 3, 4, 20.0, None),
    ("BackOff", 3, 5, 20.0, "L3"),
    ("Unhealthy", 2, 1, 20.0, None),
    ("Pulled", 1, 2, 20.0, "L3"),
    ("BackOff", 0, 1, 20.0, "L3"),
    ("BackOff", 0, 1, 31.0, None),
    ("BackOff", 0, 1, 31.4, "L3"),
    ("BackOff", 0, 2, 30.5, "L3"),
]


@pytest.mark.parametrize(("reason", "recorded", "simulated", "at", "missed"), COUNTS)
def test_events_are_counted(reason: str, recorded: int, simulated: int, at: float, missed: str | None) -> None:
    """+-1 if both have some, or if the single one fell within 1.3 s of a container's end (here at 30)."""
    base = long_lived_pod()
    base["runtime"].append(moment(30.0, "app", "exit", code=0))

    one, other = with_(base, counted(reason, recorded, at)), with_(base, counted(reason, simulated, at))

    assert verdict(one, other)[0] == missed
    assert verdict(other, one)[0] == missed


TIMES: list[tuple[str, Callable[[Trace], Any], str | None]] = [
    ("sandbox 1 s later: setup", lambda it: it["runtime"][0].update(t=1.2), None),
    ("sandbox 1.1 s later", lambda it: it["runtime"][0].update(t=1.3), "L4"),
    ("Running 1.8 s later: status", lambda it: it["pods"][2].update(t=2.9), None),
    ("Running 1.9 s later", lambda it: it["pods"][2].update(t=3.1), "L4"),
    ("horizon 0.4 s later", lambda it: it.update(duration=60.4), None),
]


@pytest.mark.parametrize(("tweak", "missed"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_an_instant_lies_within_the_tolerance_of_its_chain(tweak: Callable[[Trace], Any], missed: str | None) -> None:
    base = trace(
        duration=60.0,
        pods=long_lived_pod()["pods"],
        runtime=long_lived_pod()["runtime"],
    )
    simulated = with_(base, tweak)

    level, differences = verdict(base, simulated)

    assert level == missed, differences


def test_what_follows_an_action_is_seen_from_the_action() -> None:
    """The driver was 1 s late: everything behind its delete is a second late, and nothing is wrong."""
    recorded = deleted_pod()

    def all_later(it: Trace) -> None:
        it["duration"] += 1
        for key in ("actions", "pods", "kubectl_get", "runtime"):
            for each in it[key]:
                each["t"] += 1 if each["t"] >= 10 else 0

    assert verdict(recorded, with_(recorded, all_later)) == (None, [])
    assert verdict(recorded, with_(recorded, lambda it: [all_later(it), it["actions"][0].update(t=10.0)]))[0] == "L4"


@pytest.mark.parametrize(("early", "missed"), [(0.05, None), (0.2, "L2")])
def test_what_follows_without_an_observation_keeps_its_order(early: float, missed: str | None) -> None:
    """The sidecar's stop follows the app's exit, in its turn; only 0.1 s may be the clocks'."""
    recorded = deleted_pod(5.08, hook=False)
    exit_at = recorded["runtime"][5]["t"]
    simulated = with_(recorded, lambda it: it["runtime"][6].update(t=exit_at - early))

    assert (verdict(recorded, simulated)[0] == "L2") == (missed == "L2")
