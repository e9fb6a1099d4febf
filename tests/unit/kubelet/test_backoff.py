"""Crash and pull back-off: limits, keys, and when a start is permitted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kubesim.kubelet.backoff import (
    BackoffDecision,
    BackoffLimits,
    BackoffRecord,
    after_failed_pull,
    crash_backoff_key,
    crash_backoff_limits,
    crash_backoff_message,
    garbage_at,
    is_garbage,
    pull_backoff_key,
    pull_backoff_limits,
    pull_permitted,
    start_permitted,
)
from kubesim.objects.pod import Container, Pod, Resources, pod_view
from kubesim.releases import release
from kubesim.units import MINUTE, SECOND

DEFAULT = BackoffLimits(10 * SECOND, 300 * SECOND, 600 * SECOND)
POD = pod_view({"metadata": {"name": "web", "namespace": "shop", "uid": "u1"}})
REDUCED = {"ReduceDefaultCrashLoopBackOffDecay": True}


@pytest.mark.parametrize(
    ("label", "gates", "node_maximum", "seconds"),
    [
        ("1.27", {}, None, (10, 300, 600)),
        ("1.31", {}, None, (10, 300, 600)),
        ("1.32", {}, 60, (10, 300, 600)),
        ("1.32", {"KubeletCrashLoopBackOffMax": True}, 60, (10, 60, 600)),
        ("1.35", {}, 60, (10, 60, 600)),
        ("1.35", {}, 5, (5, 5, 600)),
        ("1.33", REDUCED, None, (1, 60, 600)),
        ("1.36", REDUCED, None, (1, 300, 600)),
        ("1.36", {**REDUCED, "KubeletCrashLoopBackOffMax": False}, None, (1, 60, 600)),
        ("1.36", REDUCED, 20, (1, 20, 600)),
    ],
)
def test_limits(label: str, gates: dict[str, bool], node_maximum: int | None, seconds: tuple[int, int, int]) -> None:
    """The gate table of K-63: the node's maximum wins, and its default of 300 s too."""
    given = None if node_maximum is None else node_maximum * SECOND
    limits = crash_backoff_limits(release(label, gates), given)
    assert (limits.initial, limits.longest, limits.reset_after) == tuple(value * SECOND for value in seconds)


def test_the_reset_window_followed_the_maximum_until_1_31() -> None:
    """K-63; no gate changes the maximum there, so the window is always 600 s."""
    assert crash_backoff_limits(release("1.31")).reset_after == 2 * 300 * SECOND
    assert pull_backoff_limits(release("1.36")) == DEFAULT


def test_the_sequence_of_a_crash_loop() -> None:
    """K-62: 0, 10, 20, 40, 80, 160, 300, 300 s after each end; exit codes do not matter (K-63)."""
    record, now, waits = None, 0, []
    for _ in range(8):
        ended = now + SECOND
        decision = start_permitted(record, ended, ended, DEFAULT)
        waits.append((decision.until - ended) // SECOND)
        now = decision.until
        record = start_permitted(record, ended, now, DEFAULT).record
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_first_start_is_free_and_leaves_the_record() -> None:
    """K-59: nothing has exited."""
    kept = BackoffRecord(10 * SECOND, 0)
    assert start_permitted(None, None, 5, DEFAULT) == BackoffDecision(True, 5, 0, None)
    assert start_permitted(kept, None, 5, DEFAULT) == BackoffDecision(True, 5, 0, kept)


def test_a_refusal_changes_nothing_and_says_until_when() -> None:
    record = BackoffRecord(20 * SECOND, 100 * SECOND)
    decision = start_permitted(record, 105 * SECOND, 110 * SECOND, DEFAULT)
    assert (decision.permitted, decision.until, decision.delay) == (False, 125 * SECOND, 20 * SECOND)
    assert decision.record is record
    assert start_permitted(record, 105 * SECOND, 125 * SECOND - 1, DEFAULT).permitted is False
    assert start_permitted(record, 105 * SECOND, 125 * SECOND, DEFAULT).permitted is True


@pytest.mark.parametrize(("ran", "permitted"), [(600, False), (601, True)])
def test_a_long_run_begins_anew(ran: int, permitted: bool) -> None:
    """K-61: more than the window after the last permitted start."""
    record = BackoffRecord(300 * SECOND, 0)
    decision = start_permitted(record, ran * SECOND, ran * SECOND, DEFAULT)
    assert decision.permitted is permitted
    if permitted:
        assert decision.record == BackoffRecord(10 * SECOND, ran * SECOND)
        assert decision.delay == 0


def test_garbage_collection_can_cut_a_back_off_short() -> None:
    """K-63: the record of a container that ended 590 s after its start is forgotten 10 s later."""
    record = BackoffRecord(300 * SECOND, 0)
    assert not is_garbage(record, 600 * SECOND, DEFAULT)
    assert is_garbage(record, 600 * SECOND + 1, DEFAULT)
    assert garbage_at(record, DEFAULT) == 600 * SECOND + 1


def test_pulls_count_from_the_last_failed_pull() -> None:
    """K-28."""
    assert pull_permitted(None, 0, DEFAULT).permitted
    first = after_failed_pull(None, 5 * SECOND, DEFAULT)
    assert first == BackoffRecord(10 * SECOND, 5 * SECOND)
    refused = pull_permitted(first, 14 * SECOND, DEFAULT)
    assert refused == BackoffDecision(False, 15 * SECOND, 10 * SECOND, first)
    allowed = pull_permitted(first, 15 * SECOND, DEFAULT)
    assert allowed == BackoffDecision(True, 15 * SECOND, 10 * SECOND, first)
    second = after_failed_pull(first, 15 * SECOND, DEFAULT)
    assert second == BackoffRecord(20 * SECOND, 15 * SECOND)


def test_a_pull_record_expires() -> None:
    record = BackoffRecord(300 * SECOND, 0)
    assert pull_permitted(record, 600 * SECOND, DEFAULT) == BackoffDecision(True, 600 * SECOND, 300 * SECOND, record)
    assert pull_permitted(record, 601 * SECOND, DEFAULT) == BackoffDecision(True, 601 * SECOND, 0, record)
    later = replace(record, updated_at=400 * SECOND)
    assert pull_permitted(later, 500 * SECOND, DEFAULT) == BackoffDecision(False, 700 * SECOND, 300 * SECOND, later)
    assert after_failed_pull(record, 600 * SECOND, DEFAULT).delay == 300 * SECOND
    assert after_failed_pull(record, 600 * SECOND + 1, DEFAULT).delay == 10 * SECOND
    assert after_failed_pull(replace(record, updated_at=300 * SECOND), 601 * SECOND, DEFAULT).delay == 300 * SECOND


BASE = Container(name="app", image="img:1", command=("run",), resources=Resources(requests={"cpu": "1"}))
CHANGES = {
    "image": Container(name="app", image="img:2", command=("run",), resources=BASE.resources),
    "command": Container(name="app", image="img:1", command=("walk",), resources=BASE.resources),
    "resources": Container(name="app", image="img:1", command=("run",), resources=Resources(requests={"cpu": "2"})),
    "nothing": Container(name="app", image="img:1", command=("run",), resources=Resources(requests={"cpu": "1"})),
}


@pytest.mark.parametrize(
    ("label", "resets"),
    [
        ("1.30", {"image", "command", "resources"}),
        ("1.31", {"image"}),
        ("1.33", {"image"}),
        ("1.34", {"image", "resources"}),
        ("1.36", {"image", "resources"}),
    ],
)
def test_what_makes_the_key_of_a_container(label: str, resets: set[str]) -> None:
    """K-60, K-53."""
    settings = release(label)
    key = crash_backoff_key(POD, BASE, settings)
    changed = {name for name, container in CHANGES.items() if crash_backoff_key(POD, container, settings) != key}
    assert changed == resets


def _renamed(**metadata: str) -> Pod:
    return pod_view({"metadata": {"name": "web", "namespace": "shop", "uid": "u1", **metadata}})


@pytest.mark.parametrize("metadata", [{"name": "x"}, {"namespace": "x"}, {"uid": "x"}])
def test_the_key_names_the_pod(metadata: dict[str, str]) -> None:
    settings = release("1.36")
    assert crash_backoff_key(_renamed(**metadata), BASE, settings) != crash_backoff_key(POD, BASE, settings)


def test_pull_keys_are_shared_by_image() -> None:
    assert pull_backoff_key(POD, "img:1") == ("u1", "img:1")


def test_the_message_names_the_delay_the_go_way() -> None:
    """K-25."""
    text = crash_backoff_message(2 * MINUTE + 40 * SECOND, "app", POD, release("1.29"))
    assert text == "back-off 2m40s restarting failed container=app pod=web_shop(u1)"
