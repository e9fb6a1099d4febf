"""Newer kubelet features, on the releases that have them and not on others (K-109, K-120, K-121, K-74)."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import (
    FOREVER,
    container,
    delete,
    final,
    gap,
    phases,
    pod,
    ran,
    sidecar,
    starts,
    statuses,
    story,
    told,
    waits,
)

from kubesim.history.history import History
from kubesim.history.records import ActionDone

Object = dict[str, Any]
RULES = {"ContainerRestartRules": True}
ALL = {**RULES, "RestartAllContainersOnContainerExits": True, "NodeDeclaredFeatures": True}
SIGNALS = {"ContainerStopSignals": True}


def hook(seconds: int, name: str = "preStop") -> Object:
    return {"lifecycle": {name: {"sleep": {"seconds": seconds}}}}


def refusal(history: History) -> str:
    return next(one.message for one in history.of(ActionDone) if one.do == "create Pod")


def rule(*codes: int, action: str = "Restart", operator: str = "In") -> Object:
    return {"action": action, "exitCodes": {"operator": operator, "values": list(codes)}}


# -- sleep ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "gates"),
    [("1.29", {"PodLifecycleSleepAction": True}), ("1.30", {}), ("1.33", {}), ("1.34", {}), ("1.36", {})],
)
def test_a_pre_stop_that_sleeps_takes_its_seconds_off_the_grace(release: str, gates: dict[str, bool]) -> None:
    history = ran(pod(container("app", **hook(4))), release=release, gates=gates, actions=[delete(10)], until=40)
    assert story(history)[1:] == ["app stop 26", "app TERM", "app exit 0"]
    assert 4 < gap(history, "app start", "app stop 26") - 10 + starts(history, "app")[0] < 4.2


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ("1.28", 'unknown field "spec.containers[0].lifecycle.preStop.sleep"'),
        ("1.29", "spec.containers[0].lifecycle.preStop: Required value: must specify a handler type"),
    ],
)
def test_before_that_a_sleep_is_no_handler(release: str, words: str) -> None:
    assert words in refusal(ran(pod(container("app", **hook(4))), release=release, until=5))


@pytest.mark.parametrize(
    ("release", "gates", "words"),
    [
        ("1.30", {}, "must be greater than 0 and less than terminationGracePeriodSeconds (30)"),
        ("1.32", {}, "Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep."),
        ("1.32", {"PodLifecycleSleepActionAllowZero": True}, ""),
        ("1.33", {}, ""),
        ("1.36", {}, ""),
    ],
)
def test_a_sleep_of_no_seconds(release: str, gates: dict[str, bool], words: str) -> None:
    history = ran(pod(container("app", **hook(0))), release=release, gates=gates, actions=[delete(10)], until=60)
    if words:
        assert words in refusal(history)
    else:
        assert story(history)[1:] == ["app stop 30", "app TERM", "app exit 0"]


def test_a_post_start_that_sleeps_holds_up_the_next_container() -> None:
    history = ran(pod(container("app", **hook(3, "postStart")), container("web")), until=20)
    assert 3 < gap(history, "app start", "web start") < 3.6


def test_a_sidecar_that_sleeps_before_it_stops_does_not_delay_the_main() -> None:
    """FINDINGS 6: hooks do not wait for their turn."""
    proxy = sidecar("proxy", **hook(5))
    history = ran(pod(container("app"), inits=[proxy]), release="1.33", actions=[delete(10)], until=60)
    assert story(history)[2:] == [
        "app stop 30",
        "app TERM",
        "app exit 0",
        "proxy stop 25",
        "proxy TERM",
        "proxy exit 0",
    ]


# -- a container's own restart policy ---------------------------------------------------------------------------------

HAVING = [("1.34", RULES), ("1.35", None), ("1.36", None)]


@pytest.mark.parametrize(("release", "gates"), HAVING)
def test_a_container_that_is_never_restarted_stays_down_in_a_pod_that_always_is(release: str, gates: Any) -> None:
    once = container("once", "sleep 3; exit 1", restartPolicy="Never")
    history = ran(pod(once, container("app")), release=release, gates=gates, until=60)
    assert len(starts(history, "once")) == 1
    assert phases(history)[-1] == "Running"
    assert statuses(history)[-1] == "1/2 Error"


@pytest.mark.parametrize(("release", "gates"), HAVING)
def test_a_container_that_is_restarted_on_failure_in_a_pod_that_never_is(release: str, gates: Any) -> None:
    script = "if [ -f /flag/tried ]; then exit 0; fi; touch /flag/tried; sleep 2; exit 1"
    volume = {"volumes": [{"name": "flag", "emptyDir": {}}]}
    app = container("app", script, restartPolicy="OnFailure", volumeMounts=[{"name": "flag", "mountPath": "/flag"}])
    history = ran(pod(app, restartPolicy="Never", **volume), release=release, gates=gates, until=60)
    assert final(history, "app")["restartCount"] == 1
    assert phases(history)[-1] == "Succeeded"


@pytest.mark.parametrize(("release", "gates"), HAVING)
def test_rules_decide_by_exit_code(release: str, gates: Any) -> None:
    """Exit 42 restarts in place with the usual back-off; another code ends the pod (FINDINGS 56)."""
    again = {"restartPolicy": "Never", "restartPolicyRules": [rule(42)]}
    history = ran(
        pod(container("app", "sleep 2; exit 42", **again), restartPolicy="Never"),
        release=release,
        gates=gates,
        until=60,
    )
    assert len(starts(history, "app")) >= 3
    assert waits(history, "app")[0] < 2
    assert waits(history, "app")[1] > 10
    other = ran(
        pod(container("app", "sleep 2; exit 41", **again), restartPolicy="Never"),
        release=release,
        gates=gates,
        until=60,
    )
    assert (len(starts(other, "app")), phases(other)[-1]) == (1, "Failed")


@pytest.mark.parametrize(("operator", "restarts"), [("In", 0), ("NotIn", 1)])
def test_a_rule_may_name_the_codes_it_is_not_about(operator: str, restarts: int) -> None:
    again = {"restartPolicy": "Never", "restartPolicyRules": [rule(42, operator=operator)]}
    history = ran(pod(container("app", "sleep 8; exit 1", **again), restartPolicy="Never"), until=15)
    assert final(history, "app")["restartCount"] == restarts


@pytest.mark.parametrize(("release", "gates"), HAVING)
def test_an_init_container_of_its_own_policy_fails_the_pod_or_is_tried_again(release: str, gates: Any) -> None:
    fails = container("prep", "sleep 1; exit 1", restartPolicy="Never")
    history = ran(pod(container("app"), inits=[fails]), release=release, gates=gates, until=40)
    assert (phases(history)[-1], len(starts(history, "prep")), starts(history, "app")) == ("Failed", 1, [])
    tried = container("prep", "sleep 1; exit 1", restartPolicy="OnFailure")
    again = ran(pod(container("app"), inits=[tried], restartPolicy="Never"), release=release, gates=gates, until=40)
    assert len(starts(again, "prep")) > 1
    assert phases(again) == ["Pending"]


def test_without_the_gate_a_containers_policy_is_dropped_in_silence_or_refused() -> None:
    once = container("once", "sleep 3; exit 1", restartPolicy="Never")
    dropped = ran(pod(once), release="1.34", until=30)
    assert len(starts(dropped, "once")) > 1
    refused = ran(pod(once), release="1.33", until=5)
    assert "spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers" in refusal(refused)


# -- all containers at once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("release", "gates"), [("1.35", ALL), ("1.36", None)])
def test_a_watcher_has_all_containers_restarted_in_place(release: str, gates: Any) -> None:
    """K-121, FINDINGS 57: the init container again, the same sandbox, every count one higher.

    1.35 forgets the state before as soon as the container runs again; 1.36 carries it over.
    """
    restart = {"restartPolicy": "Never", "restartPolicyRules": [rule(88, action="RestartAllContainers")]}
    script = "if [ -f /flag/tried ]; then sleep 1000; fi; touch /flag/tried; sleep 5; exit 88"
    mounts = {"volumeMounts": [{"name": "flag", "mountPath": "/flag"}]}
    history = ran(
        pod(
            container("app"),
            container("watcher", script, **restart, **mounts),
            inits=[container("prep", "exit 0"), sidecar("proxy")],
            volumes=[{"name": "flag", "emptyDir": {}}],
        ),
        release=release,
        gates=gates,
        until=60,
    )
    for name in ("prep", "proxy", "app", "watcher"):
        assert final(history, name)["restartCount"] == 1, name
    assert story(history, "(sandbox)") == ["(sandbox) start"]
    seen = phases(history)
    assert (seen[:3], seen[-1]) == (["Pending", "Running", "Pending"], "Running")
    last = final(history, "app")["lastState"].get("terminated", {}).get("reason")
    assert last == ("RestartingAllContainers" if release == "1.36" else None)
    assert told(history, "Killing").count("killing") >= 1


def test_restart_counts_go_on_over_a_restart_of_all() -> None:
    """K-121: 1.36 keeps the logs of what it removes, and counts on from them; records of earlier runs go as well."""
    restart = {"restartPolicy": "Never", "restartPolicyRules": [rule(88, action="RestartAllContainers")]}
    watch = "if [ -f /flag/tried ]; then sleep 1000; fi; sleep 5; touch /flag/tried; exit 88"
    crash = "echo x >> /flag/runs; sleep 3; test $(wc -l < /flag/runs) -gt 3 && sleep 1000; exit 1"
    mounts = {"volumeMounts": [{"name": "flag", "mountPath": "/flag"}]}
    history = ran(
        pod(
            container("app", crash, **mounts),
            container("watcher", watch, **restart, **mounts),
            volumes=[{"name": "flag", "emptyDir": {}}],
        ),
        until=60,
    )
    assert story(history, "app").count("app start") == 4
    assert (final(history, "app")["restartCount"], final(history, "watcher")["restartCount"]) == (3, 1)
    assert "running" in final(history, "app")["state"]


def test_without_its_gate_the_action_is_refused() -> None:
    restart = {"restartPolicy": "Never", "restartPolicyRules": [rule(88, action="RestartAllContainers")]}
    history = ran(pod(container("app", **restart)), release="1.35", until=5)
    assert "RestartAllContainers" in refusal(history)


# -- stop signals -----------------------------------------------------------------------------------------------------

WAITS_FOR_USR1 = "trap 'exit 0' USR1; trap '' TERM; sleep 1000000 & wait; sleep 1000000 & wait"


@pytest.mark.parametrize(
    ("release", "gates", "sent"),
    [("1.33", {}, "TERM"), ("1.33", SIGNALS, "USR1"), ("1.36", {}, "TERM"), ("1.36", SIGNALS, "USR1")],
)
def test_a_stop_signal_counts_with_its_gate_and_is_dropped_without(
    release: str, gates: dict[str, bool], sent: str
) -> None:
    """K-74, FINDINGS 59."""
    app = container("app", WAITS_FOR_USR1, lifecycle={"stopSignal": "SIGUSR1"})
    history = ran(
        pod(app, os={"name": "linux"}, terminationGracePeriodSeconds=5),
        release=release,
        gates=gates,
        actions=[delete(10)],
        until=40,
    )
    assert f"app {sent}" in story(history)
    assert ("app exit 0" in story(history)) is (sent == "USR1")


def test_an_image_has_a_stop_signal_of_its_own() -> None:
    history = ran(pod({"name": "web", "image": "nginx:1"}), release="1.29", actions=[delete(10)], until=40)
    assert "web QUIT" in story(history)


# -- the look on demand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gates", "quick"), [({}, True), ({"PLEGOnDemandRelist": False}, False)])
def test_from_1_36_on_a_sync_that_did_something_is_followed_by_a_look(gates: dict[str, bool], quick: bool) -> None:
    """K-2, FINDINGS 52: 0.2 s to the next container in place of a second."""
    history = ran(pod(container("app"), inits=[sidecar("proxy", FOREVER)]), release="1.36", gates=gates, until=20)
    assert (gap(history, "proxy start", "app start") < 0.4) is quick
