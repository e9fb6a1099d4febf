"""The whole status of a pod as generated in one sync (S-5, S-7, S-13, K-12, K-55): phase, conditions, addresses."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from status_cases import base_pod, since

from kubesim.kubelet.observed import Observed, ObservedContainer, ObservedSandbox, ProbeResults, RuntimeState
from kubesim.kubelet.pod_status import Verdict, generate_status, rejected_status, replaced_condition, with_verdict
from kubesim.objects.pod import Pod
from kubesim.objects.status import Condition, ContainerStatus, PodStatus, Running, Waiting
from kubesim.releases import release

READY = ObservedSandbox("sb", ready=True, ip="10.0.0.1")
STOPPED = ObservedSandbox("sb", ready=False, ip="10.0.0.1")
RELEASE = release("1.29")
ALONE: dict[str, Any] = {"init": None, "side": None}
DISRUPTED = Condition(type="DisruptionTarget", status="True", reason="TerminationByKubelet")


def main_run(state: RuntimeState, code: int = 0) -> ObservedContainer:
    return ObservedContainer(id="main-0", name="main", state=state, exit_code=code, sandbox_id="sb")


def generated(pod: Pod, *runs: ObservedContainer, **options: Any) -> PodStatus:
    cached = options.pop("cached", None)
    sandboxes = options.pop("sandboxes", (READY,))
    return generate_status(
        pod, cached, Observed(sandboxes, runs), ProbeResults(), options.pop("known", RELEASE), **options
    )


def test_the_first_status() -> None:
    """S-17: everything waits; conditions in the order of S §2."""
    not_ready = ("ContainersNotReady", "containers with unready status: [side main]")
    waits = {"state": Waiting("PodInitializing"), "started": False}
    assert generated(base_pod(status={"qosClass": "Burstable"}), sandboxes=(), host_ip="192.0.2.1") == PodStatus(
        phase="Pending",
        conditions=(
            Condition("PodReadyToStartContainers", "False"),
            Condition(
                "Initialized", "False", "ContainersNotInitialized", "containers with incomplete status: [init side]"
            ),
            Condition("Ready", "False", *not_ready),
            Condition("ContainersReady", "False", *not_ready),
            Condition("PodScheduled", "True"),
        ),
        init_container_statuses=(
            ContainerStatus("init", image="i", **waits),
            ContainerStatus("side", image="s", **waits),
        ),
        container_statuses=(ContainerStatus("main", image="m", **waits),),
        host_ip="192.0.2.1",
        qos_class="Burstable",
    )


def test_status_and_conditions_carry_the_generation_since_1_34() -> None:
    found = {known: generated(base_pod(), known=release(known)).observed_generation for known, _ in since({"1.27": 0})}
    assert found == dict(since({"1.27": 0, "1.34": 1}))


PHASE_ROWS: list[tuple[str, dict[str, Any], dict[str, Any], ObservedContainer, tuple[str, str, str]]] = [
    # name, API status, options, the main's run, phase and reason and message
    ("computed", {}, {}, main_run(RuntimeState.RUNNING), ("Running", "", "")),
    (
        "a terminal phase in the API is kept",
        {"phase": "Failed", "reason": "Evicted", "message": "disk"},
        {},
        main_run(RuntimeState.RUNNING),
        ("Failed", "Evicted", "disk"),
    ),
    (
        "a terminal phase in the cache is kept",
        {"phase": "Running"},
        {"cached": PodStatus(phase="Failed", reason="Evicted", message="disk")},
        main_run(RuntimeState.RUNNING),
        ("Failed", "Evicted", "disk"),
    ),
    (
        "a terminal phase in the API is kept against the cache",
        {"phase": "Failed", "reason": "Evicted"},
        {"cached": PodStatus(phase="Running")},
        main_run(RuntimeState.RUNNING),
        ("Failed", "", ""),
    ),
    (
        "the API's terminal phase is not exchanged for another",
        {"phase": "Failed", "reason": "Evicted"},
        {"terminal": True},
        main_run(RuntimeState.EXITED),
        ("Failed", "", ""),
    ),
    (
        "the same phase keeps reason and message",
        {"phase": "Running", "reason": "Api", "message": "api"},
        {"cached": PodStatus(phase="Running", reason="Cache")},
        main_run(RuntimeState.RUNNING),
        ("Running", "Cache", "api"),
    ),
    (
        "past its deadline",
        {"phase": "Running"},
        {"deadline": Verdict("DeadlineExceeded", "too long")},
        main_run(RuntimeState.RUNNING),
        ("Failed", "DeadlineExceeded", "too long"),
    ),
    (
        "evicted, but the main ended 0",
        {"phase": "Running"},
        {"terminal": True, "cached": PodStatus(phase="Failed", reason="Evicted", message="disk")},
        main_run(RuntimeState.EXITED),
        ("Succeeded", "", ""),
    ),
]


@pytest.mark.parametrize(
    ("name", "status", "options", "run", "expected"), PHASE_ROWS, ids=[row[0] for row in PHASE_ROWS]
)
def test_phase_reason_and_message(
    name: str, status: dict[str, Any], options: dict[str, Any], run: ObservedContainer, expected: tuple[str, str, str]
) -> None:
    """S-5, S-6, K-88."""
    found = generated(base_pod(containers=ALONE, status=status), run, **options)
    assert (found.phase, found.reason, found.message) == expected


def test_conditions_of_others_come_first() -> None:
    """S §2: foreign ones from the API, DisruptionTarget from the cache in its place."""
    api = {"conditions": [{"type": "DisruptionTarget", "status": "False"}, {"type": "x/gate", "status": "True"}]}
    pod = base_pod(containers=ALONE, status=api)
    cached = PodStatus(phase="Running", conditions=(DISRUPTED, Condition("Ready", "True")))
    found = generated(pod, main_run(RuntimeState.RUNNING), cached=cached).conditions
    assert found[:2] == (DISRUPTED, Condition("x/gate", "True"))
    assert [condition.type for condition in found[2:]] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    off = release("1.29", {"PodDisruptionConditions": False})
    assert generated(pod, cached=cached, known=off).conditions[0] == Condition("DisruptionTarget", "False")


@pytest.mark.parametrize(("gate", "ready"), [("True", "True"), ("False", "False")])
def test_readiness_gates_are_read_from_the_conditions_of_others(gate: str, ready: str) -> None:
    """S-12."""
    api = {"conditions": [{"type": "x/gate", "status": gate}]}
    pod = base_pod(containers=ALONE, status=api, readinessGates=[{"conditionType": "x/gate"}])
    found = generated(pod, main_run(RuntimeState.RUNNING)).conditions
    assert {one.type: one.status for one in found}["Ready"] == ready


def test_the_restarting_condition_comes_last() -> None:
    """S-14: 1.36, only with such a rule."""
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}
    pod = base_pod(containers={**ALONE, "main": {"restartPolicy": "Never", "restartPolicyRules": [rule]}})
    run = main_run(RuntimeState.EXITED, 88)
    assert generated(pod, run, known=release("1.36")).conditions[-1] == Condition(
        "AllContainersRestarting",
        "True",
        "RestartAllContainersStarted",
        "container exited with restart policy rule",
    )


def test_a_main_in_an_old_sandbox_does_not_count_as_started_since_1_33() -> None:
    """S-4, pod_phase finding 3: a reboot."""
    old = ObservedSandbox("old", ready=False)
    runs = (
        ObservedContainer("side-1", "side", RuntimeState.RUNNING, sandbox_id="sb"),
        ObservedContainer("main-0", "main", RuntimeState.EXITED, exit_code=1, sandbox_id="old"),
        ObservedContainer("init-0", "init", RuntimeState.EXITED, sandbox_id="sb"),
    )
    found = {
        known: generated(base_pod(), *runs, sandboxes=(READY, old), known=release(known)).phase
        for known, _ in since({"1.27": ""})
    }
    assert found == dict(since({"1.27": "Pending", "1.28": "Running", "1.33": "Pending"}))
    stopped = generated(base_pod(), *runs, sandboxes=(STOPPED,), known=release("1.33"))
    assert stopped.phase == "Pending"


ADDRESS_ROWS: list[tuple[str, tuple[ObservedSandbox, ...], dict[str, Any], str, str]] = [
    # name, sandboxes, pod tweak, podIP, podIP with the bug that loses it
    ("a ready sandbox", (READY,), {}, "10.0.0.1", "10.0.0.1"),
    ("the sandbox was stopped", (STOPPED,), {}, "10.0.0.9", ""),
    ("no sandbox", (), {}, "10.0.0.9", ""),
    ("only an older one is ready", (STOPPED, READY), {}, "", ""),
    ("the node's network", (STOPPED,), {"hostNetwork": True}, "192.0.2.1", "192.0.2.1"),
]


@pytest.mark.parametrize(
    ("name", "sandboxes", "tweak", "address", "with_bug"), ADDRESS_ROWS, ids=[row[0] for row in ADDRESS_ROWS]
)
def test_addresses(
    name: str, sandboxes: tuple[ObservedSandbox, ...], tweak: dict[str, Any], address: str, with_bug: str
) -> None:
    """K-12 step 6: kept once the sandbox is gone, except by early patches."""
    pod = base_pod(status={"podIP": "10.0.0.9", "hostIP": "192.0.2.1"}, **tweak)
    for known, expected in (("1.28", address), ("1.28.2", with_bug), ("1.29.0", with_bug), ("1.29", address)):
        found = generated(pod, sandboxes=sandboxes, known=release(known), host_ip="192.0.2.1")
        assert (found.host_ip, found.pod_ip) == ("192.0.2.1", expected), known


def test_a_verdict_of_the_node() -> None:
    """K-12 step 1, S-13: Failed, and the disruption condition since now."""
    status = PodStatus(phase="Running", conditions=(Condition("Ready", "True"),))
    found = with_verdict(status, Verdict("Evicted", "disk", DISRUPTED), RELEASE, 7)
    assert found == PodStatus(
        phase="Failed",
        reason="Evicted",
        message="disk",
        conditions=(
            Condition("Ready", "True"),
            Condition("DisruptionTarget", "True", "TerminationByKubelet", last_transition_time=7),
        ),
    )
    seen = msgspec.structs.replace(status, observed_generation=2)
    (_, disrupted) = with_verdict(seen, Verdict("Evicted", "disk", DISRUPTED), RELEASE, 7).conditions
    assert disrupted.observed_generation == 2
    off = release("1.29", {"PodDisruptionConditions": False})
    assert with_verdict(status, Verdict("Evicted", "disk", DISRUPTED), off, 7).conditions == status.conditions
    assert with_verdict(status, Verdict("Evicted", "disk"), RELEASE, 7).conditions == status.conditions


def test_a_rejected_pod_has_nothing_else() -> None:
    """K-55, as recorded in the skew configurations."""
    message = 'Init container "side" may not have a non-default restartPolicy'
    pod = base_pod(status={"qosClass": "Burstable"})
    found = {
        known: rejected_status(pod, "InitContainerRestartPolicyForbidden", message, release(known))
        for known in ("1.27", "1.31", "1.32", "1.36")
    }
    bare = PodStatus(
        phase="Failed", reason="InitContainerRestartPolicyForbidden", message=f"Pod was rejected: {message}"
    )
    kept = msgspec.structs.replace(bare, qos_class="Burstable")
    assert found == {"1.27": bare, "1.31": bare, "1.32": kept, "1.36": kept}


def test_a_condition_is_replaced_in_its_place() -> None:
    first, second = Condition("a", "True"), Condition("b", "True")
    changed = Condition("a", "False")
    assert replaced_condition((first, second), changed) == (changed, second)
    assert replaced_condition((second,), changed) == (second, changed)


def test_running_container_keeps_its_nanoseconds() -> None:
    """K-97: only the status manager truncates."""
    run = ObservedContainer("main-0", "main", RuntimeState.RUNNING, started_at=1_500_000_001)
    found = generated(base_pod(containers=ALONE), run)
    assert found.container_statuses[0].state == Running(1_500_000_001)
