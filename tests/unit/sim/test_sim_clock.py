"""The virtual clock: order at one instant, cancelling, the end of a run, and timers that keep nothing alive."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import pytest

from kubesim.sim.clock import Clock


@pytest.fixture
def said() -> list[str]:
    return []


def say(clock: Clock, said: list[str]) -> Callable[[str], None]:
    return lambda word: said.append(f"{clock.now} {word}")


def test_callbacks_come_in_order_of_their_instants(said: list[str]) -> None:
    clock = Clock()
    tell = say(clock, said)
    clock.at(30, tell, "c")
    clock.at(10, tell, "a")
    clock.after(20, tell, "b")

    clock.run(100)

    assert said == ["10 a", "20 b", "30 c"]


def test_equal_instants_come_in_the_order_they_were_asked_for(said: list[str]) -> None:
    clock = Clock()
    tell = say(clock, said)
    for word in "abc":
        clock.at(10, tell, word)

    clock.run(100)

    assert said == ["10 a", "10 b", "10 c"]


def test_what_is_asked_for_at_an_instant_comes_after_what_is_due_then(said: list[str]) -> None:
    clock = Clock()
    tell = say(clock, said)
    clock.at(10, lambda: (tell("first"), clock.at(10, tell, "asked"))[0])
    clock.at(10, tell, "due")

    clock.run(100)

    assert said == ["10 first", "10 due", "10 asked"]


def test_an_instant_that_has_passed_is_now(said: list[str]) -> None:
    clock = Clock(start=50)
    timer = clock.at(7, say(clock, said), "late")

    clock.run(100)

    assert said == ["50 late"]
    assert timer.instant == 50


def test_a_cancelled_timer_does_nothing(said: list[str]) -> None:
    clock = Clock()
    timer = clock.at(10, say(clock, said), "never")
    clock.at(20, say(clock, said), "later")
    timer.cancel()
    timer.cancel()

    clock.run(100)

    assert said == ["20 later"]
    assert not timer.live


def test_cancelling_after_it_fired_changes_nothing(said: list[str]) -> None:
    clock = Clock()
    first = clock.at(10, say(clock, said), "a")
    clock.at(20, first.cancel)
    clock.at(30, say(clock, said), "b")

    clock.run(100)

    assert said == ["10 a", "30 b"]
    assert clock.settled


def test_a_timer_can_cancel_another_of_its_instant(said: list[str]) -> None:
    clock = Clock()
    later: list[object] = []
    clock.at(10, lambda: later[0].cancel())  # type: ignore[attr-defined]  # a Timer, made below
    later.append(clock.at(10, say(clock, said), "never"))

    clock.run(100)

    assert said == []


def test_until_is_included_and_nothing_after_it_runs(said: list[str]) -> None:
    clock = Clock()
    tell = say(clock, said)
    for instant in (19, 20, 21):
        clock.at(instant, tell, "x")

    clock.run(20)

    assert said == ["19 x", "20 x"]
    assert not clock.settled
    clock.run(21)
    assert said[-1] == "21 x"
    assert clock.settled


def test_a_background_timer_runs_but_keeps_nothing_alive(said: list[str]) -> None:
    clock = Clock()
    tell = say(clock, said)
    clock.at(10, tell, "background", background=True)
    clock.at(20, tell, "foreground")
    clock.at(30, tell, "too late", background=True)

    clock.run(100)

    assert said == ["10 background", "20 foreground"]
    assert clock.settled
    assert clock.now == 20


def test_a_cancelled_timer_does_not_keep_a_run_alive(said: list[str]) -> None:
    clock = Clock()
    clock.at(50, say(clock, said), "never").cancel()

    assert clock.settled
    clock.run(100)
    assert clock.now == 0


def test_a_foreground_timer_made_by_a_background_one_counts(said: list[str]) -> None:
    clock = Clock()
    tell = say(clock, said)
    clock.at(10, clock.at, 40, tell, "made", background=True)
    clock.at(20, tell, "foreground")

    clock.run(100)

    assert said == ["20 foreground", "40 made"]


def test_stop_ends_the_run_after_the_callback(said: list[str]) -> None:
    clock = Clock()
    tell = say(clock, said)
    clock.at(10, lambda: (clock.stop(), tell("last"))[0])
    clock.at(10, tell, "not any more")

    clock.run(100)

    assert said == ["10 last"]
    assert clock.now == 10


def test_time_is_an_integer() -> None:
    clock = Clock()
    clock.at(10**18 + 1, lambda: None)

    clock.run(2 * 10**18)

    assert clock.now == 10**18 + 1
    assert type(clock.now) is int


def test_equal_instants_can_come_in_any_order_but_no_instant_before_another(said: list[str]) -> None:
    orders = set()
    for seed in range(40):
        said.clear()
        clock = Clock(ties=random.Random(seed))
        tell = say(clock, said)
        for word in "abc":
            clock.at(10, tell, word)
        clock.at(11, tell, "later")
        clock.run(100)
        assert said[-1] == "11 later"
        orders.add(tuple(said[:-1]))
    assert len(orders) == 6


def test_a_shuffled_clock_is_the_same_for_the_same_seed_and_can_be_copied(said: list[str]) -> None:
    one = Clock(ties=random.Random(3))
    for word in "abcdef":
        one.at(10, said.append, word)
    other = copy.deepcopy(one)

    one.run(100)

    assert sorted(said) == list("abcdef")
    assert not other.settled
    other.run(100)
    assert other.settled
