"""One history from those of parts that ran apart: the order in which one clock would have run all their callbacks.

A clock runs callbacks by instant, and those of one instant in the order in which they were planned. Who was planned
first follows from who planned it: the callback that ran first, and of one callback's plans the one made first. So the
order of the whole can be found from when each callback was due and which one planned it, without running anything.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from kubesim.history.records import AnyRecord, Assumed, NotModelled, ObjectChanged
from kubesim.units import Instant


def _numbers() -> array[int]:
    return array("q")


@dataclass(frozen=True, slots=True)
class Journal:
    """What one part did, step by step; a step is something done before the clock ran, or a callback.

    Callbacks that planned nothing, recorded nothing and left as much pending as before are not among them.
    """

    opening: array[int] = field(default_factory=_numbers)
    """The place, among what all parts did before the clock ran, of each of the first steps."""
    instants: array[int] = field(default_factory=_numbers)
    planned_by: array[int] = field(default_factory=_numbers)
    """The step that planned this one; -1 for the opening."""
    records: array[int] = field(default_factory=_numbers)
    """How many records there were after each step."""
    pending: array[int] = field(default_factory=_numbers)
    """How many callbacks were planned, after each step, that can change something."""

    def __len__(self) -> int:
        return len(self.instants)


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the whole: slices of the parts' records, how many steps of each part it takes, and how it ends."""

    slices: tuple[tuple[int, int, int], ...]
    """Part, and the first record and the one behind the last."""
    steps: tuple[int, ...]
    settled: Instant | None
    """When nothing was left that could change anything; None: the parts' clocks ran to the end."""


def order_of(journals: Sequence[Journal]) -> Order:
    """The order in which one clock would have taken the steps of all parts."""
    slices: list[tuple[int, int, int]] = []
    places: list[list[int]] = [[] for _ in journals]
    records, pending = [0] * len(journals), [0] * len(journals)
    settled = journals[0].instants[0]

    def take(part: int, place: int) -> None:
        nonlocal settled
        journal, step = journals[part], len(places[part])
        places[part].append(place)
        if journal.records[step] > records[part]:
            slices.append((part, records[part], journal.records[step]))
            records[part] = journal.records[step]
        pending[part] = journal.pending[step]
        settled = journal.instants[step]

    for place, part in sorted((place, part) for part, one in enumerate(journals) for place in one.opening):
        take(part, place)
    place = max(journal.opening[-1] for journal in journals)
    due = [one for part in range(len(journals)) if (one := _next(journals, places, part)) is not None]
    heapq.heapify(due)
    while due and any(pending):
        part, place = due[0][2], place + 1
        take(part, place)
        following = _next(journals, places, part)
        if following is None:
            heapq.heappop(due)
        else:
            heapq.heapreplace(due, following)
    return Order(tuple(slices), tuple(map(len, places)), None if any(pending) else settled)


def _next(journals: Sequence[Journal], places: Sequence[list[int]], part: int) -> tuple[Instant, int, int] | None:
    """When the part's next step is due, the place of the one that planned it, and the part."""
    journal, own = journals[part], places[part]
    if len(own) == len(journal):
        return None
    return journal.instants[len(own)], own[journal.planned_by[len(own)]], part


def interleaved(records: Sequence[Sequence[AnyRecord]], order: Order, *, level: str) -> Iterator[AnyRecord]:
    """The records of the whole: what is said once is said once, and the writes are numbered through."""
    said: set[tuple[str, str]] = set()
    writes = 0
    for record in _in_order(records, order):
        if isinstance(record, ObjectChanged):
            writes += 1
            yield _numbered(record, writes)
            continue
        if isinstance(record, Assumed | NotModelled):
            subject = "" if isinstance(record, Assumed) and level != "full" else record.subject
            once = (subject, record.text if isinstance(record, Assumed) else record.field)
            if once in said:
                continue
            said.add(once)
        yield record


def _in_order(records: Sequence[Sequence[AnyRecord]], order: Order) -> Iterable[AnyRecord]:
    for part, first, behind in order.slices:
        yield from records[part][first:behind]


def _numbered(record: ObjectChanged, version: int) -> ObjectChanged:
    """The write with its number in the whole, in the object or patch as well, which are changed in place."""
    changed = record.object if record.object is not None else record.patch
    if changed is not None:
        changed["metadata"]["resourceVersion"] = str(version)
    return msgspec.structs.replace(record, resource_version=version)
