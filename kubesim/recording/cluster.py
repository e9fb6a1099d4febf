"""What a real cluster says of itself: releases, gates, nodes; where its objects lie; what kubectl would print."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubesim.errors import ReleaseError
from kubesim.history.records import ComponentHeader
from kubesim.recording.client import Client, ClusterError
from kubesim.releases import Component, release
from kubesim.releases.tables import RELEASES

_ENABLED: Final = re.compile(r'^kubernetes_feature_enabled\{name="([^"]+)",stage="[^"]*"\} ([01])', re.MULTILINE)
_VERSION: Final = re.compile(r"v?1\.(\d+)")
_GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "Pod": ("api/v1", "pods"),
    "Job": ("apis/batch/v1", "jobs"),
    "Event": ("api/v1", "events"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Secret": ("api/v1", "secrets"),
    "Service": ("api/v1", "services"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """The components of a cluster, and what its first node offers."""

    control_plane: ComponentHeader
    nodes: tuple[ComponentHeader, ...]
    allocatable: Mapping[str, str]

    def configuration(self, node: str | None = None) -> dict[str, Any]:
        """The entry for ``configs.json``; images are not said to be missing, for a real cluster has a registry."""
        chosen = next((one for one in self.nodes if one.name == node), self.nodes[0])
        return {
            "controlPlane": {"release": self.control_plane.release, "featureGates": self.control_plane.feature_gates},
            "node": {
                "name": chosen.name,
                "release": chosen.release,
                "featureGates": chosen.feature_gates,
                "allocatable": dict(self.allocatable),
            },
            "importedImages": None,
        }


def look_at(client: Client) -> Cluster:
    """Ask a cluster what it is. Raises ClusterError for a release that kubesim does not know, or without nodes.

    Gates are read from ``/metrics`` (of a node through the API server), where one may; without them the release's
    defaults are taken.
    """
    version = client.request("GET", "/version")
    if not version.ok or not isinstance(version.body, dict):
        raise ClusterError(f"the server does not say its version ({version.code}); is it a Kubernetes API server?")
    name = _known_release(version.body.get("gitVersion", ""))
    control_plane = ComponentHeader(
        name="control-plane", release=name, feature_gates=_gates(client, "/metrics", name, Component.APISERVER)
    )
    listed = client.request("GET", "/api/v1/nodes")
    items = listed.body.get("items") if listed.ok and isinstance(listed.body, dict) else None
    if not items:
        raise ClusterError(
            f"cannot list the nodes ({listed.code}); give this user the right to get, list and watch them"
        )
    nodes = tuple(_node(client, node) for node in items)
    allocatable = (items[0].get("status") or {}).get("allocatable") or {}
    wanted = {name: str(allocatable[name]) for name in ("cpu", "memory", "pods") if name in allocatable}
    return Cluster(control_plane, nodes, wanted)


def _node(client: Client, node: dict[str, Any]) -> ComponentHeader:
    name = node["metadata"]["name"]
    kubelet = _known_release(node["status"]["nodeInfo"]["kubeletVersion"])
    gates = _gates(client, f"/api/v1/nodes/{name}/proxy/metrics", kubelet, Component.KUBELET)
    return ComponentHeader(name=name, release=kubelet, feature_gates=gates)


def _known_release(version: str) -> str:
    match = _VERSION.match(version)
    name = f"1.{match[1]}" if match else version
    if name not in RELEASES:
        raise ClusterError(f"the cluster runs {version}; kubesim knows {RELEASES[0]} to {RELEASES[-1]}")
    return name


def _gates(client: Client, path: str, name: str, component: Component) -> dict[str, bool]:
    """The gates that are not as the release has them by default, of those that kubesim knows."""
    answer = client.request("GET", path)
    if not answer.ok or not isinstance(answer.body, str):
        return {}
    default = release(name, {}, component=component)
    found: dict[str, bool] = {}
    for gate, value in _ENABLED.findall(answer.body):
        is_on = value == "1"
        try:
            if default.enabled(gate) != is_on:
                found[gate] = release(name, {gate: is_on}, component=component).enabled(gate)
        except ReleaseError:
            continue
    return found


def collection(kind: str, namespace: str, api_version: str = "v1") -> str:
    """The path under which objects of a kind lie in a namespace; a kind not listed here follows the usual plural."""
    if kind in _GROUPS:
        prefix, plural = _GROUPS[kind]
    else:
        prefix = f"api/{api_version}" if "/" not in api_version else f"apis/{api_version}"
        plural = f"{kind.lower()}s"
    return f"/{prefix}/namespaces/{namespace}/{plural}"


def kubectl_line(status: Mapping[str, Any], creating: bool) -> str:
    """What kubectl prints for a refusal. Source: kubectl ``cmd/util/helpers.go``: StandardErrorMessage."""
    reason, message, details = status.get("reason", ""), status.get("message", ""), status.get("details") or {}
    causes = [f"{one.get('field', '')}: {one.get('message', '')}" for one in details.get("causes") or ()]
    if reason == "Invalid" and causes:
        shown = causes[0] if len(causes) == 1 else "".join(f"\n* {cause}" for cause in causes)
        return f'The {details.get("kind", "")} "{details.get("name", "")}" is invalid: {shown}'
    behind = f" ({reason})" if reason else ""
    during = 'error when creating "STDIN": ' if creating else ""
    return f"Error from server{behind}: {during}{message}"
