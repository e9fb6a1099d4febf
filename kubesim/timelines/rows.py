"""The rows that ``kubectl get pod -w`` prints, computed with the API server's own printer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubesim.history.history import History
from kubesim.history.records import ComponentHeader
from kubesim.history.replay import Key, Version
from kubesim.releases.release import Component, Release, release
from kubesim.store.tables import PodColumns, pod_columns
from kubesim.units import Instant


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the columns of a Pod at an instant."""

    at: Instant
    key: Key
    columns: PodColumns
    deleted: bool = False


def api_server(header: ComponentHeader) -> Release:
    """The release of the API server, which computes the tables."""
    return release(header.release, header.feature_gates, component=Component.APISERVER, bugs=header.bugs)


def pod_rows(history: History) -> list[Row]:
    """A row whenever READY, STATUS or the number in RESTARTS changed, and one when the object went.

    The age in ``1 (5s ago)`` is that of the moment of the row; it alone makes no new row, as in the recordings.
    """
    printer = api_server(history.header.control_plane)
    rows = [
        row
        for key, versions in history.all_versions.items()
        if key.kind == "Pod"
        for row in _rows_of(key, versions, printer)
    ]
    return sorted(rows, key=lambda row: row.at)


def final_rows(history: History, at: Instant | None = None) -> list[Row]:
    """The rows of ``kubectl get pod`` at an instant (default: in the end)."""
    printer, now = api_server(history.header.control_plane), history.ended if at is None else at
    return [
        Row(now, key, pod_columns(raw, printer, now)) for key, raw in history.objects(at).items() if key.kind == "Pod"
    ]


def _rows_of(key: Key, versions: tuple[Version, ...], printer: Release) -> list[Row]:
    rows: list[Row] = []
    shown: tuple[str, ...] = ()
    for version in versions:
        columns = pod_columns(version.object, printer, version.at)
        deleted = version.change == "DELETED"
        seen = (columns.ready, columns.status, columns.restarts.partition(" ")[0])
        if seen != shown or deleted:
            rows.append(Row(version.at, key, columns, deleted))
        shown = () if deleted else seen
    return rows


@dataclass(frozen=True, slots=True)
class JobRow:
    """One row of ``kubectl get job``; ``status`` is None where the release has no such column."""

    at: Instant
    key: Key
    completions: str
    status: str | None
    deleted: bool = False


def job_rows(history: History) -> list[JobRow]:
    """A row whenever COMPLETIONS or STATUS changed, and one when the object went."""
    printer = api_server(history.header.control_plane)
    rows: list[JobRow] = []
    for key, versions in history.all_versions.items():
        shown: JobRow | None = None
        for version in versions if key.kind == "Job" else ():
            deleted = version.change == "DELETED"
            completions, status = job_completions(version.object), job_status(version.object, printer)
            if deleted or shown is None or (shown.completions, shown.status) != (completions, status):
                rows.append(JobRow(version.at, key, completions, status, deleted))
            shown = None if deleted else JobRow(version.at, key, completions, status)
    return sorted(rows, key=lambda row: row.at)


def job_completions(job: dict[str, Any]) -> str:
    """COMPLETIONS: succeeded of wanted; without a number of completions one is enough (C-87)."""
    spec, succeeded = job["spec"], (job.get("status") or {}).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def job_status(job: dict[str, Any], printer: Release) -> str | None:
    """STATUS: the first that holds of Complete, Failed, Terminating, Suspended, ..., Running (C-87)."""
    if not printer.policy("job_status_column"):
        return None
    true = {
        condition["type"]
        for condition in (job.get("status") or {}).get("conditions") or ()
        if condition["status"] == "True"
    }
    deleting = {"Terminating"} if job["metadata"].get("deletionTimestamp") else set()
    order = ["Complete", "Failed", "Terminating", "Suspended", "FailureTarget"]
    if printer.policy("job_status_success_criteria_met"):
        order.append("SuccessCriteriaMet")
    return next((status for status in order if status in true | deleting), "Running")
