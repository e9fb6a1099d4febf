"""A node's connection to the API server: what the kubelet hears and asks goes through it, and it can be cut.

While it is cut the kubelet and its containers go on; requests get no answer that counts, and changes are not heard of.
When it is back the kubelet lists its pods anew and sends every status again, as its reflector and its status manager
do (``client-go/tools/cache/reflector.go``; ``status_manager.go``: syncBatch).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubesim.sim.api_server import ApiServer, Watcher
from kubesim.store import Change, Reply, Store
from kubesim.units import Instant

UNREACHABLE = Reply(0, "", "the API server cannot be reached")


class Connection:
    """One node's way to the API server; :class:`Watcher` of all pods, of which it passes on those of its node."""

    def __init__(self, api: ApiServer, node: str) -> None:
        self.api = api
        self.node = node
        self.is_up = True
        self.kubelet: Watcher | None = None
        self._bound: set[str] = set()
        """The pods that the kubelet has heard of and has not heard the end of."""
        self._heard: dict[str, Change] = {}
        self._held: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    @property
    def store(self) -> Store:
        """The API server's objects, to be read or written by a request while it is carried out."""
        return self.api.store

    def request(
        self,
        latency: str,
        actor: str,
        call: Callable[[Instant], Reply],
        then: Callable[[Reply], None] | None = None,
    ) -> None:
        """As :meth:`ApiServer.request`; without a connection nothing is carried out and the reply says so."""
        if self.is_up:
            self.api.request(latency, actor, call, then)
        elif then is not None:
            self.api.clock.after(self.api.timing.latency(latency), then, UNREACHABLE)

    def later(self, write: Callable[..., None], *arguments: Any) -> None:
        """Keep an Event until the API server can be reached again.

        Departure: a real recorder gives an Event up after 12 tries 10 s apart.
        """
        self._held.append((write, arguments))

    # -- what is heard --------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """A watch event: passed on if it is about a pod of this node and anybody can hear it."""
        if self.is_up and self._is_mine(change.object):
            self._tell(change)

    def _tell(self, change: Change) -> None:
        if change.type == "DELETED":
            self._bound.discard(change.uid)
            self._heard.pop(change.uid, None)
        else:
            self._bound.add(change.uid)
            self._heard[change.uid] = change
        if self.kubelet is not None:
            self.kubelet.changed(change)

    # -- cut and joined -------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Nothing gets through any more."""
        self.is_up = False

    def join(self, kubelet: Watcher | None) -> None:
        """Everything gets through again: the kubelet (perhaps a new one, that knows nothing) lists its pods."""
        if kubelet is not self.kubelet:
            self._bound.clear()
            self._heard.clear()
        self.kubelet, self.is_up = kubelet, True
        held, self._held = self._held, []
        for write, arguments in held:
            write(*arguments)
        if kubelet is None:
            return
        there = {pod["metadata"]["uid"]: pod for pod in self.store.list("Pod") if self._is_mine(pod)}
        for uid in sorted(self._bound - there.keys()):
            self._tell(_as_change("DELETED", self._heard[uid].object, self.api.clock.now))
        for uid, pod in there.items():
            known = self._heard.get(uid)
            if known is None or known.object["metadata"]["resourceVersion"] != pod["metadata"]["resourceVersion"]:
                self._tell(_as_change("MODIFIED" if known else "ADDED", pod, self.api.clock.now))

    def _is_mine(self, pod: dict[str, Any]) -> bool:
        return (pod.get("spec") or {}).get("nodeName") == self.node


def _as_change(type_: str, pod: dict[str, Any], now: Instant) -> Change:
    """What a list shows, in the form of a watch event."""
    metadata = pod["metadata"]
    return Change(
        at=now,
        type=type_,
        kind="Pod",
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=int(metadata["resourceVersion"]),
        object=pod,
        verb="list",
        actor="",
    )
