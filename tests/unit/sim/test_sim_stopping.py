"""Stopping: graces, order, hooks and second deletes, as recordings of real kubelets showed it (FINDINGS 1 to 15)."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import (
    DEAF,
    FOREVER,
    container,
    delete,
    exec_probe,
    final,
    gap,
    phases,
    pod,
    ran,
    sidecar,
    slow_to_stop,
    statuses,
    story,
    told,
    told_count,
    when,
)

from kubesim.history.records import ActionDone, Decided

ORDERED = ["1.29", "1.30", "1.33", "1.36"]
EVERY = ["1.28", *ORDERED]

each_release = pytest.mark.parametrize("release", EVERY)
each_ordered = pytest.mark.parametrize("release", ORDERED)


def stopped(history: Any, *names: str) -> list[str]:
    """The part of the story from the first stop on, without the sandbox."""
    lines = story(history, *names)
    first = next(place for place, line in enumerate(lines) if " stop " in line or " preStop" in line)
    return lines[first:]


def hook(seconds: int) -> dict[str, Any]:
    return {"preStop": {"exec": {"command": ["sleep", str(seconds)]}}}


# -- 1 to 5: order ----------------------------------------------------------------------------------------------------

THREE = pod(
    container("app", slow_to_stop(4)),
    container("web"),
    inits=[sidecar("one"), sidecar("two", slow_to_stop(2)), sidecar("three")],
)


@each_ordered
def test_mains_first_then_sidecars_in_reverse_sharing_the_grace(release: str) -> None:
    """FINDINGS 1 and 3: each gets what is left, in whole seconds."""
    history = ran(THREE, release=release, actions=[delete(10)])

    assert stopped(history, "one", "two", "three") == [
        "three stop 26",
        "three TERM",
        "three exit 0",
        "two stop 26",
        "two TERM",
        "two exit 0",
        "one stop 24",
        "one TERM",
        "one exit 0",
    ]
    assert gap(history, "app stop 30", "web stop 30") < 0.1
    assert when(history, "three stop 26") > when(history, "app exit 0")


def test_there_is_no_order_before_1_29() -> None:
    """FINDINGS 1: all five get SIGTERM at once, with the whole grace."""
    history = ran(THREE, release="1.28", actions=[delete(10)])

    assert sorted(stopped(history)[:10]) == sorted(
        f"{name} {what}" for name in ("app", "web", "one", "two", "three") for what in ("stop 30", "TERM")
    )


COMPLETES = pod(
    container("app", "sleep 3"),
    inits=[sidecar("one", slow_to_stop(2)), sidecar("two", slow_to_stop(2))],
    restartPolicy="Never",
)


@each_ordered
def test_completion_stops_sidecars_in_reverse(release: str) -> None:
    """FINDINGS 2 and 3: the clock starts when the sidecars are stopped, so the last one has the whole grace."""
    history = ran(COMPLETES, release=release)

    assert stopped(history) == [
        "two stop 30",
        "two TERM",
        "two exit 0",
        "one stop 28",
        "one TERM",
        "one exit 0",
    ]
    assert phases(history)[-1] == "Succeeded"


def test_completion_before_1_29_stops_sidecars_at_once() -> None:
    history = ran(COMPLETES, release="1.28")

    assert set(stopped(history)[:4]) == {"two stop 30", "two TERM", "one stop 30", "one TERM"}


@each_ordered
def test_when_the_grace_runs_out_everyone_waiting_gets_two_seconds_at_once(release: str) -> None:
    """FINDINGS 4: grace + 2 s in all, and no order at the end."""
    everyone = pod(container("app", DEAF), inits=[sidecar("one", DEAF), sidecar("two", DEAF)])
    history = ran(everyone, release=release, actions=[delete(7, grace=6)])

    assert sorted(stopped(history, "one", "two")[:4]) == ["one TERM", "one stop 2", "two TERM", "two stop 2"]
    assert when(history, "one stop 2") == pytest.approx(13, abs=0.1)
    assert when(history, "app KILL") == pytest.approx(13, abs=0.1)
    assert when(history, "one exit 137") == pytest.approx(15, abs=0.2)
    assert when(history, "two exit 137") == pytest.approx(15, abs=0.2)


@each_ordered
def test_who_is_stopped_out_of_turn_is_told_why(release: str) -> None:
    """K-77: each that waits, with whom it waited for; who has its turn in time needs no decision of its own."""
    everyone = pod(container("app", slow_to_stop(2)), inits=[sidecar("one"), sidecar("two", DEAF), sidecar("three")])
    history = ran(everyone, release=release, actions=[delete(7, grace=6)])

    late = [decision for decision in history.of(Decided) if decision.pass_ == "WaitForTurn"]
    assert [(step.do, step.container, step.why, step.rules) for one in late for step in one.actions] == [
        ("stop", "one", "no grace is left to wait for two to end", ("K-77",))
    ]
    assert late[0].at <= next(run.stops[0].at for run in history.pod("p").container("one").runs)


def test_before_1_29_everyone_is_killed_at_the_grace() -> None:
    everyone = pod(container("app", DEAF), inits=[sidecar("one", DEAF), sidecar("two", DEAF)])
    history = ran(everyone, release="1.28", actions=[delete(7, grace=6)])

    assert when(history, "one exit 137") == pytest.approx(13, abs=0.2)
    assert when(history, "one KILL") - when(history, "app KILL") == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("release", "code"), [("1.28", 0), ("1.29", 137), ("1.36", 137)])
def test_a_deaf_main_costs_the_sidecar_its_clean_end(release: str, code: int) -> None:
    """FINDINGS 4, ``del-main-ignores-term``: SIGTERM comes only with the last two seconds."""
    history = ran(
        pod(container("app", DEAF), inits=[sidecar("proxy", slow_to_stop(4))]),
        release=release,
        actions=[delete(6, grace=8)],
    )

    assert final(history, "app")["state"]["terminated"]["exitCode"] == 137
    assert f"proxy exit {code}" in story(history)


@each_ordered
def test_the_order_breaks_at_the_end_of_the_grace_while_one_still_stops(release: str) -> None:
    """FINDINGS 4, ``del-short-grace-3-sidecars``: three has its turn, then one and two get their signal together."""
    history = ran(
        pod(
            container("app", slow_to_stop(3)),
            inits=[sidecar("one"), sidecar("two"), sidecar("three", DEAF)],
        ),
        release=release,
        actions=[delete(7, grace=5)],
    )

    assert when(history, "one stop 2") == pytest.approx(12, abs=0.15)
    assert when(history, "two stop 2") == pytest.approx(12, abs=0.15)
    assert when(history, "three stop 2") < 12 < when(history, "three exit 137")


@each_ordered
def test_two_deaf_sidecars(release: str) -> None:
    """FINDINGS 5: the first gets its SIGTERM when the second has used up the grace."""
    history = ran(
        pod(container("app"), inits=[sidecar("one", DEAF), sidecar("two", DEAF)]),
        release=release,
        actions=[delete(6, grace=10)],
    )

    assert when(history, "two stop 10") == pytest.approx(6.1, abs=0.2)
    assert when(history, "one stop 2") == pytest.approx(16, abs=0.1)
    assert when(history, "one stop 2") <= when(history, "two KILL") + 0.1
    assert when(history, "one exit 137") == pytest.approx(18, abs=0.2)


# -- 6 and 7: hooks ---------------------------------------------------------------------------------------------------


@each_ordered
def test_a_sidecars_hook_does_not_wait_its_turn_but_sigterm_does(release: str) -> None:
    """FINDINGS 6, ``del-prestop-sidecar``."""
    history = ran(
        pod(container("app", slow_to_stop(4)), inits=[sidecar("proxy", lifecycle=hook(2))]),
        release=release,
        actions=[delete(6)],
    )

    assert stopped(history) == [
        "app stop 30",
        "app TERM",
        "proxy preStop",
        "proxy preStop done 0",
        "app exit 0",
        "proxy stop 26",
        "proxy TERM",
        "proxy exit 0",
    ]


def test_before_1_29_sigterm_follows_each_sidecars_own_hook() -> None:
    history = ran(
        pod(container("app", slow_to_stop(4)), inits=[sidecar("proxy", lifecycle=hook(2))]),
        release="1.28",
        actions=[delete(6)],
    )

    assert story(history).index("proxy stop 28") < story(history).index("app exit 0")
    assert gap(history, "proxy preStop done 0", "proxy stop 28") < 0.2


@each_release
def test_a_hook_counts_against_the_grace(release: str) -> None:
    """FINDINGS 7, ``del-prestop-main``: a hook of 5 s leaves 7 of 12."""
    history = ran(
        pod(container("app", lifecycle=hook(5)), terminationGracePeriodSeconds=12),
        release=release,
        actions=[delete(6)],
    )

    assert stopped(history)[:4] == ["app preStop", "app preStop done 0", "app stop 7", "app TERM"]


@each_release
def test_a_hook_that_outlives_the_grace_is_abandoned(release: str) -> None:
    """FINDINGS 7, ``del-prestop-longer-than-grace``: SIGTERM with 2 s; the hook dies with the container."""
    history = ran(pod(container("app", DEAF, lifecycle=hook(60))), release=release, actions=[delete(5, grace=6)])

    assert stopped(history)[:4] == ["app preStop", "app stop 2", "app TERM", "app KILL"]
    assert set(stopped(history)[4:]) == {"app exit 137", "app preStop done 137"}
    assert when(history, "app stop 2") == pytest.approx(11, abs=0.1)
    assert when(history, "app KILL") == pytest.approx(13, abs=0.1)


@each_release
def test_a_failed_hook_is_followed_by_sigterm_at_once(release: str) -> None:
    """FINDINGS 7, ``del-prestop-fails``."""
    fails = {"preStop": {"exec": {"command": ["sh", "-c", "echo no; exit 3"]}}}
    history = ran(pod(container("app", lifecycle=fails)), release=release, actions=[delete(5)])

    assert stopped(history)[:4] == ["app preStop", "app preStop done 3", "app stop 30", "app TERM"]
    assert told(history, "FailedPreStopHook") == ["PreStopHook failed"]


@each_release
def test_the_killing_event_comes_before_the_hook(release: str) -> None:
    """K-71."""
    history = ran(pod(container("app", lifecycle=hook(5))), release=release, actions=[delete(5)])

    (killing,) = [event for event in history.events if event.reason == "Killing"]
    assert killing.message == "Stopping container app"
    assert killing.at < history.started + 10_000_000_000


SLEEPS = {"preStop": {"sleep": {"seconds": 4}}}


@pytest.mark.parametrize("release", ["1.30", "1.33", "1.36"])
def test_a_sleep_hook_takes_no_process(release: str) -> None:
    """FINDINGS 58: SIGTERM comes after exactly the sleep, with the rest of the grace."""
    history = ran(pod(container("app", lifecycle=SLEEPS)), release=release, actions=[delete(5)])

    assert stopped(history) == ["app stop 26", "app TERM", "app exit 0"]
    assert when(history, "app stop 26") == pytest.approx(9, abs=0.05)


@pytest.mark.parametrize(("release", "code"), [("1.28", 400), ("1.29", 422)])
def test_a_sleep_hook_is_refused_where_it_is_unknown_or_off(release: str, code: int) -> None:
    """FINDINGS 58: an unknown field in 1.28, one that is dropped before validation in 1.29."""
    history = ran(pod(container("app", lifecycle=SLEEPS)), release=release)

    (created,) = history.of(ActionDone)
    assert created.code == code


# -- 8 to 10: forced, short and second deletes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "app", "proxy"),
    [
        ("1.28", 30, 30),
        ("1.29", 30, 29),
        ("1.30.1", 30, 29),
        ("1.30", 2, 2),
        ("1.33", 2, 2),
        ("1.36", 2, 2),
    ],
)
def test_a_forced_delete_is_no_sigkill(release: str, app: int, proxy: int) -> None:
    """FINDINGS 8 and K-6: the Pod's own grace up to 1.30.1, then one second, made two."""
    history = ran(
        pod(container("app", slow_to_stop(1)), inits=[sidecar("proxy")]), release=release, actions=[delete(6, grace=0)]
    )

    assert [line for line in story(history) if " stop " in line] == [f"app stop {app}", f"proxy stop {proxy}"]
    assert history.pod("p").gone is not None
    assert history.pod("p").gone - history.started < 6_100_000_000


@pytest.mark.parametrize(("release", "killed"), [("1.28", 15), ("1.29", 15), ("1.33", 7), ("1.36", 7)])
def test_a_forced_delete_of_a_deaf_pod_lives_on_unseen(release: str, killed: int) -> None:
    """FINDINGS 8, ``del-grace-0-ignores-term``."""
    history = ran(
        pod(container("app", DEAF), terminationGracePeriodSeconds=10), release=release, actions=[delete(5, grace=0)]
    )

    assert when(history, "app KILL") == pytest.approx(killed, abs=0.15)


@each_release
def test_a_grace_of_one_second_becomes_two(release: str) -> None:
    """FINDINGS 9."""
    history = ran(pod(container("app", DEAF)), release=release, actions=[delete(5, grace=1)])

    assert stopped(history)[:3] == ["app stop 2", "app TERM", "app KILL"]
    assert gap(history, "app TERM", "app KILL") == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("release", "last"), [("1.28", 2), ("1.29", 3), ("1.36", 3)])
def test_a_grace_of_one_second_is_the_total_for_the_order(release: str, last: int) -> None:
    """FINDINGS 9: the sidecar's SIGTERM comes after 1 s, and everything ends 3 s after the delete."""
    history = ran(
        pod(container("app", DEAF), inits=[sidecar("proxy", DEAF)]), release=release, actions=[delete(5, grace=1)]
    )

    assert when(history, "proxy exit 137") == pytest.approx(5 + last, abs=0.2)


@each_release
def test_a_second_delete_does_not_touch_a_kill_under_way(release: str) -> None:
    """FINDINGS 10, ``del-shorter-grace-during-term``."""
    history = ran(pod(container("app", DEAF)), release=release, actions=[delete(6, grace=12), delete(9, grace=5)])

    versions = history.pod("p").versions
    graces = [version.object["metadata"].get("deletionGracePeriodSeconds") for version in versions]
    assert graces.index(12) < graces.index(5)
    assert when(history, "app KILL") == pytest.approx(18, abs=0.1)


@each_release
def test_a_second_delete_does_not_shorten_a_hook(release: str) -> None:
    """FINDINGS 10, ``del-shorter-grace-during-prestop``."""
    history = ran(
        pod(container("app", DEAF, lifecycle=hook(8))),
        release=release,
        actions=[delete(6, grace=12), delete(9, grace=2)],
    )

    assert stopped(history)[:3] == ["app preStop", "app preStop done 0", "app stop 4"]
    assert when(history, "app KILL") == pytest.approx(18, abs=0.2)


# -- 11 to 15: special moments ----------------------------------------------------------------------------------------


@each_release
def test_there_is_no_order_during_init(release: str) -> None:
    """FINDINGS 11, ``del-during-init-with-sidecar``."""
    history = ran(
        pod(container("app"), inits=[sidecar("proxy"), container("migrate")]), release=release, actions=[delete(6)]
    )

    assert gap(history, "migrate stop 30", "proxy stop 30") == pytest.approx(0, abs=0.1)
    assert "app start" not in story(history)


@each_ordered
def test_among_sidecars_the_reverse_order_holds_before_a_startup_probe_passes(release: str) -> None:
    """FINDINGS 11, ``del-during-sidecar-startup``."""
    history = ran(
        pod(
            container("app"),
            inits=[sidecar("one"), sidecar("two", startupProbe=exec_probe("exit 1", failureThreshold=100))],
        ),
        release=release,
        actions=[delete(6)],
    )

    assert stopped(history)[0] == "two stop 30"
    assert story(history).index("two exit 0") < next(
        place for place, line in enumerate(story(history)) if line.startswith("one stop")
    )


@each_release
def test_a_sidecar_that_ends_while_the_pod_terminates_is_not_restarted(release: str) -> None:
    """FINDINGS 12 and K-81: it still gets its StopContainer, which does nothing."""
    history = ran(
        pod(container("app", slow_to_stop(6)), inits=[sidecar("proxy", "sleep 9; exit 5")]),
        release=release,
        actions=[delete(6)],
    )

    assert story(history).count("proxy start") == 1
    if release != "1.28":
        after = story(history)[story(history).index("proxy exit 5") :]
        assert any(line.startswith("proxy stop") for line in after)
        assert "proxy TERM" not in after
    assert phases(history)[-1] == "Succeeded"


@each_release
def test_probes_during_termination(release: str) -> None:
    """FINDINGS 13: readiness still changes READY; liveness kills and restarts nothing."""
    failing = exec_probe("test ! -f /tmp/stopping", failureThreshold=1)
    history = ran(
        pod(
            container(
                "app",
                "trap 'touch /tmp/stopping; sleep 6; exit 0' TERM; while true; do sleep 1; done",
                readinessProbe=failing,
                livenessProbe=failing,
            )
        ),
        release=release,
        actions=[delete(6)],
    )

    rows = statuses(history)
    assert rows.index("1/1 Terminating") < rows.index("0/1 Terminating")
    assert story(history).count("app start") == 1
    assert story(history).count("app TERM") == 1
    assert told_count(history, "Killing") == 1


@each_ordered
def test_a_sidecars_readiness_still_counts_while_the_pod_terminates(release: str) -> None:
    """FINDINGS 13, ``del-sidecar-liveness-during-termination``: 2/2, then 1/2, before anything ended."""
    history = ran(
        pod(
            container("app", slow_to_stop(6)),
            inits=[
                sidecar(
                    "proxy",
                    "sleep 8; touch /tmp/sick; " + FOREVER,
                    readinessProbe=exec_probe("test ! -f /tmp/sick", failureThreshold=1),
                    livenessProbe=exec_probe("test ! -f /tmp/sick", failureThreshold=1),
                )
            ],
        ),
        release=release,
        actions=[delete(6)],
    )

    rows = statuses(history)
    assert rows.index("2/2 Terminating") < rows.index("1/2 Terminating")
    assert story(history).count("proxy start") == 1


@pytest.mark.parametrize(("release", "proxy"), [("1.28", 4), ("1.29", 2), ("1.36", 2)])
def test_the_active_deadline_stops_with_the_pods_grace(release: str, proxy: int) -> None:
    """FINDINGS 14, ``active-deadline-pod``: in the same order; the deadline counts from a whole second."""
    history = ran(
        pod(
            container("app", DEAF),
            inits=[sidecar("proxy")],
            activeDeadlineSeconds=8,
            terminationGracePeriodSeconds=4,
        ),
        release=release,
    )

    assert "app stop 4" in story(history)
    assert f"proxy stop {proxy}" in story(history)
    assert 7 <= when(history, "app stop 4") <= 9.5
    status = history.pod("p").versions[-1].object["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    assert told(history, "DeadlineExceeded") == [status["message"]]


@each_ordered
def test_an_eviction_through_the_api_is_a_delete(release: str) -> None:
    """FINDINGS 15, ``evict-api``: ordered, with the grace."""
    history = ran(
        pod(container("app", slow_to_stop(3)), inits=[sidecar("proxy")]),
        release=release,
        actions=[{"at": "6s", "evict": {"name": "p"}}],
    )

    assert stopped(history)[:4] == ["app stop 30", "app TERM", "app exit 0", "proxy stop 27"]
    assert history.pod("p").gone is not None


@each_ordered
def test_what_a_later_sidecar_is_not_running_does_not_hold_up_the_others(release: str) -> None:
    """K-76 and K-79: one that waits in back-off counts as ended."""
    history = ran(
        pod(container("app"), inits=[sidecar("one"), sidecar("two", "sleep 3; exit 1")]),
        release=release,
        actions=[delete(16)],
    )

    lines = story(history)
    assert lines[-1].startswith("one exit")
    assert 16 < when(history, "one TERM") < 18.5


@pytest.mark.parametrize(("release", "grace"), [("1.29.0", 2), ("1.30.1", 2), ("1.29", 30), ("1.30", 30)])
def test_the_first_patches_waited_for_a_sidecar_that_was_down(release: str, grace: int) -> None:
    """K-79: in 1.29.0 the others wait out the whole grace."""
    history = ran(
        pod(container("app"), inits=[sidecar("one"), sidecar("two", "sleep 3; exit 1")]),
        release=release,
        actions=[delete(16)],
    )

    assert f"one stop {grace}" in story(history)
