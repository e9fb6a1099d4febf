"""The mutating phase of one request, step by step: which webhook is next, and what its answer does (C-30 to C-34).

No calls are made here: whoever drives a chain asks ``next_webhook``, calls it, and hands the answer to ``answered``.
Source: apiserver ``admission/plugin/webhook/mutating``: ``dispatcher.go``, ``reinvocationcontext.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jsonpatch
import jsonpointer

from kubesim.releases import Release
from kubesim.scenario.webhooks import Webhook
from kubesim.store.admission import with_priority
from kubesim.store.defaulting import default_cron_job, default_job, default_pod_spec
from kubesim.store.fields import decode
from kubesim.store.kinds import Kind
from kubesim.store.replies import Reply, creating, failed, forbidden
from kubesim.store.webhooks import Attributes, is_called
from kubesim.store.webhooks_diff import Operation, json_diff
from kubesim.units import Instant

Json = dict[str, Any]

Plugins: TypeAlias = Callable[[Json], tuple[Json, Reply | None]]
"""The in-tree mutating plugins: the object after them, and the refusal of the one that refuses."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A webhook lets the request pass, with a JSON patch."""

    patch: tuple[Any, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """A webhook refuses; ``code`` 0 and empty texts as the response leaves them out."""

    message: str = ""
    code: int = 0
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A webhook could not be called, or its answer could not be read; ``reason`` in the API server's words."""

    reason: str


Answer: TypeAlias = Allowed | Denied | Failed


@dataclass(frozen=True, slots=True)
class Effect:
    """What one call came to."""

    webhook: Webhook
    round: int
    result: str
    """patched, unchanged, denied, failed, or ignored: it failed, and its failurePolicy lets the request pass."""
    message: str = ""
    diff: tuple[Operation, ...] = ()
    dropped: tuple[str, ...] = ()
    """Fields of the patched object that the API server does not know, and so left out in silence (C-34)."""
    warnings: tuple[str, ...] = ()
    before: Json = field(default_factory=dict)
    sent: Json = field(default_factory=dict)
    """The object with the patch, before the API server decoded it."""
    after: Json = field(default_factory=dict)


@dataclass(slots=True)
class Chain:
    """The mutating phase of one request. ``refusal`` ends it; else ``object`` is what goes on to validation."""

    about: Attributes
    object: Json
    webhooks: tuple[Webhook, ...]
    release: Release
    plugins: Plugins
    round: int = 1
    warnings: tuple[str, ...] = ()
    refusal: Reply | None = None
    during: str = ""
    """kubectl's clause in messages."""
    _position: int = 0
    _is_repeated: bool = False
    _invoked: set[int] = field(default_factory=set)
    """Webhooks with reinvocationPolicy IfNeeded that were called, and nothing has changed since."""
    _due: set[int] = field(default_factory=set)
    """Those to be called again, because something changed after their call."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request in its mutating phase: drive the chain to its end, then ``resume`` gives the reply."""

    chain: Chain
    resume: Callable[[Instant], Reply]


def begun(
    about: Attributes, obj: Json, webhooks: tuple[Webhook, ...], release: Release, plugins: Plugins, during: str = ""
) -> Chain | None:
    """The chain of a decoded object, with its defaults and after the in-tree plugins (C-30).

    None if no webhook is called for it: nothing has to be waited for.
    """
    chain = Chain(about, defaulted(about.kind, obj, release), webhooks, release, plugins, during=during)
    _run_plugins(chain)
    return None if chain.refusal is None and next_webhook(chain) is None else chain


def prioritised(kind: Kind, obj: Json, classes: Iterable[Json]) -> tuple[Json, Reply | None]:
    """A Pod with the priority of its class, or the refusal of the plugin Priority; other kinds as they are."""
    if kind.name != "Pod":
        return obj, None
    spec, because = with_priority(obj.get("spec") or {}, classes)
    if because:
        metadata = obj["metadata"]
        name = metadata.get("name") or metadata.get("generateName") or "Unknown"  # names are completed later
        return obj, forbidden(kind, name, because, creating())
    return {**obj, "spec": spec}, None


def defaulted(kind: Kind, obj: Json, release: Release) -> Json:
    """A decoded object with its defaults, as webhooks see it."""
    match kind.name:
        case "Pod":
            return {**obj, "spec": default_pod_spec(obj.get("spec") or {}, release)}
        case "Job":
            return default_job(obj, release)
        case "CronJob":
            return default_cron_job(obj)
    return obj


def unplugged(obj: Json) -> tuple[Json, Reply | None]:
    """No in-tree plugins: they change nothing on this request."""
    return obj, None


def next_webhook(chain: Chain) -> Webhook | None:
    """The webhook to call now, or None when the phase is over. Asking again without an answer names the same one."""
    while chain.refusal is None:
        for position in range(chain._position, len(chain.webhooks)):
            chain._position = position
            is_due = chain.round == 1 or position in chain._due
            if is_due and is_called(chain.webhooks[position], chain.about, chain.object):
                return chain.webhooks[position]
        if chain.round > 1 or not chain._is_repeated:
            chain._position = len(chain.webhooks)
            return None
        _begin_again(chain)
    return None


def _begin_again(chain: Chain) -> None:
    """The one extra round: all plugins again, then the webhooks that are due (C-32)."""
    chain.round += 1
    chain._position = 0
    before = chain.object
    _run_plugins(chain)
    if chain.object != before:
        _require_reinvoking(chain)


def _run_plugins(chain: Chain) -> None:
    chain.object, chain.refusal = chain.plugins(chain.object)


def _require_reinvoking(chain: Chain) -> None:
    chain._due |= chain._invoked
    chain._invoked = set()


def answered(chain: Chain, answer: Answer) -> Effect:
    """Carry on with a webhook's answer; what it came to."""
    position, webhook, round_ = chain._position, chain.webhooks[chain._position], chain.round
    chain._position += 1
    match answer:
        case Allowed(patch, warnings):
            chain.warnings += warnings
            effect = _patched(chain, webhook, patch, warnings)
        case Denied(message, code, reason, warnings):
            chain.warnings += warnings
            chain.refusal = _denied(webhook, message, code, reason, chain.during)
            return Effect(webhook, round_, "denied", chain.refusal.message, warnings=warnings)
        case Failed(reason):
            said = f'failed calling webhook "{webhook.name}": {reason}'
            if webhook.failure_policy == "Ignore":
                effect = Effect(webhook, round_, "ignored", said)
            else:
                effect = _refused(chain, webhook, said)
    if effect.result == "patched":
        _require_reinvoking(chain)
        chain._is_repeated = True
    if webhook.reinvocation_policy == "IfNeeded":
        chain._invoked.add(position)
    return effect


def _refused(chain: Chain, webhook: Webhook, said: str) -> Effect:
    chain.refusal = failed(500, "InternalError", f"Internal error occurred: {said}", chain.during)
    return Effect(webhook, chain.round, "failed", chain.refusal.message)


def _denied(webhook: Webhook, message: str, code: int, reason: str, during: str) -> Reply:
    """Source: ``webhook/errors/statuserror.go``: no code below 400, and the reason stands in for a message."""
    said = f'admission webhook "{webhook.name}" denied the request'
    detail = message or reason
    said += f": {detail}" if detail else " without explanation"
    return failed(max(code, 400), reason, said, during)


def _patched(chain: Chain, webhook: Webhook, patch: tuple[Any, ...], warnings: tuple[str, ...]) -> Effect:
    """The object after a patch, decoded and defaulted again. A patch that does not apply is an error of the request.

    ``failurePolicy`` is about calls, so that Ignore does not help then.
    """
    before, release, kind = chain.object, chain.release, chain.about.kind
    if not patch:
        return Effect(webhook, chain.round, "unchanged", warnings=warnings, before=before, sent=before, after=before)
    try:
        raw = jsonpatch.JsonPatch(patch).apply(before)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as problem:
        return _refused(chain, webhook, f"the patch of the webhook does not apply: {problem}")
    body = decode(raw, kind, release)
    if body.error:
        return _refused(chain, webhook, body.error)
    after = defaulted(kind, body.object, release)
    chain.object = after
    return Effect(
        webhook=webhook,
        round=chain.round,
        result="unchanged" if after == before else "patched",
        diff=json_diff(before, after),
        dropped=tuple(body.unknown),
        warnings=warnings,
        before=before,
        sent=raw,
        after=after,
    )
