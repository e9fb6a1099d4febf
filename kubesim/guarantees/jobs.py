"""Jobs: completion, retries, deadlines and their Pods."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.jobs_story import JobStory, JobVersion, jobs_of, terminal_at
from kubesim.guarantees.scopes import gate
from kubesim.guarantees.story import MINIMUM_GRACE, REACTION, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, NotKept, Scope, Subject, judge
from kubesim.objects.status import instant_of
from kubesim.units import MINUTE, SECOND, Instant

_FROM_CREATION: Final = "the delay after a Pod whose mains never ran is counted from its creation"
_FROM_UNREADY: Final = "where a sidecar is in back-off, the delay is counted from when the Pod was no longer ready"
_LONGEST_DELAY: Final = 6 * MINUTE


def completes_on_completions(job: JobStory) -> Iterator[Finding]:
    """Complete exactly when as many Pods as asked for have succeeded."""
    wanted = job.completions
    if job.kind != "Job" or wanted is None or job.spec.get("successPolicy"):
        return
    done = next((one for one in job.versions if one.count("succeeded") >= wanted), None)
    complete = job.first("Complete")
    if complete is not None:
        said = f"Complete, {complete[0].count('succeeded')} of {wanted} succeeded"
        yield judge(complete[0].count("succeeded") >= wanted, complete[0].said(said))
    elif done is not None and job.first("Failed", "FailureTarget") is None and job.gone is None:
        last = max([terminal_at(pod) or job.ended for pod in job.pods], default=done.at)
        if max(done.at, last) + 2 * REACTION < job.ended:
            yield judge(False, done.said(f"{wanted} have succeeded"), Moment(job.ended, "not Complete"))


def parallelism_bound(job: JobStory) -> Iterator[Finding]:
    """No more Pods are active than parallelism, and than completions are left."""
    if job.kind != "Job":
        return
    for version in job.versions:
        active, succeeded = version.count("active"), version.count("succeeded")
        bound = int(version.spec.get("parallelism", job.parallelism))
        if job.completions is not None:
            bound = min(bound, max(job.completions - succeeded, 0))
        if active:
            yield judge(active <= bound, version.said(f"{active} active, at most {bound} ought to be"))


def onfailure_in_place(job: JobStory) -> Iterator[Finding]:
    """Under OnFailure a failed container runs again in its Pod; under Never a failed Pod is followed by a new one."""
    for pod in job.pods:
        if job.policy == "OnFailure":
            failed = [(main, run) for main in pod.mains for run in main.runs if run.code and (run.exit or 0) < pod.term]
            for main, run in failed:
                after = main.after(run)
                replaced = [] if _another_ends(job, pod, run.exit or 0) else _created_soon(job, run.exit or 0)
                if after is None and _fails_with(pod, run.exit or 0):
                    replaced = job.created_after(run.exit or 0)
                if after is not None or replaced:
                    held = after is not None and not replaced
                    yield judge(held, pod.exited(main, run), *([pod.started(main, after)] if after else []))
        elif job.policy == "Never" and pod.life.phase == "Failed" and not pod.deletions:
            over = terminal_at(pod) or job.ended
            decided = job.decided
            if decided is None and over + 2 * _LONGEST_DELAY < job.ended:
                new = job.created_after(over)
                yield judge(
                    bool(new),
                    Moment(over, f"{pod.life.name} has failed"),
                    *(Moment(one.life.created, f"{one.life.name} is created") for one in new[:1]),
                )
            elif job.created_after(over):
                new = job.created_after(over)
                yield judge(
                    True,
                    Moment(over, f"{pod.life.name} has failed"),
                    Moment(new[0].life.created, f"{new[0].life.name} is created"),
                )


def _created_soon(job: JobStory, at: Instant) -> list[PodStory]:
    """The Pods that were created right after an instant."""
    return [pod for pod in job.pods if at < pod.life.created <= at + REACTION]


def _another_ends(job: JobStory, but: PodStory, at: Instant) -> bool:
    """Whether another Pod of it ended about then: a new one is in the place of that."""
    ends = [terminal_at(pod) for pod in job.pods if pod is not but]
    ends += [pod.deletions[0].at for pod in job.pods if pod.deletions]
    return any(end is not None and abs(end - at) <= 2 * REACTION for end in ends)


def _fails_with(pod: PodStory, at: Instant) -> bool:
    """Whether a Pod has failed for a container that ended then: nobody deleted it, and no other reason is given."""
    reason = pod.statuses[-1][1].get("reason")
    return pod.life.phase == "Failed" and not pod.deletions and not reason and pod.term <= at + REACTION


def backoff_limit_never(job: JobStory) -> Iterator[Finding]:
    """Under Never more failed Pods than backoffLimit fail the Job, and no fewer."""
    if (
        job.kind != "Job"
        or job.policy != "Never"
        or job.spec.get("podFailurePolicy")
        or job.spec.get("backoffLimitPerIndex") is not None
    ):
        return
    limit = job.backoff_limit
    failed = job.first("FailureTarget", "Failed")
    reached = next((one for one in job.versions if one.count("failed") > limit), None)
    if failed is not None and failed[1].get("reason") == "BackoffLimitExceeded":
        most = max(one.count("failed") for one in job.versions)
        yield judge(most > limit, failed[0].said(f"BackoffLimitExceeded, {most} failed, the limit is {limit}"))
    elif reached is not None and job.decided is None and reached.at + 2 * REACTION < job.ended:
        yield judge(
            False,
            reached.said(f"{reached.count('failed')} failed, the limit is {limit}"),
            Moment(job.ended, "not failed"),
        )


def _restart_limit(job: JobStory) -> int:
    return max(job.backoff_limit, 1)


def backoff_limit_onfailure(job: JobStory) -> Iterator[Finding]:
    """Under OnFailure the Job fails when the restarts of its Pods reach backoffLimit (any restart, if that is 0)."""
    if job.kind != "Job" or job.policy != "OnFailure":
        return
    limit, failed = _restart_limit(job), job.first("FailureTarget", "Failed")
    reached = next((one for pod in job.pods for one, _ in pod.statuses if _sum_at(job, one.order) >= limit), None)
    due = reached.at + 2 * REACTION if reached else job.ended
    if failed is not None and failed[1].get("reason") == "BackoffLimitExceeded":
        before = [one for one in job.versions if one.order <= failed[0].order]
        most = max(job.restarts(one) for one in before)
        lost = any(one.count("failed") for one in before[:-1]) or _deleted_by(job, min(due, failed[0].at))
        yield judge(
            lost or (most >= limit and failed[0].at <= due),
            failed[0].said(f"BackoffLimitExceeded after {most} restarts, the limit is {job.backoff_limit}"),
        )
    elif reached is not None and job.decided is None and due < job.ended:
        yield judge(False, Moment(reached.at, f"{limit} restarts", reached.order), Moment(job.ended, "not failed"))


def _deleted_by(job: JobStory, at: Instant) -> bool:
    """Whether a Pod of it had been deleted by then, which counts as failed."""
    return any(pod.deletions and pod.deletions[0].at <= at for pod in job.pods)


def _sum_at(job: JobStory, order: int) -> int:
    return job.restarts(JobVersion(0, order, {}, {}))


def sidecar_restarts_count(job: JobStory) -> Iterator[Finding]:
    """The same where the restarts of mains alone would not reach the limit."""
    if job.policy == "OnFailure" and any(sidecar.runs[1:] for pod in job.pods for sidecar in pod.sidecars):
        mains = sum(max(len(one.runs) - 1, 0) for pod in job.pods for one in pod.mains)
        if mains < _restart_limit(job):
            yield from backoff_limit_onfailure(job)


def replacement_default(job: JobStory) -> Iterator[Finding]:
    """Without a failure policy a Pod that is being deleted is replaced at once."""
    if (
        job.kind != "Job"
        or job.spec.get("podFailurePolicy")
        or job.spec.get("podReplacementPolicy", "TerminatingOrFailed") != "TerminatingOrFailed"
    ):
        return
    for pod in job.pods:
        if (
            not pod.deletions
            or (job.decided and job.decided[0].at <= pod.deletions[0].at + REACTION)
            or job.gone is not None
            or job.is_suspended(pod.deletions[0].at)
        ):
            continue
        at, over = pod.deletions[0].at, terminal_at(pod)
        new = next((one for one in job.pods if one.life.created >= at and one is not pod), None)
        early = new is not None and new.life.created <= at + 20 * SECOND
        if over is None or over > at + 20 * SECOND:
            created = [Moment(new.life.created, f"{new.life.name} is created")] if new else []
            if at + 20 * SECOND < job.ended:
                yield judge(early, Moment(at, f"{pod.life.name} is deleted"), *created)


def active_deadline(job: JobStory) -> Iterator[Finding]:
    """activeDeadlineSeconds after its start a Job that has not finished fails, and creates no more Pods."""
    seconds = job.spec.get("activeDeadlineSeconds")
    starts = [instant_of(one.status["startTime"]) for one in job.versions if one.status.get("startTime")]
    if job.kind != "Job" or seconds is None or not starts or starts[-1] is None:
        return
    due = starts[-1] + int(seconds) * SECOND
    if job.decided is not None and job.decided[0].at < due:
        return
    failed = job.first("FailureTarget", "Failed")
    limit = due + 2 * REACTION
    if failed is not None and failed[1].get("reason") != "DeadlineExceeded" and failed[0].at <= due + REACTION:
        return
    if failed is None:
        if limit < job.ended and job.gone is None:
            yield judge(False, Moment(due, "the deadline"), Moment(job.ended, "not failed"))
        return
    late = list(job.created_after(max(failed[0].at, due)))
    held = failed[1].get("reason") == "DeadlineExceeded" and failed[0].at <= limit and not late
    yield judge(held, Moment(due, "the deadline"), failed[0].said(f"failed: {failed[1].get('reason')}"))


def terminal_final(job: JobStory) -> Iterator[Finding]:
    """Complete or Failed, never both, never taken back, and no Pod is created after."""
    if job.finished is None:
        return
    first = job.finished[0]
    both = next((one for one in job.versions if one.condition("Complete") and one.condition("Failed")), None)
    mixed = next((one for one in job.versions if one.condition("SuccessCriteriaMet") and one.condition("Failed")), None)
    back = next(
        (
            one
            for one in job.versions
            if one.order > first.order and not (one.condition("Complete") or one.condition("Failed"))
        ),
        None,
    )
    late = job.created_after(first.at)
    shown = [one.said("and then") for one in (both, mixed, back) if one is not None]
    shown += [Moment(one.life.created, f"{one.life.name} is created") for one in late]
    yield judge(not shown, first.said(str(job.finished[1]["type"])), *shown)


def terminal_after_pods_gone(job: JobStory) -> Iterator[Finding]:
    """Complete or Failed comes when no Pod of the Job is active or terminating any more."""
    if job.finished is None or not job.pods:
        return
    version = job.finished[0]
    ends = [terminal_at(pod) for pod in job.pods if pod.life.created <= version.at]
    held = all(at is not None and at <= version.at for at in ends)
    counts = version.count("active") + version.count("terminating")
    last = max((at if at is not None else job.ended for at in ends), default=version.at)
    yield judge(held and not counts, Moment(last, "the last Pod has ended"), version.said(str(job.finished[1]["type"])))


def sidecar_does_not_hold_job(job: JobStory) -> Iterator[Finding]:
    """A Pod with sidecars whose mains ended with 0 does not keep its Job from completing."""
    for pod in job.pods:
        done = pod.mains_done
        if not pod.sidecars or done is None or any(main.runs[-1].code for main in pod.mains) or job.completions != 1:
            continue
        if pod.deletions:
            continue
        limit = done + pod.grace + MINIMUM_GRACE + 4 * REACTION
        complete = job.first("Complete")
        if complete is not None:
            yield judge(complete[0].at <= limit, Moment(done, "the last main has ended"), complete[0].said("Complete"))
        elif job.first("Failed", "FailureTarget") is None and limit < job.ended and job.gone is None:
            yield judge(False, Moment(done, "the last main has ended"), Moment(job.ended, "not Complete"))


def retry_delay(job: JobStory) -> Iterator[Finding]:
    """After the n-th failure in a row the next Pod is created no sooner than 10 s times 2 to the n-1, at most 6 min."""
    if job.kind != "Job" or job.parallelism != 1 or job.spec.get("backoffLimitPerIndex") is not None:
        return
    failures = 0
    for pod, new in zip(job.pods, job.pods[1:], strict=False):
        ends = [run.exit for one in pod.mains for run in one.runs[-1:] if run.exit is not None]
        over = max(ends, default=terminal_at(pod) or pod.life.created)
        known = "" if ends else _FROM_CREATION
        if any(not sidecar.alive(over - 1) for sidecar in pod.sidecars):
            known = known or _FROM_UNREADY
        if pod.life.phase != "Failed" or pod.deletions:
            failures = 0
            continue
        failures += 1
        least = min(_LONGEST_DELAY, 10 * SECOND << (failures - 1))
        gap = new.life.created - over
        said = f"{gap / SECOND:.1f} s apart, the delay is {least // SECOND} s"
        shown = [Moment(over, f"{pod.life.name} has failed"), Moment(new.life.created, f"{new.life.name} is created")]
        yield judge(gap >= least - SECOND, *shown, said=said, known=known)


def concurrency_policy(job: JobStory) -> Iterator[Finding]:
    """Under Forbid one Job of a CronJob is unfinished at a time; under Replace the old one is deleted first."""
    policy = job.spec.get("concurrencyPolicy", "Allow")
    if job.kind != "CronJob" or policy == "Allow":
        return
    jobs = jobs_of(job)
    for before, after in itertools.pairwise(jobs):
        over = before.finished[0].at if before.finished else before.gone
        ended = min((at for at in (over, before.gone) if at is not None), default=None)
        shown = Moment(
            ended if ended is not None else job.ended, f"{before.name} {'is over' if ended is not None else 'goes on'}"
        )
        yield judge(
            ended is not None and ended <= after.created, shown, Moment(after.created, f"{after.name} is created")
        )


_REPLACEMENT: Final = gate("JobPodReplacementPolicy", "1.28 alpha, on from 1.29")
_AFTER_PODS: Final = Scope(
    "1.31+, with JobPodReplacementPolicy or JobManagedBy",
    lambda api, controller: bool(controller.policy("job_terminal_condition") == "after_pods_terminated"),
)
_PAUSE_COUNTS: Final = NotKept(
    "a pause counts: on resuming the deadline is looked at before the Job gets its new startTime",
    lambda controller: not controller.policy("job_suspend_clears_start_time"),
    lambda job: any(one.spec.get("suspend") for one in job.versions),
)

CHECKS: Final = (
    Check("job-completes-on-completions", completes_on_completions, Subject.JOB),
    Check("job-parallelism-bound", parallelism_bound, Subject.JOB),
    Check("job-onfailure-restarts-in-place", onfailure_in_place, Subject.JOB),
    Check("job-backoff-limit-never", backoff_limit_never, Subject.JOB),
    Check("job-backoff-limit-onfailure", backoff_limit_onfailure, Subject.JOB),
    Check(
        "job-sidecar-restarts-count",
        sidecar_restarts_count,
        Subject.JOB,
        gate("SidecarContainers", "1.28 with the gate, 1.29+"),
    ),
    Check("job-replacement-default", replacement_default, Subject.JOB, _REPLACEMENT),
    Check("job-active-deadline", active_deadline, Subject.JOB, not_kept=(_PAUSE_COUNTS,)),
    Check("job-terminal-final", terminal_final, Subject.JOB),
    Check("job-terminal-after-pods-gone", terminal_after_pods_gone, Subject.JOB, _AFTER_PODS),
    Check(
        "sidecar-job-never-onfailure",
        sidecar_does_not_hold_job,
        Subject.JOB,
        gate("SidecarContainers", "1.28 with the gate, 1.29+"),
    ),
    Check("job-retry-backoff-delay", retry_delay, Subject.JOB, remarks=(_FROM_CREATION, _FROM_UNREADY)),
    Check("cronjob-concurrency-policy", concurrency_policy, Subject.JOB),
)
