"""What a generated run consists of, as plain data, and the scenario file that says the same."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import yaml

from kubesim import api
from kubesim.history.history import History
from kubesim.units import SECOND

LENGTH = 120
"""How many seconds a generated run lasts at most."""


@dataclass(frozen=True)
class Cluster:
    """Who runs what. ``gate`` is set on all that know it; ``node`` None: as the control plane."""

    release: str
    gate: bool | None = None
    node: str | None = None
    node_gate: bool | None = None


@dataclass(frozen=True)
class Container:
    """A container and its program. ``lasts`` None: until a signal. ``term`` None: TERM is ignored."""

    kind: str
    lasts: int | None = None
    exits: tuple[int, ...] = (0,)
    term: int | None = 0
    term_code: int = 0
    probes: tuple[tuple[str, int, int], ...] = ()
    """Each (kind, threshold, the second from which it is answered well; -1: never)."""
    fails_from: int | None = None
    """The second from which liveness and readiness fail."""
    pre_stop: int | None = None
    post_start: int | None = None

    def script(self) -> dict[str, Any]:
        """The declared behaviour."""
        on_term: Any = "ignore" if self.term is None else {"after": f"{self.term}s", "exit": self.term_code}
        lasts = "forever" if self.lasts is None else f"{self.lasts}s"
        answers: dict[str, list[dict[str, str]]] = {}
        for kind, _, good in self.probes:
            windows = [{"to": f"{good}s", "answer": "fail"}] if good > 0 else []
            if good < 0:
                windows = [{"from": "0s", "answer": "fail"}]
            elif self.fails_from is not None and kind != "startup":
                windows.append({"from": f"{max(self.fails_from, good)}s", "answer": "fail"})
            if windows:
                answers[kind] = windows
        probes = {"probes": answers} if answers else {}
        return {"lasts": lasts, "exits": list(self.exits), "onSignal": {"TERM": on_term}, **probes}

    def manifest(self, name: str) -> dict[str, Any]:
        """The container of the Pod."""
        raw: dict[str, Any] = {"name": name, "image": "example.com/app:1"}
        if self.kind == "sidecar":
            raw["restartPolicy"] = "Always"
        for kind, threshold, _ in self.probes:
            handler = {"httpGet": {"path": "/", "port": 80}}
            raw[f"{kind}Probe"] = {**handler, "periodSeconds": 1, "failureThreshold": threshold}
        hooks = {
            hook: {"exec": {"command": ["sleep", str(length)]}}
            for hook, length in (("preStop", self.pre_stop), ("postStart", self.post_start))
            if length is not None
        }
        if hooks:
            raw["lifecycle"] = hooks
        return raw


@dataclass(frozen=True)
class Stimulus:
    """Something done to the Pod at a second: delete (value: grace or None) or kill (value: the container's place)."""

    at: int
    do: str
    value: int | None = None


@dataclass(frozen=True)
class Plan:
    """One run."""

    cluster: Cluster
    inits: tuple[Container, ...]
    mains: tuple[Container, ...]
    policy: str = "Always"
    grace: int = 30
    stimuli: tuple[Stimulus, ...] = ()
    seed: int = 0
    draw: int = 0

    def named(self) -> list[tuple[str, Container]]:
        """The containers with their names, which tell their roles."""
        inits = [(f"{one.kind}{place}", one) for place, one in enumerate(self.inits)]
        return inits + [(f"main{place}", one) for place, one in enumerate(self.mains)]

    def on(self, release: str, gate: bool | None = None) -> Plan:
        """The same on another release."""
        return replace(self, cluster=Cluster(release, gate))

    def scenario(self) -> str:
        """The scenario file that replays it."""
        named = self.named()
        spec: dict[str, Any] = {
            "cluster": cluster_of(self.cluster),
            "containers": [{"match": {"container": name}, "script": one.script()} for name, one in named],
            "until": f"{LENGTH}s",
            "seed": self.seed,
        }
        if actions := [self._action(one, named) for one in self.stimuli]:
            spec["actions"] = actions
        first = {"apiVersion": "kubesim/v1", "kind": "Scenario", "metadata": {"name": "generated"}, "spec": spec}
        pod_spec: dict[str, Any] = {"restartPolicy": self.policy, "terminationGracePeriodSeconds": self.grace}
        if self.inits:
            pod_spec["initContainers"] = [one.manifest(name) for name, one in named[: len(self.inits)]]
        pod_spec["containers"] = [one.manifest(name) for name, one in named[len(self.inits) :]]
        second = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": pod_spec}
        return yaml.safe_dump_all([first, second], sort_keys=False)

    def _action(self, stimulus: Stimulus, named: list[tuple[str, Container]]) -> dict[str, Any]:
        at = f"{stimulus.at}s"
        if stimulus.do == "delete":
            grace = {} if stimulus.value is None else {"gracePeriodSeconds": stimulus.value}
            return {"at": at, "delete": {"kind": "Pod", "name": "web", **grace}}
        name = named[(stimulus.value or 0) % len(named)][0]
        return {"at": at, "kill": {"pod": "web", "container": name, "exitCode": 1}}

    def run(self) -> History:
        """The history of the run."""
        return api.run(api.load(io.StringIO(self.scenario())), draw=self.draw)

    def replays(self) -> str:
        """What to print when a law does not hold: the file, and the command that replays it."""
        draw = f" --draw {self.draw}" if self.draw else ""
        return f"save as counter-example.yaml and run: kubesim check counter-example.yaml{draw}\n\n{self.scenario()}"


def seconds_after_start(history: History, at: int) -> float:
    """An instant as people read it."""
    return (at - history.started) / SECOND


@dataclass(frozen=True)
class Scene:
    """A run of objects other than one Pod, with what the Scenario document says beside its cluster."""

    cluster: Cluster
    objects: tuple[dict[str, Any], ...]
    actions: tuple[dict[str, Any], ...] = ()
    scripts: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Container name and script."""
    images: tuple[tuple[str, dict[str, Any]], ...] = ()
    node: tuple[tuple[str, Any], ...] = ()
    """What the node has beside its release: ``allocatable``."""
    webhooks: tuple[dict[str, Any], ...] = ()
    others: tuple[str, ...] = ()
    """The names of nodes beside node1."""
    until: int = 300
    draw: int = 0

    def scenario(self) -> str:
        """The scenario file that replays it."""
        cluster = cluster_of(self.cluster)
        if self.node:
            cluster["nodes"] = [{"name": "node1", **(cluster.get("nodes") or [{}])[0], **dict(self.node)}]
        if self.others:
            cluster["nodes"] = [*cluster.get("nodes", [{"name": "node1"}]), *({"name": one} for one in self.others)]
        if self.images:
            cluster["images"] = dict(self.images)
        if self.webhooks:
            cluster["webhooks"] = list(self.webhooks)
        spec: dict[str, Any] = {
            "cluster": cluster,
            "containers": [{"match": {"container": name}, "script": script} for name, script in self.scripts],
            "actions": list(self.actions),
            "until": f"{self.until}s",
        }
        spec = {key: value for key, value in spec.items() if value}
        first = {"apiVersion": "kubesim/v1", "kind": "Scenario", "metadata": {"name": "generated"}, "spec": spec}
        return yaml.safe_dump_all([first, *self.objects], sort_keys=False)

    def run(self) -> History:
        """The history of the run."""
        return api.run(api.load(io.StringIO(self.scenario())), draw=self.draw)

    def replays(self) -> str:
        """What to print when a law does not hold."""
        draw = f" --draw {self.draw}" if self.draw else ""
        return f"save as counter-example.yaml and run: kubesim check counter-example.yaml{draw}\n\n{self.scenario()}"


def cluster_of(one: Cluster) -> dict[str, Any]:
    """The cluster as a scenario file has it."""
    found: dict[str, Any] = {"release": one.release}
    if one.gate is not None:
        found["featureGates"] = {"SidecarContainers": one.gate}
    if one.node is not None:
        gates = {} if one.node_gate is None else {"featureGates": {"SidecarContainers": one.node_gate}}
        found["nodes"] = [{"name": "node1", "release": one.node, **gates}]
    return found
