"""A small API server on loopback that does what a recording says: it answers requests and replays the watch streams.

Objects are put together again from the recording's digests; the clock stands still until a line has been read, so that
a client that stamps what it receives must come to the recording's own times.
"""

# ruff: noqa: N815  (http.server calls do_GET)

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kubesim.objects.status import render_time
from kubesim.recording.observed import instant_of_unix
from kubesim.recording.session import WallClock
from kubesim.units import seconds

TOKEN = "s3cret"
_BASE = 1_790_000_000
_PATIENCE = 10


class ReplayClock(WallClock):
    """The recording's clock; each line of a watch that was read lets it go on."""

    def __init__(self) -> None:
        self.at = _BASE * 10**9
        self.read = threading.Semaphore(0)

    def now(self) -> int:
        return self.at

    def received(self) -> int:
        at = self.at
        self.read.release()
        return at


@dataclass
class StandIn:
    """The recording, the manifest's objects, and the server that plays them."""

    recorded: dict[str, Any]
    manifest: list[dict[str, Any]]
    release: str
    clock: ReplayClock = field(default_factory=ReplayClock)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        stamps = [v for e in self.recorded["pods"] for k, v in (e.get("set") or {}).items() if k == "startTime"]
        self.started = _BASE * 10**9 + int(round((-stamps[0]) % 1, 3) * 10**9) if stamps else _BASE * 10**9
        self.streams: dict[str, queue.Queue[dict[str, Any] | None]] = {
            k: queue.Queue() for k in ("pods", "jobs", "events")
        }
        self.acted: queue.Queue[str] = queue.Queue()
        self.begun, self.closed = threading.Event(), threading.Event()
        self.objects: dict[str, dict[str, Any]] = {}
        self.version = 100
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        threading.Thread(target=self._play, daemon=True).start()

    def close(self) -> None:
        self.closed.set()
        for stream in self.streams.values():
            stream.put(None)
        self.server.shutdown()
        self.server.server_close()

    def _play(self) -> None:
        """Send each entry at its time, after the timed actions that come before it have been asked for."""
        self.begun.wait()
        self.closed.wait(0.1)  # the reply to the create comes first
        lines = [(e["t"], 0, "pods", e) for e in self.recorded["pods"]]
        lines += [(e["t"], 1, "jobs", e) for e in self.recorded.get("jobs", ())]
        lines += [(e["t"], 2, "events", e) for e in self.recorded["events"]]
        actions = [action for action in self.recorded.get("actions", ()) if action["do"] != "snapshot"]
        for at, _, stream, entry in sorted(lines, key=lambda line: line[:2]):
            while actions and actions[0]["t"] <= at:
                self._reach(actions.pop(0)["t"])
                self._await_action()
            self._reach(at)
            self.streams[stream].put(self._line(stream, entry))
            self.clock.read.acquire(timeout=_PATIENCE)
        while not self.closed.wait(0.01):
            self.clock.at += 10**9 // 2

    def _await_action(self) -> None:
        """Let a little time pass until the action is asked for: a recorder may take t=0 for a moment later."""
        for _ in range(1000):
            try:
                self.acted.get(timeout=0.01)
                return
            except queue.Empty:
                self.clock.at += 10**6

    def _reach(self, at: float) -> None:
        self.clock.at = max(self.clock.at, self.started + seconds(str(at)))

    def _line(self, stream: str, entry: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        if stream == "events":
            return {"type": "MODIFIED" if entry.get("update") else "ADDED", "object": self._event(entry)}
        known = self.objects.setdefault(entry.get("pod") or entry["job"], {})
        for key, value in (entry.get("set") or {}).items():
            known[key] = value
            if value is None:
                del known[key]
        obj = self._pod(entry["pod"], known) if stream == "pods" else self._job(entry["job"], known)
        return {"type": entry["type"], "object": obj}

    # --- objects from digests

    def whole(self, value: float | None) -> str | None:
        """A whole second: its value is exact to a millisecond, so the nearest second is meant."""
        if value is None:
            return None
        return render_time(instant_of_unix(round((self.started + seconds(str(value))) / 10**9) * 10**9))

    def _metadata(self, name: str, known: dict[str, Any]) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{name}",
            "resourceVersion": str(self.version),
        }
        metadata["creationTimestamp"] = self.whole(known.get("startTime", 0))
        if deletion := known.get("deletion"):
            metadata["deletionTimestamp"] = self.whole(deletion["at"])
            metadata["deletionGracePeriodSeconds"] = deletion.get("grace")
        if known.get("finalizers"):
            metadata["finalizers"] = known["finalizers"]
        return metadata

    def _conditions(self, known: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for key, value in known.items():
            if key.startswith("cond/"):
                since = {"lastTransitionTime": self.whole(value["since"])} if "since" in value else {}
                found.append({"type": key[5:], **{k: v for k, v in value.items() if k != "since"}, **since})
        return found

    def _pod(self, name: str, known: dict[str, Any]) -> dict[str, Any]:
        accepted = self.recorded["accepted"][name]
        spec: dict[str, Any] = {k: accepted[k] for k in ("restartPolicy", "terminationGracePeriodSeconds")}
        spec["containers"] = [_container(text) for text in accepted["containers"]]
        if accepted.get("init"):
            spec["initContainers"] = [_container(text) for text in accepted["init"]]
        if known.get("node"):
            spec["nodeName"] = "node1"
        if known.get("schedulingGates"):
            spec["schedulingGates"] = [{"name": gate} for gate in known["schedulingGates"]]
        if "activeDeadlineSeconds" in known:
            spec["activeDeadlineSeconds"] = known["activeDeadlineSeconds"]
        if any(obj.get("spec", {}).get("readinessGates") for obj in self.manifest):
            spec["readinessGates"] = self.manifest[0]["spec"]["readinessGates"]
        status: dict[str, Any] = {k: known[k] for k in ("phase", "reason", "message", "qosClass") if k in known}
        if "startTime" in known:
            status["startTime"] = self.whole(known["startTime"])
        if known.get("hasIP"):
            status |= {"podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}]}
        status["conditions"] = self._conditions(known)
        for room, field_name in (("init", "initContainerStatuses"), ("main", "containerStatuses")):
            entries = [(key, value) for key, value in known.items() if key.startswith(f"{room}/")]
            if entries:
                status[field_name] = [self._container_status(key.partition("/")[2], value) for key, value in entries]
        metadata = self._metadata(name, known)
        return {"apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status}

    def _container_status(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"name": name, "ready": value["ready"], "restartCount": value["restarts"]}
        if "started" in value:
            found["started"] = value["started"]
        for key, field_name in (("state", "state"), ("last", "lastState")):
            if key in value:
                found[field_name] = {value[key]["s"]: self._state(value[key])}
        if "id" in value:
            found["containerID"] = _long_id(value["id"])
        return found

    def _state(self, state: dict[str, Any]) -> dict[str, Any]:
        found = {k: state[k] for k in ("reason", "message", "exitCode", "signal") if k in state}
        for key, name in (("started", "startedAt"), ("finished", "finishedAt")):
            if key in state:
                found[name] = self.whole(state[key])
        return found | ({"containerID": _long_id(state["id"])} if "id" in state else {})

    def _job(self, name: str, known: dict[str, Any]) -> dict[str, Any]:
        """Jobs are not played: their Pods are named in recordings by a placeholder, and so have no owner to name."""
        raise NotImplementedError("the recordings played here have no Jobs")

    def _event(self, entry: dict[str, Any]) -> dict[str, Any]:
        kind, _, name = entry["obj"].partition("/")
        uid = f"event-{entry['obj']}-{entry.get('field')}-{entry['reason']}-{entry['message']}-{entry['first']}"
        found: dict[str, Any] = {
            "metadata": {"name": uid, "namespace": "ns", "uid": uid, "resourceVersion": str(self.version)},
            "involvedObject": {"kind": kind, "namespace": "ns", "name": name, "fieldPath": entry.get("field", "")},
            "type": entry["type"],
            "reason": entry["reason"],
            "message": entry["message"],
        }
        if entry["from"] == "default-scheduler":
            return found | {"eventTime": self.precise(entry["first"]), "reportingComponent": entry["from"]}
        times = {
            "firstTimestamp": self.whole(entry["first"]),
            "lastTimestamp": self.whole(entry.get("last", entry["first"])),
        }
        return found | times | {"count": entry["count"], "source": {"component": entry["from"], "host": "node1"}}

    def log(self, pod: str, container: str, run: int) -> str:
        lines = [e for e in self.recorded["logs"] if (e["pod"], e["c"], e["n"]) == (pod, container, run)]
        return "".join(f"{self.precise(entry['t'])} {entry['line']}\n" for entry in lines)

    def precise(self, at: float) -> str:
        nanoseconds = self.started + seconds(str(at))
        whole = render_time(instant_of_unix(nanoseconds)).removesuffix("Z")
        return f"{whole}.{nanoseconds % 10**9:09d}Z"

    def restarts(self, pod: str, container: str) -> int:
        known = self.objects.get(pod, {})
        return int((known.get(f"main/{container}") or known.get(f"init/{container}") or {"restarts": 0})["restarts"])


def _container(text: str) -> dict[str, Any]:
    name, _, policy = text.partition(" restartPolicy=")
    return {"name": name, "image": "busybox:1.36"} | ({"restartPolicy": policy} if policy else {})


def _long_id(short: str) -> str:
    return f"containerd://{short}{'0' * 58}"


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn

    def _handle(self) -> None:
        stand_in, path = self.stand_in, self.path.partition("?")[0]
        stand_in.requests.append(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length") or 0)
        self.body = json.loads(self.rfile.read(length)) if length else None
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"kind": "Status", "message": "Unauthorized"})
        elif path == "/version":
            self._answer(200, {"gitVersion": f"v{stand_in.release}.3"})
        elif path == "/api/v1/nodes":
            room = {"cpu": "2", "memory": "24Gi", "pods": "250", "hugepages-1Gi": "0"}
            info = {"kubeletVersion": f"v{stand_in.release}.3"}
            node = {"metadata": {"name": "node1"}, "status": {"nodeInfo": info, "allocatable": room}}
            self._answer(200, {"items": [node]})
        elif path.endswith("/metrics"):
            self._metrics()
        elif "watch=1" in self.path:
            self._stream(path.rpartition("/")[2])
        elif "/log" in path:
            self._log(path.split("/")[-2])
        elif self.command == "GET":
            self._answer(200, {"metadata": {"resourceVersion": "100"}, "items": []})
        else:
            self._write(path)

    do_GET = do_POST = do_DELETE = do_PATCH = _handle

    def _metrics(self) -> None:
        """Those of the API server, if the test has some; those of nodes are forbidden."""
        lines = self.stand_in.recorded.get("metrics")
        self._answer(200, lines) if lines and "proxy" not in self.path else self._answer(403, {"message": "forbidden"})

    def _write(self, path: str) -> None:
        stand_in = self.stand_in
        if path.endswith("/namespaces") or path.split("/")[-2] == "namespaces":
            self._answer(201, {})
        elif self.command == "POST" and not path.endswith("/eviction") and not stand_in.begun.is_set():
            if errors := stand_in.recorded.get("errors"):
                error = errors[0]
                details = {"kind": "Pod", "name": "x", "causes": error.get("causes", [])}
                body = {"reason": error["reason"], "message": error["message"], "details": details}
                self._answer(error["code"], body)
                return
            stand_in.clock.at = stand_in.started
            self._answer(201, {"metadata": {}})
            stand_in.begun.set()
        else:
            action = next(
                a for a in stand_in.recorded["actions"] if a["t"] >= self._now() - 0.2 and a["do"] != "snapshot"
            )
            code = action.get("code", 200)
            self._answer(code, {"message": action.get("message", ""), "reason": "x"})
            stand_in.acted.put(action["do"])

    def _now(self) -> float:
        return (self.stand_in.clock.at - self.stand_in.started) / 10**9

    def _log(self, pod: str) -> None:
        query = dict(pair.split("=") for pair in self.path.partition("?")[2].split("&"))
        run = self.stand_in.restarts(pod, query["container"]) - (query["previous"] == "true")
        self._answer(200, self.stand_in.log(pod, query["container"], run))

    def _stream(self, kind: str) -> None:
        self.send_response(200)
        self.end_headers()
        while (line := self.stand_in.streams[kind].get()) is not None:
            self.wfile.write(json.dumps(line).encode() + b"\n")
            self.wfile.flush()

    def _answer(self, code: int, body: Any) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(code)
        self.send_header("Content-Length", str(len(text.encode())))
        for warning in (
            self.stand_in.recorded.get("warnings", ()) if code == 201 and "fieldValidation" in self.path else ()
        ):
            self.send_header("Warning", f"299 - {json.dumps(warning)}")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing goes to stderr."""
