"""The API server on the virtual clock: requests take their time, commits are recorded, watchers hear in order."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from kubesim.errors import IllegalMove
from kubesim.history.deltas import make_patch
from kubesim.history.records import Decided, DecidedAction, ObjectChanged
from kubesim.sim.admission import Admission
from kubesim.sim.clock import Clock
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import Change, Reply, Store
from kubesim.store.webhooks_chain import Pending
from kubesim.units import Instant


class Watcher(Protocol):
    """Who hears of every committed change, in order, some time after the commit."""

    def changed(self, change: Change) -> None: ...


@dataclass(slots=True)
class _Stream:
    """One watch stream: it stays in order because it is one queue, whatever the latency of each delivery."""

    watcher: Watcher
    kinds: frozenset[str]
    wants: Callable[[Change], bool] | None
    delivered_until: Instant = 0
    waiting: deque[Change] = field(default_factory=deque)

    def deliver(self) -> None:
        """Hand over the change that waits longest."""
        self.watcher.changed(self.waiting.popleft())


_PODS: Final = frozenset({"Pod"})


class ApiServer:
    """Commits requests to the store, records what changed, and delivers watch events.

    A request made now is committed after the latency given; ``then`` is called with the reply at that instant.
    """

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, store: Store) -> None:
        self.clock = clock
        self.timing = timing
        self.recorder = recorder
        self.store = store
        self.admission: Admission | None = None
        """Who calls webhooks, where there are any."""
        self._streams: list[_Stream] = []
        self._node_streams: dict[str, _Stream] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._ranks: dict[str, int] = {}
        self._standings: dict[str, str] = {}
        self._children: Counter[tuple[str, str]] = Counter()

    def watch(self, watcher: Watcher, kinds: frozenset[str], wants: Callable[[Change], bool] | None = None) -> None:
        """Deliver every change of these kinds to the watcher from now on; those that it wants, if it can tell."""
        self._streams.append(_Stream(watcher, kinds, wants))

    def watch_node(self, watcher: Watcher, node: str) -> None:
        """Deliver the changes of the pods bound to a node, after all other watchers have been told."""
        self._node_streams[node] = _Stream(watcher, _PODS, None)

    def creation_rank(self, uid: str) -> int:
        """The place of an object among all that were ever created."""
        return self._ranks[uid]

    def standing(self, uid: str) -> str:
        """``Job/name#3``: the fourth object that this controller's object made; nothing for what nobody made.

        Names of such objects are chosen at random, so that this is what two variants of a scenario have in common.
        """
        return self._standings.get(uid, "")

    def request(
        self,
        latency: str,
        actor: str,
        call: Callable[[Instant], Reply],
        then: Callable[[Reply], None] | None = None,
    ) -> None:
        """Ask for something: ``call`` runs on the store when the request is committed."""
        self.clock.after(self.timing.latency(latency), self._commit, actor, call, then)

    def now(self, actor: str, call: Callable[[Instant], Reply], later: Callable[[Reply], None] | None = None) -> Reply:
        """Carry out a request at this very instant (a stimulus, whose instant is when it is committed).

        If webhooks have to be called first, what comes back is ``pending``, and ``later`` is called with the reply.
        """
        reply = call(self.clock.now)
        if reply.pending is None:
            self._publish(actor)
            self._tell_dropped(reply)
        elif self.admission is None:
            raise IllegalMove(f"{actor}: webhooks are to be called, and there is nobody to call them")
        else:
            self.admission.carry_out(reply.pending, partial(self._admitted, actor, later))
        return reply

    def _commit(self, actor: str, call: Callable[[Instant], Reply], then: Callable[[Reply], None] | None) -> None:
        reply = self.now(actor, call, then)
        if reply.pending is None and then is not None:
            then(reply)

    def _admitted(self, actor: str, then: Callable[[Reply], None] | None, pending: Pending) -> None:
        """The webhooks have answered: the request goes on."""
        self._commit(actor, pending.resume, then)

    def _publish(self, actor: str) -> None:
        for change in self.store.take_changes():
            if change.type == "ADDED":
                self._ranks[change.uid] = len(self._ranks)
                self._take_its_place(change)
            if self.recorder.level == "full":
                self.recorder.record(self._delta(change, actor))
            elif change.kind == "Pod":
                self.recorder.pod_changed(change)
            for stream in self._streams:
                if change.kind in stream.kinds and (stream.wants is None or stream.wants(change)):
                    self._deliver(stream, change)
            if change.kind == "Pod":
                self._tell_nodes(change)

    def _tell_nodes(self, change: Change) -> None:
        """Only the pod's own node hears of it. Where latencies are drawn, each stream takes its draw all the same."""
        own = self._node_streams.get((change.object.get("spec") or {}).get("nodeName") or "")
        if self.timing.draw:
            for stream in self._node_streams.values():
                if stream is own:
                    self._deliver(stream, change)
                else:
                    self._arrival(stream)
        elif own is not None:
            self._deliver(own, change)

    def _tell_dropped(self, reply: Reply) -> None:
        """What no client of a real API server hears: which fields of a new object it has left out, and why (C-20)."""
        if not reply.dropped or reply.object is None:
            return
        metadata = reply.object["metadata"]
        actions = [
            DecidedAction(do=f"drop {field.path}", why=f"gate {field.gate} is off; nobody is told", rules=("C-20",))
            for field in reply.dropped
        ]
        self.recorder.record(
            Decided(
                at=self.clock.now,
                actor="apiserver",
                namespace=metadata.get("namespace", ""),
                name=metadata["name"],
                pass_="PrepareForCreate",
                actions=tuple(actions),
            )
        )

    def _take_its_place(self, change: Change) -> None:
        for reference in change.object["metadata"].get("ownerReferences") or ():
            if reference.get("controller"):
                name = self._standings.get(reference["uid"]) or f"{reference['kind']}/{reference['name']}"
                self._standings[change.uid] = f"{name}#{self._children[change.namespace, name]}"
                self._children[change.namespace, name] += 1

    def _deliver(self, stream: _Stream, change: Change) -> None:
        stream.waiting.append(change)
        self.clock.at(self._arrival(stream), stream.deliver)

    def _arrival(self, stream: _Stream) -> Instant:
        """When a change of this instant gets through a stream, never before an earlier one."""
        stream.delivered_until = max(self.clock.now + self.timing.latency("watch"), stream.delivered_until)
        return stream.delivered_until

    def _delta(self, change: Change, actor: str) -> ObjectChanged:
        before = self._known.get(change.uid)
        if change.type == "DELETED":
            self._known.pop(change.uid, None)
        else:
            self._known[change.uid] = change.object
        return ObjectChanged(
            at=self.clock.now,
            change=change.type,
            kind=change.kind,
            namespace=change.namespace,
            name=change.name,
            uid=change.uid,
            resource_version=change.resource_version,
            actor=actor,
            verb=change.verb,
            object=change.object if before is None else None,
            patch=None if before is None else make_patch(before, change.object),
        )
