"""What the objects of a simulated cluster have, as far as the digest of a state goes into it.

``python -m tests.unit.exploration.state_attributes`` writes it to ``state.yaml``. Before that, decide for what is new
whether it makes a difference from here on, or only counts what has been: then it belongs into ``LEFT_OUT``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import yaml

from kubesim import api
from kubesim.exploration import exhaustive_state
from kubesim.exploration.exhaustive_state import attributes, digest
from kubesim.sim.world import World
from kubesim.units import SECOND

ROOT: Final = Path(__file__).resolve().parents[3]
LISTED: Final = Path(__file__).with_name("state.yaml")
ROOMS: Final = ("kubesim.sim.", "kubesim.scripts.", "kubesim.store.")
"""Where state lives; what else is met are readings of objects, which never change."""
SOME: Final = (
    *("demo", "jobs/retries-never", "faults/node-lost", "faults/kubelet-restart-and-readiness"),
    *("faults/memory-runs-out", "sidecar-slows-a-rollout", "images/missing-image", "faults/drain-with-budget"),
)


def worlds() -> Iterator[World]:
    """Clusters in the middle of things."""
    paths = [ROOT / "scenarios" / f"{name}.yaml" for name in SOME]
    for path in paths:
        if path.exists():
            world = World(api.load(path))
            world.begin()
            for second in (0, 1, 5, 12, 40):
                world.clock.run(world.started + second * SECOND)
                yield world


def found() -> dict[str, list[str]]:
    """The attributes of every kind of object that the digest goes into."""
    met: dict[str, set[str]] = defaultdict(set)

    def noting(value: Any) -> dict[str, Any]:
        has = attributes(value)
        if type(value).__module__.startswith(ROOMS):
            met[type(value).__name__] |= set(has)
        return has

    with mock.patch.object(exhaustive_state, "attributes", noting):
        for world in worlds():
            digest(world)
    return {kind: sorted(names) for kind, names in sorted(met.items())}


if __name__ == "__main__":
    LISTED.write_text(yaml.safe_dump(found(), width=110, default_flow_style=None), encoding="utf-8")
