"""Sidecars at the beginning: what they are, when they count as started, and who waits for that."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.containers import ContainerStory, Role
from kubesim.guarantees.restart import restarted_in_time
from kubesim.guarantees.scopes import (
    OLD_MAINS_COUNT,
    PROBES_END,
    SIDECARS,
    SIDECARS_UNKNOWN,
    STARTED_KEPT,
    STATUS_STUCK,
    started_kept,
)
from kubesim.guarantees.story import REACTION, TERMINAL, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import Run


def _followers(pod: PodStory) -> Iterator[tuple[ContainerStory, ContainerStory, Run]]:
    """Each init container with the one after it, or the first main, and that one's first run in each generation."""
    line = [*pod.inits, *pod.mains[:1]]
    for window in () if pod.restarts_all else pod.windows:
        for container, following in itertools.pairwise(line):
            runs = following.runs_in(window)
            if runs and container.runs_in(window):
                yield container, following, runs[0]


def _first_in(container: ContainerStory, at: int) -> Run | None:
    return next((run for run in reversed(container.runs) if run.start <= at), None)


def definition(pod: PodStory) -> Iterator[Finding]:
    """Exactly the init containers with restartPolicy Always are passed while they run."""
    for container, following, run in _followers(pod):
        own = _first_in(container, run.start)
        if own is None:
            continue
        alive = container.alive(run.start)
        held = container.role is Role.SIDECAR or not alive
        if alive or container.role is Role.SIDECAR:
            yield judge(
                held, pod.started(container, own), pod.started(following, run), said=f"a {container.role.value}"
            )


def starts_before_later_inits(pod: PodStory) -> Iterator[Finding]:
    """A sidecar in front of a regular init is started before it, and runs while it does unless it ends by itself."""
    window = pod.windows[0]
    for sidecar in pod.sidecars:
        for later in pod.regular_inits:
            runs = later.runs_in(window)
            if later.index < sidecar.index or not runs:
                continue
            at = pod.satisfied(sidecar, window)
            up = Moment(
                at if at is not None else pod.ended, f"{sidecar.name} {'is' if at is not None else 'never was'} started"
            )
            yield judge(at is not None and at <= runs[0].start, up, pod.started(later, runs[0]))


def next_init_waits_started(pod: PodStory) -> Iterator[Finding]:
    """What follows a sidecar begins once that is started; neither its exit nor its readiness is waited for."""
    yield from _never_followed(pod)
    for sidecar, following, run in _followers(pod):
        if sidecar.role is not Role.SIDECAR or run.start not in pod.windows[0]:
            continue
        at = pod.satisfied(sidecar, pod.windows[0])
        up = Moment(
            at if at is not None else pod.ended, f"{sidecar.name} {'is' if at is not None else 'never was'} started"
        )
        in_time = at is not None and at <= run.start
        smooth = not _pulled(pod, following) and run.number == 0 and len(sidecar.runs_in(pod.windows[0])) == 1
        if in_time and smooth and at is not None:
            in_time = run.start <= at + 2 * REACTION or pod.is_held_up(following, at, run.start)
        yield judge(in_time, up, pod.started(following, run))


def _pulled(pod: PodStory, container: ContainerStory) -> bool:
    """Whether its image was pulled, which takes as long as it takes."""
    return any(one.reason == "Pulling" and f"{{{container.name}}}" in one.field_path for one in pod.life.events)


def _never_followed(pod: PodStory) -> Iterator[Finding]:
    """Sidecars that were started, with time enough for what follows them to begin: but it never did."""
    window = pod.windows[0]
    for sidecar, following in itertools.pairwise([*pod.inits, *pod.mains[:1]]):
        at = pod.satisfied(sidecar, window)
        if sidecar.role is not Role.SIDECAR or at is None or following.runs or len(sidecar.runs) != 1:
            continue
        due = at + 2 * REACTION
        if due < min(pod.term, pod.ended) and not _pulled(pod, following) and not pod.is_held_up(following, at, due):
            up = Moment(at, f"{sidecar.name} is started")
            yield judge(False, up, Moment(due, f"{following.name} has not begun"))


def _started_seen(pod: PodStory, sidecar: ContainerStory, run: Run) -> Iterator[Finding]:
    """status.started is true from when the sidecar counts as started, and not before."""
    due = pod.started_at(sidecar, run)
    shown = [one for one in sidecar.statuses_of(run) if one.raw.get("started")]
    early = [one for one in shown if one.at < (due if due is not None else pod.ended)]
    if early:
        shown_early = pod.written(early[0], f"{sidecar.name} has started: true")
        known = started_kept(pod, run) if early[0].state == "running" and sidecar.probe("startup") else ""
        yield judge(False, pod.started(sidecar, run), shown_early, known=known)
        return
    lifetime = sidecar.lifetime(run)
    if due is None or min(lifetime.end, pod.term, pod.ended) <= due + REACTION or pod.is_held_up(sidecar, due, due):
        return
    moment = Moment(due, f"{sidecar.name} ought to count as started")
    seen = pod.written(shown[0], "started: true") if shown else Moment(due + REACTION, "started is not true")
    if pod.is_held_up(sidecar, due, min(seen.at, due + REACTION)):
        return
    yield judge(bool(shown) and shown[0].at <= due + REACTION, moment, seen)


def started_no_probe(pod: PodStory) -> Iterator[Finding]:
    """Without a startup probe: as soon as its process runs and postStart is done."""
    for sidecar in pod.sidecars:
        if not sidecar.probe("startup"):
            for run in sidecar.runs:
                yield from _started_seen(pod, sidecar, run)


def started_with_startup_probe(pod: PodStory) -> Iterator[Finding]:
    """With a startup probe: once that has succeeded."""
    for sidecar in pod.sidecars:
        if sidecar.probe("startup"):
            for run in sidecar.runs:
                yield from _started_seen(pod, sidecar, run)
                yield from _probed_at_all(pod, sidecar, run)


def _probed_at_all(pod: PodStory, sidecar: ContainerStory, run: Run) -> Iterator[Finding]:
    """A run that lasted long past its whole startup budget was judged by its probe, one way or the other."""
    probe = sidecar.probe("startup") or {}
    period, tries = int(probe.get("periodSeconds", 10)), int(probe.get("failureThreshold", 3))
    budget = (
        int(probe.get("initialDelaySeconds", 0)) + (tries + 1) * (period + int(probe.get("timeoutSeconds", 1)))
    ) * 10**9
    judged = [*sidecar.results(run, "startup", "Success"), *sidecar.results(run, "startup", "Failure")]
    limit = run.start + budget + REACTION
    if not judged and min(sidecar.lifetime(run).end, pod.term, pod.ended) > limit:
        said = f"no startup probe of {sidecar.name} has come to a result"
        yield judge(False, pod.started(sidecar, run), Moment(limit, said))


def never_started_blocks_init(pod: PodStory) -> Iterator[Finding]:
    """While a sidecar never was started nothing after it starts, and the Pod is Pending, not Initialized."""
    window = pod.windows[0]
    for sidecar in pod.sidecars:
        if not sidecar.runs or pod.satisfied(sidecar, window) is not None or len(pod.windows) > 1:
            continue
        first = pod.started(sidecar, sidecar.runs[0])
        passed = [(one, one.runs[0]) for one in (*pod.inits[sidecar.index + 1 :], *pod.mains) if one.runs]
        for one, run in passed:
            yield judge(False, first, pod.started(one, run), said=f"{sidecar.name} never was started")
        for version, status in pod.statuses:
            if version.at >= pod.term or version.at < sidecar.runs[0].start or status.get("phase") in TERMINAL:
                continue
            conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
            held = status.get("phase") == "Pending" and conditions.get("Initialized") != "True"
            yield judge(held, first, pod.written(version, f"the phase is {status.get('phase')}"))


def startup_failure_restarts_under_never(pod: PodStory) -> Iterator[Finding]:
    """Under Never a sidecar that ends before it was started runs again, and the Pod does not fail for it."""
    for sidecar in pod.sidecars if pod.policy == "Never" else ():
        failed = [run for run in sidecar.runs if run.exit is not None and pod.started_at(sidecar, run) is None]
        for run in failed:
            if run.exit is not None and run.exit < pod.term:
                over = next((one for one in pod.life.phases if one.phase == "Failed" and one.at < pod.term), None)
                if over is not None and pod.satisfied(sidecar, pod.windows[0]) is None:
                    yield judge(False, pod.exited(sidecar, run), Moment(over.at, "the Pod is Failed"))
        yield from restarted_in_time(pod, sidecar, failed)


def readiness_counts(pod: PodStory) -> Iterator[Finding]:
    """While a sidecar with a readiness probe is not ready, neither are the Pod's containers."""
    for sidecar in pod.sidecars:
        for status in sidecar.statuses if sidecar.probe("readiness") else ():
            conditions = (status.pod.get("status") or {}).get("conditions") or ()
            ready = next((one["status"] for one in conditions if one["type"] == "ContainersReady"), None)
            if ready is not None and not status.raw.get("ready"):
                said = f"{sidecar.name} is not ready, ContainersReady is {ready}"
                yield judge(ready != "True", pod.written(status, said))


def old_node_regular_init(pod: PodStory) -> Iterator[Finding]:
    """A node that does not know the field waits for the exit of the container, and does not run it again after 0."""
    for container in pod.regular_inits:
        if container.spec.get("restartPolicy") != "Always":
            continue
        for earlier, following, run in _followers(pod):
            own = _first_in(container, run.start)
            if earlier is container and own is not None:
                held = not container.alive(run.start) and own.code == 0
                yield judge(held, pod.exited(container, own), pod.started(following, run))
        for run in container.runs:
            after = container.after(run)
            if run.code == 0 and after is not None and len(pod.windows) == 1:
                yield judge(False, pod.exited(container, run), pod.started(container, after))
        later = [one for one in (*pod.inits[container.index + 1 :], *pod.mains) if one.runs]
        if container.runs and container.runs[-1].exit is None and not later:
            last = Moment(pod.ended, f"the phase is {pod.life.phase}, nothing else has started")
            yield judge(pod.life.phase in ("Pending", "Failed"), pod.started(container, container.runs[0]), last)


def needs_apiserver_and_every_node(pod: PodStory) -> Iterator[Finding]:
    """What a stored sidecar becomes depends on its node: a sidecar, a regular init container, or a rejection."""
    treated = pod.kubelet.policy("sidecar_field_at_kubelet")
    fields = [one for one in pod.inits if one.spec.get("restartPolicy") == "Always"]
    if not pod.node or not fields:
        return
    ran = [run for one in pod.containers for run in one.runs]
    if treated == "reject":
        over = next((one for one in pod.life.phases if one.phase == "Failed"), None)
        moment = Moment(over.at if over else pod.ended, "rejected" if over else f"the phase is {pod.life.phase}")
        if over or pod.ended > pod.life.created + REACTION:
            yield judge(over is not None and not ran, moment)
        return
    for container, following, run in _followers(pod):
        if container in fields:
            alive = container.alive(run.start)
            held = treated == "honour" or not alive
            if alive or treated != "honour":
                yield judge(
                    held, pod.started(following, run), said=f"{container.name} {'runs' if alive else 'has ended'}"
                )


CHECKS: Final = (
    Check("sidecar-definition", definition, not_kept=(OLD_MAINS_COUNT,)),
    Check("sidecar-starts-before-later-inits", starts_before_later_inits, scope=SIDECARS),
    Check("sidecar-next-init-waits-started", next_init_waits_started, scope=SIDECARS, not_kept=(PROBES_END,)),
    Check("sidecar-started-no-probe", started_no_probe, scope=SIDECARS, not_kept=(STATUS_STUCK,)),
    Check(
        "sidecar-started-with-startup-probe",
        started_with_startup_probe,
        scope=SIDECARS,
        not_kept=(PROBES_END, STATUS_STUCK),
        remarks=(STARTED_KEPT,),
    ),
    Check("sidecar-never-started-blocks-init", never_started_blocks_init, scope=SIDECARS, not_kept=(PROBES_END,)),
    Check("sidecar-startup-failure-restarts-under-never", startup_failure_restarts_under_never, scope=SIDECARS),
    Check("sidecar-readiness-counts", readiness_counts, scope=SIDECARS),
    Check("sidecar-old-node-regular-init", old_node_regular_init, scope=SIDECARS_UNKNOWN),
    Check("sidecar-needs-apiserver-and-every-node", needs_apiserver_and_every_node),
)
