"""What outlives a kubelet on its node: the runtime with its containers, the images, the pods' directories."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubesim.kubelet.observed import ProbeType
from kubesim.objects.pod import Pod
from kubesim.sim.probe_run import Answer
from kubesim.sim.runtime import Runtime
from kubesim.units import Instant


@dataclass(frozen=True, slots=True)
class Remains:
    """What one kubelet leaves to the next. ``began``: when the new process has come up."""

    runtime: Runtime
    images: frozenset[str]
    began: Instant
    pods: dict[str, Pod] = field(default_factory=dict)
    """The pods with something in the runtime, as the labels of their containers tell of them."""
    probe_overrides: dict[tuple[str, str, ProbeType], Answer] = field(default_factory=dict)
    """What the scenario has probes answer: no part of the process."""
