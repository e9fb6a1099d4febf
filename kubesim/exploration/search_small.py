"""The small workloads, smallest first: most of what can go wrong goes wrong by one change or two.

Hypothesis looks among the rest. What is found here needs no shrinking: everything smaller was tried before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from kubesim.exploration.workloads import FOREVER, IGNORED, Place, Program, Stimulus, Workload

DELETED_AT = 5
"""The second at which Pods are deleted: their containers run by then."""


def small_workloads(places: tuple[Place, ...]) -> Iterator[Workload]:
    """Nothing; one change; one change and a deletion; two changes of different containers; these and a deletion."""
    base = tuple(Program(place) for place in places)
    single = [(index, change) for index, place in enumerate(places) for change in _changes(place)]
    pairs = [(one, other) for one, other in combinations(single, 2) if one[0] != other[0]]
    pairs.sort(key=lambda pair: _weight(pair[0][1]) + _weight(pair[1][1]))
    for changes in ([()], [(one,) for one in single], pairs):
        for several in changes:
            programs = list(base)
            for index, change in several:
                programs[index] = change
            yield _workload(programs, ())
        for several in changes:
            programs = list(base)
            for index, change in several:
                programs[index] = change
            for owner in dict.fromkeys(place.owner for place in places):
                yield _workload(programs, (Stimulus(DELETED_AT, "delete", owner),))


def single_workloads(places: tuple[Place, ...]) -> Iterator[Workload]:
    """The small workloads with at most one change, each also with a deletion."""
    base = [Program(place) for place in places]
    changed = [
        [*base[:index], change, *base[index + 1 :]] for index, place in enumerate(places) for change in _changes(place)
    ]
    for programs in (base, *changed):
        yield _workload(programs, ())
        for owner in dict.fromkeys(place.owner for place in places):
            yield _workload(programs, (Stimulus(DELETED_AT, "delete", owner),))


def _workload(programs: list[Program], stimuli: tuple[Stimulus, ...]) -> Workload:
    return Workload(tuple(one for one in programs if one.script()), stimuli)


def _changes(place: Place) -> Iterator[Program]:
    """One change of one program each, the likeliest to matter first."""
    base = Program(place)
    yield from (replace(base, needs=name) for name in place.waits_for)
    yield replace(base, term=3)
    yield replace(base, term=max(place.grace - 1, 0))
    yield replace(base, term=IGNORED)
    if place.has_pre_stop:
        yield replace(base, pre_stop=place.grace + 5)
    yield replace(base, lasts=5)
    if place.role == "main":
        yield replace(base, lasts=FOREVER)
    yield replace(base, exits=(1,))
    if place.role != "init":
        yield replace(base, lasts=5, exits=(1, 0))


def _weight(change: Program) -> int:
    """Pairs of what containers do at their end come first, then of how long they last."""
    return 0 if change.term is not None or change.pre_stop is not None else 1 if change.lasts is not None else 2
