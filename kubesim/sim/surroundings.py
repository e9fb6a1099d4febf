"""What a container finds around it: environment variables, arguments after expansion, volumes and mounts.

Source: ``pkg/kubelet/kubelet_pods.go`` (makeEnvironmentVariables), the documentation's "Dependent environment
variables" and "Expose Pod information to containers".
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from kubesim.objects.pod import Container, DownwardVolume, EnvVar, FieldSelector, KeyToPath, Pod, ResourceFieldSelector
from kubesim.objects.quantity import parse_quantity
from kubesim.scripts import Filesystem, Mount
from kubesim.scripts import Volume as Files

Lookup = Callable[[str, str], dict[str, Any] | None]
"""Kind and name in the pod's namespace -> raw object, or None."""

_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
_NANOS = 10**9
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


class ConfigError(Exception):
    """A container's configuration refers to something that is not there (``CreateContainerConfigError``)."""


class MountError(Exception):
    """A volume refers to something that is not there (``FailedMount``)."""

    def __init__(self, volume: str, why: str) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {why}')
        self.volume = volume


def expand(text: str, variables: Mapping[str, str]) -> str:
    """``$(NAME)`` replaced where the name is known, ``$$`` by ``$``; unknown references stay as they are."""

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "$"
        return variables.get(name, match.group(0))

    return _REFERENCE.sub(replacement, text)


def arguments(container: Container, variables: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Command and args after expansion; an empty command means the image's entrypoint."""
    return (
        tuple(expand(part, variables) for part in container.command),
        tuple(expand(part, variables) for part in container.args),
    )


def environment(
    pod: Pod, container: Container, lookup: Lookup, addresses: Mapping[str, str], node: Mapping[str, int]
) -> dict[str, str]:
    """The container's variables from the Pod. Raises ConfigError with the kubelet's words."""
    result: dict[str, str] = {}
    for source in container.env_from:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref is None:
                continue
            data = _data(kind, ref.name, ref.optional, lookup)
            result.update({source.prefix + key: value for key, value in data.items()})
    own: dict[str, str] = {}
    for entry in container.env:
        value = _value(pod, container, entry, {**result, **own}, lookup, addresses, node)
        if value is not None:
            own[entry.name] = value
    result.update(own)
    return result


def _data(kind: str, name: str, optional: bool | None, lookup: Lookup) -> dict[str, str]:
    found = lookup(kind, name)
    if found is None:
        if optional:
            return {}
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    return _texts(kind, found)


def _texts(kind: str, found: Mapping[str, Any]) -> dict[str, str]:
    """The keys of a ConfigMap or Secret with their texts; a Secret's are stored in base64."""
    data: dict[str, str] = dict(found.get("data") or {})
    if kind == "Secret":
        return {key: b64decode(value).decode("utf-8", "surrogateescape") for key, value in data.items()}
    return data


def _value(
    pod: Pod,
    container: Container,
    entry: EnvVar,
    known: Mapping[str, str],
    lookup: Lookup,
    addresses: Mapping[str, str],
    node: Mapping[str, int],
) -> str | None:
    source = entry.value_from
    if source is None:
        return expand(entry.value, known)
    if source.field_ref is not None:
        return field_value(pod, source.field_ref, addresses)
    if source.resource_field_ref is not None:
        return resource_value(pod, container, source.resource_field_ref, node)
    for kind, ref in (("ConfigMap", source.config_map_key_ref), ("Secret", source.secret_key_ref)):
        if ref is None:
            continue
        found = lookup(kind, ref.name)
        if found is None:
            if ref.optional:
                return None
            raise ConfigError(f'{kind.lower()} "{ref.name}" not found')
        texts = _texts(kind, found)
        if ref.key not in texts:
            if ref.optional:
                return None
            raise ConfigError(f"couldn't find key {ref.key} in {kind} {pod.metadata.namespace}/{ref.name}")
        return texts[ref.key]
    return ""


def field_value(pod: Pod, selector: FieldSelector, addresses: Mapping[str, str]) -> str:
    """The value of a downward API field; ``addresses`` has ``status.podIP`` and ``status.hostIP``."""
    path = selector.field_path
    if match := _SUBSCRIPT.fullmatch(path):
        values = pod.metadata.labels if match.group(1) == "labels" else pod.metadata.annotations
        return values.get(match.group(2), "")
    known = {
        "metadata.name": pod.metadata.name,
        "metadata.namespace": pod.metadata.namespace,
        "metadata.uid": pod.metadata.uid,
        "metadata.labels": _lines(pod.metadata.labels),
        "metadata.annotations": _lines(pod.metadata.annotations),
        "spec.nodeName": pod.spec.node_name,
        "spec.serviceAccountName": str((pod.raw.get("spec") or {}).get("serviceAccountName", "default")),
        **addresses,
    }
    if path not in known:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return known[path]


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))


def resource_value(pod: Pod, container: Container, selector: ResourceFieldSelector, node: Mapping[str, int]) -> str:
    """A container's request or limit as the downward API gives it: rounded up in units of the divisor.

    A missing limit is the node's allocatable (``node``: resource -> cores or bytes).
    """
    every = (*pod.spec.init_containers, *pod.spec.containers)
    of = next((entry for entry in every if entry.name == selector.container_name), container)
    table, _, resource = selector.resource.partition(".")
    values = of.resources.limits if table == "limits" else of.resources.requests
    if resource in values:
        amount = parse_quantity(values[resource]).nanos
    else:
        amount = node.get(resource, 0) * _NANOS if table == "limits" else 0
    divisor = parse_quantity(selector.divisor).nanos if selector.divisor not in ("", "0", 0) else _NANOS
    return str(-(-amount // divisor))


def mounts(pod: Pod, container: Container, volumes: Mapping[str, Files]) -> dict[str, Mount]:
    """Mount path -> mount of the container's volume mounts."""
    kinds = {volume.name: volume for volume in pod.spec.volumes}
    result: dict[str, Mount] = {}
    for mount in container.volume_mounts:
        if mount.name not in volumes:
            continue
        spec = kinds[mount.name]
        projected = spec.config_map is not None or spec.secret is not None or spec.downward_api is not None
        result[mount.mount_path.rstrip("/") or "/"] = Mount(
            volumes[mount.name], mount.sub_path.strip("/"), mount.read_only or projected
        )
    return result


def pod_volumes(
    pod: Pod, lookup: Lookup, host_paths: dict[str, Files], addresses: Mapping[str, str], node: Mapping[str, int]
) -> dict[str, Files]:
    """The pod's volumes by name. ``host_paths`` belong to the node and outlive pods.

    Kinds other than emptyDir, hostPath, configMap, secret and downwardAPI are an empty directory. Raises MountError.
    """
    result: dict[str, Files] = {}
    for volume in pod.spec.volumes:
        if volume.host_path is not None:
            path = volume.host_path.path.rstrip("/") or "/"
            result[volume.name] = host_paths.setdefault(path, Files(name=path))
        elif volume.config_map is not None:
            ref = volume.config_map
            result[volume.name] = _projected(volume.name, "ConfigMap", ref.name, ref.optional, ref.items, lookup)
        elif volume.secret is not None:
            secret = volume.secret
            result[volume.name] = _projected(
                volume.name, "Secret", secret.secret_name, secret.optional, secret.items, lookup
            )
        elif volume.downward_api is not None:
            result[volume.name] = _downward(pod, volume.name, volume.downward_api, addresses, node)
        else:
            result[volume.name] = Files(name=volume.name)
    return result


def _projected(
    volume: str, kind: str, name: str, optional: bool | None, items: tuple[KeyToPath, ...], lookup: Lookup
) -> Files:
    found = lookup(kind, name)
    if found is None and not optional:
        raise MountError(volume, f'{kind.lower()} "{name}" not found')
    texts = _texts(kind, found or {})
    if items:
        texts = {item.path: texts[item.key] for item in items if item.key in texts}
    return Files.of(texts, read_only=True, name=volume)


def _downward(
    pod: Pod, name: str, volume: DownwardVolume, addresses: Mapping[str, str], node: Mapping[str, int]
) -> Files:
    texts: dict[str, str] = {}
    for item in volume.items:
        if item.field_ref is not None:
            texts[item.path] = field_value(pod, item.field_ref, addresses)
        elif item.resource_field_ref is not None:
            texts[item.path] = resource_value(pod, pod.spec.containers[0], item.resource_field_ref, node)
    return Files.of(texts, read_only=True, name=name)


_SERVICE_ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"


def filesystem(pod: Pod, container: Container, volumes: Mapping[str, Files]) -> Filesystem:
    """A new container run's view of files: an empty layer of its own above the image, and its mounts.

    Departure: the service account's files are there, but not as the volume that the API server adds to the Pod.
    """
    read_only = bool(container.security_context.read_only_root_filesystem)
    files = Filesystem(mounts=mounts(pod, container, volumes), read_only_root=read_only)
    if (pod.raw.get("spec") or {}).get("automountServiceAccountToken") is not False:
        files.layer.write(f"{_SERVICE_ACCOUNT}/namespace", pod.metadata.namespace)
    return files
