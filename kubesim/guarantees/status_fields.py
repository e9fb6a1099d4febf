"""What the status of a container says, against what was true of its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kubesim.guarantees.containers import ContainerStory, Role, kill_of
from kubesim.guarantees.scopes import PROBES_END, SIDECARS, STARTED_KEPT, STATUS_STUCK, started_kept
from kubesim.guarantees.story import REACTION, TERMINAL, PodStory
from kubesim.guarantees.verdicts import Check, Finding, judge
from kubesim.history.lives import Run
from kubesim.objects.quantity import parse_quantity
from kubesim.objects.status import instant_of
from kubesim.units import Instant

_STATES: Final = ("waiting", "running", "terminated")
_STAYS_TERMINATED: Final = (
    "a sidecar in back-off is shown as Terminated after exit code 0, or where the Pod's policy is Never"
)
_PURGED: Final = "a new sandbox begins with the init containers removed: one that a later sync starts counts from 0"


def restart_count_monotone(pod: PodStory) -> Iterator[Finding]:
    """restartCount never goes down, and is never ahead of the runs."""
    for container in pod.containers:
        before = 0
        for status in container.statuses:
            count = int(status.raw.get("restartCount") or 0)
            if count != before:
                said = f"restartCount of {container.name} goes from {before} to {count}"
                known = _PURGED if container in pod.inits and _is_new_in_its_sandbox(pod, container, status.at) else ""
                yield judge(count > before, pod.written(status, said), known=known)
                before = count


def _is_new_in_its_sandbox(pod: PodStory, container: ContainerStory, at: Instant) -> bool:
    """Whether a new sandbox began between a container's last run by then and the one before that."""
    begun = [run.start for run in container.runs if run.start <= at]
    return len(begun) > 1 and pod.starts_over(begun[-2], begun[-1])


def crashloop_visible(pod: PodStory) -> Iterator[Finding]:
    """While a restart is delayed the container waits with CrashLoopBackOff and its last state, the phase not over."""
    for container in pod.containers:
        shown = [one for one in container.statuses if one.state == "waiting" and one.reason == "CrashLoopBackOff"]
        for status in shown:
            phase = (status.pod.get("status") or {}).get("phase")
            kept = bool((status.raw.get("lastState") or {}).get("terminated"))
            said = f"{container.name} waits: CrashLoopBackOff; the phase is {phase}"
            yield judge(kept and (phase not in TERMINAL or status.at >= pod.term), pod.written(status, said))
        for run in container.runs:
            following = container.after(run)
            if run.exit is None or following is None or following.start - run.exit < 2 * REACTION:
                continue
            if pod.is_held_up(container, run.exit, following.start):
                continue
            if not any(run.exit <= one.at <= following.start for one in shown):
                moments = pod.exited(container, run), pod.started(container, following)
                known = _hidden(pod, container, run)
                yield judge(False, *moments, said="CrashLoopBackOff is not shown", known=known)


def _hidden(pod: PodStory, container: ContainerStory, run: Run) -> str:
    """Why a back-off is not shown, where the kubelet asks the Pod's policy what will become of a sidecar."""
    if container.role is not Role.SIDECAR:
        return ""
    by_pod = pod.kubelet.policy("restart_decision") == "pod" and pod.policy == "Never"
    return _STAYS_TERMINATED if by_pod or run.code == 0 else ""


def one_state(pod: PodStory) -> Iterator[Finding]:
    """Exactly one state is set; a termination has its code and its times, in order."""
    for container in pod.containers:
        for status in container.statuses:
            states = [name for name in _STATES if (status.raw.get("state") or {}).get(name) is not None]
            over = (status.raw.get("state") or {}).get("terminated") or {}
            held = len(states) == 1
            if over:
                begun, ended = instant_of(over.get("startedAt")), instant_of(over.get("finishedAt"))
                held = held and isinstance(over.get("exitCode"), int)
                held = held and (begun is None or ended is None or begun <= ended)
            yield judge(held, pod.written(status, f"{container.name} is {' and '.join(states) or 'in no state'}"))


def started_field(pod: PodStory) -> Iterator[Finding]:
    """started is not true before the startup condition holds, nor once the run has ended."""
    for container in pod.containers:
        for run in container.runs if container.role in (Role.MAIN, Role.SIDECAR) else ():
            due = pod.started_at(container, run)
            for status in container.statuses_of(run):
                if not status.raw.get("started"):
                    continue
                said = f"{container.name} is {status.state}, started"
                held = status.state == "running" and due is not None and status.at >= due
                known = started_kept(pod, run) if status.state == "running" else ""
                yield judge(held, pod.written(status, said), known=known)


def last_state(pod: PodStory) -> Iterator[Finding]:
    """While a later run is shown, lastState holds the end of the one before it."""
    for container in pod.containers:
        for run in container.runs[1:] if not pod.restarts_all else ():
            before = container.runs[container.runs.index(run) - 1]
            if before.number != run.number - 1:
                continue
            for status in container.statuses_of(run):
                if status.state == "running":
                    kept = (status.raw.get("lastState") or {}).get("terminated") or {}
                    said = (
                        f"{container.name} (run {run.number}) shows the last exit code {kept.get('exitCode', '(none)')}"
                    )
                    yield judge(
                        kept.get("exitCode") == before.code, pod.exited(container, before), pod.written(status, said)
                    )
                    break


def exit_codes_by_signal(pod: PodStory) -> Iterator[Finding]:
    """Ended after SIGKILL means 137; out of memory means 137 and OOMKilled.

    The signal may also find a process that has just ended by itself, at the same instant even.
    """
    for container in pod.containers:
        for run in container.runs:
            kill = kill_of(run)
            if run.oom_killed and run.exit is not None:
                held = run.code == 137 and run.reason == "OOMKilled"
                yield judge(held, pod.exited(container, run), said=f"out of memory, reason {run.reason}")
                continue
            if (
                kill is not None
                and run.exit is not None
                and (kill < run.exit or (kill == run.exit and run.code == 137))
            ):
                yield judge(run.code == 137, pod.moment(container, run, "signal", kill), pod.exited(container, run))


def oom_only_container(pod: PodStory) -> Iterator[Finding]:
    """A container that ran out of memory takes no other one with it."""
    for container in pod.containers:
        for run in container.runs:
            if not run.oom_killed or run.exit is None or run.exit >= pod.term:
                continue
            following = container.after(run)
            until = min(following.start if following else run.exit + REACTION, pod.begin - 1)
            touched = list(pod.stops_between(run.exit, until, container))
            yield judge(not touched, pod.exited(container, run), *(pod.stopped(one, hit) for one, hit in touched))


def qos_included(pod: PodStory) -> Iterator[Finding]:
    """The QoS class counts init containers and sidecars like mains."""
    shown = next((status.get("qosClass") for _, status in pod.statuses if status.get("qosClass")), None)
    if shown and pod.inits and not (pod.spec.get("resources") or {}):
        wanted = _qos([one.spec.get("resources") or {} for one in (*pod.inits, *pod.mains)])
        yield judge(
            shown == wanted, pod.written(pod.versions[0], f"the QoS class is {shown}, by its containers {wanted}")
        )


def _qos(resources: list[Mapping[str, Any]]) -> str:
    def amounts(part: Mapping[str, Any], kind: str) -> dict[str, str]:
        listed = part.get(kind) or {}
        return {
            name: parse_quantity(listed[name]).text
            for name in ("cpu", "memory")
            if name in listed and parse_quantity(listed[name]).nanos
        }

    if not any(amounts(part, kind) for part in resources for kind in ("requests", "limits")):
        return "BestEffort"
    for part in resources:
        limits = amounts(part, "limits")
        if set(limits) != {"cpu", "memory"} or {**limits, **amounts(part, "requests")} != limits:
            return "Burstable"
    return "Guaranteed"


def termination_message(pod: PodStory) -> Iterator[Finding]:
    """A termination message has at most 4096 bytes, and all of a Pod 12 KiB."""
    for version, status in pod.statuses:
        sizes = []
        for place in ("initContainerStatuses", "containerStatuses"):
            for raw in status.get(place) or ():
                message = ((raw.get("state") or {}).get("terminated") or {}).get("message")
                if message:
                    sizes.append(len(message.encode()))
        if sizes:
            held = max(sizes) <= 4096 and sum(sizes) <= 12 * 1024
            yield judge(held, pod.written(version, f"termination messages of {sizes} bytes"))


CHECKS: Final = (
    Check("restart-count-monotone", restart_count_monotone, not_kept=(STATUS_STUCK,), remarks=(_PURGED,)),
    Check("backoff-crashloop-visible", crashloop_visible, not_kept=(STATUS_STUCK,), remarks=(_STAYS_TERMINATED,)),
    Check("status-waiting-running-terminated", one_state),
    Check("status-started-field", started_field, not_kept=(STATUS_STUCK, PROBES_END), remarks=(STARTED_KEPT,)),
    Check("status-last-state", last_state, not_kept=(STATUS_STUCK,)),
    Check("status-exit-codes-by-signal", exit_codes_by_signal),
    Check("status-oom-restarts-only-container", oom_only_container),
    Check("sidecar-qos-included", qos_included, scope=SIDECARS),
    Check("status-termination-message", termination_message),
)
