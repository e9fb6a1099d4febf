"""What people hope of a manifest beyond what Kubernetes promises: that it starts, completes, and is not cut short.

No page guarantees any of these: whether they hold is a matter of the manifest and of what its programs do. The search
for counter-examples looks at them because they are what goes wrong. They are judged as guarantees are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kubesim.errors import KubesimError
from kubesim.guarantees.containers import ContainerStory, Role, kill_of, stop_of
from kubesim.guarantees.jobs_story import JobStory
from kubesim.guarantees.story import TERMINAL, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, Subject, judge
from kubesim.history.lives import Run
from kubesim.units import MILLISECOND, SECOND, Instant, format_duration

ROUNDING: Final = SECOND
"""The kubelet counts what is left of a grace in whole seconds."""


def _is_settled(history: Any) -> bool:
    """Whether the run went on until nothing could change any more: then never means never."""
    return history.end is not None and history.end.why == "settled"


def starts(pod: PodStory) -> Iterator[Finding]:
    """Every container is started, unless the Pod is ended before that, or an init container fails for good."""
    if pod.deletions or pod.is_evicted or not pod.node:
        return
    idle = [one for one in (*pod.inits, *pod.mains) if not one.runs]
    failed = [one for one in pod.regular_inits if one.runs and one.runs[-1].code not in (0, None)]
    if not idle:
        yield judge(True, *(pod.started(one, one.runs[0]) for one in pod.mains[-1:]))
    elif _is_settled(pod.history) and not failed:
        running = [(one, run) for one in pod.inits if (run := one.run_at(pod.ended))]
        shown = [pod.started(one, run) for one, run in running[-1:]]
        still = [f"{running[-1][0].name} still runs"] if running else []
        never = Moment(pod.ended, f"{_names(idle)} never started")
        yield judge(False, *shown, never, said="; ".join(still))


def _names(containers: list[ContainerStory]) -> str:
    names = [one.name for one in containers]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _still_running(pods: Iterable[PodStory]) -> Iterator[Moment]:
    """What goes on in the end."""
    for pod in pods:
        for container in pod.containers:
            run = container.run_at(pod.ended)
            if run is not None:
                started = pod.started(container, run)
                yield Moment(started.at, f"{container.name} starts, and still runs in the end", started.record)


def pod_completes(pod: PodStory) -> Iterator[Finding]:
    """A Pod that is not to run for ever, and has no controller, comes to an end."""
    if pod.policy == "Always" or pod.deletions or _owners(pod) or not pod.node:
        return
    over = next((one for one in pod.life.phases if one.phase in TERMINAL), None)
    if over is not None:
        yield judge(True, Moment(over.at, f"the phase is {over.phase}"))
    elif _is_settled(pod.history):
        shown = list(_still_running([pod]))
        yield judge(False, *shown, Moment(pod.ended, f"the phase is still {pod.life.phase}, and nothing can change it"))


def _owners(pod: PodStory) -> list[Mapping[str, Any]]:
    return list((pod.versions[0].object.get("metadata") or {}).get("ownerReferences") or ())


def job_completes(job: JobStory) -> Iterator[Finding]:
    """A Job that is not suspended is Complete or Failed in the end."""
    if job.kind != "Job" or job.gone is not None or job.versions[-1].spec.get("suspend"):
        return
    if job.finished is not None:
        version, condition = job.finished
        yield judge(True, version.said(f"{job.name} is {condition['type']}"))
    elif _is_settled(job.history):
        shown = list(_still_running(job.pods))
        yield judge(False, *shown, Moment(job.ended, f"{job.name} is neither Complete nor Failed, and stays so"))


def keeps_its_grace(pod: PodStory) -> Iterator[Finding]:
    """A container that is killed at the end of its Pod had at least half of the grace since it was told to stop."""
    if pod.is_evicted or any(one.grace == 0 for one in pod.deletions) or len(pod.deletions) > 1:
        return
    grace = pod.deletions[0].grace if pod.deletions else pod.grace
    for container in pod.containers:
        run = container.run_at(pod.begin)
        stop = stop_of(run) if run is not None else None
        if run is None or stop is None or stop.at < pod.begin or pod.excused_stop(container, run) or run.exit is None:
            continue
        kill = kill_of(run)
        if kill is None:
            yield judge(True, pod.stopped(container, run), pod.exited(container, run))
            continue
        told = _told_at(pod, container, run, stop.at)
        said = f"after {_length(kill - told)} of the {grace // SECOND} s of grace"
        shown = pod.stopped(container, run), Moment(kill, f"{container.name} gets SIGKILL")
        yield judge(kill - told >= grace // 2 - ROUNDING, *shown, said=said)


def _told_at(pod: PodStory, container: ContainerStory, run: Run, stopped: Instant) -> Instant:
    """When a container hears of its end: from its own preStop, which its signal waits for, else from the signal."""
    if container.role is Role.SIDECAR:
        return stopped
    hooks = [one.start for one in container.execs(run, "preStop") if pod.begin <= one.start <= stopped]
    return min(hooks, default=stopped)


def _length(duration: int) -> str:
    return format_duration(duration // (100 * MILLISECOND) * (100 * MILLISECOND))


def finishes_prestop(pod: PodStory) -> Iterator[Finding]:
    """A preStop that has begun ends by itself before its container is told to stop."""
    for container in pod.containers:
        for run in container.runs:
            stop = stop_of(run)
            for hook in container.execs(run, "preStop"):
                if stop is None or hook.start > stop.at or any(one.grace == 0 for one in pod.deletions):
                    continue
                begun = pod.moment(container, run, "exec-start", hook.start)
                begun = Moment(begun.at, f"preStop of {container.name} begins", begun.record)
                held = hook.exit is not None and hook.exit <= stop.at
                said = "" if held else f"preStop had {_length(stop.at - hook.start)}, and was not done"
                yield judge(held, begun, pod.stopped(container, run), said=said)


def retries_are_its_own(job: JobStory) -> Iterator[Finding]:
    """A Job that fails for its backoffLimit had that many failures of its own containers, sidecars aside."""
    finished = job.finished
    if job.kind != "Job" or finished is None or finished[1].get("reason") != "BackoffLimitExceeded":
        return
    version, _ = finished
    own, others = [], []
    for pod in job.pods:
        for container in pod.containers:
            for run in container.runs:
                if run.exit is None or run.exit > version.at:
                    continue
                if container.role is Role.SIDECAR:
                    others += [pod.exited(container, run)] if container.after(run) else []
                elif run.code and not _was_stopped(run):
                    own.append(pod.exited(container, run))
    least = max(job.backoff_limit, 1)
    said = f"{len(own)} failures of its own, {len(others)} restarts of sidecars; backoffLimit is {job.backoff_limit}"
    failed = version.said(f"{job.name} fails: BackoffLimitExceeded")
    yield judge(len(own) >= least, *(own or others)[-1:], failed, said=said)


def _was_stopped(run: Run) -> bool:
    """Whether the run ended because it was told to: no failure of the program."""
    return stop_of(run) is not None


HOPES: Final = (
    Check("starts", starts),
    Check("completes", job_completes, Subject.JOB),
    Check("completes", pod_completes),
    Check("keeps-its-grace", keeps_its_grace),
    Check("finishes-prestop", finishes_prestop),
    Check("retries-are-its-own", retries_are_its_own, Subject.JOB),
)

CLAIMS: Final[Mapping[str, str]] = {
    "starts": "every container of the Pod is started",
    "completes": "a Job, or a Pod whose restartPolicy is not Always, comes to an end",
    "keeps-its-grace": "a container that is killed had at least half of the Pod's grace since it was told to stop",
    "finishes-prestop": "a preStop that has begun ends before the grace is over",
    "retries-are-its-own": "a Job that fails for its backoffLimit had that many failures of its own, sidecars aside",
}
"""The hopes by name, each in a sentence."""


def find_hope(name: str) -> str:
    """The name, if there is such a hope; KubesimError with those there are if not."""
    if name not in CLAIMS:
        raise KubesimError(f'hope "{name}" is unknown; choose one of {", ".join(CLAIMS)}')
    return name
