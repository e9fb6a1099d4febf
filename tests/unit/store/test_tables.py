"""The rows of ``kubectl get`` (C-80 to C-87): one pod and one job, tweaked; cells release by release."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from kubesim.objects.status import instant_of
from kubesim.releases import RELEASES, release
from kubesim.store.tables import (
    PodSummary,
    human_duration,
    job_columns,
    job_headers,
    job_status,
    pod_columns,
    pod_headers,
    pod_summary,
)
from kubesim.units import DAY, HOUR, MINUTE, SECOND

NOW = instant_of("2024-06-01T12:00:00Z") or 0
POD: dict[str, Any] = {
    "metadata": {"name": "p", "creationTimestamp": "2024-06-01T11:00:00Z"},
    "spec": {
        "initContainers": [{"name": "init"}, {"name": "side", "restartPolicy": "Always"}],
        "containers": [{"name": "a"}, {"name": "b"}],
    },
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
        "initContainerStatuses": [
            {"name": "init", "ready": True, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
            {"name": "side", "ready": True, "started": True, "state": {"running": {}}},
        ],
        "containerStatuses": [
            {"name": "a", "ready": True, "state": {"running": {}}},
            {"name": "b", "ready": True, "state": {"running": {}}},
        ],
    },
}
"""A plain init that has completed, a sidecar and two mains that are up."""


def since(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every release with its value; each value holds from its release until the next one named."""
    current, found = values["1.27"], {}
    for name in RELEASES:
        current = values.get(name, current)
        found[name] = current
    return found


def waits(reason: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason} if reason else {}}, "ready": False, "started": False}


def ends(code: int, reason: str = "", signal: int = 0) -> dict[str, Any]:
    ended: dict[str, Any] = {"exitCode": code} | ({"reason": reason} if reason else {})
    return {"state": {"terminated": ended | ({"signal": signal} if signal else {})}, "ready": False, "started": False}


def restarted(count: int, finished: str | None = None) -> dict[str, Any]:
    last = {"terminated": {"exitCode": 1} | ({"finishedAt": finished} if finished else {})}
    return {"restartCount": count, "lastState": last}


def pod(*, metadata: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **tweak: Any) -> dict[str, Any]:
    """The base pod; ``tweak``: container name -> fields of its status, other names -> fields of the pod's status."""
    raw = deepcopy(POD)
    raw["metadata"].update(metadata or {})
    raw["spec"].update(spec or {})
    for entry in (*raw["status"]["initContainerStatuses"], *raw["status"]["containerStatuses"]):
        entry.update(tweak.pop(entry["name"], {}))
    raw["status"].update(tweak)
    return raw


NOT_YET = {
    "conditions": [{"type": "Initialized", "status": "False"}],
    "a": waits("PodInitializing"),
    "b": waits("PodInitializing"),
    "phase": "Pending",
}
UNREADY = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"}]

# name, rules, tweak, READY and STATUS by release
STATUS_ROWS: list[tuple[str, str, dict[str, Any], dict[str, tuple[str, str]]]] = [
    ("all is up", "C-80", {}, {"1.27": ("0/2", "Init:1/2"), "1.28": ("3/3", "Running")}),
    (
        "the init runs",
        "C-81",
        {**NOT_YET, "init": {"state": {"running": {}}}, "side": waits("PodInitializing")},
        {"1.27": ("0/2", "Init:0/2"), "1.28": ("0/3", "Init:0/2")},
    ),
    (
        "the init failed",
        "C-81",
        {**NOT_YET, "init": ends(1, "Error"), "side": waits("PodInitializing")},
        {"1.27": ("0/2", "Init:Error"), "1.28": ("0/3", "Init:Error")},
    ),
    (
        "the init failed without a reason",
        "C-81",
        {**NOT_YET, "init": ends(3)},
        {"1.27": ("0/2", "Init:ExitCode:3"), "1.28": ("0/3", "Init:ExitCode:3")},
    ),
    (
        "the init was killed, without a reason",
        "C-81",
        {**NOT_YET, "init": ends(137, signal=9)},
        {"1.27": ("0/2", "Init:Signal:9"), "1.28": ("0/3", "Init:Signal:9")},
    ),
    (
        "the init cannot be started",
        "C-81",
        {**NOT_YET, "init": waits("ErrImagePull")},
        {"1.27": ("0/2", "Init:ErrImagePull"), "1.28": ("0/3", "Init:ErrImagePull")},
    ),
    (
        "the sidecar's turn has not come",
        "C-81",
        {**NOT_YET, "side": waits("PodInitializing")},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("0/3", "Init:1/2")},
    ),
    (
        "the sidecar has not started, the pod is not initialized",
        "C-81",
        {**NOT_YET, "side": {"started": False, "ready": False}},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("0/3", "Init:1/2")},
    ),
    (
        "the sidecar crashed while the mains run",
        "C-84",
        {"side": ends(1, "Error")},
        {"1.27": ("0/2", "Init:Error"), "1.28": ("2/3", "Init:Error")},
    ),
    (
        "the sidecar is in back-off while the mains run",
        "C-84",
        {"side": waits("CrashLoopBackOff")},
        {"1.27": ("0/2", "Init:CrashLoopBackOff"), "1.28": ("2/3", "Init:CrashLoopBackOff")},
    ),
    (
        "the sidecar ended 0 while the mains run",
        "C-84",
        {"side": ends(0, "Completed")},
        {"1.27": ("2/2", "Running"), "1.28": ("2/3", "Running")},
    ),
    (
        "the sidecar is not ready",
        "C-80",
        {"side": {"ready": False}},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("2/3", "Running")},
    ),
    (
        "the first main by name wins",
        "C-82",
        {"a": waits("CrashLoopBackOff"), "b": ends(137, "OOMKilled")},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("1/3", "CrashLoopBackOff")},
    ),
    (
        "a main was killed, without a reason",
        "C-82",
        {"b": ends(137, signal=9)},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("2/3", "Signal:9")},
    ),
    (
        "a main ended without a reason",
        "C-82",
        {"b": ends(2)},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("2/3", "ExitCode:2")},
    ),
    (
        "a main waits without a reason",
        "C-82",
        {"b": waits()},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("2/3", "Running")},
    ),
    (
        "one main completed, the pod is ready",
        "C-82",
        {"a": ends(0, "Completed")},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("2/3", "Running")},
    ),
    (
        "one main completed, the pod is not ready",
        "C-82",
        {"a": ends(0, "Completed"), "conditions": UNREADY},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("2/3", "NotReady")},
    ),
    (
        "the first main completed, the other failed",
        "C-82, printer finding 3",
        {"a": ends(0, "Completed"), "b": ends(1, "Error")},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("1/3", "Completed"), "1.35": ("1/3", "Error")},
    ),
    (
        "both mains completed, the sidecar runs",
        "C-84",
        {"a": ends(0, "Completed"), "b": ends(0, "Completed")},
        {"1.27": ("0/2", "Init:1/2"), "1.28": ("1/3", "Completed")},
    ),
    (
        "succeeded, the sidecar exited 143",
        "C-84",
        {"a": ends(0, "Completed"), "b": ends(0, "Completed"), "side": ends(143, "Error"), "phase": "Succeeded"},
        {"1.27": ("0/2", "Init:Error"), "1.28": ("0/3", "Completed")},
    ),
    (
        "being deleted",
        "C-83",
        {"metadata": {"deletionTimestamp": "2024-06-01T12:00:30Z"}},
        {"1.27": ("0/2", "Terminating"), "1.28": ("3/3", "Terminating")},
    ),
    (
        "being deleted, and terminal",
        "C-83, printer finding 1",
        {
            "metadata": {"deletionTimestamp": "2024-06-01T12:00:30Z"},
            "phase": "Failed",
            "a": ends(143, "Error"),
            "b": ends(143, "Error"),
        },
        {"1.27": ("0/2", "Terminating"), "1.28": ("1/3", "Terminating"), "1.31": ("1/3", "Error")},
    ),
    (
        "being deleted from a lost node",
        "C-83",
        {"metadata": {"deletionTimestamp": "2024-06-01T12:00:30Z"}, "reason": "NodeLost"},
        {"1.27": ("0/2", "Unknown"), "1.28": ("3/3", "Unknown")},
    ),
    (
        "rejected",
        "C-81",
        {"phase": "Failed", "reason": "NodeShutdown", "initContainerStatuses": [], "containerStatuses": []},
        {"1.27": ("0/2", "NodeShutdown"), "1.28": ("0/3", "NodeShutdown")},
    ),
    (
        "just created",
        "C-81",
        {"phase": "Pending", "conditions": [], "initContainerStatuses": [], "containerStatuses": []},
        {"1.27": ("0/2", "Pending"), "1.28": ("0/3", "Pending")},
    ),
    (
        "held by a scheduling gate",
        "C-81, C-63",
        {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
            "initContainerStatuses": [],
            "containerStatuses": [],
        },
        {"1.27": ("0/2", "SchedulingGated"), "1.28": ("0/3", "SchedulingGated")},
    ),
]


@pytest.mark.parametrize(("name", "rules", "tweak", "expected"), STATUS_ROWS, ids=[row[0] for row in STATUS_ROWS])
def test_ready_and_status(name: str, rules: str, tweak: dict[str, Any], expected: dict[str, tuple[str, str]]) -> None:
    raw = pod(**tweak)
    cells = {known: pod_columns(raw, release(known), NOW) for known in RELEASES}
    assert {known: (row["Ready"], row["Status"]) for known, row in cells.items()} == since(expected), rules


RESTART_ROWS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("none", {}, {"1.27": "0"}),
    (
        "plain inits count until the pod is initialized",
        {
            **NOT_YET,
            "init": {**waits("CrashLoopBackOff"), **restarted(3, "2024-06-01T11:59:00Z")},
            "side": restarted(4, "2024-06-01T11:59:30Z"),
            "a": restarted(5),
        },
        {"1.27": "3 (60s ago)"},
    ),
    (
        "later mains and sidecars count",
        {
            "init": restarted(7, "2024-06-01T11:59:59Z"),
            "side": restarted(2, "2024-06-01T11:58:00Z"),
            "a": restarted(1, "2024-06-01T11:57:00Z"),
            "b": restarted(1, "2024-06-01T11:57:30Z"),
        },
        {"1.27": "9 (1s ago)", "1.28": "4 (2m ago)"},
    ),
    ("without the time of the end", {"a": restarted(3)}, {"1.27": "0", "1.28": "3"}),
    (
        "a last state without a restart",
        {"side": ends(0, "Completed"), "a": restarted(0, "2024-06-01T11:59:55Z")},
        {"1.27": "0 (5s ago)", "1.28": "0"},
    ),
]


@pytest.mark.parametrize(("name", "tweak", "expected"), RESTART_ROWS, ids=[row[0] for row in RESTART_ROWS])
def test_restarts(name: str, tweak: dict[str, Any], expected: dict[str, str]) -> None:
    """C-85."""
    raw = pod(**tweak)
    assert {known: pod_columns(raw, release(known), NOW)["Restarts"] for known in RELEASES} == since(expected)


def test_the_whole_row_of_a_pod() -> None:
    """C §9: columns in order, the wide ones last."""
    raw = pod(
        spec={"nodeName": "n", "readinessGates": [{"conditionType": "Ready"}, {"conditionType": "x/gate"}]},
        podIPs=[{"ip": "10.0.0.1"}],
        nominatedNodeName="m",
    )
    cells = pod_columns(raw, release("1.29"), NOW)
    assert cells == {
        "Name": "p",
        "Ready": "3/3",
        "Status": "Running",
        "Restarts": "0",
        "Age": "60m",
        "IP": "10.0.0.1",
        "Node": "n",
        "Nominated Node": "m",
        "Readiness Gates": "1/2",
    }
    headers = pod_headers(release("1.29"))
    assert [column.name for column in headers] == list(cells)
    assert [column.name for column in headers if not column.wide] == ["Name", "Ready", "Status", "Restarts", "Age"]


def test_the_row_of_a_pod_that_says_nothing() -> None:
    assert pod_columns({"metadata": {"name": "p"}}, release("1.36"), NOW) == {
        "Name": "p",
        "Ready": "0/0",
        "Status": "",
        "Restarts": "0",
        "Age": "<unknown>",
        "IP": "<none>",
        "Node": "<none>",
        "Nominated Node": "<none>",
        "Readiness Gates": "<none>",
    }
    assert pod_summary({"metadata": {"name": "p"}}, release("1.36")) == PodSummary(0, 0, "", 0, None)


# Jobs -----------------------------------------------------------------------------------------------------------------

JOB: dict[str, Any] = {
    "metadata": {"name": "j", "creationTimestamp": "2024-06-01T11:00:00Z"},
    "spec": {
        "completions": 3,
        "parallelism": 2,
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
        "template": {
            "spec": {
                "initContainers": [{"name": "side", "image": "s"}],
                "containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "i:2"}],
            }
        },
    },
    "status": {"startTime": "2024-06-01T11:55:00Z", "succeeded": 1},
}


def job(
    *true: str, metadata: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **status: Any
) -> dict[str, Any]:
    """The base job with these conditions True."""
    raw = deepcopy(JOB)
    raw["metadata"].update(metadata or {})
    raw["spec"].update(spec or {})
    raw["status"].update(status, conditions=[{"type": type_, "status": "True"} for type_ in true])
    return raw


def test_the_whole_row_of_a_job() -> None:
    """C §9.1: STATUS since 1.30."""
    row = {
        "Name": "j",
        "Completions": "1/3",
        "Duration": "5m",
        "Age": "60m",
        "Containers": "a,b",
        "Images": "i:1,i:2",
        "Selector": "batch.kubernetes.io/controller-uid=u",
    }
    with_status = {"Name": "j", "Status": "Running"} | row
    found = {known: job_columns(job(), release(known), NOW) for known in RELEASES}
    assert found == since({"1.27": row, "1.30": with_status})
    for known, cells in found.items():
        assert [column.name for column in job_headers(release(known))] == list(cells)
    assert [column.name for column in job_headers(release("1.29")) if column.wide] == [
        "Containers",
        "Images",
        "Selector",
    ]


DELETED = {"metadata": {"deletionTimestamp": "2024-06-01T12:00:00Z"}}
JOB_STATUS_ROWS: list[tuple[tuple[str, ...], dict[str, Any], dict[str, str]]] = [
    ((), {}, {"1.27": "Running"}),
    (("Failed", "Complete"), DELETED, {"1.27": "Complete"}),
    (("FailureTarget", "Failed"), DELETED, {"1.27": "Failed"}),
    (("Suspended",), DELETED, {"1.27": "Terminating"}),
    (("FailureTarget", "Suspended"), {}, {"1.27": "Suspended"}),
    (("SuccessCriteriaMet", "FailureTarget"), {}, {"1.27": "FailureTarget"}),
    (("SuccessCriteriaMet",), {}, {"1.27": "Running", "1.34": "SuccessCriteriaMet"}),
]


@pytest.mark.parametrize(("true", "tweak", "expected"), JOB_STATUS_ROWS)
def test_job_status(true: tuple[str, ...], tweak: dict[str, Any], expected: dict[str, str]) -> None:
    """C-87: the first that holds."""
    raw = job(*true, **tweak)
    assert {known: job_status(raw, release(known)) for known in RELEASES} == since(expected)


JOB_CELL_ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    ("completions are not set", {"spec": {"completions": None}}, "Completions", "1/1 of 2"),
    ("nor is there parallelism", {"spec": {"completions": None, "parallelism": 1}}, "Completions", "1/1"),
    ("not started", {"startTime": None}, "Duration", ""),
    ("completed", {"completionTime": "2024-06-01T11:56:30Z"}, "Duration", "90s"),
    ("no selector", {"spec": {"selector": None}}, "Selector", "<none>"),
    ("an empty selector", {"spec": {"selector": {}}}, "Selector", "<none>"),
    (
        "a selector with expressions",
        {
            "spec": {
                "selector": {
                    "matchLabels": {"m": "1"},
                    "matchExpressions": [
                        {"key": "z", "operator": "In", "values": ["b", "a"]},
                        {"key": "k", "operator": "NotIn", "values": ["c"]},
                        {"key": "e", "operator": "Exists"},
                        {"key": "d", "operator": "DoesNotExist"},
                    ],
                }
            }
        },
        "Selector",
        "!d,e,k notin (c),m=1,z in (a,b)",
    ),
]


@pytest.mark.parametrize(("name", "tweak", "column", "cell"), JOB_CELL_ROWS, ids=[row[0] for row in JOB_CELL_ROWS])
def test_job_cells(name: str, tweak: dict[str, Any], column: str, cell: str) -> None:
    assert job_columns(job(**tweak), release("1.36"), NOW)[column] == cell


# Durations ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (-2 * SECOND, "<invalid>"),
        (-2 * SECOND + 1, "0s"),
        (0, "0s"),
        (SECOND - 1, "0s"),
        (119 * SECOND, "119s"),
        (2 * MINUTE, "2m"),
        (2 * MINUTE + 5 * SECOND, "2m5s"),
        (10 * MINUTE - 1, "9m59s"),
        (10 * MINUTE + 5 * SECOND, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (8 * HOUR - 1, "7h59m"),
        (8 * HOUR + 5 * MINUTE, "8h"),
        (48 * HOUR - 1, "47h"),
        (48 * HOUR, "2d"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY + HOUR, "8d"),
        (730 * DAY - 1, "729d"),
        (730 * DAY, "2y"),
        (8 * 365 * DAY - 1, "7y364d"),
        (8 * 365 * DAY, "8y"),
    ],
)
def test_human_duration(duration: int, text: str) -> None:
    """C-86."""
    assert human_duration(duration) == text
