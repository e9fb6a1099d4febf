"""The objects of a history, put together again from what the API server committed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from kubesim.errors import IllegalMove
from kubesim.history.deltas import apply_patch
from kubesim.history.records import ObjectChanged, Record
from kubesim.units import Instant


class Key(NamedTuple):
    """What names an object: kind, namespace (empty for nodes and the like) and name."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Version:
    """An object as the API server had it from ``at`` on. ``change`` is ADDED, MODIFIED or DELETED.

    The version of a DELETED change is the object in the moment in which it went. ``order`` is the place of the change
    among the records of the history, which orders what happened at one instant.
    """

    at: Instant
    order: int
    change: str
    object: dict[str, Any]
    uid: str
    actor: str
    verb: str


def objects(records: Iterable[Record], at: Instant | None = None) -> dict[Key, dict[str, Any]]:
    """The objects that exist after all changes up to and including ``at``."""
    present: dict[Key, dict[str, Any]] = {}
    for change in records:
        if not isinstance(change, ObjectChanged):
            continue
        if at is not None and change.at > at:
            break
        key = Key(change.kind, change.namespace, change.name)
        if change.change == "DELETED":
            present.pop(key, None)
        else:
            present[key] = _after(present.get(key), change)
    return present


def versions(records: Iterable[Record]) -> dict[Key, tuple[Version, ...]]:
    """Every version of every object. An object made again under the same name continues the list, with another uid."""
    found: dict[Key, list[Version]] = {}
    for order, change in enumerate(records):
        if not isinstance(change, ObjectChanged):
            continue
        known = found.setdefault(Key(change.kind, change.namespace, change.name), [])
        before = known[-1].object if known and known[-1].change != "DELETED" else None
        after = _after(before, change)
        known.append(Version(change.at, order, change.change, after, change.uid, change.actor, change.verb))
    return {key: tuple(known) for key, known in found.items()}


def _after(before: dict[str, Any] | None, change: ObjectChanged) -> dict[str, Any]:
    if change.object is not None:
        return change.object
    if before is None:
        raise IllegalMove(
            f"{change.kind} {change.namespace}/{change.name}: {change.change} at {change.at} ns of an object that "
            f"does not exist; its ADDED record is missing"
        )
    return apply_patch(before, change.patch or {})
