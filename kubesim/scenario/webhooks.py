"""The mutating webhooks of a scenario: what they are registered for, as the API has it, and how they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from kubesim.errors import ReleaseError
from kubesim.releases.release import parse_release
from kubesim.scenario.shapes import (
    Anything,
    Choice,
    Field,
    Integer,
    Items,
    Length,
    Place,
    Raw,
    Record,
    Reserved,
    Table,
    Text,
)
from kubesim.units import MILLISECOND, SECOND, Duration

OPERATIONS: Final = ("CREATE", "UPDATE")
"""The operations that are modelled; a webhook for others is refused."""
_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
_LONGEST_TIMEOUT: Final = 30
_NAME_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class WebhookRule:
    """Which requests a webhook is called for; ``*`` in a list stands for all."""

    operations: tuple[str, ...] = ("CREATE",)
    api_groups: tuple[str, ...] = ("",)
    api_versions: tuple[str, ...] = ("v1",)
    resources: tuple[str, ...] = ("pods",)
    scope: str = "*"
    """Cluster, Namespaced or ``*``."""


@dataclass(frozen=True, slots=True)
class When:
    """On which objects a declared webhook acts, among those it is called for; it leaves the others as they are."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    has: tuple[str, ...] = ()
    """JSON pointers that must lead somewhere: ``/spec/initContainers``."""
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """Declared: it changes the object. ``whole_object``: it does not send a patch of its own making.

    It decodes the object with the client library of that release, changes it, and sends the whole of it back.
    """

    whole_object: str | None = None
    json_patch: tuple[Any, ...] = ()
    merge_patch: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Denies:
    """Declared: it answers that the request is not allowed."""

    message: str = ""
    code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fails:
    """Declared: it cannot be called; ``error`` is what the connection says (``connection refused``)."""

    error: str


@dataclass(frozen=True, slots=True)
class Python:
    """A Python callable: ``module.function``, looked for beside the scenario first."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    directory: str = field(default=".", compare=False)


@dataclass(frozen=True, slots=True)
class Https:
    """A real webhook: a URL that gets the AdmissionReview, and the CA bundle (PEM) it is trusted by."""

    url: str
    ca_bundle: str = ""


Act: TypeAlias = Changes | Denies | Fails | Python | Https


@dataclass(frozen=True, slots=True)
class Webhook:
    """One mutating webhook, with the defaults of C-33."""

    name: str
    configuration: str
    """The MutatingWebhookConfiguration it stands in; configurations are called in the order of their names."""
    act: Act
    rules: tuple[WebhookRule, ...] = (WebhookRule(),)
    when: When = When()
    failure_policy: str = "Fail"
    reinvocation_policy: str = "Never"
    timeout: Duration = 10 * SECOND
    namespace_selector: Mapping[str, Any] = field(default_factory=dict)
    """A LabelSelector in JSON form, as the next."""
    object_selector: Mapping[str, Any] = field(default_factory=dict)
    takes: Duration = 10 * MILLISECOND
    """How long a call takes on the virtual clock."""
    place: Place | None = field(default=None, compare=False, repr=False)


def check_webhooks(webhooks: tuple[Webhook, ...], place: Place) -> tuple[Webhook, ...]:
    """The webhooks, if no two of one configuration share a name; ScenarioError otherwise."""
    seen = set()
    for number, webhook in enumerate(webhooks):
        if (key := (webhook.configuration, webhook.name)) in seen:
            raise (place / number).error(f'"{webhook.name}" is there already; give each webhook its own name')
        seen.add(key)
    return webhooks


def _webhook(*, place: Place, name: str, **values: Any) -> Webhook:
    if len(name.split(".")) < _NAME_PARTS:
        raise (place / "name").error(f'"{name}" is too short; use a domain of three parts, such as inject.example.com')
    seconds = values.pop("timeout_seconds", 10)
    if seconds > _LONGEST_TIMEOUT:
        raise (place / "timeoutSeconds").error(f"{seconds} is too long; use 1 to {_LONGEST_TIMEOUT}")
    act = _act(place, values)
    values.setdefault("configuration", name)
    if "when" in values and not isinstance(act, Changes | Denies):
        raise (place / "when").error("belongs to jsonPatch, mergePatch, wholeObject and denies; use objectSelector")
    return Webhook(name=name, act=act, timeout=seconds * SECOND, place=place, **values)


def _act(place: Place, values: dict[str, Any]) -> Act:
    """How the webhook answers: one of the kinds; the three that change an object may stand together."""
    changes = {key: values.pop(key) for key in ("whole_object", "json_patch", "merge_patch") if key in values}
    others = [values.pop(key) for key in ("denies", "fails", "python", "https") if key in values]
    if len(others) + bool(changes) != 1 or {"json_patch", "merge_patch"} <= changes.keys():
        raise place.error(
            "must say how it answers: one of jsonPatch, mergePatch, denies, fails, python, https; "
            "or wholeObject, alone or with one of the two patches"
        )
    if others:
        act: Act = others[0]
        return act
    if release := changes.get("whole_object"):
        try:
            parse_release(release)
        except ReleaseError as error:
            raise (place / "wholeObject").error(str(error)) from error
    return Changes(**changes)


def _denies(*, place: Place, **values: Any) -> Denies:
    return Denies(**values)


def _fails(*, place: Place, error: str) -> Fails:
    return Fails(error)


def _python(*, place: Place, name: str, options: Mapping[str, Any] | None = None) -> Python:
    if "." not in name:
        raise (place / "name").error(f'"{name}" names no function; write module.function')
    return Python(name, options or {}, str(Path(place.document.source.path).parent))


def _https(*, place: Place, url: str, ca_bundle: str = "", ca_file: str = "") -> Https:
    if ca_file:
        path = Path(place.document.source.path).parent / ca_file
        if not path.is_file():
            raise (place / "caFile").error(f"{path} is not there; name a file of certificates in PEM form")
        ca_bundle = path.read_text(encoding="utf-8")
    return Https(url, ca_bundle)


def _rule(*, place: Place, **values: Any) -> WebhookRule:
    for number, operation in enumerate(values.get("operations", ())):
        if operation not in OPERATIONS:
            raise (place / "operations" / number).error(
                f'"{operation}" is not modelled; webhooks are called for {" and ".join(OPERATIONS)}'
            )
    for number, resource in enumerate(values.get("resources", ())):
        if "/" in resource and not resource.endswith("/*"):
            raise (place / "resources" / number).error(f'"{resource}": webhooks of subresources are not modelled')
    return WebhookRule(**values)


def _when(*, place: Place, **values: Any) -> When:
    for key in ("has", "lacks"):
        for number, pointer in enumerate(values.get(key, ())):
            if not pointer.startswith("/"):
                raise (place / key / number).error(f'"{pointer}" is no JSON pointer; write it as /spec/initContainers')
    return When(**values)


def _selector(*, place: Place, **_: Any) -> Mapping[str, Any]:
    written: Mapping[str, Any] = place.written
    return written


def _expression(*, place: Place, operator: str, values: tuple[str, ...] = (), **_: Any) -> None:
    if (operator in ("In", "NotIn")) != bool(values):
        raise place.error(f'"{operator}" {"needs values" if operator in ("In", "NotIn") else "takes no values"}')


_NAME: Final = Field(Text(), required=True)
_SELECTOR: Final = Record(
    _selector,
    {
        "matchLabels": Field(Table(Text())),
        "matchExpressions": Field(
            Items(
                Record(
                    _expression,
                    {
                        "key": _NAME,
                        "operator": Field(Choice(_OPERATORS), required=True),
                        "values": Field(Items(Text())),
                    },
                )
            )
        ),
    },
)
_RULE: Final = Record(
    _rule,
    {
        "operations": Field(Items(Text())),
        "apiGroups": Field(Items(Text())),
        "apiVersions": Field(Items(Text())),
        "resources": Field(Items(Text())),
        "scope": Field(Choice(("Cluster", "Namespaced", "*"))),
    },
)
WEBHOOK: Final = Record(
    _webhook,
    {
        "name": Field(Text(), "A domain of three parts or more.", required=True),
        "configuration": Field(Text(), "Its MutatingWebhookConfiguration; without it, one of its own name."),
        "rules": Field(Items(_RULE), "What it is called for; without them, the creation of Pods."),
        "namespaceSelector": Field(_SELECTOR, "Labels of the namespace."),
        "objectSelector": Field(_SELECTOR, "Labels of the object."),
        "failurePolicy": Field(Choice(("Fail", "Ignore")), "What a failed call means; without it, Fail."),
        "reinvocationPolicy": Field(Choice(("Never", "IfNeeded")), "Without it, Never."),
        "timeoutSeconds": Field(Integer(1), "1 to 30; without it, 10."),
        "matchPolicy": Field(Reserved("leave it out: objects are served in one version, so both policies agree")),
        "matchConditions": Field(Reserved("CEL is out of scope: use objectSelector, namespaceSelector or when")),
        "takes": Field(Length(), "How long a call takes; without it, 10ms."),
        "when": Field(
            Record(
                _when,
                {
                    "labels": Field(Table(Text())),
                    "annotations": Field(Table(Text())),
                    "has": Field(Items(Text()), "JSON pointers that lead somewhere."),
                    "lacks": Field(Items(Text()), "JSON pointers that lead nowhere."),
                },
            ),
            "On which of the objects it acts.",
        ),
        "jsonPatch": Field(Items(Raw()), "It answers with this JSON patch (RFC 6902)."),
        "mergePatch": Field(Raw(), "It changes the object as this merge patch (RFC 7386)."),
        "wholeObject": Field(Text(), "It decodes with this release's client library and sends the whole object back."),
        "denies": Field(
            Record(_denies, {"message": Field(Text()), "code": Field(Integer(400)), "reason": Field(Text())}),
            "It denies the request.",
        ),
        "fails": Field(
            Record(_fails, {"error": Field(Text(), required=True)}),
            "It cannot be called: the error of the connection.",
        ),
        "python": Field(
            Record(
                _python,
                {
                    "name": Field(Text(), "module.function; the module may lie beside the scenario.", required=True),
                    "options": Field(Table(Anything()), "Keyword arguments for it."),
                },
            ),
            "A Python callable answers.",
        ),
        "https": Field(
            Record(
                _https,
                {
                    "url": Field(Text(r"https://.+", "a URL that begins with https://"), required=True),
                    "caFile": Field(Text(), "Certificates in PEM form, relative to this file."),
                    "caBundle": Field(Text(), "The same, written here."),
                },
            ),
            "A real webhook: it gets an AdmissionReview.",
        ),
    },
)
