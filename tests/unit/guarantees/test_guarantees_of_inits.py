"""Init containers and restarts, on hand-written histories."""

from __future__ import annotations

import pytest
from build import pod, probe
from cases import Case, case, expect_verdicts, verdict_on

from kubesim.guarantees.verdicts import Verdict

IN_BACKOFF = "1 start app; 2 exit app 1; 2.5 start app; 3 exit app 1"

CASES = [
    case(
        "init-sequential-order",
        pod("a b | app"),
        held="1 start a; 2 exit a; 3 start b",
        broken="1 start a; 2 start b; 3 exit a",
    ),
    case(
        "init-each-succeeds-before-next",
        pod("a b | app"),
        held="1 start a; 2 exit a 1; 3 start a; 4 exit a; 5 start b",
        broken="1 start a; 2 exit a 1; 3 start b",
    ),
    case(
        "init-mains-after-all-inits",
        pod("a s* | app"),
        held="1 start a; 2 exit a; 3 start s; 4 start app",
        broken="1 start a; 2 exit a; 3 start app; 4 start s",
    ),
    case(
        "init-retry-unless-never",
        pod("a | app"),
        held="1 start a; 2 exit a 1; 3 start a",
        broken="1 start a; 2 exit a 1; 90 end",
        idle="1 start a; 2 exit a; 90 end",
    ),
    case(
        "init-never-failure-fails-pod",
        pod("s* a b | app", policy="Never"),
        held="1 start s; 2 start a; 3 exit a 1; 4 exit s; 5 phase Failed",
        broken="1 start s; 2 start a; 3 exit a 1; 4 phase Failed; 5 exit s",
    ),
    case(
        "init-never-failure-fails-pod",
        pod("a b | app", policy="Never"),
        held="2 start a; 3 exit a 1; 5 phase Failed",
        broken="2 start a; 3 exit a 1; 5 start b",
    ),
    case(
        "init-never-failure-fails-pod",  # and does so in time
        pod("a b | app", policy="Never"),
        held="2 start a; 3 exit a 1; 5 phase Failed; 90 end",
        broken="2 start a; 3 exit a 1; 90 end",
        idle="2 start a; 3 exit a 1; 39 end",
    ),
    case(
        "init-always-means-onfailure",
        pod("a | app"),
        held="1 start a; 2 exit a; 3 start app; 60 end",
        broken="1 start a; 2 exit a; 3 start app; 4 start a",
    ),
    case(
        "init-not-rerun-by-main-crash",
        pod("a | app"),
        held="1 start a; 2 exit a; 3 start app; 4 exit app 1; 5 start app",
        broken="1 start a; 2 exit a; 3 start app; 4 exit app 1; 4.5 start a; 5 start app",
    ),
    case(
        "init-rerun-on-sandbox-loss",
        pod("a | app"),
        held="0 sandbox; 1 start a; 2 exit a; 3 start app; 4 exit app 1; 5 sandbox; 6 start a; 7 exit a; 8 start app",
        broken="0 sandbox; 1 start a; 2 exit a; 3 start app; 4 exit app 1; 5 sandbox; 8 start app",
        idle="0 sandbox; 1 start a; 2 exit a; 3 start app",
    ),
    case(
        "init-waits-for-network-and-storage",
        pod("a | app"),
        held="1 sandbox; 2 start a",
        broken="1 start a; 2 sandbox",
    ),
    case(
        "init-deadline-includes-inits",
        pod("a | app", spec={"activeDeadlineSeconds": 5}),
        held="0 began; 1 start a; 5 kills; 6 exit a 143; 7 phase Failed DeadlineExceeded",
        broken="0 began; 1 start a; 30 end",
        idle="0 began; 1 start a; 2 exit a; 3 start app; 4 end",
    ),
    case(
        "init-waiting-reason",
        pod("a b | app"),
        held="1 start a; 2 shows b waiting:PodInitializing; 2 shows app waiting:PodInitializing",
        broken="1 start a; 2 shows b waiting:CrashLoopBackOff",
        idle="1 start a; 2 shows app waiting:ErrImagePull",
    ),
    case(
        "init-image-change-no-restart",
        pod("a | app"),
        held="1 start a; 2 exit a; 3 start app; 4 sets a app:2; 60 end",
        broken="1 start a; 2 exit a; 3 start app; 4 sets a app:2; 5 start a",
        idle="1 start a; 2 exit a; 3 start app; 4 sets app app:2; 5 start a",
    ),
    case(
        "restart-policy-always",
        pod("| app"),
        held="1 start app; 2 exit app 0; 3 start app",
        broken="1 start app; 2 exit app 0; 60 end",
    ),
    case(
        "restart-policy-onfailure",
        pod("| app", policy="OnFailure"),
        held="1 start app; 2 exit app 1; 3 start app; 4 exit app 0; 60 end",
        broken="1 start app; 2 exit app 0; 3 start app",
    ),
    case(
        "restart-policy-never",
        pod("| app", policy="Never"),
        held="1 start app; 2 exit app 1; 60 end",
        broken="1 start app; 2 exit app 1; 3 start app",
    ),
    case(
        "restart-policy-default-always",
        pod("| app"),
        held="0 sends 201",
        broken="0 sends 201",
        idle="1 end",
        broken_pod=pod("| app", policy="Never"),
        sent={"kind": "Pod", "spec": {"containers": []}},
    ),
    case(
        "restart-in-place",
        pod("| app"),
        held="0 bind; 1 start app; 2 exit app 1; 3 start app",
        broken="0 bind; 1 start app; 2 exit app 1; 3 start app node2",
        idle="0 bind; 1 start app",
    ),
    case(
        "restart-container-level-override",
        pod("| app", app={"restartPolicy": "Never"}),
        held="1 start app; 2 exit app 1; 60 end",
        broken="1 start app; 2 exit app 1; 3 start app",
        release="1.35",
    ),
    case(
        "restart-rules-first-match",
        pod(
            "| app",
            policy="Never",
            app={
                "restartPolicy": "Never",
                "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
            },
        ),
        held="1 start app; 2 exit app 42; 3 start app; 4 exit app 1; 60 end",
        broken="1 start app; 2 exit app 42; 3 start app; 4 exit app 1; 5 start app",
        release="1.35",
    ),
    case(
        "restart-all-fast-termination",
        pod(
            "| app log",
            app={
                "restartPolicy": "Never",
                "restartPolicyRules": [
                    {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [9]}}
                ],
            },
        ),
        held="1 start app; 1 start log; 2 exit app 9; 3 exit log 137; 60 end",
        broken="1 start app; 1 start log; 2 exit app 9; 40 exit log 137; 60 end",
        release="1.36",
    ),
    case(
        "restart-all-reruns-everything",
        pod(
            "a | app",
            app={
                "restartPolicy": "Never",
                "restartPolicyRules": [
                    {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [9]}}
                ],
            },
        ),
        held="1 start a; 2 exit a; 3 start app; 4 exit app 9; 5 start a; 6 exit a; 7 start app; 99 end",
        broken="1 start a; 2 exit a; 3 start app; 4 exit app 9; 7 start app; 99 end",
        release="1.36",
    ),
    case(
        "backoff-exponential",
        pod("| app"),
        held=f"{IN_BACKOFF}; 14 start app",
        broken=f"{IN_BACKOFF}; 4 start app",
        idle=IN_BACKOFF,
    ),
    case(
        "backoff-reduced-gate",
        pod("| app"),
        held=f"{IN_BACKOFF}; 4.5 start app",
        broken=f"{IN_BACKOFF}; 3.5 start app",
        idle=IN_BACKOFF,
        release="1.34",
        gates={"ReduceDefaultCrashLoopBackOffDecay": True},
    ),
    case(
        "backoff-first-restart-immediate",
        pod("| app"),
        held="1 start app; 2 exit app 1; 3 start app",
        broken="1 start app; 2 exit app 1; 13 start app",
    ),
    case(
        "backoff-reset-after-10min",
        pod("| app"),
        held=f"{IN_BACKOFF}; 14 start app; 700 exit app 1; 701 start app",
        broken=f"{IN_BACKOFF}; 14 start app; 700 exit app 1; 720 start app",
        idle=f"{IN_BACKOFF}; 14 start app",
    ),
    case(
        "backoff-per-container",
        pod("| app log"),
        held=f"1 start log; {IN_BACKOFF}; 14 start app; 15 exit log 1; 16 start log",
        broken=f"1 start log; {IN_BACKOFF}; 14 start app; 15 exit log 1; 25 start log",
        idle=IN_BACKOFF,
    ),
    case(
        "backoff-image-pull-separate",
        pod("| app"),
        held="1 event Pulling app; 2 event Failed app; 12 event Pulling app; 13 event Failed app; 33 event Pulling app",
        broken="1 event Pulling app; 2 event Failed app; 3 event Pulling app",
        idle="1 event Pulling app; 2 event Pulled app; 3 event Failed app; 4 event Pulling app",
    ),
    case(
        "image-pull-failure-pending",
        pod("| app"),
        held="1 phase Pending; 2 shows app waiting:ImagePullBackOff",
        broken="1 phase Failed; 2 shows app waiting:ImagePullBackOff",
    ),
    case(
        "image-pull-policy-default",
        pod("| app", app={"image": "web:latest", "imagePullPolicy": "Always"}),
        held="0 sends 201",
        broken="0 sends 201",
        broken_pod=pod("| app", app={"image": "web:latest", "imagePullPolicy": "IfNotPresent"}),
        sent={"kind": "Pod", "spec": {"containers": [{"name": "app", "image": "web:latest"}]}},
    ),
    case(
        "image-pull-policy-effect",
        pod("| app", app={"imagePullPolicy": "Always"}),
        held="1 event Pulling app; 2 start app",
        broken="2 start app",
        idle="".join(f"{at} event Unhealthy app; " for at in range(1, 26)) + "26 start app",
    ),
]


@pytest.mark.parametrize("one", CASES, ids=[f"{one.id}-{number}" for number, one in enumerate(CASES)])
def test_three_verdicts(one: Case) -> None:
    expect_verdicts(one)


def test_the_last_failure_of_a_probe_may_come_when_its_container_has_ended_by_itself() -> None:
    """The kubelet takes the container for one that it stops: no back-off, as its last look saw no exit (K-51)."""
    text = "1 start app; 5 exit app 0; 5.5 start app; 9 exit app 0; {}; 10 start app; 99 end"
    template = pod("| app", app={"startupProbe": probe()})
    failed = verdict_on("backoff-exponential", template, text.format("9.5 probe app startup Failure"))
    assert (failed.verdict, bool(failed.known)) == (Verdict.BROKEN, True)
    none = verdict_on("backoff-exponential", template, text.format("9.5 probe app readiness Failure"))
    assert (none.verdict, bool(none.known)) == (Verdict.BROKEN, False)
