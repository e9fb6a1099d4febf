"""A workload as a scenario: to run it, and as the file that replays it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from kubesim.exploration.workloads import Place, Program, Stimulus, Workload
from kubesim.objects.yaml import Document
from kubesim.scenario.actions import Action, Delete, Kill, in_order
from kubesim.scenario.grammar import API_VERSION, KIND, ContainerOverride
from kubesim.scenario.load import Scenario
from kubesim.units import SECOND, Duration, format_duration


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
        cluster=replace(cluster, timing=timing),
        containers=(*overrides, *scenario.containers),
        actions=in_order((*scenario.actions, *map(_action, workload.stimuli))),
        until=until if scenario.until is None else scenario.until,
    )


def _changed(workload: Workload) -> Iterable[Program]:
    return (program for program in workload.programs if program.script())


def _action(stimulus: Stimulus) -> Action:
    at = stimulus.at * SECOND
    if stimulus.do == "crash":
        return Kill(at=at, pod=stimulus.pods, container=stimulus.container, exit_code=stimulus.code)
    return Delete(at=at, kind="Pod", name=stimulus.pods)


def _action_as_written(stimulus: Stimulus) -> dict[str, Any]:
    at = format_duration(stimulus.at * SECOND)
    if stimulus.do == "crash":
        return {"at": at, "kill": {"pod": stimulus.pods, "container": stimulus.container, "exitCode": stimulus.code}}
    return {"at": at, "delete": {"kind": "Pod", "name": stimulus.pods}}


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
    spec["cluster"] = cluster
    if overrides := [_override(program) for program in _changed(workload)]:
        spec["containers"] = [*overrides, *(spec.get("containers") or ())]
    if actions := [_action_as_written(one) for one in sorted(workload.stimuli, key=lambda one: one.at)]:
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
