"""CronJobs: reading schedules, the next time, times missed, and what one sync decides.

Sources: ``controller/cronjob/utils.go``, ``cronjob_controllerv2.go``; the documentation of github.com/robfig/cron/v3.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kubesim.job_controller.cron import (
    CronDecision,
    finished_beyond_limits,
    is_behind,
    job_for,
    job_name,
    sync_cron_job,
    with_started,
    without_jobs,
)
from kubesim.job_controller.cron_times import Missed, NeverFits, next_time, unmet_time, wait_for_next
from kubesim.job_controller.events import JobEvent
from kubesim.objects.cron_job import CronJobView, cron_job_status_raw, cron_job_view
from kubesim.objects.cron_schedule import BadSchedule, Every, parse_schedule
from kubesim.objects.job import JobView, job_view
from kubesim.objects.status import render_time
from kubesim.releases import Component, release
from kubesim.units import EPOCH_UNIX_SECONDS, HOUR, MILLISECOND, MINUTE, SECOND, Instant

CONTROLLER = release("1.36", component=Component.CONTROLLER_MANAGER)


def moment(text: str, zone: str = "UTC") -> Instant:
    """The instant of a time as a clock of the zone shows it."""
    shown = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return (int(shown.timestamp()) - EPOCH_UNIX_SECONDS) * SECOND


def shown(instant: Instant) -> str:
    return datetime.fromtimestamp(instant // SECOND + EPOCH_UNIX_SECONDS, UTC).strftime("%Y-%m-%d %H:%M")


def following(schedule: str, after: str, count: int = 3) -> list[str]:
    """The next times of a schedule, in UTC."""
    now, found = moment(after), []
    for _ in range(count):
        now = next_time(parse_schedule(schedule), now)
        found.append(shown(now))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/20 * * * *", ["2024-02-28 23:40", "2024-02-29 00:00", "2024-02-29 00:20"]),
        ("0 3 * * *", ["2024-02-29 03:00", "2024-03-01 03:00", "2024-03-02 03:00"]),
        ("5-15/5 0 1 jan,JUL *", ["2024-07-01 00:05", "2024-07-01 00:10", "2024-07-01 00:15"]),
        ("0 0 29 2 *", ["2024-02-29 00:00", "2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 * * sun", ["2024-03-03 00:00", "2024-03-10 00:00", "2024-03-17 00:00"]),
        ("@hourly", ["2024-02-29 00:00", "2024-02-29 01:00", "2024-02-29 02:00"]),
        ("@monthly", ["2024-03-01 00:00", "2024-04-01 00:00", "2024-05-01 00:00"]),
        ("0 0 1 * mon", ["2024-03-01 00:00", "2024-03-04 00:00", "2024-03-11 00:00"]),
        ("0 0 */10 * mon", ["2024-03-01 00:00", "2024-03-04 00:00", "2024-03-11 00:00"]),
        ("45/5 23 * * *", ["2024-02-28 23:45", "2024-02-28 23:50", "2024-02-28 23:55"]),
        ("? ? * * ?", ["2024-02-28 23:31", "2024-02-28 23:32", "2024-02-28 23:33"]),
        ("TZ=Asia/Kolkata 0 9 * * *", ["2024-02-29 03:30", "2024-03-01 03:30", "2024-03-02 03:30"]),
    ],
)
def test_times(schedule: str, expected: list[str]) -> None:
    assert following(schedule, "2024-02-28T23:30") == expected


def test_both_kinds_of_days_mean_either() -> None:
    """``*/10`` is no star: days 1, 11, 21, 31 and all Mondays."""
    assert following("0 0 */10 * mon", "2024-03-08T00:00", 4) == [
        *("2024-03-11 00:00", "2024-03-18 00:00", "2024-03-21 00:00", "2024-03-25 00:00"),
    ]


def test_every_counts_from_the_time_before() -> None:
    assert parse_schedule("@every 90s") == Every(90 * SECOND)
    assert parse_schedule("@every 10ms") == Every(SECOND), "at least a second"
    assert next_time(Every(90 * SECOND), 10 * SECOND + 7) == 100 * SECOND


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("TZ=Europe/Berlin 30 2 * * *", "2024-03-30T12:00", ["2024-04-01 00:30", "2024-04-02 00:30"]),
        ("TZ=Europe/Berlin 30 2 * * *", "2024-10-26T12:00", ["2024-10-27 00:30", "2024-10-27 01:30"]),
        ("TZ=Europe/Berlin 0 * * * *", "2024-03-31T00:30", ["2024-03-31 01:00", "2024-03-31 02:00"]),
    ],
)
def test_clocks_that_change(schedule: str, after: str, expected: list[str]) -> None:
    """What the clock shows counts: half past two does not come on the last Sunday of March, and twice in October."""
    assert following(schedule, after, 2) == expected


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("@never", "unrecognized descriptor: @never"),
        ("TZ=Mars/Base * * * * *", "provided bad location Mars/Base: unknown time zone Mars/Base"),
    ],
)
def test_what_is_no_schedule(schedule: str, problem: str) -> None:
    with pytest.raises(BadSchedule) as caught:
        parse_schedule(schedule)
    assert str(caught.value) == problem


def test_a_day_that_never_comes() -> None:
    with pytest.raises(NeverFits):
        next_time(parse_schedule("0 0 31 2 *"), 0)


# -- syncs ------------------------------------------------------------------------------------------------------------

NOON = moment("2024-05-01T12:00")


def cron(status: Any = None, **spec: Any) -> CronJobView:
    """A CronJob of every minute, created at noon."""
    return cron_job_view(
        {
            "metadata": {"name": "c", "namespace": "ns", "uid": "c-uid", "creationTimestamp": render_time(NOON)},
            "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {}}}, **spec},
            "status": status or {},
        }
    )


def job(name: str, ended: str = "", started: int = 0, completed: Instant | None = None) -> JobView:
    """A Job of the CronJob; ``ended``: Complete or Failed."""
    status: dict[str, Any] = {"startTime": render_time(NOON + started * SECOND)}
    if ended:
        status["conditions"] = [{"type": ended, "status": "True"}]
    if completed is not None:
        status["completionTime"] = render_time(completed)
    return job_view(
        {
            "metadata": {"name": name, "namespace": "ns", "uid": f"{name}-uid"},
            "spec": {"template": {}},
            "status": status,
        }
    )


def active(*names: str, last: Instant | None = None) -> dict[str, Any]:
    listed = [{"name": name, "namespace": "ns", "uid": f"{name}-uid"} for name in names]
    return {"active": listed, **({} if last is None else {"lastScheduleTime": render_time(last)})}


def synced(given: CronJobView, *jobs: JobView, after: float, name: str = "1.36") -> CronDecision:
    """A sync so many seconds after noon; every active Job is stored."""
    stored = frozenset(reference.uid for reference in given.status.active)
    known = release(name, component=Component.CONTROLLER_MANAGER)
    return sync_cron_job(given, jobs, stored, known, NOON + int(after * SECOND))


def reasons(decision: CronDecision) -> list[str]:
    return [event.reason for event in decision.events]


def test_it_waits_for_the_first_time() -> None:
    """It looks again 100 ms after the time, so that a clock that is a little off has passed it."""
    decision = synced(cron(), after=20)
    assert (decision.start, decision.requeue) == (None, 40 * SECOND + 100 * MILLISECOND)


def test_the_last_time_that_has_passed_gets_a_job() -> None:
    decision = synced(cron(), after=185)
    assert decision.start == NOON + 3 * MINUTE
    assert decision.requeue == 55 * SECOND + 100 * MILLISECOND
    assert job_name(cron(), NOON + 3 * MINUTE) == "c-28576083"
    again = synced(cron(active("c-28576083", last=NOON + 3 * MINUTE)), job("c-28576083"), after=186)
    assert again.start is None


@pytest.mark.parametrize(
    ("policy", "start", "replaced", "seen"),
    [("Allow", True, [], []), ("Forbid", False, [], ["JobAlreadyActive"]), ("Replace", True, ["old"], [])],
)
def test_a_job_that_still_runs(policy: str, start: bool, replaced: list[str], seen: list[str]) -> None:
    given = cron(active("old", last=NOON + MINUTE), concurrencyPolicy=policy)
    decision = synced(given, job("old"), after=120.1)
    assert (decision.start is not None) is start
    assert [reference.name for reference in decision.replaced] == replaced
    assert reasons(decision) == seen
    if seen:
        said = "Not starting job because prior execution is running and concurrency policy is Forbid"
        assert decision.events == (JobEvent("Normal", "JobAlreadyActive", said),)
    assert decision.requeue is not None


@pytest.mark.parametrize(("deadline", "late", "starts"), [(10, 9, True), (10, 11, False), (None, 59, True)])
def test_a_deadline_for_starting(deadline: int | None, late: int, starts: bool) -> None:
    """Past it, a time is missed: seen as "no time has passed", for the search begins at the deadline."""
    given = cron(**({} if deadline is None else {"startingDeadlineSeconds": deadline}))
    assert (synced(given, after=60 + late).start is not None) is starts


def test_a_hundred_times_missed() -> None:
    """After a long pause only the last time gets a Job, with a warning."""
    decision = synced(cron(active(last=NOON)), after=7200)
    assert decision.start == NOON + 120 * MINUTE
    assert reasons(decision) == ["TooManyMissedTimes"]
    bounded = synced(cron(active(last=NOON), startingDeadlineSeconds=300), after=7200)
    assert (bounded.start, reasons(bounded)) == (NOON + 120 * MINUTE, [])


@pytest.mark.parametrize(
    ("minutes", "missed"), [(0, Missed.NONE), (1, Missed.NONE), (2, Missed.FEW), (100, Missed.FEW), (101, Missed.MANY)]
)
def test_how_many_times_were_missed(minutes: int, missed: Missed) -> None:
    unmet = unmet_time(cron(), parse_schedule("* * * * *"), NOON + minutes * MINUTE + SECOND)
    assert unmet.missed is missed
    assert unmet.time == (NOON + minutes * MINUTE if minutes else None)


def test_the_wait_after_a_time_that_has_its_job() -> None:
    given = cron(active(last=NOON + HOUR), schedule="0 * * * *")
    assert wait_for_next(given, parse_schedule("0 * * * *"), NOON + HOUR + SECOND) == HOUR - SECOND + 100 * MILLISECOND


def test_the_wait_where_no_time_was_found() -> None:
    """@every counts from the last Job, not from the deadline; times that come in bursts are looked for from now on."""
    every = parse_schedule("@every 1h")
    late = cron(schedule="@every 1h", startingDeadlineSeconds=600)
    assert wait_for_next(late, every, NOON + 30 * MINUTE) == 30 * MINUTE + 100 * MILLISECOND
    bursts, now = parse_schedule("5,6 12 * * *"), NOON + 125 * MINUTE
    assert unmet_time(cron(), bursts, now).time is None
    assert wait_for_next(cron(), bursts, now) == 24 * HOUR - 120 * MINUTE + 100 * MILLISECOND


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        ({"suspend": True}, []),
        ({"timeZone": "Mars/Base"}, ["UnknownTimeZone"]),
        ({"schedule": "61 * * * *"}, ["UnparseableSchedule"]),
        ({"schedule": "0 0 31 2 *"}, ["InvalidSchedule"]),
    ],
)
def test_nothing_starts_and_nothing_is_asked_for(spec: dict[str, Any], seen: list[str]) -> None:
    decision = synced(cron(**spec), after=600)
    assert (decision.start, decision.requeue, reasons(decision)) == (None, None, seen)
    assert all((spec.get("schedule") or "time zone") in event.message for event in decision.events)


def test_a_zone_in_the_schedule_is_warned_about_and_heeded() -> None:
    decision = synced(cron(schedule="TZ=Europe/Berlin 0 14 * * *", timeZone="Asia/Tokyo"), after=120)
    assert reasons(decision) == ["UnsupportedSchedule"]
    assert decision.start is None
    zoned = synced(cron(schedule="1 14 * * *", timeZone="Europe/Berlin"), after=120)
    assert zoned.start == NOON + MINUTE


def test_a_deleted_cron_job_starts_nothing() -> None:
    raw = cron().raw
    gone = cron_job_view({**raw, "metadata": {**raw["metadata"], "deletionTimestamp": render_time(NOON)}})
    assert synced(gone, after=120).start is None


@pytest.mark.parametrize(("name", "word"), [("1.30", "status"), ("1.31", "condition")])
def test_jobs_that_ended_are_told_and_forgotten(name: str, word: str) -> None:
    given = cron(active("good", "bad", "gone", last=NOON + HOUR))
    finished = (job("odd"), job("good", "Complete", completed=NOON + 5 * SECOND), job("bad", "Failed"))
    decision = sync_cron_job(
        given, finished, frozenset(), release(name, component=Component.CONTROLLER_MANAGER), NOON + HOUR
    )
    assert decision.events == (
        JobEvent("Warning", "UnexpectedJob", "Saw a job that the controller did not create or forgot: odd"),
        JobEvent("Normal", "SawCompletedJob", f"Saw completed job: good, {word}: Complete"),
        JobEvent("Normal", "SawCompletedJob", f"Saw completed job: bad, {word}: Failed"),
        JobEvent("Normal", "MissingJob", "Active job went missing: gone"),
    )
    assert decision.status.active == ()
    assert decision.status.last_successful_time == (NOON + 5 * SECOND if name == "1.31" else None)
    assert is_behind(given, finished)
    assert not is_behind(given, finished[1:])


def test_a_job_is_missing_only_if_it_is_neither_seen_nor_stored() -> None:
    """Its informer may be behind: what the API server has, or what was seen, is there."""
    given = cron(active("seen", "stored", "gone", last=NOON + HOUR))
    known = release("1.36", component=Component.CONTROLLER_MANAGER)
    decision = sync_cron_job(given, (job("seen"),), frozenset({"stored-uid"}), known, NOON + HOUR)
    assert [reference.name for reference in decision.status.active] == ["seen", "stored"]
    assert reasons(decision) == ["MissingJob"]


def test_history_limits() -> None:
    """By default three good Jobs and one bad one are kept; the oldest go first, those that never started last."""
    jobs = [job(f"g{number}", "Complete", started=number) for number in (4, 1, 3, 2)]
    jobs += [job("b2", "Failed", started=2), job("b1", "Failed", started=1), job("runs")]
    assert [one.metadata.name for one in finished_beyond_limits(cron(), jobs)] == ["g1", "b1"]
    none = cron(successfulJobsHistoryLimit=0, failedJobsHistoryLimit=9)
    assert [one.metadata.name for one in finished_beyond_limits(none, jobs)] == ["g1", "g2", "g3", "g4"]


def test_the_job_that_is_made() -> None:
    template = {"metadata": {"labels": {"app": "x"}, "annotations": {"a": "b"}}, "spec": {"backoffLimit": 1}}
    made = job_for(cron(jobTemplate=template, timeZone="Asia/Kolkata"), NOON, CONTROLLER)
    assert made["metadata"] == {
        "name": "c-28576080",
        "namespace": "ns",
        "labels": {"app": "x"},
        "annotations": {
            "a": "b",
            "batch.kubernetes.io/cronjob-scheduled-timestamp": "2024-05-01T17:30:00+05:30",
        },
        "ownerReferences": [
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": "c",
                "uid": "c-uid",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    assert made["spec"] == {"backoffLimit": 1}
    old = job_for(cron(), NOON, release("1.27", component=Component.CONTROLLER_MANAGER))
    assert "annotations" not in old["metadata"]
    utc = job_for(cron(), NOON, CONTROLLER)["metadata"]["annotations"]
    assert utc == {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2024-05-01T12:00:00Z"}


def test_the_status_after_a_start() -> None:
    made = {"metadata": {"name": "c-1", "namespace": "ns", "uid": "u1", "resourceVersion": "9"}}
    status = with_started(without_jobs(cron(active("old")).status, ["old-uid"]), made, NOON)
    assert cron_job_status_raw(status) == {
        "active": [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": "c-1",
                "namespace": "ns",
                "resourceVersion": "9",
                "uid": "u1",
            }
        ],
        "lastScheduleTime": "2024-05-01T12:00:00Z",
    }
