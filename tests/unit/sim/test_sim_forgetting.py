"""Of a Pod that is gone a kubelet keeps nothing: a run of many Pods needs the memory of those that are there."""

from __future__ import annotations

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


def test_nothing_is_kept_of_a_pod_that_is_gone() -> None:
    probe = exec_probe("true")
    proxy = sidecar("proxy", startupProbe=probe, livenessProbe=probe)
    app = container("app", readinessProbe=probe)
    actions = [{"at": "20s", "delete": {"kind": "Pod", "name": "p"}}]
    world = World(scenario(pod(app, inits=[container("init", "exit 0"), proxy]), actions=actions))
    history = world.run()
    (gone,) = (record for record in history.of(ObjectChanged) if record.kind == "Pod" and record.change == "DELETED")
    (kubelet,) = world.kubelets.values()
    assert list(remembered(kubelet, gone.uid)) == []
