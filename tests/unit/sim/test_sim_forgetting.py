"""Of a Pod that is gone a kubelet keeps nothing: a run of many Pods needs the memory of those that are there.

Nor does a life leave cycles behind, which would stay until Python looks for them; a run has it look rarely.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sized

from sim_runs import container, exec_probe, pod, scenario, sidecar

from kubesim.history.records import ObjectChanged
from kubesim.sim.world import World


def remembered(part: object, uid: str, inside: str = "kubelet", depth: int = 2) -> Iterator[str]:
    """The tables of a state object of a kubelet, and of those it owns, that have an entry for the uid."""
    for name, value in vars(part).items():
        if isinstance(value, dict | set):
            if any(key == uid or (isinstance(key, tuple) and uid in key) for key in value):
                yield f"{inside}.{name}"
        elif depth and hasattr(value, "__dict__") and not isinstance(value, Sized) and name not in ("kubelet", "api"):
            yield from remembered(value, uid, f"{inside}.{name}", depth - 1)


def a_life() -> World:
    """A Pod with every kind of probe, from its creation until it is gone."""
    probe = exec_probe("true")
    proxy = sidecar("proxy", startupProbe=probe, livenessProbe=probe)
    app = container("app", readinessProbe=probe)
    actions = [{"at": "20s", "delete": {"kind": "Pod", "name": "p"}}]
    return World(scenario(pod(app, inits=[container("init", "exit 0"), proxy]), actions=actions))


def test_nothing_is_kept_of_a_pod_that_is_gone() -> None:
    world = a_life()
    history = world.run()
    (gone,) = (record for record in history.of(ObjectChanged) if record.kind == "Pod" and record.change == "DELETED")
    (kubelet,) = world.kubelets.values()
    assert list(remembered(kubelet, gone.uid)) == []


def test_a_life_leaves_no_cycles() -> None:
    world = a_life()
    gc.collect()
    gc.disable()
    try:
        history = world.run()
        left = gc.collect()
    finally:
        gc.enable()
    assert len(history) > 50
    assert left == 0
