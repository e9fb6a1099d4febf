"""Runs made for one mutant each: what the families meet too seldom to show what it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from families import container, lasting, pod
from plans import Cluster, Scene

NEW = Cluster("1.36")
BUSYBOX = "busybox:1.36"


def created(spec: dict[str, Any], cluster: Cluster = NEW, **more: Any) -> Scene:
    """A Pod sent at an instant of its own, so that what was sent is on record."""
    sent = {"at": "1s", "create": {"object": pod("second", spec)}}
    first = pod("first", {"containers": [container("app")]})
    return Scene(cluster, (first,), (sent,), (("setup", lasting(1)),), until=30, **more)


def shell(name: str, script: str, **more: Any) -> dict[str, Any]:
    """A container whose shell is run."""
    return {"name": name, "image": BUSYBOX, "command": ["sh", "-c", script], **more}


def probe(script: str, **more: Any) -> dict[str, Any]:
    """A probe that is a process long enough to be on record."""
    return {"exec": {"command": ["sh", "-c", script]}, "periodSeconds": 2, "timeoutSeconds": 5, **more}


def job(spec: dict[str, Any], template: dict[str, Any], *scripts: tuple[str, dict[str, Any]], until: int) -> Scene:
    """A Job and its programs."""
    made = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "work"},
        "spec": {**spec, "template": {"spec": template}},
    }
    return Scene(NEW, (made,), scripts=scripts, until=until)


SIDE = container("side", restartPolicy="Always")
APP = container("app")
HTTP = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
PROBED_SIDE = {**SIDE, "startupProbe": {**HTTP, "failureThreshold": 30}}
HOOKED_SIDE = {**SIDE, "lifecycle": {"preStop": {"exec": {"command": ["sleep", "4"]}}}}
WITH_SIDE = {"initContainers": [SIDE], "containers": [APP]}
SLOW_STARTUP = {**lasting(None), "probes": {"startup": [{"to": "10s", "answer": "fail"}]}}
ROOM = (("allocatable", {"cpu": "1", "memory": "64Gi", "pods": "110"}),)
ONE_CPU = [container("app", resources={"requests": {"cpu": "1"}})]
ON_DELETE = {"at": "10s", "delete": {"kind": "Pod", "name": "web"}}
MOVED = {"kind": "Pod", "name": "web", "type": "merge", "patch": {"spec": {"nodeName": "node2"}}}

INJECTED = {
    "restartPolicy": "Always",
    "volumes": [{"name": "shared", "emptyDir": {}}],
    "initContainers": [
        shell(
            "native-sidecar",
            "if [ -f /shared/first ]; then touch /shared/native; echo native-sidecar is the sidecar; "
            "sleep 5; else touch /shared/first; fi",
            restartPolicy="Always",
            volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
        )
    ],
    "containers": [
        shell("app", "sleep 8"),
        shell(
            "old-way-sidecar",
            "sleep 3; if [ -f /shared/native ]; then exit 0; fi; echo old-way-sidecar is the sidecar; sleep 600",
            volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
        ),
    ],
}

FAILING_INIT_BEHIND_A_SIDECAR = Scene(
    Cluster("1.33"),
    (pod("web", {"initContainers": [SIDE, container("setup")], "containers": [APP]}),),
    scripts=(("setup", lasting(3, (1, 0))),),
    until=60,
)

DIRECTED: dict[str, tuple[Scene, ...]] = {
    "names-not-checked": (created({"containers": [APP, APP]}),),
    "plain-inits-may-have-probes": (
        created({"initContainers": [container("setup", readinessProbe=HTTP)], "containers": [APP]}),
    ),
    "sidecar-probes-refused": (created({"initContainers": [PROBED_SIDE], "containers": [APP]}),),
    "never-by-default": (created({"containers": [APP]}),),
    "probe-defaults-wrong": (created({"containers": [container("app", livenessProbe={"tcpSocket": {"port": 80}})]}),),
    "field-not-dropped": (created(WITH_SIDE, Cluster("1.28")),),
    "webhook-knows-all-fields": (
        Scene(
            NEW,
            (pod("web", WITH_SIDE),),
            webhooks=({"name": "hook.example.com", "wholeObject": "1.27"},),
            until=30,
        ),
    ),
    "network-not-waited-for": (
        Scene(
            NEW,
            (pod("web", {"initContainers": [container("setup")], "containers": [APP]}),),
            scripts=(("setup", lasting(1)),),
            until=60,
        ),
    ),
    "startup-gate-skipped": (
        Scene(
            NEW,
            (pod("web", {"initContainers": [PROBED_SIDE, container("setup")], "containers": [APP]}),),
            scripts=(("side", SLOW_STARTUP), ("setup", lasting(1))),
            until=60,
        ),
    ),
    "sidecar-not-restarted": (
        Scene(
            NEW,
            (pod("web", {"restartPolicy": "Never", "initContainers": [PROBED_SIDE], "containers": [APP]}),),
            ({**ON_DELETE, "at": "50s"},),
            (("side", {**lasting(3, (1,)), "probes": {"startup": [{"from": "0s", "answer": "fail"}]}}),),
            until=60,
        ),
    ),
    "old-node-runs-inits-twice": (Scene(Cluster("1.30", None, "1.27"), (pod("web", INJECTED),), until=60),),
    "old-node-goes-on": (Scene(Cluster("1.30", None, "1.27"), (pod("web", WITH_SIDE),), until=30),),
    "liveness-after-ready": (
        Scene(
            NEW,
            (
                pod(
                    "web",
                    {
                        "containers": [
                            shell(
                                "app",
                                "sleep 40; touch /tmp/ready; sleep 600",
                                livenessProbe=probe("sleep 1"),
                                readinessProbe=probe("sleep 1; cat /tmp/ready"),
                            )
                        ]
                    },
                ),
            ),
            until=90,
        ),
    ),
    "readiness-failure-kills": (
        Scene(
            NEW,
            (pod("web", {"containers": [container("app", readinessProbe=HTTP)]}),),
            scripts=(("app", {**lasting(None), "probes": {"readiness": [{"from": "8s", "answer": "fail"}]}}),),
            until=60,
        ),
    ),
    "startup-probed-forever": (
        Scene(
            Cluster("1.31"),
            (pod("web", {"containers": [shell("app", "sleep 600", startupProbe=probe("sleep 1", periodSeconds=6))]}),),
            until=60,
        ),
    ),
    "kill-survived": (
        Scene(
            NEW,
            (pod("web", {"terminationGracePeriodSeconds": 3, "containers": [APP]}),),
            (ON_DELETE,),
            (("app", lasting(40, term=60)),),
            until=90,
        ),
    ),
    "oom-kills-siblings": (
        Scene(
            NEW,
            (
                pod(
                    "web",
                    {
                        "containers": [
                            container("app", resources={"limits": {"memory": "64Mi"}}),
                            container("beside"),
                        ]
                    },
                ),
            ),
            scripts=(("app", {**lasting(8), "memory": 2**28}), ("beside", lasting(None))),
            until=60,
        ),
    ),
    "ends-before-it-starts": (
        Scene(
            NEW,
            (pod("web", {"restartPolicy": "Never", "containers": [APP]}),),
            scripts=(("app", lasting(5)),),
            until=60,
        ),
    ),
    "object-goes-early": (
        Scene(
            NEW,
            (pod("web", {"containers": [APP, container("beside")]}),),
            (ON_DELETE,),
            (("app", lasting(None, term=9)), ("beside", lasting(None, term=1))),
            until=60,
        ),
    ),
    "success-becomes-failure": (
        Scene(
            NEW,
            (pod("web", {"restartPolicy": "Never", "containers": [APP]}),),
            scripts=(("app", lasting(5)),),
            until=60,
        ),
    ),
    "pods-may-move": (
        Scene(
            NEW,
            (pod("web", {"containers": [APP]}),),
            ({"at": "10s", "patch": MOVED},),
            (("app", lasting(5, (1,))),),
            others=("node2",),
            until=90,
        ),
    ),
    "unschedulable-forever": (
        Scene(
            NEW,
            (pod("web", {"containers": ONE_CPU}), pod("later", {"containers": ONE_CPU})),
            (ON_DELETE,),
            (("app", lasting(None)),),
            node=ROOM,
            until=90,
        ),
    ),
    "init-does-not-wait": (
        Scene(
            Cluster("1.29"),
            (
                pod(
                    "web",
                    {
                        "restartPolicy": "Never",
                        "terminationGracePeriodSeconds": 2,
                        "initContainers": [SIDE, container("setup")],
                        "containers": [APP],
                    },
                ),
            ),
            scripts=(("setup", lasting(1, (1,))), ("app", lasting(4))),
            until=60,
        ),
    ),
    "sidecar-liveness-ignored": (
        Scene(
            NEW,
            (pod("web", {"initContainers": [{**SIDE, "livenessProbe": HTTP}], "containers": [APP]}),),
            ({"at": "50s", "kill": {"pod": "web", "container": "app", "exitCode": 1}},),
            (("side", {**lasting(None), "probes": {"liveness": [{"from": "8s", "answer": "fail"}]}}),),
            until=90,
        ),
    ),
    "initialized-never": (
        Scene(
            NEW,
            (pod("web", {"initContainers": [container("setup")], "containers": [APP]}),),
            ({**ON_DELETE, "at": "50s"},),
            (("setup", lasting(1)),),
            until=60,
        ),
    ),
    "failed-init-stays": (FAILING_INIT_BEHIND_A_SIDECAR,),
    "failed-init-stays-by-rules": (FAILING_INIT_BEHIND_A_SIDECAR, replace(FAILING_INIT_BEHIND_A_SIDECAR, cluster=NEW)),
    "sidecar-liveness-ends-pod": (
        Scene(
            NEW,
            (pod("web", {"initContainers": [{**SIDE, "livenessProbe": HTTP}], "containers": [APP]}),),
            scripts=(("side", {**lasting(None), "probes": {"liveness": [{"from": "8s", "answer": "fail"}]}}),),
            until=60,
        ),
    ),
    "sidecar-never-releases": (Scene(NEW, (pod("web", WITH_SIDE),), ({**ON_DELETE, "at": "50s"},), until=60),),
    "turn-forgotten": (
        Scene(
            Cluster("1.29.3"),  # where a sidecar waits out the grace for one that does not run
            (
                pod(
                    "web",
                    {
                        "terminationGracePeriodSeconds": 5,
                        "initContainers": [SIDE, container("second", restartPolicy="Always")],
                        "containers": [APP],
                    },
                ),
            ),
            ({**ON_DELETE, "at": "31s"},),
            (("second", lasting(3, (1,))),),
            until=90,
        ),
    ),
    "success-is-failure": (
        Scene(
            NEW,
            (pod("web", {"restartPolicy": "Never", "containers": [APP]}),),
            scripts=(("app", lasting(5)),),
            until=60,
        ),
    ),
    "restart-limit-exceeded": (
        job(
            {"backoffLimit": 3},
            {"restartPolicy": "OnFailure", "containers": [APP]},
            ("app", lasting(3, (1,))),
            until=300,
        ),
    ),
    "sidecar-stopped-early": (
        Scene(
            NEW,
            (pod("web", {"initContainers": [HOOKED_SIDE], "containers": [APP]}),),
            ({"at": "9s", "kill": {"pod": "web", "container": "side", "exitCode": 1}}, {**ON_DELETE, "at": "50s"}),
            until=90,
        ),
    ),
    "ordered-everywhere": (
        Scene(
            Cluster("1.28", True),
            (pod("web", {"terminationGracePeriodSeconds": 20, **WITH_SIDE}),),
            (ON_DELETE,),
            (("app", lasting(None, term=15)), ("side", lasting(None))),
            until=60,
        ),
    ),
    "retries-at-once": (
        job({"backoffLimit": 3}, {"restartPolicy": "Never", "containers": [APP]}, ("app", lasting(3, (1,))), until=200),
    ),
    "failures-final": (
        job(
            {"backoffLimit": 4},
            {"restartPolicy": "OnFailure", "containers": [APP]},
            ("app", lasting(3, (1, 0))),
            until=120,
        ),
    ),
    "sidecar-restarts-not-counted": (
        job(
            {"backoffLimit": 2},
            {"restartPolicy": "OnFailure", **WITH_SIDE},
            ("app", lasting(None)),
            ("side", lasting(3, (1,))),
            until=300,
        ),
    ),
    "failed-is-complete-as-well": (
        job(
            {"backoffLimit": 0},
            {"restartPolicy": "Never", "containers": [APP]},
            ("app", lasting(3, (1,))),
            until=60,
        ),
    ),
}
"""By the mutant's name; each breaks nothing where nothing is wrong."""
