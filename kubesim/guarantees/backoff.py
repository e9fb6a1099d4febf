"""Delays between restarts and between image pulls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.containers import ContainerStory, stop_of
from kubesim.guarantees.restart import LATE, delays
from kubesim.guarantees.scopes import gate
from kubesim.guarantees.story import IMAGE_REASONS, REACTION, TERMINAL, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import Run
from kubesim.units import MINUTE, SECOND, Duration, Instant

_LONGEST_PULL_DELAY: Final = 5 * MINUTE
_FIRST_PULL_DELAY: Final = 10 * SECOND
_AT_ONCE: Final = "a container that the kubelet itself stopped for a probe is started again in the same sync"


def _gaps(pod: PodStory, container: ContainerStory) -> Iterator[tuple[Run, Run, Duration, Duration]]:
    """Restarts within one generation: the run, the next, the gap, and the back-off that is due."""
    for run, following, delay in delays(pod, container):
        if (
            following is None
            or run.exit is None
            or following.number != run.number + 1
            or pod.spec_changed
            or pod.restarts_all
        ):
            continue
        if any(run.exit < window.start <= following.start for window in pod.windows):
            continue
        yield run, following, following.start - run.exit, delay


def exponential(pod: PodStory) -> Iterator[Finding]:
    """The n-th delayed restart waits at least 10 s times 2 to the n-1, at most 5 min, and not much longer."""
    for container in pod.containers:
        for run, following, gap, delay in _gaps(pod, container):
            if not delay or (run.exit or 0) - run.start >= 5 * MINUTE:
                continue
            early = gap < delay
            late = gap > delay * 3 // 2 + LATE and not pod.is_held_up(container, run.exit or 0, following.start)
            said = f"{gap / SECOND:.1f} s apart, the back-off is {delay // SECOND} s"
            shown = pod.exited(container, run), pod.started(container, following)
            yield judge(not early and not late, *shown, said=said, known=_known(pod, container, run))


def _known(pod: PodStory, container: ContainerStory, run: Run) -> str:
    """After the kubelet itself ended a run for a probe, its next sync has seen one exit less than there were."""
    before = [one for one in container.runs if one.number <= run.number]
    stopped = any(stop_of(one) or pod.has_failed_probe(container, one) for one in before)
    return _AT_ONCE if stopped else ""


def first_immediate(pod: PodStory) -> Iterator[Finding]:
    """The first restart does not wait."""
    for container in pod.containers:
        for run, following, gap, delay in _gaps(pod, container):
            if not delay and run is container.runs[0] and not pod.is_held_up(container, run.exit or 0, following.start):
                yield judge(gap <= 2 * REACTION, pod.exited(container, run), pod.started(container, following))


def reset_after_ten_minutes(pod: PodStory) -> Iterator[Finding]:
    """After a run of 10 minutes the restart is as immediate as the first."""
    for container in pod.containers:
        for run, following, gap, _ in _gaps(pod, container):
            is_long = run.exit is not None and run.exit - run.start >= 10 * MINUTE + SECOND and run.number > 0
            if is_long and not pod.is_held_up(container, run.exit or 0, following.start):
                yield judge(gap <= 2 * REACTION, pod.exited(container, run), pod.started(container, following))


def _crashes(container: ContainerStory, at: Instant) -> bool:
    """Whether it has been restarted more than once by then."""
    return any(run.number > 1 and run.start <= at for run in container.runs)


def per_container(pod: PodStory) -> Iterator[Finding]:
    """The first restart of a container is immediate though another one is in back-off."""
    for container in pod.containers:
        for run, following, gap, delay in _gaps(pod, container):
            crashing = [one for one in pod.containers if one is not container and _crashes(one, run.exit or 0)]
            if not crashing or delay or run is not container.runs[0]:
                continue
            if not pod.is_held_up(container, run.exit or 0, following.start):
                said = f"{crashing[0].name} has been restarted {len(crashing[0].runs) - 1} times"
                yield judge(
                    gap <= 2 * REACTION, pod.exited(container, run), pod.started(container, following), said=said
                )


def image_pull_separate(pod: PodStory) -> Iterator[Finding]:
    """Pulls that fail are tried again after a growing delay of their own; restartCount does not count them."""
    for container in pod.containers:
        pulls = [Moment(at, f"{container.name}: pulling", order) for order, at in pod.events("Pulling", container.name)]
        failed = [at for _, at in pod.events("Failed", container.name)]
        pulled = [at for _, at in pod.events("Pulled", container.name)]
        number = 0
        for before, after in itertools.pairwise(pulls):
            ended = [at for at in failed if before.at <= at <= after.at]
            if not ended or any(before.at <= at <= after.at for at in pulled) or container.runs:
                continue  # what failed after "Pulled" is the container's configuration, which has no back-off
            if pod.has_new_kubelet(before.at, after.at):
                number = 0  # a kubelet keeps its back-offs to itself
                continue
            least = min(_LONGEST_PULL_DELAY, _FIRST_PULL_DELAY << min(number, 30))
            number += 1
            said = f"{(after.at - before.at) / SECOND:.1f} s apart, the back-off is {least // SECOND} s"
            yield judge(after.at - before.at >= least - SECOND, before, after, said=said)
        for status in container.statuses:
            if status.reason in ("ErrImagePull", "ImagePullBackOff") and not container.runs:
                count = int(status.raw.get("restartCount") or 0)
                yield judge(count == 0, pod.written(status, f"{container.name}: {status.reason}, restartCount {count}"))


def image_pull_pending(pod: PodStory) -> Iterator[Finding]:
    """A Pod one of whose images cannot be pulled stays Pending by itself."""
    for container in (*pod.inits, *pod.mains):
        for status in container.statuses:
            if status.reason not in IMAGE_REASONS or status.has_run or container.runs or status.at >= pod.term:
                continue
            phase = (status.pod.get("status") or {}).get("phase")
            yield judge(
                phase == "Pending", pod.written(status, f"{container.name}: {status.reason}, the phase is {phase}")
            )
        over = next((one for one in pod.life.phases if one.phase in TERMINAL), None)
        last = container.statuses[-1] if container.statuses else None
        if (
            over
            and last
            and last.reason in IMAGE_REASONS
            and over.at < pod.term
            and not pod.is_evicted
            and container in pod.inits
        ):
            yield judge(
                False,
                pod.written(last, f"{container.name}: {last.reason}"),
                Moment(over.at, f"the phase is {over.phase}"),
            )


def pull_policy_default(pod: PodStory) -> Iterator[Finding]:
    """Sent without a policy, an image of tag latest or none is stored with Always, any other with IfNotPresent."""
    for _, action in pod.actions("create"):
        sent = (action.arguments.get("object") or {}).get("spec") or {}
        for key in ("initContainers", "containers"):
            stored = {one["name"]: one for one in pod.spec.get(key) or ()}
            for one in sent.get(key) or ():
                if "imagePullPolicy" in one or one["name"] not in stored:
                    continue
                image = str(one.get("image") or "")
                tag = image.rpartition("/")[2].partition(":")[2]
                wanted = "Always" if "@" not in image and tag in ("", "latest") else "IfNotPresent"
                got = stored[one["name"]].get("imagePullPolicy")
                yield judge(got == wanted, pod.written(pod.versions[0], f"{image} is stored with {got}"))


def pull_policy_effect(pod: PodStory) -> Iterator[Finding]:
    """Never pulls nothing; Always asks before each start."""
    for container in pod.containers:
        pulls = [at for _, at in pod.events("Pulling", container.name)]
        match container.spec.get("imagePullPolicy"):
            case "Never" if container.statuses:
                yield judge(
                    not pulls, pod.written(pod.versions[0], f"{container.name} may not be pulled; pulls: {len(pulls)}")
                )
            case "Always":
                before: Instant = 0
                for run in container.runs:
                    asked = any(before < at <= run.start for at in pulls)
                    if asked or not pod.may_lack_events(run.start):
                        said = "after a pull" if asked else "without a pull"
                        yield judge(asked, pod.started(container, run), said=said)
                    before = run.start
            case _:
                continue


CHECKS: Final = (
    Check("backoff-exponential", exponential, remarks=(_AT_ONCE,)),
    Check("backoff-first-restart-immediate", first_immediate),
    Check("backoff-reset-after-10min", reset_after_ten_minutes),
    Check("backoff-per-container", per_container),
    Check("backoff-reduced-gate", exponential, scope=gate("ReduceDefaultCrashLoopBackOffDecay", "1.33+ alpha")),
    Check("backoff-image-pull-separate", image_pull_separate),
    Check("image-pull-failure-pending", image_pull_pending),
    Check("image-pull-policy-default", pull_policy_default),
    Check("image-pull-policy-effect", pull_policy_effect),
)
