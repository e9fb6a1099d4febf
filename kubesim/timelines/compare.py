"""What differs between several runs: on releases, with gates, under seeds, of manifests. Histories in, rows out.

Facts differ when their texts do; orders when two things happen the other way round, or at once in one run and apart in
another; times when they lie further apart than the jitter. What differs by less is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeVar

from kubesim.history.history import History
from kubesim.history.replay import Key
from kubesim.timelines.compare_facts import (
    JITTER,
    MESSAGES,
    NOTHING,
    Difference,
    Moment,
    Name,
    Portrait,
    portrait,
    seconds_text,
    subject_names,
)
from kubesim.timelines.compare_summary import summary
from kubesim.timelines.lanes import where_it_ran
from kubesim.units import Duration

V = TypeVar("V")

_KINDS: Final = (
    "admission",
    "object",
    "spec",
    "requests",
    "phase",
    "job",
    "runs",
    "order",
    "exit",
    "signal",
    "grace",
    "hook",
    "condition",
    "event",
    "kubectl",
    "time",
)
"""The kinds of differences, those that others follow from first."""


_PARTS: Final = re.compile(r", (?![^(]*\))")
"""Between the parts of a label; the commas inside brackets are between gates."""


@dataclass(frozen=True, slots=True)
class Side:
    """One run of a comparison: the name of its column, how a sentence says it (``on 1.28``), and the run."""

    name: str
    said: str
    history: History
    manifest: str = ""
    """Which manifests it ran, where those differ: Pods of other names are then paired in their order."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs; ``summary`` says the most important of it in sentences, or that nothing differs."""

    columns: tuple[str, ...]
    summary: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def compare(sides: Sequence[Side]) -> Comparison:
    """What differs between runs, the first of which is the one that others are held against."""
    with_spec = len({side.manifest for side in sides}) == 1
    base = sides[0]
    portraits = [
        portrait(
            side.history,
            subject_names(side.history) if side.manifest == base.manifest else paired_names(base.history, side.history),
            with_spec=with_spec,
        )
        for side in sides
    ]
    found = [
        *_missing(portraits),
        *_facts(portraits),
        *_courses(portraits),
        *_events(portraits),
        *_orders(portraits),
        *_times(portraits),
    ]
    found.sort(key=lambda one: _KINDS.index(one.kind))
    differences = tuple(found)
    said = [side.said for side in sides]
    return Comparison(tuple(side.name for side in sides), tuple(summary(said, portraits, differences)), differences)


def what_differs(histories: Sequence[History]) -> tuple[str, ...]:
    """The sentences about several runs of one scenario, each named by where it ran; of one run there are none."""
    return compare(sides_of(histories)).summary if len(histories) > 1 else ()


def sides_of(histories: Sequence[History]) -> list[Side]:
    """Runs as the sides of a comparison, each named by where it ran; what holds for all is not said of each."""
    labels = [where_it_ran(history.header) for history in histories]
    parts = [_PARTS.split(label) for label in labels]
    others = set.intersection(*(set(own[1:]) for own in parts))
    settings = set.intersection(*(set(_settings(own[0])) for own in parts))
    return [
        Side(label, _said(own, settings, others), history)
        for label, own, history in zip(labels, parts, histories, strict=True)
    ]


def _settings(part: str) -> list[str]:
    """The gates and bugs of ``1.28 (SidecarContainers=true)``."""
    return part.partition(" (")[2].removesuffix(")").split(", ") if "(" in part else []


def _said(parts: list[str], settings: set[str], others: set[str]) -> str:
    """``on 1.28``, ``on 1.28 (SidecarContainers=true)``, ``on 1.29 with nodes 1.28``, without what all sides share."""
    own = [one for one in _settings(parts[0]) if one not in settings]
    elsewhere = [one for one in parts[1:] if one not in others]
    release = parts[0].partition(" (")[0] + (f" ({', '.join(own)})" if own else "")
    return f"on {release}" + (f" with {' and '.join(elsewhere)}" if elsewhere else "")


def paired_names(base: History, other: History) -> dict[Key, str]:
    """What to call the Pods and Jobs of another manifest: as in the base where they agree, else one after the other."""
    wanted, names = subject_names(base), subject_names(other)
    for kind in ("Pod", "Job"):
        taken = {name for key, name in names.items() if key.kind == kind}
        free = [name for key, name in wanted.items() if key.kind == kind and name not in taken]
        strangers = [key for key, name in names.items() if key.kind == kind and name not in wanted.values()]
        names |= dict(zip(strangers, free, strict=False))
    return names


def _missing(portraits: Sequence[Portrait]) -> Iterator[Difference]:
    """Pods, Jobs and containers that are not there on every side; of what is in a missing Pod nothing is said."""
    known = list(dict.fromkeys(subject for one in portraits for subject in sorted(one.subjects)))
    for subject in known:
        there = [subject in one.subjects for one in portraits]
        above = [subject.rpartition("/")[0] in one.subjects for one in portraits]
        if not all(there) and there != above:
            yield Difference("object", subject, "exists", tuple("yes" if is_there else NOTHING for is_there in there))


def _present(values: Sequence[V | None], subject: str, portraits: Sequence[Portrait], missing: V) -> list[V | None]:
    """The values with None where the subject does not exist: what is not there does not differ."""
    is_known = any(subject in one.subjects for one in portraits)
    return [
        None if is_known and subject not in one.subjects else missing if value is None else value
        for value, one in zip(values, portraits, strict=True)
    ]


def _differ(values: Sequence[V | None]) -> bool:
    return len({value for value in values if value is not None}) > 1


def _facts(portraits: Sequence[Portrait]) -> Iterator[Difference]:
    for name in dict.fromkeys(name for one in portraits for name in one.facts):
        values = _present([one.facts.get(name) for one in portraits], name.subject, portraits, "")
        if _differ(values):
            yield Difference(name.kind, name.subject, name.aspect, tuple(value or NOTHING for value in values))


def _courses(portraits: Sequence[Portrait]) -> Iterator[Difference]:
    """What took other values; what all sides have in common at both ends is left out."""
    told: set[Name] = set()
    for name in dict.fromkeys(name for one in portraits for name in one.courses):
        values = _present([one.courses.get(name) for one in portraits], name.subject, portraits, ())
        if _differ(values) and not _follows(name, told):
            told.add(name)
            real = [value for value in values if value is not None]
            first = _common(real)
            last = min(_common([value[::-1] for value in real]), min(map(len, real)) - first)
            texts = [NOTHING if value is None else _course(value, first, last) for value in values]
            yield Difference(name.kind, name.subject, name.aspect, tuple(texts))


def _follows(name: Name, told: set[Name]) -> bool:
    """Whether it is about the messages of a condition of which something else has been told already."""
    return name.aspect.endswith(MESSAGES) and name._replace(aspect=name.aspect.removesuffix(MESSAGES)) in told


def _common(values: Sequence[tuple[str, ...]]) -> int:
    """How many values all courses begin with."""
    number = 0
    for several in zip(*values, strict=False):
        if len(set(several)) > 1:
            break
        number += 1
    return number


def _course(value: tuple[str, ...], first: int, last: int) -> str:
    """One value after the other, beside what was the same: the last one before the difference is shown, too."""
    begin = max(first - 1, 0)
    shown = value[begin : len(value) - last] or value
    parts = ["…"] * (begin > 0) + list(shown) + ["…"] * (last > 0)
    return " → ".join(parts) if value else NOTHING


def _events(portraits: Sequence[Portrait]) -> Iterator[Difference]:
    """An Event's texts that are not the same everywhere, each with its count; those that are stay unsaid."""
    for name in dict.fromkeys(name for one in portraits for name in one.events):
        known = _present([one.events.get(name) for one in portraits], name.subject, portraits, {})
        real = [counts for counts in known if counts is not None]
        texts = dict.fromkeys(text for counts in real for text in counts)
        differing = {text for text in texts if len({counts.get(text, 0) for counts in real}) > 1}
        if differing:
            values = [_counted(counts or {}, differing) for counts in known]
            yield Difference("event", name.subject, name.aspect, tuple(value or NOTHING for value in values))


def _counted(counts: Mapping[str, int], wanted: set[str]) -> str:
    return "; ".join(f"{text} (×{count})" for text, count in counts.items() if text in wanted)


# -- order ------------------------------------------------------------------------------------------------------------


def _orders(portraits: Sequence[Portrait]) -> Iterator[Difference]:
    """Pairs of moments of two containers of a Pod that follow each other in one run, and not so in another."""
    known = list(dict.fromkeys(moment for one in portraits for moment in one.moments if moment.container))
    for first, second in combinations(known, 2):
        if first.subject != second.subject or first.container == second.container:
            continue
        gaps = [_gap(one, first, second) for one in portraits]
        if not _is_other_order(gaps):
            continue
        if any(gap is not None and _is_next(one, first, second) for one, gap in zip(portraits, gaps, strict=True)):
            values = [_order_text(first, second, gap) for gap in gaps]
            yield Difference("order", first.subject, f"{first} / {second}", tuple(values))


def _gap(one: Portrait, first: Moment, second: Moment) -> Duration | None:
    if first not in one.moments or second not in one.moments:
        return None
    return one.moments[second] - one.moments[first]


def _is_other_order(gaps: Sequence[Duration | None]) -> bool:
    """Whether two runs order the pair otherwise, by more than the jitter."""
    real = [gap for gap in gaps if gap is not None]
    return any(_place(one) != _place(other) and abs(one - other) > JITTER for one, other in combinations(real, 2))


def _place(gap: Duration) -> int:
    return 0 if abs(gap) <= JITTER else 1 if gap > 0 else -1


def _is_next(one: Portrait, first: Moment, second: Moment) -> bool:
    """Whether nothing else of the Pod's containers lies between the two, so that no other pair says more."""
    low, high = sorted((one.moments[first], one.moments[second]))
    return not any(
        low + JITTER < at < high - JITTER
        for moment, at in one.moments.items()
        if moment.subject == first.subject and moment.container and moment not in (first, second)
    )


def _order_text(first: Moment, second: Moment, gap: Duration | None) -> str:
    if gap is None:
        return NOTHING
    if _place(gap) == 0:
        return "at once"
    earlier, later = (first, second) if gap > 0 else (second, first)
    return f"{later} {seconds_text(abs(gap))} after {earlier}"


# -- time -------------------------------------------------------------------------------------------------------------


def _times(portraits: Sequence[Portrait]) -> Iterator[Difference]:
    """When things happen. What comes later by just as much as what came before it, is told with it."""
    known = dict.fromkeys(moment for one in portraits for moment in one.moments)
    in_order = sorted(known, key=lambda moment: min(one.moments[moment] for one in portraits if moment in one.moments))
    waiting: list[Moment] = []
    last: dict[str, tuple[Duration | None, ...]] = {}
    for moment in in_order:
        shifts = _shifts(portraits, moment)
        if shifts is None:
            last.pop(moment.subject, None)
            continue
        follows = moment.subject in last and _same_shift(shifts, last[moment.subject])
        if waiting and (not follows or waiting[0].subject != moment.subject):
            yield _time(portraits, waiting)
            waiting = []
        last[moment.subject] = shifts
        waiting.append(moment)
    if waiting:
        yield _time(portraits, waiting)


def _shifts(portraits: Sequence[Portrait], moment: Moment) -> tuple[Duration | None, ...] | None:
    """How much later it is on each side than where it is first; None if it is the same everywhere."""
    times = [one.moments.get(moment) for one in portraits]
    present = [at for at in times if at is not None]
    expected = [_subject(moment) in one.subjects for one in portraits]
    if len(present) == sum(expected) and max(present) - min(present) <= JITTER:
        return None
    return tuple(None if at is None else at - min(present) for at in times)


def _subject(moment: Moment) -> str:
    return f"{moment.subject}/{moment.container}" if moment.container else moment.subject


def _same_shift(one: tuple[Duration | None, ...], other: tuple[Duration | None, ...]) -> bool:
    return all(
        (a is None) == (b is None) and (a is None or b is None or abs(a - b) <= JITTER)
        for a, b in zip(one, other, strict=True)
    )


def _time(portraits: Sequence[Portrait], moments: Sequence[Moment]) -> Difference:
    first = moments[0]
    values = [NOTHING if (at := one.moments.get(first)) is None else seconds_text(at) for one in portraits]
    more = f", and {len(moments) - 1} more by as much" if len(moments) > 1 else ""
    return Difference("time", first.subject, f"{first}{more}", tuple(values))
