"""Scenarios that fall into parts: those of the repository, with a twin of every Pod on a twin of its node."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubesim.exploration.parts import together
from kubesim.history.history import History
from kubesim.objects.yaml import Document, load_documents
from kubesim.scenario.load import Scenario, is_scenario, scenario_of
from kubesim.scenario.parts import Split, split
from kubesim.sim.part_world import PartRun

TWIN = "-twin"
_TARGETS = ("name", "pod")


def one_after_the_other(calls: Iterable[Callable[[], PartRun]]) -> list[PartRun]:
    """What processes do, in this one."""
    return [call() for call in calls]


def in_parts(scenario: Scenario, parts: int = 2, level: str = "full") -> History:
    """The history of a scenario that falls into parts."""
    found = split(scenario, parts)
    assert isinstance(found, Split), found
    return together(scenario, found, one_after_the_other, level=level)


def twinned(path: Path) -> Scenario:
    """The scenario of a file, where every Pod is on the first node, and another like it on another node."""
    documents = load_documents(path)
    cluster: dict[str, Any] = {}
    for document in documents:
        if is_scenario(document):
            cluster = (document.raw.get("spec") or {}).get("cluster") or {}
    first = (cluster.get("nodes") or [{"name": "node1"}])[0]["name"]
    made = [twin for document in documents for twin in _twins(document, first)]
    if not any(is_scenario(document) for document in documents):
        raw = {"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": {}}
        made += _twins(replace(documents[0], raw=raw), first)
    return scenario_of(made)


def _twins(document: Document, node: str) -> list[Document]:
    raw = copy.deepcopy(document.raw)
    if document.kind == "Pod":
        return [replace(document, raw=one) for one in _pods(raw, node)]
    if is_scenario(document):
        spec = raw.setdefault("spec", {}) or {}
        cluster = spec.setdefault("cluster", {})
        nodes = cluster.get("nodes") or [{"name": "node1"}]
        cluster["nodes"] = [*nodes, {**nodes[0], "name": node + TWIN}]
        spec["containers"] = [twin for one in spec.get("containers") or () for twin in _overrides(one)]
        spec["actions"] = [twin for one in spec.get("actions") or () for twin in _actions(one, node)]
        spec.pop("expect", None)
        spec.pop("seed", None)
        raw["spec"] = spec
    return [replace(document, raw=raw)]


def _pods(raw: dict[str, Any], node: str) -> list[dict[str, Any]]:
    metadata, spec = raw.get("metadata") or {}, raw.get("spec") or {}
    twin = {**raw, "metadata": {**metadata, "name": metadata.get("name", "") + TWIN}}
    return [{**raw, "spec": {**spec, "nodeName": node}}, {**twin, "spec": {**spec, "nodeName": node + TWIN}}]


def _overrides(override: dict[str, Any]) -> list[dict[str, Any]]:
    match = override.get("match") or {}
    if "pod" not in match:
        return [override]
    return [override, {**override, "match": {**match, "pod": match["pod"] + TWIN}}]


def _actions(action: dict[str, Any], node: str) -> list[dict[str, Any]]:
    """An action, and the same upon the twin."""
    action = copy.deepcopy(action)
    (verb,) = (key for key in action if key != "at")
    what = action[verb]
    if verb in ("create", "apply") and (what.get("object") or {}).get("kind") == "Pod":
        return [{"at": action["at"], verb: {"object": one}} for one in _pods(what["object"], node)]
    if not isinstance(what, dict):
        return [action]
    twin = {key: value + TWIN if key in _TARGETS else value for key, value in what.items()}
    return [action, {"at": action["at"], verb: twin}]
