"""A history up to an instant: what a watcher knew then, as a history of its own."""

from __future__ import annotations

from kubesim.history.history import History
from kubesim.history.records import Ended
from kubesim.units import Instant


def cut(history: History, at: Instant) -> History:
    """What had happened up to and including an instant; it ends there, so that ages are those of that instant."""
    known = [record for record in history if record.at <= at and not isinstance(record, Ended)]
    return History(history.header, (*known, Ended(at=at, why="until")))
