"""The stimuli of a scenario: what is done to the cluster from outside, at its instant, with the API server's reply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kubesim.errors import ScenarioError
from kubesim.history.records import ActionDone, Decided, DecidedAction
from kubesim.kubelet.observed import ProbeType
from kubesim.kubelet.probe_worker import ProbeAnswer
from kubesim.objects.yaml import Document
from kubesim.scenario.actions import (
    Action,
    Apply,
    Cordon,
    Create,
    Delete,
    DeleteJobPod,
    Drain,
    EphemeralContainer,
    Evict,
    EvictJobPod,
    Kill,
    Patch,
    Probe,
    SandboxLoss,
    Scale,
    Snapshot,
    StartFailure,
    Taint,
    Uncordon,
)
from kubesim.scenario.shapes import did_you_mean
from kubesim.sim.chosen import oldest_named, running_in
from kubesim.sim.node_faults import NodeFaults
from kubesim.sim.node_requests import NodeRequests
from kubesim.sim.probe_run import Answer
from kubesim.sim.unmodelled import note_unmodelled
from kubesim.store import PatchType, Reply
from kubesim.store.fields import decode
from kubesim.store.kinds import KINDS
from kubesim.store.replies import no_such_resource
from kubesim.units import Instant, format_duration

if TYPE_CHECKING:
    from kubesim.sim.world import World

_USER = "user"


class Stimuli:
    """Carries out actions; each leaves one record."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = world.api.store
        self.validation = world.scenario.validate.capitalize()
        """What the user's kubectl asks for unknown fields, as the query parameter has it."""
        self.faults = NodeFaults(world)
        self.node_requests = NodeRequests(world, self._ask, self._record)
        for action in world.scenario.actions:
            _check_kind(action)

    def submit(self, documents: tuple[Document, ...]) -> None:
        """``kubectl create`` of the manifests at the beginning of the run: each when the one before has its answer."""
        for number, document in enumerate(documents):
            later = partial(self._submitted, document, self.world.clock.now, documents[number + 1 :])
            reply = self.world.api.now(_USER, _Create(self, document.raw), later)
            if reply.pending is not None:
                return
            self._told(document, reply)

    def _submitted(self, document: Document, asked: Instant, rest: tuple[Document, ...], reply: Reply) -> None:
        """The answer to a manifest came after webhooks were called: on with the others."""
        self._told(document, reply, asked)
        self.submit(rest)

    def _told(self, document: Document, reply: Reply, asked: Instant | None = None) -> None:
        self._record(f"create {document.raw.get('kind', '')}", {}, reply, asked)
        if reply.ok:
            self._tell_namespace(document.raw)
            self._tell_absent(document.raw)
            self._tell_unknown(document.raw)
            note_unmodelled(document, self.world.recorder, self.world.clock.now)

    def _tell_namespace(self, raw: dict[str, Any]) -> None:
        """Manifests of one application seldom hold the namespace that they are for: it is taken to be there."""
        kind, namespace = KINDS.get(raw.get("kind", "")), (raw.get("metadata") or {}).get("namespace")
        if kind and kind.namespaced and namespace and not self.store.has_namespace(namespace):
            text = "assumed to exist; without it an API server answers 404 NotFound"
            self.world.recorder.assume(self.world.clock.now, f"Namespace/{namespace}", text)

    def _tell_absent(self, raw: dict[str, Any]) -> None:
        """A Pod that was read from a cluster names its node and its owner there, without which it is lost here."""
        metadata, spec = raw.get("metadata") or {}, raw.get("spec") or {}
        subject, now = f"{raw.get('kind', '')}/{metadata.get('name', '')}", self.world.clock.now
        node = spec.get("nodeName") if raw.get("kind") == "Pod" else None
        if node and self.store.find("Node", "", node) is None:
            text = f"no node {node} is assumed, so no kubelet runs it; take it out, or declare it in spec.cluster.nodes"
            self.world.recorder.assume(now, f"{subject} spec.nodeName", text)
        for owner in metadata.get("ownerReferences") or ():
            namespace = metadata.get("namespace") or "default"
            found = self.store.find(owner["kind"], namespace, owner["name"])
            if found is None or found["metadata"]["uid"] != owner["uid"]:
                name = f"{owner['kind']}/{owner['name']}"
                text = f"no {name} with that uid is assumed, so it is collected as garbage; take the reference out"
                self.world.recorder.assume(now, f"{subject} metadata.ownerReferences", text)

    def _tell_unknown(self, raw: dict[str, Any]) -> None:
        """What an API server leaves out of a manifest that it was not asked to read strictly (C-11, C-12)."""
        kind = KINDS.get(raw.get("kind", ""))
        unknown = decode(raw, kind, self.store.release).unknown if kind and self.validation != "Strict" else ()
        if not unknown:
            return
        why = "this release does not know it" + ("" if self.validation == "Warn" else "; nobody is told")
        rules = ("C-11",) if self.validation == "Warn" else ("C-12",)
        actions = tuple(DecidedAction(do=f"drop {path}", why=why, rules=rules) for path in unknown)
        metadata = raw.get("metadata") or {}
        self.world.recorder.record(
            Decided(
                at=self.world.clock.now,
                actor="apiserver",
                namespace=metadata.get("namespace") or "default",
                name=metadata.get("name", ""),
                pass_="Decode",
                actions=actions,
            )
        )

    def check(self, actions: tuple[Action, ...]) -> None:
        """Raise ScenarioError for an action on a kind that no release knows, or that the run would not reach."""
        for action in actions:
            if isinstance(action, Delete | Patch) and action.kind not in KINDS:
                message = f'kind "{action.kind}" is unknown{did_you_mean(action.kind, KINDS)}'
                raise action.place.error(message) if action.place else ScenarioError(message)
            until = self.world.scenario.until
            if until is not None and action.at > until and action.place is not None:
                message = f"{format_duration(action.at)} comes after the end of the run at {format_duration(until)}"
                raise (action.place / "at").error(f"{message}; make one earlier or the other later")

    def perform(self, action: Action) -> None:
        """Carry out one action now."""
        match action:
            case Create() | Apply():
                for document in action.objects:
                    self._create_or_apply(action, document)
            case Delete():
                name = oldest_named(self.world, action.kind, _namespace(action.kind, action.namespace), action.name)
                call = _Delete(self, action.kind, action.namespace, name, action)
                arguments = {"kind": action.kind, "name": name}
                self._ask("delete", _with(arguments, action), call)
            case DeleteJobPod() | EvictJobPod():
                self._job_pod(action)
            case Patch():
                arguments = {"kind": action.kind, "name": action.name}
                if action.subresource == "resize":
                    self._resize(action, arguments)
                    return
                if action.subresource:
                    arguments["subresource"] = action.subresource
                self._ask("patch", {**arguments, "type": action.type_, "patch": action.patch}, _Patch(self, action))
            case Scale():
                self._ask(
                    "scale",
                    {"kind": action.kind, "name": action.name, "replicas": action.replicas},
                    _Scale(self, action),
                )
            case Evict():
                name = oldest_named(self.world, "Pod", action.namespace, action.name)
                self._ask("evict", {"kind": "Pod", "name": name}, _Evict(self, action, name))
            case Kill():
                self._kill(action)
            case Probe():
                self._override_probe(action)
            case Snapshot():
                self._record("snapshot", {}, None)
            case EphemeralContainer():
                self._add_ephemeral_container(action)
            case SandboxLoss():
                name = oldest_named(self.world, "Pod", action.namespace, action.pod)
                self._broke("sandbox-loss", {"pod": name}, self.faults.lose_sandbox(action.namespace, name))
            case StartFailure():
                for kubelet in self.world.kubelets.values():
                    kubelet.runtime.starts_that_fail[action.namespace, action.pod, action.container] = action.message
                self._record("start-failure", {"pod": action.pod, "container": action.container}, None)
            case Cordon() | Uncordon() | Taint() | Drain():
                self.node_requests.perform(action)
            case _:
                self._broke(*self.faults.perform(action))

    def _create_or_apply(self, action: Create | Apply, document: Document) -> None:
        raw = document.raw
        note_unmodelled(document, self.world.recorder, self.world.clock.now)
        if isinstance(action, Apply):
            self._ask("apply", {"object": raw}, _Apply(self, raw))
            return
        self._ask("create", {"object": raw}, _Create(self, raw))

    def _job_pod(self, action: DeleteJobPod | EvictJobPod) -> None:
        """Delete or evict the pod of a Job that its place in the order of creation names."""
        do = "delete-job-pod" if isinstance(action, DeleteJobPod) else "evict-job-pod"
        created = self.world.pods_in_order_of_creation(action.namespace)
        pods = [pod for pod in created if _owner_job(pod) is not None and action.job in (None, _owner_job(pod))]
        if action.number >= len(pods):
            self._record(do, {"k": action.number}, Reply(404, "NotFound", "no such pod of the Job"))
            return
        name = pods[action.number]["metadata"]["name"]
        if isinstance(action, DeleteJobPod):
            self._ask(do, _with({"k": action.number}, action), _Delete(self, "Pod", action.namespace, name, action))
        else:
            self._ask(do, {"k": action.number}, _Evict(self, action, name))

    def _kill(self, action: Kill) -> None:
        found = running_in(self.world, action.namespace, action.pod, action.container)
        if found is None:
            arguments = {"pod": action.pod, "container": action.container}
            self._record("kill", arguments, Reply(404, "NotFound", "the container is not running"))
            return
        kubelet, uid, instance = found
        self._record("kill", {"pod": kubelet.pods[uid].metadata.name, "container": action.container}, None)
        kubelet.runtime.end_from_outside(kubelet.runtime.pod(uid), instance, action.signal, action.exit_code)

    def _override_probe(self, action: Probe) -> None:
        arguments = {"pod": action.pod, "container": action.container, "probe": action.probe, "answer": action.answer}
        self._record("probe", arguments, None)
        answer = ProbeAnswer.SUCCESS if action.answer == "success" else ProbeAnswer.FAILURE
        self._set_probe(action, Answer(answer, "set by the scenario"))
        if action.for_ is not None:
            self.world.clock.after(action.for_, self._set_probe, action, None)

    def _resize(self, action: Patch, arguments: dict[str, Any]) -> None:
        """In-place resize is left out: where a release has it the patch is not carried out, and the run says so."""
        arguments = {**arguments, "subresource": "resize"}
        if not self.store.release.enabled("InPlacePodVerticalScaling"):
            self._record("patch", arguments, no_such_resource())
            return
        text = "in-place resize is not modelled: the patch is not carried out"
        self.world.recorder.not_modelled(self.world.clock.now, f"{action.kind}/{action.name}", "resize", text)
        self._record("patch", arguments, Reply(501, "NotImplemented", text, kubectl=f"error: {text}"))

    def _add_ephemeral_container(self, action: EphemeralContainer) -> None:
        patch = Patch(
            at=action.at,
            kind="Pod",
            name=action.pod,
            namespace=action.namespace,
            subresource="ephemeralcontainers",
            patch={"spec": {"ephemeralContainers": [dict(action.container)]}},
        )
        arguments = {"kind": "Pod", "name": action.pod, "container": action.container.get("name", "")}
        self._ask("debug", arguments, _Patch(self, patch))

    def _broke(self, do: str, arguments: dict[str, Any], problem: str) -> None:
        self._record(do, arguments, Reply(409, "Conflict", problem) if problem else None)

    def _set_probe(self, action: Probe, answer: Answer | None) -> None:
        for kubelet in self.world.kubelets.values():
            for uid, pod in kubelet.pods.items():
                if (pod.metadata.namespace, pod.metadata.name) == (action.namespace, action.pod):
                    kubelet.override_probe(uid, action.container, ProbeType(action.probe), answer)

    def _ask(self, do: str, arguments: dict[str, Any], call: Any) -> None:
        """Send a request; it is committed a moment later, and recorded with its reply then."""
        done = partial(self._answered, do, arguments, self.world.clock.now)
        self.world.api.request("user-write", _USER, call, done)

    def _answered(self, do: str, arguments: dict[str, Any], asked: Instant, reply: Reply) -> None:
        self._record(do, arguments, reply, asked)
        if reply.ok and do in ("create", "apply"):
            self._tell_unknown(arguments["object"])

    def _record(self, do: str, arguments: dict[str, Any], reply: Reply | None, asked: Instant | None = None) -> None:
        self.world.recorder.record(
            ActionDone(
                at=self.world.clock.now,
                asked=asked,
                do=do,
                arguments=arguments,
                code=reply.code if reply is not None else 0,
                reason=reply.reason if reply is not None else "",
                message=reply.message if reply is not None and reply.code >= 300 else "",
                kubectl=reply.kubectl if reply is not None else "",
                warnings=reply.warnings if reply is not None else (),
            )
        )


def _check_kind(action: Action) -> None:
    """Refuse an action upon a kind that no API server serves; ScenarioError with its place."""
    if isinstance(action, Delete | Patch) and action.kind not in KINDS:
        text = f'kind "{action.kind}" is not served{did_you_mean(action.kind, KINDS)}'
        verb = "delete" if isinstance(action, Delete) else "patch"
        raise (action.place / verb / "kind").error(text) if action.place else ScenarioError(text)


def _namespace(kind: str, namespace: str) -> str:
    """Where an object of the kind is: nowhere in particular for what belongs to no namespace."""
    return namespace if KINDS[kind].namespaced else ""


def _owner_job(pod: dict[str, Any]) -> str | None:
    for owner in pod["metadata"].get("ownerReferences") or ():
        if owner.get("kind") == "Job":
            return str(owner["name"])
    return None


def _with(arguments: dict[str, Any], action: Delete | DeleteJobPod) -> dict[str, Any]:
    if action.grace_period_seconds is not None:
        arguments["grace"] = action.grace_period_seconds
    if isinstance(action, Delete) and action.propagation is not None:
        arguments["propagation"] = action.propagation
    return arguments


@dataclass(frozen=True, slots=True)
class _Create:
    stimuli: Stimuli
    raw: dict[str, Any]

    def __call__(self, now: Instant) -> Reply:
        return self.stimuli.store.create(self.raw, now, field_validation=self.stimuli.validation, actor=_USER)


@dataclass(frozen=True, slots=True)
class _Apply:
    stimuli: Stimuli
    raw: dict[str, Any]

    def __call__(self, now: Instant) -> Reply:
        return self.stimuli.store.apply(self.raw, now, field_validation=self.stimuli.validation, actor=_USER)


@dataclass(frozen=True, slots=True)
class _Delete:
    stimuli: Stimuli
    kind: str
    namespace: str
    name: str
    action: Delete | DeleteJobPod

    def __call__(self, now: Instant) -> Reply:
        propagation = self.action.propagation if isinstance(self.action, Delete) else None
        return self.stimuli.store.delete(
            self.kind,
            _namespace(self.kind, self.namespace),
            self.name,
            now,
            grace=self.action.grace_period_seconds,
            propagation=propagation,
            actor=_USER,
        )


@dataclass(frozen=True, slots=True)
class _Patch:
    stimuli: Stimuli
    action: Patch

    def __call__(self, now: Instant) -> Reply:
        action = self.action
        return self.stimuli.store.patch(
            action.kind,
            _namespace(action.kind, action.namespace),
            action.name,
            action.type_,
            action.patch,
            now,
            subresource=action.subresource,
            actor=_USER,
        )


@dataclass(frozen=True, slots=True)
class _Scale:
    stimuli: Stimuli
    action: Scale

    def __call__(self, now: Instant) -> Reply:
        action, patch = self.action, {"spec": {"replicas": self.action.replicas}}
        return self.stimuli.store.patch(
            action.kind, action.namespace, action.name, PatchType.MERGE, patch, now, actor=_USER
        )


@dataclass(frozen=True, slots=True)
class _Evict:
    stimuli: Stimuli
    action: Evict | EvictJobPod
    name: str

    def __call__(self, now: Instant) -> Reply:
        grace = self.action.grace_period_seconds
        return self.stimuli.store.evict(self.action.namespace, self.name, now, grace=grace, actor=_USER)
