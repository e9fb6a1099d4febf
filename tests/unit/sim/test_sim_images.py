"""Images and creation: pull policies, slow and missing images, what keeps a container from being made."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import (
    FOREVER,
    config_map,
    container,
    final,
    messages,
    output,
    phases,
    pod,
    ran,
    seen,
    starts,
    statuses,
    story,
    told,
    told_count,
    when,
)

from kubesim.history.series import event_series
from kubesim.units import to_seconds

Object = dict[str, Any]
EVERY = ["1.27", "1.29", "1.32", "1.33", "1.36"]
each_release = pytest.mark.parametrize("release", EVERY)
IMAGES: Object = {"slow:1": {"pull": "20s"}, "slow:2": {"pull": "10s"}, "gone:1": {"missing": True}}


def of(image: str, name: str = "app", script: str = FOREVER, **more: Any) -> Object:
    return {**container(name, script, **more), "image": image}


def secret(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


# -- pulling ----------------------------------------------------------------------------------------------------------


@each_release
def test_pulls_wait_for_each_other_on_a_node(release: str) -> None:
    """K-29: the second says how long it took, and how long with its wait."""
    history = ran(
        pod(of("slow:1"), name="one"),
        pod(of("slow:2"), name="two"),
        release=release,
        cluster={"images": IMAGES},
        until=60,
    )
    assert 20 < starts(history, "app", "one")[0] < 21.5
    assert 30 < starts(history, "app", "two")[0] < 31.5
    (text,) = told(history, "Pulled", "two")
    assert text.startswith('Successfully pulled image "slow:2" in 10s (30s including waiting)')
    assert text.endswith(". Image size: 0 bytes.") is (release not in ("1.27", "1.29"))


@each_release
def test_a_pull_is_told_when_it_is_asked_for_not_when_its_turn_comes(release: str) -> None:
    """S-60, K-29: the Event comes before the pull is queued. 1.27 does not cut the durations (S-61a)."""
    one, two = pod(of("slow:1"), name="one"), pod(of("slow:2"), name="two")
    history = ran(one, two, release=release, cluster={"images": IMAGES}, until=60)
    (asked,) = [
        each.first for each in event_series(history) if (each.first.name, each.first.reason) == ("two", "Pulling")
    ]
    assert to_seconds(asked.at - history.started) < 2
    draw = ran(one, two, release=release, cluster={"images": IMAGES}, until=60, draw=3)
    (text,) = told(draw, "Pulled", "two")
    waited = text.split("(")[1].split("s ")[0]
    assert (len(waited.partition(".")[2]) > 3) is (release == "1.27")


@each_release
def test_an_image_that_comes_late_is_pulled_when_the_back_off_is_over(release: str) -> None:
    """K-26 to K-28: back-offs of 10, 20 and 40 s with the kubelet's syncs between; the fourth try is in time."""
    history = ran(pod(of("late:1")), release=release, cluster={"images": {"late:1": {"missingFor": "45s"}}}, until=120)
    assert 70 < starts(history, "app")[0] < 100
    assert [text for text in told(history, "Failed") if text == "Error: ErrImagePull"]
    assert len([one for one in told(history, "Pulled") if "Successfully pulled" in one]) == 1
    later = {"at": "100s", "create": {"object": pod(of("late:1"), name="later")}}
    history = ran(
        pod(of("late:1")),
        cluster={"images": {"late:1": {"missingFor": "45s"}}},
        actions=[later],
        release=release,
        until=120,
    )
    assert starts(history, "app", "later")[0] < 102
    on_time = ran(pod(of("late:1")), release=release, cluster={"images": {"late:1": {"missingFor": "0s"}}}, until=120)
    assert starts(on_time, "app")[0] < 5


@pytest.mark.parametrize(("config", "second"), [({}, 30), ({"serializeImagePulls": False}, 10)])
def test_a_kubelet_may_pull_several_images_at_once(config: Object, second: int) -> None:
    history = ran(
        pod(of("slow:1"), name="one"),
        pod(of("slow:2"), name="two"),
        cluster={"images": IMAGES, "nodes": [{"name": "node1", "kubeletConfig": config}]},
        until=60,
    )
    assert second < starts(history, "app", "two")[0] < second + 1.5


def test_an_image_that_was_pulled_is_there_for_the_next_pod_on_that_node() -> None:
    late = {"at": "30s", "create": {"object": pod(of("slow:1"), name="late")}}
    history = ran(pod(of("slow:1")), cluster={"images": IMAGES}, actions=[late], until=60)
    assert starts(history, "app", "late")[0] < 31.5
    assert "already present" in told(history, "Pulled", "late")[0]


@each_release
def test_always_pulls_at_every_start(release: str) -> None:
    """K-27: the tag latest means so by default (C-16)."""
    script = "sleep 1; exit 0"
    history = ran(
        pod(of("slow:2", script=script, imagePullPolicy="Always")),
        release=release,
        cluster={"images": IMAGES},
        until=60,
    )
    assert told_count(history, "Pulling") >= 2
    latest = ran(pod(of("web:latest")), release=release, until=20)
    assert told(latest, "Pulling") == ['Pulling image "web:latest"']


@each_release
def test_never_waits_for_somebody_to_bring_the_image(release: str) -> None:
    other = {"at": "5s", "create": {"object": pod(of("slow:2"), name="other")}}
    history = ran(
        pod(of("slow:2", imagePullPolicy="Never")),
        release=release,
        cluster={"images": IMAGES},
        actions=[other],
        until=60,
    )
    text = 'Container image "slow:2" is not present with pull policy of Never'
    assert messages(history, "app", "ErrImageNeverPull") == {text}
    assert told(history, "ErrImageNeverPull") == [text]
    assert told(history, "Failed") == ["Error: ErrImageNeverPull"]
    assert 15 < starts(history, "app")[0] < 40


@each_release
def test_a_missing_image_is_tried_again_with_back_off(release: str) -> None:
    """K-28, K-33: 10, 20, 40 s; from 1.32 on the message carries the last error."""
    history = ran(pod(of("gone:1")), release=release, cluster={"images": IMAGES}, until=100)
    assert phases(history) == ["Pending"]
    assert [state for state in seen(history, "app") if state != "waiting ContainerCreating"][:3] == [
        "waiting ErrImagePull",
        "waiting ImagePullBackOff",
        "waiting ErrImagePull",
    ]
    (text,) = messages(history, "app", "ImagePullBackOff")
    assert text.startswith('Back-off pulling image "gone:1"')
    assert ("ErrImagePull" in text) is (release in ("1.32", "1.33", "1.36"))
    assert told_count(history, "Pulling") == 4
    assert set(told(history, "Failed")) >= {"Error: ErrImagePull", "Error: ImagePullBackOff"}


@pytest.mark.parametrize("release", ["1.33", "1.35", "1.36"])
def test_the_end_of_a_pull_back_off_wakes_nobody(release: str) -> None:
    """K-19d: only a crash back-off says when to come back; ``err-image-pull-backoff``: every 10 to 15 s in 1.36 too."""
    history = ran(pod(of("gone:1")), release=release, cluster={"images": IMAGES}, until=300)
    assert told_count(history, "BackOff") > 14, "one every 10 to 15 s"


def test_a_missing_image_of_a_sidecar_holds_up_the_pod_and_of_a_second_main_does_not() -> None:
    side = {**container("proxy", FOREVER, restartPolicy="Always"), "image": "gone:1"}
    held = ran(pod(container("app"), inits=[side]), cluster={"images": IMAGES}, until=60)
    assert starts(held, "app") == []
    assert statuses(held)[-1] in ("0/2 Init:ImagePullBackOff", "0/2 Init:ErrImagePull")
    other = ran(pod(of("gone:1", "bad"), container("app")), cluster={"images": IMAGES}, until=60)
    assert len(starts(other, "app")) == 1


@each_release
def test_a_name_that_is_none_is_not_looked_for(release: str) -> None:
    """K-26."""
    history = ran(pod(of("web:1:2")), release=release, until=40)
    text = 'Failed to apply default image tag "web:1:2": couldn\'t parse image name "web:1:2": invalid reference format'
    if release == "1.27":
        text = text.replace("image name", "image reference")
    assert messages(history, "app", "InvalidImageName") == {text}
    assert told(history, "InspectFailed") == [text]
    assert told(history, "Failed") == ["Error: InvalidImageName"]
    assert statuses(history)[-1] == "0/1 InvalidImageName"
    assert told(history, "Pulling") == []


def test_a_pod_that_pulls_is_stopped_after_the_pull() -> None:
    """K-5: a delete does not interrupt it."""
    history = ran(
        pod(of("slow:1")),
        cluster={"images": IMAGES},
        actions=[{"at": "5s", "delete": {"kind": "Pod", "name": "p"}}],
        until=60,
    )
    assert story(history)[:3] == ["app start", "app stop 30", "app TERM"]
    assert when(history, "app start") > 20


def test_what_is_said_of_an_image_counts() -> None:
    image = {"mine:1": {"entrypoint": ["sh", "-c"], "command": ["echo from $PWD; sleep 1000"], "workingDir": "/srv"}}
    plain = {"name": "app", "image": "mine:1"}
    assert output(ran(pod(plain), cluster={"images": image}, until=10), "app") == ["from /srv"]
    given = {**plain, "args": ["echo given; sleep 1000"]}
    assert output(ran(pod(given), cluster={"images": image}, until=10), "app") == ["given"]
    own = {**plain, "command": ["sh", "-c", "echo own; sleep 1000"]}
    assert output(ran(pod(own), cluster={"images": image}, until=10), "app") == ["own"]


@pytest.mark.parametrize(("dialect", "works"), [("dash", False), ("bash", True)])
def test_an_image_has_the_shell_it_is_said_to_have(dialect: str, works: bool) -> None:
    script = "a=(1 2); echo ${a[1]}; sleep 1000"
    history = ran(pod(of("mine:1", script=script)), cluster={"images": {"mine:1": {"dialect": dialect}}}, until=10)
    assert (output(history, "app") == ["2"]) is works


# -- creating ---------------------------------------------------------------------------------------------------------

ROOT = "container has runAsNonRoot and image will run as root (pod: "
NAMED = "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root (pod: "
BROKEN = "container's runAsUser breaks non-root policy (pod: "


@pytest.mark.parametrize(
    ("context", "user", "problem"),
    [
        ({"runAsNonRoot": True}, None, ROOT),
        ({"runAsNonRoot": True}, "0:0", ROOT),
        ({"runAsNonRoot": True}, "web", NAMED),
        ({"runAsNonRoot": True}, "1000", None),
        ({"runAsNonRoot": True, "runAsUser": 1000}, None, None),
        ({"runAsNonRoot": True, "runAsUser": 0}, "1000", BROKEN),
        ({"runAsNonRoot": False}, None, None),
    ],
)
@pytest.mark.parametrize("is_pods", [False, True])
def test_who_must_not_be_root(context: Object, user: str | None, problem: str | None, is_pods: bool) -> None:
    """K-30: no instance is left behind, so there is no crash back-off."""
    images = {"busybox:1.36": {"user": user}} if user is not None else {}
    where = {"securityContext": context}
    given = pod(container("app"), **where) if is_pods else pod(container("app", **where))
    history = ran(given, cluster={"images": images}, until=40)
    if problem is None:
        assert len(starts(history, "app")) == 1
        return
    (text,) = messages(history, "app", "CreateContainerConfigError")
    assert text.startswith(problem)
    assert told(history, "Failed") == [f"Error: {text}"]
    assert told_count(history, "Failed") >= 3


def test_a_container_s_own_word_about_root_goes_before_the_pods() -> None:
    own = {"securityContext": {"runAsNonRoot": False}}
    history = ran(pod(container("app", **own), securityContext={"runAsNonRoot": True}), until=20)
    assert len(starts(history, "app")) == 1


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"configMapKeyRef": {"name": "c", "key": "k"}}, 'configmap "c" not found'),
        ({"secretKeyRef": {"name": "s", "key": "k"}}, 'secret "s" not found'),
        ({"configMapKeyRef": {"name": "there", "key": "other"}}, "couldn't find key other in ConfigMap default/there"),
        ({"secretKeyRef": {"name": "hidden", "key": "other"}}, "couldn't find key other in Secret default/hidden"),
    ],
)
def test_a_reference_to_what_is_not_there_keeps_a_container_from_being_made(env: Object, problem: str) -> None:
    app = container("app", "echo [$V]; sleep 1000", env=[{"name": "V", "valueFrom": env}])
    history = ran(config_map("there", k="v"), secret("hidden", k="v"), pod(app), until=40)
    assert messages(history, "app", "CreateContainerConfigError") == {problem}
    optional = {kind: {**ref, "optional": True} for kind, ref in env.items()}
    app["env"] = [{"name": "V", "valueFrom": optional}]
    assert output(ran(config_map("there", k="v"), secret("hidden", k="v"), pod(app), until=40), "app") == ["[]"]


def test_variables_come_from_where_they_are_said_to() -> None:
    env = [
        {"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "there", "key": "k"}}},
        {"name": "TWO", "value": "$(ONE)-$(NONE)-$$(ONE)"},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ]
    app = container(
        "app",
        "echo $ONE $TWO $NAME $NODE $CPU $MEMORY $pre_k; sleep 1000",
        env=env,
        envFrom=[{"prefix": "pre_", "secretRef": {"name": "hidden"}}],
        resources={"limits": {"cpu": "1500m", "memory": "64Mi"}},
    )
    history = ran(config_map("there", k="v"), secret("hidden", k="w"), pod(app), until=20)
    assert output(history, "app") == ["v v-$(NONE)-$(ONE) p node1 2 64 w"]


def test_what_may_not_be_written_is_refused_and_a_volume_may() -> None:
    mounts = [
        {"name": "settings", "mountPath": "/settings"},
        {"name": "data", "mountPath": "/data", "readOnly": True},
        {"name": "data", "mountPath": "/rw"},
    ]
    script = (
        "cat /settings/k; echo x > /settings/k || echo no; echo x > /data/f || echo no; "
        "echo x > /rw/f && cat /data/f; echo x > /tmp/f || echo no; echo out > /dev/null && echo null; sleep 1000"
    )
    volumes = [{"name": "settings", "configMap": {"name": "there"}}, {"name": "data", "emptyDir": {}}]
    app = container("app", script, volumeMounts=mounts, securityContext={"readOnlyRootFilesystem": True})
    lines = output(ran(config_map("there", k="v"), pod(app, volumes=volumes), until=20), "app")
    assert [line for line in lines if "Read-only" not in line] == ["vno", "no", "x", "no", "null"]
    assert len([line for line in lines if "Read-only file system" in line]) == 3


def test_a_downward_volume_holds_the_labels() -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    app = container("app", "cat /info/labels; echo; sleep 1000", volumeMounts=[{"name": "info", "mountPath": "/info"}])
    given = pod(
        app, volumes=[{"name": "info", "downwardAPI": {"items": items}}], metadata={"labels": {"a": "1", "b": "2"}}
    )
    assert output(ran(given, until=20), "app") == ['a="1"', 'b="2"']


@pytest.mark.parametrize(("limit", "killed"), [("64Mi", True), ("256Mi", False)])
def test_memory_that_is_declared_meets_the_limit(limit: str, killed: bool) -> None:
    script = {"lasts": "forever", "memory": 128 * 2**20}
    app = container("app", resources={"limits": {"memory": limit}})
    history = ran(pod(app, restartPolicy="Never"), containers=[{"match": {"pod": "p"}, "script": script}], until=20)
    if killed:
        ended = final(history, "app")["state"]["terminated"]
        assert (ended["reason"], ended["exitCode"], phases(history)[-1]) == ("OOMKilled", 137, "Failed")
    else:
        assert "running" in final(history, "app")["state"]


@pytest.mark.parametrize("release", ["1.29", "1.36"])
def test_a_start_that_fails_in_the_runtime_is_tried_again_at_the_next_sync(release: str) -> None:
    """A main in state Created is started anew, and there is no exit to back off from (K-50)."""
    fail = {"at": "0s", "startFailure": {"pod": "p", "container": "app"}}
    history = ran(pod(container("app")), release=release, actions=[fail], until=60)
    assert messages(history, "app", "RunContainerError") == {"context deadline exceeded"}
    assert told(history, "Failed") == ["Error: context deadline exceeded"]
    assert 1 < starts(history, "app")[0] < 3, "the first look at the new sandbox wakes the worker"
    assert final(history, "app")["restartCount"] == 1
