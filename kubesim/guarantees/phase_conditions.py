"""Phases and conditions, as the API server had them, against what was true in the runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kubesim.guarantees.containers import ContainerStory, Role
from kubesim.guarantees.scopes import PROBES_END, STATUS_STUCK, gate
from kubesim.guarantees.story import REACTION, TERMINAL, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.records import ActionDone
from kubesim.history.replay import Version

PHASES: Final = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
_IN_ORDER: Final = ("PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
_PLACES: Final = ("initContainerStatuses", "containerStatuses")


def _phases(pod: PodStory) -> Iterator[tuple[Version, Mapping[str, Any], str]]:
    """The versions at which the phase changed."""
    before = ""
    for version, status in pod.statuses:
        phase = str(status.get("phase") or "")
        if phase != before:
            yield version, status, phase
        before = phase


def _conditions(status: Mapping[str, Any]) -> dict[str, str]:
    return {one["type"]: one["status"] for one in status.get("conditions") or ()}


def phase_values(pod: PodStory) -> Iterator[Finding]:
    """Each phase is one of the five."""
    for version, _, phase in _phases(pod):
        if phase:
            yield judge(phase in PHASES, pod.written(version, f"the phase is {phase}"))


def _created(pod: PodStory, version: Version, status: Mapping[str, Any]) -> list[str]:
    """The mains that have never been created by then: neither in the runtime nor by their status."""
    shown = {one["name"]: one for one in status.get("containerStatuses") or ()}
    missing = []
    for main in pod.mains:
        raw = shown.get(main.name) or {}
        known = bool((raw.get("state") or {}).get("terminated") or (raw.get("lastState") or {}).get("terminated"))
        if not known and not any(run.start <= version.at for run in main.runs):
            missing.append(main.name)
    return missing


def pending_until_created(pod: PodStory) -> Iterator[Finding]:
    """The phase is Pending until all mains have been created; only the end may come before."""
    for version, status in pod.statuses:
        missing, phase = _created(pod, version, status), status.get("phase")
        if missing and phase:
            held = phase == "Pending" or phase == "Failed" or version.at >= pod.term
            yield judge(held, pod.written(version, f"{', '.join(missing)} not created, the phase is {phase}"))


def phase_running(pod: PodStory) -> Iterator[Finding]:
    """Running means bound, all mains created, and not all of them at their end."""
    for version, status, phase in _phases(pod):
        if phase == "Running":
            missing = _created(pod, version, status)
            bound = bool((version.object.get("spec") or {}).get("nodeName"))
            said = f"the phase is Running{'; not created: ' + ', '.join(missing) if missing else ''}"
            yield judge(bound and not missing, pod.written(version, said))


def _alive(pod: PodStory, version: Version) -> list[str]:
    return [one.name for one in pod.containers if one.alive(version.at)]


def phase_succeeded(pod: PodStory) -> Iterator[Finding]:
    """Succeeded means that each main has ended for good with 0, and that nothing runs."""
    for version, _, phase in _phases(pod):
        if phase == "Succeeded":
            codes = [main.runs[-1].code if main.runs else None for main in pod.mains]
            alive = _alive(pod, version)
            said = (
                f"the phase is Succeeded, the mains' codes are {codes}{', alive: ' + ', '.join(alive) if alive else ''}"
            )
            yield judge(all(code == 0 for code in codes) and not alive, pod.written(version, said))


def phase_failed(pod: PodStory) -> Iterator[Finding]:
    """Failed means that nothing runs, and that a main failed or never ran, an init failed, or the node said so."""
    for version, status, phase in _phases(pod):
        if phase != "Failed":
            continue
        alive = _alive(pod, version)
        failed = [one.name for one in pod.mains if not one.runs or one.runs[-1].code != 0]
        failed += [one.name for one in pod.regular_inits if one.runs and one.runs[-1].code != 0]
        held = not alive and bool(failed or status.get("reason"))
        said = f"the phase is Failed, alive: {', '.join(alive) or 'none'}, failed: {', '.join(failed) or 'none'}"
        yield judge(held, pod.written(version, said))


def terminal_is_final(pod: PodStory) -> Iterator[Finding]:
    """After Succeeded or Failed the phase stays, and nothing starts."""
    over = next(((version, phase) for version, _, phase in _phases(pod) if phase in TERMINAL), None)
    if over is None:
        return
    end = pod.written(over[0], f"the phase is {over[1]}")
    later = [
        pod.written(version, f"the phase is {phase}") for version, _, phase in _phases(pod) if version.at > over[0].at
    ]
    started = [pod.started(one, run) for one in pod.containers for run in one.runs if run.start > over[0].at]
    yield judge(not later and not started, end, *later, *started)


def condition_order(pod: PodStory) -> Iterator[Finding]:
    """With init containers the conditions first become True in their order."""
    firsts = []
    for type_ in _IN_ORDER:
        changes = pod.life.conditions.get(type_, ())
        at = next((one.at for one in changes if one.status == "True"), None)
        if at is not None:
            firsts.append(Moment(at, f"{type_} is True"))
    if pod.inits and len(firsts) > 1 and pod.life.phase not in ("Succeeded",):
        yield judge([one.at for one in firsts] == sorted(one.at for one in firsts), *firsts)


def initialized(pod: PodStory) -> Iterator[Finding]:
    """Initialized is False until each regular init has completed and each sidecar was started, and True soon after."""
    if not pod.inits:
        return
    changes = pod.life.conditions.get("Initialized", ())
    first = next((one.at for one in changes if one.status == "True"), None)
    # what is written at the very instant of a new sandbox speaks of the one before
    shown_of = pod.window_at(first - 1 if first is not None else None)
    done = [pod.satisfied(one, shown_of) for one in pod.inits]
    due = max((at for at in done if at is not None), default=None) if None not in done else None
    over = next((one.at for one in pod.life.phases if one.phase in TERMINAL), pod.ended + 1)
    said = Moment(
        due if due is not None else pod.ended, "all are completed or started" if due is not None else "not all are"
    )
    if first is not None and first < over:
        held = due is not None and due <= first
        yield judge(held, said, Moment(first, "Initialized is True"))
    elif (
        due is not None
        and all(_lasted(one) for one in pod.sidecars)
        and due + 3 * REACTION < min(pod.term, pod.ended, over)
    ):
        yield judge(False, said, Moment(due + 3 * REACTION, "Initialized is not True"))


def _lasted(sidecar: ContainerStory) -> bool:
    """Whether its first run was long enough for the kubelet to have seen it running."""
    first = sidecar.runs[0] if sidecar.runs else None
    return first is not None and (first.exit is None or first.exit - first.start > REACTION)


def ready_definition(pod: PodStory) -> Iterator[Finding]:
    """Ready is True exactly if ContainersReady and all readiness gates are."""
    gates = [one["conditionType"] for one in pod.spec.get("readinessGates") or ()]
    for version, status in pod.statuses:
        known = _conditions(status)
        if "Ready" in known and "ContainersReady" in known:
            wanted = known["ContainersReady"] == "True" and all(known.get(gate) == "True" for gate in gates)
            said = f"Ready is {known['Ready']}, ContainersReady is {known['ContainersReady']}"
            said += "".join(f", {gate} is {known.get(gate, 'absent')}" for gate in gates)
            by_kubelet = version.actor.startswith("kubelet") or not version.actor
            if wanted == (known["Ready"] == "True") or by_kubelet:
                yield judge(wanted == (known["Ready"] == "True"), pod.written(version, said))


def containers_ready(pod: PodStory) -> Iterator[Finding]:
    """ContainersReady is True exactly if every main and every sidecar is ready."""
    counted = {one.name for one in (*pod.mains, *pod.sidecars)}
    for version, status in pod.statuses:
        known = _conditions(status)
        statuses = [one for place in _PLACES for one in status.get(place) or () if one["name"] in counted]
        reasons = {one.get("reason") for one in status.get("conditions") or () if one["type"] == "ContainersReady"}
        is_over = status.get("phase") in TERMINAL or reasons & {"PodFailed", "PodCompleted"}
        if "ContainersReady" not in known or len(statuses) < len(counted) or is_over:
            continue
        ready = all(one.get("ready") for one in statuses)
        unready = [one["name"] for one in statuses if not one.get("ready")]
        initialized_too = known.get("Initialized", "True") == "True"
        said = f"ContainersReady is {known['ContainersReady']}, not ready: {', '.join(unready) or 'none'}"
        held = (known["ContainersReady"] == "True") == (ready and initialized_too)
        yield judge(held, pod.written(version, said))


def not_ready_until_inits(pod: PodStory) -> Iterator[Finding]:
    """Ready is not True before every regular init has completed."""
    if not pod.regular_inits:
        return
    first = next((one.at for one in pod.life.conditions.get("Ready", ()) if one.status == "True"), None)
    if first is not None:
        done = [pod.satisfied(one, pod.window_at(first)) for one in pod.regular_inits]
        held = all(at is not None and at <= first for at in done)
        yield judge(
            held,
            *(Moment(at, "an init has completed") for at in done if at is not None),
            Moment(first, "Ready is True"),
        )


def ready_to_start(pod: PodStory) -> Iterator[Finding]:
    """Containers start only once PodReadyToStartContainers has become True or is about to: the sandbox is up."""
    changes = pod.life.conditions.get("PodReadyToStartContainers", ())
    up = next((one.at for one in changes if one.status == "True"), None)
    if up is not None and pod.windows[0].start:
        yield judge(
            pod.windows[0].start <= up,
            Moment(pod.windows[0].start, "the sandbox is ready"),
            Moment(up, "the condition is True"),
        )
    if (
        pod.life.phase in TERMINAL
        and changes
        and up is not None
        and not any(one.alive(pod.ended) for one in pod.containers)
        and not pod.is_unattended(changes[-1].at, pod.ended)
    ):
        last = changes[-1]
        yield judge(last.status == "False", Moment(last.at, f"in the end the condition is {last.status}"))


def disruption_target(pod: PodStory) -> Iterator[Finding]:
    """An eviction through the API sets DisruptionTarget; a delete does not."""
    by_api = [action for _, action in pod.actions("evict") if action.code < 300]
    seen = any(one.status == "True" for one in pod.life.conditions.get("DisruptionTarget", ()))
    by_user: list[ActionDone] = [action for _, action in pod.actions("delete") if action.code < 300]
    if any(action.do == "evict-job-pod" for action in pod.history.of(ActionDone)):
        return  # the record does not say which Pod it was
    for action in by_api[:1]:
        yield judge(seen, Moment(action.at, f"evicted, DisruptionTarget {'True' if seen else 'absent'}"))
    if by_user and not by_api and not pod.is_evicted:
        yield judge(not seen, Moment(by_user[0].at, f"deleted, DisruptionTarget {'True' if seen else 'absent'}"))


def restart_all_condition(pod: PodStory) -> Iterator[Finding]:
    """The restart of all containers is shown as a condition, True and then False again."""
    for type_ in ("AllContainersRestarting", "PodRestartInPlace"):
        changes = pod.life.conditions.get(type_, ())
        begun = next((one for one in changes if one.status == "True"), None)
        if begun is not None:
            over = next((one for one in changes if one.status == "False" and one.at > begun.at), None)
            if over is not None or begun.at + 60 * 10**9 < min(pod.term, pod.ended):
                yield judge(
                    over is not None,
                    Moment(begun.at, f"{type_} is True"),
                    *([Moment(over.at, "False")] if over else []),
                )


def ephemeral_no_effect(pod: PodStory) -> Iterator[Finding]:
    """A Pod whose mains have ended for good completes though an ephemeral container runs."""
    done = pod.mains_done
    for one in pod.ephemeral:
        if done is not None and one.alive(done) and done + pod.grace + 3 * REACTION < pod.ended:
            yield judge(pod.life.phase in TERMINAL, Moment(done, f"the mains have ended, {one.name} runs"))


def ephemeral_never_restarted(pod: PodStory) -> Iterator[Finding]:
    """An ephemeral container runs once."""
    for one in pod.containers:
        if one.role is Role.EPHEMERAL and one.runs and one.runs[0].exit is not None:
            yield judge(
                len(one.runs) == 1, pod.exited(one, one.runs[0]), *(pod.started(one, run) for run in one.runs[1:])
            )


_READY_TO_START: Final = gate("PodReadyToStartContainersCondition", "1.28 alpha, on from 1.29")

CHECKS: Final = (
    Check("phase-values", phase_values),
    Check("phase-pending-until-created", pending_until_created),
    Check("phase-running", phase_running),
    Check("phase-succeeded", phase_succeeded),
    Check("phase-failed", phase_failed),
    Check("phase-terminal-is-final", terminal_is_final),
    Check("condition-order", condition_order, scope=_READY_TO_START),
    Check("condition-initialized", initialized, not_kept=(STATUS_STUCK, PROBES_END)),
    Check("condition-ready-definition", ready_definition),
    Check("condition-containersready", containers_ready),
    Check("condition-not-ready-until-inits", not_ready_until_inits),
    Check("condition-ready-to-start", ready_to_start, scope=_READY_TO_START),
    Check("condition-disruption-target", disruption_target, scope=gate("PodDisruptionConditions", "1.26+", api=True)),
    Check(
        "restart-all-condition",
        restart_all_condition,
        scope=gate("RestartAllContainersOnContainerExits", "1.35 alpha, on from 1.36"),
    ),
    Check("ephemeral-no-effect-on-lifecycle", ephemeral_no_effect),
    Check("ephemeral-never-restarted", ephemeral_never_restarted),
)
