"""The garbage collector on the clock: objects go after their owners, or their owners after them (J-63).

It keeps who owns whom from its watches; before it acts it looks at the objects as they are stored by then, as the real
one reads them live. ``job_controller/collection.py`` decides. Source: ``pkg/controller/garbagecollector``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from kubesim.job_controller.collection import (
    FOREGROUND,
    ORPHAN,
    CollectorAction,
    DeleteObject,
    DropFinalizer,
    DropReferences,
    collect_dependent,
    collect_owner,
)
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.timing import Timing
from kubesim.store import DELETED, Change, PatchType, Reply, Store
from kubesim.store.kinds import KINDS
from kubesim.units import Instant

ACTOR: Final = "garbage-collector"
Raw: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an object is stored."""

    kind: str
    namespace: str
    name: str
    uid: str

    def find(self, store: Store) -> Raw | None:
        """The object as it is stored now; None if it is gone, or another has its name."""
        found = store.find(self.kind, self.namespace, self.name)
        return found if found is not None and found["metadata"]["uid"] == self.uid else None


class GarbageCollector:
    """Follows objects that have owners, and those that are owners or wait for what they own."""

    def __init__(self, clock: Clock, timing: Timing, api: ApiServer) -> None:
        self.clock = clock
        self.timing = timing
        self.api = api
        self._dependents: dict[str, dict[str, Reference]] = {}
        self._owners: dict[str, dict[str, Reference]] = {}
        self._followed: set[str] = set()

    def wants(self, change: Change) -> bool:
        """Whether a change says something about owners: it tells of some, or happens to one that is going."""
        metadata = change.object["metadata"]
        if metadata.get("ownerReferences"):
            self._followed.update(reference["uid"] for reference in metadata["ownerReferences"])
            self._followed.add(change.uid)
            return True
        if change.uid in self._followed:
            return True
        finalizers = metadata.get("finalizers") or ()
        return "deletionTimestamp" in metadata and (FOREGROUND in finalizers or ORPHAN in finalizers)

    def changed(self, change: Change) -> None:
        """A watch event."""
        raw = change.object
        reference = Reference(change.kind, change.namespace, change.name, change.uid)
        before = self._owners.get(change.uid, {})
        owners = {} if change.type == DELETED else _owners_of(raw)
        self._note(reference, before, owners)
        if change.type == DELETED:
            self._is_gone(reference, before)
            return
        if owners.keys() - before.keys():
            self._later(self._attempt, reference)
        metadata = raw["metadata"]
        finalizers = metadata.get("finalizers") or ()
        if "deletionTimestamp" in metadata:
            if FOREGROUND in finalizers or ORPHAN in finalizers:
                self._later(self._attempt_owner, reference)
                if FOREGROUND in finalizers:
                    self._attempt_dependents(change.uid)
            for owner in owners.values():
                self._reconsider(owner)

    def _note(self, reference: Reference, before: dict[str, Reference], owners: dict[str, Reference]) -> None:
        """Keep who owns whom."""
        for uid in before.keys() - owners.keys():
            dependents = self._dependents.get(uid, {})
            dependents.pop(reference.uid, None)
            if not dependents:
                self._dependents.pop(uid, None)
        for uid in owners:
            self._dependents.setdefault(uid, {})[reference.uid] = reference
        if owners:
            self._owners[reference.uid] = owners
        else:
            self._owners.pop(reference.uid, None)

    def _is_gone(self, reference: Reference, owners: dict[str, Reference]) -> None:
        """What it owned is looked at, and the owners that may have waited for it."""
        self._attempt_dependents(reference.uid)
        for owner in owners.values():
            self._reconsider(owner)
        self._followed.discard(reference.uid)

    def _attempt_dependents(self, uid: str) -> None:
        for dependent in self._dependents.get(uid, {}).values():
            self._later(self._attempt, dependent)

    def _reconsider(self, owner: Reference) -> None:
        raw = owner.find(self.api.store)
        if raw is not None and "deletionTimestamp" in raw["metadata"]:
            self._later(self._attempt_owner, owner)

    def _later(self, attempt: Any, reference: Reference) -> None:
        self.clock.after(self.timing.latency("garbage-collect"), attempt, reference)

    # -- attempts -----------------------------------------------------------------------------------------------------

    def _attempt(self, dependent: Reference) -> None:
        """Look whether an object still has an owner."""
        raw = dependent.find(self.api.store)
        if raw is None:
            return
        owners = _owners_of(raw)
        action = collect_dependent(raw, lambda uid: owners[uid].find(self.api.store))
        if action is not None:
            self._carry_out(action, {dependent.uid: dependent})

    def _attempt_owner(self, owner: Reference) -> None:
        """Look what an owner that is being deleted waits for."""
        raw = owner.find(self.api.store)
        if raw is None:
            return
        known = self._dependents.get(owner.uid, {})
        found = [each for reference in known.values() if (each := reference.find(self.api.store)) is not None]
        for action in collect_owner(raw, found):
            self._carry_out(action, {**known, owner.uid: owner})

    def _carry_out(self, action: CollectorAction, references: dict[str, Reference]) -> None:
        call = partial(_carry_out, self.api.store, references[action.uid], action)
        self.api.request("garbage-write", ACTOR, call)


def _carry_out(store: Store, at: Reference, action: CollectorAction, now: Instant) -> Reply:
    """One request; an object that changed its mind meanwhile is left alone."""
    raw = at.find(store)
    if raw is None:
        return Reply(404, "NotFound", f"{at.kind} {at.name} is gone")
    match action:
        case DeleteObject() if "deletionTimestamp" in raw["metadata"]:
            return Reply(200, object=raw)
        case DeleteObject():
            return store.delete(
                at.kind,
                at.namespace,
                at.name,
                now,
                propagation=action.propagation,
                uid_precondition=at.uid,
                actor=ACTOR,
            )
        case DropReferences():
            kept = [
                entry for entry in raw["metadata"].get("ownerReferences") or () if entry["uid"] not in action.owners
            ]
            patch: Raw = {"metadata": {"ownerReferences": kept or None}}
        case DropFinalizer():
            left = [name for name in raw["metadata"].get("finalizers") or () if name != action.finalizer]
            patch = {"metadata": {"finalizers": left or None}}
    return store.patch(at.kind, at.namespace, at.name, PatchType.MERGE, patch, now, actor=ACTOR)


def _owners_of(raw: Raw) -> dict[str, Reference]:
    return {reference.uid: reference for reference in _references(raw)}


def _references(raw: Raw) -> Iterator[Reference]:
    metadata = raw["metadata"]
    for entry in metadata.get("ownerReferences") or ():
        kind = KINDS.get(entry["kind"])
        namespace = metadata.get("namespace", "") if kind is None or kind.namespaced else ""
        yield Reference(entry["kind"], namespace, entry["name"], entry["uid"])
