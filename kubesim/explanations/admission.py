"""Who took ``restartPolicy: Always`` away from an init container: a webhook, the API server, or nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubesim.explanations.view import View
from kubesim.history.history import History
from kubesim.history.records import Admitted
from kubesim.releases import Component, release
from kubesim.timelines.admission import lost_fields

_FIELD = "restartPolicy"


@dataclass(frozen=True, slots=True)
class Culprit:
    """Why an init container that was meant as a sidecar is none."""

    why: str
    rules: tuple[str, ...]
    remedy: str


def lost_sidecar(view: View, container: str, sent: Iterable[Mapping[str, Any]] = ()) -> Culprit | None:
    """Who made a plain init container of this sidecar; None if it never was one. ``sent``: the manifests as given."""
    return (
        _unknown_to_kubelet(view, container) or _webhook(view, container) or _api_server(view, container, tuple(sent))
    )


def calls_for(history: History, view: View) -> list[Admitted]:
    """The calls of webhooks for the creation of a Pod, in order; a Job's Pod has no name yet when they are made."""
    own = [
        record
        for record in history.of(Admitted)
        if record.kind == "Pod"
        and record.operation == "CREATE"
        and record.namespace == view.life.namespace
        and record.at <= view.life.created
        and _is_name_of(record.name, view.life.name)
    ]
    earlier = [
        life.created
        for life in history.pods
        if life.created < view.life.created and any(_is_name_of(record.name, life.name) for record in own)
    ]
    return [record for record in own if not earlier or record.at > max(earlier)]


def _is_name_of(asked: str, name: str) -> bool:
    return asked == name or (asked.endswith("-") and name.startswith(asked))


def _unknown_to_kubelet(view: View, container: str) -> Culprit | None:
    if view.kubelet is None or view.kubelet.policy("sidecar_field_at_kubelet") != "unknown":
        return None
    if not _is_sidecar(view.raw, container):
        return None
    node, name = view.spec.get("nodeName"), view.kubelet.name
    return Culprit(
        f"the kubelet of {node} ({name}) does not know restartPolicy of init containers, so {container} is a plain one",
        ("K-54",),
        f"nodes of 1.29 or later, or a label and a nodeSelector that keep such Pods away from {node}",
    )


def _webhook(view: View, container: str) -> Culprit | None:
    for record in calls_for(view.history, view):
        for path in lost_fields(record):
            if path.startswith("spec.initContainers[") and path.endswith(f".{_FIELD}"):
                if not _may_mean(view, container, record, path):
                    continue
                return Culprit(
                    f"the webhook {record.webhook} ({record.configuration}) removed {path}, so {container} is a plain "
                    "init container",
                    ("C-31",),
                    f"build {record.webhook} with a client library of 1.28 or later, let it answer with a patch of "
                    "what it changes and not with the whole object, or keep such Pods from it by its objectSelector",
                )
        for path in record.dropped:
            if path.startswith("spec.initContainers[") and path.endswith(f".{_FIELD}"):
                return Culprit(
                    f"the webhook {record.webhook} sets {path}, which this API server does not know and leaves out",
                    ("C-34",),
                    "an API server of 1.28 with SidecarContainers=true, or 1.29 or later",
                )
    return None


def _may_mean(view: View, container: str, record: Admitted, path: str) -> bool:
    """Whether a path of a webhook's diff leads to this container: later webhooks may have put others before it."""
    place = int(path.partition("[")[2].partition("]")[0])
    names = [entry["name"] for entry in view.spec.get("initContainers") or ()]
    calls = calls_for(view.history, view)
    for later in calls[calls.index(record) + 1 :]:
        for one in later.diff:
            steps = one["path"].split("/")[1:]
            if steps[:2] == ["spec", "initContainers"] and len(steps) == 3 and steps[2].isdigit():
                place += (one["op"] == "add") - (one["op"] == "remove") if int(steps[2]) <= place else 0
    return place >= len(names) or names[place] == container


def _api_server(view: View, container: str, sent: tuple[Mapping[str, Any], ...]) -> Culprit | None:
    head = view.history.header.control_plane
    server = release(head.release, head.feature_gates, component=Component.APISERVER, bugs=head.bugs)
    if server.enabled("SidecarContainers") or not any(_is_sidecar(_template(raw), container) for raw in sent):
        return None
    if not any(_is_of(view, raw) for raw in sent):
        return None
    return Culprit(
        f"the API server ({head.release}, SidecarContainers off) dropped restartPolicy in silence, so {container} is a "
        "plain init container",
        ("C-20",),
        "SidecarContainers=true on the API server (1.28), or 1.29 or later",
    )


def _is_of(view: View, raw: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of the Pod, or of the Job that made it."""
    name = str(raw["metadata"].get("name", ""))
    if raw["kind"] == "Pod":
        return name == view.life.name
    return any(owner.get("name") == name for owner in view.raw["metadata"].get("ownerReferences") or ())


def _template(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    return raw if raw["kind"] == "Pod" else (raw.get("spec") or {}).get("template") or {}


def _is_sidecar(raw: Mapping[str, Any], container: str) -> bool:
    inits = (raw.get("spec") or {}).get("initContainers") or ()
    return any(entry["name"] == container and entry.get(_FIELD) == "Always" for entry in inits)
