"""Typed view of a Pod's metadata and spec; ``pod_view`` makes it from the raw object.

The raw dict stays the truth (the store keeps it, unknown fields and all); a view is read-only and cheap to make.
Optional lists are empty tuples, optional scalars ``None`` unless Kubernetes gives them a default that every
component relies on. Source: ``api/core/v1`` types of 1.36; fields of newer releases are simply absent on older ones.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from kubesim.objects.status import PodStatus, instant_of, status_view


class Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A piece of an API object, camelCase on the wire."""


class ExecAction(Wire, frozen=True):
    command: tuple[str, ...] = ()


class HttpHeader(Wire, frozen=True):
    name: str = ""
    value: str = ""


class HttpGetAction(Wire, frozen=True):
    path: str = ""
    port: int | str = 0
    host: str = ""
    scheme: str = ""
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocketAction(Wire, frozen=True):
    port: int | str = 0
    host: str = ""


class GrpcAction(Wire, frozen=True):
    port: int = 0
    service: str | None = None


class SleepAction(Wire, frozen=True):
    seconds: int = 0


class LifecycleHandler(Wire, frozen=True):
    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Wire, frozen=True):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str | None = None


class Probe(Wire, frozen=True):
    """A probe with the API server's defaults (C-17); periods and delays in whole seconds."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    grpc: GrpcAction | None = None
    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class KeySelector(Wire, frozen=True):
    name: str = ""
    key: str = ""
    optional: bool | None = None


class FieldSelector(Wire, frozen=True):
    field_path: str = ""
    api_version: str = ""


class ResourceFieldSelector(Wire, frozen=True):
    resource: str = ""
    container_name: str = ""
    divisor: str | int = ""


class EnvVarSource(Wire, frozen=True):
    field_ref: FieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


class EnvVar(Wire, frozen=True):
    name: str = ""
    value: str = ""
    value_from: EnvVarSource | None = None


class NamedRef(Wire, frozen=True):
    name: str = ""
    optional: bool | None = None


class EnvFromSource(Wire, frozen=True):
    prefix: str = ""
    config_map_ref: NamedRef | None = None
    secret_ref: NamedRef | None = None


class ContainerPort(Wire, frozen=True):
    name: str = ""
    container_port: int = 0
    host_port: int = 0
    protocol: str = "TCP"


class VolumeMount(Wire, frozen=True):
    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    read_only: bool = False


class ExitCodes(Wire, frozen=True):
    operator: str = ""
    values: tuple[int, ...] = ()


class RestartRule(Wire, frozen=True):
    """One entry of ``restartPolicyRules`` (K-120)."""

    action: str = ""
    exit_codes: ExitCodes | None = None


class Resources(Wire, frozen=True):
    requests: dict[str, str | int | float] = {}
    limits: dict[str, str | int | float] = {}


class SecurityContext(Wire, frozen=True):
    """What of a container's security context shows in its life."""

    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None


class Container(Wire, frozen=True):
    """A main, a plain init or a sidecar: what it is depends on the list it stands in and its restart policy."""

    name: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    resources: Resources = Resources()
    restart_policy: str | None = None
    restart_policy_rules: tuple[RestartRule, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: str = "File"
    image_pull_policy: str | None = None
    security_context: SecurityContext = SecurityContext()


class EmptyDir(Wire, frozen=True):
    medium: str = ""
    size_limit: str | int | None = None


class HostPath(Wire, frozen=True):
    path: str = ""
    type: str | None = None


class KeyToPath(Wire, frozen=True):
    key: str = ""
    path: str = ""


class ConfigMapVolume(Wire, frozen=True):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None


class SecretVolume(Wire, frozen=True):
    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None


class DownwardFile(Wire, frozen=True):
    path: str = ""
    field_ref: FieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None


class DownwardVolume(Wire, frozen=True):
    items: tuple[DownwardFile, ...] = ()


class Volume(Wire, frozen=True):
    """A volume source of the kinds whose content a script can see; other kinds are an empty directory."""

    name: str = ""
    empty_dir: EmptyDir | None = None
    host_path: HostPath | None = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    downward_api: DownwardVolume | None = msgspec.field(default=None, name="downwardAPI")


class ReadinessGate(Wire, frozen=True):
    condition_type: str = ""


class SchedulingGate(Wire, frozen=True):
    name: str = ""


class PodOs(Wire, frozen=True):
    name: str = ""


class PodSpec(Wire, frozen=True, dict=True):
    """What a Pod is to be. Facts that follow from it alone are worked out once, when first asked for."""

    init_containers: tuple[Container, ...] = ()
    containers: tuple[Container, ...] = ()
    ephemeral_containers: tuple[Container, ...] = ()
    restart_policy: str = "Always"
    termination_grace_period_seconds: int | None = None
    active_deadline_seconds: int | None = None
    node_name: str = ""
    host_network: bool = False
    hostname: str = ""
    volumes: tuple[Volume, ...] = ()
    readiness_gates: tuple[ReadinessGate, ...] = ()
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    os: PodOs | None = None
    share_process_namespace: bool = False

    @cached_property
    def by_name(self) -> dict[str, Container]:
        """Every container by its name."""
        return {entry.name: entry for entry in (*self.init_containers, *self.containers, *self.ephemeral_containers)}

    @cached_property
    def sidecars(self) -> tuple[Container, ...]:
        """The init entries that are sidecars."""
        return tuple(entry for entry in self.init_containers if is_sidecar(entry))

    @cached_property
    def plain_inits(self) -> tuple[Container, ...]:
        """The init entries that are no sidecars."""
        return tuple(entry for entry in self.init_containers if not is_sidecar(entry))

    @cached_property
    def restart_rules(self) -> tuple[RestartRule, ...]:
        """The restart rules of all init and main containers."""
        return tuple(rule for entry in (*self.init_containers, *self.containers) for rule in entry.restart_policy_rules)


class ObjectMeta(Wire, frozen=True):
    """Metadata; timestamps are instants (nanoseconds), ``None`` when absent."""

    name: str = ""
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: int | None = None
    deletion_timestamp: int | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()


class Pod(msgspec.Struct, frozen=True):
    """A Pod as a component sees it at one moment: view of metadata, spec and status, beside the raw object."""

    metadata: ObjectMeta
    spec: PodSpec
    status: PodStatus
    raw: dict[str, Any] = {}


def is_sidecar(container: Container) -> bool:
    """Whether an init entry is a sidecar: ``restartPolicy: Always`` (KEP-753). Only meaningful for init entries."""
    return container.restart_policy == "Always"


def has_sidecar(spec: PodSpec) -> bool:
    """Whether any init entry is a sidecar."""
    return bool(spec.sidecars)


def pod_view(raw: dict[str, Any], before: Pod | None = None) -> Pod:
    """The typed view of a raw Pod object. ``before``: an earlier view, which is taken over where nothing has changed.

    Raises :class:`msgspec.ValidationError` when a field has the wrong type; the store refuses such objects earlier.
    """
    metadata = dict(raw.get("metadata") or {})
    for key in ("creationTimestamp", "deletionTimestamp"):
        if key in metadata:
            metadata[key] = instant_of(metadata[key])
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    return Pod(
        metadata=msgspec.convert(metadata, ObjectMeta),
        spec=before.spec if before is not None and before.raw.get("spec") is spec else msgspec.convert(spec, PodSpec),
        status=before.status if before is not None and before.raw.get("status") is status else status_view(status),
        raw=raw,
    )
