"""Orders of ties: a scenario file asks for one, the header names it, and a watch stream stays in order all the same."""

from __future__ import annotations

import io

import pytest

from kubesim import api
from kubesim.history.history import History
from kubesim.history.records import ObjectChanged, RuntimeChanged

TWO_PODS = """\
apiVersion: kubesim/v1
kind: Scenario
spec:
  cluster: {release: "1.33", timing: {profile: ideal, TIES}}
  until: 1m
---
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: app, image: busybox, command: [sleep, "5"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b}
spec: {containers: [{name: app, image: busybox, command: [sleep, "5"]}]}
"""


def ran(timing: str) -> History:
    return api.run(api.load(io.StringIO(TWO_PODS.replace("TIES", timing))))


def order_of_starts(history: History) -> str:
    return "".join(one.pod for one in history.of(RuntimeChanged) if one.event == "start" and one.container == "app")


def test_ties_decide_who_is_first_where_nothing_else_does() -> None:
    found = {order_of_starts(ran(f"ties: {number}"))[:2] for number in range(12)}
    assert found == {"ab", "ba"}


@pytest.mark.parametrize("ties", range(1, 6))
def test_a_watch_stream_stays_in_order(ties: int) -> None:
    """Had a watcher heard of changes out of order, the kubelet would act on an old Pod."""
    history = ran(f"ties: {ties}")
    assert {life.name: life.phase for life in history.pods} == {"a": "Running", "b": "Running"}
    versions = [one.resource_version for one in history.of(ObjectChanged)]
    assert versions == sorted(versions)


def test_the_header_says_draw_and_order() -> None:
    header = ran("draw: 3, ties: 2").header
    assert (header.draw, header.tie_order) == (3, "shuffled 2")
    assert ran("draw: 0").header.tie_order == "first-scheduled-first"
    assert ran("ties: 2").header.digest == ran("ties: 1").header.digest


def test_the_same_order_gives_the_same_bytes() -> None:
    assert ran("ties: 4").to_jsonl() == ran("ties: 4").to_jsonl()
