"""Which releases may stand beside each other, and in which settings of a gate each can be run.

Source: documentation, page ``releases/version-skew-policy``; versions.md V-1 to V-3.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubesim.releases.gates import known_gates
from kubesim.releases.release import Release, parse_release
from kubesim.releases.tables import RELEASES


@dataclass(frozen=True, slots=True)
class GateSetting:
    """A release with one of its gates on or off."""

    release: str
    gate: str
    enabled: bool | None
    """None: the release does not know the gate."""
    is_default: bool
    """Nothing has to be set for it."""

    @property
    def feature_gates(self) -> dict[str, bool]:
        """What has to be set by hand."""
        return {} if self.is_default or self.enabled is None else {self.gate: self.enabled}

    @property
    def words(self) -> str:
        """``1.28 off``, ``1.29 on``; ``1.27`` where the gate is not known."""
        return self.release if self.enabled is None else f"{self.release} {'on' if self.enabled else 'off'}"


def gate_settings(gate: str, releases: tuple[str, ...] = RELEASES) -> tuple[GateSetting, ...]:
    """Every setting of a gate that a component of each release starts with, the default one first (V-3)."""
    found: list[GateSetting] = []
    for release in releases:
        spec = known_gates(parse_release(release)).get(gate)
        if spec is None:
            found.append(GateSetting(release, gate, None, True))
            continue
        found.append(GateSetting(release, gate, spec.default, True))
        if not spec.locked:
            found.append(GateSetting(release, gate, not spec.default, False))
    return tuple(found)


def is_supported_skew(apiserver: Release, kubelet: Release) -> bool:
    """Whether a kubelet may talk to this API server: never newer, and older by so many minors at most."""
    allowed: int = apiserver.policy("supported_kubelet_skew")
    return 0 <= apiserver.minor - kubelet.minor <= allowed
