"""What an update of a stored Job may change, release by release, and in which words the rest is refused (J-6)."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store import Reply, Store

WORK = {"name": "work", "image": "i:1"}
IMMUTABLE = "field is immutable"


def a_store(name: str = "1.36", gates: dict[str, bool] | None = None, /, pod: Any = None, **spec: Any) -> Store:
    store = Store(release(name, gates or {}, component="apiserver"))
    template = {"spec": {"restartPolicy": "Never", "containers": [WORK], **(pod or {})}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": template, **spec}}
    reply = store.create(job, 0)
    assert reply.ok, reply.message
    return store


def changed(store: Store, **spec: Any) -> Reply:
    return store.patch("Job", "default", "j", "merge", {"spec": spec}, 0)


def texts(reply: Reply) -> list[str]:
    return [error.text for error in reply.errors]


def test_what_may_change() -> None:
    free = {"parallelism": 3, "backoffLimit": 0, "activeDeadlineSeconds": 9, "ttlSecondsAfterFinished": 1}
    reply = changed(a_store(), suspend=True, **free)
    assert reply.object is not None
    assert reply.object["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"completions": 2}, f"spec.completions: Invalid value: 2: {IMMUTABLE}"),
        ({"completions": None}, f"spec.completions: Invalid value: null: {IMMUTABLE}"),
        ({"managedBy": "acme.io/foo"}, f'spec.managedBy: Invalid value: "acme.io/foo": {IMMUTABLE}'),
        ({"parallelism": -1}, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
    ],
)
def test_what_is_refused(spec: dict[str, Any], expected: str) -> None:
    assert texts(changed(a_store(), **spec)) == [expected]


@pytest.mark.parametrize(("name", "shown"), [("1.29", '"null"'), ("1.36", "null")])
def test_nothing_is_printed_as_the_release_does(name: str, shown: str) -> None:
    (text,) = texts(changed(a_store(name), completions=None))
    assert text == f"spec.completions: Invalid value: {shown}: {IMMUTABLE}"


def test_policies_stay() -> None:
    indexed = {"completionMode": "Indexed", "completions": 3, "backoffLimitPerIndex": 1}
    store = a_store(**indexed, successPolicy={"rules": [{"succeededIndexes": "0"}]})
    reply = changed(store, backoffLimitPerIndex=2, successPolicy={"rules": [{"succeededCount": 1}]})
    assert texts(reply) == [
        f"spec.backoffLimitPerIndex: Invalid value: 2: {IMMUTABLE}",
        f'spec.successPolicy: Invalid value: {{"Rules":[{{"SucceededIndexes":null,"SucceededCount":1}}]}}: {IMMUTABLE}',
    ]


@pytest.mark.parametrize(
    ("name", "gates", "spec", "expected"),
    [
        ("1.36", {}, {"completions": 5, "parallelism": 5}, []),
        (
            "1.36",
            {},
            {"completions": 5},
            ["spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism"],
        ),
        (
            "1.27",
            {"ElasticIndexedJob": False},
            {"completions": 5, "parallelism": 5},
            [f"spec.completions: Invalid value: 5: {IMMUTABLE}"],
        ),
    ],
)
def test_elastic_indexed_jobs(name: str, gates: dict[str, bool], spec: dict[str, int], expected: list[str]) -> None:
    store = a_store(name, gates, completionMode="Indexed", completions=3, parallelism=3)
    assert texts(changed(store, **spec)) == expected


SCHEDULING = {
    "metadata": {"annotations": {"a": "b"}},
    "spec": {
        "nodeSelector": {"zone": "b"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    },
}
SUSPENDED = {"conditions": [{"type": "Suspended", "status": "True"}], "startTime": "2024-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("name", "suspend", "status", "allowed"),
    [
        ("1.27", True, {}, True),
        ("1.27", False, {}, False),
        ("1.35", True, SUSPENDED, False),
        ("1.36", True, SUSPENDED, True),
        ("1.36", True, {**SUSPENDED, "active": 1}, False),
        ("1.36", True, {"startTime": "2024-01-01T00:00:00Z"}, False),
    ],
)
def test_where_the_pods_of_a_suspended_job_go(name: str, suspend: bool, status: Any, allowed: bool) -> None:
    """Up to 1.35 only if it never started; from 1.36 on (a gate) also once all pods of a suspension are gone."""
    store = a_store(name, suspend=suspend)
    store.update_status("Job", "default", "j", status, 0)
    reply = changed(store, template=SCHEDULING)
    assert reply.ok is allowed
    if allowed:
        assert reply.object is not None
        assert reply.object["spec"]["template"]["spec"]["nodeSelector"] == {"zone": "b"}
        cleared = changed(store, template={"spec": {"affinity": None, "nodeSelector": None}})
        assert cleared.ok, cleared.message
    else:
        assert [error.field for error in reply.errors] == ["spec.template"]


def test_the_rest_of_a_suspended_template_stays() -> None:
    store = a_store(suspend=True, pod={"affinity": {"podAffinity": {}}})
    assert changed(store, template={"spec": {"affinity": {"nodeAffinity": {}}}}).ok
    for other in ({"terminationGracePeriodSeconds": 5}, {"affinity": {"podAffinity": None}}):
        assert [error.field for error in changed(store, template={"spec": other}).errors] == ["spec.template"]


@pytest.mark.parametrize(("gate", "allowed"), [(True, True), (False, False)])
def test_resources_of_a_suspended_job(gate: bool, allowed: bool) -> None:
    store = a_store("1.36", {"MutablePodResourcesForSuspendedJobs": gate}, suspend=True)
    bigger = [{**WORK, "resources": {"requests": {"cpu": "2"}}}]
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/resources", "value": bigger[0]["resources"]}]
    assert store.patch("Job", "default", "j", "json", patch, 0).ok is allowed
