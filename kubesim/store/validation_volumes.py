"""Validation of volumes and mounts.

Source: ``pkg/apis/core/validation/validation.go``: ValidateVolumes, validateVolumeSource, ValidateVolumeMounts.
Departure: of network and cloud volumes only the name and their number of sources are checked.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import (
    FieldError,
    duplicate,
    each,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from kubesim.store.quantities import quantity
from kubesim.store.validation_env import VOLUME_FIELDS, field_ref_errors, resource_ref_errors

Json: TypeAlias = dict[str, Any]

_SOURCES: Final = (
    *("emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi"),
    *("glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "downwardAPI", "fc", "configMap"),
    *("azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk", "storageos", "projected"),
    *("scaleIO", "quobyte", "csi", "ephemeral", "image"),
)
_HOST_PATH_TYPES: Final = (
    *("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"),
)
_FILE_MODE: Final = "must be a number between 0 and 0777 (octal), both inclusive"
_PROPAGATIONS: Final = ("Bidirectional", "HostToContainer", "None")


def volume_errors(volumes: list[Json], path: str, release: Release) -> tuple[list[FieldError], dict[str, Json]]:
    """The errors of the volumes, and those that can be mounted by name: the ones without errors."""
    errors: list[FieldError] = []
    usable: dict[str, Json] = {}
    for i, volume in enumerate(volumes):
        here, name = f"{path}[{i}]", volume.get("name", "")
        found = _source_errors(volume, here, release)
        found += each(f"{here}.name", name, formats.dns_label(name)) if name else [required(f"{here}.name")]
        if name in usable:
            found.append(duplicate(f"{here}.name", name))
        if not found:
            usable[name] = volume
        errors += found
    return errors, usable


def mount_errors(container: Json, path: str, volumes: dict[str, Json]) -> list[FieldError]:
    """The errors of a container's ``volumeMounts``; ``volumes`` are those that can be mounted."""
    errors: list[FieldError] = []
    points: set[str] = set()
    devices = container.get("volumeDevices") or ()
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        here = f"{path}[{i}]"
        name, point = mount.get("name", ""), mount.get("mountPath", "")
        errors += [] if name else [required(f"{here}.name")]
        errors += [] if name in volumes else [not_found(f"{here}.name", name)]
        errors += [] if point else [required(f"{here}.mountPath")]
        errors += [invalid(f"{here}.mountPath", point, "must be unique")] if point in points else []
        points.add(point)
        if any(device.get("name") == name for device in devices):
            errors.append(invalid(f"{here}.name", name, "must not already exist in volumeDevices"))
        if any(device.get("devicePath") == point for device in devices):
            errors.append(invalid(f"{here}.mountPath", point, "must not already exist as a path in volumeDevices"))
        errors += _sub_path_errors(mount, here, path)
        if (propagation := mount.get("mountPropagation")) is not None and propagation not in _PROPAGATIONS:
            errors.append(not_supported(f"{here}.mountPropagation", propagation, _PROPAGATIONS))
    return errors


def device_errors(container: Json, path: str, volumes: dict[str, Json]) -> list[FieldError]:
    """The errors of a container's ``volumeDevices``."""
    errors: list[FieldError] = []
    names: set[str] = set()
    places: set[str] = set()
    for i, device in enumerate(container.get("volumeDevices") or ()):
        here, name, place = f"{path}[{i}]", device.get("name", ""), device.get("devicePath", "")
        errors += [] if name else [required(f"{here}.name")]
        errors += [invalid(f"{here}.name", name, "must be unique")] if name in names else []
        if name not in volumes:
            errors.append(not_found(f"{here}.name", name))
        elif "persistentVolumeClaim" not in volumes[name] and "ephemeral" not in volumes[name]:
            errors.append(
                invalid(
                    f"{here}.name",
                    name,
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
                )
            )
        errors += [] if place else [required(f"{here}.devicePath")]
        errors += [invalid(f"{here}.devicePath", place, "must be unique")] if place in places else []
        names.add(name)
        places.add(place)
    return errors


def _sub_path_errors(mount: Json, here: str, path: str) -> list[FieldError]:
    """Upstream reports a bad sub path at the list, not at its entry."""
    sub, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
    errors = _descending_errors(sub, f"{path}.subPath") if sub else []
    if expression:
        if sub:
            detail = "subPathExpr and subPath are mutually exclusive"
            errors.append(invalid(f"{here}.subPathExpr", expression, detail))
        errors += _descending_errors(expression, f"{path}.subPathExpr")
    return errors


def _descending_errors(target: str, path: str) -> list[FieldError]:
    errors = [invalid(path, target, "must be a relative path")] if target.startswith("/") else []
    return errors + _backstep_errors(target, path)


def _backstep_errors(target: str, path: str) -> list[FieldError]:
    return [invalid(path, target, "must not contain '..'")] if ".." in target.split("/") else []


def _source_errors(volume: Json, path: str, release: Release) -> list[FieldError]:
    present = [key for key in _SOURCES if volume.get(key) is not None]
    if not present:
        return [required(path, "must specify a volume type")]
    extra = [forbidden(f"{path}.{key}", "may not specify more than 1 volume type") for key in present[1:]]
    return _one_source_errors(present[0], volume[present[0]], f"{path}.{present[0]}", release) + extra


def _one_source_errors(kind: str, source: Json, path: str, release: Release) -> list[FieldError]:
    match kind:
        case "emptyDir":
            limit = source.get("sizeLimit")
            if limit is not None and quantity(limit) < 0:
                return [forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")]
        case "hostPath":
            return _host_path_errors(source, path)
        case "secret":
            return _named_files_errors(source, "secretName", path)
        case "configMap":
            return _named_files_errors(source, "name", path)
        case "persistentVolumeClaim":
            return [] if source.get("claimName") else [required(f"{path}.claimName")]
        case "nfs":
            return _nfs_errors(source, path)
        case "downwardAPI":
            return _mode_errors(source, path) + _downward_errors(source, path, release)
        case "projected":
            return _projected_errors(source, path, release)
    return []


def _host_path_errors(source: Json, path: str) -> list[FieldError]:
    target = source.get("path", "")
    if not target:
        return [required(f"{path}.path")]
    errors = _backstep_errors(target, f"{path}.path")
    kind = source.get("type", "")
    if kind not in _HOST_PATH_TYPES:
        errors.append(not_supported(f"{path}.type", kind, _HOST_PATH_TYPES))
    return errors


def _nfs_errors(source: Json, path: str) -> list[FieldError]:
    errors = [required(f"{path}.{key}") for key in ("server", "path") if not source.get(key)]
    if source.get("path") and not source["path"].startswith("/"):
        errors.append(invalid(f"{path}.path", source["path"], "must be an absolute path"))
    return errors


def _named_files_errors(source: Json, name: str, path: str) -> list[FieldError]:
    errors = [] if source.get(name) else [required(f"{path}.{name}")]
    return errors + _mode_errors(source, path) + _items_errors(source, path)


def _mode_errors(source: Json, path: str) -> list[FieldError]:
    mode = source.get("defaultMode")
    return [] if mode is None or 0 <= mode <= 0o777 else [invalid(f"{path}.defaultMode", mode, _FILE_MODE)]


def _items_errors(source: Json, path: str) -> list[FieldError]:
    errors = []
    for i, item in enumerate(source.get("items") or ()):
        here = f"{path}.items[{i}]"
        errors += [required(f"{here}.{key}") for key in ("key", "path") if not item.get(key)]
        errors += _item_errors(item, here)
    return errors


def _item_errors(item: Json, path: str) -> list[FieldError]:
    target, mode = item.get("path", ""), item.get("mode")
    errors = _descending_errors(target, f"{path}.path")
    if target.startswith("..") and not target.startswith("../"):
        errors.append(invalid(f"{path}.path", target, "must not start with '..'"))
    if mode is not None and not 0 <= mode <= 0o777:
        errors.append(invalid(f"{path}.mode", mode, _FILE_MODE))
    return errors


def _downward_errors(source: Json, path: str, release: Release) -> list[FieldError]:
    errors = []
    for item in source.get("items") or ():
        errors += _item_errors(item, path) if item.get("path") else [required(f"{path}.path")]
        field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
        if field is not None:
            errors += field_ref_errors(field, f"{path}.fieldRef", VOLUME_FIELDS, release)
            if resource is not None:
                detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
                errors.append(invalid(path, "resource", detail))
        elif resource is not None:
            errors += resource_ref_errors(resource, f"{path}.resourceFieldRef", needs_container=True)
        else:
            errors.append(required(path, "one of fieldRef and resourceFieldRef is required"))
    return errors


def _projected_errors(source: Json, path: str, release: Release) -> list[FieldError]:
    errors = _mode_errors(source, path)
    for i, part in enumerate(source.get("sources") or ()):
        here = f"{path}.sources[{i}]"
        kinds = [key for key in ("secret", "configMap", "downwardAPI", "serviceAccountToken") if part.get(key)]
        for key in kinds:
            match key:
                case "secret" | "configMap":
                    errors += [] if part[key].get("name") else [required(f"{here}.{key}.name")]
                    errors += _items_errors(part[key], f"{here}.{key}")
                case "downwardAPI":
                    errors += _downward_errors(part[key], f"{here}.downwardAPI", release)
                case "serviceAccountToken":
                    errors += [] if part[key].get("path") else [required(f"{here}.serviceAccountToken.path")]
        errors += [
            forbidden(f"{here}.{key}", "may not specify more than 1 volume type per source") for key in kinds[1:]
        ]
    return errors
