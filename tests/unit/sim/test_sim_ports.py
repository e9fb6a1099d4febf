"""A Pod's containers share one network: a local port answers once one of them listens there."""

from __future__ import annotations

import pytest
from sim_runs import container, pod, ran

from kubesim.history.history import History
from kubesim.history.lives import Run
from kubesim.units import SECOND

SERVER = {"name": "server", "image": "example.com/server:1", "restartPolicy": "Always"}
LISTENS = {"match": {"container": "server"}, "script": {"startup": "5s", "listens": [8080]}}


def run_of(history: History, name: str) -> Run:
    (run,) = history.pod("p").container(name).runs
    return run


@pytest.mark.parametrize(
    ("command", "code"),
    [("nc -z localhost 8080", 1), ("curl -s http://127.0.0.1:8080/x", 7), ("wget -qO- localhost:8080", 1)],
)
def test_a_port_answers_once_its_server_has_started(command: str, code: int) -> None:
    script = f"{command}; echo $?; until {command}; do sleep 1; done"
    asks = container("asks", script, image="example.com/tools:1")
    history = ran(pod(container("app"), inits=[SERVER, asks]), containers=[LISTENS], until=40)
    asked, server = run_of(history, "asks"), run_of(history, "server")
    assert str(code) in [line.line for line in asked.output]
    assert asked.exit is not None
    assert 5 * SECOND <= asked.exit - server.start < 7 * SECOND


@pytest.mark.parametrize(("port", "is_first"), [(8081, False), (8080, True)])
def test_another_port_and_a_server_that_comes_later_do_not_answer(port: int, is_first: bool) -> None:
    asks = container("asks", f"until nc -z localhost {port}; do sleep 1; done")
    inits = [asks, SERVER] if is_first else [SERVER, asks]
    history = ran(pod(container("app"), inits=inits), containers=[LISTENS], until=40)
    assert run_of(history, "asks").exit is None


def test_a_server_that_is_only_named_is_assumed_to_answer() -> None:
    asks = container("asks", "until nc -z localhost 8080; do sleep 1; done")
    assert run_of(ran(pod(container("app"), inits=[SERVER, asks]), until=40), "asks").code == 0
