"""Deployments and ReplicaSets in whole runs: rollouts, scaling, deletion, and what kubectl shows of them."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.history.replay import Key
from kubesim.objects.yaml import Source, documents_of
from kubesim.scenario.load import scenario_of
from kubesim.sim.world import World
from kubesim.timelines.lost_sidecars import lost_sidecars
from kubesim.timelines.tables import deployments_table, replica_sets_table
from kubesim.units import SECOND

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: app, image: "app:1"}]
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: rollout}
spec:
  until: 120s
"""
PATCH = "  actions: [{at: 20s, patch: {kind: Deployment, name: web, patch: {spec: {template: WHAT}}}}]\n"
ROLL = PATCH.replace("WHAT", "{metadata: {labels: {v: b}}}")


def ran(text: str, release: str = "1.36") -> History:
    return World(scenario_of(documents_of(Source("web.yaml", text))).on(release)).run()


def said(history: History, reason: str = "ScalingReplicaSet") -> list[str]:
    """The texts of the Events, each ReplicaSet by its place in the order of creation."""
    names = list(dict.fromkeys(key.name for key in history.all_versions if key.kind == "ReplicaSet"))
    texts = [event.message for event in history.events if event.reason == reason]
    for number, name in enumerate(names):
        texts = [text.replace(name, f"set{number}") for text in texts]
    return texts


def last(history: History, kind: str) -> list[dict[str, Any]]:
    return [raw for key, raw in history.objects().items() if key.kind == kind]


def test_a_rolling_update_goes_step_by_step() -> None:
    history = ran(DEPLOYMENT + ROLL)
    assert said(history)[:4] == [
        "Scaled up replica set set0 from 0 to 4",
        "Scaled up replica set set1 from 0 to 1",
        "Scaled down replica set set0 from 4 to 3",
        "Scaled up replica set set1 from 1 to 2",
    ]
    assert deployments_table(history)[1].split()[:4] == ["web", "4/4", "4", "4"]
    sizes = sorted(line.split()[1:4] for line in replica_sets_table(history)[1:])
    assert sizes == [["0", "0", "0"], ["4", "4", "4"]]
    assert {pod["metadata"]["labels"]["v"] for pod in last(history, "Pod")} == {"b"}
    deployment = last(history, "Deployment")[0]
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    progressing = next(one for one in deployment["status"]["conditions"] if one["type"] == "Progressing")
    assert progressing["reason"] == "NewReplicaSetAvailable"


def pods_over_time(history: History) -> list[tuple[int, int]]:
    """After each change of a Pod: how many exist that are not being deleted, and how many of them are Ready."""
    alive: dict[Key, tuple[bool, bool]] = {}
    seen = []
    changes = sorted(
        ((version.order, key, version) for key, known in history.all_versions.items() for version in known),
        key=lambda one: one[0],
    )
    for _, key, version in changes:
        if key.kind == "Pod":
            conditions = (version.object.get("status") or {}).get("conditions") or ()
            ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
            going = version.change == "DELETED" or "deletionTimestamp" in version.object["metadata"]
            alive[key] = (not going, ready and not going)
            seen.append((sum(one for one, _ in alive.values()), sum(ready for _, ready in alive.values())))
    return seen


@pytest.mark.parametrize(("surge", "unavailable"), [(1, 0), (0, 1), (2, 2), ("100%", 0)])
def test_the_bounds_hold_at_every_instant(surge: int | str, unavailable: int) -> None:
    strategy = f"  strategy: {{rollingUpdate: {{maxSurge: {surge}, maxUnavailable: {unavailable}}}}}\n  template:"
    history = ran(DEPLOYMENT.replace("  template:", strategy, 1) + ROLL)
    counts = pods_over_time(history)
    first_full = next(number for number, (_, ready) in enumerate(counts) if ready == 4)
    most = 4 + (4 if surge == "100%" else int(surge))
    assert max(total for total, _ in counts) == most
    assert min(ready for _, ready in counts[first_full:]) == 4 - unavailable
    assert counts[-1] == (4, 4)


def test_min_ready_seconds_slow_a_rollout_down() -> None:
    slow = DEPLOYMENT.replace("  replicas: 4", "  replicas: 4\n  minReadySeconds: 10") + ROLL

    def duration(history: History) -> float:
        ends = [event.at for event in history.events if event.reason == "ScalingReplicaSet"]
        return (ends[-1] - history.started) / SECOND - 20

    assert duration(ran(DEPLOYMENT + ROLL)) < 8 < 18 < duration(ran(slow))


def test_recreate_takes_all_old_pods_away_first() -> None:
    history = ran(DEPLOYMENT.replace("  template:", "  strategy: {type: Recreate}\n  template:", 1) + ROLL)
    assert said(history) == [
        "Scaled up replica set set0 from 0 to 4",
        "Scaled down replica set set0 from 4 to 0",
        "Scaled up replica set set1 from 0 to 4",
    ]
    assert (0, 0) in pods_over_time(history)[8:]


def test_scaling() -> None:
    history = ran(DEPLOYMENT + "  actions: [{at: 20s, scale: {kind: Deployment, name: web, replicas: 2}}]\n")
    assert said(history)[1:] == ["Scaled down replica set set0 from 4 to 2"]
    assert len(said(history, "SuccessfulDelete")) == 2
    assert len(last(history, "Pod")) == 2


def test_a_pod_that_is_lost_is_replaced() -> None:
    alone = DEPLOYMENT.replace("kind: Deployment", "kind: ReplicaSet")
    history = ran(alone + "  actions: [{at: 20s, deleteJobPod: {number: 0}}]\n")
    assert len(last(history, "Pod")) == 4, "deleteJobPod finds no Job's pod, and nothing happens"
    name = next(key.name for key in history.all_versions if key.kind == "Pod")
    history = ran(alone + f"  actions: [{{at: 20s, kill: {{pod: {name}, container: app, signal: KILL}}}}]\n")
    assert len(last(history, "Pod")) == 4


def test_what_a_deployment_owns_goes_with_it() -> None:
    history = ran(DEPLOYMENT + "  actions: [{at: 20s, delete: {kind: Deployment, name: web}}]\n")
    assert last(history, "ReplicaSet") == last(history, "Pod") == []


def test_a_rollout_that_cannot_succeed_says_so() -> None:
    text = DEPLOYMENT.replace("  replicas: 4", "  replicas: 4\n  progressDeadlineSeconds: 30")
    text += '  cluster: {images: {"no:1": {missing: true}}}\n'
    text += PATCH.replace("WHAT", '{spec: {containers: [{name: app, image: "no:1"}]}}')
    history = ran(text)
    conditions = {one["type"]: one["reason"] for one in last(history, "Deployment")[0]["status"]["conditions"]}
    assert conditions == {"Available": "MinimumReplicasAvailable", "Progressing": "ProgressDeadlineExceeded"}
    assert deployments_table(history)[1].split()[:4] == ["web", "3/4", "2", "3"]


def test_a_run_ends_when_the_rollout_is_complete() -> None:
    history = ran(DEPLOYMENT.replace("  until: 120s\n", "  seed: 0\n"))
    assert history.end is not None
    assert history.end.why == "settled"
    assert history.ended - history.started < 5 * SECOND


def test_words_of_older_releases() -> None:
    history = ran(DEPLOYMENT + ROLL, "1.29")
    assert said(history)[:3] == [
        "Scaled up replica set set0 to 4",
        "Scaled up replica set set1 to 1",
        "Scaled down replica set set0 to 3 from 4",
    ]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("labels: {app: web}", "labels: {app: other}", "`selector` does not match template `labels`"),
        (
            "terminationGracePeriodSeconds: 1",
            "restartPolicy: Never",
            'Unsupported value: "Never": supported values: "Always"',
        ),
        (
            "  template:",
            "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}\n  template:",
            "when `maxSurge` is 0",
        ),
        ("replicas: 4", "replicas: -1", "must be greater than or equal to 0"),
    ],
)
def test_what_the_api_server_refuses(before: str, after: str, words: str) -> None:
    history = ran(DEPLOYMENT.replace(before, after, 1))
    refused = next(record for record in history if getattr(record, "do", "") == "create Deployment")
    assert words in refused.message  # type: ignore[union-attr]
    assert not any(key.kind == "ReplicaSet" for key in history.all_versions)


def test_what_the_api_server_drops_from_a_template_is_told() -> None:
    """C-20 for templates: the rollout hangs in Init, and the history says who took the sidecar's policy."""
    sidecar = "initContainers: [{name: proxy, image: busybox, restartPolicy: Always, command: [sleep, inf]}]\n      "
    history = ran(DEPLOYMENT.replace("containers:", f"{sidecar}containers:", 1), "1.28")
    lost = lost_sidecars(history)
    assert [(*one.key, one.container, one.culprit) for one in lost] == [
        ("Deployment", "default", "web", "proxy", "API server 1.28")
    ]
    assert "waits for proxy to end" in lost[0].consequence
    assert {life.phase for life in history.pods} == {"Pending"}


def test_a_pattern_of_names_means_the_oldest_pod() -> None:
    actions = """\
  actions:
    - {at: 20s, kill: {pod: "web-*", container: app, exitCode: 3}}
    - {at: 40s, delete: {kind: Pod, name: "web-*"}}
    - {at: 41s, delete: {kind: Pod, name: "web-*"}}
    - {at: 42s, delete: {kind: Pod, name: "other-*"}}
"""
    history = ran(DEPLOYMENT + actions, "1.33")
    first, second, *rest = history.pods
    assert first.container("app").runs[0].code == 3
    assert [life.gone is not None for life in (first, second)] == [True, True]
    assert not any(life.gone for life in rest)
    assert history.makers(first) == (
        Key("ReplicaSet", "default", first.name.rpartition("-")[0]),
        Key("Deployment", "default", "web"),
    )
    missed = [one.message for one in history.of(ActionDone) if one.do == "delete" and one.code == 404]
    assert missed == ['pods "other-*" not found']
