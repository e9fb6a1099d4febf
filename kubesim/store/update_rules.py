"""What an update may change (C-3), and what a status write may say (C-4).

Source: ``pkg/apis/core/validation/validation.go`` (ValidatePodUpdate, ValidatePodStatusUpdate,
ValidateContainerStateTransition), ``pkg/registry/core/pod/strategy.go`` (PrepareForUpdate).
"""

from __future__ import annotations

from typing import Any

from kubesim.releases import Release
from kubesim.store.field_errors import FORBIDDEN, FieldError
from kubesim.store.kinds import Kind
from kubesim.store.prepare import Ready, default_update


def prepare_update(kind: Kind, old: dict[str, Any], new: dict[str, Any], release: Release) -> Ready:
    """The object as an update of ``old`` would store it, or why not; the status stays as stored."""
    filled = default_update(kind, new, old, release)
    metadata = {**(filled.get("metadata") or {}), **_server_fields(old["metadata"])}
    if filled.get("spec") != old.get("spec") and old["metadata"].get("generation"):
        metadata["generation"] = old["metadata"]["generation"] + 1
    obj = {**filled, "metadata": metadata}
    obj.pop("status", None)
    if "status" in old:
        obj["status"] = old["status"]
    return Ready(obj)


def status_update_errors(kind: str, old: dict[str, Any], status: dict[str, Any]) -> tuple[FieldError, ...]:
    """Why a status may not replace the stored one: a container that ended for good may not run again (C-4, S-41)."""
    if kind != "Pod":
        return ()
    spec, before = old["spec"], old.get("status") or {}
    if spec.get("restartPolicy") == "Always":
        return ()
    entries = {entry["name"]: entry for key in ("containers", "initContainers") for entry in spec.get(key) or ()}
    errors = []
    for key in ("containerStatuses", "initContainerStatuses"):
        now = {entry["name"]: i for i, entry in enumerate(status.get(key) or ())}
        for entry in before.get(key) or ():
            place = now.get(entry["name"])
            ended = (entry.get("state") or {}).get("terminated")
            if place is None or ended is None or "terminated" in (status[key][place].get("state") or {}):
                continue
            if not _may_run_again(entries.get(entry["name"], {}), spec, ended.get("exitCode", 0)):
                field = f"status.{key}[{place}].state"
                errors.append(FieldError(FORBIDDEN, field, "may not be transitioned to non-terminated state"))
    return tuple(errors)


def _may_run_again(container: dict[str, Any], spec: dict[str, Any], exit_code: int) -> bool:
    """Whether the restart policy lets a container leave the terminated state."""
    if container.get("restartPolicyRules"):
        return True
    match container.get("restartPolicy") or spec.get("restartPolicy"):
        case "Always":
            return True
        case "OnFailure":
            return exit_code != 0
    return False


def _server_fields(metadata: dict[str, Any]) -> dict[str, Any]:
    """What an update cannot change."""
    kept = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
    return {key: metadata[key] for key in (*kept, "generation", "resourceVersion", "generateName") if key in metadata}
