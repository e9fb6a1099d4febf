"""Probes, phases, conditions and container statuses on hand-written histories."""

from __future__ import annotations

import pytest
from build import pod, probe
from cases import Case, case, expect_verdicts, verdict_on

from kubesim.guarantees.verdicts import Verdict

BEGINS = (
    "1.1 probe app startup Unknown initial; 1.1 probe app readiness Failure initial; "
    "1.1 probe app liveness Success initial"
)
ALL_THREE = {"startupProbe": probe(), "livenessProbe": probe(), "readinessProbe": probe()}
FAILS = "1.1 probe app liveness Success initial; 5 probe app liveness Failure"
READY = {"readinessProbe": probe()}
ALIVE = {"livenessProbe": probe()}

PROBES = [
    case(
        "probe-startup-disables-others",
        pod("| app", app=ALL_THREE),
        held=f"1 start app; {BEGINS}; 3 probe app startup Success; 4 probe app readiness Success",
        broken=f"1 start app; {BEGINS}; 2 probe app readiness Success; 3 probe app startup Success",
    ),
    case(
        "probe-startup-runs-once",
        pod("| app", app=ALL_THREE),
        held=f"1 start app; {BEGINS}; 3 probe app startup Success; 60 end",
        broken=f"1 start app; {BEGINS}; 3 probe app startup Success; 60 exec app startup",
    ),
    case(
        "probe-startup-failure-kills",
        pod("| app", app=ALL_THREE),
        held=f"1 start app; {BEGINS}; 4 probe app startup Failure; 4 stop app; 5 exit app 143",
        broken=f"1 start app; {BEGINS}; 4 probe app startup Failure; 60 end",
    ),
    case(
        "probe-liveness-failure-restarts",
        pod("| app", app=ALIVE),
        held=f"1 start app; {FAILS}; 5 stop app; 6 exit app 143",
        broken=f"1 start app; {FAILS}; 60 end",
    ),
    case(
        "probe-liveness-failure-restarts",
        pod("| app", app=ALIVE),
        held=f"1 start app; {FAILS}; 5 stop app; 6 exit app 143",
        broken="1 start app; 1.1 probe app liveness Success initial; 1.5 probe app liveness Failure; "
        "2 stop app; 6 exit app 143",
    ),
    case(
        "probe-streak-resets",
        pod("| app", app=READY),
        held="1 start app; 1.1 probe app readiness Failure initial; 2 probe app readiness Success; "
        "5 probe app readiness Failure",
        broken="1 start app; 1.1 probe app readiness Failure initial; 2 probe app readiness Success; "
        "2.5 probe app readiness Failure",
    ),
    case(
        "probe-streak-resets",
        pod("| app", app={"livenessProbe": probe(failureThreshold=1)}),
        held="1 start app; 1.1 probe app liveness Success initial; 2 exec app liveness; "
        "2.1 done app liveness 1; 2.2 probe app liveness Failure",
        broken="1 start app; 1.1 probe app liveness Success initial; 2 exec app liveness; "
        "2.1 done app liveness 0; 2.2 probe app liveness Failure",
    ),
    case(
        "probe-streak-resets",  # the last process ends with the container, too soon to be on record
        pod("| app", app={"livenessProbe": probe(failureThreshold=2)}),
        held="1 start app; 1.1 probe app liveness Success initial; 2 exec app liveness; "
        "2.1 done app liveness 1; 6 probe app liveness Failure",
        broken="1 start app; 1.1 probe app liveness Success initial; 2 exec app liveness; "
        "2.1 done app liveness 0; 6 probe app liveness Failure",
    ),
    case(
        "probe-defaults",
        pod("| app", app=ALIVE),
        held="1 end",
        broken="1 end",
        idle="1 end",
        broken_pod=pod("| app", app={"livenessProbe": probe(successThreshold=2)}),
        idle_pod=pod("| app"),
    ),
    case(
        "probe-initial-delay-from-start",
        pod("| app", app={"livenessProbe": probe(initialDelaySeconds=10)}),
        held="1 start app; 12 exec app liveness; 12.1 done app liveness",
        broken="1 start app; 4 exec app liveness; 4.1 done app liveness",
    ),
    case(
        "probe-missing-is-success",
        pod("| app"),
        held="1 start app; 2 shows app running started ready",
        broken="1 start app; 2 shows app running started; 9 shows app running started",
    ),
    case(
        "probe-missing-is-success",
        pod("| app", app=READY),
        held="1 start app; 2 shows app running started; 3 probe app readiness Success",
        broken="1 start app; 2 shows app running started ready",
    ),
    case(
        "probe-readiness-never-kills",
        pod("| app", app=READY),
        held="1 start app; 1.1 probe app readiness Failure initial; 60 end",
        broken="1 start app; 1.1 probe app readiness Failure initial; 20 stop app; 21 exit app 143; 60 end",
    ),
    case(
        "probe-liveness-independent-of-readiness",
        pod("| app", app={**READY, **ALIVE}),
        held=f"1 start app; {FAILS}; 6 end",
        broken="1 start app; 30 exec app liveness; 60 end",
    ),
    case(
        "probe-readiness-whole-life",
        pod("| app", app=READY),
        held="1 start app; 1.1 probe app readiness Failure initial; 2 probe app readiness Success; "
        "9 probe app readiness Failure; "
        "20 probe app readiness Success; 21 shows app running started ready",
        broken="1 start app; 1.1 probe app readiness Failure initial; 2 probe app readiness Success; "
        "9 probe app readiness Failure; "
        "21 shows app running started ready",
    ),
    case(
        "probe-timeout-is-failure",
        pod("| app", app=ALIVE),
        held="1 start app; 2 exec app liveness; 3 done app liveness 137",
        broken="1 start app; 2 exec app liveness; 30 done app liveness 0",
        idle="1 start app; 2 exec app liveness; 2.1 done app liveness 0",
    ),
    case(
        "probe-unknown-no-action",
        pod("| app", app=ALIVE),
        held="1 start app; 1.1 probe app liveness Success initial; 5 probe app liveness Unknown; 60 end",
        broken="1 start app; 1.1 probe app liveness Success initial; 5 probe app liveness Unknown; 5.1 stop app; "
        "60 end",
    ),
    case(
        "probe-http-codes",
        pod("| app", app=READY),
        held="1 start app; 2 exec app readiness; 2.1 done app readiness 0; 2.2 probe app readiness Success",
        broken="1 start app; 2 exec app readiness; 2.1 done app readiness 1; 2.2 probe app readiness Success",
    ),
    case(
        "probe-level-grace-period",
        pod("| app", app={"livenessProbe": probe(terminationGracePeriodSeconds=5)}),
        held=f"1 start app; {FAILS}; 5 stop app 5; 10 signal app KILL; 10 exit app 137",
        broken=f"1 start app; {FAILS}; 5 stop app 30; 35 signal app KILL; 35 exit app 137",
    ),
]

STATUS = [
    case("phase-values", pod("| app"), held="1 phase Pending", broken="1 phase Terminating"),
    case(
        "phase-pending-until-created",
        pod("| app log"),
        held="1 start app; 2 phase Pending; 3 start log; 4 phase Running",
        broken="1 start app; 2 phase Running; 3 start log",
        idle="1 start app; 1 start log; 4 phase Running",
        # the API server's ADDED version has no phase
    ),
    case(
        "phase-running",
        pod("| app"),
        held="0 bind; 1 start app; 2 phase Running",
        broken="0 bind; 1 phase Running; 2 start app",
    ),
    case(
        "phase-succeeded",
        pod("s* | app", policy="Never"),
        held="1 start s; 2 start app; 3 exit app 0; 4 exit s 137; 5 phase Succeeded",
        broken="1 start s; 2 start app; 3 exit app 0; 4 phase Succeeded; 5 exit s 137",
    ),
    case(
        "phase-failed",
        pod("| app log", policy="Never"),
        held="1 start app; 1 start log; 2 exit app 1; 3 exit log 0; 4 phase Failed",
        broken="1 start app; 1 start log; 2 exit app 1; 3 phase Failed; 4 exit log 0",
    ),
    case(
        "phase-terminal-is-final",
        pod("| app", policy="Never"),
        held="1 start app; 2 exit app 1; 3 phase Failed; 60 end",
        broken="1 start app; 2 exit app 1; 3 phase Failed; 4 start app",
    ),
    case(
        "condition-order",
        pod("a | app"),
        held="1 cond PodScheduled=True; 2 cond Initialized=True; 3 cond Ready=True",
        broken="1 cond PodScheduled=True; 2 cond Ready=True; 3 cond Initialized=True",
    ),
    case(
        "condition-initialized",
        pod("a | app"),
        held="1 start a; 2 cond Initialized=False; 3 exit a; 4 cond Initialized=True",
        broken="1 start a; 2 cond Initialized=True; 3 exit a",
    ),
    case(
        "condition-ready-definition",
        pod("| app", spec={"readinessGates": [{"conditionType": "lb"}]}),
        held="1 cond ContainersReady=True Ready=False; 2 cond ContainersReady=True Ready=True lb=True",
        broken="1 cond ContainersReady=True Ready=True",
    ),
    case(
        "condition-containersready",
        pod("s* | app"),
        held="1 shows s running; 2 shows app running ready; 3 cond ContainersReady=False",
        broken="1 shows s running; 2 shows app running ready; 3 cond ContainersReady=True",
    ),
    case(
        "condition-not-ready-until-inits",
        pod("a | app"),
        held="1 start a; 2 exit a; 3 cond Ready=True",
        broken="1 start a; 2 cond Ready=True; 3 exit a",
    ),
    case(
        "condition-ready-to-start",
        pod("| app"),
        held="1 sandbox; 2 cond PodReadyToStartContainers=True",
        broken="1 cond PodReadyToStartContainers=True; 2 sandbox",
    ),
    case(
        "condition-disruption-target",
        pod("| app"),
        held="1 act evict; 1 cond DisruptionTarget=True",
        broken="1 act evict; 9 end",
    ),
    case(
        "condition-disruption-target",
        pod("| app"),
        held="1 act delete; 1 cond DisruptionTarget=False",
        broken="1 act delete; 1 cond DisruptionTarget=True",
        idle="1 act delete code=404; 1 cond DisruptionTarget=True",
    ),
    case(
        "restart-all-condition",
        pod("| app"),
        held="1 cond AllContainersRestarting=True; 2 cond AllContainersRestarting=False",
        broken="1 cond AllContainersRestarting=True; 99 end",
        release="1.36",
    ),
    case(
        "restart-count-monotone",
        pod("| app"),
        held="1 shows app running restarts=0; 2 shows app running restarts=1",
        broken="1 shows app running restarts=1; 2 shows app running restarts=0",
    ),
    case(
        "backoff-crashloop-visible",
        pod("| app"),
        held="1 start app; 2 exit app 1; 3 phase Running; 4 shows app waiting:CrashLoopBackOff last=1; 20 start app",
        broken="1 start app; 2 exit app 1; 3 phase Running; 20 start app",
    ),
    case(
        "status-waiting-running-terminated",
        pod("| app"),
        held="1 shows app waiting:ContainerCreating; 2 shows app running; 3 shows app terminated:1",
        broken="1 shows app nothing",
    ),
    case(
        "status-started-field",
        pod("| app", app={"startupProbe": probe()}),
        held="1 start app; 1.1 probe app startup Unknown initial; 2 probe app startup Success; "
        "3 shows app running started",
        broken="1 start app; 1.1 probe app startup Unknown initial; 2 shows app running started; "
        "3 probe app startup Success",
    ),
    case(
        "status-last-state",
        pod("| app"),
        held="1 start app; 2 exit app 3; 3 start app; 4 shows app running restarts=1 last=3",
        broken="1 start app; 2 exit app 3; 3 start app; 4 shows app running restarts=1",
    ),
    case(
        "status-exit-codes-by-signal",
        pod("| app"),
        held="1 start app; 2 stop app 1; 3 signal app KILL; 3 exit app 137",
        broken="1 start app; 2 stop app 1; 3 signal app KILL; 3.05 exit app 1",
        idle="1 start app; 2 stop app 1; 3 exit app 1; 3.05 signal app KILL; 4 end",
    ),
    case(
        "status-oom-restarts-only-container",
        pod("| app log"),
        held="1 start app; 1 start log; 2 oom app; 2 exit app 137; 3 start app",
        broken="1 start app; 1 start log; 2 oom app; 2 exit app 137; 2.5 stop log; 3 start app",
    ),
    case(
        "sidecar-qos-included",
        pod(
            "s* | app",
            app={"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}},
        ),
        held="1 status qosClass Burstable",
        broken="1 status qosClass Guaranteed",
    ),
    case(
        "ephemeral-no-effect-on-lifecycle",
        pod("| app", policy="Never", spec={"ephemeralContainers": [{"name": "debug"}]}),
        held="1 start app; 2 start debug; 3 exit app; 4 phase Succeeded; 99 end",
        broken="1 start app; 2 start debug; 3 exit app; 99 end",
    ),
    case(
        "ephemeral-never-restarted",
        pod("| app", spec={"ephemeralContainers": [{"name": "debug"}]}),
        held="2 start debug; 3 exit debug 1; 99 end",
        broken="2 start debug; 3 exit debug 1; 4 start debug",
    ),
]


@pytest.mark.parametrize("one", PROBES, ids=[f"{one.id}-{number}" for number, one in enumerate(PROBES)])
def test_probes(one: Case) -> None:
    expect_verdicts(one)


@pytest.mark.parametrize("one", STATUS, ids=[f"{one.id}-{number}" for number, one in enumerate(STATUS)])
def test_phases_conditions_and_statuses(one: Case) -> None:
    expect_verdicts(one)


def test_the_value_that_a_probe_begins_with_is_no_result() -> None:
    text = f"1 start app; {BEGINS}; 60 end"
    for id_ in ("probe-startup-disables-others", "probe-liveness-failure-restarts"):
        assert verdict_on(id_, pod("| app", app=ALL_THREE), text).verdict is Verdict.NOT_EXERCISED


def test_the_delay_with_a_startup_probe_is_documented_and_not_kept() -> None:
    app = {"startupProbe": probe(), "livenessProbe": probe(initialDelaySeconds=10)}
    text = "1 start app; 1.1 probe app startup Unknown initial; 8 probe app startup Success; 12 exec app liveness"
    found = verdict_on("probe-initial-delay-from-start", pod("| app", app=app), text)
    assert found.verdict is Verdict.BROKEN
    assert "from the start of the container" in found.known


def test_termination_messages_are_measured() -> None:
    assert (
        verdict_on("status-termination-message", pod("| app"), "1 shows app terminated:1").verdict
        is Verdict.NOT_EXERCISED
    )


KEPT = [
    ("status-started-field", "| app"),
    ("sidecar-started-with-startup-probe", "app* | main"),
    ("probe-startup-disables-others", "| app"),
]


@pytest.mark.parametrize(("id_", "containers"), KEPT)
def test_what_startup_probes_promise_is_not_kept_where_started_outlives_a_run(id_: str, containers: str) -> None:
    """From 1.35 on ``started`` of the run before is shown, and probed by, until the startup probe is asked (S-24)."""
    template = pod(containers, app=ALL_THREE)
    first = "1 start app; 2 probe app startup Success; 3 shows app running started; 4 exit app 1"
    again = "5 start app; 5.2 shows app running started restarts=1; 5.3 probe app readiness Success"
    text = f"{first}; {again}; 6 probe app startup Success; 90 end"
    on_134, on_135 = (verdict_on(id_, template, text, release=release) for release in ("1.34", "1.35"))
    assert on_134.verdict is on_135.verdict is Verdict.BROKEN
    assert not on_134.known
    assert "keeps `started: true`" in on_135.known
    at_once = "1 start app; 1.2 shows app running started; 1.3 probe app readiness Success; 90 end"
    assert not verdict_on(id_, template, at_once, release="1.35").known, "there was no run before"
