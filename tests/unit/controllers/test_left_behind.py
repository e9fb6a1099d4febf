"""Pods that nobody cares for any more: which the pod garbage collector takes, and why."""

from __future__ import annotations

from typing import Any

from kubesim.controllers.left_behind import OUT_OF_SERVICE, pods_to_collect


def pod(
    name: str, phase: str = "Running", *, node: str = "a", deleting: bool = False, age: int = 0, reason: str = ""
) -> Any:
    metadata = {"name": name, "creationTimestamp": f"2020-01-01T00:00:{59 - age:02}Z"}
    if deleting:
        metadata["deletionTimestamp"] = "2020-01-01T00:01:00Z"
    return {"metadata": metadata, "spec": {"nodeName": node}, "status": {"phase": phase, "reason": reason}}


def node(ready: str = "True", *taints: str) -> Any:
    return {
        "spec": {"taints": [{"key": key, "effect": "NoExecute"} for key in taints]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def collected(
    *pods: Any, nodes: dict[str, Any] | None = None, gone: tuple[str, ...] = (), threshold: int = 12500
) -> Any:
    found = pods_to_collect(pods, {"a": node()} if nodes is None else nodes, gone, threshold)
    return [(one.pod["metadata"]["name"], one.rule) for one in found]


def test_pods_of_nodes_that_are_there_stay() -> None:
    assert collected(pod("p"), pod("q", "Succeeded"), pod("r", deleting=True)) == []


def test_pods_of_a_node_that_is_gone_go_after_the_quarantine() -> None:
    """C-48."""
    assert collected(pod("p", node="b")) == []
    assert collected(pod("p", node="b"), gone=("b",)) == [("p", "C-48")]
    assert collected(pod("p", node="a"), gone=("a",)) == []


def test_pods_deleted_before_they_had_a_node_go() -> None:
    """C-49."""
    assert collected(pod("p", node="", deleting=True), pod("q", node="")) == [("p", "C-49")]


def test_terminating_pods_of_a_node_out_of_service_go() -> None:
    """C-50: the node has to be tainted so, and not ready."""
    pods = (pod("p", deleting=True), pod("q"))
    assert collected(*pods, nodes={"a": node("Unknown", OUT_OF_SERVICE)}) == [("p", "C-50")]
    assert collected(*pods, nodes={"a": node("True", OUT_OF_SERVICE)}) == []
    assert collected(*pods, nodes={"a": node("Unknown")}) == []


def test_terminal_pods_beyond_the_threshold_go_those_evicted_first_then_the_oldest() -> None:
    """C-47."""
    pods = (
        pod("new", "Succeeded", age=1),
        pod("old", "Failed", age=9),
        pod("out", "Failed", age=2, reason="Evicted"),
        pod("on"),
    )
    assert collected(*pods, threshold=1) == [("out", "C-47"), ("old", "C-47")]
    assert collected(*pods, threshold=0) == []
