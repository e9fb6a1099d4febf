"""What differs between runs: the sentences a person would say, the rows below them, and nothing when nothing does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from kubesim import api
from kubesim.history.history import History
from kubesim.history.records import ActionDone, AnyRecord, ComponentHeader, Ended, EventEmitted
from kubesim.timelines.compare import Comparison, Side, compare, what_differs
from kubesim.timelines.compare_facts import Difference, job_of
from kubesim.timelines.compare_text import compare_data, compare_text, together
from kubesim.units import SECOND, seconds
from tests.unit.timelines.lanes_by_hand import changed, header, job, pod_object, runtime

SCENARIOS: Final = Path(__file__).parents[3] / "scenarios"


def run_of(*records: AnyRecord, containers: tuple[str, ...] = ("app", "web"), end: float = 30) -> History:
    pod = changed(0, "Pod", "p", "ADDED", object=pod_object("p", list(containers)))
    return History(
        header(), [*sorted([pod, *records], key=lambda record: record.at), Ended(at=seconds(end), why="until")]
    )


def of(one: History, other: History) -> Comparison:
    return compare([Side("A", "in A", one), Side("B", "in B", other)])


def sentences(one: History, other: History) -> tuple[str, ...]:
    return of(one, other).summary


def rows(one: History, other: History) -> dict[tuple[str, str, str], tuple[str, ...]]:
    return {(row.kind, row.subject, row.aspect): row.values for row in of(one, other).differences}


# -- sentences about real runs ----------------------------------------------------------------------------------------

DROPPED: Final = (
    "On 1.28 proxy is an ordinary init container, for the API server drops its restartPolicy; on 1.29 it is a sidecar."
)
REAL: Final[list[tuple[str, dict[str, bool], list[str]]]] = [
    (
        "grace-runs-out",
        {"SidecarContainers": True},
        [
            "On 1.28 all containers get SIGTERM at once; on 1.29 the sidecar proxy waits 6 s, until the grace of app "
            "has run out."
        ],
    ),
    (
        "sidecar-codes-do-not-count",
        {},
        [
            DROPPED,
            "On 1.28 app never starts: it waits for the init container proxy; on 1.29 it starts after 1.5 s.",
            "On 1.28 no container is stopped; on 1.29 only the sidecar proxy gets SIGTERM, 892 ms after app ended.",
            "On 1.28 proxy is still running; on 1.29 it exits with 137 (Error, as by SIGKILL).",
            "On 1.28 done is still Pending; on 1.29 it is Succeeded after 13.7 s.",
        ],
    ),
    (
        "demo-delete",
        {},
        [
            "On 1.28 the API server refuses to create the Pod (422 Invalid): spec.initContainers[1].startupProbe: "
            "Forbidden: may not be set for init containers without restartPolicy=Always; on 1.29 it accepts it."
        ],
    ),
    (
        "legacy-sidecar-hangs",
        {},
        [
            "Order, exit codes and outcome are the same; conditions (PodReadyToStartContainers) and Events (Created) "
            "differ."
        ],
    ),
]


@pytest.mark.parametrize(("scenario", "gates", "expected"), REAL, ids=[row[0] for row in REAL])
def test_releases_differ_as_an_expert_would_say(scenario: str, gates: dict[str, bool], expected: list[str]) -> None:
    known = api.load(SCENARIOS / f"{scenario}.yaml")
    runs = [api.run(known, release=release, gates=gates) for release in ("1.28", "1.29")]
    assert list(what_differs(runs)) == expected


def test_of_one_run_there_is_nothing_to_say() -> None:
    assert what_differs([run_of()]) == ()


# -- sentences about short lives written by hand ----------------------------------------------------------------------

START: Final = runtime(1, "p", "app", "start"), runtime(1, "p", "web", "start")


def ends(at: float, code: int, container: str = "app", run: int = 0) -> AnyRecord:
    return runtime(at, "p", container, "exit", code=code, run=run)


def warning(at: float, count: int = 1) -> EventEmitted:
    about: Any = {"kind": "Pod", "namespace": "default", "name": "p", "uid": "uid-p", "component": "kubelet"}
    return EventEmitted(at=seconds(at), type="Warning", reason="BackOff", message="wait", count=count, **about)


def refused(do: str, code: int, message: str) -> ActionDone:
    return ActionDone(at=SECOND, do=do, code=code, reason="Invalid", message=message)


HAND: Final[list[tuple[str, tuple[AnyRecord, ...], tuple[AnyRecord, ...], list[str]]]] = [
    ("the same", START, START, ["Nothing differs: it is the same in A and B."]),
    ("less than the jitter", (ends(5, 0),), (ends(5.04, 0),), ["Nothing differs: it is the same in A and B."]),
    (
        "an exit code",
        (*START, ends(5, 0)),
        (*START, ends(5, 3)),
        ["In A app exits with 0; in B it exits with 3 (Error)."],
    ),
    (
        "a restart",
        (*START, ends(5, 1)),
        (*START, ends(5, 1), runtime(6, "p", "app", "start", run=1)),
        ["In A app is not restarted; in B it is restarted once."],
    ),
    (
        "the order of starts",
        (runtime(1, "p", "app", "start"), runtime(3, "p", "web", "start")),
        (runtime(4, "p", "app", "start"), runtime(3, "p", "web", "start")),
        ["In A web starts 2 s after app starts; in B app starts 1 s after web starts."],
    ),
    (
        "only times",
        (*START, ends(5, 0)),
        (*START, ends(9, 0)),
        ["Only times differ. In A app ends after 5 s; in B app ends after 9 s."],
    ),
    (
        "warnings",
        (*START, warning(5)),
        START,
        ["In A there is Event BackOff about p; in B there is no Event BackOff about p."],
    ),
    (
        "what is done to a container",
        (refused("kill", 404, "the container is not running"),),
        (ActionDone(at=SECOND, do="kill", code=200),),
        ["In A kill cannot be done: the container is not running; in B kill is done."],
    ),
    (
        "refused, and then not found",
        (),
        (refused("patch Pod", 422, 'Pod "p" is invalid: spec: no'), refused("delete Pod", 404, "not found")),
        ["In A there is no patch Pod; in B the API server refuses to patch the Pod (422 Invalid): spec: no."],
    ),
]


@pytest.mark.parametrize(("one", "other", "expected"), [row[1:] for row in HAND], ids=[row[0] for row in HAND])
def test_what_differs_is_said(one: tuple[AnyRecord, ...], other: tuple[AnyRecord, ...], expected: list[str]) -> None:
    assert list(sentences(run_of(*one), run_of(*other))) == expected


def test_sides_that_say_the_same_stand_together() -> None:
    runs = [run_of(*START, ends(5, code)) for code in (0, 3, 3)]
    found = compare([Side(name, f"on {name}", run) for name, run in zip(("1.28", "1.29", "1.30"), runs, strict=True)])
    assert found.summary == ("On 1.28 app exits with 0; on 1.29 and 1.30 it exits with 3 (Error).",)
    assert [row.values for row in found.differences if row.kind == "exit"] == [("0", "3 (Error)", "3 (Error)")]


def test_an_earlier_stop_of_the_sidecar_is_told_by_who_waits_for_whom() -> None:
    inits = [{"name": "proxy", "restartPolicy": "Always"}]
    pod = changed(0, "Pod", "p", "ADDED", object=pod_object("p", ["app"], inits))

    def stopped(proxy: float) -> History:
        records = [
            pod,
            runtime(1, "p", "proxy", "start"),
            runtime(2, "p", "app", "start"),
            runtime(10, "p", "app", "signal", signal="SIGTERM"),
            runtime(14, "p", "app", "exit", code=0),
            runtime(proxy, "p", "proxy", "signal", signal="SIGTERM"),
        ]
        records.sort(key=lambda record: record.at)
        return History(header(), [*records, Ended(at=30 * SECOND, why="until")])

    assert sentences(stopped(10), stopped(14.5)) == (
        "In A all containers get SIGTERM at once; in B the sidecar proxy waits 4.5 s for app.",
    )


def test_what_a_webhook_chose_to_inject_is_no_field_that_was_dropped() -> None:
    def injected(as_sidecar: bool) -> History:
        inits = [{"name": "proxy", "restartPolicy": "Always", "image": "p"}] if as_sidecar else []
        raw = pod_object("p", ["app"] if as_sidecar else ["app", "proxy"], inits)
        pod = changed(0, "Pod", "p", "ADDED", object=raw)
        return History(header(), [pod, Ended(at=SECOND, why="until")])

    found = of(injected(False), injected(True))
    assert found.summary == ("In A proxy is an ordinary container; in B it is a sidecar.",)
    assert any(row.kind == "spec" for row in found.differences), "the table has the fields"


def test_a_field_that_is_dropped_is_named() -> None:
    def stored(**fields: Any) -> History:
        raw = pod_object("p", ["app"])
        raw["spec"]["containers"][0].update(fields)
        return History(header(), [changed(0, "Pod", "p", "ADDED", object=raw), Ended(at=SECOND, why="until")])

    assert sentences(stored(), stored(resizePolicy="x")) == (
        "In A the API server drops spec.containers[app].resizePolicy; in B it stores "
        "spec.containers[app].resizePolicy.",
    )


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (("1.28", "1.28"), "on 1.29 and 1.30"),
        (("1.28", "1.27"), "on 1.29 with nodes 1.28 and 1.30 with nodes 1.27"),
    ],
)
def test_what_holds_for_all_is_not_said_of_each(nodes: tuple[str, str], said: str) -> None:
    runs = [
        History(header(release, nodes=(ComponentHeader(name="node1", release=node),)), [Ended(at=SECOND, why="until")])
        for release, node in zip(("1.29", "1.30"), nodes, strict=True)
    ]
    assert what_differs(runs) == (f"Nothing differs: it is the same {said}.",)


# -- rows -------------------------------------------------------------------------------------------------------------


def test_a_row_names_what_differs_and_each_side() -> None:
    found = rows(run_of(*START, ends(5, 0)), run_of(*START, ends(9, 0), end=40))
    assert found == {("time", "p", "app ends"): ("5 s", "9 s")}


def test_more_pods_of_a_job_are_one_sentence_and_one_row() -> None:
    few, many = job(), job()
    pods = {f"import-~{number}" for number in (1, 2, 3)}
    assert {job_of(name) for name in pods} == {"import"}
    assert job_of("import-4-~2/main") == "import"
    assert job_of("web") == job_of("web/app") == ""
    without = History(few.header, [one for one in few if getattr(one, "name", "") != "import-cxyz1"])
    found = of(without, many)
    assert found.summary[0] == "In A Job import makes 2 Pods; in B Job import makes 3 Pods."


def test_the_pods_of_a_replica_set_have_names_that_do_not_change_from_run_to_run() -> None:
    def rolled(*names: str) -> History:
        owner = {"kind": "ReplicaSet", "name": "web-7d4", "controller": True}
        pods = [pod_object(name, ["app"], metadata={"ownerReferences": [owner]}) for name in names]
        added = [changed(0, "Pod", name, "ADDED", object=pod) for name, pod in zip(names, pods, strict=True)]
        return History(header(), [*added, Ended(at=SECOND, why="until")])

    assert of(rolled("web-7d4-aaaaa", "web-7d4-bbbbb"), rolled("web-7d4-ccccc", "web-7d4-ddddd")).equal
    assert sentences(rolled("web-7d4-aaaaa"), rolled("web-7d4-ccccc", "web-7d4-ddddd")) == (
        "In A ReplicaSet web-7d4 makes 1 Pod; in B ReplicaSet web-7d4 makes 2 Pods.",
    )


def test_rows_of_the_pods_of_a_job_that_say_the_same_are_put_together() -> None:
    same = [Difference("exit", f"many-{index}-~{index + 1}/work", "exit code", ("0", "1")) for index in range(3)]
    other = Difference("exit", "many-3-~4/work", "exit code", ("0", "2"))
    alone = [Difference("exit", name, "exit code", ("0", "1")) for name in ("a/work", "b/work")]
    assert [row.subject for row in together([*same, other, *alone])] == [
        "3 Pods of many/work",
        "many-3-~4/work",
        "a/work",
        "b/work",
    ]


def test_as_text_and_as_data() -> None:
    found = of(run_of(*START, ends(5, 0)), run_of(*START, ends(5, 3)))
    text = compare_text(found)
    assert text.startswith("In A app exits with 0; in B it exits with 3 (Error).\n\nWHAT")
    data = compare_data(found)
    assert data["equal"] is False
    assert [column["name"] for column in data["columns"]] == ["A", "B"]
    assert data["differences"][0]["values"].keys() == {"A", "B"}
    assert compare_text(of(run_of(), run_of())) == "Nothing differs: it is the same in A and B.\n"
