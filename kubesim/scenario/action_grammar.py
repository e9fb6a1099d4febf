"""The actions of a Scenario document as a table of fields: what is done to the cluster, and what breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Document, load_documents
from kubesim.scenario.actions import DEFAULT_NAMESPACE, RESERVED, SUPPORTED, Action
from kubesim.scenario.expect_grammar import SIGNAL
from kubesim.scenario.recorded import objects_at
from kubesim.scenario.shapes import (
    Anything,
    Choice,
    Field,
    Flag,
    Integer,
    Length,
    Place,
    Quantity,
    Raw,
    Record,
    Reserved,
    Text,
)
from kubesim.units import Duration


def _details(*, place: Place, **values: Any) -> tuple[Place, dict[str, Any]]:
    return place, values


def _action(*, place: Place, at: Duration, **values: Any) -> Action:
    names = [name for name in place.written if name != "at"]
    if len(names) != 1:
        found = f"it says {' and '.join(names)}" if names else "it says none"
        raise place.error(f"must say one of {', '.join(SUPPORTED)} beside at; {found}")
    make = SUPPORTED[names[0]]
    (details_place, details) = next(iter(values.values()), (place, {}))
    if names[0] in ("apply", "create"):
        details = {"objects": _objects(details_place, details)}
    if names[0] == "kill" and len(details.keys() & {"signal", "exit_code"}) != 1:
        raise details_place.error("needs one of signal and exitCode; for example {signal: KILL}")
    action: Action = make(at=at, place=place, **details)
    return action


def _objects(place: Place, details: dict[str, Any]) -> tuple[Document, ...]:
    """The objects of an apply or create: written here, or in a file beside the scenario."""
    if len(details) != 1:
        raise place.error("needs one of object and file; for example {file: configmap.yaml}")
    if "object_" in details:
        return objects_at(place / "object")
    file = Path(place.document.source.path).parent / details["file_"]
    try:
        return tuple(load_documents(file))
    except ScenarioError as error:
        if error.line is not None:
            raise
        raise (place / "file").error(error.message) from error


_NAME: Final = Field(Text(), required=True)
_NAMESPACE: Final = Field(Text(), f"The namespace; without it, {DEFAULT_NAMESPACE}.")
_GRACE: Final = Field(Integer(), "As the delete option of this name; without it, the pod's own.")
_OBJECTS: Final = Record(
    _details,
    {
        "object": Field(Raw(), "The object, or a List."),
        "file": Field(Text(), "A file with the objects, relative to this one."),
    },
)
_JOB_POD: Final = Record(
    _details,
    {
        "number": Field(Integer(), "Which pod of the Job, in order of creation from 0.", required=True),
        "job": Field(Text(), "The Job; without it, the only one."),
        "namespace": _NAMESPACE,
        "gracePeriodSeconds": _GRACE,
    },
)
_TARGET: Final = {"pod": _NAME, "container": _NAME, "namespace": _NAMESPACE}

_NODE: Final = Field(Text(), "The node; without it, the only one.")
_FOR: Final = Field(Length(), "For how long; without it, for good.")


def _on_node(about: str, **fields: Field) -> Field:
    """An action upon a node, which may be written without anything when there is only one."""
    needs_more = any(field.required for field in fields.values())
    return Field(Record(_details, {"node": _NODE, **fields}), about, bare=None if needs_more else {})


NODE_ACTIONS: Final = {
    "kubeletStop": _on_node("The kubelet process ends; the containers go on."),
    "kubeletStart": _on_node("A kubelet process starts where none runs."),
    "kubeletRestart": _on_node(
        "The kubelet process ends, and another comes up.",
        takes=Field(Length(), "How long until it has; without it, 3s."),
    ),
    "nodeDown": _on_node("The machine loses its power.", **{"for": _FOR}),
    "nodeUp": _on_node("The machine is back, its disks as they were."),
    "nodeReboot": _on_node(
        "The machine goes down without warning and comes back.",
        takes=Field(Length(), "How long until it has; without it, 30s."),
    ),
    "nodeShutdown": _on_node("The machine is asked to shut down: pods are stopped first, as its kubelet is set up."),
    "networkDown": _on_node("The node and the API server cannot reach each other.", **{"for": _FOR}),
    "networkUp": _on_node("They can again."),
    "memoryPressure": _on_node(
        "Something takes the node's memory until so much is available.",
        available=Field(Quantity(), "How much is left, such as 50Mi.", required=True),
        **{"for": _FOR},
    ),
    "cordon": _on_node("As kubectl cordon."),
    "uncordon": _on_node("As kubectl uncordon."),
    "taint": _on_node(
        "As kubectl taint.",
        key=_NAME,
        value=Field(Text()),
        effect=Field(Choice(("NoSchedule", "PreferNoSchedule", "NoExecute")), required=True),
        remove=Field(Flag(), "Takes the taint away instead."),
    ),
    "drain": _on_node(
        "As kubectl drain.",
        gracePeriodSeconds=_GRACE,
        force=Field(Flag(), "Evicts pods that no controller would replace, too."),
        ignoreDaemonSets=Field(Flag(), "Leaves pods of DaemonSets alone."),
        deleteEmptyDirData=Field(Flag(), "Evicts pods with an emptyDir, too."),
        disableEviction=Field(Flag(), "Deletes pods, past every PodDisruptionBudget."),
        timeout=Field(Length(), "When it gives up; without it, never."),
    ),
}
"""Faults and node events; each is about one node."""

ACTION: Final = Record(
    _action,
    {
        "at": Field(Length(), "When, counted from the start of the scenario.", required=True),
        "apply": Field(_OBJECTS, "As kubectl apply."),
        "create": Field(_OBJECTS, "As kubectl create."),
        "delete": Field(
            Record(
                _details,
                {
                    "kind": _NAME,
                    "name": _NAME,
                    "namespace": _NAMESPACE,
                    "gracePeriodSeconds": _GRACE,
                    "propagation": Field(Choice(("Background", "Foreground", "Orphan"))),
                },
            ),
            "As kubectl delete; a pattern of names, such as web-*, means the oldest of them.",
        ),
        "deleteJobPod": Field(_JOB_POD, "Deletes a pod that a Job made."),
        "patch": Field(
            Record(
                _details,
                {
                    "kind": _NAME,
                    "name": _NAME,
                    "namespace": _NAMESPACE,
                    "type": Field(Choice(("strategic", "merge", "json")), "Without it, strategic."),
                    "patch": Field(Anything(), "The patch itself.", required=True),
                    "subresource": Field(Text(), "Such as status or resize."),
                },
            ),
            "As kubectl patch.",
        ),
        "scale": Field(
            Record(
                _details,
                {
                    "kind": _NAME,
                    "name": _NAME,
                    "namespace": _NAMESPACE,
                    "replicas": Field(Integer(), "How many Pods.", required=True),
                },
            ),
            "As kubectl scale.",
        ),
        "evict": Field(
            Record(_details, {"name": _NAME, "namespace": _NAMESPACE, "gracePeriodSeconds": _GRACE}),
            "The Eviction API, for one pod.",
        ),
        "evictJobPod": Field(_JOB_POD, "The Eviction API, for a pod that a Job made."),
        "kill": Field(
            Record(
                _details,
                {
                    **_TARGET,
                    "signal": Field(SIGNAL, "The signal that process 1 gets from outside."),
                    "exitCode": Field(Integer(), "Process 1 ends by itself with this code."),
                },
            ),
            "Something happens to a container's process 1; a pattern of Pods means the oldest where it runs.",
        ),
        "probe": Field(
            Record(
                _details,
                {
                    **_TARGET,
                    "probe": Field(Choice(("startup", "liveness", "readiness")), required=True),
                    "answer": Field(Choice(("success", "failure")), required=True),
                    "for": Field(Length(), "For how long; without it, for good."),
                },
            ),
            "A probe answers so from now on.",
        ),
        "snapshot": Field(Record(_details, {}), "Prints what kubectl would at this instant.", bare={}),
        "ephemeralContainer": Field(
            Record(
                _details,
                {
                    "pod": _NAME,
                    "namespace": _NAMESPACE,
                    "container": Field(Raw(), "The ephemeral container: name, image, command, …", required=True),
                },
            ),
            "As kubectl debug: adds a container to a running pod.",
        ),
        "sandboxLoss": Field(
            Record(_details, {"pod": _NAME, "namespace": _NAMESPACE}), "The pod's pause process dies, its network too."
        ),
        "startFailure": Field(
            Record(_details, {**_TARGET, "message": Field(Text(), "The runtime's; without it, a deadline.")}),
            "The runtime's next try to start this container fails, and leaves it created.",
        ),
        **NODE_ACTIONS,
        **{name: Field(Reserved(f"use one of {', '.join(SUPPORTED)}")) for name in RESERVED},
    },
)
