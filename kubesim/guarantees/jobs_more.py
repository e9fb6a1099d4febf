"""Jobs: indexes, policies of success and failure, suspension, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.jobs_story import JobStory, JobVersion, jobs_of, terminal_at
from kubesim.guarantees.scopes import gate
from kubesim.guarantees.story import REACTION, TERMINAL
from kubesim.guarantees.verdicts import Check, Finding, Moment, Subject, judge
from kubesim.objects.status import instant_of
from kubesim.units import SECOND

_INDEX: Final = "batch.kubernetes.io/job-completion-index"


def indexes(text: str) -> set[int]:
    """The numbers of a list such as ``0,2-4``."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _completed(version: JobVersion) -> set[int]:
    return indexes(str(version.status.get("completedIndexes") or ""))


def _failed(version: JobVersion) -> set[int]:
    return indexes(str(version.status.get("failedIndexes") or ""))


def parallelism_zero(job: JobStory) -> Iterator[Finding]:
    """With parallelism 0 no Pod is created."""
    for version, following in zip(job.versions, [*job.versions[1:], None], strict=True):
        if (
            job.kind == "Job"
            and version.spec.get("parallelism") == 0
            and (following is None or following.spec == version.spec)
        ):
            until = following.at if following else job.ended
            new = [one for one in job.pods if version.at + REACTION < one.life.created <= until]
            shown = [Moment(one.life.created, f"{one.life.name} is created") for one in new]
            yield judge(not new, version.said("parallelism is 0"), *shown)


def work_queue(job: JobStory) -> Iterator[Finding]:
    """In a work queue no Pod is created after the first success, and the Job is Complete when all have ended."""
    if job.kind != "Job" or job.completions is not None:
        return
    ends = [terminal_at(pod) for pod in job.pods if pod.life.phase == "Succeeded"]
    first = min((at for at in ends if at is not None), default=None)
    if first is not None:
        new = [one for one in job.pods if one.life.created > first + REACTION]
        shown = [Moment(one.life.created, f"{one.life.name} is created") for one in new]
        yield judge(not new, Moment(first, "the first success"), *shown)


def indexed(job: JobStory) -> Iterator[Finding]:
    """An Indexed Job is Complete when each index has succeeded; each of its Pods has one index."""
    if job.spec.get("completionMode") != "Indexed" or job.completions is None:
        return
    complete = job.first("Complete")
    if complete is not None and not job.spec.get("successPolicy"):
        done = _completed(complete[0])
        yield judge(
            done == set(range(job.completions)), complete[0].said(f"Complete, {len(done)} of {job.completions} indexes")
        )
    for pod in job.pods:
        annotations = (pod.versions[0].object.get("metadata") or {}).get("annotations") or {}
        own = annotations.get(_INDEX)
        held = own is not None and 0 <= int(own) < job.completions
        yield judge(held, pod.written(pod.versions[0], f"{pod.life.name} has index {own}"))


def limit_per_index(job: JobStory) -> Iterator[Finding]:
    """An index whose failures exceed the limit has failed; the Job is Failed if any has, when all are over."""
    if job.spec.get("backoffLimitPerIndex") is None or job.completions is None:
        return
    finished = job.finished
    if finished is not None and finished[1].get("reason") in (None, "FailedIndexes", "CompletionsReached"):
        version, condition = finished
        failed, done = _failed(version), _completed(version)
        held = (condition["type"] == "Failed") == bool(failed) and failed | done == set(range(job.completions))
        yield judge(
            held, version.said(f"{condition['type']}, failed indexes {sorted(failed)}, completed {sorted(done)}")
        )


def max_failed_indexes(job: JobStory) -> Iterator[Finding]:
    """More failed indexes than maxFailedIndexes fail the Job; as many do not."""
    most = job.spec.get("maxFailedIndexes")
    if most is None:
        return
    reached = next((one for one in job.versions if len(_failed(one)) > most), None)
    failed = job.first("FailureTarget", "Failed")
    said_so = failed is not None and failed[1].get("reason") == "MaxFailedIndexesExceeded"
    if failed is not None and said_so:
        yield judge(
            reached is not None,
            failed[0].said(f"MaxFailedIndexesExceeded, {len(_failed(failed[0]))} failed, at most {most}"),
        )
    elif reached is not None and reached.at + 2 * REACTION < job.ended:
        yield judge(failed is not None, reached.said(f"{len(_failed(reached))} failed indexes, at most {most}"))


def judged_when_terminal(job: JobStory) -> Iterator[Finding]:
    """With a failure policy a Pod being deleted counts as failed only when its phase is terminal."""
    if not job.spec.get("podFailurePolicy"):
        return
    for pod in job.pods:
        over = terminal_at(pod)
        if not pod.deletions or (job.decided and job.decided[0].at <= pod.deletions[0].at + REACTION):
            continue
        before = [one.count("failed") for one in job.versions if one.at <= pod.deletions[0].at]
        during = [
            one for one in job.versions if pod.deletions[0].at < one.at < (over if over is not None else job.ended)
        ]
        others_over = any(
            (at := terminal_at(one)) is not None and pod.deletions[0].at < at < (over or job.ended)
            for one in job.pods if one is not pod
        )  # fmt: skip
        if not others_over:
            early = [one for one in during if one.count("failed") > (before[-1] if before else 0)]
            shown = [one.said(f"{one.count('failed')} failed") for one in early[:1]]
            yield judge(not early, Moment(pod.deletions[0].at, f"{pod.life.name} is deleted"), *shown)


def replacement_waits(job: JobStory) -> Iterator[Finding]:
    """With a failure policy, or podReplacementPolicy Failed, the next Pod waits for the end of the one before it."""
    if not job.spec.get("podFailurePolicy") and job.spec.get("podReplacementPolicy") != "Failed":
        return
    for pod, new in zip(job.pods, job.pods[1:], strict=False):
        over = terminal_at(pod)
        if pod.deletions and job.parallelism == 1 and new.life.created >= pod.deletions[0].at:
            shown = Moment(
                over if over is not None else job.ended, f"{pod.life.name} has {'ended' if over else 'not ended'}"
            )
            yield judge(
                over is not None and over <= new.life.created,
                shown,
                Moment(new.life.created, f"{new.life.name} is created"),
            )


def interim_conditions(job: JobStory) -> Iterator[Finding]:
    """FailureTarget goes before Failed, SuccessCriteriaMet before Complete, with the same reason."""
    for early, late in (("FailureTarget", "Failed"), ("SuccessCriteriaMet", "Complete")):
        final, interim = job.first(late), job.first(early)
        if final is not None:
            held = (
                interim is not None
                and interim[0].order <= final[0].order
                and interim[1].get("reason") == final[1].get("reason")
            )
            shown = [interim[0].said(f"{early}: {interim[1].get('reason')}")] if interim else []
            yield judge(held, *shown, final[0].said(f"{late}: {final[1].get('reason')}"))


def success_policy(job: JobStory) -> Iterator[Finding]:
    """A rule that is satisfied makes the Job succeed; nothing else does in its name."""
    rules = (job.spec.get("successPolicy") or {}).get("rules") or ()
    met = next((one for one in job.versions if any(_met(rule, one) for rule in rules)), None)
    success, failed = job.first("SuccessCriteriaMet"), job.first("FailureTarget", "Failed")
    if success is not None and success[1].get("reason") == "SuccessPolicy":
        held = met is not None and met.order <= success[0].order
        yield judge(held, success[0].said(f"SuccessPolicy, completed {sorted(_completed(success[0]))}"))
    elif met is not None and failed is None and success is None and met.at + REACTION < job.ended:
        yield judge(False, met.said(f"a rule is satisfied by {sorted(_completed(met))}"))


def _met(rule: dict[str, object], version: JobVersion) -> bool:
    done = _completed(version)
    wanted = rule.get("succeededIndexes")
    among = done & indexes(str(wanted)) if wanted is not None else done
    count = rule.get("succeededCount")
    needed = int(str(count)) if count is not None else len(indexes(str(wanted)))
    return len(among) >= needed


def suspend(job: JobStory) -> Iterator[Finding]:
    """While a Job is suspended its Pods are deleted, and no new ones created."""
    for version, following in zip(job.versions, [*job.versions[1:], None], strict=True):
        if not version.spec.get("suspend") or not version.condition("Suspended"):
            continue
        until = following.at if following else job.ended
        new = [one for one in job.pods if version.at < one.life.created < until]
        active = [
            one
            for one in job.pods
            if one.life.created <= version.at and not one.deletions and one.life.phase not in TERMINAL
        ]
        shown = [Moment(one.life.created, f"{one.life.name} goes on") for one in (*new, *active)]
        yield judge(not new and not active, version.said("suspended"), *shown)


def finalizer_tracking(job: JobStory) -> Iterator[Finding]:
    """A Pod of a Job keeps the finalizer until it has been counted; no count ever goes down."""
    before = (0, 0)
    for version in job.versions if job.kind == "Job" else ():
        now = (version.count("succeeded"), version.count("failed"))
        if now != before and not job.spec.get("suspend"):
            held = now[0] >= before[0] and now[1] >= before[1] and sum(now) <= len(job.pods)
            yield judge(held, version.said(f"{now[0]} succeeded, {now[1]} failed, of {len(job.pods)} Pods"))
        before = now


def ttl(job: JobStory) -> Iterator[Finding]:
    """A finished Job goes ttlSecondsAfterFinished after its end, not before."""
    seconds = job.spec.get("ttlSecondsAfterFinished")
    if seconds is None or job.finished is None:
        return
    version, condition = job.finished
    stamp = instant_of(condition.get("lastTransitionTime"))
    due = (stamp if stamp is not None else version.at) + int(seconds) * SECOND
    shown = version.said(str(condition["type"]))
    if job.gone is not None:
        yield judge(due <= job.gone <= due + SECOND + 10 * REACTION, shown, Moment(job.gone, "the Job is removed"))
    elif due + 10 * REACTION < job.ended:
        yield judge(False, shown, Moment(job.ended, "the Job is there still"))


def pods_kept(job: JobStory) -> Iterator[Finding]:
    """Pods that had ended when their Job finished stay."""
    if job.finished is None or job.spec.get("ttlSecondsAfterFinished") is not None or job.gone is not None:
        return
    for pod in job.pods:
        over = next((one.at for one in pod.life.phases if one.phase in TERMINAL), None)
        if over is not None and over <= job.finished[0].at and not pod.deletions:
            held = pod.life.gone is None
            yield judge(
                held,
                job.finished[0].said(str(job.finished[1]["type"])),
                Moment(pod.life.gone or job.ended, f"{pod.life.name} {'stays' if held else 'is removed'}"),
            )


def cron_history(job: JobStory) -> Iterator[Finding]:
    """Of a CronJob 3 successful and 1 failed Job are kept, or as many as asked for; suspended it creates none."""
    if job.kind != "CronJob":
        return
    made = jobs_of(job)
    for type_, key, usual in (("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)):
        kept = [one for one in made if one.gone is None and one.first(type_) is not None]
        most = int(job.spec.get(key, usual))
        over = [one for one in kept if (found := one.finished) and found[0].at + 2 * REACTION < job.ended]
        if kept:
            yield judge(len(over) <= most, Moment(job.ended, f"{len(kept)} Jobs are {type_}, at most {most} are kept"))
    for version in job.versions:
        if version.spec.get("suspend"):
            new = [one for one in made if one.created > version.at + REACTION]
            yield judge(not new or len(job.versions) > 1, version.said("suspended"))


_PER_INDEX: Final = gate("JobBackoffLimitPerIndex", "1.28 alpha, on from 1.29")
_FAILURE_POLICY: Final = gate("JobPodFailurePolicy", "on from 1.26")
_INTERIM: Final = gate("JobSuccessPolicy", "1.31+")

CHECKS: Final = (
    Check("job-parallelism-zero-pauses", parallelism_zero, Subject.JOB),
    Check("job-work-queue-stop-after-success", work_queue, Subject.JOB),
    Check("job-indexed-one-success-per-index", indexed, Subject.JOB),
    Check("job-backofflimit-per-index", limit_per_index, Subject.JOB, _PER_INDEX),
    Check("job-max-failed-indexes", max_failed_indexes, Subject.JOB, _PER_INDEX),
    Check("job-pod-failure-policy-terminal-only", judged_when_terminal, Subject.JOB, _FAILURE_POLICY),
    Check("job-pod-failure-policy-replacement", replacement_waits, Subject.JOB, _FAILURE_POLICY),
    Check("job-interim-conditions", interim_conditions, Subject.JOB, _INTERIM),
    Check("job-success-policy", success_policy, Subject.JOB, gate("JobSuccessPolicy", "1.30 alpha, on from 1.31")),
    Check("job-suspend", suspend, Subject.JOB),
    Check("job-finalizer-tracking", finalizer_tracking, Subject.JOB),
    Check("job-ttl-after-finished", ttl, Subject.JOB),
    Check("job-pods-kept-after-finish", pods_kept, Subject.JOB),
    Check("cronjob-history-and-suspend", cron_history, Subject.JOB),
)
