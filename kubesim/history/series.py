"""Kubernetes Events with their updates taken together: each once, with the count it reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kubesim.history.records import EventEmitted, Record


@dataclass(frozen=True, slots=True)
class Series:
    """One Event object: as it was created and as it is in the end. ``order``: place of its creation in the history."""

    first: EventEmitted
    last: EventEmitted
    order: int


def event_series(records: Iterable[Record]) -> tuple[Series, ...]:
    """The Events of a history in order of creation; an update belongs to the newest Event that says the same."""
    found: list[Series] = []
    newest: dict[tuple[str, ...], int] = {}
    for order, event in enumerate(records):
        if not isinstance(event, EventEmitted):
            continue
        same = (event.kind, event.namespace, event.name, event.type, event.reason, event.message, event.field_path)
        if event.update and same in newest:
            found[newest[same]] = replace(found[newest[same]], last=event)
        else:
            newest[same] = len(found)
            found.append(Series(event, event, order))
    return tuple(found)
