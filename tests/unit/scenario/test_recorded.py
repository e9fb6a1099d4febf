"""The inputs of recordings: timed actions and configurations, in the recordings' own format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubesim.errors import ScenarioError
from kubesim.releases.release import Component
from kubesim.scenario.actions import Create, Delete, DeleteJobPod, Evict, EvictJobPod, Patch, Snapshot
from kubesim.scenario.recorded import load_actions, load_config
from kubesim.units import SECOND

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"MODE": "on"}}
ACTIONS: list[dict[str, Any]] = [
    {"t": 20, "do": "create", "object": CONFIG_MAP},
    {"t": 5.5, "do": "delete", "kind": "Pod", "name": "web", "grace": 2},
    {"t": 6, "do": "delete", "kind": "Job", "name": "work", "propagation": "Foreground"},
    {
        "t": 8,
        "do": "patch",
        "kind": "Pod",
        "name": "web",
        "subresource": "status",
        "type": "strategic",
        "patch": {"a": 1},
    },
    {"t": 9, "do": "evict", "kind": "Pod", "name": "web"},
    {"t": 10, "do": "delete-job-pod", "k": 1},
    {"t": 11, "do": "evict-job-pod", "k": 0, "name": "work"},
    {"t": 12, "do": "snapshot"},
]


def written(path: Path, actions: list[dict[str, Any]], horizon: Any = 40) -> Path:
    file = path / "some.actions.json"
    content = {"id": "some", "title": "Some", "tags": ["x"], "horizon": horizon, "actions": actions}
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return file


def test_recorded_actions_become_ours(tmp_path: Path) -> None:
    recorded = load_actions(written(tmp_path, ACTIONS))
    assert (recorded.name, recorded.horizon) == ("some", 40 * SECOND)
    delete, delete_job, patch, evict, job_pod, evicted, snapshot, create = recorded.actions
    assert delete == Delete(at=5_500_000_000, kind="Pod", name="web", grace_period_seconds=2)
    assert delete_job == Delete(at=6 * SECOND, kind="Job", name="work", propagation="Foreground")
    assert patch == Patch(at=8 * SECOND, kind="Pod", name="web", patch={"a": 1}, subresource="status")
    assert evict == Evict(at=9 * SECOND, name="web")
    assert job_pod == DeleteJobPod(at=10 * SECOND, number=1)
    assert evicted == EvictJobPod(at=11 * SECOND, number=0, job="work")
    (by_place,) = load_actions(written(tmp_path, [{"t": 5, "do": "evict", "kind": "Pod", "k": 2}])).actions
    assert by_place == EvictJobPod(at=5 * SECOND, number=2)
    assert snapshot == Snapshot(at=12 * SECOND)
    assert isinstance(create, Create)
    assert create.objects[0].raw == CONFIG_MAP


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"t": 1, "do": "explode"}, '"explode" is none of delete, patch'),
        ({"t": 1, "do": "delete", "kind": "Pod"}, '"name" is missing'),
        ({"t": -1, "do": "snapshot"}, "at least 0"),
        ({"t": 1, "do": "delete", "kind": "Pod", "name": "web", "gracePeriod": 3}, 'unknown field "gracePeriod"'),
        ({"do": "snapshot"}, '"t" is missing'),
    ],
)
def test_what_is_no_recorded_action_is_refused_with_its_line(
    tmp_path: Path, action: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_actions(written(tmp_path, [action]))
    assert message in str(caught.value)
    assert (caught.value.line or 0) > 6


def test_a_configuration_is_a_cluster(tmp_path: Path) -> None:
    gates = {"SidecarContainers": True}
    configs = {
        "skew": {
            "controlPlane": {"release": "1.29", "featureGates": {}},
            "node": {"name": "n", "release": "1.28", "featureGates": gates},
            "containerd": "2.3.4",
        },
        "wrong": {"controlPlane": {"release": "1.29"}, "node": {"release": "1.29", "featureGates": {"Sidecar": True}}},
    }
    file = tmp_path / "configs.json"
    file.write_text(json.dumps(configs), encoding="utf-8")
    cluster = load_config(f"{file}:skew")
    assert cluster.control_plane_release(Component.APISERVER).name == "1.29"
    (node,) = cluster.nodes
    kubelet = cluster.kubelet_release(node)
    assert (node.name, kubelet.name, dict(kubelet.gate_settings)) == ("n", "1.28", gates)
    assert cluster.containerd == "2.3.4"
    with pytest.raises(ScenarioError, match=r'no configuration "skw"; did you mean "skew"'):
        load_config(f"{file}:skw")
    with pytest.raises(ScenarioError, match=r'wrong.node.featureGates.Sidecar: gate "Sidecar" is unknown in 1.29'):
        load_config(f"{file}:wrong")
    with pytest.raises(ScenarioError, match=r"configs.json:NAME"):
        load_config("skew")
