"""Jobs, scheduling and admission on hand-written histories."""

from __future__ import annotations

import pytest
from build import job, pod, probe
from cases import Case, case, expect_verdicts, verdict_on

from kubesim.guarantees.verdicts import Verdict

IDLE = pod("| app", policy="Never")
FAILED = "new a; 1 start app; 2 exit app 1; 3 phase Failed"


def job_case(id_: str, owner: dict[str, object], held: str, broken: str, idle: str = "1 end", **more: object) -> Case:
    template = more.pop("pod", IDLE)
    return case(id_, template, held, broken, idle, owner=owner, **more)  # type: ignore[arg-type]  # rows are data


JOBS = [
    job_case(
        "job-completes-on-completions",
        job(completions=2, parallelism=1),
        "1 job succeeded=2 +Complete",
        "1 job succeeded=1 +Complete",
    ),
    job_case("job-parallelism-bound", job(completions=3, parallelism=2), "1 job active=2", "1 job active=3"),
    job_case(
        "job-parallelism-bound",
        job(completions=3, parallelism=2),
        "1 job active=1 succeeded=2",
        "1 job active=2 succeeded=2",
    ),
    job_case(
        "job-onfailure-restarts-in-place",
        job(policy="OnFailure"),
        "0 new a; 1 start app; 2 exit app 1; 3 start app",
        "0 new a; 1 start app; 2 exit app 1; 3 new b; 4 start app",
        pod=pod("| app", policy="OnFailure"),
    ),
    job_case(
        "job-backoff-limit-never",
        job(backoffLimit=1),
        "1 job failed=1; 2 job failed=2 +Failed:BackoffLimitExceeded",
        "1 job failed=1 +Failed:BackoffLimitExceeded",
    ),
    job_case(
        "job-backoff-limit-never",
        job(backoffLimit=1),
        "1 job failed=2 +FailureTarget:BackoffLimitExceeded",
        "1 job failed=2; 60 end",
    ),
    job_case(
        "job-backoff-limit-onfailure",
        job(policy="OnFailure", backoffLimit=2),
        "0 new a; 1 phase Running; 2 shows app running restarts=2; 3 job +Failed:BackoffLimitExceeded",
        "0 new a; 1 phase Running; 2 shows app running restarts=1; 3 job +Failed:BackoffLimitExceeded",
    ),
    job_case(
        "job-backoff-limit-onfailure",  # too late is broken as well
        job(policy="OnFailure", backoffLimit=2),
        "0 new a; 1 phase Running; 2 shows app running restarts=2; 10 job +Failed:BackoffLimitExceeded",
        "0 new a; 1 phase Running; 2 shows app running restarts=2; 11 job +Failed:BackoffLimitExceeded",
    ),
    job_case(
        "job-sidecar-restarts-count",
        job(policy="OnFailure", backoffLimit=1),
        "0 new a; 1 phase Running; 1 start s; 2 exit s; 3 start s; "
        "3 shows s running restarts=1; 4 job +Failed:BackoffLimitExceeded",
        "0 new a; 1 phase Running; 1 start s; 2 exit s; 3 start s; 3 shows s running restarts=1; 60 end",
        pod=pod("s* | app", policy="OnFailure"),
    ),
    job_case(
        "job-replacement-default",
        job(),
        "0 new a; 1 start app; 2 deleted 120; 3 new b; 99 end",
        "0 new a; 1 start app; 2 deleted 120; 90 on a; 90 phase Failed; 91 new b; 99 end",
        idle="0 new a; 0 job active=1; 1 start app; 2 job suspend=true; 2 deleted 120; 90 phase Failed; 99 end",
    ),
    job_case(
        "job-active-deadline",
        job(activeDeadlineSeconds=10),
        "0 job startTime=now; 10 job +Failed:DeadlineExceeded",
        "0 job startTime=now; 60 end",
    ),
    job_case("job-terminal-final", job(), "1 job +Complete; 60 end", "1 job +Complete; 2 new b"),
    job_case("job-terminal-final", job(), "1 job +Failed; 60 end", "1 job +Failed; 2 job +Complete"),
    job_case(
        "job-terminal-after-pods-gone",
        job(),
        "0 new a; 1 start app; 2 exit app; 3 phase Succeeded; 4 job +Complete",
        "0 new a; 1 start app; 2 exit app; 3 job +Complete; 4 phase Succeeded",
    ),
    job_case(
        "sidecar-job-never-onfailure",
        job(),
        "0 new a; 1 start s; 2 start app; 3 exit app; 5 job succeeded=1 +Complete",
        "0 new a; 1 start s; 2 start app; 3 exit app; 300 end",
        pod=pod("s* | app", policy="Never", grace=5),
    ),
    job_case("job-retry-backoff-delay", job(), f"0 {FAILED}; 13 new b", f"0 {FAILED}; 4 new b"),
    job_case("job-retry-backoff-delay", job(), f"0 {FAILED}; 11 new b", f"0 {FAILED}; 10.9 new b"),
    job_case(
        "cronjob-concurrency-policy",
        job(kind="CronJob", concurrencyPolicy="Forbid"),
        "0 owned one; 5 owned one +Complete; 60 owned two",
        "0 owned one; 60 owned two; 65 owned one +Complete",
    ),
    job_case("job-parallelism-zero-pauses", job(), "1 job parallelism=0; 60 end", "1 job parallelism=0; 60 new a"),
    job_case(
        "job-work-queue-stop-after-success",
        job(parallelism=2),
        "0 new a; 1 start app; 2 exit app; 3 phase Succeeded; 60 end",
        "0 new a; 1 start app; 2 exit app; 3 phase Succeeded; 60 new b",
    ),
    job_case(
        "job-indexed-one-success-per-index",
        job(completionMode="Indexed", completions=2, parallelism=2),
        "1 job completedIndexes=0,1 succeeded=2 +Complete",
        "1 job completedIndexes=0 succeeded=2 +Complete",
    ),
    job_case(
        "job-backofflimit-per-index",
        job(completions=2, parallelism=2, backoffLimitPerIndex=1),
        "1 job completedIndexes=0 failedIndexes=1 +Failed:FailedIndexes",
        "1 job completedIndexes=0 failedIndexes=1 +Complete:CompletionsReached",
    ),
    job_case(
        "job-max-failed-indexes",
        job(completions=4, parallelism=2, backoffLimitPerIndex=1, maxFailedIndexes=1),
        "1 job failedIndexes=1,2 +Failed:MaxFailedIndexesExceeded",
        "1 job failedIndexes=1 +Failed:MaxFailedIndexesExceeded",
    ),
    job_case(
        "job-pod-failure-policy-terminal-only",
        job(podFailurePolicy={"rules": []}),
        "0 new a; 1 start app; 2 deleted 30; 9 phase Failed; 10 job failed=1",
        "0 new a; 1 start app; 2 deleted 30; 3 job failed=1; 9 phase Failed",
    ),
    job_case(
        "job-pod-failure-policy-replacement",
        job(podReplacementPolicy="Failed"),
        "0 new a; 1 start app; 2 deleted 30; 9 phase Failed; 10 new b",
        "0 new a; 1 start app; 2 deleted 30; 3 new b; 9 on a; 9 phase Failed",
    ),
    job_case(
        "job-interim-conditions",
        job(),
        "1 job +FailureTarget:BackoffLimitExceeded; 2 job +Failed:BackoffLimitExceeded",
        "2 job +Failed:BackoffLimitExceeded",
    ),
    job_case(
        "job-success-policy",
        job(completions=3, successPolicy={"rules": [{"succeededIndexes": "2"}]}),
        "1 job completedIndexes=2; 2 job +SuccessCriteriaMet:SuccessPolicy",
        "1 job completedIndexes=1; 2 job +SuccessCriteriaMet:SuccessPolicy",
    ),
    job_case(
        "job-suspend",
        job(),
        "0 new a; 1 deleted 30; 1 job suspend=true +Suspended; 60 end",
        "0 new a; 1 job suspend=true +Suspended; 60 end",
    ),
    job_case("job-finalizer-tracking", job(), f"0 {FAILED}; 4 job failed=1", f"0 {FAILED}; 4 job failed=2"),
    job_case(
        "job-ttl-after-finished",
        job(ttlSecondsAfterFinished=10),
        "1 job +Complete; 11 job-gone",
        "1 job +Complete; 5 job-gone",
        "1 job +Complete; 51 end",
    ),
    job_case(
        "job-ttl-after-finished",
        job(ttlSecondsAfterFinished=10),
        "1 job +Complete; 52 job-gone",
        "1 job +Complete; 52 end",
    ),
    job_case(
        "job-pods-kept-after-finish",
        job(),
        f"0 {FAILED}; 4 job +Failed; 60 end",
        f"0 {FAILED}; 4 job +Failed; 5 gone; 60 end",
    ),
    job_case(
        "cronjob-history-and-suspend",
        job(kind="CronJob", failedJobsHistoryLimit=1),
        "0 owned one; 1 owned one +Failed; 60 end",
        "0 owned one; 1 owned one +Failed; 5 owned two; 6 owned two +Failed; 60 end",
    ),
]

ROOMY = {"resources": {"requests": {"cpu": "1"}}}
CLUSTER = [
    case(
        "main-containers-may-start-in-parallel",
        pod("| app log", app={"readinessProbe": probe()}),
        held="1 start app; 2 start log",
        broken="1 start app; 60 start log",
    ),
    case(
        "main-independent-failure",
        pod("| app log"),
        held="1 start app; 1 start log; 2 exit app 1; 3 start app",
        broken="1 start app; 1 start log; 2 exit app 1; 2.5 stop log; 3 start app",
    ),
    case("phase-uid-never-moves", pod("| app"), held="1 bind node1", broken="1 bind node1; 2 bind node2"),
    case(
        "scheduling-gates-block",
        pod("| app"),
        held="1 gated yes; 2 gated no; 3 bind",
        broken="1 gated yes; 3 bind",
    ),
    case(
        "scheduling-unschedulable-pending",
        pod("| app"),
        held="1 phase Pending; 2 cond PodScheduled=False:Unschedulable",
        broken="1 phase Running; 2 cond PodScheduled=False:Unschedulable",
    ),
    case(
        "scheduling-effective-request",
        pod("| app", app=ROOMY),
        held="0 node 2; 1 bind",
        broken="0 node 500m; 1 bind",
        idle="1 bind",
    ),
    case(
        "sidecar-resources-summed",
        pod(
            "s* a | app",
            s=ROOMY,
            a={"resources": {"requests": {"cpu": "2"}}},
            app={"resources": {"requests": {"cpu": "500m"}}},
        ),
        held="0 node 3; 1 bind",
        broken="0 node 2; 1 bind",
        idle="1 bind",
    ),
    case(
        "sidecar-gate-off-field-dropped",
        pod("s | app"),
        held="0 sends 201",
        broken="0 sends 201",
        broken_pod=pod("s* | app"),
        release="1.28",
        sent={"kind": "Pod", "spec": {"initContainers": [{"name": "s", "restartPolicy": "Always"}]}},
    ),
    case(
        "probe-regular-init-none",
        pod("| app"),
        held="0 sends 422",
        broken="0 sends 201",
        sent={
            "kind": "Pod",
            "spec": {"initContainers": [{"name": "a", "livenessProbe": {}, "lifecycle": {"preStop": {}}}]},
        },
    ),
    case(
        "job-restart-policy-restricted",
        pod("| app"),
        held="0 sends 422",
        broken="0 sends 201",
        sent={"kind": "Job", "spec": {"template": {"spec": {"restartPolicy": "Always"}}}},
    ),
    case(
        "init-unique-names",
        pod("a | app"),
        held="1 end",
        broken="1 end",
        broken_pod=pod("app | app"),
        idle_pod=pod("| app"),
    ),
    case(
        "restart-rules-need-policy",
        pod("| app", app={"restartPolicy": "Never", "restartPolicyRules": [{"action": "Restart"}]}),
        held="1 end",
        broken="1 end",
        broken_pod=pod("| app", app={"restartPolicyRules": [{"action": "Restart"}]}),
        idle_pod=pod("| app"),
    ),
    case("pod-update-limits", pod("| app"), held="1 sets app app:2", broken="1 becomes Never", idle="1 bind"),
]


@pytest.mark.parametrize("one", JOBS, ids=[f"{one.id}-{number}" for number, one in enumerate(JOBS)])
def test_jobs(one: Case) -> None:
    expect_verdicts(one)


@pytest.mark.parametrize("one", CLUSTER, ids=[f"{one.id}-{number}" for number, one in enumerate(CLUSTER)])
def test_scheduling_and_admission(one: Case) -> None:
    expect_verdicts(one)


def test_a_sidecar_is_stored_only_where_the_gate_is_on() -> None:
    id_ = "sidecar-gate-default-by-version"
    assert verdict_on(id_, pod("s* | app"), "1 end", release="1.29").verdict is Verdict.HELD
    assert verdict_on(id_, pod("s* | app"), "1 end", release="1.28").verdict is Verdict.BROKEN
    assert verdict_on(id_, pod("s | app"), "1 end", release="1.28").verdict is Verdict.NOT_EXERCISED
