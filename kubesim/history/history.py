"""The record of one run as a read-only sequence, with JSON Lines in and out.

What can be asked of it beyond its records lives beside it: the objects at an instant in ``replay``, the lives of Pods
and containers in ``lives``. Nothing here computes anything that the records do not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar, overload

import msgspec

from kubesim.errors import KubesimError
from kubesim.history import lives, replay
from kubesim.history.lives import PodLife
from kubesim.history.records import (
    AnyRecord,
    Assumed,
    Ended,
    EventEmitted,
    Header,
    NotModelled,
    Record,
    RuntimeChanged,
)
from kubesim.history.replay import Key, Version
from kubesim.units import Instant

_ENCODER = msgspec.json.Encoder(order="deterministic")
_HEADER = msgspec.json.Decoder(Header)
_RECORD: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)

R = TypeVar("R", bound=Record)


class HistoryError(KubesimError):
    """A file that should hold a history and does not."""


class History(Sequence[AnyRecord]):
    """Header and records of one run, in the order in which things happened."""

    def __init__(self, header: Header, records: Iterable[AnyRecord]) -> None:
        self.header = header
        self.records: tuple[AnyRecord, ...] = tuple(records)

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> AnyRecord: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[AnyRecord, ...]: ...
    def __getitem__(self, index: int | slice) -> AnyRecord | tuple[AnyRecord, ...]:
        return self.records[index]

    def __iter__(self) -> Iterator[AnyRecord]:
        return iter(self.records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.header == other.header and self.records == other.records

    __hash__ = None  # type: ignore[assignment]  # records hold dicts, so a history cannot be a key

    def __repr__(self) -> str:
        nodes = ", ".join(f"{node.name} {node.release}" for node in self.header.nodes)
        return f"<History of {self.header.scenario!r} on {self.header.control_plane.release} ({nodes}): {len(self)}>"

    drawn: ClassVar[Callable[[History], str] | None] = None
    """How a notebook shows a history, as HTML. Nothing is drawn in this room; ``kubesim.api`` says how it is done."""

    def _repr_html_(self) -> str | None:
        return None if History.drawn is None else History.drawn(self)

    # -- files -------------------------------------------------------------------------------------------------

    def lines(self) -> Iterator[bytes]:
        """The JSON Lines, header first, without line ends; the same history gives the same bytes."""
        yield _ENCODER.encode(self.header)
        for record in self.records:
            yield _ENCODER.encode(record)

    def to_jsonl(self) -> str:
        """The whole history as JSON Lines."""
        return "".join(line.decode() + "\n" for line in self.lines())

    def write(self, path: str | Path) -> None:
        """Write the history to a file as JSON Lines."""
        with Path(path).open("wb") as file:
            for line in self.lines():
                file.write(line + b"\n")

    @classmethod
    def read(cls, path: str | Path) -> History:
        """Read a history from a file of JSON Lines; raises HistoryError with the line that is wrong."""
        with Path(path).open("rb") as file:
            return cls.of_lines(file, str(path))

    @classmethod
    def of_lines(cls, lines: Iterable[bytes | str], name: str = "history") -> History:
        """A history from JSON Lines; empty lines are skipped. ``name`` says in errors where they came from."""
        header: Header | None = None
        records: list[AnyRecord] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                if header is None:
                    header = _HEADER.decode(line)
                else:
                    records.append(_RECORD.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                kind = "the header of a history" if header is None else "a record"
                raise HistoryError(f"{name}:{number}: not {kind}: {error}") from error
        if header is None:
            raise HistoryError(f"{name}: empty; a history begins with its header")
        return cls(header, records)

    # -- folds -------------------------------------------------------------------------------------------------

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """The records of one type, in order."""
        return tuple(record for record in self.records if isinstance(record, kind))

    @property
    def started(self) -> Instant:
        """t=0: when the first Pod or Job was accepted."""
        return self.header.started

    @property
    def ended(self) -> Instant:
        """When the run was over: the last instant that it knows about."""
        return self.records[-1].at if self.records else self.header.started

    @property
    def end(self) -> Ended | None:
        """Why the run was over; None for a history that was cut off."""
        last = self.records[-1] if self.records else None
        return last if isinstance(last, Ended) else None

    def objects(self, at: Instant | None = None) -> dict[Key, dict[str, Any]]:
        """The raw objects that exist at an instant (default: in the end), in the order of their creation."""
        return replay.objects(self.records, at)

    def versions(self, kind: str, namespace: str, name: str) -> tuple[Version, ...]:
        """Every committed version of one object, the deleted one last."""
        return self.all_versions.get(Key(kind, namespace, name), ())

    @cached_property
    def all_versions(self) -> dict[Key, tuple[Version, ...]]:
        """Every version of every object; objects in the order of their creation."""
        return replay.versions(self.records)

    @cached_property
    def events(self) -> tuple[EventEmitted, ...]:
        """The Kubernetes Events, updates of their counts included."""
        return self.of(EventEmitted)

    @cached_property
    def runtime(self) -> tuple[RuntimeChanged, ...]:
        """What was true in the container runtime."""
        return self.of(RuntimeChanged)

    @property
    def assumptions(self) -> tuple[Assumed, ...]:
        """What was taken for granted."""
        return self.of(Assumed)

    @property
    def not_modelled(self) -> tuple[NotModelled, ...]:
        """What the input asked for and this run did not act upon."""
        return self.of(NotModelled)

    @property
    def pods(self) -> tuple[PodLife, ...]:
        """The lives of all Pods, in the order of their creation."""
        return tuple(self._pods.values())

    def pod(self, name: str, namespace: str | None = None) -> PodLife:
        """The life of one Pod; the namespace may be left out where the name is unique. Raises KubesimError if not."""
        return lives.find_pod(self._pods, name, namespace)

    def makers(self, life: PodLife) -> tuple[Key, ...]:
        """What made a Pod: its controller, that one's controller, and so on; of the Pod of a Deployment two."""
        found: list[Key] = []
        versions = life.versions
        while versions:
            owners = versions[0].object["metadata"].get("ownerReferences") or ()
            owner = next((one for one in owners if one.get("controller")), None)
            if owner is None:
                break
            found.append(Key(owner["kind"], life.namespace, owner["name"]))
            versions = self.all_versions.get(found[-1], ())
        return tuple(found)

    @cached_property
    def _pods(self) -> dict[Key, PodLife]:
        return lives.pods(self.all_versions, self.records)
