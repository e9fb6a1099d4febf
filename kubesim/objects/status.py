"""A Pod's status as typed data with instants in nanoseconds; from and to the raw form of the API.

Instants keep their nanoseconds here (the kubelet computes with them); ``render_time`` truncates to whole seconds,
once, when a status is written (S-16, S-93). Source: ``api/core/v1`` PodStatus.
"""

from __future__ import annotations

import calendar
import time
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from kubesim.units import EPOCH_UNIX_SECONDS, SECOND, Instant


class Waiting(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""


class Running(msgspec.Struct, frozen=True):
    started_at: Instant | None = None


class Terminated(msgspec.Struct, frozen=True):
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    signal: int = 0
    started_at: Instant | None = None
    finished_at: Instant | None = None
    container_id: str = ""


ContainerState: TypeAlias = Waiting | Running | Terminated


class ContainerStatus(msgspec.Struct, frozen=True):
    """One entry of a container status list. ``state``/``last_state`` None: nothing set (``{}`` on the wire)."""

    name: str
    state: ContainerState | None = None
    last_state: ContainerState | None = None
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    image_id: str = ""
    container_id: str = ""
    stop_signal: str = ""


class Condition(msgspec.Struct, frozen=True):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: Instant | None = None
    last_probe_time: Instant | None = None
    observed_generation: int = 0


class PodStatus(msgspec.Struct, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    ephemeral_container_statuses: tuple[ContainerStatus, ...] = ()
    start_time: Instant | None = None
    host_ip: str = ""
    pod_ip: str = ""
    qos_class: str = ""
    nominated_node_name: str = ""
    observed_generation: int = 0

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type, or None."""
        for condition in self.conditions:
            if condition.type == type_:
                return condition
        return None


@lru_cache(maxsize=4096)
def _parse_time(text: str) -> Instant:
    whole, _, rest = text.rstrip("Z").partition(".")
    unix = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return (unix - EPOCH_UNIX_SECONDS) * SECOND + (int(rest.ljust(9, "0")[:9]) if rest else 0)


def instant_of(value: str | int | None) -> Instant | None:
    """The instant of an RFC 3339 UTC timestamp (``2024-01-01T00:00:05Z``); numbers are instants already."""
    if value is None or isinstance(value, int):
        return value
    return _parse_time(value)


@lru_cache(maxsize=4096)
def render_time(instant: Instant | None) -> str | None:
    """RFC 3339 in whole seconds (truncated), as the API stores times; None stays None."""
    if instant is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant // SECOND + EPOCH_UNIX_SECONDS))


def whole_second(instant: Instant | None) -> Instant | None:
    """The instant truncated to its second, as a round trip through the API leaves it (K-97)."""
    return None if instant is None else instant // SECOND * SECOND


def _state_view(raw: dict[str, Any] | None) -> ContainerState | None:
    if not raw:
        return None
    if (waiting := raw.get("waiting")) is not None:
        return Waiting(waiting.get("reason", ""), waiting.get("message", ""))
    if (running := raw.get("running")) is not None:
        return Running(instant_of(running.get("startedAt")))
    if (ended := raw.get("terminated")) is not None:
        return Terminated(
            exit_code=ended.get("exitCode", 0),
            reason=ended.get("reason", ""),
            message=ended.get("message", ""),
            signal=ended.get("signal", 0),
            started_at=instant_of(ended.get("startedAt")),
            finished_at=instant_of(ended.get("finishedAt")),
            container_id=ended.get("containerID", ""),
        )
    return None


def _container_status_view(raw: dict[str, Any]) -> ContainerStatus:
    return ContainerStatus(
        name=raw.get("name", ""),
        state=_state_view(raw.get("state")),
        last_state=_state_view(raw.get("lastState")),
        ready=raw.get("ready", False),
        started=raw.get("started"),
        restart_count=raw.get("restartCount", 0),
        image=raw.get("image", ""),
        image_id=raw.get("imageID", ""),
        container_id=raw.get("containerID", ""),
        stop_signal=raw.get("stopSignal", ""),
    )


def _condition_view(raw: dict[str, Any]) -> Condition:
    return Condition(
        type=raw.get("type", ""),
        status=raw.get("status", ""),
        reason=raw.get("reason", ""),
        message=raw.get("message", ""),
        last_transition_time=instant_of(raw.get("lastTransitionTime")),
        last_probe_time=instant_of(raw.get("lastProbeTime")),
        observed_generation=raw.get("observedGeneration", 0),
    )


def _statuses_view(raw: dict[str, Any], key: str) -> tuple[ContainerStatus, ...]:
    return tuple([_container_status_view(entry) for entry in raw.get(key) or ()])


def status_view(raw: dict[str, Any]) -> PodStatus:
    """The typed status of a raw ``status`` object."""
    return PodStatus(
        phase=raw.get("phase", ""),
        reason=raw.get("reason", ""),
        message=raw.get("message", ""),
        conditions=tuple([_condition_view(entry) for entry in raw.get("conditions") or ()]),
        init_container_statuses=_statuses_view(raw, "initContainerStatuses"),
        container_statuses=_statuses_view(raw, "containerStatuses"),
        ephemeral_container_statuses=_statuses_view(raw, "ephemeralContainerStatuses"),
        start_time=instant_of(raw.get("startTime")),
        host_ip=raw.get("hostIP", ""),
        pod_ip=raw.get("podIP", ""),
        qos_class=raw.get("qosClass", ""),
        nominated_node_name=raw.get("nominatedNodeName", ""),
        observed_generation=raw.get("observedGeneration", 0),
    )


def _set(target: dict[str, Any], **values: object) -> dict[str, Any]:
    for key, value in values.items():
        if value:
            target[key] = value
    return target


def _state_raw(state: ContainerState | None) -> dict[str, Any]:
    match state:
        case None:
            return {}
        case Waiting():
            return {"waiting": _set({}, reason=state.reason, message=state.message)}
        case Running():
            return {"running": {"startedAt": render_time(state.started_at)}}
        case Terminated():
            ended: dict[str, Any] = {"exitCode": state.exit_code}
            _set(ended, signal=state.signal, reason=state.reason, message=state.message)
            ended["startedAt"] = render_time(state.started_at)
            ended["finishedAt"] = render_time(state.finished_at)
            return {"terminated": _set(ended, containerID=state.container_id)}


@lru_cache(maxsize=8192)
def container_status_raw(status: ContainerStatus) -> dict[str, Any]:
    """The wire form of one container status; shared, so it must not be changed."""
    raw: dict[str, Any] = {
        "name": status.name,
        "state": _state_raw(status.state),
        "lastState": _state_raw(status.last_state),
        "ready": status.ready,
        "restartCount": status.restart_count,
        "image": status.image,
        "imageID": status.image_id,
    }
    _set(raw, containerID=status.container_id, stopSignal=status.stop_signal)
    if status.started is not None:
        raw["started"] = status.started
    return raw


@lru_cache(maxsize=8192)
def condition_raw(condition: Condition) -> dict[str, Any]:
    """The wire form of one condition; shared, so it must not be changed."""
    raw: dict[str, Any] = {"type": condition.type}
    _set(raw, observedGeneration=condition.observed_generation)
    raw["status"] = condition.status
    raw["lastProbeTime"] = render_time(condition.last_probe_time)
    raw["lastTransitionTime"] = render_time(condition.last_transition_time)
    return _set(raw, reason=condition.reason, message=condition.message)


def status_raw(status: PodStatus) -> dict[str, Any]:
    """The wire form of a Pod status, times in whole seconds."""
    raw: dict[str, Any] = _set(
        {},
        observedGeneration=status.observed_generation,
        phase=status.phase,
        reason=status.reason,
        message=status.message,
    )
    if status.conditions:
        raw["conditions"] = [condition_raw(condition) for condition in status.conditions]
    _set(raw, nominatedNodeName=status.nominated_node_name, hostIP=status.host_ip, podIP=status.pod_ip)
    if status.host_ip:
        raw["hostIPs"] = [{"ip": status.host_ip}]
    if status.pod_ip:
        raw["podIPs"] = [{"ip": status.pod_ip}]
    _set(raw, startTime=render_time(status.start_time))
    for wire, entries in (
        ("initContainerStatuses", status.init_container_statuses),
        ("containerStatuses", status.container_statuses),
        ("ephemeralContainerStatuses", status.ephemeral_container_statuses),
    ):
        if entries:
            raw[wire] = [container_status_raw(entry) for entry in entries]
    return _set(raw, qosClass=status.qos_class)
