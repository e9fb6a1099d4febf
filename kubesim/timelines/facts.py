"""What the expectations of a scenario are checked against, folded from a history. Instants count from t=0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubesim.history import lives
from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, PodLife
from kubesim.history.replay import Key, Version
from kubesim.history.series import Series, event_series
from kubesim.scenario.facts import ConditionChange, EventFacts, Facts, JobFacts, Moment, PodFacts, Run
from kubesim.units import Instant


def facts_of(history: History) -> Facts:
    """The facts of one run; what happens at one instant keeps the order of the records."""
    started, made = history.started, _pods_of_jobs(history)
    jobs = ((key, versions) for key, versions in history.all_versions.items() if key.kind == "Job")
    return Facts(
        pods=tuple(_pod(life, started) for life in history.pods),
        jobs=tuple(_job(key, versions, started, made.get(key, ())) for key, versions in jobs),
        events=tuple(_event(series, started) for series in event_series(history)),
        end=history.ended - started,
    )


def _pod(life: PodLife, started: Instant) -> PodFacts:
    phases: list[tuple[Moment, str]] = []
    for version in life.versions:
        phase = _status(version).get("phase")
        if phase and (not phases or phases[-1][1] != phase):
            phases.append((_moment(version, started), phase))
    return PodFacts(
        name=life.name,
        namespace=life.namespace,
        containers={
            name: tuple(_run(run, started) for run in container.runs)
            for name, container in life.containers.items()
            if name != SANDBOX
        },
        phases=tuple(phases),
        reason=_status(life.versions[-1]).get("reason"),
        conditions=_conditions(life.versions, started),
        gone=_gone(life.versions, started),
    )


def _job(key: Key, versions: tuple[Version, ...], started: Instant, pods: Iterable[Moment]) -> JobFacts:
    return JobFacts(
        name=key.name,
        namespace=key.namespace,
        conditions=_conditions(versions, started),
        gone=_gone(versions, started),
        statuses=tuple((_moment(version, started), _status(version)) for version in versions),
        pods=tuple(pods),
    )


def _pods_of_jobs(history: History) -> dict[Key, list[Moment]]:
    """When pods were created, by the Job that made them."""
    made: dict[Key, list[Moment]] = {}
    for life in history.pods:
        born = life.versions[0]
        for reference in born.object["metadata"].get("ownerReferences") or ():
            if reference.get("controller") and reference["kind"] == "Job":
                job = Key("Job", life.namespace, reference["name"])
                made.setdefault(job, []).append(_moment(born, history.started))
    return made


def _status(version: Version) -> dict[str, Any]:
    return version.object.get("status") or {}


def _moment(version: Version, started: Instant) -> Moment:
    return Moment(version.at - started, version.order)


def _gone(versions: tuple[Version, ...], started: Instant) -> Moment | None:
    return _moment(versions[-1], started) if versions[-1].change == "DELETED" else None


def _conditions(versions: Iterable[Version], started: Instant) -> tuple[ConditionChange, ...]:
    changes: list[ConditionChange] = []
    last: dict[str, tuple[str, str]] = {}
    for version in versions:
        for condition in _status(version).get("conditions") or ():
            value = (condition["status"], condition.get("reason") or "")
            if last.get(condition["type"]) != value:
                last[condition["type"]] = value
                changes.append(ConditionChange(_moment(version, started), condition["type"], *value))
    return tuple(changes)


def _run(run: lives.Run, started: Instant) -> Run:
    return Run(
        start=Moment(run.start - started, run.order),
        exit=None if run.exit is None else Moment(run.exit - started, run.exit_order),
        code=run.code,
        reason=None if run.exit is None else run.reason,
        signals=tuple((Moment(signal.at - started, signal.order), signal.signal) for signal in run.signals),
    )


def _event(series: Series, started: Instant) -> EventFacts:
    event = series.first
    moment = Moment(event.at - started, series.order)
    return EventFacts(moment, event.name, event.type, event.reason, event.message, series.last.count)
