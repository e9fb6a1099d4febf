"""The Job controller on the clock: batching, back-off, creation in batches, both status writes, deletion (job.md).

With the ideal profile requests take no time, so that instants are those of the rules; whole seconds come from the
times that Kubernetes writes.
"""

from __future__ import annotations

from typing import Any

import pytest
from job_runs import births, change, conditions, counters, events, job, outcome, pods, since, status, texts, versions
from sim_runs import container, delete, output, ran, sidecar, slow_to_stop, when

FAILS = container("work", "exit 1")


@pytest.mark.parametrize("name", ["1.27", "1.28", "1.36"])
def test_seven_pods_ever_further_apart(name: str) -> None:
    """J-29, J-32, J-34: 10, 20, 40 … s between failure and next pod, and the seventh failure is one too many.

    In 1.27 the delay comes from the queue as well, and amounts to the same (J-11).
    """
    history = ran(job(FAILS), release=name, timing="ideal", until=900)
    waits = [later - earlier for earlier, later in zip(births(history), births(history)[1:], strict=False)]
    assert waits == [9.5, 20, 40, 80, 160, 320], "the first counts from a finish time in whole seconds (J-33)"
    assert status(history)["failed"] == 7
    assert outcome(history)[-1] == "Failed BackoffLimitExceeded"
    assert events(history) == ["SuccessfulCreate"] * 7 + ["BackoffLimitExceeded"]


def test_a_success_resets_the_back_off() -> None:
    """J-32: index 0 fails twice, then succeeds; the next failure waits for 10 s again."""
    script = {"lasts": "1s", "exits": [1, 1, 0, 1, 0]}
    history = ran(
        job(container("work", None), completions=2, parallelism=1),
        timing="ideal",
        containers=[{"match": {"container": "work"}, "script": script}],
    )
    waits = [later - earlier for earlier, later in zip(births(history), births(history)[1:], strict=False)]
    assert len(waits) == 4
    assert waits[0] == pytest.approx(10, abs=2)
    assert waits[1] == pytest.approx(20, abs=3)
    assert waits[2] < 5
    assert waits[3] == pytest.approx(10, abs=2)


def test_pods_come_in_growing_batches() -> None:
    """J-27: one pod, then two, then four; each batch waits for the replies to the one before."""
    history = ran(job(container("work", "sleep 5"), parallelism=7, completions=7), release="1.29")
    assert births(history) == [0.013, *[0.022] * 2, *[0.031] * 4]
    assert status(history)["succeeded"] == 7


def test_counters_at_each_write() -> None:
    """J-8, J-21: one second after its pods changed, a sync lists them as uncounted, frees them, then counts them."""
    history = ran(job(container("work", "sleep 5"), parallelism=2, completions=3), timing="ideal")
    assert births(history) == [0, 0, 7], "exit at 5, phase at 6, sync at 7"
    assert counters(history, "active", "uncounted", "succeeded") == [
        *((0, 0, 0), (2, 0, 0), (1, 2, 0), (1, 0, 2), (0, 1, 2), (0, 0, 3)),
    ]
    finalizers = [version.object["metadata"].get("finalizers") for version in history.pods[0].versions]
    assert finalizers[0] == ["batch.kubernetes.io/job-tracking"]
    assert finalizers[-1] is None


def test_a_pending_back_off_shows_no_active_pod() -> None:
    """J-26: index 0 failed and has to wait; meanwhile "active" is 0 although index 1 runs, and "ready" says so."""
    script = "test $(hostname) = j-0 && exit 1; sleep 20"
    indexed = {"completions": 2, "parallelism": 2, "completionMode": "Indexed", "backoffLimit": 1}
    history = ran(job(container("work", script), **indexed), timing="ideal")
    assert counters(history, "active", "ready", "failed")[:6] == [
        *((0, 0, 0), (2, 0, 0), (2, 1, 0), (0, 1, 0), (0, 1, 1), (2, 1, 1)),
    ]
    assert births(history) == [0, 0, 9.5]


def test_a_refused_pod_is_tried_again_later_and_later() -> None:
    """J-11, J-27, J-50: one Event a sync, none for the pods left out after the error; then after 1, 2, 4 … s."""
    refused = job(FAILS, parallelism=5, completions=5, pod={"priorityClassName": "nope"})
    history = ran(refused, release="1.36", timing="ideal", until=40)
    assert texts(history, "FailedCreate") == [
        'Error creating: pods "j-" is forbidden: no PriorityClass with name nope was found'
    ]
    seen = [event for event in history.events if event.reason == "FailedCreate"]
    assert [since(history, event.at) for event in seen] == [0, 1, 3, 7, 15, 31]
    assert seen[-1].count == 6
    assert status(history)["startTime"]


def test_surplus_pods_go_uncounted() -> None:
    """J-23, J-24, J-49: with parallelism 1 three of four pods are deleted, freed first so that they do not count."""
    many = job(container("work", "sleep 50"), completions=4, parallelism=4)
    history = ran(many, timing="ideal", actions=[change(10, parallelism=1)])
    assert births(history) == [0, 0, 0, 0, 52, 104, 156]
    assert events(history)[4:7] == ["SuccessfulDelete"] * 3
    assert status(history)["succeeded"] == 4
    assert "failed" not in status(history)


def test_indexes_reach_every_container() -> None:
    """J-5: the variable and the hostname, in sidecars, init containers and ordinary ones."""
    say = "echo $JOB_COMPLETION_INDEX $(hostname)"
    inits = [sidecar("proxy", f"{say}; trap 'exit 0' TERM; sleep 100000 & wait"), container("setup", say)]
    indexed = {"completions": 2, "parallelism": 2, "completionMode": "Indexed"}
    history = ran(job(container("work", say), inits=inits, **indexed))
    for index, name in enumerate(pods(history)):
        assert name.startswith(f"j-{index}-")
        for one in ("proxy", "setup", "work"):
            assert output(history, one, of=name) == [f"{index} j-{index}"]


@pytest.mark.parametrize(
    ("given", "later", "deadline"), [({}, 20, 19.5), ({"activeDeadlineSeconds": 30}, 5, 10), ({}, 0, 10)]
)
def test_a_deadline_may_be_set_while_the_job_runs(given: dict[str, int], later: int, deadline: float) -> None:
    """J-9, J-36: the sync comes at the new deadline, at once if that has passed."""
    action = change(10, activeDeadlineSeconds=later)
    history = ran(job(container("work", "sleep 50"), **given), timing="ideal", actions=[action])
    assert conditions(history)[0] == ("FailureTarget", "DeadlineExceeded", deadline)


@pytest.mark.parametrize(("name", "synced"), [("1.31", True), ("1.32", False), ("1.36", False)])
def test_a_job_managed_by_others_is_left_alone(name: str, synced: bool) -> None:
    """J-13: from 1.32 on; before, the field is dropped with its gate."""
    history = ran(job(FAILS, managedBy="acme.io/foo"), release=name, until=20)
    assert bool(births(history)) is synced
    assert ("startTime" in status(history)) is synced


@pytest.mark.parametrize(("propagation", "job_gone"), [("Background", 5), ("Foreground", 9), ("Orphan", 5)])
def test_deletion_with_each_propagation_policy(propagation: str, job_gone: float) -> None:
    """J-63: pods go after their Job, before it, or not at all; the tracking finalizer goes in every case."""
    action = {"at": "5s", "delete": {"kind": "Job", "name": "j", "propagation": propagation}}
    history = ran(job(container("work", slow_to_stop(3))), timing="ideal", actions=[action], until=60)
    last = versions(history)[-1]
    assert (last.change, since(history, last.at)) == ("DELETED", job_gone)
    pod = history.pods[0].versions[-1]
    assert "finalizers" not in pod.object["metadata"]
    if propagation == "Orphan":
        assert pod.change == "MODIFIED"
        assert "ownerReferences" not in pod.object["metadata"]
    else:
        assert (pod.change, since(history, pod.at)) == ("DELETED", 9)


def test_a_pod_deleted_by_hand_counts_and_is_replaced() -> None:
    """J-16, J-44: at once, while it is still stopping; the back-off counts from the delete (J-33)."""
    action = {"at": "5s", "deleteJobPod": {"number": 0}}
    history = ran(job(container("work", slow_to_stop(30, code=1))), timing="ideal", actions=[action], until=60)
    assert counters(history, "terminating", "failed")[:4] == [(0, 0), (1, 0), (1, 1), (0, 1)]
    assert births(history) == [0, pytest.approx(15, abs=1)]


@pytest.mark.parametrize(("name", "gone"), [("1.28", 13), ("1.29", 22)])
def test_a_replacement_waits_for_the_sidecars_too(name: str, gone: float) -> None:
    """J-45: with podReplacementPolicy Failed the next pod comes when the old one has ended, sidecars and all.

    1.28 stops both sidecars at once, later releases one after the other, within the same grace period. The back-off
    counts from the end of the work (J-33), so it is over by then, or nearly.
    """
    inits = [sidecar(one, slow_to_stop(8)) for one in ("one", "two")]
    slow = job(container("work", slow_to_stop(1, code=1)), inits=inits, podReplacementPolicy="Failed")
    gates = {"SidecarContainers": True, "JobPodReplacementPolicy": True}
    action = {"at": "5s", "deleteJobPod": {"number": 0}}
    history = ran(slow, release=name, gates=gates, timing="ideal", actions=[action], until=90)
    assert when(history, "one exit 0") == gone
    assert gone + 1 <= births(history)[1] <= gone + 3
    assert (1, 1) not in counters(history, "terminating", "failed")


def test_a_finished_job_is_not_synced() -> None:
    """J-13: no pod is made again, whatever becomes of the old one."""
    history = ran(job(container("work", "true")), timing="ideal", actions=[delete(20, name="j-x")], until=40)
    assert outcome(history) == ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]
    done = versions(history)[-1]
    action: Any = {"at": "20s", "deleteJobPod": {"number": 0}}
    again = ran(job(container("work", "true")), timing="ideal", actions=[action], until=60)
    assert births(again) == [0]
    assert versions(again)[-1].object["status"] == done.object["status"]


@pytest.mark.parametrize(
    ("before", "after", "made", "indexes"), [(2, 4, [0, 0, 10, 10], "0-3"), (4, 2, [0] * 4, "0,1")]
)
def test_an_elastic_indexed_job(before: int, after: int, made: list[int], indexes: str) -> None:
    """J-6, J-24: completions change together with parallelism; indexes beyond the last one go, and do not count."""
    size = {"completions": before, "parallelism": before, "completionMode": "Indexed"}
    work = container("work", "test $JOB_COMPLETION_INDEX -ge 2 && sleep 3 && exit 0; sleep 30")
    action = change(10, completions=after, parallelism=after)
    history = ran(job(work, **size), timing="ideal", actions=[action])
    assert births(history) == made
    assert status(history)["completedIndexes"] == indexes
    assert status(history)["succeeded"] == after
    assert outcome(history)[-1] == "Complete CompletionsReached"


def test_parallelism_zero_pauses() -> None:
    """J-23: no pod is wanted, those there are go uncounted; later it goes on."""
    actions = [change(5, parallelism=0), change(40, parallelism=2)]
    history = ran(job(container("work", "sleep 20"), completions=4, parallelism=2), timing="ideal", actions=actions)
    assert births(history) == [0, 0, 40, 40, 62, 62]
    assert status(history)["succeeded"] == 4
    assert "failed" not in status(history)
