"""One probe worker: what a tick does, what an answer changes, and when something will change."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubesim.kubelet.observed import ProbeResult, ProbeType
from kubesim.kubelet.probe_schedule import workers_to_create
from kubesim.kubelet.probe_worker import (
    ProbeAnswer,
    ProbeEvent,
    ProbeStep,
    ProbeWorker,
    ResultChange,
    ResultOrigin,
    after_equal_probes,
    after_probe,
    probe_event,
    probes_from,
    probes_until_change,
    tick,
)
from kubesim.objects.pod import pod_view
from kubesim.objects.status import ContainerState, ContainerStatus, PodStatus, Running, Terminated, Waiting
from kubesim.releases import release
from kubesim.units import SECOND

CURRENT = release("1.36")
FIELDS = {
    ProbeType.LIVENESS: "livenessProbe",
    ProbeType.READINESS: "readinessProbe",
    ProbeType.STARTUP: "startupProbe",
}
START = 100 * SECOND


def worker(
    type_: ProbeType = ProbeType.LIVENESS,
    *,
    policy: str = "Always",
    sidecar: bool = False,
    deleted: bool = False,
    container: dict[str, Any] | None = None,
    **probe: int,
) -> ProbeWorker:
    """A fresh worker of container ``c``; its probe has the API's defaults but for the given fields."""
    entry = {"name": "c", FIELDS[type_]: {"exec": {"command": ["t"]}, **probe}, **(container or {})}
    if sidecar:
        spec = {"initContainers": [{**entry, "restartPolicy": "Always"}], "containers": [{"name": "m"}]}
    else:
        spec = {"containers": [entry]}
    metadata = {"name": "p", **({"deletionTimestamp": "2024-01-01T00:10:00Z"} if deleted else {})}
    pod = pod_view({"metadata": metadata, "spec": {"restartPolicy": policy, **spec}})
    return workers_to_create(pod, (), CURRENT)[0]


def status(
    state: ContainerState | None = None, *, id_: str = "containerd://c-0", started: bool | None = True, **more: Any
) -> PodStatus:
    """A cached status: container ``c`` running since START and started, unless told otherwise."""
    entry = ContainerStatus("c", state or Running(START), started=started, container_id=id_)
    key = "init_container_statuses" if more.pop("sidecar", False) else "container_statuses"
    return PodStatus(phase=more.pop("phase", "Running"), **{key: (entry,)})


def stepped(given: ProbeWorker, seen: PodStatus | None, at: int = 200 * SECOND) -> ProbeStep:
    return tick(given, seen, at, CURRENT).step


def answered(given: ProbeWorker, answers: str, label: str = "1.36") -> ProbeWorker:
    """The worker after running with a pattern: s, w, f, e."""
    names = {"s": ProbeAnswer.SUCCESS, "w": ProbeAnswer.WARNING, "f": ProbeAnswer.FAILURE, "e": ProbeAnswer.ERROR}
    for letter in answers:
        given = after_probe(given, names[letter], "", release(label)).worker
    return given


@pytest.mark.parametrize(
    ("type_", "initial"),
    [
        (ProbeType.LIVENESS, ProbeResult.SUCCESS),
        (ProbeType.READINESS, ProbeResult.FAILURE),
        (ProbeType.STARTUP, ProbeResult.UNKNOWN),
    ],
)
def test_a_new_instance_gets_the_initial_result(type_: ProbeType, initial: ProbeResult) -> None:
    """K-95, K-104: and the result of the instance before it is dropped."""
    first = tick(worker(type_), status(started=type_ is not ProbeType.STARTUP), 200 * SECOND, CURRENT)
    assert first.changes == (ResultChange("c-0", initial, ResultOrigin.INITIAL),)
    assert first.step is ProbeStep.PROBE
    held = replace(first.worker, on_hold=True)
    second = tick(held, status(id_="containerd://c-1", started=type_ is not ProbeType.STARTUP), 201 * SECOND, CURRENT)
    assert second.changes == (ResultChange("c-0", None), ResultChange("c-1", initial, ResultOrigin.INITIAL))
    assert second.worker.on_hold is False


@pytest.mark.parametrize(
    ("name", "given", "seen", "step"),
    [
        ("no status", worker(), None, ProbeStep.SKIP),
        ("no container id", worker(), status(Waiting(), id_=""), ProbeStep.SKIP),
        ("another container", worker(), PodStatus(phase="Running"), ProbeStep.SKIP),
        ("failed", worker(), status(phase="Failed"), ProbeStep.END),
        ("succeeded", worker(), status(phase="Succeeded"), ProbeStep.END),
        ("running and started", worker(), status(), ProbeStep.PROBE),
        ("sidecar", worker(sidecar=True), status(sidecar=True), ProbeStep.PROBE),
        ("on hold", replace(worker(), container_id="c-0", on_hold=True), status(), ProbeStep.SKIP),
        ("not started", worker(), status(started=False), ProbeStep.SKIP),
        ("started unset", worker(), status(started=None), ProbeStep.SKIP),
        ("startup before started", worker(ProbeType.STARTUP), status(started=None), ProbeStep.PROBE),
        ("startup after started", worker(ProbeType.STARTUP), status(), ProbeStep.SKIP),
        ("waiting again", worker(), status(Waiting()), ProbeStep.SKIP),
        ("delay not over", worker(initialDelaySeconds=101), status(), ProbeStep.SKIP),
        ("delay over", worker(initialDelaySeconds=100), status(), ProbeStep.PROBE),
        ("deleted, liveness", worker(deleted=True), status(), ProbeStep.END),
        ("deleted, startup", worker(ProbeType.STARTUP, deleted=True), status(started=False), ProbeStep.END),
        ("deleted, readiness", worker(ProbeType.READINESS, deleted=True), status(), ProbeStep.PROBE),
    ],
)
def test_a_tick(name: str, given: ProbeWorker, seen: PodStatus | None, step: ProbeStep) -> None:
    """K-96 to K-98."""
    assert stepped(given, seen) is step, name


def test_a_skipped_tick_says_why() -> None:
    """K-98."""
    early = tick(worker(), status(started=False), 200 * SECOND, CURRENT)
    late = tick(worker(ProbeType.STARTUP), status(), 200 * SECOND, CURRENT)
    assert early.why.text == "the container has not started yet"
    assert late.why.text == "the container has started"


def test_a_container_that_does_not_run_counts_as_failed() -> None:
    """K-96."""
    seen = tick(replace(worker(), container_id="c-0", stored=ProbeResult.SUCCESS), status(Waiting()), 0, CURRENT)
    assert seen.changes == (ResultChange("c-0", ProbeResult.FAILURE, ResultOrigin.NOT_RUNNING),)


def test_a_worker_of_a_deleted_pod_leaves_success() -> None:
    """K-96: only a worker made when the pod was being deleted already."""
    given = replace(worker(deleted=True), container_id="c-0", stored=ProbeResult.FAILURE)
    left = ResultChange("c-0", ProbeResult.SUCCESS, ResultOrigin.DELETING)
    assert tick(given, status(), 200 * SECOND, CURRENT).changes == (left,)


NEVER_ENDS = {"ContainerRestartRules": True}


@pytest.mark.parametrize(
    ("label", "gates", "policy", "sidecar", "exit_code", "ends"),
    [
        ("1.29", {}, "Always", False, 1, False),
        ("1.29", {}, "Never", False, 1, True),
        ("1.29", {}, "OnFailure", False, 0, False),
        ("1.29", {}, "Never", True, 1, True),
        ("1.32", {}, "Never", True, 1, True),
        ("1.33.0", {}, "Never", True, 1, True),
        ("1.33", {}, "Never", True, 1, False),
        ("1.33", {}, "OnFailure", False, 0, False),
        ("1.34", NEVER_ENDS, "Never", False, 1, False),
        ("1.34", {}, "Never", False, 1, True),
        ("1.35", {}, "OnFailure", False, 0, True),
        ("1.36", {}, "OnFailure", False, 0, True),
        ("1.36", {}, "OnFailure", False, 1, False),
        ("1.36", {}, "Never", False, 1, True),
        ("1.36", {}, "Never", True, 1, False),
        (
            "1.36",
            {"ContainerRestartRules": False, "RestartAllContainersOnContainerExits": False},
            "OnFailure",
            False,
            0,
            False,
        ),
    ],
)
def test_the_worker_of_a_container_that_ended(
    label: str, gates: dict[str, bool], policy: str, sidecar: bool, exit_code: int, ends: bool
) -> None:
    """K-96: which workers end; sidecars restart, but ended up to 1.32 in Never pods."""
    given = worker(policy=policy, sidecar=sidecar)
    seen = status(Terminated(exit_code=exit_code), sidecar=sidecar)
    expected = ProbeStep.END if ends else ProbeStep.SKIP
    assert tick(given, seen, 200 * SECOND, release(label, gates)).step is expected


def test_a_restart_rule_keeps_the_worker() -> None:
    """K-96, K-120."""
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    given = worker(policy="Never", container={"restartPolicy": "Never", "restartPolicyRules": [rule]})
    assert stepped(given, status(Terminated(exit_code=42))) is ProbeStep.SKIP
    assert stepped(given, status(Terminated(exit_code=1))) is ProbeStep.END


def test_results_after_a_kubelet_restart() -> None:
    """K-95: from 1.35 on a container that ran well before the kubelet began keeps what its status says."""
    later = {"kubelet_started_at": START + 11 * SECOND}
    just = {"kubelet_started_at": START + 10 * SECOND}
    assert tick(worker(), status(), 200 * SECOND, CURRENT, **later).changes == ()
    assert tick(worker(), status(), 200 * SECOND, CURRENT, **just).changes != ()
    assert tick(worker(), status(Waiting()), 200 * SECOND, CURRENT, **later).changes[0].result is ProbeResult.SUCCESS
    assert tick(worker(), status(), 200 * SECOND, release("1.34"), **later).changes != ()
    changes = release("1.36", {"ChangeContainerStatusOnKubeletRestart": True})
    assert tick(worker(), status(), 200 * SECOND, changes, **later).changes != ()


def _live(**more: Any) -> ProbeWorker:
    """A worker whose container is known, with the initial result stored."""
    return tick(worker(**more), status(), 200 * SECOND, CURRENT).worker


@pytest.mark.parametrize(
    ("answers", "stored", "run", "on_hold"),
    [
        ("", ProbeResult.SUCCESS, 0, False),
        ("ff", ProbeResult.SUCCESS, 2, False),
        ("fff", ProbeResult.FAILURE, 0, True),
        ("ffsf", ProbeResult.SUCCESS, 1, False),
        ("ffef", ProbeResult.FAILURE, 0, True),
        ("ffwff", ProbeResult.SUCCESS, 2, False),
    ],
)
def test_equal_results_are_counted(answers: str, stored: ProbeResult, run: int, on_hold: bool) -> None:
    """K-99 to K-101: errors count as nothing, warnings as success; a change begins again at 1."""
    after = answered(_live(), answers)
    assert (after.stored, after.run, after.on_hold) == (stored, run, on_hold)


def test_the_run_goes_on_across_a_restart() -> None:
    """Vectors' finding 5: one failure of the old instance and one of the new make two."""
    after = answered(_live(failureThreshold=2), "f")
    after = tick(after, status(id_="containerd://c-1"), 200 * SECOND, CURRENT).worker
    assert answered(after, "f").on_hold


def test_only_a_changed_result_is_published() -> None:
    """K-100."""
    outcome = after_probe(_live(), ProbeAnswer.SUCCESS, "", CURRENT)
    assert (outcome.change, outcome.event) == (None, None)
    failing = after_probe(_live(failureThreshold=1), ProbeAnswer.FAILURE, "bad", CURRENT)
    assert failing.change == ResultChange("c-0", ProbeResult.FAILURE)


@pytest.mark.parametrize(("label", "holds"), [("1.29", False), ("1.31", False), ("1.32", True), ("1.36", True)])
def test_a_startup_probe_that_passed(label: str, holds: bool) -> None:
    """K-101."""
    after = answered(worker(ProbeType.STARTUP), "s", label)
    assert (after.stored, after.on_hold) == (ProbeResult.SUCCESS, holds)


def test_a_readiness_failure_never_holds() -> None:
    assert answered(worker(ProbeType.READINESS), "sfff").on_hold is False


@pytest.mark.parametrize(
    ("label", "answer", "event"),
    [
        ("1.29", ProbeAnswer.FAILURE, ProbeEvent("Unhealthy", "Startup probe failed: why")),
        ("1.29", ProbeAnswer.WARNING, ProbeEvent("ProbeWarning", "Startup probe warning: why")),
        ("1.29", ProbeAnswer.SUCCESS, None),
        ("1.32", ProbeAnswer.ERROR, ProbeEvent("Unhealthy", "Startup probe errored: why")),
        (
            "1.33",
            ProbeAnswer.ERROR,
            ProbeEvent("Unhealthy", "Startup probe errored and resulted in unknown state: why"),
        ),
        ("1.32", ProbeAnswer.UNKNOWN, ProbeEvent("Unhealthy", "Startup probe failed: why")),
        ("1.33", ProbeAnswer.UNKNOWN, None),
    ],
)
def test_events(label: str, answer: ProbeAnswer, event: ProbeEvent | None) -> None:
    """K-99."""
    assert probe_event(ProbeType.STARTUP, answer, "why", release(label)) == event


@pytest.mark.parametrize(
    ("given", "answer", "count"),
    [
        (_live(), ProbeAnswer.SUCCESS, None),
        (_live(), ProbeAnswer.WARNING, None),
        (_live(), ProbeAnswer.ERROR, None),
        (_live(), ProbeAnswer.FAILURE, 3),
        (_live(), ProbeAnswer.UNKNOWN, 3),
        (answered(_live(), "ff"), ProbeAnswer.FAILURE, 1),
        (answered(_live(), "ff"), ProbeAnswer.SUCCESS, None),
        (tick(worker(ProbeType.READINESS), status(), 0, CURRENT).worker, ProbeAnswer.FAILURE, None),
        (tick(worker(ProbeType.READINESS, successThreshold=2), status(), 0, CURRENT).worker, ProbeAnswer.SUCCESS, 2),
        (replace(worker(ProbeType.STARTUP), stored=ProbeResult.SUCCESS), ProbeAnswer.SUCCESS, 1),
        (replace(_live(), run=9, last_result=ProbeResult.FAILURE), ProbeAnswer.FAILURE, 1),
    ],
)
def test_the_next_change_is_known_ahead(given: ProbeWorker, answer: ProbeAnswer, count: int | None) -> None:
    """Ticking one by one says the same."""
    assert probes_until_change(given, answer, CURRENT) == count
    current = given
    for _ in range((count or 6) - 1):
        after = after_probe(current, answer, "", CURRENT).worker
        assert (after.stored, after.on_hold) == (given.stored, given.on_hold)
        current = after
    assert current == after_equal_probes(given, answer, (count or 6) - 1)
    last = after_probe(current, answer, "", CURRENT).worker
    assert ((last.stored, last.on_hold) != (given.stored, given.on_hold)) == (count is not None)


@pytest.mark.parametrize(
    ("given", "seen", "at"),
    [
        (worker(), None, None),
        (worker(), status(id_=""), None),
        (worker(), status(Waiting()), None),
        (worker(), status(started=False), None),
        (worker(), status(), START),
        (worker(initialDelaySeconds=7), status(), START + 7 * SECOND),
        (replace(worker(), container_id="c-0", on_hold=True), status(), None),
    ],
)
def test_from_when_ticks_probe(given: ProbeWorker, seen: PodStatus | None, at: int | None) -> None:
    """K-97, K-98: the first tick at or after it probes, the ones before do not."""
    assert probes_from(given, seen, CURRENT) == at
    if at is not None:
        assert stepped(given, seen, at) is ProbeStep.PROBE
        assert stepped(given, seen, at - 1) is ProbeStep.SKIP
