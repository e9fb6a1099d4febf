"""Changes of a Pod while it runs: image, labels, deadline, gates, ephemeral containers, conditions."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import (
    FOREVER,
    conditions,
    container,
    final,
    phases,
    pod,
    ran,
    seen,
    sidecar,
    starts,
    statuses,
    story,
    told,
    when,
)

from kubesim.history.history import History
from kubesim.history.records import ActionDone, NotModelled
from kubesim.units import to_seconds

Object = dict[str, Any]
EVERY = ["1.28", "1.29", "1.31", "1.32", "1.33", "1.36"]


def patch(at: float, body: Any, **more: Any) -> Object:
    return {"at": f"{at}s", "patch": {"kind": "Pod", "name": "p", "patch": body, **more}}


def debug(at: float, name: str, script: str, **more: Any) -> Object:
    return {"at": f"{at}s", "ephemeralContainer": {"pod": "p", "container": container(name, script, **more)}}


def replies(history: History, do: str) -> list[tuple[int, str]]:
    return [(one.code, one.message) for one in history.of(ActionDone) if one.do == do]


@pytest.mark.parametrize("release", EVERY)
def test_a_label_restarts_nothing_and_shows_in_the_downward_api_of_the_next_run(release: str) -> None:
    show = {"env": [{"name": "TEAM", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['team']"}}}]}
    script = "echo team=$TEAM; sleep 20; exit 1"
    history = ran(
        pod(container("app", script, **show), inits=[sidecar("proxy")]),
        release=release,
        actions=[patch(5, {"metadata": {"labels": {"team": "blue"}}})],
        until=60,
    )
    runs = history.pod("p").container("app").runs
    assert [run.output[0].line for run in runs[:2]] == ["team=", "team=blue"]
    assert len(starts(history, "proxy")) == 1


@pytest.mark.parametrize("release", EVERY)
def test_a_main_with_another_image_is_stopped_and_started_at_once(release: str) -> None:
    """K-50, K-51; its own grace, and no back-off."""
    image = {"spec": {"containers": [{"name": "app", "image": "busybox:1.37"}]}}
    history = ran(pod(container("app"), container("web")), release=release, actions=[patch(10, image)], until=30)
    assert story(history, "app")[1:] == ["app stop 30", "app TERM", "app exit 0", "app start"]
    assert len(starts(history, "web")) == 1
    assert told(history, "Killing") == ["Container app definition changed, will be restarted"]
    assert final(history, "app")["image"] == "busybox:1.37"


@pytest.mark.parametrize(("release", "restarts"), [("1.28", 1), ("1.29", 1), ("1.31", 1), ("1.32", 2), ("1.36", 2)])
def test_a_sidecar_with_another_image_is_restarted_from_1_32_on(release: str, restarts: int) -> None:
    """K-50b: before, the new image is taken when it restarts for another reason."""
    image = {"spec": {"initContainers": [{"name": "proxy", "image": "busybox:1.37"}]}}
    kill = {"at": "20s", "kill": {"pod": "p", "container": "proxy", "exitCode": 1}}
    history = ran(
        pod(container("app"), inits=[sidecar("proxy")]), release=release, actions=[patch(10, image), kill], until=60
    )
    assert final(history, "proxy")["restartCount"] == restarts
    assert final(history, "proxy")["image"] == "busybox:1.37"
    texts = ["Init container proxy definition changed"] if restarts == 2 else []
    assert told(history, "Killing") == texts


@pytest.mark.parametrize("release", EVERY)
def test_a_completed_init_container_is_never_run_again_for_its_image(release: str) -> None:
    image = {"spec": {"initContainers": [{"name": "prep", "image": "busybox:1.37"}]}}
    history = ran(
        pod(container("app"), inits=[container("prep", "exit 0")]),
        release=release,
        actions=[patch(10, image)],
        until=30,
    )
    assert story(history) == ["prep start", "prep exit 0", "app start"]


def test_an_image_nobody_has_leaves_the_main_down() -> None:
    image = {"spec": {"containers": [{"name": "app", "image": "gone:1"}]}}
    history = ran(
        pod(container("app")), cluster={"images": {"gone:1": {"missing": True}}}, actions=[patch(10, image)], until=60
    )
    assert len(starts(history, "app")) == 1
    assert "waiting ErrImagePull" in seen(history, "app")
    assert "waiting" in final(history, "app")["state"]


@pytest.mark.parametrize("release", EVERY)
def test_a_deadline_set_later_counts_from_the_start_of_the_pod(release: str) -> None:
    """K-88."""
    history = ran(
        pod(container("app")), release=release, actions=[patch(10, {"spec": {"activeDeadlineSeconds": 25}})], until=60
    )
    assert 24 < when(history, "app stop 30") < 26.1
    assert phases(history)[-1] == "Failed"


def test_a_deadline_that_has_passed_already_ends_the_pod_at_once() -> None:
    history = ran(pod(container("app")), actions=[patch(20, {"spec": {"activeDeadlineSeconds": 5}})], until=60)
    assert 20 < when(history, "app stop 30") < 21.1


@pytest.mark.parametrize("release", EVERY)
def test_a_pod_is_scheduled_when_its_last_gate_is_gone(release: str) -> None:
    """C-63."""
    gates = [{"name": "example.com/one"}, {"name": "example.com/two"}]
    remove = [{"op": "remove", "path": "/spec/schedulingGates/0"}]
    history = ran(
        pod(container("app"), schedulingGates=gates),
        release=release,
        actions=[patch(10, remove, type="json"), patch(20, remove, type="json")],
        until=40,
    )
    assert statuses(history)[0] == "0/1 SchedulingGated"
    assert 20 < starts(history, "app")[0] < 22


@pytest.mark.parametrize("release", EVERY)
def test_a_readiness_gate_holds_ready_back_until_its_condition_is_true(release: str) -> None:
    """S-12; the kubelet takes the condition over at once."""
    gate = {"type": "example.com/ready", "status": "True"}
    away = {"type": "example.com/ready", "status": "False"}
    history = ran(
        pod(container("app"), readinessGates=[{"conditionType": "example.com/ready"}]),
        release=release,
        actions=[
            patch(10, {"status": {"conditions": [gate]}}, subresource="status"),
            patch(20, {"status": {"conditions": [away]}}, subresource="status"),
        ],
        until=30,
    )
    assert conditions(history, "Ready") == ["False", "True", "False"]
    changes = [to_seconds(one.at - history.started) for one in history.pod("p").conditions["Ready"]]
    assert 10 < changes[-2] < 10.2
    ready = next(one for one in history.pod("p").versions[-1].object["status"]["conditions"] if one["type"] == "Ready")
    assert ready["message"] == 'the status of pod readiness gate "example.com/ready" is not "True", but False'


@pytest.mark.parametrize("release", EVERY)
def test_an_ephemeral_container_runs_once_and_touches_nothing_else(release: str) -> None:
    """K-39; also while the pod is still being initialized."""
    history = ran(
        pod(container("app"), inits=[container("prep", "sleep 15")]),
        release=release,
        actions=[debug(5, "look", "sleep 2; exit 7")],
        until=40,
    )
    assert story(history)[:4] == ["prep start", "look start", "look exit 7", "prep exit 0"]
    status = history.pod("p").versions[-1].object["status"]["ephemeralContainerStatuses"][0]
    assert (status["name"], status["restartCount"], status["state"]["terminated"]["exitCode"]) == ("look", 0, 7)
    assert statuses(history)[-1] == "1/1 Running"


def test_an_ephemeral_container_is_stopped_with_its_pod() -> None:
    history = ran(
        pod(container("app")),
        actions=[debug(5, "look", FOREVER), {"at": "10s", "delete": {"kind": "Pod", "name": "p"}}],
    )
    assert "look stop 30" in story(history)


def test_an_ephemeral_container_cannot_be_changed_or_have_what_it_may_not() -> None:
    history = ran(
        pod(container("app")),
        actions=[
            debug(5, "look", FOREVER),
            debug(6, "look", "sleep 1"),
            debug(7, "probed", FOREVER, livenessProbe={"exec": {"command": ["true"]}}),
            debug(8, "app", FOREVER),
            patch(9, {"metadata": {"labels": {"a": "b"}}}),
        ],
        until=20,
    )
    codes = replies(history, "debug")
    assert [code for code, _ in codes] == [200, 422, 422, 422]
    assert 'existing ephemeral containers "look" may not be changed' in codes[1][1]
    assert "livenessProbe: Forbidden: cannot be set for an Ephemeral Container" in codes[2][1]
    assert 'Duplicate value: "app"' in codes[3][1]
    assert replies(history, "patch") == [(200, "")]


@pytest.mark.parametrize(("release", "code"), [("1.29", 404), ("1.32", 404), ("1.33", 501), ("1.36", 501)])
def test_an_in_place_resize_is_said_not_to_be_modelled(release: str, code: int) -> None:
    """K-123."""
    body = {"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}]}}
    history = ran(pod(container("app")), release=release, actions=[patch(5, body, subresource="resize")], until=20)
    assert [one for one, _ in replies(history, "patch")] == [code]
    assert [one.field for one in history.of(NotModelled) if one.field == "resize"] == (
        ["resize"] if code == 501 else []
    )


def test_a_subresource_that_nobody_serves_is_refused() -> None:
    history = ran(pod(container("app")), actions=[patch(5, {}, subresource="scale")], until=20)
    assert replies(history, "patch") == [(404, "the server could not find the requested resource")]


@pytest.mark.parametrize(
    ("signal", "code"),
    [({"signal": "KILL"}, 137), ({"signal": "TERM"}, 0), ({"exitCode": 5}, 5)],
)
def test_a_container_that_is_killed_from_outside_is_restarted_as_after_any_exit(signal: Object, code: int) -> None:
    history = ran(
        pod(container("app"), inits=[sidecar("proxy")]),
        actions=[{"at": "10s", "kill": {"pod": "p", "container": "app", **signal}}],
        until=30,
    )
    assert f"app exit {code}" in story(history)
    assert len(starts(history, "app")) == 2
    assert len(starts(history, "proxy")) == 1


def test_process_1_does_not_end_by_a_signal_that_it_does_not_handle() -> None:
    kill = {"at": "10s", "kill": {"pod": "p", "container": "app", "signal": "HUP"}}
    assert story(ran(pod(container("app")), actions=[kill], until=30))[1:] == ["app HUP"]
