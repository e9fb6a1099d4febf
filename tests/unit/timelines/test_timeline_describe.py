"""``kubectl describe pod``: alignment as Go's tabwriter does it, and the words of each block."""

from __future__ import annotations

from typing import Any

import pytest
from by_hand import history

from kubesim.history.records import EventEmitted
from kubesim.history.series import Series
from kubesim.releases import Component, Release, release
from kubesim.timelines.describe import describe_pod, describe_pods
from kubesim.timelines.tabular import tabbed
from kubesim.units import SECOND

KUBECTL = release("1.29", component=Component.APISERVER)
NEWER = release("1.36", component=Component.APISERVER)


@pytest.mark.parametrize(
    ("lines", "aligned"),
    [
        (["a\tb", "ccc\td"], ["a    b", "ccc  d"]),
        (["a\tb", "no cell", "ccc\td"], ["a  b", "no cell", "ccc  d"]),
        (["a\tb\tc", "aa\tbbbb\tc"], ["a   b     c", "aa  bbbb  c"]),
        (["a\tb\tc", "aaa\tb"], ["a    b  c", "aaa  b"]),
        (["first:\tx", "\ty"], ["first:  x", "        y"]),
        (["empty:\t", "longer:\tx"], ["empty:   ", "longer:  x"]),
        ([], []),
    ],
)
def test_columns_are_as_wide_as_their_widest_neighbour(lines: list[str], aligned: list[str]) -> None:
    assert tabbed(lines) == aligned


def pod(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "oom", "namespace": "s-err-oom", **metadata},
        "spec": {
            "priority": 0,
            "serviceAccountName": "default",
            "nodeName": "node1",
            "containers": [{"name": "hog", "image": "busybox:1.36"}],
            **(spec or {}),
        },
        "status": {"phase": "Failed", "qosClass": "Burstable", "hostIP": "10.244.0.1", **(status or {})},
    }


def described(raw: dict[str, Any], *events: EventEmitted, kubectl: Release = KUBECTL) -> list[str]:
    return describe_pod(raw, [Series(event, event, 0) for event in events], kubectl, 12 * SECOND)


def event(reason: str, message: str, **values: Any) -> EventEmitted:
    known: dict[str, Any] = {
        "at": 0,
        "kind": "Pod",
        "namespace": "s-err-oom",
        "name": "oom",
        "uid": "",
        "type": "Normal",
        "component": "kubelet",
        "first": SECOND,
        "last": SECOND,
    }
    return EventEmitted(reason=reason, message=message, **{**known, **values})


OOM = pod(
    spec={
        "containers": [
            {
                "name": "hog",
                "image": "busybox:1.36",
                "command": ["sh", "-c", "sleep 2; exec tail /dev/zero"],
                "resources": {"limits": {"memory": "32Mi"}, "requests": {"memory": "32Mi"}},
            }
        ],
        "tolerations": [
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("unreachable", "not-ready")
        ],
    },
    status={
        "startTime": "2026-11-22T09:04:11Z",
        "podIP": "10.244.1.120",
        "podIPs": [{"ip": "10.244.1.120"}],
        "conditions": [
            {"type": type_, "status": status}
            for type_, status in (("PodReadyToStartContainers", "False"), ("Initialized", "True"))
        ],
        "containerStatuses": [
            {
                "name": "hog",
                "ready": False,
                "restartCount": 0,
                "containerID": "containerd://a3e7",
                "imageID": "sha256:85b9",
                "state": {
                    "terminated": {
                        "reason": "OOMKilled",
                        "exitCode": 137,
                        "startedAt": "2026-11-22T09:04:12Z",
                        "finishedAt": "2026-11-22T09:04:14Z",
                    }
                },
            }
        ],
    },
)
RECORDED = """\
Name:             oom
Namespace:        s-err-oom
Priority:         0
Service Account:  default
Node:             node1/10.244.0.1
Start Time:       Sun, 22 Nov 2026 09:04:11 +0000
Labels:           <none>
Annotations:      <none>
Status:           Failed
IP:               10.244.1.120
IPs:
  IP:  10.244.1.120
Containers:
  hog:
    Container ID:  containerd://a3e7
    Image:         busybox:1.36
    Image ID:      sha256:85b9
    Port:          <none>
    Host Port:     <none>
    Command:
      sh
      -c
      sleep 2; exec tail /dev/zero
    State:          Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Sun, 22 Nov 2026 09:04:12 +0000
      Finished:     Sun, 22 Nov 2026 09:04:14 +0000
    Ready:          False
    Restart Count:  0
    Limits:
      memory:  32Mi
    Requests:
      memory:     32Mi
    Environment:  <none>
    Mounts:       <none>
Conditions:
  Type                        Status
  PodReadyToStartContainers   False_
  Initialized                 True_
Volumes:                      <none>
QoS Class:                    Burstable
Node-Selectors:               <none>
Tolerations:                  node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                              node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
Events:
  Type     Reason     Age                From               Message
  ----     ------     ----               ----               -------
  Normal   Scheduled  10s                default-scheduler  Successfully assigned s-err-oom/oom to node1
  Normal   Pulled     11s                kubelet            Container image "busybox:1.36" already present on machine
  Warning  Failed     10s (x2 over 11s)  kubelet            Error: no"""
"""From a recording (``_`` for a blank at the end of a line), ids shortened, fewer conditions, other Events."""


def test_a_pod_is_described_as_kubectl_did_it() -> None:
    events = (
        event("Pulled", 'Container image "busybox:1.36" already present on machine'),
        event("Failed", "Error: no", type="Warning", count=2, last=2 * SECOND, update=True),
        event(
            "Scheduled",
            "Successfully assigned s-err-oom/oom to node1",
            component="default-scheduler",
            first=2 * SECOND,
            last=0,
        ),
    )
    assert described(OOM, *events) == RECORDED.replace("_\n", " \n").split("\n")


def lines_of(raw: dict[str, Any], start: str, count: int = 1, kubectl: Release = KUBECTL) -> list[str]:
    """The lines from the first that begins so, blanks at the ends and runs of blanks aside."""
    lines = [" ".join(line.split()) for line in described(raw, kubectl=kubectl)]
    place = next(number for number, line in enumerate(lines) if line.startswith(start))
    return lines[place : place + count]


def with_container(**fields: Any) -> dict[str, Any]:
    return pod(spec={"containers": [{"name": "app", "image": "i", **fields}]})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (pod(spec={"nodeName": ""}), ["Node: <none>"]),
        (pod(labels={"b": "2", "a": "1"}), ["Labels: a=1", "b=2"]),
        (pod(annotations={"k": "v"}), ["Annotations: k: v", "Status: Failed"]),
        (pod(annotations={"k": "a\nb"}), ["Annotations: k:", "a", "b"]),
        (pod(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"}), ["Annotations: <none>"]),
        (pod(status={"reason": "Evicted", "message": "disk"}), ["Reason: Evicted", "Message: disk"]),
        (
            pod(deletionTimestamp="2024-01-01T00:00:42Z", deletionGracePeriodSeconds=30, uid="u"),
            ["Status: Terminating (lasts <invalid>)", "Termination Grace Period: 30s"],
        ),
        (
            pod(deletionTimestamp="2024-01-01T00:00:10Z", deletionGracePeriodSeconds=0),
            ["Status: Terminating (lasts 2s)", "Termination Grace Period: 0s"],
        ),
        (pod(), ["IPs: <none>"]),
        (pod(ownerReferences=[{"kind": "Job", "name": "j", "controller": True}]), ["Controlled By: Job/j"]),
        (
            pod(spec={"readinessGates": [{"conditionType": "example.com/lb"}]}),
            ["Readiness Gates:", "Type Status", "example.com/lb <none>"],
        ),
        (with_container(ports=[{"containerPort": 80, "protocol": "TCP"}]), ["Port: 80/TCP", "Host Port: 0/TCP"]),
        (
            with_container(ports=[{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP", "hostPort": 5}]),
            ["Ports: 80/TCP, 53/UDP", "Host Ports: 0/TCP, 5/UDP"],
        ),
        (with_container(args=["a\nb"]), ["Args:", "a", "b"]),
        (
            with_container(livenessProbe={"exec": {"command": ["test", "-f", "/tmp/live"]}, "initialDelaySeconds": 3}),
            ["Liveness: exec [test -f /tmp/live] delay=3s timeout=1s period=10s #success=1 #failure=3"],
        ),
        (
            with_container(readinessProbe={"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}}),
            ["Readiness: http-get http://:8080/ready delay=0s timeout=1s period=10s #success=1 #failure=3"],
        ),
        (
            with_container(startupProbe={"tcpSocket": {"port": "web"}, "periodSeconds": 2}),
            ["Startup: tcp-socket :web delay=0s timeout=1s period=2s #success=1 #failure=3"],
        ),
        (
            with_container(startupProbe={"grpc": {"port": 9, "service": "s"}}),
            ["Startup: grpc <pod>:9 s delay=0s timeout=1s period=10s #success=1 #failure=3"],
        ),
        (
            with_container(
                envFrom=[{"configMapRef": {"name": "settings"}}, {"prefix": "P", "secretRef": {"name": "s"}}]
            ),
            [
                "Environment Variables from:",
                "settings ConfigMap Optional: false",
                "s Secret with prefix 'P' Optional: false",
                "Environment: <none>",
            ],
        ),
        (
            with_container(
                env=[
                    {"name": "A", "value": "1\n2"},
                    {"name": "N", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                    {"name": "L", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels['x']"}}},
                    {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
                    {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                    {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
                ],
                resources={"limits": {"memory": "1Gi"}},
            ),
            [
                "Environment:",
                "A: 1",
                "2",
                "N: oom (v1:metadata.name)",
                "L: (v1:metadata.labels['x'])",
                "C: <set to the key 'k' of config map 'c'> Optional: true",
                "S: <set to the key 'k' in secret 's'> Optional: false",
                "R: 1Gi (limits.memory)",
            ],
        ),
        (
            with_container(
                volumeMounts=[
                    {"mountPath": "/b", "name": "v"},
                    {"mountPath": "/a", "name": "v", "readOnly": True, "subPath": "s"},
                ]
            ),
            ["Mounts:", '/a from v (ro,path="s")', "/b from v (rw)"],
        ),
        (
            pod(spec={"volumes": [{"name": "v", "emptyDir": {}}, {"name": "h", "hostPath": {"path": "/x"}}]}),
            [
                "Volumes:",
                "v:",
                "Type: EmptyDir (a temporary directory that shares a pod's lifetime)",
                "Medium:",
                "SizeLimit: <unset>",
                "h:",
                "Type: HostPath (bare host directory volume)",
                "Path: /x",
                "HostPathType:",
            ],
        ),
        (
            pod(spec={"volumes": [{"name": "c", "configMap": {"name": "n"}}, {"name": "x", "nfs": {}}]}),
            ["Volumes:", "c:", "Type: ConfigMap (a volume populated by a ConfigMap)", "Name: n", "Optional: false",
             "x:", "<unknown>"],
        ),
        (pod(status={"qosClass": None}), ["QoS Class: BestEffort"]),
        (pod(spec={"nodeSelector": {"disk": "ssd"}}), ["Node-Selectors: disk=ssd"]),
        (
            pod(spec={"tolerations": [{"key": "k", "value": "v", "effect": "NoSchedule"}, {"operator": "Exists"}]}),
            ["Tolerations: k=v:NoSchedule", "op=Exists"],
        ),
        (pod(), ["Events: <none>"]),
    ],
)  # fmt: skip
def test_each_block_has_its_words(raw: dict[str, Any], expected: list[str]) -> None:
    assert lines_of(raw, expected[0], len(expected)) == expected


STATES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["State: Waiting", "Ready: False"]),
    ({"waiting": {"reason": "Bad", "message": "m"}}, ["State: Waiting", "Reason: Bad", "Ready: False"]),
    ({"running": {"startedAt": "2024-01-01T00:00:01Z"}}, ["State: Running"]),
    (
        {"terminated": {"exitCode": 0, "signal": 9, "message": "m"}},
        [
            "State: Terminated",
            "Message: m",
            "Exit Code: 0",
            "Signal: 9",
            "Started: Mon, 01 Jan 0001 00:00:00 +0000",
            "Finished: Mon, 01 Jan 0001 00:00:00 +0000",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("state", "expected"), STATES)
def test_states_are_told_in_full(state: dict[str, Any], expected: list[str]) -> None:
    entry = {"name": "hog", "state": state, "ready": False, "restartCount": 0}
    assert lines_of(pod(status={"containerStatuses": [entry]}), "State:", len(expected)) == expected


def test_an_earlier_run_is_told_only_if_it_ended() -> None:
    entry = {"name": "hog", "state": {}, "lastState": {"terminated": {"exitCode": 1}}, "restartCount": 1}
    assert lines_of(pod(status={"containerStatuses": [entry]}), "Last State:") == ["Last State: Terminated"]
    entry["lastState"] = {"waiting": {}}
    assert not any("Last State" in line for line in described(pod(status={"containerStatuses": [entry]})))


def test_a_terminal_pod_shows_its_phase_again_in_newer_releases() -> None:
    deleted = pod(deletionTimestamp="2024-01-01T00:00:10Z", deletionGracePeriodSeconds=0)
    assert lines_of(deleted, "Status:", kubectl=NEWER) == ["Status: Failed"]


def test_newer_releases_say_which_container_an_event_is_about() -> None:
    about = event("Started", "Container started", field_path="spec.containers{hog}")
    assert described(pod(), about)[-1].endswith("kubelet  Container started")
    assert described(pod(), about, kubectl=NEWER)[-1].endswith("kubelet  spec.containers{hog}: Container started")


def test_all_pods_that_exist_are_described() -> None:
    assert describe_pods(history(), at=SECOND // 2)[0] == "Name:         web"
    assert describe_pods(history()) == []
