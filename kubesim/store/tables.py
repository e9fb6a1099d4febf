"""The tables that ``kubectl get`` prints, computed by the API server: its release decides headers and cells.

Source: ``pkg/printers/internalversion/printers.go`` printPod, printJob and printCronJob, and
``apimachinery/pkg/util/duration`` (C-80 to C-87). Works on raw objects, as the API server has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubesim.objects.status import instant_of
from kubesim.releases import Release
from kubesim.units import DAY, HOUR, MINUTE, SECOND, Duration, Instant

NONE: Final = "<none>"
UNKNOWN: Final = "<unknown>"
INVALID: Final = "<invalid>"

_YEAR: Final = 365 * DAY
_TERMINAL: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``wide``: only with ``-o wide``. kubectl prints the name in capitals."""

    name: str
    wide: bool = False


_POD_COLUMNS: Final = (
    *(Column(name) for name in ("Name", "Ready", "Status", "Restarts", "Age")),
    *(Column(name, wide=True) for name in ("IP", "Node", "Nominated Node", "Readiness Gates")),
)
_JOB_COLUMNS: Final = (
    *(Column(name) for name in ("Name", "Completions", "Duration", "Age")),
    *(Column(name, wide=True) for name in ("Containers", "Images", "Selector")),
)
_CRON_JOB_COLUMNS: Final = (
    *(Column(name) for name in ("Name", "Schedule", "Suspend", "Active", "Last Schedule", "Age")),
    *(Column(name, wide=True) for name in ("Containers", "Images", "Selector")),
)
_CRON_JOB_COLUMNS_WITH_ZONE: Final = (*_CRON_JOB_COLUMNS[:2], Column("Timezone"), *_CRON_JOB_COLUMNS[2:])
_JOB_COLUMNS_WITH_STATUS: Final = (_JOB_COLUMNS[0], Column("Status"), *_JOB_COLUMNS[1:])


def pod_headers(release: Release) -> tuple[Column, ...]:
    """The columns of ``kubectl get pods``; the same in every release (C §9)."""
    return _POD_COLUMNS


def job_headers(release: Release) -> tuple[Column, ...]:
    """The columns of ``kubectl get jobs`` (C §9.1)."""
    return _JOB_COLUMNS_WITH_STATUS if release.policy("job_status_column") else _JOB_COLUMNS


def cron_job_headers(release: Release) -> tuple[Column, ...]:
    """The columns of ``kubectl get cronjobs`` (C §9.1)."""
    return _CRON_JOB_COLUMNS_WITH_ZONE if release.policy("cronjob_time_zone_column") else _CRON_JOB_COLUMNS


def pod_columns(raw: Mapping[str, Any], release: Release, now: Instant) -> dict[str, str]:
    """The cells of a Pod's row by column name, in column order, the wide ones last (C-80 to C-86)."""
    row = pod_summary(raw, release)
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    ips = status.get("podIPs") or ()
    return {
        "Name": raw["metadata"]["name"],
        "Ready": f"{row.ready}/{row.total}",
        "Status": row.status,
        "Restarts": _restarts(row, release, now),
        "Age": age_cell(raw["metadata"].get("creationTimestamp"), now),
        "IP": (ips[0].get("ip") if ips else "") or NONE,
        "Node": spec.get("nodeName") or NONE,
        "Nominated Node": status.get("nominatedNodeName") or NONE,
        "Readiness Gates": _readiness_gates(spec, status),
    }


def job_columns(raw: Mapping[str, Any], release: Release, now: Instant) -> dict[str, str]:
    """The cells of a Job's row by column name, in column order, the wide ones last (C-87)."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    cells = {
        "Name": raw["metadata"]["name"],
        "Status": job_status(raw, release),
        "Completions": _completions(spec, status),
        "Duration": _job_duration(status, now),
        "Age": age_cell(raw["metadata"].get("creationTimestamp"), now),
        "Containers": ",".join(container["name"] for container in containers),
        "Images": ",".join(container.get("image", "") for container in containers),
        "Selector": selector_text(spec.get("selector")),
    }
    return {column.name: cells[column.name] for column in job_headers(release)}


def cron_job_columns(raw: Mapping[str, Any], release: Release, now: Instant) -> dict[str, str]:
    """The cells of a CronJob's row by column name (printCronJob); the release decides on the columns."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    containers = ((job.get("template") or {}).get("spec") or {}).get("containers") or ()
    last = status.get("lastScheduleTime")
    cells = {
        "Name": raw["metadata"]["name"],
        "Schedule": spec.get("schedule", ""),
        "Timezone": spec.get("timeZone") or NONE,
        "Suspend": {None: "<unset>"}.get(spec.get("suspend"), str(spec.get("suspend"))),
        "Active": str(len(status.get("active") or ())),
        "Last Schedule": NONE if last is None else age_cell(last, now),
        "Age": age_cell(raw["metadata"].get("creationTimestamp"), now),
        "Containers": ",".join(container["name"] for container in containers),
        "Images": ",".join(container.get("image", "") for container in containers),
        "Selector": selector_text(job.get("selector")),
    }
    return {column.name: cells[column.name] for column in cron_job_headers(release)}


def human_duration(duration: Duration) -> str:
    """A duration in the largest two units that matter, truncated: 90s, 5m10s, 7d23h (C-86)."""
    seconds = abs(duration) // SECOND
    if duration < 0:
        return INVALID if seconds > 1 else "0s"
    if duration < 2 * MINUTE:
        return f"{seconds}s"
    for limit, unit, letter, part, part_letter in (
        (10 * MINUTE, MINUTE, "m", SECOND, "s"),
        (3 * HOUR, MINUTE, "m", 0, ""),
        (8 * HOUR, HOUR, "h", MINUTE, "m"),
        (2 * DAY, HOUR, "h", 0, ""),
        (8 * DAY, DAY, "d", HOUR, "h"),
        (2 * _YEAR, DAY, "d", 0, ""),
        (8 * _YEAR, _YEAR, "y", DAY, "d"),
    ):
        if duration < limit:
            rest = duration % unit // part if part else 0
            return f"{duration // unit}{letter}" + (f"{rest}{part_letter}" if rest else "")
    return f"{duration // _YEAR}y"


# Pods ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PodSummary:
    """What READY, STATUS and RESTARTS of a Pod are made of. ``last_restart``: the newest end of an earlier run."""

    ready: int
    total: int
    status: str
    restarts: int
    last_restart: Instant | None


@dataclass(slots=True)
class _Count:
    """What is summed over the statuses of one kind of container."""

    ready: int = 0
    restarts: int = 0
    last_restart: Instant | None = None

    def add_restarts(self, status: Mapping[str, Any]) -> None:
        self.restarts += status.get("restartCount", 0)
        ended = (status.get("lastState") or {}).get("terminated")
        finished = None if ended is None else instant_of(ended.get("finishedAt"))
        if finished is not None and (self.last_restart is None or finished > self.last_restart):
            self.last_restart = finished


def pod_summary(raw: Mapping[str, Any], release: Release) -> PodSummary:
    """READY, STATUS and RESTARTS of a Pod (C-80 to C-85)."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    counts_sidecars = bool(release.policy("printer_counts_sidecars"))
    sidecars = {
        entry["name"]
        for entry in spec.get("initContainers") or ()
        if counts_sidecars and entry.get("restartPolicy") == "Always"
    }
    inits, side = _Count(), _Count()
    trouble = _walk_inits(spec, status, sidecars, inits, side)
    text = trouble or _first_text(status)
    count = inits
    if not trouble or (counts_sidecars and _condition_is_true(status, "Initialized")):
        count = side
        text = _walk_mains(status, text, count, release)
    return PodSummary(
        ready=inits.ready + side.ready,
        total=len(spec.get("containers") or ()) + len(sidecars),
        status=_deleted_text(raw, release) or text,
        restarts=count.restarts,
        last_restart=count.last_restart,
    )


def _first_text(status: Mapping[str, Any]) -> str:
    """STATUS before any container is looked at (C-81)."""
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            return "SchedulingGated"
    return status.get("reason") or status.get("phase") or ""


def _walk_inits(
    spec: Mapping[str, Any], status: Mapping[str, Any], sidecars: set[str], inits: _Count, side: _Count
) -> str:
    """STATUS of the first init entry in trouble, "" if there is none; counts those up to it (C-81, C-85).

    ``inits``: restarts of all entries. ``side``: restarts and readiness of sidecars.
    """
    for index, entry in enumerate(status.get("initContainerStatuses") or ()):
        is_sidecar = entry["name"] in sidecars
        inits.add_restarts(entry)
        if is_sidecar:
            side.add_restarts(entry)
        state = entry.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and ended.get("exitCode", 0) == 0:
            continue
        if is_sidecar and entry.get("started"):
            side.ready += bool(entry.get("ready"))
            continue
        if ended is not None:
            return f"Init:{_ended_text(ended)}"
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(spec.get('initContainers') or ())}"
    return ""


def _walk_mains(status: Mapping[str, Any], text: str, count: _Count, release: Release) -> str:
    """STATUS of a pod whose mains count: the first one, by name, that waits or has ended gives it (C-82)."""
    running, error = False, ""
    for entry in reversed(status.get("containerStatuses") or ()):
        count.add_restarts(entry)
        state = entry.get("state") or {}
        ended = state.get("terminated")
        if (state.get("waiting") or {}).get("reason"):
            text = state["waiting"]["reason"]
        elif ended is not None:
            text = _ended_text(ended)
            error = text if ended.get("exitCode", 0) != 0 else error
        elif entry.get("ready") and state.get("running") is not None:
            running = True
            count.ready += 1
    if text != "Completed":
        return text
    if running and _condition_is_true(status, "Ready"):
        return "Running"
    if error and release.policy("printer_error_before_not_ready"):
        return error
    return "NotReady" if running else text


def _ended_text(ended: Mapping[str, Any]) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _deleted_text(raw: Mapping[str, Any], release: Release) -> str:
    """STATUS of a pod being deleted, "" if that does not show (C-83)."""
    status = raw.get("status") or {}
    if raw["metadata"].get("deletionTimestamp") is None:
        return ""
    if status.get("reason") == "NodeLost":
        return "Unknown"
    if release.policy("printer_terminating") == "unless_terminal" and status.get("phase") in _TERMINAL:
        return ""
    return "Terminating"


def _restarts(row: PodSummary, release: Release, now: Instant) -> str:
    """RESTARTS, with the time since the newest one (C-85)."""
    if row.last_restart is None:
        return str(row.restarts)
    if row.restarts == 0 and release.policy("printer_restart_age") == "with_restarts":
        return "0"
    return f"{row.restarts} ({human_duration(now - row.last_restart)} ago)"


def _readiness_gates(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return NONE
    return f"{sum(_condition_is_true(status, gate['conditionType']) for gate in gates)}/{len(gates)}"


# Jobs ---------------------------------------------------------------------------------------------------------------


def job_status(raw: Mapping[str, Any], release: Release) -> str:
    """STATUS of a Job: the first that holds (C-87)."""
    status = raw.get("status") or {}
    for type_ in ("Complete", "Failed"):
        if _condition_is_true(status, type_):
            return type_
    if raw["metadata"].get("deletionTimestamp") is not None:
        return "Terminating"
    for type_ in ("Suspended", "FailureTarget"):
        if _condition_is_true(status, type_):
            return type_
    if release.policy("job_status_success_criteria_met") and _condition_is_true(status, "SuccessCriteriaMet"):
        return "SuccessCriteriaMet"
    return "Running"


def _completions(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    succeeded = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(status: Mapping[str, Any], now: Instant) -> str:
    started = instant_of(status.get("startTime"))
    if started is None:
        return ""
    completed = instant_of(status.get("completionTime"))
    return human_duration((now if completed is None else completed) - started)


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A label selector as one text, requirements sorted by key (``labels.Selector.String``)."""
    if not selector:
        return NONE
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    parts += [(entry["key"], _requirement(entry)) for entry in selector.get("matchExpressions") or ()]
    return ",".join(text for _, text in sorted(parts)) or NONE


def _requirement(entry: Mapping[str, Any]) -> str:
    key = entry["key"]
    match entry["operator"]:
        case "Exists":
            return str(key)
        case "DoesNotExist":
            return f"!{key}"
        case operator:
            return f"{key} {str(operator).lower()} ({','.join(sorted(entry.get('values') or ()))})"


# Both ---------------------------------------------------------------------------------------------------------------


def age_cell(timestamp: str | None, now: Instant) -> str:
    """How long ago an object was created."""
    created = instant_of(timestamp)
    return UNKNOWN if created is None else human_duration(now - created)


def _condition_is_true(status: Mapping[str, Any], type_: str) -> bool:
    conditions: Iterable[Mapping[str, Any]] = status.get("conditions") or ()
    found = next((condition for condition in conditions if condition.get("type") == type_), None)
    return found is not None and found.get("status") == "True"
