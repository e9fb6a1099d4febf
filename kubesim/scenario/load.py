"""Scenario files into one frozen Scenario: the manifests, and what the Scenario document adds to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from io import TextIOBase
from pathlib import Path
from typing import Any

from kubesim.objects.yaml import Document, load_documents
from kubesim.scenario.actions import Action, Apply, Create, in_order, on_known_nodes
from kubesim.scenario.checks import check_actions, check_objects, nothing_given
from kubesim.scenario.cluster import DEFAULT_CLUSTER, Cluster, check_cluster
from kubesim.scenario.expect import Expectation
from kubesim.scenario.grammar import API_VERSION, KIND, SPEC, ContainerOverride, Spec
from kubesim.scenario.shapes import Field, Place, Raw, Record, Text, json_schema, read
from kubesim.scenario.sweep import NO_SWEEP, SweepSpec
from kubesim.scenario.webhook_configurations import check_configurations
from kubesim.units import Duration


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that determines a run, and what is expected of it."""

    objects: tuple[Document, ...]
    name: str = ""
    description: str = ""
    cluster: Cluster = DEFAULT_CLUSTER
    containers: tuple[ContainerOverride, ...] = ()
    actions: tuple[Action, ...] = ()
    until: Duration | None = None
    """None: until nothing can change any more."""
    seed: int = 0
    validate: str = field(default="strict", compare=False)
    """What the user's kubectl asks for unknown fields: strict, warn or ignore."""
    expect: tuple[Expectation, ...] = ()
    sweep: SweepSpec = field(default=NO_SWEEP, compare=False)
    """What a sweep over it varies; it says nothing about a run."""

    def on(self, release: str | None = None, gates: Mapping[str, bool] | None = None) -> Scenario:
        """The same scenario on another release, or with gates set; what names its own release keeps it."""
        return replace(self, cluster=check_cluster(self.cluster.on(release, gates)))

    def digest(self) -> str:
        """SHA-256 over everything that determines the run: not its name, nor what is expected or varied."""
        settled = replace(self, name="", description="", expect=())
        text = json.dumps(_plain(settled), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        text += "" if self.validate == "strict" else self.validate
        return hashlib.sha256(text.encode()).hexdigest()


def load_scenario(paths: str | Path | TextIOBase | Iterable[str | Path | TextIOBase]) -> Scenario:
    """The scenario of one file or several; "-" is standard input. At most one document may be a Scenario.

    Raises ScenarioError, with file, line and column, for what does not fit.
    """
    several = [paths] if isinstance(paths, str | Path | TextIOBase) else list(paths)
    documents = [document for path in several for document in load_documents(path)]
    if not documents:
        raise nothing_given([_path(one) for one in several])
    return scenario_of(documents)


def scenario_of(documents: Sequence[Document]) -> Scenario:
    """The scenario of documents that are read already. Raises ScenarioError for what does not fit."""
    objects = tuple(document for document in documents if not is_scenario(document))
    found = [document for document in documents if is_scenario(document)]
    if len(found) > 1:
        first = found[0]
        place = f"{first.source.path}:{first.position()[0]}"
        raise found[1].error(f"there is a Scenario already, at {place}; keep one of the two")
    check_objects(objects)
    scenario: Scenario = read(_DOCUMENT, found[0].raw, Place(found[0], ())) if found else Scenario(())
    writes = [action for action in scenario.actions if isinstance(action, Create | Apply)]
    later = [document for action in writes for document in action.objects]
    check_configurations((*objects, *later), scenario.cluster.webhooks)
    check_actions(objects, scenario.actions)
    return replace(scenario, objects=objects)


def _path(source: str | Path | TextIOBase) -> str:
    if isinstance(source, TextIOBase):
        return str(getattr(source, "name", "<stream>"))
    return "STDIN" if str(source) == "-" else str(source)


def schema() -> dict[str, Any]:
    """The JSON Schema of the Scenario document, for editors."""
    described = json_schema(_DOCUMENT)
    described["properties"]["apiVersion"] = {"const": API_VERSION}
    described["properties"]["kind"] = {"const": KIND}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kubesim Scenario",
        "description": "What happens to the Kubernetes objects beside this document, where, and what is expected.",
        **described,
    }


def is_scenario(document: Document) -> bool:
    """Whether a document is ours; one of our group with another version or kind, or that means to be, is refused."""
    group = document.api_version.partition("/")[0]
    if group != "kubesim":
        if document.kind == KIND and _means_ours(document):
            text = f"{document.api_version} has no {KIND}; write {API_VERSION}, which kubesim reads"
            raise document.error(text, ("apiVersion",))
        return False
    if document.api_version != API_VERSION:
        raise document.error(f"{document.api_version} is unknown; write {API_VERSION}", ("apiVersion",))
    if document.kind != KIND:
        raise document.error(f"{document.kind} is no kind of {API_VERSION}; write {KIND}", ("kind",))
    return True


def _means_ours(document: Document) -> bool:
    """Whether a Scenario of another apiVersion is one of ours gone wrong, not somebody's custom resource."""
    spec = document.raw.get("spec")
    fields = set(spec) if isinstance(spec, dict) else set()
    return "kubesim" in document.api_version or "/" not in document.api_version or not fields - SPEC.fields.keys()


def _scenario(*, place: Place, spec: Spec | None = None, metadata: tuple[str, str] = ("", ""), **_: str) -> Scenario:
    spec = spec or Spec()
    nodes = tuple(node.name for node in spec.cluster.nodes)
    return Scenario(
        objects=(),
        name=metadata[0],
        description=metadata[1],
        cluster=check_cluster(spec.cluster),
        containers=spec.containers,
        actions=in_order(on_known_nodes(spec.actions, nodes)),
        until=spec.until,
        seed=spec.seed,
        validate=spec.validate,
        expect=spec.expect,
        sweep=spec.sweep,
    )


def _metadata(*, place: Place, name: str = "", description: str = "", **_: Any) -> tuple[str, str]:
    return name, description


_DOCUMENT = Record(
    _scenario,
    {
        "apiVersion": Field(Text(), required=True),
        "kind": Field(Text(), required=True),
        "metadata": Field(
            Record(
                _metadata,
                {
                    "name": Field(Text(), "The scenario's name."),
                    "description": Field(Text(), "What it shows, in a sentence."),
                    "labels": Field(Raw(), "For your own use."),
                    "annotations": Field(Raw(), "For your own use."),
                },
            )
        ),
        "spec": Field(SPEC),
    },
)


def _plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses by name, without what does not count when they are compared."""
    match value:
        case Document():
            return value.raw
        case _ if is_dataclass(value) and not isinstance(value, type):
            counted = {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.compare}
            return {"": type(value).__name__, **counted}
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case _:
            return value
