"""What a container's status says in words of its end: what it wrote to a file, else the end of its log (S-22, S-42).

Source: ``kuberuntime_container.go`` convertToKubeContainerStatus, getTerminationMessage; 1.27 to 1.36.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FALLBACK: Final = "FallbackToLogsOnError"
LOG_LINES: Final = 80
"""How many lines at the end of a log are looked at."""
_LOG_BYTES: Final = 2048
_FILE_BYTES: Final = 4096
"""How many bytes are taken at most, from the end of the log and of the file."""


def termination_message(written: str, exit_code: int, log_tail: Iterable[str] | None) -> str:
    """The message of a container that ended.

    ``written``: what its termination message file holds. ``log_tail``: the last :data:`LOG_LINES` lines of its log,
    None if its policy does not fall back to them; they count only after a failure, and only if nothing was written.
    """
    if written or log_tail is None or exit_code == 0:
        return _end(written, _FILE_BYTES)
    return _end("".join(f"{line}\n" for line in log_tail), _LOG_BYTES)


def _end(text: str, limit: int) -> str:
    """The last bytes of a text; a character cut in two is left out."""
    return text.encode()[-limit:].decode(errors="ignore")
