"""From the generated status to the API server (K-14 to K-17, S-5, S-13, S-16, S-18, S-40 to S-42, K-102)."""

from __future__ import annotations

from typing import Any

import pytest
from status_cases import base_pod, ended, since

from kubesim.kubelet.status_manager import (
    MESSAGE_BYTES,
    Rejected,
    can_be_deleted,
    has_initialized,
    merge_status,
    needs_write,
    next_status,
    normalise_times,
    normalised,
    terminate_status,
    transition_error,
    with_readiness,
    with_startup,
)
from kubesim.objects.status import (
    Condition,
    ContainerState,
    ContainerStatus,
    PodStatus,
    Running,
    Terminated,
    Waiting,
)
from kubesim.releases import release
from kubesim.units import SECOND

RELEASE = release("1.29")
NOW = 100 * SECOND + 5
UNSEEN = Terminated(
    exit_code=137,
    reason="ContainerStatusUnknown",
    message="The container could not be located when the pod was terminated",
)
WAITS = Waiting("PodInitializing")


def one(name: str, state: ContainerState | None, last: ContainerState | None = None, **fields: Any) -> ContainerStatus:
    return ContainerStatus(name=name, state=state, last_state=last, **fields)


# next_status ----------------------------------------------------------------------------------------------------------


def test_transition_times_follow_the_status_of_a_condition() -> None:
    """S-16: new or changed: now, in whole seconds; else as before, whatever reason and message do."""
    old = PodStatus(
        start_time=3 * SECOND,
        conditions=(
            Condition("Ready", "False", "ContainersNotReady", "a", 7 * SECOND),
            Condition("Initialized", "False", last_transition_time=7 * SECOND),
        ),
    )
    foreign = Condition("x/gate", "True", last_transition_time=5 * SECOND)
    new = PodStatus(
        conditions=(
            foreign,
            Condition("Initialized", "True"),
            Condition("Ready", "False", "ContainersNotReady", "b"),
            Condition("PodScheduled", "True"),
        )
    )
    assert next_status(base_pod(), old, new, RELEASE, NOW) == PodStatus(
        start_time=3 * SECOND,
        conditions=(
            foreign,
            Condition("Initialized", "True", last_transition_time=100 * SECOND),
            Condition("Ready", "False", "ContainersNotReady", "b", 7 * SECOND),
            Condition("PodScheduled", "True", last_transition_time=100 * SECOND),
        ),
    )


def test_the_start_time_is_set_once() -> None:
    """S-42, S-17."""
    from_api = base_pod(status={"startTime": "2024-01-01T00:00:02Z"})
    for pod, cached, new, expected in (
        (base_pod(), None, PodStatus(), 100 * SECOND),
        (base_pod(), None, PodStatus(start_time=9 * SECOND), 9 * SECOND),
        (from_api, None, PodStatus(start_time=9 * SECOND), 2 * SECOND),
        (from_api, PodStatus(start_time=3 * SECOND), PodStatus(), 3 * SECOND),
    ):
        found = next_status(pod, cached, new, RELEASE, NOW)
        assert isinstance(found, PodStatus)
        assert found.start_time == expected


def test_an_illegal_transition_gives_up_the_whole_update() -> None:
    """S-41."""
    old = PodStatus(container_statuses=(one("main", ended(0)),))
    new = PodStatus(container_statuses=(one("main", WAITS),))
    assert next_status(base_pod(policy="Never"), old, new, RELEASE, NOW) == Rejected(
        "terminated container main attempted illegal transition to non-terminated state"
    )


RULE = {
    "restartPolicy": "Never",
    "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
}
MAIN = "terminated container main attempted illegal transition to non-terminated state"
INIT = "terminated init container init attempted illegal transition to non-terminated state"

RULE_ALL = {
    "restartPolicy": "Never",
    "restartPolicyRules": [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}],
}

TRANSITION_ROWS: list[tuple[str, str, dict[str, Any], int, dict[str, str]]] = [
    # name, container, pod tweak, its exit code before it waits again, error by release
    ("a main under Always", "main", {}, 0, {"1.27": ""}),
    ("a main under OnFailure that failed", "main", {"policy": "OnFailure"}, 1, {"1.27": ""}),
    ("a main under OnFailure that ended 0", "main", {"policy": "OnFailure"}, 0, {"1.27": MAIN}),
    ("a main under Never", "main", {"policy": "Never"}, 1, {"1.27": MAIN}),
    ("an init under Never", "init", {"policy": "Never"}, 1, {"1.27": INIT}),
    ("a sidecar under Never", "side", {"policy": "Never"}, 0, {"1.27": ""}),
    (
        "a main whose rule restarts it",
        "main",
        {"policy": "Never", "containers": {"main": RULE}},
        42,
        {"1.27": MAIN, "1.35": ""},
    ),
    (
        "all may start over",
        "init",
        {"policy": "Never", "containers": {"main": RULE_ALL}},
        0,
        {"1.27": INIT, "1.36": ""},
    ),
]


@pytest.mark.parametrize(
    ("name", "container", "tweak", "code", "expected"),
    TRANSITION_ROWS,
    ids=[row[0] for row in TRANSITION_ROWS],
)
def test_transitions(name: str, container: str, tweak: dict[str, Any], code: int, expected: dict[str, str]) -> None:
    """S-41, K-121."""
    where = "container_statuses" if container == "main" else "init_container_statuses"
    old = PodStatus(**{where: (one("other", ended(0)), one(container, ended(code)))})
    new = PodStatus(**{where: (one(container, WAITS),)})
    kept = PodStatus(**{where: (one(container, ended(code)),)})
    pod = base_pod(**tweak)
    found = {known: transition_error(pod, old, new, release(known)) for known, _ in since(expected)}
    assert found == dict(since(expected))
    assert transition_error(pod, old, kept, RELEASE) == ""
    assert transition_error(pod, new, new, RELEASE) == ""


# needs_write, normalised ---------------------------------------------------------------------------------------------


def test_what_makes_a_write_necessary() -> None:
    """S-40: conditions of others and the order of conditions do not."""
    ready, scheduled = Condition("Ready", "True"), Condition("PodScheduled", "True")
    cached = PodStatus(phase="Running", conditions=(ready, scheduled))
    same = PodStatus(phase="Running", conditions=(Condition("x/gate", "True"), scheduled, ready))
    changed = PodStatus(phase="Running", conditions=(scheduled, Condition("Ready", "False")))
    disrupted = PodStatus(phase="Running", conditions=(ready, scheduled, Condition("DisruptionTarget", "True")))
    assert not needs_write(cached, same, RELEASE)
    assert needs_write(cached, same, RELEASE, forced=True)
    assert needs_write(None, same, RELEASE)
    assert needs_write(cached, changed, RELEASE)
    assert needs_write(cached, disrupted, RELEASE)
    assert needs_write(cached, PodStatus(phase="Pending", conditions=(ready, scheduled)), RELEASE)


def test_times_in_whole_seconds() -> None:
    """S-16, K-97: as the API gives them back."""
    fine, whole = 5 * SECOND + 1, 5 * SECOND

    def status(at: int) -> PodStatus:
        return PodStatus(
            start_time=at,
            conditions=(
                Condition("Ready", "True", last_transition_time=at),
                Condition("x", "True", last_probe_time=at),
            ),
            init_container_statuses=(one("init", Terminated(started_at=at, finished_at=at)),),
            container_statuses=(one("main", Running(at), Terminated(started_at=at)), one("none", None)),
            ephemeral_container_statuses=(one("debug", WAITS),),
        )

    assert normalise_times(status(fine)) == status(whole)
    assert normalise_times(status(whole)) == status(whole)
    assert normalise_times(PodStatus()) == PodStatus()


def test_termination_messages_are_cut_to_their_share() -> None:
    """S-42: 12 KiB among three containers, in bytes."""
    share = MESSAGE_BYTES // 3
    long = Terminated(message="é" * share)
    found = normalised(PodStatus(container_statuses=(one("main", long, long),)), base_pod())
    cut = Terminated(message="é" * (share // 2))
    assert found == PodStatus(container_statuses=(one("main", cut, cut),))
    odd = Terminated(message="a" + "é" * share)
    status = PodStatus(container_statuses=(one("main", odd),))
    message = normalised(status, base_pod()).container_statuses[0].state
    assert message == Terminated(message="a" + "é" * ((share - 1) // 2))
    assert normalise_times(status) == status


# merge ----------------------------------------------------------------------------------------------------------------


def merged(old: PodStatus, new: PodStatus, *, could_run: bool, known: str = "1.29") -> PodStatus:
    return merge_status(base_pod(), old, new, release(known), could_have_running_containers=could_run, now=NOW)


def test_a_terminal_phase_waits_until_nothing_can_run() -> None:
    """K-17, S-7."""
    old = PodStatus(phase="Running", reason="old", message="old")
    new = PodStatus(phase="Succeeded", reason="new", message="new")
    assert merged(old, new, could_run=True) == old
    assert merged(old, new, could_run=False) == new
    ended = PodStatus(phase="Failed", reason="earlier")
    assert merged(ended, new, could_run=True) == new


def test_conditions_of_others_stay_and_the_kubelets_are_replaced() -> None:
    gate, stale = Condition("x/gate", "False"), Condition("Ready", "True")
    old = PodStatus(phase="Running", conditions=(stale, gate), nominated_node_name="n")
    new = PodStatus(phase="Running", conditions=(Condition("x/gate", "True"), Condition("Ready", "False")))
    assert merged(old, new, could_run=True) == PodStatus(
        phase="Running", conditions=(gate, Condition("Ready", "False")), nominated_node_name="n"
    )


def test_a_disruption_is_sent_with_the_terminal_phase() -> None:
    """S-13."""
    disrupted = Condition("DisruptionTarget", "True", "TerminationByKubelet", last_transition_time=1)
    old = PodStatus(phase="Running", conditions=(Condition("x/gate", "True"),))
    new = PodStatus(phase="Failed", conditions=(disrupted,))
    sent = Condition("DisruptionTarget", "True", "TerminationByKubelet", last_transition_time=100 * SECOND)
    assert merged(old, new, could_run=False).conditions == (Condition("x/gate", "True"), sent)
    assert merged(old, new, could_run=True).conditions == (Condition("x/gate", "True"),)
    assert merged(PodStatus(phase="Failed"), new, could_run=False).conditions == ()
    known = Condition("DisruptionTarget", "True", last_transition_time=9 * SECOND)
    again = merged(PodStatus(phase="Running", conditions=(known,)), new, could_run=False)
    assert again.conditions == (Condition("DisruptionTarget", "True", "TerminationByKubelet", "", 9 * SECOND),)


def test_nothing_is_ready_in_a_terminal_phase() -> None:
    """S-18."""
    old = PodStatus(phase="Running")
    conditions = (Condition("Ready", "True"), Condition("ContainersReady", "False", "x", "y", 4 * SECOND))
    found = merged(old, PodStatus(phase="Succeeded", conditions=conditions), could_run=False)
    assert found.conditions == (
        Condition("Ready", "False", "PodCompleted", last_transition_time=100 * SECOND),
        Condition("ContainersReady", "False", "PodCompleted", last_transition_time=4 * SECOND),
    )
    conditions = (Condition("ContainersReady", "True"),)
    found = merged(old, PodStatus(phase="Failed", conditions=conditions), could_run=False)
    assert found.conditions == (
        Condition("ContainersReady", "False", "PodFailed", last_transition_time=100 * SECOND),
        Condition("Ready", "False", "PodFailed", last_transition_time=100 * SECOND),
    )
    unready = (Condition("Ready", "False", "x"),)
    assert merged(old, PodStatus(phase="Failed", conditions=unready), could_run=False).conditions == unready


DELETE_ROWS: list[tuple[str, dict[str, Any], bool, bool]] = [
    ("finished and terminal", {}, True, True),
    ("not finished", {}, False, False),
    ("not deleted", {"metadata": {}}, True, False),
    ("not terminal", {"status": {"phase": "Running"}}, True, False),
    (
        "a mirror pod",
        {"metadata": {"deletionTimestamp": 5, "annotations": {"kubernetes.io/config.mirror": "x"}}},
        True,
        False,
    ),
]


@pytest.mark.parametrize(("name", "tweak", "finished", "expected"), DELETE_ROWS, ids=[row[0] for row in DELETE_ROWS])
def test_when_the_object_is_deleted(name: str, tweak: dict[str, Any], finished: bool, expected: bool) -> None:
    """K-15."""
    pod = base_pod(**{"metadata": {"deletionTimestamp": 5}, "status": {"phase": "Failed"}, **tweak})
    assert can_be_deleted(pod, finished=finished) is expected


# terminate ------------------------------------------------------------------------------------------------------------

ALONE: dict[str, Any] = {"containers": {"init": None, "side": None}}

TERMINATE_ROWS: list[tuple[str, dict[str, Any], PodStatus, PodStatus]] = [
    (
        "nothing is left running",
        ALONE,
        PodStatus(phase="Running", container_statuses=(one("main", Running(0)),)),
        PodStatus(phase="Failed", container_statuses=(one("main", UNSEEN),)),
    ),
    (
        "what has ended stays",
        ALONE,
        PodStatus(phase="Succeeded", container_statuses=(one("main", ended(0)),)),
        PodStatus(phase="Succeeded", container_statuses=(one("main", ended(0)),)),
    ),
    (
        "never initialized: mains keep waiting, the first init was tried",
        {},
        PodStatus(
            phase="Pending",
            init_container_statuses=(one("init", WAITS), one("side", WAITS)),
            container_statuses=(one("main", WAITS),),
        ),
        PodStatus(
            phase="Failed",
            init_container_statuses=(one("init", UNSEEN), one("side", WAITS)),
            container_statuses=(one("main", WAITS),),
        ),
    ),
    (
        "a sidecar in back-off when the pod ended",
        {"status": {"containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 0}}}]}},
        PodStatus(
            phase="Succeeded",
            init_container_statuses=(one("init", ended(0)), one("side", Waiting("CrashLoopBackOff"), ended(1))),
            container_statuses=(one("main", ended(0)),),
        ),
        PodStatus(
            phase="Succeeded",
            init_container_statuses=(one("init", ended(0)), one("side", UNSEEN, ended(1))),
            container_statuses=(one("main", ended(0)),),
        ),
    ),
    (
        "a static pod gets no phase",
        {**ALONE, "metadata": {"annotations": {"kubernetes.io/config.source": "file"}}},
        PodStatus(phase="Running", container_statuses=(one("main", Running(0)),)),
        PodStatus(phase="Running", container_statuses=(one("main", UNSEEN),)),
    ),
]


@pytest.mark.parametrize(("name", "tweak", "cached", "last"), TERMINATE_ROWS, ids=[row[0] for row in TERMINATE_ROWS])
def test_the_last_update(name: str, tweak: dict[str, Any], cached: PodStatus, last: PodStatus) -> None:
    """K-14."""
    found = terminate_status(base_pod(**tweak), cached, RELEASE, 0)
    assert isinstance(found, PodStatus)
    assert found == PodStatus(
        phase=last.phase,
        init_container_statuses=last.init_container_statuses,
        container_statuses=last.container_statuses,
        start_time=0,
    )


def test_the_last_update_without_a_cache_takes_the_api_status() -> None:
    pod = base_pod(**ALONE, status={"phase": "Pending", "reason": "kept"})
    assert terminate_status(pod, None, RELEASE, 0) == PodStatus(phase="Failed", reason="kept", start_time=0)


INITIALIZED_ROWS: list[tuple[str, dict[str, Any], bool]] = [
    ("no init containers", ALONE, True),
    ("no statuses", {}, False),
    ("a main left waiting", {"status": {"containerStatuses": [{"name": "main", "state": {"running": {}}}]}}, True),
    (
        "a main ran before",
        {
            "status": {
                "containerStatuses": [
                    {"name": "main", "state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 1}}}
                ]
            }
        },
        True,
    ),
    (
        "the last entry, a sidecar, has started",
        {"status": {"initContainerStatuses": [{"name": "side", "state": {"running": {}}, "started": True}]}},
        True,
    ),
    (
        "the last entry, a sidecar, has not",
        {"status": {"initContainerStatuses": [{"name": "side", "state": {"running": {}}, "started": False}]}},
        False,
    ),
    (
        "the last entry, an init, ended 0",
        {"status": {"initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 0}}}]}},
        True,
    ),
    (
        "the last entry, an init, ended 1",
        {"status": {"initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 1}}}]}},
        False,
    ),
    ("a status of no entry", {"status": {"initContainerStatuses": [{"name": "other", "state": {}}]}}, False),
]


@pytest.mark.parametrize(("name", "tweak", "expected"), INITIALIZED_ROWS, ids=[row[0] for row in INITIALIZED_ROWS])
def test_whether_a_pod_got_past_its_init_containers(name: str, tweak: dict[str, Any], expected: bool) -> None:
    """K-14."""
    assert has_initialized(base_pod(**tweak)) is expected


# probe results --------------------------------------------------------------------------------------------------------


def test_a_readiness_result_changes_the_conditions_at_once() -> None:
    """K-102."""
    main = one("main", Running(0), container_id="containerd://m", ready=True, started=True)
    side = one("side", Running(0), container_id="containerd://s", ready=True, started=True)
    cached = PodStatus(
        phase="Running",
        conditions=(
            Condition("Ready", "True"),
            Condition("ContainersReady", "True"),
            Condition("PodScheduled", "True"),
        ),
        init_container_statuses=(side,),
        container_statuses=(main,),
    )
    found = with_readiness(base_pod(), cached, "s", False, RELEASE)
    message = ("ContainersNotReady", "containers with unready status: [side]")
    assert found == PodStatus(
        phase="Running",
        conditions=(
            Condition("Ready", "False", *message),
            Condition("ContainersReady", "False", *message),
            Condition("PodScheduled", "True"),
        ),
        init_container_statuses=(one("side", Running(0), container_id="containerd://s", started=True),),
        container_statuses=(main,),
    )
    assert with_readiness(base_pod(), cached, "s", True, RELEASE) is None
    assert with_readiness(base_pod(), cached, "gone", True, RELEASE) is None


def test_a_startup_result_changes_started() -> None:
    """K-102."""
    main = one("main", Running(0), container_id="containerd://m", started=False)
    cached = PodStatus(container_statuses=(main,))
    assert with_startup(cached, "m", True) == PodStatus(
        container_statuses=(one("main", Running(0), container_id="containerd://m", started=True),)
    )
    assert with_startup(cached, "m", False) is None
    assert with_startup(cached, "gone", True) is None
