"""The trace of a history is a recording: recordings of real clusters told again come out as they went in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from retold import Teller

from kubesim.history.history import History
from kubesim.history.records import ActionDone, Ended, ObjectChanged, OutputWritten, RuntimeChanged
from kubesim.objects.status import render_time
from kubesim.timelines.names import plain_text, stable_names
from kubesim.timelines.trace import render, trace
from kubesim.units import MILLISECOND, SECOND

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.json"))
each_recording = pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)


def told(path: Path) -> tuple[dict[str, Any], History]:
    recorded = json.loads(path.read_text())
    return recorded, Teller(recorded, recorded["config"].partition("-")[0]).history()


def plain_zero(value: Any) -> Any:
    """A recording may say -0.0, which is 0.0."""
    return json.loads(json.dumps(value).replace("-0.0,", "0.0,").replace("-0.0}", "0.0}"))


def within(value: Any, end: float) -> Any:
    """The entries of a table up to the end; a recorder may still hear of some afterwards."""
    if not isinstance(value, list) or "t" not in (value or [{}])[0]:
        return value
    return [entry for entry in value if entry["t"] <= end]


def rows(entries: Iterable[dict[str, Any]]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each object without their instants: the recorder took them from a watch of their own."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for entry in entries:
        name, *cells = [value for key, value in entry.items() if key != "t"]
        found.setdefault(name, []).append(tuple(cells))
    return found


@each_recording
def test_a_recording_is_laid_out_to_the_byte(path: Path) -> None:
    text = path.read_text()
    assert render(json.loads(text)) == text


@each_recording
def test_what_is_told_again_comes_out_as_it_went_in(path: Path) -> None:
    recorded, history = told(path)
    made = trace(history, config=recorded["config"])
    assert list(made) == list(recorded)
    for key in recorded:
        if key == "duration":
            assert made[key] == pytest.approx(recorded[key], abs=0.2)
        elif key.startswith("kubectl_get"):
            assert rows(made[key]) == rows(recorded[key])
        else:
            assert json.dumps(plain_zero(made[key])) == json.dumps(plain_zero(within(recorded[key], made["duration"])))


@each_recording
def test_a_history_that_was_written_and_read_gives_the_same_trace(path: Path) -> None:
    _, history = told(path)
    assert render(trace(History.of_lines(history.to_jsonl().splitlines()))) == render(trace(history))


def sc_basic() -> tuple[dict[str, Any], History]:
    return told(next(path for path in RECORDINGS if path.stem == "1.29_sc-basic"))


def test_names_are_those_asked_for() -> None:
    made = trace(sc_basic()[1], config="mine", name="id", title="what it is about", repetition=2)
    assert list(made)[:5] == ["id", "title", "config", "duration", "repetition"]
    assert (made["id"], made["title"], made["config"], made["repetition"]) == ("id", "what it is about", "mine", 2)
    assert trace(sc_basic()[1])["config"] == "1.29"


def test_recording_stops_three_seconds_after_everything_is_over() -> None:
    _, history = sc_basic()
    long = History(history.header, [*history.records[:-1], Ended(at=history.started + 900 * SECOND, why="horizon")])
    succeeded = history.pod("sc-basic").phases[-1].at - history.started
    assert trace(long)["duration"] == pytest.approx((succeeded + 3100 * MILLISECOND) / SECOND)


def test_recording_goes_on_while_an_action_is_left() -> None:
    _, history = sc_basic()
    late = ActionDone(at=history.started + 60 * SECOND, do="snapshot")
    header = msgspec.structs.replace(history.header, until=0)
    made = trace(History(header, [*history.records[:-1], late]))
    assert made["actions"] == [{"t": 60.0, "do": "snapshot"}]
    assert made["duration"] == pytest.approx(63.1)


def test_nothing_is_told_that_happened_after_the_recording() -> None:
    _, history = sc_basic()
    late = OutputWritten(
        at=history.started + 99 * SECOND, namespace="default", pod="sc-basic", container="app", run=0, line="late"
    )
    assert trace(History(history.header, [*history.records, late]))["logs"] == trace(history)["logs"]


def test_a_run_that_is_not_over_lasts_until_its_end() -> None:
    _, history = sc_basic()
    first = [record for record in history.records if record.at < history.started + 5 * SECOND]
    assert trace(History(history.header, first))["duration"] == 15.672


def restarted(at: int, finished: int, message: str = "") -> ObjectChanged:
    """The app of sc-basic runs again, after an end of the run before."""
    last = {"terminated": {"exitCode": 1, "finishedAt": render_time(finished)}}
    entry = {"name": "app", "state": {"running": {}}, "lastState": last, "restartCount": 1, "ready": True}
    status = {"phase": "Running", "message": message, "containerStatuses": [entry], "initContainerStatuses": []}
    return ObjectChanged(
        at=at,
        change="MODIFIED",
        kind="Pod",
        namespace="default",
        name="sc-basic",
        uid="u",
        resource_version=at,
        actor="kubelet/node1",
        verb="update",
        patch={"status": status},
    )


def test_an_age_alone_makes_no_row() -> None:
    _, history = sc_basic()
    at = history.started
    added = next(record for record in history.records if isinstance(record, ObjectChanged))
    changes = [restarted(at + second * SECOND, at, message=str(second)) for second in (5, 9)]
    made = trace(History(history.header, [added, *changes]))
    assert [row["restarts"] for row in made["kubectl_get"]] == ["0", "1 (5s ago)"]
    assert len(made["pods"]) == 3


def test_recording_goes_on_while_a_container_of_a_pod_that_went_runs() -> None:
    _, history = sc_basic()
    started = history.started
    went = msgspec.structs.replace(restarted(started + SECOND, started), change="DELETED")
    added = next(record for record in history.records if isinstance(record, ObjectChanged))
    ended = msgspec.structs.replace(entry("exit", code=0), at=started + 6 * SECOND)
    made = trace(History(history.header, [added, entry("start"), went, ended, Ended(at=ended.at, why="settled")]))
    assert made["duration"] == pytest.approx(9.1)


def test_an_event_raised_within_its_second_has_no_last() -> None:
    _, history = sc_basic()
    first = history.events[0]
    again = msgspec.structs.replace(first, count=2, update=True, last=first.first)
    later = msgspec.structs.replace(again, count=3, last=first.first + SECOND)
    events = trace(History(history.header, [first, again, later]))["events"]
    assert [list(event)[7:] for event in events] == [["first"], ["update", "first"], ["update", "first", "last"]]


def with_runtime(*entries: RuntimeChanged) -> dict[str, Any]:
    _, history = sc_basic()
    return trace(History(history.header, [*entries, *history.records]))


def entry(event: str, **values: object) -> RuntimeChanged:
    _, history = sc_basic()
    return RuntimeChanged(
        at=history.started,
        node="node1",
        namespace="default",
        pod="sc-basic",
        container="app",
        run=0,
        event=event,
        **values,  # type: ignore[arg-type]  # what the event needs
    )


@pytest.mark.parametrize(
    ("record", "tail"),
    [
        (entry("start", container_id="containerd://ab"), {}),
        (entry("exit", code=143, reason="Error"), {"code": 143}),
        (entry("stop", grace=2), {"grace": 2}),
        (entry("signal", signal="SIGKILL"), {"sig": "KILL"}),
        (entry("oom"), {}),
        (entry("exec-start", exec=26, command="sleep 5", purpose="preStop"), {"x": "00001a", "cmd": "sleep 5"}),
        (entry("exec-exit", exec=26, code=0), {"code": 0, "x": "00001a"}),
    ],
    ids=lambda value: value.event if isinstance(value, RuntimeChanged) else "",
)
def test_runtime_entries_have_the_keys_of_their_kind(record: RuntimeChanged, tail: dict[str, Any]) -> None:
    head = {"t": 0.0, "c": "app", "pod": "sc-basic", "n": 0, "ev": record.event}
    assert list(with_runtime(record)["runtime"][0].items()) == list((head | tail).items())


@pytest.mark.parametrize("event", ["create", "remove"])
def test_what_no_recording_has_is_left_out(event: str) -> None:
    assert event not in {each["ev"] for each in with_runtime(entry(event))["runtime"]}


def test_actions_keep_the_order_of_keys_that_recordings_have() -> None:
    _, history = sc_basic()
    done = ActionDone(
        at=history.started + SECOND,
        do="patch",
        arguments={"patch": {}, "type": "merge", "subresource": "status", "name": "web", "kind": "Pod", "new": 1},
        code=404,
        message="not found",
        warnings=("careful",),
    )
    made = trace(History(history.header, [done, *history.records]))
    assert made["actions"] == [
        {
            "t": 1.0,
            "do": "patch",
            "kind": "Pod",
            "name": "web",
            "subresource": "status",
            "type": "merge",
            "patch": {},
            "new": 1,
            "code": 404,
            "message": "not found",
        }
    ]
    keys = ["t", "do", "kind", "name", "subresource", "type", "patch", "new", "code", "message"]
    assert list(made["actions"][0]) == keys
    assert made["warnings"] == ["careful"]


def test_generated_names_and_uids_are_made_stable_in_messages() -> None:
    recorded, history = told(next(path for path in RECORDINGS if path.stem == "1.29_job-indexed-retry"))
    names = stable_names(history)
    assert sorted(names.values()) == sorted(recorded["accepted"])
    plain = plain_text(names)
    real = next(key.name for key, name in names.items() if name == "indexed-retry-1-~3")
    assert plain(f"Created pod: {real}") == "Created pod: indexed-retry-1-~3"
    assert plain(f"{real}x stays") == f"{real}x stays"
    assert plain("web_default(dc62b669-1111-4222-8333-123456789abc)") == "web_default(dc62b669)"
    assert plain(f"task {'0123456789abcdef' * 4} not found") == "task 01234567 not found"
