"""What a node's ``kubeletConfig`` says, of the fields of KubeletConfiguration that a run acts upon.

Source: ``staging/src/k8s.io/kubelet/config/v1beta1/types.go``, defaults in ``pkg/kubelet/apis/config/v1beta1``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubesim.objects.quantity import parse_quantity
from kubesim.scenario.shapes import Field, Flag, Integer, Items, Length, Place, Quantity, Record, read
from kubesim.units import MINUTE, Duration

_MIB: Final = 2**20
_WITHOUT_LIMIT: Final = 2**31


@dataclass(frozen=True, slots=True)
class MemoryThreshold:
    """Below which many bytes of memory pods are evicted, and for how long (ns) it has to be so low before."""

    available: int
    grace: Duration = 0


@dataclass(frozen=True, slots=True)
class ShutdownPeriod:
    """How long (ns) pods of this priority or a higher one get when the machine shuts down, up to the next entry."""

    priority: int
    period: Duration


@dataclass(frozen=True, slots=True)
class KubeletConfig:
    """A kubelet's configuration; without anything, the defaults."""

    crash_maximum: Duration | None = None
    """``crashLoopBackOff.maxContainerRestartPeriod``."""
    hard_memory: MemoryThreshold = MemoryThreshold(100 * _MIB)
    soft_memory: MemoryThreshold | None = None
    eviction_max_pod_grace_seconds: int = 0
    pressure_transition: Duration = 5 * MINUTE
    shutdown_grace: Duration = 0
    shutdown_grace_critical: Duration = 0
    shutdown_by_priority: tuple[ShutdownPeriod, ...] = ()
    pulls_at_once: int = 1
    """How many images are pulled at the same time."""
    not_read: tuple[str, ...] = ()
    """Fields that were written and that no run acts upon."""


DEFAULT_KUBELET_CONFIG: Final = KubeletConfig()


def kubelet_config(written: Mapping[str, Any], place: Place) -> KubeletConfig:
    """The configuration; ScenarioError with its place for a value that does not fit.

    Fields that are known to Kubernetes and not to this are kept by name: the run says that it leaves them out.
    """
    known = {name: value for name, value in written.items() if name in _CONFIG.fields}
    config: KubeletConfig = read(_CONFIG, known, place)
    return config if len(known) == len(written) else _with_rest(config, [name for name in written if name not in known])


def _with_rest(config: KubeletConfig, names: list[str]) -> KubeletConfig:
    values = {name: getattr(config, name) for name in KubeletConfig.__slots__}
    return KubeletConfig(**{**values, "not_read": tuple(names)})


def _config(*, place: Place, **values: Any) -> KubeletConfig:
    hard, soft = values.pop("eviction_hard", None), values.pop("eviction_soft", None)
    graces = values.pop("eviction_soft_grace_period", {})
    if hard is not None:
        values["hard_memory"] = MemoryThreshold(_bytes(hard))
    if soft is not None:
        if "grace" not in graces:
            raise place.error('evictionSoft needs evictionSoftGracePeriod: {memory.available: "1m30s"}')
        values["soft_memory"] = MemoryThreshold(_bytes(soft), graces["grace"])
    serial, most = values.pop("serialize_image_pulls", True), values.pop("max_parallel_image_pulls", None)
    if serial and most not in (None, 1):
        raise (place / "maxParallelImagePulls").error("needs serializeImagePulls: false beside it")
    values["pulls_at_once"] = 1 if serial else most or _WITHOUT_LIMIT
    grace, critical = values.get("shutdown_grace", 0), values.get("shutdown_grace_critical", 0)
    if critical > grace:
        raise place.error("shutdownGracePeriodCriticalPods is longer than shutdownGracePeriod, of which it is a part")
    return KubeletConfig(**values)


def _bytes(signals: dict[str, str]) -> int:
    return parse_quantity(signals["memory_available"]).value() if "memory_available" in signals else 0


def _renamed(names: Mapping[str, str]) -> Any:
    """A maker that gives values the names they have in :class:`KubeletConfig`."""

    def make(*, place: Place, **values: Any) -> dict[str, Any]:
        return {names.get(name, name): value for name, value in values.items()}

    return make


def _by_priority(*, place: Place, priority: int, shutdown_grace_period_seconds: int) -> ShutdownPeriod:
    return ShutdownPeriod(priority, shutdown_grace_period_seconds * 10**9)


def _top(*, place: Place, **values: Any) -> KubeletConfig:
    names = {
        "crash_loop_back_off": "crash_maximum",
        "eviction_max_pod_grace_period": "eviction_max_pod_grace_seconds",
        "eviction_pressure_transition_period": "pressure_transition",
        "shutdown_grace_period": "shutdown_grace",
        "shutdown_grace_period_critical_pods": "shutdown_grace_critical",
        "shutdown_grace_period_by_pod_priority": "shutdown_by_priority",
    }
    return _config(place=place, **{names.get(name, name): value for name, value in values.items()})


def _first(*, place: Place, **values: Any) -> Any:
    return next(iter(values.values()), None)


_SIGNALS: Final = Record(
    _renamed({"memory.available": "memory_available"}),
    {"memory.available": Field(Quantity(), "An amount; a percentage is not read.")},
)
_CONFIG: Final = Record(
    _top,
    {
        "crashLoopBackOff": Field(Record(_first, {"maxContainerRestartPeriod": Field(Length())})),
        "evictionHard": Field(_SIGNALS),
        "evictionSoft": Field(_SIGNALS),
        "evictionSoftGracePeriod": Field(
            Record(_renamed({"memory.available": "grace"}), {"memory.available": Field(Length())})
        ),
        "evictionMaxPodGracePeriod": Field(Integer()),
        "evictionPressureTransitionPeriod": Field(Length()),
        "serializeImagePulls": Field(Flag()),
        "maxParallelImagePulls": Field(Integer(1)),
        "shutdownGracePeriod": Field(Length()),
        "shutdownGracePeriodCriticalPods": Field(Length()),
        "shutdownGracePeriodByPodPriority": Field(
            Items(
                Record(
                    _by_priority,
                    {
                        "priority": Field(Integer(None), required=True),
                        "shutdownGracePeriodSeconds": Field(Integer(), required=True),
                    },
                )
            )
        ),
    },
)
