"""One recording: watch, create, act in time, stop when all is finished; the answers become a history."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.records import ActionDone, AnyRecord, Ended, Header
from kubesim.recording.client import Answer, Client, ClusterError
from kubesim.recording.cluster import Cluster, collection, kubectl_line
from kubesim.recording.observed import Watched, instant_of_unix, log_records
from kubesim.units import MILLISECOND, SECOND, Duration, Instant
from kubesim.version import VERSION

QUIET_AFTER: Final = 3 * SECOND + 100 * MILLISECOND
"""A recording goes on for so long after everything is finished."""

_WATCHED: Final = ("Pod", "Job", "Event")
_PATCHES: Final = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}
_POLL_SECONDS: Final = 0.02


class WallClock:
    """Nanoseconds since 1970. ``received`` is asked once for each line of a watch, ``now`` at all other times."""

    def now(self) -> int:
        return time.time_ns()

    def received(self) -> int:
        return time.time_ns()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is recorded: the objects to create, the timed actions as in an ``actions.json``, and for how long."""

    name: str
    title: str
    objects: tuple[dict[str, Any], ...]
    actions: tuple[dict[str, Any], ...]
    horizon: Duration


@dataclass(slots=True)
class Session:
    """A recording while it lasts. ``lines`` is where the watching threads put what they receive."""

    client: Client
    cluster: Cluster
    namespace: str
    clock: WallClock
    told: Callable[[str], None]
    watched: Watched = field(default_factory=Watched)
    done: list[AnyRecord] = field(default_factory=list)
    started: Instant | None = None
    lines: queue.Queue[tuple[int, dict[str, Any]]] = field(default_factory=queue.Queue)
    over: threading.Event = field(default_factory=threading.Event)

    def record(self, plan: Plan) -> History:
        """Carry the plan out and give its history. Raises ClusterError where the cluster stops answering."""
        for kind in _WATCHED:
            version = self._version_of(kind)
            threading.Thread(target=self._watch, args=(kind, version), daemon=True).start()
        for obj in plan.objects:
            self._create(obj, f"create {obj['kind']}")
        self._follow(plan)
        self.over.set()
        ended = instant_of_unix(self.clock.now())
        records = [*self.watched.records, *self.done, *self._logs()]
        records.sort(key=lambda record: record.at)
        started = ended if self.started is None else self.started
        records.append(Ended(at=max([ended, *(record.at for record in records)]), why="until"))
        return History(self._header(plan, started), records)

    # --- watching

    def _version_of(self, kind: str) -> str:
        """The version from which on to watch: that of now."""
        answer = self.client.request("GET", collection(kind, self.namespace) + "?limit=1")
        if not answer.ok:
            raise ClusterError(f"cannot list {kind}s in {self.namespace}: {_message(answer)}")
        return str(answer.body["metadata"]["resourceVersion"])

    def _watch(self, kind: str, version: str) -> None:
        """In a thread of its own: hand on each line with the time it came, and go on where a stream ended."""
        while not self.over.is_set():
            for line in self.client.watch(collection(kind, self.namespace), version):
                at = self.clock.received()
                obj = line.get("object") or {}
                if line.get("type") == "ERROR":
                    self.lines.put((at, {"type": "ERROR", "object": obj}))
                    return
                version = (obj.get("metadata") or {}).get("resourceVersion", version)
                self.lines.put((at, {"type": line["type"], "object": {"kind": kind, **obj}}))
            time.sleep(_POLL_SECONDS)

    def _take(self) -> bool:
        """Take in one line of a watch, if one comes soon."""
        try:
            at, line = self.lines.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return False
        if line["type"] == "ERROR":
            raise ClusterError(f"a watch broke off: {line['object'].get('message', 'no reason given')}")
        instant = instant_of_unix(at)
        self.watched.see(instant, line["type"], line["object"])
        if line["type"] == "ADDED" and line["object"]["kind"] in ("Pod", "Job"):
            self._accepted(instant)
        return True

    def _accepted(self, at: Instant) -> None:
        self.started = at if self.started is None else min(self.started, at)

    def _follow(self, plan: Plan) -> None:
        """Act in time, and take in what comes, until everything is finished for a while or the horizon is there."""
        actions, quiet_since = list(plan.actions), None
        while True:
            took = self._take()
            now = instant_of_unix(self.clock.now())
            elapsed = 0 if self.started is None else now - self.started
            if actions and elapsed >= actions[0]["t"] * SECOND:
                self._act(actions.pop(0))
                quiet_since = None
                continue
            if elapsed >= plan.horizon or (self.started is None and self.watched.finished() and not actions):
                return
            if took or actions or not self.watched.finished():
                quiet_since = None if actions or not self.watched.finished() else (quiet_since or now)
            elif quiet_since is None:
                quiet_since = now
            elif now - quiet_since >= QUIET_AFTER:
                return

    # --- acting

    def _create(self, obj: dict[str, Any], do: str) -> None:
        metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "namespace"}
        body = {**obj, "metadata": metadata}
        asked = instant_of_unix(self.clock.now())
        answer = self.client.request("POST", f"{self._path(obj)}?fieldValidation=Strict", body)
        if answer.ok and obj["kind"] in ("Pod", "Job"):
            self._accepted(instant_of_unix(self.clock.now()))
        self._note(do, {} if do != "create" else {"object": obj}, answer, asked)

    def _act(self, action: dict[str, Any]) -> None:
        arguments = {key: value for key, value in action.items() if key not in ("t", "do")}
        asked = instant_of_unix(self.clock.now())
        self.told(f"{action['do']} {arguments.get('kind', '')} {arguments.get('name', '')}".strip())
        match action["do"]:
            case "snapshot":
                self.done.append(ActionDone(at=asked, do="snapshot"))
                return
            case "create":
                self._create(arguments["object"], "create")
                return
            case "delete":
                answer = self._delete(arguments["kind"], arguments["name"], arguments)
            case "patch":
                tail = f"/{arguments['subresource']}" if arguments.get("subresource") else ""
                path = f"{collection(arguments['kind'], self.namespace)}/{arguments['name']}{tail}"
                content = _PATCHES[arguments.get("type", "strategic")]
                answer = self.client.request("PATCH", path, arguments["patch"], content=content)
            case "evict":
                answer = self._evict(arguments["name"])
            case "delete-job-pod":
                answer = self._delete("Pod", self._job_pod(arguments["k"]), arguments)
            case _:
                answer = self._evict(self._job_pod(arguments["k"]))
        self._note(action["do"], arguments, answer, asked)

    def _delete(self, kind: str, name: str, arguments: dict[str, Any]) -> Answer:
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if arguments.get("grace") is not None:
            options["gracePeriodSeconds"] = arguments["grace"]
        options["propagationPolicy"] = arguments.get("propagation", "Background")
        return self.client.request("DELETE", f"{collection(kind, self.namespace)}/{name}", options)

    def _evict(self, name: str) -> Answer:
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        return self.client.request("POST", f"{collection('Pod', self.namespace)}/{name}/eviction", body)

    def _job_pod(self, number: int) -> str:
        names = [name for kind, name in self.watched.objects if kind == "Pod"]
        return names[number] if number < len(names) else ""

    def _note(self, do: str, arguments: dict[str, Any], answer: Answer, asked: Instant) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        self.done.append(
            ActionDone(
                at=instant_of_unix(self.clock.now()),
                asked=asked,
                do=do,
                arguments=arguments,
                code=answer.code,
                reason="" if answer.ok else body.get("reason", ""),
                message="" if answer.ok else _message(answer),
                kubectl="" if answer.ok else kubectl_line(body, do.startswith("create")),
                warnings=answer.warnings,
            )
        )

    def _path(self, obj: dict[str, Any]) -> str:
        return collection(obj["kind"], self.namespace, obj.get("apiVersion", "v1"))

    # --- afterwards

    def _logs(self) -> Iterable[AnyRecord]:
        """What can still be read of each container: the present run's output, and that of the run before."""
        for (kind, name), pod in self.watched.objects.items():
            status = pod.get("status") or {}
            for entries in ("initContainerStatuses", "containerStatuses") if kind == "Pod" else ():
                for entry in status.get(entries) or ():
                    run = entry.get("restartCount", 0)
                    for previous in (False, True) if run else (False,):
                        query = f"container={entry['name']}&timestamps=true&previous={str(previous).lower()}"
                        answer = self.client.request("GET", f"{collection('Pod', self.namespace)}/{name}/log?{query}")
                        if answer.ok and isinstance(answer.body, str):
                            yield from log_records(answer.body, pod, entry["name"], run - previous)

    def _header(self, plan: Plan, started: Instant) -> Header:
        return Header(
            kubesim=VERSION,
            scenario=plan.name,
            title=plan.title,
            digest="",
            control_plane=self.cluster.control_plane,
            nodes=self.cluster.nodes,
            timing={},
            started=started,
            until=plan.horizon,
        )


def _message(answer: Answer) -> str:
    body = answer.body
    return str(body.get("message", "")) if isinstance(body, dict) else str(body)
