"""Kubelets that stop, machines that lose power or shut down, nodes that cannot be reached, memory that runs out."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import (
    DEAF,
    FOREVER,
    conditions,
    container,
    delete,
    exec_probe,
    final,
    phases,
    pod,
    ran,
    sidecar,
    slow_to_stop,
    starts,
    statuses,
    story,
    told,
    when,
)

from kubesim.history.history import History
from kubesim.history.records import ActionDone, Assumed, NotModelled, ObjectChanged
from kubesim.units import seconds, to_seconds

Object = dict[str, Any]

TWO_NODES: Object = {"nodes": [{"name": "a"}, {"name": "b"}]}
ON_A: Object = {"nodeSelector": {"kubernetes.io/hostname": "a"}}


def act(at: float, name: str, **more: Any) -> Object:
    """The action of that name; ``for_`` stands for ``for``."""
    return {"at": f"{at}s", name: {key.removesuffix("_"): value for key, value in more.items()}}


def answers(history: History, do: str) -> list[tuple[int, str]]:
    return [(one.code, one.message) for one in history.of(ActionDone) if one.do == do]


def node_told(history: History, node: str) -> list[tuple[float, str, str]]:
    """When the Ready condition of a node changed, to which status and reason, in whole seconds."""
    found: list[tuple[float, str, str]] = []
    for version in history.versions("Node", "", node):
        ready = next(one for one in version.object["status"]["conditions"] if one["type"] == "Ready")
        if (ready["status"], ready["reason"]) != (found[-1][1:] if found else None):
            found.append((to_seconds(version.at - history.started) // 1, ready["status"], ready["reason"]))
    return found


def taints(history: History, node: str) -> list[list[str]]:
    """The taints of a node, each time they changed."""
    found: list[list[str]] = []
    for version in history.versions("Node", "", node):
        now = [f"{one['key'].rpartition('/')[2]}:{one['effect']}" for one in version.object["spec"].get("taints") or ()]
        if now not in found[-1:]:
            found.append(now)
    return found


# -- the kubelet ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["1.28", "1.29", "1.33", "1.36"])
def test_containers_do_not_notice_that_the_kubelet_is_started_anew(release: str) -> None:
    history = ran(
        pod(container("app"), inits=[sidecar("proxy")]), release=release, actions=[act(20, "kubeletRestart")], until=60
    )
    assert [line for line in story(history) if "start" not in line] == []
    assert statuses(history)[-1] == "2/2 Running"
    assert final(history, "app")["restartCount"] == 0


@pytest.mark.parametrize(("release", "falls_back"), [("1.29", True), ("1.34", True), ("1.35", False), ("1.36", False)])
def test_readiness_falls_back_until_the_new_kubelet_has_probed(release: str, falls_back: bool) -> None:
    """K-95, S-24: from 1.35 on a container keeps its readiness."""
    app = container("app", readinessProbe=exec_probe("true", periodSeconds=5))
    history = ran(pod(app), release=release, actions=[act(20, "kubeletRestart")], until=60)
    assert conditions(history, "Ready") == (["False", "True", "False", "True"] if falls_back else ["False", "True"])


@pytest.mark.parametrize("release", ["1.29", "1.34"])
def test_nobody_wakes_a_probe_worker_that_sleeps_as_its_kubelet_is_young(release: str) -> None:
    """K-95: readiness that is asked for out of schedule (K-103) waits for the end of the worker's first sleep."""
    app = container("app", readinessProbe=exec_probe("true", periodSeconds=40))
    history = ran(pod(app), release=release, actions=[act(20, "kubeletRestart")], until=90)
    fell, rose = [change.at for change in history.pod("p").conditions["Ready"]][-2:]
    assert 5 < to_seconds(rose - fell) < 40


def test_a_new_kubelet_syncs_its_pods_after_its_first_look() -> None:
    """K-2: a worker's first sync needs no data newer than that of the first relist."""
    history = ran(pod(container("app", "sleep 22; exit 1")), actions=[act(20, "kubeletRestart")], until=40)
    (came_up,) = [done.at for done in history.of(ActionDone) if done.do == "kubelet-restart"]
    again = seconds(starts(history, "app")[1]) + history.started
    assert to_seconds(again - came_up) < 3.5, "3 s to come up, a relist, a start"


def test_a_kubelet_that_does_not_run_restarts_nothing_and_stops_nothing() -> None:
    script = "sleep 10; exit 1"
    history = ran(
        pod(container("app", script)),
        actions=[act(5, "kubeletStop"), delete(15), act(40, "kubeletStart")],
        until=120,
    )
    assert len(starts(history, "app")) == 1
    assert history.pod("p").gone is not None
    assert 40 < to_seconds(history.pod("p").gone - history.started) < 44


def test_what_was_deleted_by_force_meanwhile_is_stopped_as_an_orphan() -> None:
    """K-87: with an override of 1 s, made 2."""
    history = ran(
        pod(container("app", DEAF)),
        release="1.36",
        actions=[act(5, "kubeletStop"), delete(10, 0), act(20, "kubeletStart")],
        until=60,
    )
    assert "app stop 2" in story(history)
    assert 20 < when(history, "app KILL") < 26


def test_a_new_kubelet_knows_no_crash_back_off() -> None:
    """K-59: the back-off is kept in memory."""
    usual = starts(ran(pod(container("app", "exit 1")), until=40), "app")
    anew = starts(ran(pod(container("app", "exit 1")), actions=[act(5, "kubeletRestart")], until=40), "app")
    assert len(anew) > len(usual)


def test_what_cannot_be_done_is_said() -> None:
    history = ran(
        pod(container("app")),
        actions=[act(5, "kubeletStart"), act(6, "nodeUp"), act(7, "networkUp"), act(8, "sandboxLoss", pod="other")],
        until=20,
    )
    assert answers(history, "kubelet-start") == [(409, "a kubelet runs on node1 already")]
    assert answers(history, "node-up") == [(409, "node1 has power")]
    assert answers(history, "network-up") == [(409, "node1 can reach the API server")]
    assert answers(history, "sandbox-loss") == [(409, "no sandbox of pod other runs")]


# -- sandbox and machine ----------------------------------------------------------------------------------------------

REBOOTED = pod(container("app"), inits=[container("prep", "sleep 1"), sidecar("proxy"), container("prep2", "sleep 1")])


@pytest.mark.parametrize("fault", [act(20, "sandboxLoss", pod="p"), act(20, "nodeReboot", takes="10s")])
@pytest.mark.parametrize("release", ["1.28", "1.29", "1.33", "1.36"])
def test_a_new_sandbox_begins_with_the_first_init_container(release: str, fault: Object) -> None:
    """K-47: 1.28 takes the pod for initialized then, and skips the plain inits after the first."""
    history = ran(REBOOTED, release=release, actions=[fault], until=80)
    again = [line for line in story(history) if line.endswith(" start")][4:]
    if release == "1.28":
        assert again == ["prep start", "proxy start", "app start"]
    else:
        assert again == ["prep start", "proxy start", "prep2 start", "app start"]
    assert told(history, "SandboxChanged") == ["Pod sandbox changed, it will be killed and re-created."]
    assert statuses(history)[-1] == "2/2 Running"


@pytest.mark.parametrize(("release", "falls_back"), [("1.29", False), ("1.31", False), ("1.32", True), ("1.36", True)])
def test_the_phase_while_a_pod_is_initialized_again(release: str, falls_back: bool) -> None:
    """S-4: from 1.32 on a plain init that runs makes the phase Pending, whatever the mains were before."""
    history = ran(REBOOTED, release=release, actions=[act(20, "nodeReboot", takes="10s")], until=80)
    assert ("Pending" in phases(history)[2:]) is falls_back


def test_a_machine_that_loses_its_power_takes_every_process_with_it() -> None:
    history = ran(pod(container("app", DEAF)), actions=[act(20, "nodeDown", for_="30s")], until=120)
    assert "app exit 255" in story(history)
    assert when(history, "app exit 255") == 20
    assert starts(history, "app")[1] > 50
    assert told(history, "Rebooted", "node1")[0].startswith("Node node1 has been rebooted, boot id: ")


def test_a_pod_that_is_never_restarted_fails_with_its_node() -> None:
    """K-36: no new sandbox under restartPolicy Never once a container ran."""
    history = ran(pod(container("app"), restartPolicy="Never"), actions=[act(20, "nodeReboot", takes="5s")], until=90)
    assert phases(history)[-1] == "Failed"
    assert len(starts(history, "app")) == 1


def test_an_empty_dir_on_disk_outlives_a_reboot_and_one_in_memory_does_not() -> None:
    volumes = [{"name": "disk", "emptyDir": {}}, {"name": "memory", "emptyDir": {"medium": "Memory"}}]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("disk", "memory")]
    script = f"ls /disk /memory; touch /disk/kept /memory/lost; {FOREVER}"
    history = ran(
        pod(container("app", script, volumeMounts=mounts), volumes=volumes),
        actions=[act(20, "nodeReboot", takes="5s")],
        until=90,
    )
    second = [line.line for line in history.pod("p").container("app").runs[1].output]
    assert "kept" in second
    assert "lost" not in second


# -- lost and found again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("release", "earliest"), [("1.29", 60), ("1.31", 60), ("1.32", 70), ("1.36", 70)])
def test_a_silent_node_counts_as_lost_after_the_grace_period(release: str, earliest: int) -> None:
    """40 s after its last lease was seen, 50 s from 1.32 on; the controller looks every 5 s."""
    history = ran(pod(container("app")), release=release, actions=[act(30, "networkDown")], until=200)
    (_, *_), (lost, status, reason) = node_told(history, "node1")
    assert (status, reason) == ("Unknown", "NodeStatusUnknown")
    assert earliest <= lost <= earliest + 16
    assert told(history, "NodeNotReady") == ["Node is not ready"]
    assert told(history, "NodeNotReady", "node1") == ["Node node1 status is now: NodeNotReady"]
    assert conditions(history, "Ready")[-1] == "False"


def test_where_every_node_is_lost_none_is_tainted_to_evict() -> None:
    """Then the control plane takes itself for the one that is cut off."""
    history = ran(pod(container("app")), actions=[act(30, "networkDown")], until=900)
    assert taints(history, "node1") == [[], ["unreachable:NoSchedule"]]
    assert history.pod("p").gone is None


@pytest.mark.parametrize(
    ("release", "name"),
    [("1.28", "taint-controller"), ("1.29", "taint-eviction-controller"), ("1.34", "taint-eviction-controller")],
)
def test_pods_leave_a_lost_node_after_five_minutes(release: str, name: str) -> None:
    history = ran(
        pod(container("app"), **ON_A),
        release=release,
        cluster=TWO_NODES,
        actions=[act(30, "nodeDown", node="a")],
        until=600,
    )
    assert taints(history, "a") == [[], ["unreachable:NoSchedule"], ["unreachable:NoExecute", "unreachable:NoSchedule"]]
    (event,) = [one for one in history.events if one.reason == "TaintManagerEviction"]
    assert (event.message, event.component) == ("Marking for deletion Pod default/p", name)
    deleted = next(one for one in history.pod("p").versions if "deletionTimestamp" in one.object["metadata"])
    lost = node_told(history, "a")[1][0]
    assert 304 <= to_seconds(deleted.at - history.started) - lost <= 307
    (disrupted,) = (one for one in deleted.object["status"]["conditions"] if one["type"] == "DisruptionTarget")
    assert disrupted["reason"] == "DeletionByTaintManager"
    assert disrupted.get("observedGeneration") == (1 if release == "1.34" else None)
    assert history.pod("p").gone is None, "no kubelet is there to say that it has ended"


def test_a_pod_may_say_how_long_it_stays() -> None:
    impatient = [
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 20}
    ]
    history = ran(
        pod(container("app"), tolerations=impatient, **ON_A),
        cluster=TWO_NODES,
        actions=[act(30, "nodeDown", node="a")],
        until=200,
    )
    assert told(history, "TaintManagerEviction") == ["Marking for deletion Pod default/p"]


def test_a_node_that_comes_back_in_time_keeps_its_pods() -> None:
    history = ran(
        pod(container("app"), **ON_A),
        cluster=TWO_NODES,
        actions=[act(30, "networkDown", node="a", for_="3m")],
        until=900,
    )
    assert [status for _, status, _ in node_told(history, "a")] == ["True", "Unknown", "True"]
    assert taints(history, "a")[-1] == []
    assert told(history, "TaintManagerEviction") == ["Cancelling deletion of Pod default/p"]
    assert conditions(history, "Ready") == ["False", "True", "False", "True"]
    assert len(starts(history, "app")) == 1


def test_a_cut_off_kubelet_goes_on_and_catches_up() -> None:
    """Restarts go on; what was deleted meanwhile is stopped when the node can be reached again."""
    history = ran(
        pod(container("app", "sleep 12; exit 1")),
        actions=[act(5, "networkDown"), delete(20, 3), act(60, "networkUp")],
        until=120,
    )
    assert len(starts(history, "app")) > 1
    assert history.pod("p").gone is not None
    assert to_seconds(history.pod("p").gone - history.started) > 60


def test_pods_of_a_deleted_node_are_collected() -> None:
    """C-48: found within 20 s, gone after the quarantine of 40 s, Failed first."""
    history = ran(
        pod(container("app"), **ON_A),
        cluster=TWO_NODES,
        actions=[act(20, "nodeDown", node="a"), {"at": "30s", "delete": {"kind": "Node", "name": "a"}}],
        until=200,
    )
    life = history.pod("p")
    assert life.gone is not None
    assert 70 <= to_seconds(life.gone - history.started) <= 91
    status = life.versions[-1].object["status"]
    assert status["phase"] == "Failed"
    messages = {one["type"]: one.get("message") for one in status["conditions"]}
    assert messages["DisruptionTarget"] == "PodGC: node no longer exists"


def test_a_node_out_of_service_gives_up_its_terminating_pods() -> None:
    """C-50."""
    out = act(150, "taint", node="a", key="node.kubernetes.io/out-of-service", value="nodeshutdown", effect="NoExecute")
    history = ran(
        pod(container("app"), **ON_A), cluster=TWO_NODES, actions=[act(20, "nodeDown", node="a"), out], until=400
    )
    assert told(history, "TaintManagerEviction") == ["Marking for deletion Pod default/p"]
    assert history.pod("p").gone is not None
    assert 150 < to_seconds(history.pod("p").gone - history.started) < 172


# -- shutting down ----------------------------------------------------------------------------------------------------


def shutting_down(**config: Any) -> Object:
    return {"nodes": [{"name": "node1", "kubeletConfig": config}]}


@pytest.mark.parametrize(("own", "grace"), [(5, 5), (60, 20)])
def test_a_shutdown_gives_pods_the_lesser_of_their_own_grace_and_the_nodes(own: int, grace: int) -> None:
    """K-86: shutdownGracePeriod less the part of critical pods."""
    history = ran(
        pod(container("app", DEAF), terminationGracePeriodSeconds=own),
        cluster=shutting_down(shutdownGracePeriod="30s", shutdownGracePeriodCriticalPods="10s"),
        actions=[act(20, "nodeShutdown")],
        until=60,
    )
    assert f"app stop {grace}" in story(history)
    status = history.pod("p").versions[-1].object["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "Terminated")
    assert status["message"] == "Pod was terminated in response to imminent node shutdown."
    reasons = {one["type"]: one.get("reason") for one in status["conditions"]}
    assert reasons["DisruptionTarget"] == "TerminationByKubelet"


def test_pods_of_low_priority_go_first_and_the_machine_waits_for_all() -> None:
    first = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000}
    history = ran(
        first,
        pod(container("app", slow_to_stop(4)), name="low"),
        pod(container("web", slow_to_stop(1)), name="high", priorityClassName="high"),
        cluster=shutting_down(
            shutdownGracePeriodByPodPriority=[
                {"priority": 0, "shutdownGracePeriodSeconds": 60},
                {"priority": 1000, "shutdownGracePeriodSeconds": 20},
            ]
        ),
        actions=[act(20, "nodeShutdown")],
        until=60,
    )
    assert when(history, "app exit 0") < when(history, "web stop 20")
    assert not any(line.endswith("exit 255") for line in story(history))
    assert node_told(history, "node1")[1][1:] == ("False", "KubeletNotReady")


def test_a_pod_that_has_gone_before_its_groups_turn_is_not_waited_for() -> None:
    first = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000}
    groups = [{"priority": 0, "shutdownGracePeriodSeconds": 30}, {"priority": 1000, "shutdownGracePeriodSeconds": 20}]
    history = ran(
        first,
        pod(container("app", slow_to_stop(20)), name="low"),
        pod(container("web", slow_to_stop(1)), name="high", priorityClassName="high"),
        cluster=shutting_down(shutdownGracePeriodByPodPriority=groups),
        actions=[act(20, "nodeShutdown"), {"at": "21s", "delete": {"kind": "Pod", "name": "high"}}],
        until=60,
    )
    assert history.pod("high").gone is not None
    assert 40 < when(history, "app exit 0") < 42
    assert node_told(history, "node1")[1][1:] == ("False", "KubeletNotReady")


def test_what_does_not_stop_in_its_groups_time_goes_down_with_the_machine() -> None:
    history = ran(
        pod(container("app", DEAF), terminationGracePeriodSeconds=60),
        cluster=shutting_down(shutdownGracePeriodByPodPriority=[{"priority": 0, "shutdownGracePeriodSeconds": 5}]),
        actions=[act(20, "nodeShutdown"), act(28, "kubeletStart")],
        until=60,
    )
    assert story(history)[-4:] == ["app stop 5", "app TERM", "app KILL", "app exit 137"]
    assert answers(history, "kubelet-start") == [(409, "node1 has no power")]


def test_without_a_shutdown_grace_period_pods_end_with_the_machine() -> None:
    history = ran(pod(container("app")), actions=[act(20, "nodeShutdown")], until=60)
    assert story(history)[-1] == "app exit 255"
    assert any("shutdownGracePeriod" in one.text for one in history.of(Assumed))


def test_a_node_that_shuts_down_takes_no_pod() -> None:
    late = {"object": pod(container("web"), name="late", nodeName="node1")}
    history = ran(
        pod(container("app", slow_to_stop(9))),
        cluster=shutting_down(shutdownGracePeriod="30s"),
        actions=[act(20, "nodeShutdown"), {"at": "22s", "create": late}],
        until=60,
    )
    status = history.pod("late").versions[-1].object["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "NodeShutdown")
    assert status["message"] == "Pod was rejected: Pod was rejected as the node is shutting down."


# -- memory -----------------------------------------------------------------------------------------------------------


def using(**memory: int) -> Object:
    """The containers of these pods use so many MiB."""
    scripts = [
        {
            "match": {"pod": name},
            "script": {"lasts": "forever", "memory": amount * 2**20, "onSignal": {"TERM": {"exit": 3}}},
        }
        for name, amount in memory.items()
    ]
    return {"containers": scripts}


def plain(name: str) -> Object:
    return pod(container("app"), name=name)


def test_the_pod_that_uses_most_beyond_its_request_goes_first_and_no_more_than_needed() -> None:
    history = ran(
        plain("small"),
        plain("large"),
        **using(small=64, large=512),
        actions=[act(20, "memoryPressure", available="50Mi")],
        until=500,
    )
    assert told(history, "Evicted", "small") == []
    (message,) = told(history, "Evicted", "large")
    assert message.startswith("The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ")
    assert history.pod("large").versions[-1].object["status"]["reason"] == "Evicted"


def test_a_node_under_pressure_says_so_and_for_a_while_after() -> None:
    history = ran(
        plain("large"), **using(large=512), actions=[act(20, "memoryPressure", available="50Mi", for_="30s")], until=900
    )
    assert taints(history, "node1") == [[], ["memory-pressure:NoSchedule"], []]
    low, high = (memory_told(history, status) for status in ("True", "False"))
    assert 20 < low < 31
    assert 320 < high < 335, "five minutes after the eviction has left enough"


def memory_told(history: History, status: str) -> float:
    """When it was last written that a node is low on memory, or that it is not."""
    changes = []
    for version in history.versions("Node", "", "node1"):
        now = next(one for one in version.object["status"]["conditions"] if one["type"] == "MemoryPressure")["status"]
        if not changes or changes[-1][1] != now:
            changes.append((to_seconds(version.at - history.started), now))
    return [at for at, told in changes if told == status][-1]


@pytest.mark.parametrize(("release", "grace"), [("1.29", 30), ("1.31", 2), ("1.36", 2)])
def test_the_grace_of_an_eviction_for_memory(release: str, grace: int) -> None:
    """K-84."""
    history = ran(
        plain("large"),
        **using(large=512),
        release=release,
        actions=[act(20, "memoryPressure", available="50Mi")],
        until=90,
    )
    assert f"app stop {grace}" in story(history)


def test_a_soft_threshold_waits_and_gives_the_configured_grace() -> None:
    """K-85."""
    config = {
        "evictionSoft": {"memory.available": "500Mi"},
        "evictionSoftGracePeriod": {"memory.available": "1m"},
        "evictionMaxPodGracePeriod": 7,
    }
    history = ran(
        plain("large"),
        **using(large=512),
        cluster=shutting_down(**config),
        actions=[act(20, "memoryPressure", available="400Mi")],
        until=200,
    )
    assert 80 < when(history, "app stop 7") < 92


def test_a_pod_without_requests_is_not_taken_while_memory_is_low() -> None:
    late = {"object": pod(container("web"), name="late", nodeName="node1")}
    history = ran(
        plain("large"),
        **using(large=512),
        actions=[act(20, "memoryPressure", available="50Mi"), {"at": "60s", "create": late}],
        until=90,
    )
    status = history.pod("late").versions[-1].object["status"]
    assert (status["reason"], status["message"]) == (
        "Evicted",
        "Pod was rejected: The node had condition: [MemoryPressure]. ",
    )


def test_a_setting_of_the_kubelet_that_is_left_out_is_said_so() -> None:
    history = ran(
        pod(container("app", "exit 0"), restartPolicy="Never"),
        cluster=shutting_down(topologyManagerPolicy="restricted"),
    )
    found = [(one.subject, one.field) for one in history.of(NotModelled)]
    assert ("Node/node1", "kubeletConfig.topologyManagerPolicy") in found


def test_nothing_is_written_about_nodes_that_are_well() -> None:
    history = ran(pod(container("app", "exit 0"), restartPolicy="Never"), until=600)
    changes = [one for one in history.of(ObjectChanged) if one.kind == "Node"]
    assert len(changes) == 1
