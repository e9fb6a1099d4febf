"""The Pods that the manifests of a scenario stand for: bare ones, and the templates of what makes Pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from kubesim.objects.pod import Container, Pod, is_sidecar, pod_view
from kubesim.objects.yaml import Document, FieldPath
from kubesim.scenario.load import Scenario
from kubesim.timelines.lanes_model import Role
from kubesim.units import SECOND, Duration

_TEMPLATES: Final[Mapping[str, FieldPath]] = {
    "Pod": (),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Deployment": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
}
_DEFAULT_GRACE: Final = 30


@dataclass(frozen=True, slots=True)
class Site:
    """A Pod to be, and where it is written."""

    document: Document
    base: FieldPath
    pod: Pod

    @property
    def raw(self) -> Mapping[str, Any]:
        """The Pod, or the template."""
        return self.pod.raw

    @property
    def is_of_a_job(self) -> bool:
        return self.document.kind in ("Job", "CronJob")

    @property
    def job_spec(self) -> Mapping[str, Any]:
        """The spec of the Job, or of what else makes such Pods; empty for a bare Pod."""
        spec: Any = self.document.raw
        for step in self.base[:-1]:
            spec = spec[step]
        return spec if self.base else {}

    @property
    def grace(self) -> Duration:
        """The grace period that a delete gives."""
        seconds = self.pod.spec.termination_grace_period_seconds
        return (_DEFAULT_GRACE if seconds is None else seconds) * SECOND

    def path(self, container: Container, *steps: str | int) -> FieldPath:
        """The path of a container, or of a field of it, in the document."""
        for field, entries in (
            ("initContainers", self.pod.spec.init_containers),
            ("containers", self.pod.spec.containers),
        ):
            for number, entry in enumerate(entries):
                if entry is container:
                    return (*self.base, "spec", field, number, *steps)
        raise ValueError(f"{container.name} is no container of {self.document.name}")

    def containers(self) -> Iterator[tuple[Container, Role]]:
        """All containers with what each is, in spec order."""
        for entry in self.pod.spec.init_containers:
            yield entry, Role.SIDECAR if is_sidecar(entry) else Role.INIT
        for entry in self.pod.spec.containers:
            yield entry, Role.MAIN


def sites(scenario: Scenario) -> Iterator[Site]:
    """The Pods to be; what is no valid manifest is left to the API server to refuse."""
    for document in scenario.objects:
        base = _TEMPLATES.get(document.kind)
        if base is None:
            continue
        raw: Any = document.raw
        for step in base:
            raw = raw.get(step) if isinstance(raw, Mapping) else None
        if not isinstance(raw, Mapping) or not isinstance(raw.get("spec"), Mapping):
            continue
        metadata = {**(raw.get("metadata") or {}), "name": document.name, "uid": ""}
        try:
            pod = pod_view({**raw, "metadata": metadata})
        except (msgspec.ValidationError, ValueError, TypeError):
            continue
        yield Site(document, base, pod)
