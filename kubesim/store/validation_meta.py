"""Validation of metadata: names, labels, annotations, finalizers, owners.

Source: apimachinery ``pkg/api/validation/objectmeta.go``, ``pkg/apis/core/validation``: ValidateObjectMeta.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import FieldError, each, forbidden, invalid, required

Json: TypeAlias = dict[str, Any]

_STANDARD_FINALIZERS: Final = ("kubernetes", "orphan", "foregroundDeletion")
_ANNOTATIONS_LIMIT: Final = 256 * 1024


def metadata_errors(
    metadata: Json,
    release: Release,
    *,
    namespaced: bool = True,
    check: Callable[[str], formats.Complaints] = formats.dns_subdomain,
) -> list[FieldError]:
    """The errors of an object's metadata on create; ``check`` is the form its name must have."""
    errors = []
    if prefix := metadata.get("generateName"):
        errors += each("metadata.generateName", prefix, formats.as_prefix(check, prefix))
    if name := metadata.get("name"):
        errors += each("metadata.name", name, check(name))
    else:
        errors.append(required("metadata.name", "name or generateName is required"))
    namespace = metadata.get("namespace", "")
    if not namespaced:
        errors += [forbidden("metadata.namespace", "not allowed on this type")] if namespace else []
    elif namespace:
        errors += each("metadata.namespace", namespace, formats.dns_label(namespace))
    else:
        errors.append(required("metadata.namespace"))
    unit = release.text("label_too_long_unit")
    errors += label_errors(metadata.get("labels") or {}, "metadata.labels", unit)
    errors += annotation_errors(metadata.get("annotations") or {}, "metadata.annotations", release)
    errors += _owner_errors(metadata.get("ownerReferences") or [])
    errors += _finalizer_errors(metadata.get("finalizers") or [], unit)
    return errors


def label_errors(labels: dict[str, str], path: str, unit: str) -> list[FieldError]:
    """The errors of a set of labels or of a node selector."""
    errors = []
    for key, value in sorted(labels.items()):
        errors += each(path, key, formats.qualified_name(key, unit))
        errors += each(path, value, formats.label_value(value, unit))
    return errors


def annotation_errors(annotations: dict[str, str], path: str, release: Release) -> list[FieldError]:
    """The errors of annotations: their keys, and their size together."""
    errors = []
    for key in sorted(annotations):
        errors += each(path, key, formats.qualified_name(key.lower(), release.text("label_too_long_unit")))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT:
        detail = release.text("too_long").format(limit=_ANNOTATIONS_LIMIT)
        errors.append(FieldError("FieldValueTooLong", path, detail))
    return errors


def _owner_errors(owners: list[Json]) -> list[FieldError]:
    errors = []
    controllers: list[str] = []
    path = "metadata.ownerReferences"
    for i, owner in enumerate(owners):
        if not owner.get("apiVersion"):
            errors.append(invalid(f"{path}[{i}].apiVersion", owner.get("apiVersion", ""), "version must not be empty"))
        for key in ("kind", "name", "uid"):
            if not owner.get(key):
                errors.append(invalid(f"{path}[{i}].{key}", owner.get(key, ""), "must not be empty"))
        if owner.get("controller"):
            controllers.append(owner.get("name", ""))
    if len(controllers) > 1:
        detail = "Only one reference can have Controller set to true. Found "
        detail += f'"true" in references for {" and ".join(controllers[:2])}'
        errors.append(FieldError("FieldValueInvalid", path, detail))
    return errors


def _finalizer_errors(finalizers: list[str], unit: str) -> list[FieldError]:
    path = "metadata.finalizers"
    errors = [error for name in finalizers for error in each(path, name, formats.qualified_name(name, unit))]
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        errors.append(FieldError("FieldValueInvalid", path, detail))
    for i, name in enumerate(finalizers):
        if "/" not in name and name not in _STANDARD_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid(f"{path}[{i}]", name, detail))
    return errors
