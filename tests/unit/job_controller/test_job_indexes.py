"""Completion indexes: their text, which succeeded, failed or come next, counts by index, and the successPolicy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_jobs import controller, job, pod, synced

from kubesim.job_controller.indexes import in_index_order, inherited_counts
from kubesim.job_controller.intervals import (
    contains,
    first_missing,
    format_indexes,
    merged,
    overlap,
    parse_indexes,
    total,
    with_indexes,
)
from kubesim.job_controller.pods import completion_index, failure_count, ignored_failure_count, valid_index
from kubesim.job_controller.success_policy import match_success
from kubesim.objects.job import INDEX_FAILURE_COUNT, INDEX_IGNORED_FAILURE_COUNT, job_view
from kubesim.objects.pod import Pod
from kubesim.units import SECOND

INDEXES = st.sets(st.integers(0, 40))


@pytest.mark.parametrize(
    ("text", "intervals", "again"),
    [
        ("", (), ""),
        ("3", ((3, 3),), "3"),
        ("1,2", ((1, 2),), "1,2"),
        ("1-3,4,6", ((1, 4), (6, 6)), "1-4,6"),
        ("0-12", ((0, 9),), "0-9"),
        ("2,10,3", ((2, 2),), "2"),
        ("x,2,3-y,5", ((2, 2), (5, 5)), "2,5"),
        (" 1,+2,-3,4_0", ((2, 2),), "2"),
        ("1-2-9", ((1, 2),), "1,2"),
        ("9999999999999999999,1", ((1, 1),), "1"),
        ("5-3", ((5, 3),), "5"),
    ],
)
def test_reading_and_writing(text: str, intervals: Any, again: str) -> None:
    """J-35, J-43: what is unreadable is passed over; what is beyond the completions ends the reading."""
    found = parse_indexes(text, 10)
    assert found == intervals
    assert format_indexes(found) == again


@given(INDEXES, INDEXES)
def test_intervals_are_sets(some: set[int], others: set[int]) -> None:
    """The operations agree with those on sets, and the text is read back as it was written."""
    here, there = with_indexes((), some), with_indexes((), others)
    union = merged(here, there)
    assert union == with_indexes(here, others) == merged(there, here)
    assert total(union) == len(some | others)
    assert overlap(here, there) == len(some & others)
    assert [index for index in range(45) if contains(union, index)] == sorted(some | others)
    assert parse_indexes(format_indexes(union), 41) == union
    missing = [index for index in range(45) if index not in some]
    assert first_missing(here, 4, 45) == tuple(missing[:4])
    assert first_missing(here, 0, 45) == ()


@pytest.mark.parametrize(
    ("text", "index", "valid"),
    [("0", 0, 0), ("2", 2, None), ("-1", None, None), ("x", None, None), (None, None, None)],
)
def test_the_index_of_a_pod(text: str | None, index: int | None, valid: int | None) -> None:
    """J-5: valid ones are below the completions."""
    found = pod("a", index=text)
    assert completion_index(found) == index
    assert valid_index(found, job(completions=2)) == valid
    assert valid_index(found, job(completions=None)) is None


@pytest.mark.parametrize(
    ("text", "count"), [("3", 3), ("-1", 0), ("2147483647", 2**31 - 1), ("2147483648", 0), ("many", 0)]
)
def test_unreadable_counts_are_none(text: str, count: int) -> None:
    """J-35."""
    found = pod("a", index=0, annotations={INDEX_FAILURE_COUNT: text, INDEX_IGNORED_FAILURE_COUNT: text})
    assert failure_count(found) == ignored_failure_count(found) == count


def test_indexes_are_counted_in_order() -> None:
    """J-21: pods without an index first."""
    pods = [pod("c", index=2), pod("a", index=0), pod("x")]
    assert [each.metadata.name for each in in_index_order(pods)] == ["x", "a", "c"]


@pytest.mark.parametrize(
    ("name", "spec", "status", "pods", "created", "deleted"),
    [
        ("1.29", {}, {}, [], [0, 1], []),
        ("1.29", {}, {"completedIndexes": "0,2"}, [pod("a", index=1)], [3], []),
        ("1.29", {}, {}, [pod("a", index=1), pod("b", index=1, ready=-3)], [], ["a"]),
        ("1.29", {}, {}, [pod("a"), pod("b", index=9), pod("c", index=0)], [], ["a", "b"]),
        ("1.29", {"parallelism": 0}, {}, [pod("a", index=0), pod("b", index=0)], [], ["a", "b"]),
        ("1.29", {"podReplacementPolicy": "Failed", "parallelism": 3}, {}, [pod("a", index=0, deleted=9)], [1, 2], []),
        ("1.29", {"parallelism": 3}, {}, [pod("a", index=0, deleted=9)], [0, 1, 2], []),
        ("1.27", {"podFailurePolicy": {}, "parallelism": 3}, {}, [pod("a", index=0, deleted=9)], [0, 1, 2], []),
    ],
)
def test_which_indexes(
    name: str, spec: Any, status: Any, pods: list[Pod], created: list[int], deleted: list[str]
) -> None:
    """J-24, J-28: the lowest free ones; duplicates and misplaced pods go, the pod that has come furthest stays."""
    wanted = {"completionMode": "Indexed", "completions": 5, "parallelism": 2, **spec}
    decision = synced(job({"active": 0, **status}, **wanted), *pods, known=controller(name))
    assert [place.index for place in decision.creations] == created
    assert sorted(deletion.name for deletion in decision.deletions) == deleted


def counted(index: int, ended: int, failures: int = 0, ignored: int = 0, **more: Any) -> Pod:
    """A failed pod of an index that failed before."""
    annotations = {INDEX_FAILURE_COUNT: str(failures), INDEX_IGNORED_FAILURE_COUNT: str(ignored)}
    name = more.pop("name", f"i{index}f{failures}")
    return pod(name, "Failed", index=index, ended=ended, annotations=annotations, **more)


def test_the_replacement_inherits_the_counts() -> None:
    """J-35: and the failed pod keeps its finalizer until it runs; index 1 is still backed off."""
    given = job({"active": 0}, completionMode="Indexed", completions=3, parallelism=3, backoffLimitPerIndex=5)
    pods = [counted(0, -60, failures=1, ignored=1), counted(1, -3), counted(0, -90, name="earlier")]
    decision = synced(given, *pods, known=controller())
    assert [(place.index, place.failure_count, place.ignored_failure_count) for place in decision.creations] == [
        (0, 2, 1),
        (2, 0, 0),
    ]
    assert [removal.name for removal in decision.finalizers] == ["earlier"]
    again = synced(given, *pods, pod("new", index=0), known=controller())
    assert sorted(removal.name for removal in again.finalizers) == ["earlier", "i0f1"]


def test_all_missing_indexes_backed_off() -> None:
    """J-10, J-35: nothing is created; looked at again when the first back-off is over."""
    given = job({"active": 0}, completionMode="Indexed", completions=2, parallelism=2, backoffLimitPerIndex=5)
    decision = synced(given, counted(0, -3, failures=1), counted(1, -3), known=controller())
    assert decision.creations == ()
    assert [requeue.after for requeue in decision.requeues] == [7 * SECOND]


@pytest.mark.parametrize(
    ("limit", "policy", "failures", "code", "failed"),
    [
        (1, None, 0, 1, ""),
        (1, None, 1, 1, "0"),
        (1, "FailIndex", 0, 42, "0"),
        (1, "FailIndex", 0, 1, ""),
        (0, "Ignore", 0, 42, ""),
        (0, "Ignore", 0, 1, "0"),
        (0, "Count", 0, 42, "0"),
    ],
)
def test_failed_indexes(limit: int, policy: str | None, failures: int, code: int, failed: str) -> None:
    """J-35, J-40."""
    rules = {"rules": [{"action": policy, "onExitCodes": {"operator": "In", "values": [42]}}]} if policy else None
    given = job(
        {"failedIndexes": "", "active": 0},
        completionMode="Indexed",
        completions=2,
        backoffLimitPerIndex=limit,
        podFailurePolicy=rules,
    )
    decision = synced(given, counted(0, -1, failures=failures, code=code), known=controller())
    assert all(write.status.failed_indexes == failed for write in decision.status_writes)
    assert bool(decision.status_writes) or failed == ""


def test_indexes_failed_before_stay_failed() -> None:
    """J-35: they get no new pod, and their text comes first."""
    given = job({"failedIndexes": "1", "active": 0}, completionMode="Indexed", completions=4, backoffLimitPerIndex=0)
    decision = synced(given, counted(2, -1), known=controller())
    assert [write.status.failed_indexes for write in decision.status_writes] == ["1,2", "1,2"]
    assert [place.index for place in decision.creations] == [0]


def test_counting_by_index_needs_its_gate() -> None:
    """J-35: in 1.28 the limit and FailIndex say nothing by default; the failure counts for the whole Job."""
    given = job(completionMode="Indexed", backoffLimitPerIndex=0, backoffLimit=0)
    decision = synced(given, counted(0, -1), known=controller("1.28"))
    assert decision.verdict is not None
    assert decision.verdict.reason == "BackoffLimitExceeded"
    assert decision.status_writes[-1].status.failed_indexes is None


def test_ignored_failures_are_counted_apart() -> None:
    """J-35: they lengthen the back-off without coming closer to the limit."""
    rules = {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [42]}}]}
    failed = counted(0, -1, failures=2, ignored=3, code=42)
    assert inherited_counts(job(podFailurePolicy=rules), failed, controller()) == (2, 4)
    assert inherited_counts(job(), failed, controller()) == (3, 3)
    assert inherited_counts(job(), None, controller()) == (0, 0)


@pytest.mark.parametrize(
    ("rules", "succeeded", "message"),
    [
        ([{"succeededCount": 2}], "0,4", "Matched rules at index 0"),
        ([{"succeededCount": 3}], "0,4", None),
        ([{"succeededIndexes": "0,4"}], "0,3,4", "Matched rules at index 0"),
        ([{"succeededIndexes": "0-4"}], "0,3,4", None),
        ([{"succeededIndexes": "0-4", "succeededCount": 3}], "0,3,4", "Matched rules at index 0"),
        ([{"succeededIndexes": "x"}, {"succeededCount": 1}], "0", "Matched rules at index 1"),
        ([{}], "0", None),
        ([{"succeededCount": 0}], "", None),
    ],
)
def test_success_policy(rules: Any, succeeded: str, message: str | None) -> None:
    """J-43: off before 1.31."""
    policy = job_view({"spec": {"successPolicy": {"rules": rules}}}).spec.success_policy
    assert match_success(policy, 5, parse_indexes(succeeded, 5), controller("1.31")) == message
    assert match_success(policy, 5, parse_indexes(succeeded, 5), controller("1.30")) is None
