"""Manifests as they lie about in real repositories: what a run says of them, and what it takes for granted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kubesim.cli import main

POD = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: NAMESPACE}
spec:
  restartPolicy: Never
  initContainers: [{name: migrate, image: "shop/migrate:1"SIDECAR}]
  containers: [{name: app, image: busybox, command: ["true"]}]
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {fsGroup: 1000}
      containers: [{name: app, image: "shop/app:1"}]
"""
STATEFUL = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "postgres:16"}]}}
"""
CRON = """apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: backup, image: busybox, command: ["true"]}]}}}
"""
SLOW = """apiVersion: v1
kind: Pod
metadata: {name: deaf}
spec:
  terminationGracePeriodSeconds: 7200
  containers: [{name: app, image: busybox, command: [sh, -c, "while true; do sleep 600; done"]}]
"""


def pod(namespace: str = "default", sidecar: str = "") -> str:
    return POD.replace("NAMESPACE", namespace).replace("SIDECAR", sidecar)


def kubesim(*arguments: str, stdin: str) -> Result:
    verb, *options = arguments
    return CliRunner().invoke(main, [verb, "-", *options], input=stdin, catch_exceptions=False)


def test_an_unknown_program_of_an_init_container_is_taken_to_end() -> None:
    """All that comes after waits for it, so a run that took it to go on for ever would show nothing."""
    result = kubesim("run", stdin=pod())
    assert "migrate exited with 0" in result.stdout
    assert "assumed to run 1s, then exit 0, as others wait for this init container" in " ".join(result.stdout.split())
    assert "phase Succeeded" in result.stdout


def test_a_sidecar_that_an_old_release_takes_for_an_init_container_does_not_end() -> None:
    result = kubesim("run", "--release", "1.27", "--validate", "ignore", stdin=pod(sidecar=", restartPolicy: Always"))
    assert "migrate exited" not in result.stdout
    assert "`entrypoint` assumed to run until SIGTERM" in result.stdout


@pytest.mark.parametrize(("namespace", "is_told"), [("shop", True), ("kube-system", False), ("default", False)])
def test_a_namespace_that_nobody_creates_is_said_to_be_assumed(namespace: str, is_told: bool) -> None:
    assert (f"Namespace/{namespace}: assumed to exist" in kubesim("run", stdin=pod(namespace)).stdout) is is_told
    created = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\n"
    if is_told:
        assert "assumed to exist" not in kubesim("run", stdin=created + pod(namespace)).stdout


def test_what_the_template_of_a_deployment_asks_for_in_vain_is_told() -> None:
    result = kubesim("run", stdin=DEPLOYMENT)
    assert "Deployment/web spec.template.spec.securityContext.fsGroup:" in result.stdout


def test_names_with_dashes_stay_as_they_are() -> None:
    result = kubesim("run", stdin=DEPLOYMENT)
    assert any(" create web-" in line and " for 1 Pod " in line for line in result.stdout.splitlines())


@pytest.mark.parametrize("form", ["table", "yaml", "events", "trace"])
def test_forms_without_a_place_for_it_tell_on_stderr_what_is_not_modelled(form: str) -> None:
    result = kubesim("run", "-o", form, stdin=STATEFUL)
    assert "note: not modelled: StatefulSet/db kind: its controller is not modelled" in result.stderr
    assert "not modelled" not in result.stdout


def test_an_explanation_says_what_it_rests_on() -> None:
    assert "migrate: `entrypoint` assumed to run 1s" in kubesim("explain", stdin=pod()).stdout
    found = json.loads(kubesim("explain", "-o", "json", stdin=DEPLOYMENT).stdout)
    assert [one["field"] for one in found["notModelled"]] == ["spec.template.spec.securityContext.fsGroup"]
    assert any("assumed to run until SIGTERM" in one["text"] for one in found["assumed"])


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (CRON, "CronJob nightly: the schedule asks for a Job at Mon, 01 Jan 2024 03:00:00 +0000, which a later --at"),
        (STATEFUL, "StatefulSet/db: its controller is not modelled: no Pod is created for it"),
    ],
)
def test_where_there_is_no_pod_an_explanation_says_why(manifest: str, why: str) -> None:
    result = kubesim("explain", stdin=manifest)
    assert result.exit_code == 2
    assert why in " ".join(result.stderr.split())


def test_a_template_that_was_not_rendered_is_called_one(tmp_path: Path) -> None:
    result = kubesim("run", stdin="kind: Pod\nmetadata: {name: {{ .Release.Name }}}\n")
    assert result.exit_code == 2
    assert "render it first (helm template)" in result.stderr


def test_a_deletion_with_hours_of_grace_is_seen_to_its_end() -> None:
    result = kubesim("run", "--delete-at", "10s", stdin=SLOW)
    assert "SIGKILL to app" in result.stdout
    assert "Pod deaf is gone" in result.stdout


def test_a_pod_read_from_a_cluster_is_told_what_of_it_is_missing_here() -> None:
    """``kubectl get pod -o yaml`` names the node and the owner, neither of which is in the file."""
    owner = "{apiVersion: apps/v1, kind: ReplicaSet, name: web-6d4c, uid: 1d5e-77}"
    read = pod().replace("name: web,", f"name: web, ownerReferences: [{owner}],")
    said = " ".join(kubesim("run", stdin=read.replace("spec:", "spec:\n  nodeName: ip-10-0-0-1")).stdout.split())
    assert "Pod/web spec.nodeName: no node ip-10-0-0-1 is assumed, so no kubelet runs it; take it out, or" in said
    assert "Pod/web metadata.ownerReferences: no ReplicaSet/web-6d4c with that uid is assumed, so it is" in said
    here = " ".join(kubesim("run", stdin=pod().replace("spec:", "spec:\n  nodeName: node1")).stdout.split())
    assert "is assumed, so" not in here


def test_a_delete_that_would_delete_nothing_is_wrong_usage() -> None:
    settings = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}"
    result = kubesim("run", "--delete-at", "10s", stdin=settings)
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "--delete-at deletes Pod, Job, CronJob, Deployment, ReplicaSet, and there is only ConfigMap" in said


def test_a_deployment_is_deleted_with_the_option() -> None:
    assert "No resources found" in kubesim("run", "--delete-at", "10s", stdin=DEPLOYMENT).stdout


def test_a_deployment_is_deleted_with_an_action() -> None:
    action = "actions: [{at: 60s, delete: {kind: Deployment, name: web}}]"
    result = kubesim("run", stdin=f"{DEPLOYMENT}---\napiVersion: kubesim/v1\nkind: Scenario\nspec:\n  {action}\n")
    assert "No resources found" in result.stdout


def test_an_object_that_gets_its_name_later_cannot_be_named_to_be_deleted() -> None:
    result = kubesim("run", "--delete-at", "10s", stdin=pod().replace("name: web,", "generateName: web-,"))
    assert result.exit_code == 2
    assert "STDIN:3:11: metadata.name: a Pod without a name cannot be deleted with --delete-at" in result.stderr


@pytest.mark.parametrize("how", [("--search", "--budget", "1s"), ("--exhaustive",)])
def test_where_there_is_nothing_to_explore_nothing_is_searched(how: tuple[str, ...]) -> None:
    result = kubesim("check", *how, stdin=STATEFUL)
    assert result.exit_code == 2
    assert "there is nothing to explore that makes Pods: no Pod, no Job," in " ".join(result.stderr.split())


@pytest.mark.parametrize(("number", "seen"), [(80, "Pod Ready"), (8080, "dial tcp 10.244.0.2:8080: connect:")])
def test_a_port_that_a_probe_names_is_looked_up(number: int, seen: str) -> None:
    """nginx listens on 80 (``lifecycle`` and probes: the kubelet finds a named port among the container's)."""
    served = "{name: app, image: nginx:1.25, ports: [{name: http, containerPort: NUMBER}], readinessProbe: PROBE}"
    served = served.replace("nginx:1.25", '"nginx:1.25"').replace("PROBE", "{httpGet: {path: /, port: http}}")
    manifest = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers: [{served}]\n"
    result = kubesim("run", "--until", "30s", stdin=manifest.replace("NUMBER", str(number)))
    assert seen in " ".join(result.stdout.split())
    assert ("Pod Ready" in result.stdout) is (number == 80)
