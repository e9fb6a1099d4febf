"""What a manifest gives away unrun: each kind of finding where it belongs, and near misses where it does not."""

from __future__ import annotations

import io

import pytest

from kubesim import api
from kubesim.explanations.finding import Finding
from kubesim.explanations.findings import findings

FOREVER = "trap 'exit 0' TERM; sleep infinity & wait"


def found(text: str) -> list[Finding]:
    return findings(api.load(io.StringIO(text)))


def container(name: str, script: str, more: str = "") -> str:
    return f'{{name: {name}, image: "busybox:1.36", command: [sh, -c, "{script}"]{more}}}'


def pod(mains: list[str], inits: list[str] | None = None, spec: str = "restartPolicy: Always") -> str:
    return "\n".join(
        [
            "apiVersion: v1",
            "kind: Pod",
            "metadata: {name: web}",
            "spec:",
            f"  {spec}",
            "  volumes: [{name: shared, emptyDir: {}}]",
            f"  initContainers: [{', '.join(inits or [])}]",
            f"  containers: [{', '.join(mains)}]",
        ]
    )


def job(mains: list[str], inits: list[str] | None = None, spec: str = "backoffLimit: 6") -> str:
    lines = pod(mains, inits, "restartPolicy: Never").splitlines()[3:]
    head = ["apiVersion: batch/v1", "kind: Job", "metadata: {name: work}", "spec:", f"  {spec}", "  template:"]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


APP = container("app", FOREVER)
WORK = container("work", "sleep 5")
SIDECAR = ", restartPolicy: Always"
MOUNT = ", volumeMounts: [{name: shared, mountPath: /shared}]"
HOOK = ", lifecycle: {preStop: {exec: {command: [sh, -c, 'sleep %s']}}}"
PORT = ", ports: [{containerPort: 8080}]"


def probe(kind: str, command: str, more: str = "") -> str:
    return f", {kind}Probe: {{exec: {{command: [{command}]}}, periodSeconds: 1{more}}}"


POSITIVE: dict[str, tuple[str, str, str]] = {
    "a file that only a later container writes": (
        pod([container("app", f"touch /shared/go; {FOREVER}", MOUNT)],
            [container("wait", "until test -f /shared/go; do sleep 1; done", MOUNT)]),
        "deadlock",
        "wait lets the next start, which waits until file /shared/go is there, which waits until app starts",
    ),
    "the same file under two paths": (
        pod([container("app", f"echo 1 > /data/go; {FOREVER}", MOUNT.replace("/shared", "/data"))],
            [container("wait", "while [ ! -f /shared/go ]; do sleep 1; done", MOUNT)]),
        "deadlock",
        "file /shared/go is there",
    ),
    "a file that nobody writes": (
        pod([APP], [container("wait", "until [ -s /shared/go ]; do sleep 1; done", MOUNT)]),
        "deadlock",
        "which nobody in the Pod sees to",
    ),
    "a port of a container that comes later": (
        pod([container("app", FOREVER, PORT)], [container("wait", "until nc -z localhost 8080; do sleep 1; done")]),
        "deadlock",
        "port 8080 answers, which waits until app starts",
    ),
    "a sidecar placed after the one that waits for it": (
        pod([APP], [container("wait", "until curl -s localhost:8080/ready; do sleep 1; done"),
                    container("proxy", FOREVER, SIDECAR + PORT)]),
        "deadlock",
        "proxy starts",
    ),
    "a startup probe for a file of the app": (
        pod([container("app", f"touch /shared/up; {FOREVER}", MOUNT)],
            [container("proxy", FOREVER, SIDECAR + MOUNT + probe("startup", "cat, /shared/up"))]),
        "deadlock",
        "file /shared/up is there",
    ),
    "an init container that was meant as a sidecar": (
        pod([APP], [container("proxy", FOREVER)]), "endless-init", "init container proxy never ends",
    ),
    "an init container that sleeps for days": (
        pod([APP], [container("proxy", FOREVER.replace("infinity", "1000000"))]), "endless-init", "more than a day",
    ),
    "a loop without an end": (
        pod([APP], [container("proxy", "while true; do date; sleep 5; done")]), "endless-init", "proxy never ends",
    ),
    "a well-known server as an init container": (
        pod([APP], ['{name: proxy, image: "nginx:1.25"}']), "endless-init", "`nginx` assumed to run until SIGTERM",
    ),
    "a Job with an ordinary companion": (
        job([WORK, container("proxy", FOREVER)]), "never-completes", "container proxy never ends, and the Job",
    ),
    "a Job of one server": (job(['{name: web, image: "nginx:1.25"}']), "never-completes", "the Job cannot complete"),
    "a Pod that is to end, with an ordinary companion": (
        pod([WORK, container("proxy", FOREVER)], spec="restartPolicy: Never"), "never-completes", "the Pod cannot",
    ),
    "a deadline ends it, but it never completes": (
        job([WORK, container("proxy", FOREVER)], spec="activeDeadlineSeconds: 60"), "never-completes", "will fail it",
    ),
    "a shell without a trap": (pod([container("app", "sleep 100000; true")]), "deaf-process", "a shell without a trap"),
    "sleep as process 1": (
        pod(['{name: app, image: "busybox:1.36", command: [sleep, infinity]}']), "deaf-process", "sleep has no handler",
    ),
    "a trap behind a long command": (
        pod([container("app", "trap 'exit 0' TERM; sleep 100000")]), "deaf-process", "in the foreground has ended",
    ),
    "a trap that ignores": (pod([container("app", "trap '' TERM; sleep 100000 & wait")]), "deaf-process", "ignores"),
    "a deaf sidecar": (
        pod([APP], [container("proxy", "while true; do date; sleep 5; done", SIDECAR)]),
        "deaf-process",
        "proxy does not end",
    ),
    "a hook as long as the grace": (
        pod([container("app", FOREVER, HOOK % "20")], spec="terminationGracePeriodSeconds: 20"),
        "long-prestop",
        "the grace is 20s, and the preStop hook of app takes",
    ),
    "a hook without an end": (
        pod([container("app", FOREVER, HOOK % "infinity")]), "long-prestop", "takes longer",
    ),
    "a startup probe that gives up too early": (
        pod([container("app", f"sleep 40; touch /tmp/up; {FOREVER}",
                       probe("startup", "cat, /tmp/up", ", failureThreshold: 20"))]),
        "slow-probe",
        "the startup probe of app passes only 40s after the start, and app is killed after about 20s",
    ),
    "a liveness probe before the start": (
        pod([container("app", f"sleep 40; touch /tmp/up; {FOREVER}", probe("liveness", "cat, /tmp/up"))]),
        "slow-probe",
        "the liveness probe of app passes only 40s after the start",
    ),
    "a probe for what never comes": (
        pod([container("app", FOREVER, probe("liveness", "cat, /tmp/up"))]), "slow-probe", "never passes",
    ),
    "a declared start that takes longer": (
        pod(['{name: app, image: "example.com/app:1", startupProbe: {httpGet: {port: 80}, periodSeconds: 1}}']) + """
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: s}
spec: {containers: [{match: {container: app}, script: {startup: 30s, onSignal: {TERM: {exit: 0}}}}]}
""",
        "slow-probe",
        "passes only 30s after the start",
    ),
    "a release whose API server drops the field": (
        pod([APP], [container("proxy", FOREVER, SIDECAR)]) + """
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: s}
spec: {cluster: {release: "1.28"}}
""",
        "unknown-sidecar",
        "the API server (1.28) does not keep restartPolicy",
    ),
    "a node that does not know it": (
        pod([APP], [container("proxy", FOREVER, SIDECAR)]) + """
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: s}
spec: {cluster: {release: "1.29", nodes: [{name: old, release: "1.27"}, {name: new}]}}
""",
        "unknown-sidecar",
        "on node old (1.27) proxy runs as a plain init container",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", POSITIVE)
def test_it_is_found(name: str) -> None:
    text, kind, said = POSITIVE[name]
    hits = found(text)
    assert [one.kind for one in hits] == [kind], [one.said for one in hits]
    assert said in hits[0].said
    assert hits[0].way_out
    assert hits[0].rules


QUIET: dict[str, str] = {
    "everything is well": pod([APP], [container("prepare", "sleep 2"), container("proxy", FOREVER, SIDECAR)]),
    "the file is written before": pod(
        [APP],
        [container("make", "touch /shared/go", MOUNT),
         container("wait", "until test -f /shared/go; do sleep 1; done", MOUNT)],
    ),
    "a sidecar before it writes the file": pod(
        [APP],
        [container("proxy", f"sleep 3; echo up > /shared/go; {FOREVER}", SIDECAR + MOUNT),
         container("wait", "until test -f /shared/go; do sleep 1; done", MOUNT)],
    ),
    "somebody copies into the volume": pod(
        [APP],
        [container("make", "cp -r /etc/* /shared/", MOUNT),
         container("wait", "until test -f /shared/go; do sleep 1; done", MOUNT)],
    ),
    "an unknown program has the volume": pod(
        [APP],
        ['{name: make, image: "example.com/make:1", volumeMounts: [{name: shared, mountPath: /shared}]}',
         container("wait", "until test -f /shared/go; do sleep 1; done", MOUNT)],
    ),
    "the file may come with the image": pod([APP], [container("wait", "until test -f /opt/go; do sleep 1; done")]),
    "the wait gives up": pod(
        [container("app", f"touch /shared/go; {FOREVER}", MOUNT)],
        [container("wait", "until test -f /shared/go || [ $((n+=1)) -gt 9 ]; do sleep 1; done", MOUNT)],
    ),
    "the loop can be left": pod(
        [container("app", f"touch /shared/go; {FOREVER}", MOUNT)],
        [container("wait", "until test -f /shared/go; do sleep 1; test -f /stop && break; done", MOUNT)],
    ),
    "nobody declares the port": pod([APP], [container("wait", "until nc -z localhost 9; do sleep 1; done")]),
    "the port is a sidecar's that comes before": pod(
        [APP],
        [container("proxy", FOREVER, SIDECAR + PORT),
         container("wait", "until nc -z localhost 8080; do sleep 1; done")],
    ),
    "an unknown program as an init container": pod([APP], ['{name: migrate, image: "example.com/migrate:1"}']),
    "a long init container that ends": pod([APP], [container("load", "sleep 7200")]),
    "a Job whose companion ends with it": job(
        [container("work", "sleep 5; touch /shared/done", MOUNT),
         container("proxy", "until test -f /shared/done; do sleep 1; done", MOUNT)],
    ),
    "a Job with a sidecar": job([WORK], [container("proxy", FOREVER, SIDECAR)]),
    "a Job of an unknown program": job(['{name: work, image: "example.com/work:1"}']),
    "servers that are restarted for ever": pod([APP, container("proxy", FOREVER)]),
    "a deaf main that soon ends": pod([container("work", "sleep 60; true")], spec="restartPolicy: Never"),
    "a deaf process that is not process 1": pod(
        ['{name: app, image: "busybox:1.36", command: [sleep, infinity]}'], spec="shareProcessNamespace: true"
    ),
    "an unknown program may hear": pod(['{name: app, image: "example.com/app:1"}']),
    "a trap that takes its time": pod([container("app", "trap 'sleep 9; exit 0' TERM; sleep 100000 & wait")]),
    "a short command in the foreground": pod([container("app", "trap 'exit 0' TERM; while true; do sleep 1; done")]),
    "a hook shorter than the grace": pod([container("app", FOREVER, HOOK % "10")]),
    "a hook that nobody can read": pod(
        [container("app", FOREVER, ", lifecycle: {preStop: {exec: {command: [/app/drain]}}}")]
    ),
    "a startup budget that suffices": pod(
        [container("app", f"sleep 15; touch /tmp/up; {FOREVER}",
                   probe("startup", "cat, /tmp/up", ", failureThreshold: 20"))]
    ),
    "a startup probe shields the liveness probe": pod(
        [container("app", f"sleep 15; touch /tmp/up; {FOREVER}",
                   probe("startup", "cat, /tmp/up", ", failureThreshold: 20") + probe("liveness", "cat, /tmp/up"))]
    ),
    "a liveness probe that fails only later": pod(
        [container("app", f"touch /tmp/up; sleep 30; rm /tmp/up; {FOREVER}", probe("liveness", "cat, /tmp/up"))]
    ),
    "a probe of a file that another writes": pod(
        [container("app", FOREVER, MOUNT + probe("liveness", "cat, /shared/up")),
         container("other", f"touch /shared/up; {FOREVER}", MOUNT)],
    ),
    "a node that the Pod does not go to": pod(
        [APP], [container("proxy", FOREVER, SIDECAR)], spec="nodeSelector: {sidecars: known}"
    ) + """
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: s}
spec: {cluster: {release: "1.29", nodes: [{name: old, release: "1.27"}, {name: new, labels: {sidecars: known}}]}}
""",
    "what the API server will refuse": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: 5}",
    "no Pod at all": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}",
}  # fmt: skip


@pytest.mark.parametrize("name", QUIET)
def test_nothing_is_said_where_it_is_not_certain(name: str) -> None:
    assert [one.said for one in found(QUIET[name])] == []


def test_a_finding_says_where_it_is_written() -> None:
    text = job([WORK, container("proxy", FOREVER)]).replace("containers: [", "containers: \n          [")
    (one,) = found(text)
    assert one.field_text == "spec.template.spec.containers[1]"
    line, column = one.position
    written = text.splitlines()[line - 1][column - 1 :]
    assert written.startswith("{name: proxy")


def test_a_template_of_a_deployment_is_read_like_a_pod() -> None:
    lines = pod([container("app", "sleep 100000; true")]).splitlines()[3:]
    head = ["apiVersion: apps/v1", "kind: Deployment", "metadata: {name: web}", "spec:"]
    head += ["  selector: {matchLabels: {app: web}}", "  template:", "    metadata: {labels: {app: web}}"]
    (one,) = found("\n".join([*head, *(f"    {line}" for line in lines)]))
    assert (one.kind, one.field_text) == ("deaf-process", "spec.template.spec.containers[0].command")


def test_a_cron_job_is_read_like_its_jobs() -> None:
    text = job([WORK, container("proxy", FOREVER)])
    spec = "\n".join(f"    {line}" for line in text.splitlines()[3:])
    cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec:\n  schedule: '0 0 * * *'\n"
    (one,) = found(f"{cron}  jobTemplate:\n{spec}")
    assert one.kind == "never-completes"
    assert one.field_text == "spec.jobTemplate.spec.template.spec.containers[1]"
