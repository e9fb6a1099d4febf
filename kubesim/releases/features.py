"""The gate table of one component, as rows and as the lines of the metric ``kubernetes_feature_enabled``.

Source: control-plane.md C-75 to C-77; component-base/metrics/prometheus/feature/metrics.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kubesim.releases.gates import ALL_STAGES, known_gates
from kubesim.releases.release import Component, Release, release
from kubesim.releases.tables import load

_METRIC: Final = "kubernetes_feature_enabled"
_METRIC_STAGES: Final = {"Alpha": "ALPHA", "Beta": "BETA", "GA": "", "Deprecated": "DEPRECATED"}


@dataclass(frozen=True, slots=True)
class Feature:
    """One gate of one component: what `kubesim features` prints in a line."""

    name: str
    stage: str
    """Alpha, Beta, GA or Deprecated."""
    default: bool
    enabled: bool
    locked: bool
    set_by_hand: bool
    reads: str | None
    """What the gate switches in this component; None where kubesim knows of nothing."""


def features(of: Release, component: Component | str | None = None) -> tuple[Feature, ...]:
    """The gates the component accepts, by name; another component of the same release and settings on request.

    All components register the same list, whether they use a gate or not (C-77). kubesim lists the gates that touch
    the life of a pod, which is a part of upstream's list.
    """
    shown = of if component is None else _for_component(of, component)
    settings = dict(shown.gate_settings)
    rows = [
        Feature(
            name=name,
            stage=spec.stage,
            default=spec.default,
            enabled=shown.enabled(name),
            locked=spec.locked,
            set_by_hand=name in settings,
            reads=load("feature_gates")[name].get("components", {}).get(shown.component.value),
        )
        for name, spec in known_gates(shown.point).items()
    ]
    rows += [
        Feature(name, stage, False, settings.get(name, False), False, name in settings, f"every gate of stage {stage}")
        for name, stage in ALL_STAGES.items()
    ]
    return tuple(sorted(rows, key=lambda row: row.name))


def metrics_lines(of: Release, component: Component | str | None = None) -> tuple[str, ...]:
    """The HELP and TYPE header and one gauge line for each gate, as `/metrics` of the component has them."""
    stability = of.policy("metrics_stability")
    head = (
        f"# HELP {_METRIC} [{stability}] This metric records the data about the stage and enablement of a k8s feature.",
        f"# TYPE {_METRIC} gauge",
    )
    lines = (
        f'{_METRIC}{{name="{row.name}",stage="{_METRIC_STAGES[row.stage]}"}} {int(row.enabled)}'
        for row in features(of, component)
    )
    return (*head, *lines)


def _for_component(of: Release, component: Component | str) -> Release:
    return release(of.name, dict(of.gate_settings), component=component, bugs=dict(of.bug_settings))
