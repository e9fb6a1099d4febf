"""Which object an action means whose name is a pattern: the oldest there is, for names that only the run knows."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubesim.sim.instances import Instance
    from kubesim.sim.kubelet import Kubelet
    from kubesim.sim.world import World

ANY = "*"
"""What makes a name a pattern; no name in Kubernetes has it."""


def oldest_named(world: World, kind: str, namespace: str, name: str) -> str:
    """The name of the oldest object that fits and is not being deleted; the pattern itself where there is none."""
    if ANY not in name:
        return name
    fitting = [
        raw["metadata"]
        for raw in world.api.store.list(kind, namespace)
        if fnmatchcase(raw["metadata"]["name"], name) and "deletionTimestamp" not in raw["metadata"]
    ]
    oldest = min(fitting, key=lambda metadata: world.api.creation_rank(metadata["uid"]), default=None)
    return str(oldest["name"]) if oldest is not None else name


def running_in(world: World, namespace: str, pod: str, container: str) -> tuple[Kubelet, str, Instance] | None:
    """Kubelet, uid and running instance in the oldest Pod of a name, or pattern, where the container runs, if any."""
    found = [
        (kubelet, uid, instance)
        for kubelet in world.kubelets.values()
        for uid, one in kubelet.pods.items()
        if one.metadata.namespace == namespace
        and fnmatchcase(one.metadata.name, pod)
        and (instance := kubelet.running_instance(uid, container)) is not None
    ]
    return min(found, key=lambda one: world.api.creation_rank(one[1]), default=None)
