"""When nobody looked after a node's Pods: its kubelet, its machine or its network was gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.units import Instant, parse_duration

_GONE: Final = ("kubelet-stop", "kubelet-restart", "node-down", "node-reboot", "node-shutdown", "network-down")
_BACK: Final = ("kubelet-start", "node-up", "network-up")


@dataclass(frozen=True, slots=True)
class Absence:
    """A time without a kubelet that is heard. ``is_new``: the one that comes back is a new process."""

    start: Instant
    end: Instant
    is_new: bool


def absences(history: History, node: str) -> tuple[Absence, ...]:
    """What was done to this node, from the fault until it is said to be over, or the end."""
    found: list[Absence] = []
    for record in history.of(ActionDone):
        if record.arguments.get("node") != node:
            continue
        if record.do in _BACK:
            found = [Absence(one.start, min(one.end, record.at), one.is_new) for one in found]
        elif record.do in _GONE:
            length = record.arguments.get("takes") or record.arguments.get("for")
            end = record.at + parse_duration(str(length)) if length else history.ended
            found.append(Absence(record.at, end, record.do != "network-down"))
    return tuple(found)
