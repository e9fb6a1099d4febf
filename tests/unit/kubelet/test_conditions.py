"""The conditions the kubelet owns (S-8 to S-15), release by release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from status_cases import base_pod, since, statuses

from kubesim.kubelet.conditions import (
    containers_ready_condition,
    initialized_condition,
    is_shared,
    owned_types,
    ready_condition,
    restarting_condition,
    restarts_all_containers,
    sandbox_condition,
    scheduled_condition,
    unready_in_terminal_phase,
)
from kubesim.kubelet.observed import Observed, ObservedContainer, ObservedSandbox, RuntimeState
from kubesim.objects.status import Condition, ContainerStatus
from kubesim.releases import release

READY = release("1.29")
SANDBOX = ObservedSandbox("sb", ready=True, ip="10.0.0.1")
SHORT = {"1.27": 0, "1.34": 1}
"""observedGeneration of a condition of a pod of generation 1, by release (S-16)."""

RESTART_ALL = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}


def names(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The name each row of a table begins with."""
    return [row[0] for row in rows]


def said(condition: Condition | None) -> tuple[str, str, str] | None:
    """Status, reason and message."""
    return None if condition is None else (condition.status, condition.reason, condition.message)


def ready(*names: str, of: dict[str, str]) -> dict[str, ContainerStatus]:
    """Statuses of which those named are ready."""
    return {
        name: ContainerStatus(
            name=name, state=status.state, last_state=status.last_state, started=status.started, ready=name in names
        )
        for name, status in statuses(of).items()
    }


INITIALIZED_ROWS: list[tuple[str, dict[str, str], tuple[str, ...], str, dict[str, tuple[str, str, str]]]] = [
    (
        "nothing has started",
        {"init": "waits", "side": "waits", "main": "waits"},
        (),
        "Pending",
        {"1.27": ("False", "ContainersNotInitialized", "containers with incomplete status: [init side]")},
    ),
    (
        "the sidecar has not started",
        {"init": "ended 0", "side": "runs", "main": "waits"},
        ("init",),
        "Pending",
        {"1.27": ("False", "ContainersNotInitialized", "containers with incomplete status: [side]")},
    ),
    (
        "the sidecar has started; 1.27 waits for its end",
        {"init": "ended 0", "side": "started", "main": "waits"},
        ("init",),
        "Pending",
        {
            "1.27": ("False", "ContainersNotInitialized", "containers with incomplete status: [side]"),
            "1.28": ("True", "", ""),
        },
    ),
    (
        "a status is missing",
        {"side": "waits", "main": "waits"},
        (),
        "Pending",
        {
            "1.27": (
                "False",
                "ContainersNotInitialized",
                "containers with unknown status: [init], containers with incomplete status: [side]",
            )
        },
    ),
    (
        "a main runs",
        {"init": "waits", "side": "waits", "main": "runs"},
        (),
        "Running",
        {"1.27": ("True", "", "")},
    ),
    (
        "the pod has succeeded",
        {"init": "ended 0", "side": "ended 137", "main": "ended 0"},
        ("init",),
        "Succeeded",
        {"1.27": ("True", "PodCompleted", "")},
    ),
    (
        "the pod has succeeded, but a status is missing",
        {"side": "waits", "main": "waits"},
        (),
        "Succeeded",
        {
            "1.27": (
                "False",
                "ContainersNotInitialized",
                "containers with unknown status: [init], containers with incomplete status: [side]",
            )
        },
    ),
]


@pytest.mark.parametrize(
    ("name", "words", "who", "phase", "expected"), INITIALIZED_ROWS, ids=[row[0] for row in INITIALIZED_ROWS]
)
def test_initialized(
    name: str,
    words: dict[str, str],
    who: tuple[str, ...],
    phase: str,
    expected: dict[str, tuple[str, str, str]],
) -> None:
    """S-10."""
    found = {
        known: said(initialized_condition(base_pod(), ready(*who, of=words), phase, release(known), was_true=False))
        for known, _ in since(expected)
    }
    assert found == dict(since(expected))


def test_initialized_once_true_stays_true_since_1_36() -> None:
    """S-10, pod_phase finding 5."""
    words = ready("init", of={"init": "ended 0", "side": "ended 1", "main": "waits"})
    lost = ("False", "ContainersNotInitialized", "containers with incomplete status: [side]")
    found = {
        known: said(initialized_condition(base_pod(), words, "Pending", release(known), was_true=True))
        for known, _ in since({"1.27": ""})
    }
    assert found == dict(since({"1.27": lost, "1.36": ("True", "", "")}))


def test_a_pod_without_init_containers_is_initialized() -> None:
    pod = base_pod(containers={"init": None, "side": None})
    assert said(initialized_condition(pod, {}, "Pending", READY, was_true=False)) == ("True", "", "")
    assert said(initialized_condition(pod, {}, "Succeeded", READY, was_true=False)) == ("True", "PodCompleted", "")


UP = {"init": "ended 0", "side": "started", "main": "runs"}

READY_ROWS: list[tuple[str, dict[str, str], tuple[str, ...], str, dict[str, tuple[str, str, str]]]] = [
    ("all is ready", UP, ("side", "main"), "Running", {"1.27": ("True", "", "")}),
    (
        "the sidecar is not; 1.27 does not ask it",
        UP,
        ("main",),
        "Running",
        {
            "1.27": ("True", "", ""),
            "1.28": ("False", "ContainersNotReady", "containers with unready status: [side]"),
        },
    ),
    (
        "sidecars stand before mains",
        UP,
        (),
        "Running",
        {
            "1.27": ("False", "ContainersNotReady", "containers with unready status: [main]"),
            "1.28": ("False", "ContainersNotReady", "containers with unready status: [side main]"),
        },
    ),
    (
        "a status is missing",
        {"side": "waits"},
        ("side",),
        "Pending",
        {"1.27": ("False", "ContainersNotReady", "containers with unknown status: [main]")},
    ),
    ("succeeded", UP, (), "Succeeded", {"1.27": ("False", "PodCompleted", "")}),
    (
        "succeeded, but a status is missing",
        {"side": "waits"},
        ("side",),
        "Succeeded",
        {"1.27": ("False", "ContainersNotReady", "containers with unknown status: [main]")},
    ),
    ("failed", {}, (), "Failed", {"1.27": ("False", "PodFailed", "")}),
]


@pytest.mark.parametrize(("name", "words", "who", "phase", "expected"), READY_ROWS, ids=names(READY_ROWS))
def test_containers_ready_and_ready(
    name: str,
    words: dict[str, str],
    who: tuple[str, ...],
    phase: str,
    expected: dict[str, tuple[str, str, str]],
) -> None:
    """S-11, S-12: Ready copies what ContainersReady says."""
    for known, answer in since(expected):
        containers_ready = containers_ready_condition(base_pod(), ready(*who, of=words), phase, release(known))
        assert said(containers_ready) == answer, known
        assert said(ready_condition(base_pod(), containers_ready, (), release(known))) == answer, known


def test_readiness_gates() -> None:
    """S-12."""
    pod = base_pod(readinessGates=[{"conditionType": "a"}, {"conditionType": "b"}])
    is_ready = Condition(type="ContainersReady", status="True")

    def answer(*conditions: Condition) -> Any:
        return said(ready_condition(pod, is_ready, conditions, READY))

    yes, no = Condition(type="a", status="True"), Condition(type="b", status="False")
    assert answer(yes, Condition(type="b", status="True")) == ("True", "", "")
    assert answer(yes, no) == (
        "False",
        "ReadinessGatesNotReady",
        'the status of pod readiness gate "b" is not "True", but False',
    )
    assert answer(no) == (
        "False",
        "ReadinessGatesNotReady",
        'corresponding condition of pod readiness gate "a" does not exist., '
        'the status of pod readiness gate "b" is not "True", but False',
    )


SANDBOX_ROWS: list[tuple[str, tuple[ObservedSandbox, ...], str]] = [
    ("usable", (SANDBOX,), "True"),
    ("none", (), "False"),
    ("stopped", (ObservedSandbox("sb", ready=False, ip="10.0.0.1"),), "False"),
    ("two are ready", (SANDBOX, ObservedSandbox("old", ready=True, ip="10.0.0.2")), "False"),
    ("without an address", (ObservedSandbox("sb", ready=True),), "False"),
]


@pytest.mark.parametrize(("name", "sandboxes", "status"), SANDBOX_ROWS, ids=names(SANDBOX_ROWS))
def test_sandbox_condition(name: str, sandboxes: tuple[ObservedSandbox, ...], status: str) -> None:
    """S-9: the negation of K-35; its name and whether it is there by release."""
    types = {"1.27": None, "1.29": "PodReadyToStartContainers"}
    for known, type_ in since(types):
        found = sandbox_condition(base_pod(), Observed(sandboxes), release(known))
        generation = dict(since(SHORT))[known]
        expected = None if type_ is None else Condition(type=type_, status=status, observed_generation=generation)
        assert found == expected, known


def test_the_sandbox_condition_had_another_name_in_1_27() -> None:
    old = release("1.27", {"PodHasNetworkCondition": True})
    assert sandbox_condition(base_pod(), Observed((SANDBOX,)), old) == Condition(type="PodHasNetwork", status="True")


def test_conditions_carry_the_generation_since_1_34() -> None:
    """S-16."""
    found = {known: scheduled_condition(base_pod(), release(known)) for known, _ in since(SHORT)}
    assert found == {
        known: Condition(type="PodScheduled", status="True", observed_generation=generation)
        for known, generation in since(SHORT)
    }


def test_nothing_is_ready_in_a_terminal_phase() -> None:
    """S-18."""
    assert unready_in_terminal_phase(base_pod(), "Ready", "Succeeded", READY) == Condition(
        type="Ready", status="False", reason="PodCompleted"
    )
    assert unready_in_terminal_phase(base_pod(), "Ready", "Failed", READY) == Condition(
        type="Ready", status="False", reason="PodFailed"
    )


def test_which_conditions_the_kubelet_owns() -> None:
    """S-8 ff., S-13."""
    types = (
        "PodScheduled",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodReadyToStartContainers",
        "AllContainersRestarting",
        "DisruptionTarget",
        "",
        "example.com/gate",
    )
    owned = {
        known: [type_ for type_ in types if type_ in owned_types(release(known))] for known, _ in since({"1.27": 0})
    }
    assert owned == dict(since({"1.27": list(types[:4]), "1.29": list(types[:5]), "1.36": list(types[:6])}))
    shared = [type_ for type_ in types if is_shared(type_, READY)]
    assert shared == ["DisruptionTarget"]
    assert not is_shared("DisruptionTarget", release("1.28", {"PodDisruptionConditions": False}))


def _exited(name: str, code: int) -> ObservedContainer:
    return ObservedContainer(id=f"{name}-0", name=name, state=RuntimeState.EXITED, exit_code=code)


RESTARTING_ROWS: list[tuple[str, tuple[ObservedContainer, ...], str, tuple[str, str, str]]] = [
    (
        "the exit is on record",
        (_exited("main", 88),),
        "Running",
        ("True", "RestartAllContainersStarted", "container exited with restart policy rule"),
    ),
    ("another exit code", (_exited("main", 1),), "Running", ("False", "", "")),
    ("the record was removed", (), "Running", ("False", "", "")),
    (
        "it runs again",
        (ObservedContainer(id="main-1", name="main", state=RuntimeState.RUNNING), _exited("main", 88)),
        "Running",
        ("False", "", ""),
    ),
    ("succeeded", (_exited("main", 0),), "Succeeded", ("False", "PodCompleted", "")),
    ("failed", (_exited("main", 1),), "Failed", ("False", "PodFailed", "")),
]


@pytest.mark.parametrize(
    ("name", "containers", "phase", "answer"), RESTARTING_ROWS, ids=[row[0] for row in RESTARTING_ROWS]
)
def test_all_containers_restarting(
    name: str, containers: tuple[ObservedContainer, ...], phase: str, answer: tuple[str, str, str]
) -> None:
    """S-14, K-121: beta, on since 1.36; recorded with 1.36."""
    pod = base_pod(policy="Never", containers={"main": {"restartPolicy": "Never", "restartPolicyRules": [RESTART_ALL]}})
    for known, expected in since({"1.27": None, "1.36": answer}):
        found = restarting_condition(pod, Observed((SANDBOX,), containers), phase, release(known))
        assert said(found) == expected, known
        assert found is None or found.observed_generation == 0


def test_a_pod_without_the_rule_has_no_such_condition() -> None:
    last = release("1.36")
    assert restarting_condition(base_pod(), Observed(), "Running", last) is None
    assert not restarts_all_containers(base_pod(), Observed(), last)
    assert not restarts_all_containers(base_pod(), Observed(), READY)
