"""What a container finds of its cluster: Services by name, its namespace; and what `kubectl apply` takes away."""

from __future__ import annotations

import io

import pytest

import kubesim
from kubesim.history.history import History

WAITING = """
apiVersion: v1
kind: Pod
metadata: {name: waits, namespace: shop}
spec:
  automountServiceAccountToken: AUTOMOUNT
  restartPolicy: Never
  containers:
  - {name: app, image: busybox:1.36, command: [sh, -c, "COMMAND"]}
---
apiVersion: kubesim/v1
kind: Scenario
spec:
  until: 30s
  actions:
  - at: 10s
    create: {object: {apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {ports: [{port: 1}]}}}
"""
NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"


def waits(command: str, automount: str = "true") -> History:
    text = WAITING.replace("COMMAND", command).replace("AUTOMOUNT", automount)
    return kubesim.run(kubesim.load(io.StringIO(text)))


@pytest.mark.parametrize(
    ("name", "found"),
    [("db", True), ("db.shop.svc", True), ("db.shop.svc.cluster.local", True), ("cache", False),
     ("db.other.svc", False), (f"db.$(cat {NAMESPACE_FILE}).svc.cluster.local", True)],
)  # fmt: skip
def test_a_service_is_found_once_it_exists(name: str, found: bool) -> None:
    history = waits(f"until nslookup {name}; do sleep 2; done")
    exits = [record.at - history.started for record in history.runtime if record.event == "exit"][:1]
    assert [10 <= at / 1e9 <= 14 for at in exits] == ([True] if found else [])
    assert {one.subject for one in history.assumptions} == {"Namespace/shop"}


@pytest.mark.parametrize("name", ["example.com", "localhost"])
def test_names_outside_the_cluster_are_assumed_to_answer(name: str) -> None:
    history = waits(f"nslookup {name}")
    assert [record.text for record in history.assumptions if record.subject != "Namespace/shop"] == [
        f"`nslookup {name}` assumed to succeed at once; declare a script for another outcome"
    ]


def test_the_namespace_file_follows_the_service_account_token() -> None:
    without = waits(f"cat {NAMESPACE_FILE}", automount="false")
    assert [record.code for record in without.runtime if record.container == "app" and record.event == "exit"] == [1]


APPLIED = """
apiVersion: kubesim/v1
kind: Scenario
spec:
  until: 30s
  actions:
  - at: 0s
    apply:
      object:
        apiVersion: v1
        kind: Pod
        metadata: {name: gated}
        spec: {schedulingGates: [{name: example.com/gate}], containers: [{name: app, image: nginx}]}
  - at: 10s
    apply:
      object: {apiVersion: v1, kind: Pod, metadata: {name: gated}, spec: {containers: [{name: app, image: nginx}]}}
"""


def test_apply_takes_away_what_was_applied_before_and_is_no_longer_said() -> None:
    history = kubesim.run(kubesim.load(io.StringIO(APPLIED)))
    (pod,) = history.pods
    assert "schedulingGates" not in pod.versions[-1].object["spec"]
    start = next(record.at for record in history.runtime if record.event == "start")
    assert start - history.started >= 10 * 10**9
