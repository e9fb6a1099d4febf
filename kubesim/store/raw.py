"""What ``kubectl get --raw PATH`` prints: objects and lists by their path, ``/version``, and the gates in ``/metrics``.

Source: the API reference's paths; ``control-plane.md`` C-75 to C-77 for the metrics.
Departure: of ``/metrics`` only the lines ``kubernetes_feature_enabled`` are answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from kubesim.errors import KubesimError
from kubesim.releases import Release
from kubesim.releases.features import metrics_lines
from kubesim.store.kinds import KINDS, Kind

Json: TypeAlias = dict[str, Any]

_LISTED: Final = {(kind.group, kind.version, kind.plural): kind for kind in KINDS.values()}
_WITH_NAMESPACE: Final = 2


class NotServed(KubesimError):
    """Nothing is there; the message is kubectl's."""


class Objects(Protocol):
    """Where objects are looked up: a store, or a history at an instant."""

    def find(self, kind: str, namespace: str, name: str) -> Json | None: ...

    def list(self, kind: str, namespace: str | None = None) -> Iterable[Json]: ...

    @property
    def resource_version(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Components:
    """Who answers for the gates: the API server, the rest of the control plane, and each node's kubelet."""

    apiserver: Release
    kubelets: Mapping[str, Release]


def raw_answer(path: str, objects: Objects, components: Components) -> str:
    """The body of a GET; raises NotServed for what is not there."""
    steps = [step for step in path.partition("?")[0].split("/") if step]
    match steps:
        case ["metrics"]:
            return _metrics(components.apiserver)
        case ["version"]:
            return json.dumps(_about(components.apiserver), indent=2)
        case ["api", "v1", "nodes", node, "proxy", "metrics"]:
            if node not in components.kubelets:
                raise NotServed(f'Error from server (NotFound): nodes "{node}" not found')
            return _metrics(components.kubelets[node])
        case ["api", release, *rest]:
            return _objects("", release, rest, objects)
        case ["apis", group, release, *rest]:
            return _objects(group, release, rest, objects)
    raise _nothing()


def _metrics(release: Release) -> str:
    return "\n".join(metrics_lines(release)) + "\n"


def _about(release: Release) -> Json:
    return {
        "major": "1",
        "minor": str(release.minor),
        "gitVersion": git_tag(release),
        "platform": "linux/amd64",
    }


def git_tag(release: Release) -> str:
    """``v1.29.14``, as ``/version`` and a node's ``kubeletVersion`` have it."""
    return f"v1.{release.minor}.{release.patch or 0}"


def _objects(group: str, release: str, steps: list[str], objects: Objects) -> str:
    namespace = None
    if len(steps) > _WITH_NAMESPACE and steps[0] == "namespaces":
        namespace, steps = steps[1], steps[2:]
    kind = _LISTED.get((group, release, steps[0])) if steps else None
    match steps[1:]:
        case [] if kind is not None:
            return _compact(_listed(kind, objects.list(kind.name, namespace), objects))
        case [name] if kind is not None:
            found = objects.find(kind.name, namespace or "", name)
            if found is None:
                raise NotServed(f'Error from server (NotFound): {kind.resource} "{name}" not found')
            return _compact({"kind": kind.name, "apiVersion": kind.api_version, **found})
    raise _nothing()


def _listed(kind: Kind, items: Iterable[Json], objects: Objects) -> Json:
    inside = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
    metadata = {"resourceVersion": str(objects.resource_version)}
    return {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": metadata, "items": inside}


def _compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _nothing() -> NotServed:
    return NotServed("Error from server (NotFound): the server could not find the requested resource")
