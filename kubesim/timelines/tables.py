"""Tables as kubectl prints them: ``get pod``, ``get pod -w``, ``get job``, ``get deployment``, ``get events``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from kubesim.history.history import History
from kubesim.history.series import event_series
from kubesim.releases import Release
from kubesim.store.tables import Column, cron_job_headers, human_duration, job_headers, pod_headers
from kubesim.store.tables_replicated import deployment_headers, replica_set_headers
from kubesim.timelines.repeats import folded
from kubesim.timelines.rows import Row, api_server, final_rows, job_rows, pod_rows


def align(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns three spaces apart, as wide as their widest cell, without blanks at the end of a line."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def pods_table(history: History, *, wide: bool = False) -> list[str]:
    """``kubectl get pod`` in the end of the run; no lines if there is no Pod."""
    return _table(final_rows(history, "Pod"), _headers(history, pod_headers, wide))


def jobs_table(history: History, *, wide: bool = False) -> list[str]:
    """``kubectl get job`` in the end of the run; no lines if there is no Job."""
    return _table(final_rows(history, "Job"), _headers(history, job_headers, wide))


def cron_jobs_table(history: History, *, wide: bool = False) -> list[str]:
    """``kubectl get cronjob`` in the end of the run; no lines if there is no CronJob."""
    return _table(final_rows(history, "CronJob"), _headers(history, cron_job_headers, wide))


def deployments_table(history: History, *, wide: bool = False) -> list[str]:
    """``kubectl get deployment`` in the end of the run; no lines if there is none."""
    return _table(final_rows(history, "Deployment"), _headers(history, deployment_headers, wide))


def replica_sets_table(history: History, *, wide: bool = False) -> list[str]:
    """``kubectl get replicaset`` in the end of the run; no lines if there is none."""
    return _table(final_rows(history, "ReplicaSet"), _headers(history, replica_set_headers, wide))


TABLES: Final = {
    "Pod": pods_table,
    "Job": jobs_table,
    "CronJob": cron_jobs_table,
    "Deployment": deployments_table,
    "ReplicaSet": replica_sets_table,
}
"""What ``kubectl get`` prints of each kind, in the order in which a whole cluster is shown."""


def pods_watch(history: History, *, wide: bool = False, every: bool = True) -> list[str]:
    """``kubectl get pod -w`` over the whole run: a row whenever READY, STATUS or RESTARTS changed.

    ``every``: else rows with the READY and STATUS of earlier ones are counted, but for the last of them.
    """
    return _watch(pod_rows(history), _headers(history, pod_headers, wide), ("Ready", "Status"), every)


def jobs_watch(history: History, *, wide: bool = False, every: bool = True) -> list[str]:
    """``kubectl get job -w`` over the whole run; ``every`` as for :func:`pods_watch`."""
    return _watch(job_rows(history), _headers(history, job_headers, wide), ("Completions", "Status"), every)


def events_table(history: History) -> list[str]:
    """``kubectl get events --sort-by=.metadata.creationTimestamp``: each Event once, as it is in the end."""
    rows = []
    for series in event_series(history):
        event = series.last
        seen = human_duration(history.ended - max(event.first, event.last))
        rows.append([seen, event.type, event.reason, f"{event.kind.lower()}/{event.name}", event.message])
    return align(["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"], rows) if rows else []


def _headers(history: History, headers: Callable[[Release], tuple[Column, ...]], wide: bool) -> list[str]:
    columns = headers(api_server(history.header.control_plane))
    return [column.name for column in columns if wide or not column.wide]


def _watch(rows: list[Row], names: list[str], alike: tuple[str, ...], every: bool) -> list[str]:
    """The lines of a table of one row for each change; behind a row how many like it follow, and to which age."""
    if every or not rows:
        return _table(rows, names)
    shown = folded(rows, lambda row: (row.key, row.deleted, *(row.cells.get(name) for name in alike)))
    lines = _table([one.one for one in shown], names)
    more = ["", *(f"   … {one.more} more times until {one.last.cells['Age']}" if one.last else "" for one in shown)]
    return [line + after for line, after in zip(lines, more, strict=True)]


def _table(rows: list[Row], names: list[str]) -> list[str]:
    """The lines of a table; with a column for the namespace when there are several."""
    if not rows:
        return []
    header, several = [name.upper() for name in names], len({row.key.namespace for row in rows}) > 1
    cells = [[row.cells[name] for name in names] for row in rows]
    if several:
        header = ["NAMESPACE", *header]
        cells = [[row.key.namespace, *line] for row, line in zip(rows, cells, strict=True)]
    return align(header, cells)
