"""A cluster can be copied in the middle of a run: what goes on from the copy is what would have gone on."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from kubesim import api
from kubesim.sim.world import World

SCENARIOS = ("scenarios/demo-delete.yaml", "scenarios/crash-loop.yaml", "scenarios/sidecars-stop-in-reverse.yaml")


def pickled(world: World) -> World:
    copied: World = pickle.loads(pickle.dumps(world))
    return copied


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled], ids=["copied", "pickled"])
@pytest.mark.parametrize("path", SCENARIOS)
def test_a_copy_goes_on_as_the_run_would_have(path: str, copied: Callable[[World], World]) -> None:
    scenario = api.load(path)
    whole = World(scenario).run()
    world: Any = World(scenario)
    world.begin()
    for _ in range(8):
        for _ in range(9):
            if due := world.clock.due():
                world.clock.fire(due[0])
        world = copied(world)
    world.clock.run(world.limit)
    assert world.history() == whole
