"""The Scenario document as a table of fields; reading, messages and the JSON Schema all come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubesim.scenario.action_grammar import ACTION
from kubesim.scenario.actions import Action
from kubesim.scenario.cluster import (
    DEFAULT_CLUSTER,
    Cluster,
    ControlPlane,
    Image,
    Node,
    Settings,
    Taint,
    Timing,
    stored_quantities,
)
from kubesim.scenario.expect import Expectation
from kubesim.scenario.expect_grammar import EXPECTATION
from kubesim.scenario.kubelet_config import kubelet_config
from kubesim.scenario.shapes import (
    Anything,
    Choice,
    Either,
    Field,
    Flag,
    Integer,
    Items,
    Length,
    Place,
    Raw,
    Record,
    Table,
    Text,
)
from kubesim.scenario.sweep import NO_SWEEP, SWEEP, SweepSpec
from kubesim.scenario.webhooks import WEBHOOK, Webhook, check_webhooks
from kubesim.units import Duration

API_VERSION: Final = "kubesim/v1"
KIND: Final = "Scenario"


@dataclass(frozen=True, slots=True)
class ContainerOverride:
    """How the containers that match behave, instead of what their manifest says."""

    script: Mapping[str, Any]
    """As written; read by the room ``scripts``."""
    pod: str | None = None
    container: str | None = None
    image: str | None = None
    job: str | None = None
    """The Job whose pods are meant."""
    index: int | None = None
    """The completion index that is meant, in an Indexed Job."""
    place: Place | None = field(default=None, compare=False, repr=False)


VALIDATIONS: Final = ("strict", "warn", "ignore")
"""What kubectl's ``--validate`` may be: unknown fields are refused, told, or dropped without a word (C-10 to C-12)."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a Scenario document says beside its manifests."""

    cluster: Cluster = DEFAULT_CLUSTER
    containers: tuple[ContainerOverride, ...] = ()
    actions: tuple[Action, ...] = ()
    until: Duration | None = None
    seed: int = 0
    validate: str = "strict"
    expect: tuple[Expectation, ...] = ()
    sweep: SweepSpec = NO_SWEEP


def _spec(*, place: Place, **values: Any) -> Spec:
    return Spec(**values)


def _settings(place: Place, values: dict[str, Any]) -> Settings:
    said = {name: values.pop(name) for name in ("release", "feature_gates", "bugs") if name in values}
    return Settings(**said, place=place)


def _component(*, place: Place, **values: Any) -> Settings:
    return _settings(place, values)


def _control_plane(*, place: Place, **values: Any) -> ControlPlane:
    return ControlPlane(shared=_settings(place, values), **values)


def _cluster(*, place: Place, webhooks: tuple[Webhook, ...] = (), **values: Any) -> Cluster:
    values["webhooks"] = check_webhooks(webhooks, place / "webhooks")
    if values.get("nodes") == ():
        raise (place / "nodes").error("a cluster needs a node; name one, or leave nodes out to get one")
    if isinstance(profile := values.get("timing"), str):
        values["timing"] = Timing(profile, place=place / "timing")
    return Cluster(settings=_settings(place, values), **values)


def _node(*, place: Place, allocatable: Mapping[str, Any] | None = None, **values: Any) -> Node:
    stored = stored_quantities(allocatable or {}, place / "allocatable")
    if written := values.pop("kubelet_config", None):
        values["kubelet_config"] = kubelet_config(written, place / "kubeletConfig")
    return Node(settings=_settings(place, values), allocatable=stored, place=place, **values)


def _timing(*, place: Place, profile: str = "typical", **values: Any) -> Timing:
    return Timing(profile, place=place, **values)


def _container(*, place: Place, match: dict[str, Any], script: dict[str, Any]) -> ContainerOverride:
    return ContainerOverride(script, **match, place=place)


def _match(*, place: Place, **values: Any) -> dict[str, Any]:
    if not values:
        raise place.error("matches every container; name a pod, a container, an image or a Job, or a pattern of one")
    return values


def _made(make: type[Any]) -> Callable[..., Any]:
    def build(*, place: Place, **values: Any) -> Any:
        return make(**values, place=place)

    return build


_NAME: Final = Field(Text(), required=True)
_SETTINGS: Final = {
    "release": Field(
        Text(r"v?1\.[0-9]+(\.[0-9]+)?", 'a release in quotes, such as "1.29" or "1.29.0"'), "The release."
    ),
    "featureGates": Field(Table(Flag()), "Gates set by hand."),
    "bugs": Field(Table(Flag()), "Known bugs switched on or off against the patch."),
}
_COMPONENT: Final = Record(_component, _SETTINGS)
_SCRIPT: Final = Field(Raw(), "A container script: see docs/scenarios.md.")

_NODE: Final = Record(
    _node,
    {
        "name": _NAME,
        **_SETTINGS,
        "labels": Field(Table(Text()), "The node's labels."),
        "taints": Field(
            Items(
                Record(
                    _made(Taint),
                    {
                        "key": _NAME,
                        "value": Field(Text()),
                        "effect": Field(Choice(("NoSchedule", "PreferNoSchedule", "NoExecute")), required=True),
                    },
                )
            )
        ),
        "allocatable": Field(Table(Anything()), "Resources pods can have; without it, all they ask for."),
        "kubeletConfig": Field(Raw(), "Fields of KubeletConfiguration."),
    },
)

_IMAGE: Final = Record(
    _made(Image),
    {
        "pull": Field(Length(), "How long a pull takes; without it, the image is on the nodes."),
        "missing": Field(Flag(), "No registry has it."),
        "missingFor": Field(Length(), "How long after the start no registry has it yet: pulls fail until then."),
        "entrypoint": Field(Items(Text()), "The image's ENTRYPOINT."),
        "command": Field(Items(Text()), "The image's CMD."),
        "workingDir": Field(Text()),
        "user": Field(Text(), "The image's USER, in quotes if a number."),
        "dialect": Field(Choice(("ash", "dash", "bash")), "Whose sh the image has."),
        "script": _SCRIPT,
    },
)

_TIMING: Final = {
    "profile": Field(Text(), "ideal, typical or loaded."),
    "settings": Field(Raw(), "Latencies that differ from the profile."),
    "draw": Field(Integer(), "Which replication of the latencies; 0: nominal."),
    "ties": Field(Integer(), "Which order of what happens at one instant; 0: as it was asked for."),
}

_CLUSTER: Final = Record(
    _cluster,
    {
        **_SETTINGS,
        "controlPlane": Field(
            Record(
                _control_plane,
                {
                    **_SETTINGS,
                    "apiserver": Field(_COMPONENT),
                    "controllerManager": Field(_COMPONENT),
                    "scheduler": Field(_COMPONENT),
                },
            ),
            "What the control plane runs, where it differs.",
        ),
        "nodes": Field(Items(_NODE), "The nodes; without it, one that runs what the cluster does."),
        "images": Field(Table(_IMAGE), "What is to be known of images, by reference."),
        "webhooks": Field(Items(WEBHOOK), "The mutating webhooks of the API server."),
        "timing": Field(
            Either((Text(), Record(_timing, _TIMING))),
            "The latency profile: ideal, typical or loaded; or one with settings that differ, draws, orders of ties.",
        ),
        "containerd": Field(Text(), "The container runtime's release, where it is not the usual one."),
    },
)

_MATCH: Final = {
    **{name: Field(Text()) for name in ("pod", "container", "image")},
    "job": Field(Text(), "The Job the pod is of."),
    "index": Field(Integer(), "The pod's completion index in an Indexed Job."),
}

SPEC: Final = Record(
    _spec,
    {
        "cluster": Field(_CLUSTER, "Releases, gates, nodes, images, latencies."),
        "containers": Field(
            Items(
                Record(
                    _container,
                    {
                        "match": Field(
                            Record(_match, _MATCH),
                            "Which containers: names, or patterns such as web-*.",
                            required=True,
                        ),
                        "script": Field(Raw(), _SCRIPT.about, required=True),
                    },
                )
            ),
            "How containers behave, instead of what their command says.",
        ),
        "actions": Field(Items(ACTION), "What is done, and when."),
        "until": Field(Length(), "When the run ends; without it, when nothing can change any more, at most 1h."),
        "seed": Field(Integer(), "The seed of all chance."),
        "validate": Field(Choice(VALIDATIONS), "What the user's kubectl asks for unknown fields; without it, strict."),
        "expect": Field(Items(EXPECTATION), "What must come true."),
        "sweep": Field(SWEEP, "What kubesim sweep varies and measures."),
    },
)
