"""Who understands the field: gates off, older kubelets, releases that differ (FINDINGS 46 to 50, K-54 to K-58)."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import (
    GATE,
    container,
    delete,
    exec_probe,
    final,
    phases,
    pod,
    ran,
    sidecar,
    starts,
    statuses,
    story,
    told,
)

from kubesim.history.records import ActionDone

OFF = {"SidecarContainers": False}


def cluster(control_plane: tuple[str, Any], node: tuple[str, Any]) -> dict[str, Any]:
    """A cluster of two releases, each with its gates."""
    return {
        "release": control_plane[0],
        "featureGates": control_plane[1],
        "nodes": [{"name": "node1", "release": node[0], "featureGates": node[1]}],
    }


def skewed(control_plane: tuple[str, Any], node: tuple[str, Any], *objects: Any, **more: Any) -> Any:
    return ran(*objects, release=control_plane[0], gates={}, cluster=cluster(control_plane, node), **more)


BASIC = pod(container("app", "sleep 3"), inits=[sidecar("proxy")], restartPolicy="Never")


def test_an_api_server_that_does_not_know_the_field_refuses_what_kubectl_sends() -> None:
    """kubectl asks for strict decoding."""
    history = ran(BASIC, release="1.27")

    (action,) = history.of(ActionDone)
    assert (action.code, action.reason) == (400, "BadRequest")
    assert 'unknown field "spec.initContainers[0].restartPolicy"' in action.message
    assert history.pods == ()


def test_with_the_gate_off_the_api_server_drops_the_field() -> None:
    """FINDINGS 46: silently; the "sidecar" is a plain init container that never ends."""
    history = ran(BASIC, release="1.28", gates={}, until=60)

    created = history.pod("p").versions[0].object
    assert "restartPolicy" not in created["spec"]["initContainers"][0]
    (action,) = history.of(ActionDone)
    assert (action.code, action.warnings) == (201, ())
    assert statuses(history)[-1] == "0/1 Init:0/1"
    assert starts(history, "app") == []


def test_with_the_gate_off_probes_of_an_init_container_are_refused() -> None:
    """FINDINGS 46, ``sc-startup-gates-init``."""
    history = ran(
        pod(container("app"), inits=[sidecar("proxy", startupProbe=exec_probe("true"))]), release="1.28", gates={}
    )

    (action,) = history.of(ActionDone)
    assert action.code == 422
    message = "spec.initContainers[0].startupProbe: Forbidden: may not be set for init containers without"
    assert message in action.message
    assert history.pods == ()


@pytest.mark.parametrize(
    ("control_plane", "node"),
    [
        (("1.29", {}), ("1.28", {})),
        (("1.28", GATE), ("1.28", {})),
        (("1.29", {}), ("1.29", OFF)),
        (("1.32", {}), ("1.32", OFF)),
    ],
)
def test_a_kubelet_with_the_gate_off_rejects_the_pod(control_plane: Any, node: Any) -> None:
    """FINDINGS 47 and K-55."""
    history = skewed(control_plane, node, BASIC)

    status = history.pod("p").versions[-1].object["status"]
    text = 'Init container "proxy" may not have a non-default restartPolicy'
    assert (status["phase"], status["reason"]) == ("Failed", "InitContainerRestartPolicyForbidden")
    assert status["message"] == f"Pod was rejected: {text}"
    assert told(history, "InitContainerRestartPolicyForbidden") == [text]
    assert story(history) == []
    assert "containerStatuses" not in status
    assert history.ended - history.started < 1_000_000_000


def test_a_rejected_pod_can_be_deleted() -> None:
    history = skewed(("1.29", {}), ("1.28", {}), BASIC, actions=[delete(5)], until=30)

    assert history.pod("p").gone is not None


def test_a_pod_without_a_sidecar_is_welcome_with_the_gate_off() -> None:
    history = skewed(("1.29", {}), ("1.29", OFF), pod(container("app", "sleep 1"), restartPolicy="Never"))

    assert phases(history)[-1] == "Succeeded"


@pytest.mark.parametrize("control_plane", [("1.28", GATE), ("1.29", {}), ("1.30", {})])
def test_a_kubelet_that_does_not_know_the_field_reads_an_ordinary_init_container(control_plane: Any) -> None:
    """K-54: 1.27 drops the field when it decodes the object; nobody says so."""
    history = skewed(control_plane, ("1.27", {}), BASIC, until=60)

    assert history.pod("p").versions[0].object["spec"]["initContainers"][0]["restartPolicy"] == "Always"
    assert starts(history, "proxy")
    assert starts(history, "app") == []
    assert phases(history) == ["Pending"]
    assert told(history, "InitContainerRestartPolicyForbidden") == []


def test_on_1_27_an_init_container_that_ends_moves_on() -> None:
    """K-54."""
    history = skewed(
        ("1.28", GATE),
        ("1.27", {}),
        pod(container("app", "sleep 2"), inits=[sidecar("proxy", "sleep 1")], restartPolicy="Never"),
    )

    assert story(history) == ["proxy start", "proxy exit 0", "app start", "app exit 0"]
    assert phases(history)[-1] == "Succeeded"


TERMINATES = pod(container("app"), inits=[sidecar("proxy")])


@pytest.mark.parametrize(
    ("control_plane", "node", "ordered"),
    [
        (("1.29", {}), ("1.28", GATE), False),
        (("1.29", {}), ("1.29", {}), True),
        (("1.36", {}), ("1.33", {}), True),
    ],
)
def test_the_kubelets_release_decides_the_order(control_plane: Any, node: Any, ordered: bool) -> None:
    """FINDINGS 48: an API server of 1.29 over a kubelet of 1.28 gets no order."""
    history = skewed(control_plane, node, TERMINATES, actions=[delete(5)])

    lines = story(history)
    assert (lines.index("app exit 0") < lines.index("proxy stop 30")) == ordered


@pytest.mark.parametrize(
    ("control_plane", "node", "words"),
    [
        (("1.29", {}), ("1.28", GATE), "Created container app"),
        (("1.36", {}), ("1.33", {}), "Created container: app"),
        (("1.36", {}), ("1.36", {}), "Container created"),
    ],
)
def test_the_kubelets_release_decides_the_words(control_plane: Any, node: Any, words: str) -> None:
    """FINDINGS 53."""
    history = skewed(control_plane, node, TERMINATES, until=10)

    assert words in told(history, "Created")


def test_two_nodes_of_two_releases() -> None:
    """Each pod behaves as the kubelet of its node does."""
    nodes = [
        {"name": "old", "release": "1.28", "featureGates": GATE, "labels": {"age": "old"}},
        {"name": "new", "release": "1.33", "labels": {"age": "new"}},
    ]
    pods = [
        pod(container("app"), inits=[sidecar("proxy")], name=age, nodeSelector={"age": age}) for age in ("old", "new")
    ]
    history = ran(
        *pods,
        release="1.33",
        cluster={"nodes": nodes},
        actions=[delete(5, name="old"), delete(5, name="new")],
    )

    for age, ordered in (("old", False), ("new", True)):
        life = history.pod(age)
        (app,), (proxy,) = life.container("app").runs, life.container("proxy").runs
        assert app.exit is not None
        assert (proxy.signals[0].at > app.exit) == ordered
        assert life.versions[-1].object["spec"]["nodeName"] == age


@pytest.mark.parametrize(("gates", "restarts"), [({}, 1), (OFF, None)])
def test_the_universal_injector(gates: dict[str, bool], restarts: int | None) -> None:
    """FINDINGS 50: one manifest that works with and without native sidecars, told apart by a file."""
    shared = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    native = "test -f /shared/first || { touch /shared/first; exit 0; }; touch /shared/native; " + "sleep 1000"
    old_way = "sleep 3; test -f /shared/native && exit 0; sleep 1000"
    history = ran(
        pod(
            container("app", "sleep 8", **shared),
            container("old-way", old_way, **shared),
            inits=[sidecar("native", native, **shared)],
            restartPolicy="Never",
            terminationGracePeriodSeconds=2,
            volumes=[{"name": "shared", "emptyDir": {}}],
        ),
        release="1.29",
        gates=gates,
        cluster={"controlPlane": {"release": "1.29", "featureGates": gates}},
        until=60,
    )

    if restarts is None:
        assert len(starts(history, "native")) == 1
        assert statuses(history)[-1] == "1/2 NotReady"
    else:
        assert final(history, "native")["restartCount"] == restarts
        assert phases(history)[-1] == "Succeeded"
