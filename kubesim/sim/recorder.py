"""Where records go while a run lasts: the one list that becomes the history."""

from __future__ import annotations

from typing import Final

from kubesim.errors import ScenarioError
from kubesim.history.records import ActionDone, AnyRecord, Assumed, Ended, NotModelled, PodSummary
from kubesim.sim.summaries import PodSummaries
from kubesim.store import Change
from kubesim.units import Instant

_REFUSED: Final = 400
LEVELS: Final = ("full", "summary", "none")
_ALWAYS: Final = (Assumed, NotModelled, PodSummary, Ended)
"""What is kept on every level, if it is made."""


class Recorder:
    """Collects records in the order things happened; says an assumption about one subject only once.

    Levels below ``full`` keep memory bounded: ``summary`` holds a line for each Pod, the actions and what was assumed;
    ``none`` only what was assumed, what was refused and how the run ended.
    """

    def __init__(self, level: str = "full") -> None:
        if level not in LEVELS:
            raise ScenarioError(f'history level "{level}" is unknown; use one of {", ".join(LEVELS)}')
        self.level = level
        self.records: list[AnyRecord] = []
        self.pods = PodSummaries() if level == "summary" else None
        self._said: set[tuple[str, str]] = set()

    def record(self, record: AnyRecord) -> None:
        """Append one record, if the level keeps it; its instant must be that of the clock."""
        if self.level == "full" or isinstance(record, _ALWAYS) or self._tells(record):
            self.records.append(record)

    def _tells(self, record: AnyRecord) -> bool:
        return isinstance(record, ActionDone) and (self.level == "summary" or record.code >= _REFUSED)

    def pod_changed(self, change: Change) -> None:
        """A Pod was written: what a summary keeps of it."""
        if self.pods is not None and (found := self.pods.changed(change)) is not None:
            self.records.append(found)

    def finish(self, ended: Ended) -> None:
        """The run is over: the Pods that are left, then how it ended."""
        if self.pods is not None:
            self.records.extend(self.pods.rest(ended.at))
        self.records.append(ended)

    def assume(self, at: Instant, subject: str, text: str) -> None:
        """Note once what was taken for granted about a subject; below level ``full``, about the first of its kind."""
        said = (subject if self.level == "full" else "", text)
        if said not in self._said:
            self._said.add(said)
            self.record(Assumed(at=at, subject=subject, text=text))

    def not_modelled(self, at: Instant, subject: str, field: str, text: str) -> None:
        """Note once a field of the input that this run does not act upon."""
        if (subject, field) not in self._said:
            self._said.add((subject, field))
            self.record(NotModelled(at=at, subject=subject, field=field, text=text))
