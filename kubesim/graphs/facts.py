"""The nodes of the happens-before graph: the facts of a run that can be causes, in the order of the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.lives import SANDBOX
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    Decided,
    EventEmitted,
    ObjectChanged,
    ProbeChanged,
    RuntimeChanged,
)
from kubesim.units import Instant

HOOKS: Final = ("postStart", "preStop")


class Kind(StrEnum):
    """What a fact is."""

    ASKED = "asked"
    CREATED = "created"
    BOUND = "bound"
    DELETED = "deleted"
    PHASE = "phase"
    GONE = "gone"
    HELD_BACK = "held back"
    DECIDED_START = "decided to start"
    DECIDED_STOP = "decided to stop"
    STARTED = "started"
    PROBE = "probe"
    HOOK = "hook started"
    HOOK_OVER = "hook over"
    STOPPED = "stop"
    SIGNAL = "signal"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. ``order`` is the place of its record, ``step`` the place inside a decision.

    ``detail`` is what tells facts of one kind apart: a signal, a phase, the result of a probe, an exit code.
    """

    order: int
    step: int
    at: Instant
    kind: Kind
    namespace: str
    pod: str
    container: str
    run: int
    what: str
    detail: str = ""
    why: str = ""
    rules: tuple[str, ...] = ()


def facts(history: History) -> list[Fact]:
    """All facts of a run, in the order in which they happened."""
    return list(_without_repeats(_all(history)))


def _without_repeats(found: Iterator[Fact]) -> Iterator[Fact]:
    """Without what caused nothing: to stop a Pod of which nothing runs yet, to hold a container back once more."""
    held: set[tuple[str, str, str]] = set()
    begun: set[tuple[str, str]] = set()
    for fact in found:
        name = (fact.namespace, fact.pod, fact.container)
        if fact.kind is Kind.STARTED:
            begun.add(name[:2])
        if fact.kind is Kind.DECIDED_STOP and not fact.container and name[:2] not in begun:
            continue
        if fact.kind is Kind.HELD_BACK:
            if name in held:
                continue
            held.add(name)
        elif fact.kind is Kind.EXITED:
            held.discard(name)
        yield fact


def _all(history: History) -> Iterator[Fact]:
    before: dict[tuple[str, str], dict[str, Any]] = {}
    objects = {version.order: version.object for known in history.all_versions.values() for version in known}
    for order, record in enumerate(history):
        if isinstance(record, ObjectChanged) and record.kind == "Pod":
            key = (record.namespace, record.name)
            yield from _changes(order, record, before.get(key), objects[order])
            before[key] = objects[order]
        else:
            yield from _of(order, record)


def _of(order: int, record: AnyRecord) -> Iterator[Fact]:
    match record:
        case ActionDone() if record.code < 400 and record.do != "snapshot":
            given = record.arguments
            name, container = str(given.get("name") or given.get("pod") or ""), str(given.get("container") or "")
            verb = record.do.partition(" ")[0]
            what = " ".join(part for part in ("user:", record.do, str(given.get("kind", "")), name, container) if part)
            namespace = str(given.get("namespace") or "default")
            yield Fact(order, 0, record.at, Kind.ASKED, namespace, name, container, -1, what, verb)
        case Decided():
            yield from _decided(order, record)
        case ProbeChanged() if record.is_answer:
            what = f"{record.probe} probe of {record.container}: {record.result.lower()}"
            detail = f"{record.probe} {record.result.lower()}"
            yield Fact(
                order, 0, record.at, Kind.PROBE, record.namespace, record.pod, record.container, -1, what, detail,
                record.output.strip(), record.rules,
            )  # fmt: skip
        case EventEmitted(reason="BackOff", kind="Pod"):
            name = record.field_path.partition("{")[2].rstrip("}")
            what = f"kubelet holds {name} back"
            yield Fact(order, 0, record.at, Kind.HELD_BACK, record.namespace, record.name, name, -1, what)
        case RuntimeChanged():
            yield from _runtime(order, record)


def _decided(order: int, record: Decided) -> Iterator[Fact]:
    kinds = {"start": Kind.DECIDED_START, "restart": Kind.DECIDED_START}
    kinds |= {"stop": Kind.DECIDED_STOP, "kill": Kind.DECIDED_STOP, "kill-pod": Kind.DECIDED_STOP}
    for step, action in enumerate(record.actions):
        if action.do not in kinds:
            continue
        target = action.container or "the pod"
        why = "; ".join(dict.fromkeys(part for part in (action.why or record.why,) if part))
        rules = action.rules or record.rules
        what = f"kubelet: {'start' if kinds[action.do] is Kind.DECIDED_START else 'stop'} {target}"
        yield Fact(
            order, step, record.at, kinds[action.do], record.namespace, record.name, action.container, -1, what,
            record.pass_, why, rules,
        )  # fmt: skip


def _runtime(order: int, record: RuntimeChanged) -> Iterator[Fact]:
    name = "sandbox" if record.container == SANDBOX else record.container
    again = f" (run {record.run + 1})" if record.run and record.container != SANDBOX else ""
    told = {
        "start": (Kind.STARTED, f"{name} started{again}", ""),
        "exit": (Kind.EXITED, f"{name} exited with {record.code}{again}", str(record.code)),
        "stop": (Kind.STOPPED, f"runtime asked to stop {name}, grace {record.grace} s", str(record.grace)),
        "signal": (Kind.SIGNAL, f"SIG{record.signal.removeprefix('SIG')} to {name}", record.signal.removeprefix("SIG")),
    }
    if record.purpose in HOOKS:
        told["exec-start"] = (Kind.HOOK, f"{record.purpose} hook of {name} started", record.purpose)
        told["exec-exit"] = (
            Kind.HOOK_OVER,
            f"{record.purpose} hook of {name} ended with {record.code}",
            record.purpose,
        )
    if record.event in told:
        kind, what, detail = told[record.event]
        yield Fact(
            order, 0, record.at, kind, record.namespace, record.pod, record.container, record.run, what, detail,
            record.reason,
        )  # fmt: skip


def _changes(
    order: int, record: ObjectChanged, old: Mapping[str, Any] | None, new: Mapping[str, Any]
) -> Iterator[Fact]:
    def fact(step: int, kind: Kind, what: str, detail: str = "") -> Fact:
        return Fact(order, step, record.at, kind, record.namespace, record.name, "", -1, what, detail)

    if record.change == "DELETED":
        yield fact(0, Kind.GONE, f"Pod {record.name} is gone")
        return
    before = old or {}
    if not before:
        yield fact(0, Kind.CREATED, f"Pod {record.name} created")
    node, old_node = (new.get("spec") or {}).get("nodeName"), (before.get("spec") or {}).get("nodeName")
    if node and node != old_node:
        yield fact(1, Kind.BOUND, f"Pod {record.name} bound to {node}", str(node))
    deletion = new["metadata"].get("deletionTimestamp")
    if deletion and not (before.get("metadata") or {}).get("deletionTimestamp"):
        grace = new["metadata"].get("deletionGracePeriodSeconds")
        yield fact(2, Kind.DELETED, f"Pod {record.name} is to be deleted, grace {grace} s", str(grace))
    phase, old_phase = (new.get("status") or {}).get("phase"), (before.get("status") or {}).get("phase")
    if phase and phase not in (old_phase, "Pending"):
        yield fact(3, Kind.PHASE, f"phase {phase}", str(phase))
