"""A Job on create: what is filled in, dropped, refused (J-1, J-2); texts as recorded."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store import Reply, Store

GATES_ON = {"JobBackoffLimitPerIndex": True, "JobPodReplacementPolicy": True}


def created(name: str, gates: dict[str, bool] | None = None, /, template: Any = None, **spec: Any) -> Reply:
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "work", "image": "i:1"}]}}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": template or pod, **spec},
    }
    return Store(release(name, gates or {}, component="apiserver")).create(job, 0)


def texts(reply: Reply) -> list[str]:
    return [error.text for error in reply.errors]


@pytest.mark.parametrize(
    ("name", "more"), [("1.28", {}), ("1.29", {"manualSelector": False}), ("1.36", {"manualSelector": False})]
)
def test_what_is_filled_in(name: str, more: dict[str, Any]) -> None:
    reply = created(name)
    assert reply.object is not None
    uid = reply.object["metadata"]["uid"]
    spec = dict(reply.object["spec"])
    assert spec.pop("template")["metadata"]["labels"] == {
        "controller-uid": uid,
        "job-name": "j",
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
    }
    expected = {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
        **more,
    }
    if name != "1.28":
        expected["podReplacementPolicy"] = "TerminatingOrFailed"
    assert spec == expected
    assert reply.object["metadata"]["generation"] == 1


def test_a_limit_per_index_lifts_the_limit_of_the_whole() -> None:
    reply = created("1.29", completionMode="Indexed", completions=3, backoffLimitPerIndex=1)
    assert reply.object is not None
    assert reply.object["spec"]["backoffLimit"] == 2**31 - 1


def test_alpha_fields_are_dropped_in_silence() -> None:
    """Recorded on 1.28: job-per-index, job-pfp-failindex."""
    rules = [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}]
    spec = {
        "completionMode": "Indexed",
        "completions": 2,
        "backoffLimitPerIndex": 1,
        "podFailurePolicy": {"rules": rules},
    }
    off = created("1.28", **spec)
    assert (off.code, off.warnings) == (201, ())
    assert off.object is not None
    assert "backoffLimitPerIndex" not in off.object["spec"]
    assert off.object["spec"]["podFailurePolicy"] == {"rules": []}
    on = created("1.28", GATES_ON, **spec)
    assert on.object is not None
    assert on.object["spec"]["podFailurePolicy"] == {"rules": rules}


def test_always_is_refused() -> None:
    """Recorded: job-rej-always."""
    template = {"spec": {"containers": [{"name": "work", "image": "i:1"}]}}
    said = 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'
    reply = created("1.29", template=template)
    assert reply.message == f'Job.batch "j" is invalid: {said}'
    assert reply.kubectl == f'The Job "j" is invalid: {said}'


INDEXED = {"completionMode": "Indexed", "completions": 5}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"backoffLimit": -1}, ["spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"]),
        (
            {"backoffLimitPerIndex": 1},
            ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
        ),
        (
            {**INDEXED, "maxFailedIndexes": 9},
            [
                "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
                "spec.maxFailedIndexes: Invalid value: 9: must be less than or equal to completions",
            ],
        ),
        (
            {"podFailurePolicy": {"rules": [{"action": "Stop"}]}},
            [
                'spec.podFailurePolicy.rules[0].action: Unsupported value: "Stop": supported values: "Count", '
                '"FailIndex", "FailJob", "Ignore"',
                "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is "
                "required",
            ],
        ),
        (
            {
                "podFailurePolicy": {
                    "rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3, 1]}}]
                }
            },
            ["spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: []int32{3, 1}: must be ordered"],
        ),
        (
            {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "3-1"}]}},
            [
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "3-1": error parsing succeededIndexes: '
                "non-increasing order, previous: 3, current: 1"
            ],
        ),
        (
            {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0-1", "succeededCount": 3}]}},
            [
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the "
                "number of indexes in the specified succeededIndexes field)"
            ],
        ),
        (
            {"podReplacementPolicy": "Never"},
            [
                'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", '
                '"TerminatingOrFailed"'
            ],
        ),
        (
            {"managedBy": "nope nope"},
            ['spec.managedBy: Invalid value: "nope nope": must be a domain-prefixed path (such as "acme.io/foo")'],
        ),
    ],
)
def test_what_is_refused(spec: dict[str, Any], expected: list[str]) -> None:
    assert texts(created("1.33", **spec)) == expected


@pytest.mark.parametrize(("name", "labels"), [("1.33", 'map[string]string{"a":"c"}'), ("1.36", '{"a":"c"}')])
def test_a_manual_selector_must_select_the_template(name: str, labels: str) -> None:
    template = {
        "metadata": {"labels": {"a": "c"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "work", "image": "i"}]},
    }
    reply = created(name, template=template, manualSelector=True, selector={"matchLabels": {"a": "b"}})
    assert texts(reply) == [
        f"spec.template.metadata.labels: Invalid value: {labels}: `selector` does not match template `labels`"
    ]


def test_a_selector_without_manual_mode_is_refused() -> None:
    found = texts(created("1.36", selector={"matchLabels": {"a": "b"}}))
    assert found[0].startswith('spec.selector: Invalid value: {"matchLabels":{"a":"b",')
    assert found[0].endswith(": `selector` not auto-generated")


def test_a_job_without_labels_takes_its_templates() -> None:
    """The server shares one map between both, so the generated labels show up in the Job too."""
    template = {
        "metadata": {"labels": {"app": "x"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "work", "image": "i"}]},
    }
    reply = created("1.29", template=template)
    assert reply.object is not None
    assert reply.object["metadata"]["labels"]["app"] == "x"
    assert reply.object["metadata"]["labels"]["job-name"] == "j"


def test_a_template_without_labels_gives_the_generated_ones() -> None:
    """As the recordings' ``kubectl describe job`` show: whoever reads the Job sees it with its defaults again."""
    reply = created("1.29")
    assert reply.object is not None
    assert reply.object["metadata"]["labels"] == reply.object["spec"]["template"]["metadata"]["labels"]


def test_the_template_of_a_stored_job_cannot_change() -> None:
    store = Store(release("1.36", component="apiserver"))
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "work", "image": "i:1"}]}}}
    store.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": spec}, 0)
    suspended = store.patch("Job", "default", "j", "merge", {"spec": {"suspend": True, "parallelism": 2}}, 0)
    assert suspended.object is not None
    assert suspended.object["metadata"]["generation"] == 2
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "i:2"}]
    refused = store.patch("Job", "default", "j", "json", patch, 0)
    assert refused.code == 422
    assert refused.errors[0].field == "spec.template"
    assert refused.errors[0].detail == "field is immutable"
