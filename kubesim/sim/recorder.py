"""Where records go while a run lasts: the one list that becomes the history."""

from __future__ import annotations

from kubesim.history.records import AnyRecord, Assumed, NotModelled
from kubesim.units import Instant


class Recorder:
    """Collects records in the order things happened; says an assumption about one subject only once."""

    def __init__(self) -> None:
        self.records: list[AnyRecord] = []
        self._said: set[tuple[str, str]] = set()

    def record(self, record: AnyRecord) -> None:
        """Append one record; its instant must be that of the clock."""
        self.records.append(record)

    def assume(self, at: Instant, subject: str, text: str) -> None:
        """Note once what was taken for granted about a subject."""
        if (subject, text) not in self._said:
            self._said.add((subject, text))
            self.record(Assumed(at=at, subject=subject, text=text))

    def not_modelled(self, at: Instant, subject: str, field: str, text: str) -> None:
        """Note once a field of the input that this run does not act upon."""
        if (subject, field) not in self._said:
            self._said.add((subject, field))
            self.record(NotModelled(at=at, subject=subject, field=field, text=text))
