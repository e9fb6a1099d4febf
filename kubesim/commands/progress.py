"""What a person sees who waits for more than a second: how far it is, on stderr, and only on a terminal."""

from __future__ import annotations

import sys
import threading
import time
from datetime import timedelta
from types import TracebackType
from typing import Any, Final

_PATIENCE: Final = 1.0
_BETWEEN: Final = 0.1
"""Seconds between two changes of a line that changes often."""


class Progress:
    """A counter of finished pieces; used as a context, so that its line is wiped whatever happens."""

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what = total, what
        self.done = 0
        self._begun = time.monotonic()
        self._is_shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def step(self, name: str) -> None:
        """One more piece is about to begin."""
        if sys.stderr.isatty() and time.monotonic() - self._begun >= _PATIENCE:
            sys.stderr.write(f"\r\x1b[K{self.done}/{self.total} {self.what}  {name}")
            sys.stderr.flush()
            self._is_shown = True
        self.done += 1

    def wipe(self) -> None:
        """Take the line away, before something else is printed."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_shown = False


class Rate:
    """A bar of finished pieces with their rate and the time that is left, by rich; used as a context."""

    def __init__(self, total: int, done: int, what: str) -> None:
        """``done`` of the pieces are there already, and say nothing about the rate."""
        self.total, self.done, self.what = total, done, what
        self._here = 0
        self._begun = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Rate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, pieces: int) -> None:
        """So many more are finished."""
        self.done += pieces
        self._here += pieces
        seconds = time.monotonic() - self._begun
        if not sys.stderr.isatty() or seconds < _PATIENCE:
            return
        if self._bar is None:
            self._show()
        rate = self._here / seconds
        left = timedelta(seconds=round((self.total - self.done) / rate)) if rate else "?"
        self._bar.update(self._task, completed=self.done, rate=f"{rate:.1f}/s", left=f"{left} left")

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bars

        columns = (
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            "{task.fields[rate]}",
            "{task.fields[left]}",
        )
        shown = [TextColumn(column) if isinstance(column, str) else column for column in columns]
        self._bar = Bars(*shown, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self.what, total=self.total, completed=self.done, rate="", left="")
        self._bar.start()


class Frontier:
    """How many states were seen, how many are still to be gone into, and how fast it goes; used as a context."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._begun = time.monotonic()
        self._shown_at = 0.0

    def __enter__(self) -> Frontier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown_at:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def advance(self, seen: int, left: int) -> None:
        """So many states were seen by now, and so many are left to be gone into."""
        now = time.monotonic()
        seconds = now - self._begun
        if seconds < _PATIENCE or now - self._shown_at < _BETWEEN or not sys.stderr.isatty():
            return
        self._shown_at = now
        sys.stderr.write(f"\r\x1b[K{self.what}: {seen} states seen, {left} to go into, {seen / seconds:.0f}/s")
        sys.stderr.flush()


class Waiting:
    """A word on what is being waited for, once it takes longer than a second; used as a context."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_shown = False
        self._timer = threading.Timer(_PATIENCE, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Waiting:
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._timer.ident is not None:
            self._timer.join()
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _show(self) -> None:
        self._is_shown = True
        sys.stderr.write(f"{self._what} …")
        sys.stderr.flush()
