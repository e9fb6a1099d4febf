"""``kubectl logs --all-containers --prefix --timestamps``, of all Pods and all runs, in order of time.

Departure: kubectl shows one run of each container and each container in turn; here everything is one stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.history.history import History
from kubesim.history.records import OutputWritten
from kubesim.objects.status import render_time
from kubesim.units import SECOND, Instant

_NANOSECOND_DIGITS: Final = 9


def log_lines(history: History) -> Iterator[str]:
    """Every line that a container wrote, with who wrote it and when."""
    for record in sorted(history.of(OutputWritten), key=lambda written: written.at):
        yield f"[pod/{record.pod}/{record.container}] {precise_time(record.at)} {record.line}"


def precise_time(at: Instant) -> str:
    """A time with its nanoseconds, as container runtimes write it (RFC 3339)."""
    return f"{(render_time(at) or '').removesuffix('Z')}.{at % SECOND:0{_NANOSECOND_DIGITS}d}Z"
