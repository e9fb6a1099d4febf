"""History: a sequence, its files, and the objects that it can put together again."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesim.errors import IllegalMove
from kubesim.history.history import History, HistoryError
from kubesim.history.records import (
    AnyRecord,
    ComponentHeader,
    Decided,
    DecidedAction,
    Ended,
    EventEmitted,
    Header,
    ObjectChanged,
    RuntimeChanged,
)
from kubesim.history.replay import Key
from kubesim.history.series import event_series
from kubesim.units import SECOND

HEADER = Header(
    kubesim="0.1.0",
    scenario="small",
    digest="d",
    control_plane=ComponentHeader(name="control-plane", release="1.29", feature_gates={"SidecarContainers": True}),
    nodes=(ComponentHeader(name="node1", release="1.28"),),
    timing={"name": "ideal"},
    started=SECOND,
)


def changed(at: int, change: str, **values: object) -> ObjectChanged:
    return ObjectChanged(
        at=at * SECOND,
        change=change,
        kind="Pod",
        namespace="default",
        name="web",
        uid="u1",
        resource_version=at,
        actor="user",
        verb="create",
        **values,  # type: ignore[arg-type]  # object or patch
    )


POD = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Pending"}}
RECORDS: list[AnyRecord] = [
    changed(1, "ADDED", object=POD),
    Decided(
        at=2 * SECOND,
        actor="kubelet/node1",
        namespace="default",
        name="web",
        pass_="SyncPod",
        actions=(DecidedAction(do="start", container="app", why="never ran", rules=("K-50",)),),
    ),
    RuntimeChanged(at=2 * SECOND, node="node1", namespace="default", pod="web", container="app", run=0, event="start"),
    changed(3, "MODIFIED", patch={"status": {"phase": "Running", "message": "x"}}),
    changed(4, "MODIFIED", patch={"status": {"message": None}}),
    changed(5, "DELETED", patch={}),
    Ended(at=6 * SECOND, why="settled"),
]


def test_a_history_is_a_sequence_of_its_records() -> None:
    history = History(HEADER, RECORDS)
    assert (len(history), history[0], history[-1]) == (7, RECORDS[0], RECORDS[-1])
    assert history[1:3] == tuple(RECORDS[1:3])
    assert list(history) == RECORDS
    assert (history.started, history.ended) == (SECOND, 6 * SECOND)
    assert history.end is not None


def test_lines_come_back_as_they_went(tmp_path: Path) -> None:
    history, path = History(HEADER, RECORDS), tmp_path / "run.jsonl"
    history.write(path)
    assert History.read(path) == history
    assert path.read_text() == history.to_jsonl()
    assert History.of_lines(history.to_jsonl().splitlines()) == history


def test_every_line_says_what_it_is() -> None:
    lines = History(HEADER, RECORDS).to_jsonl().splitlines()
    assert lines[0].startswith('{"record":"header","kubesim":"0.1.0"')
    assert lines[2] == (
        '{"record":"decision","at":2000000000,"actor":"kubelet/node1","namespace":"default","name":"web",'
        '"pass":"SyncPod","actions":[{"do":"start","container":"app","why":"never ran","rules":["K-50"]}]}'
    )


def test_the_order_in_which_an_object_was_made_up_does_not_show() -> None:
    other = {"status": {"phase": "Pending"}, "spec": POD["spec"], "metadata": {"name": "web"}}
    lines = [History(HEADER, [changed(1, "ADDED", object=pod)]).to_jsonl() for pod in (POD, other)]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "h.jsonl: empty; a history begins with its header"),
        ("\n{}", "h.jsonl:2: not the header of a history: Object missing required field `kubesim`"),
        ("not json", "h.jsonl:1: not the header of a history: JSON is malformed"),
    ],
)
def test_a_file_that_is_no_history_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(HistoryError) as raised:
        History.of_lines(text.splitlines(), "h.jsonl")
    assert str(raised.value).startswith(complaint)


def test_a_record_of_no_known_kind_is_refused_with_its_line() -> None:
    header = History(HEADER, []).to_jsonl()
    with pytest.raises(HistoryError, match=r"h.jsonl:3: not a record: Invalid value 'dance'"):
        History.of_lines([header, "", '{"record":"dance","at":1}'], "h.jsonl")


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (None, None),
        (0, None),
        (1, {"phase": "Pending"}),
        (3, {"phase": "Running", "message": "x"}),
        (4, {"phase": "Running"}),
        (5, None),
    ],
)
def test_objects_are_those_of_an_instant(at: int | None, status: dict[str, str] | None) -> None:
    objects = History(HEADER, RECORDS).objects(None if at is None else at * SECOND)
    assert (objects[Key("Pod", "default", "web")]["status"] if objects else None) == status


def test_versions_end_with_the_object_as_it_went() -> None:
    versions = History(HEADER, RECORDS).versions("Pod", "default", "web")
    assert [(version.at // SECOND, version.order, version.change) for version in versions] == [
        (1, 0, "ADDED"),
        (3, 3, "MODIFIED"),
        (4, 4, "MODIFIED"),
        (5, 5, "DELETED"),
    ]
    assert versions[-1].object["status"] == {"phase": "Running"}
    assert History(HEADER, RECORDS).versions("Pod", "default", "other") == ()


def test_an_object_made_again_starts_from_nothing() -> None:
    again = {**POD, "status": {"phase": "Pending", "reason": "new"}}
    versions = History(HEADER, [*RECORDS[:-1], changed(7, "ADDED", object=again)]).versions("Pod", "default", "web")
    assert versions[-1].object == again


def test_a_change_of_nothing_is_a_bug() -> None:
    with pytest.raises(IllegalMove, match="its ADDED record is missing"):
        History(HEADER, [changed(3, "MODIFIED", patch={})]).objects()


def event(at: int, count: int, message: str = "m", update: bool = False) -> EventEmitted:
    return EventEmitted(
        at=at * SECOND,
        kind="Pod",
        namespace="default",
        name="web",
        uid="u1",
        type="Warning",
        reason="BackOff",
        message=message,
        component="kubelet",
        count=count,
        first=SECOND,
        last=at * SECOND,
        update=update,
    )


def test_updates_of_an_event_belong_to_the_newest_that_says_the_same() -> None:
    records = [event(1, 1), event(2, 1, "n"), event(3, 2, update=True), event(4, 1), event(5, 2, update=True)]
    found = [(series.order, series.first.at // SECOND, series.last.count) for series in event_series(records)]
    assert found == [(0, 1, 2), (1, 2, 1), (3, 4, 2)]
