"""Skipping rounds gives exactly what ticking gives: outputs, instants, pids; and it costs nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubesim.scripts import ContainerSetup, Effect, FilesChanged, Filesystem, Machine, Mount, Volume
from kubesim.scripts.idle import Watch
from kubesim.scripts.kernel import Kernel
from kubesim.units import DAY, MILLISECOND, SECOND, Instant

SCRIPTS = [
    "while true; do sleep 1; done",
    "until test -f /v/x; do sleep 0.5; done; echo found",
    'trap "echo TERM $!" TERM; while :; do sleep 1 & wait $!; done',
    "while :; do sleep 1; sleep 0.3; [ -f /v/x ] && echo x && rm /v/x; done",
    "(while :; do sleep 0.7; done) & while :; do sleep 1; test -f /v/x && exit 4; done",
    'trap "ps; echo T" TERM; while :; do sleep 0.4; sleep 0.6; done',
    'trap "exit 3" TERM; while true; do sleep 3600 & wait; done',
    "tail -F /v/log",
    "i=0; while [ $i -lt 5 ]; do i=$((i+1)); sleep 1; done; while :; do sleep 2; done",
    "while :; do for x in 1 2 3; do sleep 0.$x; done; test -f /v/x && { echo seen; rm /v/x; ps; }; done",
    "while sleep 1 & wait; do sleep 1; done",
]


class Ticking(Watch):
    """Never finds anything: the machine ticks."""

    def observe(self, kernel: Kernel) -> None:
        pass


def story(text: str, stimuli: list[tuple[Instant, str]], watch: Watch) -> tuple[list[Effect], int]:
    """All effects up to 60 s under the stimuli, and how many times the machine had to be called."""
    volume = Volume(name="v")
    machine = Machine(ContainerSetup("busybox", ("sh", "-c", text), filesystem=Filesystem({"/v": Mount(volume)})))
    machine.idle = watch
    effects, calls = machine.start(0), 0
    for number, (at, kind) in enumerate([*stimuli, (60 * SECOND, "advance")]):
        while (due := machine.next_instant()) is not None and due < at:
            effects += machine.advance(due)
            calls += 1
        match kind:
            case "advance":
                effects += machine.advance(at)
            case "exec":
                effects += machine.exec(at, ("sh", "-c", "ps; test -f /v/x"), number)
            case "x" | "log":
                volume.write(kind, f"at {at}\n")
                effects += machine.files_changed(at)
            case signal:
                effects += machine.signal(at, signal)
    return [effect for effect in effects if not isinstance(effect, FilesChanged)], calls


def stimuli() -> st.SearchStrategy[list[tuple[Instant, str]]]:
    instants = st.integers(0, 590).map(lambda tenths: tenths * 100 * MILLISECOND) | st.integers(0, 59_000).map(
        lambda milliseconds: milliseconds * MILLISECOND
    )
    kinds = st.sampled_from(["x", "log", "exec", "TERM", "advance"])
    return st.lists(st.tuples(instants, kinds), max_size=4).map(sorted)


@pytest.mark.parametrize("text", SCRIPTS)
@settings(max_examples=25, deadline=None, database=None)
@given(happened=stimuli())
def test_skipping_equals_ticking(text: str, happened: list[tuple[Instant, str]]) -> None:
    skipped, _ = story(text, happened, Watch())
    ticked, _ = story(text, happened, Ticking())
    assert skipped == ticked


@pytest.mark.parametrize("text", [text for text in SCRIPTS if "0.7" not in text])
def test_quiet_container_costs_no_events(text: str) -> None:
    _, calls = story(text, [], Watch())
    assert calls < 25


def test_days_pass_in_one_step() -> None:
    machine = Machine(
        ContainerSetup("busybox", ("sh", "-c", "trap 'echo bye; exit 0' TERM; while true; do sleep 7; done"))
    )
    machine.start(0)
    machine.advance(30 * SECOND)
    assert machine.next_instant() is None
    machine.signal(30 * DAY + SECOND, "TERM")
    due = machine.next_instant()
    assert due is not None
    assert due % (7 * SECOND) == 0
    assert due - 30 * DAY < 8 * SECOND


@pytest.mark.parametrize("text", ["while true; do date; sleep 1; done", "while true; do x=$(date); sleep 1; done"])
def test_reading_the_clock_is_never_skipped(text: str) -> None:
    _, calls = story(text, [], Watch())
    assert calls >= 59
