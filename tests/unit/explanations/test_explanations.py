"""What an explanation says in each situation: where a thing is, why, what it waits for, what comes next."""

from __future__ import annotations

from pathlib import Path

import pytest
from explained import FOREVER, explained, subjects

from kubesim.errors import KubesimError
from kubesim.explanations.explain import Choice
from kubesim.explanations.explanation import Explanation
from kubesim.units import SECOND

ORDERED = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 20
  initContainers:
    - {{name: prepare, image: busybox:1.36, command: [sh, -c, "sleep 4"]}}
    - name: proxy
      image: busybox:1.36
      restartPolicy: Always
      command: [sh, -c, "sleep 5; touch /tmp/up; {FOREVER}"]
      startupProbe: {{exec: {{command: [test, -f, /tmp/up]}}, periodSeconds: 1, failureThreshold: 30}}
  containers:
    - {{name: app, image: busybox:1.36, command: [sh, -c, "trap 'sleep 3; exit 0' TERM; sleep 100000 & wait"]}}
"""
DELETED = """
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: s}
spec: {actions: [{at: 20s, delete: {kind: Pod, name: web}}]}
"""


def one(found: Explanation, *, where: str, why: str = "", waits: str = "", changes: str = "", rule: str = "") -> None:
    """The parts of an explanation that a reader looks for."""
    assert where in found.where
    assert why in found.why
    assert not waits or any(waits in text for text in found.waits_for), found.waits_for
    assert not changes or any(changes in text for text in found.changes), found.changes
    assert not rule or rule in found.rules, found.rules


# -- the start --------------------------------------------------------------------------------------------------------


def test_a_pod_in_init_names_the_container_that_holds_everything_up() -> None:
    found = explained(ORDERED, "3s")
    one(found["web"], where="Pending (kubectl prints Init:0/2)", waits="init container prepare to end with 0")
    one(found["prepare"], where="running", changes="prepare ends with 0: the next one starts")
    one(found["app"], where="waiting for its turn", why="init container prepare comes first", rule="K-41")
    upcoming = found["app"].upcoming
    assert upcoming is not None
    assert upcoming.what == "kubelet: start app"


def test_a_sidecar_that_is_not_started_is_what_the_app_waits_for() -> None:
    found = explained(ORDERED, "7s")
    one(found["proxy"], where="running, not started", waits="exec test -f /tmp/up", rule="K-102")
    one(found["app"], where="waiting for its turn", waits="sidecar proxy to be started", rule="K-42")
    assert any("proxy in turn waits for its startup probe" in text for text in found["app"].waits_for)


def test_what_is_well_says_what_would_end_it() -> None:
    found = explained(ORDERED, "15s")
    one(found["web"], where="Running", why="it is ready", changes="restartPolicy Always")
    one(found["proxy"], where="running", changes="the main containers end for good: then it is stopped")
    assert found["web"].upcoming is None


# -- the end ----------------------------------------------------------------------------------------------------------


def test_a_terminating_pod_says_whose_turn_it_is_and_when_the_grace_is_over() -> None:
    found = explained(ORDERED + DELETED, "21s", release="1.29")
    one(found["web"], where="terminating", why="deleted the Pod at +20.0", waits="app to end", rule="K-12")
    one(found["app"], where="got SIGTERM, still runs", changes="SIGKILL at +40.0")
    one(
        found["proxy"], where="its turn to stop has not come", waits="app to end", changes="app ends: then", rule="K-75"
    )


def test_without_order_nobody_waits_for_a_turn() -> None:
    found = explained(ORDERED + DELETED, "21s", release="1.28", gates={"SidecarContainers": True})
    assert found["proxy"].where == "ended with 0, for good"
    one(found["app"], where="got SIGTERM, still runs")


def test_a_pod_that_went_says_who_wanted_it_and_what_took_so_long() -> None:
    found = explained(ORDERED + DELETED, "40s")
    one(found["web"], where="gone", why="with a grace of 20 s; proxy was the last to end", rule="K-15")
    one(found["proxy"], where="ended with 0", why="it got SIGTERM at +23")


def test_a_killed_shell_is_told_why_it_was_deaf() -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: busybox:1.36, command: [sh, -c, "sleep 100000; true"]}]
""" + DELETED.replace("name: web}", "name: web, gracePeriodSeconds: 5}")
    one(explained(manifest, "40s")["app"], where="ended with 137", why="as process 1 it ignores SIGTERM", rule="K-72")


def test_a_success_names_the_sidecar_that_did_not_count() -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 3
  initContainers:
    - {name: proxy, image: busybox:1.36, restartPolicy: Always, command: [sh, -c, "trap '' TERM; sleep 100000 & wait"]}
  containers: [{name: app, image: busybox:1.36, command: [sh, -c, "sleep 2"]}]
"""
    found = explained(manifest, "30s")
    one(found["web"], where="Succeeded", why="sidecar proxy ended with 137", rule="S-2")
    assert "does not count" in found["web"].why


def test_a_failed_init_container_is_named() -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  restartPolicy: Never
  initContainers: [{name: check, image: busybox:1.36, command: [sh, -c, "exit 3"]}]
  containers: [{name: app, image: busybox:1.36, command: [sh, -c, "sleep 2"]}]
"""
    found = explained(manifest, "30s")
    one(found["web"], where="Failed", why="init container check ended with 3")
    one(found["app"], where="never started")


def test_an_ordinary_companion_is_told_to_become_a_sidecar() -> None:
    manifest = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  restartPolicy: Never
  containers:
    - {{name: work, image: busybox:1.36, command: [sh, -c, "sleep 2"]}}
    - {{name: proxy, image: busybox:1.36, command: [sh, -c, "{FOREVER}"]}}
"""
    one(
        explained(manifest, "1m")["web"],
        where="kubectl prints NotReady",
        waits="proxy to end",
        changes="initContainers",
    )


def test_a_sidecar_whose_turn_was_forced_is_said_to_have_waited_in_vain() -> None:
    """K-77: it was told to stop while the main still ran, which only then was killed."""
    deaf = ORDERED.replace("trap 'sleep 3; exit 0' TERM; sleep 100000 & wait", "while true; do sleep 1; done")
    found = explained(deaf.replace("GracePeriodSeconds: 20", "GracePeriodSeconds: 6") + DELETED, "40s", release="1.36")
    one(found["proxy"], where="ended with 0", why="no grace is left to wait for app to end", rule="K-77")
    assert "after app ended" not in found["proxy"].why


# -- what it said -----------------------------------------------------------------------------------------------------

SAYS = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
    - {name: wait, image: busybox, command: [sh, -c, "until nc -z db 1; do echo no db yet; sleep 2; done"]}
  containers: [{name: app, image: busybox, command: [sh, -c, "echo up; sleep 9; echo; exit 3"]}]
"""


def test_an_init_container_that_goes_on_is_quoted() -> None:
    one(explained(SAYS, "20s")["wait"], where="running", why='; it said last, at +18.541s: "no db yet"')


def test_who_failed_is_quoted_up_to_then() -> None:
    """Its last line that is not empty; not what another run said, nor what is still to come."""
    failing = SAYS.replace("until nc -z db 1; do echo no db yet; sleep 2; done", "true")
    assert "said last" not in explained(failing, "8s")["app"].why
    one(
        explained(failing, "15s")["app"],
        where="ended with 3",
        why='by itself with 3 (Error); it said last, at +5.541s: "up"',
    )


def test_long_words_are_cut() -> None:
    told = explained(SAYS.replace("no db yet", "word " * 60), "20s")["wait"].why
    assert told.endswith('word …"')
    assert len(told) < 250


# -- restarts and probes ----------------------------------------------------------------------------------------------


def test_a_back_off_says_how_long_it_still_is() -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: busybox:1.36, command: [sh, -c, "sleep 2; exit 7"]}]
"""
    found = explained(manifest, "30s", release="1.29")
    one(found["app"], where="ended with 7 (Error); in back-off", why="in back-off of 20s", rule="K-61")
    one(found["web"], where="Running", why="main app ended with 7")
    upcoming = found["app"].upcoming
    assert upcoming is not None
    assert upcoming.what == "kubelet: status: app waiting (CrashLoopBackOff)"
    afterwards = explained(manifest, "1m6s", release="1.29")["app"].upcoming
    assert afterwards is not None
    assert (afterwards.what, afterwards.at > 90 * SECOND) == ("kubelet: start app", True), "looked at in between"


def test_a_pod_that_is_not_ready_names_the_probe_and_its_answer() -> None:
    manifest = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
    - name: app
      image: busybox:1.36
      command: [sh, -c, "{FOREVER}"]
      readinessProbe: {{exec: {{command: [cat, /tmp/ready]}}, periodSeconds: 2}}
"""
    found = explained(manifest, "20s")
    one(found["app"], where="running, not ready", why="No such file or directory", waits="exec cat /tmp/ready")
    one(found["web"], where="Running", why="not ready, because main app is running, not ready", rule="S-11")


def test_a_missing_image_and_a_missing_config_map_are_named() -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - {name: app, image: "example.com/gone:1", command: [sleep, "5"]}
    - {name: other, image: busybox:1.36, command: [sleep, "5"], envFrom: [{configMapRef: {name: settings}}]}
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: s}
spec: {cluster: {images: {"example.com/gone:1": {missing: true}}}}
"""
    found = explained(manifest, "20s")
    one(found["app"], where="waiting: ImagePullBackOff", waits="image example.com/gone:1", rule="K-28")
    one(found["other"], where="waiting: CreateContainerConfigError", why='configmap "settings" not found', rule="K-30")


def test_a_known_bug_that_holds_a_pod_up_is_named() -> None:
    scenarios = Path(__file__).parents[3] / "scenarios"
    stuck = (scenarios / "questions/10-startup-probe-fails-first.yaml").read_text()
    found = explained(stuck, "2m", release="1.33.5")
    one(found["app"], where="will not start", why="sidecar_probes_end_in_never_pods", changes="1.33.6", rule="K-106")
    assert "known bug" in found["work"].why
    assert explained(stuck, "2m", release="1.33.6")["work"].where.startswith("Succeeded")
    forgotten = (scenarios / "bugs/mains-forgotten-after-kubelet-restart.yaml").read_text()
    found = explained(forgotten, "5m")
    one(found["app"], where="will not start again", why="mains_forgotten_after", changes="1.35.4", rule="K-41")
    assert explained(forgotten.replace("1.35.0", "1.35.4"), "5m")["app"].where == "running"


def test_a_machine_that_goes_down_takes_its_containers_along() -> None:
    path = Path(__file__).parents[3] / "scenarios/faults/reboot-with-sidecar.yaml"
    found = explained(path.read_text(), "40s", release="1.29")
    one(found["app"], where="ended with 255", why="its machine went down with it", rule="K-47")


# -- no node, no object -----------------------------------------------------------------------------------------------

PLACED = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  SPEC
  initContainers:
    - {name: proxy, image: busybox:1.36, restartPolicy: Always, resources: {requests: {cpu: 3}}, command: [sleep, "99"]}
  containers: [{name: app, image: busybox:1.36, resources: {requests: {cpu: 1500m}}, command: [sleep, "5"]}]
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {name: s}
spec: {cluster: {release: "1.29", nodes: [{name: a, allocatable: {cpu: 4, memory: 4Gi, pods: 9}, NODE}]}}
"""


@pytest.mark.parametrize(
    ("spec", "node", "helps"),
    [
        ("", "labels: {pool: x}", "a node with 4.5 of cpu left, or smaller requests (sidecars count"),
        ("nodeSelector: {pool: gpu}", "labels: {pool: x}", "a node with the labels pool=gpu"),
        ("", "taints: [{key: k, value: v, effect: NoSchedule}]", "a toleration for the taint k: v"),
    ],
)
def test_a_pod_that_no_node_takes_says_what_would_help(spec: str, node: str, helps: str) -> None:
    found = explained(PLACED.replace("SPEC", spec).replace("NODE", node), "10s")
    one(found["web"], where="Pending", why="0/1 nodes are available", changes=helps, rule="C-61")
    one(found["app"], where="waiting", why="on no node")


def test_scheduling_gates_are_named() -> None:
    spec = "schedulingGates: [{name: example.com/quota}]"
    found = explained(PLACED.replace("SPEC", spec).replace("NODE", "labels: {a: b}"), "10s")
    one(found["web"], where="SchedulingGated", waits="its scheduling gates", changes="example.com/quota", rule="C-63")


def test_what_the_api_server_refuses_is_explained_in_its_words() -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: app, image: busybox:1.36, restartPolicy: OnFailure}]}
"""
    one(explained(manifest, "1s", release="1.29")["web"], where="refused by the API server with 422", why="Forbidden")


def test_a_choice_that_names_nothing_says_what_there_is() -> None:
    with pytest.raises(KubesimError, match="they have prepare, proxy, app"):
        subjects(ORDERED, "5s", Choice(container="nginx"))
    with pytest.raises(KubesimError, match="there is web"):
        subjects(ORDERED, "5s", Choice(pod="nginx"))
    assert [part.subject for part in subjects(ORDERED, "5s", Choice(container="app"))[0].parts] == ["app"]


# -- sidecars that are none -------------------------------------------------------------------------------------------

SIDECAR = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  initContainers: [{{name: proxy, image: busybox:1.36, restartPolicy: Always, command: [sh, -c, "{FOREVER}"]}}]
  containers: [{{name: app, image: busybox:1.36, command: [sh, -c, "{FOREVER}"]}}]
---
apiVersion: kubesim/v1
kind: Scenario
metadata: {{name: s}}
spec: {{cluster: CLUSTER}}
"""
WEBHOOKS = """{release: "1.30", webhooks: [
  {name: a.example.com, wholeObject: "1.27", jsonPatch: [{op: add, path: /metadata/labels, value: {a: b}}]},
  {name: b.example.com, jsonPatch: [
    {op: add, path: /spec/initContainers/0, value: {name: first, image: "busybox:1.36", command: ["true"]}}]},
  {name: c.example.com, mergePatch: {metadata: {labels: {c: d}}}}]}"""


@pytest.mark.parametrize(
    ("cluster", "why", "changes", "rule"),
    [
        (
            WEBHOOKS,
            "webhook a.example.com sends the Pod back",
            "build a.example.com with a client library of 1.28 or later",
            "C-31",
        ),
        (
            '{release: "1.28"}',
            "API server 1.28 drops restartPolicy of proxy",
            "switch the gate SidecarContainers on",
            "C-20",
        ),
        (
            '{release: "1.29", nodes: [{name: old, release: "1.27"}]}',
            "node old runs proxy as an ordinary init",
            "1.29",
            "K-54",
        ),
        (
            '{release: "1.29", nodes: [{name: old, release: "1.28"}]}',
            "InitContainerRestartPolicyForbidden",
            "1.29",
            "K-55",
        ),
    ],
)
def test_who_made_a_sidecar_an_init_container(cluster: str, why: str, changes: str, rule: str) -> None:
    found = explained(SIDECAR.replace("CLUSTER", cluster), "30s")
    one(found["web"], where="kubectl prints Init", why=why, changes=changes, rule=rule)
    one(found["app"], where="waiting for its turn" if rule != "K-55" else "never started")


def test_a_sidecar_lost_from_a_template_is_told_of_the_pods_made_from_it() -> None:
    pod, scenario = SIDECAR.split("---")
    spec = pod.partition("spec:")[2].replace("\n", "\n    ")
    deployment = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:{spec}
---{scenario.replace("CLUSTER", '{release: "1.28"}')}"""
    found = next(part for name, part in explained(deployment, "30s").items() if name.startswith("web-"))
    one(found, where="kubectl prints Init", why="API server 1.28 drops restartPolicy of proxy", rule="C-20")


def test_a_plain_init_container_has_no_culprit() -> None:
    manifest = SIDECAR.replace("CLUSTER", WEBHOOKS).replace("restartPolicy: Always, ", "")
    found = explained(manifest, "30s")
    assert "webhook" not in found["web"].why
    one(found["web"], where="Init:1/2", why="init container proxy is running")


# -- Jobs -------------------------------------------------------------------------------------------------------------


def job(policy: str, script: str, more: str = "", spec: str = "backoffLimit: 2") -> str:
    return f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: retry}}
spec:
  {spec}
  template:
    spec:
      restartPolicy: {policy}
      containers:
        - {{name: work, image: busybox:1.36, command: [sh, -c, "{script}"]}}
        {more}
"""


def test_a_job_between_two_attempts_says_how_many_are_left_and_when_the_next_comes() -> None:
    found = explained(job("Never", "sleep 2; exit 1"), "12s")
    one(found["retry"], where="not complete", why="0 of 1 succeeded, 1 failed; 1 failure is backed off", rule="J-32")
    one(found["retry"], where="", waits="before the next Pod is made at +", changes="after 2 more failed Pods it fails")


def test_a_job_that_gave_up_says_what_failed() -> None:
    found = explained(job("Never", "sleep 2; exit 9"), "10m")
    one(found["retry"], where="failed", why="BackoffLimitExceeded", rule="J-29")
    assert "work with 9 (3×)" in found["retry"].why


def test_under_on_failure_restarts_are_counted() -> None:
    found = explained(job("OnFailure", "sleep 1; exit 1", spec="backoffLimit: 4"), "30s")
    one(
        found["retry"], where="not complete", waits="to end", changes="the Job fails at 4 (backoffLimit 4)", rule="J-30"
    )
    assert any(": 2 so far" in change for change in found["retry"].changes), found["retry"].changes


def test_a_job_held_open_by_an_ordinary_container_names_it() -> None:
    more = f'- {{name: proxy, image: "busybox:1.36", command: [sh, -c, "{FOREVER}"]}}'
    found = explained(job("Never", "sleep 2", more), "2m")
    one(found["retry"], where="not complete", waits="work is done, but proxy, an ordinary container, still runs")


@pytest.mark.parametrize(
    ("spec", "at", "where", "why"),
    [
        ("suspend: true", "10s", "suspended", "spec.suspend is true"),
        ("ttlSecondsAfterFinished: 5", "8s", "complete", "1 of 1 succeeded"),
        ("ttlSecondsAfterFinished: 5", "30s", "gone", "its ttlSecondsAfterFinished were over"),
        ("activeDeadlineSeconds: 1", "30s", "failed", "DeadlineExceeded"),
        ("managedBy: example.com/other", "30s", "left alone", "example.com/other"),
    ],
)
def test_the_other_states_of_a_job(spec: str, at: str, where: str, why: str) -> None:
    one(explained(job("Never", "sleep 2", spec=spec), at)["retry"], where=where, why=why)
