"""Counting, merging and dropping Events (S-90 to S-92)."""

from __future__ import annotations

from status_cases import since

from kubesim.kubelet.events import Dropped, Emitted, EventMemory, EventWrite, emit
from kubesim.releases import RELEASES, release
from kubesim.units import MINUTE, SECOND

RELEASE = release("1.29")


def emitted(*events: tuple[int, Emitted], known: str = "1.29") -> list[EventWrite | Dropped]:
    """What is written for Events at these instants."""
    memory, found = EventMemory(), []
    for now, event in events:
        memory, write = emit(memory, event, release(known), now)
        found.append(write)
    return found


def test_the_same_event_is_counted() -> None:
    """S-90: the key includes fieldPath and message."""
    started = Emitted("Normal", "Started", "Started container a", "spec.containers{a}")
    other_field = Emitted("Normal", "Started", "Started container a", "spec.containers{b}")
    other_text = Emitted("Normal", "Started", "Started container b", "spec.containers{a}")
    found = emitted((0, started), (5 * SECOND, other_field), (6 * SECOND, other_text), (9 * SECOND, started))
    first_key = ("Normal", "Started", "spec.containers{a}", "Started container a")
    assert found[0] == EventWrite(
        first_key, "Normal", "Started", started.message, "spec.containers{a}", 1, 0, 0, update=False
    )
    assert found[3] == EventWrite(
        first_key, "Normal", "Started", started.message, "spec.containers{a}", 2, 0, 9 * SECOND, update=True
    )
    assert [write.count for write in found if isinstance(write, EventWrite)] == [1, 1, 1, 2]


def test_the_tenth_different_message_is_merged() -> None:
    """S-91: over all fieldPaths of the object, within ten minutes of each other."""
    events = [
        (number * SECOND, Emitted("Warning", "Unhealthy", f"failed: {number}", f"spec.containers{{{number % 2}}}"))
        for number in range(12)
    ]
    found = emitted(*events)
    writes = [write for write in found if isinstance(write, EventWrite)]
    assert [(write.message, write.count, write.update) for write in writes[8:]] == [
        ("failed: 8", 1, False),
        ("(combined from similar events): failed: 9", 1, False),
        ("(combined from similar events): failed: 10", 2, True),
        ("(combined from similar events): failed: 11", 3, True),
    ]
    assert {write.field_path for write in writes[9:]} == {"spec.containers{1}"}
    assert {write.first for write in writes[9:]} == {9 * SECOND}
    again = emitted(*events, (13 * SECOND, events[0][1]))[-1]
    assert isinstance(again, EventWrite)
    assert (again.message, again.count) == ("failed: 0", 2)


def test_similar_events_are_forgotten_after_ten_minutes() -> None:
    """S-91."""
    events = [(number * SECOND, Emitted("Warning", "Unhealthy", f"failed: {number}")) for number in range(9)]
    for pause, message in ((10 * MINUTE, "(combined from similar events): new"), (10 * MINUTE + 1, "new")):
        last = emitted(*events, (8 * SECOND + pause, Emitted("Warning", "Unhealthy", "new")))[-1]
        assert isinstance(last, EventWrite)
        assert last.message == message


def test_the_spam_filter_lets_25_pass_and_then_one_in_five_minutes() -> None:
    """S-92: the count goes on while nothing is written; as recorded on 1.29, where no pod has a 26th write."""
    back_off = Emitted("Warning", "BackOff", "Back-off restarting failed container", "spec.containers{a}")
    found = emitted(*((0, back_off) for _ in range(27)), (5 * MINUTE - 1, back_off), (5 * MINUTE, back_off))
    assert [write.count for write in found] == list(range(1, 30))
    assert [number for number, write in enumerate(found, 1) if isinstance(write, Dropped)] == [26, 27, 28]
    last = found[-1]
    assert isinstance(last, EventWrite)
    assert (last.count, last.update, last.first, last.last) == (29, True, 0, 5 * MINUTE)


def test_the_bucket_fills_to_25_again() -> None:
    event = Emitted("Normal", "Pulled", "present")
    found = emitted(*((0, event) for _ in range(26)), *((10_000 * MINUTE, event) for _ in range(26)))
    assert [number for number, write in enumerate(found, 1) if isinstance(write, Dropped)] == [26, 52]


def test_an_event_that_was_only_dropped_is_created_later() -> None:
    """The correlator's memory runs ahead of the API server."""
    filler = Emitted("Normal", "Pulled", "present")
    late = Emitted("Normal", "Killing", "Stopping container a")
    found = emitted(*((0, filler) for _ in range(25)), (1, late), (5 * MINUTE, late))
    assert found[25] == Dropped(1)
    assert found[26] == EventWrite(
        ("Normal", "Killing", "", late.message), "Normal", "Killing", late.message, "", 2, 1, 5 * MINUTE, update=False
    )


def test_since_1_32_each_type_has_its_own_bucket() -> None:
    """S-92: recorded with 1.36, where a pod had 31 writes, at most 25 of a type."""
    normal, warning = Emitted("Normal", "Pulled", "present"), Emitted("Warning", "BackOff", "again")
    events = [(0, normal)] * 20 + [(0, warning)] * 26
    dropped = {known: sum(isinstance(write, Dropped) for write in emitted(*events, known=known)) for known in RELEASES}
    assert dropped == dict(since({"1.27": 21, "1.32": 1}))
