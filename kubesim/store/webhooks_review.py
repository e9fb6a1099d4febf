"""The AdmissionReview that a webhook gets, and what its answer means.

Source: ``k8s.io/api/admission/v1``; apiserver ``admission/plugin/webhook/request/admissionreview.go``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

import jsonpointer

from kubesim.releases import Release
from kubesim.scenario.webhooks import Changes, Denies, Fails, Https, Webhook, When
from kubesim.store.fields import decode
from kubesim.store.patch import merge
from kubesim.store.webhooks import Attributes
from kubesim.store.webhooks_chain import Allowed, Answer, Denied, Failed
from kubesim.store.webhooks_diff import json_diff
from kubesim.units import SECOND

Json = dict[str, Any]

API_VERSION: Final = "admission.k8s.io/v1"
_USERS: Final[dict[str, tuple[str, list[str]]]] = {
    "user": ("kubernetes-admin", ["system:masters", "system:authenticated"]),
    "job-controller": (
        "system:serviceaccount:kube-system:job-controller",
        ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
    ),
}


def review_of(about: Attributes, obj: Json, uid: str) -> Json:
    """The AdmissionReview v1 of a request, with the object as it is now."""
    kind = about.kind
    sort = {"group": kind.group, "version": kind.version, "kind": kind.name}
    resource = {"group": kind.group, "version": kind.version, "resource": kind.plural}
    username, groups = _USERS.get(about.actor, (f"system:{about.actor}", ["system:authenticated"]))
    options = {"kind": f"{about.operation.capitalize()}Options", "apiVersion": "meta.k8s.io/v1"}
    named = {"name": about.name} if about.name else {}
    spaced = {"namespace": about.namespace} if about.namespace else {}
    return {
        "kind": "AdmissionReview",
        "apiVersion": API_VERSION,
        "request": {
            "uid": uid,
            "kind": sort,
            "resource": resource,
            "requestKind": sort,
            "requestResource": resource,
            **named,
            **spaced,
            "operation": about.operation,
            "userInfo": {"username": username, "groups": groups},
            "object": obj,
            "oldObject": about.old,
            "dryRun": False,
            "options": options,
        },
    }


def declared_answer(webhook: Webhook, about: Attributes, obj: Json, release: Release) -> Answer:
    """What a declared webhook answers. ``release`` is that of the client library it decodes with, if it does."""
    match webhook.act:
        case Fails(error):
            return not_called(webhook, error)
        case Denies(message, code, reason) if acts_on(webhook.when, obj):
            return Denied(message, code, reason)
        case Changes() as changes if acts_on(webhook.when, obj):
            return _changes(changes, about, obj, release)
    return Allowed()


def not_called(webhook: Webhook, error: str) -> Failed:
    """A declared webhook that could not be reached; its name stands for the address nobody has given."""
    url = webhook.act.url if isinstance(webhook.act, Https) else f"https://{webhook.name}:443/"
    return Failed(f'failed to call webhook: Post "{url}?timeout={webhook.timeout // SECOND}s": {error}')


def _changes(changes: Changes, about: Attributes, obj: Json, release: Release) -> Allowed:
    """The patch: as it is written, or the difference to the object that the webhook sends back."""
    if changes.whole_object is None and changes.json_patch:
        return Allowed(changes.json_patch)
    sent = obj if changes.whole_object is None else decode(obj, about.kind, release).object
    operations = json_diff(obj, merge(sent, dict(changes.merge_patch)))
    return Allowed((*operations, *changes.json_patch))


def acts_on(when: When, obj: Json) -> bool:
    """Whether a declared webhook acts on an object."""
    metadata = obj.get("metadata") or {}
    for wanted, written in ((when.labels, "labels"), (when.annotations, "annotations")):
        values: Mapping[str, str] = metadata.get(written) or {}
        if any(values.get(key) != value for key, value in wanted.items()):
            return False
    return all(_leads_somewhere(obj, pointer) for pointer in when.has) and not any(
        _leads_somewhere(obj, pointer) for pointer in when.lacks
    )


def _leads_somewhere(obj: Json, pointer: str) -> bool:
    return jsonpointer.resolve_pointer(obj, pointer, None) is not None


def answer_in(review: Any, uid: str) -> Answer:
    """The answer that an AdmissionReview holds, or why it cannot be taken (``VerifyAdmissionResponse``)."""
    if not isinstance(review, dict) or (review.get("apiVersion"), review.get("kind")) != (
        API_VERSION,
        "AdmissionReview",
    ):
        found = review if isinstance(review, dict) else {}
        sort = f"{found.get('apiVersion', '')}, Kind={found.get('kind', '')}"
        return _invalid(f"expected webhook response of {API_VERSION}, Kind=AdmissionReview, got {sort}")
    response = review.get("response")
    if not isinstance(response, dict):
        return _invalid("webhook response was absent")
    if response.get("uid") != uid:
        return _invalid(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    warnings = tuple(str(warning) for warning in response.get("warnings") or ())
    if not response.get("allowed"):
        status = response.get("status") or {}
        return Denied(status.get("message", ""), status.get("code", 0), status.get("reason", ""), warnings)
    patch, type_ = response.get("patch"), response.get("patchType")
    if not patch:
        return Allowed((), warnings) if type_ is None else _invalid("webhook returned response.patchType but no patch")
    if type_ is None:
        return _invalid("webhook returned response.patch but not response.patchType")
    if type_ != "JSONPatch":
        return _invalid(f'webhook returned invalid response.patchType of "{type_}"')
    try:
        operations = json.loads(base64.b64decode(patch, validate=True))
    except (binascii.Error, ValueError) as problem:
        return Failed(f"received undecodable patch in webhook response: {problem}")
    if not isinstance(operations, list):
        return Failed("received undecodable patch in webhook response: it is no list of operations")
    return Allowed(tuple(operations), warnings)


def _invalid(why: str) -> Failed:
    return Failed(f"received invalid webhook response: {why}")
