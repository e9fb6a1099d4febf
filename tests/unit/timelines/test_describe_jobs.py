"""``kubectl describe job`` as recorded (1.36), and the lines that the recordings do not have."""

from __future__ import annotations

from typing import Any

from kubesim.history.records import EventEmitted
from kubesim.history.series import Series
from kubesim.releases import Component, release
from kubesim.timelines.describe_jobs import describe_cron_job, describe_job
from kubesim.units import SECOND

SERVER = release("1.36", component=Component.APISERVER)
NOW = 20 * SECOND
LABELS = {"batch.kubernetes.io/controller-uid": "9eb9", "job-name": "indexed-retry"}
JOB: dict[str, Any] = {
    "metadata": {"name": "indexed-retry", "namespace": "s-job-indexed-retry", "labels": LABELS},
    "spec": {
        "parallelism": 2,
        "completions": 2,
        "completionMode": "Indexed",
        "suspend": False,
        "backoffLimit": 3,
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "9eb9"}},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "containers": [
                    {
                        "name": "work",
                        "image": "busybox:1.36",
                        "command": ["sh", "-c", "sleep 2"],
                        "volumeMounts": [{"name": "state", "mountPath": "/state"}],
                    }
                ],
                "volumes": [{"name": "state", "hostPath": {"path": "/tmp/indexed-retry", "type": "DirectoryOrCreate"}}],
            },
        },
    },
    "status": {
        "ready": 0,
        "succeeded": 2,
        "failed": 1,
        "completedIndexes": "0,1",
        "startTime": "2026-11-22T09:32:31Z",
        "completionTime": "2026-11-22T09:32:42Z",
    },
}
RECORDED = """\
Name:               indexed-retry
Namespace:          s-job-indexed-retry
Selector:           batch.kubernetes.io/controller-uid=9eb9
Labels:             batch.kubernetes.io/controller-uid=9eb9
                    job-name=indexed-retry
Annotations:        <none>
Parallelism:        2
Completions:        2
Completion Mode:    Indexed
Suspend:            false
Backoff Limit:      3
Start Time:         Sun, 22 Nov 2026 09:32:31 +0000
Completed At:       Sun, 22 Nov 2026 09:32:42 +0000
Duration:           11s
Pods Statuses:      0 Active (0 Ready) / 2 Succeeded / 1 Failed
Completed Indexes:  0,1
Pod Template:
  Labels:  batch.kubernetes.io/controller-uid=9eb9
           job-name=indexed-retry
  Containers:
   work:
    Image:      busybox:1.36
    Port:       <none>
    Host Port:  <none>
    Command:
      sh
      -c
      sleep 2
    Environment:  <none>
    Mounts:
      /state from state (rw)
  Volumes:
   state:
    Type:          HostPath (bare host directory volume)
    Path:          /tmp/indexed-retry
    HostPathType:  DirectoryOrCreate
  Node-Selectors:  <none>
  Tolerations:     <none>
Events:
  Type    Reason     Age   From            Message
  ----    ------     ----  ----            -------
  Normal  Completed  9s    job-controller  Job completed"""


def test_a_recorded_job() -> None:
    event = EventEmitted(
        at=11 * SECOND,
        kind="Job",
        namespace="s-job-indexed-retry",
        name="indexed-retry",
        uid="",
        type="Normal",
        reason="Completed",
        message="Job completed",
        component="job-controller",
        first=11 * SECOND,
        last=11 * SECOND,
    )
    assert "\n".join(describe_job(JOB, [Series(event, event, 0)], SERVER, NOW)) == RECORDED


def lines_about(job: dict[str, Any], *labels: str) -> list[str]:
    found = describe_job(job, [], SERVER, NOW)
    return [" ".join(line.split()) for line in found if line.strip().startswith(labels)]


def test_lines_that_only_some_jobs_have() -> None:
    """A work queue has no completions, 1.27 without JobReadyPods no ready pods; owners, deadline and TTL are named."""
    owner = {"kind": "CronJob", "name": "nightly", "controller": True}
    template = {"metadata": {"annotations": {"a": "b"}}, "spec": {"serviceAccountName": "me", "containers": []}}
    spec = {key: value for key, value in JOB["spec"].items() if key != "completions"}
    job = {
        "metadata": {**JOB["metadata"], "ownerReferences": [owner]},
        "spec": {
            **spec,
            "activeDeadlineSeconds": 30,
            "ttlSecondsAfterFinished": 0,
            "suspend": True,
            "template": {**template, "spec": {**template["spec"], "priorityClassName": "low"}},
        },
        "status": {"active": 2, "completedIndexes": ",".join(str(index) for index in range(0, 60, 2))},
    }
    labels = (
        "Controlled By",
        "Completions",
        "Active Deadline",
        "TTL",
        "Start",
        "Pods Statuses",
        "Completed",
        "Suspend",
    )
    assert lines_about(job, *labels, "Annotations", "Service Account", "Priority") == [
        "Annotations: <none>",
        "Controlled By: CronJob/nightly",
        "Completions: <unset>",
        "Suspend: true",
        "TTL Seconds After Finished: 0",
        "Active Deadline Seconds: 30s",
        "Pods Statuses: 2 Active / 0 Succeeded / 0 Failed",
        "Completed Indexes: 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,...",
        "Annotations: a: b",
        "Service Account: me",
        "Priority Class Name: low",
    ]


def test_a_cron_job() -> None:
    cron = {
        "metadata": {"name": "nightly", "namespace": "default"},
        "spec": {
            "schedule": "0 3 * * *",
            "concurrencyPolicy": "Forbid",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "startingDeadlineSeconds": 200,
            "jobTemplate": {"spec": {"activeDeadlineSeconds": 9, "template": JOB["spec"]["template"]}},
        },
        "status": {
            "active": [{"name": "nightly-1"}, {"name": "nightly-2"}],
            "lastScheduleTime": "2026-11-22T03:00:00Z",
        },
    }
    lines = [" ".join(line.split()) for line in describe_cron_job(cron, [], SERVER, NOW)]
    assert lines[:15] == [
        "Name: nightly",
        "Namespace: default",
        "Labels: <none>",
        "Annotations: <none>",
        "Schedule: 0 3 * * *",
        "Concurrency Policy: Forbid",
        "Suspend: False",
        "Successful Job History Limit: 3",
        "Failed Job History Limit: 1",
        "Starting Deadline Seconds: 200s",
        "Selector: <unset>",
        "Parallelism: <unset>",
        "Completions: <unset>",
        "Active Deadline Seconds: 9s",
        "Pod Template:",
    ]
    assert lines[-3:] == [
        "Last Schedule Time: Sun, 22 Nov 2026 03:00:00 +0000",
        "Active Jobs: nightly-1, nightly-2",
        "Events: <none>",
    ]
    bare = {**cron, "status": {}, "spec": {**cron["spec"], "startingDeadlineSeconds": None}}
    assert "Last Schedule Time:  <unset>" in describe_cron_job(bare, [], SERVER, NOW)
