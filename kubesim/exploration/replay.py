"""A workload as a scenario: to run it, and as the file that replays it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from kubesim.exploration.workloads import Place, Program, Workload
from kubesim.objects.yaml import Document
from kubesim.scenario.actions import in_order
from kubesim.scenario.cluster import Image
from kubesim.scenario.grammar import API_VERSION, KIND, ContainerOverride
from kubesim.scenario.load import Scenario
from kubesim.units import Duration, format_duration


def with_workload(scenario: Scenario, workload: Workload, until: Duration | None = None) -> Scenario:
    """The scenario with the workload in place of what its manifests leave open."""
    cluster = scenario.cluster
    timing = replace(cluster.timing, draw=workload.draw or cluster.timing.draw, ties=workload.ties)
    overrides = tuple(
        ContainerOverride(program.script(), pod=program.place.pods, container=program.place.container)
        for program in _changed(workload)
    )
    return replace(
        scenario,
        cluster=replace(cluster, timing=timing, images=_images(scenario, workload)),
        containers=(*overrides, *scenario.containers),
        actions=in_order((*scenario.actions, *(one.action() for one in workload.stimuli))),
        until=until if scenario.until is None else scenario.until,
    )


def _images(scenario: Scenario, workload: Workload) -> Mapping[str, Image]:
    known = scenario.cluster.images
    return {**known, **{one.image: one.of(known.get(one.image, Image())) for one in workload.images}}


def _changed(workload: Workload) -> Iterable[Program]:
    return (program for program in workload.programs if program.script())


def scenario_file(
    documents: Iterable[Document],
    workload: Workload,
    *,
    release: str,
    gates: Mapping[str, bool],
    until: Duration,
    name: str,
    title: str,
) -> str:
    """The YAML that replays a workload: what was read, with what differs written into its Scenario document."""
    given = list(documents)
    written = next((one.raw for one in given if one.api_version == API_VERSION and one.kind == KIND), {})
    spec = copy.deepcopy(dict(written.get("spec") or {}))
    cluster = dict(spec.get("cluster") or {})
    cluster["release"] = release
    if gates:
        cluster["featureGates"] = {**(cluster.get("featureGates") or {}), **gates}
    timing = cluster.get("timing") or {}
    timing = {"profile": timing} if isinstance(timing, str) else dict(timing)
    timing.update({key: value for key, value in (("draw", workload.draw), ("ties", workload.ties)) if value})
    if timing:
        cluster["timing"] = timing
    if workload.images:
        images = dict(cluster.get("images") or {})
        images.update({one.image: {**(images.get(one.image) or {}), **one.as_written()} for one in workload.images})
        cluster["images"] = images
    spec["cluster"] = cluster
    if overrides := [_override(program) for program in _changed(workload)]:
        spec["containers"] = [*overrides, *(spec.get("containers") or ())]
    if actions := [one.as_written() for one in sorted(workload.stimuli, key=lambda one: one.at)]:
        spec["actions"] = [*(spec.get("actions") or ()), *actions]
    spec.setdefault("until", format_duration(until))
    scenario = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {**(written.get("metadata") or {}), "name": name, "description": title},
        "spec": spec,
    }
    objects = [one.raw for one in given if one.raw is not written]
    return yaml.safe_dump_all([scenario, *objects], sort_keys=False, allow_unicode=True, width=110)


def _override(program: Program) -> dict[str, Any]:
    place: Place = program.place
    return {"match": {"pod": place.pods, "container": place.container}, "script": program.script()}
