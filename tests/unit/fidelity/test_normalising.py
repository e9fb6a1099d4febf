"""What is made equal before two traces are compared: accidents in messages, generated names, written times."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_traces import change, long_lived_pod, moment, row, trace

from kubesim.errors import ScenarioError
from kubesim.fidelity.messages import namespace_pattern, plain_message, recording_namespace
from kubesim.fidelity.names import job_pods, matched_names, own_names
from kubesim.fidelity.trace import load_trace, normalised
from kubesim.units import SECOND

MESSAGES = [
    (
        "Back-off restarting failed container app in pod web_s-made(9ba011e4)",
        "Back-off restarting failed container app in pod web_NAMESPACE(UID)",
    ),
    (
        "back-off 1m20s restarting failed container=app pod=web_s-made(12345678)",
        "back-off 1m20s restarting failed container=app pod=web_NAMESPACE(UID)",
    ),
    ("Successfully assigned s-made/web to node1", "Successfully assigned NAMESPACE/web to node1"),
    ("Successfully assigned s-made-2/web to node1", "Successfully assigned s-made-2/web to node1"),
    ('Successfully pulled image "a:1" in 1.2s (1.2s including waiting)', 'Successfully pulled image "a:1" in DURATION'),
    (
        "failed to load task: no running task found: task d4137967 not found: not found",
        "failed to load task: no running task found: task ID not found: not found",
    ),
    ("dial tcp 127.0.0.1:5000: connect: connection refused", "dial tcp ADDRESS: connect: connection refused"),
    ("Created pod: train-0-~7", "Created pod: train-0-~1"),
    ('Container image "busybox:1.36" already present', 'Container image "busybox:1.36" already present'),
    ("Usage of EmptyDir volume exceeds the limit 1048576", "Usage of EmptyDir volume exceeds the limit 1048576"),
]


@pytest.mark.parametrize(("message", "plain"), MESSAGES)
def test_accidents_are_taken_out_of_messages(message: str, plain: str) -> None:
    assert plain_message(message, namespace_pattern("s-made"), {"train-0-~7": "train-0-~1"}) == plain


def test_the_namespace_is_read_off_the_scheduler() -> None:
    assert recording_namespace(["Created", "Successfully assigned s-x-r1/web to node1"]) == "s-x-r1"
    assert recording_namespace(["skip schedule deleting pod: s-y/web"]) == "s-y"
    assert recording_namespace(["Created"]) is None


def job_trace(*pods: tuple[str, float, int, float], indexed: bool = False) -> dict[str, object]:
    """Pods of a Job: name, created, exit code, ended."""
    return trace(
        accepted={name: {"index": int(name.split("-")[1])} if indexed else {} for name, *_ in pods},
        pods=[change(created, name, "ADDED", phase="Pending") for name, created, _, _ in pods],
        runtime=[moment(ended, "work", "exit", pod=name, code=code) for name, _, code, ended in pods],
    )


def test_pods_with_an_index_are_numbered_per_index() -> None:
    raw = job_trace(("a-0-~1", 0, 1, 2), ("a-1-~2", 0, 0, 2), ("a-0-~3", 5, 0, 7), indexed=True)

    assert own_names(job_pods(raw)) == {"a-0-~1": "a-0-~1", "a-1-~2": "a-1-~1", "a-0-~3": "a-0-~2"}


def test_pods_created_together_are_matched_by_what_became_of_them() -> None:
    recorded = job_pods(job_trace(("a-~1", 0.0, 0, 3), ("a-~2", 0.1, 7, 4), ("a-~3", 20, 0, 23)))
    simulated = job_pods(job_trace(("a-~1", 0.0, 7, 4), ("a-~2", 0.0, 0, 3), ("a-~3", 19, 0, 22)))

    assert matched_names(recorded, simulated) == {"a-~1": "a-~2", "a-~2": "a-~1", "a-~3": "a-~3"}


def test_pods_created_one_after_the_other_keep_their_order() -> None:
    recorded = job_pods(job_trace(("a-~1", 0.0, 0, 3), ("a-~2", 10, 7, 14)))
    simulated = job_pods(job_trace(("a-~1", 0.0, 7, 3), ("a-~2", 10, 0, 14)))

    assert matched_names(recorded, simulated) == {"a-~1": "a-~1", "a-~2": "a-~2"}


def test_short_execs_are_taken_for_probes() -> None:
    raw = long_lived_pod()
    raw["runtime"] += [
        moment(5.0, "app", "exec-start", x="a", cmd=""),
        moment(5.49, "app", "exec-exit", x="a", code=0),
        moment(6.0, "app", "exec-start", x="b", cmd="sleep 1"),
        moment(6.5, "app", "exec-exit", x="b", code=0),
        moment(7.0, "app", "exec-exit", x="c", code=0),
        moment(7.001, "app", "exec-start", x="c", cmd=""),
        moment(8.0, "app", "exec-start", x="d", cmd="sleep 9"),
    ]

    moments = normalised(raw).pods["web"].moments

    assert [(each.what, each.at) for each in moments[2:]] == [
        ("hook start", 6 * SECOND),
        ("hook exit", 6.5 * SECOND),
        ("hook start", 8 * SECOND),
    ]


def test_the_age_in_restarts_is_a_written_time() -> None:
    raw = long_lived_pod()
    raw["kubectl_get"].append(row(130.0, "Running", "3 (2m5s ago)"))

    last = normalised(raw).pods["web"].strands["kubectl row"][-1]

    assert last.value == ("1/1", "Running", "3 (ago)", None)
    assert last.written == (("restarted", 5 * SECOND),)


def test_the_end_is_a_horizon_unless_all_was_over() -> None:
    raw = long_lived_pod()
    assert not normalised(raw).over

    raw["pods"].append(change(20.0, phase="Succeeded"))
    assert not normalised(raw).over, "the app still runs"

    raw["runtime"].append(moment(19.0, "app", "exit", code=0))
    assert normalised(raw).over


@pytest.mark.parametrize(
    ("text", "why"), [("{", "not a trace in JSON"), ("[1]", "no duration"), ('{"id": 1}', "no dur")]
)
def test_what_is_no_trace_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "x.json").write_text(text)

    with pytest.raises(ScenarioError, match=why):
        load_trace(tmp_path / "x.json")
