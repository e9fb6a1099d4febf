"""Typed view of a Node as far as scheduling reads it; ``node_view`` makes it from the raw object.

Source: ``api/core/v1`` NodeSpec and NodeStatus of 1.36; ``declaredFeatures`` is simply absent on older releases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kubesim.objects.pod import Wire
from kubesim.objects.quantity import parse_quantity


class Taint(Wire, frozen=True):
    """A taint; ``effect`` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str = ""
    value: str = ""
    effect: str = ""


class _Metadata(Wire, frozen=True):
    name: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class _Spec(Wire, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class _Status(Wire, frozen=True):
    allocatable: dict[str, str | int | float] = msgspec.field(default_factory=dict)
    declared_features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A Node as the scheduler sees it; ``allocatable`` holds amounts as :func:`amount_of` counts them."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    allocatable: Mapping[str, int] = field(default_factory=dict)
    declared_features: frozenset[str] = frozenset()


def amount_of(resource: str, written: str | int | float) -> int:
    """A quantity in the unit components calculate in: thousandths of a CPU, else whole units, rounded up."""
    quantity = parse_quantity(written)
    return quantity.milli_value() if resource == "cpu" else quantity.value()


def node_view(raw: dict[str, Any]) -> Node:
    """The typed view of a raw Node object.

    Raises :class:`msgspec.ValidationError` for a field of the wrong type, ValueError for an amount that is none.
    """
    metadata = msgspec.convert(raw.get("metadata") or {}, _Metadata)
    spec = msgspec.convert(raw.get("spec") or {}, _Spec)
    status = msgspec.convert(raw.get("status") or {}, _Status)
    return Node(
        name=metadata.name,
        labels=metadata.labels,
        taints=spec.taints,
        unschedulable=spec.unschedulable,
        allocatable={name: amount_of(name, written) for name, written in status.allocatable.items()},
        declared_features=frozenset(status.declared_features),
    )
