"""Jobs with sidecars: what counts as a failure, and when a Job can complete (job.md, section 12)."""

from __future__ import annotations

from typing import Any

import pytest
from job_runs import births, conditions, counters, job, outcome, pods, status
from sim_runs import FOREVER, container, exec_probe, ran, sidecar, slow_to_stop, story, when

WORK = container("work", "sleep 2")


def test_an_ordinary_container_that_runs_on_keeps_the_job_open() -> None:
    """J-56: the controller looks at the pod's phase alone, and that stays Running."""
    history = ran(job(WORK, container("proxy", FOREVER)), until=3600)
    assert outcome(history) == []
    assert (status(history)["active"], status(history)["ready"]) == (1, 0)


@pytest.mark.parametrize("name", ["1.28", "1.29", "1.36"])
def test_a_job_completes_after_its_sidecars_have_stopped(name: str) -> None:
    """J-57: side by side in 1.28, later in reverse order within one grace period; and both have to be gone."""
    inits = [sidecar(one, slow_to_stop(3)) for one in ("one", "two")]
    history = ran(job(WORK, inits=inits), release=name)
    together = name == "1.28"
    assert (when(history, "one TERM") < when(history, "two exit 0")) is together
    end = max(when(history, "one exit 0"), when(history, "two exit 0"))
    assert end + 1 < conditions(history)[-1][2] < end + 6
    assert conditions(history)[-1][0] == "Complete"


def test_the_exit_code_of_a_sidecar_is_irrelevant() -> None:
    """J-58 under Never: the work succeeded, so the pod did, though the sidecar ends with 7."""
    history = ran(job(WORK, inits=[sidecar("proxy", slow_to_stop(1, code=7))]), release="1.29")
    assert outcome(history) == ["Complete"]


def test_a_failure_is_counted_when_the_sidecar_is_down() -> None:
    """J-58 under Never: exit 1 makes the pod Failed after the sidecar's stop, and counts one."""
    failing = job(container("work", "exit 1"), inits=[sidecar("proxy", slow_to_stop(4))], backoffLimit=0)
    history = ran(failing, release="1.29")
    assert status(history)["failed"] == 1
    assert conditions(history)[0][2] > when(history, "proxy exit 0") > when(history, "work exit 1") + 4


def test_a_retry_in_place_leaves_the_sidecar_alone() -> None:
    """J-58 under OnFailure: the kubelet restarts the work; no failure of the Job, no signal for the sidecar."""
    volume = {"volumes": [{"name": "s", "emptyDir": {}}]}
    again = container(
        "work", "test -f /s/x && exit 0; touch /s/x; exit 1", volumeMounts=[{"name": "s", "mountPath": "/s"}]
    )
    history = ran(job(again, inits=[sidecar("proxy")], restart="OnFailure", pod=volume), release="1.29")
    assert story(history, "work") == ["work start", "work exit 1", "work start", "work exit 0"]
    assert when(history, "proxy TERM") > when(history, "work exit 0")
    assert "failed" not in status(history)


@pytest.mark.parametrize(
    ("restart", "ends", "at"), [("Never", "DeadlineExceeded", 300), ("OnFailure", "BackoffLimitExceeded", 10)]
)
def test_a_sidecar_that_never_gets_ready(restart: str, ends: str, at: float) -> None:
    """J-59: the pod stays Pending. Under OnFailure the restarts count; under Never only a deadline ends the Job."""
    inits = [sidecar("proxy", startupProbe=exec_probe("false", failureThreshold=3))]
    stuck = job(WORK, inits=inits, restart=restart, activeDeadlineSeconds=300, backoffLimit=2)
    history = ran(stuck, release="1.29", until=600)
    assert outcome(history) == [f"Failed {ends}"]
    assert conditions(history)[0][2] == pytest.approx(at, abs=3)
    assert "work start" not in story(history)


@pytest.mark.parametrize(("restart", "made"), [("Never", 3), ("OnFailure", 1)])
def test_an_init_container_that_fails(restart: str, made: int) -> None:
    """J-60: under Never each pod fails once its sidecar is stopped; under OnFailure its restarts are summed (J-30)."""
    inits = [sidecar("proxy"), container("setup", "exit 1")]
    history = ran(job(WORK, inits=inits, restart=restart, backoffLimit=2), release="1.29", until=300)
    assert len(births(history)) == made
    assert outcome(history) == ["Failed BackoffLimitExceeded"]
    told = story(history)
    assert "work start" not in told
    assert told.index("setup exit 1") < told.index("proxy TERM")


def test_a_server_that_drops_the_field_makes_a_blocking_init_container() -> None:
    """J-61: 1.28 with its default gates; the Job hangs with its pod Pending."""
    history = ran(job(WORK, inits=[sidecar("proxy")]), release="1.28", gates={}, until=3600)
    assert story(history) == ["proxy start"]
    assert outcome(history) == []
    assert status(history)["active"] == 1


def test_a_kubelet_without_the_gate_fails_pod_after_pod() -> None:
    """J-61: the server of 1.29 keeps the field, a kubelet of 1.28 refuses the pod; failures count as usual."""
    cluster: Any = {"nodes": [{"name": "old", "release": "1.28"}]}
    history = ran(job(WORK, inits=[sidecar("proxy")], backoffLimit=2), release="1.29", cluster=cluster, until=300)
    reasons = [history.pod(name).versions[-1].object["status"]["reason"] for name in pods(history)]
    assert reasons == ["InitContainerRestartPolicyForbidden"] * 3
    assert counters(history, "failed")[-1] == (3,)
    assert outcome(history) == ["Failed BackoffLimitExceeded"]


def test_a_container_with_rules_of_its_own_restarts_without_counting() -> None:
    """J-62: exit 42 restarts the container of a Never pod in place (1.35+); backoffLimit 0 allows it."""
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    ruled = container(
        "work",
        "test -f /s/x && exit 0; touch /s/x; exit 42",
        volumeMounts=[{"name": "s", "mountPath": "/s"}],
        restartPolicy="Never",
        restartPolicyRules=rules,
    )
    history = ran(job(ruled, pod={"volumes": [{"name": "s", "emptyDir": {}}]}, backoffLimit=0), release="1.36")
    assert story(history) == ["work start", "work exit 42", "work start", "work exit 0"]
    assert len(births(history)) == 1
    assert outcome(history)[-1] == "Complete CompletionsReached"
