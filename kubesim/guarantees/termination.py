"""How a Pod ends: signals, grace, deadlines, the order of sidecars, and when its object goes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.containers import FOREVER, ContainerStory, hook_length, kill_of, stop_of
from kubesim.guarantees.init import PULLING, deadline_exceeded
from kubesim.guarantees.scopes import (
    GRACE_TWICE,
    NOT_SHORTENED,
    ORDERED_STOP,
    POSTSTART_HOLDS,
    SIDECARS,
    UNORDERED_STOP,
    WAITS_FOR_ABSENT,
    ZERO_GRACE,
    gate,
)
from kubesim.guarantees.story import MINIMUM_GRACE, REACTION, TERMINAL, PodStory, pairs
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import Run
from kubesim.units import SECOND, Duration, Instant

ROUNDING: Final = SECOND
"""The kubelet counts what is left of a grace in whole seconds."""


def _alive_at_begin(pod: PodStory, containers: list[ContainerStory]) -> list[tuple[ContainerStory, Run]]:
    """What runs when the termination begins; nothing if it never does, or if the node itself ends the Pod."""
    if pod.begin == FOREVER or pod.is_evicted:
        return []
    return [(one, run) for one in containers if (run := one.run_at(pod.begin))]


def _hook_length(pod: PodStory, container: ContainerStory, run: Run) -> Duration:
    process = next((one for one in container.execs(run, "preStop") if one.start >= pod.begin - REACTION), None)
    is_deleted = bool(pod.deletions) and pod.begin >= pod.deletions[0].at
    longest = pod.deletions[0].grace if is_deleted else pod.grace
    return min(hook_length(process, container.handler("preStop")), longest)


def default_grace(pod: PodStory) -> Iterator[Finding]:
    """A delete is stored with the grace it asked for, else with the Pod's own, else with 30 s."""
    for deletion in pod.deletions[:1]:
        asked = [
            action.arguments.get("grace")
            for do in ("delete", "evict", "delete-job-pod")
            for _, action in pod.actions(do)
            if action.at == deletion.at and action.code < 300
        ]
        wanted = int(asked[0]) * SECOND if asked and asked[0] is not None else pod.grace
        if deletion.grace or not pod.is_forced:
            said = f"deleted with a grace of {deletion.grace // SECOND} s"
            yield judge(deletion.grace == wanted, Moment(deletion.at, said, deletion.order))


def sigterm_all_mains(pod: PodStory) -> Iterator[Finding]:
    """Each main that runs when a deletion is acted upon is told to stop at once, or after its preStop."""
    for main, run in _alive_at_begin(pod, pod.mains) if pod.deletions else ():
        stop, limit = stop_of(run), pod.begin + _hook_length(pod, main, run) + REACTION
        if stop is None and run.exit is not None and run.exit <= limit:
            continue
        if stop is not None or limit < pod.ended:
            begun = Moment(pod.begin, "termination begins")
            yield judge(stop is not None and stop.at <= limit, begun, pod.stopped(main, run))


def sigkill_at_grace(pod: PodStory) -> Iterator[Finding]:
    """What still runs at the deadline is gone 2 s later."""
    for container, run in _alive_at_begin(pod, pod.containers):
        limit = max(pod.deadline, pod.begin) + MINIMUM_GRACE + REACTION
        if (run.exit is None and limit < pod.ended) or (run.exit is not None and run.exit >= pod.deadline):
            over = Moment(pod.deadline, "the grace is over")
            yield judge(run.exit is not None and run.exit <= limit, over, pod.exited(container, run))


def no_early_kill(pod: PodStory) -> Iterator[Finding]:
    """No container gets SIGKILL before the grace is over."""
    for container, run in _alive_at_begin(pod, pod.containers):
        kill, stop = kill_of(run), stop_of(run)
        if stop is None or stop.at < pod.begin - REACTION or pod.excused_stop(container, run):
            continue
        if kill is not None and pod.was_killed_from_outside(kill):
            continue
        if kill is not None:
            over = Moment(pod.deadline, "the grace is over")
            held = kill >= pod.deadline - ROUNDING
            yield judge(held, pod.stopped(container, run), pod.moment(container, run, "signal", kill), over)
        elif run.exit is not None:
            yield judge(True, pod.stopped(container, run), pod.exited(container, run))


def terminal_phase_before_removal(pod: PodStory) -> Iterator[Finding]:
    """A Pod of a node has phase Succeeded or Failed before its object goes."""
    if pod.life.gone is not None and pod.node and not pod.is_forced:
        phase = pod.life.phases[-1] if pod.life.phases else None
        moment = Moment(phase.at if phase else pod.life.gone, f"the phase is {phase.phase if phase else 'unset'}")
        held = phase is not None and phase.phase in TERMINAL
        yield judge(held, moment, pod.written(pod.versions[-1], "the object is removed"))


def object_removed_after_containers(pod: PodStory) -> Iterator[Finding]:
    """The object of a Pod that was deleted with a grace goes after all its containers have ended."""
    if pod.life.gone is None or pod.is_forced or not pod.deletions:
        return
    gone = pod.written(pod.versions[-1], "the object is removed")
    for container in pod.containers:
        if container.runs:
            last = container.runs[-1]
            yield judge(last.exit is not None and last.exit <= pod.life.gone, pod.exited(container, last), gone)


def _own_stop(pod: PodStory, container: ContainerStory, run: Run) -> Instant | None:
    """The stop that the termination brought; one that a probe brought before it is none."""
    stop = stop_of(run)
    return (
        stop.at
        if stop is not None and stop.at >= pod.begin - REACTION and not pod.excused_stop(container, run)
        else None
    )


def sidecar_sigterm_after_mains(pod: PodStory) -> Iterator[Finding]:
    """Before the deadline a sidecar is told to stop only when all mains have ended."""
    mains = _alive_at_begin(pod, pod.mains)
    for sidecar, run in _alive_at_begin(pod, pod.sidecars):
        at = _own_stop(pod, sidecar, run)
        for main, last in mains:
            if at is not None and (at < pod.deadline - ROUNDING or last.exit is not None):
                held = (last.exit is not None and last.exit <= at) or at >= pod.deadline - ROUNDING
                yield judge(held, pod.exited(main, last), pod.stopped(sidecar, run))


def sidecar_reverse_order(pod: PodStory) -> Iterator[Finding]:
    """Before the deadline a sidecar is told to stop only when those behind it in the list have ended."""
    alive = {one.name: run for one, run in _alive_at_begin(pod, pod.sidecars)}
    for earlier, later in pairs([one for one in pod.sidecars if one.name in alive]):
        run, other = alive[earlier.name], alive[later.name]
        at = _own_stop(pod, earlier, run)
        if at is not None and at < pod.deadline - ROUNDING:
            held = other.exit is not None and other.exit <= at
            yield judge(held, pod.exited(later, other), pod.stopped(earlier, run))


def sidecar_prestop_at_start(pod: PodStory) -> Iterator[Finding]:
    """preStop of a sidecar runs when the termination begins; its signal waits at least for the end of it."""
    for sidecar, run in _alive_at_begin(pod, pod.sidecars):
        handler = sidecar.handler("preStop")
        if not handler or not handler.get("exec") or pod.deadline <= pod.begin or pod.excused_stop(sidecar, run):
            continue
        hook = next((one for one in sidecar.execs(run, "preStop") if one.start >= pod.begin - REACTION), None)
        limit = pod.begin + REACTION
        begun = Moment(pod.begin, "termination begins")
        if hook is None:
            if limit < min(pod.ended, run.exit if run.exit is not None else FOREVER):
                yield judge(False, begun, Moment(limit, f"preStop of {sidecar.name} has not begun"))
            continue
        stop = stop_of(run)
        over = min(hook.exit if hook.exit is not None else FOREVER, pod.deadline - ROUNDING)
        in_turn = stop is None or stop.at >= over
        shown = pod.moment(sidecar, run, "exec-start", hook.start)
        yield judge(hook.start <= limit and in_turn, begun, shown, pod.stopped(sidecar, run))


def sidecar_grace_expiry(pod: PodStory) -> Iterator[Finding]:
    """At the deadline everything left is told to stop, and killed 2 s later."""
    limit = pod.deadline + REACTION
    for container, run in _alive_at_begin(pod, pod.containers) if pod.sidecars and pod.deadline < FOREVER else ():
        if run.exit is not None and run.exit < pod.deadline:
            continue
        over, stop = Moment(pod.deadline, "the grace is over"), stop_of(run)
        if (stop is None and limit >= pod.ended) or (run.exit is None and limit + MINIMUM_GRACE >= pod.ended):
            continue
        told = stop is not None and stop.at <= limit
        gone = run.exit is not None and run.exit <= limit + MINIMUM_GRACE
        yield judge(told and gone, over, pod.stopped(container, run), pod.exited(container, run))


def sidecar_sigkill(pod: PodStory) -> Iterator[Finding]:
    """A sidecar that does not end when told to is killed when grace and the 2 s are over, not before."""
    for sidecar, run in _alive_at_begin(pod, pod.sidecars):
        at, kill = _own_stop(pod, sidecar, run), kill_of(run)
        if at is None or (kill is not None and pod.was_killed_from_outside(kill)):
            continue
        due = max(pod.deadline, at + MINIMUM_GRACE)
        shown = [Moment(due, "grace and minimum are over"), pod.stopped(sidecar, run)]
        if kill is not None:
            held = due - 2 * ROUNDING <= kill <= due + REACTION
            yield judge(held, *shown, pod.moment(sidecar, run, "signal", kill))
        elif (run.exit is None or run.exit > due + REACTION) and due + REACTION < pod.ended:
            yield judge(False, *shown, Moment(due + REACTION, f"{sidecar.name} runs, and has got no SIGKILL"))


def unordered(pod: PodStory) -> Iterator[Finding]:
    """On 1.28 a deletion tells everything to stop at once, sidecars too."""
    for container, run in _alive_at_begin(pod, [*pod.mains, *pod.sidecars]) if pod.deletions and pod.sidecars else ():
        at, limit = _own_stop(pod, container, run), pod.begin + _hook_length(pod, container, run) + REACTION
        if at is not None:
            yield judge(at <= limit, Moment(pod.begin, "termination begins"), pod.stopped(container, run))


def shorten_only(pod: PodStory) -> Iterator[Finding]:
    """A later delete never lengthens the grace, and a shorter one is kept to."""
    stored: list[tuple[Instant, int, int]] = []
    for version in pod.versions:
        grace = (version.object.get("metadata") or {}).get("deletionGracePeriodSeconds")
        if grace is not None and version.change != "DELETED" and (not stored or stored[-1][1] != grace):
            stored.append((version.at, grace, version.order))
    for before, after in itertools.pairwise(stored):
        shown = [Moment(at, f"the grace is {grace} s", order) for at, grace, order in (before, after)]
        yield judge(after[1] <= before[1], *shown)
    repeated = [action for _, action in pod.actions("delete") if action.code < 300][1:]
    if repeated and len(stored) == 1:
        yield judge(
            True,
            Moment(stored[0][0], f"the grace is {stored[0][1]} s", stored[0][2]),
            Moment(repeated[0].at, "deleted again"),
        )


def force_delete(pod: PodStory) -> Iterator[Finding]:
    """With grace 0 the object goes at once; on the node the containers still end within the minimum grace."""
    last = pod.versions[-1]
    if not pod.is_forced or not pod.node:
        return
    for container in pod.containers:
        run = container.run_at(last.at)
        limit = last.at + MINIMUM_GRACE + REACTION
        if run is not None and (run.exit is not None or limit < pod.ended):
            held = run.exit is not None and run.exit <= limit
            yield judge(held, pod.written(last, "the object is removed"), pod.exited(container, run))


def stop_signal(pod: PodStory) -> Iterator[Finding]:
    """The first signal of a stop is the one of lifecycle.stopSignal."""
    for container in pod.containers:
        wanted = (container.spec.get("lifecycle") or {}).get("stopSignal")
        for run in container.runs if wanted else ():
            stop = stop_of(run)
            first = next((one for one in run.signals if stop and one.at >= stop.at), None)
            if stop and first and stop.grace:
                held = first.signal == str(wanted).removeprefix("SIG")
                yield judge(held, pod.stopped(container, run), Moment(first.at, f"gets SIG{first.signal}", first.order))


def prestop_skipped_at_zero(pod: PodStory) -> Iterator[Finding]:
    """A deletion with grace 0 runs no preStop."""
    zero = bool(pod.deletions) and pod.deletions[0].grace == 0
    for container, run in _alive_at_begin(pod, pod.containers) if zero else ():
        if container.handler("preStop"):
            hooks = [one for one in container.execs(run, "preStop") if one.start >= pod.deletions[0].at]
            shown = [pod.moment(container, run, "exec-start", one.start) for one in hooks]
            yield judge(not hooks, Moment(pod.deletions[0].at, "deleted with grace 0"), *shown)


CHECKS: Final = (
    Check("termination-default-grace-30", default_grace),
    Check("termination-sigterm-all-mains", sigterm_all_mains, not_kept=(POSTSTART_HOLDS,)),
    Check(
        "termination-sigkill-at-grace",
        sigkill_at_grace,
        not_kept=(GRACE_TWICE, ZERO_GRACE, NOT_SHORTENED, POSTSTART_HOLDS),
    ),
    Check("termination-no-early-kill", no_early_kill),
    Check("termination-terminal-phase-before-removal", terminal_phase_before_removal),
    Check("termination-object-removed-after-containers", object_removed_after_containers),
    Check("termination-deadline-exceeded-pod", deadline_exceeded, remarks=(PULLING,)),
    Check("sidecar-sigterm-after-mains", sidecar_sigterm_after_mains, scope=ORDERED_STOP),
    Check("sidecar-reverse-order", sidecar_reverse_order, scope=ORDERED_STOP),
    Check("sidecar-prestop-at-term-start", sidecar_prestop_at_start, scope=ORDERED_STOP),
    Check(
        "sidecar-grace-expiry",
        sidecar_grace_expiry,
        scope=ORDERED_STOP,
        not_kept=(WAITS_FOR_ABSENT, NOT_SHORTENED, POSTSTART_HOLDS),
    ),
    Check("sidecar-sigkill-if-not-graceful", sidecar_sigkill, scope=SIDECARS, not_kept=(NOT_SHORTENED,)),
    Check("sidecar-128-unordered-termination", unordered, scope=UNORDERED_STOP),
    Check("termination-shorten-only", shorten_only),
    Check("termination-force-delete", force_delete, not_kept=(ZERO_GRACE, NOT_SHORTENED)),
    Check(
        "termination-stop-signal",
        stop_signal,
        scope=gate("ContainerStopSignals", "ContainerStopSignals: 1.33 alpha, 1.36"),
    ),
    Check("grace-override-prestop-zero", prestop_skipped_at_zero, not_kept=(ZERO_GRACE,)),
)
