"""What an update may change (C-3), and what a status write may say (C-4).

Source: ``pkg/apis/core/validation/validation.go`` (ValidatePodUpdate, ValidatePodStatusUpdate,
ValidateContainerStateTransition), ``pkg/registry/core/pod/strategy.go`` (PrepareForUpdate).
Departure: the message about other changed fields ends without upstream's listing of the differences.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store.field_errors import INVALID, FieldError, forbidden, invalid, required
from kubesim.store.go_values import as_json, shown_value
from kubesim.store.kinds import Kind
from kubesim.store.prepare import Ready, checked_update, default_update
from kubesim.store.replicated import replicated_errors, replicated_update_errors
from kubesim.store.update_rules_job import cron_job_update_errors, job_update_errors
from kubesim.store.validation_meta import metadata_errors

Json: TypeAlias = dict[str, Any]

_UPDATABLE: Final = ",".join(
    (
        *("`spec.containers[*].image`", "`spec.initContainers[*].image`", "`spec.activeDeadlineSeconds`"),
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    )
)
_MAX_INT32: Final = 2**31 - 1
_SET_BY_SERVER: Final = (
    *("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
    *("generation", "resourceVersion", "generateName"),
)


def prepare_update(kind: Kind, old: Json, new: Json, release: Release, verb: str = "update") -> Ready:
    """The object as an update of ``old`` would store it, or why not; the status stays as stored.

    A spec that is the very object stored has its defaults and was found right when it was stored. ``verb``: with the
    subresource behind it, if the update is about one.
    """
    if verb.endswith("/ephemeralcontainers"):
        added = (new.get("spec") or {}).get("ephemeralContainers") or []
        new = {**old, "spec": {**old["spec"], "ephemeralContainers": added}}
    same_spec = old.get("spec") is not None and new.get("spec") is old["spec"]
    filled = new if same_spec else default_update(kind, new, old, release)
    metadata = {**(filled.get("metadata") or {}), **{key: old["metadata"][key] for key in _kept(old)}}
    if not same_spec and filled.get("spec") != old.get("spec") and old["metadata"].get("generation"):
        metadata["generation"] = old["metadata"]["generation"] + 1
    obj = {**filled, "metadata": metadata}
    obj.pop("status", None)
    if "status" in old:
        obj["status"] = old["status"]
    errors = _finalizer_errors(old["metadata"], metadata)
    match kind.name:
        case "Pod" | "Job" | "CronJob" if same_spec:
            errors += metadata_errors(metadata, release)
        case "Pod":
            errors += checked_update(obj, release)
            if verb.endswith("/ephemeralcontainers"):
                errors += _ephemeral_update_errors(old["spec"], obj["spec"])
            else:
                errors += pod_update_errors(old["spec"], obj["spec"], release)
        case "Job":
            errors += job_update_errors(old, obj, release)
        case "CronJob":
            errors += cron_job_update_errors(old, obj, release)
        case "Deployment" | "ReplicaSet":
            errors += replicated_errors(kind.name, obj, release)
            errors += replicated_update_errors(old["spec"], obj["spec"])
    return Ready(obj, tuple(errors))


def pod_update_errors(old: Json, new: Json, release: Release) -> list[FieldError]:
    """The errors of a changed Pod spec: images, deadline, tolerations and gates may change, each in its own way."""
    errors: list[FieldError] = []
    for key in ("containers", "initContainers"):
        before, after = old.get(key) or [], new.get(key) or []
        if len(before) != len(after):
            return [*errors, forbidden(f"spec.{key}", "pod updates may not add or remove containers")]
        errors += [required(f"spec.{key}[{i}].image") for i, entry in enumerate(after) if not entry.get("image")]
    if deadline := _deadline_errors(old.get("activeDeadlineSeconds"), new.get("activeDeadlineSeconds"), release):
        return errors + deadline
    errors += _toleration_errors(old.get("tolerations") or [], new.get("tolerations") or [])
    before_gates = {gate["name"] for gate in old.get("schedulingGates") or ()}
    for gate in new.get("schedulingGates") or ():
        if gate["name"] not in before_gates:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate['name']}'"
            errors.append(forbidden("spec.schedulingGates", detail))
    if before_gates:
        errors += _selector_errors(old.get("nodeSelector") or {}, new.get("nodeSelector") or {})
    if _without_updatable(new, gated=bool(before_gates)) != _without_updatable(old, gated=bool(before_gates)):
        errors.append(forbidden("spec", f"pod updates may not change fields other than {_UPDATABLE}\n"))
    return errors


def _ephemeral_update_errors(old: Json, new: Json) -> list[FieldError]:
    """Ephemeral containers are added, and nothing else is done to them (ValidatePodEphemeralContainersUpdate)."""
    after = {entry["name"]: entry for entry in new.get("ephemeralContainers") or ()}
    errors = []
    for entry in old.get("ephemeralContainers") or ():
        if after.get(entry["name"]) != entry:
            what = "changed" if entry["name"] in after else "removed"
            detail = f'existing ephemeral containers "{entry["name"]}" may not be {what}\n'
            errors.append(forbidden("spec.ephemeralContainers", detail))
    return errors


def status_update_errors(kind: str, old: Json, status: Json) -> tuple[FieldError, ...]:
    """Why a status may not replace the stored one: a container that ended for good may not run again (C-4, S-41)."""
    if kind != "Pod":
        return ()
    spec, before = old["spec"], old.get("status") or {}
    if spec.get("restartPolicy") == "Always":
        return ()
    errors = []
    for key, listed in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
        entries = {entry["name"]: entry for entry in spec.get(listed) or ()}
        now = {entry["name"]: i for i, entry in enumerate(status.get(key) or ())}
        for entry in before.get(key) or ():
            place = now.get(entry["name"])
            ended = (entry.get("state") or {}).get("terminated")
            if place is None or ended is None or "terminated" in (status[key][place].get("state") or {}):
                continue
            if not _may_run_again(entries.get(entry["name"], {}), spec, ended.get("exitCode", 0)):
                detail = "may not be transitioned to non-terminated state"
                errors.append(forbidden(f"status.{key}[{place}].state", detail))
    return tuple(errors)


def _may_run_again(container: Json, spec: Json, exit_code: int) -> bool:
    """Whether the restart policy lets a container leave the terminated state."""
    if container.get("restartPolicyRules"):
        return True
    match container.get("restartPolicy") or spec.get("restartPolicy"):
        case "Always":
            return True
        case "OnFailure":
            return exit_code != 0
    return False


def _kept(old: Json) -> list[str]:
    return [key for key in _SET_BY_SERVER if key in old["metadata"]]


def _finalizer_errors(old: Json, new: Json) -> list[FieldError]:
    """No finalizer may join once the object is being deleted."""
    joined = [name for name in new.get("finalizers") or () if name not in (old.get("finalizers") or ())]
    if "deletionTimestamp" not in old or not joined:
        return []
    listed = ", ".join(f'"{name}"' for name in joined)
    detail = "no new finalizers can be added if the object is being deleted, found new finalizers "
    return [forbidden("metadata.finalizers", f"{detail}[]string{{{listed}}}")]


def _deadline_errors(old: int | None, new: int | None, release: Release) -> list[FieldError]:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        detail = "must not update from a positive integer to nil value"
        return [] if old is None else [FieldError(INVALID, path, detail, shown_value(None, release))]
    if not 0 <= new <= _MAX_INT32:
        return [invalid(path, new, f"must be between 0 and {_MAX_INT32}, inclusive")]
    if old is not None and old < new:
        return [invalid(path, new, "must be less than or equal to previous value")]
    return []


def _toleration_errors(old: list[Json], new: list[Json]) -> list[FieldError]:
    """Every old toleration must still be there, but for its seconds."""

    def bare(toleration: Json) -> Json:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [bare(toleration) for toleration in new]
    if all(bare(toleration) in kept for toleration in old):
        return []
    detail = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden("spec.tolerations", detail)]


def _selector_errors(old: dict[str, str], new: dict[str, str]) -> list[FieldError]:
    """A gated Pod's node selector may only grow."""
    if all(new.get(key) == value for key, value in old.items()):
        return []
    return [
        FieldError(INVALID, "spec.nodeSelector", "only additions are allowed (no mutations or deletions)", as_json(new))
    ]


def _without_updatable(spec: Json, *, gated: bool) -> Json:
    bare = {key: value for key, value in spec.items() if key not in ("tolerations", "schedulingGates")}
    bare.pop("activeDeadlineSeconds", None)
    if gated:
        bare.pop("nodeSelector", None)
        others = {key: value for key, value in (bare.get("affinity") or {}).items() if key != "nodeAffinity"}
        bare["affinity"] = others
    for key in ("containers", "initContainers"):
        bare[key] = [{name: value for name, value in entry.items() if name != "image"} for entry in spec.get(key) or ()]
    return bare
