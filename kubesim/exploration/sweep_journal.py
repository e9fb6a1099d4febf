"""The results of a sweep on disk: rows as they come in a journal, and in their order in the file that is asked for.

The journal (``RESULTS.part``) begins with the header; each batch is appended as a whole and flushed. A process that is
killed loses at most the batches under way; a line cut off in the middle is taken away when the sweep goes on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import msgspec

from kubesim.errors import ScenarioError
from kubesim.exploration.sweep import SweepHeader, decode_header, encode_header

_ROW: Final = re.compile(rb'\{"row":(\d+)[,}]')


class Journal:
    """The rows there are so far; used as a context. ``finish`` turns it into the results."""

    def __init__(self, results: Path, header: SweepHeader) -> None:
        """Raises ScenarioError if the file there holds the results of another sweep."""
        self.results = results
        self.part = results.with_name(results.name + ".part")
        self.header = encode_header(header)
        self._offsets: dict[int, tuple[int, int]] = {}
        self._file: BinaryIO | None = None
        for path in (self.results, self.part):
            if path.exists():
                check_header(path, header)
        self.is_finished = self.results.exists()
        if not self.is_finished:
            self._open()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; what is in it stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def done(self) -> frozenset[int]:
        """The rows that are there."""
        return frozenset(self._offsets)

    def append(self, rows: Iterable[bytes]) -> None:
        """Take a batch of rows, and see that the system has it."""
        if self._file is None:
            raise ValueError("the journal is closed")
        at = self._file.seek(0, os.SEEK_END)
        batch = b"".join(row + b"\n" for row in rows)
        self._file.write(batch)
        self._file.flush()
        self._note(batch, at)

    def finish(self) -> None:
        """Write the results with their rows in order, in one step; the journal goes."""
        draft = self.results.with_name(self.results.name + ".draft")
        with draft.open("wb") as out:
            out.write(self.header + b"\n")
            for line in self.lines():
                out.write(line + b"\n")
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, self.results)
        self.close()
        self.part.unlink()
        self.is_finished = True

    def lines(self) -> Iterator[bytes]:
        """The rows in order, as they stand on disk."""
        if self.is_finished:
            with self.results.open("rb") as file:
                next(file, None)
                yield from (line.rstrip(b"\n") for line in file)
            return
        with self.part.open("rb") as file:
            for row in sorted(self._offsets):
                at, length = self._offsets[row]
                file.seek(at)
                yield file.read(length)

    def _open(self) -> None:
        """Open the journal, the last line taken away if it was cut off."""
        if not self.part.exists():
            self.part.write_bytes(self.header + b"\n")
        content = self.part.read_bytes()
        whole = content.rfind(b"\n") + 1
        self._file = self.part.open("r+b")
        self._file.truncate(whole)
        begin = content.find(b"\n") + 1
        self._note(content[begin:whole], begin)

    def _note(self, batch: bytes, at: int) -> None:
        for line in batch.splitlines(keepends=True):
            if match := _ROW.match(line):
                self._offsets[int(match[1])] = (at, len(line) - 1)
            at += len(line)


def check_header(path: Path, header: SweepHeader) -> None:
    """Whether a file holds rows of this very sweep; ScenarioError says what is different."""
    with path.open("rb") as file:
        line = file.readline()
    if not line.endswith(b"\n"):
        path.unlink()
        return
    try:
        found = decode_header(line)
    except ScenarioError as problem:
        raise ScenarioError(f"{problem.message}; name another file, or remove it", path=str(path), line=1) from problem
    different = [name for name in header.__struct_fields__ if getattr(found, name) != getattr(header, name)]
    if different:
        raise ScenarioError(
            f"holds another sweep, which differs in {', '.join(different)}; name another file, or use --restart",
            path=str(path),
        )


def read_results(path: Path) -> tuple[SweepHeader, Iterator[dict[str, object]]]:
    """The header and the rows of results, or of a journal. Raises ScenarioError for what is none."""
    try:
        file = path.open("rb")
    except OSError as problem:
        raise ScenarioError(f"cannot read the file: {problem.strerror}", path=str(path)) from problem
    header = decode_header(file.readline())

    def rows() -> Iterator[dict[str, object]]:
        with file:
            for line in file:
                if line.endswith(b"\n"):
                    yield msgspec.json.decode(line)

    return header, rows()
