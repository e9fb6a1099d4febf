"""The mutating phase: which webhooks are called, in which order, what their answers do (C-30 to C-34)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kubesim.releases import Component, Release, release
from kubesim.scenario.webhooks import Changes, Denies, Fails, Webhook, WebhookRule, When
from kubesim.store.kinds import KINDS
from kubesim.store.replies import Reply, forbidden
from kubesim.store.webhooks import Attributes, attributes, in_order, is_called
from kubesim.store.webhooks_chain import Allowed, Answer, Chain, Denied, Effect, Failed, answered, begun, next_webhook
from kubesim.store.webhooks_diff import field_path, json_diff, lost_sidecars
from kubesim.store.webhooks_review import answer_in, declared_answer, review_of
from kubesim.units import SECOND

Json = dict[str, Any]

SERVER = release("1.29", component=Component.APISERVER)
PROXY = {"name": "proxy", "image": "proxy", "restartPolicy": "Always"}


def pod(*inits: Json, **metadata: Any) -> Json:
    spec: Json = {"containers": [{"name": "app", "image": "app"}]}
    if inits:
        spec["initContainers"] = [*inits]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", **metadata},
        "spec": spec,
    }


def webhook(name: str, **more: Any) -> Webhook:
    return Webhook(**{"name": name, "configuration": name, "act": Changes(), **more})


def about(
    obj: Json, *, operation: str = "CREATE", old: Json | None = None, namespace: Json | None = None
) -> Attributes:
    return attributes(operation, KINDS[obj["kind"]], obj, old, "user", namespace)


def label(name: str, value: str = "yes") -> Json:
    return {"op": "add", "path": "/metadata/labels", "value": {name: value}}


def as_it_is(obj: Json) -> tuple[Json, Reply | None]:
    return obj, None


def driven(
    webhooks: list[Webhook],
    answer: Callable[[Webhook, int, Json], Answer],
    *,
    obj: Json | None = None,
    plugins: Callable[[Json], tuple[Json, Reply | None]] = as_it_is,
    server: Release = SERVER,
) -> tuple[Chain, list[str], list[Effect]]:
    """The whole phase of a Pod's creation; ``answer`` gets each webhook, how often it was called, and the object."""
    raw = obj or pod()
    chain = begun(about(raw), raw, in_order(tuple(webhooks)), server, plugins)
    assert chain is not None
    calls: list[str] = []
    effects = []
    while (called := next_webhook(chain)) is not None:
        calls.append(called.name)
        effects.append(answered(chain, answer(called, calls.count(called.name), chain.object)))
    return chain, calls, effects


# -- which are called, and in which order -----------------------------------------------------------------------------


def test_configurations_go_by_name_and_their_webhooks_as_written() -> None:
    """C-31: configurations sorted by name, inside one in list order."""
    written = [
        webhook("z.first.example", configuration="beta"),
        webhook("a.second.example", configuration="beta"),
        webhook("m.example", configuration="alpha"),
    ]
    assert [one.name for one in in_order(tuple(written))] == ["m.example", "z.first.example", "a.second.example"]


RULES = [
    (WebhookRule(), "Pod", "CREATE", True),
    (WebhookRule(), "Pod", "UPDATE", False),
    (WebhookRule(operations=("UPDATE",)), "Pod", "UPDATE", True),
    (WebhookRule(), "Job", "CREATE", False),
    (WebhookRule(api_groups=("batch",), resources=("jobs",)), "Job", "CREATE", True),
    (WebhookRule(api_groups=("*",), api_versions=("*",), resources=("*",)), "Job", "CREATE", True),
    (WebhookRule(api_groups=("*",), api_versions=("v1beta1",), resources=("*",)), "Job", "CREATE", False),
    (WebhookRule(resources=("pods/*",)), "Pod", "CREATE", True),
    (WebhookRule(scope="Cluster"), "Pod", "CREATE", False),
    (WebhookRule(resources=("*",), scope="Cluster"), "Node", "CREATE", True),
    (WebhookRule(api_groups=("*",), resources=("*",)), "MutatingWebhookConfiguration", "CREATE", False),
]


@pytest.mark.parametrize(("rule", "kind", "operation", "called"), RULES)
def test_rules_say_for_which_requests(rule: WebhookRule, kind: str, operation: str, called: bool) -> None:
    obj = {"kind": kind, "metadata": {"name": "x"}}
    assert is_called(webhook("w.example", rules=(rule,)), about(obj, operation=operation), obj) is called


SELECTORS: list[tuple[Json, dict[str, str], bool]] = [
    ({}, {}, True),
    ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
    ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "2"}, True),
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {}, False),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {"a": "1"}, False),
    ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
    ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
    ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, True),
]


@pytest.mark.parametrize(("selector", "labels", "selects"), SELECTORS)
def test_selectors_look_at_the_object_and_at_its_namespace(
    selector: Json, labels: dict[str, str], selects: bool
) -> None:
    obj = pod(labels=labels)
    assert is_called(webhook("w.example", object_selector=selector), about(obj), obj) is selects
    bare, namespace = pod(), {"metadata": {"name": "default", "labels": labels}}
    chosen = webhook("w.example", namespace_selector=selector)
    assert is_called(chosen, about(bare, namespace=namespace), bare) is selects


def test_every_namespace_has_its_name_as_a_label() -> None:
    chosen = webhook("w.example", namespace_selector={"matchLabels": {"kubernetes.io/metadata.name": "default"}})
    assert is_called(chosen, about(pod()), pod())
    elsewhere = pod(namespace="kube-system")
    assert not is_called(chosen, about(elsewhere), elsewhere)


def test_an_update_is_selected_by_the_old_object_too() -> None:
    chosen = webhook("w.example", object_selector={"matchLabels": {"a": "1"}}, rules=(WebhookRule(("UPDATE",)),))
    new, old = pod(), pod(labels={"a": "1"})
    assert is_called(chosen, about(new, operation="UPDATE", old=old), new)


# -- patches, defaults, and the second round --------------------------------------------------------------------------


def test_each_sees_what_the_one_before_made_with_its_defaults() -> None:
    """C-31: after each patch the object is decoded and defaulted again."""
    seen: list[Json] = []

    def answer(called: Webhook, _: int, obj: Json) -> Answer:
        seen.append(obj)
        add = {"op": "add", "path": "/spec/initContainers", "value": [PROXY]}
        return Allowed((add,)) if called.name == "a.example" else Allowed()

    chain, calls, effects = driven([webhook("a.example"), webhook("b.example")], answer)
    assert calls == ["a.example", "b.example"]
    assert "initContainers" not in seen[0]["spec"]
    assert seen[1]["spec"]["initContainers"][0]["terminationMessagePolicy"] == "File"
    assert [one.result for one in effects] == ["patched", "unchanged"]
    assert chain.object == seen[1]


def test_reinvocation_calls_again_who_asked_for_it_and_saw_an_older_object() -> None:
    """C-32: again only with IfNeeded, if something changed after its last call; at most one extra round."""
    again = {"reinvocation_policy": "IfNeeded"}
    webhooks = [webhook("a.example", **again), webhook("b.example"), webhook("c.example", **again)]

    def answer(called: Webhook, time: int, obj: Json) -> Answer:
        return Allowed((label("b"),)) if called.name == "b.example" else Allowed()

    chain, calls, effects = driven(webhooks, answer)
    assert calls == ["a.example", "b.example", "c.example", "a.example"]
    assert [one.round for one in effects] == [1, 1, 1, 2]
    assert chain.round == 2


def test_nobody_is_called_a_third_time() -> None:
    again = {"reinvocation_policy": "IfNeeded"}
    webhooks = [webhook("a.example", **again), webhook("b.example", **again)]
    _, calls, _ = driven(webhooks, lambda called, time, obj: Allowed((label(called.name, str(time)),)))
    assert calls == ["a.example", "b.example", "a.example", "b.example"]


def test_its_own_change_calls_nobody_again() -> None:
    only = webhook("a.example", reinvocation_policy="IfNeeded")
    _, calls, _ = driven([only], lambda called, time, obj: Allowed((label("a", str(time)),)))
    assert calls == ["a.example"]


def test_plugins_run_again_and_what_they_change_calls_webhooks_again() -> None:
    """C-32: the whole mutating chain runs once more, in-tree plugins included."""
    runs: list[int] = []

    def plugins(obj: Json) -> tuple[Json, Reply | None]:
        runs.append(len(runs))
        return {**obj, "metadata": {**obj["metadata"], "annotations": {"runs": str(len(runs))}}}, None

    webhooks = [webhook("a.example"), webhook("b.example", reinvocation_policy="IfNeeded")]

    def answer(called: Webhook, _: int, obj: Json) -> Answer:
        return Allowed((label("a"),)) if called.name == "a.example" else Allowed()

    _, calls, _ = driven(webhooks, answer, plugins=plugins)
    assert len(runs) == 2
    assert calls == ["a.example", "b.example", "b.example"]


def test_a_plugin_may_refuse_and_nobody_is_called() -> None:
    refusal = forbidden(KINDS["Pod"], "web", "no such class")
    chain = begun(about(pod()), pod(), (webhook("a.example"),), SERVER, lambda obj: (obj, refusal))
    assert chain is not None
    assert next_webhook(chain) is None
    assert chain.refusal is refusal


def test_without_a_webhook_to_call_there_is_no_phase() -> None:
    chosen = webhook("a.example", object_selector={"matchLabels": {"a": "1"}})
    assert begun(about(pod()), pod(), (chosen,), SERVER, as_it_is) is None


def test_a_field_the_server_does_not_know_goes_without_a_word() -> None:
    """C-34, and whom to blame: the webhook sent the sidecar, the API server left the field out."""
    old = release("1.27", component=Component.APISERVER)
    add = {"op": "add", "path": "/spec/initContainers", "value": [PROXY]}
    chain, _, (effect,) = driven([webhook("a.example")], lambda *_: Allowed((add,)), server=old)
    assert effect.dropped == ("spec.initContainers[0].restartPolicy",)
    assert "restartPolicy" not in chain.object["spec"]["initContainers"][0]
    assert lost_sidecars(effect.sent, effect.after) == ("proxy",)
    assert lost_sidecars(effect.before, effect.sent) == ()


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_denial_ends_the_phase_in_the_words_of_the_api_server() -> None:
    """C-33."""
    chain, calls, (effect,) = driven([webhook("a.example"), webhook("b.example")], lambda *_: Denied("no proxies"))
    assert calls == ["a.example"]
    assert chain.refusal is not None
    assert (chain.refusal.code, effect.result) == (400, "denied")
    assert chain.refusal.message == 'admission webhook "a.example" denied the request: no proxies'


@pytest.mark.parametrize(
    ("denied", "code", "ending"),
    [
        (Denied("", 403, "Forbidden"), 403, ": Forbidden"),
        (Denied(), 400, " without explanation"),
        (Denied("busy", 200), 400, ": busy"),
    ],
)
def test_what_a_denial_leaves_out(denied: Denied, code: int, ending: str) -> None:
    chain, _, _ = driven([webhook("a.example")], lambda *_: denied)
    assert chain.refusal is not None
    assert chain.refusal.code == code
    assert chain.refusal.message.endswith(f"denied the request{ending}")


def test_failure_policy_decides_about_a_failed_call() -> None:
    """C-33: Fail is the default; Ignore lets the request pass."""
    chain, calls, _ = driven([webhook("a.example"), webhook("b.example")], lambda *_: Failed("no route"))
    assert calls == ["a.example"]
    assert chain.refusal is not None
    assert chain.refusal.code == 500
    assert chain.refusal.message == 'Internal error occurred: failed calling webhook "a.example": no route'
    ignoring = replace(webhook("a.example"), failure_policy="Ignore")
    chain, calls, effects = driven(
        [ignoring, webhook("b.example")],
        lambda called, *_: Failed("no route") if called.name == "a.example" else Allowed(),
    )
    assert calls == ["a.example", "b.example"]
    assert chain.refusal is None
    assert [one.result for one in effects] == ["ignored", "unchanged"]


def test_a_patch_that_does_not_apply_fails_the_request_whatever_the_policy() -> None:
    wrong = {"op": "remove", "path": "/spec/initContainers/3"}
    chain, _, (effect,) = driven([webhook("a.example", failure_policy="Ignore")], lambda *_: Allowed((wrong,)))
    assert chain.refusal is not None
    assert effect.result == "failed"


# -- declared webhooks ------------------------------------------------------------------------------------------------


def declared(act: Changes | Denies | Fails, obj: Json, *, client: str = "1.29", **more: Any) -> Answer:
    library = release(client, component=Component.APISERVER)
    return declared_answer(webhook("a.example", act=act, **more), about(obj), obj, library)


def test_the_whole_object_loses_what_the_client_library_does_not_know() -> None:
    """The tutorial's trap: a tool built before 1.28 that writes back the whole object."""
    sent = declared(
        Changes(whole_object="1.27", merge_patch={"metadata": {"labels": {"a": "1"}}}), pod(PROXY), client="1.27"
    )
    assert isinstance(sent, Allowed)
    assert {"op": "remove", "path": "/spec/initContainers/0/restartPolicy"} in sent.patch
    known = declared(Changes(whole_object="1.28"), pod(PROXY), client="1.28")
    assert known == Allowed(())


def test_a_patch_keeps_what_the_client_does_not_know() -> None:
    assert declared(Changes(json_patch=(label("a"),)), pod(PROXY)) == Allowed((label("a"),))
    merged = declared(Changes(merge_patch={"metadata": {"labels": {"a": "1"}}}), pod(PROXY))
    assert merged == Allowed(({"op": "add", "path": "/metadata/labels", "value": {"a": "1"}},))


CONDITIONS: list[tuple[When, bool]] = [
    (When(), True),
    (When(labels={"team": "a"}), True),
    (When(labels={"team": "b"}), False),
    (When(annotations={"team": "a"}), False),
    (When(has=("/spec/initContainers/0",)), True),
    (When(has=("/spec/volumes",)), False),
    (When(lacks=("/spec/volumes",)), True),
    (When(lacks=("/spec/initContainers",)), False),
]


@pytest.mark.parametrize(("when", "acts"), CONDITIONS)
def test_a_declared_webhook_acts_on_some_objects_only(when: When, acts: bool) -> None:
    """The tutorial: sidecars may work for some Pods and fail for others."""
    obj = pod(PROXY, labels={"team": "a"})
    assert declared(Denies("no"), obj, when=when) == (Denied("no") if acts else Allowed())


def test_a_declared_failure_says_what_the_connection_says() -> None:
    answer = declared(Fails("connection refused"), pod(), timeout=5 * SECOND)
    assert answer == Failed('failed to call webhook: Post "https://a.example:443/?timeout=5s": connection refused')


# -- the AdmissionReview ----------------------------------------------------------------------------------------------


def test_the_review_is_a_genuine_one() -> None:
    old = pod()
    review = review_of(about(pod(PROXY), operation="UPDATE", old=old), pod(PROXY), "u-1")
    request = review["request"]
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert request["kind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert request["resource"] == {"group": "", "version": "v1", "resource": "pods"}
    assert (request["uid"], request["operation"], request["namespace"]) == ("u-1", "UPDATE", "default")
    assert request["object"] == pod(PROXY)
    assert request["oldObject"] == old
    assert request["options"]["kind"] == "UpdateOptions"


def answer_of(**response: Any) -> Json:
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": "u", **response}}


PATCH = base64.b64encode(json.dumps([label("a")]).encode()).decode()
ANSWERS: list[tuple[Any, Answer]] = [
    (answer_of(allowed=True), Allowed()),
    (answer_of(allowed=True, warnings=["old"]), Allowed((), ("old",))),
    (answer_of(allowed=True, patch=PATCH, patchType="JSONPatch"), Allowed((label("a"),))),
    (answer_of(allowed=False, status={"code": 403, "message": "no"}), Denied("no", 403)),
    (answer_of(allowed=False), Denied()),
]


@pytest.mark.parametrize(("review", "answer"), ANSWERS)
def test_answers(review: Json, answer: Answer) -> None:
    assert answer_in(review, "u") == answer


INVALID = [
    ([], "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview"),
    ({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}, "got admission.k8s.io/v1beta1"),
    ({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}, "webhook response was absent"),
    (answer_of(uid="other", allowed=True), 'expected response.uid="u", got "other"'),
    (answer_of(allowed=True, patch=PATCH), "returned response.patch but not response.patchType"),
    (answer_of(allowed=True, patchType="JSONPatch"), "returned response.patchType but no patch"),
    (answer_of(allowed=True, patch=PATCH, patchType="Merge"), 'invalid response.patchType of "Merge"'),
    (answer_of(allowed=True, patch="@", patchType="JSONPatch"), "undecodable patch"),
    (answer_of(allowed=True, patch=base64.b64encode(b"{}").decode(), patchType="JSONPatch"), "no list of operations"),
]


@pytest.mark.parametrize(("review", "said"), INVALID)
def test_answers_that_cannot_be_taken(review: Any, said: str) -> None:
    answer = answer_in(review, "u")
    assert isinstance(answer, Failed)
    assert said in answer.reason


# -- differences ------------------------------------------------------------------------------------------------------


def test_a_container_put_in_front_is_one_addition() -> None:
    before = {"c": [{"name": "a"}, {"name": "b", "x": 1}]}
    after = {"c": [{"name": "new"}, {"name": "a"}, {"name": "b"}]}
    assert json_diff(before, after) == (
        {"op": "add", "path": "/c/0", "value": {"name": "new"}},
        {"op": "remove", "path": "/c/2/x"},
    )


def test_field_paths_read_as_in_messages_of_the_api() -> None:
    assert field_path("/spec/initContainers/0/restartPolicy") == "spec.initContainers[0].restartPolicy"
    assert field_path("/metadata/labels/example.com~1x") == "metadata.labels[example.com/x]"


def test_lost_sidecars_are_those_that_stay_without_the_field() -> None:
    plain = {key: value for key, value in PROXY.items() if key != "restartPolicy"}
    assert lost_sidecars(pod(PROXY), pod(plain)) == ("proxy",)
    assert lost_sidecars(pod(PROXY), pod()) == ()
    assert lost_sidecars(pod(plain), pod(plain)) == ()
    job, kept = ({"kind": "Job", "spec": {"template": one}} for one in (pod(PROXY), pod(plain)))
    assert lost_sidecars(job, kept) == ("proxy",)
