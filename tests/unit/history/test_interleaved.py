"""The order of a whole from the journals of its parts, and its records."""

from __future__ import annotations

from array import array
from typing import Any

from kubesim.history.interleaved import Journal, interleaved, order_of
from kubesim.history.records import AnyRecord, Assumed, NotModelled, ObjectChanged, OutputWritten


def journal(opening: list[int], *steps: tuple[int, int, int, int]) -> Journal:
    """Steps as (instant, planned by, records after, pending after)."""
    columns = list(zip(*steps, strict=True))
    return Journal(array("q", opening), *(array("q", column) for column in columns))


def said(*lines: str) -> list[AnyRecord]:
    return [OutputWritten(at=0, namespace="", pod="", container="", run=0, line=line) for line in lines]


def lines(records: list[list[AnyRecord]], *journals: Journal) -> str:
    order = order_of(journals)
    return "".join(one.line for one in interleaved(records, order, level="full") if isinstance(one, OutputWritten))


def test_steps_come_by_instant() -> None:
    first = journal([0], (0, -1, 1, 2), (5, 0, 2, 1), (9, 0, 3, 0))
    second = journal([1], (0, -1, 1, 2), (4, 0, 2, 1), (7, 0, 3, 0))
    assert lines([said(*"Adf"), said(*"Bce")], first, second) == "ABcdef"


def test_of_one_instant_the_one_that_was_planned_first_comes_first() -> None:
    """Both have a step at 9: the second's was planned at 4, before the first's, at 5."""
    first = journal([0], (0, -1, 1, 1), (5, 0, 2, 1), (9, 1, 3, 0))
    second = journal([1], (0, -1, 1, 1), (4, 0, 2, 1), (9, 1, 3, 0))
    assert lines([said(*"Adf"), said(*"Bce")], first, second) == "ABcdef"


def test_what_was_planned_before_the_clock_ran_comes_in_the_order_of_the_opening() -> None:
    first = journal([0, 3], (0, -1, 1, 1), (0, -1, 2, 2), (6, 0, 3, 1), (6, 1, 4, 0))
    second = journal([1, 2], (0, -1, 1, 1), (0, -1, 2, 2), (6, 0, 3, 1), (6, 1, 4, 0))
    assert lines([said(*"AD16"[:4]), said(*"BC34")], first, second) == "ABCD1346"


def test_the_whole_ends_when_no_part_has_anything_to_do() -> None:
    """The first part is settled at 3 and has run on to 8; the second is settled at 5."""
    first = journal([0], (0, -1, 1, 1), (3, 0, 2, 0), (4, 0, 3, 0), (8, 0, 4, 0))
    second = journal([1], (0, -1, 1, 1), (5, 0, 2, 0))
    order = order_of([first, second])
    assert (order.settled, order.steps) == (5, (3, 2))
    assert lines([said(*"Acdx"), said(*"Be")], first, second) == "ABcde"


def test_a_whole_that_is_cut_off_is_not_settled() -> None:
    order = order_of([journal([0], (0, -1, 1, 1)), journal([1], (0, -1, 1, 1), (5, 0, 2, 0))])
    assert order.settled is None


def test_what_two_parts_say_is_said_once_and_writes_are_numbered() -> None:
    def write(uid: str, **given: Any) -> ObjectChanged:
        about = {"kind": "Pod", "namespace": "", "name": uid, "uid": uid, "actor": "", "verb": ""}
        return ObjectChanged(at=0, change="ADDED", resource_version=1, **about, **given)

    first: list[AnyRecord] = [
        Assumed(at=0, subject="s", text="t"),
        write("a", object={"metadata": {"resourceVersion": "1"}}),
        NotModelled(at=0, subject="s", field="f", text="t"),
    ]
    second: list[AnyRecord] = [
        Assumed(at=0, subject="s", text="t"),
        write("b", patch={"metadata": {"resourceVersion": "1"}}),
        NotModelled(at=0, subject="s", field="f", text="t"),
        Assumed(at=0, subject="other", text="t"),
    ]
    order = order_of([journal([0], (0, -1, 3, 0)), journal([1], (0, -1, 4, 0))])
    full = list(interleaved([first, second], order, level="full"))
    assert [type(one) for one in full] == [Assumed, ObjectChanged, NotModelled, ObjectChanged, Assumed]
    changes = [one for one in full if isinstance(one, ObjectChanged)]
    assert [change.resource_version for change in changes] == [1, 2]
    assert changes[1].patch == {"metadata": {"resourceVersion": "2"}}
    assert len(list(interleaved([first, second], order, level="summary"))) == 4
