"""Where a refused manifest is wrong, and what to write instead; the API server's own words stay as they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubesim.objects.yaml import field_text
from kubesim.releases import Component, release
from kubesim.store.fields import decode
from kubesim.store.kinds import KINDS
from kubesim.store.misfits import field_path, misfits

CONTAINER = "{kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: nginx, %s}]}}"
POD = "{kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: nginx}], %s}}"
JOB = "{kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: [{name: a, image: b}], %s}}}}"


def found(text: str, message: str = "", on: str = "1.36") -> list[tuple[str, str]]:
    raw: dict[str, Any] = yaml.safe_load(text)
    return [
        (field_text(one.path), one.hint) for one in misfits(raw, message, release(on, component=Component.APISERVER))
    ]


@pytest.mark.parametrize(
    ("template", "wrong", "field", "hint"),
    [
        (CONTAINER, "livenessProb: {}", "spec.containers[0].livenessProb", 'did you mean "livenessProbe"?'),
        (POD, "restartpolicy: Never", "spec.restartpolicy", 'did you mean "restartPolicy"?'),
        (POD, "image: x", "spec.image", "it belongs into spec.containers[]; look at the indentation"),
        (JOB, "backoffLimit: 3", "spec.template.spec.backoffLimit", "it belongs into spec; look at the indentation"),
        (
            CONTAINER,
            'ports: [{containerPort: "80"}]',
            "spec.containers[0].ports[0].containerPort",
            "write a whole number, without quotes: 80",
        ),
        (
            POD,
            "terminationGracePeriodSeconds: 30s",
            "spec.terminationGracePeriodSeconds",
            "write a whole number of seconds, without quotes: 30",
        ),
        (CONTAINER, "env: [{name: A, value: 1}]", "spec.containers[0].env[0].value", 'quote it: "1"'),
        (CONTAINER, "env: [{name: A, value: true}]", "spec.containers[0].env[0].value", 'quote it: "true"'),
        (CONTAINER, "command: sleep 5", "spec.containers[0].command", 'write a list, such as [sh, -c, "sleep 5"]'),
        (CONTAINER, "ports: 80", "spec.containers[0].ports", "write a list"),
        (CONTAINER, 'stdin: "yes"', "spec.containers[0].stdin", "write true or false, without quotes"),
        (
            CONTAINER,
            "resources: {limits: {memory: 64mb}}",
            "spec.containers[0].resources.limits.memory",
            "write it as Kubernetes does: 64Mi",
        ),
        (
            CONTAINER,
            "resources: {limits: {cpu: half}}",
            "spec.containers[0].resources.limits.cpu",
            "write a quantity such as 500m (of a CPU) or 64Mi (of memory)",
        ),
    ],
)
def test_a_wrong_field_or_value_is_found_and_has_a_way_out(template: str, wrong: str, field: str, hint: str) -> None:
    assert found(template % wrong) == [(field, hint)]


def test_what_is_said_is_what_the_api_server_refuses() -> None:
    """Each of the wrong manifests above is refused by the decoder, and one that is right by neither."""
    right = yaml.safe_load(CONTAINER % "command: [a], ports: [{containerPort: 80.0}], resources: {limits: {cpu: 1}}")
    assert found(yaml.safe_dump(right)) == []
    assert decode(right, KINDS["Pod"], release("1.36", component=Component.APISERVER)).error == ""


def test_a_field_of_a_later_release_says_from_which_on() -> None:
    sleep = CONTAINER % "lifecycle: {preStop: {sleep: {seconds: 5}}}"
    assert found(sleep, on="1.28") == [
        ("spec.containers[0].lifecycle.preStop.sleep", "the API has it from 1.29 on, and this is 1.28")
    ]
    assert found(sleep) == []


def test_a_refusal_by_validation_names_its_fields_itself() -> None:
    message = (
        'Pod "web" is invalid: [spec.containers[0].volumeMounts[0].name: Not found: "nope", '
        'spec.restartPolicy: Unsupported value: "x": supported values: "Always", spec.restartPolicy: Required value]'
    )
    assert found(POD % "restartPolicy: x", message) == [
        ("spec.containers[0].volumeMounts[0].name", ""),
        ("spec.restartPolicy", ""),
    ]


def test_a_path_is_read_as_it_is_written() -> None:
    path = ("metadata", "annotations", "example.com/a", "x", 3, "name")
    assert field_path(field_text(path)) == path
    assert field_path("spec.containers[0].name") == ("spec", "containers", 0, "name")


def test_of_a_kind_that_nobody_serves_nothing_is_said() -> None:
    assert found("{kind: Site, metadata: {name: x}, spec: {a: 1}}") == []
