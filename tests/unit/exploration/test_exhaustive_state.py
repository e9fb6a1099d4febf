"""The digest of a state: equal digests have equal futures, and whatever counts is in it."""

from __future__ import annotations

import io
import pickle
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import yaml

from kubesim import api
from kubesim.exploration.exhaustive import _choices, _next_tie
from kubesim.exploration.exhaustive_state import LEFT_OUT, RECORDED_OR_SHARED, attributes, digest, name_of
from kubesim.history.records import AnyRecord, ObjectChanged
from kubesim.sim.world import World
from kubesim.units import MINUTE, SECOND
from tests.unit.exploration.state_attributes import LISTED, found

TWO = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  restartPolicy: POLICY
  initContainers: [{name: side, image: "example.com/app:1", restartPolicy: Always}]
  containers: [{name: app, image: "example.com/app:1"}, {name: beside, image: "example.com/app:1"}]
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {restartPolicy: POLICY, containers: [{name: app, image: "example.com/app:1"}]}
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: two}
spec:
  cluster: {release: RELEASE, timing: ideal}
  containers: [{match: {container: app}, script: {lasts: 3s, exits: [1, 0]}}]
  actions: [{at: 4s, delete: {kind: Pod, name: web, gracePeriodSeconds: 2}}]
"""


def begun(release: str, policy: str) -> World:
    scenario = api.load(io.StringIO(TWO.replace("RELEASE", f'"{release}"').replace("POLICY", policy)))
    world = World(replace(scenario, until=MINUTE))
    world.begin()
    return world


def pairs(world: World, ties: int) -> Iterator[tuple[World, World]]:
    """Of each of the next ties, and every two things in it, the worlds after one and the other, in both orders."""
    for _ in range(ties):
        due = _next_tie(world)
        if not due:
            return
        places = [place for place, _ in _choices(due)]
        engine = pickle.dumps(world)
        for number, first in enumerate(places):
            for second in places[number + 1 :]:
                yield _fired(engine, first, second), _fired(engine, second, first)
        world.clock.fire(world.clock.due()[places[0]])


def _fired(engine: bytes, *places: int) -> World:
    world: World = pickle.loads(engine)
    for timer in [world.clock.due()[place] for place in places]:
        if timer.live:
            world.clock.fire(timer)
    return world


def future(world: World) -> list[AnyRecord]:
    """What is recorded from here on, ties decided by name; without the numbers of versions, which only count."""
    before = len(world.recorder.records)
    clock = world.clock
    while not clock.settled and (due := clock.due()) and due[0].instant <= world.limit:
        clock.fire(min(due, key=_name))
    return sorted((_unnumbered(record) for record in world.recorder.records[before:]), key=_by_instant)


def _name(timer: Any) -> tuple[str, str]:
    watcher = getattr(getattr(timer._callback, "__self__", None), "watcher", None)
    return name_of(timer), f"{type(watcher).__name__} {getattr(watcher, 'node', '')}"


def _by_instant(record: AnyRecord) -> tuple[int, str]:
    return record.at, repr(record)


def _unnumbered(record: AnyRecord) -> AnyRecord:
    if not isinstance(record, ObjectChanged):
        return record
    parts = {"object": _unversioned(record.object), "patch": _unversioned(record.patch)}
    return msgspec.structs.replace(record, resource_version=0, **parts)


def _unversioned(raw: dict[str, Any] | None) -> dict[str, Any] | None:
    if raw is None or "metadata" not in raw:
        return raw
    return {**raw, "metadata": {key: value for key, value in raw["metadata"].items() if key != "resourceVersion"}}


@pytest.mark.parametrize("policy", ["Always", "Never"])
@pytest.mark.parametrize("release", ["1.28", "1.36"])
def test_equal_digests_have_equal_futures(release: str, policy: str) -> None:
    """Two orders of one tie that lead to one state: with the same choices from there on, the same happens."""
    equal = 0
    for one, other in pairs(begun(release, policy), ties=12):
        if digest(one) == digest(other):
            equal += 1
            assert future(one) == future(other)
    assert equal > 5


def test_what_is_left_out_changes_no_future() -> None:
    """Numbers that only count may be others; what the history keeps of objects is what the store has of them."""
    world = begun("1.36", "Always")
    world.clock.run(world.started + 3 * SECOND)
    engine = pickle.dumps(world)
    other: World = pickle.loads(engine)
    other.clock.fired += 1000
    other.api.store._resource_version += 1000
    assert digest(other) == digest(pickle.loads(engine))
    assert future(other) == future(pickle.loads(engine))
    for kind in ("Pod", "Node"):
        for stored in world.api.store.list(kind):
            assert world.api._known[stored["metadata"]["uid"]] == stored


@pytest.mark.parametrize("number", range(4))
def test_worlds_with_different_futures_have_different_digests(number: int) -> None:
    """Something is done to one of two equal worlds: their digests say so wherever their futures do."""
    world = begun("1.36", "Always")
    world.clock.run(world.started + 3 * SECOND)
    engine = pickle.dumps(world)
    one, other = pickle.loads(engine), pickle.loads(engine)
    kubelet = next(iter(other.kubelets.values()))
    uid = sorted(kubelet.workers)[0]
    match number:
        case 0:
            kubelet.pleg.forget(uid)
        case 1:
            kubelet.workers[uid].grace += 7
        case 2:
            kubelet.statuses.forget(uid)
        case 3:
            kubelet.backoffs.clear()
    assert (digest(one) == digest(other)) <= (future(one) == future(other))
    assert digest(one) != digest(other) or number == 3


def test_whatever_counts_is_in_the_digest() -> None:
    """Changing any number, text or truth of the state changes its digest, unless it is said to be left out."""
    world = begun("1.33", "Always")
    world.clock.run(world.started + 3 * SECOND)
    before, unnoticed = digest(world), []
    for number, (owner, name) in enumerate(_simple(world)):
        if number % 7:
            continue
        value = getattr(owner, name)
        object.__setattr__(owner, name, not value if isinstance(value, bool) else value * 2 + type(value)("1"))
        if digest(world) == before:
            unnoticed.append(f"{type(owner).__name__}.{name}")
        object.__setattr__(owner, name, value)
    assert digest(world) == before
    assert not unnoticed


def _simple(world: World) -> Iterator[tuple[Any, str]]:
    """The attributes of the state's own objects that are numbers, texts or truths."""
    waiting, met = deque[Any]([world]), {id(world): world}
    while waiting:
        value = waiting.popleft()
        parts = _parts(value)
        for name, part in parts:
            if isinstance(part, RECORDED_OR_SHARED) or name in LEFT_OUT.get(type(value).__name__, ()):
                continue
            is_own = type(value).__module__.startswith("kubesim.sim") and hasattr(value, name)
            if is_own and isinstance(part, (bool, int, str)) and name not in ("now", "_start"):
                yield value, name
            elif id(part) not in met and not isinstance(part, (bool, int, str, float, bytes, type(None), type)):
                met[id(part)] = part
                waiting.append(part)


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), part) for key, part in value.items()]
    if isinstance(value, (list, tuple, deque)):
        return [(str(place), part) for place, part in enumerate(value)]
    return list(attributes(value).items()) if type(value).__module__.startswith("kubesim.sim") else []


def test_what_an_object_has_is_known_to_count_or_not() -> None:
    """Whatever comes to the state is decided upon: see ``state_attributes.py``."""
    listed = yaml.safe_load(LISTED.read_text(encoding="utf-8"))
    new = {kind: set(names) - set(listed.get(kind, ())) for kind, names in found().items()}
    assert not {kind: names for kind, names in new.items() if names}
