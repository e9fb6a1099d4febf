"""The kubelet's status manager on the clock: one serial writer that sends the newest status of each pod (S-40, K-19h).

What is merged, refused or forced is decided in ``kubelet/status_manager.py``. The full sync every 10 s is only
scheduled while some pod's status in the API differs from the kubelet's: a terminal phase that is held back (K-17), or
a status that somebody else has written.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubesim.kubelet.status_manager import (
    Rejected,
    StatusUpdate,
    can_be_deleted,
    merge_status,
    needs_write,
    next_status,
    terminate_status,
    with_readiness,
    with_startup,
)
from kubesim.objects.pod import Pod
from kubesim.objects.status import PodStatus, status_raw, status_view
from kubesim.sim.clock import Timer
from kubesim.store import Reply
from kubesim.units import SECOND, Instant

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet

_FULL_SYNC = 10 * SECOND


@dataclass(slots=True)
class _Cached:
    pod: Pod
    status: PodStatus
    version: int
    finished: bool


class StatusManager:
    """Statuses by pod UID: what the kubelet last generated, and which version the API server has."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self._cached: dict[str, _Cached] = {}
        self._sent: dict[str, int] = {}
        self._written_status: dict[str, tuple[dict[str, Any], PodStatus]] = {}
        """The status written last of each pod, raw and typed, so that it need not be read again."""
        self._queue: deque[str] = deque()
        self._queued: set[str] = set()
        """The pods in the queue."""
        self._busy = False
        self._phase = kubelet.timing.phase("status", _FULL_SYNC)
        self._held_back: set[str] = set()
        """Pods whose status in the API is not the kubelet's."""
        self._full_sync: Timer | None = None

    def get(self, uid: str) -> PodStatus | None:
        """The status the kubelet generated last, or None."""
        entry = self._cached.get(uid)
        return entry.status if entry is not None else None

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._cached.pop(uid, None)
        self._sent.pop(uid, None)
        self._written_status.pop(uid, None)
        self._let_go(uid)

    def typed(self, uid: str, raw: dict[str, Any]) -> PodStatus:
        """The typed form of a raw status, at no cost if it is the one written last."""
        written = self._written_status.get(uid)
        return written[1] if written is not None and written[0] is raw else status_view(raw)

    def set(self, pod: Pod, status: PodStatus) -> PodStatus:
        """SetPodStatus: keep the status and send it if it differs; forced for a pod that is being deleted (S-40)."""
        uid = pod.metadata.uid
        update = next_status(pod, self.get(uid), status, self.kubelet.release, self.kubelet.clock.now)
        return self._keep(pod, update, forced=pod.metadata.deletion_timestamp is not None, finished=False)

    def terminate(self, pod: Pod) -> None:
        """TerminatePod: the last status, after which the object may be deleted (K-14, K-15)."""
        uid = pod.metadata.uid
        final = terminate_status(pod, self.get(uid), self.kubelet.release, self.kubelet.clock.now)
        self._keep(pod, final, forced=True, finished=True)

    def set_readiness(self, pod: Pod, container_id: str, ready: bool) -> None:
        """A readiness result was published: Ready follows at once (K-102)."""
        cached = self.get(pod.metadata.uid)
        if cached is not None:
            changed = with_readiness(pod, cached, container_id, ready, self.kubelet.release)
            if changed is not None:
                self._replace(pod, changed)

    def set_startup(self, pod: Pod, container_id: str, started: bool) -> None:
        """A startup result was published: ``started`` follows at once (K-102)."""
        cached = self.get(pod.metadata.uid)
        if cached is not None:
            changed = with_startup(cached, container_id, started)
            if changed is not None:
                self._replace(pod, changed)

    def _replace(self, pod: Pod, status: PodStatus) -> None:
        cached = self.get(pod.metadata.uid)
        update = next_status(pod, cached, status, self.kubelet.release, self.kubelet.clock.now)
        self._keep(pod, update, forced=False, finished=False)

    def _keep(self, pod: Pod, update: StatusUpdate, *, forced: bool, finished: bool) -> PodStatus:
        uid = pod.metadata.uid
        entry = self._cached.get(uid)
        old = entry.status if entry is not None else None
        if isinstance(update, Rejected):
            return old if old is not None else pod.status
        if old is not None and not needs_write(old, update, self.kubelet.release, forced=forced):
            return old
        version = entry.version + 1 if entry is not None else 1
        was_finished = entry is not None and entry.finished
        self._cached[uid] = _Cached(pod, update, version, finished or was_finished)
        self.kubelet.probing.status_changed(uid)
        self._enqueue(uid)
        return update

    # -- the writer -----------------------------------------------------------------------------------------------

    def _enqueue(self, uid: str) -> None:
        if uid not in self._queued:
            self._queued.add(uid)
            self._queue.append(uid)
        self._next()

    def _next(self) -> None:
        if self._busy or not self._queue:
            return
        self._busy = True
        uid = self._queue.popleft()
        self._queued.discard(uid)
        self.kubelet.api.request("status-write", self.kubelet.actor, _Write(self, uid), self._written)

    def write(self, uid: str, now: Instant) -> Reply:
        """GET, merge, PATCH of one pod, at the instant of the commit."""
        store = self.kubelet.api.store
        entry = self._cached.get(uid)
        if entry is None or self.kubelet.clock.ended:
            return Reply(404)
        meta = entry.pod.metadata
        current = store.find("Pod", meta.namespace, meta.name)
        if current is None or current["metadata"]["uid"] != uid:
            return Reply(404)
        self._sent[uid] = entry.version
        in_api = self.typed(uid, current.get("status") or {})
        release = self.kubelet.release
        running = self.kubelet.could_have_running_containers(uid)
        merged = merge_status(entry.pod, in_api, entry.status, release, could_have_running_containers=running, now=now)
        raw = _kept_fields(current.get("status") or {}, status_raw(merged))
        reply = store.update_status("Pod", meta.namespace, meta.name, raw, now, uid=uid, actor=self.kubelet.actor)
        stored = store.find("Pod", meta.namespace, meta.name)
        if stored is not None:
            if stored["status"] is raw:
                self._written_status[uid] = (raw, merged)
            if entry.finished and can_be_deleted(self.kubelet.decoded(stored, entry.pod), finished=True):
                self.kubelet.delete_object(entry.pod)
        if merged.phase != entry.status.phase:
            self._held_back.add(uid)
            self._sync_all_later()
        else:
            self._let_go(uid)
        return reply

    def heard(self, pod: Pod) -> None:
        """The API server's word on a pod: a status that is not the kubelet's is written over by the next full sync."""
        uid = pod.metadata.uid
        entry, written = self._cached.get(uid), self._written_status.get(uid)
        if entry is None or self._sent.get(uid) != entry.version:
            return  # it is about to be written anyway
        if written is not None and written[0] is pod.raw.get("status"):
            return
        if needs_write(pod.status, entry.status, self.kubelet.release):
            self._held_back.add(uid)
            self._sync_all_later()

    def resend(self) -> None:
        """Whatever the API has: look at every pod again (the node can be reached again, S-40)."""
        for uid in tuple(self._cached):
            self._enqueue(uid)

    def _written(self, _reply: Reply) -> None:
        if self.kubelet.clock.ended:
            return
        self._busy = False
        self._next()

    def _sync_all_later(self) -> None:
        if self._full_sync is not None:
            return
        now = self.kubelet.clock.now
        due = self._phase + -(-(now + 1 - self._phase) // _FULL_SYNC) * _FULL_SYNC
        self._full_sync = self.kubelet.clock.at(due, self._sync_all)

    def _let_go(self, uid: str) -> None:
        """The API has the pod's phase: without others held back there is nothing for a full sync to do."""
        self._held_back.discard(uid)
        if not self._held_back and self._full_sync is not None:
            self._full_sync.cancel()
            self._full_sync = None

    def _sync_all(self) -> None:
        self._full_sync = None
        for uid in sorted(self._held_back):
            self._enqueue(uid)


@dataclass(frozen=True, slots=True)
class _Write:
    """One pod's GET and PATCH, as a request to the API server."""

    manager: StatusManager
    uid: str

    def __call__(self, now: Instant) -> Reply:
        return self.manager.write(self.uid, now)


def _kept_fields(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A patch leaves alone the fields that the kubelet's status does not set at all (``resize``, claims, …)."""
    ours = {
        "observedGeneration",
        "phase",
        "reason",
        "message",
        "conditions",
        "nominatedNodeName",
        "hostIP",
        "hostIPs",
        "podIP",
        "podIPs",
        "startTime",
        "initContainerStatuses",
        "containerStatuses",
        "ephemeralContainerStatuses",
        "qosClass",
    }
    return {**new, **{key: value for key, value in old.items() if key not in ours}}
