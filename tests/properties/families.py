"""Families of runs, each drawn so that the guarantees of one subject are put to the test.

The general ``plans`` meet most guarantees; what takes a Job, a missing image or a webhook is met here. Everything
shrinks towards the newest release and the plainest object.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from plans import Cluster, Container, Plan, Scene, Stimulus
from strategies import GATED, NEWEST_FIRST, clusters, plans

IMAGE = "example.com/app:1"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def any_cluster() -> st.SearchStrategy[Cluster]:
    """One release for all, the gate for sidecars as it comes or on; the oldest releases oftener than others."""
    one = st.sampled_from(NEWEST_FIRST).flatmap(
        lambda release: st.builds(
            Cluster, st.just(release), st.sampled_from((None, True)) if release in GATED else st.just(None)
        )
    )
    return one | st.sampled_from(
        (Cluster("1.28", True), Cluster("1.27"), Cluster("1.29"), Cluster("1.30", None, "1.27"))
    )


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A Pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def container(name: str, **more: Any) -> dict[str, Any]:
    """A container of a Pod."""
    return {"name": name, "image": IMAGE, **more}


def lasting(seconds: int | None, exits: tuple[int, ...] = (0,), term: int = 0) -> dict[str, Any]:
    """A container script."""
    return {
        "lasts": "forever" if seconds is None else f"{seconds}s",
        "exits": list(exits),
        "onSignal": {"TERM": {"after": f"{term}s", "exit": 0}},
    }


# Pods at their end, and their restarts ------------------------------------------------------------------------------


@st.composite
def endings(draw: st.DrawFn) -> Plan:
    """A Pod with sidecars and hooks that is deleted while it runs: orders, graces, hooks that take too long."""
    waits = st.sampled_from((0, 1, 3, 9, None))
    hooks = st.sampled_from((None, None, 1, 4, 12))
    sidecars = tuple(
        Container("sidecar", term=draw(waits), pre_stop=draw(hooks)) for _ in range(draw(st.integers(1, 3)))
    )
    mains = tuple(Container("main", term=draw(waits), pre_stop=draw(hooks)) for _ in range(draw(st.integers(1, 2))))
    at = draw(st.integers(8, 16))
    stimuli = [Stimulus(at, "delete", draw(st.sampled_from((None, 5, 2))))]
    if draw(st.booleans()):
        stimuli.append(Stimulus(draw(st.integers(2, at)), "kill", draw(st.integers(0, 4))))
    return Plan(
        draw(clusters() | any_cluster()),
        sidecars,
        mains,
        policy=draw(st.sampled_from(("Always", "OnFailure", "Never"))),
        grace=draw(st.sampled_from((30, 10, 3))),
        stimuli=tuple(sorted(stimuli, key=lambda one: one.at)),
    )


@st.composite
def ordered_stops(draw: st.DrawFn) -> Plan:
    """Several sidecars, all up, that end in time, each at a pace of its own: what an order can be seen in."""
    sidecars = tuple(
        Container("sidecar", term=draw(st.sampled_from((1, 2, 3)))) for _ in range(draw(st.integers(2, 3)))
    )
    mains = tuple(Container("main", term=draw(st.sampled_from((0, 2)))) for _ in range(draw(st.integers(1, 2))))
    stop = Stimulus(draw(st.integers(10, 16)), "delete")
    return Plan(
        draw(any_cluster()), sidecars, mains, policy=draw(st.sampled_from(("Always", "Never"))), stimuli=(stop,)
    )


@st.composite
def startups(draw: st.DrawFn) -> Plan:
    """Sidecars and mains with probes, under every policy."""
    kinds = ("startup", "liveness", "readiness")

    def one(kind: str) -> Container:
        chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3, unique=True))
        goods = st.sampled_from((0, 2, 5, -1))
        return Container(
            kind,
            lasts=draw(st.sampled_from((None, None, 12))),
            probes=tuple((name, draw(st.integers(1, 3)), draw(goods)) for name in chosen),
            fails_from=draw(st.sampled_from((None, 6, 10))),
        )

    sidecars = tuple(one("sidecar") for _ in range(draw(st.integers(0, 2))))
    return Plan(
        draw(clusters()),
        sidecars,
        tuple(one("main") for _ in range(draw(st.integers(1, 2)))),
        policy=draw(st.sampled_from(("Never", "Always", "OnFailure"))),
        grace=3,
    )


@st.composite
def failing_inits(draw: st.DrawFn) -> Plan:
    """Init containers that fail for a while, or for good, some with sidecars among them."""
    exits = st.sampled_from(((0,), (1, 0), (1, 1, 0), (1,), (2, 0)))

    def one(kind: str) -> Container:
        if kind == "sidecar":
            return Container("sidecar")
        return Container("init", lasts=draw(st.integers(0, 3)), exits=draw(exits))

    kinds = draw(st.lists(st.sampled_from(("init", "init", "sidecar")), min_size=1, max_size=3))
    return Plan(
        draw(clusters() | any_cluster()),
        tuple(one(kind) for kind in kinds),
        (Container("main", lasts=draw(st.sampled_from((None, 4))), exits=draw(exits)),),
        policy=draw(st.sampled_from(("Always", "OnFailure", "Never"))),
        grace=2,
    )


@st.composite
def probed_sidecars(draw: st.DrawFn) -> Plan:
    """Sidecars whose startup or liveness probe fails now and then, under Never above all, before an init container."""
    kinds = draw(st.lists(st.sampled_from(("startup", "liveness")), min_size=1, max_size=2, unique=True))
    probes = tuple((kind, draw(st.integers(1, 3)), draw(st.sampled_from((0, 2, 4, -1)))) for kind in kinds)
    sidecar = Container("sidecar", probes=probes, fails_from=draw(st.sampled_from((None, 6, 9))))
    readiness = (("liveness", 2, 0), ("readiness", draw(st.integers(1, 3)), draw(st.sampled_from((-1, 5)))))
    main = Container("main", probes=readiness, fails_from=draw(st.sampled_from((None, 8))))
    init = Container("init", lasts=draw(st.integers(0, 2)))
    inits = (sidecar, init) if draw(st.booleans()) else (sidecar,)
    policy = draw(st.sampled_from(("Never", "Never", "Always", "OnFailure")))
    return Plan(draw(any_cluster()), inits, (main,), policy=policy, grace=2)


@st.composite
def exec_probes(draw: st.DrawFn) -> Scene:
    """Probes that are processes long enough to be on record."""
    probe = {"exec": {"command": ["sleep", "1"]}, "periodSeconds": draw(st.sampled_from((2, 3))), "timeoutSeconds": 3}
    kinds = draw(st.lists(st.sampled_from(("startup", "liveness", "readiness")), min_size=1, max_size=3, unique=True))
    probes = {f"{kind}Probe": probe for kind in kinds}
    if draw(st.booleans()):
        probes[f"{kinds[0]}Probe"] = {"exec": {"command": ["sleep", "1"]}}
    app = {"name": "app", "image": "busybox:1.36", "command": ["sleep", draw(st.sampled_from(("60", "20")))], **probes}
    return Scene(draw(any_cluster()), (pod("web", {"containers": [app]}),), until=70)


@st.composite
def long_runs(draw: st.DrawFn) -> Scene:
    """Crash loops, a run of more than ten minutes among them; another container crashes beside it."""
    length = draw(st.sampled_from((620, 700, 5)))
    specs = [container("app"), container("other")]
    scripts = (("app", lasting(length, (1,))), ("other", lasting(draw(st.sampled_from((1, 7))), (1,))))
    return Scene(draw(any_cluster()), (pod("web", {"containers": specs}),), scripts=scripts, until=2200)


@st.composite
def sandbox_losses(draw: st.DrawFn) -> Scene:
    """The sandbox of a Pod dies while it runs; perhaps the kubelet restarts, or the node, beside it."""
    spec = {
        "restartPolicy": draw(st.sampled_from(("Always", "OnFailure", "Never"))),
        "terminationGracePeriodSeconds": 3,
        "initContainers": [
            *([container("side", restartPolicy="Always")] if draw(st.booleans()) else []),
            container("setup"),
        ],
        "containers": [container("app")],
    }
    at = draw(st.integers(6, 15))
    actions = [{"at": f"{at}s", "sandboxLoss": {"pod": "web"}}]
    match draw(st.sampled_from(("nothing", "kubelet", "node"))):
        case "kubelet":
            actions.append({"at": f"{at + 25}s", "kubeletRestart": {}})
        case "node":
            actions.append({"at": f"{at + 25}s", "nodeReboot": {}})
        case _:
            pass
    scripts = (("app", lasting(None)), ("setup", lasting(draw(st.sampled_from((1, 3))))), ("side", lasting(None)))
    return Scene(draw(any_cluster()), (pod("web", spec),), tuple(actions), scripts, until=150)


# Trouble ------------------------------------------------------------------------------------------------------------


@st.composite
def trouble(draw: st.DrawFn, kind: str) -> Scene:
    """What keeps a Pod from running: an image, a hook, a deadline, memory, or an initial delay."""
    policy = draw(st.sampled_from(("Always", "OnFailure", "Never")))
    spec: dict[str, Any] = {"restartPolicy": policy, "terminationGracePeriodSeconds": draw(st.sampled_from((2, 10)))}
    app, side = container("app"), container("side", restartPolicy="Always")
    script = lasting(draw(st.sampled_from((None, 20, 4))), (draw(st.sampled_from((0, 1))),))
    images: tuple[tuple[str, dict[str, Any]], ...] = ()
    match kind:
        case "image":
            images = ((IMAGE, {"missing": True}),)
        case "hook":
            code = draw(st.sampled_from((1, 2)))
            hook = {"exec": {"command": ["sh", "-c", f"sleep 1; exit {code}"]}}
            app["lifecycle"] = {draw(st.sampled_from(("postStart", "preStop"))): hook}
            script["lasts"] = "forever"
        case "deadline":
            spec["activeDeadlineSeconds"] = draw(st.sampled_from((5, 12)))
        case "memory":
            app["resources"] = {"limits": {"memory": "64Mi"}}
            script["memory"] = 2**28
        case _:
            delay = draw(st.sampled_from((3, 6)))
            probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1, "initialDelaySeconds": delay}
            app["readinessProbe"] = probe
            script["lasts"] = draw(st.sampled_from(("forever", "20s")))
            if draw(st.integers(0, 3)) == 3:
                startup = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1, "failureThreshold": 30}
                app["startupProbe"] = startup
    spec["initContainers"] = [side] if draw(st.booleans()) else []
    if draw(st.booleans()):
        spec["initContainers"].append(container("setup"))
    spec["containers"] = [app, container("beside")]
    setup = lasting(draw(st.sampled_from((1, 8))))
    scripts: tuple[tuple[str, dict[str, Any]], ...] = (("app", script), ("setup", setup), ("beside", lasting(None)))
    actions = ({"at": "25s", "delete": {"kind": "Pod", "name": "web"}},) if draw(st.booleans()) else ()
    scripts = (*scripts, ("side", lasting(None)))
    return Scene(draw(any_cluster()), (pod("web", spec),), actions, scripts, images, until=90)


@st.composite
def rooms(draw: st.DrawFn) -> Scene:
    """Several Pods on a node with little room: requests, sidecars among them, and scheduling gates."""
    objects = []
    for number in range(draw(st.integers(2, 4))):

        def asks(name: str, **more: Any) -> dict[str, Any]:
            cpu = draw(st.sampled_from(("500m", "1", "1500m")))
            return container(name, resources={"requests": {"cpu": cpu}}, **more)

        spec: dict[str, Any] = {"containers": [asks("app")], "restartPolicy": "Never"}
        inits = [asks("side", restartPolicy="Always")] if draw(st.booleans()) else []
        spec["initContainers"] = [*inits, *([asks("setup")] if draw(st.booleans()) else [])]
        objects.append(pod(f"web{number}", spec))
    actions: list[dict[str, Any]] = []
    if draw(st.booleans()):
        objects[0]["spec"]["schedulingGates"] = [{"name": "wait"}]
        if draw(st.booleans()):
            opened = {"kind": "Pod", "name": "web0", "type": "merge", "patch": {"spec": {"schedulingGates": []}}}
            actions.append({"at": "8s", "patch": opened})
    node = (("allocatable", {"cpu": draw(st.sampled_from(("3", "2", "1"))), "memory": "64Gi", "pods": "110"}),)
    scripts = (("app", lasting(draw(st.sampled_from((30, 5))))), ("setup", lasting(1)), ("side", lasting(None)))
    return Scene(draw(any_cluster()), tuple(objects), tuple(actions), scripts, node=node, until=60)


# The API server -----------------------------------------------------------------------------------------------------


@st.composite
def requests(draw: st.DrawFn) -> Scene:
    """Objects sent at an instant of their own, some of them wrong, some through webhooks."""
    cluster = draw(st.sampled_from(NEWEST_FIRST).map(Cluster) | clusters() | st.just(Cluster("1.28")))
    spec: dict[str, Any] = {"containers": [container("app")], "initContainers": []}
    if draw(st.booleans()):
        spec["restartPolicy"] = draw(st.sampled_from(("Never", "OnFailure")))
    if draw(st.booleans()):
        spec["initContainers"].append(container("side", restartPolicy="Always"))
    match draw(st.sampled_from(("right", "probe", "names", "job", "webhook", "webhook", "right"))):
        case "probe":
            spec["initContainers"].append(container("setup", readinessProbe={"tcpSocket": {"port": 80}}))
        case "names":
            spec["containers"].append(container(draw(st.sampled_from(("app", "side")))))
        case "job":
            template = {"template": {"spec": {**spec, "restartPolicy": draw(st.sampled_from(("Always", "Never")))}}}
            job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": template}
            return Scene(cluster, (pod("first", spec),), ({"at": "1s", "create": {"object": job}},), until=30)
        case "webhook":
            client = draw(st.sampled_from(("1.36", "1.29", "1.27")))
            label = [{"op": "add", "path": "/metadata/labels", "value": {"team": "a"}}]
            how = draw(st.sampled_from(({"wholeObject": client}, {"jsonPatch": label})))
            hooks = ({"name": "hook.example.com", **how},)
            return Scene(cluster, (pod("first", spec),), webhooks=hooks, until=30)
        case _:
            pass
    sent = {"at": "1s", "create": {"object": pod("second", spec)}}
    return Scene(cluster, (pod("first", {"containers": [container("app")]}),), (sent,), until=30)


@st.composite
def injectors(draw: st.DrawFn) -> Scene:
    """The universal injector's two containers, on nodes with and without sidecars."""
    volume = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}], "image": "busybox:1.36"}
    native = (
        "if [ -f /shared/first ]; then touch /shared/native; echo native-sidecar is the sidecar; sleep 600 & wait; "
        "else touch /shared/first; fi"
    )
    waits = draw(st.sampled_from((3, 5, 0)))
    inert = draw(st.sampled_from(("exit 0", "sleep 600")))
    looks = f"sleep {waits}; if [ -f /shared/native ]; then {inert}; fi; "
    old_way = looks + "echo old-way-sidecar is the sidecar; sleep 600"
    spec = {
        "restartPolicy": draw(st.sampled_from(("Always", "Never", "OnFailure"))),
        "volumes": [{"name": "shared", "emptyDir": {}}],
        "initContainers": [
            {"name": "native-sidecar", "command": ["sh", "-c", native], "restartPolicy": "Always", **volume}
        ],
        "containers": [
            {"name": "app", "image": "busybox:1.36", "command": ["sleep", "20"]},
            {"name": "old-way-sidecar", "command": ["sh", "-c", old_way], **volume},
        ],
    }
    old = st.sampled_from((Cluster("1.27"), Cluster("1.30", None, "1.27"), *(Cluster(one, False) for one in GATED)))
    cluster = draw(any_cluster() | old)
    return Scene(cluster, (pod("web", spec),), until=60, draw=draw(st.sampled_from((0, 1, 2, 3))))


@st.composite
def many_requests(draw: st.DrawFn) -> Scene:
    """Right and wrong Pods one after the other, where sidecars are known and where they are not; perhaps a webhook."""
    off = [Cluster("1.28"), *(Cluster(one, False) for one in GATED)]
    cluster = draw(st.sampled_from(NEWEST_FIRST).map(Cluster) | st.sampled_from(off))
    side, app = container("side", restartPolicy="Always"), container("app")
    setup = container("setup", **{draw(st.sampled_from(PROBES)): {"tcpSocket": {"port": 80}}})
    specs: list[dict[str, Any]] = [
        {"initContainers": [side], "containers": [app]},
        {"initContainers": [setup], "containers": [app]},
        {"containers": [app, container(draw(st.sampled_from(("app", "other"))))]},
    ]
    sent = [
        {"at": f"{number + 1}s", "create": {"object": pod(f"web{number}", spec)}}
        for number, spec in enumerate(draw(st.permutations(specs)))
    ]
    client = draw(st.sampled_from((None, "1.36", "1.29", "1.27")))
    hooks = () if client is None else ({"name": "hook.example.com", "wholeObject": client},)
    first = pod("first", {"containers": [app]})
    return Scene(cluster, (first,), tuple(sent), (("setup", lasting(1)),), webhooks=hooks, until=30)


@st.composite
def sent_together(draw: st.DrawFn) -> Scene:
    """Requests of one instant, each about another object, right or wrong; no Pod is let out of its scheduling gate."""
    cluster = draw(st.sampled_from(NEWEST_FIRST).map(Cluster) | clusters())
    waits = {"schedulingGates": [{"name": "wait"}]}
    side, app = container("side", restartPolicy="Always"), container("app")
    specs = ({"containers": [app]}, {"initContainers": [side], "containers": [app]}, {"containers": [app, app]})
    there, sent = [], []
    for number in range(draw(st.integers(2, 5))):
        name = f"web{number}"
        about = {"kind": "Pod", "name": name}
        one = pod(name, {**draw(st.sampled_from(specs[:2])), **waits})
        match draw(st.sampled_from(("create", "create", "label", "image", "delete", "job"))):
            case "create":
                sent.append({"create": {"object": pod(name, {**draw(st.sampled_from(specs)), **waits})}})
                continue
            case "job":
                spec = {"suspend": True, "template": {"spec": {"containers": [app], "restartPolicy": "Never"}}}
                job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
                sent.append({"create": {"object": job}})
                continue
            case "label":
                sent.append({"patch": {**about, "type": "merge", "patch": {"metadata": {"labels": {"of": name}}}}})
            case "image":
                changed = {"containers": [container("app", image=f"example.com/{name}")]}
                sent.append({"patch": {**about, "type": "strategic", "patch": {"spec": changed}}})
            case _:
                sent.append({"delete": about})
        there.append(one)
    first = pod("first", {"containers": [app], **waits})
    return Scene(cluster, (first, *there), tuple({"at": "2s", **one} for one in sent), until=10)


# Jobs ---------------------------------------------------------------------------------------------------------------


@st.composite
def jobs(draw: st.DrawFn) -> Scene:
    """Jobs: counts, limits, deadlines, sidecars, a pod of theirs deleted."""
    policy = draw(st.sampled_from(("Never", "OnFailure")))
    spec: dict[str, Any] = {"backoffLimit": draw(st.sampled_from((2, 1, 0, 3)))}
    if draw(st.booleans()):
        spec["completions"] = draw(st.integers(1, 4))
        spec["parallelism"] = draw(st.integers(1, 3))
    if draw(st.integers(0, 3)) == 3:
        spec["activeDeadlineSeconds"] = draw(st.sampled_from((20, 60)))
    exits = draw(st.sampled_from(((0,), (1, 0), (1, 1, 0), (1,))))
    inits = [container("side", restartPolicy="Always")] if draw(st.booleans()) else []
    if draw(st.integers(0, 2)) == 2:
        inits.append(container("setup"))
    template = {
        "restartPolicy": policy,
        "terminationGracePeriodSeconds": draw(st.sampled_from((5, 40))),
        "initContainers": inits,
        "containers": [container("app")],
    }
    spec["template"] = {"spec": template}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": spec}
    length = draw(st.sampled_from((3, 15, None)))
    scripts = (
        ("app", lasting(length, exits, draw(st.sampled_from((0, 3, 60))))),
        ("side", lasting(draw(st.sampled_from((None, 4))), (0,), draw(st.sampled_from((0, 2))))),
        ("setup", lasting(1)),
    )
    actions: tuple[dict[str, Any], ...] = ()
    if draw(st.booleans()):
        actions = ({"at": f"{draw(st.integers(3, 9))}s", "deleteJobPod": {"number": 0}},)
    return Scene(draw(any_cluster()), (job,), actions, scripts, until=400)


@st.composite
def deleted_job_pods(draw: st.DrawFn) -> Scene:
    """A Job one of whose Pods is deleted and takes long to end, with or without a sidecar."""
    template = {
        "restartPolicy": draw(st.sampled_from(("Never", "OnFailure"))),
        "terminationGracePeriodSeconds": draw(st.sampled_from((40, 60, 5))),
        "initContainers": [container("side", restartPolicy="Always")] if draw(st.booleans()) else [],
        "containers": [container("app")],
    }
    spec = {"backoffLimit": draw(st.sampled_from((4, 2))), "template": {"spec": template}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": spec}
    term = draw(st.sampled_from((60, 30, 1)))
    scripts = (("app", lasting(None, (0,), term)), ("side", lasting(draw(st.sampled_from((None, 6))))))
    actions = ({"at": f"{draw(st.integers(3, 9))}s", "deleteJobPod": {"number": 0}},)
    return Scene(draw(any_cluster()), (job,), actions, scripts, until=200)


@st.composite
def jobs_with_sidecars(draw: st.DrawFn) -> Scene:
    """A Job whose sidecar restarts while its main works, and may be out of time before that is done."""
    template = {
        "restartPolicy": draw(st.sampled_from(("OnFailure", "Never"))),
        "initContainers": [container("side", restartPolicy="Always")],
        "containers": [container("app")],
    }
    spec: dict[str, Any] = {"backoffLimit": draw(st.sampled_from((2, 1, 4))), "template": {"spec": template}}
    if draw(st.booleans()):
        spec["activeDeadlineSeconds"] = draw(st.sampled_from((20, 60)))
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": spec}
    exits = draw(st.sampled_from(((0,), (1, 0))))
    scripts = (
        ("app", lasting(draw(st.sampled_from((60, 6, 25))), exits)),
        ("side", lasting(draw(st.sampled_from((3, None, 8))), (draw(st.sampled_from((0, 1))),))),
    )
    return Scene(draw(any_cluster()), (job,), scripts=scripts, until=200)


@st.composite
def cron_jobs(draw: st.DrawFn) -> Scene:
    """CronJobs, each run of which takes longer than the time to the next one, or not."""
    template = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container("app")]}
    spec = {
        "schedule": "* * * * *",
        "concurrencyPolicy": draw(st.sampled_from(("Forbid", "Replace", "Allow"))),
        "jobTemplate": {"spec": {"template": {"spec": template}}},
    }
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}, "spec": spec}
    scripts = (("app", lasting(draw(st.sampled_from((90, 20, 200))))),)
    return Scene(draw(any_cluster()), (cron,), scripts=scripts, until=330)


@st.composite
def failing_jobs(draw: st.DrawFn) -> Scene:
    """Jobs that fail for their limit or their deadline, under Never or by the restarts of a sidecar alone."""
    sidecar = draw(st.booleans())
    template: dict[str, Any] = {
        "restartPolicy": "OnFailure" if sidecar else draw(st.sampled_from(("Never", "Never", "OnFailure"))),
        "terminationGracePeriodSeconds": 3,
        "containers": [container("app")],
    }
    if sidecar:
        template["initContainers"] = [container("side", restartPolicy="Always")]
    spec: dict[str, Any] = {"backoffLimit": draw(st.sampled_from((1, 2, 0))), "template": {"spec": template}}
    if draw(st.integers(0, 2)) == 2:
        spec["activeDeadlineSeconds"] = draw(st.sampled_from((15, 40)))
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": spec}
    app = lasting(None) if sidecar else lasting(draw(st.sampled_from((2, 4))), draw(st.sampled_from(((1,), (1, 0)))))
    side = lasting(draw(st.sampled_from((3, 2))), (draw(st.sampled_from((1, 0))),))
    return Scene(draw(any_cluster()), (job,), scripts=(("app", app), ("side", side)), until=200)


@st.composite
def scaled_sets(draw: st.DrawFn) -> Scene:
    """A ReplicaSet, or a Deployment with one, that is asked for more Pods or fewer."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container("app")]}}
    kind = draw(st.sampled_from(("ReplicaSet", "Deployment")))
    spec = {"replicas": draw(st.integers(1, 4)), "selector": {"matchLabels": {"app": "web"}}, "template": template}
    owner = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}
    scaled = {"kind": kind, "name": "web", "type": "merge", "patch": {"spec": {"replicas": draw(st.integers(0, 4))}}}
    actions = ({"at": f"{draw(st.integers(1, 8))}s", "patch": scaled},)
    scripts = (("app", lasting(draw(st.sampled_from((None, 5))), (draw(st.sampled_from((0, 1))),))),)
    return Scene(draw(any_cluster()), (owner,), actions, scripts, until=40)


FAMILIES: dict[str, st.SearchStrategy[Plan | Scene]] = {
    "plans": plans(),
    "endings": endings(),
    "ordered stops": ordered_stops(),
    "startups": startups(),
    "failing inits": failing_inits(),
    "probed sidecars": probed_sidecars(),
    "exec probes": exec_probes(),
    "long runs": long_runs(),
    "sandbox losses": sandbox_losses(),
    "missing images": trouble("image"),
    "failing hooks": trouble("hook"),
    "deadlines": trouble("deadline"),
    "little memory": trouble("memory"),
    "initial delays": trouble("delay"),
    "rooms": rooms(),
    "requests": requests(),
    "many requests": many_requests(),
    "injectors": injectors(),
    "jobs": jobs(),
    "failing jobs": failing_jobs(),
    "jobs with sidecars": jobs_with_sidecars(),
    "deleted job pods": deleted_job_pods(),
    "cron jobs": cron_jobs(),
}
"""By name, in the order in which they are reported."""
