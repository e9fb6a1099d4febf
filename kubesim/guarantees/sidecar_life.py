"""Sidecars while the Pod lives: they run on, are restarted for themselves, and do not hold up its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.containers import ContainerStory, hook_length, stop_of
from kubesim.guarantees.restart import restarted_in_time
from kubesim.guarantees.scopes import IMAGE_CHANGE_IGNORED, PROBES_END, SIDECARS, WAITS_FOR_ABSENT
from kubesim.guarantees.story import MINIMUM_GRACE, REACTION, TERMINAL, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import Run


def runs_through_pod_life(pod: PodStory) -> Iterator[Finding]:
    """The kubelet stops no started sidecar before the Pod terminates, but for the sidecar's own probes and changes."""
    for sidecar in pod.sidecars:
        for run in sidecar.runs:
            up, stop = pod.started_at(sidecar, run), stop_of(run)
            if up is None:
                continue
            early = stop is not None and stop.at < pod.begin and not pod.excused_stop(sidecar, run)
            if stop is not None and pod.starts_over(run.start, stop.at + pod.grace + 10 * REACTION):
                continue
            if early or any(main.runs for main in pod.mains):
                shown = [pod.stopped(sidecar, run)] if early else []
                yield judge(not early, Moment(up, f"{sidecar.name} is started"), *shown)


def _exits_before_term(pod: PodStory, sidecar: ContainerStory) -> list[Run]:
    return [run for run in sidecar.runs if run.exit is not None and run.exit < pod.term]


def restarts_after_any_exit(pod: PodStory) -> Iterator[Finding]:
    """A sidecar runs again after every exit while the Pod does not terminate."""
    for sidecar in pod.sidecars:
        yield from restarted_in_time(pod, sidecar, _exits_before_term(pod, sidecar))


def restarts_under_never(pod: PodStory) -> Iterator[Finding]:
    """Under Never mains run once, while sidecars are restarted."""
    if pod.policy != "Never" or not pod.sidecars:
        return
    for main in pod.mains:
        for run in main.runs[1:]:
            if len(pod.windows) == 1 and not pod.restarts_all and not main.spec.get("restartPolicy"):
                yield judge(False, pod.exited(main, main.runs[0]), pod.started(main, run))
    yield from restarts_after_any_exit(pod)


def restart_does_not_touch_others(pod: PodStory) -> Iterator[Finding]:
    """Between the exit of a sidecar and its next start the kubelet stops no other container for it."""
    for sidecar in pod.sidecars if not pod.restarts_all else ():
        for run in _exits_before_term(pod, sidecar):
            following = sidecar.after(run)
            if following is None or run.exit is None:
                continue
            touched = list(pod.stops_between(run.exit, following.start, sidecar))
            shown = [pod.stopped(other, hit) for other, hit in touched]
            if len(pod.windows) == 1:
                yield judge(not touched, pod.exited(sidecar, run), *shown, pod.started(sidecar, following))


def liveness_restart_only_self(pod: PodStory) -> Iterator[Finding]:
    """A failed liveness probe of a sidecar has it stopped in time, and nothing else, and started again.

    A stop that the end of the Pod brings is none for the probe.
    """
    for sidecar in pod.sidecars:
        for run in sidecar.runs:
            failure = next((one for _, one in sidecar.results(run, "liveness", "Failure")), None)
            if failure is None or failure.at >= pod.term:
                continue
            stop = stop_of(run)
            process = next(iter(sidecar.execs(run, "preStop")), None)
            limit = failure.at + hook_length(process, sidecar.handler("preStop")) + REACTION
            touched = list(pod.stops_between(failure.at, run.exit or pod.ended, sidecar))
            shown = [pod.stopped(other, hit) for other, hit in touched]
            moment = Moment(failure.at, f"the liveness probe of {sidecar.name} has failed")
            if stop is not None and stop.at <= limit and stop.at < pod.begin:
                yield judge(not touched, moment, pod.stopped(sidecar, run), *shown)
            elif limit < min(pod.begin, pod.ended, run.exit or limit + 1) and not pod.is_held_up(
                sidecar, failure.at, limit
            ):
                yield judge(False, moment, pod.stopped(sidecar, run), *shown)
            if run.exit is not None and run.exit < pod.term:
                yield from restarted_in_time(pod, sidecar, [run])


def not_block_completion(pod: PodStory) -> Iterator[Finding]:
    """When all mains have ended for good the sidecars end within the grace, and the phase becomes terminal."""
    done = pod.mains_done
    if done is None or not pod.sidecars:
        return
    kill = max(done, pod.begin)
    limit = kill + pod.grace + MINIMUM_GRACE + 2 * REACTION
    if limit >= pod.ended and pod.life.phase not in TERMINAL:
        return
    for sidecar in pod.sidecars:
        last = sidecar.runs[-1] if sidecar.runs else None
        if last is not None:
            held = last.exit is not None and last.exit <= limit
            yield judge(held, Moment(done, "the last main has ended"), pod.exited(sidecar, last))
    over = next((one for one in pod.life.phases if one.phase in TERMINAL), None)
    due = limit + REACTION
    moment = Moment(over.at if over else due, f"the phase is {over.phase if over else pod.life.phase}")
    if not pod.is_forced:
        yield judge(over is not None and over.at <= due, Moment(done, "the last main has ended"), moment)


def exit_code_ignored_for_phase(pod: PodStory) -> Iterator[Finding]:
    """A terminal phase is Succeeded exactly if each main's last exit code is 0, whatever the sidecars' are."""
    ended = [one for one in pod.sidecars if one.runs and one.runs[-1].exit is not None]
    if not ended or pod.is_evicted or not all(main.runs for main in pod.mains):
        return
    over = next((one for one in pod.life.phases if one.phase in TERMINAL), None)
    lasts = [main.runs[-1] for main in pod.mains]
    if over is None or any(run.exit is None for run in lasts):
        return
    succeeded = all(run.code == 0 for run in lasts)
    shown = [pod.exited(one, one.runs[-1]) for one in (*pod.mains, *ended)]
    held = (over.phase == "Succeeded") == succeeded
    yield judge(held, *shown, Moment(over.at, f"the phase is {over.phase}"))


def no_clean_shutdown_promise(pod: PodStory) -> Iterator[Finding]:
    """A sidecar that the kubelet ended with a failure does not make the Pod fail."""
    for sidecar in pod.sidecars:
        last = sidecar.runs[-1] if sidecar.runs else None
        if last is None or not last.code or stop_of(last) is None or (last.exit or 0) < pod.begin:
            continue
        for finding in exit_code_ignored_for_phase(pod):
            yield judge(finding.held, pod.exited(sidecar, last), *finding.moments[-1:])


def no_restart_during_termination(pod: PodStory) -> Iterator[Finding]:
    """A sidecar that ends once the Pod terminates stays down."""
    for sidecar in pod.sidecars:
        for run in sidecar.runs:
            if run.exit is not None and run.exit >= pod.begin:
                following = sidecar.after(run)
                shown = [pod.started(sidecar, following)] if following else []
                yield judge(following is None, Moment(pod.begin, "termination"), pod.exited(sidecar, run), *shown)


def image_change_restarts_container(pod: PodStory) -> Iterator[Finding]:
    """A new image of a running sidecar has that container stopped and started again, and no other touched."""
    for sidecar in pod.sidecars:
        for version in pod.versions:
            specs = (version.object.get("spec") or {}).get("initContainers") or ()
            now = next((one for one in specs if one["name"] == sidecar.name), sidecar.spec)
            hit = sidecar.run_at(version.at)
            if now.get("image") == sidecar.spec.get("image"):
                continue
            if hit is None or version.at >= pod.term:
                break
            change = pod.written(version, f"{sidecar.name} has a new image")
            stop = stop_of(hit)
            if stop is not None or version.at + REACTION < min(pod.term, pod.ended):
                until = min(pod.begin, version.at + REACTION)
                others_hit = [
                    one.name for one in pod.containers for run in one.runs
                    if one is not sidecar and (other := stop_of(run)) and version.at <= other.at < until
                ]  # fmt: skip
                yield judge(stop is not None and not others_hit, change, pod.stopped(sidecar, hit))
            break


CHECKS: Final = (
    Check("sidecar-runs-through-pod-life", runs_through_pod_life, scope=SIDECARS),
    Check("sidecar-restarts-after-any-exit", restarts_after_any_exit, scope=SIDECARS),
    Check("sidecar-restarts-under-never", restarts_under_never, scope=SIDECARS),
    Check("sidecar-restart-does-not-touch-others", restart_does_not_touch_others, scope=SIDECARS),
    Check("sidecar-liveness-restart-only-self", liveness_restart_only_self, scope=SIDECARS, not_kept=(PROBES_END,)),
    Check("sidecar-not-block-completion", not_block_completion, scope=SIDECARS, not_kept=(WAITS_FOR_ABSENT,)),
    Check("sidecar-exit-code-ignored-for-phase", exit_code_ignored_for_phase, scope=SIDECARS),
    Check("sidecar-no-clean-shutdown-promise", no_clean_shutdown_promise, scope=SIDECARS),
    Check("sidecar-no-restart-during-termination", no_restart_during_termination, scope=SIDECARS),
    Check(
        "sidecar-image-change-restarts-container",
        image_change_restarts_container,
        scope=SIDECARS,
        not_kept=(IMAGE_CHANGE_IGNORED,),
    ),
)
