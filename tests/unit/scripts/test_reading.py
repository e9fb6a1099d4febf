"""What is read off a script unrun: waits, ends, and whether it depends on anything but itself."""

from __future__ import annotations

import pytest

from kubesim.scripts.reading import Wait, depends_on_outside, never_ends, read, shell_text, waits

FILE, PORT = Wait(path="/x/y"), Wait(port="8080")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("until test -f /x/y; do sleep 1; done; exec app", [FILE]),
        ("while [ ! -e /x/y ]; do echo waiting; sleep 1; done", [FILE]),
        ("while ! [ -s '/x/y' ]; do sleep 1; done", [FILE]),
        ("while ! nc -z localhost 8080; do sleep 1; done && app", [PORT]),
        ("until curl -s http://127.0.0.1:8080/ready >/dev/null 2>&1; do sleep 1; done", [PORT]),
        ("until wget -qO- localhost; do sleep 1; done", []),
        ("until wget -qO- http://localhost; do sleep 1; done", [Wait(port="80")]),
        ("until test -f /x/y; do sleep 1; done & app", []),
        ("until test -f /x/y || test -f /z; do sleep 1; done", []),
        ("until test -f /x/y; do sleep 1; test -e /stop && break; done", []),
        ("while test -f /x/y; do sleep 1; done", []),
        ("until test -f $FILE; do sleep 1; done", []),
        ("until nc -z db 8080; do sleep 1; done", []),
        ("if true; then until test -f /x/y; do sleep 1; done; fi", []),
        ("[ -e /skip ] && exit 0; until test -f /x/y; do sleep 1; done", []),
        ("until test -f /x/y; do sleep 1; done; until nc -z localhost 8080; do sleep 1; done", [FILE, PORT]),
    ],
)
def test_waits(text: str, expected: list[Wait]) -> None:
    assert list(waits(read(text))) == expected


@pytest.mark.parametrize(
    ("text", "endless", "depends"),
    [
        ("while true; do date; sleep 5; done", True, False),
        ("trap 'exit 0' TERM; while :; do sleep 1; done; echo never", True, False),
        ("until false; do sleep 1; done", True, False),
        ("sleep infinity", True, False),
        ("touch /tmp/x; exec tail -f /dev/null", True, False),
        ("while true; do test -f /x && break; sleep 1; done", False, True),
        ("while true; do work || exit 1; done", False, True),
        ("while true; do $WORK; done", False, False),
        ("set -e; while true; do work; done", False, True),
        ("if [ -f /x ]; then exit; fi; sleep infinity", False, True),
        ("sleep infinity & wait", False, False),
        ("sleep 5; exit 0", False, False),
        ("for i in 1 2 3; do sleep 1; done", False, False),
        ("for i in *; do sleep 1; done", False, True),
        ("case $1 in a) sleep infinity;; esac", False, True),
        ("while true; do (", False, True),
    ],
)
def test_ends_and_what_they_depend_on(text: str, endless: bool, depends: bool) -> None:
    script = read(text)
    assert never_ends(script) is endless
    assert depends_on_outside(script) is depends


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("sh", "-c", "a; b"), "a; b"),
        (("/bin/bash", "-euc", "a", "name"), "a"),
        (("sh", "-e", "-c", "a"), "a"),
        (("sh", "/run.sh"), None),
        (("python", "-c", "a"), None),
        (("sh", "-c"), None),
    ],
)
def test_program_text(argv: tuple[str, ...], text: str | None) -> None:
    assert shell_text(argv) == text
