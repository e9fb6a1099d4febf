"""Scenarios as the command line asks for them: files, a recording's configuration and actions, settings by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from kubesim.api import load
from kubesim.commands.options import DeleteAt, Setting
from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Document
from kubesim.scenario.actions import Delete, in_order
from kubesim.scenario.cluster import Cluster, ControlPlane, Node, Settings, check_cluster
from kubesim.scenario.load import Scenario
from kubesim.scenario.recorded import RECORDED_ALLOCATABLE, RECORDED_IMAGES, load_actions, load_config
from kubesim.scenario.templates import POD_SPECS

_KUBELETS: Final = ("node", "kubelet")
_CONTROL_PLANE: Final = {
    "apiserver": "apiserver",
    "controller-manager": "controller_manager",
    "scheduler": "scheduler",
}

Change = Callable[[Settings], Settings]


def read_scenario(
    files: Iterable[str],
    *,
    config: str | None = None,
    actions: str | None = None,
    gates: Iterable[Setting] = (),
    bugs: Iterable[Setting] = (),
    delete_at: DeleteAt | None = None,
    validate: str | None = None,
) -> Scenario:
    """The scenario of the files with what the options add to it; raises ScenarioError for what does not fit.

    Whether a release knows a gate or bug shows when it is run, for the release may still change.
    """
    paths = list(files)
    scenario = load(paths)
    if not scenario.name:
        scenario = replace(scenario, name=_name_of(paths[0]))
    if validate is not None:
        scenario = replace(scenario, validate=validate)
    if config is not None:
        scenario = _in_place_of(scenario, load_config(config))
    if actions is not None:
        done = load_actions(actions)
        scenario = replace(
            scenario,
            name=done.name or scenario.name,
            description=done.title or scenario.description,
            actions=in_order((*scenario.actions, *done.actions)),
            until=done.horizon,
        )
    if delete_at is not None:
        scenario = replace(scenario, actions=in_order((*scenario.actions, *_deletes(scenario, delete_at))))
    cluster = _with_settings(scenario.cluster, gates, "feature_gates")
    cluster = _with_settings(cluster, bugs, "bugs")
    return replace(scenario, cluster=cluster)


def as_recorded(scenario: Scenario, configuration: dict[str, Any]) -> Scenario:
    """The scenario on the releases and gates of a configuration, an entry of a recording's ``configs.json``."""
    control_plane, node = configuration["controlPlane"], configuration["node"]
    recorded = Cluster(
        control_plane=ControlPlane(shared=Settings(control_plane["release"], control_plane.get("featureGates", {}))),
        nodes=(
            Node(
                node.get("name", "node1"),
                Settings(node["release"], node.get("featureGates", {})),
                allocatable=node.get("allocatable", RECORDED_ALLOCATABLE),
            ),
        ),
        containerd=configuration.get("containerd"),
        imported_images=configuration.get("importedImages", RECORDED_IMAGES),
    )
    return _in_place_of(scenario, check_cluster(recorded))


def _in_place_of(scenario: Scenario, recorded: Cluster) -> Scenario:
    """The scenario with the machines of a recording; images and latencies stay its own."""
    cluster = replace(
        scenario.cluster,
        control_plane=recorded.control_plane,
        nodes=recorded.nodes,
        containerd=recorded.containerd,
        imported_images=recorded.imported_images,
    )
    return replace(scenario, cluster=cluster)


def _name_of(path: str) -> str:
    return "stdin" if path == "-" else Path(path).stem


def _deletes(scenario: Scenario, delete_at: DeleteAt) -> list[Delete]:
    """A delete of every Pod the scenario begins with, and of all that makes Pods.

    Raises UsageError if there is none, ScenarioError for one without a name.
    """
    documents = [document for document in scenario.objects if document.kind in POD_SPECS]
    if not documents:
        kinds = ", ".join(dict.fromkeys(document.kind for document in scenario.objects))
        raise click.UsageError(
            f"--delete-at deletes {', '.join(POD_SPECS)}, and there is only {kinds}; a Scenario can delete others: "
            "actions: [{at: 60s, delete: {kind: ConfigMap, name: settings}}]"
        )
    return [
        Delete(
            at=delete_at.at,
            kind=document.kind,
            name=_name_to_delete(document),
            namespace=document.raw["metadata"].get("namespace") or "default",
            grace_period_seconds=delete_at.grace,
        )
        for document in documents
    ]


def _name_to_delete(document: Document) -> str:
    """Raises ScenarioError for an object that gets its name only when it is created."""
    if document.name:
        return document.name
    line, column = document.position(("metadata",))
    raise ScenarioError(
        f"a {document.kind} without a name cannot be deleted with --delete-at; give it one, also where it has a "
        "generateName",
        path=document.source.path,
        line=line,
        column=column,
        field="metadata.name",
    )


def _with_settings(cluster: Cluster, settings: Iterable[Setting], field: str) -> Cluster:
    for setting in settings:
        cluster = _with_setting(cluster, setting, field)
    return cluster


def _with_setting(cluster: Cluster, setting: Setting, field: str) -> Cluster:
    """A gate or bug on the component it names: a node's by the word node or by its name; on all if it names none."""
    change = _changed(field, setting)
    nodes = {node.name for node in cluster.nodes}
    if setting.component is None:
        control_plane = _on_control_plane(cluster.control_plane, change)
        cluster = replace(cluster, settings=change(cluster.settings), control_plane=control_plane)
        return _on_nodes(cluster, lambda settings: _if_own(settings, change), nodes)
    if setting.component in _CONTROL_PLANE:
        part = _CONTROL_PLANE[setting.component]
        settings = change(getattr(cluster.control_plane, part))
        return replace(cluster, control_plane=replace(cluster.control_plane, **{part: settings}))
    if setting.component in _KUBELETS or setting.component in nodes:
        chosen = nodes if setting.component in _KUBELETS else {setting.component}
        return _on_nodes(cluster, change, chosen)
    known = ", ".join(dict.fromkeys([*_CONTROL_PLANE, "node", *sorted(nodes)]))
    raise click.UsageError(f'component "{setting.component}" is unknown; choose one of {known}')


def _changed(field: str, setting: Setting) -> Change:
    def change(settings: Settings) -> Settings:
        if field == "bugs":
            return replace(settings, place=None, bugs={**settings.bugs, setting.name: setting.value})
        gates = {**settings.feature_gates, setting.name: setting.value}
        return replace(settings, place=None, feature_gates=gates)

    return change


def _if_own(settings: Settings, change: Change) -> Settings:
    """What names a release of its own does not look above itself, so it has to be told as well."""
    return change(settings) if settings.release is not None else settings


def _on_control_plane(control_plane: ControlPlane, change: Change) -> ControlPlane:
    parts = ("shared", *_CONTROL_PLANE.values())
    return replace(control_plane, **{part: _if_own(getattr(control_plane, part), change) for part in parts})


def _on_nodes(cluster: Cluster, change: Change, names: set[str]) -> Cluster:
    nodes = tuple(
        replace(node, settings=change(node.settings)) if node.name in names else node for node in cluster.nodes
    )
    return replace(cluster, nodes=nodes)
