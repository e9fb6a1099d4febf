"""Lifecycle hooks. The history holds hooks that are processes; a sleep or a question leaves no record of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.containers import ContainerStory, hook_length, kill_of, stop_of
from kubesim.guarantees.scopes import GRACE_TWICE, NOT_SHORTENED, gate
from kubesim.guarantees.story import MINIMUM_GRACE, REACTION, PodStory, pairs
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import Exec, Run
from kubesim.units import SECOND, Duration

_KILLED: Final = 137
"""128 + SIGKILL: what becomes of a hook's process when the container's first process ends."""


_TOO_MANY_EVENTS: Final = "the Event is kept back by the filter against too many Events about one Pod"


def _hooks(pod: PodStory, purpose: str) -> Iterator[tuple[ContainerStory, Run, Exec]]:
    """The processes of a hook."""
    for container in pod.containers:
        for run in container.runs:
            for process in container.execs(run, purpose):
                yield container, run, process


def _began(pod: PodStory, container: ContainerStory, run: Run, process: Exec) -> Moment:
    hook = pod.moment(container, run, "exec-start", process.start)
    return Moment(hook.at, f"{process.purpose} of {container.name} begins", hook.record)


def _ended(pod: PodStory, container: ContainerStory, run: Run, process: Exec) -> Moment:
    hook = pod.moment(container, run, "exec-exit", process.exit)
    code = "" if process.code is None else f" with {process.code}"
    return Moment(
        hook.at,
        f"{process.purpose} of {container.name} {'ends' if process.exit is not None else 'goes on'}{code}",
        hook.record,
    )


def _grace(pod: PodStory, container: ContainerStory, run: Run, process: Exec) -> Duration:
    """The grace of the kill that a preStop belongs to: of the deletion, of a probe, or the Pod's.

    A kill that began before the deletion keeps the grace it began with.
    """
    if process.start >= pod.begin and not pod.is_evicted:
        return max(pod.deadline - max(pod.begin, process.start), 0) if pod.deletions else pod.grace
    for kind in ("liveness", "startup"):
        own = (container.probe(kind) or {}).get("terminationGracePeriodSeconds")
        if own is not None and any(True for _ in container.results(run, kind, "Failure")):
            return int(own) * SECOND
    return pod.grace


def _cut_off(run: Run, hook: Exec) -> bool:
    """Whether a hook ended because its container did: by itself, or killed from outside, a moment before it shows."""
    if hook.exit is None or run.exit is None:
        return False
    stop = stop_of(run)
    by_itself = stop is None or stop.at > hook.exit
    return run.exit <= hook.exit or (hook.code == _KILLED and by_itself and run.exit <= hook.exit + SECOND)


def _kept_back(pod: PodStory, hook: Exec) -> str:
    """Why an Event about a hook may be missing: the kubelet tells only so much about one Pod in a short time."""
    return _TOO_MANY_EVENTS if pod.may_lack_events(hook.exit or 0) else ""


def poststart_concurrent(pod: PodStory) -> Iterator[Finding]:
    """postStart begins right after the container was started."""
    for container, run, hook in _hooks(pod, "postStart"):
        held = run.start <= hook.start <= run.start + REACTION
        yield judge(held, pod.started(container, run), _began(pod, container, run, hook))


def poststart_blocks_running(pod: PodStory) -> Iterator[Finding]:
    """Until postStart has ended the container does not show Running, and the next one is not started."""
    for container, run, hook in _hooks(pod, "postStart"):
        over = next((at for at in (hook.exit, run.exit) if at is not None), pod.ended)
        shown = [_began(pod, container, run, hook), _ended(pod, container, run, hook)]
        early = [one for one in container.statuses_of(run) if one.state == "running" and one.at < min(over, pod.term)]
        yield judge(not early, *shown, *(pod.written(one, f"{container.name} shows Running") for one in early[:1]))
        line = pod.mains if container in pod.mains else [*pod.inits, *pod.mains[:1]]
        for first, following in pairs(line):
            if first is container and run is container.runs[0] and following.runs:
                next_run = following.runs[0]
                if next_run.start > run.start:
                    yield judge(next_run.start >= over, shown[-1], pod.started(following, next_run))


def poststart_failure_kills(pod: PodStory) -> Iterator[Finding]:
    """A container whose postStart fails ends, and an Event says so."""
    for container, run, hook in _hooks(pod, "postStart"):
        if hook.code in (0, None) or hook.exit is None or _cut_off(run, hook):
            continue
        limit = hook.exit + pod.grace + MINIMUM_GRACE + REACTION
        if run.exit is None and limit >= pod.ended:
            continue
        told = any(True for _ in pod.events("FailedPostStartHook", container.name))
        held = run.exit is not None and run.exit <= limit and told
        said = "" if told else "no Event FailedPostStartHook"
        known = "" if told else _kept_back(pod, hook)
        yield judge(held, _ended(pod, container, run, hook), pod.exited(container, run), said=said, known=known)


def prestop_before_sigterm(pod: PodStory) -> Iterator[Finding]:
    """The container is told to stop when preStop has ended, or when it was cut off by the grace."""
    for container, run, hook in _hooks(pod, "preStop"):
        stop = stop_of(run)
        if stop is None or stop.at < hook.start:
            continue
        cut = hook.start + _grace(pod, container, run, hook) - SECOND
        held = (hook.exit is not None and hook.exit <= stop.at) or stop.at >= cut
        yield judge(held, _ended(pod, container, run, hook), pod.stopped(container, run))


def prestop_counts_against_grace(pod: PodStory) -> Iterator[Finding]:
    """What preStop took is missing from the grace of the stop, of which at least 2 s are left."""
    for container, run, hook in _hooks(pod, "preStop"):
        stop = stop_of(run)
        if stop is None or stop.at < hook.start or (run.exit is not None and run.exit <= stop.at):
            continue
        took = (min(hook.exit, stop.at) if hook.exit is not None else stop.at) - hook.start
        grace = _grace(pod, container, run, hook)
        left = max((grace - took) // SECOND + 1, MINIMUM_GRACE // SECOND)
        said = f"{stop.grace} s are given, of {grace // SECOND} s"
        kill = kill_of(run)
        shown = [pod.moment(container, run, "signal", kill)] if kill is not None else []
        held = stop.grace <= left and (kill is None or kill <= stop.at + left * SECOND + REACTION)
        yield judge(held, _began(pod, container, run, hook), pod.stopped(container, run), *shown, said=said)


def prestop_extension(pod: PodStory) -> Iterator[Finding]:
    """A preStop that outlasts the grace is left alone: the stop comes then, with 2 s."""
    for container, run, hook in _hooks(pod, "preStop"):
        grace, stop = _grace(pod, container, run, hook), stop_of(run)
        over = hook.start + grace
        ended = hook.exit if hook.exit is not None else pod.ended
        if ended <= over or stop is None or stop.at < over - SECOND or (run.exit or pod.ended) <= over:
            continue
        held = stop.at <= over + REACTION and stop.grace == MINIMUM_GRACE // SECOND
        yield judge(held, Moment(over, "the grace is over"), pod.stopped(container, run), said=f"with {stop.grace} s")


def prestop_not_on_completion(pod: PodStory) -> Iterator[Finding]:
    """A container that ends by itself gets no preStop."""
    for container in pod.containers:
        for run in container.runs if container.handler("preStop") else ():
            if run.exit is None or stop_of(run) is not None:
                continue
            hooks = container.execs(run, "preStop")
            uncalled = [one for one in hooks if one.start < pod.begin and not pod.excused_stop(container, run)]
            if uncalled or not hooks:
                shown = [_began(pod, container, run, one) for one in uncalled]
                yield judge(not uncalled, *shown, pod.exited(container, run))


def prestop_failure_kills(pod: PodStory) -> Iterator[Finding]:
    """A preStop that fails is told of in an Event, and the stop goes on."""
    for container, run, hook in _hooks(pod, "preStop"):
        if hook.code in (0, None) or hook.exit is None or _cut_off(run, hook):
            continue
        stop, limit = stop_of(run), hook.exit + REACTION
        told = any(at >= hook.start for _, at in pod.events("FailedPreStopHook", container.name))
        in_turn = stop is not None or limit >= pod.ended
        if container in pod.mains:
            in_turn = in_turn and (stop is None or stop.at <= limit)
        said = "" if told else "no Event FailedPreStopHook"
        known = "" if told else _kept_back(pod, hook)
        moments = _ended(pod, container, run, hook), pod.stopped(container, run)
        yield judge(in_turn and told, *moments, said=said, known=known)


def at_least_once(pod: PodStory) -> Iterator[Finding]:
    """Each container with a preStop process that the kubelet stops with a grace has it run, once."""
    for container in pod.containers:
        handler = container.handler("preStop")
        for run in container.runs if handler and handler.get("exec") else ():
            stop = stop_of(run)
            zero = bool(pod.deletions) and pod.deletions[0].grace == 0
            if stop is None or zero or pod.is_evicted or pod.grace == 0 or pod.restarts_all:
                continue
            hooks = container.execs(run, "preStop")
            held = len(hooks) == 1 or (len(hooks) > 1 and len(pod.deletions) > 1)
            yield judge(held, pod.stopped(container, run), said=f"preStop ran {len(hooks)} times")


def sleep_hook(pod: PodStory) -> Iterator[Finding]:
    """A sleep hook holds up the stop for its seconds, or until the grace is over."""
    for container in pod.containers:
        handler = container.handler("preStop")
        if not handler or not handler.get("sleep"):
            continue
        run = container.run_at(pod.begin) if pod.deletions and not pod.is_evicted else None
        stop = stop_of(run) if run else None
        if run is None or stop is None or pod.excused_stop(container, run) or len(pod.deletions) > 1:
            continue
        length = min(hook_length(None, handler), max(pod.deadline - pod.begin - SECOND, 0))
        begun = Moment(pod.begin, "termination begins")
        yield judge(stop.at >= pod.begin + length, begun, pod.stopped(container, run))


CHECKS: Final = (
    Check("hook-poststart-concurrent", poststart_concurrent),
    Check("hook-poststart-blocks-running", poststart_blocks_running),
    Check("hook-poststart-failure-kills", poststart_failure_kills, remarks=(_TOO_MANY_EVENTS,)),
    Check("hook-prestop-before-sigterm", prestop_before_sigterm),
    Check("hook-prestop-counts-against-grace", prestop_counts_against_grace, not_kept=(GRACE_TWICE, NOT_SHORTENED)),
    Check("hook-prestop-extension", prestop_extension, not_kept=(GRACE_TWICE, NOT_SHORTENED)),
    Check("hook-prestop-not-on-completion", prestop_not_on_completion),
    Check("hook-prestop-failure-kills", prestop_failure_kills, remarks=(_TOO_MANY_EVENTS,)),
    Check("hook-at-least-once", at_least_once),
    Check("hook-sleep", sleep_hook, scope=gate("PodLifecycleSleepAction", "1.29 alpha, on from 1.30")),
)
