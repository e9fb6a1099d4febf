"""What the API server says of Pods it refuses or warns about; texts as recorded (C-22 to C-29)."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import RELEASES, release
from kubesim.store import Reply, Store

SIDECAR = {"name": "proxy", "image": "i:1", "restartPolicy": "Always"}
PLAIN = {"name": "setup", "image": "i:1"}
EXEC = {"exec": {"command": ["true"]}}
SINCE_1_29 = tuple(name for name in RELEASES if name not in ("1.27", "1.28"))


def created(name: str, gates: dict[str, bool] | None = None, /, **spec: Any) -> Reply:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "app", "image": "i:1"}], **spec},
    }
    return Store(release(name, gates or {}, component="apiserver")).create(pod, 0)


def texts(reply: Reply) -> list[str]:
    return [error.text for error in reply.errors]


def main(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "app", "image": "i:1", **fields}]}


def init(base: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"initContainers": [{**base, **fields}]}


def test_one_error_and_several_are_said_differently() -> None:
    """Recorded: rej-init-probe."""
    plain = "may not be set for init containers without restartPolicy=Always"
    first, second = (f"spec.initContainers[0].{key}: Forbidden: {plain}" for key in ("lifecycle", "readinessProbe"))
    one = created("1.29", **init(PLAIN, readinessProbe=EXEC))
    assert (one.code, one.reason, one.message) == (422, "Invalid", f'Pod "web" is invalid: {second}')
    assert one.kubectl == f'The Pod "web" is invalid: {second}'
    two = created("1.29", **init(PLAIN, readinessProbe=EXEC, lifecycle={"preStop": EXEC}))
    assert two.message == f'Pod "web" is invalid: [{first}, {second}]'
    assert two.kubectl == f'The Pod "web" is invalid: \n* {first}\n* {second}'


@pytest.mark.parametrize("probe", ["livenessProbe", "readinessProbe", "startupProbe"])
@pytest.mark.parametrize("name", SINCE_1_29)
def test_a_sidecar_may_have_probes_and_a_plain_init_may_not(name: str, probe: str) -> None:
    assert created(name, **init(SIDECAR, **{probe: EXEC})).ok
    assert texts(created(name, **init(PLAIN, **{probe: EXEC}))) == [
        f"spec.initContainers[0].{probe}: Forbidden: may not be set for init containers without restartPolicy=Always"
    ]


def test_1_27_says_it_shorter() -> None:
    assert texts(created("1.27", **init(PLAIN, readinessProbe=EXEC))) == [
        "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers"
    ]


def test_a_sidecars_probe_is_refused_when_the_gate_is_off() -> None:
    """C-21b; recorded on 1.28."""
    assert not created("1.28", **init(SIDECAR, startupProbe=EXEC)).ok
    assert created("1.28", {"SidecarContainers": True}, **init(SIDECAR, startupProbe=EXEC)).ok


OWN_POLICY = "spec.initContainers[0].restartPolicy: Unsupported value: "


@pytest.mark.parametrize(
    ("name", "gates", "policy", "expected"),
    [
        ("1.29", {}, "Never", [OWN_POLICY + '"Never": supported values: "Always"']),
        ("1.33", {}, "OnFailure", [OWN_POLICY + '"OnFailure": supported values: "Always"']),
        ("1.35", {}, "Never", []),
        ("1.36", {}, "Sometimes", [OWN_POLICY + '"Sometimes": supported values: "Always", "Never", "OnFailure"']),
        ("1.36", {"ContainerRestartRules": False, "RestartAllContainersOnContainerExits": False}, "Never", []),
        ("1.28", {}, "Sometimes", []),
    ],
)
def test_the_restart_policy_of_an_init_container(
    name: str, gates: dict[str, bool], policy: str, expected: list[str]
) -> None:
    assert texts(created(name, gates, **init(PLAIN, restartPolicy=policy))) == expected


@pytest.mark.parametrize(("name", "accepted"), [("1.28", False), ("1.33", False), ("1.36", True)])
def test_the_restart_policy_of_a_main(name: str, accepted: bool) -> None:
    """C-23; recorded: rej-main-restartpolicy."""
    found = texts(created(name, **main(restartPolicy="Always")))
    refusal = "spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers"
    assert found == ([] if accepted else [refusal])


@pytest.mark.parametrize(
    ("name", "gates", "seconds", "said"),
    [
        (
            "1.29",
            {"PodLifecycleSleepAction": True},
            0,
            "must be greater than 0 and less than terminationGracePeriodSeconds (5)",
        ),
        ("1.29", {"PodLifecycleSleepAction": True}, 5, ""),
        ("1.36", {}, 9, "must be non-negative and less than terminationGracePeriodSeconds (5)"),
        ("1.36", {}, 0, ""),
    ],
)
def test_how_long_a_hook_may_sleep(name: str, gates: dict[str, bool], seconds: int, said: str) -> None:
    """C-24; recorded: new-prestop-sleep-too-long."""
    hook = {"preStop": {"sleep": {"seconds": seconds}}}
    reply = created(name, gates, terminationGracePeriodSeconds=5, **main(lifecycle=hook))
    path = "spec.containers[0].lifecycle.preStop.sleep"
    assert texts(reply) == ([f"{path}: Invalid value: {seconds}: {said}"] if said else [])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            main(livenessProbe={**EXEC, "successThreshold": 2}),
            "livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            main(readinessProbe={**EXEC, "terminationGracePeriodSeconds": 5}),
            "readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes",
        ),
        (
            main(startupProbe={**EXEC, "terminationGracePeriodSeconds": 0}),
            "startupProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
        ),
        (main(livenessProbe={}), "livenessProbe: Required value: must specify a handler type"),
        (
            main(livenessProbe={**EXEC, "tcpSocket": {"port": 80}}),
            "livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            main(livenessProbe={"httpGet": {"port": 99999}}),
            "livenessProbe.httpGet.port: Invalid value: 99999: must be between 1 and 65535, inclusive",
        ),
        (
            main(ports=[{"containerPort": 80, "name": "Web_1"}]),
            'ports[0].name: Invalid value: "Web_1": must contain only alpha-numeric characters (a-z, 0-9), and '
            "hyphens (-)",
        ),
        (main(volumeMounts=[{"name": "v", "mountPath": "/v"}]), 'volumeMounts[0].name: Not found: "v"'),
        (
            main(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),
            'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        (
            main(env=[{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
            'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            main(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]),
            'env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: '
            '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", '
            '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
        ),
    ],
)
def test_the_fields_of_a_container(spec: dict[str, Any], expected: str) -> None:
    assert texts(created("1.33", **spec)) == [f"spec.containers[0].{expected}"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": []}, "spec.containers: Required value"),
        (
            {"restartPolicy": "Maybe"},
            'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
        ),
        (
            {"activeDeadlineSeconds": 0},
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (init({**SIDECAR, "name": "app"}), 'spec.initContainers[0].name: Duplicate value: "app"'),
        (
            {"nodeName": "n", "schedulingGates": [{"name": "g"}]},
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ),
        (
            {"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}]},
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
        ),
        (
            {"tolerations": [{"key": "k", "operator": "Exists", "value": "v"}]},
            "spec.tolerations[0].operator: Invalid value: \"v\": value must be empty when `operator` is 'Exists'",
        ),
        (
            {"dnsPolicy": "None"},
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
        ),
    ],
)
def test_the_fields_of_a_pod(spec: dict[str, Any], expected: str) -> None:
    assert texts(created("1.33", **spec)) == [expected]


RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (main(restartPolicy="Never", restartPolicyRules=[RULE]), []),
        (
            main(restartPolicyRules=[RULE]),
            ["containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
        ),
        (
            main(restartPolicy="Never", restartPolicyRules=[RULE] * 21),
            ["containers[0].restartPolicyRules: Too many: 21: must have at most 20 items"],
        ),
        (
            main(restartPolicy="Never", restartPolicyRules=[{"action": "Restart"}]),
            ["containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified"],
        ),
    ],
)
def test_restart_rules(spec: dict[str, Any], expected: list[str]) -> None:
    assert texts(created("1.36", **spec)) == [f"spec.{text}" for text in expected]


def test_rules_on_a_sidecar_need_the_gate_for_whole_pods() -> None:
    spec = init(SIDECAR, restartPolicyRules=[RULE])
    refusal = "Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always"
    off = created("1.36", {"RestartAllContainersOnContainerExits": False}, **spec)
    assert texts(off) == [f"spec.initContainers[0].restartPolicyRules: {refusal}"]
    assert created("1.36", **spec).ok


def test_a_stop_signal_needs_an_operating_system() -> None:
    spec = main(lifecycle={"stopSignal": "SIGINT"})
    gate = {"ContainerStopSignals": True}
    assert texts(created("1.36", gate, **spec)) == [
        "spec.containers[0].lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`"
    ]
    assert created("1.36", gate, os={"name": "linux"}, **spec).ok
    assert created("1.36", **spec).ok, "dropped while the gate is off"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "1.33",
            "resource.Quantity{i:resource.int64Amount{value:500, scale:-3}, d:resource.infDecAmount"
            '{Dec:(*inf.Dec)(nil)}, s:"500m", Format:"DecimalSI"}',
        ),
        ("1.36", '"500m"'),
    ],
)
def test_a_struct_is_shown_as_the_release_shows_it(name: str, shown: str) -> None:
    amounts = {"example.com/g": "500m"}
    reply = created(name, **main(resources={"limits": amounts, "requests": amounts}))
    assert (
        texts(reply)[0]
        == f"spec.containers[0].resources.limits[example.com/g]: Invalid value: {shown}: must be an integer"
    )


def test_bad_metadata() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "Web", "labels": {"a b": "c"}, "finalizers": ["mine"]},
        "spec": {"containers": [{"name": "app", "image": "i"}]},
    }
    found = [error.field for error in Store(release("1.36", component="apiserver")).create(pod, 0).errors]
    assert found == ["metadata.name", "metadata.labels", "metadata.finalizers[0]"]


APPLY = ", which may be dropped when using apply"


@pytest.mark.parametrize(
    ("name", "tail"),
    [(each, "" if each in ("1.28", "1.29") else APPLY) for each in ("1.28", "1.29", "1.30", "1.33")],
)
def test_warnings(name: str, tail: str) -> None:
    ports = [{"containerPort": 80}, {"containerPort": 80}]
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    reply = created(name, nodeSelector={"beta.kubernetes.io/os": "linux"}, **main(ports=ports, env=env))
    assert reply.code == 201
    assert reply.warnings == (
        'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        f'spec.containers[0].env[1]: hides previous definition of "A"{tail}',
        "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
    )


def test_fewer_warnings_of_1_27() -> None:
    """``warnings.go``: no clash of ports, and every second variable of a name, whatever it says."""
    ports = [{"containerPort": 80}, {"containerPort": 80}]
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}]
    reply = created("1.27", **main(ports=ports, env=env))
    assert reply.warnings == ('spec.containers[0].env[1].name: duplicate name "A"',)


@pytest.mark.parametrize(("value", "warns"), [("$(A)2", False), ("$(A)", True), ("2", True)])
def test_a_variable_may_build_on_the_one_before(value: str, warns: bool) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": value}]
    assert bool(created("1.33", **main(env=env)).warnings) is warns


@pytest.mark.parametrize(("name", "warns"), [("1.27", False), ("1.28", True), ("1.36", True)])
def test_a_selector_that_is_missing(name: str, warns: bool) -> None:
    term = {"topologyKey": "zone"}
    reply = created(
        name,
        topologySpreadConstraints=[{**term, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}],
        affinity={
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]
            }
        },
        **main(),
    )
    rule = "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm"
    found = tuple(
        f"{place}.labelSelector: a null labelSelector results in matching no pod"
        for place in ("spec.topologySpreadConstraints[0]", rule)
    )
    assert reply.warnings == (found if warns else ())


@pytest.mark.parametrize(("name", "warns"), [("1.32", False), ("1.33", True)])
def test_port_names_that_repeat(name: str, warns: bool) -> None:
    ports = [{"containerPort": 80, "name": "web"}]
    containers = [{"name": each, "image": "i", "ports": ports} for each in ("a", "b")]
    containers[1]["ports"] = [{"containerPort": 81, "name": "web"}]
    assert bool(created(name, containers=containers).warnings) is warns


@pytest.mark.parametrize(("name", "unit"), [("1.34", "characters"), ("1.35", "bytes")])
def test_what_a_long_label_is_measured_in(name: str, unit: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"a": "b" * 64}},
        "spec": {"containers": [{"name": "app", "image": "i"}]},
    }
    reply = Store(release(name, component="apiserver")).create(pod, 0)
    assert texts(reply)[0].endswith(f"must be no more than 63 {unit}")


@pytest.mark.parametrize(("name", "shows"), [("1.31", "core.Toleration{"), ("1.32", '"x"')])
def test_what_is_wrong_with_a_toleration(name: str, shows: str) -> None:
    reply = created(name, tolerations=[{"key": "k", "operator": "Exists", "value": "x"}], **main())
    assert f"Invalid value: {shows}" in texts(reply)[0]
