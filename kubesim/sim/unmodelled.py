"""What of the input this run does not act upon, said once per object and field; nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kubesim.job_controller.sync import OWN_NAME
from kubesim.objects.yaml import Document
from kubesim.sim.coverage import left_out
from kubesim.sim.recorder import Recorder
from kubesim.units import Instant

_ACTED_UPON: Final = frozenset(
    {
        "Pod",
        "Job",
        "CronJob",
        "Deployment",
        "ReplicaSet",
        "ConfigMap",
        "Secret",
        "Namespace",
        "Node",
        "PodDisruptionBudget",
        "MutatingWebhookConfiguration",
    }
)
_HELD: Final = frozenset({"Service", "ServiceAccount", "PriorityClass", "Event", "Lease", "RuntimeClass"})
"""Kinds that are stored and change nothing in a Pod's life as it is modelled; their presence needs no word."""

_TEMPLATED: Final = ("Deployment", "ReplicaSet")
_CONTROLLERS: Final = {
    "StatefulSet": "no Pod is created for it",
    "DaemonSet": "no Pod is created for it",
}


def note_unmodelled(document: Document, recorder: Recorder, at: Instant) -> None:
    """Record what this object asks for and the run leaves out."""
    raw = document.raw
    kind = raw.get("kind", "")
    subject = f"{kind}/{(raw.get('metadata') or {}).get('name', '')}"
    if kind in _CONTROLLERS:
        recorder.not_modelled(at, subject, "kind", f"its controller is not modelled: {_CONTROLLERS[kind]}")
    elif kind not in _ACTED_UPON | _HELD:
        recorder.not_modelled(at, subject, "kind", "the object is stored, and nothing acts upon it")
    for path, spec in pod_specs(kind, raw.get("spec")):
        for field, text in left_out(spec, f"{path}spec"):
            recorder.not_modelled(at, subject, field, text)
    for path, spec in _job_specs(kind, raw.get("spec")):
        if spec.get("managedBy") not in (None, OWN_NAME):
            text = "that controller is not modelled, and the built-in one leaves the Job alone"
            recorder.not_modelled(at, subject, f"{path}.managedBy", text)


def _job_specs(kind: str, spec: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The specs of Jobs in a Job or a CronJob, each with its path."""
    if kind == "Job":
        yield "spec", _inside(spec)
    elif kind == "CronJob":
        yield "spec.jobTemplate.spec", _inside(spec, "jobTemplate", "spec")


def pod_specs(kind: str, spec: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The specs of Pods in the spec of an object as it was sent, each with what stands before their paths."""
    if kind == "Pod":
        yield "", _inside(spec)
    elif kind in _TEMPLATED:
        yield "spec.template.", _inside(spec, "template", "spec")
    for path, job in _job_specs(kind, spec):
        yield f"{path}.template.", _inside(job, "template", "spec")


def _inside(value: Any, *path: str) -> dict[str, Any]:
    """A mapping within a mapping; empty where what was sent has none."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
