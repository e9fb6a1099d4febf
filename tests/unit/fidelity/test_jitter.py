"""The arithmetic of tolerances, and the causes of a recorded pod."""

from __future__ import annotations

import pytest
from made_traces import deleted_pod, event, long_lived_pod, moment

from kubesim.fidelity.alignment import Step, aligned
from kubesim.fidelity.causes import causes_of
from kubesim.fidelity.jitter import BASE, GROWTH, ROOT, Causes, Kind, Link
from kubesim.fidelity.trace import Key, normalised
from kubesim.units import MILLISECOND


def chain(*kinds: Kind) -> Causes:
    """Instants 1, 2, … each hanging from the one before, 1 from t=0."""
    links: dict[Key, Link] = {}
    for place, kind in enumerate(kinds, 1):
        links[(place,)] = Link((place - 1,) if place > 1 else ROOT, kind)
    return Causes({ROOT: 0}, links)


def test_every_kind_has_a_base_and_a_growth() -> None:
    assert set(BASE) == set(GROWTH) == set(Kind)


CHAINS = [
    ((Kind.DIRECT,), 100),
    ((Kind.DIRECT, Kind.SETUP), 1020),
    ((Kind.DIRECT, Kind.SETUP, Kind.SETUP, Kind.SETUP, Kind.PLEG, Kind.PLEG), 2220),
    ((Kind.PLEG, Kind.STATUS), 1400),
    ((Kind.REQUEUE, Kind.REQUEUE, Kind.SCRIPT), 6520),
]
"""The third is conform.md's own example: ``del-order/main-1#0 start: recorded 3.232 (+-2.22)``."""


@pytest.mark.parametrize(("kinds", "milliseconds"), CHAINS)
def test_a_path_allows_its_largest_base_and_the_growth_of_the_rest(kinds: tuple[Kind, ...], milliseconds: int) -> None:
    assert chain(*kinds).tolerance((len(kinds),)) == milliseconds * MILLISECOND


def test_jitter_is_the_path_between_two_instants() -> None:
    causes = chain(Kind.SETUP, Kind.PLEG, Kind.DIRECT)
    causes.links[(9,)] = Link((1,), Kind.STATUS)

    assert causes.jitter((3,), (9,)) == (1300 + 100 + 20) * MILLISECOND
    assert causes.jitter((2,), (3,)) == 100 * MILLISECOND


def test_what_follows_by_itself_keeps_its_order_over_any_distance() -> None:
    causes = chain(Kind.DIRECT, Kind.SCRIPT, Kind.DIRECT, Kind.DIRECT)

    assert causes.tolerance((4,)) == 160 * MILLISECOND
    assert causes.jitter((1,), (4,)) == 100 * MILLISECOND


def kinds_to_the_root(causes: Causes, key: Key) -> list[str]:
    return [causes.links[each].kind.value for each in causes.path(key)[:-1]]


def test_a_deletion_is_traced_to_the_delete() -> None:
    causes = causes_of(normalised(deleted_pod()))

    assert causes.root(("web", "side", 0, "exit", 0)) == ("action", 0)
    assert kinds_to_the_root(causes, ("web", "side", 0, "stop", 0)) == ["direct", "script", "direct", "direct"]
    assert kinds_to_the_root(causes, ("web", "(sandbox)", 0, "exit", 0))[:2] == ["teardown", "direct"]
    assert kinds_to_the_root(causes, ("web", "app", 0, "start", 0)) == ["pleg", "setup", "setup", "direct"]


def test_a_restart_is_traced_to_the_run_before() -> None:
    raw = long_lived_pod()
    raw["runtime"] += [
        moment(5.4, "app", "exit", code=1),
        moment(6.4, "app", "start", run=1),
        moment(6.41, "app", "exit", run=1, code=1),
        moment(19.0, "app", "start", run=2),
        moment(19.0, "app", "exit", run=2, code=1),
    ]
    raw["events"].append(event(20.0, "BackOff"))
    causes = causes_of(normalised(raw))

    assert kinds_to_the_root(causes, ("web", "app", 2, "exit", 0)) == [
        *("script", "requeue", "script", "pleg", "script", "setup", "setup", "direct"),
    ]


def steps(text: str) -> list[Step]:
    """One step for each letter; a small letter may be missing."""
    return [Step(letter.upper(), letter.islower()) for letter in text]


ALIGNMENTS = [
    ("ABC", "ABC", (), ()),
    ("AbC", "AC", (), ()),
    ("ABC", "AC", (1,), ()),
    ("AC", "ABC", (), (1,)),
    ("AbA", "A", (2,), ()),
    ("abC", "C", (), ()),
    ("ABC", "ADC", (1,), (1,)),
]
"""Recorded, simulated, and who stands wrongly alone: what repeats behind a short value is still a value."""


@pytest.mark.parametrize(("recorded", "simulated", "only_recorded", "only_simulated"), ALIGNMENTS)
def test_sequences_are_aligned(
    recorded: str, simulated: str, only_recorded: tuple[int, ...], only_simulated: tuple[int, ...]
) -> None:
    found = aligned(steps(recorded), steps(simulated))

    assert (len(found.only_recorded), len(found.only_simulated)) == (len(only_recorded), len(only_simulated))
    assert found.fits == (not only_recorded and not only_simulated)
