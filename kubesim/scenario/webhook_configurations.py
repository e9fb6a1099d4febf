"""MutatingWebhookConfigurations among the manifests: what is refused of them, and the webhooks that one of them names.

Only those with a ``clientConfig.url`` can be called. For one behind a Service the scenario declares how it answers,
under ``spec.cluster.webhooks`` with the same ``configuration`` and ``name``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kubesim.objects.yaml import Document
from kubesim.scenario.shapes import Place
from kubesim.scenario.webhooks import OPERATIONS, Https, Webhook, WebhookRule
from kubesim.units import SECOND

KIND: Final = "MutatingWebhookConfiguration"
_REVIEWED: Final = "v1"


def check_configurations(documents: Iterable[Document], declared: tuple[Webhook, ...]) -> None:
    """Raise ScenarioError, with its place, for a webhook that cannot be called as it stands."""
    names = {(webhook.configuration, webhook.name) for webhook in declared}
    for document in documents:
        if document.kind == KIND:
            configuration = (document.raw.get("metadata") or {}).get("name", "")
            for number, entry in enumerate(document.raw.get("webhooks") or ()):
                is_declared = (configuration, entry.get("name")) in names
                _check(entry, Place(document, ("webhooks", number)), configuration, is_declared)


def _check(entry: Mapping[str, Any], place: Place, configuration: str, is_declared: bool) -> None:
    if entry.get("matchConditions"):
        raise (place / "matchConditions").error(
            "is CEL, which is not evaluated here; use objectSelector or namespaceSelector", at_key=True
        )
    for number, rule in enumerate(entry.get("rules") or ()):
        for which, operation in enumerate(rule.get("operations") or ()):
            if operation not in OPERATIONS:
                raise (place / "rules" / number / "operations" / which).error(
                    f'"{operation}" is not modelled; webhooks are called for {" and ".join(OPERATIONS)}'
                )
        for which, resource in enumerate(rule.get("resources") or ()):
            if "/" in resource and not resource.endswith("/*"):
                raise (place / "rules" / number / "resources" / which).error(
                    f'"{resource}": webhooks of subresources are not modelled'
                )
    if _REVIEWED not in (entry.get("admissionReviewVersions") or (_REVIEWED,)):
        raise (place / "admissionReviewVersions").error(f"must have {_REVIEWED}: no other AdmissionReview is sent")
    config = entry.get("clientConfig") or {}
    if not is_declared and not config.get("url"):
        raise place.error(
            f'"{entry.get("name", "")}" is behind a Service, which cannot be reached from here; give clientConfig.url, '
            f"or declare under spec.cluster.webhooks how it answers, with configuration: {configuration}"
        )
    if config.get("caBundle"):
        try:
            base64.b64decode(config["caBundle"], validate=True).decode()
        except (binascii.Error, ValueError) as problem:
            raise (place / "clientConfig" / "caBundle").error(f"is not PEM in base64: {problem}") from problem


def webhooks_of(configurations: Iterable[Mapping[str, Any]], declared: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
    """The webhooks of stored configurations; one that the scenario has declared stays as it is declared."""
    known = {(webhook.configuration, webhook.name) for webhook in declared}
    return tuple(
        _webhook(entry, raw["metadata"]["name"])
        for raw in configurations
        for entry in raw.get("webhooks") or ()
        if (raw["metadata"]["name"], entry["name"]) not in known
    )


def _webhook(entry: Mapping[str, Any], configuration: str) -> Webhook:
    """With the defaults of the API (C-33)."""
    config = entry.get("clientConfig") or {}
    bundle = base64.b64decode(config.get("caBundle") or "").decode()
    return Webhook(
        name=entry["name"],
        configuration=configuration,
        act=Https(config.get("url", ""), bundle),
        rules=tuple(_rule(rule) for rule in entry.get("rules") or ()),
        failure_policy=entry.get("failurePolicy") or "Fail",
        reinvocation_policy=entry.get("reinvocationPolicy") or "Never",
        timeout=(entry.get("timeoutSeconds") or 10) * SECOND,
        namespace_selector=entry.get("namespaceSelector") or {},
        object_selector=entry.get("objectSelector") or {},
    )


def _rule(rule: Mapping[str, Any]) -> WebhookRule:
    return WebhookRule(
        operations=tuple(rule.get("operations") or ()),
        api_groups=tuple(rule.get("apiGroups") or ()),
        api_versions=tuple(rule.get("apiVersions") or ()),
        resources=tuple(rule.get("resources") or ()),
        scope=rule.get("scope") or "*",
    )
