"""Reading a body as a release's API types do: unknown fields, wrong types, the wire form (C-10 to C-14)."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import RELEASES, release
from kubesim.store import Store
from kubesim.store.fields import decode
from kubesim.store.kinds import KINDS


def a_store(name: str) -> Store:
    return Store(release(name, component="apiserver"))


def a_pod(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "i:1", **container}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": containers, **spec}}


SIDECAR = {"initContainers": [{"name": "proxy", "image": "i:1", "restartPolicy": "Always"}]}


def test_a_field_the_release_does_not_know_is_refused_to_kubectl() -> None:
    """Recorded on 1.28 and 1.29: new-restart-rules."""
    reply = a_store("1.29").create(a_pod({"restartPolicyRules": []}), 0)
    message = (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: '
        'unknown field "spec.containers[0].restartPolicyRules"'
    )
    assert (reply.code, reply.reason, reply.message) == (400, "BadRequest", message)
    assert reply.kubectl == f'Error from server (BadRequest): error when creating "STDIN": {message}'


@pytest.mark.parametrize("name", RELEASES)
def test_since_when_a_sidecar_is_known(name: str) -> None:
    reply = a_store(name).create(a_pod({}, **SIDECAR), 0)
    assert reply.ok is (name != "1.27")
    assert reply.ok or 'unknown field "spec.initContainers[0].restartPolicy"' in reply.message


def test_warn_drops_the_field_and_says_so() -> None:
    reply = a_store("1.27").create(a_pod({"foo": 1}, **SIDECAR), 0, field_validation="Warn")
    assert reply.code == 201
    assert reply.warnings == (
        'unknown field "spec.containers[0].foo"',
        'unknown field "spec.initContainers[0].restartPolicy"',
    )
    assert reply.object is not None
    assert "restartPolicy" not in reply.object["spec"]["initContainers"][0]


def test_ignore_drops_the_field_in_silence() -> None:
    reply = a_store("1.27").create(a_pod({}, **SIDECAR), 0, field_validation="Ignore")
    assert (reply.code, reply.warnings) == (201, ())


def test_several_unknown_fields_are_joined_in_the_order_kubectl_sends() -> None:
    pod = a_pod({"lifecycle": {"preStop": {"nap": {}}}}, zone="a", affinities=[])
    pod["metadata"]["owner"] = "me"
    reply = a_store("1.29").create(pod, 0)
    assert reply.message.endswith(
        'unknown field "metadata.owner", unknown field "spec.affinities", '
        'unknown field "spec.containers[0].lifecycle.preStop.nap", unknown field "spec.zone"'
    )


def test_the_path_in_a_job_goes_through_the_template() -> None:
    """C-13."""
    template = {"spec": {**a_pod({})["spec"], **SIDECAR, "restartPolicy": "Never"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": template}}
    assert a_store("1.27").create(job, 0).message == (
        'Job in version "v1" cannot be handled as a Job: strict decoding error: '
        'unknown field "spec.template.spec.initContainers[0].restartPolicy"'
    )


@pytest.mark.parametrize(
    ("pod", "because"),
    [
        pytest.param(
            a_pod({"ports": {"containerPort": 80}}),
            "json: cannot unmarshal object into Go struct field Container.spec.containers.ports of type "
            "[]v1.ContainerPort",
            id="an object for a list",
        ),
        pytest.param(
            a_pod({"ports": [{"containerPort": "http"}]}),
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of "
            "type int32",
            id="a text for a number",
        ),
        pytest.param(
            a_pod({"env": [{"name": "A", "value": 1}]}),
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
            id="a number for a text",
        ),
        pytest.param(
            a_pod({"command": "sleep 5"}),
            "json: cannot unmarshal string into Go struct field Container.spec.containers.command of type []string",
            id="a text for a list",
        ),
        pytest.param(
            a_pod({"command": ["sleep", 5]}),
            "json: cannot unmarshal number into Go struct field Container.spec.containers.command of type string",
            id="a number in a list of texts",
        ),
        pytest.param(
            a_pod({"imagePullPolicy": True}),
            "json: cannot unmarshal bool into Go struct field Container.spec.containers.imagePullPolicy of type "
            "v1.PullPolicy",
            id="a named type",
        ),
        pytest.param(
            a_pod({"livenessProbe": {"periodSeconds": 1.5}}),
            "json: cannot unmarshal number 1.5 into Go struct field Probe.spec.containers.livenessProbe.periodSeconds "
            "of type int32",
            id="a fraction",
        ),
        pytest.param(
            a_pod({"resources": {"limits": {"cpu": "a lot"}}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            id="no quantity",
        ),
        pytest.param(
            a_pod({"resources": {"limits": {"memory": "1KK"}}}),
            "unable to parse quantity's suffix",
            id="no suffix",
        ),
    ],
)
def test_a_wrong_type_is_refused_in_gos_words(pod: dict[str, Any], because: str) -> None:
    reply = a_store("1.29").create(pod, 0)
    assert (reply.code, reply.message) == (400, f'Pod in version "v1" cannot be handled as a Pod: {because}')


def test_labels_must_be_texts() -> None:
    pod = a_pod({})
    pod["metadata"]["labels"] = {"version": 1}
    assert (
        a_store("1.29")
        .create(pod, 0)
        .message.endswith(
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"
        )
    )


def test_the_wire_form_drops_what_is_empty_and_keeps_pointers() -> None:
    server = release("1.36", component="apiserver")
    pod = a_pod(
        {"args": [], "stdin": False, "workingDir": "", "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}},
        hostNetwork=False,
        terminationGracePeriodSeconds=0,
        automountServiceAccountToken=False,
        nodeSelector=None,
        securityContext={},
    )
    assert decode(pod, KINDS["Pod"], server).object["spec"] == {
        "automountServiceAccountToken": False,
        "containers": [
            {"name": "app", "image": "i:1", "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}},
        ],
        "securityContext": {},
        "terminationGracePeriodSeconds": 0,
    }


@pytest.mark.parametrize(
    ("gates", "kept"),
    [({}, False), ({"PodLifecycleSleepAction": True}, True)],
)
def test_a_disabled_field_is_dropped_before_validation(gates: dict[str, bool], kept: bool) -> None:
    """Recorded on 1.29: new-prestop-sleep is refused for want of a handler."""
    store = Store(release("1.29", gates, component="apiserver"))
    reply = store.create(a_pod({"lifecycle": {"preStop": {"sleep": {"seconds": 4}}}}), 0)
    assert reply.ok is kept
    assert reply.ok or reply.message == (
        'Pod "web" is invalid: spec.containers[0].lifecycle.preStop: Required value: must specify a handler type'
    )


def test_a_sidecar_is_stored_as_a_plain_init_when_the_gate_is_off() -> None:
    """C-20; recorded on 1.28."""
    reply = a_store("1.28").create(a_pod({}, **SIDECAR), 0)
    assert (reply.code, reply.warnings) == (201, ())
    assert reply.object is not None
    assert "restartPolicy" not in reply.object["spec"]["initContainers"][0]


def test_a_disabled_field_in_use_survives_an_update() -> None:
    """C-3: the gate is turned off after the pod was stored."""
    on = Store(release("1.28", {"SidecarContainers": True}, component="apiserver"))
    on.create(a_pod({}, **SIDECAR), 0)
    on.release = release("1.28", component="apiserver")
    reply = on.patch("Pod", "default", "web", "merge", {"metadata": {"labels": {"a": "b"}}}, 0)
    assert reply.object is not None
    assert reply.object["spec"]["initContainers"][0]["restartPolicy"] == "Always"
