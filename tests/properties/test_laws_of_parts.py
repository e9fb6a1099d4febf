"""The law of runs that are shared by several worlds: the history is that of one, whatever the Pods and what is done."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import LENGTH, Plan
from strategies import plans

from kubesim import api
from kubesim.exploration.parts import together
from kubesim.scenario.load import Scenario
from kubesim.scenario.parts import Split, split
from kubesim.sim.world import World

NODES = ("a", "b", "c")


def side_by_side(several: list[Plan], places: list[str], until: int) -> tuple[Scenario, str]:
    """Pods of several plans in one cluster, each on a node of its plan's release, and the file that says so."""
    spec: dict[str, Any] = {"containers": [], "actions": [], "until": f"{until}s", "validate": "ignore"}
    nodes: dict[str, dict[str, Any]] = {name: {"name": name} for name in NODES}
    pods = []
    for number, (plan, place) in enumerate(zip(several, places, strict=True)):
        document, pod = yaml.safe_load_all(replace(plan, cluster=several[0].cluster).scenario())
        own, name = document["spec"], f"web{number}"
        spec["cluster"] = {**own["cluster"], "nodes": [*nodes.values()]}
        for node in own["cluster"].get("nodes") or ():
            nodes[place].update({key: value for key, value in node.items() if key != "name"})
        spec["containers"] += [{**one, "match": {**one["match"], "pod": name}} for one in own["containers"]]
        for action in own.get("actions") or ():
            (verb,) = (key for key in action if key != "at")
            target = "name" if verb == "delete" else "pod"
            spec["actions"].append({**action, verb: {**action[verb], target: name}})
        pods.append({**pod, "metadata": {"name": name}, "spec": {**pod["spec"], "nodeName": place}})
    first = {"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": spec}
    text = yaml.safe_dump_all([first, *pods], sort_keys=False)
    return api.load(io.StringIO(text)), text


@settings(max_examples=settings.default.max_examples // 3)  # each is a cluster, run twice
@given(
    st.lists(plans(), min_size=2, max_size=4),
    st.lists(st.sampled_from(NODES), min_size=4, max_size=4),
    st.sampled_from((2, 3)),
    st.sampled_from(("full", "full", "summary", "none")),
    st.sampled_from((LENGTH, LENGTH, 9, 30)),
)
def test_a_run_in_parts_has_the_history_of_one(
    several: list[Plan], places: list[str], parts: int, level: str, until: int
) -> None:
    places = ["a", "b", *places][: len(several)]
    scenario, text = side_by_side(several, places, max(until, *(one.at for plan in several for one in plan.stimuli), 1))
    found = split(scenario, parts)
    assert isinstance(found, Split)
    shared = together(scenario, found, lambda calls: [call() for call in calls], level=level)
    assert shared.to_jsonl() == World(scenario, level=level).run().to_jsonl(), text
