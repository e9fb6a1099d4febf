"""What a client of the API would have been answered at the end of a history: raw GETs, nodes, descriptions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from kubesim.history.history import History
from kubesim.history.records import ObjectChanged
from kubesim.history.replay import Key
from kubesim.objects.status import instant_of
from kubesim.releases import Component, release
from kubesim.store.raw import Components, raw_answer
from kubesim.store.tables import human_duration
from kubesim.timelines.describe import describe_kind
from kubesim.timelines.describe_nodes import describe_nodes
from kubesim.timelines.rows import api_server
from kubesim.timelines.tables import align


class _Objects:
    """The objects of a history in its end, looked up as in a store."""

    def __init__(self, history: History) -> None:
        self._objects = history.objects()
        self._last = max((change.resource_version for change in history.of(ObjectChanged)), default=0)

    def find(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self._objects.get(Key(kind, namespace, name))

    def list(self, kind: str, namespace: str | None = None) -> Iterator[dict[str, Any]]:
        keys = sorted(key for key in self._objects if key.kind == kind and namespace in (None, key.namespace))
        return (self._objects[key] for key in keys)

    @property
    def resource_version(self) -> int:
        return self._last


def raw_get(history: History, path: str) -> str:
    """What ``kubectl get --raw PATH`` prints in the end of the history; raises NotServed for what is not there."""
    kubelets = {
        node.name: release(node.release, node.feature_gates, component=Component.KUBELET, bugs=node.bugs)
        for node in history.header.nodes
    }
    return raw_answer(path, _Objects(history), Components(api_server(history.header.control_plane), kubelets))


def nodes_table(history: History) -> list[str]:
    """``kubectl get nodes`` in the end of the history; kubesim's nodes have no roles."""
    rows = [
        [
            raw["metadata"]["name"],
            _readiness(raw),
            "<none>",
            human_duration(history.ended - (instant_of(raw["metadata"].get("creationTimestamp")) or history.started)),
            raw["status"]["nodeInfo"]["kubeletVersion"],
        ]
        for raw in _Objects(history).list("Node")
    ]
    return align(["NAME", "STATUS", "ROLES", "AGE", "VERSION"], rows) if rows else []


def _readiness(raw: dict[str, Any]) -> str:
    """Ready, NotReady or Unknown, and whether new Pods are kept off it."""
    ready = next((one["status"] for one in raw["status"].get("conditions") or () if one["type"] == "Ready"), "Unknown")
    words = {"True": "Ready", "False": "NotReady"}.get(ready, "Unknown")
    return f"{words},SchedulingDisabled" if (raw.get("spec") or {}).get("unschedulable") else words


def described(history: History, kind: str, names: Collection[str] | None = None) -> list[str]:
    """What ``kubectl describe`` prints of the objects of a kind, or of those of some names."""
    return describe_nodes(history, names) if kind == "Node" else describe_kind(history, kind, names=names)
