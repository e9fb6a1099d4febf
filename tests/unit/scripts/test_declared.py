"""Declared steps: what they mean, and what is refused with which words."""

from __future__ import annotations

from random import Random

import pytest

from kubesim.errors import ScenarioError
from kubesim.scripts import ContainerSetup, Exited, Machine, Output, parse_behaviour
from kubesim.scripts.declared import parse_length
from kubesim.units import SECOND
from tests.unit.scripts.driving import Run, drive


def declared(steps: object, signals: list[tuple[float, str]] | None = None, number: int = 0) -> Run:
    return drive(Machine(ContainerSetup("any", behaviour=parse_behaviour(steps), attempt=number)), signals)


@pytest.mark.parametrize(
    ("steps", "signals", "number", "expected"),
    [
        ({"lasts": "3s"}, [], 0, Exited(3 * SECOND, 0)),
        ({"lasts": "3s", "exits": 1}, [], 5, Exited(3 * SECOND, 1)),
        ({"lasts": "3s", "exits": [1, 1, 0]}, [], 1, Exited(3 * SECOND, 1)),
        ({"lasts": "3s", "exits": [1, 1, 0]}, [], 7, Exited(3 * SECOND, 0)),
        ({"lasts": "forever"}, [], 0, None),
        ({}, [(1.0, "TERM")], 0, None),
        ({"onSignal": {"TERM": {"after": "2s", "exit": 0}}}, [(1.0, "TERM")], 0, Exited(3 * SECOND, 0)),
        ({"onSignal": {"SIGTERM": "ignore"}}, [(1.0, "TERM"), (2.0, "KILL")], 0, Exited(2 * SECOND, 137, "KILL")),
        ({"lasts": "2s", "onSignal": {"TERM": {"after": "9s", "exit": 5}}}, [(1.0, "TERM")], 0, Exited(2 * SECOND, 0)),
    ],
)
def test_lifetimes(steps: object, signals: list[tuple[float, str]], number: int, expected: Exited | None) -> None:
    assert declared(steps, signals, number).exit == expected


def test_output_and_files_at_their_instants() -> None:
    steps = {
        "lasts": "5s",
        "output": ["first", {"at": "2s", "line": "later", "stream": "stderr"}],
        "writes": {"/tmp/x": {"at": "1s", "text": "hello"}},
    }
    run = declared(steps)
    assert [effect for effect in run.effects if isinstance(effect, Output)] == [
        Output(0, "stdout", "first", 1),
        Output(2 * SECOND, "stderr", "later", 1),
    ]
    assert run.machine.kernel.files.read("/tmp/x").text == "hello"


def test_probe_answers_over_time() -> None:
    steps = {
        "startup": "2s",
        "probes": {"liveness": [{"from": "10s", "to": "20s", "answer": "fail"}], "readiness": "fail"},
    }
    machine = Machine(ContainerSetup("any", behaviour=parse_behaviour(steps)))
    machine.start(100)
    handler = {"type": "httpGet", "port": 80, "path": "/"}

    def liveness(seconds: int) -> tuple[bool, int | None]:
        answer = machine.probe(100 + seconds * SECOND, "liveness", handler)
        return answer.passes, answer.until

    assert liveness(1) == (False, 100 + 2 * SECOND)
    assert liveness(2) == (True, 100 + 10 * SECOND)
    assert liveness(10) == (False, 100 + 20 * SECOND)
    assert liveness(25) == (True, None)
    assert not machine.probe(100 + 5 * SECOND, "readiness", handler).passes


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("3s", 3.0, 3.0), ("uniform(1s,3s)", 1.0, 3.0), ("exponential(3s)", 0.0, 60.0), ("lognormal(2s, 0.5)", 0.2, 20.0)],
)
def test_distributions_are_drawn_from_the_given_stream(text: str, low: float, high: float) -> None:
    length = parse_length(text, "lasts")
    draws = [length.value(Random(7).random) / SECOND for _ in range(2)]
    many = [length.value(stream) / SECOND for stream in [Random(3).random] for _ in range(500)]
    assert draws[0] == draws[1]
    assert low <= min(many) <= max(many) <= high


@pytest.mark.parametrize(
    ("steps", "field", "words"),
    [
        ({"last": "3s"}, "script.last", "allowed: lasts, exits"),
        ({"lasts": "soon"}, "script.lasts", "uniform(1s,3s)"),
        ({"lasts": "-3s"}, "script.lasts", "is not a duration"),
        ({"lasts": "uniform(1s)"}, "script.lasts", "is not a duration"),
        ({"exits": 300}, "script.exits", "0 to 255"),
        ({"exits": []}, "script.exits", "empty"),
        ({"onSignal": {"KILL": {"exit": 0}}}, "script.onSignal.KILL", "no signal a program can handle"),
        ({"onSignal": {"TERM": {"later": 1}}}, "script.onSignal.TERM", "after and exit"),
        ({"probes": {"live": "ok"}}, "script.probes.live", "liveness, readiness, startup"),
        ({"probes": {"liveness": "maybe"}}, "script.probes.liveness[0]", '"ok", "fail"'),
        ({"output": "text"}, "script.output", "not a list"),
        ({"output": [{"line": "x", "stream": "log"}]}, "script.output[0].stream", "stdout, stderr"),
        (["lasts"], "script", "not a mapping"),
    ],
)
def test_refusals_name_field_and_way_out(steps: object, field: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_behaviour(steps)
    assert caught.value.field == field
    assert words in str(caught.value)


def test_only_lifecycle_hooks_have_lengths() -> None:
    assert parse_behaviour({"hooks": {"preStop": "2s"}}).hooks["preStop"].first == 2 * SECOND
    assert not parse_behaviour({"hooks": {"preStop": "2s"}}).is_program
    assert parse_behaviour({"hooks": {"preStop": "2s"}, "lasts": "3s"}).is_program
    with pytest.raises(ScenarioError, match="unknown hook 'prestop'; allowed: postStart, preStop"):
        parse_behaviour({"hooks": {"prestop": "2s"}})
