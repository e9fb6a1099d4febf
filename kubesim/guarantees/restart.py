"""Restarts: whose policy asks for one, how long each is delayed, and what stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from kubesim.guarantees.containers import ContainerStory, Role
from kubesim.guarantees.scopes import MAINS_FORGOTTEN, gate
from kubesim.guarantees.story import MINIMUM_GRACE, REACTION, PodStory, rule_matches
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import Run
from kubesim.history.records import ActionDone, RuntimeChanged
from kubesim.units import MINUTE, SECOND, Duration

_WHATEVER_THE_CODE: Final = "a container that the kubelet stopped for a probe starts again even if it then exits with 0"

LATE: Final = 20 * SECOND
"""What a requeue after a failed sync may add to a back-off: 10 s times a draw below 1.5, and the reaction."""


def delays(pod: PodStory, container: ContainerStory) -> Iterator[tuple[Run, Run | None, Duration]]:
    """Each run that ended, the next one, and the back-off between them.

    0 at first, then the initial value, doubled each time; anew after a run of 10 minutes, and by a new kubelet, which
    remembers none. A failed attempt to start counts, and leaves a gap in the numbers. Nothing is said of what comes
    after a start that was cut off, which leaves a container created, and after a new sandbox, where the numbers begin
    anew: whether the first start counts there depends on the pass.
    """
    initial = pod.kubelet.duration("crash_backoff_initial")
    longest = pod.crash_backoff_max
    count, number = 0, -1
    for run in container.runs:
        if run.number <= number or (run.number > number + 1 and pod.was_cut_off(container, run.start)):
            return
        count += max(run.number - number - 1, 0)
        number = run.number
        if run.exit is None:
            continue
        following = container.after(run)
        decided = following.start if following is not None else pod.ended
        if run.exit - run.start >= 10 * MINUTE or pod.has_new_kubelet(run.start, decided):
            count = 0
        yield run, following, 0 if count == 0 else min(longest, initial << min(count - 1, 30))
        count += 1


def restarted_in_time(pod: PodStory, container: ContainerStory, runs: Iterable[Run]) -> Iterator[Finding]:
    """After each of these runs, if a restart is due, the next one began before back-off and reaction were over."""
    chosen = {run.number for run in runs}
    for run, following, delay in delays(pod, container):
        if run.number not in chosen or run.exit is None or not pod.restart_is_due(container, run):
            continue
        due = run.exit + delay * 3 // 2 + LATE
        if following is not None:
            if following.start <= due or not pod.is_held_up(container, run.exit, following.start):
                yield judge(following.start <= due, pod.exited(container, run), pod.started(container, following))
        elif due < min(pod.term, pod.ended) and not pod.is_held_up(container, run.exit, pod.ended):
            yield judge(False, pod.exited(container, run), Moment(due, f"{container.name} has not started again"))


def _policy_is(pod: PodStory, container: ContainerStory, policy: str) -> bool:
    return pod.policy_of(container) == policy and not container.spec.get("restartPolicyRules") and not pod.restarts_all


def always(pod: PodStory) -> Iterator[Finding]:
    """Under Always a main starts again after every exit, with 0 too."""
    for main in pod.mains:
        if _policy_is(pod, main, "Always"):
            yield from restarted_in_time(pod, main, [run for run in main.runs if (run.exit or 0) < pod.term])


def _stays_down(pod: PodStory, container: ContainerStory, run: Run, known: str = "") -> Iterator[Finding]:
    """The run is the last one in its generation."""
    following = container.after(run)
    if following is not None and not any(run.start in window and following.start in window for window in pod.windows):
        return
    shown = [pod.started(container, following)] if following else []
    yield judge(following is None, pod.exited(container, run), *shown, known=known)


def onfailure(pod: PodStory) -> Iterator[Finding]:
    """Under OnFailure an exit with another code than 0 brings a restart, 0 is final."""
    for main in pod.mains:
        if not _policy_is(pod, main, "OnFailure"):
            continue
        yield from restarted_in_time(pod, main, [run for run in main.runs if run.code])
        for run in main.runs:
            if run.code == 0 and run.exit is not None:
                yield from _stays_down(pod, main, run, _WHATEVER_THE_CODE if pod.has_failed_probe(main, run) else "")


def never(pod: PodStory) -> Iterator[Finding]:
    """Under Never a main runs once in a generation."""
    for main in pod.mains:
        if _policy_is(pod, main, "Never"):
            for run in main.runs:
                if run.exit is not None:
                    yield from _stays_down(pod, main, run)


def default_always(pod: PodStory) -> Iterator[Finding]:
    """A Pod that was sent without restartPolicy is stored with Always."""
    for _, action in pod.actions("create"):
        sent = action.arguments.get("object") or {}
        if sent.get("kind") == "Pod" and "restartPolicy" not in (sent.get("spec") or {}) and action.code < 300:
            said = f"stored with restartPolicy {pod.spec.get('restartPolicy')}"
            yield judge(pod.spec.get("restartPolicy") == "Always", pod.written(pod.versions[0], said))


def in_place(pod: PodStory) -> Iterator[Finding]:
    """All runs of a Pod are on its node."""
    for order, record in pod.records:
        if isinstance(record, RuntimeChanged) and record.event == "start" and record.run > 0:
            said = f"{record.container} (run {record.run}) starts on {record.node}"
            yield judge(record.node == pod.node or not pod.node, Moment(record.at, said, order))


def container_level_override(pod: PodStory) -> Iterator[Finding]:
    """A container's own restartPolicy decides, not the Pod's."""
    for container in (*pod.regular_inits, *pod.mains):
        own = container.spec.get("restartPolicy")
        if not own or own == pod.policy or container.spec.get("restartPolicyRules"):
            continue
        for run in container.runs:
            if run.exit is None or run.exit > pod.term:
                continue
            if pod.restart_is_due(container, run):
                yield from restarted_in_time(pod, container, [run])
            else:
                yield from _stays_down(pod, container, run)


def rules_first_match(pod: PodStory) -> Iterator[Finding]:
    """The first rule that matches the exit code restarts the container, whatever its policy."""
    for container in pod.containers:
        rules = container.spec.get("restartPolicyRules") or ()
        for run in container.runs if rules and not pod.restarts_all else ():
            if run.exit is None or run.exit > pod.term:
                continue
            if any(rule_matches(rule, run.code or 0) for rule in rules) or pod.restart_is_due(container, run):
                yield from restarted_in_time(pod, container, [run])
            else:
                yield from _stays_down(pod, container, run)


def _restart_all_trigger(pod: PodStory) -> Iterator[tuple[ContainerStory, Run]]:
    """The exits whose first matching rule restarts all containers."""
    for container in pod.containers:
        for run in container.runs:
            rules = container.spec.get("restartPolicyRules") or ()
            first = next((rule for rule in rules if rule_matches(rule, run.code or 0)), None)
            if run.exit is not None and run.exit < pod.term and first and first.get("action") == "RestartAllContainers":
                yield container, run


def restart_all_fast(pod: PodStory) -> Iterator[Finding]:
    """What else ran at such an exit is gone within the minimum grace, without preStop."""
    for container, run in _restart_all_trigger(pod):
        for other in pod.containers:
            hit = other.run_at(run.exit or 0)
            if other is container or hit is None:
                continue
            limit = (run.exit or 0) + MINIMUM_GRACE + REACTION
            hooks = [one for one in other.execs(hit, "preStop") if one.start >= (run.exit or 0)]
            if limit < pod.ended:
                held = hit.exit is not None and hit.exit <= limit and not hooks
                yield judge(held, pod.exited(container, run), pod.exited(other, hit))


def restart_all_reruns(pod: PodStory) -> Iterator[Finding]:
    """After such an exit all inits and mains run again, inits first."""
    triggers = list(_restart_all_trigger(pod))
    for container, run in triggers[:1]:
        again = [(one, next((new for new in one.runs if new.start > (run.exit or 0)), None)) for one in pod.containers]
        again = [pair for pair in again if pair[0].role is not Role.EPHEMERAL]
        if (run.exit or 0) + LATE * 3 < min(pod.term, pod.ended) and len(triggers) == 1:
            shown = [pod.started(one, new) for one, new in again if new]
            ran = [new.start for _, new in again if new]
            yield judge(len(ran) == len(again) and ran == sorted(ran), pod.exited(container, run), *shown)


def state_may_be_lost(pod: PodStory) -> Iterator[Finding]:
    """A permission: nothing a container does after a lost record breaks it. Exercised by a restart of the kubelet."""
    for order, record in enumerate(pod.history):
        if isinstance(record, ActionDone) and record.do == "kubelet-restart":
            yield judge(True, Moment(record.at, "the kubelet restarts", order))


_RULES: Final = gate("ContainerRestartRules", "ContainerRestartRules: 1.34 alpha, on from 1.35")
_RESTART_ALL: Final = gate("RestartAllContainersOnContainerExits", "1.35 alpha, on from 1.36")

CHECKS: Final = (
    Check("restart-policy-default-always", default_always),
    Check("restart-policy-always", always, not_kept=(MAINS_FORGOTTEN,)),
    Check("restart-policy-onfailure", onfailure, remarks=(_WHATEVER_THE_CODE,)),
    Check("restart-policy-never", never),
    Check("restart-in-place", in_place),
    Check("restart-container-level-override", container_level_override, scope=_RULES),
    Check("restart-rules-first-match", rules_first_match, scope=_RULES),
    Check("restart-all-fast-termination", restart_all_fast, scope=_RESTART_ALL),
    Check("restart-all-reruns-everything", restart_all_reruns, scope=_RESTART_ALL),
    Check("restart-state-may-be-lost", state_may_be_lost),
)
