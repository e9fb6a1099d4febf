"""One scheduling cycle: the node found, or the whole sentence why none is (C-60 to C-62, C-66, C-70)."""

from __future__ import annotations

from typing import Any

import pytest
from scheduler_pieces import cluster, holding, node, pod, scheduler

from kubesim.releases import RELEASES, Release
from kubesim.scheduler import Bind, NodeState, Plugin, Snapshot, Unschedulable, schedule

HELPLESS = "preemption: 0/{n} nodes are available: {k} Preemption is not helpful for scheduling."
NO_VICTIMS = "preemption: 0/{n} nodes are available: {k} No preemption victims found for incoming pod."
SELECTOR = "1 node(s) didn't match Pod's node affinity/selector."


def outcome(tweak: dict[str, Any], snapshot: Snapshot, at: Release | None = None) -> Bind | Unschedulable:
    at = at or scheduler()
    return schedule(pod(at=at, **tweak), snapshot, at)


def message(tweak: dict[str, Any], *states: NodeState, at: Release | None = None) -> str:
    found = outcome(tweak, cluster(*states), at)
    assert isinstance(found, Unschedulable)
    return found.message


@pytest.mark.parametrize(
    ("labels", "claims", "dot"),
    [
        (("1.27", "1.28"), "", "."),
        (("1.29", "1.30", "1.31", "1.32", "1.33"), "", ""),
        (("1.34", "1.35", "1.36"), "no new claims to deallocate, ", ""),
    ],
)
def test_the_recorded_sentence_in_each_release(labels: tuple[str, ...], claims: str, dot: str) -> None:
    """Recordings err-unschedulable of 1.28, 1.29 and 1.36, character by character."""
    for label in labels:
        text = message({"nodeSelector": {"disktype": "ssd"}}, node(), at=scheduler(label))
        assert text == f"0/1 nodes are available: {SELECTOR} {claims}" + HELPLESS.format(n=1, k=1) + dot


def test_no_sentence_about_claims_without_the_gate() -> None:
    at = scheduler("1.34", DynamicResourceAllocation=False)
    assert "claims" not in message({"nodeSelector": {"a": "b"}}, node(), at=at)


@pytest.mark.parametrize("label", RELEASES)
def test_reasons_are_counted_and_sorted_as_text(label: str) -> None:
    states = [node(f"n{number}", allocatable={"cpu": "1", "memory": "1"}) for number in range(10)]
    states += [node("t1", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}]), node("u1", unschedulable=True)]
    taint = {True: "node(s) had untolerated taint(s)", False: "node(s) had untolerated taint {k: v}"}[label >= "1.34"]
    text = message({"requests": {"cpu": "2", "memory": "1Ki"}}, *states, at=scheduler(label))
    assert text.startswith(
        "0/12 nodes are available: "
        f"1 {taint}, 1 node(s) were unschedulable, 10 Insufficient cpu, 10 Insufficient memory. "
    )


SIDECAR = {"initContainers": [{"name": "s", "restartPolicy": "Always"}]}
RESTART_ALL = {"initContainers": [{"name": "i", "restartPolicyRules": [{"action": "RestartAllContainers"}]}]}
TAINT = {"key": "k", "value": "v", "effect": "NoExecute"}
PORT = [{"name": "app", "ports": [{"containerPort": 80, "hostPort": 80}]}]
REASONS: list[tuple[str, dict[str, Any], NodeState, str, bool, Plugin]] = [
    ("1.29", {"requests": {"cpu": "5"}}, node(), "Insufficient cpu", False, Plugin.NODE_RESOURCES_FIT),
    ("1.33", {"requests": {"cpu": "5"}}, node(), "Insufficient cpu", False, Plugin.NODE_RESOURCES_FIT),
    ("1.34", {"requests": {"cpu": "5"}}, node(), "Insufficient cpu", True, Plugin.NODE_RESOURCES_FIT),
    (
        "1.29",
        {"requests": {"ephemeral-storage": "1"}},
        node(),
        "Insufficient ephemeral-storage",
        False,
        Plugin.NODE_RESOURCES_FIT,
    ),
    (
        "1.29",
        {"requests": {"nvidia.com/gpu": "1"}},
        node(),
        "Insufficient nvidia.com/gpu",
        False,
        Plugin.NODE_RESOURCES_FIT,
    ),
    ("1.29", {}, node(allocatable={"pods": "0"}), "Too many pods", False, Plugin.NODE_RESOURCES_FIT),
    ("1.29", {}, node(unschedulable=True), "node(s) were unschedulable", True, Plugin.NODE_UNSCHEDULABLE),
    ("1.29", {}, node(taints=[TAINT]), "node(s) had untolerated taint {k: v}", True, Plugin.TAINT_TOLERATION),
    (
        "1.29",
        {},
        node(taints=[{"key": "k", "effect": "NoSchedule"}]),
        "node(s) had untolerated taint {k: }",
        True,
        Plugin.TAINT_TOLERATION,
    ),
    (
        "1.29",
        {"containers": PORT},
        holding(node(), pod("old", on="n1", containers=PORT)),
        "node(s) didn't have free ports for the requested pod ports",
        False,
        Plugin.NODE_PORTS,
    ),
    (
        "1.28",
        SIDECAR,
        node(),
        "Pod has a restartable init container and the SidecarContainers feature is disabled",
        True,
        Plugin.NODE_RESOURCES_FIT,
    ),
    ("1.36", RESTART_ALL, node(), "node(s) didn't match Pod's required features", True, Plugin.NODE_DECLARED_FEATURES),
]


@pytest.mark.parametrize(("label", "tweak", "state", "reason", "is_final", "plugin"), REASONS)
def test_reason(
    label: str, tweak: dict[str, Any], state: NodeState, reason: str, is_final: bool, plugin: Plugin
) -> None:
    """C-62, C-66, C-70; a final "no" shows as preemption that is not helpful."""
    found = outcome(tweak, cluster(state), scheduler(label))
    assert isinstance(found, Unschedulable)
    assert found.message.startswith(f"0/1 nodes are available: 1 {reason}. ")
    assert ("Preemption is not helpful" in found.message) is is_final
    assert found.plugins == {plugin}
    assert {"C-60", "C-61"} <= set(found.why.rules)


def test_preemption_names_the_incoming_preemptor_since_1_36() -> None:
    full = node(allocatable={"pods": "0"})
    assert "incoming pod." in message({}, full, at=scheduler("1.35"))
    assert "incoming preemptor." in message({}, full, at=scheduler("1.36"))


@pytest.mark.parametrize(
    ("label", "gates", "state"),
    [
        ("1.28", {"SidecarContainers": True}, node()),
        ("1.27", {}, node()),
        ("1.29", {}, node()),
        ("1.36", {}, node()),
    ],
)
def test_sidecars_are_taken_where_the_scheduler_knows_no_better(
    label: str, gates: dict[str, bool], state: NodeState
) -> None:
    """C-66 holds for 1.28 with the gate off (and later, set off); 1.27 never saw the field."""
    at = scheduler(label, **gates)
    assert isinstance(outcome(SIDECAR, cluster(state), at), Bind)


def test_features_that_a_node_declares() -> None:
    """C-70; before the gate nobody asks."""
    assert isinstance(outcome(RESTART_ALL, cluster(node()), scheduler("1.35")), Bind)
    declared = node(features=["RestartAllContainersOnContainerExits"])
    assert isinstance(outcome(RESTART_ALL, cluster(declared), scheduler("1.36")), Bind)


def test_no_nodes_at_all() -> None:
    found = outcome({}, cluster())
    assert isinstance(found, Unschedulable)
    assert (found.message, found.plugins) == ("no nodes available to schedule pods", frozenset())


def test_only_the_first_filter_counts() -> None:
    state = node(unschedulable=True, taints=[TAINT])
    assert message({"nodeSelector": {"a": "b"}}, state).startswith(
        "0/1 nodes are available: 1 node(s) were unschedulable."
    )


def test_finished_pods_hold_nothing_and_terminating_ones_do() -> None:
    """C-69: the owner of the state takes finished pods off; one that is being deleted still counts."""
    leaving = pod("old", on="n1", requests={"cpu": "4"}, deleting=True)
    state = holding(node(), leaving)
    assert isinstance(outcome({"requests": {"cpu": "1"}}, cluster(state)), Unschedulable)
    state.remove("old")
    assert isinstance(outcome({"requests": {"cpu": "4"}}, cluster(state)), Bind)


def test_the_choice_among_nodes() -> None:
    """Taints to avoid (3) before preferred affinity (2) before free room (1); equal ones: the fewest pods."""
    soft = node("soft", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    plain, busy = node("plain"), holding(node("busy"), pod("a", on="busy"))
    assert outcome({}, cluster(soft, busy, plain)).node == "plain"  # type: ignore[union-attr]  # a Bind, or it fails
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["busy"]}]}
    wish = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]}
    assert outcome({"affinity": {"nodeAffinity": wish}}, cluster(soft, plain, busy)).node == "busy"  # type: ignore[union-attr]
    huge = {"cpu": "1M", "memory": "1Pi", "pods": "1M"}
    one = holding(node("one", allocatable=huge), pod("a", on="one"))
    assert outcome({}, cluster(one, node("two", allocatable=huge))).node == "two"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("label", "said"), [("1.30", ""), ("1.31", ", 2 node(s) didn't satisfy plugin(s) [NodeAffinity]")]
)
def test_match_fields_narrow_the_search(label: str, said: str) -> None:
    field = {"key": "metadata.name", "operator": "In", "values": ["a"]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    tweak = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}
    at = scheduler(label)
    assert outcome(tweak, cluster(node("a"), node("b")), at).node == "a"  # type: ignore[union-attr]
    full = node("a", allocatable={"pods": "0"})
    assert message(tweak, full, node("b"), node("c"), at=at).startswith(
        f"0/3 nodes are available: 1 Too many pods{said}. "
    )


def test_large_clusters_look_at_a_part_and_go_on_where_they_stopped() -> None:
    """``numFeasibleNodesToFind``: of 1000 nodes 42 % are enough."""
    snapshot = cluster(*(node(f"n{number}") for number in range(1000)))
    first = outcome({}, snapshot)
    assert isinstance(first, Bind)
    assert first.next_start == 420
    second = schedule(pod("next"), snapshot, scheduler(), first.next_start)
    assert isinstance(second, Bind)
    assert (second.node, second.next_start) == ("n420", 840)
