"""The rows that ``kubectl get pod -w`` and ``kubectl get job -w`` print, made by the API server's own printer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from kubesim.history.history import History
from kubesim.history.records import ComponentHeader
from kubesim.history.replay import Key, Version
from kubesim.releases import Component, Release, release
from kubesim.store.tables import cron_job_columns, job_columns, pod_columns
from kubesim.store.tables_replicated import deployment_columns, replica_set_columns
from kubesim.units import Instant

Cells: TypeAlias = dict[str, str]
Printer: TypeAlias = Callable[[dict[str, Any], Release, Instant], Cells]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the cells of an object at an instant, by the names of the columns."""

    at: Instant
    key: Key
    cells: Cells
    deleted: bool = False


def api_server(header: ComponentHeader) -> Release:
    """The release of the API server, which computes the tables."""
    return release(header.release, header.feature_gates, component=Component.APISERVER, bugs=header.bugs)


def pod_rows(history: History) -> list[Row]:
    """A row whenever READY, STATUS or the number in RESTARTS changed, and one when the object went.

    The age in ``1 (5s ago)`` is that of the moment of the row; it alone makes no new row, as in the recordings.
    """
    return _rows(history, "Pod", pod_columns, ("Ready", "Status", "Restarts"))


def job_rows(history: History) -> list[Row]:
    """A row whenever COMPLETIONS or STATUS changed, and one when the object went."""
    return _rows(history, "Job", job_columns, ("Completions", "Status"))


def final_rows(history: History, kind: str = "Pod", at: Instant | None = None) -> list[Row]:
    """The rows of ``kubectl get`` at an instant (default: in the end), of Pods, Jobs or CronJobs, by name."""
    printer, now = api_server(history.header.control_plane), history.ended if at is None else at
    columns = _PRINTERS[kind]
    objects = sorted((key, raw) for key, raw in history.objects(at).items() if key.kind == kind)
    return [Row(now, key, columns(raw, printer, now)) for key, raw in objects]


_PRINTERS: Final[dict[str, Printer]] = {
    "Pod": pod_columns,
    "Job": job_columns,
    "CronJob": cron_job_columns,
    "Deployment": deployment_columns,
    "ReplicaSet": replica_set_columns,
}


def _rows(history: History, kind: str, columns: Printer, watched: tuple[str, ...]) -> list[Row]:
    printer = api_server(history.header.control_plane)
    found: list[tuple[int, Row]] = []
    for key, versions in history.all_versions.items():
        if key.kind == kind:
            found += _rows_of(key, versions, lambda version: columns(version.object, printer, version.at), watched)
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def _rows_of(
    key: Key, versions: tuple[Version, ...], cells_of: Callable[[Version], Cells], watched: tuple[str, ...]
) -> list[tuple[int, Row]]:
    rows: list[tuple[int, Row]] = []
    shown: list[str] | None = None
    for version in versions:
        cells, deleted = cells_of(version), version.change == "DELETED"
        seen = [_without_age(cells[name]) for name in watched if name in cells]
        if seen != shown or deleted:
            rows.append((version.order, Row(version.at, key, cells, deleted)))
        shown = None if deleted else seen
    return rows


def _without_age(cell: str) -> str:
    return cell.partition(" (")[0]
