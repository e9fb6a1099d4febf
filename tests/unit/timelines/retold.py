"""A recording told again as a history: the inverse of the trace export, as far as a trace goes.

Used to check the export against recordings of real clusters: what is told again must come out as it went in.
"""

from __future__ import annotations

import re
from typing import Any

from kubesim.history.deltas import make_patch
from kubesim.history.history import History
from kubesim.history.records import (
    ActionDone,
    AnyRecord,
    ComponentHeader,
    Ended,
    EventEmitted,
    Header,
    ObjectChanged,
    OutputWritten,
    RuntimeChanged,
)
from kubesim.objects.status import render_time
from kubesim.units import MILLISECOND, SECOND, Instant

NAMESPACE = "default"
_JOB_POD = re.compile(r"^(?P<job>.+?)-~(?P<k>\d+)$")
_NAMES = re.compile(r"([a-z0-9-]+)-~(\d+)")
_SHORT_UID = re.compile(r"\(([0-9a-f]{8})\)")
_UID_REST = "-0000-4000-8000-000000000000"


class Teller:
    """Turns the entries of one trace into records. ``release`` and ``gates`` are the API server's."""

    def __init__(self, trace: dict[str, Any], release: str, gates: dict[str, bool] | None = None) -> None:
        self.trace = trace
        self.started = 100 * SECOND + _fraction(trace)
        self.header = Header(
            kubesim="0",
            scenario=trace["id"],
            title=trace["title"],
            digest="",
            control_plane=ComponentHeader(name="control-plane", release=release, feature_gates=gates or {}),
            nodes=(ComponentHeader(name="node1", release=release),),
            timing={},
            started=self.started,
            until=round(trace["duration"] * 1000) * MILLISECOND,
        )

    def history(self) -> History:
        trace = self.trace
        records: list[AnyRecord] = [self._refused(error) for error in trace.get("errors", ())]
        records += [self._action(action) for action in trace.get("actions", ())]
        records += self._objects("Pod") + self._objects("Job")
        records += [self._event(event) for event in trace["events"]]
        records += [self._runtime(entry) for entry in trace["runtime"]]
        records += [self._log(entry) for entry in trace["logs"]]
        records.sort(key=lambda record: record.at)
        last = max([record.at for record in records] + [self.at(trace["duration"])])
        return History(self.header, [*records, Ended(at=last, why="horizon")])

    def at(self, seconds: float) -> Instant:
        return self.started + round(seconds * 1000) * MILLISECOND

    def time(self, seconds: float | None) -> str | None:
        return None if seconds is None else render_time(self.at(seconds))

    def _refused(self, error: dict[str, Any]) -> ActionDone:
        return ActionDone(at=self.started, **error)

    def _action(self, action: dict[str, Any]) -> ActionDone:
        rest = {key: value for key, value in action.items() if key not in ("t", "do", "code", "message")}
        return ActionDone(
            at=self.at(action["t"]),
            do=action["do"],
            arguments=rest,
            code=action.get("code", 0),
            message=action.get("message", ""),
        )

    def _objects(self, kind: str) -> list[AnyRecord]:
        """One ObjectChanged for each watch event, with the patch between the raw objects before and after."""
        keys: dict[str, dict[str, Any]] = {}
        raws: dict[str, dict[str, Any]] = {}
        records: list[AnyRecord] = []
        for change in self.trace.get(f"{kind.lower()}s", ()):
            name = change[kind.lower()]
            state = keys.setdefault(name, {})
            for key, value in change.get("set", {}).items():
                if value is None:
                    state.pop(key)
                else:
                    state[key] = value
            raw = self._raw_pod(name, state) if kind == "Pod" else self._raw_job(name, state)
            before = raws.get(name)
            raws[name] = raw
            records.append(
                ObjectChanged(
                    at=self.at(change["t"]),
                    change=change["type"],
                    kind=kind,
                    namespace=NAMESPACE,
                    name=real_name(name),
                    uid=f"uid-of-{name}",
                    resource_version=len(records) + 1,
                    actor="kubelet/node1",
                    verb="update",
                    object=raw if change["type"] == "ADDED" else None,
                    patch=None if change["type"] == "ADDED" else make_patch(before or {}, raw),
                )
            )
        return records

    def _raw_pod(self, name: str, keys: dict[str, Any]) -> dict[str, Any]:
        stored = self.trace["accepted"][name]
        metadata = self._metadata(name, keys)
        if found := _JOB_POD.match(name):
            job = found["job"]
            if "index" in stored:
                job = job.removesuffix(f"-{stored['index']}")
                metadata["annotations"] = {"batch.kubernetes.io/job-completion-index": str(stored["index"])}
            metadata["ownerReferences"] = [{"kind": "Job", "name": job, "controller": True}]
        spec: dict[str, Any] = {
            "restartPolicy": stored["restartPolicy"],
            "terminationGracePeriodSeconds": stored["terminationGracePeriodSeconds"],
            "initContainers": [_container_spec(text) for text in stored.get("init", ())],
            "containers": [_container_spec(text) for text in stored["containers"]],
            "schedulingGates": [{"name": gate} for gate in keys.get("schedulingGates", ())],
            "nodeName": "node1" if keys["node"] else "",
            "activeDeadlineSeconds": keys.get("activeDeadlineSeconds"),
        }
        status = {
            "phase": keys.get("phase"),
            "reason": keys.get("reason"),
            "message": keys.get("message"),
            "qosClass": keys.get("qosClass"),
            "startTime": self.time(keys.get("startTime")),
            "podIP": "10.0.0.1" if keys.get("hasIP") else None,
            "observedGeneration": keys.get("observedGeneration"),
            "conditions": self._conditions(keys),
            "initContainerStatuses": self._statuses(keys, "init/"),
            "containerStatuses": self._statuses(keys, "main/"),
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}

    def _raw_job(self, name: str, keys: dict[str, Any]) -> dict[str, Any]:
        rows = [row for row in self.trace["kubectl_get_job"] if row["job"] == name]
        wanted = rows[0]["completions"].partition("/")[2]
        spec: dict[str, Any] = {"suspend": keys.get("suspend", False)}
        if " of " in wanted:
            spec["parallelism"] = int(wanted.partition(" of ")[2])
        else:
            spec["completions"] = int(wanted)
        counters = ("active", "ready", "succeeded", "failed", "terminating", "completedIndexes", "failedIndexes")
        status: dict[str, Any] = {key: keys[key] for key in counters if key in keys}
        status["startTime"] = self.time(keys.get("startTime"))
        status["completionTime"] = self.time(keys.get("completionTime"))
        status["conditions"] = self._conditions(keys)
        waiting = keys.get("uncounted", {})
        status["uncountedTerminatedPods"] = {key: ["uid"] * count for key, count in waiting.items()}
        metadata = self._metadata(name, keys)
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec, "status": status}

    def _metadata(self, name: str, keys: dict[str, Any]) -> dict[str, Any]:
        deletion = keys.get("deletion", {})
        return {
            "name": real_name(name),
            "namespace": NAMESPACE,
            "creationTimestamp": render_time(self.started),
            "deletionTimestamp": self.time(deletion.get("at")),
            "deletionGracePeriodSeconds": deletion.get("grace"),
            "finalizers": keys.get("finalizers"),
            "generation": keys.get("generation", 1),
        }

    def _conditions(self, keys: dict[str, Any]) -> list[dict[str, Any]]:
        """In the order of the keys, but PodScheduled last, where the kubelet's first write puts it."""
        conditions = [key for key in keys if key.startswith("cond/")]
        return [
            {
                "type": key.removeprefix("cond/"),
                "status": keys[key]["status"],
                "reason": keys[key].get("reason"),
                "message": real_message(keys[key].get("message")),
                "lastTransitionTime": self.time(keys[key].get("since")),
                "observedGeneration": keys[key].get("observedGeneration"),
            }
            for key in sorted(conditions, key=lambda key: key == "cond/PodScheduled")
        ]

    def _statuses(self, keys: dict[str, Any], room: str) -> list[dict[str, Any]]:
        return [
            {
                "name": key.removeprefix(room),
                "ready": value["ready"],
                "started": value.get("started"),
                "restartCount": value["restarts"],
                "state": self._state(value.get("state")),
                "lastState": self._state(value.get("last")),
                "containerID": container_id(value.get("id")),
                "stopSignal": value.get("stopSignal"),
            }
            for key, value in keys.items()
            if key.startswith(room)
        ]

    def _state(self, value: dict[str, Any] | None) -> dict[str, Any]:
        if value is None:
            return {}
        if value["s"] == "running":
            return {"running": {"startedAt": self.time(value["started"])}}
        said = {"reason": value.get("reason"), "message": real_message(value.get("message"))}
        if value["s"] == "waiting":
            return {"waiting": said}
        return {
            "terminated": {
                **said,
                "exitCode": value["exitCode"],
                "signal": value.get("signal"),
                "startedAt": self.time(value.get("started")),
                "finishedAt": self.time(value.get("finished")),
                "containerID": container_id(value.get("id")),
            }
        }

    def _event(self, event: dict[str, Any]) -> EventEmitted:
        kind, _, name = event["obj"].partition("/")
        return EventEmitted(
            at=self.at(event["t"]),
            kind=kind,
            namespace=NAMESPACE,
            name=real_name(name),
            uid="",
            type=event["type"],
            reason=event["reason"],
            message=real_message(event["message"]) or "",
            component=event["from"],
            field_path=event.get("field", ""),
            count=event["count"],
            first=self.at(event["first"]),
            last=self.at(event.get("last", event["first"])),
            update=event.get("update", False),
        )

    def _runtime(self, entry: dict[str, Any]) -> RuntimeChanged:
        return RuntimeChanged(
            at=self.at(entry["t"]),
            node="node1",
            namespace=NAMESPACE,
            pod=real_name(entry["pod"]),
            container=entry["c"],
            run=entry["n"],
            event=entry["ev"],
            code=entry.get("code"),
            signal=entry.get("sig", ""),
            grace=entry.get("grace"),
            command=entry.get("cmd", ""),
            exec=int(entry["x"], 16) if "x" in entry else None,
        )

    def _log(self, entry: dict[str, Any]) -> OutputWritten:
        return OutputWritten(
            at=self.at(entry["t"]),
            namespace=NAMESPACE,
            pod=real_name(entry["pod"]),
            container=entry["c"],
            run=entry["n"],
            line=entry["line"],
            stream=entry.get("stream", "stdout"),
        )


def real_name(name: str) -> str:
    """A name as the API server would have made it: five letters instead of ``~k``."""
    return _NAMES.sub(lambda found: f"{found[1]}-x{int(found[2]):04d}", name)


def real_message(message: str | None) -> str | None:
    """A message with full uids and generated names, as the components write it."""
    return message and _SHORT_UID.sub(rf"(\1{_UID_REST})", real_name(message))


def container_id(short: str | None) -> str | None:
    return short and f"containerd://{short.ljust(64, '0')}"


def _container_spec(text: str) -> dict[str, Any]:
    name, _, policy = text.partition(" restartPolicy=")
    return {"name": name} | ({"restartPolicy": policy} if policy else {})


def _fraction(trace: dict[str, Any]) -> int:
    """Where in its second t=0 lies: times that Kubernetes wrote are whole seconds minus t=0."""
    for change in [*trace["pods"], *trace.get("jobs", ())]:
        for key, value in change.get("set", {}).items():
            written = value.get("since") if key.startswith("cond/") and value else None
            written = value if key == "startTime" else written
            if written is not None:
                return round(-written * 1000) % 1000 * MILLISECOND
    return 0
