"""Starting: order, the init phase, back-off, postStart, and what cannot be started (K-20 to K-52, FINDINGS 16 ff.)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sim_runs import (
    FOREVER,
    config_map,
    container,
    delete,
    exec_probe,
    final,
    gap,
    messages,
    phases,
    pod,
    ran,
    seen,
    sidecar,
    starts,
    statuses,
    story,
    told,
    told_count,
    waits,
    when,
)

from kubesim.history.records import Decided

EVERY = ["1.28", "1.29", "1.33", "1.36"]

each_release = pytest.mark.parametrize("release", EVERY)


# -- order ------------------------------------------------------------------------------------------------------------


@each_release
def test_each_init_container_ends_before_the_next_starts(release: str) -> None:
    history = ran(
        pod(
            container("app", "sleep 1"),
            inits=[container("a", "sleep 1"), container("b", "exit 0")],
            restartPolicy="Never",
        ),
        release=release,
    )

    assert story(history)[:5] == ["a start", "a exit 0", "b start", "b exit 0", "app start"]
    assert story(history, "(sandbox)")[0] == "(sandbox) start"
    assert phases(history)[-1] == "Succeeded"


@each_release
def test_mains_start_one_after_another(release: str) -> None:
    """FINDINGS 23 and K-22: a postStart hook of 4 s holds up the next main."""
    slow = {"postStart": {"exec": {"command": ["sleep", "4"]}}}
    history = ran(pod(container("first", lifecycle=slow), container("second")), release=release, until=20)

    assert story(history) == ["first start", "first postStart", "first postStart done 0", "second start"]
    assert 4 < gap(history, "first start", "second start") < 5


@each_release
def test_a_running_container_with_a_hook_shows_only_when_the_hook_is_over(release: str) -> None:
    """K-107."""
    slow = {"postStart": {"exec": {"command": ["sleep", "4"]}}}
    history = ran(pod(container("app", lifecycle=slow)), release=release, until=20)

    runs = [version for version in history.pod("p").versions if version.object["status"].get("phase") == "Running"]
    assert runs[0].at - history.started > when(history, "app postStart done 0") * 1_000_000_000


@pytest.mark.parametrize(("release", "typical"), [("1.28", 1.0), ("1.29", 1.0), ("1.33", 1.0), ("1.36", 0.2)])
def test_what_a_started_sidecar_costs_until_the_next_start(release: str, typical: float) -> None:
    """FINDINGS 17 and 52: a look of the PLEG up to 1.33; 1.36 looks on demand."""
    history = ran(pod(container("app"), inits=[sidecar("proxy")]), release=release, until=20)

    assert typical - 0.7 * typical < gap(history, "proxy start", "app start") < typical + 0.35


@each_release
def test_after_an_exit_every_release_waits_for_the_next_look(release: str) -> None:
    """FINDINGS 17: up to 1 s and the start."""
    gaps = [
        gap(
            ran(pod(container("app"), inits=[container("a", "sleep 1")]), release=release, until=20, draw=draw),
            "a exit 0",
            "app start",
        )
        for draw in range(6)
    ]

    assert all(0.1 < each < 2.6 for each in gaps)
    assert max(gaps) - min(gaps) > 0.2


@each_release
def test_a_sidecar_releases_the_next_container_when_its_startup_probe_passes(release: str) -> None:
    """FINDINGS 16 and K-42: readiness and liveness gate nothing."""
    history = ran(
        pod(
            container("app"),
            inits=[
                sidecar(
                    "proxy",
                    "sleep 4; touch /tmp/up; " + FOREVER,
                    startupProbe=exec_probe("test -f /tmp/up", failureThreshold=100),
                    readinessProbe=exec_probe("exit 1"),
                )
            ],
        ),
        release=release,
        until=20,
    )

    assert 4 < gap(history, "proxy start", "app start") < 7.5
    assert statuses(history)[-1] == "1/2 Running"


@each_release
def test_a_sidecars_post_start_gates_too(release: str) -> None:
    """FINDINGS 16, ``sc-poststart``."""
    slow = {"postStart": {"exec": {"command": ["sleep", "4"]}}}
    history = ran(pod(container("app"), inits=[sidecar("proxy", lifecycle=slow)]), release=release, until=20)

    assert story(history) == ["proxy start", "proxy postStart", "proxy postStart done 0", "app start"]


# -- what fails, and what goes on -------------------------------------------------------------------------------------


@each_release
def test_a_failing_init_container_holds_up_everything(release: str) -> None:
    """K-23 and K-46: it is retried alone."""
    history = ran(
        pod(container("app"), inits=[container("ok", "exit 0"), container("bad", "exit 7")]), release=release, until=60
    )

    assert story(history).count("ok start") == 1
    assert len(starts(history, "bad")) >= 3
    assert starts(history, "app") == []
    assert "0/1 Init:CrashLoopBackOff" in statuses(history)


@each_release
def test_a_failing_init_container_under_never_fails_the_pod(release: str) -> None:
    """FINDINGS 22 and K-69: the sidecar is stopped only after that."""
    history = ran(
        pod(
            container("app"),
            inits=[sidecar("proxy"), container("check", "sleep 1; exit 3"), sidecar("late")],
            restartPolicy="Never",
        ),
        release=release,
    )

    assert story(history) == [
        "proxy start",
        "check start",
        "check exit 3",
        "proxy stop 30",
        "proxy TERM",
        "proxy exit 0",
    ]
    assert phases(history)[-1] == "Failed"


@each_release
def test_a_sidecar_in_back_off_is_skipped_and_the_list_goes_on(release: str) -> None:
    """K-23, K-43 and FINDINGS 19: the next container starts although the sidecar is down."""
    history = ran(
        pod(
            container("app"),
            inits=[sidecar("proxy", "sleep 3; exit 1"), container("slow", "sleep 15")],
        ),
        release=release,
        until=60,
    )

    lines = story(history, "proxy", "slow", "app")
    assert lines.count("slow start") == 1
    assert lines.index("slow exit 0") < lines.index("app start")
    assert len(starts(history, "proxy")) >= 3


@each_release
def test_a_sidecar_is_restarted_under_every_restart_policy(release: str) -> None:
    """K-45: also under Never and after exit 0."""
    history = ran(
        pod(container("app"), inits=[sidecar("proxy", "sleep 4; exit 0")], restartPolicy="Never"),
        release=release,
        until=30,
    )

    assert len(starts(history, "proxy")) >= 2
    assert starts(history, "app")


# -- back-off ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["1.27", "1.29", "1.34"])
@pytest.mark.parametrize("draw", [0, 3])
def test_the_back_off_is_0_10_20_40_80_seconds_and_the_next_look(release: str, draw: int) -> None:
    """FINDINGS 31 and K-62: measured from the exit; the kubelet looks only every 10 to 15 s."""
    history = ran(pod(container("app", "sleep 2; exit 1")), release=release, until=240, draw=draw)

    gaps = waits(history, "app")
    assert len(gaps) == 5
    for found, nominal in zip(gaps, (0, 10, 20, 40, 80), strict=True):
        assert nominal <= found <= nominal + (2.6 if nominal == 0 else 16)


def test_newer_releases_come_back_when_the_back_off_expires() -> None:
    """K-19d: 1.35 and later wait what is left, times 1 to 1.5, at most 60 s."""
    history = ran(pod(container("app", "sleep 2; exit 1")), release="1.36", until=240)

    for found, nominal in zip(waits(history, "app"), (0, 10, 20, 40), strict=False):
        assert nominal <= found <= nominal * 1.5 + 2.5


def test_the_decay_gate_shortens_the_first_back_offs() -> None:
    """FINDINGS 62: 1, 2, 4, 8, 16, 32, … s."""
    history = ran(
        pod(container("app", "sleep 2; exit 1")),
        release="1.36",
        gates={"ReduceDefaultCrashLoopBackOffDecay": True},
        until=90,
    )

    gaps = waits(history, "app")
    assert len(gaps) >= 5
    for found, nominal in zip(gaps, (0, 1, 2, 4, 8, 16, 32), strict=False):
        assert nominal <= found <= nominal * 1.5 + 2.5


def test_a_node_can_cap_the_back_off() -> None:
    """The kubelet's ``crashLoopBackOff.maxContainerRestartPeriod`` (gate on from 1.35)."""
    node = {"name": "node1", "kubeletConfig": {"crashLoopBackOff": {"maxContainerRestartPeriod": "4s"}}}
    history = ran(pod(container("app", "sleep 2; exit 1")), release="1.36", cluster={"nodes": [node]}, until=60)

    assert all(found <= 8.5 for found in waits(history, "app"))
    assert len(waits(history, "app")) >= 6


def test_a_long_run_makes_the_kubelet_forget() -> None:
    """K-63: an end more than ten minutes after the last start begins anew, with no wait."""
    history = ran(pod(container("app", "sleep 610; exit 1")), release="1.29", until=2500)

    assert all(found < 2.5 for found in waits(history, "app"))
    assert len(waits(history, "app")) == 4


@each_release
def test_crash_loop_back_off_shows_late(release: str) -> None:
    """FINDINGS 32: first the state of the exit, then CrashLoopBackOff with the next sync."""
    history = ran(pod(container("app", "sleep 2; exit 1")), release=release, until=60)

    states = seen(history, "app")
    assert states.index("terminated Error 1") < states.index("waiting CrashLoopBackOff")
    uid = history.pod("p").versions[0].object["metadata"]["uid"]
    assert f"back-off 10s restarting failed container=app pod=p_default({uid})" in messages(
        history, "app", "CrashLoopBackOff"
    )
    assert told(history, "BackOff") == [f"Back-off restarting failed container app in pod p_default({uid})"]


@each_release
def test_a_restarts_count_rises_and_keeps_the_last_state(release: str) -> None:
    history = ran(pod(container("app", "sleep 2; exit 4")), release=release, until=10)

    assert final(history, "app")["restartCount"] == 1
    assert final(history, "app")["lastState"]["terminated"]["exitCode"] == 4


@each_release
def test_only_what_failed_is_restarted_under_on_failure(release: str) -> None:
    history = ran(
        pod(container("good", "sleep 1"), container("bad", "sleep 1; exit 1"), restartPolicy="OnFailure"),
        release=release,
        until=30,
    )

    assert len(starts(history, "good")) == 1
    assert len(starts(history, "bad")) >= 2


@pytest.mark.parametrize(("release", "together"), [("1.28", True), ("1.29", False), ("1.33", False), ("1.36", False)])
def test_a_restart_of_all_mains_with_a_sidecar_down(release: str, together: bool) -> None:
    """K-48: 1.28 restarts sidecars and mains in one pass; later releases let the mains wait for the last sidecar."""
    kills = [{"at": "5s", "kill": {"pod": "p", "container": name, "exitCode": 1}} for name in ("app", "proxy")]
    history = ran(pod(container("app"), inits=[sidecar("proxy")]), release=release, actions=kills, until=20)

    passes = [[f"{one.do} {one.container}" for one in decision.actions] for decision in history.of(Decided)]
    assert (["start proxy", "start app"] in passes) == together
    (_, restarted_proxy), (_, restarted_app) = starts(history, "proxy"), starts(history, "app")
    assert restarted_proxy < restarted_app


# -- hooks, commands, configuration -----------------------------------------------------------------------------------


@each_release
def test_a_failing_post_start_kills_the_container(release: str) -> None:
    """FINDINGS 34 and K-32."""
    bad = {"postStart": {"exec": {"command": ["sh", "-c", "echo no luck; exit 9"]}}}
    history = ran(pod(container("app", lifecycle=bad)), release=release, until=30)

    assert story(history)[:6] == [
        "app start",
        "app postStart",
        "app postStart done 9",
        "app stop 30",
        "app TERM",
        "app exit 0",
    ]
    assert told(history, "FailedPostStartHook") == ["PostStartHook failed"]
    assert told(history, "Killing") == ["FailedPostStartHook"]
    assert "waiting PostStartHookError" in seen(history, "app")
    uid = history.pod("p").versions[0].object["metadata"]["uid"]
    assert messages(history, "app", "PostStartHookError") == {
        f'Exec lifecycle hook ([sh -c echo no luck; exit 9]) for Container "app" in Pod "p_default({uid})" failed - '
        "error: command 'sh -c echo no luck; exit 9' exited with 9: , message: \"no luck\\n\""
    }


@each_release
def test_a_container_that_ends_before_its_hook_begins(release: str) -> None:
    """K-32: the hook cannot be run, which is told like any failure."""
    hook = {"postStart": {"exec": {"command": ["true"]}}}
    history = ran(pod(container("app", "exit 1", lifecycle=hook)), release=release, until=8)

    assert told(history, "FailedPostStartHook") == ["PostStartHook failed"]
    (message,) = messages(history, "app", "PostStartHookError")
    assert "container is in CONTAINER_EXITED state" in message


@each_release
def test_a_hook_and_a_probe_that_ask_over_http(release: str) -> None:
    """A container that listens answers; one that does not makes its postStart fail."""
    asks = {"postStart": {"httpGet": {"path": "/", "port": 80}}}
    history = ran(
        pod(container("app", None, lifecycle=asks), container("mute", "sleep 1000", lifecycle=asks)),
        release=release,
        containers=[{"match": {"container": "app"}, "script": {"lasts": "forever"}}],
        until=10,
    )

    assert told_count(history, "FailedPostStartHook") >= 1
    assert all(event.field_path != "spec.containers{app}" for event in history.events if "Hook" in event.reason)


@each_release
def test_any_answer_over_http_satisfies_a_hook(release: str) -> None:
    """K-110: the status of the answer is not looked at; a server that still starts gives none."""
    asks = {"postStart": {"httpGet": {"path": "/other", "port": 80}}}
    history = ran(
        pod(container("app", None, lifecycle=asks), container("slow", None, lifecycle=asks)),
        release=release,
        containers=[
            {"match": {"container": "app"}, "script": {"lasts": "forever", "paths": ["/"]}},
            {"match": {"container": "slow"}, "script": {"lasts": "forever", "startup": "5s"}},
        ],
        until=3,
    )

    assert [event.field_path for event in history.events if event.reason == "FailedPostStartHook"] == [
        "spec.containers{slow}"
    ]


@each_release
def test_a_message_may_come_from_the_log(release: str) -> None:
    """S-22: the last lines of a failed container that wrote no message, where its policy says so."""
    falls_back = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    history = ran(
        pod(
            container("fails", "echo one; echo two >&2; exit 3", **falls_back),
            container("writes", "echo log; echo bye > /dev/termination-log; exit 3", **falls_back),
            container("ends", "echo log; exit 0", **falls_back),
            container("silent", "echo log; exit 3"),
            container("much", "i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done; exit 3", **falls_back),
            restartPolicy="Never",
        ),
        release=release,
        until=20,
    )
    said = {
        name: final(history, name)["state"]["terminated"].get("message")
        for name in ("fails", "writes", "ends", "silent", "much")
    }
    last = "".join(f"{number}\n" for number in range(20, 100))
    assert said == {"fails": "one\ntwo\n", "writes": "bye\n", "ends": None, "silent": None, "much": last}


@each_release
def test_a_command_that_does_not_exist(release: str) -> None:
    """FINDINGS 35 and K-91."""
    history = ran(pod(container("app", None, command=["/no/such"])), release=release, until=20)

    assert starts(history, "app") == []
    assert "waiting RunContainerError" in seen(history, "app")
    last = final(history, "app")["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (128, "StartError")
    assert "/no/such" in last["message"]
    assert told(history, "Failed")[0].startswith("Error: ")


@each_release
def test_a_command_that_does_not_exist_under_never(release: str) -> None:
    history = ran(pod(container("app", None, command=["/no/such"]), restartPolicy="Never"), release=release)

    assert phases(history)[-1] == "Failed"
    assert final(history, "app")["state"]["terminated"]["reason"] == "StartError"


@each_release
def test_a_shell_that_does_not_find_a_command_is_a_plain_error(release: str) -> None:
    history = ran(pod(container("app", "nosuchcommand"), restartPolicy="Never"), release=release)

    terminated = final(history, "app")["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (127, "Error")


@each_release
def test_a_missing_config_map_is_noticed_at_the_next_sync_only(release: str) -> None:
    """FINDINGS 36 and K-30: no instance is left behind, so there is no back-off; it is tried every 10 to 15 s."""
    app = container("app", envFrom=[{"configMapRef": {"name": "settings"}}])
    history = ran(
        pod(app),
        release=release,
        actions=[{"at": "14s", "create": {"object": config_map("settings", COLOUR="blue")}}],
        until=60,
    )

    assert "waiting CreateContainerConfigError" in seen(history, "app")
    assert 14 < starts(history, "app")[0] < 31
    assert final(history, "app")["restartCount"] == 0
    assert told(history, "Failed") == ['Error: configmap "settings" not found']
    assert told_count(history, "Failed") >= 1


@each_release
def test_a_delete_during_a_start_waits_for_the_pass(release: str) -> None:
    """K-5: the second main is still started, then both are stopped."""
    slow = {"postStart": {"exec": {"command": ["sleep", "6"]}}}
    history = ran(pod(container("first", lifecycle=slow), container("second")), release=release, actions=[delete(3)])

    lines = story(history)
    assert lines.index("second start") < lines.index("first stop 30")
    assert when(history, "first stop 30") > 6


@each_release
def test_each_run_has_a_number_of_its_own(release: str) -> None:
    history = ran(pod(container("app", "sleep 1; exit 1")), release=release, until=40)

    runs = history.pod("p").container("app").runs
    assert [one.number for one in runs] == list(range(len(runs)))
    assert len({one.container_id for one in runs}) == len(runs)
    assert all(before.exit is not None and before.exit < after.start for before, after in pairwise(runs))
