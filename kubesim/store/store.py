"""One API server's storage: it decodes, fills in, checks, numbers and remembers objects, and lists its changes.

A state machine without a clock: every verb takes ``now``. Objects are raw dicts in JSON form; what the store hands
out is shared and must not be changed (it copies what it changes). Source: apiserver ``registry/generic/registry``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.scenario.webhooks import Webhook
from kubesim.store import replies
from kubesim.store.admission import Admission, admit_pod
from kubesim.store.apply import apply_patch, with_last_applied
from kubesim.store.changes import ADDED, DELETED, MODIFIED, Change
from kubesim.store.conditions import with_condition
from kubesim.store.deletion import Deletion, Propagation, deletion, is_gone_after_update
from kubesim.store.eviction import EVICTED_BY_API, budget_charge
from kubesim.store.fields import decode, decode_changed
from kubesim.store.kinds import KINDS, SUBRESOURCES, Kind, type_name
from kubesim.store.naming import identified, uid_of
from kubesim.store.patch import NotApplicable, PatchType, patched, wrong_patch
from kubesim.store.prepare import as_it_is, prepare
from kubesim.store.replies import Reply
from kubesim.store.update_rules import prepare_update, status_update_errors
from kubesim.store.webhooks import attributes, in_force
from kubesim.store.webhooks_chain import Chain, Pending, begun, prioritised, unplugged
from kubesim.units import Instant

MODIFIED_MEANWHILE: Final = (
    "the object has been modified; please apply your changes to the latest version and try again"
)
_OTHER_NAMESPACE: Final = "the namespace of the provided object does not match the namespace sent on the request"
Json: TypeAlias = dict[str, Any]

_FIRST_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")


class Store:
    """The objects of one API server, and the changes nobody has taken yet.

    ``namespaces``: those that exist from the start. ``provision_namespaces``: whether an object for a namespace that
    nobody created is taken, as if the namespace were there (False: 404, as a cluster answers). ``seed``: two stores
    with the same seed give the same requests the same uids. ``numbers``: where the objects it creates stand among all
    of a cluster that it holds a part of. ``admission``: the mutating admission of Pods.
    ``webhooks``: mutating ones beside those of stored configurations, in order. The reply to a write that some are
    called for is ``pending`` at first.
    """

    def __init__(
        self,
        release: Release,
        *,
        namespaces: tuple[str, ...] = _FIRST_NAMESPACES,
        provision_namespaces: bool = True,
        seed: str = "",
        numbers: tuple[int, ...] | None = None,
        admission: Admission = admit_pod,
    ) -> None:
        self.release = release
        self.log: list[Change] = []
        self.webhooks: tuple[Webhook, ...] = ()
        self._namespaces = set(namespaces)
        self._provision_namespaces = provision_namespaces
        self._seed = seed
        self._numbers = numbers
        self._admission = admission
        self._objects: dict[str, dict[tuple[str, str], Json]] = {}
        self._resource_version = 0
        self._created = 0

    def __deepcopy__(self, memo: object) -> Store:
        """A store that goes its own way from here; the stored objects never change, so both share them."""
        twin = copy.copy(self)
        twin.log = list(self.log)
        twin._namespaces = set(self._namespaces)
        twin._objects = {kind: dict(stored) for kind, stored in self._objects.items()}
        return twin

    @property
    def resource_version(self) -> int:
        """The number of the last committed write."""
        return self._resource_version

    @property
    def created(self) -> int:
        """How many objects have been given a uid."""
        return self._created

    def take_changes(self) -> tuple[Change, ...]:
        """The changes since the last call, oldest first; the store forgets them."""
        taken = tuple(self.log)
        self.log.clear()
        return taken

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """The stored object, or None. Must not be changed."""
        return self._objects.get(kind, {}).get((namespace, name))

    def get(self, kind: str, namespace: str, name: str) -> Reply:
        """GET of one object."""
        obj = self.find(kind, namespace, name)
        return replies.not_found(KINDS[kind], name) if obj is None else replies.done(200, obj)

    def list(self, kind: str, namespace: str | None = None) -> Iterator[Json]:
        """The stored objects of a kind, of one namespace or of all, by namespace and name."""
        stored = self._objects.get(kind, {})
        return (stored[key] for key in sorted(stored) if namespace in (None, key[0]))

    def create(self, raw: Json, now: Instant, *, field_validation: str = "Strict", actor: str = "user") -> Reply:
        """POST of one object, in the order of C-1; ``field_validation`` as the query parameter (C-10 to C-12)."""
        during = replies.creating()
        kind = KINDS.get(raw.get("kind", ""))
        if kind is None or raw.get("apiVersion") != kind.api_version:
            return replies.no_such_kind(raw)
        body = decode(raw, kind, self.release)
        if body.error or (body.unknown and field_validation == "Strict"):
            return replies.bad_request(body.message(kind), during)
        metadata = body.object.get("metadata") or {}
        namespace = (metadata.get("namespace") or "default") if kind.namespaced else ""
        if kind.namespaced and not (self._provision_namespaces or self.has_namespace(namespace)):
            return replies.not_found(KINDS["Namespace"], namespace, during)
        body.object["metadata"] = {**metadata, **({"namespace": namespace} if namespace else {})}
        unknown = body.warnings() if field_validation == "Warn" else ()
        chain = self._mutating("CREATE", kind, body.object, None, actor, during)
        if chain is not None:
            return replies.waiting(Pending(chain, partial(self._admitted, kind, actor, chain, unknown)))
        obj, refusal = prioritised(kind, body.object, self.list("PriorityClass"))
        return refusal or self._stored(kind, obj, now, actor, self._admission, unknown)

    def _admitted(self, kind: Kind, actor: str, chain: Chain, unknown: tuple[str, ...], now: Instant) -> Reply:
        """The reply to a create whose webhooks have answered."""
        said = (*unknown, *chain.warnings)
        if chain.refusal is None and chain.object["metadata"].get("namespace", "") != chain.about.namespace:
            return replies.bad_request(_OTHER_NAMESPACE, chain.during)
        return chain.refusal or self._stored(kind, chain.object, now, actor, as_it_is, said)

    def _stored(
        self, kind: Kind, obj: Json, now: Instant, actor: str, admission: Admission, said: tuple[str, ...]
    ) -> Reply:
        """A new object after the mutating phase: named, checked and stored. ``said``: the warnings so far."""
        namespace = obj["metadata"].get("namespace", "")
        obj = {**obj, "metadata": self._identified(kind, obj["metadata"], namespace, now)}
        ready = prepare(kind, obj, self.release, now, admission)
        warnings = (*said, *ready.warnings)
        name = ready.object["metadata"].get("name", "")
        if ready.errors:
            return replies.invalid(kind, name, ready.errors, said)
        if self.find(kind.name, namespace, name) is not None:
            return replies.already_exists(kind, name, replies.creating())
        stored = self._commit(ADDED, kind, ready.object, now, "create", actor)
        if kind.name == "Namespace":
            self._namespaces.add(name)
        return replies.done(201, stored, f"{kind.shown}/{name} created", warnings, ready.dropped)

    def update(self, raw: Json, now: Instant, *, actor: str = "user", verb: str = "update") -> Reply:
        """PUT of one object's metadata and spec; the stored status stays."""
        kind = KINDS[raw["kind"]]
        metadata = raw.get("metadata") or {}
        namespace = metadata.get("namespace", "default") if kind.namespaced else ""
        old = self.find(kind.name, namespace, metadata.get("name", ""))
        if old is None:
            return replies.not_found(kind, metadata.get("name", ""))
        if metadata.get("resourceVersion", old["metadata"]["resourceVersion"]) != old["metadata"]["resourceVersion"]:
            return replies.conflict(kind.resource, metadata["name"], MODIFIED_MEANWHILE)
        return self._written(kind, old, raw, now, actor, verb, "replaced")

    def apply(self, raw: Json, now: Instant, *, field_validation: str = "Strict", actor: str = "user") -> Reply:
        """What ``kubectl apply`` (client side) does: create, or patch towards the manifest what it said before."""
        manifest = with_last_applied(raw)
        kind = KINDS.get(raw.get("kind", ""))
        metadata = raw.get("metadata") or {}
        namespace = (metadata.get("namespace") or "default") if kind and kind.namespaced else ""
        old = None if kind is None else self.find(kind.name, namespace, metadata.get("name", ""))
        if kind is None or old is None:
            return self.create(manifest, now, field_validation=field_validation, actor=actor)
        body = decode(raw, kind, self.release)
        if body.error or (body.unknown and field_validation == "Strict"):
            return replies.bad_request(body.message(kind), replies.creating())
        patch = apply_patch(old, manifest, type_name(kind), self.release)
        new = patched(old, PatchType.STRATEGIC, patch, kind.name, self.release)
        return self._written(kind, old, new, now, actor, "patch", "configured", "unchanged")

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        patch_type: PatchType | str,
        patch: Any,
        now: Instant,
        *,
        subresource: str | None = None,
        actor: str = "user",
    ) -> Reply:
        """PATCH of one object: JSON patch, JSON merge patch or strategic merge patch."""
        old = self.find(kind, namespace, name)
        if old is None:
            return replies.not_found(KINDS[kind], name)
        wanted: type = list if PatchType(patch_type) is PatchType.JSON else dict
        if not isinstance(patch, wanted):
            return replies.bad_request(wrong_patch(patch, wanted))
        try:
            new = patched(old, PatchType(patch_type), patch, kind, self.release)
        except NotApplicable as problem:
            return replies.unprocessable(str(problem))
        if subresource == "status":
            return self.update_status(kind, namespace, name, new.get("status") or {}, now, actor=actor)
        if subresource not in (None, *SUBRESOURCES.get(kind, ())):
            return replies.no_such_resource()
        verb = f"patch/{subresource}" if subresource else "patch"
        return self._written(KINDS[kind], old, new, now, actor, verb)

    def update_status(
        self,
        kind: str,
        namespace: str,
        name: str,
        status: Json,
        now: Instant,
        *,
        uid: str | None = None,
        actor: str = "kubelet",
    ) -> Reply:
        """Write of the status subresource; nothing is written when it is as stored. ``status`` is kept, not copied."""
        served = KINDS[kind]
        old = self.find(kind, namespace, name)
        if old is None:
            return replies.not_found(served, name)
        if refusal := replies.other_uid(served, old, uid):
            return refusal
        if old.get("status") == status:
            return replies.done(200, old)
        if errors := status_update_errors(kind, old, status):
            return replies.invalid(served, name, errors)
        stored = self._commit(MODIFIED, served, {**old, "status": status}, now, "update/status", actor)
        return replies.done(200, stored)

    def bind(self, namespace: str, name: str, node: str, now: Instant, *, actor: str = "scheduler") -> Reply:
        """POST of a Binding: sets the node and the condition PodScheduled; refused as C-46 says."""
        kind = KINDS["Pod"]
        pod = self.find("Pod", namespace, name)
        if pod is None:
            return replies.not_found(kind, name)
        spec = pod["spec"]
        if "deletionTimestamp" in pod["metadata"]:
            return replies.conflict("pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
        if spec.get("nodeName"):
            because = f'pod {name} is already assigned to node "{spec["nodeName"]}"'
            return replies.conflict("pods/binding", name, because)
        if spec.get("schedulingGates"):
            return replies.conflict("pods/binding", name, f"pod {name} has non-empty .spec.schedulingGates")
        condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        status = with_condition(pod["status"], condition, now)
        bound = {**pod, "spec": {**spec, "nodeName": node}, "status": status}
        return replies.done(201, self._commit(MODIFIED, kind, bound, now, "bind", actor))

    def evict(
        self,
        namespace: str,
        name: str,
        now: Instant,
        *,
        grace: int | None = None,
        uid: str | None = None,
        actor: str = "user",
    ) -> Reply:
        """POST of an Eviction: asks the pod's budget, writes the condition DisruptionTarget, then deletes (S-13)."""
        kind = KINDS["Pod"]
        pod = self.find("Pod", namespace, name)
        if pod is None:
            return replies.not_found(kind, name)
        if refusal := replies.other_uid(kind, pod, uid):
            return refusal
        charge = budget_charge(pod, self.list("PodDisruptionBudget", namespace), now)
        if isinstance(charge, Reply):
            return charge
        if charge is not None:
            self.update_status("PodDisruptionBudget", namespace, charge.budget, charge.status, now, actor=actor)
        if self.release.enabled("PodDisruptionConditions"):
            status = with_condition(pod["status"], EVICTED_BY_API, now)
            if status != pod["status"]:
                self._commit(MODIFIED, kind, {**pod, "status": status}, now, "evict/status", actor)
        gone = self.delete("Pod", namespace, name, now, grace=grace, actor=actor, verb="evict")
        return replies.done(201, gone.object, f"pod/{name} evicted") if gone.ok else gone

    def delete(
        self,
        kind: str,
        namespace: str,
        name: str,
        now: Instant,
        *,
        grace: int | None = None,
        propagation: Propagation | str | None = None,
        uid_precondition: str | None = None,
        actor: str = "user",
        verb: str = "delete",
    ) -> Reply:
        """DELETE of one object (C-40 to C-45); the reply carries the object as it was left."""
        served = KINDS[kind]
        old = self.find(kind, namespace, name)
        if old is None:
            return replies.not_found(served, name)
        if uid_precondition is not None and uid_precondition != old["metadata"]["uid"]:
            because = (
                f"the UID in the precondition ({uid_precondition}) does not match the UID in record "
                f"({old['metadata']['uid']}). The object might have been deleted and then recreated"
            )
            return replies.conflict(served.name + (f".{served.group}" if served.group else ""), name, because)
        policy = None if propagation is None else Propagation(propagation)
        decided = deletion(kind, old, now, self.release, grace=grace, propagation=policy)
        left = self._carry_out(served, old, decided, now, verb, actor)
        return replies.done(200, left, f'{served.shown} "{name}" deleted')

    def _carry_out(self, kind: Kind, old: Json, decided: Deletion, now: Instant, verb: str, actor: str) -> Json:
        left = old
        if decided.metadata is not None and decided.metadata != old["metadata"]:
            left = self._commit(MODIFIED, kind, {**old, "metadata": decided.metadata}, now, verb, actor)
        if decided.remove:
            left = self._remove(kind, left, now, verb, actor)
        return left

    def _written(
        self,
        kind: Kind,
        old: Json,
        new: Json,
        now: Instant,
        actor: str,
        verb: str,
        word: str = "patched",
        idle: str = "patched (no change)",
    ) -> Reply:
        """An update of metadata and spec, after its decoding, defaults and checks (C-3); the words are kubectl's."""
        name = old["metadata"]["name"]
        body = decode_changed(new, old, kind, self.release)
        if body.error:
            return replies.bad_request(body.message(kind))
        words = (f"{kind.shown}/{name} {word}", f"{kind.shown}/{name} {idle}")
        chain = self._mutating("UPDATE", kind, body.object, old, actor)
        if chain is not None:
            return replies.waiting(Pending(chain, partial(self._updated, kind, actor, chain, verb, words)))
        return self._rewritten(kind, old, body.object, now, actor, verb, words)

    def _updated(self, kind: Kind, actor: str, chain: Chain, verb: str, words: tuple[str, str], now: Instant) -> Reply:
        """The reply to an update whose webhooks have answered; the object may have changed meanwhile."""
        if chain.refusal is not None:
            return chain.refusal
        metadata = chain.object["metadata"]
        old = self.find(kind.name, metadata.get("namespace", ""), metadata["name"])
        if old is None:
            return replies.not_found(kind, metadata["name"])
        if old is not chain.about.old:
            return replies.conflict(kind.resource, metadata["name"], MODIFIED_MEANWHILE)
        return self._rewritten(kind, old, chain.object, now, actor, verb, words, chain.warnings)

    def _rewritten(
        self,
        kind: Kind,
        old: Json,
        new: Json,
        now: Instant,
        actor: str,
        verb: str,
        words: tuple[str, str],
        said: tuple[str, ...] = (),
    ) -> Reply:
        """An update after the mutating phase; ``words`` are kubectl's for a change and for none."""
        shown, idle = words
        ready = prepare_update(kind, old, new, self.release, verb)
        warnings = (*said, *ready.warnings)
        if ready.errors:
            return replies.invalid(kind, old["metadata"]["name"], ready.errors, warnings)
        if ready.object == old:
            return replies.done(200, old, idle, warnings)
        if is_gone_after_update(ready.object["metadata"]):
            return replies.done(200, self._remove(kind, ready.object, now, verb, actor), shown, warnings)
        return replies.done(200, self._commit(MODIFIED, kind, ready.object, now, verb, actor), shown, warnings)

    def _mutating(
        self, operation: str, kind: Kind, obj: Json, old: Json | None, actor: str, during: str = ""
    ) -> Chain | None:
        """The mutating phase of a request that some webhook is called for; None if none is."""
        if not (webhooks := in_force(self.webhooks, self._objects.get("MutatingWebhookConfiguration"))):
            return None
        namespace = self.find("Namespace", "", obj["metadata"].get("namespace", ""))
        about = attributes(operation, kind, obj, old, actor, namespace)
        plugins = self._plugins if operation == "CREATE" and kind.name == "Pod" else unplugged
        return begun(about, obj, webhooks, self.release, plugins, during)

    def _plugins(self, pod: Json) -> tuple[Json, Reply | None]:
        """A Pod after the in-tree mutating plugins, or the refusal of one (C-30)."""
        pod, refusal = prioritised(KINDS["Pod"], pod, self.list("PriorityClass"))
        if refusal is not None:
            return pod, refusal
        return {**pod, "spec": self._admission(pod["spec"], pod["metadata"].get("annotations") or {})}, None

    def has_namespace(self, namespace: str) -> bool:
        """Whether the namespace is there, and not only provided for."""
        return namespace in self._namespaces

    def _identified(self, kind: Kind, metadata: Json, namespace: str, now: Instant) -> Json:
        """The metadata of a new object: name from generateName, namespace, uid, creation time."""
        self._created += 1
        number = self._created if self._numbers is None else self._numbers[self._created - 1]
        uid = uid_of(f"{self._seed}/{number}")
        return identified(metadata, uid, namespace if kind.namespaced else None, now)

    def _commit(self, type_: str, kind: Kind, obj: Json, now: Instant, verb: str, actor: str) -> Json:
        """Store an object under a new resourceVersion and list the change."""
        stored = self._versioned(obj)
        metadata = stored["metadata"]
        self._objects.setdefault(kind.name, {})[metadata.get("namespace", ""), metadata["name"]] = stored
        self._note(type_, kind, stored, now, verb, actor)
        return stored

    def _remove(self, kind: Kind, obj: Json, now: Instant, verb: str, actor: str) -> Json:
        metadata = obj["metadata"]
        del self._objects[kind.name][metadata.get("namespace", ""), metadata["name"]]
        last = self._versioned(obj)
        if kind.name == "Namespace":
            self._namespaces.discard(metadata["name"])
        self._note(DELETED, kind, last, now, verb, actor)
        return last

    def _versioned(self, obj: Json) -> Json:
        self._resource_version += 1
        return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._resource_version)}}

    def _note(self, type_: str, kind: Kind, obj: Json, now: Instant, verb: str, actor: str) -> None:
        metadata = obj["metadata"]
        self.log.append(
            Change(
                at=now,
                type=type_,
                kind=kind.name,
                namespace=metadata.get("namespace", ""),
                name=metadata["name"],
                uid=metadata["uid"],
                resource_version=self._resource_version,
                object=obj,
                verb=verb,
                actor=actor,
            )
        )
