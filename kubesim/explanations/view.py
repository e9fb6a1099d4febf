"""What a history knows about one Pod up to an instant, and what it tells of it afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, Exec, PodLife, Run
from kubesim.history.records import (
    AnyRecord,
    Decided,
    DecidedAction,
    Ended,
    EventEmitted,
    ObjectChanged,
    ProbeChanged,
    RuntimeChanged,
)
from kubesim.releases import Component, Release, release
from kubesim.timelines.lanes_containers import container_roles
from kubesim.timelines.lanes_model import Role
from kubesim.timelines.story import TERMINATING, Line, story
from kubesim.units import Instant

_STATUSES: Final = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


@dataclass(frozen=True, slots=True)
class KnownBug:
    """A known bug that made a difference in the run; ``fixed_in`` is the first patch of its minor without it."""

    name: str
    summary: str
    release: str
    fixed_in: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """One Pod at an instant. ``raw`` is the object as the API server had it, the last one if it has gone by then."""

    history: History
    life: PodLife
    at: Instant
    raw: Mapping[str, Any]
    roles: Mapping[str, Role]
    """What each container is to the kubelet of its node: to one that does not know sidecars they are plain (K-54)."""
    records: tuple[AnyRecord, ...]
    """Everything that concerns the Pod, in order, the future included."""
    kubelet: Release | None = None
    """What the kubelet of its node runs; None while it is on no node."""
    bugs: tuple[KnownBug, ...] = ()

    @property
    def spec(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.raw["spec"]
        return spec

    @property
    def status(self) -> Mapping[str, Any]:
        return self.raw.get("status") or {}

    @property
    def is_gone(self) -> bool:
        """Whether its object went before or at this instant."""
        return self.life.gone is not None and self.life.gone <= self.at

    def condition(self, type_: str) -> Mapping[str, Any]:
        """A condition as it stands; empty if it does not."""
        return next((one for one in self.status.get("conditions") or () if one["type"] == type_), {})

    def entry(self, container: str) -> Mapping[str, Any]:
        """A container's status; empty while it has none."""
        entries = (entry for field in _STATUSES for entry in self.status.get(field) or ())
        return next((entry for entry in entries if entry["name"] == container), {})

    def container(self, name: str) -> Mapping[str, Any]:
        """A container's spec."""
        lists = (self.spec.get(field) or () for field in ("initContainers", "containers", "ephemeralContainers"))
        return next(entry for entries in lists for entry in entries if entry["name"] == name)

    def runs(self, container: str) -> list[Run]:
        """The runs that had begun, with what was known of them: an end that is still to come is left out."""
        life = self.life.containers.get(container)
        return [_until(run, self.at) for run in (life.runs if life else ()) if run.start <= self.at]

    def run(self, container: str) -> Run | None:
        """The newest run, ended or not; None before the first."""
        runs = self.runs(container)
        return runs[-1] if runs else None

    def is_up(self, container: str) -> bool:
        """Whether a process of it runs."""
        run = self.run(container)
        return run is not None and run.exit is None

    def up(self) -> list[str]:
        """The containers that run, in spec order."""
        return [name for name in self.life.containers if name != SANDBOX and self.is_up(name)]

    @property
    def decisions(self) -> Iterator[Decided]:
        """The kubelet's and scheduler's decisions so far, the newest first."""
        for record in reversed(self.records):
            if isinstance(record, Decided) and record.at <= self.at:
                yield record

    def wish(self, container: str, *kinds: str) -> tuple[Decided, DecidedAction] | None:
        """The newest decision of these kinds about a container, or about the whole Pod where it names none."""
        for decision in self.decisions:
            for action in decision.actions:
                if action.do in kinds and action.container in ("", container):
                    return decision, action
        return None

    def termination(self) -> Decided | None:
        """The first decision to end the Pod; None while it may live."""
        found = [one for one in self.decisions if one.pass_ == TERMINATING or _kills(one)]
        return found[-1] if found else None

    def probe_failures(self, container: str, probe: str) -> str:
        """What the last failed probe of a kind answered, from the Event that the kubelet made of it."""
        wanted = f"{probe} probe"
        for record in reversed(self.records):
            if (
                isinstance(record, EventEmitted)
                and record.at <= self.at
                and record.field_path.endswith(f"{{{container}}}")
                and record.reason == "Unhealthy"
                and record.message.lower().startswith(wanted.lower())
            ):
                return record.message.strip().removesuffix(":")
        return ""

    def story(self) -> list[Line]:
        """The lines of the story that are about the Pod, those still to come included."""
        return story(History(self.history.header, self.records))

    def future(self, lines: Iterable[Line], container: str | None = None) -> Line | None:
        """The next line of the Pod's story, or the next about one of its containers.

        Output is passed over, and what only goes on: a container that is held back once more.
        """
        for line in lines:
            if line.at <= self.at or line.tone == "dim" or line.who == "end" or line.what.startswith("hold back "):
                continue
            if container is None or re.search(rf"(?<![\w.-]){re.escape(container)}(?![\w.-])", line.what):
                return line
        return None


def view_of(
    history: History,
    life: PodLife,
    at: Instant,
    records: tuple[AnyRecord, ...] | None = None,
    bugs: tuple[KnownBug, ...] = (),
) -> View:
    """The Pod at an instant, which must not lie before its creation. ``records`` saves looking for them again."""
    version = next(one for one in reversed(life.versions) if one.at <= at)
    concerned = records_of(history).get((life.namespace, life.name), ()) if records is None else records
    kubelet = _kubelet(history, str((version.object.get("spec") or {}).get("nodeName") or ""))
    roles = container_roles(version.object)
    if kubelet is not None and kubelet.policy("sidecar_field_at_kubelet") == "unknown":
        roles = {name: Role.INIT if role is Role.SIDECAR else role for name, role in roles.items()}
    return View(history, life, at, version.object, roles, concerned, kubelet, bugs)


def records_of(history: History) -> dict[tuple[str, str], tuple[AnyRecord, ...]]:
    """For each Pod, by namespace and name, what concerns it, in order."""
    found: dict[tuple[str, str], list[AnyRecord]] = {}
    for record in history:
        if isinstance(record, Ended):
            for known in found.values():
                known.append(record)
        elif (key := _concerned(record)) is not None:
            found.setdefault(key, []).append(record)
    return {key: tuple(known) for key, known in found.items()}


def _kubelet(history: History, node: str) -> Release | None:
    for known in history.header.nodes:
        if known.name == node:
            return release(known.release, known.feature_gates, component=Component.KUBELET, bugs=known.bugs)
    return None


def _concerned(record: AnyRecord) -> tuple[str, str] | None:
    """The Pod that a record is about."""
    match record:
        case RuntimeChanged() | ProbeChanged():
            return record.namespace, record.pod
        case Decided() if "job" not in record.actor:
            return record.namespace, record.name
        case ObjectChanged() | EventEmitted() if record.kind == "Pod":
            return record.namespace, record.name
        case _:
            return None


def _until(run: Run, at: Instant) -> Run:
    ended = run.exit is not None and run.exit <= at
    return replace(
        run,
        exit=run.exit if ended else None,
        code=run.code if ended else None,
        reason=run.reason if ended else "",
        oom_killed=run.oom_killed and ended,
        signals=[signal for signal in run.signals if signal.at <= at],
        stops=[stop for stop in run.stops if stop.at <= at],
        execs=[_exec_until(one, at) for one in run.execs if one.start <= at],
        output=[line for line in run.output if line.at <= at],
    )


def _exec_until(one: Exec, at: Instant) -> Exec:
    return one if one.exit is None or one.exit <= at else replace(one, exit=None, code=None)


def _kills(decision: Decided) -> bool:
    """Whether a sync found the Pod finished and stops it; a kill for a new sandbox is none."""
    actions = {action.do for action in decision.actions}
    return "kill-pod" in actions and "create-sandbox" not in actions
