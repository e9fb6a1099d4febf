"""Probes on the clock: what they gate, count and kill, when workers end, and ticks that are skipped (K-95 to K-106)."""

from __future__ import annotations

import pytest
from sim_runs import (
    FOREVER,
    conditions,
    container,
    exec_probe,
    final,
    phases,
    pod,
    ran,
    sidecar,
    starts,
    statuses,
    story,
    told,
    told_count,
    waits,
    when,
)

from kubesim.history.history import History
from kubesim.history.records import ProbeChanged
from kubesim.sim import probing
from kubesim.units import HOUR, SECOND, to_seconds

EVERY = ["1.28", "1.29", "1.33", "1.36"]

each_release = pytest.mark.parametrize("release", EVERY)


def results(history: History, type_: str) -> list[str]:
    """The results that were stored, one after another."""
    return [record.result for record in history.of(ProbeChanged) if record.probe == type_]


def result_times(history: History, type_: str, result: str) -> list[float]:
    return [
        to_seconds(record.at - history.started)
        for record in history.of(ProbeChanged)
        if (record.probe, record.result) == (type_, result)
    ]


# -- gating and thresholds --------------------------------------------------------------------------------------------


@each_release
def test_a_startup_probe_holds_the_others_back(release: str) -> None:
    """K-98: liveness would fail from the beginning, and does not run before the startup probe has passed."""
    app = container(
        "app",
        "sleep 5; touch /tmp/up; sleep 1; touch /tmp/alive; " + FOREVER,
        startupProbe=exec_probe("test -f /tmp/up", failureThreshold=30),
        livenessProbe=exec_probe("test -f /tmp/alive", failureThreshold=3),
    )
    history = ran(pod(app), release=release, until=30)

    assert len(starts(history, "app")) == 1
    assert final(history, "app")["started"] is True
    assert statuses(history)[-1] == "1/1 Running"


@each_release
@pytest.mark.parametrize(("threshold", "longest"), [(1, 2.2), (3, 4.2)])
def test_a_failure_counts_when_its_threshold_is_reached(release: str, threshold: int, longest: float) -> None:
    """K-100: one probe a second."""
    app = container(
        "app",
        "sleep 6; touch /tmp/sick; " + FOREVER,
        livenessProbe=exec_probe("test ! -f /tmp/sick", failureThreshold=threshold),
    )
    history = ran(pod(app), release=release, until=12)

    began = starts(history, "app")[0] + 6
    assert threshold - 1 < when(history, "app TERM") - began < longest
    assert told_count(history, "Unhealthy") == threshold
    assert told(history, "Killing") == ["Container app failed liveness probe, will be restarted"]


@each_release
def test_a_success_threshold_is_counted_too(release: str) -> None:
    app = container("app", FOREVER, readinessProbe=exec_probe("true", successThreshold=4))
    history = ran(pod(app), release=release, until=12)

    (ready,) = result_times(history, "readiness", "success")
    assert 2.5 < ready - starts(history, "app")[0] < 5.5


@each_release
def test_an_initial_delay_counts_from_a_whole_second(release: str) -> None:
    """K-97."""
    app = container("app", FOREVER, readinessProbe=exec_probe("true", initialDelaySeconds=5))
    history = ran(pod(app), release=release, until=12)

    (ready,) = result_times(history, "readiness", "success")
    assert 4 < ready - starts(history, "app")[0] < 6.5


@each_release
def test_readiness_flaps(release: str) -> None:
    """Ready follows at once; nothing is restarted."""
    script = "sleep 3; touch /tmp/ok; sleep 4; rm /tmp/ok; sleep 4; touch /tmp/ok; " + FOREVER
    app = container("app", script, readinessProbe=exec_probe("test -f /tmp/ok", failureThreshold=1))
    history = ran(pod(app), release=release, until=30)

    assert conditions(history, "Ready") == ["False", "True", "False", "True"]
    assert conditions(history, "ContainersReady") == ["False", "True", "False", "True"]
    assert len(starts(history, "app")) == 1


@each_release
def test_a_timeout_is_a_failure(release: str) -> None:
    """K-99."""
    app = container("app", FOREVER, livenessProbe=exec_probe("sleep 5", timeoutSeconds=1, failureThreshold=1))
    history = ran(pod(app), release=release, until=8)

    new = 'command timed out: "sh -c sleep 5" timed out after 1s'
    text = new if release in ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36") else 'command "sh -c sleep 5" timed out'
    assert told(history, "Unhealthy") == [f"Liveness probe failed: {text}"]
    assert "app TERM" in story(history)


@each_release
def test_what_a_probe_says_is_in_its_event(release: str) -> None:
    app = container("app", FOREVER, readinessProbe=exec_probe("echo not yet; exit 1"))
    history = ran(pod(app), release=release, until=5)

    assert told(history, "Unhealthy") == ["Readiness probe failed: not yet\n"]
    assert {event.field_path for event in history.events if event.reason == "Unhealthy"} == {"spec.containers{app}"}


# -- when readiness is asked for --------------------------------------------------------------------------------------


@each_release
def test_readiness_is_asked_for_as_soon_as_the_container_is_seen(release: str) -> None:
    """K-103: not at the next tick of its grid of 60 s."""
    slow_grid = {"exec": {"command": ["true"]}, "periodSeconds": 60}
    history = ran(pod(container("app", FOREVER, readinessProbe=slow_grid)), release=release, until=40)

    (ready,) = result_times(history, "readiness", "success")
    assert ready - starts(history, "app")[0] < 2.5


@pytest.mark.parametrize(("release", "restarts"), [("1.29", False), ("1.31", False), ("1.32", True), ("1.36", True)])
def test_being_asked_restarts_the_grid_in_newer_releases(release: str, restarts: bool) -> None:
    """K-103: from 1.32 on the period counts from the last run out of schedule, before from the worker's creation."""
    script = "sleep 12; touch /tmp/ok; " + FOREVER
    probe = {"exec": {"command": ["test", "-f", "/tmp/ok"]}, "periodSeconds": 20}
    history = ran(pod(container("app", script, readinessProbe=probe)), release=release, until=60)

    (ready,) = result_times(history, "readiness", "success")
    asked = max(event.at for event in history.events if event.reason == "Unhealthy")
    since_asked = ready - to_seconds(asked - history.started)
    assert (abs(since_asked - 20) < 0.1) == restarts
    assert (ready < 20.5) != restarts


# -- what a failure does ----------------------------------------------------------------------------------------------


@each_release
def test_a_failed_startup_probe_restarts_the_container(release: str) -> None:
    """K-102, FINDINGS 33: at first without back-off, for it compares with the run before the one just killed."""
    app = container("app", FOREVER, startupProbe=exec_probe("exit 1", failureThreshold=4))
    history = ran(pod(app), release=release, until=40)

    assert all(found < 1.5 for found in waits(history, "app")[:2])
    assert told(history, "Killing") == ["Container app failed startup probe, will be restarted"]
    assert final(history, "app")["started"] is False


@each_release
def test_a_sidecars_startup_probe_that_never_passes_restarts_it_for_ever(release: str) -> None:
    """FINDINGS 21: under Never, too, and the pod does not fail."""
    proxy = sidecar("proxy", FOREVER, startupProbe=exec_probe("exit 1", failureThreshold=2))
    history = ran(pod(container("app"), inits=[proxy], restartPolicy="Never"), release=release, until=60)

    assert len(starts(history, "proxy")) >= 3
    assert starts(history, "app") == []
    assert set(phases(history)) == {"Pending"}
    assert told(history, "Killing") == ["Init container proxy failed startup probe"]


@each_release
def test_a_sidecars_liveness_restarts_the_sidecar_alone(release: str) -> None:
    proxy = sidecar(
        "proxy",
        "sleep 6; touch /tmp/sick; " + FOREVER,
        livenessProbe=exec_probe("test ! -f /tmp/sick", failureThreshold=1),
    )
    history = ran(pod(container("app"), inits=[proxy]), release=release, until=14)

    assert story(history).count("proxy start") == 2
    assert story(history).count("app start") == 1
    assert told(history, "Killing") == ["Init container proxy failed liveness probe"]


@each_release
def test_under_never_a_liveness_failure_ends_the_pod_by_its_exit_code(release: str) -> None:
    """FINDINGS 29: a container that exits 0 on SIGTERM makes the pod Succeeded."""
    app = container("app", FOREVER, livenessProbe=exec_probe("exit 1", failureThreshold=2))
    history = ran(pod(app, restartPolicy="Never"), release=release)

    assert phases(history)[-1] == "Succeeded"
    assert told(history, "Killing") == ["Stopping container app"]


@each_release
def test_a_probe_has_a_grace_of_its_own(release: str) -> None:
    """K-70.3."""
    app = container("app", FOREVER, livenessProbe=exec_probe("exit 1", terminationGracePeriodSeconds=7))
    history = ran(pod(app), release=release, until=10)

    assert "app stop 7" in story(history)


@each_release
def test_a_restart_begins_anew(release: str) -> None:
    """K-104: unready, not started, until the probes have said so again."""
    app = container(
        "app",
        "sleep 3; touch /tmp/up; sleep 5; exit 1",
        startupProbe=exec_probe("test -f /tmp/up", failureThreshold=30),
        readinessProbe=exec_probe("test -f /tmp/up"),
    )
    history = ran(pod(app), release=release, until=16)

    assert len(starts(history, "app")) == 2
    assert conditions(history, "Ready") == ["False", "True", "False", "True"]
    assert results(history, "startup").count("success") == 2


# -- the end of a worker ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("release", "again"), [("1.28", True), ("1.29", True), ("1.32", True), ("1.33", True)])
def test_a_sidecar_of_a_never_pod_is_probed_again_after_its_restart(release: str, again: bool) -> None:
    """K-96, K-106: up to 1.32 its worker ends with it, and comes back at the next pass."""
    proxy = sidecar("proxy", "touch /tmp/up; sleep 6; exit 1", readinessProbe=exec_probe("test -f /tmp/up"))
    history = ran(pod(container("app"), inits=[proxy], restartPolicy="Never"), release=release, until=14)

    assert len(starts(history, "proxy")) == 2
    assert (results(history, "readiness").count("success") == 2) == again


@pytest.mark.parametrize(("release", "probed"), [("1.29", False), ("1.32", False), ("1.33", True), ("1.36", True)])
def test_a_worker_that_ended_does_not_come_back_behind_another_probe(release: str, probed: bool) -> None:
    """K-106: registering stops at the first worker there is, the main's; from 1.33 on the sidecar's never ends."""
    proxy = sidecar("proxy", "touch /tmp/up; sleep 6; exit 1", readinessProbe=exec_probe("test -f /tmp/up"))
    app = container("app", FOREVER, readinessProbe=exec_probe("true"))
    history = ran(pod(app, inits=[proxy], restartPolicy="Never"), release=release, until=14)

    of_proxy = [one for one in history.of(ProbeChanged) if one.container == "proxy" and one.result == "success"]
    assert (len(of_proxy) == 2) == probed


@pytest.mark.parametrize(
    ("release", "stopped"),
    [("1.28", False), ("1.29", False), ("1.31", False), ("1.32", True), ("1.33", True), ("1.36", True)],
)
def test_without_its_startup_worker_a_failed_liveness_probe_stops_no_sidecar(release: str, stopped: bool) -> None:
    """K-41, K-96, K-106: the pass waits for a startup result that nobody will bring, and looks no further.

    The worker for startup ends with the first run, and the main's probe keeps it from being made again; started is
    true all the same (S-24), so the liveness worker, whose long period it survived in, probes and fails. From 1.32 on
    a startup worker is on hold after its success, and so does not end (K-101).
    """
    proxy = sidecar(
        "proxy",
        "if [ -f /state/again ]; then sleep 3600; fi; touch /state/again /state/up; sleep 6; rm /state/up; exit 1",
        startupProbe=exec_probe("true", periodSeconds=1),
        livenessProbe=exec_probe("test -f /state/up", periodSeconds=10, failureThreshold=1),
        volumeMounts=[{"name": "state", "mountPath": "/state"}],
    )
    app = container("app", FOREVER, readinessProbe=exec_probe("true"))
    history = ran(
        pod(app, inits=[proxy], restartPolicy="Never", volumes=[{"name": "state", "emptyDir": {}}]),
        release=release,
        until=40,
    )

    failed = [one for one in history.of(ProbeChanged) if (one.container, one.result) == ("proxy", "failure")]
    assert any(one.probe == "liveness" and one.is_answer for one in failed)
    killed = [text for text in told(history, "Killing") if "failed liveness probe" in text]
    assert bool(killed) == stopped


@each_release
def test_a_record_says_where_its_result_comes_from(release: str) -> None:
    """K-95, K-96, K-100: the value that the worker begins with, the probe's answer, the container that has ended."""
    app = container("app", "sleep 4; exit 1", readinessProbe=exec_probe("true", periodSeconds=1))
    history = ran(pod(app), release=release, until=10)

    stored = [(one.result, one.origin, one.is_answer) for one in history.of(ProbeChanged)]
    once = [("failure", "initial", False), ("success", "answer", True), ("failure", "not running", False)]
    assert stored == [*once, *once[:2]]


@each_release
def test_no_probe_runs_after_the_pod_is_over(release: str) -> None:
    app = container("app", "sleep 4", readinessProbe=exec_probe("true"), livenessProbe=exec_probe("true"))
    history = ran(pod(app, restartPolicy="Never"), release=release)

    assert history.end is not None
    assert history.end.why == "settled"
    assert history.ended - history.started < 60 * SECOND


# -- overrides --------------------------------------------------------------------------------------------------------


@each_release
def test_a_scenario_can_answer_for_a_probe(release: str) -> None:
    """The container does not change; its probe answers otherwise for a while."""
    fails = {"pod": "p", "container": "app", "probe": "readiness", "answer": "failure", "for": "5s"}
    app = container("app", FOREVER, readinessProbe=exec_probe("true", failureThreshold=1))
    history = ran(pod(app), release=release, actions=[{"at": "8s", "probe": fails}], until=20)

    assert conditions(history, "Ready") == ["False", "True", "False", "True"]
    (unready,) = result_times(history, "readiness", "failure")[-1:]
    assert 8 < unready < 9.3
    assert 13 < result_times(history, "readiness", "success")[-1] < 14.3


# -- skipping equals ticking ------------------------------------------------------------------------------------------


SCRIPTS = {
    "steady": FOREVER,
    "file comes and goes": "sleep 7; touch /tmp/f; sleep 9; rm /tmp/f; sleep 5; touch /tmp/f; " + FOREVER,
    "ends": "touch /tmp/f; sleep 13; exit 3",
    "again and again": "while true; do touch /tmp/f; sleep 3.2; rm /tmp/f; sleep 3.8; done",
}
CHECKS = {
    "file": "test -f /tmp/f",
    "no file": "test ! -f /tmp/f",
    "always": "true",
    "never": "false",
}


def both_ways(release: str, script: str, check: str, monkeypatch: pytest.MonkeyPatch) -> tuple[History, History]:
    """The run as it is, and one in which no worker rests: each tick of each grid is really carried out."""
    app = container(
        "app",
        script,
        readinessProbe=exec_probe(check, periodSeconds=2, failureThreshold=2),
        livenessProbe=exec_probe(check, periodSeconds=3, failureThreshold=4),
    )
    skipped = ran(pod(app), release=release, until=45)
    decide = probing.probes_until_change
    monkeypatch.setattr(probing, "probes_until_change", lambda *given: decide(*given) or 1)
    return skipped, ran(pod(app), release=release, until=45)


def stored(history: History) -> list[tuple[float, str, str]]:
    """Each result that was stored, with its instant."""
    return [(to_seconds(one.at - history.started), one.probe, one.result) for one in history.of(ProbeChanged)]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("release", ["1.29", "1.36"])
def test_skipping_ticks_equals_ticking(release: str, script: str, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that rests while its answer stays the same finds what one that runs every tick finds."""
    skipped, ticked = both_ways(release, SCRIPTS[script], CHECKS[check], monkeypatch)

    assert story(skipped) == story(ticked)
    assert starts(skipped, "app") == starts(ticked, "app")
    assert stored(skipped) == stored(ticked)


def test_skipping_equals_ticking_while_an_exec_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file comes between a tick and the start of that tick's process, which sees it."""
    script = "while true; do touch /tmp/f; sleep 3; rm /tmp/f; sleep 4; done"
    skipped, ticked = both_ways("1.36", script, CHECKS["no file"], monkeypatch)

    assert stored(skipped) == stored(ticked)


def test_a_probe_that_stays_the_same_costs_nothing() -> None:
    """An hour of a probe a second leaves no more records than half a minute."""
    app = container("app", FOREVER, readinessProbe=exec_probe("true"), livenessProbe=exec_probe("true"))
    short, long = ran(pod(app), until=30), ran(pod(app), until=HOUR // SECOND)

    assert len(short) == len(long)
