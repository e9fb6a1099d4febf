"""What becomes of the scheduler's Events on their way to the API server: equal ones grow into a series.

Unlike the classic recorder (S-90) this one knows an Event by its reason, action and the *version* of the object, not by
its message: a try after the pod was written again makes a new Event, a further try of the same version a series
with the first message. The API server hears of the second at once, and of the rest when the series is written anew
(every 30 min) or ends. Source: ``client-go/tools/events/event_broadcaster.go``: recordToSink,
refreshExistingEventSeries, finishSeries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from kubesim.units import MINUTE, Duration, Instant

FINISH_AFTER: Final[Duration] = 6 * MINUTE
"""Both how long an Event is remembered after it last came, and how often that is looked at."""
REFRESH_EVERY: Final[Duration] = 30 * MINUTE

Key: TypeAlias = tuple[str, ...]
"""Type, reason, and uid and resourceVersion of the object; the action follows from the reason."""


@dataclass(frozen=True, slots=True)
class SeriesEvent:
    """An Event as far as it has come. ``count`` 1: no series yet."""

    type: str
    reason: str
    message: str
    first: Instant
    last: Instant
    count: int = 1


@dataclass(frozen=True, slots=True)
class SeriesMemory:
    """The Events a recorder remembers; begins empty."""

    events: Mapping[Key, SeriesEvent] = field(default_factory=dict)


def observe(memory: SeriesMemory, key: Key, event: SeriesEvent) -> tuple[SeriesMemory, SeriesEvent | None]:
    """The memory after one more Event, and what is written at once: a new one, or the start of a series."""
    known = memory.events.get(key)
    grown = event if known is None else replace(known, count=known.count + 1, last=event.last)
    return SeriesMemory({**memory.events, key: grown}), grown if grown.count <= 2 else None


def refreshed(memory: SeriesMemory) -> tuple[tuple[Key, SeriesEvent], ...]:
    """The series that are written anew at the refresh."""
    return tuple((key, event) for key, event in memory.events.items() if event.count > 1)


def finished(memory: SeriesMemory, now: Instant) -> tuple[SeriesMemory, tuple[tuple[Key, SeriesEvent], ...]]:
    """What is forgotten at a look that happens now, and the series among it, which are written a last time."""
    over = {key: event for key, event in memory.events.items() if event.last < now - FINISH_AFTER}
    left = SeriesMemory({key: event for key, event in memory.events.items() if key not in over})
    return left, tuple((key, event) for key, event in over.items() if event.count > 1)
