"""Which mutating webhooks are called for a request, and in which order (C-31, C-33).

Source: apiserver ``admission/plugin/webhook``: ``predicates/rules``, ``predicates/namespace``, ``predicates/object``,
``generic/webhook.go``; ``admission/configuration/mutating_webhook_manager.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubesim.objects.labels import selects
from kubesim.scenario.webhook_configurations import webhooks_of
from kubesim.scenario.webhooks import Webhook, WebhookRule
from kubesim.store.kinds import Kind

Json = dict[str, Any]

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
"""The label every namespace has, with its own name."""
_EXEMPT: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
"""Kinds that are never sent to webhooks, so that a broken one can be taken away."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a webhook is told about a request beside the object."""

    operation: str
    """CREATE or UPDATE."""
    kind: Kind
    namespace: str
    """Empty for an object of the cluster."""
    name: str
    """Empty where the API server is to make the name."""
    actor: str
    namespace_labels: Mapping[str, str]
    old: Json | None = None
    """The stored object, for UPDATE."""


def attributes(
    operation: str, kind: Kind, obj: Json, old: Json | None, actor: str, namespace: Json | None
) -> Attributes:
    """The attributes of a request about a decoded object; ``namespace`` is the stored one of its namespace, if any."""
    metadata = obj["metadata"]
    name = metadata.get("namespace", "")
    return Attributes(
        operation=operation,
        kind=kind,
        namespace=name,
        name=metadata.get("name", ""),
        actor=actor,
        namespace_labels={NAMESPACE_NAME: name, **_labels(namespace or {})},
        old=old,
    )


def in_order(webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
    """Configurations by name; the webhooks of one in the order of its list (C-31)."""
    return tuple(sorted(webhooks, key=lambda webhook: webhook.configuration))


def in_force(declared: tuple[Webhook, ...], stored: Mapping[tuple[str, str], Json] | None) -> tuple[Webhook, ...]:
    """The webhooks there are, in order: those declared, which are in order, and those of stored configurations."""
    return in_order((*declared, *webhooks_of(stored.values(), declared))) if stored else declared


def is_called(webhook: Webhook, about: Attributes, obj: Json) -> bool:
    """Whether a webhook is called for the object as it is now: its rules and both selectors fit."""
    if about.kind.name in _EXEMPT or not any(_rule_fits(rule, about) for rule in webhook.rules):
        return False
    return _namespace_fits(webhook.namespace_selector, about, obj) and (
        selects(webhook.object_selector, _labels(obj))
        or (about.old is not None and selects(webhook.object_selector, _labels(about.old)))
    )


def _rule_fits(rule: WebhookRule, about: Attributes) -> bool:
    kind = about.kind
    scopes = ("*", "Namespaced" if kind.namespaced else "Cluster")
    return (
        about.operation in rule.operations
        and _listed(rule.api_groups, kind.group)
        and _listed(rule.api_versions, kind.version)
        and any(resource in ("*", "*/*", kind.plural, f"{kind.plural}/*") for resource in rule.resources)
        and rule.scope in scopes
    )


def _listed(values: tuple[str, ...], value: str) -> bool:
    return "*" in values or value in values


def _namespace_fits(selector: Mapping[str, Any], about: Attributes, obj: Json) -> bool:
    """A Namespace is judged by its own labels; other objects of the cluster always fit."""
    if about.kind.name == "Namespace":
        return selects(selector, _labels(obj) | {NAMESPACE_NAME: about.name})
    return not about.kind.namespaced or selects(selector, about.namespace_labels)


def _labels(obj: Json) -> dict[str, str]:
    labels: dict[str, str] = (obj.get("metadata") or {}).get("labels") or {}
    return labels
