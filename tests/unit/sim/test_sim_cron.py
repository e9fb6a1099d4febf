"""CronJobs on the clock: their times, what concurrency does, old Jobs that go, suspension, what goes wrong."""

from __future__ import annotations

import pytest
from job_runs import change, cron_job, events, since, status, texts
from sim_runs import Object, container, ran

from kubesim.history.history import History
from kubesim.history.records import Decided

START = 28401130
"""Minutes since 1970 at t=0."""


def jobs(history: History) -> list[tuple[str, float]]:
    """Each Job with the second of its creation."""
    found = [(key, versions[0]) for key, versions in history.all_versions.items() if key.kind == "Job"]
    return [(key.name, since(history, version.at)) for key, version in found]


def left(history: History) -> list[str]:
    """The Jobs that there are in the end."""
    return [key.name for key in history.objects() if key.kind == "Job"]


def lasting(seconds: int) -> Object:
    return container("work", f"trap 'exit 1' TERM; sleep {seconds} & wait")


def test_a_job_at_each_time_named_after_it() -> None:
    """The controller looks 100 ms after each time, and t=0 lies within a second; the name is the time in minutes."""
    history = ran(cron_job(lasting(5)), until=185)
    assert jobs(history) == [(f"c-{START + n}", pytest.approx(60 * n, abs=0.6)) for n in (1, 2, 3)]
    assert status(history, "c", "CronJob")["lastScheduleTime"] == "2024-01-01T00:13:00Z"
    assert status(history, "c", "CronJob")["lastSuccessfulTime"] == "2024-01-01T00:12:08Z"
    assert events(history, "c") == [*["SuccessfulCreate", "SawCompletedJob"] * 2, "SuccessfulCreate"]


def test_history_limits() -> None:
    """Three Jobs that succeeded stay, and the newest of those that failed; their pods go with them."""
    history = ran(cron_job(lasting(5)), until=350)
    assert left(history) == [f"c-{START + n}" for n in (3, 4, 5)]
    assert len([life for life in history.pods if life.versions[-1].change != "DELETED"]) == 3
    failing = cron_job(container("work", "exit 1"), job={"backoffLimit": 0})
    assert left(ran(failing, until=350)) == [f"c-{START + 5}"]


@pytest.mark.parametrize(("policy", "created", "completed"), [("Allow", 4, 2), ("Forbid", 3, 2), ("Replace", 4, 0)])
def test_concurrency(policy: str, created: int, completed: int) -> None:
    """Jobs of 90 s, one a minute; under Forbid the time that was passed over is made up for."""
    history = ran(cron_job(lasting(90), concurrencyPolicy=policy), until=270)
    assert len(texts(history, "SuccessfulCreate")) - len(history.pods) == created
    assert len(texts(history, "SawCompletedJob")) == completed
    if policy == "Replace":
        assert len(left(history)) == 1
        assert texts(history, "SuccessfulDelete") == [f"Deleted job c-{START + n}" for n in (1, 2, 3)]


def test_suspended_for_a_while() -> None:
    """A suspended CronJob starts nothing; resumed, it starts the last time that it missed, unless that is too late."""
    actions = [change(30, "CronJob", "c", suspend=True), change(200, "CronJob", "c", suspend=False)]
    history = ran(cron_job(lasting(5)), until=230, actions=actions)
    assert jobs(history) == [(f"c-{START + 3}", pytest.approx(200, abs=0.1))]
    late = ran(cron_job(lasting(5), startingDeadlineSeconds=10), until=230, actions=actions)
    assert jobs(late) == []


def test_a_new_schedule_counts_from_then() -> None:
    """From every minute to every two: the next times are the even minutes."""
    actions = [change(70, "CronJob", "c", schedule="*/2 * * * *")]
    history = ran(cron_job(lasting(5)), until=300, actions=actions)
    assert [name for name, _ in jobs(history)] == [f"c-{START + n}" for n in (1, 2, 4)]


def test_a_time_zone() -> None:
    """Nine o'clock in Kolkata is half past three in UTC."""
    history = ran(cron_job(lasting(5), schedule="0 9 * * *", timeZone="Asia/Kolkata"), until=86400)
    ((_, second),) = jobs(history)
    assert second == pytest.approx(3.5 * 3600 - 600, abs=0.6)
    made = next(versions[0] for key, versions in history.all_versions.items() if key.kind == "Job")
    stamp = made.object["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert stamp == "2024-01-01T09:00:00+05:30"


def test_a_job_that_the_server_refuses() -> None:
    """The template is checked with the CronJob, but not what each Job adds; the sync is tried again."""
    taken = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"c-{START + 1}"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [lasting(5)]}}},
    }
    history = ran(cron_job(lasting(5)), taken, until=130)
    assert [name for name, _ in jobs(history)] == [f"c-{START + 1}", f"c-{START + 2}"]
    assert "active" not in status(history, "c", "CronJob") or len(status(history, "c", "CronJob")["active"]) == 1


def test_jobs_go_with_their_cron_job() -> None:
    action = {"at": "130s", "delete": {"kind": "CronJob", "name": "c"}}
    history = ran(cron_job(lasting(50)), until=300, actions=[action])
    assert len(jobs(history)) == 2
    assert left(history) == []


def test_a_year_of_sundays() -> None:
    """Cost follows the Jobs, not the time: 52 of them, of which three are left."""
    history = ran(cron_job(lasting(300), schedule="0 3 * * 0"), until=366 * 86400)
    assert len(texts(history, "SawCompletedJob")) == 52
    assert len(left(history)) == 3
    assert len(history) < 3000


def test_the_first_time_is_told() -> None:
    """Once, so that a run that ends before it says why nothing happened."""
    touched = [change(70, "CronJob", "c", startingDeadlineSeconds=300)]
    history = ran(cron_job(lasting(5), schedule="0 3 * * *"), until=200, actions=touched)
    told = [
        (action.do, action.why)
        for record in history.of(Decided)
        if record.actor == "cronjob-controller"
        for action in record.actions
    ]
    assert told == [("wait", "the schedule asks for a Job at Mon, 01 Jan 2024 03:00:00 +0000")]
