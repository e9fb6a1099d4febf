"""Sidecars on hand-written histories: their start, their life, and their end."""

from __future__ import annotations

import pytest
from build import PRESTOP, pod, probe
from cases import Case, case, expect_verdicts, verdict_on

from kubesim.guarantees.verdicts import Verdict

STARTUP = {"startupProbe": probe()}
PASSES = "2 probe s startup Unknown initial; 3 probe s startup Success"
UP = "1 start s; 2 start app"

CASES = [
    case(
        "sidecar-definition",
        pod("s* | app"),
        held=UP,
        broken=UP,
        broken_pod=pod("s | app"),
        idle="1 start s",
    ),
    case(
        "sidecar-starts-before-later-inits",
        pod("s* a | app", s=STARTUP),
        held=f"1 start s; {PASSES}; 4 start a",
        broken=f"1 start s; 1.5 start a; {PASSES}",
    ),
    case(
        "sidecar-next-init-waits-started",
        pod("s* | app", s=STARTUP),
        held=f"1 start s; {PASSES}; 4 start app",
        broken=f"1 start s; {PASSES}; 40 start app",
    ),
    case(
        "sidecar-next-init-waits-started",  # and does begin
        pod("s* | app"),
        held="1 start s; 4 start app; 60 end",
        broken="1 start s; 60 end",
        idle="1 start s; 2 event Pulling app; 60 end",
    ),
    case(
        "sidecar-started-no-probe",
        pod("s* | app"),
        held="1 start s; 2 shows s running started; 20 end",
        broken="1 start s; 2 shows s running; 20 end",
    ),
    case(
        "sidecar-started-with-startup-probe",
        pod("s* | app", s=STARTUP),
        held=f"1 start s; {PASSES}; 3 shows s running started; 60 end",
        broken="1 start s; 2 shows s running started; 2.5 end",
    ),
    case(
        "sidecar-never-started-blocks-init",
        pod("s* | app", s=STARTUP),
        held="1 start s; 2 phase Pending; 60 end",
        broken="1 start s; 2 phase Pending; 3 start app",
    ),
    case(
        "sidecar-startup-failure-restarts-under-never",
        pod("s* | app", s=STARTUP, policy="Never"),
        held="1 start s; 2 exit s 1; 3 start s",
        broken="1 start s; 2 exit s 1; 3 phase Failed",
    ),
    case(
        "sidecar-readiness-counts",
        pod("s* | app", s={"readinessProbe": probe()}),
        held="1 cond ContainersReady=False; 2 shows s running started",
        broken="1 cond ContainersReady=True; 2 shows s running started",
    ),
    case(
        "sidecar-runs-through-pod-life",
        pod("s* | app"),
        held=f"{UP}; 60 end",
        broken=f"{UP}; 10 stop s; 60 end",
    ),
    case(
        "sidecar-restarts-after-any-exit",
        pod("s* | app"),
        held=f"{UP}; 3 exit s 0; 4 start s",
        broken=f"{UP}; 3 exit s 0; 60 end",
    ),
    case(
        "sidecar-restarts-under-never",
        pod("s* | app", policy="Never"),
        held=f"{UP}; 3 exit s 0; 4 start s",
        broken=f"{UP}; 3 exit s 0; 60 end",
    ),
    case(
        "sidecar-restart-does-not-touch-others",
        pod("s* | app"),
        held=f"{UP}; 3 exit s 1; 4 start s",
        broken=f"{UP}; 3 exit s 1; 3.5 stop app; 4 start s",
    ),
    case(
        "sidecar-liveness-restart-only-self",
        pod("s* | app", s={"livenessProbe": probe()}, policy="Never"),
        held=f"{UP}; 5 probe s liveness Failure; 6 stop s; 7 exit s 143; 8 start s",
        broken=f"{UP}; 5 probe s liveness Failure; 6 stop s; 6 stop app; 7 exit s 143; 8 start s",
        idle=f"{UP}; 1.1 probe s liveness Success initial",
    ),
    case(
        "sidecar-not-block-completion",
        pod("s* | app", policy="Never", grace=5),
        held=f"{UP}; 3 exit app; 4 stop s; 5 exit s; 6 phase Succeeded",
        broken=f"{UP}; 3 exit app; 60 end",
        idle=f"{UP}; 60 end",
    ),
    case(
        "sidecar-exit-code-ignored-for-phase",
        pod("s* | app", policy="Never"),
        held=f"{UP}; 3 exit app; 4 exit s 137; 5 phase Succeeded",
        broken=f"{UP}; 3 exit app; 4 exit s 137; 5 phase Failed",
    ),
    case(
        "sidecar-no-clean-shutdown-promise",
        pod("s* | app", policy="Never"),
        held=f"{UP}; 3 exit app; 4 stop s; 5 exit s 143; 6 phase Succeeded",
        broken=f"{UP}; 3 exit app; 4 stop s; 5 exit s 143; 6 phase Failed",
    ),
    case(
        "sidecar-no-restart-during-termination",
        pod("s* | app"),
        held=f"{UP}; 3 deleted 30; 3 kills; 4 exit s 1; 20 exit app",
        broken=f"{UP}; 3 deleted 30; 3 kills; 4 exit s 1; 5 start s",
    ),
    case(
        "sidecar-image-change-restarts-container",
        pod("s* | app"),
        held=f"{UP}; 3 sets s app:2; 4 stop s; 5 exit s 143",
        broken=f"{UP}; 3 sets s app:2; 60 end",
    ),
    case(
        "sidecar-sigterm-after-mains",
        pod("s* | app"),
        held=f"{UP}; 3 deleted 30; 3 stop app; 8 exit app; 9 stop s; 10 exit s",
        broken=f"{UP}; 3 deleted 30; 3 stop app; 4 stop s; 8 exit app; 10 exit s",
    ),
    case(
        "sidecar-reverse-order",
        pod("s* t* | app"),
        held="1 start s; 1 start t; 2 start app; 3 deleted 30; 4 exit app; 5 stop t; 6 exit t; 7 stop s; 8 exit s",
        broken="1 start s; 1 start t; 2 start app; 3 deleted 30; 4 exit app; 5 stop s; 6 stop t; 7 exit t; 8 exit s",
    ),
    case(
        "sidecar-prestop-at-term-start",
        pod("s* | app", s={"lifecycle": PRESTOP}),
        held=f"{UP}; 3 deleted 30; 3.1 exec s preStop; 4 done s preStop; 20 exit app; 21 stop s",
        broken=f"{UP}; 3 deleted 30; 20 exit app; 20 exec s preStop; 21 done s preStop; 22 stop s",
    ),
    case(
        "sidecar-grace-expiry",
        pod("s* | app"),
        held=f"{UP}; 3 deleted 5; 3 stop app; 8 exit app 137; 8.1 stop s 2; 10.1 exit s 137",
        broken=f"{UP}; 3 deleted 5; 3 stop app; 8 exit app 137; 30 stop s 2; 32 exit s 137",
    ),
    case(
        "sidecar-sigkill-if-not-graceful",
        pod("s* | app"),
        held=f"{UP}; 3 deleted 5; 4 exit app; 5 stop s 3; 8 signal s KILL; 8 exit s 137",
        broken=f"{UP}; 3 deleted 30; 4 exit app; 5 stop s 3; 8 signal s KILL; 8 exit s 137",
        idle=f"{UP}; 3 deleted 5; 4 exit app; 5 stop s 3; 6 exit s",
    ),
    case(
        "sidecar-128-unordered-termination",
        pod("s* | app"),
        held=f"{UP}; 3 deleted 30; 3 stop app; 3 stop s; 4 exit s; 9 exit app",
        broken=f"{UP}; 3 deleted 30; 3 stop app; 9 exit app; 10 stop s; 11 exit s",
        release="1.28",
        gates={"SidecarContainers": True},
    ),
    case(
        "sidecar-old-node-regular-init",
        pod("s* | app"),
        held="1 start s; 2 exit s 0; 3 start app",
        broken="1 start s; 3 start app",
        node="1.27",
    ),
    case(
        "sidecar-needs-apiserver-and-every-node",
        pod("s* | app"),
        held="0 bind; 1 phase Failed NodeAdmission",
        broken="0 bind; 1 start s; 30 end",
        idle="1 end",
        release="1.29",
        node="1.28",
    ),
    case(
        "sidecar-gate-off-kubelet-rejects",
        pod("s* | app"),
        held="0 bind; 1 phase Failed NodeAdmission",
        broken="0 bind; 1 start s; 30 end",
        release="1.29",
        node="1.28",
    ),
]


@pytest.mark.parametrize("one", CASES, ids=[f"{one.id}-{number}" for number, one in enumerate(CASES)])
def test_three_verdicts(one: Case) -> None:
    expect_verdicts(one)


def test_sidecars_may_have_probes_and_hooks() -> None:
    id_ = "sidecar-supports-probes-and-hooks"
    assert verdict_on(id_, pod("s* | app", s={"lifecycle": PRESTOP}), "1 end").verdict is Verdict.HELD
    assert verdict_on(id_, pod("s* | app"), "1 end").verdict is Verdict.NOT_EXERCISED


def test_the_bug_of_probes_that_end_excuses_only_its_patches() -> None:
    text = "1 start s; 2 exit s 1; 3 start s; 90 end"
    template = pod("s* | app", s=STARTUP, policy="Never")
    on_132 = verdict_on("sidecar-started-with-startup-probe", template, text, release="1.32")
    on_136 = verdict_on("sidecar-started-with-startup-probe", template, text, release="1.36")
    assert on_132.verdict is on_136.verdict is Verdict.BROKEN
    assert "132826" in on_132.known
    assert not on_136.known


def test_a_failed_liveness_probe_that_stops_nothing_is_the_same_bug() -> None:
    text = (
        "1 start s; 2 start app; 3 exit s 1; 4 start s; 5 probe s liveness Success initial; "
        "9 probe s liveness Failure; 60 end"
    )
    template = pod("s* | app", s={"livenessProbe": probe()}, policy="Never")
    for id_ in ("sidecar-liveness-restart-only-self", "probe-liveness-failure-restarts"):
        on_132, on_136 = (verdict_on(id_, template, text, release=name) for name in ("1.32", "1.36"))
        assert on_132.verdict is on_136.verdict is Verdict.BROKEN
        assert "132826" in on_132.known
        assert not on_136.known


@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        ("6 stop s; 7 exit s 143; 8 start s", Verdict.HELD),
        ("20 stop s; 21 exit s 143; 22 start s", Verdict.BROKEN),
        # what stops a sidecar at the end of the Pod is the end of the Pod
        ("7 deleted 30; 7 kills; 7 stop app; 8 exit app; 9 stop s; 10 exit s 143", Verdict.NOT_EXERCISED),
        ("30 deleted 30; 30 kills; 30 stop app; 31 exit app; 31 stop s; 32 exit s 143", Verdict.BROKEN),
    ],
)
def test_a_failed_liveness_probe_has_the_sidecar_stopped_in_time(then: str, verdict: Verdict) -> None:
    """Not only some day: a stop that comes with the end of the Pod is none for the probe."""
    template = pod("s* | app", s={"livenessProbe": probe()})
    found = verdict_on(
        "sidecar-liveness-restart-only-self", template, f"{UP}; 5 probe s liveness Failure; {then}; 60 end"
    )
    assert found.verdict is verdict


def test_order_is_promised_from_129_on_only() -> None:
    text = f"{UP}; 3 deleted 30; 3 stop app; 3 stop s; 4 exit s; 9 exit app"
    gate = {"SidecarContainers": True}
    assert verdict_on("sidecar-sigterm-after-mains", pod("s* | app"), text, release="1.29").verdict is Verdict.BROKEN
    on_128 = verdict_on("sidecar-sigterm-after-mains", pod("s* | app"), text, release="1.28", gates=gate)
    assert on_128.verdict is Verdict.NOT_EXERCISED
