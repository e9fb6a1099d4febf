"""Init containers: their order, their retries, and what runs again when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.containers import FOREVER, ContainerStory, Role, Window
from kubesim.guarantees.restart import restarted_in_time
from kubesim.guarantees.scopes import OLD_MAINS_COUNT
from kubesim.guarantees.story import IMAGE_REASONS, MINIMUM_GRACE, REACTION, PodStory, pairs
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import SANDBOX, Run
from kubesim.objects.status import instant_of
from kubesim.units import SECOND

PULLING: Final = "while an image is pulled for a Pod its worker does nothing else: the deadline is seen after that"


def _in_order(pod: PodStory, items: list[ContainerStory], window: Window) -> Iterator[Finding]:
    """Each item began after all init containers before it let it."""
    for place, later in enumerate(items):
        first = next(iter(later.runs_in(window)), None)
        if first is None:
            continue
        for earlier in pod.inits[:place] if later.role is not Role.MAIN else pod.inits:
            at = pod.satisfied(earlier, window)
            word = "is started" if earlier.role is Role.SIDECAR else "has completed"
            done = Moment(
                at if at is not None else pod.ended, f"{earlier.name} {word if at is not None else 'never was'}"
            )
            yield judge(at is not None and at <= first.start, done, pod.started(later, first))


def sequential_order(pod: PodStory) -> Iterator[Finding]:
    """Init containers begin in the order of the list, each when those before it are satisfied; in each generation."""
    for window in () if pod.restarts_all else pod.windows:
        yield from _in_order(pod, pod.inits, window)


def each_succeeds_before_next(pod: PodStory) -> Iterator[Finding]:
    """The one after a regular init container begins when that has exited with 0, and it does not run again."""
    for window in () if pod.restarts_all else pod.windows:
        for earlier, later in pairs(pod.inits):
            first = next(iter(later.runs_in(window)), None)
            if earlier.role is not Role.INIT or first is None:
                continue
            done = next((run for run in earlier.runs_in(window) if run.code == 0 and run.exit is not None), None)
            again = next((run for run in earlier.runs_in(window) if run.start >= first.start), None)
            held = done is not None and (done.exit or 0) <= first.start and again is None
            yield judge(held, pod.moment(earlier, done, "exit", done.exit if done else None), pod.started(later, first))


def mains_after_all_inits(pod: PodStory) -> Iterator[Finding]:
    """The first start of each main in a generation is after all regular inits' success and all sidecars' start."""
    for window in () if pod.restarts_all else pod.windows:
        yield from _in_order(pod, pod.mains, window)


def retry_unless_never(pod: PodStory) -> Iterator[Finding]:
    """A failed regular init container runs again, after its back-off, unless the policy is Never."""
    for container in pod.regular_inits:
        yield from restarted_in_time(pod, container, [run for run in container.runs if run.code])


def never_failure_fails_pod(pod: PodStory) -> Iterator[Finding]:
    """Under Never the first failure of a regular init fails the Pod: nothing later starts, sidecars end first."""
    for container in pod.regular_inits if pod.policy == "Never" else ():
        failed = next((run for run in container.runs if run.code and run.exit is not None), None)
        if failed is None or failed.exit is None or pod.restart_is_due(container, failed):
            continue
        later = [*pod.inits[container.index + 1 :], *pod.mains, container]
        for one in later:
            for run in one.runs:
                if run.start > failed.exit:
                    yield judge(False, pod.exited(container, failed), pod.started(one, run))
        over = next((one for one in pod.life.phases if one.phase in ("Failed", "Succeeded")), None)
        limit = failed.exit + pod.grace + MINIMUM_GRACE + REACTION
        if over is not None:
            alive = any(one.alive(over.at) for one in pod.containers)
            said = "a container still runs then" if alive else ""
            phase = Moment(over.at, f"the phase is {over.phase}")
            yield judge(over.phase == "Failed" and not alive, pod.exited(container, failed), phase, said=said)
        elif pod.life.gone is None and limit < pod.ended:
            yield judge(False, pod.exited(container, failed), Moment(pod.ended, f"the phase is {pod.life.phase} still"))


def _again_after_success(pod: PodStory, container: ContainerStory) -> Iterator[Finding]:
    for window in pod.windows:
        runs = container.runs_in(window)
        for place, run in enumerate(runs):
            if run.code == 0 and run.exit is not None:
                again = runs[place + 1] if place + 1 < len(runs) else None
                yield judge(
                    again is None, pod.exited(container, run), *([pod.started(container, again)] if again else [])
                )


def always_means_onfailure(pod: PodStory) -> Iterator[Finding]:
    """Under Always the success of a regular init container is final within a generation."""
    if pod.policy == "Always" and not pod.restarts_all:
        for container in pod.regular_inits:
            yield from _again_after_success(pod, container)


def not_rerun_by_main_crash(pod: PodStory) -> Iterator[Finding]:
    """Between the exit of a main and its next start, in one generation, no regular init container starts."""
    for main in pod.mains if pod.regular_inits and not pod.restarts_all else ():
        for run in main.runs:
            following = main.after(run)
            if following is None or run.exit is None:
                continue
            if any(following.start in window and run.exit < window.start for window in pod.windows):
                continue
            span = Window(run.exit + 1, following.start + 1)
            reruns = [(one, again) for one in pod.regular_inits for again in one.runs_in(span)]
            shown = [pod.started(one, again) for one, again in reruns]
            yield judge(not reruns, pod.exited(main, run), *shown, pod.started(main, following))


def rerun_on_sandbox_loss(pod: PodStory) -> Iterator[Finding]:
    """In a new sandbox all init containers run again before anything else."""
    for window in pod.windows[1:] if pod.inits else ():
        firsts = [(one, runs[0]) for one in (*pod.inits, *pod.mains) if (runs := one.runs_in(window))]
        if not firsts:
            continue
        begun = min(firsts, key=lambda pair: pair[1].start)
        ready = all(one.runs_in(window) for one in pod.inits) or all(one.role is not Role.MAIN for one, _ in firsts)
        sandbox = Moment(window.start, "a new sandbox is ready")
        yield judge(begun[0] is pod.inits[0] and ready, sandbox, pod.started(*begun))


def waits_for_network_and_storage(pod: PodStory) -> Iterator[Finding]:
    """The first init container starts in a sandbox that is up."""
    sandbox = pod.life.containers.get(SANDBOX)
    first = pod.inits[0].runs[0] if pod.inits and pod.inits[0].runs else None
    if first is None or (sandbox is None and not _knows_sandboxes(pod)):
        return
    up = sandbox.runs[0].start if sandbox and sandbox.runs else FOREVER
    moment = Moment(min(up, pod.ended), "the sandbox is ready" if up < FOREVER else "the sandbox never was ready")
    yield judge(up <= first.start, moment, pod.started(pod.inits[0], first))


def _knows_sandboxes(pod: PodStory) -> bool:
    return any(record.container == SANDBOX for record in pod.history.runtime)


def deadline_exceeded(pod: PodStory) -> Iterator[Finding]:
    """activeDeadlineSeconds after status.startTime the Pod is terminated, and ends Failed as DeadlineExceeded."""
    seconds = pod.spec.get("activeDeadlineSeconds")
    begun = next((instant_of(status["startTime"]) for _, status in pod.statuses if status.get("startTime")), None)
    if seconds is None or begun is None:
        return
    due = begun + int(seconds) * SECOND
    ended_before = any(one.phase in ("Succeeded", "Failed") and one.at < due for one in pod.life.phases)
    undecided = pod.begin == FOREVER and due + REACTION + SECOND >= pod.ended
    if ended_before or pod.term < due or undecided:
        return
    moments = [Moment(begun, "startTime"), Moment(due, "the deadline")]
    held = pod.begin <= due + REACTION + SECOND
    acted = Moment(min(pod.begin, pod.ended), "the Pod is terminated" if held else "nothing happened")
    yield judge(held, *moments, acted, known=PULLING if pod.is_pulling(due, acted.at) else "")
    final = next(
        ((one, status) for one, status in pod.statuses if status.get("phase") in ("Succeeded", "Failed")), None
    )
    if final is not None:
        version, status = final
        said = f"phase {status.get('phase')}, reason {status.get('reason') or 'none'}"
        held = (status.get("phase"), status.get("reason")) == ("Failed", "DeadlineExceeded")
        yield judge(held, *moments, pod.written(version, said))


def deadline_includes_inits(pod: PodStory) -> Iterator[Finding]:
    """The same for a Pod with init containers: their time counts."""
    if pod.inits:
        yield from deadline_exceeded(pod)


def waiting_reason(pod: PodStory) -> Iterator[Finding]:
    """While inits run, what has not started waits with reason PodInitializing, or for its image."""
    first = pod.inits[0].runs[0] if pod.inits and pod.inits[0].runs else None
    if first is None:
        return
    for container in (*pod.inits[1:], *pod.mains):
        until = min(container.runs[0].start if container.runs else FOREVER, pod.term)
        for status in container.statuses:
            if not first.start <= status.at < until or status.at > pod.windows[0].end:
                continue
            if status.state == "waiting" and status.reason not in (*IMAGE_REASONS, "ContainerCreating"):
                said = f"{container.name} is {status.state}: {status.reason}"
                yield judge(status.reason == "PodInitializing", pod.written(status, said))


def image_change_no_restart(pod: PodStory) -> Iterator[Finding]:
    """A new image of a regular init that has completed starts nothing."""
    for container in pod.regular_inits:
        done = next((run for run in container.runs if run.code == 0 and run.exit is not None), None)
        for version in pod.versions:
            specs = (version.object.get("spec") or {}).get("initContainers") or ()
            now = next((one for one in specs if one["name"] == container.name), container.spec)
            if done is None or now.get("image") == container.spec.get("image") or version.at < (done.exit or 0):
                continue
            again: Run | None = next((run for run in container.runs if run.start > version.at), None)
            if again is None or len(pod.windows) == 1:
                shown = [pod.started(container, again)] if again else []
                yield judge(again is None, pod.written(version, f"{container.name} has a new image"), *shown)
            break


CHECKS: Final = (
    Check("init-sequential-order", sequential_order, not_kept=(OLD_MAINS_COUNT,)),
    Check("init-each-succeeds-before-next", each_succeeds_before_next, not_kept=(OLD_MAINS_COUNT,)),
    Check("init-mains-after-all-inits", mains_after_all_inits, not_kept=(OLD_MAINS_COUNT,)),
    Check("init-retry-unless-never", retry_unless_never),
    Check("init-never-failure-fails-pod", never_failure_fails_pod),
    Check("init-always-means-onfailure", always_means_onfailure),
    Check("init-not-rerun-by-main-crash", not_rerun_by_main_crash),
    Check("init-rerun-on-sandbox-loss", rerun_on_sandbox_loss, not_kept=(OLD_MAINS_COUNT,)),
    Check("init-waits-for-network-and-storage", waits_for_network_and_storage),
    Check("init-deadline-includes-inits", deadline_includes_inits, remarks=(PULLING,)),
    Check("init-waiting-reason", waiting_reason),
    Check("init-image-change-no-restart", image_change_no_restart),
)
