"""``kubectl drain`` on the clock: cordon, look which pods may go, evict them all, wait until they are gone.

A pod whose budget does not allow its eviction is tried again every 5 s. Source: kubectl ``cmd/drain/drain.go``,
``drain/drain.go``, ``drain/filters.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kubesim.scenario.actions import Drain
from kubesim.store import DELETED, Change, Reply, Store
from kubesim.units import SECOND, Duration, Instant, format_duration

if TYPE_CHECKING:
    from kubesim.sim.world import World

Raw: TypeAlias = dict[str, Any]
_USER: Final = "user"
_RETRY_AFTER: Final[Duration] = 5 * SECOND
_POLL: Final[Duration] = SECOND
_MIRROR: Final = "kubernetes.io/config.mirror"
_TERMINAL: Final = ("Succeeded", "Failed")
_UNMANAGED: Final = "Pods that declare no controller (use --force to override)"
_LOCAL: Final = "Pods with local storage (use --delete-emptydir-data to override)"
_DAEMONS: Final = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
Record: TypeAlias = Callable[..., None]


class NodeDrain:
    """One drain of one node."""

    def __init__(self, world: World, action: Drain, record: Record) -> None:
        self.world = world
        self.action = action
        self.record = record
        self.node = action.node or ""
        self._began: Instant = 0
        self._left: set[str] = set()
        self._waits_since: dict[str, Instant] = {}
        self._over = False

    def cordoned(self, reply: Reply) -> None:
        """The node is cordoned: pods that must not go hold up everything, else all are evicted at once."""
        self.record("drain", {"node": self.node}, reply)
        if not reply.ok:
            return
        self._began = self.world.clock.now
        pods, problems = chosen_pods(self._pods(), self.action)
        if problems:
            text = f'unable to drain node "{self.node}" due to error: {problems}'
            self._finish(Reply(409, "Conflict", text, kubectl=f"error: {text}"))
            return
        if self.action.timeout is not None:
            self.world.clock.after(self.action.timeout, self._give_up, background=True)
        self._left = {pod["metadata"]["uid"] for pod in pods}
        self.world.api.watch(self, frozenset({"Pod"}))
        for pod in pods:
            self._evict(pod)
        self._finish_if_empty()

    def _pods(self) -> list[Raw]:
        pods = self.world.api.store.list("Pod")
        return [pod for pod in pods if (pod.get("spec") or {}).get("nodeName") == self.node]

    def _evict(self, pod: Raw) -> None:
        if self._over:
            return
        asked = self.world.clock.now
        call = _Evict(self.world.api.store, pod["metadata"], self.action)
        self.world.api.request("user-write", _USER, call, partial(self._answered, pod, asked))

    def _answered(self, pod: Raw, asked: Instant, reply: Reply) -> None:
        """Refused for now: again in 5 s, which by itself changes nothing. Gone already: as well as evicted."""
        metadata = pod["metadata"]
        name, namespace = metadata["name"], metadata["namespace"]
        do = "delete" if self.action.disable_eviction else "evict"
        if reply.code == 429:
            again = f'error when evicting pods/"{name}" -n "{namespace}" (will retry after 5s): {reply.message}'
            reply = Reply(reply.code, reply.reason, reply.message, kubectl=again)
        self.record(do, {"kind": "Pod", "name": name}, reply, asked)
        if reply.code == 429:
            self.world.clock.after(_RETRY_AFTER, self._evict, pod, background=True)
        elif reply.ok or reply.code == 404:
            self._wait(pod)
        else:
            text = f'error when evicting pods/"{name}" -n "{namespace}": {reply.message}'
            self._finish(Reply(reply.code, reply.reason, reply.message, kubectl=f"error: {text}"))

    def _wait(self, pod: Raw) -> None:
        """It looks once a second whether the pod is gone; the looks that find it are left out."""
        metadata = pod["metadata"]
        self._waits_since[metadata["uid"]] = self.world.clock.now
        found = self.world.api.store.find("Pod", metadata["namespace"], metadata["name"])
        if found is None or found["metadata"]["uid"] != metadata["uid"]:
            self._done_with(metadata["uid"])

    def changed(self, change: Change) -> None:
        """A watch event of a Pod: one that is waited for is gone."""
        since = self._waits_since.get(change.uid)
        if change.type == DELETED and since is not None and not self._over:
            looks = -(-(self.world.clock.now - since) // _POLL)
            self.world.clock.at(since + looks * _POLL, self._done_with, change.uid)

    def _done_with(self, uid: str) -> None:
        self._left.discard(uid)
        self._finish_if_empty()

    def _finish_if_empty(self) -> None:
        if not self._left and not self._over:
            self._finish(Reply(200, message=f"node/{self.node} drained", kubectl=f"node/{self.node} drained"))

    def _give_up(self) -> None:
        if not self._over:
            waited = format_duration(self.world.clock.now - self._began)
            text = f"global timeout reached: {waited}"
            self._finish(Reply(504, "Timeout", text, kubectl=f"error: {text}"))

    def _finish(self, reply: Reply) -> None:
        self._over = True
        self.record("drained" if reply.ok else "drain", {"node": self.node}, reply)


def chosen_pods(pods: list[Raw], action: Drain) -> tuple[list[Raw], str]:
    """The pods of the node that go, and kubectl's words about those that must not; with any of these none goes."""
    chosen, problems = [], dict[str, list[str]]()
    for pod in pods:
        metadata = pod["metadata"]
        if _MIRROR in (metadata.get("annotations") or {}):
            continue
        kinds = {one["kind"] for one in metadata.get("ownerReferences") or () if one.get("controller")}
        if "DaemonSet" in kinds and action.ignore_daemon_sets:
            continue
        for problem in _problems(pod, kinds, action):
            problems.setdefault(problem, []).append(f"{metadata['namespace']}/{metadata['name']}")
        chosen.append(pod)
    words = [f"cannot delete {problem}: {', '.join(names)}" for problem, names in problems.items()]
    return chosen, words[0] if len(words) == 1 else f"[{', '.join(words)}]" if words else ""


def _problems(pod: Raw, kinds: set[str], action: Drain) -> Iterator[str]:
    if (pod.get("status") or {}).get("phase") in _TERMINAL:
        return
    if "DaemonSet" in kinds:
        yield _DAEMONS
    elif not kinds and not action.force:
        yield _UNMANAGED
    volumes = pod["spec"].get("volumes") or ()
    if any("emptyDir" in volume for volume in volumes) and not action.delete_empty_dir_data:
        yield _LOCAL


@dataclass(frozen=True, slots=True)
class _Evict:
    """POST of an Eviction, or a DELETE where evictions are disabled."""

    store: Store
    metadata: Raw
    action: Drain

    def __call__(self, now: Instant) -> Reply:
        place = (self.metadata["namespace"], self.metadata["name"])
        grace, uid = self.action.grace_period_seconds, self.metadata["uid"]
        if self.action.disable_eviction:
            return self.store.delete("Pod", *place, now, grace=grace, uid_precondition=uid, actor=_USER)
        return self.store.evict(*place, now, grace=grace, uid=uid, actor=_USER)
