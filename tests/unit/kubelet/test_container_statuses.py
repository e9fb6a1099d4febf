"""What the API shows for each container (S-20 to S-33, K-92 to K-94): whole statuses, release by release."""

from __future__ import annotations

from typing import Any

import pytest
from status_cases import base_pod, since

from kubesim.kubelet.container_statuses import (
    ProbeWorkers,
    StartFailure,
    probe_workers,
    readiness_triggers,
)
from kubesim.kubelet.observed import (
    Observed,
    ObservedContainer,
    ObservedSandbox,
    ProbeResult,
    ProbeResults,
    RuntimeState,
)
from kubesim.kubelet.pod_status import generate_status
from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import Condition, ContainerStatus, PodStatus, Running, Terminated, Waiting
from kubesim.releases import release
from kubesim.units import SECOND

SANDBOX = ObservedSandbox("sb", ready=True, ip="10.0.0.1")
PROBE = {"exec": {"command": ["t"]}}
BACK_OFF = StartFailure("CrashLoopBackOff", "back-off 10s")
UNSEEN = Terminated(
    exit_code=137,
    reason="ContainerStatusUnknown",
    message="The container could not be located when the pod was terminated",
)
VANISHED = Terminated(
    exit_code=137,
    reason="ContainerStatusUnknown",
    message="The container could not be located when the pod was deleted.  The container used to be Running",
)
LOST_INIT = Terminated(
    reason="Completed",
    message="Unable to get init container status from container runtime and pod has been initialized, "
    "treat it as exited normally",
)


def run(name: str, state: RuntimeState, number: int = 0, **fields: Any) -> ObservedContainer:
    """Run ``number`` of a container at the runtime."""
    times = {"started_at": 10, "finished_at": 20} if state is RuntimeState.EXITED else {"started_at": 10}
    return ObservedContainer(
        id=f"{name}-{number}", name=name, state=state, restart_count=number, sandbox_id="sb", **{**times, **fields}
    )


def up(name: str, number: int = 0) -> ObservedContainer:
    return run(name, RuntimeState.RUNNING, number)


def down(name: str, code: int, number: int = 0) -> ObservedContainer:
    return run(name, RuntimeState.EXITED, number, exit_code=code, reason="Error" if code else "Completed")


def end(name: str, code: int, number: int = 0) -> Terminated:
    """What the API shows of :func:`down`."""
    return Terminated(
        exit_code=code,
        reason="Error" if code else "Completed",
        started_at=10,
        finished_at=20,
        container_id=f"containerd://{name}-{number}",
    )


def shown(name: str, number: int | None = 0, **fields: Any) -> ContainerStatus:
    """A status of run ``number`` (None: of no run)."""
    defaults: dict[str, Any] = {"started": False, "image": name[0], "restart_count": number or 0}
    if number is not None:
        defaults["container_id"] = f"containerd://{name}-{number}"
    return ContainerStatus(name=name, **{**defaults, **fields})


def generated(
    pod: Pod, *containers: ObservedContainer, known: str, old: PodStatus | None = None, **options: Any
) -> PodStatus:
    probes = ProbeResults(startup=options.pop("startup", {}), readiness=options.pop("readiness", {}))
    return generate_status(pod, old, Observed((SANDBOX,), containers), probes, release(known), **options)


def old_main(**fields: Any) -> PodStatus:
    """An earlier status with one main."""
    return PodStatus(phase="Running", container_statuses=(shown("main", **fields),))


# Mains alone: name, rule, records, earlier status, options and tweak, status by release ------------------------------

MAIN_ROWS: list[tuple[str, str, tuple[ObservedContainer, ...], PodStatus | None, dict[str, Any], dict[str, Any]]] = [
    ("nothing known", "S-21", (), None, {}, {"1.27": shown("main", None, state=Waiting("ContainerCreating"))}),
    (
        "running without probes",
        "S-22, S-24, S-25",
        (up("main"),),
        None,
        {},
        {"1.27": shown("main", state=Running(10), started=True, ready=True)},
    ),
    ("created", "S-22", (run("main", RuntimeState.CREATED),), None, {}, {"1.27": shown("main", state=Waiting())}),
    (
        "unknown, never running",
        "S-22",
        (run("main", RuntimeState.UNKNOWN),),
        None,
        {},
        {"1.27": shown("main", state=Waiting())},
    ),
    (
        "unknown, running before",
        "K-92",
        (run("main", RuntimeState.UNKNOWN),),
        old_main(state=Running(10)),
        {},
        {"1.27": shown("main", state=UNSEEN, restart_count=1)},
    ),
    ("ended", "S-22", (down("main", 1),), None, {}, {"1.27": shown("main", state=end("main", 1))}),
    (
        "the run before is lastState",
        "S-22",
        (up("main", 2), down("main", 1, 1), down("main", 0)),
        None,
        {},
        {"1.27": shown("main", 2, state=Running(10), last_state=end("main", 1, 1), started=True, ready=True)},
    ),
    (
        "only the newest run is known, the one before is in the earlier status",
        "pod_phase finding 7",
        (up("main", 1),),
        old_main(state=end("main", 1)),
        {},
        {
            "1.27": shown("main", 1, state=Running(10), started=True, ready=True),
            "1.36": shown("main", 1, state=Running(10), last_state=end("main", 1), started=True, ready=True),
        },
    ),
    (
        "the runtime counts fewer restarts than the earlier status",
        "pod_phase finding 7",
        (down("main", 1),),
        old_main(state=Running(10), restart_count=3, last_state=end("main", 2)),
        {},
        {
            "1.27": shown("main", state=end("main", 1)),
            "1.36": shown("main", state=end("main", 1), restart_count=3, last_state=end("main", 2)),
        },
    ),
    (
        "the record of a running container vanished",
        "K-93",
        (),
        old_main(state=Running(10), ready=True),
        {},
        {"1.27": shown("main", None, state=Waiting("ContainerCreating"), last_state=VANISHED, restart_count=1)},
    ),
    (
        "the record vanished, the pod is being deleted",
        "K-93",
        (),
        old_main(state=Running(10)),
        {"pod": {"metadata": {"deletionTimestamp": 5}}},
        {"1.27": shown("main", None, state=Waiting("ContainerCreating"), last_state=VANISHED)},
    ),
    (
        "the record vanished, an earlier end is known",
        "S-23",
        (),
        old_main(state=Running(10), last_state=end("main", 1), restart_count=1),
        {},
        {"1.27": shown("main", None, state=Waiting("ContainerCreating"), last_state=end("main", 1), restart_count=1)},
    ),
    (
        "the record of an ended container vanished",
        "S-21",
        (),
        old_main(state=end("main", 0)),
        {},
        {"1.27": shown("main", state=end("main", 0))},
    ),
    (
        "could not be started",
        "S-31",
        (),
        None,
        {"start_failures": {"main": StartFailure("ErrImagePull", "no")}},
        {"1.27": shown("main", None, state=Waiting("ErrImagePull", "no"))},
    ),
    (
        "in back-off",
        "S-31",
        (down("main", 1),),
        None,
        {"start_failures": {"main": BACK_OFF}},
        {"1.27": shown("main", state=Waiting("CrashLoopBackOff", "back-off 10s"), last_state=end("main", 1))},
    ),
    (
        "a stale failure of a running container",
        "S-31",
        (up("main"),),
        None,
        {"start_failures": {"main": BACK_OFF}},
        {"1.27": shown("main", state=Running(10), started=True, ready=True)},
    ),
    (
        "a failure after create",
        "S-31",
        (run("main", RuntimeState.CREATED),),
        None,
        {"start_failures": {"main": StartFailure("CreateContainerError")}},
        {"1.27": shown("main", state=Waiting("CreateContainerError"))},
    ),
    (
        "not restarted under Never",
        "S-31",
        (down("main", 1),),
        None,
        {"pod": {"policy": "Never"}, "start_failures": {"main": BACK_OFF}},
        {"1.27": shown("main", state=end("main", 1))},
    ),
    (
        "its own OnFailure restarts it under Never",
        "S-31, K-120",
        (down("main", 1),),
        None,
        {
            "pod": {"policy": "Never", "containers": {"main": {"restartPolicy": "OnFailure"}}},
            "start_failures": {"main": BACK_OFF},
        },
        {
            "1.27": shown("main", state=end("main", 1)),
            "1.35": shown("main", state=Waiting("CrashLoopBackOff", "back-off 10s"), last_state=end("main", 1)),
        },
    ),
    (
        "not restarted while being deleted",
        "S-31",
        (down("main", 1),),
        None,
        {"pod": {"metadata": {"deletionTimestamp": 5}}, "start_failures": {"main": BACK_OFF}},
        {"1.27": shown("main", state=end("main", 1))},
    ),
    (
        "the startup probe has not run",
        "S-24",
        (up("main"),),
        None,
        {"pod": {"containers": {"main": {"startupProbe": PROBE}}}},
        {"1.27": shown("main", state=Running(10))},
    ),
    (
        "the startup probe has failed",
        "S-24",
        (up("main"),),
        None,
        {"pod": {"containers": {"main": {"startupProbe": PROBE}}}, "startup": {"main-0": ProbeResult.FAILURE}},
        {"1.27": shown("main", state=Running(10))},
    ),
    (
        "both probes have passed",
        "S-24, S-25",
        (up("main"),),
        None,
        {
            "pod": {"containers": {"main": {"startupProbe": PROBE, "readinessProbe": PROBE}}},
            "startup": {"main-0": ProbeResult.SUCCESS},
            "readiness": {"main-0": ProbeResult.SUCCESS},
        },
        {"1.27": shown("main", state=Running(10), started=True, ready=True)},
    ),
    (
        "the readiness probe has not passed",
        "S-25",
        (up("main"),),
        None,
        {"pod": {"containers": {"main": {"readinessProbe": PROBE}}}, "readiness": {"main-0": ProbeResult.FAILURE}},
        {"1.27": shown("main", state=Running(10), started=True)},
    ),
    (
        "the startup worker is gone",
        "S-24, K-106",
        (up("main"),),
        None,
        {"pod": {"containers": {"main": {"startupProbe": PROBE}}}, "workers": ProbeWorkers()},
        {"1.27": shown("main", state=Running(10), started=True, ready=True)},
    ),
    (
        "started before, the result was lost with the kubelet",
        "pod_phase finding 6",
        (up("main"),),
        old_main(state=Running(10), started=True, ready=True),
        {"pod": {"containers": {"main": {"startupProbe": PROBE}}}},
        {
            "1.27": shown("main", state=Running(10)),
            "1.35": shown("main", state=Running(10), started=True, ready=True),
        },
    ),
    (
        "started before, but a result says otherwise",
        "S-24",
        (up("main"),),
        old_main(state=Running(10), started=True, ready=True),
        {"pod": {"containers": {"main": {"startupProbe": PROBE}}}, "startup": {"main-0": ProbeResult.UNKNOWN}},
        {"1.27": shown("main", state=Running(10))},
    ),
    (
        "the run before had started",
        "K-104",
        (up("main", 1), down("main", 1)),
        old_main(state=Running(10), started=True, ready=True),
        {"pod": {"containers": {"main": {"startupProbe": PROBE}}}},
        {
            "1.27": shown("main", 1, state=Running(10), last_state=end("main", 1)),
            "1.35": shown("main", 1, state=Running(10), last_state=end("main", 1), started=True, ready=True),
        },
    ),
]


@pytest.mark.parametrize(
    ("name", "rules", "containers", "old", "options", "expected"), MAIN_ROWS, ids=[row[0] for row in MAIN_ROWS]
)
def test_main(
    name: str,
    rules: str,
    containers: tuple[ObservedContainer, ...],
    old: PodStatus | None,
    options: dict[str, Any],
    expected: dict[str, ContainerStatus],
) -> None:
    options = dict(options)
    tweak = dict(options.pop("pod", {}))
    changes = {"init": None, "side": None, **tweak.pop("containers", {})}
    pod = base_pod(containers=changes, **tweak)
    found = {
        known: generated(pod, *containers, known=known, old=old, **options).container_statuses
        for known, _ in since(expected)
    }
    assert found == {known: (status,) for known, status in since(expected)}, rules


# Init entries: the statuses of init and side --------------------------------------------------------------------------

WAITS = Waiting("PodInitializing")
INIT_DONE = shown("init", state=end("init", 0), ready=True)
INIT_DONE_1_27 = shown("init", state=end("init", 0), ready=True, started=None)

INIT_ROWS: list[
    tuple[str, str, tuple[ObservedContainer, ...], dict[str, Any], dict[str, tuple[ContainerStatus, ...]]]
] = [
    (
        "nothing known",
        "S-21",
        (),
        {},
        {
            "1.27": (shown("init", None, state=WAITS, started=None), shown("side", None, state=WAITS, started=None)),
            "1.28": (shown("init", None, state=WAITS), shown("side", None, state=WAITS)),
        },
    ),
    (
        "the init runs",
        "S-24, S-25",
        (up("init"),),
        {},
        {
            "1.27": (shown("init", state=Running(10), started=None), shown("side", None, state=WAITS, started=None)),
            "1.28": (shown("init", state=Running(10), started=True), shown("side", None, state=WAITS)),
        },
    ),
    (
        "the sidecar runs; in 1.27 it is an init and not ready",
        "S-25",
        (up("side"), down("init", 0)),
        {},
        {
            "1.27": (INIT_DONE_1_27, shown("side", state=Running(10), started=None)),
            "1.28": (INIT_DONE, shown("side", state=Running(10), started=True, ready=True)),
        },
    ),
    (
        "the sidecar's readiness probe has not passed",
        "S-25",
        (up("side"), down("init", 0)),
        {"pod": {"containers": {"side": {"readinessProbe": PROBE}}}},
        {
            "1.27": (INIT_DONE_1_27, shown("side", state=Running(10), started=None)),
            "1.28": (INIT_DONE, shown("side", state=Running(10), started=True)),
        },
    ),
    (
        "the sidecar ended 0 and is in back-off",
        "S-32",
        (down("side", 0), down("init", 0)),
        {"start_failures": {"side": BACK_OFF}},
        {
            "1.27": (INIT_DONE_1_27, shown("side", state=end("side", 0), started=None, ready=True)),
            "1.28": (INIT_DONE, shown("side", state=end("side", 0))),
        },
    ),
    (
        "the sidecar crashed under Never and is in back-off",
        "S-32",
        (down("side", 1), down("init", 0)),
        {"pod": {"policy": "Never"}, "start_failures": {"side": BACK_OFF}},
        {
            "1.27": (INIT_DONE_1_27, shown("side", state=end("side", 1), started=None)),
            "1.28": (INIT_DONE, shown("side", state=end("side", 1))),
            "1.35": (
                INIT_DONE,
                shown("side", state=Waiting("CrashLoopBackOff", "back-off 10s"), last_state=end("side", 1)),
            ),
        },
    ),
    (
        "the init's record was lost, and a main was created since",
        "S §3.3",
        (up("main"),),
        {"start_failures": {"init": StartFailure("ErrImagePull")}},
        {
            "1.27": (
                shown("init", None, state=Waiting("ErrImagePull"), started=None),
                shown("side", None, state=WAITS, started=None),
            ),
            "1.28": (shown("init", None, state=Waiting("ErrImagePull")), shown("side", None, state=WAITS)),
            "1.36": (shown("init", None, state=LOST_INIT, ready=True), shown("side", None, state=WAITS)),
        },
    ),
]


@pytest.mark.parametrize(
    ("name", "rules", "containers", "options", "expected"), INIT_ROWS, ids=[row[0] for row in INIT_ROWS]
)
def test_inits(
    name: str,
    rules: str,
    containers: tuple[ObservedContainer, ...],
    options: dict[str, Any],
    expected: dict[str, tuple[ContainerStatus, ...]],
) -> None:
    options = dict(options)
    pod = base_pod(**options.pop("pod", {}))
    found = {
        known: generated(pod, *containers, known=known, **options).init_container_statuses
        for known, _ in since(expected)
    }
    assert found == dict(since(expected)), rules


def test_mains_stand_by_name_and_ephemeral_containers_apart() -> None:
    """S-20. Ephemeral containers are neither started nor ready."""
    pod = pod_view(
        {
            "metadata": {"name": "p"},
            "spec": {
                "containers": [{"name": "b", "image": "b"}, {"name": "a", "image": "a"}],
                "ephemeralContainers": [{"name": "debug", "image": "d"}],
            },
        }
    )
    status = generated(pod, up("debug"), known="1.29")
    assert [entry.name for entry in status.container_statuses] == ["a", "b"]
    assert status.ephemeral_container_statuses == (shown("debug", state=Running(10), started=None),)


# Restarting all containers in place (K-94, K-121), as recorded with 1.36 ---------------------------------------------

REMOVED = "The container is removed because RestartAllContainers in place"


def test_removed_containers_of_a_pod_that_starts_over() -> None:
    """All records are gone and the condition was True: each shows that it was removed, once more restarted."""
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}
    pod = base_pod(policy="Never", containers={"main": {"restartPolicy": "Never", "restartPolicyRules": [rule]}})
    restarting = Condition(type="AllContainersRestarting", status="True", reason="RestartAllContainersStarted")
    old = PodStatus(
        phase="Running",
        conditions=(restarting,),
        init_container_statuses=(INIT_DONE, shown("side", state=Running(10), started=True, ready=True)),
        container_statuses=(shown("main", state=end("main", 88)),),
    )
    state = Waiting("RestartingAllContainers", REMOVED)
    last = Terminated(exit_code=137, reason="RestartingAllContainers", message=REMOVED)
    status = generated(pod, known="1.36", old=old)
    assert status.init_container_statuses == (
        shown("init", state=state, last_state=last, restart_count=1, ready=True),
        shown("side", None, state=state, last_state=last, restart_count=1),
    )
    assert status.container_statuses == (shown("main", state=state, last_state=last, restart_count=1),)
    assert status.phase == "Running"
    assert status.condition("AllContainersRestarting") == Condition(type="AllContainersRestarting", status="False")
    early = PodStatus(
        phase="Pending",
        conditions=(restarting,),
        init_container_statuses=(shown("init", state=end("init", 0)), shown("side", None, state=WAITS)),
        container_statuses=(shown("main", None, state=WAITS),),
    )
    assert generated(pod, known="1.36", old=early).container_statuses == (shown("main", None, state=WAITS),)
    interrupted = PodStatus(
        phase="Running",
        conditions=(restarting,),
        init_container_statuses=status.init_container_statuses,
        container_statuses=status.container_statuses,
    )
    assert generated(pod, known="1.36", old=interrupted).container_statuses[0].restart_count == 1
    assert generated(pod, down("init", 0, 1), known="1.36", old=status).phase == "Running"
    assert generated(pod, up("side", 1), down("init", 0, 1), known="1.36", old=status).phase == "Pending"
    after = generated(pod, up("init", 1), known="1.36", old=status)
    assert after.phase == "Pending"
    assert after.init_container_statuses == (
        shown("init", 1, state=Running(10), last_state=last, started=True),
        shown("side", None, state=WAITS, last_state=last, restart_count=1),
    )
    assert generated(pod, known="1.35", old=old).container_statuses == (shown("main", state=end("main", 88)),)


def test_an_init_that_runs_again_in_a_new_sandbox_counts_on() -> None:
    """S-22, K-47: its record and log went with the old sandbox; 1.36 sees that the status before had ended."""
    old = PodStatus(init_container_statuses=(INIT_DONE,))
    counts = {
        known: generated(base_pod(), up("init"), known=known, old=old).init_container_statuses[0].restart_count
        for known in ("1.29", "1.35", "1.36")
    }
    assert counts == {"1.29": 0, "1.35": 0, "1.36": 1}


# Probes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was_ready", "result", "has_worker", "ready"),
    [
        # from 1.35 on: the result if it is success, else what the pod was, unless the probe has failed since
        ("True", None, False, {"1.34": True, "1.35": True}),
        ("True", None, True, {"1.34": False, "1.35": True}),
        ("True", ProbeResult.FAILURE, True, {"1.34": False, "1.35": False}),
        ("False", None, False, {"1.34": True, "1.35": False}),
        ("False", None, True, {"1.34": False, "1.35": False}),
        ("False", ProbeResult.SUCCESS, True, {"1.34": True, "1.35": True}),
    ],
)
def test_who_is_ready_under_a_new_kubelet(
    was_ready: str, result: ProbeResult | None, has_worker: bool, ready: dict[str, bool]
) -> None:
    """S-24; ``prober_manager.go`` setReadyStateOnKubeletRestart. The first status comes before there are workers."""
    pod = base_pod(
        containers={"init": None, "side": None, "main": {"readinessProbe": PROBE}},
        status={"conditions": [{"type": "Ready", "status": was_ready}]},
    )
    found = {
        known: generated(
            pod,
            up("main"),
            known=known,
            readiness={} if result is None else {"main-0": result},
            workers=ProbeWorkers(readiness=frozenset({"main"} if has_worker else ())),
            kubelet_started_at=60 * SECOND,
        )
        .container_statuses[0]
        .ready
        for known in ready
    }
    assert found == ready


def test_which_containers_have_probe_workers() -> None:
    """K §10: mains and, since 1.28, sidecars; a plain init has none."""
    probes = {"startupProbe": PROBE, "readinessProbe": PROBE}
    pod = base_pod(containers={"init": probes, "side": probes, "main": {"readinessProbe": PROBE}})
    found = {known: probe_workers(pod, release(known)) for known, _ in since({"1.27": None})}
    assert found == dict(
        since(
            {
                "1.27": ProbeWorkers(readiness=frozenset({"main"})),
                "1.28": ProbeWorkers(startup=frozenset({"side"}), readiness=frozenset({"side", "main"})),
            }
        )
    )


def test_which_readiness_probes_run_at_once() -> None:
    """K-103: started, running, with a worker, and no Success stored."""
    workers = ProbeWorkers(readiness=frozenset({"a", "b", "c", "d"}))
    entries = (
        shown("a", state=Running(10), started=True),
        shown("b", state=Running(10), started=True),
        shown("c", state=Running(10)),
        shown("d", state=end("d", 0)),
        shown("e", state=Running(10), started=True),
    )
    results = ProbeResults(readiness={"b-0": ProbeResult.SUCCESS})
    assert readiness_triggers(entries, results, workers) == ("a",)


def conditions(**statuses: str) -> dict[str, Any]:
    return {"phase": "Running", "conditions": [{"type": type_, "status": one} for type_, one in statuses.items()]}


UNREADY = conditions(Ready="False", ContainersReady="True")
READY_BEFORE = conditions(Ready="True", ContainersReady="False")


@pytest.mark.parametrize(
    ("situation", "known", "old", "restarted_at", "probe", "stored", "ready"),
    [
        ("the pod was ready", "1.35", READY_BEFORE, 11, PROBE, {}, True),
        ("it was not", "1.35", UNREADY, 11, PROBE, {}, False),
        ("nothing is known of it", "1.35", {}, 11, PROBE, {}, False),
        ("its probe has failed since", "1.35", READY_BEFORE, 11, PROBE, {"main-0": ProbeResult.FAILURE}, False),
        ("it has no readiness probe", "1.35", UNREADY, 11, None, {}, True),
        ("it started with the kubelet", "1.35", READY_BEFORE, 10, PROBE, {}, False),
        ("the kubelet was not restarted", "1.35", READY_BEFORE, None, PROBE, {}, False),
        ("older kubelets forget", "1.34", READY_BEFORE, 11, PROBE, {}, False),
    ],
)
def test_readiness_under_a_new_kubelet(
    situation: str,
    known: str,
    old: dict[str, Any],
    restarted_at: int | None,
    probe: Any,
    stored: dict[str, ProbeResult],
    ready: bool,
) -> None:
    """S-24: what ran well before the kubelet was restarted stays ready until its probe answers, if its Pod was."""
    main = {"readinessProbe": probe} if probe else {}
    pod = base_pod(containers={"init": None, "side": None, "main": main}, status=old)
    running = run("main", RuntimeState.RUNNING, started_at=10 * SECOND)
    at = None if restarted_at is None else (restarted_at + 10) * SECOND
    (status,) = generated(pod, running, known=known, readiness=stored, kubelet_started_at=at).container_statuses
    assert status.ready is ready, situation
