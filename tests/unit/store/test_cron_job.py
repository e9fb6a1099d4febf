"""A CronJob at the API server: what is filled in, refused, warned about and shown, in the server's own words."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store import Reply, Store
from kubesim.store.tables import cron_job_columns, cron_job_headers
from kubesim.units import HOUR, MINUTE

POD = {"restartPolicy": "Never", "containers": [{"name": "work", "image": "i:1"}]}
UNZONED = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"


def created(
    name: str = "1.36", /, cron: str = "c", job: Any = None, pod: Any = None, **spec: Any
) -> tuple[Reply, Store]:
    store = Store(release(name, component="apiserver"))
    template = {"spec": {"template": {"spec": {**POD, **(pod or {})}}, **(job or {})}}
    raw = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": cron},
        "spec": {"schedule": "*/5 * * * *", "jobTemplate": template, **spec},
    }
    return store.create(raw, 0), store


def texts(reply: Reply) -> list[str]:
    return [error.text for error in reply.errors]


def test_what_is_filled_in() -> None:
    reply, _ = created()
    assert reply.object is not None
    spec = dict(reply.object["spec"])
    job = spec.pop("jobTemplate")["spec"]
    assert spec == {
        "schedule": "*/5 * * * *",
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    assert job.keys() == {"template"}, "the Job itself gets its defaults when it is made"
    assert job["template"]["spec"]["terminationGracePeriodSeconds"] == 30


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"schedule": ""}, ["spec.schedule: Required value"]),
        (
            {"schedule": "61 * * * *"},
            ['spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61'],
        ),
        (
            {"schedule": "* * * *"},
            ['spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]'],
        ),
        ({"schedule": "TZ=UTC * * * * *"}, [f'spec.schedule: Invalid value: "TZ=UTC * * * * *": {UNZONED}']),
        ({"timeZone": ""}, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']),
        (
            {"timeZone": "Europe/Pariss"},
            ['spec.timeZone: Invalid value: "Europe/Pariss": unknown time zone Europe/Pariss'],
        ),
        (
            {"timeZone": "../etc/passwd"},
            ['spec.timeZone: Invalid value: "../etc/passwd": unknown time zone ../etc/passwd'],
        ),
        (
            {"timeZone": "Local"},
            [
                'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in '
                "https://www.iana.org/time-zones"
            ],
        ),
        (
            {"concurrencyPolicy": "Never"},
            ['spec.concurrencyPolicy: Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"'],
        ),
        (
            {"startingDeadlineSeconds": -1, "failedJobsHistoryLimit": -2},
            [
                "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
                "spec.failedJobsHistoryLimit: Invalid value: -2: must be greater than or equal to 0",
            ],
        ),
        (
            {"pod": {"restartPolicy": "Always"}},
            ['spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
        ),
        (
            {"job": {"manualSelector": True, "selector": {"matchLabels": {"a": "b"}}}},
            [
                'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be '
                "auto-generated",
                'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
            ],
        ),
        ({"cron": "c" * 53}, [f'metadata.name: Invalid value: "{"c" * 53}": must be no more than 52 characters']),
        ({"cron": "c" * 52}, []),
        ({"timeZone": "Europe/Berlin"}, []),
    ],
)
def test_what_is_refused(given: dict[str, Any], expected: list[str]) -> None:
    assert texts(created(**given)[0]) == expected


def test_a_zone_in_the_schedule_was_only_warned_about() -> None:
    reply, _ = created("1.28", schedule="CRON_TZ=UTC * * * * *")
    assert reply.ok
    assert reply.warnings == (
        "CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see "
        "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
    )


def test_names_that_pods_cannot_have_are_warned_about() -> None:
    reply, _ = created(cron="a.b")
    assert len(reply.warnings) == 1
    assert reply.warnings[0].startswith("metadata.name: this is used in Pod names and hostnames")


def test_everything_may_change_to_what_a_new_one_may_have() -> None:
    _, store = created()
    patch = {"spec": {"schedule": "@hourly", "suspend": True, "jobTemplate": {"spec": {"backoffLimit": 1}}}}
    changed = store.patch("CronJob", "default", "c", "merge", patch, 0)
    assert changed.object is not None
    assert changed.object["metadata"]["generation"] == 2
    refused = store.patch("CronJob", "default", "c", "merge", {"spec": {"schedule": "TZ=UTC @daily"}}, 0)
    assert texts(refused) == [f'spec.schedule: Invalid value: "TZ=UTC @daily": {UNZONED}']


def test_the_table() -> None:
    reply, store = created(timeZone="Europe/Berlin")
    status = {"active": [{"name": "c-1"}], "lastScheduleTime": "2024-01-01T00:05:00Z"}
    stored = store.update_status("CronJob", "default", "c", status, 0).object
    assert stored is not None
    assert reply.object is not None
    server = release("1.36", component="apiserver")
    assert list(cron_job_columns(stored, server, HOUR).values())[:7] == [
        *("c", "*/5 * * * *", "Europe/Berlin", "False", "1", "55m", "60m"),
    ]
    assert cron_job_columns(reply.object, server, MINUTE)["Last Schedule"] == "<none>"
    names = [column.name for column in cron_job_headers(release("1.29", component="apiserver")) if not column.wide]
    assert names == ["Name", "Schedule", "Suspend", "Active", "Last Schedule", "Age"]
