"""Histories of a few records, written as text: one line each, ``SECONDS VERB ARGUMENTS``.

Pods: ``pod("proxy* setup | app")`` has the sidecar proxy, the init container setup and the main app; fields of a
container follow as keyword arguments. ``new NAME`` begins another Pod, ``on NAME`` goes back to one.
"""

from __future__ import annotations

import copy
from typing import Any

from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    Admitted,
    AnyRecord,
    ComponentHeader,
    Decided,
    Ended,
    EventEmitted,
    Header,
    ObjectChanged,
    OutputWritten,
    ProbeChanged,
    RuntimeChanged,
)
from kubesim.objects.status import render_time
from kubesim.units import SECOND, seconds

PRESTOP: dict[str, Any] = {"preStop": {"exec": {"command": ["drain"]}}}
POSTSTART: dict[str, Any] = {"postStart": {"exec": {"command": ["warm"]}}}


def probe(**values: Any) -> dict[str, Any]:
    """A stored exec probe."""
    known = {"periodSeconds": 1, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}
    return {"exec": {"command": ["check"]}, **known, **values}


def pod(
    text: str, *, policy: str = "Always", grace: int | None = 30, spec: Any = None, **containers: Any
) -> dict[str, Any]:
    """A stored Pod."""
    inits, _, mains = text.rpartition("|")
    raw: dict[str, Any] = {"restartPolicy": policy, **(spec or {})}
    if grace is not None:
        raw["terminationGracePeriodSeconds"] = grace
    raw["initContainers"] = [_container(word, containers) for word in inits.split()]
    raw["containers"] = [_container(word, containers) for word in mains.split()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": raw,
        "status": {},
    }


def _container(word: str, containers: dict[str, Any]) -> dict[str, Any]:
    name = word.removesuffix("*")
    always = {"restartPolicy": "Always"} if word.endswith("*") else {}
    return {"name": name, "image": "app:1", **always, **containers.get(name, {})}


def job(**spec: Any) -> dict[str, Any]:
    """A stored Job; ``policy`` is that of its Pods."""
    policy = spec.pop("policy", "Never")
    kind = spec.pop("kind", "Job")
    template = {"spec": {"restartPolicy": policy}}
    return {"kind": kind, "metadata": {"name": "work", "namespace": "default"}, "spec": {"template": template, **spec}}


class Writer:
    """Turns lines into records; each verb is a method."""

    def __init__(self, template: dict[str, Any], owner: dict[str, Any] | None, sent: dict[str, Any] | None) -> None:
        self.records: list[AnyRecord] = []
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.runs: dict[tuple[str, str], int] = {}
        self.template, self.owner, self.sent = template, owner, sent
        self.name = "web"
        self.at = 0

    def line(self, text: str) -> None:
        when, verb, *arguments = text.split()
        self.at = seconds(when)
        getattr(self, verb.replace("-", "_").lower())(*arguments)

    # -- objects ---------------------------------------------------------------------------------------------------

    def _write(self, kind: str, name: str, change: str, actor: str, verb: str = "update") -> None:
        raw = self.objects[kind, name]
        self.records.append(
            ObjectChanged(
                at=self.at, change=change, kind=kind, namespace="default", name=name, uid=f"{kind}-{name}",
                resource_version=len(self.records) + 1, actor=actor, verb=verb, object=copy.deepcopy(raw),
            )
        )  # fmt: skip

    def new(self, name: str) -> None:
        raw = copy.deepcopy(self.template)
        raw["metadata"]["name"] = self.name = name
        if self.owner is not None:
            raw["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "work", "controller": True}]
        self.objects["Pod", name] = raw
        self._write("Pod", name, "ADDED", "user", "create")

    def on(self, name: str) -> None:
        self.name = name

    @property
    def pod(self) -> dict[str, Any]:
        return self.objects["Pod", self.name]

    def _modified(self, actor: str = "kubelet/node1", verb: str = "update/status") -> None:
        self._write("Pod", self.name, "MODIFIED", actor, verb)

    def bind(self, node: str = "node1") -> None:
        self.pod["spec"]["nodeName"] = node
        self._modified("default-scheduler", "bind")

    def gated(self, on: str) -> None:
        self.pod["spec"]["schedulingGates"] = [{"name": "wait"}] if on == "yes" else []
        self._modified("user", "patch")

    def becomes(self, policy: str) -> None:
        self.pod["spec"]["restartPolicy"] = policy
        self._modified("user", "patch")

    def sets(self, container: str, image: str) -> None:
        for key in ("initContainers", "containers"):
            for one in self.pod["spec"][key]:
                if one["name"] == container:
                    one["image"] = image
        self._modified("user", "patch")

    def phase(self, phase: str, reason: str = "") -> None:
        self.pod["status"]["phase"] = phase
        if reason:
            self.pod["status"]["reason"] = reason
        self._modified()

    def status(self, name: str, value: str) -> None:
        self.pod["status"][name] = value
        self._modified()

    def began(self) -> None:
        self.status("startTime", render_time(self.at) or "")

    def cond(self, *pairs: str) -> None:
        conditions = {one["type"]: one for one in self.pod["status"].get("conditions") or ()}
        for pair in pairs:
            type_, _, rest = pair.partition("=")
            status, _, reason = rest.partition(":")
            conditions[type_] = {"type": type_, "status": status, "reason": reason}
        self.pod["status"]["conditions"] = list(conditions.values())
        self._modified()

    def shows(self, container: str, state: str, *flags: str) -> None:
        """``shows app running started ready restarts=1 last=3``, ``shows app waiting:CrashLoopBackOff``."""
        name, _, reason = state.partition(":")
        values = dict(flag.split("=") for flag in flags if "=" in flag)
        value: dict[str, Any] = {"reason": reason} if reason else {"startedAt": render_time(self.at)}
        if name == "terminated":
            value = {"exitCode": int(reason or 0), "finishedAt": render_time(self.at), "reason": "Error"}
        entry: dict[str, Any] = {
            "name": container,
            "state": {name: value} if name != "nothing" else {},
            "ready": "ready" in flags,
            "started": "started" in flags,
            "restartCount": int(values.get("restarts", 0)),
        }
        if "last" in values:
            entry["lastState"] = {"terminated": {"exitCode": int(values["last"])}}
        is_init = any(one["name"] == container for one in self.pod["spec"]["initContainers"])
        key = "initContainerStatuses" if is_init else "containerStatuses"
        before = [one for one in self.pod["status"].get(key) or () if one["name"] != container]
        self.pod["status"][key] = [*before, entry]
        self._modified()

    def deleted(self, grace: str) -> None:
        self.pod["metadata"]["deletionGracePeriodSeconds"] = int(grace)
        self.pod["metadata"]["deletionTimestamp"] = render_time(self.at + int(grace) * SECOND)
        self._modified("user", "delete")

    def gone(self) -> None:
        self._write("Pod", self.name, "DELETED", "kubelet/node1", "delete")

    def forced(self) -> None:
        self._write("Pod", self.name, "DELETED", "user", "delete")

    def job(self, *words: str) -> None:
        """``job active=1 succeeded=2 +Complete:Reason suspend=true``."""
        assert self.owner is not None
        raw = self.objects.setdefault((self.owner["kind"], "work"), copy.deepcopy(self.owner))
        change = "MODIFIED" if raw.get("status") is not None else "ADDED"
        status = raw.setdefault("status", {})
        for word in words:
            if word.startswith("+"):
                type_, _, reason = word[1:].partition(":")
                found = {"type": type_, "status": "True", "reason": reason, "lastTransitionTime": render_time(self.at)}
                status.setdefault("conditions", []).append(found)
            elif word.startswith("-"):
                status["conditions"] = [one for one in status["conditions"] if one["type"] != word[1:]]
            else:
                key, _, value = word.partition("=")
                if key in ("suspend", "parallelism"):
                    raw["spec"][key] = value == "true" if key == "suspend" else int(value)
                elif key == "startTime":
                    status[key] = render_time(self.at)
                else:
                    status[key] = value if "ndexes" in key else int(value)
        self._write(self.owner["kind"], "work", change, "job-controller")

    def job_gone(self) -> None:
        self._write("Job", "work", "DELETED", "ttl-controller", "delete")

    def owned(self, name: str, *words: str) -> None:
        """A Job of the CronJob: ``owned first``, ``owned first +Complete``, ``owned first gone``."""
        owner = {"kind": "CronJob", "name": "work"}
        raw = self.objects.get(("Job", name))
        change = "ADDED" if raw is None else "DELETED" if "gone" in words else "MODIFIED"
        raw = raw or {"metadata": {"name": name, "ownerReferences": [owner]}, "spec": {}, "status": {"conditions": []}}
        raw["status"]["conditions"] += [{"type": word[1:], "status": "True"} for word in words if word[0] == "+"]
        self.objects["Job", name] = raw
        self._write("Job", name, change, "cronjob-controller")

    def node(self, cpu: str) -> None:
        self.objects["Node", "node1"] = {"metadata": {"name": "node1"}, "status": {"allocatable": {"cpu": cpu}}}
        self._write("Node", "node1", "ADDED", "user", "create")

    # -- the runtime -----------------------------------------------------------------------------------------------

    def _runtime(self, container: str, event: str, **values: Any) -> None:
        run = self.runs.get((self.name, container), 0)
        self.records.append(
            RuntimeChanged(
                at=self.at, node="node1", namespace="default", pod=self.name, container=container, run=run,
                event=event, container_id=self._container_id(container), **values,
            )
        )  # fmt: skip

    def _container_id(self, container: str) -> str:
        return f"{self.name}-{container}-{self.runs.get((self.name, container), 0)}"

    def sandbox(self) -> None:
        self.start("(sandbox)")

    def start(self, container: str, node: str = "node1") -> None:
        key = self.name, container
        self.runs[key] = self.runs.get(key, -1) + 1
        self._runtime(container, "start")
        if node != "node1":
            self.records[-1] = RuntimeChanged(
                at=self.at, node=node, namespace="default", pod=self.name, container=container, run=self.runs[key],
                event="start",
            )  # fmt: skip

    def exit(self, container: str, code: str = "0") -> None:
        self._runtime(container, "exit", code=int(code))

    def stop(self, container: str, grace: str = "30") -> None:
        self._runtime(container, "stop", grace=int(grace))

    def signal(self, container: str, name: str) -> None:
        self._runtime(container, "signal", signal=name)

    def oom(self, container: str) -> None:
        self._runtime(container, "oom")

    def exec(self, container: str, purpose: str) -> None:
        self._runtime(container, "exec-start", exec=hash((container, purpose)) % 10**6, purpose=purpose)

    def done(self, container: str, purpose: str, code: str = "0") -> None:
        self._runtime(container, "exec-exit", exec=hash((container, purpose)) % 10**6, purpose=purpose, code=int(code))

    # -- everything else -------------------------------------------------------------------------------------------

    def probe(self, container: str, kind: str, result: str, origin: str = "answer") -> None:
        self.records.append(
            ProbeChanged(
                at=self.at, namespace="default", pod=self.name, container=container, probe=kind, result=result,
                origin=origin, container_id=self._container_id(container),
            )
        )  # fmt: skip

    def kills(self) -> None:
        """The kubelet sets about to terminate the Pod."""
        record = Decided(
            at=self.at, actor="kubelet/node1", namespace="default", name=self.name, pass_="SyncTerminatingPod"
        )
        self.records.append(record)

    def event(self, reason: str, container: str = "") -> None:
        path = f"spec.containers{{{container}}}" if container else ""
        self.records.append(
            EventEmitted(
                at=self.at, kind="Pod", namespace="default", name=self.name, uid="u", type="Normal", reason=reason,
                message="", component="kubelet", field_path=path,
            )
        )  # fmt: skip

    def act(self, do: str, *pairs: str) -> None:
        arguments: dict[str, Any] = dict(pair.split("=") for pair in pairs)
        code = int(arguments.pop("code", 200))
        if "grace" in arguments:
            arguments["grace"] = int(arguments["grace"])
        self.records.append(ActionDone(at=self.at, do=do, arguments={"name": self.name, **arguments}, code=code))

    def says(self, container: str, *words: str) -> None:
        self.records.append(
            OutputWritten(
                at=self.at, namespace="default", pod=self.name, container=container, line=" ".join(words),
                run=self.runs.get((self.name, container), 0),
            )
        )  # fmt: skip

    def admits(self, does: str, client: str = "") -> None:
        """A webhook ``strips`` the field of the first init container, or ``keeps`` it."""
        path = "/spec/initContainers/0/restartPolicy"
        diff: tuple[dict[str, Any], ...] = ({"op": "remove", "path": path},) if does == "strips" else ()
        self.records.append(
            Admitted(
                at=self.at, webhook="hook", configuration="hook", operation="CREATE", kind="Pod", namespace="default",
                name="web", result="patched" if diff else "unchanged", diff=diff, client=client,
            )
        )  # fmt: skip

    def sends(self, code: str) -> None:
        """A create at an instant of its own, with the manifest that was sent."""
        arguments = {"name": self.name, "object": self.sent}
        self.records.append(ActionDone(at=self.at, do="create", arguments=arguments, code=int(code)))

    def end(self) -> None:
        self.records.append(Ended(at=self.at, why="until"))


def header(release: str, node_release: str = "", gates: dict[str, bool] | None = None) -> Header:
    """A header with one node."""
    return Header(
        kubesim="0",
        scenario="by-hand",
        digest="",
        control_plane=ComponentHeader(name="control-plane", release=release, feature_gates=gates or {}),
        nodes=(ComponentHeader(name="node1", release=node_release or release, feature_gates=gates or {}),),
        timing={},
    )


def history(
    template: dict[str, Any],
    text: str,
    *,
    release: str = "1.33",
    node: str = "",
    gates: dict[str, bool] | None = None,
    owner: dict[str, Any] | None = None,
    sent: dict[str, Any] | None = None,
    bare: bool = False,
) -> History:
    """The history that the lines tell, beginning with the Pod, or with the Job that owns Pods."""
    writer = Writer(template, owner, sent)
    if owner is not None:
        writer.job()
    elif not bare:
        writer.new("web")
    for line in text.replace(";", "\n").splitlines():
        if line.strip():
            writer.line(line.strip())
    return History(header(release, node, gates), writer.records)
