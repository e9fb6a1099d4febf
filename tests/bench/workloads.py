"""The workloads of the benchmarks, as scenario files."""

from __future__ import annotations

from kubesim.objects.yaml import Source, documents_of
from kubesim.scenario.load import Scenario
from kubesim.scenario.load import scenario_of as read

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: pod-{number}}}
spec:
  restartPolicy: Never
  initContainers:
    - {{name: init, image: "busybox:1.36", command: ["sh", "-c", "sleep 1"]}}
    - name: proxy
      image: busybox:1.36
      restartPolicy: Always
      command: ["sh", "-c", "trap 'exit 0' TERM; touch /tmp/up; sleep 3600 & wait"]
      startupProbe: {{exec: {{command: ["test", "-f", "/tmp/up"]}}, periodSeconds: 1}}
  containers:
    - {{name: app, image: "busybox:1.36", command: ["sh", "-c", "sleep 5"]}}
---
"""
DELETIONS = """\
apiVersion: kubesim/v1
kind: Scenario
metadata: {{name: pods}}
spec:
  actions: [{deletes}]
"""
STABLE = """\
apiVersion: v1
kind: Pod
metadata: {name: stable}
spec:
  initContainers:
    - name: proxy
      image: busybox:1.36
      restartPolicy: Always
      command: ["sh", "-c", "while true; do sleep 1; done"]
      livenessProbe: {exec: {command: ["true"]}, periodSeconds: 5}
  containers:
    - name: app
      image: nginx:1.27
      livenessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 10}
      readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 5}
"""
PLAIN = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}-{number}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: app
      image: app:1
      resources: {{requests: {{cpu: {cpu}m, memory: {memory}Mi}}}}
---
"""


def scenario_of(text: str) -> Scenario:
    """The scenario of a text."""
    return read(documents_of(Source("bench", text)))


def pods(count: int) -> str:
    """Pods with an init, a sidecar with a startup probe and a main: created, completed, and deleted at 30 s."""
    deletes = ", ".join(f"{{at: 30s, delete: {{kind: Pod, name: pod-{number}}}}}" for number in range(count))
    return "".join(POD.format(number=number) for number in range(count)) + DELETIONS.format(deletes=deletes)


def cluster(nodes: int, cpu: str = "64", memory: str = "256Gi", until: str = "1h") -> str:
    """A Scenario document with so many nodes."""
    room = f'{{cpu: "{cpu}", memory: {memory}, pods: "110"}}'
    listed = "\n".join(f"      - {{name: n{number}, allocatable: {room}}}" for number in range(nodes))
    return (
        "apiVersion: kubesim/v1\nkind: Scenario\nmetadata: {name: cluster}\n"
        f"spec:\n  until: {until}\n  cluster:\n    nodes:\n{listed}\n"
    )


def comparison() -> str:
    """100 nodes and 1,067 Pods of three sizes that run for one to ten minutes, as cluster simulators are compared."""
    sizes = ((250, 256, 60), (500, 1024, 240), (1000, 2048, 600))
    made, containers = [], []
    for number in range(1067):
        cpu, memory, _ = sizes[number % 3]
        made.append(PLAIN.format(name=f"size{number % 3}", number=number, cpu=cpu, memory=memory))
    for place, (_, _, seconds) in enumerate(sizes):
        containers.append(f"    - {{match: {{pod: 'size{place}-*'}}, script: {{lasts: {seconds}s}}}}\n")
    return "".join(made) + cluster(100, "16", "64Gi") + "  containers:\n" + "".join(containers)


def plain(count: int, nodes: int, *, pinned: bool = False) -> str:
    """Pods of one container that runs for a minute, for the scheduler to place, or pinned to the nodes in turn."""
    made = []
    for number in range(count):
        text = PLAIN.format(name="plain", number=number, cpu=100, memory=64)
        made.append(text.replace("spec:\n", f"spec:\n  nodeName: n{number % nodes}\n", 1) if pinned else text)
    return "".join(made) + cluster(nodes) + "  containers: [{match: {pod: 'plain-*'}, script: {lasts: 60s}}]\n"


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d{number}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: d{number}}}}}
  template:
    metadata: {{labels: {{app: d{number}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: app, image: "app:1"}}]
---
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {{name: j{number}}}
spec:
  completions: {pods}
  parallelism: {pods}
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: work, image: "work:1"}}]
---
"""


CRON_JOB = """\
apiVersion: batch/v1
kind: CronJob
metadata: {{name: c{number}}}
spec:
  schedule: "*/30 * * * *"
  jobTemplate:
    spec:
      completions: 10
      parallelism: 10
      template:
        spec:
          restartPolicy: Never
          containers: [{{name: work, image: "work:1"}}]
---
"""


def everything(total: int, nodes: int, until: str = "2h") -> str:
    """Two thirds of the Pods from Deployments of 500, the rest from Jobs of 500; some CronJobs."""
    deployments, jobs = 2 * total // 3 // 500, total // 3 // 500
    made = [DEPLOYMENT.format(number=number, replicas=500) for number in range(deployments)]
    made += [JOB.format(number=number, pods=500) for number in range(jobs)]
    made += [CRON_JOB.format(number=number) for number in range(total // 15000)]
    scripts = "  containers:\n    - {match: {container: work}, script: {lasts: 30s}}\n"
    return "".join(made) + cluster(nodes, until=until) + scripts


SMALL = {
    "pods": pods(20),
    "stable": STABLE,
    "comparison": comparison(),
    "everything": everything(1500, 30, "10m"),
}
"""Small forms of the workloads, for digests."""
