"""What a Pod asks of its node in all, in words (C-67)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kubesim.history.history import History
from kubesim.releases import Component, release
from kubesim.scheduler import pod_info

_UNITS: Final = ((1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki"))
_MILLI: Final = 1000


def requests_text(raw: Mapping[str, Any], history: History) -> str:
    """``cpu 200m, memory 128Mi``, as the scheduler of the run counts; empty for a Pod that asks for nothing."""
    head = history.header.control_plane
    scheduler = release(head.release, head.feature_gates, component=Component.SCHEDULER, bugs=head.bugs)
    amounts = pod_info({"metadata": {"uid": "", "name": ""}, "spec": raw.get("spec") or {}}, scheduler).facts.requests
    return ", ".join(f"{name} {amount_text(name, amounts[name])}" for name in sorted(amounts) if amounts[name])


def amount_text(resource: str, value: int) -> str:
    """An amount in the largest unit that shows it whole; ``value`` in thousandths of a CPU, or in units."""
    if resource == "cpu":
        return f"{value}m" if value % _MILLI else str(value // _MILLI)
    for size, unit in _UNITS:
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return str(value)
