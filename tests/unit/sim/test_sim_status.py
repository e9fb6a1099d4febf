"""What the API shows of a pod's life: phases, conditions, rows, completion, deadlines (FINDINGS 14, 20 to 30)."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import (
    DEAF,
    FOREVER,
    conditions,
    container,
    delete,
    final,
    gap,
    phases,
    pod,
    ran,
    seen,
    sidecar,
    starts,
    statuses,
    story,
    told,
    when,
)

from kubesim.history.history import History
from kubesim.units import to_seconds

EVERY = ["1.28", "1.29", "1.33", "1.36"]

each_release = pytest.mark.parametrize("release", EVERY)


def phase_at(history: History, phase: str) -> float:
    """When the pod first had that phase, in seconds since t=0."""
    return to_seconds(next(change.at for change in history.pod("p").phases if change.phase == phase) - history.started)


# -- a plain life -----------------------------------------------------------------------------------------------------


@each_release
@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Never", 0, "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded")],
)
def test_the_phases_of_a_pod_that_ends(release: str, policy: str, code: int, phase: str) -> None:
    history = ran(pod(container("app", f"sleep 3; exit {code}"), restartPolicy=policy), release=release)

    assert phases(history) == ["Pending", "Running", phase]
    assert conditions(history, "Initialized") == ["True"]
    assert conditions(history, "Ready") == ["False", "True", "False"]
    assert history.end is not None
    assert history.end.why == "settled"


@each_release
def test_the_conditions_of_a_pod_with_an_init_container(release: str) -> None:
    history = ran(pod(container("app"), inits=[container("a", "sleep 2")]), release=release, until=15)

    assert conditions(history, "PodScheduled") == ["True"]
    assert conditions(history, "Initialized") == ["False", "True"]
    assert conditions(history, "ContainersReady") == ["False", "True"]
    assert seen(history, "app") == ["waiting PodInitializing", "running"]
    assert seen(history, "a") == ["waiting PodInitializing", "running", "terminated Completed 0"]


@pytest.mark.parametrize(("release", "known"), [("1.28", False), ("1.29", True), ("1.33", True), ("1.36", True)])
def test_the_condition_about_the_sandbox(release: str, known: bool) -> None:
    """PodReadyToStartContainers: on by default from 1.29; false again when the sandbox is gone."""
    history = ran(pod(container("app", "sleep 3"), restartPolicy="Never"), release=release)

    assert conditions(history, "PodReadyToStartContainers") == (["False", "True", "False"] if known else [])


def test_newer_releases_say_at_once_that_the_sandbox_is_ready() -> None:
    """S-3.3: 1.36 says so before the first container has started, earlier ones with the next pass."""

    def ready(release: str) -> float:
        history = ran(pod(container("app")), release=release, until=5)
        changes = history.pod("p").conditions["PodReadyToStartContainers"]
        return to_seconds(next(one.at for one in changes if one.status == "True") - history.started) - when(
            history, "app start"
        )

    assert ready("1.36") < 0 < ready("1.33")


@each_release
def test_the_kubelets_status_comes_after_the_runtimes_truth(release: str) -> None:
    """K-10: a pass writes what was before it."""
    history = ran(pod(container("app", "sleep 3"), restartPolicy="Never"), release=release)

    assert when(history, "app start") < phase_at(history, "Running") < when(history, "app exit 0") + 3
    assert phase_at(history, "Succeeded") > when(history, "app exit 0")


@pytest.mark.parametrize(("release", "late"), [("1.28", True), ("1.29", True), ("1.33", True), ("1.36", False)])
def test_running_shows_with_the_next_look_or_at_once(release: str, late: bool) -> None:
    """FINDINGS 52."""
    history = ran(pod(container("app")), release=release, until=5)

    assert (phase_at(history, "Running") - when(history, "app start") > 0.2) == late


@each_release
def test_a_terminal_phase_is_held_back_until_the_sandbox_is_gone(release: str) -> None:
    """FINDINGS 25 and K-17: first kubectl shows Completed, then the phase changes."""
    history = ran(
        pod(
            container("app", "sleep 3"),
            inits=[sidecar("proxy", DEAF)],
            restartPolicy="Never",
            terminationGracePeriodSeconds=6,
        ),
        release=release,
    )

    assert statuses(history)[-2:] == ["1/2 Completed", "0/2 Completed"]
    assert gap(history, "proxy TERM", "proxy KILL") == pytest.approx(6, abs=0.1)
    assert phase_at(history, "Succeeded") > when(history, "(sandbox) exit 137")
    assert phases(history) == ["Pending", "Running", "Succeeded"]


@each_release
def test_a_readiness_gate_waits_for_somebody_else(release: str) -> None:
    """S-12: the pod is Ready when the condition has come, and not before."""
    gate = "example.com/open"
    condition = {"status": {"conditions": [{"type": gate, "status": "True"}]}}
    patch = {"kind": "Pod", "name": "p", "type": "strategic", "subresource": "status", "patch": condition}
    history = ran(
        pod(container("app"), readinessGates=[{"conditionType": gate}]),
        release=release,
        actions=[{"at": "8s", "patch": patch}],
        until=20,
    )

    changes = history.pod("p").conditions["Ready"]
    assert [change.status for change in changes] == ["False", "False", "True"]
    assert changes[1].reason == "ReadinessGatesNotReady"
    assert 8 < to_seconds(changes[2].at - history.started) < 9


# -- completion -------------------------------------------------------------------------------------------------------


@each_release
@pytest.mark.parametrize(("code", "script"), [(137, DEAF), (7, "trap 'exit 7' TERM; sleep 1000 & wait")])
def test_a_sidecars_exit_code_never_counts(release: str, code: int, script: str) -> None:
    """FINDINGS 24."""
    history = ran(
        pod(
            container("app", "sleep 3"),
            inits=[sidecar("proxy", script)],
            restartPolicy="Never",
            terminationGracePeriodSeconds=3,
        ),
        release=release,
    )

    assert f"proxy exit {code}" in story(history)
    assert phases(history)[-1] == "Succeeded"


@each_release
def test_on_delete_the_phase_comes_from_the_mains_alone(release: str) -> None:
    """FINDINGS 24."""
    history = ran(
        pod(container("app"), inits=[sidecar("proxy", DEAF)], terminationGracePeriodSeconds=3),
        release=release,
        actions=[delete(5)],
    )

    assert phases(history)[-1] == "Succeeded"


@pytest.mark.parametrize(
    ("release", "back"), [("1.28", True), ("1.29", True), ("1.32", True), ("1.33", False), ("1.36", False)]
)
def test_the_phase_goes_back_to_pending_while_a_main_waits(release: str, back: bool) -> None:
    """FINDINGS 27, ``sc-complete-always``: up to 1.32, of a pod with a sidecar whose main is in back-off."""
    history = ran(pod(container("app", "sleep 3"), inits=[sidecar("proxy")]), release=release, until=60)

    expected = ["Pending", "Running", "Pending", "Running", "Pending"] if back else ["Pending", "Running"]
    assert phases(history)[: len(expected)] == expected
    assert len(starts(history, "app")) >= 3
    assert len(starts(history, "proxy")) == 1


CRASHING = sidecar("proxy", "sleep 4; exit 3")


@pytest.mark.parametrize("release", ["1.28", "1.29"])
def test_a_sidecar_that_showed_back_off_ends_as_unknown(release: str) -> None:
    """FINDINGS 26, ``sc-exit1-during-main-onfailure``: the real exit is in lastState."""
    history = ran(
        pod(container("app", "sleep 28"), inits=[sidecar("proxy", "sleep 2; exit 3")], restartPolicy="OnFailure"),
        release=release,
    )

    assert "waiting CrashLoopBackOff" in seen(history, "proxy")
    ended = final(history, "proxy")
    assert ended["state"]["terminated"] == {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
    assert ended["lastState"]["terminated"]["exitCode"] == 3
    assert phases(history)[-1] == "Succeeded"


@each_release
def test_a_sidecar_in_back_off_that_never_showed_it_ends_truly(release: str) -> None:
    """FINDINGS 26, ``sc-complete-sidecar-in-backoff``: 1.28 to 1.33 show the true exit, 1.36 does not know."""
    history = ran(pod(container("app", "sleep 10"), inits=[CRASHING], restartPolicy="Never"), release=release)

    reason = final(history, "proxy")["state"]["terminated"]["reason"]
    if release == "1.36":
        assert reason == "ContainerStatusUnknown"
    else:
        assert "waiting CrashLoopBackOff" not in seen(history, "proxy")
        assert reason == "Error"
    assert phases(history)[-1] == "Succeeded"


@each_release
def test_a_main_restarts_and_the_sidecar_is_left_alone(release: str) -> None:
    """FINDINGS 28."""
    history = ran(pod(container("app", "sleep 3"), inits=[sidecar("proxy")]), release=release, until=30)

    assert len(starts(history, "app")) >= 2
    assert "proxy TERM" not in story(history)


@each_release
def test_an_ordinary_second_container_keeps_the_pod_alive(release: str) -> None:
    """``legacy-sidecar-never``: the old problem."""
    history = ran(
        pod(container("work", "sleep 3"), container("helper"), restartPolicy="Never"), release=release, until=600
    )

    assert phases(history) == ["Pending", "Running"]
    assert statuses(history)[-1] == "1/2 NotReady"


# -- rows -------------------------------------------------------------------------------------------------------------


@each_release
def test_status_follows_the_first_sidecar_with_trouble(release: str) -> None:
    """FINDINGS 20: Init:Error while a sidecar is down, though the main runs; those behind it do not count."""
    history = ran(
        pod(container("app"), inits=[sidecar("one", "sleep 7; exit 1"), sidecar("two")]), release=release, until=30
    )

    rows = statuses(history)
    assert "3/3 Running" in rows
    assert any(row.endswith("Init:Error") for row in rows[rows.index("3/3 Running") :])


@each_release
def test_a_sidecar_that_exits_with_0_shows_running(release: str) -> None:
    """FINDINGS 20, ``sc-exit0-during-main``."""
    history = ran(pod(container("app"), inits=[sidecar("one", "sleep 7; exit 0")]), release=release, until=30)

    rows = statuses(history)
    assert not [row for row in rows[rows.index("2/2 Running") :] if not row.endswith("Running")]


@pytest.mark.parametrize(("release", "last"), [("1.29", "0/1 Terminating"), ("1.33", "0/1 Completed")])
def test_a_deleted_pod_in_a_terminal_phase(release: str, last: str) -> None:
    """FINDINGS 30."""
    history = ran(pod(container("app")), release=release, actions=[delete(5)])

    assert statuses(history)[-1] == last


# -- deadlines --------------------------------------------------------------------------------------------------------


@each_release
def test_the_deadline_counts_from_the_first_status(release: str) -> None:
    """K-88: checked once a second; an Event and a verdict."""
    history = ran(pod(container("app", FOREVER), activeDeadlineSeconds=5), release=release)

    assert 4 < when(history, "app TERM") < 7
    assert history.pod("p").versions[-1].object["status"]["reason"] == "DeadlineExceeded"
    assert len(told(history, "DeadlineExceeded")) == 1
    assert phases(history)[-1] == "Failed"


@each_release
def test_the_deadline_ends_a_pod_during_its_init_containers(release: str) -> None:
    """FINDINGS 14, ``active-deadline-during-init``."""
    history = ran(
        pod(
            container("app"),
            inits=[container("slow", "sleep 1000")],
            activeDeadlineSeconds=4,
            terminationGracePeriodSeconds=2,
        ),
        release=release,
    )

    assert phases(history)[-1] == "Failed"
    assert starts(history, "app") == []
    assert "slow exit 137" in story(history)


@pytest.mark.parametrize("release", ["1.33", "1.36"])
def test_a_deadline_that_is_set_later_counts_too(release: str) -> None:
    patch = {"kind": "Pod", "name": "p", "type": "merge", "patch": {"spec": {"activeDeadlineSeconds": 9}}}
    history = ran(pod(container("app")), release=release, actions=[{"at": "4s", "patch": patch}], until=30)

    assert 8 < when(history, "app TERM") < 11


# -- deletion ---------------------------------------------------------------------------------------------------------


@each_release
def test_the_object_goes_when_everything_is_stopped(release: str) -> None:
    """K-15, K-16b."""
    history = ran(pod(container("app")), release=release, actions=[delete(5)])

    gone = history.pod("p").gone
    assert gone is not None
    assert 0 < to_seconds(gone - history.started) - when(history, "(sandbox) exit 137") < 2.5
    assert phases(history)[-1] == "Succeeded"


@each_release
def test_a_finalizer_keeps_the_object(release: str) -> None:
    """``del-finalizer``."""
    kept = pod(container("app"), metadata={"finalizers": ["example.com/keep"]})
    history = ran(kept, release=release, actions=[delete(5)], until=30)

    assert history.pod("p").gone is None
    assert phases(history)[-1] == "Succeeded"
    assert "app exit 0" in story(history)


@each_release
def test_a_finished_pod_goes_at_once_when_it_is_deleted(release: str) -> None:
    """K-16."""
    history = ran(
        pod(container("app", "sleep 1"), restartPolicy="Never"), release=release, actions=[delete(20)], until=40
    )

    gone = history.pod("p").gone
    assert gone is not None
    assert to_seconds(gone - history.started) == pytest.approx(20, abs=0.1)


@each_release
def test_a_pod_deleted_before_it_started_passes_through(release: str) -> None:
    """K-13."""
    history = ran(pod(container("app")), release=release, actions=[delete(0.01)])

    assert history.pod("p").gone is not None


def test_restarting_all_containers() -> None:
    """FINDINGS 57, ``new-restart-all``: mains, then sidecars are stopped; all begins anew in the same sandbox."""
    rules: dict[str, Any] = {
        "restartPolicy": "Never",
        "restartPolicyRules": [
            {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}},
        ],
    }
    first_time = "test -f /shared/again && sleep 1000; touch /shared/again; sleep 4; exit 88"
    mounts = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    history = ran(
        pod(
            container("app"),
            container("watcher", first_time, **rules, **mounts),
            inits=[container("init", "sleep 1"), sidecar("proxy")],
            restartPolicy="Never",
            volumes=[{"name": "shared", "emptyDir": {}}],
        ),
        release="1.36",
        until=40,
    )

    lines = story(history)
    after = lines[lines.index("watcher exit 88") :]
    assert [line for line in after if "stop" in line or "start" in line] == [
        "app stop 2",
        "proxy stop 2",
        "init start",
        "proxy start",
        "app start",
        "watcher start",
    ]
    assert story(history, "(sandbox)") == ["(sandbox) start"]
    assert phases(history) == ["Pending", "Running", "Pending", "Running"]
    assert [final(history, name)["restartCount"] for name in ("init", "proxy", "app", "watcher")] == [1, 1, 1, 1]
