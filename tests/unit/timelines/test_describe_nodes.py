"""``kubectl describe node`` and ``kubectl logs`` of a run."""

from __future__ import annotations

import io

import kubesim
from kubesim.timelines.describe_nodes import describe_nodes, share
from kubesim.timelines.logs import log_lines

SCENARIO = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
  - {name: proxy, image: busybox, restartPolicy: Always, command: [sleep, "99"], resources: {requests: {cpu: 100m}}}
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "echo hello; echo oops >&2; sleep 99"]
    resources: {requests: {cpu: 150m, memory: 64Mi}, limits: {cpu: 1, memory: 128Mi}}
---
apiVersion: v1
kind: Pod
metadata: {name: over}
spec:
  restartPolicy: Never
  containers: [{name: a, image: busybox, command: ["true"], resources: {requests: {cpu: 1}}}]
---
apiVersion: kubesim/v1
kind: Scenario
spec:
  cluster:
    release: "1.29"
    nodes:
    - name: big
      allocatable: {cpu: "2", memory: 1Gi, pods: "110"}
      taints: [{key: a, value: b, effect: PreferNoSchedule}]
  until: 30s
"""


def test_a_node_is_described_as_kubectl_does() -> None:
    lines = describe_nodes(kubesim.run(kubesim.load(io.StringIO(SCENARIO))))
    assert lines[:2] == ["Name:               big", "Roles:              <none>"]
    assert "Taints:             a=b:PreferNoSchedule" in lines
    assert "Unschedulable:      false" in lines
    place = lines.index("Non-terminated Pods:          (1 in total)")
    assert lines[place + 1 : place + 10] == [
        "  Namespace                   Name    CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age",
        "  ---------                   ----    ------------  ----------  ---------------  -------------  ---",
        "  default                     web     250m (12%)    1 (50%)     64Mi (6%)        128Mi (12%)    30s",
        "Allocated resources:",
        "  (Total limits may be over 100 percent, i.e., overcommitted.)",
        "  Resource           Requests    Limits",
        "  --------           --------    ------",
        "  cpu                250m (12%)  1 (50%)",
        "  memory             64Mi (6%)   128Mi (12%)",
    ]
    ready = next(line for line in lines if line.startswith("  Ready "))
    assert ready.split()[:2] == ["Ready", "True"]
    assert ready.endswith("KubeletReady                 kubelet is posting ready status ")


def test_a_share_of_nothing_is_nothing() -> None:
    assert share({"cpu": 10**9}, "cpu", {}) == "1 (0%)"
    assert share({}, "cpu", {"status": {"allocatable": {"cpu": "0"}}}) == "0 (0%)"


def test_logs_say_who_wrote_what_when() -> None:
    history = kubesim.run(kubesim.load(io.StringIO(SCENARIO)))
    lines = list(log_lines(history))
    assert [line.split(" ", 2)[0] + " " + line.split(" ", 2)[2] for line in lines] == [
        "[pod/web/app] hello",
        "[pod/web/app] oops",
    ]
    stamp = lines[0].split(" ")[1]
    assert len(stamp) == len("2024-01-01T00:10:01.123456789Z")
    assert stamp.endswith("Z")
