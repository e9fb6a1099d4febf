"""Which pods are created and deleted, and when a back-off keeps new ones away."""

from __future__ import annotations

from typing import Any

import pytest
from made_jobs import NOW, at, controller, job, pod, synced

from kubesim.job_controller.backoff import BackoffRecord, delay_after, next_record, remaining_delay
from kubesim.job_controller.decision import Memory
from kubesim.job_controller.manage import creation_batches
from kubesim.job_controller.pods import finish_time, is_failed, removal_order
from kubesim.objects.pod import Pod, pod_view
from kubesim.units import SECOND


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, ()), (1, (1,)), (2, (1, 1)), (7, (1, 2, 4)), (500, (1, 2, 4, 8, 16, 32, 64, 128, 245))]
)
def test_slow_start(count: int, sizes: tuple[int, ...]) -> None:
    """J-27."""
    assert creation_batches(count) == sizes


@pytest.mark.parametrize(
    ("spec", "pods", "created", "deleted"),
    [
        ({"completions": 5, "parallelism": 2}, [], 2, []),
        ({"completions": 1, "parallelism": 4}, [], 1, []),
        ({"completions": 2, "parallelism": 4}, [pod("a", "Succeeded", ended=-1)], 1, []),
        ({"completions": 2000, "parallelism": 1000}, [], 500, []),
        ({"completions": None, "parallelism": 3}, [pod("a")], 2, []),
        ({"completions": None, "parallelism": 3}, [pod("a"), pod("b", "Succeeded", ended=-1)], 0, []),
        ({"completions": 5, "parallelism": 1}, [pod("a"), pod("b", "Pending")], 0, ["b"]),
        ({"completions": 5, "parallelism": 0}, [pod("a"), pod("b", "Pending")], 0, ["b", "a"]),
        ({"completions": 5, "parallelism": 2}, [pod("a"), pod("b", deleted=20)], 1, []),
        (
            {"completions": 5, "parallelism": 2, "podReplacementPolicy": "Failed"},
            [pod("a"), pod("b", deleted=20)],
            0,
            [],
        ),
    ],
)
def test_how_many_pods(spec: Any, pods: list[Pod], created: int, deleted: list[str]) -> None:
    """J-23, J-24, J-25, J-27, J-44; the deleted pods count as failures of 10 s ago or more, which is long enough."""
    decision = synced(job(**spec), *pods, known=controller())
    assert len(decision.creations) == created
    assert sum(decision.batches) == created
    assert [deletion.name for deletion in decision.deletions] == deleted
    assert all(deletion.release_first for deletion in decision.deletions)


def test_at_most_500_surplus_pods_are_deleted_at_once() -> None:
    """J-27."""
    pods = [pod(f"p{number}") for number in range(502)]
    decision = synced(job(completions=600, parallelism=1), *pods, known=controller())
    assert len(decision.deletions) == 500
    assert decision.memory.expectations.deletions == 500
    assert len(synced(job(suspend=True), *pods, known=controller()).deletions) == 502


def test_the_order_in_which_surplus_pods_go() -> None:
    """J-24, rule by rule: each pod comes before all that follow it."""
    ordered = [
        pod("unassigned", "Running", node="", ready=-9),
        pod("pending", "Pending"),
        pod("unknown", "Unknown"),
        pod("running"),
        pod("ready-since-nobody-knows", ready=-1),
        pod("ready-lately", ready=-5),
        pod("ready-long", ready=-30, restarts=2),
        pod("ready-long-fewer-restarts", ready=-30, restarts=1, created=None),
        pod("ready-long-younger", ready=-30, restarts=1, created=-10),
        pod("ready-long-older", ready=-30, restarts=1, created=-20),
    ]
    unknown = ordered[4].raw
    unknown["status"]["conditions"][0].pop("lastTransitionTime")
    ordered[4] = pod_view(unknown)
    assert removal_order(reversed(ordered)) == ordered


def test_restarts_of_sidecars_break_ties() -> None:
    """J-24: after those of the mains."""
    raw = pod("calm").raw
    restless = pod_view(
        {
            "metadata": {**raw["metadata"], "name": "restless"},
            "spec": {**raw["spec"], "initContainers": [{"name": "s", "restartPolicy": "Always"}, {"name": "i"}]},
            "status": {**raw["status"], "initContainerStatuses": [{"name": "s", "restartCount": 1}]},
        }
    )
    assert [each.metadata.name for each in removal_order([pod("calm"), restless])] == ["restless", "calm"]


# Back-off ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "failures", "seconds"),
    [("1.29", 1, 10), ("1.29", 2, 20), ("1.29", 6, 320), ("1.29", 7, 600), ("1.29", 99, 600), ("1.27", 7, 360)],
)
def test_delays(name: str, failures: int, seconds: int) -> None:
    """J-32, J-34."""
    assert delay_after(failures, controller(name)) == seconds * SECOND


@pytest.mark.parametrize(
    ("old", "succeeded", "failed", "expected"),
    [
        (None, [], [], BackoffRecord()),
        (BackoffRecord(2, NOW), [], [], BackoffRecord(2, NOW)),
        (BackoffRecord(2, NOW), [], [-5, -9], BackoffRecord(4, NOW - 5 * SECOND)),
        (BackoffRecord(2, NOW), [-7], [], BackoffRecord()),
        (BackoffRecord(2, NOW), [-7, -20], [-5, -9, -7], BackoffRecord(1, NOW - 5 * SECOND)),
    ],
)
def test_the_record(
    old: BackoffRecord | None, succeeded: list[int], failed: list[int], expected: BackoffRecord
) -> None:
    """J-32: a success leaves the failures that finished after it."""
    pods = [[pod("p", "Failed", ended=ended) for ended in ends] for ends in (succeeded, failed)]
    assert next_record(old, pods[0], pods[1], controller()) == expected


def test_a_pending_back_off_creates_nothing_and_reports_none_active() -> None:
    """J-10, J-26: looked at again when it is over, but not within 1 s; 1.27 does not wait for that second."""
    pods = (pod("a"), pod("b", "Failed", ended=-4, finalizers=[]))
    for name, ended, after in (("1.29", 4, 6.0), ("1.29", 10, None), ("1.29", 9.5, 1.0), ("1.27", 9.5, 0.5)):
        memory = Memory(BackoffRecord(1, NOW - int(ended * SECOND)))
        decision = synced(job(completions=5, parallelism=2), *pods, known=controller(name), memory=memory)
        assert [requeue.after / SECOND for requeue in decision.requeues] == ([] if after is None else [after])
        assert len(decision.creations) == (after is None)
        if after is not None:
            assert decision.status_writes[-1].status.active == 0
    assert remaining_delay(BackoffRecord(0, None), NOW, controller()) == 0


@pytest.mark.parametrize(
    ("mains", "sidecar", "more", "old", "new"),
    [
        ([-8, -5], -2, {}, -5, -2),
        ([-8, None], -2, {}, -50, -2),
        ([-8, -5], None, {}, -5, -50),
        ([-8], None, {"ready": "False"}, -8, -20),
        ([None], None, {"ready": "False"}, -20, -20),
        ([None], None, {"ready": "True"}, -50, -50),
        ([None], None, {"deleted": 10}, -20, -20),
    ],
)
def test_when_a_pod_finished(mains: Any, sidecar: int | None, more: Any, old: int, new: int) -> None:
    """J-33: mains, from 1.31 on sidecars; else Ready=False; else the deletion; else the creation."""

    def status(name: str, ended: int | None) -> dict[str, Any]:
        state = {"running": {}} if ended is None else {"terminated": {"exitCode": 0, "finishedAt": at(ended)}}
        return {"name": name, "state": state}

    metadata: dict[str, Any] = {"creationTimestamp": at(-50)}
    if "deleted" in more:
        metadata |= {"deletionTimestamp": at(more["deleted"]), "deletionGracePeriodSeconds": 30}
    ready = [{"type": "Ready", "status": more["ready"], "lastTransitionTime": at(-20)}] if "ready" in more else []
    given = pod_view(
        {
            "metadata": metadata,
            "spec": {"initContainers": [{"name": "s", "restartPolicy": "Always"}, {"name": "i"}]},
            "status": {
                "conditions": ready,
                "containerStatuses": [status(f"m{number}", ended) for number, ended in enumerate(mains)],
                "initContainerStatuses": [status("i", -49), status("s", sidecar)],
            },
        }
    )
    assert finish_time(given, controller("1.30")) == NOW + old * SECOND
    assert finish_time(given, controller("1.31")) == NOW + new * SECOND


def test_a_pod_that_was_never_created_finished_at_the_beginning() -> None:
    """J-33: only then, and only in unit tests of others, is there no creation time."""
    assert finish_time(pod_view({}), controller()) == 0


def test_a_deletion_without_grace_is_the_end() -> None:
    """J-33."""
    assert finish_time(pod_view({"metadata": {"deletionTimestamp": at(-3)}}), controller()) == NOW - 3 * SECOND


@pytest.mark.parametrize(
    ("limit", "restart", "phase", "mains", "inits", "past"),
    [
        (2, "OnFailure", "Running", 1, 1, True),
        (2, "OnFailure", "Pending", 0, 2, True),
        (3, "OnFailure", "Running", 1, 1, False),
        (0, "OnFailure", "Running", 0, 0, False),
        (0, "OnFailure", "Running", 1, 0, True),
        (1, "OnFailure", "Succeeded", 5, 5, False),
        (1, "Never", "Running", 5, 5, False),
    ],
)
def test_restarts_under_on_failure(limit: int, restart: str, phase: str, mains: int, inits: int, past: bool) -> None:
    """J-30: mains and all init entries of running and pending pods; reached is enough, and 0 needs one."""
    raw = pod("a", phase, restarts=mains).raw
    status = {**raw["status"], "initContainerStatuses": [{"name": "s", "restartCount": inits}]}
    decision = synced(job(backoffLimit=limit, restart=restart), pod_view({**raw, "status": status}), known=controller())
    exceeded = decision.verdict is not None and decision.verdict.reason == "BackoffLimitExceeded"
    assert exceeded is past


def test_a_deleted_pod_that_succeeded_is_no_failure() -> None:
    """J-16."""
    assert not is_failed(pod("a", "Succeeded", deleted=5), job(), controller())
    assert is_failed(pod("a", "Running", deleted=5), job(), controller())
    assert not is_failed(pod("a"), job(), controller())
