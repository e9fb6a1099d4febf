"""What a status says in words of a container's end (S-22, S-42)."""

from __future__ import annotations

import pytest

from kubesim.kubelet.termination_message import termination_message


@pytest.mark.parametrize(
    ("written", "code", "log", "message"),
    [
        ("bye\n", 0, None, "bye\n"),
        ("", 1, None, ""),
        ("", 1, ["one", "two"], "one\ntwo\n"),
        ("", 0, ["one", "two"], ""),
        ("bye", 1, ["one"], "bye"),
        ("", 1, [], ""),
        ("a" * 5000, 1, None, "a" * 4096),
        ("", 1, ["b" * 3000], "b" * 2047 + "\n"),
        ("", 1, ["é" * 1500], "é" * 1023 + "\n"),
    ],
)
def test_messages(written: str, code: int, log: list[str] | None, message: str) -> None:
    """``getTerminationMessage``: the file, at most 4096 bytes; else, after a failure, 2048 bytes of the log."""
    assert termination_message(written, code, log) == message
